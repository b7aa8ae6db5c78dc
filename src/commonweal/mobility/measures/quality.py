"""Daily subscribers: how many people stand behind a day's tables, so that a reader can judge them.

For a day d, over all events, located or not::

    subscribers(d) = |{ s(i) : day(i) = d }|

It is the union of presence by area, and in a run of one day at least the sum of homes, so an exact figure would tell
about suppressed areas: it is rounded, or withheld.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Attribute, Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.sequences import Events

DATASET = Dataset(
    name="mobility.quality",
    title=Wording("Daily subscribers"),
    description=Wording("How many subscribers were seen on a day, rounded so that it completes no suppressed table."),
    dimensions=(Dimension("start", "timestamp", Wording("When the day begins."), hierarchy="period"),),
    measures=(
        Value(
            "subscribers",
            "integer",
            Wording("Distinct subscribers."),
            "{subscribers}",
            Kind.UNION,
            counts="subscribers",
        ),
    ),
    attributes=(Attribute("rounded_to", "integer", Wording("The figure is rounded down to a multiple of this.")),),
    privacy=Privacy.PEOPLE,
    keywords=("quality", "coverage", "mobile phone data"),
    theme="SOCI",
)


@kernel()
def daily_subscribers(subscriber_day: np.ndarray, day: np.ndarray, days: int) -> np.ndarray:
    """counts[d] = |{subscriber_day[i] : day[i] = d}|, for sorted events.

    Examples
    --------
    >>> daily_subscribers(np.array([0, 0, 1]), np.array([0, 0, 0]), 1)
    array([2])
    """
    counts = np.zeros(days, np.int64)
    for i in range(len(day)):
        counts[day[i]] += i == 0 or subscriber_day[i] != subscriber_day[i - 1]
    return counts


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's subscribers by day."""
    people = daily_subscribers(events.subscriber_day, events.day, len(window.days) - 1)
    return keyed_counts({"start": window.days[:-1] + window.starts}, {"people": people})


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name the days."""
    return pa.table(
        {"start": scope.times(counts["start"]), "subscribers": counts["people"], "people": counts["people"]}
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every day."""
    return pa.table({"start": scope.times(scope.days[:-1])})


def at_least(published: Mapping[str, pa.Table]) -> pa.Table:
    """What a reader knows a day to have at least: those in its fullest area, and in a run of one day all with a home.

    Over one day, home is where the day ends, so everybody with a home was seen on that day; over several it is not.
    """
    from commonweal.disclosure.totals import parts_by

    presence = published["presence"]
    days = parts_by(presence.filter(pc.equal(presence["period"], "day")), "subscribers", ["start"])
    known = days["largest"].to_numpy()
    if days.num_rows == 1:
        known = np.maximum(known, parts_by(published["home"], "subscribers", [])["reported"].to_numpy())
    return pa.table({"start": days["start"], "reported": known, "suppressed": days["suppressed"]})


def members(events: Events, window: Window) -> Mapping[str, Members]:
    """Say who was seen on which day."""
    new = np.diff(events.subscriber_day, prepend=-1) != 0
    day = events.day[new].astype(np.int64)
    return {"": Members(events.subscriber[new], day, window.days[day] + window.starts)}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the days that were kept."""
    day = np.searchsorted(window.days, keys[""] - window.starts)
    people = np.bincount(day, minlength=len(window.days) - 1)
    return keyed_counts({"start": window.days[:-1] + window.starts}, {"people": people})


PROTECTION = Protection(
    title=Wording("Daily subscribers, with noise"),
    description=Wording("How many subscribers were seen on a day, with noise that hides any one of them."),
    keys={"": {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31}},
    members=members,
    counted=counted,
)
CHOICES = {"no_area": Wording("counted")}
MEASURE = Measure(
    DATASET, count, finish, grid, PROTECTION, at_least=at_least, beside=("presence", "home"), choices=CHOICES
)
