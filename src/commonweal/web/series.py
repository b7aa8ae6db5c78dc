"""A published measure by area and period, laid out so that a page finds one period at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import State

STATES = tuple(State)
MISSING = STATES.index(State.MISSING)


@dataclass(frozen=True, eq=False)
class AreaSeries:
    """Values and states by period and area.

    Parameters
    ----------
    areas
        m area codes, in order.
    starts
        int64[n], beginnings of the periods, UTC seconds since 1970, ascending.
    values
        float64[n, m], NaN where there is no value.
    states
        int8[n, m], position of each state in `STATES`; a key that was not published is missing.
    """

    areas: tuple[str, ...]
    starts: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    states: npt.NDArray[np.int8]

    def index(self, start: int) -> int:
        """Give the last period that begins at an instant or before; the first if all begin later."""
        return max(int(np.searchsorted(self.starts, start, side="right")) - 1, 0)

    def value(self, period: int, area: int) -> float | None:
        """Give the value of a period (by position) in an area (by position), or None if there is none."""
        value = self.values[period, area]
        return None if np.isnan(value) else float(value)

    def state(self, period: int, area: int) -> State:
        """Give the state of a period (by position) in an area (by position)."""
        return STATES[int(self.states[period, area])]

    def reported(self) -> npt.NDArray[np.float64]:
        """Give every value there is, in no particular order."""
        return self.values[~np.isnan(self.values)]

    def counted(self, state: State, period: int | None = None) -> int:
        """Count the cells in a state, in one period or in all."""
        states = self.states if period is None else self.states[period]
        return int((states == STATES.index(state)).sum())


def area_series(table: pa.Table, *, start: str, area: str, measure: str, areas: Sequence[str] = ()) -> AreaSeries:
    """Lay a published table out by period and area.

    Parameters
    ----------
    table
        One row for each published (period, area), with ``measure`` and ``measure_state``.
    start, area, measure
        Names of the columns; `start` holds timestamps (without a zone they are UTC) or dates.
    areas
        Codes in the order to use; by default those of the table, by code.

    Examples
    --------
    >>> from datetime import date
    >>> table = pa.table({
    ...     "day": [date(2024, 1, 1)] * 2, "area": ["A", "B"], "n": [40, None], "n_state": ["reported", "suppressed"]})
    >>> series = area_series(table, start="day", area="area", measure="n")
    >>> series.values.tolist(), series.state(0, 1).value
    ([[40.0, nan]], 'suppressed')
    """
    codes = tuple(areas) or tuple(sorted(pc.unique(table.column(area)).to_pylist()))
    seconds = _seconds(table.column(start))
    starts, period = np.unique(seconds, return_inverse=True)
    place: Any = pc.index_in(table.column(area), value_set=pa.array(codes)).combine_chunks()
    known = ~np.asarray(place.is_null())
    where = period[known], np.asarray(pc.fill_null(place, 0))[known]
    values = np.full((len(starts), len(codes)), np.nan)
    values[where] = table.column(measure).cast(pa.float64()).to_numpy()[known]
    states = np.full((len(starts), len(codes)), MISSING, np.int8)
    said: Any = pc.index_in(table.column(f"{measure}_state"), value_set=pa.array([state.value for state in STATES]))
    states[where] = pc.fill_null(said, MISSING).to_numpy()[known]
    return AreaSeries(codes, starts, values, states)


def _seconds(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    if pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.timestamp("s"))
    return (
        np.asarray(column.cast(pa.timestamp("us", tz=getattr(column.type, "tz", None))).cast(pa.int64())) // 1_000_000
    )
