"""What an epoch's store holds: its segments, named by a manifest whose replacement is the commit.

Each commit writes ``manifest-N.json`` under the next number, whole and synced; the newest one counts. It carries
HMAC-SHA-256, under a key of its epoch, of all that it says (as JSON with sorted keys and no spaces), so that nobody
without the key can drop a segment, exchange one or bring one back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from commonweal.core.durable import creating
from commonweal.core.errors import Conflict, Damaged, NotFound, explain
from commonweal.mobility.keys import EpochKey


@dataclass(frozen=True, order=True)
class Segment:
    """One file of the store.

    Parameters
    ----------
    store
        ``events``, ``rejects`` or ``objections``.
    bucket
        Which subscribers.
    start, end
        UTC seconds; the end is not included.
    rows
        How many.
    digest
        SHA-256 of the columns' values, whatever file they lie in.
    file
        Path below the epoch's folder.
    """

    store: str
    bucket: int
    start: int
    end: int
    rows: int
    digest: str
    file: str


@dataclass(frozen=True)
class Manifest:
    """What an epoch's store holds.

    Parameters
    ----------
    project, epoch
        Whose.
    starts, ends
        The epoch's span, UTC seconds.
    bucket_bits
        Buckets are the top bits of the pseudonym.
    fingerprint
        Of the epoch key.
    data_key
        Wrapped.
    sequence
        Number of this manifest.
    segments
        In order.
    applied
        Identities of the imports that have been committed, so that one taken up again is not applied twice.
    cells
        Digest of the cell register that the newest of them knew: its codes are those of the events.
    """

    project: str
    epoch: str
    starts: int
    ends: int
    bucket_bits: int
    fingerprint: str
    data_key: str
    sequence: int = 0
    segments: tuple[Segment, ...] = ()
    applied: tuple[str, ...] = field(default=())
    cells: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of what the events are, not of how or when they were written."""
        said = [(s.store, s.bucket, s.start, s.end, s.rows, s.digest) for s in self.segments if s.store == "events"]
        content = [self.project, self.epoch, self.starts, self.bucket_bits, said]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def events(self, bucket: int | None = None) -> list[Segment]:
        """Give the segments of events, of one bucket or of all, in order of time."""
        found = [s for s in self.segments if s.store == "events" and bucket in (None, s.bucket)]
        return sorted(found, key=lambda s: (s.bucket, s.start))


def manifest_numbers(folder: Path) -> Iterator[int]:
    """Give the numbers of an epoch's manifests; the highest is the one that holds."""
    for path in folder.glob("manifest-*.json"):
        if match := re.fullmatch(r"manifest-(\d+)\.json", path.name):
            yield int(match[1])


def manifest_path(folder: Path, number: int) -> Path:
    """Where the manifest of a number lies."""
    return folder / f"manifest-{number}.json"


def read_manifest(folder: Path, key: EpochKey | None = None) -> Manifest:
    """Read the newest manifest of an epoch.

    Parameters
    ----------
    folder
        The epoch's folder.
    key
        The epoch's key. Without it, what the manifest says is not proven.

    Raises
    ------
    NotFound
        There is none.
    Damaged
        It cannot be read, is of another key, was altered, or is older than what was committed under this key.
    """
    committed = key.committed() if key else None  # first: what is committed meanwhile only makes the manifest newer
    newest = max(manifest_numbers(folder), default=None)
    if committed is not None and (newest is None or newest < committed):
        there = "none is there" if newest is None else f"the newest one there is {newest}"
        raise Damaged(
            f"manifest {committed} was committed, and {there}: this is an older store, or part of one",
            where=folder,
            expected="the newest store; for a restored backup see docs/security.md#going-back-to-an-older-store",
        )
    if newest is None:
        raise NotFound("there is no store here", where=folder, expected="run: commonweal mobility import")
    path = manifest_path(folder, newest)
    try:
        said: dict[str, Any] = json.loads(path.read_text())
        authenticated = str(said.pop("hmac"))
        segments = tuple(Segment(**segment) for segment in said["segments"])
        manifest = Manifest(**(said | {"segments": segments, "applied": tuple(said["applied"])}))
    except FileNotFoundError:
        return read_manifest(folder, key)  # a newer one has taken its place since
    except OSError as error:
        raise explain(error, path) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged("the manifest cannot be read", where=path, expected="a backup of this folder") from error
    if key is None:
        return manifest
    if key.fingerprint != manifest.fingerprint:
        raise Damaged(
            f"the key's fingerprint is {key.fingerprint}",
            where=folder,
            expected=f"the key with fingerprint {manifest.fingerprint}",
        )
    if manifest.sequence != newest or not key.vouches_for(_content(said), authenticated):
        raise Damaged(
            "the manifest was altered, or is not of this place: its HMAC is not that of what it says",
            where=path,
            expected="a backup of this folder",
        )
    return manifest


def _content(said: dict[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def write_manifest(folder: Path, manifest: Manifest, key: EpochKey) -> None:
    """Write a manifest under its own number, authenticated: from then on it holds, and its key's head knows of it.

    Raises
    ------
    Conflict
        Another process committed this number.
    """
    said = asdict(manifest)
    try:
        with creating(manifest_path(folder, manifest.sequence)) as written:
            written.write_text(json.dumps(said | {"hmac": key.authenticate(_content(said))}, indent=1))
    except Conflict:
        raise Conflict(
            "another process has committed to this store", where=folder, expected="the same command again"
        ) from None
    key.commit(manifest.sequence)
