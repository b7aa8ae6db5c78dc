"""Lines of text as columns: fast where they are what they should be, line by line where they are not."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from commonweal.core.errors import InputError
from commonweal.mobility.blocks import Block
from commonweal.mobility.layout import Column, Layout, Source

LONGEST_RECORD = 20  # lines after which an unfinished quote is taken for a slip


def read_lines(
    block: Block, source: Source, positions: Sequence[int], width: int
) -> tuple[pa.Table, np.ndarray, list[tuple[int, str]]]:
    """Split a block's lines into columns of text.

    Parameters
    ----------
    source
        How the file is written.
    positions
        Places of the columns that are wanted, from 0.
    width
        Number of columns of a line.

    Returns
    -------
    table, lines, broken
        The wanted columns, the number of each row's line, and the lines that are none of the table's, each with why.
    """
    content = block.content
    if b"\0" in content or _has_lone_return(content) or not (content.isascii() or _is_utf8(content)):
        return _line_by_line(block, source, positions, width)
    malformed: list[int] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        malformed.append(row.number - 1)
        return "skip"

    used = [str(position) for position in positions]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(
                use_threads=False, block_size=len(content) + 1, column_names=[str(i) for i in range(width)]
            ),
            arrow_csv.ParseOptions(
                delimiter=source.delimiter,
                quote_char=source.quote or False,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            arrow_csv.ConvertOptions(include_columns=used, column_types=dict.fromkeys(used, pa.string())),
        )
    except pa.ArrowInvalid:
        return _line_by_line(block, source, positions, width)
    if table.num_rows + len(malformed) != block.lines:  # a quote that was never closed has swallowed lines
        return _line_by_line(block, source, positions, width)
    number = np.arange(block.lines)
    lines = number if not malformed else np.delete(number, malformed)
    if len(empty := _empty_lines(content)):  # they became rows of nothing
        said = ~np.isin(lines, empty)
        table, lines = table.filter(pa.array(said)), lines[said]
    starts = _line_starts(content) if malformed else None
    broken = [
        (block.first_line + row, "malformed line")
        for row in malformed
        if starts is not None and content[starts[row] : starts[row + 1]].strip()  # an empty line says nothing
    ]
    return table, lines + block.first_line, broken


def _line_by_line(
    block: Block, source: Source, positions: Sequence[int], width: int
) -> tuple[pa.Table, np.ndarray, list[tuple[int, str]]]:
    """Do the same for a block that holds something strange: slowly, so that only the strange lines are lost."""
    texts: list[list[str]] = [[] for _ in positions]
    lines: list[int] = []
    broken: list[tuple[int, str]] = []
    for number, raw in enumerate(block.content.split(b"\n")[:-1], block.first_line):
        if not raw.strip():
            continue
        try:
            text = raw.decode().rstrip("\r")
            fields = next(_csv_reader([text], source), [])
        except UnicodeDecodeError:
            broken.append((number, "bad encoding"))
            continue
        except csv.Error:
            fields = []
        if len(fields) != width or "\0" in text:
            broken.append((number, "malformed line"))
            continue
        lines.append(number)
        for column, position in zip(texts, positions, strict=True):
            column.append(fields[position])
    names = [str(position) for position in positions]
    return pa.table([pa.array(text, pa.string()) for text in texts], names), np.array(lines, np.int64), broken


def _csv_reader(lines: Iterable[str], source: Source) -> Iterator[list[str]]:
    if source.quote:
        return csv.reader(lines, delimiter=source.delimiter, quotechar=source.quote, strict=True)
    return csv.reader(lines, delimiter=source.delimiter, quoting=csv.QUOTE_NONE)


def split_line(line: str, source: Source) -> list[str]:
    """Split one line into its fields."""
    try:
        return next(_csv_reader([line.rstrip("\r\n")], source), [])
    except csv.Error:
        return []


def refuse_line_breaks(block: Block, suspects: Iterable[int], source: Source, width: int | None, path: Path) -> None:
    """Refuse a file in which a field in quotes goes on in the next line; lines are all that is read.

    An unfinished quote alone is a slip that spoils its own line. It is taken for a line break in a field only if lines
    that are no rows by themselves finish it, and all of them together are a row.

    Parameters
    ----------
    suspects
        Numbers of lines at which such a row may begin.
    width
        Number of columns of a line, where it is known.

    Raises
    ------
    InputError
        With the line at which the first such row begins.
    """
    suspects = list(suspects)
    if not suspects or not source.quote or source.quote.encode() not in block.content:
        return
    lines = block.content.split(b"\n")[:-1]
    for number in suspects:
        at = number - block.first_line
        if source.quote.encode() in lines[at] and _goes_on(lines[at : at + LONGEST_RECORD], source, width):
            raise InputError(
                "a field in quotes goes on in the next line",
                where=f"{path}, line {number}",
                expected="an export without line breaks in fields; "
                'or, if its quotes are signs like any other, quote = "" in the section [source] of the mapping',
            )


def _goes_on(lines: Sequence[bytes], source: Source, width: int | None) -> bool:
    """Say whether the first of some lines and those after it are one row."""
    texts = [line.decode(errors="replace").rstrip("\r") for line in lines]
    unread = iter(texts)
    try:
        fields = next(_csv_reader(unread, source), [])
    except csv.Error:
        return False
    others = texts[1 : len(texts) - len(list(unread))]
    if not others or width not in (None, len(fields)):
        return False
    return width is None or all(len(split_line(text, source)) != width for text in others)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_lone_return(content: bytes) -> bool:
    """Say whether there is a carriage return that ends no line; the reader would end one there."""
    return content.count(b"\r") != content.count(b"\r\n")


def _empty_lines(content: bytes) -> np.ndarray:
    """Give the numbers, from 0, of lines that hold nothing."""
    if not content.startswith((b"\n", b"\r\n")) and b"\n\n" not in content and b"\n\r\n" not in content:
        return np.zeros(0, np.int64)
    signs = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(signs == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    return np.flatnonzero((ends == starts) | ((ends == starts + 1) & (signs[starts] == ord("\r"))))


def _line_starts(content: bytes) -> list[int]:
    return [0, *(match.end() for match in re.finditer(b"\n", content))]


def by_role(table: pa.Table, layout: Layout) -> dict[str, pa.Array]:
    """Give the text of each role; several columns are joined."""
    place = {column: number for number, column in enumerate(layout.used)}

    def text(columns: tuple[Column, ...], joined_by: str) -> pa.Array:
        parts = [_whole(table.column(place[column])) for column in columns]
        if len(parts) == 1:
            return parts[0]
        return pc.binary_join_element_wise(*(pc.utf8_trim_whitespace(part) for part in parts), joined_by)

    roles = {role: text(columns, layout.joined_by) for role, columns in layout.columns.items()}
    return roles | {"time": text(layout.time, " ")}


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])
