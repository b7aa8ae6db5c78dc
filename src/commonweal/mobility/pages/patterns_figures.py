"""Figures of what is usual: one area or flow by hour and day, its week as a line, the fullest hour of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from commonweal.core.catalog import State
from commonweal.mobility.baselines.saying import where
from commonweal.mobility.forecasts.asking import KINDS, named, number
from commonweal.mobility.forecasts.forecast import BELOW, GIVEN, NOT_ENOUGH
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.week_figure import DAY_NAMES, Week, value_said, week, when_cells, when_headings
from commonweal.web.classes import quantile_classes
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.grid import Square, grid
from commonweal.web.languages import _, translated
from commonweal.web.table import Row
from commonweal.web.words import count, short_weekday, state

LISTED = 200
NAMED = 3
"""Every which hour of the grid is named."""


def figures(shown: Week) -> list[Figure]:
    """Give the figures of what is usual."""
    return [_hours(shown), week(shown), _all(shown)]


def _hours(shown: Week) -> Figure:
    records, least, hourly = shown.records, shown.series.least, bool(shown.series.hours)
    hours, kinds = len(shown.series.hours) or 1, KINDS[shown.usual.like]
    rows = [
        Row(
            (
                *when_cells(record),
                value_said(record["why"], record["usual"], least),
                state(State(record["state"])),
            ),
            has_value=record["usual"] is not None,
        )
        for record in records
    ]
    squares = [
        Square(record["usual"], _("%(when)s: %(people)s", when=when(record), people=row.cells[-2]), gap)
        for record, row, gap in zip(records, rows, shown.gaps, strict=True)
    ]
    classes = quantile_classes([record["usual"] for record in records if record["usual"] is not None])
    return Figure(
        name="hours",
        title=_("Hours and days: %(name)s", name=shown.name)
        if hourly
        else _("Days of the week: %(name)s", name=shown.name),
        caption=_("Subscribers who are usual at each hour of each kind of day, modelled: the median of like days.")
        if hourly
        else _("Subscribers who are usual on each kind of day, modelled: the median of like days."),
        headings=(
            *when_headings(shown),
            Heading(_("Usual"), is_number=True, key="usual"),
            Heading(_("State"), key="state"),
        ),
        rows=rows,
        records=records,
        picture=grid(
            [short_weekday(kind) for kind in range(7)]
            if len(kinds) == 7
            else [translated(DAY_NAMES[kind]) for kind in kinds],
            [record["hour"] if record["hour"] and at % NAMED == 0 else "" for at, record in enumerate(records[:hours])],
            [squares[hour::hours] for hour in range(hours)],
            classes,
            label=_("Picture: what is usual by hour and day, %(name)s, modelled", name=shown.name)
            if hourly
            else _("Picture: what is usual by day, %(name)s, modelled", name=shown.name),
        ),
        legend=Legend(
            _("Usual subscribers, modelled"),
            [(f"class-{classes.shade(step)}", text) for step, text in enumerate(classes.labels())]
            if fullest(shown)
            else [],
            list(shown.gaps_meant.items()),
        ),
        says=parts.beside(shown.release, state=State.MODELLED.value),
    )


def fullest(shown: Week) -> dict[str, Any] | None:
    """Give the record of the hour that is usually fullest; None if no hour has a number."""
    known = [record for record in shown.records if record["usual"] is not None]
    return max(known, key=lambda record: record["usual"], default=None)


def when(record: dict[str, Any]) -> str:
    """Say of which days a record is, and of which hour if it is of one, in one text."""
    days, *hour = when_cells(record)
    return _("%(day)s, %(time)s", day=days, time=hour[0]) if hour else days


def _all(shown: Week) -> Figure:
    series, usual = shown.series, shown.usual
    hours, kinds = series.hours or (None,), KINDS[usual.like]
    flat = np.where(np.isnan(usual.usual), -1.0, usual.usual).reshape(-1, len(series.keys))
    most, below = flat.argmax(axis=0), usual.below.sum(axis=(0, 1))
    listed = sorted(range(len(series.keys)), key=lambda place: (-flat[most[place], place], -below[place]))[:LISTED]
    rows, records = [], []
    for place in listed:
        key, (kind, slot) = series.keys[place], divmod(int(most[place]), len(hours))
        value, hour = number(usual.usual[kind, slot, place]), hours[slot]
        why = GIVEN if value is not None else BELOW if below[place] else NOT_ENOUGH
        record: dict[str, Any] = {
            **named(key),
            "name": where(key, shown.places.names),
            "days": None if value is None else kinds[kind],
            "hour": None if value is None or hour is None else f"{hour:02}:00",
            "usual": value,
            "below_k": int(below[place]),
            "not_known": int((np.isnan(usual.usual[..., place]) & ~usual.below[..., place]).sum()),
            "why": why,
            "state": (State.MISSING if why == NOT_ENOUGH else State.MODELLED).value,
        }
        records.append(record)
        rows.append(
            Row(
                (
                    record["name"],
                    "–" if value is None else when(record),
                    value_said(why, value, series.least),
                    count(record["below_k"]),
                    count(record["not_known"]),
                    state(State(record["state"])),
                ),
                has_value=value is not None,
                current=key == shown.key,
            )
        )
    return Figure(
        name="all",
        title=_("The fullest hour of each") if series.hours else _("The fullest day of each"),
        caption=_(
            "Of each area or flow when it is usually fullest, modelled, and how much of its week has no number; the "
            "largest first, %(listed)s at most.",
            listed=count(LISTED),
        ),
        headings=(
            Heading(_("Flow") if series.flows else _("Area"), key="name"),
            Heading(_("When"), key="days"),
            Heading(_("Usual"), is_number=True, key="usual"),
            Heading(_("Below k"), is_number=True, key="below_k"),
            Heading(_("Not known"), is_number=True, key="not_known"),
            Heading(_("State"), key="state"),
        ),
        rows=rows,
        records=records,
        geometry=shown.places.outlines,
        areas=("origin", "destination") if series.flows else ("area",),
        says=parts.beside(shown.release, state=State.MODELLED.value),
    )
