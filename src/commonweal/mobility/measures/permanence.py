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
slots a day and its usual thresholds; there of tiles of a grid that a footprint covers, here of the areas of cells. Only
events without any flag are looked at; one without an area, or abroad, holds none. When both events lie in the night is
as its manual says: its code lets the later of the two reach back to an event before the night, though the earlier does
not reach forward to it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.mobility.cleaning.flagging import Flag
from commonweal.mobility.cleaning.semantic import CLEANED
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.network import metres, overlapping, squared
from commonweal.mobility.sequences import Events

OTHER_CELL, SAME_CELL, SAME_CELL_AT_NIGHT = 900, 7_200, 28_800
NIGHT_BEGINS, NIGHT_ENDS = -3_600, 9 * 3_600
"""From midnight of the day, seconds."""
FASTEST = 50 / 3.6
"""Speed beyond which an event is passing, m/s."""
HOUR, DAY = 3_600, 86_400


@kernel(inline="always")
def between(one: int, two: int, same: bool, midnight: int) -> tuple[int, int]:
    """Until when an event holds its place, and from when on the next one does.

    Parameters
    ----------
    one, two
        Their times, seconds.
    same
        Whether they are of one cell.
    midnight
        When the day's date begins.

    Examples
    --------
    Twice in one cell, at noon and an hour later, then in another, again an hour later:

    >>> between(43200, 46800, True, 0), between(46800, 50400, False, 0)
    ((45000, 45000), (47250, 49950))
    """
    limit = OTHER_CELL
    if same:
        limit = SAME_CELL
        if one >= midnight + NIGHT_BEGINS and two <= midnight + NIGHT_ENDS:
            limit = SAME_CELL_AT_NIGHT
    if two - one <= limit:
        middle = one + (two - one) // 2
        return middle, middle
    return one + OTHER_CELL // 2, two - OTHER_CELL // 2


@kernel()
def is_passing(
    taken: int,
    before: int,
    here: int,
    after: int,
    place: np.ndarray,
    first: np.ndarray,
    other: np.ndarray,
    farthest: float,
) -> bool:
    """Say whether an event is passing, by the cells before it, of it and after it, and the seconds between the two.

    Parameters
    ----------
    place, first, other
        Of `Network`.
    farthest
        How far apart the sites of two footprints stand at most that overlap, metres.
    """
    if taken <= 0 or (before == here and here == after):
        return False
    # Along the ground it is at most π / 2 times as far as straight on, and across no farther than by way of the place.
    one, two = np.sqrt(squared(place, before, here)), np.sqrt(squared(place, here, after))
    if (one + two) * 1.5708 <= FASTEST * taken:
        return False
    if (one > farthest) * one + (two > farthest) * two > 1.000001 * FASTEST * taken:
        return True
    back, on = _apart(before, here, place, first, other), _apart(here, after, place, first, other)
    return max(back + on, _apart(before, after, place, first, other)) / taken > FASTEST


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
    farthest: float,
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
    place, first, other, farthest
        Of `Network`; how far apart spans stand at most that overlap.

    Returns
    -------
    subscriber, day, area, hours
        int64, int32, int32, int32: a row for each area that scores; bit h of hours is the hour h of the clock.
    """
    room = 3 * len(time)  # a row has an event of its own day, or the one before or after it
    whose, when = np.empty(room, np.int64), np.empty(room, np.int32)
    where, bits = np.empty(room, np.int32), np.empty(room, np.int32)
    seconds, met = np.zeros(areas, np.int64), np.empty(areas, np.int64)  # of the present hour
    begins_with = np.searchsorted(hours, days)
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
            start, h, meeting = size, begins_with[d], 0
            since = time[low] - OTHER_CELL // 2  # from when on the event holds its place, and until when
            following = since
            for i in range(low, high):
                until_when = time[i] + OTHER_CELL // 2
                if i + 1 < high:
                    until_when, following = between(time[i], time[i + 1], span[i] == span[i + 1], midnights[d])
                a, from_when = area[i], max(since, days[d])
                since, until_when = following, min(until_when, days[d + 1])
                if a < 0 or from_when >= until_when:
                    continue
                if low < i < high - 1:
                    taken = time[i + 1] - time[i - 1]
                    if is_passing(taken, span[i - 1], span[i], span[i + 1], place, first, other, farthest):
                        continue
                while True:
                    if from_when >= hours[h + 1]:
                        if meeting:
                            size = _score(
                                subscriber[begin],
                                d,
                                start,
                                size,
                                clock[h],
                                seconds,
                                met[:meeting],
                                whose,
                                when,
                                where,
                                bits,
                            )
                            meeting = 0
                        while from_when >= hours[h + 1]:
                            h += 1
                    if seconds[a] == 0:
                        met[meeting] = a
                        meeting += 1
                    stop = min(until_when, hours[h + 1])
                    seconds[a] += stop - from_when
                    if stop == until_when:
                        break
                    from_when = stop
            if meeting:
                size = _score(
                    subscriber[begin], d, start, size, clock[h], seconds, met[:meeting], whose, when, where, bits
                )
        begin = end
    return whose[:size].copy(), when[:size].copy(), where[:size].copy(), bits[:size].copy()


@kernel()
def _score(
    subscriber: int,
    day: int,
    start: int,
    size: int,
    clock: int,
    seconds: np.ndarray,
    met: np.ndarray,
    whose: np.ndarray,
    when: np.ndarray,
    where: np.ndarray,
    bits: np.ndarray,
) -> int:
    """Score an hour in the areas that hold half of it, in rows of this day from `start` on; say how many there are."""
    for a in met:
        if 2 * seconds[a] >= HOUR:  # of two areas at most
            row = start
            while row < size and where[row] != a:
                row += 1
            if row == size:
                whose[row], when[row], where[row], bits[row] = subscriber, day, a, 0
                size += 1
            bits[row] |= 1 << clock
        seconds[a] = 0
    return size


def derive(events: Events, window: Window) -> pa.Table:
    """Give the scores of each subscriber's day, of events without any flag, sorted by (subscriber, day)."""
    events = events.where(events.columns["flag"] == Flag.NONE)
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
        network.farthest_overlap,
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


DERIVATION = Derivation("permanence", derive, of=CLEANED, lookback=1, lookahead=1, network=True)
