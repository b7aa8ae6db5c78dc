"""The first page: each domain's part of what is known right now, and the same as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import JSONResponse, Response

from commonweal.core.identity import Permission
from commonweal.web.access import needs, visitor_of
from commonweal.web.conditional import unless_known
from commonweal.web.languages import _
from commonweal.web.render import page


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
    """

    title: str
    body: Markup
    data: Mapping[str, Any]


Tile = Callable[[Request], Section]

routes = APIRouter()


@routes.get("/", include_in_schema=False)
@needs(Permission.READ, in_any_domain=True)
def overview(request: Request) -> Response:
    """Show every domain's section under one shell."""
    sections = list(_sections(request).values())
    query = f"?{request.url.query}" if request.url.query else ""
    title = sections[0].title if len(sections) == 1 else _("Overview")
    return unless_known(
        request, page(request, "overview.html", title=title, sections=sections, data_address=f"/.json{query}")
    )


@routes.get("/.json", summary="The overview page as data", tags=["overview"])
@needs(Permission.READ, in_any_domain=True)
def overview_data(request: Request) -> Response:
    """Give what the overview page shows, by domain; it takes the page's own query parameters."""
    data = {name: section.data for name, section in _sections(request).items()}
    return unless_known(request, JSONResponse(data))


def _sections(request: Request) -> dict[str, Section]:
    tiles: Mapping[str, Tile] = request.app.state.tiles
    visitor = visitor_of(request)
    return {name: tile(request) for name, tile in tiles.items() if visitor.may_somewhere(Permission.READ, name)}
