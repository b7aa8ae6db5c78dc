"""A file as a stream of blocks of whole lines, whatever it is compressed with or encoded in.

Memory stays at a block, however long the file. Each block knows the number of its first line, so a rejected row can
be named; the file's digest is made on the way, so it is read once.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from commonweal.core.errors import Damaged, InputError, explain

BLOCK_BYTES = 32 * 2**20
LONGEST_LINE = 2**20
PACKED_BYTES = 2**14  # lines that repeat may grow ten thousandfold


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, in UTF-8 where the file's encoding could be read.

    Parameters
    ----------
    content
        The lines, the last one ended.
    first_line
        Number of the first, counted from 1.
    """

    content: bytes
    first_line: int

    @cached_property
    def lines(self) -> int:
        """How many lines there are."""
        return self.content.count(b"\n")

    def from_line(self, line: int) -> Block:
        """Give the part from a line on."""
        if line <= self.first_line:
            return self
        place = 0
        for _ in range(line - self.first_line):
            place = self.content.find(b"\n", place) + 1
            if not place:
                return Block(b"", line)
        return Block(self.content[place:], line)


class _Digesting(io.RawIOBase):
    """A reader that digests what passes through it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        read = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self.digest.update(buffer[:read])
        self.position += read
        return int(read)


class _Frames(io.RawIOBase):
    """The content of Zstandard frames put end to end; unlike the library's reader, it notices a last one cut short."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame: Any = None  # the frame that is open
        self._packed = self._content = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._content:
            self._packed = self._packed or self._file.read(PACKED_BYTES)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("it ends in the middle of a frame")
                return 0
            self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._content, self._packed = self._frame.decompress(self._packed), b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        given = min(len(buffer), len(self._content))
        buffer[:given], self._content = self._content[:given], self._content[given:]
        return given


class LineReader:
    """Reads a file as blocks of lines; after the last block, `digest` is the file's SHA-256 as it lies on disk.

    Parameters
    ----------
    path
        Plain, ``.gz`` or ``.zst``; what it is shows in its first bytes, not in its name.
    encoding
        Text encoding of the lines.
    block_bytes
        Size of a block.

    Raises
    ------
    Unavailable
        The file cannot be read.
    Damaged
        Its compression is broken; what came before the break has been given out.
    InputError
        A line is longer than a megabyte, so this is no table.
    """

    def __init__(self, path: Path, encoding: str = "utf-8", block_bytes: int = BLOCK_BYTES) -> None:
        self.path = path
        self.encoding = codecs.lookup(encoding).name
        self.block_bytes = block_bytes
        self._digesting: _Digesting | None = None

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the bytes read so far."""
        assert self._digesting is not None
        return self._digesting.digest.hexdigest()

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return 0 if self._digesting is None else self._digesting.position

    def blocks(self) -> Iterator[Block]:
        """Give the file's lines, block after block."""
        rest, line, start = b"", 1, True
        for piece in self._pieces():
            if start:
                piece, start = piece.removeprefix(codecs.BOM_UTF8), False
            end = piece.rfind(b"\n") + 1
            if not end:
                rest += piece
                if len(rest) > LONGEST_LINE:
                    raise InputError(
                        "a line is longer than a megabyte",
                        where=f"{self.path}, line {line}",
                        expected="a table of lines",
                    )
                continue
            block = Block(rest + piece[:end], line)
            rest = piece[end:]
            line += block.lines
            yield block
        if rest:
            yield Block(rest + b"\n", line)

    def _pieces(self) -> Iterator[bytes]:
        with self._opened() as stream:
            if self.encoding in ("utf-8", "ascii"):
                while piece := stream.read(self.block_bytes):
                    yield piece
                return
            # Bytes that are not of this encoding become U+FFFD: the row is judged like any other.
            decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
            while piece := stream.read(self.block_bytes):
                yield decoder.decode(piece).encode()
            yield decoder.decode(b"", final=True).encode()

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            with self.path.open("rb", buffering=0) as file:
                start = file.read(4)
                file.seek(0)
                self._digesting = _Digesting(file)
                buffered = io.BufferedReader(self._digesting, 2**20)
                if start[:2] == b"\x1f\x8b":
                    yield gzip.GzipFile(fileobj=buffered)
                elif start == b"\x28\xb5\x2f\xfd":
                    yield io.BufferedReader(_Frames(buffered), 2**20)
                else:
                    yield self._digesting
                while buffered.read(2**20):  # what follows the compressed data belongs to the file's digest
                    pass
        except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
            raise Damaged(
                f"its compression is broken: {error}",
                where=self.path,
                expected="a file that arrived whole; copy it again",
            ) from None
        except OSError as error:
            raise explain(error, self.path) from error


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise explain(error, path) from error
