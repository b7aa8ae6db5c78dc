"""Device activity: how many events the devices in an area brought during an hour, and how many devices they were.

For an hour h and an area a, with events i of subscriber s(i) at time t(i) in area a(i)::

    events(h, a)      = |{ i : t(i) ∈ h, a(i) = a }|
    subscribers(h, a) = |{ s(i) : t(i) ∈ h, a(i) = a }|

Events count nobody: they are a sum of contributions, n(s) events of subscriber s, and a sum tells of whoever
contributes most of it. So it is published only if enough people stand behind it and nobody dominates it, max n(s) ≤
p/100 · Σ n(s), p = 50 (`commonweal.disclosure.dominance`), and hidden sums are protected from being worked out
(`commonweal.disclosure.amounts`).

Source: *device activity statistics* of multimno 1.0 (Eurostat, 2025), which counts the events of a device by hour and
cell; here by area, over all devices.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.grouping import groups
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.mobility.borders.counted import SUBSCRIBERS, complete
from commonweal.mobility.bounding import Unprotected
from commonweal.mobility.contributed import added_up
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.sequences import Events

DATASET = Dataset(
    name="mobility.device_activity",
    title=Wording("Device activity"),
    description=Wording("Events by area and hour, and the distinct subscribers who took them."),
    dimensions=(
        Dimension("area", "area", Wording("Where they were seen."), hierarchy="area"),
        Dimension("start", "timestamp", Wording("When the hour begins."), hierarchy="period"),
    ),
    measures=(
        SUBSCRIBERS,
        Value("events", "integer", Wording("Calls, messages, data sessions."), "{events}", Kind.SUM),
    ),
    privacy=Privacy.PEOPLE,
    keywords=("activity", "events", "mobile phone data"),
    theme="SOCI",
)


@kernel()
def contributions(visit: np.ndarray, area: np.ndarray, areas: int) -> tuple:  # type: ignore[type-arg]
    """How many events each subscriber had in each area of each hour, for events sorted by visit.

    Parameters
    ----------
    visit, area
        ``subscriber_hour`` and ``area`` of `Events`.

    Returns
    -------
    first, events
        The row of the first of them, and how many they are, int64.

    Examples
    --------
    >>> contributions(np.array([0, 0, 0, 1]), np.array([1, 0, 1, -1]), 2)
    (array([0, 1]), array([2, 1]))
    """
    first, events = np.empty(len(visit), np.int64), np.empty(len(visit), np.int64)
    stamp, slot = np.full(areas, -1, np.int64), np.zeros(areas, np.int64)
    size = 0
    for i in range(len(visit)):
        a = area[i]
        if a < 0:
            continue
        if stamp[a] != visit[i]:
            stamp[a], slot[a] = visit[i], size
            first[size], events[size] = i, 0
            size += 1
        events[slot[a]] += 1
    return first[:size].copy(), events[:size].copy()


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's subscribers by area, hour, and how many events they had there.

    A largest contribution cannot be added up over buckets; who contributes how much can.
    """
    first, many = contributions(events.subscriber_hour, events.area, window.areas)
    hour, area = events.hour[first], events.area[first]
    row, number = groups([hour, area, many])
    keys = {"start": window.hours[hour[row]] + window.starts, "area": area[row], "events": many[row]}
    return keyed_counts(keys, {"people": np.bincount(number, minlength=len(row))})


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Add up what everybody contributed; name areas and hours.

    Examples
    --------
    Three subscribers with one event, one with five:

    >>> edges = np.array([0, 3600])
    >>> counts = keyed_counts({"start": [0, 0], "area": [0, 0], "events": [1, 5]}, {"people": [3, 1]})
    >>> row = finish(counts, Scope(("A",), edges, edges)).to_pylist()[0]
    >>> row["events"], row["events_largest"], row["events_second"], row["people"]
    (8, 5, 1, 4)
    """
    keys, sums = added_up(counts, ["start", "area"], "events")
    return pa.table(
        {
            "area": scope.codes(keys["area"]),
            "start": scope.times(keys["start"]),
            "subscribers": sums["people"],
            **sums,
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every area in every hour."""
    return complete(DATASET, scope, start=scope.times(scope.hours[:-1]))


PROTECTION = Unprotected(
    Wording("one person may have any number of events, and cutting them off would tell a wrong figure")
)
CHOICES = {"no_area": Wording("left out"), "dominance": Wording("nobody has more than half of a published sum")}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, usual=False, choices=CHOICES)
