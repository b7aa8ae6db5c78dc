"""Transit: events on their way between workers, which an engine may lay down on their disks.

Each piece is an Arrow stream under AES-256-GCM (NIST SP 800-38D), bound to the place it goes to, with a key made for
one import. The key lies in the key directory, where workers find it, and is destroyed with the import's end: what an
engine left on a disk can then be read by nobody.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commonweal.core.durable import replacing
from commonweal.core.errors import Damaged, Unavailable, explain
from commonweal.mobility.keys import destroy_file

_NONCE = 12
_KEY = 32


@dataclass(frozen=True, repr=False)
class Transit:
    """What seals pieces, and opens them.

    Parameters
    ----------
    key
        32 random bytes.

    Examples
    --------
    >>> transit = Transit(bytes(32))
    >>> sealed = transit.seal(pa.table({"n": [1]}), (3, 1))
    >>> transit.open(sealed, (3, 1)).to_pydict()
    {'n': [1]}
    """

    key: bytes

    def seal(self, table: pa.Table, place: tuple[int, ...]) -> bytes:
        """Encrypt a table for a place."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(table)
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, sink.getvalue().to_pybytes(), repr(place).encode())

    def open(self, sealed: bytes, place: tuple[int, ...]) -> pa.Table:
        """Decrypt what was sealed for a place.

        Raises
        ------
        Damaged
            It is something else, or was altered on the way.
        """
        try:
            content = AESGCM(self.key).decrypt(sealed[:_NONCE], sealed[_NONCE:], repr(place).encode())
        except InvalidTag:
            raise Damaged(
                "events were altered on their way between workers", expected="the same command again"
            ) from None
        return pa.ipc.open_stream(content).read_all()


def key_path(keys: Path, project: str, identity: str) -> Path:
    """Where the key of an import lies while it lasts."""
    return keys / "mobility" / project / f"{identity}.transit"


def begin(keys: Path, project: str, identity: str) -> None:
    """Make a key for an import, readable by its owner alone."""
    with replacing(key_path(keys, project, identity), mode=0o600, parents=True) as written:
        written.write_bytes(os.urandom(_KEY))


def opened(keys: Path, project: str, identity: str) -> Transit:
    """Open an import's key.

    Raises
    ------
    Unavailable
        It is not there: the import has ended, or this is another key directory.
    """
    path = key_path(keys, project, identity)
    try:
        return Transit(path.read_bytes())
    except FileNotFoundError:
        raise Unavailable(
            "the key of this import is not there", where=path, expected="the key directory, at the same path everywhere"
        ) from None
    except OSError as error:
        raise explain(error, path) from error


def end(keys: Path, project: str) -> None:
    """Destroy the keys of a project's imports: of one that has ended, and of any that could not do so."""
    for path in (keys / "mobility" / project).glob("*.transit"):
        with suppress(FileNotFoundError):
            destroy_file(path)
