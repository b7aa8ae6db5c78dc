"""Activity: how many events a day brought, so that a reader sees a day that is not whole.

For a day d, over all events, located or not::

    events(d) = |{ i : day(i) = d }|

Everybody in an area in an hour took at least one event there, so an exact figure would bound what is suppressed of
presence, and of flows: it is rounded, or withheld.
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
from commonweal.mobility.bounding import Unprotected
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures.quality import daily_subscribers
from commonweal.mobility.sequences import Events

DATASET = Dataset(
    name="mobility.activity",
    title=Wording("Daily events"),
    description=Wording("How many events were recorded on a day, rounded so that they complete no suppressed table."),
    dimensions=(Dimension("start", "timestamp", Wording("When the day begins."), hierarchy="period"),),
    measures=(Value("events", "integer", Wording("Calls, messages, data sessions."), "{events}", Kind.SUM),),
    attributes=(Attribute("rounded_to", "integer", Wording("The figure is rounded down to a multiple of this.")),),
    privacy=Privacy.PEOPLE,
    keywords=("quality", "activity", "mobile phone data"),
    theme="SOCI",
)


@kernel()
def daily_events(day: np.ndarray, days: int) -> np.ndarray:
    """counts[d] = |{i : day[i] = d}|.

    Examples
    --------
    >>> daily_events(np.array([0, 1, 0]), 2)
    array([2, 1])
    """
    counts = np.zeros(days, np.int64)
    for i in range(len(day)):
        counts[day[i]] += 1
    return counts


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's events by day, and the people behind them."""
    days = len(window.days) - 1
    return keyed_counts(
        {"start": window.days[:-1] + window.starts},
        {
            "events": daily_events(events.day, days),
            "people": daily_subscribers(events.subscriber_day, events.day, days),
        },
    )


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name the days."""
    return pa.table({"start": scope.times(counts["start"]), "events": counts["events"], "people": counts["people"]})


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every day."""
    return pa.table({"start": scope.times(scope.days[:-1])})


def at_least(published: Mapping[str, pa.Table]) -> pa.Table:
    """What a reader knows a day to have at least.

    An event for each subscriber in each area and hour; or one for each flow that each of them is in, and one more for
    each who moved, who are at least as many as the largest flow has. And one for each subscriber of the day whom the
    day's presence does not explain: they may have been in no area. Where device activity is published of the same run,
    all events that it tells of.
    """
    from commonweal.disclosure.totals import parts_by

    presence = published["presence"]
    hourly = pc.equal(presence["period"], "hour")
    days = parts_by(presence.filter(pc.invert(hourly)), "subscribers", ["start"]).sort_by("start")
    starts = _seconds(days)
    hours = presence.filter(hourly)
    day_of = np.searchsorted(starts, _seconds(hours), side="right") - 1
    stays = parts_by(hours.append_column("day", pa.array(day_of)), "subscribers", ["day"]).sort_by("day")
    moves = parts_by(published["flows"], "subscribers", ["start"])
    moved = _on_days(starts, moves, pc.add(moves["reported"], moves["largest"]))
    seen = _on_days(starts, published["quality"], pc.fill_null(published["quality"]["subscribers"], 0))
    nowhere = np.maximum(seen - days["reported"].to_numpy(), 0)
    known = np.maximum(stays["reported"].to_numpy(), moved)
    suppressed = stays["suppressed"]
    if (activity := published.get("device_activity")) is not None:
        day_of = np.searchsorted(starts, _seconds(activity), side="right") - 1
        told = parts_by(activity.append_column("day", pa.array(day_of)), "events", ["day"]).sort_by("day")
        known, suppressed = np.maximum(known, told["reported"].to_numpy()), told["suppressed"]
    known = known + nowhere
    if (flags := published.get("flags")) is not None:
        flagged = parts_by(flags, "events", ["start"])
        known = np.maximum(known, _on_days(starts, flagged, flagged["reported"]))
    return pa.table({"start": days["start"], "reported": known, "suppressed": suppressed})


def _on_days(starts: np.ndarray, table: pa.Table, values: pa.ChunkedArray) -> np.ndarray:
    """Give a table's values in the order of the days, 0 for a day without one."""
    ordered = np.zeros(len(starts), np.int64)
    ordered[np.searchsorted(starts, _seconds(table))] = values.to_numpy()
    return ordered


def _seconds(table: pa.Table) -> np.ndarray:
    return table["start"].cast(pa.int64()).to_numpy() // 1_000_000


# One person may take any number of events; with those beyond a bound cut off, it would no longer say whether a day's
# records are whole, which is all that it is for.
PROTECTION = Unprotected(
    Wording("one person may have any number of events, and cutting them off would tell a wrong figure")
)
CHOICES = {"no_area": Wording("counted")}
MEASURE = Measure(
    DATASET,
    count,
    finish,
    grid,
    PROTECTION,
    at_least=at_least,
    beside=("presence", "flows", "quality"),
    choices=CHOICES,
)
