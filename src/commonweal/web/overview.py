"""The first page: each domain's part of what is known right now, and the same as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup

from commonweal.core.catalog import Release
from commonweal.core.identity import Permission
from commonweal.web.access import needs, visitor_of
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure
from commonweal.web.languages import _


@dataclass(frozen=True)
class Section:
    """A domain's part of the overview page.

    Parameters
    ----------
    title
        What the section shows, as the page's title says it.
    body
        HTML.
    data
        The same as JSON values: whatever the page shows, its data twin says.
    lead, tiles, figures, notes, sources
        As in `Document`, for the brief; the figures of all sections have different names.
    """

    title: str
    body: Markup
    data: Mapping[str, Any]
    lead: str = ""
    tiles: Sequence[tuple[str, str]] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    sources: Sequence[Release] = ()


Tile = Callable[[Request], Section]

routes = APIRouter()


@document(routes, "/", needs(Permission.READ, in_any_domain=True), summary="The overview", tag="overview")
def overview(request: Request) -> Document:
    """What each domain knows right now, under its name."""
    tiles: Mapping[str, Tile] = request.app.state.tiles
    visitor = visitor_of(request)
    sections = {name: tile(request) for name, tile in tiles.items() if visitor.may_somewhere(Permission.READ, name)}
    shown = list(sections.values())
    return Document(
        title=shown[0].title if len(shown) == 1 else _("Overview"),
        template="overview.html",
        lead=" ".join(section.lead for section in shown),
        tiles=[tile for section in shown for tile in section.tiles],
        values={"sections": shown},
        data={name: section.data for name, section in sections.items()},
        figures=[figure for section in shown for figure in section.figures],
        notes=[note for section in shown for note in section.notes],
        sources=[source for section in shown for source in section.sources],
    )
