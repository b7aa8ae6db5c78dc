"""What people's phones record: calls, messages and data sessions, in trains, on a cell that reaches them.

Events come in trains whose length follows P(E) ∝ E^-2.5 with gaps P(τ) ∝ τ^-0.7: bursts as Karsai, Kaski, Barabási and
Kertész found them in phone records (Scientific Reports 2, 2012). The exponent of the gaps is theirs for calls; trains
are longer here, for data sessions. They start by the hour of the day, with a trough at night and a peak in the evening.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from commonweal.demo.coverage import CANDIDATES, Cover, candidates, silent
from commonweal.demo.faults import UNKNOWN_CELL, fault
from commonweal.demo.people import DEVICES, People, Relocation
from commonweal.demo.randomness import Stream, begin, mix, normal, poisson, power_law, quantile, uniform
from commonweal.demo.trips import MOST_STAYS, Stays

VOICE, MESSAGE, DATA = 0, 1, 2
KINDS = ("voice", "sms", "data")
INCOMING, OUTGOING, NO_DIRECTION = 0, 1, 2
DIRECTIONS = ("I", "O", "")

WEEKDAY_HOURS = np.array(
    [9, 5, 3, 2, 2.2, 5, 13, 25, 37, 45, 50, 53, 53, 50, 48, 49, 52, 58, 66, 73, 74, 62, 41, 20], float
)
WEEKEND_HOURS = np.array(
    [13, 8, 5, 3, 2.6, 4, 9, 17, 28, 38, 45, 50, 52, 50, 48, 48, 51, 57, 65, 74, 78, 68, 48, 27], float
)
"""Relative frequency of events by hour of the day."""

TRAIN_EXPONENT, LONGEST_TRAIN = 2.5, 30
GAP_EXPONENT, SHORTEST_GAP_S, LONGEST_GAP_S = 0.7, 4.0, 600.0
MOST_EVENTS = 600
STAYS_ON_CELL = 0.88
USE_ABROAD = 0.35
CONTACTS = 40
GENERATION = np.array([generation for _, generation, _ in DEVICES], np.int8)


class Sims(NamedTuple):
    """What the event kernel reads of SIMs."""

    first: NDArray[np.int32]
    number: NDArray[np.int64]
    plmn: NDArray[np.int16]
    device: NDArray[np.int8]
    rate: NDArray[np.float64]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


class Events(NamedTuple):
    """Events of one day by (SIM, time); second of the day, cell -1 abroad, counterpart and duration 0 for none."""

    sim: NDArray[np.int32]
    second: NDArray[np.int32]
    cell: NDArray[np.int32]
    kind: NDArray[np.int8]
    direction: NDArray[np.int8]
    counterpart: NDArray[np.int64]
    duration: NDArray[np.int32]
    serving: NDArray[np.int16]
    fault: NDArray[np.int8]


def sims_of(people: People) -> Sims:
    """Give the arrays of SIMs that the kernel reads."""
    return Sims(
        people.first_sim, people.sim_number, people.sim_plmn, people.sim_device, people.sim_rate, people.sim_starts,
        people.sim_ends,
    )  # fmt: skip


def hours_quantiles(weekend: bool) -> NDArray[np.float64]:
    """Give the hour of the day in which a train starts at equally spaced quantiles."""
    below = np.concatenate([[0.0], np.cumsum(WEEKEND_HOURS if weekend else WEEKDAY_HOURS)])
    return np.interp(np.linspace(0, 1, 1025), below / below[-1], np.arange(25.0))


def train_quantiles() -> NDArray[np.float64]:
    """Give the cumulative distribution of the number of events in a train, from 1 to the longest."""
    weight = np.arange(1.0, LONGEST_TRAIN + 1) ** -TRAIN_EXPONENT
    return np.asarray(np.cumsum(weight) / weight.sum(), np.float64)


@njit(cache=True, nogil=True)
def _times(
    stream: Stream,
    mean: float,
    hours: NDArray[np.float64],
    trains: NDArray[np.float64],
    low: int,
    high: int,
    second: NDArray[np.int64],
    train: NDArray[np.int64],
) -> int:
    """Write the times of a day's events within [low, high), increasing, and the train each belongs to; their number."""
    mean_length = 0.0
    for k in range(len(trains)):
        mean_length += 1.0 - (trains[k - 1] if k > 0 else 0.0)
    starts = poisson(stream, mean / mean_length)
    count = 0
    for number in range(starts):
        at = quantile(stream, hours) * 3600.0
        pick = uniform(stream)
        length = 1
        while length < len(trains) and trains[length - 1] < pick:
            length += 1
        for _ in range(length):
            if count >= len(second) or at >= 86_400.0:
                break
            # The train travels with the time through the sort.
            second[count] = int(at) * 65_536 + number
            count += 1
            at += power_law(stream, GAP_EXPONENT, SHORTEST_GAP_S, LONGEST_GAP_S)
    second[:count].sort()
    kept = 0
    last = -1
    for k in range(count):
        at_second, number = second[k] // 65_536, second[k] % 65_536
        if low <= at_second < high and at_second > last:
            second[kept], train[kept] = at_second, number
            last = at_second
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _contact(stream: Stream, numbers: NDArray[np.int64], sim: int) -> int:
    """A number the subscriber is in touch with: some often, some seldom, most of them living near."""
    rank = int(CONTACTS ** uniform(stream))
    draw = mix(np.uint64(sim) * np.uint64(64) + np.uint64(rank))
    if draw & np.uint64(1):
        span = np.uint64(400 if draw & np.uint64(2) else len(numbers))
        other = (sim + 1 + int((draw >> np.uint64(8)) % span)) % len(numbers)
        return numbers[other]
    # Subscribers of other operators have numbers of the same country that begin with 2 instead of 1.
    country = numbers[sim] // 1_000_000_000
    return country * 1_000_000_000 + 200_000_000 + int((draw >> np.uint64(8)) % np.uint64(100_000_000))


@njit(cache=True, nogil=True)
def _choose_cell(
    stream: Stream, cover: Cover, found: NDArray[np.int32], generation: int, kind: int, second: int
) -> int:
    """Choose among the candidates by service and device; -1 when every cell is out of reach or silent."""
    wanted = generation
    if kind != DATA:
        wanted = min(1, generation) if uniform(stream) < 0.6 else 0
    elif uniform(stream) < 0.06:
        wanted = max(0, generation - 1)
    second_best = uniform(stream) >= STAYS_ON_CELL
    for turn in range(2 * (generation + 1)):
        # First the technology wanted, then those below it, then those above.
        step = turn // 2
        technology = wanted - step if step <= wanted else step
        place = turn % 2
        if step == 0 and second_best:
            place = 1 - place
        cell = found[2 * technology + place]
        if cell >= 0 and not silent(cover, cell, second):
            return cell
    return -1


@njit(cache=True, nogil=True)
def record(
    day: int,
    seed: int,
    low: int,
    high: int,
    sims: Sims,
    stays: Stays,
    elsewhere: Relocation,
    cover: Cover,
    hours: NDArray[np.float64],
    trains: NDArray[np.float64],
    generations: NDArray[np.int8],
) -> Events:
    """Record a day of the SIMs of the people low … high - 1.

    Where a person is en route, the phone is on the straight line between the stays. An event for which no cell is in
    reach, or whose cells are all silent, does not happen.
    """
    stream = np.zeros(1, np.uint64)
    second, train = np.empty(MOST_EVENTS, np.int64), np.empty(MOST_EVENTS, np.int64)
    room = 1024
    for sim in range(sims.first[low], sims.first[high]):
        room += int(sims.rate[sim] * 1.5) + 4
    events = _room(room)
    at_stay, on_way = np.empty((MOST_STAYS, CANDIDATES), np.int32), np.empty(CANDIDATES, np.int32)
    looked = np.empty(MOST_STAYS, np.bool_)
    n = 0
    for person in range(low, high):
        i = person - low
        if stays.used[i] == 0:
            continue
        looked[:] = False
        abroad = elsewhere.network[person] >= 0
        for sim in range(sims.first[person], sims.first[person + 1]):
            begin(stream, seed, sim, day, 7)
            # Some days are busier than others: a log-normal factor of mean 1.
            mean = sims.rate[sim] * math.exp(0.5 * normal(stream) - 0.125)
            count = _times(
                stream,
                mean,
                hours,
                trains,
                sims.starts[sim] - day * 86_400,
                sims.ends[sim] - day * 86_400,
                second,
                train,
            )
            if n + count > len(events.sim):
                events = _grow(events, n, n + count + room)
            k = 0
            last_train = -1
            kind, direction, counterpart = DATA, NO_DIRECTION, 0
            for e in range(count):
                at = second[e]
                while k + 1 < stays.used[i] and at >= stays.start[i, k + 1]:
                    k += 1
                if at < stays.start[i, k]:
                    continue
                generation = generations[sims.device[sim]]
                if train[e] != last_train:
                    last_train = train[e]
                    pick = uniform(stream)
                    talk = 0.6 if generation == 0 else 0.24
                    write = 1.0 if generation == 0 else 0.36
                    kind = VOICE if pick < talk else MESSAGE if pick < write else DATA
                    direction, counterpart = NO_DIRECTION, 0
                    if kind != DATA:
                        counterpart = _contact(stream, sims.number, sim)
                if kind != DATA:
                    direction = OUTGOING if uniform(stream) < 0.52 else INCOMING
                duration = 0
                if kind == VOICE:
                    duration = 1 + int(min(math.exp(3.8 + 1.1 * normal(stream)), 7_200.0))
                elif kind == DATA:
                    duration = 1 + int(min(math.exp(5.3 + 1.2 * normal(stream)), 21_600.0))
                cell, serving = -1, -1
                wrong = fault(stream)
                under_way = at >= stays.end[i, k]
                if under_way and k + 1 >= stays.used[i]:
                    continue
                if math.isnan(stays.lon[i, k]) or (under_way and math.isnan(stays.lon[i, k + 1])):
                    if not abroad or under_way or uniform(stream) >= USE_ABROAD:
                        continue
                    serving = elsewhere.network[person]
                    if wrong == UNKNOWN_CELL:
                        wrong = 0
                else:
                    if under_way:
                        along = (at - stays.end[i, k]) / max(stays.start[i, k + 1] - stays.end[i, k], 1)
                        lon = stays.lon[i, k] + along * (stays.lon[i, k + 1] - stays.lon[i, k])
                        lat = stays.lat[i, k] + along * (stays.lat[i, k + 1] - stays.lat[i, k])
                        candidates(cover, lon, lat, sims.plmn[sim], on_way)
                        cell = _choose_cell(stream, cover, on_way, generation, kind, day * 86_400 + at)
                    else:
                        if not looked[k]:
                            candidates(cover, stays.lon[i, k], stays.lat[i, k], sims.plmn[sim], at_stay[k])
                            looked[k] = True
                        cell = _choose_cell(stream, cover, at_stay[k], generation, kind, day * 86_400 + at)
                    if cell < 0:
                        continue
                    serving = cover.plmn[cell]
                events.sim[n], events.second[n], events.cell[n] = sim, at, cell
                events.kind[n], events.direction[n] = kind, direction
                events.counterpart[n], events.duration[n] = counterpart, duration
                events.serving[n], events.fault[n] = serving, wrong
                n += 1
    return Events(
        events.sim[:n].copy(),
        events.second[:n].copy(),
        events.cell[:n].copy(),
        events.kind[:n].copy(),
        events.direction[:n].copy(),
        events.counterpart[:n].copy(),
        events.duration[:n].copy(),
        events.serving[:n].copy(),
        events.fault[:n].copy(),
    )


@njit(cache=True, nogil=True)
def _room(size: int) -> Events:
    return Events(
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int8),
        np.empty(size, np.int8),
        np.empty(size, np.int64),
        np.empty(size, np.int32),
        np.empty(size, np.int16),
        np.empty(size, np.int8),
    )


@njit(cache=True, nogil=True)
def _grow(events: Events, used: int, size: int) -> Events:
    larger = _room(size)
    larger.sim[:used], larger.second[:used], larger.cell[:used] = (
        events.sim[:used], events.second[:used], events.cell[:used],
    )  # fmt: skip
    larger.kind[:used], larger.direction[:used] = events.kind[:used], events.direction[:used]
    larger.counterpart[:used], larger.duration[:used] = events.counterpart[:used], events.duration[:used]
    larger.serving[:used], larger.fault[:used] = events.serving[:used], events.fault[:used]
    return larger
