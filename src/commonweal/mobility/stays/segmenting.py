"""Time segments: one kernel that cuts the whole time of every subscriber."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from commonweal.core.kernels import kernel
from commonweal.mobility.network import overlapping
from commonweal.mobility.sequences import period_of


class State(IntEnum):
    """What a subscriber does in a segment.

    ==============  ===========================================================================================
    UNKNOWN         nothing is known: silent for too long
    STAY            in one place, or under cells that all overlap, for long enough
    MOVE            between two places that do not overlap
    UNDETERMINED    in one place, not yet long enough for a stay
    ABROAD          under another country's network
    ==============  ===========================================================================================
    """

    UNKNOWN = 0
    STAY = 1
    MOVE = 2
    UNDETERMINED = 3
    ABROAD = 4


_UNKNOWN, _STAY, _MOVE, _UNDETERMINED, _ABROAD = range(5)


def segments(
    subscriber: np.ndarray,
    day: np.ndarray,
    time: np.ndarray,
    span: np.ndarray,
    abroad: np.ndarray,
    plmn: np.ndarray,
    first: np.ndarray,
    other: np.ndarray,
    days: np.ndarray,
    own: tuple[int, int],
    limits: Sequence[int],
    lookback: int,
) -> tuple[np.ndarray, ...]:
    """Cut the time of every subscriber into segments, for sorted events; `docs/methods.md` has the rules.

    The segments of a day are those that come of the events from `lookback` days before it to the first event of the day
    after it, so they are the same whichever days are cut together. One chain of segments is followed through all days;
    where something older than `lookback` days could still tell in it, a new one is begun that many days before.

    Parameters
    ----------
    subscriber, day, time, span
        As in `Events`; from `lookback` days before the days whose segments are asked for to one day after.
    abroad, plmn
        Whether an event was abroad, and in which network.
    first, other
        As in `Network`.
    days
        Edges of the days.
    own
        First and last-exclusive day whose segments are asked for.
    limits
        The fields of `Segmenting` in their order.
    lookback
        Days.

    Returns
    -------
    row, start, end, state, plmn, begins, cells
        Of each segment: an event of its subscriber, int32; its time, int32; a `State`, int8; the network abroad, else
        0, int32; and ``cells[begins[s]:begins[s + 1]]``, the spans it was seen in, int32. Ordered by subscriber, time.

    Examples
    --------
    One cell at 1:00 and 1:20: known from five minutes before to the last event, a stay of 25 minutes.

    >>> from dataclasses import astuple
    >>> from commonweal.mobility.stays.parameters import DEFAULT
    >>> none = np.zeros(2, np.int64)
    >>> _, start, end, state, _, _, _ = segments(none, none, np.array([3600, 4800]), none, none > 0, none,
    ...     np.array([0, 0]), none[:0], np.array([0, 86400]), (0, 1), astuple(DEFAULT), 3)
    >>> start.tolist(), end.tolist(), state.tolist()
    ([0, 3300, 4800], [3300, 4800, 86400], [0, 1, 0])
    """
    active = int(np.count_nonzero((np.diff(subscriber) != 0) | (np.diff(day) != 0))) + 1
    # An event ends at most three segments and midnight cuts one; a silence gives one for each day that is looked back.
    room = 4 * len(time) + (lookback + 3) * active
    out = np.empty((6, room), np.int32)
    # All cells of a segment overlap its first one.
    held = np.empty(int(np.diff(first).max(initial=0)) + 1, np.int32)
    events = (subscriber, day, time, span, abroad, plmn)
    net = (first, other, days)
    flat = np.empty(len(time) + 1, np.int32)
    while True:
        rows, cells = _cut(*events, *net, *own, *limits, lookback, held, out, flat)
        if cells <= len(flat):
            break
        flat = np.empty(cells, np.int32)
    row, start, end, state, network, count = out[:, :rows]
    begins = np.concatenate([[0], np.cumsum(count, dtype=np.int64)])
    return row, start, end, state.astype(np.int8), network, begins, flat[:cells]


@kernel()
def _cut(
    subscriber: np.ndarray,
    day: np.ndarray,
    time: np.ndarray,
    span: np.ndarray,
    abroad: np.ndarray,
    plmn: np.ndarray,
    first: np.ndarray,
    other: np.ndarray,
    days: np.ndarray,
    own_first: Any,
    own_last: Any,
    least_stay: Any,
    stay_gap: Any,
    move_gap: Any,
    abroad_gap: Any,
    pad: Any,
    lookback: Any,
    held: np.ndarray,
    out: np.ndarray,
    flat: np.ndarray,
) -> Any:
    """Write segments, and their cells as long as these find room; give how many there are of both.

    All in one loop with plain variables: what is taken up event by event must not go through memory.
    """
    rows: Any = 0
    used: Any = 0
    beginning, finish = np.int64(days[own_first]), np.int64(days[own_last])
    i = 0
    while i < len(time):
        lo = i  # the first event that tells on the present day
        chain, since = i, -1  # where the chain was begun; the last event after which nothing before it tells
        low, high = beginning, finish  # of which time segments are given out
        nothing: Any = np.int64(0)
        state, start, end, network, count = _UNKNOWN, nothing, nothing, nothing, 0
        j = i
        while j < len(time) and subscriber[j] == subscriber[i]:
            if j > i and day[j - 1] >= own_last:
                break  # of the day after the last one only the first event tells
            at = j  # the event that is taken up
            leaving = False
            if j > i and day[j] != day[j - 1]:
                while day[lo] < day[j] - lookback:
                    lo += 1
                if chain != lo and since <= lo and own_first <= day[j]:
                    # Something older would tell: the chain ends with what it says of the days before this one, ...
                    leaving, high = True, min(finish, np.int64(days[day[j]]))
            while True:
                moment, midnight = np.int64(time[at]), np.int64(days[day[at]])
                free, anew = False, at == chain and not leaving
                if not anew:
                    last = np.int64(time[at - 1])
                    silent = day[at] - day[at - 1] - 1
                    if silent > 0:
                        free = state != _ABROAD
                        state, start, network, count, rows, used = _close(
                            at - 1,
                            day[at - 1],
                            last,
                            day[at],
                            state,
                            start,
                            end,
                            network,
                            count,
                            low,
                            high,
                            rows,
                            used,
                            held,
                            out,
                            flat,
                            days,
                            abroad_gap,
                            lookback,
                        )
                        anew = not (state == _ABROAD and silent < lookback and moment - last <= abroad_gap)
                        start, end = midnight, moment
                    elif abroad[at] and abroad[at - 1]:
                        free = plmn[at] // 1000 != plmn[at - 1] // 1000 and moment - last <= abroad_gap
                    else:
                        # Nothing older tells after a border, a silence, a move between cells that do not overlap.
                        free = (
                            abroad[at] != abroad[at - 1]
                            or moment - last > stay_gap
                            or not overlapping(first, other, span[at], span[at - 1])
                        )
                if anew:  # unknown since midnight, but for the pad
                    state, start, network, count = _UNKNOWN, midnight, np.int64(0), 0
                    end = moment - min(pad, (moment - midnight) // 2)
                # The event is taken up: it lengthens the present segment, or ends it, and begins another after one in
                # between, if there must be one.
                gap = moment - end
                lengthened, between, following, until, begin = False, -1, _UNDETERMINED, end, end
                if abroad[at]:
                    following = _ABROAD
                    if state == _ABROAD and gap > abroad_gap:
                        following = _UNKNOWN
                    lengthened = state == _ABROAD and gap <= abroad_gap and plmn[at] // 1000 == network // 1000
                elif count > 0:  # neither unknown nor abroad
                    here = span[at]
                    known, joins = False, True
                    for c in range(count - 1, -1, -1):
                        if held[c] == here:
                            known = True
                            break
                    if not known:  # all cells of a segment overlap one another, so one that is known overlaps them all
                        for c in range(count):
                            if not overlapping(first, other, here, held[c]):
                                joins = False
                                break
                    if joins and gap <= stay_gap:
                        lengthened = state != _MOVE
                        if lengthened:
                            if not known:
                                held[count] = here
                                count += 1
                            if moment - start >= least_stay:
                                state = _STAY
                    elif not joins and gap <= move_gap:
                        between = following = _MOVE
                        begin = end + gap // 2
                    else:
                        between = _UNKNOWN
                        until = end + min(pad, gap // 2)
                        begin = moment - min(pad, gap // 2)
                if not lengthened:
                    rows, used = _give(
                        at, start, until, state, network, count, low, high, rows, used, held, out, flat, days
                    )
                    if between >= 0:
                        some = count if between == _MOVE else 0
                        rows, used = _give(
                            at, until, begin, between, 0, some, low, high, rows, used, held, out, flat, days
                        )
                    state, start = following, begin
                    network = np.int64(plmn[at]) if following == _ABROAD else np.int64(0)
                    count = 0 if abroad[at] else 1
                    held[0] = span[at]
                end = moment
                if not anew and start < midnight:  # what is before midnight is as it is now
                    rows, used = _give(
                        at, start, midnight, state, network, count, low, high, rows, used, held, out, flat, days
                    )
                    start = midnight
                if leaving:  # ... and another begins as far back as may tell.
                    leaving = False
                    rows, used = _give(
                        at, start, end, state, network, count, low, high, rows, used, held, out, flat, days
                    )
                    low, high = max(beginning, np.int64(days[day[j]])), finish
                    chain, since, at = lo, -1, lo
                    continue
                since = at if free else since
                if at == j:
                    break
                at += 1
            j += 1
        if day[j - 1] >= own_last:
            rows, used = _give(j - 1, start, end, state, network, count, low, high, rows, used, held, out, flat, days)
        else:
            _, _, _, _, rows, used = _close(
                j - 1,
                day[j - 1],
                np.int64(time[j - 1]),
                own_last,
                state,
                start,
                end,
                network,
                count,
                low,
                high,
                rows,
                used,
                held,
                out,
                flat,
                days,
                abroad_gap,
                lookback,
            )
        while j < len(time) and subscriber[j] == subscriber[i]:
            j += 1
        i = j
    return rows, used


@kernel()
def _give(
    whose: Any,
    begin: Any,
    finish: Any,
    state: Any,
    network: Any,
    count: Any,
    low: Any,
    high: Any,
    rows: Any,
    used: Any,
    held: np.ndarray,
    out: np.ndarray,
    flat: np.ndarray,
    days: np.ndarray,
) -> Any:
    """Give out a segment, cut to the time asked for and at midnight; say how many there are, and cells of theirs."""
    begin, finish = max(begin, low), min(finish, high)
    if begin >= finish:
        return rows, used
    day = period_of(begin, days, (len(days) - 1) / (days[-1] - days[0])) + 1
    while begin < finish:
        stop = min(finish, np.int64(days[day]))
        out[0, rows], out[1, rows], out[2, rows] = whose, begin, stop
        out[3, rows], out[4, rows], out[5, rows] = state, network, count
        if used + count <= len(flat):
            for c in range(count):
                flat[used + c] = held[c]
        rows += 1
        used += count
        begin = stop
        day += 1
    return rows, used


@kernel()
def _close(
    i: Any,
    day: Any,
    last: Any,
    before: Any,
    state: Any,
    start: Any,
    end: Any,
    network: Any,
    count: Any,
    low: Any,
    high: Any,
    rows: Any,
    used: Any,
    held: np.ndarray,
    out: np.ndarray,
    flat: np.ndarray,
    days: np.ndarray,
    abroad_gap: Any,
    lookback: Any,
) -> Any:
    """End with the event of a day, when that day has no other, nor the next one: the rest is unknown, or abroad.

    Silent days are given out up to `before`, and as far as is looked back.

    Returns
    -------
    The last segment's state, start, network and number of cells; how many segments there are, and cells of theirs.
    """
    rows, used = _give(i, start, end, state, network, count, low, high, rows, used, held, out, flat, days)
    silent, stop = day, min(before, day + lookback + 1)
    begin = end
    if state == _ABROAD:
        while silent < stop and days[silent + 1] - last <= abroad_gap:
            silent += 1
        if silent > day:
            rows, used = _give(i, begin, days[silent], state, network, 0, low, high, rows, used, held, out, flat, days)
            begin = np.int64(days[silent])
    if silent < stop:
        state, network = _UNKNOWN, np.int64(0)
        rows, used = _give(i, begin, days[stop], state, 0, 0, low, high, rows, used, held, out, flat, days)
    return state, begin, network, 0, rows, used
