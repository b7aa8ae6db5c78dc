"""The cell register: every version of every cell an operator has told us of, append-only.

A cell has an identifier (the operator's text) and a code (a small integer, given once, never reused). Its versions
say from when to when it stood where. Events carry the code alone and meet the version valid at their time when they
are read, so a corrected cell file rewrites no event: the newest registration of a moment wins.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from commonweal.core.durable import replacing
from commonweal.core.errors import Damaged
from commonweal.mobility.mobile_countries import countries_of_plmns

ALWAYS = -(2**62)
FOREVER = 2**62
ABROAD = ""
"""Identifier of the cell, without a position, of events that a network of another country served."""

REGISTER = "cells.parquet"
SCHEMA = pa.schema(
    [
        pa.field("code", pa.int32(), nullable=False),
        pa.field("identifier", pa.string(), nullable=False),
        pa.field("registered", pa.int32(), nullable=False),
        pa.field("valid_from", pa.int64(), nullable=False),  # UTC seconds
        pa.field("valid_to", pa.int64(), nullable=False),
        pa.field("longitude", pa.float64()),
        pa.field("latitude", pa.float64()),
        pa.field("azimuth", pa.float32()),  # degrees from north
        pa.field("beam_width", pa.float32()),  # degrees
        pa.field("range", pa.float32()),  # metres
        pa.field("technology", pa.string()),
        pa.field("site", pa.string()),
        pa.field("plmn", pa.int32()),
        pa.field("height", pa.float32()),  # metres above the ground
        pa.field("power", pa.float32()),  # watts
        pa.field("tilt", pa.float32()),  # degrees below the horizon
    ]
)
DESCRIPTION = tuple(SCHEMA.names[3:])
ANTENNA = ("height", "power", "tilt")
"""What few operators tell; registers written before these were known have no such columns."""


@dataclass(frozen=True)
class CellRegister:
    """All versions of all cells.

    Parameters
    ----------
    table
        Rows of `SCHEMA` in the order they were registered.
    """

    table: pa.Table

    @property
    def identifiers(self) -> list[str]:
        """The identifier of each code, shape (codes,)."""
        first = self.table.group_by("code", use_threads=False).aggregate([("identifier", "first")]).sort_by("code")
        return list(first["identifier_first"].to_pylist())

    @property
    def digest(self) -> str:
        """SHA-256 over the rows, whatever file they lie in."""
        content = hashlib.sha256()
        for row in self.table.to_pylist():
            # What is not told leaves the digest of a register as it was before it could be told.
            antenna = [(name, row.pop(name)) for name in ANTENNA]
            told = [each for each in antenna if each[1] is not None]
            content.update(repr((*row.values(), *told)).encode())
        return content.hexdigest()

    def codes(self) -> dict[str, int]:
        """Give the code of each identifier."""
        return {identifier: code for code, identifier in enumerate(self.identifiers)}

    @property
    def countries(self) -> frozenset[int]:
        """Where the cells' PLMNs are: places in `mobile_countries.COUNTRIES`."""
        plmns = self.table["plmn"].fill_null(0).to_numpy()
        return frozenset(countries_of_plmns(plmns[plmns > 0]).tolist())

    def with_abroad(self) -> CellRegister:
        """Add the cell of events that a network of another country served, so that they are no unknown ones."""
        always = dict.fromkeys(DESCRIPTION) | {"identifier": ABROAD, "valid_from": ALWAYS, "valid_to": FOREVER}
        return self.with_versions(pa.Table.from_pylist([always]))

    def with_versions(self, versions: pa.Table) -> CellRegister:
        """Add versions; one that says what already holds adds nothing.

        Parameters
        ----------
        versions
            Columns ``identifier`` and those of `DESCRIPTION`; of rows for one cell and start the last counts. Those
            before it that say something else are kept too, replaced, so that it can be seen that the file said so.
        """
        codes = self.codes()
        table = self.table.to_pylist()
        known = {(table[row]["identifier"], *(table[row][name] for name in DESCRIPTION)) for row in self._winning()}
        registered = int(pc.max(self.table["registered"]).as_py() or 0) + 1
        told: dict[tuple[str, int], dict[tuple[Any, ...], dict[str, Any]]] = {}
        for row in versions.to_pylist():
            said = (row["identifier"], *(row[name] for name in DESCRIPTION))
            of_start = told.setdefault((row["identifier"], row["valid_from"]), {})
            of_start.pop(said, None)
            of_start[said] = row
        added = []
        for of_start in told.values():
            if next(reversed(of_start)) in known:
                continue
            for row in of_start.values():
                code = codes.setdefault(row["identifier"], len(codes))
                added.append(row | {"code": code, "registered": registered})
        if not added:
            return self
        return CellRegister(pa.concat_tables([self.table, pa.Table.from_pylist(added, schema=SCHEMA)]))

    def _winning(self) -> list[int]:
        """Rows that no later registration of the same cell and start has replaced, in order."""
        starts = zip(self.table["code"].to_pylist(), self.table["valid_from"].to_pylist(), strict=True)
        return sorted({start: row for row, start in enumerate(starts)}.values())

    def timeline(self) -> Timeline:
        """Resolve the versions: for each cell, which row holds from when.

        A row that was registered again with the same start, say with an end, is replaced; of those left that cover a
        moment, the newest holds.
        """
        rows = self.table.select(["code", "registered", "valid_from", "valid_to"]).to_pydict()
        by_code: dict[int, list[int]] = {}
        for row in self._winning():
            by_code.setdefault(rows["code"][row], []).append(row)
        first = [0]
        starts: list[int] = []
        winners: list[int] = []
        for code in range(len(by_code)):
            versions = by_code[code]
            bounds = sorted(
                {ALWAYS, *(rows["valid_from"][v] for v in versions), *(rows["valid_to"][v] for v in versions)}
            )
            for bound in bounds:
                holding = [v for v in versions if rows["valid_from"][v] <= bound < rows["valid_to"][v]]
                winner = max(holding, default=-1)  # rows are in order of registration
                if not winners or len(starts) == first[-1] or winners[-1] != winner:
                    starts.append(bound)
                    winners.append(winner)
            first.append(len(starts))
        return Timeline(np.array(first, np.int32), np.array(starts, np.int64), np.array(winners, np.int32))

    def rank_of_codes(self) -> np.ndarray:
        """Give each code's place among the identifiers in order of their text, int32, shape (codes,).

        Ties of events at one moment go by the identifier's text, which means the same on every machine; a code
        depends on the order in which files came in.
        """
        identifiers = self.identifiers
        rank = np.empty(len(identifiers), np.int32)
        rank[sorted(range(len(identifiers)), key=identifiers.__getitem__)] = np.arange(len(identifiers))
        return rank


@dataclass(frozen=True)
class Timeline:
    """Which version of a cell holds when, as flat arrays for kernels.

    The spans of cell ``c`` are ``first[c] … first[c + 1] - 1``; span ``s`` begins at ``starts[s]`` (UTC seconds)
    and lasts until the next one of the cell. ``row[s]`` is a row of the register, or -1 where no version holds.
    """

    first: np.ndarray
    starts: np.ndarray
    row: np.ndarray


def empty_register() -> CellRegister:
    """Give a register without cells."""
    return CellRegister(SCHEMA.empty_table())


def read_register(folder: Path) -> CellRegister:
    """Read a project's register; one that was never written is empty."""
    path = folder / REGISTER
    if not path.exists():
        return empty_register()
    try:
        table = pq.read_table(path)
        for name in ANTENNA:
            if name not in table.column_names:
                table = table.append_column(SCHEMA.field(name), pa.nulls(len(table), pa.float32()))
        register = CellRegister(table.cast(SCHEMA))
    except (pa.ArrowException, OSError) as error:
        raise Damaged(
            "the cell register cannot be read", where=path, expected="the file the last import wrote"
        ) from error
    return register


def write_register(folder: Path, register: CellRegister) -> None:
    """Put a register in place of the former, all or nothing."""
    with replacing(folder / REGISTER) as written:
        pq.write_table(register.table, written, compression="zstd")


def seconds(moment: datetime) -> int:
    """Give UTC seconds of an aware time, rounding down.

    >>> seconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400
    """
    return int(moment.astimezone(UTC).timestamp() // 1)
