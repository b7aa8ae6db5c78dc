"""Home area: where a subscriber's days most often end.

With last(s, d) the area of the last located event of subscriber s on day d (see `last_location`)::

    home(s) = the a that maximises (|{d : last(s, d) = a}|, max{d : last(s, d) = a})

the mode over the days of the run, ties going to the area of the most recent day; and counted by area::

    residents(a) = |{ s : home(s) = a }|

Every subscriber has at most one home, so residents add up over areas.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window, product
from commonweal.mobility.measures import last_location

DATASET = Dataset(
    name="mobility.home",
    title=Wording("Home areas"),
    description=Wording("Subscribers by the area where their days most often end."),
    dimensions=(
        Dimension("area", "area", Wording("The home area."), hierarchy="area"),
        Dimension("start", "timestamp", Wording("When the days that were looked at begin."), hierarchy="period"),
    ),
    measures=(
        Value(
            "subscribers",
            "integer",
            Wording("Subscribers whose home area it is."),
            "{subscribers}",
            Kind.SUM,
            counts="subscribers",
            union_over=("start",),
        ),
    ),
    privacy=Privacy.PEOPLE,
    keywords=("home", "residents", "mobile phone data"),
    theme="SOCI",
)


@kernel()
def home(subscriber: np.ndarray, area: np.ndarray) -> tuple:  # type: ignore[type-arg]
    """home(s) for every subscriber, from last areas sorted by (subscriber, day).

    Parameters
    ----------
    subscriber
        int64, shape (subscriber-days,)
    area
        int32, shape (subscriber-days,)

    Returns
    -------
    subscriber, area
        int64 and int32, shape (subscribers,)

    Examples
    --------
    Days of subscriber 7 end in areas 1, 2, 2; those of 9 in 1 and 3, a tie that the later day decides:

    >>> home(np.array([7, 7, 7, 9, 9]), np.array([1, 2, 2, 1, 3], np.int32))
    (array([7, 9]), array([2, 3], dtype=int32))
    """
    whose = np.empty(len(subscriber), np.int64)
    where = np.empty(len(subscriber), np.int32)
    size = 0
    start = 0
    while start < len(subscriber):
        end = start
        while end < len(subscriber) and subscriber[end] == subscriber[start]:
            end += 1
        most = 0
        for i in range(end - 1, start - 1, -1):  # from the most recent day, so a tie keeps the more recent area
            if i - start + 1 <= most:  # an area not met yet lies in the days that are left: too few
                break
            if most and area[i] == where[size]:  # counted already
                continue
            days = 0
            for j in range(start, i + 1):
                days += area[j] == area[i]
            if days > most:
                most = days
                where[size] = area[i]
        whose[size] = subscriber[start]
        size += 1
        start = end
    return whose[:size].copy(), where[:size].copy()


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's residents by area."""
    _, area = home(rows["subscriber"].to_numpy(), rows["area"].to_numpy())
    return _keyed(area, window)


def _keyed(area: np.ndarray, window: Window) -> pa.Table:
    people = np.bincount(area, minlength=window.areas)
    found = np.flatnonzero(people)
    return keyed_counts({"area": found}, {"people": people[found]})


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas; say from when on days were looked at."""
    return pa.table(
        {
            "area": scope.codes(counts["area"].to_numpy()),
            "start": scope.times(np.full(counts.num_rows, scope.days[0])),
            "subscribers": counts["people"],
            "people": counts["people"],
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every area."""
    return product(area=pa.array(scope.areas, pa.string()), start=scope.times(scope.days[:1]))


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who is a resident of which area: each of one, found over all days, so all stand on the first."""
    subscriber, area = home(rows["subscriber"].to_numpy(), rows["area"].to_numpy())
    return {"": Members(subscriber, np.zeros(len(subscriber), np.int64), area.astype(np.int64))}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the residents that were kept, who are all."""
    return _keyed(keys[""], window)


PROTECTION = Protection(
    title=Wording("Home areas, with noise"),
    description=Wording(
        "Subscribers by the area where their days most often end, with noise that hides any one of them."
    ),
    keys={"": {Unit.DAY: 1, Unit.WEEK: 1, Unit.MONTH: 1}},
    members=members,
    counted=counted,
    whole_run=True,
)
CHOICES = {
    "home": Wording("last location of the day, mode over days, tie to the most recent"),
    "no_area": Wording("left out"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=last_location.DERIVATION, window="run", choices=CHOICES)
