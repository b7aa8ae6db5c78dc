"""Where people are through a day: stays and the trips between them.

Exploration and preferential return (Song, Koren, Wang and Barabási, Nature Physics 6, 2010): someone who knows S places
goes to a new one with probability ρ·S^-γ (ρ = 0.6, γ = 0.21), at a jump of the law of ``jumps``; otherwise back to a
known one, in proportion to earlier visits. Time spent there follows P(Δt) ∝ Δt^-1.8 up to 17 hours (the same paper). On
top lie the rhythms of day and week: nights at home, work and school on their days, outings at waking hours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from commonweal.demo.geography import Raster
from commonweal.demo.jumps import LONGEST_KM, area_at, destination, distance_km
from commonweal.demo.people import People, Relocation
from commonweal.demo.randomness import Stream, begin, normal, poisson, power_law, quantile, uniform

RHO, GAMMA = 0.6, 0.21
DWELL_EXPONENT, SHORTEST_DWELL_H, LONGEST_DWELL_H = 1.8, 0.33, 17.0
OUTINGS = np.array([0.75, 0.65, 0.75, 1.9, 1.5])
"""Mean outings a day by class, beside work and school."""
OUTING_HOURS = np.array(
    [0, 0, 0, 0, 0.1, 0.6, 2, 4, 5.5, 6.5, 6.8, 6, 5, 4.6, 4.6, 5.4, 6.8, 8, 7.6, 5.5, 3, 1.4, 0.5, 0.1]
)
"""Relative frequency of leaving for an outing, by hour of the day."""
KNOWN_PLACES = 40
MOST_STAYS = 16
OVERNIGHT_KM, OVERNIGHT, RETURNS = 60.0, 0.7, 0.5
ONWARD = 0.25
FESTIVAL_GOERS, FESTIVAL_REACH_KM = 0.6, 35.0
HOME, WORK, ELSEWHERE = 0, 1, 2
PURPOSES = ("there", "home", "work", "explore", "return", "festival", "relocate")
WARM_UP_DAYS = 21


class Person(NamedTuple):
    """What the movement kernel reads of each person."""

    kind: NDArray[np.int8]
    arrives: NDArray[np.int32]
    leaves: NDArray[np.int32]


class Laws(NamedTuple):
    """What all movement follows: the map, the lengths of jumps, the hours of leaving, both by quantile."""

    raster: Raster
    lengths: NDArray[np.float64]
    hours: NDArray[np.float64]


class Memory(NamedTuple):
    """Places each person knows: 0 home, 1 work, 2 where they are relocated to, then those found; arrays[people, 40]."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    area: NDArray[np.int32]
    visits: NDArray[np.uint16]
    known: NDArray[np.int16]
    at: NDArray[np.int16]


class Conditions(NamedTuple):
    """What is special about a day."""

    lockdown: bool
    festival: bool
    festival_lon: float
    festival_lat: float
    ill: NDArray[np.bool_]


class Stays(NamedTuple):
    """Stays of a block of people in one day, arrays[block, 16] of which `used` are filled; seconds of the day."""

    used: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    area: NDArray[np.int32]
    purpose: NDArray[np.int8]


def remember(people: People) -> Memory:
    """Start everyone's memory with home and work."""
    shape = (len(people.lon), KNOWN_PLACES)
    memory = Memory(
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full(shape, -1, np.int32),
        np.zeros(shape, np.uint16),
        np.full(shape[0], 3, np.int16),
        np.zeros(shape[0], np.int16),
    )
    memory.lon[:, HOME], memory.lat[:, HOME], memory.area[:, HOME] = people.lon, people.lat, people.area
    memory.lon[:, WORK], memory.lat[:, WORK], memory.area[:, WORK] = people.work_lon, people.work_lat, people.work_area
    return memory


def outing_hours() -> NDArray[np.float64]:
    """Give the hour of leaving for an outing at equally spaced quantiles."""
    below = np.concatenate([[0.0], np.cumsum(OUTING_HOURS)])
    return np.interp(np.linspace(0, 1, 513), below / below[-1], np.arange(25.0))


@njit(cache=True, nogil=True)
def reduction(km: float) -> float:
    """Share of trips a lockdown prevents, by their length (Peak et al., Int. J. Epidemiology 47, 2018).

    Measured on phone records of Sierra Leone, 27–29 March 2015: 31 % under 15 km, 46 % at 15–30 km, 76 % beyond.
    """
    if km < 15.0:
        return 0.31
    if km <= 30.0:
        return 0.46
    return 0.76


@njit(cache=True, nogil=True)
def travel_seconds(km: float) -> float:
    """Time a trip takes: 1.3 times the straight line, on foot when short, at up to 45 km/h when long."""
    if math.isnan(km):
        return 4.0 * 3600.0
    return 180.0 + 1.3 * km / min(4.0 + 1.2 * km, 45.0) * 3600.0


@njit(cache=True, nogil=True)
def _go(stays: Stays, memory: Memory, i: int, person: int, place: int, depart: float, purpose: int) -> float:
    """Leave the current stay for a place; return when the person is there, in seconds of the day."""
    k = stays.used[i] - 1
    if k + 1 >= MOST_STAYS or depart >= 86_000.0:
        return depart
    depart = max(depart, stays.start[i, k] + 60.0)
    km = distance_km(stays.lon[i, k], stays.lat[i, k], memory.lon[person, place], memory.lat[person, place])
    arrive = min(depart + travel_seconds(km), 86_390.0)
    if arrive <= depart:
        return depart
    stays.end[i, k] = int(depart)
    k += 1
    stays.start[i, k], stays.end[i, k] = int(arrive), 86_400
    stays.lon[i, k], stays.lat[i, k] = memory.lon[person, place], memory.lat[person, place]
    stays.area[i, k], stays.purpose[i, k] = memory.area[person, place], purpose
    stays.used[i] = k + 1
    memory.at[person] = place
    if memory.visits[person, place] < 65_000:
        memory.visits[person, place] += 1
    return arrive


@njit(cache=True, nogil=True)
def _learn(memory: Memory, person: int, lon: float, lat: float, area: int) -> int:
    """Add a place to a person's memory, in place of the least visited when it is full; return its index."""
    place = memory.known[person]
    if place >= KNOWN_PLACES:
        place = 3
        for other in range(4, KNOWN_PLACES):
            if memory.visits[person, other] < memory.visits[person, place] and other != memory.at[person]:
                place = other
        if place == memory.at[person]:
            place = 3 if place != 3 else 4
    else:
        memory.known[person] += 1
    memory.lon[person, place], memory.lat[person, place] = lon, lat
    memory.area[person, place], memory.visits[person, place] = area, 0
    return place


@njit(cache=True, nogil=True)
def _away_km(stays: Stays, memory: Memory, i: int, person: int, place: int) -> float:
    """Distance from where a person is to a place they know, in km."""
    k = stays.used[i] - 1
    return distance_km(stays.lon[i, k], stays.lat[i, k], memory.lon[person, place], memory.lat[person, place])


@njit(cache=True, nogil=True)
def _outing(
    stream: Stream, stays: Stays, memory: Memory, laws: Laws, i: int, person: int, depart: float, resolve: float
) -> float:
    """Explore or return; the time of arrival, negative when a lockdown prevents it, 0 when there is nowhere to go.

    `resolve` in [0, 1) is how much a person wants to go: a trip takes place if it is at least the reduction.
    """
    k = stays.used[i] - 1
    at = memory.at[person]
    known = memory.known[person] - 2.0
    if not math.isnan(memory.lon[person, WORK]):
        known += 1.0
    total = 0.0
    for place in range(3, memory.known[person]):
        if place != at:
            total += memory.visits[person, place]
    if uniform(stream) < RHO * known**-GAMMA or total == 0.0:
        spot = np.empty(2)
        lon, lat = stays.lon[i, k], stays.lat[i, k]
        if not destination(stream, laws.raster, laws.lengths, LONGEST_KM, lon, lat, spot):
            return 0.0
        km = distance_km(lon, lat, spot[0], spot[1])
        if resolve < reduction(km):
            return -(depart + travel_seconds(km))
        place = _learn(memory, person, spot[0], spot[1], area_at(laws.raster, spot[0], spot[1]))
        return _go(stays, memory, i, person, place, depart, 3)
    pick = uniform(stream) * total
    chosen = -1
    for place in range(3, memory.known[person]):
        if place != at and memory.visits[person, place] > 0:
            chosen = place
            pick -= memory.visits[person, place]
            if pick < 0.0:
                break
    km = _away_km(stays, memory, i, person, chosen)
    if resolve < reduction(km):
        return -(depart + travel_seconds(km))
    return _go(stays, memory, i, person, chosen, depart, 4)


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
    arrived = _outing(stream, stays, memory, laws, i, person, depart, resolve)
    end = _leaves_again(stream, abs(arrived))
    if arrived <= 0.0:
        if memory.at[person] != base:
            _go(stays, memory, i, person, base, depart, 1)
        way = max(-arrived - depart, 0.0)
        if way > travel_seconds(OVERNIGHT_KM) and uniform(stream) < OVERNIGHT:
            return 90_000.0
        return end + way if arrived < 0.0 else depart
    if uniform(stream) < ONWARD and end < 20.0 * 3600.0:
        arrived = _outing(stream, stays, memory, laws, i, person, end, resolve)
        if arrived > 0.0:
            end = _leaves_again(stream, arrived)
    if _away_km(stays, memory, i, person, base) > OVERNIGHT_KM and uniform(stream) < OVERNIGHT:
        return 90_000.0
    return _go(stays, memory, i, person, base, end, 1)


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
    place = _learn(memory, person, lon, lat, area_at(laws.raster, lon, lat))
    arrived = _go(stays, memory, i, person, place, (9.0 + 5.0 * uniform(stream)) * 3600.0, 5)
    if km < OVERNIGHT_KM:
        _go(stays, memory, i, person, base, max(arrived + 1800.0, (20.0 + 2.5 * uniform(stream)) * 3600.0), 1)
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
            prevented = lockdown and uniform(outing) < reduction(_away_km(stays, memory, i, person, WORK))
            if prevented:
                now = max(now, from_work)
            elif now <= to_work + 7200.0:
                now = _go(stays, memory, i, person, WORK, max(to_work, now + 60.0), 2)
                now = max(from_work, now + 1800.0)
                if depart < now or depart > now + 5400.0:
                    now = _go(stays, memory, i, person, base, now, 1)
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
            prevented = conditions.lockdown and wants < reduction(_away_km(stays, memory, i, person, base))
            if not forced and (stays_away or prevented):
                continue
            now = _go(stays, memory, i, person, base, depart, 6 if forced else 1)
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
