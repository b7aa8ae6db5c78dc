"""The layout of an operator's files: which column is what, in which words.

A layout is a TOML file that a person can read and correct; `docs/mobility.md` lists its fields. Parsed once, it is
trusted from there on.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from commonweal.core.errors import InputError, explain

KINDS = {"call": 1, "sms": 2, "data": 3, "signal": 4}
DIRECTIONS = {"out": 1, "in": 2}
ROLES = (
    "subscriber",
    "cell",
    "kind",
    "direction",
    "counterpart",
    "duration",
    "home_plmn",
    "serving_plmn",
    "tac",
)
CELL_ROLES = (
    "cell",
    "longitude",
    "latitude",
    "azimuth",
    "beam_width",
    "range",
    "technology",
    "site",
    "plmn",
    "valid_from",
    "valid_to",
    "height",
    "power",
    "tilt",
)
IDENTIFYING = ("subscriber", "counterpart")

Column = str | int


@dataclass(frozen=True)
class Source:
    """How a file is written."""

    format: str = "csv"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Layout:
    """What a mapping file says.

    Parameters
    ----------
    columns
        For each role the columns that make it up (joined by ``joined_by``); a number counts columns from 1.
    time
        Column of the event's time; a date and a time of day in two columns are joined by a blank.
    time_format
        ``iso``, ``epoch_s``, ``epoch_ms`` or a strptime pattern.
    time_zone
        Zone of local times; times that carry an offset of their own do not use it.
    kinds, directions
        The operator's words for ours.
    country_code
        Telephone country code that a leading 0 stands for.
    cells
        The same as `columns` for the cell file.
    """

    source: Source
    columns: Mapping[str, tuple[Column, ...]]
    time: tuple[Column, ...]
    time_format: str
    time_zone: str
    kinds: Mapping[str, int]
    directions: Mapping[str, int]
    country_code: str = ""
    joined_by: str = "-"
    cells: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    cells_source: Source = field(default_factory=Source)

    @property
    def digest(self) -> str:
        """SHA-256 of everything the layout says."""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "source": vars(self.source),
            "cells_source": vars(self.cells_source),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=dict).encode()).hexdigest()

    @property
    def used(self) -> list[Column]:
        """Every column that is read, once."""
        return list(dict.fromkeys(column for columns in (self.time, *self.columns.values()) for column in columns))


def read_layout(path: Path) -> Layout:
    """Read a mapping file.

    Raises
    ------
    InputError
        With the field that is wrong and what it may be.
    """
    try:
        return parse_layout(tomllib.loads(path.read_text(encoding="utf-8")), where=str(path))
    except OSError as error:
        raise explain(error, path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"this is not TOML: {error}", where=path, expected="a file like the one `inspect` proposes"
        ) from None


def parse_layout(said: Mapping[str, Any], where: str = "mapping") -> Layout:
    """Turn what a mapping file says into a layout. See `read_layout`."""
    _only(said, ("source", "time", "columns", "values", "identifiers", "cells"), where)
    time = _table(said, "time", where)
    _only(time, ("column", "format", "zone"), f"{where} [time]")
    columns = _table(said, "columns", where)
    _only(columns, (*ROLES, "joined_by"), f"{where} [columns]")
    values = _table(said, "values", where)
    _only(values, ("kind", "direction"), f"{where} [values]")
    identifiers = _table(said, "identifiers", where)
    _only(identifiers, ("country_code",), f"{where} [identifiers]")
    cells = _table(said, "cells", where)
    _only(cells, (*CELL_ROLES, "source"), f"{where} [cells]")
    for role in ("subscriber", "cell"):
        if role not in columns:
            raise InputError(
                f"no column is named for {role}", where=f"{where} [columns]", expected=f'{role} = "COLUMN"'
            )
    if "column" not in time:
        raise InputError("no column is named for the time", where=f"{where} [time]", expected='column = "COLUMN"')
    return Layout(
        source=_source(_table(said, "source", where), f"{where} [source]"),
        columns={role: _columns(columns[role], f"{where} [columns] {role}") for role in ROLES if role in columns},
        time=_columns(time["column"], f"{where} [time] column"),
        time_format=_time_format(time.get("format", "iso"), f"{where} [time] format"),
        time_zone=_time_zone(time.get("zone", "UTC"), f"{where} [time] zone"),
        kinds=_words(values, "kind", KINDS, where),
        directions=_words(values, "direction", DIRECTIONS, where),
        country_code=_country_code(identifiers.get("country_code", ""), where),
        joined_by=_text(columns.get("joined_by", "-"), f"{where} [columns] joined_by"),
        cells={role: _columns(cells[role], f"{where} [cells] {role}") for role in CELL_ROLES if role in cells},
        cells_source=_source(_table(cells, "source", where), f"{where} [cells.source]"),
    )


def _table(said: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    table = said.get(name, {})
    if not isinstance(table, Mapping):
        raise InputError(f"{name} is not a table", where=where, expected=f"a section [{name}]")
    return table


def _only(table: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    if unknown := [name for name in table if name not in names]:
        raise InputError(f"unknown field {unknown[0]}", where=where, expected="one of: " + ", ".join(names))


def _columns(value: Any, where: str) -> tuple[Column, ...]:
    columns = tuple(value) if isinstance(value, list) and value else (value,)
    for column in columns:
        good = (isinstance(column, str) and column) or (
            isinstance(column, int) and not isinstance(column, bool) and column > 0
        )
        if not good:
            raise InputError(f"{column!r} names no column", where=where, expected="a name, or a number counted from 1")
    return columns


def _source(said: Mapping[str, Any], where: str) -> Source:
    _only(said, tuple(Source.__dataclass_fields__), where)
    source = Source(**said)
    if source.format not in ("csv", "parquet"):
        raise InputError(f"unknown format {source.format!r}", where=where, expected="csv or parquet")
    for name in ("delimiter", "quote"):
        sign = getattr(source, name)
        bad = not isinstance(sign, str) or len(sign.encode()) > 1 or sign in ("\r", "\n", "\0")
        if bad or (name == "delimiter" and not sign):
            raise InputError(f"{name} is {sign!r}", where=where, expected="one ASCII sign")
    if source.quote == source.delimiter:
        raise InputError(f"quote is {source.quote!r}", where=where, expected="another sign than the delimiter")
    if not _is_text_encoding(source.encoding):
        raise InputError(
            f"unknown encoding {source.encoding!r}", where=where, expected="utf-8, latin-1, cp1252, utf-16 …"
        )
    if not isinstance(source.header, bool):
        raise InputError("header is neither true nor false", where=where, expected="true or false")
    return source


def _is_text_encoding(name: Any) -> bool:
    try:
        codecs.getincrementaldecoder(name)
        return isinstance("".encode(name), bytes)  # base64 and its like are codecs, but not of text
    except (LookupError, TypeError, ValueError):
        return False


def _time_format(value: Any, where: str) -> str:
    if value not in ("iso", "epoch_s", "epoch_ms") and not (
        # A zone's name in a time would be applied beside the mapping's own.
        isinstance(value, str) and _is_pattern(value) and "%Z" not in value
    ):
        raise InputError(
            f"unknown time format {value!r}",
            where=where,
            expected="iso, epoch_s, epoch_ms or a pattern like %d/%m/%Y %H:%M:%S",
        )
    return str(value)


def _is_pattern(text: str) -> bool:
    """Say whether a text is a pattern of the engine that will read times by it."""
    import duckdb

    try:
        with duckdb.connect() as engine:
            engine.execute("SELECT try_strptime('', $form)", {"form": text})
    except duckdb.Error:
        return False
    return "%" in text


def _time_zone(value: Any, where: str) -> str:
    if not isinstance(value, str) or value not in available_timezones():
        raise InputError(f"unknown time zone {value!r}", where=where, expected="an IANA name such as Africa/Freetown")
    return str(value)


def _words(values: Mapping[str, Any], name: str, ours: Mapping[str, int], where: str) -> dict[str, int]:
    words: dict[str, int] = dict(ours)
    for theirs, word in _table(values, name, where).items():
        if not isinstance(word, str) or word not in ours:
            raise InputError(f"{word!r} is no {name}", where=f"{where} [values.{name}]", expected=" or ".join(ours))
        words[theirs] = ours[word]
    return words


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"joined_by is {value!r}", where=where, expected='a text such as "-"')
    return value


def _country_code(value: Any, where: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d{0,3}", value):
        raise InputError(f"country_code is {value!r}", where=f"{where} [identifiers]", expected='digits such as "232"')
    return value


def find_columns(names: Sequence[str] | None, width: int, wanted: Sequence[Column], path: Path) -> dict[Column, int]:
    """Find the place of each wanted column.

    Raises
    ------
    InputError
        A column is not there, or there twice; the message lists those that are.
    """
    positions: dict[Column, int] = {}
    bare = [name.strip() for name in names or ()]
    for column in wanted:
        if isinstance(column, int):
            if column > width:
                raise InputError(f"there is no column {column}", where=path, expected=f"1 to {width}")
            positions[column] = column - 1
        elif bare.count(column) == 1:
            positions[column] = bare.index(column)
        else:
            what = "there twice" if column in bare else "not there"
            raise InputError(f"column {column!r} is {what}", where=f"{path}, line 1", expected=say_columns(bare))
    return positions


def say_columns(names: Sequence[str]) -> str:
    """Say which columns there are; a first line that looks like somebody's event is not repeated."""
    if not names:
        return "a number, since the mapping says header = false"
    if any(sum(sign.isdigit() for sign in name) >= 5 for name in names):
        return "header = false in the mapping, since the first line looks like an event, and numbers for columns"
    return f"one of: {', '.join(names)}"
