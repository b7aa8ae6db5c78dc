"""Another published layer beside a table or a change: cases, rain, roads, by area and period. No cause is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Kind, Release
from commonweal.core.errors import InputError
from commonweal.mobility.baselines.series import areas_and_start, calendar_of


@dataclass(frozen=True)
class Layer:
    """Values of another release by area, over a period.

    Parameters
    ----------
    release
        What was read.
    measure, unit
        Its value.
    how
        ``sum`` of the periods' values, their ``median``, or the value ``as it is`` where the release has no time.
    values
        By area; None where nothing is published, which is not zero.
    periods
        How many periods of the release fall in, at most, and on how many each area is published.
    """

    release: Release
    measure: str
    unit: str
    how: str
    values: Mapping[str, float | None]
    periods: int
    known: Mapping[str, int]


def layer(release: Release, table: pa.Table, first: date, last: date, measure: str | None = None) -> Layer:
    """Bring a release to one value an area over a period.

    Values that add up over time (``Kind.SUM``) are added, provided that all periods are published of an area; all
    others give their median. A release without time is taken as it is; of several units of time, days are read.

    Raises
    ------
    InputError
        It has not just one dimension of areas, it has a dimension besides area and time, or no such measure.
    """
    ends, moments = areas_and_start(release)
    others = [name for name in release.schema.key if name not in (*ends, moments, "period")]
    if len(ends) != 1 or others or not release.schema.measures:
        raise InputError(
            f"its keys are {', '.join(release.schema.key)}",
            where=release.label,
            expected="one area, and at most a time",
        )
    value = release.schema.measure(measure) if measure else release.schema.measures[0]
    if "period" in release.schema.key:
        table = table.filter(pc.equal(table.column("period"), "day"))
    if moments is not None:
        days = _days(release, table.column(moments))
        table = table.filter(pa.array([first <= day <= last for day in days], pa.bool_()))
    how = "as it is" if moments is None else "sum" if value.kind_over(moments) is Kind.SUM else "median"
    periods = len(pc.unique(table.column(moments))) if moments else 1
    gathered: dict[str, list[float]] = {}
    for row in table.select([ends[0], value.name]).to_pylist():
        numbers = gathered.setdefault(row[ends[0]], [])
        if row[value.name] is not None:
            numbers.append(float(row[value.name]))
    values: dict[str, float | None] = {
        area: None
        if not known or (how == "sum" and len(known) < periods)
        else float(np.sum(known) if how == "sum" else np.median(known))
        for area, known in gathered.items()
    }
    on = {area: len(numbers) for area, numbers in gathered.items()}
    return Layer(release, value.name, value.unit, how, values, periods, on)


def joinable(release: Release) -> bool:
    """Whether a release can stand beside a table by area."""
    ends, moments = areas_and_start(release)
    others = [name for name in release.schema.key if name not in (*ends, moments, "period")]
    return len(ends) == 1 and not others and bool(release.schema.measures)


def span_of(release: Release, day: date | None, unit: str) -> tuple[date, date]:
    """Give the first and the last day that a row is about.

    Parameters
    ----------
    day
        On which it begins; None where the release has no time, so that it is about all its days.
    unit
        ``hour``, ``day``, ``week`` or ``month``. A row of a run that says one thing of all its days is about all of
        them, which is where its only moment is the first day of several.
    """
    said = release.provenance.parameters
    days = said.get("first_day"), said.get("last_day")
    first, last = (date.fromisoformat(one) if one else None for one in days)
    if day is None:
        published = release.published_at.date()
        return first or published, last or published
    if unit == "week":
        return day, day + timedelta(days=6)
    if unit == "month":
        return day, (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    if unit == "day" and first == day and last and "period" not in release.schema.key and is_of_all_days(release):
        return first, last
    return day, day


def is_of_all_days(release: Release) -> bool:
    """Whether all rows begin at one moment, though the release is about several days."""
    return release.periods is not None and release.periods[0] == release.periods[1]


def _days(release: Release, column: pa.ChunkedArray) -> list[date]:
    if pa.types.is_date(column.type):
        return list(column.to_pylist())
    seconds = column.cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    shown = calendar_of(release).from_utc(seconds)
    first = date(1970, 1, 1).toordinal()
    return [date.fromordinal(first + int(one) // 86_400) for one in shown]
