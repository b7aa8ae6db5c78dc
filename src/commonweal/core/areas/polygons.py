"""`Areas`: named polygons of one level, as they stood at one date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import shapely

from commonweal.core.areas import measuring
from commonweal.core.areas.locating import Locator
from commonweal.core.errors import InputError, NotFound

Names = Mapping[str, tuple[str | None, ...]]
GAP = 0.0001
NO_NAMES: Names = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Areas:
    """Named polygons, each with an index that `locate` and `neighbours` speak of.

    Parameters
    ----------
    codes
        One code an area, unique.
    names
        One name an area.
    polygons
        object[n] of valid Shapely polygons and multipolygons, WGS 84, longitude before latitude.
    parents
        The code of the area of the level above that each belongs to, or None.
    names_by_language
        For each language code, the areas' names in it, None where there is none.
    level
        0 country, 1 the first division below, and so on.

    Raises
    ------
    InputError
        The lists are not of one length, or a code comes twice.

    Examples
    --------
    >>> west, east = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    >>> areas = Areas(("W", "E"), ("West", "East"), np.array([west, east]))
    >>> areas.locate([0.5, 1.5, 1.0, 5.0], [0.5, 0.5, 0.5, 0.5])
    array([ 0,  1,  0, -1], dtype=int32)
    >>> areas.neighbours()
    array([[0, 1]], dtype=int32)
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    polygons: npt.NDArray[np.object_]
    parents: tuple[str | None, ...] = ()
    names_by_language: Names = field(default_factory=lambda: NO_NAMES)
    level: int = 1

    def __post_init__(self) -> None:
        if not self.parents:
            object.__setattr__(self, "parents", (None,) * len(self.codes))
        lengths = {len(self.names), len(self.polygons), len(self.parents), *map(len, self.names_by_language.values())}
        if lengths - {len(self.codes)}:
            raise InputError(f"{len(self.codes)} codes, but lists of {sorted(lengths)}", expected="lists of one length")
        if len(self._index) < len(self.codes):
            twice = next(code for k, code in enumerate(self.codes) if self._index[code] != k)
            raise InputError(f"the area code {twice!r} comes twice", expected="a code of its own for each area")

    def __len__(self) -> int:
        """Give the number of areas."""
        return len(self.codes)

    def locate(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Give the index of the area each point lies in, or -1.

        Areas are closed and the test is exact: holes and multipolygons count as drawn, and a point on a border
        shared by several areas (or where areas overlap) is in the one with the lowest index. NaN is in none.

        Parameters
        ----------
        lon, lat
            float64[n], degrees; longitude in -180 … 180.

        Returns
        -------
        int32[n]

        Raises
        ------
        InputError
            The two are not lists of one length.
        """
        return self._locator(lon, lat)

    def index(self, codes: Sequence[str]) -> npt.NDArray[np.int32]:
        """Give the index of each code.

        Raises
        ------
        NotFound
            A code is not among these areas.
        """
        unknown = [code for code in codes if code not in self._index]
        if unknown:
            raise NotFound(
                f"there is no area {', '.join(unknown[:5])}", expected=f"one of {len(self)}: {_some(self.codes)}"
            )
        return np.array([self._index[code] for code in codes], dtype=np.int32)

    def subset(self, codes: Sequence[str]) -> Areas:
        """Give these areas only, in the order asked for.

        Raises
        ------
        NotFound
            A code is not among these areas.
        """
        return self._take(self.index(codes))

    def neighbours(self, gap: float = GAP) -> npt.NDArray[np.int32]:
        """Give the pairs of areas that share a border, not just a corner.

        Outlines that were not drawn together leave gaps and slivers. Two areas also share a border where their
        outlines stay within `gap` of one another for more than ten times that length; by default 0.0001° (11 m) for
        0.001° (111 m).

        Returns
        -------
        int32[n, 2]: (lower index, higher index), in order.
        """
        return measuring.neighbours(self.polygons, gap)

    def area_km2(self) -> npt.NDArray[np.float64]:
        """Give each area's size on the WGS 84 ellipsoid, in km²: float64[n]; see `measuring.area_km2`."""
        return measuring.area_km2(self.polygons)

    def centroids(self) -> npt.NDArray[np.float64]:
        """Give each area's centroid in the plane of longitude and latitude: float64[n, 2], degrees.

        It may lie outside a bent area, or between islands; `representative_points` never do.
        """
        return _coordinates(shapely.centroid(self.polygons))

    def representative_points(self) -> npt.NDArray[np.float64]:
        """Give a point inside each area: float64[n, 2], longitude and latitude in degrees."""
        return _coordinates(shapely.point_on_surface(self.polygons))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north end of all areas together, in degrees."""
        west, south, east, north = shapely.total_bounds(self.polygons).tolist()
        return west, south, east, north

    def simplified(self, tolerance: float) -> Areas:
        """Give the same areas with fewer points, for drawing; shared borders stay shared.

        Points go in the order of the triangle they span with their neighbours (Visvalingam and Whyatt 1993) until
        none spans less than ``tolerance²`` square degrees. Borders that do not match exactly are simplified apart.
        """
        return replace(self, polygons=shapely.coverage_simplify(self.polygons, tolerance))

    def clipped(self, west: float, south: float, east: float, north: float) -> Areas:
        """Give what of the areas lies in a box of degrees, for drawing; areas wholly outside are left out."""
        inside = np.flatnonzero(shapely.intersects(self.polygons, shapely.box(west, south, east, north)))
        near = self._take(inside)
        cut = shapely.intersection(near.polygons, shapely.box(west, south, east, north))
        whole = np.array([_polygonal(shape) for shape in cut], dtype=object)
        return replace(near, polygons=whole)._take(np.flatnonzero(~shapely.is_empty(whole)))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of codes, names, parents, level and outlines, whatever order the areas are in.

        It goes into the provenance of whatever was made with these areas.
        """
        content = hashlib.sha256(f"areas/1 level {self.level}\n".encode())
        outlines = shapely.to_wkb(shapely.normalize(self.polygons), byte_order=1)
        for k in sorted(range(len(self)), key=self.codes.__getitem__):
            names = {language: names[k] for language, names in self.names_by_language.items() if names[k]}
            line = [self.codes[k], self.names[k], self.parents[k], names, hashlib.sha256(outlines[k]).hexdigest()]
            content.update(json.dumps(line, sort_keys=True, ensure_ascii=False).encode() + b"\n")
        return content.hexdigest()

    @cached_property
    def _index(self) -> dict[str, int]:
        return {code: k for k, code in enumerate(self.codes)}

    @cached_property
    def _locator(self) -> Locator:
        return Locator(self.polygons)

    def _take(self, at: npt.NDArray[np.integer]) -> Areas:
        chosen = at.tolist()
        return replace(
            self,
            codes=tuple(self.codes[k] for k in chosen),
            names=tuple(self.names[k] for k in chosen),
            polygons=self.polygons[at],
            parents=tuple(self.parents[k] for k in chosen),
            names_by_language=MappingProxyType(
                {language: tuple(names[k] for k in chosen) for language, names in self.names_by_language.items()}
            ),
        )


def _coordinates(points: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    return np.column_stack([shapely.get_x(points), shapely.get_y(points)])


def _polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    """Give the polygons of what a cut left, without lines and points along the cut."""
    parts = shapely.get_parts(shape)
    flat = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return flat[0] if len(flat) == 1 else shapely.multipolygons(flat)


def _some(codes: Sequence[str]) -> str:
    return ", ".join(codes[:8]) + (" …" if len(codes) > 8 else "")
