"""Flows within a day and between days: who came to an area from another, also from where they were days before.

For a day d and areas o ≠ t::

    within-day(d, o, t) = |{ s : min τ(s, d, o) < max τ(s, d, t) }|
    inter-day(d, o, t)  = |{ s : the first located event of s on d is in t, the one before it on an earlier day in o,
                                 and no more than 7 · 86 400 seconds lie between the two }|
    either(d, o, t)     = distinct subscribers in one of the two, or in both

The World Bank's *origin-destination connection matrix* adds the first two, so that who is in both counts twice; its
``total_count`` is their sum. Whoever is in inter-day on d is in it for one pair.

Events outside every area are left out before events follow one another, as in all flows here; the World Bank's query
keeps them as an area of their own. Days before the run are looked at too, so a day has the same flows in every run.

Source: World Bank, *COVID-19 Mobility Task Force*, indicator 5 (2020).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dimension
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Derivation, Measure, Scope, Window
from commonweal.mobility.measures import pairs, visits

LAG = 7 * 86_400
"""How long may lie between two events of different days, seconds."""
LOOKBACK = 8
"""Days that hold it, though a clock is moved."""
WITHIN, BETWEEN, EITHER = range(3)
PARTS = ("within-day", "inter-day", "either")

DATASET = pairs.dataset(
    "flows_lagged",
    Wording("Flows within and between days"),
    Wording(
        "Distinct subscribers who came from one area to another during a day, or since an earlier one, a week ago at "
        "most."
    ),
    Dimension(
        "part",
        "string",
        Wording("Within the day, between days, or either."),
        title=Wording("Within or between days"),
    ),
)


@kernel()
def lagged(
    subscriber: np.ndarray,
    start: np.ndarray,
    area: np.ndarray,
    earliest: np.ndarray,
    latest: np.ndarray,
    opens: np.ndarray,
    own: int,
    until: int,
    lag: int,
) -> tuple:  # type: ignore[type-arg]
    """Every flow of every subscriber on days that begin from `own` to before `until`.

    Parameters
    ----------
    subscriber, start, area, earliest, latest, opens
        Of visits sorted by (subscriber, start, last event).

    Returns
    -------
    subscriber, start, part, origin, destination
        int64, int32, int8, int32, int32, shape (members,): by subscriber and start.

    Examples
    --------
    On one day in area 0; six days later first in area 1, then in 0:

    >>> found = lagged(np.array([7, 7, 7]), np.array([0, 518400, 518400], np.int32), np.array([0, 1, 0], np.int32),
    ...                np.array([50, 518410, 518420]), np.array([60, 518415, 518430]), np.array([1, 1, 0]), 0, 604800,
    ...                604800)
    >>> [PARTS[part] for part in found[2]], found[3].tolist(), found[4].tolist()
    (['within-day', 'either', 'inter-day', 'either'], [1, 1, 0, 0], [0, 0, 1, 1])
    """
    size = 0
    for writing in range(2):
        room = size if writing else 0
        whose, begun = np.empty(room, np.int64), np.empty(room, np.int32)
        part, origin, destination = np.empty(room, np.int8), np.empty(room, np.int32), np.empty(room, np.int32)
        size, begin, before = 0, 0, -1
        while begin < len(subscriber):
            end, first = begin, begin
            while end < len(subscriber) and subscriber[end] == subscriber[begin] and start[end] == start[begin]:
                if opens[end]:
                    first = end
                end += 1
            if own <= start[begin] < until:
                came = before >= 0 and subscriber[before] == subscriber[begin] and area[before] != area[first]
                came = came and earliest[first] - latest[before] <= lag
                both = False
                for i in range(begin, end):
                    for j in range(begin, end):
                        if i != j and earliest[i] < latest[j]:
                            if came and area[i] == area[before] and j == first:
                                both = True
                            for each in (WITHIN, EITHER):
                                if writing:
                                    whose[size], begun[size], part[size] = subscriber[i], start[i], each
                                    origin[size], destination[size] = area[i], area[j]
                                size += 1
                if came:
                    for each in (BETWEEN, EITHER):
                        if each == EITHER and both:
                            continue
                        if writing:
                            whose[size], begun[size], part[size] = subscriber[first], start[first], each
                            origin[size], destination[size] = area[before], area[first]
                        size += 1
            before = end - 1
            begin = end
    return whose, begun, part, origin, destination


def derive(rows: pa.Table, window: Window) -> pa.Table:
    """Give each subscriber's flows of the window's own days."""
    names = ("subscriber", "start", "area", "earliest", "latest", "opens")
    subscriber, start, area, earliest, latest, opens = (rows[name].to_numpy() for name in names)
    own, until = window.own or (int(window.days[0]), int(window.days[-1]))
    found = lagged(subscriber, start, area, earliest, latest, opens, own, until, LAG)
    return pa.table(dict(zip(("subscriber", "start", "part", "origin", "destination"), found, strict=True)))


DERIVATION = Derivation("lagged", derive, of=visits.DERIVATION, lookback=LOOKBACK, kept=False)


def _keys(rows: pa.Table, window: Window) -> np.ndarray:
    """Give each row's key: start, part and pair of areas."""
    start, part, origin, destination = (rows[name].to_numpy() for name in ("start", "part", "origin", "destination"))
    begins = start.astype(np.int64) + window.starts
    return pairs.keys(begins, origin, destination, window.areas, part, len(PARTS))


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who is a part of which flows, within days, between them, and either way."""
    subscriber, start, part = (rows[name].to_numpy() for name in ("subscriber", "start", "part"))
    key, day = _keys(rows, window), np.searchsorted(window.days, start)
    return {name: Members(*(of[part == each] for of in (subscriber, day, key))) for each, name in enumerate(PARTS)}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept."""
    return pa.concat_tables(pairs.counted(keys[name], window.areas, len(PARTS)) for name in PARTS)


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's flows by day: within days, between them, and either way."""
    return pairs.counted(_keys(rows, window), window.areas, len(PARTS))


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas, parts and days."""
    return pairs.finished(counts, scope, "part", PARTS)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of different areas on every day, in each part."""
    return pairs.whole_grid(DATASET, scope, scope.days[:-1], "part", PARTS, staying=False)


PROTECTION = Protection(
    title=Wording("Flows within and between days, with noise"),
    description=Wording(
        "Distinct subscribers who came from one area to another during a day, or since an earlier one, a week ago "
        "at most, with noise that hides any one of them."
    ),
    keys={
        "within-day": {Unit.DAY: 6, Unit.WEEK: 24, Unit.MONTH: 60},
        "inter-day": {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31},
        "either": {Unit.DAY: 6, Unit.WEEK: 24, Unit.MONTH: 60},
    },
    members=members,
    counted=counted,
    level="part",
)
CHOICES = {
    "pairs": Wording("within a day all pairs; between days from the last located event to the next"),
    "staying": False,
    "lag_seconds": LAG,
    "no_area": Wording("left out before events follow one another"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=DERIVATION, usual=False, choices=CHOICES)
