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
HOME, WORK, ELSEWHERE = 0, 1, 2
PURPOSES = ("there", "home", "work", "explore", "return", "festival", "relocate")
WARM_UP_DAYS = 21


class Person(NamedTuple):
    """What the movement kernel reads of each person."""

    kind: NDArray[np.int8]
    arrives: NDArray[np.int32]
    leaves: NDArray[np.int32]


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
def _outing(
    stream: Stream,
    stays: Stays,
    memory: Memory,
    raster: Raster,
    lengths: NDArray[np.float64],
    i: int,
    person: int,
    depart: float,
    lockdown: bool,
    resolve: float,
) -> float:
    """Explore or return; the time of arrival, or -1 when the outing does not take place."""
    k = stays.used[i] - 1
    lon, lat = stays.lon[i, k], stays.lat[i, k]
    at = memory.at[person]
    known = memory.known[person] - 2.0
    if not math.isnan(memory.lon[person, WORK]):
        known += 1.0
    total = 0.0
    for place in range(3, memory.known[person]):
        if place != at:
            total += memory.visits[person, place]
    explore = uniform(stream) < RHO * known**-GAMMA
    spot = np.empty(2)
    if explore or total == 0.0:
        if not destination(stream, raster, lengths, LONGEST_KM, lon, lat, spot):
            return -1.0
        if lockdown and resolve < reduction(distance_km(lon, lat, spot[0], spot[1])):
            return -1.0
        place = _learn(memory, person, spot[0], spot[1], area_at(raster, spot[0], spot[1]))
        return _go(stays, memory, i, person, place, depart, 3)
    pick = uniform(stream) * total
    chosen = -1
    for place in range(3, memory.known[person]):
        if place != at and memory.visits[person, place] > 0:
            chosen = place
            pick -= memory.visits[person, place]
            if pick < 0.0:
                break
    km = distance_km(lon, lat, memory.lon[person, chosen], memory.lat[person, chosen])
    if lockdown and resolve < reduction(km):
        return -1.0
    return _go(stays, memory, i, person, chosen, depart, 4)


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
    raster: Raster,
    lengths: NDArray[np.float64],
    hours: NDArray[np.float64],
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
    leaving = np.empty(6)
    for person in range(low, high):
        i = person - low
        if person_of.leaves[person] <= day * 86_400 or person_of.arrives[person] >= (day + 1) * 86_400:
            continue
        begin(stream, seed, person, day + 1000, 1)
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
        kind = person_of.kind[person]
        now = 0.0
        if at != base:
            forced = relocated or at == ELSEWHERE
            depart = (7.0 + 7.0 * uniform(stream)) * 3600.0
            km = distance_km(stays.lon[i, 0], stays.lat[i, 0], memory.lon[person, base], memory.lat[person, base])
            stay_away = uniform(stream) >= RETURNS
            prevented = conditions.lockdown and uniform(stream) < reduction(km)
            if not forced and (stay_away or prevented):
                continue
            now = _go(stays, memory, i, person, base, depart, 6 if forced else 1)
        if conditions.ill[person] or (relocated and elsewhere.kind[person] == 3):
            continue
        if conditions.festival and now == 0.0:
            km = distance_km(stays.lon[i, 0], stays.lat[i, 0], conditions.festival_lon, conditions.festival_lat)
            begin(outing, seed, person, day + 1000, 50)
            if uniform(outing) < 0.6 * math.exp(-km / 35.0):
                lon = conditions.festival_lon + 0.006 * normal(outing)
                lat = conditions.festival_lat + 0.006 * normal(outing)
                if area_at(raster, lon, lat) < 0:
                    lon, lat = conditions.festival_lon, conditions.festival_lat
                place = _learn(memory, person, lon, lat, area_at(raster, lon, lat))
                now = _go(stays, memory, i, person, place, (9.0 + 5.0 * uniform(outing)) * 3600.0, 5)
                if km < OVERNIGHT_KM:
                    depart = max(now + 1800.0, (20.0 + 2.5 * uniform(outing)) * 3600.0)
                    _go(stays, memory, i, person, base, depart, 1)
                continue
        weekend = weekday >= 5
        works = not math.isnan(memory.lon[person, WORK]) and not (relocated and elsewhere.kind[person] == 2)
        attends = uniform(stream) < (0.9 if weekday < 5 else 0.25 if weekday == 5 else 0.06)
        to_work = (7.4 + 0.8 * normal(stream)) * 3600.0
        from_work = max((16.4 + 1.3 * normal(stream)) * 3600.0, to_work + 3600.0)
        if kind == 2:
            from_work -= 2.5 * 3600.0
        count = min(poisson(stream, OUTINGS[kind] * (1.25 if weekend else 1.0)), 6)
        for k in range(count):
            leaving[k] = quantile(stream, hours) * 3600.0
        leaving[:count].sort()
        pending = works and attends
        for k in range(count + 1):
            depart = leaving[k] if k < count else 90_000.0
            if pending and to_work <= depart:
                pending = False
                begin(outing, seed, person, day + 1000, 100)
                resolve = uniform(outing)
                here = stays.used[i] - 1
                km = distance_km(
                    stays.lon[i, here], stays.lat[i, here], memory.lon[person, WORK], memory.lat[person, WORK]
                )
                stays_home = conditions.lockdown and resolve < reduction(km)
                if now <= to_work + 7200.0 and not stays_home:
                    now = _go(stays, memory, i, person, WORK, max(to_work, now + 60.0), 2)
                    now = max(from_work, now + 1800.0)
                    if depart < now or depart > now + 5400.0:
                        now = _go(stays, memory, i, person, base, now, 1)
            if k == count:
                break
            if depart < now:
                continue
            begin(outing, seed, person, day + 1000, 2 + k)
            resolve = uniform(outing)
            arrived = _outing(outing, stays, memory, raster, lengths, i, person, depart, conditions.lockdown, resolve)
            if arrived < 0.0:
                if memory.at[person] != base:
                    now = _go(stays, memory, i, person, base, depart, 1)
                continue
            now = arrived
            dwell = power_law(outing, DWELL_EXPONENT, SHORTEST_DWELL_H, LONGEST_DWELL_H) * 3600.0
            end = min(now + dwell, max(now + 900.0, (21.5 + 1.2 * uniform(outing)) * 3600.0))
            if uniform(outing) < ONWARD and end < 20.0 * 3600.0:
                arrived = _outing(outing, stays, memory, raster, lengths, i, person, end, conditions.lockdown, resolve)
                if arrived >= 0.0:
                    now = arrived
                    dwell = power_law(outing, DWELL_EXPONENT, SHORTEST_DWELL_H, LONGEST_DWELL_H) * 3600.0
                    end = min(now + dwell, max(now + 900.0, (21.5 + 1.2 * uniform(outing)) * 3600.0))
            here = stays.used[i] - 1
            km = distance_km(stays.lon[i, here], stays.lat[i, here], memory.lon[person, base], memory.lat[person, base])
            if km > OVERNIGHT_KM and uniform(outing) < OVERNIGHT:
                break
            now = _go(stays, memory, i, person, base, end, 1)
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
