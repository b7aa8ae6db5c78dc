"""Consecutive locations, staying counted: distinct subscribers seen in one area and next in another or in the same.

For a day d and areas o and t, where events i and i + 1 follow one another in a subscriber's located events of the day::

    flow(d, o, t) = |{ s(i) : s(i) = s(i + 1), day(i) = day(i + 1) = d, a(i) = o, a(i + 1) = t }|

It is `flows` and, for o = t, who was seen twice in a row in an area, be it within one second.

Source: *trips between consecutive locations per day* in Flowminder's aggregates of mobile operator data for COVID-19
(2020).
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures import flows, pairs
from commonweal.mobility.sequences import Events

DATASET = pairs.dataset(
    "flows_consecutive",
    Wording("Flows, staying counted"),
    Wording("Distinct subscribers seen in one area and next in another, or again in the same, during a day."),
)


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's flows by day."""
    found = flows.flows(events.subscriber_day, events.day, events.area, window.areas, True)
    return flows.keyed(found, window)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and days."""
    return pairs.finished(counts, scope)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of areas on every day."""
    return pairs.whole_grid(DATASET, scope, scope.days[:-1])


def members(events: Events, window: Window) -> Mapping[str, Members]:
    """Say who is a part of which flows."""
    return flows.members(events, window, staying=True)


PROTECTION = Protection(
    title=Wording("Flows with staying, with noise"),
    description=Wording(
        "Distinct subscribers seen in one area and next in another, or again in the same, during a day, with noise "
        "that hides any one of them."
    ),
    keys={"": {Unit.DAY: 8, Unit.WEEK: 30, Unit.MONTH: 75}},
    members=members,
    counted=flows.counted,
)
CHOICES = {
    "pairs": Wording("consecutive locations within a day"),
    "staying": True,
    "no_area": Wording("left out before events follow one another"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, usual=False, choices=CHOICES)
