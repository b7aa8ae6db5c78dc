"""Reading: a file as blocks, each with how to turn it into events.

Whoever reads a file, in whatever process, reads the same blocks and judges them by the same rules.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.errors import InputError
from commonweal.mobility import blocks
from commonweal.mobility.blocks import Block, LineReader, file_digest
from commonweal.mobility.cells import CellRegister
from commonweal.mobility.columnar import column_names, column_types, text_batches
from commonweal.mobility.layout import Column, Layout, find_columns
from commonweal.mobility.lines import by_role, refuse_line_breaks, split_line
from commonweal.mobility.parsing import EpochOfTimes, KeyOfEpoch, Parsed, Plan, engine, judge, parse_block
from commonweal.mobility.remembering import Remembered

Turn = tuple[Callable[[], Parsed], int]
"""How to parse a block, and the line after it."""


@dataclass
class Reading:
    """How far the reading of a file is, and its digest at the end."""

    path: Path
    lines: LineReader | None = None
    rows_of_parquet: int = 0

    def position(self) -> int:
        """Bytes read so far, of a Parquet file about."""
        return self.lines.position if self.lines else min(self.rows_of_parquet * 40, self.path.stat().st_size)

    def digest(self) -> str:
        """SHA-256 of the file, once it has been read to its end."""
        return self.lines.digest if self.lines else file_digest(self.path)


@dataclass(eq=False)
class Reader:
    """Reads files as a layout says. Threads may share it.

    Parameters
    ----------
    layout
        Which column is what.
    cells
        The cells that are known.
    period
        First and last-exclusive UTC second of events that are accepted.
    epoch_of, key_of
        As `commonweal.mobility.parsing.parse_block` takes them.
    block_bytes
        Size of a block.
    """

    layout: Layout
    cells: CellRegister
    period: tuple[int, int]
    epoch_of: EpochOfTimes
    key_of: KeyOfEpoch
    block_bytes: int = field(default_factory=lambda: blocks.BLOCK_BYTES)
    _local: threading.local = field(default_factory=threading.local)
    _remembered: Remembered = field(default_factory=Remembered)

    def blocks(self, path: Path, from_line: int, reading: Reading) -> Iterator[Turn]:
        """Give, block by block from a line on, how to parse it and the line after it."""
        if self.layout.source.format == "parquet":
            yield from self._parquet_blocks(path, from_line, reading)
            return
        plan: Plan | None = None
        reading.lines = LineReader(path, self.layout.source.encoding, self.block_bytes)
        for block in reading.lines.blocks():
            if plan is None:
                positions, width, block = self.columns(path, block)
                plan = self.plan(positions, width)
            block = block.from_line(from_line)
            if block.content:
                yield lambda b=block, p=plan: self.parse(b, p, path), block.first_line + block.lines  # type: ignore[misc]

    def columns(self, path: Path, first: Block) -> tuple[dict[Column, int], int, Block]:
        """Find the columns in a text's first block: the place of each, how many there are, and the block without them.

        Raises
        ------
        InputError
            One is not there, or this is no text.
        """
        source = self.layout.source
        if first.content.startswith(b"PAR1"):
            raise InputError(
                "this is a Parquet file",
                where=path,
                expected='format = "parquet" in the section [source] of the mapping',
            )
        refuse_line_breaks(first, [first.first_line], source, None, path)
        line, _, rest = first.content.partition(b"\n")
        names = split_line(line.decode(errors="replace"), source)
        positions = find_columns(names if source.header else None, len(names), self.layout.used, path)
        return positions, len(names), Block(rest, first.first_line + 1) if source.header else first

    def plan(self, positions: Mapping[Column, int], width: int, layout: Layout | None = None) -> Plan:
        """Give what blocks of a file are parsed with."""
        return Plan(
            layout or self.layout,
            dict(positions),
            width,
            self.cells.codes(),
            self.period,
            self._remembered,
            self.cells.countries,
        )

    def parse(self, block: Block, plan: Plan, path: Path) -> Parsed:
        """Parse a block of lines."""
        parsed = parse_block(block, plan, self.epoch_of, self.key_of, self._engine())
        malformed = parsed.rejects.filter(pc.equal(parsed.rejects["reason"], "malformed line"))["line"].to_pylist()
        refuse_line_breaks(block, malformed, plan.layout.source, plan.width, path)
        return parsed

    def _parquet_blocks(self, path: Path, from_line: int, reading: Reading) -> Iterator[Turn]:
        layout, names, types = self.layout, column_names(path), column_types(path)
        positions = find_columns(names, len(names), layout.used, path)
        if all(pa.types.is_timestamp(types[names[positions[column]]]) for column in layout.time):
            layout = replace(layout, time_format="iso")
        plan = self.plan(positions, len(names), layout)
        for row, table in text_batches(path, [names[positions[column]] for column in layout.used]):
            if row >= from_line:
                yield lambda t=table, r=row: self._judge(t, r, plan), row + table.num_rows  # type: ignore[misc]
            reading.rows_of_parquet = row + table.num_rows

    def _judge(self, table: pa.Table, first_row: int, plan: Plan) -> Parsed:
        lines = np.arange(first_row, first_row + table.num_rows)
        columns = by_role(table, plan.layout)
        return judge(columns, lines, (), plan, self.epoch_of, self.key_of, self._engine())

    def _engine(self) -> Any:
        if not hasattr(self._local, "engine"):
            self._local.engine = engine()
        return self._local.engine
