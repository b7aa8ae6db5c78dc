"""What is published, gathered for a report: of each table the rows of the period, each day from its newest release.

Tables are put side by side only if they were made the same way: same project, areas, clock and *k*.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Release, State, releases
from commonweal.core.catalog import Measure as Value
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound
from commonweal.core.periods import Calendar
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.published import FLOWS, HOMES, PRESENCE, QUALITY, SAME_CHOICES
from commonweal.mobility.report.subject import Subject, countries_of, find_subject
from commonweal.web.geography import Geography, close_up, geography
from commonweal.web.languages import current

DOMAIN = "mobility."
ACTIVITY = "mobility.activity"
TOPICS = (PRESENCE, FLOWS, HOMES, QUALITY, ACTIVITY)
"""Datasets that have a part of the report to themselves; without one, the same with noise stands for it."""
WITH_NOISE = "_private"
OF_DAYS = (PRESENCE, FLOWS, QUALITY, ACTIVITY)
"""Those whose rows are about a day or an hour, so that releases of other days can be put together."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Rows of one dataset.

    Parameters
    ----------
    releases
        Those that the rows are from, the newest first; at least one.
    table
        The rows.
    """

    releases: tuple[Release, ...]
    table: pa.Table

    @property
    def newest(self) -> Release:
        """The newest release."""
        return self.releases[0]

    @property
    def dataset(self) -> Dataset:
        """What it is, as it stood when the newest was published."""
        return self.newest.schema

    @property
    def value(self) -> Value:
        """The measure that is shown."""
        return self.dataset.measures[0]

    @property
    def rule(self) -> str | None:
        """By which rule people in it are protected."""
        return self.newest.certificate.rule if self.newest.certificate else None

    @property
    def least(self) -> int | None:
        """Least number of people behind a published count, as the certificate says; None if the rule has none."""
        certificate = self.newest.certificate
        return certificate.parameters.get("k") if certificate and certificate.rule == "threshold" else None

    @property
    def has_interval(self) -> bool:
        """Whether an interval stands beside each value."""
        return {"low", "high"} <= set(self.table.column_names)

    @property
    def values(self) -> int:
        """How many values it has, with those that are hidden or missing: one a row and measure."""
        return self.table.num_rows * len(self.dataset.measures)

    def counted(self, state: State) -> int:
        """Count the values in a state."""
        columns = (self.table.column(measure.state) for measure in self.dataset.measures)
        return sum(pc.sum(pc.equal(column, state.value)).as_py() or 0 for column in columns)

    def only(self, rows: pa.Table) -> Layer:
        """Give it with some of its rows."""
        return Layer(self.releases, rows)


@dataclass(frozen=True, eq=False)
class Gathered:
    """All that a report says something of.

    Parameters
    ----------
    subject
        What it is about.
    calendar
        By whose clock.
    days
        First and last day of what is there.
    layers
        By the name of a dataset of `TOPICS`; what is not published is not there.
    others
        Other datasets of the domain that were made the same way.
    aside
        Releases about the same that are not in the report: made otherwise, or older ones of the same days.
    choices
        What all were made with, as provenance says.
    area_set
        The areas' set.
    ground
        All areas that occur.
    own
        Codes of the subject's own areas.
    countries
        Country of each area, as far as the set says.
    names_by_language
        Names of areas in further languages, as far as the set has them.
    """

    subject: Subject
    calendar: Calendar
    days: tuple[date, date]
    layers: Mapping[str, Layer]
    others: tuple[Layer, ...]
    aside: tuple[Release, ...]
    choices: Mapping[str, object]
    area_set: str | None
    ground: Geography
    own: frozenset[str]
    countries: Mapping[str, str | None]
    names_by_language: Mapping[str, Mapping[str, str]]

    def further(self, name: str) -> Layer | None:
        """Give a dataset that is not of `TOPICS`, or the same with noise; None if it is not published."""
        found = {layer.newest.dataset: layer for layer in self.others}
        return found.get(name) or found.get(name + WITH_NOISE)

    @property
    def sources(self) -> list[Release]:
        """Every release that the report is made from, by name and version."""
        found = {one.label: one for layer in (*self.layers.values(), *self.others) for one in layer.releases}
        return sorted(found.values(), key=lambda release: (release.dataset, release.version))

    @property
    def moment(self) -> datetime:
        """When the newest of them was published, which is the moment of the report."""
        return max(release.published_at for release in self.sources).astimezone(UTC)

    @property
    def places(self) -> Geography:
        """All areas that occur, by the names that they have in the reader's language."""
        return self._named(self.ground)

    @property
    def own_places(self) -> Geography:
        """The subject's own areas alone."""
        return self._named(self._near)

    @cached_property
    def _near(self) -> Geography:
        near = close_up(self.ground, self.own)
        return near if near.codes else self.ground

    def _named(self, places: Geography) -> Geography:
        names = {**places.names, **self.names_by_language.get(current().code, {})}
        return replace(
            places, codes=tuple(sorted(places.codes, key=lambda code: (_plain(names[code]), code))), names=names
        )


def _plain(name: str) -> str:
    """Give what a name is sorted by, whatever its accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if letter.isalnum()).casefold()


def dates_of(calendar: Calendar, seconds: npt.NDArray[np.int64]) -> list[date]:
    """Give the day that each instant belongs to, by a clock.

    Examples
    --------
    >>> dates_of(Calendar("Africa/Freetown"), np.array([1427414400]))
    [datetime.date(2015, 3, 27)]
    """
    if not len(seconds):
        return []
    first, last = (datetime.fromtimestamp(int(moment), UTC) for moment in (seconds.min(), seconds.max()))
    edges = calendar.edges(first, last + timedelta(seconds=1), "day")
    labels = [date.fromisoformat(label) for label in calendar.labels(edges, "day")]
    return [labels[place] for place in calendar.index(seconds, edges)]


def seconds_of(table: pa.Table) -> npt.NDArray[np.int64]:
    """Give when each row begins, UTC seconds since 1970."""
    return np.asarray(table.column("start").cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy())


def gather(
    settings: Settings,
    database: Database,
    asked: str,
    first: date | None = None,
    last: date | None = None,
    may_read: Callable[[Release], bool] = lambda release: True,
) -> Gathered:
    """Gather what is published about a country or of a project.

    Parameters
    ----------
    asked
        As `find_subject` reads it.
    first, last
        First and last day; without them, all that is published.
    may_read
        Says whether a release may be shown to whoever asks.

    Raises
    ------
    NotFound
        Nothing is published about it, or nothing of these days.
    InputError
        The last day comes before the first.
    """
    if first and last and last < first:
        raise InputError(Wording("the last day comes before the first"), expected=Wording("a later last day"))
    readable = [one for one in releases(database) if one.dataset.startswith(DOMAIN) and may_read(one)]
    subject = find_subject(database, asked, readable)
    about = [one for one in readable if _is_about(database, one, subject)]
    anchor = _anchor([one for one in about if _in_period(one, first, last)])
    if anchor is None:
        raise NotFound(
            Wording("nothing is published of these days"),
            where=subject.name,
            expected=_known_days(about),
        )
    said = anchor.provenance.parameters
    alike = [
        one
        for one in readable
        if all(one.provenance.parameters.get(choice) == said.get(choice) for choice in SAME_CHOICES)
        and _in_period(one, first, last)
    ]
    calendar = Calendar(said.get("time_zone", "UTC"), time.fromisoformat(said.get("day_starts", "00:00")))
    countries = countries_of(database, anchor)
    reader = _Reader(settings, calendar, subject, countries, first, last)
    layers: dict[str, Layer] = {}
    used_names = set()
    for topic in TOPICS:
        for name in (topic, topic + WITH_NOISE):
            found = reader.read([one for one in alike if one.dataset == name], together=topic in OF_DAYS)
            if found is not None and topic not in layers:
                layers[topic] = found
                used_names.add(name)
    rest = sorted({one.dataset for one in alike if one.schema.measures} - used_names)
    others = [reader.read([one for one in alike if one.dataset == name], together=False) for name in rest]
    kept = tuple(layer for layer in others if layer is not None)
    read = (*layers.values(), *kept)
    # A table of no time says nothing of days that are asked for.
    said_of_days = [layer for layer in read if _days_of(layer.newest)] if first or last else read
    if not said_of_days:
        raise NotFound(Wording("nothing is published of these days"), where=subject.name, expected=_known_days(about))
    codes = {code for layer in layers.values() for column in layer.dataset.areas for code in _codes(layer, column)}
    area_set = anchor.area_set or (str(said["area_set"]) if "area_set" in said else None)
    stood = said.get("areas_at")
    days = reader.days(tuple(layers.values()) or kept)
    at = date.fromisoformat(str(stood)) if stood else days[0]
    used = {one.label for layer in read for one in layer.releases}
    return Gathered(
        subject=subject,
        calendar=calendar,
        days=days,
        layers=layers,
        others=kept,
        aside=tuple({one.label: one for one in (*about, *alike) if one.label not in used}.values()),
        choices={choice: said.get(choice) for choice in (*SAME_CHOICES, "home", "flows")},
        area_set=area_set,
        ground=geography(database, area_set, tuple(sorted(codes)), at),
        own=frozenset(code for code in codes if subject.holds(countries.get(code))),
        countries=countries,
        names_by_language=_further_names(database, area_set, at),
    )


def _further_names(database: Database, area_set: str | None, at: date) -> dict[str, dict[str, str]]:
    if area_set is None:
        return {}
    try:
        areas = load(database, area_set, at)
    except NotFound:
        return {}
    return {
        language: {code: name for code, name in zip(areas.codes, names, strict=True) if name}
        for language, names in areas.names_by_language.items()
    }


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads the rows of the subject and of the period."""

    settings: Settings
    calendar: Calendar
    subject: Subject
    countries: Mapping[str, str | None]
    first: date | None
    last: date | None

    def read(self, found: Sequence[Release], *, together: bool) -> Layer | None:
        """Read the newest release; together with it, of older ones made by the same rule, the days it has not."""
        if not found:
            return None
        newest, *older = sorted(found, key=lambda one: -one.version)
        taken, parts, seen = [], [], set[date]()
        for release in (newest, *(older if together else ())):
            if release.schema.columns != newest.schema.columns or _rule(release) != _rule(newest):
                continue
            rows = self._own(release)
            if together:
                dates = dates_of(self.calendar, seconds_of(rows))
                fresh = np.array([self._wanted(day) and day not in seen for day in dates], bool)
                rows = rows.filter(pa.array(fresh))
                seen.update(dates)
            if rows.num_rows:
                taken.append(release)
                parts.append(rows)
        return Layer(tuple(taken), pa.concat_tables(parts)) if parts else None

    def days(self, layers: Collection[Layer]) -> tuple[date, date]:
        """Give the first and last day that rows, or releases about a longer time, say something of."""
        found: list[date] = []
        for layer in layers:
            if layer.newest.dataset.removesuffix(WITH_NOISE) in OF_DAYS:
                seconds = np.unique(seconds_of(layer.table))
                found += dates_of(self.calendar, seconds[[0, -1]])
            else:
                found += _days_of(layer.newest) or ()
        if not found:
            found = [layer.newest.published_at.date() for layer in layers]
        return min(found), max(found)

    def _wanted(self, day: date) -> bool:
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def _own(self, release: Release) -> pa.Table:
        rows = release.table(self.settings)
        if self.subject.country is None or not release.schema.areas:
            return rows
        own = pa.array([code for code, country in self.countries.items() if self.subject.holds(country)], pa.string())
        inside = [pc.is_in(rows.column(name).cast(pa.string()), value_set=own) for name in release.schema.areas]
        kept = inside[0]
        for more in inside[1:]:
            kept = pc.or_(kept, more)
        return rows.filter(kept)


def _rule(release: Release) -> tuple[str, object] | None:
    certificate = release.certificate
    return (certificate.rule, certificate.parameters.get("base")) if certificate else None


def _codes(layer: Layer, column: str) -> list[str]:
    return [str(code) for code in pc.unique(layer.table.column(column)).to_pylist()]


def _is_about(database: Database, release: Release, subject: Subject) -> bool:
    if subject.project is not None:
        return release.provenance.parameters.get("project") == subject.project
    return subject.country in countries_of(database, release).values()


def _days_of(release: Release) -> tuple[date, date] | None:
    """Give the first and last day that a release is about; None if it is about no time."""
    said = release.provenance.parameters
    if "first_day" in said and "last_day" in said:
        return date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"])
    return (release.periods[0].date(), release.periods[1].date()) if release.periods else None


def _in_period(release: Release, first: date | None, last: date | None) -> bool:
    days = _days_of(release)
    return days is None or ((last is None or days[0] <= last) and (first is None or days[1] >= first))


def _anchor(found: Sequence[Release]) -> Release | None:
    """Choose the release that says how all others were made: the newest of presence, else of what there is."""
    for name in (*TOPICS, None):
        alike = [one for one in found if name is None or one.dataset.removesuffix(WITH_NOISE) == name]
        if alike:
            return max(alike, key=lambda one: (one.published_at, one.version, one.dataset))
    return None


def _known_days(about: Sequence[Release]) -> str | None:
    known = [day for release in about for day in _days_of(release) or ()]
    return Wording("from %(first)s to %(last)s", first=min(known), last=max(known)) if known else None
