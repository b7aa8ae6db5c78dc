"""Mobility's part of the overview: where people were in the newest hour, and how that compares with before."""

from __future__ import annotations

from fastapi import Request

from commonweal.core.wording import Wording
from commonweal.mobility.not_shown import what_is_not_shown
from commonweal.mobility.pages.parts import PACKAGE
from commonweal.mobility.pages.presence import data
from commonweal.mobility.pages.presence_figures import map_figure, series_figure, tiles
from commonweal.mobility.pages.viewing import ADDRESS, Asked, view
from commonweal.web.figure import place
from commonweal.web.languages import translated
from commonweal.web.overview import Section
from commonweal.web.render import fragment

TITLE = Wording("Where people are")


def overview(request: Request) -> Section:
    """Draw the newest hour that was published."""
    seen, title = view(request, Asked()), translated(TITLE)
    if seen is None:
        return Section(title, fragment(PACKAGE, "mobility_empty.html", title=title), {"presence": None})
    figures, notes = (
        [map_figure(seen), series_figure(seen)],
        what_is_not_shown(seen.presence, seen.shown, seen.moves, seen.daily),
    )
    shown = tiles(seen)
    body = fragment(
        PACKAGE,
        "mobility_overview.html",
        title=title,
        lead=seen.lead,
        tiles=shown,
        notes=notes,
        figures=place(figures, ADDRESS, seen.pinned),
        details=seen.asked.href(),
    )
    return Section(
        title, body, data(seen), lead=seen.lead, tiles=shown, figures=figures, notes=notes, sources=seen.sources
    )
