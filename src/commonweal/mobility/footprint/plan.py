"""The cell plan: one row for each cell as it stood at one time, complete, checked, and in the order it was given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from commonweal.core.errors import InputError
from commonweal.mobility.footprint.parameters import DEFAULT, Parameters

Numbers = npt.NDArray[np.float64]
LIMITS: Mapping[str, tuple[float, float, str]] = {
    "longitude": (-180, 180, "degrees from -180 to 180"),
    "latitude": (-90, 90, "degrees from -90 to 90"),
    "azimuth": (-360, 360, "degrees clockwise from north, or nothing for a cell that serves all around"),
    "beam_width": (0, 360, "degrees above 0, at most 360"),
    "vertical_beam_width": (0, 360, "degrees above 0, at most 360"),
    "tilt": (-90, 90, "degrees below the horizon, from -90 to 90"),
    "height": (0, 2_000, "metres above the ground, from 0 to 2,000"),
    "elevation": (-500, 9_000, "metres above sea level, from -500 to 9,000"),
    "power": (0, 100_000, "watts above 0"),
    "path_loss": (0, 20, "an exponent above 0"),
    "range": (0, 200_000, "metres above 0, at most 200,000"),
}
"""What a column may hold; nothing (null or NaN) is allowed everywhere."""
ABOVE = frozenset({"beam_width", "vertical_beam_width", "power", "path_loss", "range"})


@dataclass(frozen=True, eq=False)
class CellPlan:
    """Cells with all that the model needs. Arrays are float64[cells] unless said otherwise.

    Parameters
    ----------
    identifier
        The operator's, no two alike.
    longitude, latitude
        Degrees; NaN for a cell that lies nowhere, which has no footprint.
    azimuth
        Degrees clockwise from true north, 0 … 360; NaN for an omnidirectional cell.
    beam_width, vertical_beam_width
        Full width at -3 dB, degrees; NaN for an omnidirectional cell.
    tilt
        Degrees below the horizon; NaN for an omnidirectional cell.
    height, elevation
        Of the antenna above the ground, and of the ground, m.
    power
        W.
    path_loss
        The exponent γ.
    range
        How far the cell is heard at most, over the ground, m.
    small
        bool[cells]: a small cell.
    site
        int32[cells]: which cells stand on one mast.
    defaults
        Of how many cells which column was filled by a default.
    """

    identifier: tuple[str, ...]
    longitude: Numbers
    latitude: Numbers
    azimuth: Numbers
    beam_width: Numbers
    vertical_beam_width: Numbers
    tilt: Numbers
    height: Numbers
    elevation: Numbers
    power: Numbers
    path_loss: Numbers
    range: Numbers
    small: npt.NDArray[np.bool_]
    site: npt.NDArray[np.int32]
    defaults: Mapping[str, int]

    def __len__(self) -> int:
        """Give the number of cells."""
        return len(self.identifier)

    @property
    def somewhere(self) -> npt.NDArray[np.bool_]:
        """Which cells have a position, bool[cells]."""
        return ~np.isnan(self.longitude)

    def index(self, identifiers: Sequence[str]) -> npt.NDArray[np.int32]:
        """Give the place of each cell in the plan, or -1: int32[n]."""
        places = {identifier: place for place, identifier in enumerate(self.identifier)}
        return np.array([places.get(identifier, -1) for identifier in identifiers], np.int32)

    def without(self, identifiers: Collection[str]) -> CellPlan:
        """Give the plan with some cells lying nowhere; places of the others stay."""
        away = np.isin(np.array(self.identifier, dtype=object), list(identifiers))
        nowhere = [np.where(away, np.nan, at) for at in (self.longitude, self.latitude)]
        return replace(self, longitude=nowhere[0], latitude=nowhere[1])


def read_plan(
    cells: pa.Table | Mapping[str, Sequence[Any]], parameters: Parameters = DEFAULT, where: str = "cell plan"
) -> CellPlan:
    """Make a cell plan of rows as a cell register has them, and fill what is missing.

    =====================  ==============================================================================
    missing                taken
    =====================  ==============================================================================
    azimuth                the cell is omnidirectional: no loss by angle, whatever beam width and tilt say
    beam_width             65° if there is an azimuth; a beam of 360° is omnidirectional
    vertical_beam_width    9° if there is an azimuth
    tilt                   5° if there is an azimuth
    height                 30 m; 8 m for a small cell
    power                  10 W; 5 W for a small cell
    path_loss              3.75; 6 for a small cell
    range                  10,000 m; 1,000 m for a small cell
    small                  no. Small cells are omnidirectional, as in mobloc
    elevation              0 m
    site                   cells at one position are one site
    both coordinates       the cell lies nowhere and has no footprint
    =====================  ==============================================================================

    Parameters
    ----------
    cells
        Columns ``identifier``, ``longitude`` and ``latitude``, and whichever of the above there are; others are
        ignored. One row a cell: those that hold at one time, such as `cells_at` gives.
    parameters
        The defaults; those of mobloc if none.
    where
        What errors call it.

    Raises
    ------
    InputError
        There is no cell or no such column, an identifier is missing or there twice, only one coordinate is given, or a
        value cannot be; with the cell, what was wrong and what would be right.

    Examples
    --------
    >>> plan = read_plan({"identifier": ["A", "B"], "longitude": [0, 0], "latitude": [0, 0], "azimuth": [90, None]})
    >>> plan.beam_width.tolist(), plan.power.tolist(), plan.defaults["beam_width"]
    ([65.0, nan], [10.0, 10.0], 1)
    """
    columns = {name: cells[name] for name in (cells.column_names if isinstance(cells, pa.Table) else cells)}
    lists = {
        name: values.to_pylist() if hasattr(values, "to_pylist") else list(values) for name, values in columns.items()
    }
    if absent := [name for name in ("identifier", "longitude", "latitude") if name not in lists]:
        raise InputError(f"there is no column {absent[0]}", where=where, expected="identifier, longitude, latitude")
    identifiers = tuple(lists["identifier"])
    _check_identifiers(identifiers, where)
    if lengths := sorted({len(values) for values in lists.values()} - {len(identifiers)}):
        raise InputError(
            f"{len(identifiers)} cells, but columns of {lengths}", where=where, expected="one value a cell"
        )
    given = {name: _numbers(name, lists.get(name), identifiers, where) for name in LIMITS}
    half = np.isnan(given["longitude"]) != np.isnan(given["latitude"])
    if half.any():
        raise InputError(
            "only one of longitude and latitude is there",
            where=f"{where}, cell {identifiers[int(half.argmax())]}",
            expected="both, or neither",
        )
    small = _small(lists.get("small"), identifiers, where)
    omni = small | np.isnan(given["azimuth"]) | (given["beam_width"] == 360)
    filled: dict[str, int] = {}

    def fill(name: str, value: npt.ArrayLike, among: npt.NDArray[np.bool_]) -> Numbers:
        missing = np.isnan(given[name]) & among
        filled[name] = int(missing.sum())
        return np.where(missing, value, given[name])

    every = np.ones(len(identifiers), bool)
    directional = {
        name: np.where(omni, np.nan, fill(name, getattr(parameters, name), ~omni))
        for name in ("beam_width", "vertical_beam_width", "tilt")
    }
    general = {
        name: fill(name, np.where(small, getattr(parameters, f"{name}_small"), getattr(parameters, name)), every)
        for name in ("height", "power", "path_loss", "range")
    }
    position = (given["longitude"], given["latitude"])
    return CellPlan(
        identifier=identifiers,
        longitude=position[0],
        latitude=position[1],
        azimuth=np.where(omni, np.nan, given["azimuth"] % 360),
        elevation=np.nan_to_num(given["elevation"]),
        small=small,
        site=_sites(lists.get("site"), *position),
        defaults=filled,
        **directional,
        **general,
    )


def _check_identifiers(identifiers: tuple[Any, ...], where: str) -> None:
    if not identifiers:
        raise InputError("there is not one cell in it", where=where, expected="a row for each cell")
    seen: set[str] = set()
    for row, identifier in enumerate(identifiers, 1):
        if not isinstance(identifier, str) or not identifier:
            raise InputError("the cell has no identifier", where=f"{where}, row {row}", expected="a text")
        if identifier in seen:
            raise InputError(
                f"the cell {identifier} is there twice",
                where=f"{where}, row {row}",
                expected="one row for each cell: the version that holds at the time",
            )
        seen.add(identifier)


def _numbers(name: str, values: list[Any] | None, identifiers: tuple[str, ...], where: str) -> Numbers:
    if values is None:
        return np.full(len(identifiers), np.nan)
    try:
        numbers = np.array([np.nan if value is None else float(value) for value in values], np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is no number", where=where, expected=LIMITS[name][2]) from None
    low, high, expected = LIMITS[name]
    wrong = (numbers < low) | (numbers > high) | ((numbers == 0) & (name in ABOVE))
    if wrong.any():
        place = int(wrong.argmax())
        more = f" (and {wrong.sum() - 1} more)" if wrong.sum() > 1 else ""
        swapped = "; longitude and latitude may be swapped" if name == "latitude" else ""
        raise InputError(
            f"{name} is {numbers[place]:g}{more}",
            where=f"{where}, cell {identifiers[place]}",
            expected=expected + swapped,
        )
    return numbers


def _small(values: list[Any] | None, identifiers: tuple[str, ...], where: str) -> npt.NDArray[np.bool_]:
    for identifier, value in zip(identifiers, values or (), strict=False):
        if value is not None and not isinstance(value, bool | np.bool_):
            raise InputError(
                "small is neither yes nor no", where=f"{where}, cell {identifier}", expected="true or false"
            )
    return np.array([bool(value) for value in values or [False] * len(identifiers)], dtype=bool)


def _sites(names: list[Any] | None, longitude: Numbers, latitude: Numbers) -> npt.NDArray[np.int32]:
    """Number the sites in order of their first cell: by name, and by position where there is none."""
    numbers: dict[Any, int] = {}
    sites = []
    for row, at in enumerate(zip(longitude.tolist(), latitude.tolist(), strict=True)):
        name = names[row] if names is not None else None
        nowhere = at[0] != at[0]
        key = ("name", str(name)) if name not in (None, "") else ("row", row) if nowhere else ("at", *at)
        sites.append(numbers.setdefault(key, len(numbers)))
    return np.array(sites, np.int32)
