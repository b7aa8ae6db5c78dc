"""The figures of quality: findings in sentences, and each published daily figure beside its control limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from commonweal.core.catalog import Release
from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
from commonweal.mobility.published import DayQuality, Presence
from commonweal.mobility.quality.of_releases import OfReleases, judge_releases
from commonweal.mobility.quality.publishing import DATASET, read_cell_faults
from commonweal.mobility.quality.saying import FAULTS, SURE, sentence
from commonweal.web import words
from commonweal.web.chart import Band, Line, line_legend, time_chart
from commonweal.web.figure import Chart, Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.table import Row
from commonweal.web.words import count, short_day

ACTIVITY, DEVICES, CELLS = "mobility.activity", "mobility.devices", DATASET.name
BESIDE = (ACTIVITY, DEVICES, CELLS)
TITLES = {
    "subscribers": Wording("Subscribers seen each day"),
    "events": Wording("Events each day"),
    "devices": Wording("Devices seen each day"),
}
NAMES = {
    "subscribers": Wording("Subscribers, at least"),
    "events": Wording("Events, at least"),
    "devices": Wording("Devices, at least"),
}
CAPTIONS = {
    "subscribers": Wording("Distinct subscribers of each day, rounded down as published, beside its control limits."),
    "events": Wording("Events of each day, rounded down as published, beside its control limits."),
    "devices": Wording("Devices of each day, rounded down as published, beside its control limits."),
}
CHARTS = {
    "subscribers": Wording("Chart: subscribers seen each day and their control limits"),
    "events": Wording("Chart: events of each day and their control limits"),
    "devices": Wording("Chart: devices seen each day and their control limits"),
}
HOURS = 24


def judged_releases(
    settings: Settings,
    database: Database,
    presence: Presence,
    days: Sequence[DayQuality],
    beside: Mapping[str, Release],
) -> OfReleases:
    """Judge what is published: presence, the daily totals beside it, and what was found wrong with cell files."""
    starts = [day.start for day in days]
    totals = {"subscribers": np.array([np.nan if day.subscribers is None else day.subscribers for day in days])}
    for name, measure in ((ACTIVITY, "events"), (DEVICES, "devices")):
        if release := beside.get(name):
            totals[measure] = _by_day(release.table(settings), measure, starts)
    hours, by_area = _hours(presence, starts), _areas(presence, starts)
    dates = [day.day for day in days]
    codes = [*presence.geography.codes]
    judged = judge_releases(dates, totals, hours, codes, by_area, presence.threshold or 0)
    if release := beside.get(CELLS):
        return OfReleases(judged.limits, [*read_cell_faults(release.table(settings)), *judged.findings])
    return judged


def _by_day(table: pa.Table, measure: str, starts: Sequence[int]) -> npt.NDArray[np.float64]:
    told = {int(row["start"].timestamp()): row[measure] for row in table.to_pylist()}
    return np.array([np.nan if told.get(start) is None else float(told[start]) for start in starts])


def _areas(presence: Presence, starts: Sequence[int]) -> npt.NDArray[np.float64]:
    series = presence.series.get("day")
    codes = [*presence.geography.codes]
    found = np.full((len(codes), len(starts)), np.nan)
    if series is not None:
        place = [series.areas.index(code) for code in codes]
        for number, start in enumerate(starts):
            at = np.flatnonzero(series.starts == start)
            if len(at):
                found[:, number] = series.values[at[0], place]
    return found


def _hours(presence: Presence, starts: Sequence[int]) -> npt.NDArray[np.float64]:
    """Published presence of all areas together, by day and hour since the day began."""
    series = presence.series.get("hour")
    found = np.full((len(starts), HOURS), np.nan)
    if series is not None and starts:
        day = np.searchsorted(starts, series.starts, side="right") - 1
        clock = (presence.timeline.calendar.from_utc(series.starts) % 86_400) // 3600
        inside = (day >= 0) & ~np.isnan(series.values).all(axis=1)
        found[day[inside], clock[inside]] = np.nansum(series.values[inside], axis=1)
    return found


def records_of(presence: Presence, judged: OfReleases) -> list[dict[str, Any]]:
    """Give the findings as values."""
    return [finding.record(sentence(finding, presence.geography.names)) for finding in judged.findings]


def limits_of(judged: OfReleases, number: int) -> dict[str, int | None]:
    """Give a day's figures and their control limits as values."""
    found: dict[str, int | None] = {}
    for name, limits in judged.limits.items():
        found[f"{name}_at_least"] = _whole(limits.values[number])
        for edge, values in (("usual", limits.centre), ("low", limits.low), ("high", limits.high)):
            found[f"{name}_{edge}"] = _whole(values[number])
    return found


def findings_figure(presence: Presence, judged: OfReleases) -> Figure:
    """List what is wrong."""
    said = [sentence(finding, presence.geography.names) for finding in judged.findings]
    nothing = _("Nothing that is looked for was found in published tables and cell files.")
    return Figure(
        name="findings",
        title=_("What is wrong"),
        caption=_("What was found in published tables and cell files: what, where, when, and how sure it is.")
        if said
        else nothing,
        headings=(
            Heading(_("Finding"), key="kind"),
            Heading(_("What, where, when"), key="what"),
            Heading(_("How sure"), key="how_sure"),
        ),
        rows=[
            Row((translated(FAULTS[finding.kind]), text, translated(SURE[finding.sure])))
            for finding, text in zip(judged.findings, said, strict=True)
        ],
        records=records_of(presence, judged),
        empty=nothing,
        says=parts.beside(presence.release, time_zone=presence.timeline.calendar.time_zone),
    )


def daily_figure(presence: Presence, days: Sequence[DayQuality], judged: OfReleases, name: str) -> Figure:
    """Show a daily figure beside its control limits."""
    zone, limits, title = presence.timeline.calendar.time_zone, judged.limits[name], translated(NAMES[name])
    values = [_whole(value) for value in limits.values]
    low, high = ([_whole(value) for value in edge] for edge in (limits.low, limits.high))
    rounded, between = name == "subscribers", _("Between its control limits")
    line = Line(title, values)
    band = Band(between, low, high) if any(value is not None for value in low) else None
    gaps = ["missing" if value is None else "" for value in values]
    return Figure(
        name=name,
        title=translated(TITLES[name]),
        caption=translated(CAPTIONS[name]),
        headings=(
            Heading(_("Day"), key="day", is_time=True),
            Heading(title, is_number=True, key=name),
            Heading(_("Lower limit"), is_number=True, key="low"),
            Heading(_("Upper limit"), is_number=True, key="high"),
            *((Heading(_("Rounded to"), is_number=True, key="rounded_to"),) if rounded else ()),
        ),
        rows=[
            Row(
                (
                    words.day(day.day),
                    *(_said(value) for value in (values[n], low[n], high[n])),
                    *((_said(day.rounded_to),) if rounded else ()),
                ),
                has_value=values[n] is not None,
            )
            for n, day in enumerate(days)
        ],
        records=[
            {
                "day": day.day.isoformat(),
                "start": f"{datetime.fromtimestamp(day.start, UTC):%Y-%m-%dT%H:%M:%SZ}",
                name: values[n],
                "low": low[n],
                "high": high[n],
                **({"rounded_to": day.rounded_to} if rounded else {}),
            }
            for n, day in enumerate(days)
        ],
        picture=time_chart(
            [day.start for day in days],
            [short_day(day.day) for day in days],
            [line],
            label=translated(CHARTS[name]),
            band=band,
            gaps=gaps,
        ),
        legend=line_legend(title, [line], band=band, gaps={"missing": _("no total is published")} if any(gaps) else {}),
        chart=Chart("start", ((name, title),), zone, band=("low", "high", between) if band else None),
        says=parts.beside(presence.release, time_zone=zone),
    )


def _said(value: int | None) -> str:
    return "–" if value is None else count(value)


def _whole(value: float) -> int | None:
    return None if np.isnan(value) else round(float(value))
