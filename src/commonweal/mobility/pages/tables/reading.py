"""A published table as such a page sees it: what it is told by, which part of it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Measure as Value
from commonweal.core.catalog import Release, State
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.series import areas_and_start, calendar_of
from commonweal.mobility.pages.tables.asking import Asked
from commonweal.mobility.pages.tables.families import Kind
from commonweal.mobility.published import RELEASES_KEPT, table_of
from commonweal.mobility.telling import VALUES, called
from commonweal.web.geography import Geography, geography
from commonweal.web.languages import _
from commonweal.web.words import clock, day_in_words, days_in_words

BINS = ("at_least", "below")


@dataclass(frozen=True)
class Told:
    """One published value, with its interval where it has one."""

    value: float | None
    state: State
    low: float | None = None
    high: float | None = None


NOT_THERE = Told(None, State.MISSING)


@dataclass(frozen=True, eq=False)
class Published:
    """A release, laid out.

    Parameters
    ----------
    release, table
        What was published.
    ends
        Its dimensions that are areas: none, one, or origin and destination.
    told_by
        Its other dimensions but for days and bins, with the values of each in the order of lists.
    starts
        When each row begins, UTC seconds; None where the table has no time.
    dates
        The day of each row, by the place's clock.
    places
        Its areas.
    """

    release: Release
    table: pa.Table
    ends: tuple[str, ...]
    told_by: Mapping[str, tuple[str, ...]]
    starts: np.ndarray | None
    dates: np.ndarray
    places: Geography

    @property
    def value(self) -> Value:
        """The measure that is shown."""
        return self.release.schema.measures[0]

    @property
    def has_bins(self) -> bool:
        """Whether it is a distribution."""
        return set(BINS) <= set(self.release.schema.key)

    def text(self, name: str, rows: np.ndarray) -> list[str]:
        """Give what some rows are told by, as texts."""
        return [str(one) for one in self.table.column(name).take(pa.array(rows)).to_pylist()]

    def where(self, name: str, value: str) -> np.ndarray:
        """Say of each row whether it is told by a value."""
        column = self.table.column(name).cast(pa.string())
        return np.asarray(pc.equal(column, value).to_numpy(zero_copy_only=False), bool)

    @cached_property
    def values(self) -> np.ndarray:
        """The value of each row, float64; not a number where there is none to show."""
        column = self.table.column(self.value.name).cast(pa.float64())
        return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)

    def told(self, rows: np.ndarray) -> list[Told]:
        """Give the values of some rows."""
        value, taken = self.value, self.table.take(pa.array(rows))
        measured = taken.column(value.name).to_pylist()
        states = [State(state) for state in taken.column(value.state).to_pylist()]
        low, high = (
            taken.column(name).to_pylist() if self.has_interval else [None] * len(states) for name in ("low", "high")
        )
        return [Told(*each) for each in zip(measured, states, low, high, strict=True)]

    @property
    def has_interval(self) -> bool:
        """Whether an interval stands beside each value."""
        return {"low", "high"} <= set(self.table.column_names)

    @property
    def span(self) -> tuple[date, date]:
        """The first and the last day that it is about."""
        said = self.release.provenance.parameters
        if "first_day" in said and "last_day" in said:
            return date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"])
        if len(self.dates):
            return self.dates.min(), self.dates.max()
        day = self.release.published_at.date()
        return day, day


@lru_cache(maxsize=RELEASES_KEPT)
def read(settings: Settings, database: Database, name: str, version: int) -> Published:
    """Lay a release out; it never changes, so it is kept."""
    release, table = table_of(settings, database, name, version)
    ends, moments = areas_and_start(release)
    others = [one for one in release.schema.key if one not in (*ends, *BINS, moments)]
    starts, dates = None, np.zeros(0, object)
    if moments is not None and table.num_rows:
        column = table.column(moments).cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
        each, which = np.unique(column, return_inverse=True)
        shown = calendar_of(release).from_utc(each)
        starts = column
        dates = np.array([datetime.fromtimestamp(int(one), UTC).date() for one in shown], dtype=object)[which]
    codes = sorted({str(code) for end in ends for code in pc.unique(table.column(end)).to_pylist()})
    said = release.provenance.parameters
    stood = said.get("areas_at") or said.get("first_day")
    at = date.fromisoformat(stood) if stood else (dates.min() if len(dates) else release.published_at.date())
    told_by = {name: _in_order(name, pc.unique(table.column(name)).to_pylist()) for name in others}
    places = geography(database, release.area_set, tuple(codes), at)
    return Published(release, table, ends, told_by, starts, dates, places)


def _in_order(dimension: str, values: Sequence[object]) -> tuple[str, ...]:
    order = list(VALUES.get(dimension, ()))
    return tuple(sorted(map(str, values), key=lambda one: (order.index(one) if one in order else len(order), one)))


@dataclass(frozen=True, eq=False)
class Shown:
    """The part of a table that a page shows.

    Parameters
    ----------
    published
        The table.
    kind
        How it is laid out.
    only
        By dimension, the value that is shown, of those that do not stand side by side and are no rows.
    day, start
        Which day, and when the hour or day begins; None where the table has no time.
    area
        The chosen area, if one was chosen.
    """

    published: Published
    kind: Kind
    only: Mapping[str, str]
    day: date | None
    start: int | None
    area: str | None

    @property
    def across(self) -> tuple[str, ...]:
        """The values that stand side by side; one empty text where none do."""
        return self.published.told_by.get(self.kind.across, ("",))

    @property
    def main(self) -> str:
        """Which of them the map shows."""
        return self.only.get(self.kind.across, self.across[0])

    @cached_property
    def of_choice(self) -> np.ndarray:
        """Places of the rows of what was chosen, at all times."""
        published = self.published
        chosen = np.ones(published.table.num_rows, bool)
        for name, value in self.only.items():
            if name != self.kind.across and name not in self.kind.rows:
                chosen &= published.where(name, value)
        return np.flatnonzero(chosen)

    @cached_property
    def rows(self) -> np.ndarray:
        """Places of the rows of what was chosen, at the time that is shown."""
        if self.start is None or self.published.starts is None:
            return self.of_choice
        return self.of_choice[self.published.starts[self.of_choice] == self.start]

    def table(self, rows: np.ndarray, *by: str) -> dict[tuple[str, ...], dict[str, Told]]:
        """Give values by what rows are told by, and within by what stands side by side."""
        published, found = self.published, dict[tuple[str, ...], dict[str, Told]]()
        keys = zip(*(published.text(name, rows) for name in by), strict=True) if by else iter([()] * len(rows))
        across = self.kind.across
        side = published.text(across, rows) if across in published.told_by else [""] * len(rows)
        for key, beside, told in zip(keys, side, published.told(rows), strict=True):
            found.setdefault(tuple(key), {})[beside] = told
        return found

    @property
    def whole(self) -> bool:
        """Whether the table says one thing of all its days together."""
        starts = self.published.starts
        said = self.published.release.provenance.parameters
        if starts is None or "period" in self.published.told_by:
            return False
        return len(np.unique(starts)) == 1 and "first_day" in said

    @property
    def starts(self) -> list[int]:
        """When the periods of what was chosen begin."""
        if self.published.starts is None:
            return []
        return [int(start) for start in np.unique(self.published.starts[self.of_choice])]

    @property
    def days(self) -> list[date]:
        """The days of what was chosen, in order."""
        return [] if self.published.starts is None else sorted(set(self.published.dates[self.of_choice].tolist()))

    @property
    def hours(self) -> list[int]:
        """When the periods of the day that is shown begin."""
        if self.published.starts is None:
            return []
        rows = self.of_choice[self.published.dates[self.of_choice] == self.day]
        return [int(start) for start in np.unique(self.published.starts[rows])]

    @property
    def hourly(self) -> bool:
        """Whether a day has several periods."""
        return len(self.hours) > 1

    def clock(self, start: int) -> str:
        """Say when an hour begins, by the place's clock."""
        shown = calendar_of(self.published.release).from_utc(np.array([start]))
        return clock(datetime.fromtimestamp(int(shown[0]), UTC).time())

    @property
    def label(self) -> str:
        """The time that is shown, in words."""
        if self.whole or self.day is None:
            return days_in_words(*self.published.span)
        day = day_in_words(self.day)
        if self.hourly and self.start is not None:
            return _("%(day)s, %(time)s", day=day, time=self.clock(self.start))
        if "days" in self.only:
            return days_in_words(*self.covers)
        unit = self.only.get("period")
        if unit in ("week", "month"):
            return _("%(unit)s from %(day)s", unit=called("period", unit), day=day)
        return day

    @property
    def covers(self) -> tuple[date, date]:
        """First and last day of what is shown, which another layer is brought to."""
        if self.whole or self.day is None:
            return self.published.span
        return self.day, self.day + timedelta(days=int(self.only.get("days", 1)) - 1)


def shown(published: Published, kind: Kind, asked: Asked) -> Shown:
    """Find the part that is asked for; what is not said is the newest, the first, or what most people stand behind.

    Raises
    ------
    InputError
        It has no such area, day or value.
    """
    if asked.area and published.ends and asked.area not in published.places.names:
        raise InputError(
            Wording("there is no area %(code)s in this release", code=repr(asked.area)),
            where="area",
            expected=Wording("the code of one of its areas, such as %(code)s", code=published.places.codes[0]),
        )
    only: dict[str, str] = {}
    for name, values in published.told_by.items():
        wanted = asked.only.get(name)
        if wanted is not None and wanted not in values:
            raise InputError(
                Wording("there is no %(value)s in this table", value=repr(wanted)),
                where=name,
                expected=", ".join(values[:9]),
            )
        if name in kind.rows:
            if wanted:
                only[name] = wanted
        elif wanted or name == kind.across:
            only[name] = wanted or values[0]
        else:
            only[name] = _most(published, name, values)
    found = Shown(published, kind, only, None, None, asked.area if published.ends else None)
    if published.starts is None or not found.days:
        return found
    day = found.days[-1] if found.whole else _day(asked.day, found.days)
    found = Shown(published, kind, only, day, None, found.area)
    hours = found.hours
    # A day that was not asked for is shown at its busiest: the last hour of records is often cut short.
    start = hours[min(asked.at, len(hours) - 1)] if asked.at is not None else hours[_fullest(found, hours)]
    return Shown(published, kind, only, day, start, found.area)


def _day(asked: str | None, days: list[date]) -> date:
    if not asked:
        return days[-1]
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        raise InputError(Wording("this is no date"), where="day", expected=Wording("such as 2024-01-31")) from None
    if day not in days:
        raise InputError(
            Wording("there is nothing of %(day)s", day=day.isoformat()),
            where="day",
            expected=Wording("%(first)s to %(last)s", first=days[0].isoformat(), last=days[-1].isoformat()),
        )
    return day


def _most(published: Published, name: str, values: tuple[str, ...]) -> str:
    """Choose the value with most published behind it, of those that have no order of their own."""
    if name in VALUES:
        return values[-1] if name == "period" else values[0]
    measured = np.nan_to_num(published.values)
    return max(values, key=lambda value: float(measured[published.where(name, value)].sum()))


def _fullest(found: Shown, hours: list[int]) -> int:
    if len(hours) == 1:
        return 0
    published = found.published
    assert published.starts is not None
    values = np.nan_to_num(published.values)
    return int(np.argmax([values[found.of_choice][published.starts[found.of_choice] == hour].sum() for hour in hours]))
