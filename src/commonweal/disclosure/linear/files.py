"""Anybody's tables as files: what is published in them, and how their cells hang together."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from commonweal.core.errors import InputError, explain
from commonweal.disclosure.linear.relations import Kind, Relations, relations

VALUE = "value"
KINDS = {"sum": Kind.SUM, "union": Kind.UNION}
LARGEST = 2**50
CELL = "TABLE:ROW, the file's name without suffix and the row of data from 1"


@dataclass(frozen=True, eq=False)
class Published:
    """Cells of several tables, one after another.

    Parameters
    ----------
    names
        ``TABLE:ROW`` of each.
    values
        What is published, int64; -1 where it is suppressed.
    """

    names: tuple[str, ...]
    values: np.ndarray

    @property
    def suppressed(self) -> np.ndarray:
        """Which cells are suppressed, bool."""
        return self.values < 0


def read_tables(paths: Sequence[Path]) -> Published:
    """Read CSV files with a column ``value``, empty where suppressed.

    Raises
    ------
    InputError
        A file is no such table, or two have the same name.
    """
    names: list[str] = []
    values: list[int] = []
    stems = [path.stem for path in paths]
    for path in paths:
        if stems.count(path.stem) > 1:
            raise InputError(f"two tables are called {path.stem}", where=path, expected="files of different names")
        found = _read(path)
        names += [f"{path.stem}:{row}" for row in range(1, len(found) + 1)]
        values += found
    return Published(tuple(names), np.array(values, np.int64))


def read_relations(path: Path, published: Published) -> Relations:
    """Read a list of ``{"whole": CELL, "parts": [CELL, …], "kind": "sum" | "union"}``.

    Raises
    ------
    InputError
        It is no such list, or names a cell that is not there.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise explain(error, path) from error
    except ValueError as error:
        raise InputError(f"this is not JSON: {error}", where=path, expected="a list of relations") from None
    if not isinstance(given, list):
        raise InputError("this is no list", where=path, expected='[{"whole": CELL, "parts": [CELL, …], "kind": "sum"}]')
    number = {name: index for index, name in enumerate(published.names)}
    return relations(_relation(path, place, one, number) for place, one in enumerate(given, start=1))


def _read(path: Path) -> list[int]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if header.count(VALUE) != 1:
                raise InputError(
                    "there is no column value" if VALUE not in header else "there are two columns value",
                    where=f"{path}, first line",
                    expected="a header, separated by commas, with one column value",
                )
            column = header.index(VALUE)
            return [
                _value(path, row, fields, header, column)
                for row, fields in enumerate(_data(reader, len(header)), start=1)
            ]
    except OSError as error:
        raise explain(error, path) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"this is not CSV: {error}", where=path, expected="UTF-8, separated by commas") from None


def _data(reader: Iterator[list[str]], columns: int) -> Iterator[list[str]]:
    """Leave out empty lines; but in a table of one column they are suppressed values."""
    for fields in reader:
        if fields or columns == 1:
            yield fields or [""]


def _value(path: Path, row: int, fields: list[str], header: list[str], column: int) -> int:
    if len(fields) != len(header):
        raise InputError(
            f"{len(fields)} field{'s'[: len(fields) != 1]}",
            where=f"{path}, row {row}",
            expected=f"{len(header)}, as many as the header has",
        )
    text = fields[column].strip()
    if not text:
        return -1
    try:
        if not re.fullmatch(r"\+?[0-9]+(\.0*)?([eE]\+?[0-9]{1,2})?", text):
            raise ValueError
        value = int(text) if text.isdecimal() else int(float(text))
        if value > LARGEST:
            raise ValueError
    except (ValueError, OverflowError):
        raise InputError(
            f"the value is {text[:40]!r}", where=f"{path}, row {row}", expected="a whole number from 0, or nothing"
        ) from None
    return value


def _relation(path: Path, place: int, one: Any, number: Mapping[str, int]) -> tuple[int, list[int], Kind]:
    where = f"{path}, relation {place}"
    if not isinstance(one, dict) or not {"whole", "parts", "kind"} <= set(one) or not isinstance(one["parts"], list):
        raise InputError(
            "this is no relation", where=where, expected='{"whole": CELL, "parts": [CELL, …], "kind": "sum"}'
        )
    if not isinstance(one["kind"], str) or one["kind"] not in KINDS:
        raise InputError(f"the kind is {one['kind']!r}", where=where, expected="sum or union")
    cells = []
    for name in (one["whole"], *one["parts"]):
        if not isinstance(name, str) or name not in number:
            raise InputError(f"there is no cell {name!r}", where=where, expected=CELL)
        cells.append(number[name])
    whole, *parts = cells
    if not parts or len(set(parts)) < len(parts) or whole in parts:
        raise InputError(
            "no parts, one part twice, or the whole among its parts", where=where, expected="a whole and its parts"
        )
    return whole, parts, KINDS[one["kind"]]
