"""Where each cell of a network is heard, on the site: facts of the network, about nobody, for those who run it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request

from commonweal.core.catalog import State
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility import asking
from commonweal.mobility.cells import read_register
from commonweal.mobility.coverage import BEST, CELLS, METHODS, SIGNAL, SITES, STEP
from commonweal.mobility.one_at_a_time import one_at_a_time
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.days import day_of
from commonweal.mobility.projects import Project
from commonweal.mobility.store import project_folder
from commonweal.web import table
from commonweal.web.access import needs, visitor_of
from commonweal.web.classes import quantile_classes
from commonweal.web.document import Document, document
from commonweal.web.documentation import address_of
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.geography import Geography, geography
from commonweal.web.languages import _, translated
from commonweal.web.map import MapArea, choropleth
from commonweal.web.words import count, day_in_words, share

if TYPE_CHECKING:
    from commonweal.mobility.footprint.asking import Heard

ADDRESS = "/mobility/cells"
MOST_ROWS = 2_000
"""Of cells by area; the command writes all."""
KEPT = 8
METHOD_NAMES = {
    SIGNAL: Wording("By signal strength"),
    BEST: Wording("Best server"),
    SITES: Wording("Voronoi of sites"),
    CELLS: Wording("Voronoi of cells"),
}

routes = APIRouter()


@document(
    routes,
    ADDRESS,
    needs(Permission.FOLLOW),
    summary="Where each cell is heard",
    tag="mobility",
    figure="areas",
)
def cells_page(
    request: Request,
    project: Annotated[
        str | None, Query(description="The project; without it, the first one.", examples=["sample"])
    ] = None,
    at: Annotated[
        str | None, Query(description="The day at whose beginning cells stand so; today.", examples=["2026-03-02"])
    ] = None,
    footprint: Annotated[
        str, Query(description="`signal-strength`, `best-server`, `voronoi` or `voronoi-of-cells`.", examples=[SIGNAL])
    ] = SIGNAL,
) -> Document:
    """Say for each area which cells are heard in it, and for each cell which part of its footprint lies where."""
    state, visitor = request.app.state, visitor_of(request)
    title = translated(Wording("Where cells are heard"))
    known = asking.projects_for(state.database, visitor, Permission.FOLLOW)
    if footprint not in METHODS:
        raise InputError(
            Wording("there is no method %(name)s", name=repr(footprint)),
            where="footprint",
            expected=", ".join(METHODS),
        )
    name = project or next((each.name for each in known), "")
    form: dict[str, Any] = {
        "projects": [(each.name, each.name == name) for each in known],
        "methods": [(one, translated(text), one == footprint) for one, text in METHOD_NAMES.items()],
        "at": at or "",
    }
    if not name:
        return _page(request, title, form, lead=_("There is no project yet."))
    chosen = asking.project_of(state.database, visitor, name, Permission.FOLLOW)
    folder = project_folder(state.settings.store, chosen.name)
    day = day_of(at, "at") or datetime.now(UTC).date()
    query = {"project": name, "at": day.isoformat(), "footprint": footprint}
    form["at"] = day.isoformat()
    try:
        heard = _heard(state.database, chosen, folder, read_register(folder).digest, day, footprint)
    except InputError:  # all that was asked is right, so it is the network that has no cell then
        none = _("No cell of %(project)s has a position on %(day)s.", project=name, day=day_in_words(day))
        nowhere = geography(state.database, None, ())
        return _page(
            request,
            title,
            form,
            lead=none,
            figures=[_areas_figure([], nowhere, day), _cells_figure(None, nowhere)],
            query=query,
        )
    places = geography(state.database, chosen.area_set, tuple(heard.grid.codes), heard.day)
    rows = _by_area(heard)
    method = translated(METHOD_NAMES[footprint])
    return _page(
        request,
        title,
        form,
        lead=_("%(project)s as on %(day)s: %(method)s", project=name, day=day_in_words(heard.day), method=method),
        tiles=[
            (count(int(heard.plan.somewhere.sum())), _("cells with a position")),
            (count(heard.sites), _("sites")),
            (count(int((~heard.plan.somewhere).sum())), _("cells without a position, heard nowhere")),
            (count(sum(not row["cells"] for row in rows)), _("areas in which no cell is heard")),
        ],
        figures=[_areas_figure(rows, places, heard.day), _cells_figure(heard, places)],
        query=query,
        data=rows,
    )


def _page(
    request: Request,
    title: str,
    form: dict[str, Any],
    *,
    lead: str,
    tiles: Sequence[tuple[str, str]] = (),
    figures: Sequence[Figure] = (),
    query: dict[str, str] | None = None,
    data: list[dict[str, Any]] | None = None,
) -> Document:
    return Document(
        title=title,
        template="mobility_cells.html",
        package=parts.PACKAGE,
        lead=lead,
        tiles=tiles,
        values={
            "tabs": parts.tabs(request),
            "form": form,
            "method": address_of("methods", "where-cells-are-heard"),
        },
        figures=figures,
        notes=[
            _("Where a cell is heard follows from its position, power and direction; nobody's records are in it."),
            _(
                "Points are %(step)s m apart here. The command has a finer grid and every point: %(command)s",
                step=count(STEP),
                command="commonweal mobility footprint --points --step 100",
            ),
        ],
        query=query or {},
        private=True,
        data={"cells": data},
    )


@one_at_a_time(KEPT)
def _heard(database: Database, project: Project, folder: Path, digest: str, day: date, method: str) -> Heard:
    """Find it for a register of this digest, which lies in a folder."""
    from commonweal.mobility.footprint.asking import heard_on

    return heard_on(database, project, read_register(folder), day, method, STEP)


def _by_area(heard: Heard) -> list[dict[str, Any]]:
    """Count, for each area, the cells and sites that are heard in it, and the points that hear none."""
    found, codes = heard.by_area, heard.grid.codes
    place = {code: number for number, code in enumerate(codes)}
    area = np.array([place[code] for code in found["area"].to_pylist()], np.int64)
    pairs = np.unique(np.column_stack([area, found["site"].to_numpy()]), axis=0) if len(area) else np.zeros((0, 2), int)
    cells, sites = (np.bincount(which, minlength=len(codes)) for which in (area, pairs[:, 0]))
    points = np.bincount(heard.grid.area, minlength=len(codes))
    hearing = np.bincount(heard.grid.area[np.unique(heard.footprint.point)], minlength=len(codes))
    return [
        {
            "area": code,
            "cells": int(cells[number]),
            "sites": int(sites[number]),
            "covered": float(hearing[number] / points[number]) if points[number] else None,
        }
        for number, code in enumerate(codes)
    ]


def _areas_figure(rows: Sequence[dict[str, Any]], places: Geography, day: date) -> Figure:
    classes = quantile_classes([float(row["cells"]) for row in rows if row["cells"]])
    drawn = [
        MapArea(
            row["area"],
            places.names[row["area"]],
            places.outlines[row["area"]],
            float(row["cells"]) if row["cells"] else None,
            (State.REPORTED if row["cells"] else State.MISSING).value,
            _("%(cells)s cells are heard", cells=count(row["cells"])),
        )
        for row in rows
        if row["area"] in places.outlines
    ]
    title = _("Cells heard by area, %(day)s", day=day_in_words(day))
    return Figure(
        name="areas",
        title=title,
        caption=_("How many cells and sites are heard in each area, and how much of its ground hears any."),
        headings=(
            Heading(_("Area"), key="area"),
            Heading(_("Cells"), is_number=True, key="cells"),
            Heading(_("Sites"), is_number=True, key="sites"),
            Heading(_("Ground that hears a cell"), is_number=True, key="covered"),
        ),
        rows=[
            table.Row(
                (
                    places.names[row["area"]],
                    count(row["cells"]),
                    count(row["sites"]),
                    "–" if row["covered"] is None else share(row["covered"]),
                ),
                has_value=bool(row["cells"]),
            )
            for row in rows
        ],
        records=list(rows),
        picture=choropleth(drawn, classes, label=title, projection=places.projection) if drawn else None,
        legend=Legend(
            _("Cells heard"),
            [(f"class-{classes.shade(step)}", text) for step, text in enumerate(classes.labels())],
            [("missing", _("none is heard"))],
        ),
        geometry=places.outlines,
        areas=("area",),
        empty=_("No cell stood anywhere on that day."),
    )


def _cells_figure(heard: Heard | None, places: Geography) -> Figure:
    shown = heard.by_area.slice(0, MOST_ROWS).to_pylist() if heard else []
    caption = _("Which part of each cell's footprint lies in which area; cells of one mast have one site.")
    if heard and heard.by_area.num_rows > MOST_ROWS:
        caption += " " + _("The first %(some)s of %(all)s.", some=count(MOST_ROWS), all=count(heard.by_area.num_rows))
    return Figure(
        name="cells",
        title=_("Cells by area"),
        caption=caption,
        headings=(
            Heading(_("Cell"), key="cell"),
            Heading(_("Site"), is_number=True, key="site"),
            Heading(_("Area"), key="area"),
            Heading(_("Part"), is_number=True, key="share"),
            Heading(_("Points"), is_number=True, key="points"),
        ),
        rows=[
            table.Row(
                (row["cell"], count(row["site"]), places.names[row["area"]], share(row["share"]), count(row["points"])),
                has_value=True,
            )
            for row in shown
        ],
        records=shown,
        empty=_("No cell stood anywhere on that day."),
    )
