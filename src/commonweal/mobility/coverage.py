"""What cells cover on each day of a run: their footprints, and which of them meet which areas.

A cell that is moved has another footprint from the next day on: those that hold when a day begins hold for all of it.
Cells are numbered in order of their identifiers' text. Their codes would do as well, but these depend on the order in
which cells were registered, and with them the last digit of every sum over cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from commonweal.core.areas import Areas
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.cells import ABROAD, CellRegister, Timeline

if TYPE_CHECKING:
    from commonweal.mobility.footprint import CellPlan, Footprint, Grid, LandUse

STEP = 1000.0
"""Side of the grid's squares, m."""
SIGNAL, BEST, SITES, CELLS = METHODS = ("signal-strength", "best-server", "voronoi", "voronoi-of-cells")
"""How footprints are found: shared by dominance; all to the strongest cell; to the nearest site; to the nearest one."""


@dataclass(frozen=True, eq=False)
class Meeting:
    """Which areas the footprints of cells meet, as flat arrays for kernels.

    Parameters
    ----------
    cell_of_span
        The number of the cell of each span of the timeline, int32, shape (spans,).
    days
        When each day begins, int64 UTC seconds, shape (days,).
    version_of_day
        Which of the sets of footprints holds on it, int32.
    cells
        How many cells there are.
    first, area
        Cell c of version v meets the areas ``area[first[v · cells + c] : first[v · cells + c + 1]]``; int64, int32.
    """

    cell_of_span: np.ndarray
    days: np.ndarray
    version_of_day: np.ndarray
    cells: int
    first: np.ndarray
    area: np.ndarray

    def versions(self, starts: np.ndarray) -> np.ndarray:
        """Give the version that holds at each of some moments, UTC seconds, int32."""
        return self.version_of_day[np.searchsorted(self.days, starts, side="right") - 1]


@dataclass(frozen=True, eq=False)
class Coverage:
    """Footprints on the days of a run.

    Parameters
    ----------
    grid
        The points.
    footprints
        P(c|i) by version.
    meeting
        Which areas they meet, and on which day which version holds.
    key
        Of each cell, hashed from its identifier, uint64: what is drawn by it is the same wherever the cell stands.
    starts
        Where people may be, by version: float64[points], or None for everywhere alike.
    """

    grid: Grid
    footprints: Sequence[Footprint]
    meeting: Meeting
    key: np.ndarray
    starts: Sequence[np.ndarray | None]


def coverage(
    register: CellRegister,
    timeline: Timeline,
    areas: Areas,
    days: np.ndarray,
    method: str = SIGNAL,
    land_use: LandUse | None = None,
) -> Coverage:
    """Find the footprints of all cells on each day.

    Parameters
    ----------
    register, timeline
        All versions of all cells, and which holds when.
    areas
        Over which the grid of `STEP` is laid.
    days
        When each day of the run begins, int64 UTC seconds.
    method
        One of `METHODS`.
    land_use
        Where people may be; everywhere alike if none.

    Raises
    ------
    InputError
        There is no such method, there are more squares of the grid than can be worked with, or the land use does not
        fit the areas.
    """
    from commonweal.mobility.footprint import cells_at, cells_meeting, lay_grid, read_plan
    from commonweal.mobility.footprint.land_use import nobody_lost

    find = finder(method)
    grid = lay_grid(areas, STEP)
    prior = land_use.prior(grid) if land_use else None
    cells, number = len(timeline.first) - 1, register.rank_of_codes()
    known: dict[tuple[tuple[int, ...], ...], int] = {}
    footprints: list[Footprint] = []
    version_of_day: list[int] = []
    for day in days.tolist():
        valid = cells_at(register, datetime.fromtimestamp(day, UTC))
        valid = valid.filter(pc.not_equal(valid["identifier"], ABROAD)).sort_by("identifier")
        held = tuple(tuple(valid[name].to_pylist()) for name in ("code", "registered", "valid_from"))
        if held not in known:
            known[held] = len(footprints)
            found = find(grid, read_plan(valid, where="cell register"))
            footprints.append(_numbered(found, number[valid["code"].to_numpy()], cells))
        version_of_day.append(known[held])
    rows_of = [cells_meeting(grid, footprint) for footprint in footprints]
    ends = np.cumsum([0, *(len(one.indices) for one in rows_of)])
    first = np.concatenate([*(one.indptr[:-1] + end for one, end in zip(rows_of, ends, strict=False)), ends[-1:]])
    spans = np.repeat(number, np.diff(timeline.first))
    meeting = Meeting(
        cell_of_span=spans.astype(np.int32),
        days=np.asarray(days, np.int64),
        version_of_day=np.array(version_of_day, np.int32),
        cells=cells,
        first=first.astype(np.int64),
        area=np.concatenate([one.indices for one in rows_of]).astype(np.int32),
    )
    hashes = [sha256(identifier.encode()).digest()[:8] for identifier in sorted(register.identifiers)]
    key = np.frombuffer(b"".join(hashes), "<u8").astype(np.uint64)
    starts = tuple(None if prior is None else nobody_lost(prior, footprint) for footprint in footprints)
    return Coverage(grid, tuple(footprints), meeting, key, starts)


def footprint_choices(method: str, land_use: LandUse | None) -> dict[str, Any]:
    """Give what is stamped on results that depend on footprints: their method, constants and start."""
    from commonweal.mobility.footprint.parameters import DEFAULT

    said = {"footprint": method, "footprint_grid_m": STEP}
    said |= land_use.parameters if land_use else {"start": Wording("evenly over the grid")}
    if method not in (SIGNAL, BEST):
        return said
    constants = ("path_loss", "path_loss_small", "midpoint", "steepness", "least_dominance", "back_loss")
    return said | {name: getattr(DEFAULT, name) for name in constants}


def finder(method: str) -> Callable[[Grid, CellPlan], Footprint]:
    """Give what finds footprints by a method, one of `METHODS`."""
    from commonweal.mobility.footprint import best_server, footprint_by_strength, voronoi

    known: dict[str, Callable[[Grid, CellPlan], Footprint]] = {
        SIGNAL: footprint_by_strength,
        BEST: best_server,
        SITES: voronoi,
        CELLS: partial(voronoi, by="cell"),
    }
    if method not in known:
        raise InputError(f"there is no footprint {method!r}", expected=f"one of: {', '.join(METHODS)}")
    return known[method]


def _numbered(footprint: Footprint, number: np.ndarray, cells: int) -> Footprint:
    """Number the cells of a plan among all that ever were: both are in order of identifiers."""
    return replace(footprint, cell=number[footprint.cell].astype(np.int32), cells=cells)
