"""Presence: distinct subscribers seen in an area during an hour, and during a day.

For a period p and an area a, with events i of subscriber s(i) at time t(i) in area a(i)::

    presence(p, a) = |{ s(i) : t(i) ∈ p, a(i) = a }|

Each unit of time is counted from events: a day's presence is not the sum of its hours', since people stay.
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
from commonweal.mobility.sequences import Events

DATASET = Dataset(
    name="mobility.presence",
    title=Wording("Presence"),
    description=Wording("Distinct subscribers seen in an area during an hour or a day."),
    dimensions=(
        Dimension("area", "area", Wording("Where they were seen."), hierarchy="area"),
        Dimension("period", "string", Wording("The unit of time: hour or day."), title=Wording("Unit of time")),
        Dimension("start", "timestamp", Wording("When the hour or day begins."), hierarchy="period"),
    ),
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
    privacy=Privacy.PEOPLE,
    keywords=("presence", "population present", "mobile phone data"),
    theme="SOCI",
)
UNITS = ("hour", "day")


@kernel()
def presence(visit: np.ndarray, period: np.ndarray, area: np.ndarray, periods: int, areas: int) -> np.ndarray:
    """counts[p, a] = |{visit[i] : period[i] = p, area[i] = a}|, for events sorted by visit.

    A visit is one subscriber in one period, so counting visits counts subscribers.

    Parameters
    ----------
    visit, period, area
        As in `Events`: ``subscriber_hour`` with ``hour``, or ``subscriber_day`` with ``day``; area -1 is none.
    periods, areas
        How many there are.

    Returns
    -------
    int64, shape (periods, areas)

    Examples
    --------
    One subscriber twice in area 0 during the first hour, then in area 1; another in area 1 at the end:

    >>> presence(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 2, 2)
    array([[1, 0],
           [0, 2]])
    """
    counts = np.zeros((periods, areas + 1), np.int64)  # index -1 is the last column: events outside every area
    counted_in = np.full(areas + 1, -1, np.int32)  # for each area, the last visit that was counted there
    for i in range(len(visit)):  # without a branch, which would be mispredicted as often as people move
        counts[period[i], area[i]] += counted_in[area[i]] != visit[i]
        counted_in[area[i]] = visit[i]
    return counts[:, :areas]


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's presence by hour and by day."""
    parts = []
    by_hour, by_day = (events.subscriber_hour, events.hour), (events.subscriber_day, events.day)
    for unit, (visits, edges) in enumerate(((by_hour, window.hours), (by_day, window.days))):
        counts = presence(*visits, events.area, len(edges) - 1, window.areas)
        period, area = np.nonzero(counts)
        keys = {"unit": np.full(len(area), unit), "start": edges[period] + window.starts, "area": area}
        parts.append(keyed_counts(keys, {"people": counts[period, area]}))
    return pa.concat_tables(parts)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name units, times and areas."""
    return pa.table(
        {
            "area": scope.codes(counts["area"].to_numpy()),
            "period": pa.array(UNITS).take(counts["unit"].combine_chunks()),
            "start": scope.times(counts["start"]),
            "subscribers": counts["people"],
            "people": counts["people"],
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every area in every hour and every day."""
    areas = pa.array(scope.areas, pa.string())
    return pa.concat_tables(
        product(area=areas, period=pa.array([unit]), start=scope.times(edges[:-1]))
        for unit, edges in zip(UNITS, (scope.hours, scope.days), strict=True)
    )


@kernel()
def first_seen(visit: np.ndarray, area: np.ndarray, areas: int) -> np.ndarray:
    """The rows at which a visit is first seen in an area: each person, period and area once, for sorted events.

    Examples
    --------
    >>> first_seen(np.array([0, 0, 0, 1]), np.array([0, 1, 0, -1]), 2)
    array([0, 1])
    """
    rows = np.empty(len(visit), np.int64)
    counted_in = np.full(areas + 1, -1, np.int32)
    size = 0
    for i in range(len(visit)):
        rows[size] = i
        size += (counted_in[area[i]] != visit[i]) & (area[i] >= 0)
        counted_in[area[i]] = visit[i]
    return rows[:size].copy()


def members(events: Events, window: Window) -> Mapping[str, Members]:
    """Say who is a part of which hour's and which day's presence."""
    found = {}
    by_hour, by_day = (events.subscriber_hour, events.hour), (events.subscriber_day, events.day)
    for unit, (visits, periods), edges in zip(UNITS, (by_hour, by_day), (window.hours, window.days), strict=True):
        rows = first_seen(visits, events.area, window.areas)
        key = (edges[periods[rows]] + window.starts) * window.areas + events.area[rows]
        found[unit] = Members(events.subscriber[rows], events.day[rows].astype(np.int64), key)
    return found


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept."""
    parts = []
    for number, unit in enumerate(UNITS):
        key, people = np.unique(keys[unit], return_counts=True)
        start, area = np.divmod(key, window.areas)
        named = {"unit": np.full(len(key), number), "start": start, "area": area}
        parts.append(keyed_counts(named, {"people": people}))
    return pa.concat_tables(parts)


PROTECTION = Protection(
    title=Wording("Presence, with noise"),
    description=Wording(
        "Distinct subscribers seen in an area during an hour or a day, with noise that hides any one of them."
    ),
    keys={
        "hour": {Unit.DAY: 24, Unit.WEEK: 120, Unit.MONTH: 480},
        "day": {Unit.DAY: 4, Unit.WEEK: 20, Unit.MONTH: 60},
    },
    members=members,
    counted=counted,
    level="period",
)
CHOICES = {"no_area": Wording("left out")}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, choices=CHOICES)
