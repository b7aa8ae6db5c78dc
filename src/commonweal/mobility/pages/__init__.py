"""Mobility on the site: where people are, how they move, where they live, how good the records are, and the work."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from commonweal.core.identity import Permission
from commonweal.mobility.pages import (
    border_views,
    borders,
    cells,
    changes,
    flows,
    forecast,
    homes,
    inbox,
    inside,
    models,
    movement,
    nowcast,
    patterns,
    population,
    presence,
    quality,
    rake,
    report,
    runs,
    scale,
)
from commonweal.mobility.pages.overview import overview
from commonweal.web.access import needs

__all__ = ["overview", "routes"]

routes = APIRouter()


@routes.get("/mobility", include_in_schema=False)
@needs(Permission.READ)
def first_page() -> Response:
    """Lead to the page that most people come for."""
    return RedirectResponse("/mobility/presence", status_code=307)


for part in (
    *(presence, inside, flows, homes, movement, borders, border_views, changes),
    *(forecast, nowcast, patterns, models, scale, rake, population),
    *(quality, report, cells, runs, inbox),
):
    routes.routes.extend(part.routes.routes)
