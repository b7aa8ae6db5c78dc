"""Where trips lead: to places people know, and to new ones.

Exploration and preferential return (Song, Koren, Wang and Barabási, Nature Physics 6, 2010): someone who knows S places
goes to a new one with probability ρ·S^-γ (ρ = 0.6, γ = 0.21), at a jump of the law of ``jumps``; otherwise back to a
known one, in proportion to earlier visits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from commonweal.demo.geography import Raster
from commonweal.demo.jumps import LONGEST_KM, area_at, destination, distance_km
from commonweal.demo.people import People
from commonweal.demo.randomness import Stream, uniform

RHO, GAMMA = 0.6, 0.21
KNOWN_PLACES = 40
MOST_STAYS = 16
HOME, WORK, ELSEWHERE = 0, 1, 2
PURPOSES = ("there", "home", "work", "explore", "return", "festival", "relocate")


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
def go(stays: Stays, memory: Memory, i: int, person: int, place: int, depart: float, purpose: int) -> float:
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
def learn(memory: Memory, person: int, lon: float, lat: float, area: int) -> int:
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
def away_km(stays: Stays, memory: Memory, i: int, person: int, place: int) -> float:
    """Distance from where a person is to a place they know, in km."""
    k = stays.used[i] - 1
    return distance_km(stays.lon[i, k], stays.lat[i, k], memory.lon[person, place], memory.lat[person, place])


@njit(cache=True, nogil=True)
def explore_or_return(
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
        place = learn(memory, person, spot[0], spot[1], area_at(laws.raster, spot[0], spot[1]))
        return go(stays, memory, i, person, place, depart, 3)
    pick = uniform(stream) * total
    chosen = -1
    for place in range(3, memory.known[person]):
        if place != at and memory.visits[person, place] > 0:
            chosen = place
            pick -= memory.visits[person, place]
            if pick < 0.0:
                break
    km = away_km(stays, memory, i, person, chosen)
    if resolve < reduction(km):
        return -(depart + travel_seconds(km))
    return go(stays, memory, i, person, chosen, depart, 4)
