"""The records as entries of an archive: parts of JSON lines, the same from SQLite and from PostgreSQL.

A part begins with the names of a table's columns, and then has a line for each row, in the order of the primary key. So
the same rows always make the same bytes, and what was restored can be compared with what was backed up.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    func,
    select,
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError, IntegrityError, InvalidRequestError

from commonweal.core.backup.archive import Rows
from commonweal.core.database import Base
from commonweal.core.errors import Damaged, Unavailable

FOLDER = "database"
PART = 1 << 20
AT_ONCE = 500


@dataclass(frozen=True)
class Part:
    """Some rows of a table.

    Parameters
    ----------
    table
        Which table.
    number
        1, 2, …
    heading
        A line with the names of the columns.
    lines
        One a row.
    """

    table: str
    number: int
    heading: bytes
    lines: tuple[bytes, ...]

    @property
    def name(self) -> str:
        """The entry's."""
        return f"{FOLDER}/{self.table}/{self.number:06}.jsonl"

    @property
    def content(self) -> bytes:
        """The entry's."""
        return b"".join((self.heading, *self.lines))


class Tally:
    """Counts the rows of tables and digests them, however they are parted.

    Parameters
    ----------
    names
        Which tables.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._rows = dict.fromkeys(names, 0)
        self._digests = {name: sha256() for name in names}

    def add(self, part: Part) -> None:
        """Count a part."""
        self._rows[part.table] += len(part.lines)
        for line in part.lines:
            self._digests[part.table].update(line)

    def tables(self) -> dict[str, Rows]:
        """Give what was counted."""
        return {name: Rows(rows=rows, sha256=self._digests[name].hexdigest()) for name, rows in self._rows.items()}


def lasting() -> list[str]:
    """Give the tables that a backup holds; the models say of the others that they end with the installation."""
    return [table.name for table in Base.metadata.sorted_tables if table.info.get("backup", True)]


class Records:
    """Tables as they are in a database, whatever version of the models made them.

    Parameters
    ----------
    connection
        In a transaction.
    names
        Which tables.

    Raises
    ------
    Unavailable
        One is not there.
    """

    def __init__(self, connection: Connection, names: Collection[str]) -> None:
        self._connection = connection
        metadata = MetaData()
        try:
            metadata.reflect(connection, only=list(names))
        except InvalidRequestError as error:
            raise Unavailable(
                "the database does not have all tables", where="database", expected="run: commonweal db upgrade"
            ) from error
        self._tables = {table.name: table for table in metadata.sorted_tables if table.name in names}
        for table in self._tables.values():
            for column in table.columns:
                if isinstance(column.type, JSON):
                    column.type.none_as_null = True

    def parts(self) -> Iterator[Part]:
        """Read all tables; those that others refer to come first."""
        for table in self._tables.values():
            heading = _line([column.name for column in table.columns])
            rows = self._connection.execute(self._in_order(table), execution_options={"yield_per": AT_ONCE})
            for number, lines in enumerate(_parted(rows), 1):
                yield Part(table.name, number, heading, lines)

    def load(self, name: str, content: bytes) -> None:
        """Insert the rows of an entry into their table.

        Raises
        ------
        Damaged
            It is not what `parts` gives.
        """
        try:
            table = self._tables[name.split("/")[1]]
            heading, *lines = (json.loads(line) for line in content.splitlines())
            columns = [table.columns[column] for column in heading]
            rows = [
                {column.name: _typed(column, value) for column, value in zip(columns, line, strict=True)}
                for line in lines
            ]
            for begin in range(0, len(rows), AT_ONCE):
                self._connection.execute(table.insert(), rows[begin : begin + AT_ONCE])
        except (ValueError, LookupError, TypeError, IntegrityError, DataError) as error:
            raise Damaged("these are no rows of its table", where=name, expected="what was backed up") from error

    def continue_numbering(self) -> None:
        """Have the database number new rows after those that were loaded."""
        if self._connection.dialect.name != "postgresql":
            return  # SQLite looks for the highest number each time
        find, set_ = text("SELECT pg_get_serial_sequence(:table, :column)"), text("SELECT setval(:sequence, :newest)")
        for table in self._tables.values():
            for column in table.primary_key:
                sequence = self._connection.scalar(find, {"table": f'"{table.name}"', "column": column.name})
                newest = self._connection.scalar(select(func.max(column)))
                if sequence and newest:
                    self._connection.execute(set_, {"sequence": sequence, "newest": newest})

    def _in_order(self, table: Table) -> Select[Any]:
        # PostgreSQL would put text into a language's order.
        plain = self._connection.dialect.name == "postgresql"
        key = [
            column.collate("C") if plain and isinstance(column.type, String) else column for column in table.primary_key
        ]
        return select(*table.columns).order_by(*key)


def _parted(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[bytes, ...]]:
    lines: list[bytes] = []
    size = 0
    for row in rows:
        lines.append(_line([_plain(value) for value in row]))
        size += len(lines[-1])
        if size >= PART:
            yield tuple(lines)
            lines, size = [], 0
    if lines:
        yield tuple(lines)


def _line(values: list[Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case bytes() | memoryview():
            return base64.b64encode(value).decode()
        case _:
            return value


def _typed(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    match column.type:
        case DateTime():
            return datetime.fromisoformat(value)
        case Date():
            return date.fromisoformat(value)
        case LargeBinary():
            return base64.b64decode(value, validate=True)
        case _:
            return value
