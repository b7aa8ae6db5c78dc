"""Time segments: one kernel that cuts the whole time of every subscriber."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numba
import numpy as np

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
_STATE, _START, _END, _PLMN, _CELLS, _LOW, _HIGH, _ROWS, _FLAT = range(9)
"""Places in the array of what is being made: the present segment's state, start, end, PLMN and number of cells; the
time of which segments are given out; how many segments, and cells of segments, have been. Then the limits:"""
_LEAST_STAY, _STAY_GAP, _MOVE_GAP, _ABROAD_GAP, _PAD = range(9, 14)


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
    flat = np.empty(len(time) + 1, np.int32)
    while True:
        now = np.array([0] * _LEAST_STAY + list(limits), np.int64)
        _cut(*events, first, other, days, own[0], own[1], lookback, now, held, out, flat)
        rows, cells = now[_ROWS], now[_FLAT]
        if cells <= len(flat):
            break
        flat = np.empty(cells, np.int32)
    row, start, end, state, network, count = out[:, :rows]
    begins = np.concatenate([[0], np.cumsum(count, dtype=np.int64)])
    return row, start, end, state.astype(np.int8), network, begins, flat[:cells]


@numba.njit(nogil=True, cache=True)
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
    own_first: int,
    own_last: int,
    lookback: int,
    now: np.ndarray,
    held: np.ndarray,
    out: np.ndarray,
    flat: np.ndarray,
) -> None:
    """Write segments, and their cells as long as these find room; `now` says how many there are."""
    begin, finish = days[own_first], days[own_last]
    i = 0
    while i < len(time):
        lo = i  # the first event that tells on the present day
        chain, since = i, -1  # where the chain was begun; the last event after which nothing before it tells
        now[_LOW], now[_HIGH] = begin, finish
        j = i
        while j < len(time) and subscriber[j] == subscriber[i]:
            if j > i and day[j - 1] >= own_last:
                break  # of the day after the last one only the first event tells
            k = j  # the event that is taken up
            if j > i and day[j] != day[j - 1]:
                while day[lo] < day[j] - lookback:
                    lo += 1
                if chain != lo and since <= lo and own_first <= day[j]:
                    # Something older would tell: the chain ends with what it says of the days before this one, ...
                    now[_HIGH] = min(finish, days[day[j]])
                    k = -1
            while True:
                at = j if k < 0 else k
                if at == chain:
                    _begin(time[at], days[day[at]], now)
                    free = False
                else:
                    last, midnight = np.int64(time[at - 1]), days[day[at]]
                    silent = day[at] - day[at - 1] - 1
                    if silent > 0:
                        free = now[_STATE] != _ABROAD
                        _close(at - 1, day[at - 1], last, day[at], now, held, out, flat, days, lookback)
                        still = now[_STATE] == _ABROAD and silent < lookback
                        if still and time[at] - last <= now[_ABROAD_GAP]:
                            now[_START], now[_END] = midnight, time[at]
                        else:
                            _begin(time[at], midnight, now)
                    elif abroad[at] and abroad[at - 1]:
                        free = plmn[at] // 1000 != plmn[at - 1] // 1000 and time[at] - last <= now[_ABROAD_GAP]
                    else:
                        # Nothing older tells after a border, a silence, a move between cells that do not overlap.
                        free = (
                            abroad[at] != abroad[at - 1]
                            or time[at] - last > now[_STAY_GAP]
                            or not overlapping(first, other, span[at], span[at - 1])
                        )
                _take(at, np.int64(time[at]), span[at], abroad[at], plmn[at], first, other, now, held, out, flat, days)
                if at != chain and day[at] != day[at - 1] and now[_START] < days[day[at]]:
                    _give(at, days[day[at]], now, held, out, flat, days)
                    now[_START] = days[day[at]]
                if k < 0:  # ... and another begins as far back as may tell.
                    _give(at, now[_END], now, held, out, flat, days)
                    now[_LOW], now[_HIGH] = max(begin, days[day[j]]), finish
                    chain, since, k = lo, -1, lo
                    continue
                since = at if free else since
                if at == j:
                    break
                k += 1
            j += 1
        if day[j - 1] >= own_last:
            _give(j - 1, now[_END], now, held, out, flat, days)
        else:
            _close(j - 1, day[j - 1], np.int64(time[j - 1]), own_last, now, held, out, flat, days, lookback)
        while j < len(time) and subscriber[j] == subscriber[i]:
            j += 1
        i = j


@numba.njit(nogil=True, cache=True, inline="always")
def _give(
    whose: int,
    until: Any,
    now: np.ndarray,
    held: np.ndarray,
    out: np.ndarray,
    flat: np.ndarray,
    days: np.ndarray,
) -> None:
    """Give out the present segment up to a moment, cut at midnight and to the time that is asked for."""
    begin, finish = max(now[_START], now[_LOW]), min(until, now[_HIGH])
    if begin >= finish:
        return
    day = period_of(begin, days, (len(days) - 1) / (days[-1] - days[0])) + 1
    at, place, count = now[_ROWS], now[_FLAT], now[_CELLS]
    while begin < finish:
        stop = min(finish, days[day])
        out[0, at], out[1, at], out[2, at] = whose, begin, stop
        out[3, at], out[4, at], out[5, at] = now[_STATE], now[_PLMN], count
        if place + count <= len(flat):
            for c in range(count):
                flat[place + c] = held[c]
        at += 1
        place += count
        begin = stop
        day += 1
    now[_ROWS], now[_FLAT] = at, place


@numba.njit(nogil=True, cache=True, inline="always")
def _set(now: np.ndarray, state: int, start: Any, end: Any, plmn: Any, count: Any) -> None:
    """Begin another segment."""
    now[_STATE], now[_START], now[_END], now[_PLMN], now[_CELLS] = state, start, end, plmn, count


@numba.njit(nogil=True, cache=True, inline="always")
def _begin(moment: Any, midnight: Any, now: np.ndarray) -> None:
    """Before an event before which nothing is known: unknown since midnight, but for the pad."""
    pad = min(now[_PAD], (moment - midnight) // 2)
    _set(now, _UNKNOWN, midnight, moment - pad, 0, 0)


@numba.njit(nogil=True, cache=True, inline="always")
def _take(
    i: int,
    moment: Any,
    here: Any,
    abroad: Any,
    plmn: Any,
    first: np.ndarray,
    other: np.ndarray,
    now: np.ndarray,
    held: np.ndarray,
    out: np.ndarray,
    flat: np.ndarray,
    days: np.ndarray,
) -> None:
    """Take up an event: lengthen the present segment, or end it and begin another."""
    ended = now[_END]
    gap = moment - ended
    was = now[_STATE]
    count = now[_CELLS]
    # Until when the present segment lasts; the state between it and the next one, and until when that lasts, if any is
    # there; then the next one's state, start, network and number of cells.
    until = between_until = start = ended
    between, network, cells = -1, 0, 1
    if abroad:
        if was == _ABROAD and gap <= now[_ABROAD_GAP] and plmn // 1000 == now[_PLMN] // 1000:
            now[_END] = moment
            return
        state, network, cells = _ABROAD, plmn, 0
        if was == _ABROAD and gap > now[_ABROAD_GAP]:
            state, network = _UNKNOWN, 0
    elif count == 0:  # unknown or abroad
        state = _UNDETERMINED
    else:
        joins, known = True, False
        for c in range(count - 1, -1, -1):
            if held[c] == here:
                known = True
                break
        if not known:  # all cells of a segment overlap one another, so one that is known overlaps them all
            for c in range(count):
                if not overlapping(first, other, here, held[c]):
                    joins = False
                    break
        if joins and gap <= now[_STAY_GAP]:
            if was != _MOVE:
                now[_END] = moment
                if not known:
                    held[count] = here
                    now[_CELLS] = count + 1
                if moment - now[_START] >= now[_LEAST_STAY]:
                    now[_STATE] = _STAY
                return
            state = _UNDETERMINED
        elif not joins and gap <= now[_MOVE_GAP]:
            state = between = _MOVE
            between_until = start = ended + gap // 2
        else:
            state, between = _UNDETERMINED, _UNKNOWN
            pad = min(now[_PAD], gap // 2)
            until = ended + pad
            between_until = start = moment - pad
    _give(i, until, now, held, out, flat, days)
    if between >= 0:
        _set(now, between, until, between_until, 0, count if between == _MOVE else 0)
        _give(i, between_until, now, held, out, flat, days)
    _set(now, state, start, moment, network, cells)
    held[0] = here


@numba.njit(nogil=True, cache=True, inline="always")
def _close(
    i: int,
    day: Any,
    last: Any,
    before: Any,
    now: np.ndarray,
    held: np.ndarray,
    out: np.ndarray,
    flat: np.ndarray,
    days: np.ndarray,
    lookback: int,
) -> None:
    """End with the event of a day, when that day has no other, nor the next one: the rest is unknown, or abroad.

    Silent days are given out up to `before`, and as far as is looked back.
    """
    _give(i, now[_END], now, held, out, flat, days)
    first, stop = day, min(before, day + lookback + 1)
    begin = now[_END]
    if now[_STATE] == _ABROAD:
        while first < stop and days[first + 1] - last <= now[_ABROAD_GAP]:
            first += 1
        if first > day:
            _set(now, _ABROAD, begin, days[first], now[_PLMN], 0)
            _give(i, days[first], now, held, out, flat, days)
            begin = days[first]
    if first < stop:
        _set(now, _UNKNOWN, begin, days[stop], 0, 0)
        _give(i, days[stop], now, held, out, flat, days)
