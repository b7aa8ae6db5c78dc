"""Permanence: in which hours of a day somebody was in an area for half of the hour; the daily permanence score.

Each event holds its place for a while before and after it. With the gap g to the event before, or after::

    g ≤ limit      the two meet in the middle, at a whole second
    g > limit      the event reaches 450 s towards the other
    limit          900 s between different cells; of one cell 7 200 s, and 28 800 s if both events lie between 23:00 of
                   the day before and 09:00

Of the days around only the last event before the day and the first after it are looked at. An event is passing, and
holds no place, if::

    max( |p(i−1) p(i)| + |p(i) p(i+1)|, |p(i−1) p(i+1)| ) / (t(i+1) − t(i−1)) > 50 km/h

with distances between cells, 0 where their footprints overlap or one has no position. Then, for an area a and an hour
h of the day::

    score(s, d, a, h) = 1 if seconds(s, d, a, h) ≥ 1 800, else 0

so an hour that was halved scores in both areas. Source: Eurostat, *multimno* 1.0, ``DailyPermanenceScore`` with 24
slots a day and its usual thresholds; there of tiles of a grid that a footprint covers, here of the areas of cells. An
event without an area, or abroad, holds none. When both events lie in the night is as its manual says: its code lets
the later of the two reach back to an event before the night, though the earlier does not reach forward to it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.network import metres, overlapping
from commonweal.mobility.sequences import Events

OTHER_CELL, SAME_CELL, SAME_CELL_AT_NIGHT = 900, 7_200, 28_800
NIGHT_BEGINS, NIGHT_ENDS = -3_600, 9 * 3_600
"""From midnight of the day, seconds."""
FASTEST = 50 / 3.6
"""Speed beyond which an event is passing, m/s."""
HOUR, DAY = 3_600, 86_400


@kernel()
def held(time: np.ndarray, span: np.ndarray, passing: np.ndarray, midnight: int) -> tuple:  # type: ignore[type-arg]
    """From when to when each event holds its place, float64 seconds; a passing one from its time to its time.

    Parameters
    ----------
    time, span, passing
        Of one subscriber's events: the last before the day, those of the day, the first after it.
    midnight
        When the day's date begins.

    Examples
    --------
    Twice in one cell at noon, an hour apart, then in another, an hour later:

    >>> held(np.array([43200, 46800, 50400]), np.array([1, 1, 2]), np.zeros(3, np.bool_), 0)
    (array([42750., 45000., 49950.]), array([45000., 47250., 50850.]))
    """
    begins, ends = np.empty(len(time)), np.empty(len(time))
    for i in range(len(time)):
        begins[i], ends[i] = time[i] - OTHER_CELL / 2, time[i] + OTHER_CELL / 2
    for i in range(len(time) - 1):
        limit = OTHER_CELL
        if span[i] == span[i + 1]:
            limit = SAME_CELL
            if time[i] >= midnight + NIGHT_BEGINS and time[i + 1] <= midnight + NIGHT_ENDS:
                limit = SAME_CELL_AT_NIGHT
        if time[i + 1] - time[i] <= limit:
            ends[i] = begins[i + 1] = time[i] + (time[i + 1] - time[i]) // 2
    for i in range(len(time)):
        if passing[i]:
            begins[i] = ends[i] = time[i]
    return begins, ends


@kernel()
def passing_by(
    time: np.ndarray, span: np.ndarray, place: np.ndarray, first: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Whether each event of one subscriber is passing, bool; the first and the last never are.

    Parameters
    ----------
    place, first, other
        Of `Network`.
    """
    found = np.zeros(len(time), np.bool_)
    for i in range(1, len(time) - 1):
        taken = time[i + 1] - time[i - 1]
        before = _apart(span[i - 1], span[i], place, first, other)
        after = _apart(span[i], span[i + 1], place, first, other)
        across = _apart(span[i - 1], span[i + 1], place, first, other)
        found[i] = taken > 0 and max(before + after, across) / taken > FASTEST
    return found


@kernel(inline="always")
def _apart(one: int, two: int, place: np.ndarray, first: np.ndarray, other: np.ndarray) -> float:
    if one == two or np.isnan(place[one, 0]) or np.isnan(place[two, 0]) or overlapping(first, other, one, two):
        return 0.0
    return metres(place, one, two)


@kernel()
def permanence(
    subscriber: np.ndarray,
    time: np.ndarray,
    day: np.ndarray,
    area: np.ndarray,
    span: np.ndarray,
    days: np.ndarray,
    midnights: np.ndarray,
    hours: np.ndarray,
    clock: np.ndarray,
    own: int,
    until: int,
    areas: int,
    place: np.ndarray,
    first: np.ndarray,
    other: np.ndarray,
) -> tuple:  # type: ignore[type-arg]
    """The hours of each subscriber's day in which an area scores 1.

    Parameters
    ----------
    subscriber, time, day, area, span
        As in `Events`; area -1 is none.
    days, midnights
        Edges of days; when the date on which each begins does, seconds.
    hours, clock
        Edges of hours, and which hour of the clock each is.
    own, until
        First and last-exclusive index of the days that are asked for.
    areas
        How many areas there are.
    place, first, other
        Of `Network`.

    Returns
    -------
    subscriber, day, area, hours
        int64, int32, int32, int32: a row for each area that scores; bit h of hours is the hour h of the clock.
    """
    room = 3 * len(time)  # a row has an event of its own day, or the one before or after it
    whose, when = np.empty(room, np.int64), np.empty(room, np.int32)
    where, bits = np.empty(room, np.int32), np.empty(room, np.int32)
    seconds = np.zeros(areas)
    size, begin = 0, 0
    while begin < len(time):
        end = begin + 1
        d = day[begin]
        while end < len(time) and subscriber[end] == subscriber[begin] and day[end] == d:
            end += 1
        low, high = begin, end
        if begin > 0 and subscriber[begin - 1] == subscriber[begin] and day[begin - 1] == d - 1:
            low -= 1
        if end < len(time) and subscriber[end] == subscriber[begin] and day[end] == d + 1:
            high += 1
        if own <= d < until:
            passing = passing_by(time[low:high], span[low:high], place, first, other)
            begins, ends = held(time[low:high], span[low:high], passing, midnights[d])
            start = size
            h = np.searchsorted(hours, days[d])
            earliest = 0  # events before it have ended
            while hours[h] < days[d + 1]:
                while earliest < high - low and ends[earliest] <= hours[h]:
                    earliest += 1
                i = earliest
                while i < high - low and begins[i] < hours[h + 1]:
                    if area[low + i] >= 0 and ends[i] > hours[h]:
                        seconds[area[low + i]] += min(ends[i], hours[h + 1]) - max(begins[i], hours[h])
                    i += 1
                for j in range(earliest, i):
                    a = area[low + j]
                    if a >= 0 and 2 * seconds[a] >= HOUR:  # of two areas at most
                        row = start
                        while row < size and where[row] != a:
                            row += 1
                        if row == size:
                            whose[row], when[row], where[row], bits[row] = subscriber[begin], d, a, 0
                            size += 1
                        bits[row] |= 1 << clock[h]
                    if a >= 0:
                        seconds[a] = 0.0
                h += 1
        begin = end
    return whose[:size].copy(), when[:size].copy(), where[:size].copy(), bits[:size].copy()


def derive(events: Events, window: Window) -> pa.Table:
    """Give the scores of each subscriber's day, sorted by (subscriber, day)."""
    assert window.wall is not None
    assert window.network is not None
    shown = window.wall[np.searchsorted(window.hours, window.days)]
    midnights = window.days - shown % DAY
    network = window.network
    subscriber, day, area, hours = permanence(
        events.subscriber,
        events.time,
        events.day,
        events.area,
        events.span,
        window.days,
        midnights,
        window.hours,
        window.wall % DAY // HOUR,
        *window.own_days,
        window.areas,
        network.place,
        network.first,
        network.other,
    )
    return pa.table(
        {
            "subscriber": subscriber,
            "start": window.days[day].astype(np.int32),
            "date": (shown[day] // DAY).astype(np.int32),
            "begins": (shown[day] % DAY // HOUR).astype(np.int8),
            "area": area,
            "hours": hours,
        }
    )


DERIVATION = Derivation("permanence", derive, lookback=1, lookahead=1, network=True)
