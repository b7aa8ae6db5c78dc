"""An archive: a tar, compressed with Zstandard, whose last entry is a manifest of all others with size and SHA-256.

What is not a plain file with a plain path below the archive's root is refused before it is read, and so is an archive
that does not hold exactly what its manifest says. Neither writing nor reading holds more than a part of a file.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO, Literal, TypeAlias

import zstandard
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from commonweal.core.audit_head import EMPTY, Head
from commonweal.core.errors import Conflict, Damaged, InputError, explain

MANIFEST = "manifest.json"
KEYS = "keys/"  # begins the names of all entries in an archive of keys, and of none in another
PART = 1 << 20
LARGEST = 1 << 28  # bytes of an entry that is held in memory as a whole
ATTEMPTS = 20

Together: TypeAlias = Callable[[], Sequence[Path]]
"""Gives the files that belong together at the moment it is called; each is there unchanged, or not there."""
Take: TypeAlias = Callable[[str, Iterator[bytes]], None]
"""Takes an entry's name and content; what it leaves of the content is read all the same."""
Watch: TypeAlias = Callable[[int], None]
"""Is told now and then how many bytes have been written or read; it may raise, to stop."""


class Overtaken(Exception):
    """What the records say is there has been removed since, as other records tell: they must be read again.

    Parameters
    ----------
    path
        What is gone.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


def _nobody(done: int) -> None:
    pass


class Entry(BaseModel):
    """Size in bytes and SHA-256 of an entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: NonNegativeInt
    sha256: str


class Rows(BaseModel):
    """How many rows of a table there are, and SHA-256 of their lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: NonNegativeInt
    sha256: str


class Manifest(BaseModel):
    """What an archive says of itself.

    Parameters
    ----------
    kind
        ``data`` or ``keys``.
    format
        Of the archive.
    version
        Of Commonweal, which made it.
    made
        When.
    revisions
        Migrations that the database stood at.
    tables
        What is held of each table.
    audit
        Where the audit log ends in it.
    keys
        SHA-256 of each key that belongs to the data.
    entries
        All others, in their order.
    digest
        SHA-256 of the manifest, and so of all that the archive holds; the manifest does not say it of itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["data", "keys"]
    format: Literal[1] = 1
    version: str
    made: datetime
    revisions: tuple[str, ...] = ()
    tables: dict[str, Rows] = {}
    audit: Head = EMPTY
    keys: dict[str, str] = {}
    entries: dict[str, Entry] = {}
    digest: str = Field(default="", exclude=True)

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return sum(entry.size for entry in self.entries.values())

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())


class Writer:
    """Writes an archive.

    Parameters
    ----------
    file
        Opened for writing, seekable.
    watch
        Told of the bytes before they are compressed.

    Attributes
    ----------
    written
        How many bytes were added, those that were taken back among them.
    """

    def __init__(self, file: BinaryIO, watch: Watch = _nobody) -> None:
        self.written = 0
        self._watch = watch
        self._file = file
        self._stream = zstandard.ZstdCompressor().stream_writer(file, closefd=False)
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, content: bytes) -> None:
        """Add an entry with this content."""
        self._add(name, len(content), io.BytesIO(content))

    def copy(self, files: Together, name_of: Callable[[Path], str]) -> None:
        """Add files that belong together, all as of one moment.

        Where one has gone because others have taken its place, what was added of them is taken back, and these are
        added instead.

        Raises
        ------
        Damaged
            A file is not there, and nothing has taken its place.
        Conflict
            They changed again and again.
        """
        for _ in range(ATTEMPTS):
            self._stream.flush(zstandard.FLUSH_FRAME)  # what follows is compressed by itself, so it can be cut off
            begun, before = self._file.tell(), dict(self._entries)
            paths = files()
            gone = next((path for path in paths if not self._copied(name_of(path), path)), None)
            if gone is None:
                return
            if files() == paths:
                raise is_missing(gone)
            self._stream.flush(zstandard.FLUSH_FRAME)
            self._file.seek(begun)
            self._file.truncate()
            self._entries = before
        raise changes_on(gone)

    def finish(self, manifest: Manifest) -> Manifest:
        """End the archive with its manifest, which is completed and given back."""
        manifest = manifest.model_copy(update={"entries": dict(self._entries)})
        content = manifest.model_dump_json(indent=1).encode()
        self.add(MANIFEST, content)
        self._stream.write(bytes(2 * tarfile.BLOCKSIZE))
        self._stream.flush(zstandard.FLUSH_FRAME)
        self._file.flush()
        return manifest.model_copy(update={"digest": sha256(content).hexdigest()})

    def _copied(self, name: str, path: Path) -> bool:
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise explain(error, path) from error
        with source:
            self._add(name, os.fstat(source.fileno()).st_size, source)
        return True

    def _add(self, name: str, size: int, source: BinaryIO) -> None:
        header = tarfile.TarInfo(name)
        header.size, header.mode = size, 0o600
        self._stream.write(header.tobuf(tarfile.PAX_FORMAT))
        digest, left = sha256(), size
        while left:
            part = source.read(min(left, PART))
            if not part:
                raise Damaged("this file became shorter while it was copied", where=name)
            digest.update(part)
            self._stream.write(part)
            left -= len(part)
            self.written += len(part)
            self._watch(self.written)
        self._stream.write(bytes(-size % tarfile.BLOCKSIZE))
        self._entries[name] = Entry(size=size, sha256=digest.hexdigest())


def is_missing(path: Path) -> Damaged:
    """Say that what belongs to the data is not there."""
    return Damaged("this file is missing", where=path, expected="a backup that holds it")


def changes_on(path: Path | None) -> Conflict:
    """Say that it was tried often enough."""
    return Conflict("it changed again and again while it was copied", where=path, expected="the same command again")


def kind_of(path: Path) -> Literal["data", "keys"] | None:
    """Tell from its beginning what an archive holds; None if it is none. Whether it is whole, `read` tells."""
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as stream:
            first = tarfile.TarInfo.frombuf(stream.read(tarfile.BLOCKSIZE), "utf-8", "strict")
    except (tarfile.TarError, zstandard.ZstdError, UnicodeDecodeError, OSError):
        return None
    return "keys" if first.name.startswith(KEYS) else "data"


def read(
    path: Path, kind: Literal["data", "keys"], take: Take = lambda name, content: None, watch: Watch = _nobody
) -> Manifest:
    """Read an archive to its end and prove that it is whole.

    Parameters
    ----------
    path
        The archive.
    kind
        What it must be of.
    take
        Called with each entry but the manifest, in order; what it is given is proven only when this function returns.
    watch
        Told of the bytes of the file that were read.

    Raises
    ------
    Damaged
        It cannot be read, ends too early, or holds something else than its manifest says: the message names the entry.
    InputError
        It is an archive of the other kind, or none.
    """
    found: dict[str, Entry] = {}
    manifest: bytes | None = None
    at: str | None = None
    broken: Exception | None = None
    try:
        with (
            path.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False) as stream,
            tarfile.open(fileobj=stream, mode="r|") as tar,
        ):
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would remember them all
                _refuse_other_than_plain(member, path)
                if manifest is not None or member.name in found:
                    raise Damaged(f"entry {member.name} has no place there", where=path, expected=_OTHER_COPY)
                if member.name != MANIFEST and member.name.startswith(KEYS) != (kind == "keys"):
                    raise InputError(f"this is no backup of {kind}", where=path, expected=f"the backup of the {kind}")
                at = member.name
                content = tar.extractfile(member)
                assert content is not None  # since it is a plain file
                if member.name == MANIFEST:
                    manifest = whole(_parts(content))
                else:
                    found[member.name] = _taken(member.name, content, take, lambda: watch(file.tell()))
    except (tarfile.TarError, zstandard.ZstdError) as error:
        broken = error
    except OSError as error:
        raise explain(error, path) from error
    if at is None:
        raise InputError("this is no backup, or its beginning is damaged", where=path, expected=_MADE) from broken
    if broken:
        raise Damaged(f"it cannot be read any further from entry {at} on", where=path, expected=_OTHER_COPY) from broken
    if manifest is None:
        raise Damaged(f"it is not whole: it ends after entry {at}", where=path, expected=_OTHER_COPY)
    said = _parsed(manifest, kind, path)
    wrong = [name for name in (said.entries | found) if said.entries.get(name) != found.get(name)]
    if wrong:
        more = f" and {len(wrong) - 1} more entries are" if len(wrong) > 1 else " is"
        raise Damaged(f"entry {wrong[0]}{more} not what the manifest says", where=path, expected=_OTHER_COPY)
    return said


def whole(content: Iterator[bytes]) -> bytes:
    """Join what an entry holds that must fit into memory.

    Raises
    ------
    Damaged
        It is too large to have been written by `Writer`'s callers.
    """
    found = bytearray()
    for part in content:
        found += part
        if len(found) > LARGEST:
            raise Damaged("an entry is larger than any of its kind", expected=_MADE)
    return bytes(found)


_OTHER_COPY = "another copy of this backup, or another backup"
_MADE = "what commonweal backup create wrote"


def _taken(name: str, content: IO[bytes], take: Take, tell: Callable[[], None]) -> Entry:
    digest, size = sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for part in _parts(content):
            digest.update(part)
            size += len(part)
            tell()
            yield part

    left = counted()
    take(name, left)
    for _ in left:
        pass
    return Entry(size=size, sha256=digest.hexdigest())


def _parts(content: IO[bytes]) -> Iterator[bytes]:
    while part := content.read(PART):
        yield part


def _refuse_other_than_plain(member: tarfile.TarInfo, path: Path) -> None:
    parts = member.name.split("/")
    plain = all(part and not part.startswith(".") and "\\" not in part and part.isprintable() for part in parts)
    if member.type != tarfile.REGTYPE or member.issparse() or not plain:
        raise Damaged(
            f"entry {member.name!r} is no plain file below the root",
            where=path,
            expected="an archive that nobody has tampered with",
        )


def _parsed(content: bytes, kind: Literal["data", "keys"], path: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Damaged(f"the manifest cannot be read: {field}: {first['msg']}", where=path, expected=_MADE) from None
    if manifest.kind != kind:
        raise InputError(f"this is no backup of {kind}", where=path, expected=f"the backup of the {kind}")
    return manifest.model_copy(update={"digest": sha256(content).hexdigest()})
