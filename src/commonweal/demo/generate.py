"""From a few choices to a folder of files: the operator's records and the truth.

Days are generated one after the other, so memory holds one day whatever the length of the period. Within a day, blocks
of people are independent and run on threads; what they draw depends on who they are, so the number of threads changes
nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import Conflict, InputError
from commonweal.core.periods import Calendar
from commonweal.demo import cells, coverage, describing, events, people, scenarios, trips, truth, writing
from commonweal.demo.geography import Geography
from commonweal.demo.jumps import length_quantiles
from commonweal.demo.landscape import Ground, survey
from commonweal.demo.operators import Operator, foreign_networks
from commonweal.demo.tables import Clock, TruthTables

BLOCK = 4096
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

    seed: int
    geography: Geography
    person: trips.Person
    memory: trips.Memory
    sims: events.Sims
    elsewhere: people.Relocation
    weight: NDArray[np.float64]
    sim_person: NDArray[np.int32]
    laws: trips.Laws
    trains: NDArray[np.float64]


class _Day(NamedTuple):
    """What a block of people did in a day."""

    events: events.Events
    present: truth.Present
    seen: truth.Seen
    trips: truth.Trips
    main_area: NDArray[np.int32]


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
    network = _network(choices, geography)
    foreign = foreign_networks(geography.countries)
    plmns = (*network.plmns, *(operator.plmn for operator in foreign))
    cell_area = geography.areas.locate(network.lon, network.lat).astype(np.int32)
    cover = coverage.cover(network, cell_area, geography.raster, ())
    inhabitants = people.settle(
        geography, network, cover, foreign, subscribers=choices.subscribers, days=choices.days,
        events_per_day=choices.events_per_day, seed=choices.seed,
    )  # fmt: skip
    plan = scenarios.plan(choices.scenarios, geography, network, inhabitants, foreign, choices.days, choices.seed)
    failures = (*cells.outages(network, choices.days, choices.seed), *plan.outages)
    (out / "events").mkdir(parents=True)
    describing.write_cells(out / "cells.csv", network, clock)
    describing.write_devices(out / "tac.csv")
    describing.write_mapping(out / "mapping.toml", zone)
    describing.write_readme(out / "README.txt", choices, geography, zone)
    tables = TruthTables(out / "truth", geography, clock)
    try:
        tables.inhabitants(inhabitants, plan.elsewhere, plmns, choices.days)
        tables.areas(inhabitants)
        tables.network(network, failures)
        world = _World(
            choices.seed, geography, trips.Person(inhabitants.kind, inhabitants.arrives, inhabitants.leaves),
            trips.remember(inhabitants), events.sims_of(inhabitants), plan.elsewhere, inhabitants.weight,
            inhabitants.sim_person,
            trips.Laws(geography.raster, length_quantiles(), trips.outing_hours()), events.train_quantiles(),
        )  # fmt: skip
        dictionary = describing.dictionary(choices, network, inhabitants, plmns)
        summary = _live(
            out, choices, world, network, cover, plan, failures, foreign, inhabitants, tables, dictionary,
            threads or os.cpu_count() or 1, progress or (lambda done, total, what: None),
        )  # fmt: skip
    finally:
        tables.close()
    describing.write_json(out / "truth" / "generation.json", describing.parameters(choices, zone))
    return summary


def _live(
    out: Path,
    choices: Choices,
    world: _World,
    network: cells.Network,
    cover: coverage.Cover,
    plan: scenarios.Plan,
    failures: tuple[cells.Outage, ...],
    foreign: tuple[Operator, ...],
    inhabitants: people.People,
    tables: TruthTables,
    dictionary: writing.Dictionary,
    threads: int,
    progress: Progress,
) -> Summary:
    areas = len(world.geography.population)
    count = len(inhabitants.lon)
    blocks = [(low, min(low + BLOCK, count)) for low in range(0, count, BLOCK)]
    outbreak = scenarios.Outbreak(plan.outbreak_area, inhabitants, choices.days, choices.seed)
    dates_of_change = {0} | {move.day for move in network.moves}
    files: dict[str, dict[str, int]] = {}
    size, carried = 0, None
    writing_now: Future[int] | None = None
    suffix = {"none": ".csv", "gz": ".csv.gz", "zst": ".csv.zst"}[choices.compression]
    with ThreadPoolExecutor(threads) as pool, ThreadPoolExecutor(1) as writer:
        nobody_ill = np.zeros(count, bool)
        calm = trips.Conditions(False, False, 0.0, 0.0, nobody_ill)
        weekday = choices.start.weekday()
        progress(0, choices.days, "getting to know places")
        list(pool.map(lambda block: _warm_up(world, block, weekday, calm), blocks))
        for day in range(choices.days):
            if day in dates_of_change:
                now = network.at(day)
                cell_area = world.geography.areas.locate(now.lon, now.lat).astype(np.int32)
                cover = coverage.cover(now, cell_area, world.geography.raster, failures)
            conditions = plan.conditions(day, outbreak.ill(day))
            hours = events.hours_quantiles((weekday + day) % 7 >= 5)
            lived = list(
                pool.map(
                    lambda block, day=day, cover=cover, hours=hours, conditions=conditions: _day(
                        world, block, day, (weekday + day) % 7, cover, hours, conditions, areas
                    ),
                    blocks,
                )
            )
            tables.presence(day, _sum([one.present for one in lived]), _sum([one.seen for one in lived]))
            made = truth.Trips(*(np.concatenate(parts) for parts in zip(*(one.trips for one in lived), strict=True)))
            tables.trips(day, made, foreign, plan.elsewhere, len(network.plmns))
            if plan.outbreak_area >= 0:
                outbreak.spread(day, np.concatenate([one.main_area for one in lived]), areas)
            today = _rows([one.events for one in lived], day)
            rows, carried = writing.arrange(today, carried, day == choices.days - 1)
            name = f"{choices.start + timedelta(days=day)}{suffix}"
            files[name] = writing.tally(rows, day * 86_400)
            if writing_now is not None:
                size += writing_now.result()
            writing_now = writer.submit(writing.write, out / "events" / name, rows, dictionary, choices.compression)
            progress(day + 1, choices.days, name)
        size += writing_now.result() if writing_now is not None else 0
    if plan.outbreak_area >= 0:
        tables.cases(outbreak.area, outbreak.infected, outbreak.infectious)
    total = Counter[str]()
    for counts in files.values():
        total.update(counts)
    faults = {name: total[name] for name in next(iter(files.values()))}
    describing.write_json(out / "truth" / "faults.json", {"files": files, "total": faults})
    return Summary(faults.pop("rows"), size, faults)


def _warm_up(world: _World, block: tuple[int, int], weekday: int, calm: trips.Conditions) -> None:
    """Let people explore for some weeks before the period, visitors apart, so that they know places when it begins."""
    person = trips.Person(world.person.kind, np.full_like(world.person.arrives, -(1 << 30)), world.person.leaves)
    for day in range(-trips.WARM_UP_DAYS, 0):
        trips.move(
            day, (weekday + day) % 7, world.seed, *block, person, world.memory, world.elsewhere,
            world.laws, calm,
        )  # fmt: skip
    visitors = np.flatnonzero(world.person.kind[slice(*block)] == people.CLASSES.index("visitor")) + block[0]
    world.memory.at[visitors] = trips.HOME


def _day(
    world: _World,
    block: tuple[int, int],
    day: int,
    weekday: int,
    cover: coverage.Cover,
    hours: NDArray[np.float64],
    conditions: trips.Conditions,
    areas: int,
) -> _Day:
    low, high = block
    raster = world.geography.raster
    stays = trips.move(
        day, weekday, world.seed, low, high, world.person, world.memory, world.elsewhere, world.laws,
        conditions,
    )  # fmt: skip
    made = truth.trips(day, low, stays, world.person)
    trips.clip_to_visits(day, low, stays, world.person)
    happened = events.record(
        day, world.seed, low, high, world.sims, stays, world.elsewhere, cover, hours, world.trains, events.GENERATION
    )
    return _Day(
        happened,
        truth.present(day, low, areas, stays, world.sims, world.weight, raster),
        truth.seen(happened, world.sim_person, cover.area, areas),
        made,
        truth.main_area(stays),
    )


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
    if choices.compression not in ("none", "gz", "zst"):
        raise InputError(f"no compression {choices.compression!r}", where="--compression", expected="none, gz or zst")
    if choices.cells is not None and choices.cells_format != "mls":
        raise InputError(f"no cell format {choices.cells_format!r}", where="--cells-format", expected="mls")
