"""A part of a form with which somebody says a place: picks areas, types a polygon or a circle, or draws them.

What is typed and picked is the place; the map only writes it there, so the form says the same without scripts.
A page shows the part with the macro ``place`` of ``picking.html``, and reads what comes back with `Written`.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import shapely
from fastapi import Query, Request
from starlette.responses import Response

from commonweal.core.errors import CommonwealError
from commonweal.web.conditional import unless_known
from commonweal.web.geography import Geography
from commonweal.web.languages import _, current, ngettext
from commonweal.web.place import Place, Written, write

DECIMALS = 4
"""Of the outlines that a map is drawn from, degrees: eleven metres."""
NAMED = 3
"""Areas that are named in a sentence; more are counted."""


@dataclass(frozen=True)
class Choice:
    """An area that can be picked."""

    code: str
    name: str
    picked: bool
    listed: bool


@dataclass(frozen=True)
class Group:
    """Areas that lie in the same area above; `title` is empty if there is none, or only one."""

    title: str
    choices: Sequence[Choice]


@dataclass(frozen=True)
class Picking:
    """What the macro ``place`` shows.

    Parameters
    ----------
    written
        What stands in the fields.
    groups
        Areas to pick from.
    address
        Of the page, which a search for areas leads back to.
    outlines
        Where a map gets the areas' outlines; without it nothing can be drawn.
    error
        What was wrong with what was written.
    """

    written: Written
    groups: Sequence[Group]
    address: str
    outlines: str | None = None
    error: CommonwealError | None = None

    def is_wrong(self, field: str) -> bool:
        """Say whether the error is about a field."""
        return self.error is not None and self.error.where == field

    @property
    def words(self) -> dict[str, str]:
        """What the map says, for its script; ``{name}`` stands for a value."""
        return {
            "found": _("Areas listed: %(number)s", number="{number}"),
            "loading": _("The map is loading."),
            "failed": _("The map cannot be loaded. The fields say the same."),
            "ready": _("What stands in the fields is drawn. Click an area to pick it."),
            "polygon_how": _("Click each corner, and the first one again at the end. Escape stops."),
            "circle_how": _("Click the centre, then where the circle ends. Escape stops."),
            "stopped": _("Nothing was drawn."),
            "polygon": _(
                "Polygon with its corners: %(corners)s. Surface: some %(size)s km².", corners="{corners}", size="{size}"
            ),
            "circle": _("Circle of %(radius)s km around %(centre)s.", radius="{radius}", centre="{centre}"),
            "removed": _("Nothing is drawn any more."),
            "unreadable": _("What is typed cannot be drawn yet."),
            "picked": _("Picked: %(area)s.", area="{area}"),
            "dropped": _("No longer picked: %(area)s.", area="{area}"),
            "closer": _("Closer"),
            "farther": _("Farther"),
        }


def written_in_address(
    areas: Annotated[
        list[str] | None,
        Query(
            description="Code of an area that belongs to the place, or several with commas between them.",
            examples=["SL-W"],
        ),
    ] = None,
    polygon: Annotated[
        str,
        Query(
            description="Corners of a polygon that belongs to the place: longitude and latitude of each, at most 500.",
            examples=["-13.25,8.35 -13.05,8.35 -13.05,8.5"],
        ),
    ] = "",
    centre: Annotated[
        str,
        Query(
            description="Centre of a circle that belongs to the place: its longitude and latitude.",
            examples=["-13.23,8.48"],
        ),
    ] = "",
    radius: Annotated[str, Query(description="Radius of the circle in km, at most 2,000.", examples=["25"])] = "",
    find: Annotated[
        str, Query(description="Part of a name: which areas are listed to be picked.", examples=["West"])
    ] = "",
    search: Annotated[str, Query(description="That only the list is searched.", examples=["1"])] = "",
) -> Written:
    """Take a place from the parameters of an address; pages depend on it."""
    return Written(tuple(areas or ()), polygon, centre, radius, find, bool(search))


def picking(
    written: Written,
    places: Geography,
    *,
    address: str,
    outlines: str | None = None,
    place: Place | None = None,
    error: CommonwealError | None = None,
) -> Picking:
    """Prepare the part of the form.

    Parameters
    ----------
    written
        What was written last; empty fields if nothing was.
    places
        The areas to pick from.
    address, outlines, error
        As in `Picking`.
    place
        What it was read as: then the fields say it as it was understood.
    """
    if place:
        written = Written(
            place.areas,
            "\n".join(map(write, place.polygon)),
            write(place.centre) if place.centre else "",
            place.query.get("radius", ""),
            written.find,
        )
    return Picking(written, _groups(written, places), address, outlines if places.outlines else None, error)


def in_words(place: Place, names: Mapping[str, str]) -> str:
    """Say a place.

    Parameters
    ----------
    place
        What is said.
    names
        Name of each area code.

    Examples
    --------
    >>> in_words(Place(("A",), ((0, 0), (1, 0), (1, 1)), (2.5, 3), 20), {"A": "Ada"})
    'Ada · a polygon with 3 corners · 20 km around 2.5, 3'
    """
    said = []
    if len(place.areas) > NAMED:
        said.append(ngettext("%(num)s area", "%(num)s areas", len(place.areas)))
    else:
        said += [names.get(code, code) for code in place.areas]
    if place.polygon:
        said.append(ngettext("a polygon with %(num)s corner", "a polygon with %(num)s corners", len(place.polygon)))
    if place.centre and place.radius:
        radius = current().number(place.radius, 3)
        said.append(_("%(radius)s km around %(centre)s", radius=radius, centre=write(place.centre)))
    return " · ".join(said)


def outlines_of(request: Request, places: Geography) -> Response:
    """Answer with the outlines that a map is drawn from.

    A feature each, with ``code`` and ``name``; the ``bbox`` goes from west to east, and so over 180° where the areas
    lie on both sides of it. Source: RFC 7946, section 5.2.
    """
    features = [
        {
            "type": "Feature",
            "id": code,
            "properties": {"code": code, "name": places.names[code]},
            "geometry": as_geojson(places.outlines[code]),
        }
        for code in places.codes
        if code in places.outlines
    ]
    collection: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if features:
        collection["bbox"] = _bounds(places)
    content = json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()
    return unless_known(request, Response(content, media_type="application/geo+json"))


def _bounds(places: Geography) -> list[float]:
    parts = shapely.bounds(shapely.get_parts([*places.outlines.values()]))
    east = parts[:, 0] >= 0 if places.projection.over_antimeridian else slice(None)
    west = parts[:, 0] < 0 if places.projection.over_antimeridian else slice(None)
    edges = (parts[east, 0].min(), parts[:, 1].min(), parts[west, 2].max(), parts[:, 3].max())
    return [round(float(edge), DECIMALS) for edge in edges]


def as_geojson(polygon: Any) -> Any:
    """Give a polygon as a GeoJSON geometry, rounded to some ten metres."""
    oriented = shapely.orient_polygons(polygon, exterior_cw=False)
    return json.loads(shapely.to_geojson(shapely.transform(oriented, lambda points: np.round(points, DECIMALS))))


def _groups(written: Written, places: Geography) -> list[Group]:
    picked, wanted = {code for text in written.areas for code in (text, *text.split(","))}, _plain(written.find)
    members: dict[str, list[Choice]] = {}
    for code in places.codes:
        name = places.names[code]
        is_picked = code in picked
        choice = Choice(code, name, is_picked, is_picked or wanted in _plain(name))
        members.setdefault(places.parents.get(code, ""), []).append(choice)
    if len(members) == 1:
        return [Group("", choices) for choices in members.values()]
    named = [Group(current().territory(parent), choices) for parent, choices in members.items()]
    return sorted(named, key=lambda group: (not group.title, _plain(group.title)))


def _plain(name: str) -> str:
    """Give a name as it is searched: without case and accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(sign))
