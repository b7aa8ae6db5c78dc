"""A choropleth drawn on the server: areas coloured by class, each reachable by keyboard and by screen reader.

The picture has three layers: the fills, which nothing can touch; whatever is drawn over them; and on top one
transparent, focusable shape an area. So the mark of focus and the words beside it are never hidden by a neighbour.
Colours come from the style sheet (``class-0`` …), so a map follows light, dark and print.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from markupsafe import Markup

from commonweal.web.classes import Classes
from commonweal.web.projection import Projection, fit

SMALLEST_TARGET = 12.0
"""Screen units under which an area gets a disc to point at."""

PATTERNS = Markup(
    '<defs><pattern id="suppressed" class="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="7" height="7"/><path d="M0 0V7"/></pattern>'
    '<pattern id="missing" class="dots" width="8" height="8" patternUnits="userSpaceOnUse">'
    '<rect width="8" height="8"/><circle cx="4" cy="4" r="1"/></pattern></defs>'
)
"""Fills of the states that have no value; they are told apart from every colour by their texture."""


@dataclass(frozen=True)
class MapArea:
    """An area as the map shows it.

    Parameters
    ----------
    code, name
        Its code in the area set and its name.
    polygon
        Shapely polygon or multipolygon, WGS 84 degrees, simplified for the screen.
    value
        The value that colours it; None unless there is one to show.
    state
        State of the value: ``reported``, ``suppressed``, ``missing``, …; ``plain`` where areas are only the ground
        for something else.
    text
        The value or the state in words, as it is said of this area.
    href
        Where the area leads; without it the area is only focusable.
    """

    code: str
    name: str
    polygon: Any
    value: float | None
    state: str
    text: str
    href: str | None = None


def choropleth(
    areas: Sequence[MapArea],
    classes: Classes,
    *,
    label: str,
    name: str = "map",
    projection: Projection | None = None,
    over: Markup | None = None,
    selected: str | None = None,
    scale: str = "class",
) -> Markup:
    """Draw areas coloured by the class of their value.

    Parameters
    ----------
    areas
        In the order in which the keyboard reaches them.
    classes
        Which class a value falls in.
    label
        What the map shows, for those who do not see it.
    name
        Prefix of the identifiers inside the picture, unique on a page.
    projection
        By default the one that fits the areas.
    over
        A layer between the fills and the focusable shapes, such as flows.
    selected
        Code of the area that is marked.
    scale
        Colours of the classes: ``class``, from faint to strong, or ``change``, from below through neutral to above.

    Returns
    -------
    An ``svg`` element. An area without a value is filled with the texture of its state, never with a colour.

    Examples
    --------
    >>> square = shapely.box(0, 0, 1, 1)
    >>> print(choropleth([MapArea("A", "Ada", square, 40, "reported", "40")], Classes(()), label="People"))
    <svg ...<g class="class-2"><path id="map-0" d=...<title>Ada: 40</title>...</svg>
    """
    screen = projection or fit(shapely.bounds([area.polygon for area in areas]) if areas else [])
    fills, targets = [], []
    for index, area in enumerate(areas):
        identifier = f"{name}-{index}"
        fills.append(
            Markup('<g {}><path id="{}" d="{}"/></g>').format(
                _fill(area, classes, scale), identifier, path(area.polygon, screen)
            )
        )
        targets.append(_target(area, identifier, screen, area.code == selected))
    return Markup(
        '<svg class="map" viewBox="0 0 {:g} {:g}" role="group" aria-label="{}">{}'
        '<g class="fills" aria-hidden="true">{}</g>{}<g class="areas">{}</g></svg>'
    ).format(screen.width, screen.height, label, PATTERNS, Markup("").join(fills), over or "", Markup("").join(targets))


def outline_layer(polygon: Any, screen: Projection) -> Markup:
    """Draw the line around a place, for a layer over the fills.

    Examples
    --------
    >>> print(outline_layer(shapely.box(0, 0, 1, 1), fit([(0, 0, 1, 1)], width=100, padding=0)))
    <g class="place" aria-hidden="true"><path class="outline-edge" d="M100 ..."/><path class="outline" d="..."/></g>
    """
    line = path(polygon, screen)
    return Markup(
        '<g class="place" aria-hidden="true"><path class="outline-edge" d="{0}"/><path class="outline" d="{0}"/></g>'
    ).format(line)


def _fill(area: MapArea, classes: Classes, scale: str) -> Markup:
    if area.value is None:
        if area.state == "plain":
            return Markup('class="plain"')
        # A style sheet cannot name a pattern of the page it styles, so this is an attribute.
        return Markup('class="{0}" fill="url(#{0})"').format("suppressed" if area.state == "suppressed" else "missing")
    return Markup('class="{}-{}"').format(scale, classes.shade(classes.of(area.value)))


def _target(area: MapArea, identifier: str, screen: Projection, selected: bool) -> Markup:
    says = f"{area.name}: {area.text}"
    left, top, right, bottom = _box(area.polygon, screen)
    x, y = (left + right) / 2, (top + bottom) / 2
    small = max(right - left, bottom - top) < SMALLEST_TARGET
    disc = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{:g}"/>').format(x, y, SMALLEST_TARGET) if small else Markup("")
    anchor = "start" if x < screen.width * 0.3 else "end" if x > screen.width * 0.7 else "middle"
    tip = Markup(
        '<text class="tip" x="{0:.1f}" y="{1:.1f}" text-anchor="{2}" aria-hidden="true"><tspan>{3}</tspan>'
        '<tspan x="{0:.1f}" dy="1.25em">{4}</tspan></text>'
    ).format(x, max(y, 16), anchor, area.name, area.text)
    inside = Markup('<title>{}</title><use href="#{}"/>{}{}').format(says, identifier, disc, tip)
    if area.href is None:
        return Markup('<g class="area" tabindex="0" role="img" aria-label="{}">{}</g>').format(says, inside)
    current = Markup(' aria-current="true"') if selected else Markup("")
    return Markup('<a class="area" href="{}" aria-label="{}"{}>{}</a>').format(area.href, says, current, inside)


def _box(polygon: Any, screen: Projection) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.bounds(_largest_part(polygon))
    (left, top), (right, bottom) = screen([(west, north), (east, south)])
    return float(left), float(top), float(right), float(bottom)


def _largest_part(polygon: Any) -> Any:
    return max(shapely.get_parts(polygon), key=lambda part: part.area, default=polygon)


@lru_cache(maxsize=4096)
def path(polygon: Any, screen: Projection) -> str:
    """Write a polygon as SVG path data: relative, in tenths of a screen unit.

    Positions are rounded before they are subtracted, so borders shared by two areas stay shared. The same outlines are
    drawn for every hour, so what was written is kept.

    Examples
    --------
    >>> screen = fit([(0, 0, 1, 1)], width=100, padding=0)
    >>> path(shapely.box(0, 0, 1, 1), screen)
    'M100 100v-100h-100v100z'
    """
    written = []
    for part in shapely.get_parts(polygon):
        for ring in [part.exterior, *part.interiors]:
            written.append(_ring(np.rint(screen(shapely.get_coordinates(ring)) * 10).astype(np.int64)))
    return "".join(written)


def _ring(points: npt.NDArray[np.int64]) -> str:
    kept = points[:-1][(np.diff(points, axis=0) != 0).any(axis=1)]
    if len(kept) < 3:
        return ""
    steps = "".join(_step(int(dx), int(dy)) for dx, dy in np.diff(kept, axis=0))
    return f"M{_pair(int(kept[0, 0]), int(kept[0, 1]))}{steps}z"


def _step(dx: int, dy: int) -> str:
    if not dy:
        return "h" + _tenths(dx)
    if not dx:
        return "v" + _tenths(dy)
    return "l" + _pair(dx, dy)


def _pair(x: int, y: int) -> str:
    second = _tenths(y)
    return _tenths(x) + ("" if second.startswith("-") else " ") + second


def _tenths(number: int) -> str:
    sign, (whole, tenth) = "-" if number < 0 else "", divmod(abs(number), 10)
    fraction = f".{tenth}" if tenth else ""
    return f"{sign}{whole if whole or not tenth else ''}{fraction}"
