"""How people spend a day: nights at home, work and school on their days, outings at waking hours.

Time spent at the place of an outing follows P(Δt) ∝ Δt^-1.8 up to 17 hours (Song, Koren, Wang and Barabási, Nature
Physics 6, 2010); where outings lead is the matter of ``trips``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from commonweal.demo.jumps import area_at, distance_km
from commonweal.demo.people import Relocation
from commonweal.demo.randomness import Stream, begin, normal, poisson, power_law, quantile, uniform
from commonweal.demo.trips import (
    ELSEWHERE,
    HOME,
    MOST_STAYS,
    WORK,
    Laws,
    Memory,
    Stays,
    away_km,
    explore_or_return,
    go,
    learn,
    reduction,
    travel_seconds,
)

DWELL_EXPONENT, SHORTEST_DWELL_H, LONGEST_DWELL_H = 1.8, 0.33, 17.0
OUTINGS = np.array([0.75, 0.65, 0.75, 1.9, 1.5])
"""Mean outings a day by class, beside work and school."""
OUTING_HOURS = np.array(
    [0, 0, 0, 0, 0.1, 0.6, 2, 4, 5.5, 6.5, 6.8, 6, 5, 4.6, 4.6, 5.4, 6.8, 8, 7.6, 5.5, 3, 1.4, 0.5, 0.1]
)
"""Relative frequency of leaving for an outing, by hour of the day."""
OVERNIGHT_KM, OVERNIGHT, RETURNS = 60.0, 0.7, 0.5
ONWARD = 0.25
FESTIVAL_GOERS, FESTIVAL_REACH_KM = 0.6, 35.0
WARM_UP_DAYS = 21


class Person(NamedTuple):
    """What the movement kernel reads of each person."""

    kind: NDArray[np.int8]
    arrives: NDArray[np.int32]
    leaves: NDArray[np.int32]


class Conditions(NamedTuple):
    """What is special about a day."""

    lockdown: bool
    festival: bool
    festival_lon: float
    festival_lat: float
    ill: NDArray[np.bool_]


def outing_hours() -> NDArray[np.float64]:
    """Give the hour of leaving for an outing at equally spaced quantiles."""
    below = np.concatenate([[0.0], np.cumsum(OUTING_HOURS)])
    return np.interp(np.linspace(0, 1, 513), below / below[-1], np.arange(25.0))


@njit(cache=True, nogil=True)
def _leaves_again(stream: Stream, arrived: float) -> float:
    """Time at which someone who arrived leaves, in time to be home for the night."""
    dwell = power_law(stream, DWELL_EXPONENT, SHORTEST_DWELL_H, LONGEST_DWELL_H) * 3600.0
    return min(arrived + dwell, max(arrived + 900.0, (21.5 + 1.2 * uniform(stream)) * 3600.0))


@njit(cache=True, nogil=True)
def _go_out(
    stream: Stream,
    stays: Stays,
    memory: Memory,
    laws: Laws,
    i: int,
    person: int,
    base: int,
    depart: float,
    resolve: float,
) -> float:
    """Live one outing and return to the base; the time at which that is over, 90 000 when the night is spent away.

    Time for which a lockdown prevents an outing stays unused: it is not spent on another.
    """
    arrived = explore_or_return(stream, stays, memory, laws, i, person, depart, resolve)
    end = _leaves_again(stream, abs(arrived))
    if arrived <= 0.0:
        if memory.at[person] != base:
            go(stays, memory, i, person, base, depart, 1)
        way = max(-arrived - depart, 0.0)
        if way > travel_seconds(OVERNIGHT_KM) and uniform(stream) < OVERNIGHT:
            return 90_000.0
        return end + way if arrived < 0.0 else depart
    if uniform(stream) < ONWARD and end < 20.0 * 3600.0:
        arrived = explore_or_return(stream, stays, memory, laws, i, person, end, resolve)
        if arrived > 0.0:
            end = _leaves_again(stream, arrived)
    if away_km(stays, memory, i, person, base) > OVERNIGHT_KM and uniform(stream) < OVERNIGHT:
        return 90_000.0
    return go(stays, memory, i, person, base, end, 1)


@njit(cache=True, nogil=True)
def _celebrate(
    stream: Stream, stays: Stays, memory: Memory, laws: Laws, i: int, person: int, base: int, conditions: Conditions
) -> bool:
    """Go to the festival, or not: the nearer it is, the more do."""
    k = stays.used[i] - 1
    km = distance_km(stays.lon[i, k], stays.lat[i, k], conditions.festival_lon, conditions.festival_lat)
    prevented = conditions.lockdown and uniform(stream) < reduction(km)
    if not uniform(stream) < FESTIVAL_GOERS * math.exp(-km / FESTIVAL_REACH_KM) or prevented:
        return False
    lon = conditions.festival_lon + 0.006 * normal(stream)
    lat = conditions.festival_lat + 0.006 * normal(stream)
    if area_at(laws.raster, lon, lat) < 0:
        lon, lat = conditions.festival_lon, conditions.festival_lat
    place = learn(memory, person, lon, lat, area_at(laws.raster, lon, lat))
    arrived = go(stays, memory, i, person, place, (9.0 + 5.0 * uniform(stream)) * 3600.0, 5)
    if km < OVERNIGHT_KM:
        go(stays, memory, i, person, base, max(arrived + 1800.0, (20.0 + 2.5 * uniform(stream)) * 3600.0), 1)
    return True


@njit(cache=True, nogil=True)
def _ordinary_day(
    stream: Stream,
    outing: Stream,
    stays: Stays,
    memory: Memory,
    laws: Laws,
    i: int,
    person: int,
    base: int,
    now: float,
    kind: int,
    works: bool,
    name: tuple[int, int, int],
    lockdown: bool,
) -> None:
    """Work or school on their days, and outings at waking hours; `name` is (seed, day, weekday)."""
    seed, day, weekday = name
    attends = uniform(stream) < (0.9 if weekday < 5 else 0.25 if weekday == 5 else 0.06)
    to_work = (7.4 + 0.8 * normal(stream)) * 3600.0
    from_work = max((16.4 + 1.3 * normal(stream)) * 3600.0, to_work + 3600.0)
    if kind == 2:
        from_work -= 2.5 * 3600.0
    leaving = np.empty(6)
    count = min(poisson(stream, OUTINGS[kind] * (1.25 if weekday >= 5 else 1.0)), len(leaving))
    for k in range(count):
        leaving[k] = quantile(stream, laws.hours) * 3600.0
    leaving[:count].sort()
    pending = works and attends
    for k in range(count + 1):
        depart = leaving[k] if k < count else 90_000.0
        if pending and to_work <= depart:
            pending = False
            begin(outing, seed, person, day, 100)
            prevented = lockdown and uniform(outing) < reduction(away_km(stays, memory, i, person, WORK))
            if prevented:
                now = max(now, from_work)
            elif now <= to_work + 7200.0:
                now = go(stays, memory, i, person, WORK, max(to_work, now + 60.0), 2)
                now = max(from_work, now + 1800.0)
                if depart < now or depart > now + 5400.0:
                    now = go(stays, memory, i, person, base, now, 1)
        if k < count and depart >= now:
            begin(outing, seed, person, day, 2 + k)
            resolve = uniform(outing)
            now = _go_out(outing, stays, memory, laws, i, person, base, depart, resolve if lockdown else 1.0)


@njit(cache=True, nogil=True)
def move(
    day: int,
    weekday: int,
    seed: int,
    low: int,
    high: int,
    person_of: Person,
    memory: Memory,
    elsewhere: Relocation,
    laws: Laws,
    conditions: Conditions,
) -> Stays:
    """Let the people low … high - 1 live one day; returns their stays and updates their memory."""
    block = high - low
    stays = Stays(
        np.zeros(block, np.int32),
        np.zeros((block, MOST_STAYS), np.int32),
        np.zeros((block, MOST_STAYS), np.int32),
        np.zeros((block, MOST_STAYS)),
        np.zeros((block, MOST_STAYS)),
        np.zeros((block, MOST_STAYS), np.int32),
        np.zeros((block, MOST_STAYS), np.int8),
    )
    stream, outing = np.zeros(1, np.uint64), np.zeros(1, np.uint64)
    named = day + 1000  # streams are named by whole numbers from 0, the days before the period too
    for person in range(low, high):
        i = person - low
        if person_of.leaves[person] <= day * 86_400 or person_of.arrives[person] >= (day + 1) * 86_400:
            continue
        begin(stream, seed, person, named, 1)
        relocated = elsewhere.kind[person] > 0 and elsewhere.first_day[person] <= day < elsewhere.end_day[person]
        if relocated and day == elsewhere.first_day[person]:
            memory.lon[person, ELSEWHERE] = elsewhere.lon[person]
            memory.lat[person, ELSEWHERE] = elsewhere.lat[person]
            memory.area[person, ELSEWHERE] = elsewhere.area[person]
        base = ELSEWHERE if relocated else HOME
        at = memory.at[person]
        stays.used[i] = 1
        stays.end[i, 0] = 86_400
        stays.lon[i, 0], stays.lat[i, 0] = memory.lon[person, at], memory.lat[person, at]
        stays.area[i, 0] = memory.area[person, at]
        now = 0.0
        if at != base:
            forced = relocated or at == ELSEWHERE
            depart = (7.0 + 7.0 * uniform(stream)) * 3600.0
            stays_away = uniform(stream) >= RETURNS
            wants = uniform(stream)
            prevented = conditions.lockdown and wants < reduction(away_km(stays, memory, i, person, base))
            if not forced and (stays_away or prevented):
                continue
            now = go(stays, memory, i, person, base, depart, 6 if forced else 1)
        if conditions.ill[person] or (relocated and elsewhere.kind[person] == 3):
            continue
        if conditions.festival and now == 0.0:
            begin(outing, seed, person, named, 50)
            if _celebrate(outing, stays, memory, laws, i, person, base, conditions):
                continue
        works = not math.isnan(memory.lon[person, WORK]) and not (relocated and elsewhere.kind[person] == 2)
        _ordinary_day(
            stream,
            outing,
            stays,
            memory,
            laws,
            i,
            person,
            base,
            now,
            person_of.kind[person],
            works,
            (seed, named, weekday),
            conditions.lockdown,
        )
    return stays


@njit(cache=True, nogil=True)
def clip_to_visits(day: int, low: int, stays: Stays, person_of: Person) -> None:
    """Cut stays to the time visitors are in the country; a stay outside it gets no length."""
    for i in range(len(stays.used)):
        arrives = person_of.arrives[low + i] - day * 86_400
        leaves = person_of.leaves[low + i] - day * 86_400
        for k in range(stays.used[i]):
            stays.start[i, k] = min(max(stays.start[i, k], arrives), 86_400)
            stays.end[i, k] = max(min(stays.end[i, k], leaves), stays.start[i, k])
