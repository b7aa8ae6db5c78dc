"""Pieces: files divided so that many workers read them, each line under its own number.

A plain text file is surveyed once, for its digest and for where its blocks begin and which line that is; a worker then
reads one block. What is compressed, in another encoding or Parquet is read whole by one worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from commonweal.core.errors import Conflict, explain
from commonweal.mobility.blocks import Block, LineReader
from commonweal.mobility.layout import Column
from commonweal.mobility.reading import Reader, Reading, Turn

PROBE_BYTES = 2**16
_PACKED = (b"\x1f\x8b", b"\x28\xb5")


@dataclass(frozen=True)
class Piece:
    """A part of a file that one worker reads: plain data that travels.

    Parameters
    ----------
    path
        The file, at the same path everywhere.
    file
        Its number in the import.
    state
        Its size and the time it was changed, in nanoseconds, when it was surveyed.
    start, length
        Bytes of a block; of a whole file the length is None.
    first_line
        Number of its first line.
    positions, width
        Where a text's columns are.
    """

    path: Path
    file: int
    state: tuple[int, int]
    start: int = 0
    length: int | None = None
    first_line: int = 1
    positions: dict[Column, int] = field(default_factory=dict)
    width: int = 0

    def turns(self, reader: Reader, reading: Reading) -> Iterator[Turn]:
        """Give, block by block, how to parse it and the line after it.

        Raises
        ------
        Conflict
            The file was changed since it was surveyed.
        """
        if _state(self.path) != self.state:
            raise Conflict("the file changes while it is read", where=self.path, expected="a file that is complete")
        if self.length is None:
            yield from reader.blocks(self.path, 1, reading)
        else:
            block, plan = self._block(self.length), reader.plan(self.positions, self.width)
            yield lambda: reader.parse(block, plan, self.path), block.first_line + block.lines

    def beginning(self, reader: Reader) -> Iterator[Turn]:
        """Give a little of it, to see of what time it is."""
        if self.length is None:
            yield from replace(reader, block_bytes=PROBE_BYTES).blocks(self.path, 1, Reading(self.path))
            return
        block, plan = self._block(min(self.length, PROBE_BYTES)), reader.plan(self.positions, self.width)
        whole = Block(block.content[: block.content.rfind(b"\n", 0, -1) + 1], block.first_line)
        yield lambda: reader.parse(whole, plan, self.path), whole.first_line + whole.lines

    def _block(self, length: int) -> Block:
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                content = file.read(length)
        except OSError as error:
            raise explain(error, self.path) from error
        return Block(content if content.endswith(b"\n") else content + b"\n", self.first_line)


@dataclass(frozen=True)
class Survey:
    """What a survey of a file came to: its pieces, and its digest where it was read to its end."""

    pieces: tuple[Piece, ...]
    digest: str = ""


def survey(reader: Reader, piece: Piece) -> Survey:
    """Survey a whole file.

    Raises
    ------
    InputError
        A column that is read is not there, or the file is no table.
    """
    if not _is_plain(reader, piece.path):
        return Survey((piece,))
    lines = LineReader(piece.path, block_bytes=reader.block_bytes)
    start, pieces, plain = _mark(piece.path), list[Piece](), piece
    for number, block in enumerate(lines.blocks()):
        here = start
        start += len(block.content)
        if not number:
            positions, width, rest = reader.columns(piece.path, block)
            plain = replace(piece, positions=positions, width=width)
            here += len(block.content) - len(rest.content)
            block = rest
        if block.content:
            length = len(block.content)
            pieces.append(replace(plain, start=here, length=length, first_line=block.first_line))
    return Survey(tuple(pieces), lines.digest)


def whole(path: Path, number: int) -> Piece:
    """Give a file as one piece."""
    return Piece(path, number, _state(path))


def _is_plain(reader: Reader, path: Path) -> bool:
    source = reader.layout.source
    if source.format == "parquet" or LineReader(path, source.encoding).encoding not in ("utf-8", "ascii"):
        return False
    return _start(path, 2) not in _PACKED


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise explain(error, path) from error
    return found.st_size, found.st_mtime_ns


def _mark(path: Path) -> int:
    """Give how many bytes a mark of the encoding takes at a file's start."""
    return 3 if _start(path, 3) == b"\xef\xbb\xbf" else 0


def _start(path: Path, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(length)
    except OSError as error:
        raise explain(error, path) from error
