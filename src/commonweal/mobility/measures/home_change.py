"""Home change: subscribers by their home area of one week or month and of the next.

For consecutive periods p and q of one unit, all of whose days are in the run, with the home by the last locations of
the days of a period, as in `home`::

    change(q, o, t) = |{ s : home(s, p) = o, home(s, q) = t }|

Who stays counts in o = t; who has no home in one of the two counts nowhere. Weeks begin on Monday, months on the first.
Everybody is in one pair of each period.

Source: *count of home relocations* in Flowminder's aggregates of mobile operator data for COVID-19 (2020), which
compares each week with one period of reference; here each is compared with the one before it, so that a period has the
same figures in every run.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dimension, Kind
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures import pairs, visits
from commonweal.mobility.measures.home import home

UNITS = ("week", "month")
DAY = 86_400

DATASET = pairs.dataset(
    "home_change",
    Wording("Change of home"),
    Wording("Subscribers by their home area in one week or month and in the next."),
    Dimension("period", "string", Wording("The unit of time: week or month."), title=Wording("Unit of time")),
    kind=Kind.SUM,
)


def period_of(date: np.ndarray, unit: int) -> np.ndarray:
    """Give the number of the week or month of days from 1970, int64.

    >>> period_of(np.array([3, 4, 31]), 0), period_of(np.array([3, 4, 31]), 1)
    (array([0, 1, 4]), array([0, 0, 1]))
    """
    if unit == 0:  # 1 January 1970 was a Thursday
        return (date.astype(np.int64) + 3) // 7
    return date.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def whole_periods(dates: np.ndarray, unit: int) -> dict[int, int]:
    """Give the periods all of whose days there are, and where in `dates` each begins.

    >>> whole_periods(np.arange(4, 20), 0)
    {1: 0, 2: 7}
    """
    around = np.arange(dates[0] - 1, dates[-1] + 2)
    edges = around[1:][np.diff(period_of(around, unit)) != 0]
    return {int(period_of(np.array([a]), unit)[0]): int(np.searchsorted(dates, a)) for a in edges[:-1]}


@kernel()
def followed(subscriber: np.ndarray, period: np.ndarray) -> np.ndarray:
    """The rows that are followed by the same subscriber's next period, for rows sorted by both.

    >>> followed(np.array([7, 7, 7, 9]), np.array([1, 2, 4, 5]))
    array([0])
    """
    rows = np.empty(len(subscriber), np.int64)
    size = 0
    for i in range(len(subscriber) - 1):
        rows[size] = i
        size += (subscriber[i] == subscriber[i + 1]) & (period[i] + 1 == period[i + 1])
    return rows[:size].copy()


def changes(
    subscriber: np.ndarray, date: np.ndarray, area: np.ndarray, unit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give every subscriber's homes of two consecutive periods.

    Parameters
    ----------
    subscriber, date, area
        Where each of a subscriber's days ended, sorted by (subscriber, date).

    Returns
    -------
    subscriber, period, origin, destination
        The period is the later one.

    Examples
    --------
    A week in area 2, the next mostly in area 5:

    >>> changes(np.full(5, 7), np.array([4, 5, 11, 12, 13]), np.array([2, 2, 5, 2, 5], np.int32), 0)
    (array([7]), array([2]), array([2], dtype=int32), array([5], dtype=int32))
    """
    period = period_of(date, unit)
    # `home` finds one of each number, so a subscriber's periods are numbered on.
    new = np.ones(len(period), bool)
    new[1:] = (np.diff(subscriber) != 0) | (np.diff(period) != 0)
    _, where = home(np.cumsum(new) - 1, area)
    whose, when = subscriber[new], period[new]
    rows = followed(whose, when)
    return whose[rows], when[rows + 1], where[rows], where[rows + 1]


def _dates(window: Window) -> np.ndarray:
    """Give the date of each day of the run."""
    assert window.wall is not None
    return np.asarray(window.wall[np.searchsorted(window.hours, window.days[:-1])] // DAY)


def compared(window: Window, unit: int) -> dict[int, int]:
    """Give the periods that follow another in the run, and the UTC second at which each begins."""
    whole = whole_periods(_dates(window), unit)
    return {period: int(window.days[at] + window.starts) for period, at in whole.items() if period - 1 in whole}


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who is in which pair of which period: found over all days, so all stand on the first."""
    subscriber, date, area = (rows[name].to_numpy() for name in ("subscriber", "date", "area"))
    ends = np.ones(len(date), bool)
    ends[:-1] = (np.diff(subscriber) != 0) | (np.diff(date) != 0)
    people, keys = [], []
    for unit in range(len(UNITS)):
        begins = compared(window, unit)
        whose, period, origin, destination = changes(subscriber[ends], date[ends], area[ends], unit)
        inside = np.isin(period, list(begins))
        start = np.array([begins[p] for p in period[inside].tolist()], np.int64)
        people.append(whose[inside])
        keys.append(pairs.keys(start, origin[inside], destination[inside], window.areas, unit, len(UNITS)))
    found, key = np.concatenate(people), np.concatenate(keys)
    order = np.lexsort((key, found))
    return {"": Members(found[order], np.zeros(len(found), np.int64), key[order])}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept; a period is told of, so that the grid has it though nobody is in it."""
    found = pairs.counted(keys[""], window.areas, len(UNITS))
    nobody = [
        {"origin": 0, "destination": 0, "part": unit, "start": at, "people": 0}
        for unit in range(len(UNITS))
        for at in compared(window, unit).values()
    ]
    return pa.concat_tables([found, pa.Table.from_pylist(nobody, found.schema)])


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's homes by period and the one before it."""
    return counted({"": members(rows, window)[""].key}, window)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas, units and periods."""
    return pairs.finished(counts, scope, "period", UNITS)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of areas in every period that follows another in the run."""
    part, start = counts["part"].to_numpy(), counts["start"].to_numpy()
    return pa.concat_tables(
        pairs.whole_grid(DATASET, scope, np.unique(start[part == unit]), "period", (name,))
        for unit, name in enumerate(UNITS)
    )


PROTECTION = Protection(
    title=Wording("Change of home, with noise"),
    description=Wording(
        "Subscribers by their home area in one week or month and in the next, with noise that hides any one of them."
    ),
    keys={"": {Unit.DAY: 1, Unit.WEEK: 1, Unit.MONTH: 5}},
    members=members,
    counted=counted,
    whole_run=True,
    grows=True,
)
CHOICES = {
    "home": Wording("last location of the day, mode over the days of the period, tie to the most recent"),
    "compared_with": Wording("the week or month before"),
    "week_starts": Wording("Monday"),
    "staying": True,
    "no_area": Wording("left out"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=visits.DERIVATION, usual=False, choices=CHOICES)
