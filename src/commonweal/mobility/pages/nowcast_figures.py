"""Figures of a nowcast: one area or flow hour by hour, and of each how much of the day is modelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from commonweal.core.catalog import Release, State
from commonweal.mobility.baselines.saying import where
from commonweal.mobility.baselines.series import Key
from commonweal.mobility.forecasts.asking import named, number
from commonweal.mobility.forecasts.nowcast import Filled
from commonweal.mobility.forecasts.slots import SlotSeries
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.week_figure import interval_said
from commonweal.web import words
from commonweal.web.chart import Band, Line, line_legend, time_chart
from commonweal.web.figure import Chart, Figure, Heading
from commonweal.web.geography import Geography
from commonweal.web.languages import _
from commonweal.web.table import Row
from commonweal.web.words import count, day_in_words, share

LISTED = 200


@dataclass(frozen=True, eq=False)
class Shown:
    """A nowcast, its areas and the key whose hours are drawn."""

    release: Release
    series: SlotSeries
    filled: Filled
    places: Geography
    key: Key

    def counted(self, state: str) -> int:
        """Count the values in a state."""
        return int((self.filled.states == state).sum())


def figures(shown: Shown, level: float) -> list[Figure]:
    """Give the figures of a nowcast."""
    return [_hours(shown, level), _all(shown)]


def _hours(shown: Shown, level: float) -> Figure:
    series, filled = shown.series, shown.filled
    place, name = series.keys.index(shown.key), where(shown.key, shown.places.names)
    day, hourly = filled.day, bool(series.hours)
    begins = datetime(day.year, day.month, day.day, series.hours[0] if hourly else 0, tzinfo=UTC)
    moments = [begins + timedelta(hours=slot) for slot in range(len(series.hours) or 1)]
    records: list[dict[str, Any]] = []
    for slot, at in enumerate(moments):
        value, state = number(filled.values[slot, place]), str(filled.states[slot, place])
        modelled = state == State.MODELLED.value
        records.append(
            {
                **named(shown.key),
                "name": name,
                "start": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                "published": None if modelled else value,
                "modelled": value if modelled else None,
                "low": number(filled.low[slot, place]),
                "high": number(filled.high[slot, place]),
                "state": state,
                "published_state": str(filled.published[slot, place]),
            }
        )
    lines = (("published", _("As published")), ("modelled", _("Modelled, not counted")))
    drawn = [Line(text, [record[key] for record in records]) for key, text in lines]
    between = _("Interval of what is modelled")
    band = Band(between, *([record[edge] for record in records] for edge in ("low", "high")))
    gaps = ["missing" if record["state"] == State.MISSING.value else "" for record in records]
    return Figure(
        name="hours",
        title=_("%(name)s, %(day)s", name=name, day=day_in_words(day)),
        caption=_(
            "Subscribers on %(day)s: as published, or modelled where nothing was; intervals of %(level)s.",
            day=day_in_words(day),
            level=share(level),
        ),
        headings=(
            Heading(_("Hour") if hourly else _("Day"), key="start", is_time=True),
            Heading(_("As published"), is_number=True, key="published"),
            Heading(_("Modelled"), is_number=True, key="modelled"),
            Heading(_("Interval"), is_number=True),
            Heading(_("State"), key="state"),
        ),
        rows=[
            Row(
                (
                    f"{at:%H:%M}" if hourly else words.day(day),
                    words.state(State(record["published_state"]))
                    if record["published"] is None
                    else count(record["published"]),
                    "–" if record["modelled"] is None else count(record["modelled"]),
                    interval_said(record["low"], record["high"]),
                    words.state(State(record["state"])),
                ),
                has_value=record["published"] is not None,
            )
            for at, record in zip(moments, records, strict=True)
        ],
        records=records,
        picture=time_chart(
            [int(at.timestamp()) for at in moments],
            [f"{at:%H:%M}" for at in moments],
            drawn,
            label=_("Chart: subscribers by hour, %(name)s, published and modelled", name=name),
            band=band,
            gaps=gaps,
        )
        if hourly
        else None,
        legend=line_legend(
            _("Subscribers by hour"), drawn, band=band, gaps={"missing": _("no data")} if any(gaps) else {}
        )
        if hourly
        else None,
        chart=Chart("start", lines, band=("low", "high", between)) if hourly else None,
        says=parts.beside(shown.release),
    )


def _all(shown: Shown) -> Figure:
    series, filled = shown.series, shown.filled
    slots = len(series.hours) or 1
    found: list[tuple[int, float, Row, dict[str, Any]]] = []
    for place, key in enumerate(series.keys):
        states = filled.states[:, place]
        modelled = int((states == State.MODELLED.value).sum())
        if not modelled:
            continue
        missing = int((states == State.MISSING.value).sum())
        largest: float | None = number(
            np.nanmax(np.where(states == State.MODELLED.value, filled.values[:, place], np.nan))
        )
        name = where(key, shown.places.names)
        record = {
            **named(key),
            "name": name,
            "published": slots - modelled - missing,
            "modelled": modelled,
            "missing": missing,
            "largest": largest,
            "state": State.MODELLED.value,
        }
        cells = (
            name,
            count(slots - modelled - missing),
            count(modelled),
            count(missing),
            "–" if largest is None else count(largest),
        )
        found.append((modelled, largest or 0.0, Row(cells, current=key == shown.key), record))
    found.sort(key=lambda one: (-one[0], -one[1]))
    nothing = _("Nothing of this day is hidden or missing.")
    return Figure(
        name="all",
        title=_("What is modelled of each"),
        caption=_(
            "Of each area or flow of which something is modelled: for how many hours; most first, %(listed)s at most.",
            listed=count(LISTED),
        )
        if found
        else nothing,
        headings=(
            Heading(_("Flow") if series.flows else _("Area"), key="name"),
            Heading(_("As published"), is_number=True, key="published"),
            Heading(_("Modelled"), is_number=True, key="modelled"),
            Heading(_("Not known"), is_number=True, key="missing"),
            Heading(_("Largest modelled"), is_number=True, key="largest"),
        ),
        rows=[row for _modelled, _largest, row, _record in found[:LISTED]],
        records=[record for _modelled, _largest, _row, record in found[:LISTED]],
        geometry=shown.places.outlines,
        areas=("origin", "destination") if series.flows else ("area",),
        says=parts.beside(shown.release, state=State.MODELLED.value),
        empty=nothing,
    )
