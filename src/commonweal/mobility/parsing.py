"""A block of lines as events: typed, pseudonymised, or rejected with a reason.

Nothing here touches a disk. The engine that parses times and hashes identifiers runs in memory and may not spill,
so a raw identifier is never anywhere but in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from commonweal.mobility.blocks import Block
from commonweal.mobility.cells import ABROAD
from commonweal.mobility.fields import (
    cell_codes,
    durations,
    is_empty,
    small,
    times,
    type_allocation_code,
    word,
)
from commonweal.mobility.layout import Column, Layout
from commonweal.mobility.lines import by_role, read_lines
from commonweal.mobility.mobile_countries import UNKNOWN, countries_of_plmns
from commonweal.mobility.plmn import plmn_of_text
from commonweal.mobility.rejecting import REASONS, beginning, rejects
from commonweal.mobility.remembering import Remembered

EVENTS = pa.schema(
    [
        pa.field("subscriber", pa.int64(), nullable=False),
        pa.field("time", pa.int64(), nullable=False),  # UTC seconds
        pa.field("cell", pa.int32(), nullable=False),
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("direction", pa.int8(), nullable=False),
        pa.field("counterpart", pa.int64()),
        pa.field("duration", pa.int32()),  # seconds
        pa.field("home_plmn", pa.int32(), nullable=False),
        pa.field("serving_plmn", pa.int32(), nullable=False),
        pa.field("tac", pa.int32()),
        pa.field("line", pa.int64(), nullable=False),
    ]
)
_REASON = {reason: number for number, reason in enumerate(REASONS)}


@dataclass(frozen=True)
class Plan:
    """What a file's blocks are parsed with.

    Parameters
    ----------
    layout
        Which column is what.
    positions
        Place of each used column in a line, from 0.
    width
        Number of columns of a line.
    cells
        Code of each known cell identifier.
    period
        First and last-exclusive UTC second of events that are accepted.
    remembered
        Pseudonyms made before, for files that come one after another.
    countries
        Where the network is at home: places in `mobile_countries.COUNTRIES`.
    """

    layout: Layout
    positions: dict[Column, int]
    width: int
    cells: dict[str, int]
    period: tuple[int, int]
    known_cells: pa.Array = field(init=False)
    cell_codes: np.ndarray = field(init=False)
    cell_beginnings: frozenset[str] = field(init=False)
    remembered: Remembered = field(default_factory=Remembered)
    countries: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "known_cells", pa.array(self.cells, pa.string()))
        object.__setattr__(self, "cell_codes", np.fromiter(self.cells.values(), np.int32, len(self.cells)))
        object.__setattr__(self, "cell_beginnings", frozenset(beginning(cell) for cell in self.cells) - {""})


@dataclass(frozen=True)
class Parsed:
    """What a block came to.

    Parameters
    ----------
    events
        For each epoch's number, its events: rows of `EVENTS` in the order of their lines.
    rejects
        Rows of `REJECTS`.
    lines
        Lines that held something.
    """

    events: dict[int, pa.Table]
    rejects: pa.Table
    lines: int


KeyOfEpoch = Callable[[int], bytes]
EpochOfTimes = Callable[[np.ndarray], np.ndarray]


def engine() -> duckdb.DuckDBPyConnection:
    """Give an engine for one thread that lives in memory and cannot spill."""
    return duckdb.connect(":memory:", config={"threads": 1, "temp_directory": "", "memory_limit": "1GB"})


def parse_block(
    block: Block, plan: Plan, epoch_of: EpochOfTimes, key_of: KeyOfEpoch, connection: duckdb.DuckDBPyConnection
) -> Parsed:
    """Parse a block of lines.

    Parameters
    ----------
    block
        Whole lines.
    plan
        What they are parsed with.
    epoch_of
        Gives the number of the epoch of each UTC second.
    key_of
        Gives the pseudonym key of an epoch.
    connection
        An `engine`.
    """
    positions = [plan.positions[column] for column in plan.layout.used]
    table, lines, broken = read_lines(block, plan.layout.source, positions, plan.width)
    columns = by_role(table, plan.layout)
    return judge(columns, lines, broken, plan, epoch_of, key_of, connection)


def judge(
    columns: dict[str, pa.Array],
    lines: np.ndarray,
    broken: Sequence[tuple[int, str]],
    plan: Plan,
    epoch_of: EpochOfTimes,
    key_of: KeyOfEpoch,
    connection: duckdb.DuckDBPyConnection,
) -> Parsed:
    """Turn columns of text into events, or into rejects with a reason."""
    layout, count = plan.layout, len(lines)
    reason = np.zeros(count, np.int8)

    def reject(wrong: np.ndarray, why: str) -> None:
        reason[wrong & (reason == 0)] = _REASON[why]

    reject(is_empty(columns["subscriber"]), "missing subscriber")
    time, good = times(columns["time"], layout, connection)
    reject(~good, "bad timestamp")
    serving = small(columns.get("serving_plmn"), count, plmn_of_text, np.int32, truncate=7)
    none = is_empty(columns["cell"])
    cell = np.where(none, -1, cell_codes(columns["cell"], plan.known_cells, plan.cell_codes))
    cell = np.where((cell < 0) & _is_abroad(serving, plan), plan.cells.get(ABROAD, -1), cell).astype(np.int32)
    reject((cell < 0) & none, "missing cell")
    reject(cell < 0, "unknown cell")
    kind = small(columns.get("kind"), count, word(layout.kinds), np.int8)
    reject(kind < 0, "bad kind")
    direction = small(columns.get("direction"), count, word(layout.directions), np.int8)
    reject(direction < 0, "bad direction")
    duration, no_duration, bad = durations(columns.get("duration"), count)
    reject(bad, "bad duration")
    home = small(columns.get("home_plmn"), count, plmn_of_text, np.int32, truncate=7)
    reject((home < 0) | (serving < 0), "bad PLMN")
    reject((time < plan.period[0]) | (time >= plan.period[1]), "out of period")
    tac = small(columns.get("tac"), count, type_allocation_code, np.int32, truncate=8)

    events = {}
    kept = np.flatnonzero(reason == 0)
    epochs = epoch_of(time[kept])
    for epoch in np.unique(epochs).tolist():
        rows = kept[epochs == epoch]
        whose = _Pseudonymised(columns, rows, plan, key_of(epoch), connection)
        events[epoch] = pa.table(
            [
                whose("subscriber"),
                pa.array(time[rows]),
                pa.array(cell[rows]),
                pa.array(kind[rows]),
                pa.array(direction[rows]),
                whose("counterpart"),
                pa.array(duration[rows], mask=no_duration[rows]),
                pa.array(home[rows]),
                pa.array(serving[rows]),
                pa.array(tac[rows], mask=tac[rows] <= 0),
                pa.array(lines[rows]),
            ],
            schema=EVENTS,
        )
    rejected = rejects(columns, reason, lines, pa.array(time, mask=~good), broken, plan.cell_beginnings)
    return Parsed(events, rejected, count + len(broken))


def _is_abroad(serving: np.ndarray, plan: Plan) -> np.ndarray:
    """Say which events a network of a country served in which none of the cells is; none if no cell says its PLMN."""
    country = countries_of_plmns(np.maximum(serving, 0))
    return (country != UNKNOWN) & ~np.isin(country, list(plan.countries)) & bool(plan.countries)


@dataclass(frozen=True)
class _Pseudonymised:
    """The pseudonyms of a role's identifiers in the rows that are kept; nothing where nobody is named."""

    columns: dict[str, pa.Array]
    rows: np.ndarray
    plan: Plan
    key: bytes
    connection: duckdb.DuckDBPyConnection

    def __call__(self, role: str) -> pa.Array:
        if role not in self.columns:
            return pa.nulls(len(self.rows), pa.int64())
        column = self.columns[role]
        texts = column if len(self.rows) == len(column) else column.take(pa.array(self.rows))
        code = self.plan.layout.country_code
        made = self.plan.remembered.pseudonyms(self.connection, texts, self.key, code)
        return pa.array(made, mask=is_empty(texts))
