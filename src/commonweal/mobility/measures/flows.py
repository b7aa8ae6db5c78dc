"""Flows: distinct subscribers who moved from one area to another during a day.

For a day d and areas o ≠ t, where events i and i + 1 follow one another in a subscriber's located events of the day::

    flow(d, o, t) = |{ s(i) : s(i) = s(i + 1), day(i) = day(i + 1) = d, a(i) = o, a(i + 1) = t }|

These are consecutive locations: someone seen in A, B, then C counts in A→B and B→C, not in A→C. Events outside every
area are left out before locations are consecutive.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.errors import Refused
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window, product
from commonweal.mobility.sequences import Events, distinct

DATASET = Dataset(
    name="mobility.flows",
    title=Wording("Flows"),
    description=Wording("Distinct subscribers seen in one area and next in another during a day."),
    dimensions=(
        Dimension("origin", "area", Wording("Where they were seen first."), hierarchy="area"),
        Dimension("destination", "area", Wording("Where they were seen next."), hierarchy="area"),
        Dimension("start", "timestamp", Wording("When the day begins."), hierarchy="period"),
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
    keywords=("mobility", "origin-destination", "mobile phone data"),
    theme="TRAN",
)
LARGEST_GRID = 20_000_000
DENSE = 4_000_000


@kernel()
def flows(
    subscriber_day: np.ndarray, day: np.ndarray, area: np.ndarray, areas: int, staying: bool = False
) -> np.ndarray:
    """The key (d · areas + o) · areas + t of every member of every flow(d, o, t), for sorted events.

    A key stands there once for each distinct subscriber, so counting equal keys counts people.

    Parameters
    ----------
    subscriber_day, day, area
        As in `Events`; area -1 is none.
    areas
        How many areas there are.
    staying
        Whether o = t counts too.

    Returns
    -------
    int64, shape (members,)

    Examples
    --------
    Someone goes from area 0 to area 1, back, and to area 1 again: in 0→1 (key 1) once, in 1→0 (key 2) once.

    >>> flows(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 0]), np.array([0, 1, 0, 1]), 2)
    array([1, 2])
    """
    members = np.empty(len(area), np.int64)
    size = 0
    own = 0  # where the keys of this subscriber's day begin
    before = -1
    last = -1
    for i in range(len(area)):
        # As few branches as can be: one that is mispredicted costs more than all the rest.
        follows = subscriber_day[i] == last
        last = subscriber_day[i]
        own = own if follows else size
        before = before if follows else -1
        if area[i] < 0:
            continue
        key = (np.int64(day[i]) * areas + before) * areas + area[i]
        member = (before >= 0) & (staying | (area[i] != before))
        if size > own and member:
            for j in range(own, size):
                if members[j] == key:
                    member = False
                    break
        members[size] = key  # holds if it is a member; otherwise the next one takes its place
        size += member
        before = area[i]
    return members[:size].copy()


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's flows by day."""
    return keyed(flows(events.subscriber_day, events.day, events.area, window.areas), window)


def keyed(found: np.ndarray, window: Window) -> pa.Table:
    """Count keys as `flows` gives them."""
    keys, people = _counted(found, (len(window.days) - 1) * window.areas**2)
    pair, destination = np.divmod(keys, window.areas)
    day, origin = np.divmod(pair, window.areas)
    return keyed_counts(
        {"origin": origin, "destination": destination, "start": window.days[day] + window.starts}, {"people": people}
    )


def _counted(members: np.ndarray, keys: int) -> tuple[np.ndarray, np.ndarray]:
    """Count equal keys: in a dense array while that is small, else by sorting them."""
    if keys > DENSE:
        return np.unique(members, return_counts=True)
    counts = np.bincount(members, minlength=1)
    found = np.flatnonzero(counts)
    return found, counts[found]


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and days."""
    return pa.table(
        {
            "origin": scope.codes(counts["origin"].to_numpy()),
            "destination": scope.codes(counts["destination"].to_numpy()),
            "start": scope.times(counts["start"]),
            "subscribers": counts["people"],
            "people": counts["people"],
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of different areas on every day.

    Raises
    ------
    Refused
        There are too many: a table without its empty pairs would tell who never met the threshold.
    """
    if len(scope.areas) ** 2 * (len(scope.days) - 1) > LARGEST_GRID:
        raise Refused(
            f"flows between {len(scope.areas)} areas over {len(scope.days) - 1} days are too many to publish whole",
            where=DATASET.name,
            expected=f"fewer days, or larger areas: at most {LARGEST_GRID:,} rows",
        )
    areas = pa.array(scope.areas, pa.string())
    pairs = product(origin=areas, destination=areas, start=scope.times(scope.days[:-1]))
    return pairs.filter(pc.not_equal(pairs["origin"], pairs["destination"]))


@kernel()
def moves(subscriber_day: np.ndarray, area: np.ndarray, staying: bool = False) -> tuple:  # type: ignore[type-arg]
    """Every event that lies in another area than the last located one of the same subscriber's day, repeats included.

    Where staying counts, every event that follows a located one.

    Returns
    -------
    rows, origins
        int64, shape (moves,): the event, and the area before it.

    Examples
    --------
    >>> moves(np.array([0, 0, 0, 1]), np.array([0, 1, 0, 1]))
    (array([1, 2]), array([0, 1]))
    """
    rows, origins = np.empty(len(area), np.int64), np.empty(len(area), np.int64)
    size, before, last = 0, -1, -1
    for i in range(len(area)):
        before = before if subscriber_day[i] == last else -1
        last = subscriber_day[i]
        if area[i] < 0:
            continue
        rows[size], origins[size] = i, before
        size += (before >= 0) & (staying | (area[i] != before))
        before = area[i]
    return rows[:size].copy(), origins[:size].copy()


def members(events: Events, window: Window, staying: bool = False) -> Mapping[str, Members]:
    """Say who is a part of which flows, of staying too if that counts."""
    rows, origins = moves(events.subscriber_day, events.area, staying)
    start = window.days[events.day[rows]] + window.starts
    key = (start * window.areas + origins) * window.areas + events.area[rows]
    once, _ = distinct(events.subscriber_day[rows], key)
    return {"": Members(events.subscriber[rows[once]], events.day[rows[once]].astype(np.int64), key[once])}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept."""
    start, pair = np.divmod(keys[""], window.areas**2)
    day = np.searchsorted(window.days, start - window.starts)
    return keyed(day * window.areas**2 + pair, window)


PROTECTION = Protection(
    title=Wording("Flows, with noise"),
    description=Wording(
        "Distinct subscribers seen in one area and next in another during a day, with noise that hides any one of them."
    ),
    keys={"": {Unit.DAY: 6, Unit.WEEK: 24, Unit.MONTH: 60}},
    members=members,
    counted=counted,
)
CHOICES = {
    "flows": Wording("consecutive locations within a day, without staying"),
    "staying": False,
    "no_area": Wording("left out before events follow one another"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, choices=CHOICES)
