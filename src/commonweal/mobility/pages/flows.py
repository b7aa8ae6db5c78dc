"""Flows on the site: how many people went from one area to another on a day, on a map and as a table."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from markupsafe import Markup

from commonweal.core.errors import InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.not_shown import hidden_pairs
from commonweal.mobility.pages import beside, parts
from commonweal.mobility.pages.tables.asking import WHICH, Asked, asked_in_address
from commonweal.mobility.pages.tables.page import chooser, defined, table_page
from commonweal.mobility.pages.tables.ways import net_figure
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.mobility.published import FLOWS, Move, Movements, Moves, movements_of, require_area
from commonweal.web.access import needs
from commonweal.web.classes import Classes
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure, Legend
from commonweal.web.flows import flow_layer
from commonweal.web.languages import _, translated
from commonweal.web.map import MapArea, choropleth
from commonweal.web.reading import version_of
from commonweal.web.words import count, day_in_words

ADDRESS = "/mobility/flows"
DRAWN = 30
LISTED = 200

routes = APIRouter()


@document(
    routes, ADDRESS, needs(Permission.READ), summary="Flows between areas on a day", tag="mobility", figure="flows"
)
def flows_page(
    request: Request,
    asked: Annotated[Asked, Depends(asked_in_address)],
    table: Annotated[str | None, Query(description=WHICH, examples=["flows"])] = None,
    day: Annotated[str | None, Query(description="Which day; without it, the newest.", examples=["2026-03-02"])] = None,
    area: Annotated[
        str | None, Query(description="Only flows from and to the area of this code.", examples=["SL-W"])
    ] = None,
    release: Annotated[int | None, RELEASE] = None,
) -> Document:
    """Distinct subscribers seen in one area and next in another, the largest flows of a day."""
    state = request.app.state
    title = translated(Wording("Flows between areas"))
    version = version_of(request, FLOWS, release) if table in (None, "flows") else None
    if version is None:
        return table_page(request, "flows", table, asked, title)
    movements = movements_of(state.settings, state.database, version)
    moves = movements.on(_day(day)) if day else movements.newest
    chosen = area or None
    if chosen:
        require_area(movements.geography.codes, chosen)
    shown = [move for move in moves.published if chosen in (None, move.origin, move.destination)]
    query = {"release": version, "day": moves.day.isoformat(), "area": chosen, "beside": asked.beside}
    span = (movements.days[0], movements.days[-1])
    layer = beside.beside_of(request, movements.release, asked.beside, (moves.day, moves.day), span)
    net = net_figure(movements.release, movements.rows(moves.day), movements.geography, day_in_words(moves.day), chosen)
    sources = [movements.release, *([layer.layer.release] if layer else [])]
    return Document(
        title=title,
        template="mobility_flows.html",
        package=parts.PACKAGE,
        lead=day_in_words(moves.day),
        tiles=_tiles(movements, moves, shown, chosen),
        values={
            "tabs": parts.tabs(request),
            "days": [(each.isoformat(), day_in_words(each), each == moves.day) for each in movements.days],
            "areas": [(code, movements.geography.names[code], code == chosen) for code in movements.geography.codes],
            "release": release,
            "chooser": chooser(request, "flows", "flows"),
            "defined": defined(movements.release, "flows"),
            "layers": beside.choices(request, movements.release, asked.beside),
            "releases": parts.origins(sources),
        },
        figures=[beside.joined(_flows(movements, moves, shown, chosen), layer), net],
        notes=[hidden_pairs(moves), parts.why_suppressed(parts.threshold_of(movements.release))],
        sources=sources,
        query={name: str(value) for name, value in query.items() if value},
        data=_data(movements, moves, shown, chosen) | ({"beside": layer.record()} if layer else {}),
    )


def _day(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise InputError(Wording("this is no date"), where="day", expected=Wording("such as 2024-01-31")) from None


def _tiles(movements: Movements, moves: Moves, shown: list[Move], chosen: str | None) -> list[tuple[str, str]]:
    names = movements.geography.names
    found = [
        (count(len(shown)), _("published flows from and to this area") if chosen else _("published flows")),
        (count(moves.suppressed), _("suppressed pairs of areas")),
    ]
    if shown:
        ends = {"origin": names[shown[0].origin], "destination": names[shown[0].destination]}
        found.append((count(shown[0].subscribers), _("%(origin)s to %(destination)s", **ends)))
    return [*found, parts.published_tile(movements.release)]


def _flows(movements: Movements, moves: Moves, shown: list[Move], chosen: str | None) -> Figure:
    places, listed = movements.geography, shown[:LISTED]
    drawn, nothing = shown[:DRAWN], parts.flows_caption(0, moves.day)
    width = parts.largest_flows(len(drawn), drawn[0].subscribers) if drawn else None
    return Figure(
        name="flows",
        title=_("Flows from and to %(area)s", area=places.names[chosen]) if chosen else _("The largest flows"),
        caption=parts.flows_caption(len(shown), moves.day),
        headings=parts.flow_headings(),
        rows=parts.flow_rows(listed, places.names),
        records=parts.flow_records(listed, places.names, moves.day),
        picture=_map(movements, moves, drawn, chosen) if places.outlines else None,
        legend=Legend(_("Distinct subscribers per day"), flow=width, note="" if drawn else nothing),
        geometry=places.outlines,
        areas=("origin", "destination"),
        says=parts.beside(movements.release),
        empty=nothing,
    )


def _map(movements: Movements, moves: Moves, drawn: list[Move], chosen: str | None) -> Markup:
    places, day = movements.geography, day_in_words(moves.day)
    pinned = f"{ADDRESS}?day={moves.day.isoformat()}&area="
    areas = [
        MapArea(
            code,
            places.names[code],
            places.outlines[code],
            None,
            "plain",
            _("show its flows"),
            f"{pinned}{code}#flows",
        )
        for code in places.codes
        if code in places.outlines
    ]
    layer = flow_layer(
        parts.flows_drawn(drawn, places.names), places.centres, label=_("Flows between areas, %(day)s", day=day)
    )
    return choropleth(
        areas,
        Classes(()),
        label=_("Map: flows between areas, %(day)s", day=day),
        projection=places.projection,
        over=layer,
        selected=chosen,
    )


def _data(movements: Movements, moves: Moves, shown: list[Move], chosen: str | None) -> dict[str, Any]:
    return {
        "flows": {
            "release": movements.release.label,
            "digest": movements.release.digest,
            "day": moves.day.isoformat(),
            "days": [day.isoformat() for day in movements.days],
            "area": chosen,
            "suppressed_pairs": moves.suppressed,
            "pairs": moves.pairs,
            "published": [
                {"origin": move.origin, "destination": move.destination, "subscribers": move.subscribers}
                for move in shown
            ],
        }
    }
