"""What is true, counted from true positions, and what clean records show of it.

*Truly there* counts everyone whose stay or way leads through an area in an hour; *seen* counts those with a readable
event on a cell that stands in the area. The difference between the two is what records cannot show; the difference
between *seen* and what a pipeline publishes is the pipeline's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from commonweal.demo.daily_life import Person
from commonweal.demo.events import Events, Sims
from commonweal.demo.faults import READABLE
from commonweal.demo.geography import Raster, distance_km
from commonweal.demo.jumps import area_at
from commonweal.demo.trips import MOST_STAYS, Stays

ON_THE_WAY_S = 600
"""Someone under way is located every ten minutes."""

HOURS = 24


class Present(NamedTuple):
    """True counts of one day; [24, areas] by hour, [areas] for the day, [areas, areas] by origin and destination."""

    hour_people: NDArray[np.int64]
    hour_subscribers: NDArray[np.int64]
    hour_population: NDArray[np.float64]
    day_people: NDArray[np.int64]
    day_subscribers: NDArray[np.int64]
    day_population: NDArray[np.float64]
    flow_people: NDArray[np.int64]
    flow_subscribers: NDArray[np.int64]


class Seen(NamedTuple):
    """Counts of one day from readable events; shapes as in `Present`."""

    hour_people: NDArray[np.int64]
    hour_subscribers: NDArray[np.int64]
    day_people: NDArray[np.int64]
    day_subscribers: NDArray[np.int64]
    flow_subscribers: NDArray[np.int64]


class Trips(NamedTuple):
    """Trips of a day, by person; seconds of the day, areas -1 abroad, length in km NaN where it leads abroad."""

    person: NDArray[np.int32]
    depart: NDArray[np.int32]
    arrive: NDArray[np.int32]
    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    km: NDArray[np.float64]
    purpose: NDArray[np.int8]


@njit(cache=True, nogil=True)
def _sims_between(sims: Sims, person: int, start: int, end: int) -> int:
    count = 0
    for sim in range(sims.first[person], sims.first[person + 1]):
        if sims.starts[sim] < end and sims.ends[sim] > start:
            count += 1
    return count


@njit(cache=True, nogil=True)
def present(
    day: int, low: int, areas: int, stays: Stays, sims: Sims, weight: NDArray[np.float64], raster: Raster
) -> Present:
    """Count who of a block of people truly was where in a day."""
    counts = Present(
        np.zeros((HOURS, areas), np.int64),
        np.zeros((HOURS, areas), np.int64),
        np.zeros((HOURS, areas)),
        np.zeros(areas, np.int64),
        np.zeros(areas, np.int64),
        np.zeros(areas),
        np.zeros((areas, areas), np.int64),
        np.zeros((areas, areas), np.int64),
    )
    by_hour = np.full((HOURS, areas), -1, np.int64)
    by_day = np.full(areas, -1, np.int64)
    by_flow = np.full((areas, areas), -1, np.int64)
    midnight = day * 86_400
    for i in range(len(stays.used)):
        person = low + i
        last = -1
        for k in range(stays.used[i]):
            # The stay, then the way to the next one in steps.
            start, end = stays.start[i, k], stays.end[i, k]
            steps = 0
            if k + 1 < stays.used[i] and not math.isnan(stays.lon[i, k]) and not math.isnan(stays.lon[i, k + 1]):
                steps = (stays.start[i, k + 1] - end) // ON_THE_WAY_S
            for step in range(steps + 1):
                area, begins, ends = stays.area[i, k], start, end
                if step > 0:
                    begins = end + step * ON_THE_WAY_S
                    ends = begins + 1
                    along = (begins - end) / max(stays.start[i, k + 1] - end, 1)
                    area = area_at(
                        raster,
                        stays.lon[i, k] + along * (stays.lon[i, k + 1] - stays.lon[i, k]),
                        stays.lat[i, k] + along * (stays.lat[i, k + 1] - stays.lat[i, k]),
                    )
                if area < 0 or ends <= begins:
                    continue
                for hour in range(begins // 3600, min((ends - 1) // 3600, HOURS - 1) + 1):
                    if by_hour[hour, area] != person:
                        by_hour[hour, area] = person
                        held = _sims_between(sims, person, midnight + hour * 3600, midnight + hour * 3600 + 3600)
                        counts.hour_people[hour, area] += 1 if held > 0 else 0
                        counts.hour_subscribers[hour, area] += held
                        counts.hour_population[hour, area] += weight[person]
                if by_day[area] != person:
                    by_day[area] = person
                    held = _sims_between(sims, person, midnight, midnight + 86_400)
                    counts.day_people[area] += 1 if held > 0 else 0
                    counts.day_subscribers[area] += held
                    counts.day_population[area] += weight[person]
                if last >= 0 and area != last and by_flow[last, area] != person:
                    by_flow[last, area] = person
                    held = _sims_between(sims, person, midnight, midnight + 86_400)
                    counts.flow_people[last, area] += 1 if held > 0 else 0
                    counts.flow_subscribers[last, area] += held
                last = area
    return counts


@njit(cache=True, nogil=True)
def last_seen(events: Events, first_sim: int, end_sim: int, cell_area: NDArray[np.int32]) -> NDArray[np.int32]:
    """Area in which each of the SIMs first_sim … end_sim - 1 was last seen in a day, -1 for nowhere."""
    last = np.full(end_sim - first_sim, -1, np.int32)
    for e in range(len(events.sim)):
        if events.fault[e] <= READABLE and events.cell[e] >= 0 and cell_area[events.cell[e]] >= 0:
            last[events.sim[e] - first_sim] = cell_area[events.cell[e]]
    return last


@njit(cache=True, nogil=True)
def home_seen(last: NDArray[np.int32]) -> NDArray[np.int32]:
    """Area that most days of a SIM end in, the most recent of equals, from `last`, int32[SIMs, days]; -1 for none."""
    homes = np.full(len(last), -1, np.int32)
    for sim in range(len(last)):
        most = 0
        for day in range(last.shape[1] - 1, -1, -1):
            days = 0
            for other in range(last.shape[1]):
                days += last[sim, other] == last[sim, day]
            if last[sim, day] >= 0 and days > most:
                most = days
                homes[sim] = last[sim, day]
    return homes


@njit(cache=True, nogil=True)
def seen(events: Events, sim_person: NDArray[np.int32], cell_area: NDArray[np.int32], areas: int) -> Seen:
    """Count what readable events, sorted by (SIM, time), show of a day. Events without an area are passed over."""
    counts = Seen(
        np.zeros((HOURS, areas), np.int64),
        np.zeros((HOURS, areas), np.int64),
        np.zeros(areas, np.int64),
        np.zeros(areas, np.int64),
        np.zeros((areas, areas), np.int64),
    )
    hour_person, hour_sim = np.full((HOURS, areas), -1, np.int64), np.full((HOURS, areas), -1, np.int64)
    day_person, day_sim = np.full(areas, -1, np.int64), np.full(areas, -1, np.int64)
    flow_sim = np.full((areas, areas), -1, np.int64)
    last, last_sim = -1, -1
    for e in range(len(events.sim)):
        if events.fault[e] > READABLE or events.cell[e] < 0:
            continue
        area = cell_area[events.cell[e]]
        if area < 0:
            continue
        sim, hour = events.sim[e], events.second[e] // 3600
        person = sim_person[sim]
        if hour_sim[hour, area] != sim:
            hour_sim[hour, area] = sim
            counts.hour_subscribers[hour, area] += 1
        if hour_person[hour, area] != person:
            hour_person[hour, area] = person
            counts.hour_people[hour, area] += 1
        if day_sim[area] != sim:
            day_sim[area] = sim
            counts.day_subscribers[area] += 1
        if day_person[area] != person:
            day_person[area] = person
            counts.day_people[area] += 1
        if sim == last_sim and area != last and flow_sim[last, area] != sim:
            flow_sim[last, area] = sim
            counts.flow_subscribers[last, area] += 1
        last, last_sim = area, sim
    return counts


def trips(day: int, low: int, stays: Stays, person_of: Person) -> Trips:
    """List the trips between the stays of a block of people, without those outside a visitor's time here."""
    rows, columns = np.nonzero(np.arange(1, MOST_STAYS)[None, :] < stays.used[:, None])
    before, after = (rows, columns), (rows, columns + 1)
    depart, arrive = stays.end[before], stays.start[after]
    here = (depart + day * 86_400 >= person_of.arrives[low + rows]) & (
        arrive + day * 86_400 <= person_of.leaves[low + rows]
    )
    rows, before, after = rows[here], (rows[here], columns[here]), (rows[here], columns[here] + 1)
    return Trips(
        (low + rows).astype(np.int32),
        depart[here],
        arrive[here],
        stays.area[before],
        stays.area[after],
        distance_km(stays.lon[before], stays.lat[before], stays.lon[after], stays.lat[after]),
        stays.purpose[after],
    )


@njit(cache=True, nogil=True)
def main_area(stays: Stays) -> NDArray[np.int32]:
    """Area in which each person of a block spent most of the day between 8 and 20 h, -1 for none."""
    result = np.full(len(stays.used), -1, np.int32)
    for i in range(len(stays.used)):
        longest = 0
        for k in range(stays.used[i]):
            length = min(stays.end[i, k], 72_000) - max(stays.start[i, k], 28_800)
            if length > longest:
                longest = length
                result[i] = stays.area[i, k]
    return result
