"""The first page: each domain's part of what is known right now, and the same as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import StreamingResponse

from commonweal.core.catalog import Release
from commonweal.core.identity import Permission
from commonweal.web import words
from commonweal.web.access import identify, needs, visitor_of
from commonweal.web.document import ERRORS, Document, document
from commonweal.web.event_stream import EventStream, News
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.reading import readable
from commonweal.web.table import Row

SHOWN = 8


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


@document(
    routes, "/", needs(Permission.READ, in_any_domain=True), summary="The overview", tag="overview", figure="newest"
)
def overview(request: Request) -> Document:
    """What each domain knows right now, under its name."""
    tiles: Mapping[str, Tile] = request.app.state.tiles
    visitor = visitor_of(request)
    sections = {name: tile(request) for name, tile in tiles.items() if visitor.may_somewhere(Permission.READ, name)}
    shown = list(sections.values())
    published = newest(request)
    return Document(
        title=shown[0].title if len(shown) == 1 else _("Overview"),
        template="overview.html",
        lead=" ".join(section.lead for section in shown),
        tiles=[tile for section in shown for tile in section.tiles],
        values={"sections": shown},
        data={name: section.data for name, section in sections.items()},
        figures=[*(figure for section in shown for figure in section.figures), *published],
        notes=[note for section in shown for note in section.notes],
        sources=[source for section in shown for source in section.sources],
    )


@routes.get(
    "/events",
    summary="What is published, as server-sent events",
    tags=["overview"],
    response_class=StreamingResponse,
    responses=ERRORS
    | {
        200: {
            "description": "Events `progress` with the newest release of each dataset: one at once, then one a change.",
            "content": {"text/event-stream": {}},
        },
        503: {"description": "Too many follow something at this moment: ask for `/.json` now and then."},
    },
)
@needs(Permission.READ, in_any_domain=True)
def events(request: Request) -> EventStream:
    """Tell what is published whenever that changes; after ten minutes it is cut off, and browsers ask again."""
    told: list[dict[str, Any]] | None = None

    def look() -> News | None:
        nonlocal told
        request.state.visitor = visitor = identify(request)  # as it stands now: a role may be gone
        if not visitor.may_somewhere(Permission.READ, None):
            visitor.require(Permission.READ, what="/events")
        now = [_record(release) for release in last_published(request)]
        if now == told:
            return None
        told = now
        return News({"published": now}, sum(release["version"] for release in now))

    return EventStream(request.app.state.news, look)


def last_published(request: Request) -> list[Release]:
    """List the newest release of each dataset that whoever asks may read, the last published first."""
    return sorted(readable(request), key=lambda release: release.published_at, reverse=True)


def _record(release: Release) -> dict[str, Any]:
    return {
        "dataset": release.dataset,
        "title": release.schema.title,
        "version": release.version,
        "published_at": release.published_at.isoformat(),
    }


def newest(request: Request) -> list[Figure]:
    """Draw the table of what was published last, if anything was."""
    found = last_published(request)
    if not found:
        return []
    return [
        Figure(
            name="newest",
            title=_("Published last"),
            caption=_("The newest release of each dataset; times are UTC."),
            headings=(
                Heading(_("Dataset"), key="title"),
                Heading(_("Release"), is_number=True, key="version"),
                Heading(_("Published"), key="published_at", is_time=True),
            ),
            rows=[
                Row(
                    (
                        translated(release.schema.title),
                        str(release.version),
                        f"{words.day(release.published_at)}, {words.clock(release.published_at.time())}",
                    ),
                    href=f"/catalog/{release.dataset}",
                )
                for release in found[:SHOWN]
            ],
            records=[_record(release) for release in found[:SHOWN]],
        )
    ]
