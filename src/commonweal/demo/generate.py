"""From a few choices to a folder of files: the operator's records and the truth.

Days are generated one after the other, so memory holds one day whatever the length of the period. Within a day, blocks
of people are independent and run on threads; what they draw depends on who they are, so the number of threads changes
nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import Conflict, InputError
from commonweal.core.periods import Calendar
from commonweal.demo import cells, coverage, daily_life, describing, events, people, scenarios, trips, truth, writing
from commonweal.demo.geography import Geography
from commonweal.demo.jumps import length_quantiles
from commonweal.demo.landscape import Ground, survey
from commonweal.demo.operators import Operator, foreign_networks
from commonweal.demo.tables import Clock, TruthTables

BLOCK = 4096
SUFFIXES = {"none": ".csv", "gz": ".csv.gz", "zst": ".csv.zst"}
Progress = Callable[[int, int, str], None]
T = TypeVar("T", truth.Present, truth.Seen)


@dataclass(frozen=True)
class Choices:
    """What to generate.

    Parameters
    ----------
    subscribers
        SIMs of the sample group with records in the period, visitors included.
    days, start
        Length and first day of the period.
    seed
        Whole number; equal choices and seed give equal bytes.
    scenarios
        What happens, see ``scenarios.SCENARIOS``.
    events_per_day
        Mean number of events a subscriber and day, before those lost without coverage.
    ground
        Areas and people.
    cells, cells_format
        A file of real cells to use instead of placing them; its format, ``mls``.
    time_zone
        Zone of the records' times; without it, the zone of the first country's capital.
    compression
        Of the event files: ``none``, ``gz`` or ``zst``.
    """

    subscribers: int = 50_000
    days: int = 14
    start: date = date(2026, 3, 1)
    seed: int = 1
    scenarios: frozenset[str] = frozenset()
    events_per_day: float = 15.0
    ground: Ground = field(default_factory=Ground)
    cells: Path | None = None
    cells_format: str = "mls"
    time_zone: str | None = None
    compression: str = "none"


@dataclass(frozen=True)
class Summary:
    """What was generated: rows of all event files, their bytes before compression, and faults by name."""

    rows: int
    bytes: int
    faults: dict[str, int]


class _World(NamedTuple):
    """What every day needs."""

    choices: Choices
    geography: Geography
    network: cells.Network
    failures: tuple[cells.Outage, ...]
    foreign: tuple[Operator, ...]
    people: people.People
    plan: scenarios.Plan
    person: daily_life.Person
    memory: trips.Memory
    sims: events.Sims
    laws: trips.Laws
    trains: NDArray[np.float64]


class _Day(NamedTuple):
    """What a block of people did in a day."""

    events: events.Events
    present: truth.Present
    seen: truth.Seen
    trips: truth.Trips
    main_area: NDArray[np.int32]
    last_area: NDArray[np.int32]


def generate(out: Path, choices: Choices, *, threads: int | None = None, progress: Progress | None = None) -> Summary:
    """Generate the sample country into a new or empty folder.

    Raises
    ------
    InputError
        When a choice makes no sense; the message says which.
    Conflict
        When the folder holds something.
    """
    _check(choices)
    if out.exists() and any(out.iterdir()):
        raise Conflict("this folder is not empty", where=out, expected="a new folder, or an empty one")
    geography = survey(choices.ground)
    zone = choices.time_zone or _capital_zone(geography)
    clock = Clock(_epoch(zone, choices.start, choices.days))
    world = _populate(choices, geography)
    plmns = (*world.network.plmns, *(operator.plmn for operator in world.foreign))
    (out / "events").mkdir(parents=True)
    describing.write_cells(out / "cells.csv", world.network, clock)
    describing.write_devices(out / "tac.csv")
    describing.write_mapping(out / "mapping.toml", zone)
    describing.write_readme(out / "README.txt", choices, geography, zone)
    tables = TruthTables(out / "truth", geography, clock)
    try:
        tables.inhabitants(world.people, world.plan.elsewhere, plmns, choices.days)
        tables.areas(world.people)
        tables.network(world.network, world.failures)
        dictionary = describing.dictionary(choices, world.network, world.people, plmns)
        files, size = _live(out, world, tables, dictionary, threads or os.cpu_count() or 1, progress or _silent)
    finally:
        tables.close()
    total = Counter[str]()
    for counts in files.values():
        total.update(counts)
    faults = {name: total[name] for name in next(iter(files.values()))}
    describing.write_json(out / "truth" / "faults.json", {"files": files, "total": faults})
    describing.write_json(out / "truth" / "generation.json", describing.parameters(choices, zone))
    return Summary(faults.pop("rows"), size, faults)


def _populate(choices: Choices, geography: Geography) -> _World:
    """Build the network, settle people, and decide what will happen to them."""
    network = _network(choices, geography)
    foreign = foreign_networks(geography.countries)
    inhabitants = people.settle(
        geography, network, _cover(network, geography, ()), foreign, subscribers=choices.subscribers,
        days=choices.days, events_per_day=choices.events_per_day, seed=choices.seed,
    )  # fmt: skip
    plan = scenarios.plan(choices.scenarios, geography, network, inhabitants, foreign, choices.days, choices.seed)
    return _World(
        choices=choices,
        geography=geography,
        network=network,
        failures=(*cells.outages(network, choices.days, choices.seed), *plan.outages),
        foreign=foreign,
        people=inhabitants,
        plan=plan,
        person=daily_life.Person(inhabitants.kind, inhabitants.arrives, inhabitants.leaves),
        memory=trips.remember(inhabitants),
        sims=events.sims_of(inhabitants),
        laws=trips.Laws(geography.raster, length_quantiles(), daily_life.outing_hours()),
        trains=events.train_quantiles(),
    )


def _live(
    out: Path, world: _World, tables: TruthTables, dictionary: writing.Dictionary, threads: int, progress: Progress
) -> tuple[dict[str, dict[str, int]], int]:
    """Let everybody live the period, day by day; what is wrong with each file, and the bytes of all before compression.

    A day's file is written while the next day is lived.
    """
    choices = world.choices
    count = len(world.people.lon)
    blocks = [(low, min(low + BLOCK, count)) for low in range(0, count, BLOCK)]
    outbreak = scenarios.Outbreak(world.plan.outbreak_area, world.people, choices.days, choices.seed)
    dates_of_change = {0} | {move.day for move in world.network.moves}
    files: dict[str, dict[str, int]] = {}
    last_areas: list[NDArray[np.int32]] = []
    size = 0
    carried: writing.Rows | None = None
    written: Future[int] | None = None
    cover: coverage.Cover
    with ThreadPoolExecutor(threads) as pool, ThreadPoolExecutor(1) as writer:
        progress(0, choices.days, "getting to know places")
        list(pool.map(partial(_warm_up, world), blocks))
        for day in range(choices.days):
            if day in dates_of_change:
                cover = _cover(world.network.at(day), world.geography, world.failures)
            conditions = world.plan.conditions(day, outbreak.ill(day))
            lived = list(pool.map(partial(_day, world, day, cover, conditions), blocks))
            _tell(tables, world, day, lived)
            last_areas.append(np.concatenate([one.last_area for one in lived]))
            if world.plan.outbreak_area >= 0:
                at = np.concatenate([one.main_area for one in lived])
                outbreak.spread(day, at, len(world.geography.population))
            today = _rows([one.events for one in lived], day)
            del lived
            rows, carried = writing.arrange(today, carried, day == choices.days - 1)
            del today
            name = f"{choices.start + timedelta(days=day)}{SUFFIXES[choices.compression]}"
            files[name] = writing.tally(rows, day * 86_400)
            size += written.result() if written is not None else 0
            written = writer.submit(writing.write, out / "events" / name, rows, dictionary, choices.compression)
            del rows
            progress(day + 1, choices.days, name)
        size += written.result() if written is not None else 0
    tables.seen_homes(world.people, truth.home_seen(np.stack(last_areas, axis=1)))
    if world.plan.outbreak_area >= 0:
        tables.cases(outbreak.area, outbreak.infected, outbreak.infectious)
    return files, size


def _tell(tables: TruthTables, world: _World, day: int, lived: list[_Day]) -> None:
    """Add a day to the truth."""
    tables.presence(day, _sum([one.present for one in lived]), _sum([one.seen for one in lived]))
    made = truth.Trips._make(np.concatenate(parts) for parts in zip(*(one.trips for one in lived), strict=True))
    tables.trips(day, made, world.foreign, world.plan.elsewhere, len(world.network.plmns))


def _warm_up(world: _World, block: tuple[int, int]) -> None:
    """Let people explore for some weeks before the period, visitors apart, so that they know places when it begins."""
    calm = daily_life.Conditions(False, False, 0.0, 0.0, np.zeros(len(world.people.lon), bool))
    person = daily_life.Person(world.person.kind, np.full_like(world.person.arrives, -(1 << 30)), world.person.leaves)
    for day in range(-daily_life.WARM_UP_DAYS, 0):
        daily_life.move(
            day, _weekday(world, day), world.choices.seed, *block, person, world.memory, world.plan.elsewhere,
            world.laws, calm,
        )  # fmt: skip
    visitors = np.flatnonzero(world.person.kind[slice(*block)] == people.CLASSES.index("visitor")) + block[0]
    world.memory.at[visitors] = trips.HOME


def _day(
    world: _World, day: int, cover: coverage.Cover, conditions: daily_life.Conditions, block: tuple[int, int]
) -> _Day:
    """Let a block of people live a day and record it."""
    low, high = block
    seed, areas, elsewhere = world.choices.seed, len(world.geography.population), world.plan.elsewhere
    weekday = _weekday(world, day)
    stays = daily_life.move(
        day, weekday, seed, low, high, world.person, world.memory, elsewhere, world.laws, conditions
    )
    made = truth.trips(day, low, stays, world.person)
    daily_life.clip_to_visits(day, low, stays, world.person)
    happened = events.record(
        day, seed, low, high, world.sims, stays, elsewhere, cover, events.hours_quantiles(weekday >= 5), world.trains,
        events.GENERATION,
    )  # fmt: skip
    return _Day(
        happened,
        truth.present(day, low, areas, stays, world.sims, world.people.weight, world.geography.raster),
        truth.seen(happened, world.people.sim_person, cover.area, areas),
        made,
        truth.main_area(stays),
        truth.last_seen(happened, world.sims.first[low], world.sims.first[high], cover.area),
    )


def _weekday(world: _World, day: int) -> int:
    return (world.choices.start.weekday() + day) % 7


def _cover(network: cells.Network, geography: Geography, failures: Sequence[cells.Outage]) -> coverage.Cover:
    area = geography.areas.locate(network.lon, network.lat).astype(np.int32)
    return coverage.cover(network, area, geography.raster, failures)


def _silent(done: int, total: int, what: str) -> None:
    """Show no progress."""


def _sum(parts: list[T]) -> T:
    return type(parts[0])(*(sum(columns[1:], columns[0]) for columns in zip(*parts, strict=True)))


def _rows(parts: list[events.Events], day: int) -> writing.Rows:
    joined = events.Events(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return writing.Rows(
        joined.sim, joined.second.astype(np.int64) + day * 86_400, joined.cell, joined.kind, joined.direction,
        joined.counterpart, joined.duration, joined.serving, joined.fault,
    )  # fmt: skip


def _network(choices: Choices, geography: Geography) -> cells.Network:
    if choices.cells is None:
        network = cells.place(geography, choices.seed)
        return replace(network, moves=cells.moves(network, geography, choices.days, choices.seed))
    return cells.read_mls(choices.cells, [country.code for country in geography.countries])


def _capital_zone(geography: Geography) -> str:
    capital = geography.countries[0]
    towns = [town for town in geography.towns if town.country == capital.code]
    return next((town.time_zone for town in towns if town.name == capital.capital), towns[0].time_zone)


def _epoch(zone: str, start: date, days: int) -> int:
    """UTC second at which the period starts.

    Raises
    ------
    InputError
        When the zone's offset changes within the period: people here live days of 24 hours.
    """
    edges = Calendar(zone).edges(start, start + timedelta(days=days), "day")
    if len(edges) != days + 1 or (np.diff(edges) != 86_400).any():
        raise InputError(
            f"clocks change in {zone} within the period", where="--start", expected="a period between two changes"
        )
    return int(edges[0])


def _check(choices: Choices) -> None:
    if choices.subscribers < 50:
        raise InputError(f"{choices.subscribers} subscribers are too few", where="--subscribers", expected="50 or more")
    if not 1 <= choices.days <= 366:
        raise InputError(f"{choices.days} days", where="--days", expected="1 to 366")
    if not 0 < choices.events_per_day <= 100:
        raise InputError(f"{choices.events_per_day:g} events a day", where="--events-per-day", expected="up to 100")
    if choices.seed < 0:
        raise InputError(f"the seed {choices.seed} is negative", where="--seed", expected="0 or more")
    if choices.compression not in SUFFIXES:
        raise InputError(f"no compression {choices.compression!r}", where="--compression", expected="none, gz or zst")
    if choices.cells is not None and choices.cells_format != "mls":
        raise InputError(f"no cell format {choices.cells_format!r}", where="--cells-format", expected="mls")
