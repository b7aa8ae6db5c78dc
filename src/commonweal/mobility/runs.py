"""A run: measures over a period, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from commonweal.core import areas as places
from commonweal.core.areas import Areas
from commonweal.core.catalog import Input
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound, Refused
from commonweal.core.periods import Calendar
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.borders.choices import border_choices, refuse_other_days
from commonweal.mobility.cells import read_register
from commonweal.mobility.counting import LOOKED_AROUND, Bucket, derive_bucket
from commonweal.mobility.coverage import SIGNAL, coverage, footprint_choices
from commonweal.mobility.epochs import Epoch, EpochBook
from commonweal.mobility.machines import digest, read_machines
from commonweal.mobility.measure import Derivation, Scope, measures, need_network
from commonweal.mobility.measures import home, last_location
from commonweal.mobility.network import network
from commonweal.mobility.projects import Project
from commonweal.mobility.standing import Standing
from commonweal.mobility.store import EpochStore, project_folder
from commonweal.mobility.walks.distributing import choices as walk_choices

if TYPE_CHECKING:
    from commonweal.mobility.footprint import LandUse


@dataclass(frozen=True)
class Plan:
    """What a run counts, and of what.

    Parameters
    ----------
    project
        Whose events.
    areas
        Where they are counted.
    calendar
        By what clock.
    first, last
        First and last-exclusive day.
    epoch
        The epoch that holds the period.
    store
        Its store.
    buckets
        References to its buckets.
    scope
        The whole period's hours and days.
    cells
        Digest of the cell register.
    areas_change
        Days of the period on which the areas become others than those of its first day, which hold for all of it.
    machines
        Digest of the device types that are machines; empty if none are known.
    footprint
        How the footprints of cells are found (`coverage.METHODS`), where a measure needs them.
    land_use
        Where people may be, for measures that need footprints; everywhere alike if none.
    partners
        Measures that are counted and protected with the others, since these are judged by them, and not released again.
    """

    project: Project
    areas: Areas
    calendar: Calendar
    first: date
    last: date
    epoch: Epoch
    store: EpochStore
    buckets: tuple[Bucket, ...]
    scope: Scope
    cells: str
    areas_change: tuple[date, ...]
    machines: str = ""
    footprint: str | None = None
    land_use: LandUse | None = None
    partners: tuple[str, ...] = ()

    @property
    def inputs(self) -> list[Input]:
        """What the results come from, with digests."""
        return [
            Input(f"store {self.project.name}/{self.epoch.name}", self.store.manifest.digest, "store"),
            Input(f"cells {self.project.name}", self.cells, "cells"),
            Input(f"areas {self.project.area_set}", self.areas.digest, "areas"),
            *([Input(f"machines {self.project.name}", self.machines, "machines")] if self.machines else []),
        ]

    def inputs_of(self, name: str) -> list[Input]:
        """Give what a measure's result comes from: what the run's do, and land use where it depends on it."""
        if self.land_use is None or not measures()[name].coverage:
            return self.inputs
        return [*self.inputs, Input(f"land use {self.land_use.name}", self.land_use.digest, "file")]

    @property
    def parameters(self) -> dict[str, Any]:
        """The choices that all results of the run depend on."""
        return {
            "project": self.project.name,
            "area_set": self.project.area_set,
            "time_zone": self.calendar.time_zone,
            "day_starts": f"{self.calendar.day_starts:%H:%M}",
            "first_day": self.first.isoformat(),
            "time_zone_rules": self.calendar.rules_version,
            "areas_at": self.first.isoformat(),
            "last_day": (self.last - timedelta(days=1)).isoformat(),
            "k": self.project.minimum_people,
            "events_of_one_second": Wording("in order of their cells’ identifiers"),
        }

    def parameters_of(self, name: str) -> dict[str, Any]:
        """Give the choices that a measure's result depends on: the run's and its own, whatever is counted beside it."""
        measure, described = measures()[name], self.buckets[0].network
        return {
            **self.parameters,
            **({"overlaps": described.method} if described and need_network([measure]) else {}),
            **(footprint_choices(self.footprint, self.land_use) if self.footprint and measure.coverage else {}),
            **border_choices([name]),
            **walk_choices([name]),
            **measure.choices,
        }


def plan(
    settings: Settings,
    database: Database,
    project: Project,
    first: date | None = None,
    last: date | None = None,
    names: Sequence[str] = (),
    calendar: Calendar | None = None,
    footprint: str = SIGNAL,
    land_use: Path | None = None,
    released: Callable[[date, date], Collection[str]] | None = None,
) -> Plan:
    """Find what a run needs.

    Parameters
    ----------
    first, last
        First and last-exclusive day; without them, all days that the newest readable epoch holds events of.
    names
        Measures; those that are usual if empty.
    calendar
        Another clock than the project's.
    footprint
        How the footprints of cells are found, one of `coverage.METHODS`, for measures that need them.
    land_use
        A file that says where people may be (`footprint.read_land_use`), for the same measures.
    released
        Gives the datasets of which something was released before of the days between two: what others are judged by
        need not be in the run then, it becomes a `Plan.partners`. Without it, it must be.

    Raises
    ------
    InputError
        There is no such footprint; land use cannot be read, or no measure needs it; or a measure lacks what it is
        judged by.
    Refused
        The period crosses epochs, in which a person has different pseudonyms, or the epoch's key is destroyed.
    NotFound
        There are no events in the period, or no such measure.
    """
    calendar = calendar or project.calendar
    asked = _wanted(names)
    refuse_other_days(asked, calendar)
    book = EpochBook(settings, database, project)
    epoch, starts, ends = _period(book, calendar, first, last)
    store = book.store(epoch)
    segments = [s for s in store.manifest.events() if s.start < ends and s.end > starts]
    if not segments:
        raise NotFound("there are no events in this period", where=f"project {project.name}", expected=_extent(book))
    first_day, last_day = (_day(calendar, moment) for moment in (starts, ends))
    wanted = _with_partners(asked, None if released is None else partial(released, first_day, last_day))
    refuse_other_days(wanted, calendar)
    areas = places.load(database, project.area_set, at=first_day)
    register = read_register(project_folder(settings.store, project.name))
    timeline = register.timeline()
    needs = need_network(measures()[name] for name in wanted)
    machines = read_machines(project_folder(settings.store, project.name))
    described = replace(network(register, timeline, areas), machines=machines) if needs else None
    table, covered = register.table, any(measures()[name].coverage for name in wanted)
    area_of_row = np.append(areas.locate(*(_numbers(table[name]) for name in ("longitude", "latitude"))), -1)
    hours, days = (calendar.edges(_utc(starts), _utc(ends), unit) for unit in ("hour", "day"))
    around = (_utc(starts) - timedelta(days=LOOKED_AROUND + 1), _utc(ends) + timedelta(days=LOOKED_AROUND + 1))
    days_around, hours_around = (calendar.edges(*around, unit) for unit in ("day", "hour"))
    hours_around = hours_around[(hours_around >= days_around[0]) & (hours_around <= days_around[-1])]
    of_machines = digest(machines)
    depends = f"{register.digest} {areas.digest} {calendar} {calendar.rules_version} {of_machines}".rstrip()
    if footprint != SIGNAL and covered:
        depends = f"{depends} {footprint}"
    meaning = sha256(depends.encode()).hexdigest()
    ground = _land_use(land_use, covered)
    covering = coverage(register, timeline, areas, days[:-1], footprint, ground) if covered else None
    own_clock = calendar == project.calendar
    buckets = tuple(
        Bucket(
            folder=store.folder,
            keys=settings.keys,
            project=project.name,
            epoch=epoch.name,
            epoch_starts=epoch.starts,
            number=number,
            starts=starts,
            ends=ends,
            windows=_windows(store, number, days) if own_clock else days[[0, -1]],
            hours=hours,
            days=days,
            area_of_span=area_of_row[timeline.row].astype(np.int32),
            timeline=timeline,
            areas=len(areas),
            measures=wanted,
            meaning=meaning,
            hours_around=hours_around,
            days_around=days_around,
            wall_around=calendar.from_utc(hours_around),
            network=described,
            meeting=covering.meeting if covering else None,
        )
        for number in range(1 << store.manifest.bucket_bits)
    )
    standing = Standing(tuple(register.identifiers), timeline, area_of_row[timeline.row])
    scope = Scope(tuple(areas.codes), hours, days, covering, standing)
    changes = tuple(places.changes(database, project.area_set, first_day, last_day, areas.level))
    known = (register.digest, changes, of_machines, footprint if covered else None, ground)
    partners = tuple(name for name in wanted if name not in asked)
    return Plan(project, areas, calendar, first_day, last_day, epoch, store, buckets, scope, *known, partners)


def buckets_for(planned: Plan, derivation: Derivation) -> tuple[Bucket, ...]:
    """Give references to a run's buckets with all that a derivation needs.

    The network is laid out once for all of them.
    """
    described = planned.buckets[0].network
    if not need_network([derivation]) or described is not None:
        return planned.buckets
    register = read_register(planned.store.folder.parent)
    machines = read_machines(planned.store.folder.parent)
    described = replace(network(register, planned.buckets[0].timeline, planned.areas), machines=machines)
    return tuple(replace(bucket, network=described) for bucket in planned.buckets)


def home_areas(planned: Plan) -> tuple[np.ndarray, list[str]]:
    """Give every subscriber's home area: for judging the method against a known truth, never for publishing.

    Returns
    -------
    pseudonyms, areas
        int64, shape (subscribers,), and the area code of each.
    """
    whose, where = [], []
    for bucket in planned.buckets:
        rows = derive_bucket(bucket, last_location.DERIVATION)
        subscriber, area = home.home(rows["subscriber"].to_numpy(), rows["area"].to_numpy())
        whose.append(subscriber)
        where.append(area)
    return np.concatenate(whose), [planned.areas.codes[index] for index in np.concatenate(where)]


def _wanted(names: Sequence[str]) -> tuple[str, ...]:
    known = measures()
    for name in names:
        if name not in known:
            raise NotFound(f"there is no measure {name!r}", expected=f"one of: {', '.join(known)}")
    return tuple(name for name, measure in known.items() if name in names or (measure.usual and not names))


def _land_use(path: Path | None, covered: bool) -> LandUse | None:
    from commonweal.mobility.footprint import read_land_use

    if path is None:
        return None
    if not covered:
        needing = ", ".join(name for name, measure in measures().items() if measure.coverage)
        raise InputError("no measure of this run asks where people may be", where=path, expected=f"--measure {needing}")
    return read_land_use(path)


def _with_partners(chosen: Sequence[str], released: Callable[[], Collection[str]] | None) -> tuple[str, ...]:
    """Add what measures are judged by, where it was released before; in the order in which all measures are known."""
    known = measures()
    lacking = {other for name in chosen for other in known[name].beside} - set(chosen)
    before = set(released()) if lacking and released else set[str]()
    for name in chosen:
        missing = [one for one in known[name].beside if one in lacking and known[one].dataset.name not in before]
        if missing:
            or_before = " or released before, of these days" if released else ""
            raise InputError(
                f"{name} could complete what is published of {' and '.join(missing)}, so it is judged by them",
                expected=f"{' and '.join(known[name].beside)} in the same run{or_before}; or not {name}",
            )
    wanted = {*chosen, *lacking}
    if wanted == set(chosen):
        return tuple(chosen)
    return _with_partners(tuple(name for name in known if name in wanted), released)  # these may lack others


def _period(book: EpochBook, calendar: Calendar, first: date | None, last: date | None) -> tuple[Epoch, int, int]:
    """Give the epoch and the UTC seconds of a period of whole days."""
    if first is None or last is None:
        readable = [epoch for epoch in book.epochs if not epoch.destroyed and _stored(book, epoch)]
        if not readable:
            raise NotFound("there are no events", where=f"project {book.project.name}", expected=_extent(book))
        oldest, newest = _recorded(book.store(readable[-1]))
        first = first or _day(calendar, oldest)
        last = last or _day(calendar, newest) + timedelta(days=1)
        first, last = _within(readable[-1], calendar, first, last)
    if last <= first:
        raise InputError(f"the period ends on {last}, not after its first day {first}", expected="a later end")
    edges = calendar.edges(first, last, "day")
    starts, ends = int(edges[0]), int(edges[-1])
    for epoch in book.epochs:
        if epoch.starts <= starts < epoch.ends:
            if ends > epoch.ends:
                raise Refused(
                    f"the period {first} to {last - timedelta(days=1)} crosses the end of epoch {epoch.name}: "
                    f"people have other pseudonyms from {_utc(epoch.ends):%Y-%m-%d} on and would be counted as others",
                    where=f"project {book.project.name}",
                    expected="a run for each epoch",
                )
            return epoch, starts, ends
    raise NotFound("there are no events in this period", where=f"project {book.project.name}", expected=_extent(book))


def _within(epoch: Epoch, calendar: Calendar, first: date, last: date) -> tuple[date, date]:
    """Leave out a first or last day that an epoch holds only in part, since it ends by another clock."""
    edges = calendar.edges(first, last, "day")
    if edges[0] < epoch.starts and len(edges) > 2:
        first += timedelta(days=1)
    if edges[-1] > epoch.ends and len(edges) > 2:
        last -= timedelta(days=1)
    return first, last


def _stored(book: EpochBook, epoch: Epoch) -> list[tuple[int, int]]:
    """Give the first and last moment that an epoch's store may hold events of."""
    segments = [segment for segment in book.store(epoch).manifest.events() if segment.rows]
    return [(min(s.start for s in segments), max(s.end for s in segments))] if segments else []


def _recorded(store: EpochStore) -> tuple[int, int]:
    """Give the moments of the first and the last event, which a closed month's segment does not tell by its span."""
    segments = store.manifest.events()
    first, last = min(s.start for s in segments), max(s.end for s in segments)
    begin, end = last, first
    for segment in segments:
        if segment.rows and (segment.start == first or segment.end == last):
            time = store.read(segment.file, ["time"])["time"].to_numpy()
            begin, end = min(begin, store.manifest.starts + time.min()), max(end, store.manifest.starts + time.max())
    return int(begin), int(end)


def _extent(book: EpochBook) -> str:
    parts = []
    for epoch in book.epochs:
        if not epoch.destroyed and _stored(book, epoch):
            shown = book.project.calendar.from_utc(np.array(_recorded(book.store(epoch))))
            first, last = (_utc(int(at)) for at in shown)
            parts.append(f"{first:%Y-%m-%d} to {last:%Y-%m-%d} (epoch {epoch.name})")
    if parts:
        return "days within " + "; ".join(parts)
    if any(epoch.destroyed for epoch in book.epochs):
        return "a readable epoch; the keys of all epochs with events have been destroyed"
    return "run: commonweal mobility import"


def _windows(store: EpochStore, bucket: int, days: np.ndarray) -> np.ndarray:
    """Give the edges of a bucket's windows: those of its segments that begin a day of the period."""
    segments = store.manifest.events(bucket)
    edges = np.unique([days[0], days[-1], *(s.start for s in segments), *(s.end for s in segments)])
    return edges[np.isin(edges, days)]


def _utc(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _day(calendar: Calendar, moment: int) -> date:
    """Give the calendar's day that holds a moment."""
    edges = calendar.edges(_utc(moment), _utc(moment + 1), "day")
    return date.fromisoformat(calendar.labels(edges, "day")[0][:10])


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.fill_null(float("nan")), np.float64)
