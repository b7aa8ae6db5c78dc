"""Land use: a file that says where people may be, and the prior it gives on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as arrow_csv
import shapely

from commonweal.core.areas.checking import Fault, faults_of_shape, refuse
from commonweal.core.areas.measuring import overlaps
from commonweal.core.areas.reading import WGS84, read
from commonweal.core.errors import InputError, explain
from commonweal.core.wording import Wording
from commonweal.mobility.blocks import file_digest
from commonweal.mobility.footprint.connection import Footprint
from commonweal.mobility.footprint.grid import Grid
from commonweal.mobility.footprint.locating import checked_prior

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
CLASSES = {
    "residential_builtup": 1.0,
    "other_builtup": 1.0,
    "roads": 0.5,
    "other_human_activity": 0.1,
    "forest": 0.1,
    "open_area": 0.0,
    "water": 0.0,
}
"""How many people there are on the same ground of each class, relative to others: those of multimno 1.0."""
OPEN = CLASSES["open_area"]
SHARED_KM2 = 0.01
"""How much ground two outlines may share: real ones overlap by slivers."""
BEND = 0.01
"""Degrees: an outline's edge is straight in degrees and bent in the plane, so long ones get points between."""
BESIDE = 0.05
"""Degrees that ground may lie beside the rectangle around the areas."""
MOST_SPACING = 0.5
"""Parts of a square's side that points of a table may lie apart."""
LOOKED_AT = 10_000
AT_ONCE = 1_000_000
A_WEIGHT = "a number from 0: how many people there are on the same ground, relative to others"


@dataclass(frozen=True, eq=False)
class LandUse:
    """Ground, and how many people there are on it relative to other ground.

    Parameters
    ----------
    name, digest
        Of the file, and the hex SHA-256 of its content.
    shapes
        object[n]: polygons that do not overlap, or points that each stand for the same ground; WGS 84.
    weight
        float64[n], from 0: people on the same ground, relative to others.
    where
        What errors call the file.
    row
        What errors call the first shape, and its number: those that follow are counted up from it.
    """

    name: str
    digest: str
    shapes: npt.NDArray[np.object_]
    weight: Numbers
    where: Path
    row: tuple[str, int]

    @property
    def parameters(self) -> dict[str, Any]:
        """What must be stamped on whatever is made with it."""
        return {
            "start": Wording("in proportion to land use"),
            "land_use": self.name,
            "land_use_sha256": self.digest,
        }

    def prior(self, grid: Grid) -> Numbers:
        r"""Give how likely people are at each point of a grid, float64[points], adding up to 1.

        .. math::
            p_i ∝ \frac{Σ_u w_u a_{iu}}{\max(1, Σ_u a_{iu})}

        with :math:`a_{iu}` the part of point *i*'s square that outline *u* covers. Ground that none covers is open
        ground, which has the weight 0. Of a table of points, each stands for the same ground, so the weights of those
        in a square are added.

        Raises
        ------
        InputError
            Something lies outside the rectangle around the grid, points lie too far apart for it, or nobody could be
            anywhere.
        """
        self._require_within(grid)
        if shapely.get_type_id(self.shapes[0]) == shapely.GeometryType.POINT:
            weighed = self._of_points(grid)
        else:
            place, outline, share = _shares(grid, self.shapes)
            sums = np.bincount(place, share * self.weight[outline], minlength=len(grid))
            weighed = sums / np.maximum(np.bincount(place, share, minlength=len(grid)), 1)
        if not weighed.sum() > 0:
            raise InputError(
                "nobody could be anywhere: all ground of the areas has the weight 0",
                where=self.where,
                expected="ground within the areas with a weight above 0",
            )
        return checked_prior(weighed, len(grid))

    def _require_within(self, grid: Grid) -> None:
        rectangle = shapely.buffer(shapely.box(*grid.degrees.min(axis=0), *grid.degrees.max(axis=0)), BESIDE)
        outside = ~shapely.intersects(self.shapes, rectangle)
        if not outside.any():
            return
        first = int(outside.argmax())
        exchanged = shapely.transform(self.shapes[[first]], lambda at: at[:, ::-1])
        turned = bool(shapely.intersects(exchanged[0], rectangle))
        what, number = self.row
        at = shapely.get_coordinates(self.shapes[first])[0]
        more = f", as do {outside.sum() - 1:,} more" if outside.sum() > 1 else ""
        swapped = "; with longitude and latitude swapped it would lie in it" if turned else ""
        raise InputError(
            f"({at[0]:g}, {at[1]:g}) lies outside the country{more}{swapped}",
            where=f"{self.where}, {what} {number + first}",
            expected=f"ground within the rectangle around its areas, in {WGS84}",
        )

    def _of_points(self, grid: Grid) -> Numbers:
        from scipy.spatial import cKDTree

        at = _planar(grid, shapely.get_coordinates(self.shapes))
        if len(at) > 1:
            distance, _ = cKDTree(at).query(at[:: -(-len(at) // LOOKED_AT)], k=2)
            apart = float(np.median(distance[:, 1]))
            if apart > MOST_SPACING * grid.step:
                raise InputError(
                    f"its points lie {apart:,.0f} m apart",
                    where=self.where,
                    expected=f"points at most {MOST_SPACING * grid.step:g} m apart, or polygons",
                )
        rows, columns = grid.place.shape
        column, row = np.floor((at - (grid.west, grid.south)) / grid.step).astype(np.int64).T
        place = grid.place[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]
        inside = place >= 0
        return np.bincount(place[inside], self.weight[inside], minlength=len(grid)).astype(np.float64)


def read_land_use(path: Path) -> LandUse:
    """Read a file of land use.

    Parameters
    ----------
    path
        Polygons (GeoJSON, GeoPackage or Shapefile) with a field ``weight`` or ``class``; or CSV with the columns
        ``longitude``, ``latitude`` and one of these. A weight, where there is one, is taken instead of that of the
        class, which is in `CLASSES`.

    Raises
    ------
    InputError
        A field is not there, a weight is no number from 0, a class is not known, coordinates are none, an outline
        cannot be, or two of them overlap; with the row and what would be right.
    Unavailable
        The file is not there or may not be read.
    """
    digest = file_digest(path)
    if path.suffix.lower() == ".csv":
        table = _table(path)
        at = np.column_stack([_coordinates(table, name, limit, path) for name, limit in _LIMITS.items()])
        said = {name: table[name].to_pylist() for name in ("weight", "class") if name in table.column_names}
        return LandUse(path.name, digest, shapely.points(at), _weights(said, path, _LINE), path, _LINE)
    layer = read(path)
    if not layer.shapes:
        raise InputError("the file holds no features", where=path, expected="at least one area")
    faults = [fault for number, shape in enumerate(layer.shapes, 1) for fault in faults_of_shape(number, shape)]
    weights = _weights(layer.fields, path, _FEATURE)
    refuse(faults, path, [None] * len(layer.shapes))
    shapes = np.array(layer.shapes, dtype=object)
    refuse(
        [
            Fault(second + 1, "geometry", f"it overlaps feature {first + 1} by {km2:,.3f} km²", "one use of any ground")
            for first, second, km2 in overlaps(shapes)
            if km2 > SHARED_KM2
        ],
        path,
        [None] * len(shapes),
    )
    return LandUse(path.name, digest, shapes, weights, path, _FEATURE)


def nobody_lost(prior: Numbers, footprint: Footprint) -> Numbers:
    """Give a prior under which every cell that is heard can be placed.

    A cell that is heard only where the prior is 0 would lose its devices, whose number is known. Where it is heard
    takes the least prior above 0.

    Examples
    --------
    >>> from commonweal.mobility.footprint.connection import from_dominance
    >>> footprint = from_dominance(3, 2, [[(0, 1.0)], [(0, 1.0)], [(1, 1.0)]])
    >>> nobody_lost(np.array([0.75, 0.25, 0.0]), footprint).tolist()
    [0.6, 0.2, 0.2]
    """
    reached = np.bincount(footprint.cell, prior[footprint.point] * footprint.probability, minlength=footprint.cells)
    lost = footprint.point[reached[footprint.cell] == 0]
    whole = prior.copy()
    whole[lost] = np.maximum(whole[lost], prior[prior > 0].min())
    return checked_prior(whole, len(whole))


_LIMITS = {"longitude": 180.0, "latitude": 90.0}
_LINE, _FEATURE = ("line", 2), ("feature", 1)


def _table(path: Path) -> pa.Table:
    columns = (*_LIMITS, "weight", "class")
    broken: list[arrow_csv.InvalidRow] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        broken.append(row)
        return "error"

    try:
        table = arrow_csv.read_csv(
            path,
            read_options=arrow_csv.ReadOptions(use_threads=False),
            parse_options=arrow_csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=note),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        )
    except pa.ArrowInvalid:  # it may quote the line
        what = f"{broken[0].actual_columns} fields" if broken else "this is no table"
        fields = f"{broken[0].expected_columns}, as in the first line" if broken else "lines in UTF-8 divided by commas"
        place = f"{path}, line {broken[0].number}" if broken else str(path)
        raise InputError(what, where=place, expected=fields) from None
    except OSError as error:
        raise explain(error, path) from error
    names = table.column_names
    if absent := [name for name in _LIMITS if name not in names]:
        raise InputError(
            f"there is no column {absent[0]!r}", where=f"{path}, line 1", expected="longitude,latitude,weight or class"
        )
    if not table.num_rows:
        raise InputError("there is not one point in it", where=path, expected="a row for each point")
    return table


def _coordinates(table: pa.Table, name: str, limit: float, path: Path) -> Numbers:
    texts = table[name].to_pylist()
    values = np.array([_number(text) for text in texts])
    wrong = ~(np.abs(values) <= limit)
    if wrong.any():
        first = int(wrong.argmax())
        swapped = "; longitude and latitude may be swapped" if name == "latitude" else ""
        raise InputError(
            f"{name} is {texts[first]!r}",
            where=f"{path}, line {first + 2}",
            expected=f"degrees from {-limit:g} to {limit:g}{swapped}",
        )
    return values


def _weights(fields: dict[str, list[Any]], path: Path, row: tuple[str, int]) -> Numbers:
    if not {"weight", "class"} & set(fields):
        raise InputError(
            f"there is neither a {_NAMED[row]} weight nor class", where=path, expected="one of them, or both"
        )
    count = len(next(iter(fields.values())))
    weights, classes = (fields.get(name, [None] * count) for name in ("weight", "class"))
    found = np.empty(count)
    for place, (weight, use) in enumerate(zip(weights, classes, strict=True)):
        where = f"{path}, {row[0]} {row[1] + place}"
        if weight not in (None, ""):
            found[place] = _number(weight)
            if not 0 <= found[place] < np.inf:
                raise InputError(f"weight is {weight!r}", where=where, expected=A_WEIGHT)
        elif use in CLASSES:
            found[place] = CLASSES[use]
        else:
            said = "neither weight nor class is there" if use in (None, "") else f"there is no class {use!r}"
            raise InputError(said, where=where, expected=f"a weight, or a class: {', '.join(CLASSES)}")
    return found


_NAMED = {_LINE: "column", _FEATURE: "field"}


def _number(said: Any) -> float:
    """Give a number that a file says; NaN if it is none."""
    if isinstance(said, bool):
        return np.nan
    try:
        return float(said)
    except (TypeError, ValueError):
        return np.nan


def _planar(grid: Grid, degrees: Numbers) -> Numbers:
    return grid.projection.plane(*degrees.T)


def _in_plane(grid: Grid, shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    planar: npt.NDArray[np.object_] = shapely.transform(shapely.segmentize(shapes, BEND), lambda at: _planar(grid, at))
    return planar


def _shares(grid: Grid, shapes: npt.NDArray[np.object_]) -> tuple[Places, Places, Numbers]:
    """Give which squares and outlines meet, and the part of the square that they share: int64, int64, float64."""
    outlines = _in_plane(grid, shapes)
    bent = ~shapely.is_valid(outlines)
    outlines[bent] = shapely.make_valid(outlines[bent])
    shapely.prepare(outlines)
    half = grid.step / 2
    low, high = grid.points - half, grid.points + half
    squares = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    tree = shapely.STRtree(squares)
    outline, place = tree.query(outlines, predicate="intersects")
    share = np.ones(len(place))
    partly = np.flatnonzero(~shapely.contains_properly(outlines[outline], squares[place]))
    met = shapely.intersection(outlines[outline[partly]], squares[place[partly]])
    share[partly] = shapely.area(met) / grid.step**2
    return place, outline, share
