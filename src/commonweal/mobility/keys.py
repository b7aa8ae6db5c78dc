"""The keys of a project's epochs: made, opened, destroyed.

An epoch has one secret of 32 random bytes in the key directory. Three keys are derived from it (HKDF-SHA-256,
RFC 5869): one makes pseudonyms, one wraps the store's data key (RFC 3394), one authenticates its manifests (HMAC,
RFC 2104); and a fingerprint tells a wrong key file from the right one without saying anything about it. Without the
secret the store cannot be read and no pseudonym can be made again.

Beside the key lies its head: the number of the newest manifest that was committed under it, so that an older store put
back in its place is found. The head may lag behind (the machine may stop between the two writes) and never leads.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from commonweal.core.durable import creating, replacing, sync
from commonweal.core.errors import Conflict, Damaged, Unavailable, explain


@dataclass(frozen=True)
class EpochKey:
    """An opened epoch key. Its secrets stay out of `repr`, so out of every log."""

    fingerprint: str
    pseudonym: bytes
    wrapping: bytes
    authenticating: bytes
    head: Path | None = None

    def __repr__(self) -> str:
        return f"EpochKey({self.fingerprint})"

    @classmethod
    def from_secret(cls, secret: bytes, head: Path | None = None) -> EpochKey:
        """Derive the working keys; the head, if there is to be one, lies in a file of its own."""
        return cls(
            fingerprint=_derive(secret, b"fingerprint", 8).hex(),
            pseudonym=_derive(secret, b"pseudonym", 32),
            wrapping=_derive(secret, b"wrapping", 32),
            authenticating=_derive(secret, b"authenticating", 32),
            head=head,
        )

    def wrap(self, data_key: bytes) -> str:
        """Wrap a data key, so that it may lie beside the data."""
        return aes_key_wrap(self.wrapping, data_key).hex()

    def unwrap(self, wrapped: str, where: Path) -> bytes:
        """Open a wrapped data key.

        Raises
        ------
        Damaged
            It was wrapped by another key, or altered.
        """
        try:
            return aes_key_unwrap(self.wrapping, bytes.fromhex(wrapped))
        except (InvalidUnwrap, ValueError):
            raise Damaged("its data key does not open with this epoch's key", where=where) from None

    def authenticate(self, content: bytes) -> str:
        """Give the content's HMAC-SHA-256, which nobody can make without the secret."""
        return hmac.digest(self.authenticating, content, "sha256").hex()

    def vouches_for(self, content: bytes, authenticated: str) -> bool:
        """Say whether this is what `authenticate` gave for the content."""
        return hmac.compare_digest(self.authenticate(content).encode(), authenticated.encode(errors="replace"))

    def committed(self) -> int | None:
        """Give the number of the newest manifest known to be committed; None if none is known.

        Raises
        ------
        Damaged
            The head is not readable.
        """
        if self.head is None:
            return None
        try:
            return int(self.head.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise explain(error, self.head) from error
        except ValueError:
            raise Damaged("this is no number of a manifest", where=self.head, expected="a backup to restore") from None

    def commit(self, number: int) -> None:
        """Keep the number of a manifest that was committed."""
        if self.head is not None:
            with replacing(self.head, mode=0o600) as written:
                written.write_text(f"{number}\n", encoding="ascii")


def _derive(secret: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"commonweal mobility " + purpose).derive(secret)


def key_path(keys: Path, project: str, epoch: str) -> Path:
    """Where the key of an epoch lies."""
    return keys / "mobility" / project / f"{epoch}.key"


def there(keys: Path) -> Iterator[tuple[str, str]]:
    """Give project and epoch of every key there is."""
    for path in (keys / "mobility").glob("*/*.key"):
        yield path.parent.name, path.stem


def create(keys: Path, project: str, epoch: str) -> EpochKey:
    """Make an epoch's key, readable by its owner alone; one that is there already is opened instead.

    The file is on disk before any pseudonym is made with it, so a crash can leave a key without data but never
    data without a key.
    """
    with suppress(Conflict), creating(key_path(keys, project, epoch), mode=0o600, parents=True) as written:
        written.write_text(os.urandom(32).hex() + "\n")
    return open_key(keys, project, epoch)


def open_key(keys: Path, project: str, epoch: str, fingerprint: str | None = None) -> EpochKey:
    """Open an epoch's key and see that it is the right one.

    Raises
    ------
    Unavailable
        The key is not there: destroyed, or in another key directory.
    Damaged
        The file is not a key, or the key of something else.
    Conflict
        Others can read it.
    """
    path = key_path(keys, project, epoch)
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
        mode = path.stat().st_mode & 0o077
    except FileNotFoundError:
        raise Unavailable(
            f"there is no key for epoch {epoch} of project {project}",
            where=path,
            expected="the key directory this store was written with; a destroyed key cannot be had back",
        ) from None
    except OSError as error:
        raise explain(error, path) from error
    if mode:
        raise Conflict("others than its owner can read this key", where=path, expected=f"run: chmod 600 {path}")
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise Damaged("this is not a key file", where=path, expected="64 hexadecimal digits")
    key = EpochKey.from_secret(bytes.fromhex(text), path.with_suffix(".head"))
    if fingerprint is not None and key.fingerprint != fingerprint:
        raise Damaged(
            f"this is not the key of epoch {epoch} of project {project} (its fingerprint is {key.fingerprint})",
            where=path,
            expected=f"the key with fingerprint {fingerprint}",
        )
    return key


def destroy(keys: Path, project: str, epoch: str) -> bool:
    """Overwrite and remove an epoch's key, and its head; say whether it was there.

    Overwriting is best effort on journaling and flash storage; `docs/security.md` says what that means.
    """
    path = key_path(keys, project, epoch)
    try:
        if not path.exists():
            return False
        destroy_file(path)
        path.with_suffix(".head").unlink(missing_ok=True)
        sync(path.parent)
    except OSError as error:
        raise explain(error, path) from error
    return True


def destroy_file(path: Path) -> None:
    """Overwrite a file with noise, then remove it."""
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))
    sync(path)
    path.unlink()
