"""Home areas on the site: how many people live where, as their phones tell."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Request

from commonweal.core.catalog import State
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
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
def homes_page(request: Request, release: Annotated[int | None, RELEASE] = None) -> Document:
    """Subscribers by the area where their days most often end, with the state of each value."""
    state = request.app.state
    version, title = version_of(request, HOMES, release), translated(Wording("Home areas"))
    if version is None:
        return parts.nothing(request, title, "home")
    homes = homes_of(state.settings, state.database, version)
    least, days = parts.threshold_of(homes.release), _days(homes)
    hidden = sum(cell.state is State.SUPPRESSED for cell in homes.cells)
    return Document(
        title=title,
        template="mobility_figures.html",
        package=parts.PACKAGE,
        lead=_("Where the days of subscribers most often end, %(days)s", days=days),
        tiles=[
            parts.with_count_tile(homes.cells),
            (count(hidden), _("suppressed")),
            parts.published_tile(homes.release),
        ],
        values={"tabs": parts.tabs(request), "releases": parts.origins([homes.release])},
        figures=[_map(homes, days, least)],
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
        sources=[homes.release],
        query={"release": str(version)},
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
        },
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
