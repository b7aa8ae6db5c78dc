"""Stay to stay: distinct subscribers who stayed in one area and next stayed in another, or in the same one again.

With the stays of `stays`, each in the area of the first of its cells that lies in one, and stays of no area left out.
Where stays j and j + 1 follow one another in a subscriber's time, and j + 1 is no part of j that midnight cut off::

    flow(d, o, t) = |{ s(j) : s(j) = s(j + 1), a(j) = o, a(j + 1) = t, start(j + 1) lies in day d,
                              start(j + 1) − end(j) ≤ 24 · 3 600 s }|

So a flow belongs to the day on which the later stay begins: the day of arrival. The area left is that of the day on
which the earlier stay ends. Who leaves and comes back counts in o = t. Between two stays lie moves, shorter stops, time
abroad or silence, a day of them at most. Days before the run are looked at too, so a day has the same flows in every
run.

Source: stays are the *stay* segments of Eurostat's multimno 1.0 (``ContinuousTimeSegmentation``); trips from one stay
to the next: L. Alexander, S. Jiang, M. Murga, M. C. González, *Origin–destination trips by purpose and time of day
inferred from mobile phone data* (2015).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.cleaning.parameters import CHOICES as CLEANING
from commonweal.mobility.measure import Derivation, Measure, Scope, Window
from commonweal.mobility.measures import pairs
from commonweal.mobility.sequences import Events, distinct
from commonweal.mobility.stays.derivations import SETTLED, stay_segments
from commonweal.mobility.stays.parameters import CHOICES as STAYS
from commonweal.mobility.stays.parameters import DEFAULT, LOOKBACK
from commonweal.mobility.stays.segmenting import State

LAG = 86_400
"""How long may lie between two stays, seconds."""
BACK = 2
"""Days that hold it, though a clock is moved."""

DATASET = pairs.dataset(
    "flows_stays",
    Wording("Flows from stay to stay"),
    Wording(
        "Distinct subscribers who stayed in one area and next in another, or in the same again, by the day on which "
        "the later stay begins."
    ),
)


def stays_by_area(events: Events, window: Window) -> pa.Table:
    """Give stays of a day and their areas, sorted by subscriber and time."""
    row, start, end, state, _, begins, cells = stay_segments(events, window, DEFAULT)
    subscriber = events.subscriber.take(row)
    assert window.network is not None
    area_of_span = np.full(len(window.network), -1, np.int32)
    area_of_span[events.span] = events.area
    stays = np.flatnonzero(state == State.STAY)
    return pa.table(
        {
            "subscriber": subscriber[stays],
            "start": start[stays],
            "end": end[stays],
            "area": first_located(area_of_span[cells], begins, stays),
        }
    )


@kernel()
def first_located(area: np.ndarray, begins: np.ndarray, of: np.ndarray) -> np.ndarray:
    """The first area of each of some lists that is one, else -1; int32.

    Examples
    --------
    >>> first_located(np.array([-1, 3, 2, -1]), np.array([0, 3, 4]), np.array([0, 1]))
    array([ 3, -1], dtype=int32)
    """
    found = np.full(len(of), -1, np.int32)
    for i in range(len(of)):
        for j in range(begins[of[i]], begins[of[i] + 1]):
            if area[j] >= 0:
                found[i] = area[j]
                break
    return found


@kernel()
def next_stays(
    subscriber: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    area: np.ndarray,
    days: np.ndarray,
    own: int,
    until: int,
    lag: int,
) -> tuple:  # type: ignore[type-arg]
    """Every pair of stays that follow one another, of which the later begins from `own` to before `until`.

    Parameters
    ----------
    subscriber, start, end, area
        Of stays sorted by (subscriber, start); area -1 is none.
    days
        Edges of days.

    Returns
    -------
    later, earlier
        int64, shape (pairs,): rows.

    Examples
    --------
    In area 0 until midnight and after it, then in area 1, then in 1 again:

    >>> next_stays(np.zeros(4, np.int64), np.array([50, 100, 150, 170]), np.array([100, 140, 160, 200]),
    ...            np.array([0, 0, 1, 1]), np.array([0, 100, 200]), 0, 200, 60)
    (array([2, 3]), array([1, 2]))
    """
    later, earlier = np.empty(len(start), np.int64), np.empty(len(start), np.int64)
    size, before = 0, -1
    for i in range(len(start)):
        if i and subscriber[i] != subscriber[i - 1]:
            before = -1
        if area[i] < 0:
            continue
        cut = i > 0 and subscriber[i] == subscriber[i - 1] and end[i - 1] == start[i]
        if cut:
            place = np.searchsorted(days, start[i])
            cut = place < len(days) and days[place] == start[i]
        if before >= 0 and not cut and own <= start[i] < until and start[i] - end[before] <= lag:
            later[size], earlier[size] = i, before
            size += 1
        before = i
    return later[:size].copy(), earlier[:size].copy()


def derive(rows: pa.Table, window: Window) -> pa.Table:
    """Give each subscriber's stays of the window's own days that follow another."""
    subscriber, start, end, area = (rows[name].to_numpy() for name in ("subscriber", "start", "end", "area"))
    own, until = window.own or (int(window.days[0]), int(window.days[-1]))
    later, earlier = next_stays(subscriber, start, end, area, window.days, own, until, LAG)
    return pa.table(
        {
            "subscriber": subscriber[later],
            "start": start[later],
            "origin": area[earlier],
            "destination": area[later],
        }
    )


AREAS = Derivation(
    "stay_areas",
    stays_by_area,
    of=SETTLED,
    lookback=LOOKBACK,
    lookahead=1,
    network=True,
    parameters=str(DEFAULT),
)
DERIVATION = Derivation("stay_pairs", derive, of=AREAS, lookback=BACK, kept=False)


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who is a part of which flows."""
    subscriber, start, origin, destination = (
        rows[name].to_numpy() for name in ("subscriber", "start", "origin", "destination")
    )
    day = np.searchsorted(window.days, start, side="right") - 1
    begins = window.days[day].astype(np.int64) + window.starts
    key = pairs.keys(begins, origin, destination, window.areas)
    once, _ = distinct(subscriber, key)
    return {"": Members(subscriber[once], day[once], key[once])}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept."""
    return pairs.counted(keys[""], window.areas)


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's people by day of arrival and pair of areas."""
    return pairs.counted(members(rows, window)[""].key, window.areas)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and days."""
    return pairs.finished(counts, scope)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of areas on every day."""
    return pairs.whole_grid(DATASET, scope, scope.days[:-1])


PROTECTION = Protection(
    title=Wording("Flows from stay to stay, with noise"),
    description=Wording(
        "Distinct subscribers who stayed in one area and next in another, or in the same again, by the day on "
        "which the later stay begins, with noise that hides any one of them."
    ),
    keys={"": {Unit.DAY: 4, Unit.WEEK: 16, Unit.MONTH: 45}},
    members=members,
    counted=counted,
)
CHOICES = {
    **CLEANING,
    **STAYS,
    "pairs": Wording("consecutive stays of 15 minutes or more; a stay that midnight cuts is one"),
    "day": Wording("on which the later stay begins"),
    "area_of_a_stay": Wording("of the first of its cells that lies in one"),
    "lag_seconds": LAG,
    "staying": True,
    "no_area": Wording("left out before stays follow one another"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=DERIVATION, network=True, usual=False, choices=CHOICES)
