"""Home areas on the site: how many people live where, as their phones tell."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from commonweal.core.catalog import State
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages import beside, parts
from commonweal.mobility.pages.tables.asking import WHICH, Asked, asked_in_address
from commonweal.mobility.pages.tables.page import chooser, defined, table_page
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.mobility.published import HOMES, Homes, homes_of
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.map import choropleth
from commonweal.web.reading import version_of
from commonweal.web.words import count, days_in_words

ADDRESS = "/mobility/homes"

routes = APIRouter()


@document(routes, ADDRESS, needs(Permission.READ), summary="Subscribers by home area", tag="mobility", figure="homes")
def homes_page(
    request: Request,
    asked: Annotated[Asked, Depends(asked_in_address)],
    table: Annotated[str | None, Query(description=WHICH, examples=["home"])] = None,
    release: Annotated[int | None, RELEASE] = None,
) -> Document:
    """Subscribers by the area where their days most often end, with the state of each value."""
    state = request.app.state
    title = translated(Wording("Where people live"))
    version = version_of(request, HOMES, release) if table in (None, "home") else None
    if version is None:
        return table_page(request, "homes", table, asked, title)
    homes = homes_of(state.settings, state.database, version)
    least, days = parts.threshold_of(homes.release), _days(homes)
    hidden = sum(cell.state is State.SUPPRESSED for cell in homes.cells)
    said = homes.release.provenance.parameters
    span = [date.fromisoformat(said[name]) for name in ("first_day", "last_day")] if "last_day" in said else None
    first, last = span or [homes.release.published_at.date()] * 2
    layer = beside.beside_of(request, homes.release, asked.beside, (first, last), (first, last))
    sources = [homes.release, *([layer.layer.release] if layer else [])]
    query = {"release": str(version)} | ({"beside": asked.beside} if asked.beside else {})
    return Document(
        title=title,
        template="mobility_homes.html",
        package=parts.PACKAGE,
        lead=_("Where the days of subscribers most often end, %(days)s", days=days),
        tiles=[
            parts.with_count_tile(homes.cells),
            (count(hidden), _("suppressed")),
            parts.published_tile(homes.release),
        ],
        values={
            "tabs": parts.tabs(request),
            "chooser": chooser(request, "homes", "home"),
            "defined": defined(homes.release, "home-area"),
            "release": release,
            "layers": beside.choices(request, homes.release, asked.beside),
            "releases": parts.origins(sources),
        },
        figures=[beside.joined(_map(homes, days, least), layer)],
        notes=[
            ngettext(
                "%(hidden)s of %(num)s area is suppressed.",
                "%(hidden)s of %(num)s areas are suppressed.",
                len(homes.cells),
                hidden=count(hidden),
            ),
            parts.why_suppressed(least),
            _("Subscribers are phones of one operator, not the population: some people have two, many have none."),
        ],
        sources=sources,
        query=query,
        data={
            "home": {
                "release": homes.release.label,
                "digest": homes.release.digest,
                "first_day": homes.first,
                "last_day": homes.last,
                "areas": [
                    {"code": cell.code, "name": cell.name, "subscribers": cell.value, "subscribers_state": cell.state}
                    for cell in homes.cells
                ],
            }
        }
        | ({"beside": layer.record()} if layer else {}),
    )


def _days(homes: Homes) -> str:
    if homes.first and homes.last:
        return days_in_words(date.fromisoformat(homes.first), date.fromisoformat(homes.last))
    return _("all days of the release")


def _map(homes: Homes, days: str, least: int | None) -> Figure:
    places = homes.geography
    href = {code: f"/mobility/presence?area={code}" for code in places.outlines}
    areas = parts.map_areas(homes.cells, places.outlines, least, href)
    picture = choropleth(
        areas,
        homes.classes,
        label=_("Map: subscribers by home area, %(days)s", days=days),
        projection=places.projection,
    )
    return Figure(
        name="homes",
        title=_("Subscribers by home area"),
        caption=_("Subscribers whose home area it is, %(days)s.", days=days),
        headings=parts.area_headings(),
        rows=parts.area_rows(homes.cells),
        records=parts.area_records(homes.cells),
        picture=picture if areas else None,
        legend=parts.legend(_("Subscribers whose home area it is"), homes.classes, least),
        geometry=places.outlines,
        areas=("area",),
        says=parts.beside(homes.release),
    )
