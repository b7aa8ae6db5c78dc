"""Time segments: one kernel that cuts the whole time of every subscriber."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numba
import numpy as np

from commonweal.mobility.network import overlapping


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
_STATE, _START, _END, _LAST, _PLMN, _CELLS, _LOW, _HIGH = range(8)
"""Places in the array of the present segment: its state, start, end, last event, PLMN and number of cells; and the time
of which segments are given out."""


@numba.njit(nogil=True, cache=True)
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
    own: Any,
    limits: Any,
    lookback: int,
) -> tuple:  # type: ignore[type-arg]
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
        Of each segment: an event of its subscriber, int64; its time, int32; a `State`, int8; the network abroad, else
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
    active = 0
    for i in range(len(time)):
        active += i == 0 or subscriber[i] != subscriber[i - 1] or day[i] != day[i - 1]
    # An event ends at most three segments and midnight cuts one; a silence gives one for each day that is looked back.
    room = 4 * len(time) + (lookback + 3) * active + 1
    out = (
        np.empty(room, np.int64),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int8),
        np.empty(room, np.int32),
        np.empty(room + 1, np.int64),
    )
    out[5][0] = 0
    used = np.zeros(2, np.int64)  # segments and cells given out
    cells = np.empty(len(time) + 16, np.int32)
    held = np.empty(64, np.int32)  # the present segment's cells
    now = np.zeros(8, np.int64)
    events = (day, time, span, abroad, plmn)
    net = (first, other)
    begin, finish = days[own[0]], days[own[1]]
    i = 0
    while i < len(time):
        lo = i  # the first event that tells on the present day
        chain, since = i, -1  # where the chain was begun; the last event after which nothing before it tells
        now[_LOW], now[_HIGH] = begin, finish
        cells, held = _begin(i, now, held, out, used, cells, events, net, days, limits)
        j = i + 1
        while j < len(time) and subscriber[j] == subscriber[i]:
            if day[j - 1] >= own[1]:
                break  # of the day after the last one only the first event tells
            if day[j] != day[j - 1]:
                while day[lo] < day[j] - lookback:
                    lo += 1
                if chain != lo and since <= lo and own[0] <= day[j]:
                    now[_HIGH] = min(finish, days[day[j]])
                    cells, held, _ = _go_on(j, now, held, out, used, cells, events, net, days, limits, lookback)
                    cells = _give(j, now, held, now[_END], out, used, cells, days)
                    now[_LOW], now[_HIGH] = max(begin, days[day[j]]), finish
                    chain, since = lo, -1
                    cells, held = _begin(lo, now, held, out, used, cells, events, net, days, limits)
                    if lo == j:
                        j += 1
                        continue
                    for k in range(lo + 1, j):
                        cells, held, free = _go_on(k, now, held, out, used, cells, events, net, days, limits, lookback)
                        since = k if free else since
            cells, held, free = _go_on(j, now, held, out, used, cells, events, net, days, limits, lookback)
            since = j if free else since
            j += 1
        if day[j - 1] >= own[1]:
            cells = _give(j - 1, now, held, now[_END], out, used, cells, days)
        else:
            cells = _close(j - 1, own[1], now, held, out, used, cells, events, days, limits, lookback)
        while j < len(time) and subscriber[j] == subscriber[i]:
            j += 1
        i = j
    size = used[0]
    return (
        out[0][:size].copy(),
        out[1][:size].copy(),
        out[2][:size].copy(),
        out[3][:size].copy(),
        out[4][:size].copy(),
        out[5][: size + 1].copy(),
        cells[: used[1]].copy(),
    )


@numba.njit(nogil=True, cache=True)
def _give(
    row: int,
    now: np.ndarray,
    held: np.ndarray,
    until: Any,
    out: Any,
    used: np.ndarray,
    cells: np.ndarray,
    days: np.ndarray,
) -> np.ndarray:
    """Give out the present segment up to a moment, cut at midnight and to the time that is asked for."""
    start, end = max(now[_START], now[_LOW]), min(until, now[_HIGH])
    if start >= end:
        return cells
    count = now[_CELLS]
    day = np.searchsorted(days, start, side="right")
    while start < end:
        stop = min(end, days[day])
        at, place = used
        if place + count > len(cells):
            wider = np.empty(2 * len(cells) + count, np.int32)
            wider[:place] = cells[:place]
            cells = wider
        cells[place : place + count] = held[:count]
        out[0][at], out[1][at], out[2][at], out[3][at], out[4][at] = row, start, stop, now[_STATE], now[_PLMN]
        out[5][at + 1] = place + count
        used[0], used[1] = at + 1, place + count
        start = stop
        day += 1
    return cells


@numba.njit(nogil=True, cache=True)
def _set(now: np.ndarray, state: int, start: Any, end: Any, plmn: Any, count: Any) -> None:
    """Begin another segment."""
    now[_STATE], now[_START], now[_END], now[_PLMN], now[_CELLS] = state, start, end, plmn, count


@numba.njit(nogil=True, cache=True)
def _begin(
    i: int,
    now: np.ndarray,
    held: np.ndarray,
    out: Any,
    used: np.ndarray,
    cells: np.ndarray,
    events: Any,
    net: Any,
    days: np.ndarray,
    limits: Any,
) -> tuple:  # type: ignore[type-arg]
    """Begin with an event before which nothing is known: unknown since midnight, but for the pad."""
    day, time = events[0], events[1]
    midnight = days[day[i]]
    pad = min(limits[4], (time[i] - midnight) // 2)
    _set(now, _UNKNOWN, midnight, time[i] - pad, 0, 0)
    return _take(i, now, held, out, used, cells, events, net, days, limits)


@numba.njit(nogil=True, cache=True)
def _take(
    i: int,
    now: np.ndarray,
    held: np.ndarray,
    out: Any,
    used: np.ndarray,
    cells: np.ndarray,
    events: Any,
    net: Any,
    days: np.ndarray,
    limits: Any,
) -> tuple:  # type: ignore[type-arg]
    """Take up an event: lengthen the present segment, or end it and begin another."""
    _, time, span, abroad, plmn = events
    least_stay, stay_gap, move_gap, abroad_gap, pad = limits
    moment = np.int64(time[i])
    end = now[_END]
    gap = moment - end
    state = now[_STATE]
    if abroad[i]:
        if state == _ABROAD and gap <= abroad_gap and plmn[i] // 1000 == now[_PLMN] // 1000:
            now[_END] = moment
        else:
            cells = _give(i, now, held, end, out, used, cells, days)
            if state == _ABROAD and gap > abroad_gap:
                _set(now, _UNKNOWN, end, moment, 0, 0)
            else:
                _set(now, _ABROAD, end, moment, plmn[i], 0)
        return cells, held
    here = span[i]
    if state in (_UNKNOWN, _ABROAD):
        cells = _give(i, now, held, end, out, used, cells, days)
        _set(now, _UNDETERMINED, end, moment, 0, 1)
        held[0] = here
        return cells, held
    count = now[_CELLS]
    known = False
    for c in range(count - 1, -1, -1):
        if held[c] == here:
            known = True
            break
    joins = True
    if not known:
        for c in range(count):
            if not overlapping(net[0], net[1], here, held[c]):
                joins = False
                break
    if joins and gap <= stay_gap:
        if state == _MOVE:
            cells = _give(i, now, held, end, out, used, cells, days)
            _set(now, _UNDETERMINED, end, moment, 0, 1)
            held[0] = here
            return cells, held
        now[_END] = moment
        if not known:
            if count == len(held):
                wider = np.empty(2 * count, np.int32)
                wider[:count] = held
                held = wider
            held[count] = here
            now[_CELLS] = count + 1
        if moment - now[_START] >= least_stay:
            now[_STATE] = _STAY
    elif not joins and gap <= move_gap:
        middle = end + gap // 2
        cells = _give(i, now, held, end, out, used, cells, days)
        _set(now, _MOVE, end, middle, 0, count)
        cells = _give(i, now, held, middle, out, used, cells, days)
        _set(now, _MOVE, middle, moment, 0, 1)
        held[0] = here
    else:
        pad = min(pad, gap // 2)
        cells = _give(i, now, held, end + pad, out, used, cells, days)
        _set(now, _UNKNOWN, end + pad, moment - pad, 0, 0)
        cells = _give(i, now, held, moment - pad, out, used, cells, days)
        _set(now, _UNDETERMINED, moment - pad, moment, 0, 1)
        held[0] = here
    return cells, held


@numba.njit(nogil=True, cache=True)
def _go_on(
    i: int,
    now: np.ndarray,
    held: np.ndarray,
    out: Any,
    used: np.ndarray,
    cells: np.ndarray,
    events: Any,
    net: Any,
    days: np.ndarray,
    limits: Any,
    lookback: int,
) -> tuple:  # type: ignore[type-arg]
    """Go on to the next event, over midnight and silent days; say whether it and the one before tell all."""
    day, time, span, abroad, plmn = events
    silent = day[i] - day[i - 1] - 1
    if silent > 0:
        was = now[_STATE]
        network = now[_PLMN]
        cells = _close(i - 1, day[i], now, held, out, used, cells, events, days, limits, lookback)
        midnight = days[day[i]]
        last = np.int64(time[i - 1])
        if (
            was == _ABROAD
            and silent <= lookback - 1
            and midnight - last <= limits[3]
            and np.int64(time[i]) - last <= limits[3]
        ):
            _set(now, _ABROAD, midnight, time[i], network, 0)
            cells, held = _take(i, now, held, out, used, cells, events, net, days, limits)
            return cells, held, False
        cells, held = _begin(i, now, held, out, used, cells, events, net, days, limits)
        return cells, held, was != _ABROAD
    # Nothing older tells after a move between cells that do not overlap, a silence, a border.
    gap = np.int64(time[i]) - time[i - 1]
    if abroad[i] and abroad[i - 1]:
        free = plmn[i] // 1000 != plmn[i - 1] // 1000 and gap <= limits[3]
    elif abroad[i] or abroad[i - 1]:
        free = True
    else:
        free = gap > limits[1] or not overlapping(net[0], net[1], span[i], span[i - 1])
    cells, held = _take(i, now, held, out, used, cells, events, net, days, limits)
    if day[i] != day[i - 1]:
        midnight = days[day[i]]
        if now[_START] < midnight:
            cells = _give(i, now, held, midnight, out, used, cells, days)
            now[_START] = midnight
    return cells, held, free


@numba.njit(nogil=True, cache=True)
def _close(
    i: int,
    before: int,
    now: np.ndarray,
    held: np.ndarray,
    out: Any,
    used: np.ndarray,
    cells: np.ndarray,
    events: Any,
    days: np.ndarray,
    limits: Any,
    lookback: int,
) -> np.ndarray:
    """End with an event after which there is none on its day nor on the next: the rest is unknown, or abroad.

    Parameters
    ----------
    i
        The event.
    before
        The day before which silent days are given out.
    """
    cells = _give(i, now, held, now[_END], out, used, cells, days)
    day, last = events[0][i], np.int64(events[1][i])
    start = now[_END]
    for silent in range(day, min(before, day + lookback + 1)):
        midnight = days[silent + 1]
        if now[_STATE] == _ABROAD and midnight - last <= limits[3]:
            _set(now, _ABROAD, start, midnight, now[_PLMN], 0)
        else:
            _set(now, _UNKNOWN, start, midnight, 0, 0)
        cells = _give(i, now, held, midnight, out, used, cells, days)
        start = midnight
    return cells
