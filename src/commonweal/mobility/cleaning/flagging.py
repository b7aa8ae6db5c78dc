"""Flags of events: one kernel over a bucket's days."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from commonweal.core.kernels import kernel
from commonweal.mobility.cleaning.parameters import MARITIME_AND_AIRBORNE
from commonweal.mobility.network import NO_VERSION, PLACED, metres, squared


class Flag(IntEnum):
    """What is wrong with an event; of several things the first of this order that is not `NONE` is said.

    ============================  ==================================================================================
    NONE                          nothing
    NETWORK_OF_NO_COUNTRY         served by a network with country code 901: a ship, an aircraft, a satellite
    OUT_OF_LIFE                   at its time none of its cell's versions holds
    NO_POSITION                   its cell's version says no position
    MACHINE                       its subscriber behaves on that day as no person does, or its device is a machine
    INCORRECT_PLACE               too fast and too far from the event before as well as to the one after
    SUSPICIOUS_PLACE              too fast and too far from one of them
    ============================  ==================================================================================

    An event abroad is not asked for its cell, which is another operator's.
    """

    NONE = 0
    NETWORK_OF_NO_COUNTRY = 1
    OUT_OF_LIFE = 2
    NO_POSITION = 3
    MACHINE = 4
    INCORRECT_PLACE = 5
    SUSPICIOUS_PLACE = 6


LEFT_IN = (Flag.NONE, Flag.SUSPICIOUS_PLACE)
"""Events with another flag are left out of what follows."""
_NONE, _NO_COUNTRY, _OUT, _NOWHERE, _MACHINE, _INCORRECT, _SUSPICIOUS = range(7)


@kernel()
def is_abroad(home: int, serving: int, state: int, countries: np.ndarray) -> bool:
    """Say whether an event was served by another country's network than the operator's.

    The operator's countries are those of its cells' PLMNs. Where the register names none, it is abroad if the serving
    country is not the SIM's, and the cell has no position here.

    >>> is_abroad(619001, 611001, PLACED, np.array([619])), is_abroad(611001, 619001, PLACED, np.array([619]))
    (True, False)
    """
    country = serving // 1000
    if serving == 0 or country == MARITIME_AND_AIRBORNE:
        return False
    if len(countries):
        ours = False
        for own in countries:
            ours |= own == country
        return not ours
    return home != 0 and home // 1000 != country and state != PLACED


@kernel()
def flags(
    subscriber_day: np.ndarray,
    day: np.ndarray,
    hour: np.ndarray,
    time: np.ndarray,
    span: np.ndarray,
    home: np.ndarray,
    serving: np.ndarray,
    state: np.ndarray,
    place: np.ndarray,
    countries: np.ndarray,
    hours_of_day: np.ndarray,
    limits: Any,
) -> tuple:  # type: ignore[type-arg]
    """Flag every event, for sorted events.

    With the events of one subscriber on one day that have no other flag and are not abroad, in order, with the distance
    d(i) along the ground from event i - 1 to event i, an event is incorrect if both of these hold, suspicious if one::

        d(i)     > distance  and  d(i)     > speed · (t(i) - t(i - 1))
        d(i + 1) > distance  and  d(i + 1) > speed · (t(i + 1) - t(i))

    Source: semantic cleaning of Eurostat's multimno 1.0, which judges within days, too; there events of one second have
    no speed between them, here an infinite one.

    Parameters
    ----------
    subscriber_day, day, hour, time, span
        As in `Events`.
    home, serving
        PLMNs, 0 where not known.
    state, place, countries
        As in `Network`.
    hours_of_day
        How many hours each day has.
    limits
        The fields of `Cleaning` in their order.

    Returns
    -------
    flag, abroad
        int8 and bool, shape (n,).

    Examples
    --------
    From one cell to another 111 km away and back within two minutes:

    >>> from dataclasses import astuple
    >>> from commonweal.mobility.cleaning.parameters import DEFAULT
    >>> from commonweal.mobility.network import from_centre
    >>> none = np.zeros(3, np.int32)
    >>> flags(none, none, none, np.array([0, 60, 120]), np.array([0, 1, 0]), none, none, np.zeros(2, np.int8),
    ...       from_centre(np.array([0.0, 1.0]), np.zeros(2)), none[:0], np.array([24]), astuple(DEFAULT))[0]
    array([6, 5, 6], dtype=int8)
    """
    speed, distance, most, least, regular, tolerance, apart, evenness = limits
    flag = np.zeros(len(time), np.int8)
    abroad = np.zeros(len(time), np.bool_)
    near = (distance * (1 - 1e-6)) ** 2
    start = 0
    while start < len(time):
        end = start + 1
        while end < len(time) and subscriber_day[end] == subscriber_day[start]:
            end += 1
        machine = end - start > most or (
            end - start >= least
            and (
                _is_regular(time, start, end, regular, tolerance, apart)
                or _is_even(hour, span, start, end, hours_of_day[day[start]], evenness)
            )
        )
        before = -1
        for i in range(start, end):
            here = state[span[i]]
            if serving[i] // 1000 == MARITIME_AND_AIRBORNE:
                flag[i] = _NO_COUNTRY
                continue
            abroad[i] = is_abroad(home[i], serving[i], here, countries)
            if not abroad[i] and here != PLACED:
                flag[i] = _OUT if here == NO_VERSION else _NOWHERE
                continue
            if machine:
                flag[i] = _MACHINE
                continue
            if abroad[i]:
                continue
            if before >= 0 and span[i] != span[before]:
                straight = squared(place, span[before], span[i])
                if straight > near:
                    far, most_far = np.sqrt(straight), speed * (time[i] - time[before])
                    if far <= distance or far <= most_far:  # straight on; along the ground it is farther
                        far = metres(place, span[before], span[i])
                    if far > distance and far > most_far:
                        # Too fast on one side is suspicious, on both is incorrect.
                        flag[before] = _SUSPICIOUS if flag[before] == _NONE else _INCORRECT
                        flag[i] = _SUSPICIOUS
            before = i
        start = end
    return flag, abroad


@kernel()
def _is_regular(time: np.ndarray, start: int, end: int, share: float, tolerance: int, hours: float) -> bool:
    """Say whether nearly all intervals are as long as the one before."""
    if time[end - 1] - time[start] < hours * 3600:
        return False
    alike = 0
    for i in range(start + 2, end):
        last, this = time[i - 1] - time[i - 2], time[i] - time[i - 1]
        alike += (this > 0) & (abs(this - last) <= tolerance)
    return alike >= share * (end - start - 2)


@kernel()
def _is_even(hour: np.ndarray, span: np.ndarray, start: int, end: int, hours: int, evenness: float) -> bool:
    """Say whether every hour of the day has events, all in one cell, and about as many."""
    if hour[end - 1] - hour[start] != hours - 1:
        return False
    fewest, most, now = end - start, 0, 0
    for i in range(start, end):
        if span[i] != span[start]:
            return False
        if i > start and hour[i] != hour[i - 1]:
            if hour[i] != hour[i - 1] + 1:
                return False
            fewest, most, now = min(fewest, now), max(most, now), 0
        now += 1
    return max(most, now) <= evenness * min(fewest, now)
