"""The figures of flagged events: how many of each day and flag, and in which cells most; from a release alone."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release, State
from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.mobility.pages import parts
from commonweal.mobility.published import Presence, table_of
from commonweal.mobility.quality.saying import FLAGS
from commonweal.web import words
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.table import Row
from commonweal.web.words import count

DATASET = "mobility.flags"
MOST = 50
"""Cells that are listed; the dataset has all."""


def flag_figures(settings: Settings, database: Database, presence: Presence, release: Release) -> list[Figure]:
    """Show what is published of flagged events."""
    timeline = presence.timeline
    told = [
        {**row, "day": timeline.date_of(int(row["start"].timestamp()))}
        for row in published_flags(settings, database, release.version)
    ]
    says = parts.beside(release, time_zone=timeline.calendar.time_zone)
    return [_by_day(told, says), _by_cell(told, says)]


@lru_cache(maxsize=4)
def published_flags(settings: Settings, database: Database, version: int) -> tuple[dict[str, Any], ...]:
    """Give the rows that have a count, which never change, in order of day, flag and cell."""
    _release, table = table_of(settings, database, DATASET, version)
    hidden = (State.SUPPRESSED.value, State.MISSING.value)
    kept = table.filter(pc.invert(pc.is_in(table["events_state"], pa.array(hidden))))
    return tuple(kept.select(["start", "flag", "cell", "subscribers", "events"]).sort_by(_ORDER).to_pylist())


_ORDER = [("start", "ascending"), ("flag", "ascending"), ("cell", "ascending")]


def _by_day(told: list[dict[str, Any]], says: Any) -> Figure:
    cells: dict[tuple[date, str], int] = defaultdict(int)
    events: dict[tuple[date, str], int] = defaultdict(int)
    for row in told:
        cells[row["day"], row["flag"]] += 1
        events[row["day"], row["flag"]] += row["events"]
    return Figure(
        name="flags",
        title=_("Flagged events"),
        caption=_("What cleaning flagged on each day, added up over the cells whose counts are published.")
        if told
        else _("No cell has so many flagged events, of so many people, that their number is published."),
        headings=(
            Heading(_("Day"), key="day", is_time=True),
            Heading(_("Flag"), key="flag"),
            Heading(_("Cells"), is_number=True, key="cells"),
            Heading(_("Events, at least"), is_number=True, key="events"),
        ),
        rows=[
            Row((words.day(day), translated(FLAGS[flag]), count(cells[day, flag]), count(events[day, flag])))
            for day, flag in cells
        ],
        records=[
            {"day": day.isoformat(), "flag": flag, "cells": cells[day, flag], "events": events[day, flag]}
            for day, flag in cells
        ],
        says=says,
    )


def _by_cell(told: list[dict[str, Any]], says: Any) -> Figure:
    most = sorted(told, key=lambda row: (-row["events"], row["day"], row["flag"], row["cell"]))[:MOST]
    return Figure(
        name="flagged_cells",
        title=_("Cells with most flagged events"),
        caption=_("The largest published counts of flagged events by day and cell. The dataset has every cell."),
        headings=(
            Heading(_("Cell"), key="cell"),
            Heading(_("Day"), key="day", is_time=True),
            Heading(_("Flag"), key="flag"),
            Heading(_("Subscribers"), is_number=True, key="subscribers"),
            Heading(_("Events"), is_number=True, key="events"),
        ),
        rows=[
            Row(
                (
                    row["cell"],
                    words.day(row["day"]),
                    translated(FLAGS[row["flag"]]),
                    count(row["subscribers"]),
                    count(row["events"]),
                )
            )
            for row in most
        ],
        records=[{name: row[name].isoformat() if name == "day" else row[name] for name in _COLUMNS} for row in most],
        says=says,
    )


_COLUMNS = ("cell", "day", "flag", "subscribers", "events")
