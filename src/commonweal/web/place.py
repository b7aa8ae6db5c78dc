"""A place that somebody says: areas, a polygon, a circle, or several of them together.

Corners are written as longitude and latitude in decimal degrees::

    -13.25, 8.35        one corner a line, or several on a line with blanks between them: -13.25,8.35 -13.05,8.35
    -13,25; 8,35        with ; between the two numbers a decimal comma is read too
    -13.25 8.35         and a line with two numbers and nothing between them is a corner as well

The polygon is closed by itself. Its edges are straight in longitude and latitude, as in RFC 7946, and go the shorter
way round: one that crosses 180° comes out on the other side.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import shapely
from shapely import affinity
from starlette.datastructures import ImmutableMultiDict

from commonweal.core.areas.geodesic import circle
from commonweal.core.areas.measuring import shares_inside
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording, counted

Corner = tuple[float, float]
"""Longitude and latitude, degrees, WGS 84."""

FEWEST_CORNERS, MOST_CORNERS = 3, 500
LARGEST_RADIUS_KM = 2000
CIRCLE_CORNERS = 180
"""The polygon drawn for a circle is smaller than it by 0.02 %."""
DECIMALS = 6
"""Of degrees: a tenth of a metre."""
QUOTED = 40
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
A_CORNER = Wording("such as -13.25, 8.35: the longitude, then the latitude")
POLE = Wording("a place that leaves the poles out")


@dataclass(frozen=True)
class Place:
    """A part of the Earth: all that is said here together.

    Parameters
    ----------
    areas
        Codes of areas that belong to it.
    polygon
        Corners of a polygon, in order, not closed.
    centre, radius
        Of a circle; the radius is the length of a geodesic on WGS 84, km.

    Examples
    --------
    >>> place = Written(polygon="-13.25,8.35 -13.05,8.35 -13.05,8.5").place()
    >>> place.polygon
    ((-13.25, 8.35), (-13.05, 8.35), (-13.05, 8.5))
    >>> place.query
    {'polygon': '-13.25,8.35 -13.05,8.35 -13.05,8.5'}
    """

    areas: tuple[str, ...] = ()
    polygon: tuple[Corner, ...] = ()
    centre: Corner | None = None
    radius: float | None = None

    @cached_property
    def drawn(self) -> Any:
        """The polygon and the circle, without the areas: a Shapely geometry; None if there is neither.

        Raises
        ------
        InputError
            The polygon crosses itself, or one of them reaches round a pole.
        """
        parts = []
        if self.polygon:
            parts.append(_on_the_globe(np.array(self.polygon), "polygon"))
        if self.centre and self.radius:
            parts.append(_on_the_globe(circle(*self.centre, self.radius, CIRCLE_CORNERS), "radius"))
        return shapely.union_all(parts) if parts else None

    def outline(self, polygons: Mapping[str, Any]) -> Any:
        """Give all of it as one Shapely geometry.

        Parameters
        ----------
        polygons
            Of each area code; areas without one are left out.
        """
        parts = [polygons[code] for code in self.areas if code in polygons]
        return shapely.union_all([*parts, self.drawn] if self.drawn else parts)

    def shares(self, polygons: Mapping[str, Any]) -> dict[str, float]:
        """Say which areas the place meets, and which part of the surface of each lies inside.

        Parameters
        ----------
        polygons
            Of each area code.

        Returns
        -------
        From 0 (not included) to 1, by code. An area that was picked lies inside wholly; what only touches the place
        is not met.
        """
        found = dict.fromkeys(self.areas, 1.0)
        if self.drawn:
            others = {code: polygon for code, polygon in polygons.items() if code not in found}
            parts = shares_inside(np.array([*others.values()], dtype=object), self.drawn)
            found |= {code: float(part) for code, part in zip(others, parts, strict=True) if part > 0}
        return found

    @property
    def query(self) -> dict[str, str]:
        """The parameters of an address that say it again."""
        said = {
            "areas": ",".join(self.areas),
            "polygon": " ".join(write(corner, ",") for corner in self.polygon),
            "centre": write(self.centre, ",") if self.centre else "",
            "radius": _plain(self.radius) if self.radius else "",
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True)
class Written:
    """A place as somebody wrote it: into a form, or into an address.

    Parameters
    ----------
    areas
        Codes of areas; one text may also hold several, with commas between them.
    polygon
        Corners.
    centre
        Of a circle, as a corner is written.
    radius
        In km, with a decimal point or comma.
    find
        Part of a name: which areas are listed to be picked.
    searching
        Whether somebody only wanted the list to be searched.
    """

    areas: tuple[str, ...] = ()
    polygon: str = ""
    centre: str = ""
    radius: str = ""
    find: str = ""
    searching: bool = False

    @classmethod
    def of(cls, fields: ImmutableMultiDict[str, Any]) -> Self:
        """Take a place from the fields of a form or the parameters of an address."""
        texts = {name: str(fields[name]) for name in ("polygon", "centre", "radius", "find") if name in fields}
        return cls(areas=tuple(map(str, fields.getlist("areas"))), searching="search" in fields, **texts)

    def place(self, known: Collection[str] = ()) -> Place | None:
        """Read it.

        Parameters
        ----------
        known
            Codes of the areas that there are.

        Returns
        -------
        None if no place is said.

        Raises
        ------
        InputError
            It cannot be read, or is no place; `where` is the name of the field.
        """
        polygon, centre = _polygon(self.polygon), _centre(self.centre)
        place = Place(_areas(self.areas, known), polygon, centre, _radius(self.radius, centre))
        if place == Place():
            return None
        _ = place.drawn  # is refused now if it cannot be drawn
        return place


def read(text: str) -> list[Corner]:
    """Read corners.

    Parameters
    ----------
    text
        As the module says.

    Returns
    -------
    (longitude, latitude) of each, rounded to the sixth decimal.

    Raises
    ------
    InputError
        A corner cannot be read, or lies outside the globe: which, counted from 1.

    Examples
    --------
    >>> read("-13.25, 8.35") == read("-13,25; 8,35") == read("-13.25 8.35")
    True
    >>> read("13,2 8,4")
    [(13.0, 2.0), (8.0, 4.0)]
    """
    return [_corner(pair, number) for number, pair in enumerate(_pairs(text), 1)]


def write(corner: Corner, between: str = ", ") -> str:
    """Write a corner as `read` reads it, in every language.

    Examples
    --------
    >>> write((-13.25, 8.0))
    '-13.25, 8'
    """
    return between.join(map(_plain, corner))


def _pairs(text: str) -> Iterator[str]:
    for line in text.replace("\N{MINUS SIGN}", "-").splitlines():
        said = re.sub(r"\s*([,;])\s*", r"\1", line.strip()).rstrip(",;")
        parts = said.split()
        if len(parts) == 2 and not re.search("[,;]", said):
            yield ";".join(parts)
        else:
            yield from parts


def _corner(pair: str, number: int) -> Corner:
    apart = ";" if ";" in pair else ","
    parts = pair.split(apart)
    decimals = [part.replace(",", ".") if apart == ";" else part for part in parts]
    quoted = pair if len(pair) <= QUOTED else f"{pair[:QUOTED]}…"
    if len(parts) != 2 or not all(map(NUMBER.fullmatch, decimals)):
        raise InputError(
            Wording("corner %(number)s is not two numbers: %(text)s", number=number, text=quoted),
            where="polygon",
            expected=A_CORNER,
        )
    longitude, latitude = (round(float(part), DECIMALS) + 0.0 for part in decimals)
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise InputError(
            Wording("corner %(number)s lies outside the globe: %(text)s", number=number, text=quoted),
            where="polygon",
            expected=Wording("a longitude from -180 to 180, then a latitude from -90 to 90"),
        )
    return longitude, latitude


def _polygon(text: str) -> tuple[Corner, ...]:
    written = sum(1 for _ in _pairs(text))
    if written > MOST_CORNERS + 1:
        raise _wrong_number(written, Wording("at most %(most)s", most=MOST_CORNERS))
    corners: list[Corner] = []
    for corner in read(text):
        if not corners or corner != corners[-1]:
            corners.append(corner)
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if len(corners) > MOST_CORNERS:
        raise _wrong_number(len(corners), Wording("at most %(most)s", most=MOST_CORNERS))
    differing = len(set(corners))
    if corners and differing < FEWEST_CORNERS:
        raise _wrong_number(differing, Wording("at least %(fewest)s that differ", fewest=FEWEST_CORNERS))
    return tuple(corners)


def _wrong_number(corners: int, expected: Wording) -> InputError:
    has = counted("the polygon has %(num)s corner", "the polygon has %(num)s corners", corners)
    return InputError(has, where="polygon", expected=expected)


def _centre(text: str) -> Corner | None:
    try:
        found = read(text)
    except InputError as error:
        raise InputError(Wording("the centre cannot be read"), where="centre", expected=error.expected) from None
    if len(found) > 1:
        raise InputError(Wording("a circle has one centre"), where="centre", expected=A_CORNER)
    return found[0] if found else None


def _radius(text: str, centre: Corner | None) -> float | None:
    said = text.strip().replace(",", ".")
    if not said and centre is None:
        return None
    expected = Wording("a radius in km, more than 0 and at most %(most)s", most=LARGEST_RADIUS_KM)
    if not said:
        raise InputError(Wording("the circle has no radius"), where="radius", expected=expected)
    radius = round(float(said), 3) if NUMBER.fullmatch(said) else 0.0
    if not 0 < radius <= LARGEST_RADIUS_KM:
        raise InputError(Wording("no circle has this radius"), where="radius", expected=expected)
    if centre is None:
        raise InputError(Wording("the circle has no centre"), where="centre", expected=A_CORNER)
    return radius


def _areas(said: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    codes = [code for text in said for code in ([text] if text in known else text.split(","))]
    picked = tuple(dict.fromkeys(code for code in map(str.strip, codes) if code))
    for code in picked:
        if code not in known:
            raise InputError(
                Wording("there is no area %(code)s", code=code[:QUOTED]),
                where="areas",
                expected=Wording("codes of the areas that can be picked"),
            )
    return picked


def _on_the_globe(corners: npt.NDArray[np.float64], where: str) -> Any:
    """Draw a polygon on the plane of longitude and latitude, in two parts if it lies on both sides of 180°."""
    closed = np.vstack([corners, corners[:1]])
    # Where each step goes the shorter way round, a polygon across 180° goes on beyond it.
    turns = np.cumsum(np.rint(np.diff(closed[:, 0]) / 360))
    longitudes = closed[:, 0] - 360 * np.concatenate([[0], turns])
    if abs(longitudes[-1] - longitudes[0]) > 180:
        raise InputError(Wording("the place reaches round a pole"), where=where, expected=POLE)
    polygon = shapely.Polygon(np.column_stack([longitudes, closed[:, 1]]))
    if not polygon.is_valid or not polygon.area:
        raise InputError(_fault(polygon), where=where, expected=Wording("corners in the order of the outline"))
    west, east = polygon.bounds[0], polygon.bounds[2]
    if west >= -180 and east <= 180:
        return polygon
    copies = [affinity.translate(polygon, turn) for turn in (-360, 0, 360)]
    return shapely.union_all(shapely.intersection(copies, shapely.box(-180, -90, 180, 90)))


def _fault(polygon: Any) -> Wording:
    found = re.search(r"elf-intersection\[(\S+) (\S+)\]", shapely.is_valid_reason(polygon))
    if not found or not polygon.convex_hull.area:
        return Wording("the corners lie on one line")
    longitude = (float(found[1]) + 180) % 360 - 180
    at = write((round(longitude, 4), round(float(found[2]), 4)))
    return Wording("the outline crosses or touches itself at %(place)s", place=at)


def _plain(number: float) -> str:
    return f"{number:.{DECIMALS}f}".rstrip("0").rstrip(".")
