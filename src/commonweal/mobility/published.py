"""What mobility has published, read back and laid out so that a page finds a period at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release, State, get, releases
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.periods import Calendar
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.web.classes import Classes, quantile_classes
from commonweal.web.geography import Geography, geography
from commonweal.web.series import STATES, AreaSeries, area_series
from commonweal.web.timeline import Length, Shown, Timeline

PRESENCE, FLOWS, HOMES, QUALITY = "mobility.presence", "mobility.flows", "mobility.home", "mobility.quality"
LENGTHS: tuple[Length, ...] = ("hour", "day")
RELEASES_KEPT = 4
SAME_CHOICES = ("project", "area_set", "time_zone", "day_starts", "k")
"""Parameters in which two releases must agree before one page may show them side by side."""


@dataclass(frozen=True)
class Cell:
    """What is published of one area in one period."""

    code: str
    name: str
    value: float | None
    state: State


@dataclass(frozen=True, eq=False)
class Presence:
    """A release of presence.

    Parameters
    ----------
    release
        What it was read from.
    timeline
        Its periods.
    series
        Values and states of each unit that was published.
    classes
        Classes of each unit, over the whole release, so that maps of different hours can be compared.
    geography
        Its areas.
    """

    release: Release
    timeline: Timeline
    series: Mapping[Length, AreaSeries]
    classes: Mapping[Length, Classes]
    geography: Geography

    @property
    def threshold(self) -> int | None:
        """Least number of people behind a published count, as the certificate says."""
        certificate = self.release.certificate
        return certificate.parameters.get("k") if certificate else None

    def cell(self, shown: Shown, code: str) -> Cell:
        """Give what is published of an area in a period."""
        series = self.series[shown.unit]
        period, area = series.index(shown.start), series.areas.index(code)
        return Cell(code, self.geography.names[code], series.value(period, area), series.state(period, area))

    def cells(self, shown: Shown) -> list[Cell]:
        """Give what is published of every area in a period, by name."""
        return [self.cell(shown, code) for code in self.geography.codes]


@dataclass(frozen=True)
class Move:
    """A published flow: distinct subscribers seen in one area and next in another."""

    origin: str
    destination: str
    subscribers: int


@dataclass(frozen=True)
class Moves:
    """The flows of one day.

    Parameters
    ----------
    release
        What they were read from.
    day
        Which day.
    published
        Those with a count, the largest first.
    suppressed, pairs
        How many pairs of areas are suppressed, and how many there are.
    """

    release: Release
    day: date
    published: tuple[Move, ...]
    suppressed: int
    pairs: int


def beside(database: Database, shown: Release, name: str, may_read: Callable[[Release], bool]) -> Release | None:
    """Find the newest release of another dataset that was made as the one shown was: same project, areas, clock and k.

    Parameters
    ----------
    may_read
        Says whether a release may be shown to whoever asks.

    Returns
    -------
    Release or None
        None if there is no such release: that of another project would tell of other people.
    """
    said = shown.provenance.parameters
    alike = (
        release
        for release in reversed(releases(database, name))
        if all(release.provenance.parameters.get(choice) == said.get(choice) for choice in SAME_CHOICES)
    )
    return next((release for release in alike if may_read(release)), None)


def presence_of(settings: Settings, database: Database, version: int) -> Presence:
    """Read a release of presence, with its areas as they stood when it was made, or else when it begins."""
    release, series, classes = _presence(settings, database, version)
    timeline = Timeline(_calendar(release), {unit: laid.starts for unit, laid in series.items()})
    codes = next(iter(series.values())).areas
    stood = release.provenance.parameters.get("areas_at")
    at = date.fromisoformat(stood) if stood else timeline.date_of(timeline.days()[0])
    places = geography(database, release.area_set, codes, at)
    return Presence(release, timeline, series, classes, places)


@lru_cache(maxsize=RELEASES_KEPT)
def _presence(
    settings: Settings, database: Database, version: int
) -> tuple[Release, Mapping[Length, AreaSeries], Mapping[Length, Classes]]:
    """Lay a release out; it never changes, so it is kept."""
    release, table = table_of(settings, database, PRESENCE, version)
    codes = sorted(pc.unique(table.column("area")).to_pylist())
    series: dict[Length, AreaSeries] = {}
    for unit in LENGTHS:
        rows = table.filter(pc.equal(table.column("period"), unit))
        if rows.num_rows:
            series[unit] = area_series(
                rows, start="start", area="area", measure=release.schema.measures[0].name, areas=codes
            )
    return release, series, {unit: quantile_classes(laid.reported()) for unit, laid in series.items()}


def moves_of(settings: Settings, database: Database, version: int, timeline: Timeline, shown: Shown) -> Moves:
    """Give the flows of the day that a period lies in."""
    day = timeline.day(shown.start)
    release, rows = _of_day(settings, database, FLOWS, version, day)
    return _moves(release, timeline.date_of(day), rows)


def _moves(release: Release, day: date, rows: pa.Table) -> Moves:
    measure = release.schema.measures[0]
    counted = rows.filter(rows.column(measure.name).is_valid())
    columns = (counted.column(name).to_pylist() for name in ("origin", "destination", measure.name))
    published = sorted((Move(*row) for row in zip(*columns, strict=True)), key=lambda move: -move.subscribers)
    suppressed = pc.sum(pc.equal(rows.column(measure.state), State.SUPPRESSED.value)).as_py() or 0
    return Moves(release, day, tuple(published), suppressed, rows.num_rows)


@dataclass(frozen=True, eq=False)
class Movements:
    """A release of flows.

    Parameters
    ----------
    release
        What it was read from.
    timeline
        Its days.
    table
        Its rows.
    geography
        Its areas.
    """

    release: Release
    timeline: Timeline
    table: pa.Table
    geography: Geography

    @property
    def days(self) -> list[date]:
        """Its days by the place's clock, in order."""
        return [self.timeline.date_of(day) for day in self.timeline.days()]

    @property
    def newest(self) -> Moves:
        """The flows of its last day."""
        return self.on(self.days[-1])

    def on(self, day: date) -> Moves:
        """Give the flows of a day.

        Raises
        ------
        NotFound
            The release has nothing of that day.
        """
        begins = self.timeline.choose(day.isoformat()).start
        return _moves(self.release, self.timeline.date_of(begins), self.rows(day))

    def rows(self, day: date) -> pa.Table:
        """Give the rows of a day.

        Raises
        ------
        NotFound
            The release has nothing of that day.
        """
        begins = self.timeline.choose(day.isoformat()).start
        starts = self.table.column("start")
        return self.table.filter(pc.equal(starts, pa.scalar(datetime.fromtimestamp(begins, UTC), starts.type)))


@lru_cache(maxsize=RELEASES_KEPT)
def movements_of(settings: Settings, database: Database, version: int) -> Movements:
    """Read a release of flows; it never changes, so it is kept."""
    release, table = table_of(settings, database, FLOWS, version)
    seconds = pc.unique(table.column("start").cast(pa.timestamp("s", tz="UTC")).cast(pa.int64())).to_numpy()
    timeline = Timeline(_calendar(release), {"day": np.sort(seconds)})
    codes = sorted(
        {*pc.unique(table.column("origin")).to_pylist(), *pc.unique(table.column("destination")).to_pylist()}
    )
    stood = release.provenance.parameters.get("areas_at")
    at = date.fromisoformat(stood) if stood else timeline.date_of(timeline.days()[0])
    return Movements(release, timeline, table, geography(database, release.area_set, tuple(codes), at))


@dataclass(frozen=True)
class DailySubscribers:
    """How many subscribers stand behind a day's tables: a multiple of `rounded_to`, rounded down."""

    at_least: int
    rounded_to: int


def daily_subscribers_of(
    settings: Settings, database: Database, version: int, timeline: Timeline, shown: Shown
) -> DailySubscribers | None:
    """Give the published total of the day that a period lies in, or None where it was withheld."""
    _, rows = _of_day(settings, database, QUALITY, version, timeline.day(shown.start))
    for row in rows.to_pylist():
        if row["subscribers"] is not None and row["rounded_to"]:
            return DailySubscribers(row["subscribers"], row["rounded_to"])
    return None


@dataclass(frozen=True, eq=False)
class Homes:
    """A release of home areas.

    Parameters
    ----------
    release
        What it was read from.
    first, last
        The days that were looked at, where the release says.
    cells
        What is published of each area, by name.
    classes
        Classes of the counts.
    geography
        Its areas.
    """

    release: Release
    first: str
    last: str
    cells: tuple[Cell, ...]
    classes: Classes
    geography: Geography


def homes_of(settings: Settings, database: Database, version: int) -> Homes:
    """Read a release of home areas."""
    release, table = table_of(settings, database, HOMES, version)
    measure = release.schema.measures[0]
    codes = tuple(sorted(pc.unique(table.column("area")).to_pylist()))
    series = area_series(table, start="start", area="area", measure=measure.name, areas=codes)
    said = release.provenance.parameters
    began = date.fromisoformat(said["first_day"]) if "first_day" in said else release.published_at.date()
    at = date.fromisoformat(said["areas_at"]) if "areas_at" in said else began
    places = geography(database, release.area_set, codes, at)
    newest = len(series.starts) - 1
    cells = []
    for code in places.codes:
        area = series.areas.index(code)
        cells.append(Cell(code, places.names[code], series.value(newest, area), series.state(newest, area)))
    first, last = str(said.get("first_day", "")), str(said.get("last_day", ""))
    return Homes(release, first, last, tuple(cells), quantile_classes(series.reported()), places)


@dataclass(frozen=True)
class DayQuality:
    """How good the records of a day are, from what was published.

    Parameters
    ----------
    start
        When the day begins, UTC seconds since 1970.
    day
        Its date by the place's clock.
    subscribers, rounded_to
        The day's total, rounded down to a multiple; None where it was withheld.
    reported, suppressed, missing
        Hourly values of presence in each state.
    """

    start: int
    day: date
    subscribers: int | None
    rounded_to: int | None
    reported: int
    suppressed: int
    missing: int

    @property
    def share_reported(self) -> float | None:
        """Part of the day's hourly values that have a count."""
        values = self.reported + self.suppressed + self.missing
        return self.reported / values if values else None


def quality_of(settings: Settings, database: Database, presence: Presence, beside: Release | None) -> list[DayQuality]:
    """Give each day of a release of presence with its total, if one was published beside it."""
    timeline, totals = presence.timeline, {}
    if beside is not None:
        _, table = table_of(settings, database, QUALITY, beside.version)
        totals = {int(row["start"].timestamp()): row for row in table.to_pylist()}
    series = presence.series.get("hour") or presence.series["day"]
    found = []
    for begins in timeline.days():
        ends = timeline.end(Shown("day", begins))
        states = series.states[(series.starts >= begins) & (series.starts < ends)]
        counted = {state: int((states == STATES.index(state)).sum()) for state in (State.SUPPRESSED, State.MISSING)}
        total = totals.get(begins, {})
        found.append(
            DayQuality(
                begins,
                timeline.date_of(begins),
                total.get("subscribers"),
                total.get("rounded_to"),
                states.size - sum(counted.values()),
                counted[State.SUPPRESSED],
                counted[State.MISSING],
            )
        )
    return found


def _of_day(settings: Settings, database: Database, name: str, version: int, day: int) -> tuple[Release, pa.Table]:
    release, table = table_of(settings, database, name, version)
    starts = table.column("start")
    return release, table.filter(pc.equal(starts, pa.scalar(datetime.fromtimestamp(day, UTC), starts.type)))


@lru_cache(maxsize=2 * RELEASES_KEPT)
def table_of(settings: Settings, database: Database, name: str, version: int) -> tuple[Release, pa.Table]:
    """Read a release; it never changes, so it is kept."""
    release = get(database, name, version)
    return release, release.table(settings)


def _calendar(release: Release) -> Calendar:
    parameters = release.provenance.parameters
    return Calendar(parameters.get("time_zone", "UTC"), time.fromisoformat(parameters.get("day_starts", "00:00")))


def require_area(codes: Sequence[str], area: str) -> None:
    """Do nothing if an area is one of those of a release.

    Raises
    ------
    InputError
        It is not.
    """
    if area not in codes:
        raise InputError(
            Wording("there is no area %(code)s in this release", code=repr(area)),
            where="area",
            expected=Wording("the code of one of its areas, such as %(code)s", code=codes[0]),
        )
