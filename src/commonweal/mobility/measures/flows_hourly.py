"""Flows by hour: distinct subscribers who came from one area to another within an hour.

For an hour h of a day and areas o ≠ t, where events i and i + 1 follow one another in a subscriber's located events of
the day::

    flow(h, o, t) = |{ s(i) : s(i) = s(i + 1), day(i) = day(i + 1), hour(i + 1) = h, a(i) = o, a(i + 1) = t }|

These are the moves of `flows`, each in the hour in which the later event lies: that of arrival, as far as it was seen.
Who makes one move in several hours counts in each of them, so hours do not add up to the day.

Source: as of *trips between consecutive locations* in Flowminder's aggregates of mobile operator data for COVID-19
(2020), by hour.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures import pairs
from commonweal.mobility.measures.flows import moves
from commonweal.mobility.sequences import Events, distinct

DATASET = pairs.dataset(
    "flows_hourly",
    Wording("Flows by hour"),
    Wording("Distinct subscribers seen in one area and next in another, by the hour in which they are seen there."),
)


def members(events: Events, window: Window) -> Mapping[str, Members]:
    """Say who is a part of which flows of which hours."""
    rows, origins = moves(events.subscriber_day, events.area)
    start = window.hours[events.hour[rows]].astype(np.int64) + window.starts
    key = pairs.keys(start, origins, events.area[rows], window.areas)
    once, _ = distinct(events.subscriber_day[rows], key)
    return {"": Members(events.subscriber[rows[once]], events.day[rows[once]].astype(np.int64), key[once])}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept."""
    return pairs.counted(keys[""], window.areas)


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's flows by hour."""
    return pairs.counted(members(events, window)[""].key, window.areas)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and hours."""
    return pairs.finished(counts, scope)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of different areas in every hour."""
    return pairs.whole_grid(DATASET, scope, scope.hours[:-1], staying=False)


PROTECTION = Protection(
    title=Wording("Flows by hour, with noise"),
    description=Wording(
        "Distinct subscribers seen in one area and next in another, by the hour in which they are seen there, with "
        "noise that hides any one of them."
    ),
    keys={"": {Unit.DAY: 8, Unit.WEEK: 32, Unit.MONTH: 80}},
    members=members,
    counted=counted,
)
CHOICES = {
    "pairs": Wording("consecutive locations within a day"),
    "hour": Wording("of the later of the two events"),
    "staying": False,
    "no_area": Wording("left out before events follow one another"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, usual=False, choices=CHOICES)
