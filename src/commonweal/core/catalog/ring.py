"""The public keys of disclosure: the one that signs now, and those that were retired, each with how long it counted.

All lie in one PEM file, so that one step exchanges them. The first key is the one that signs. A line before each other
key says which entry of the audit log was the last that it may have signed for::

    -----BEGIN PUBLIC KEY-----          the key that signs
    …
    until entry 812
    -----BEGIN PUBLIC KEY-----          one that was retired
    …

What a retired key signed before goes on counting; what somebody signs with it afterwards does not, since a certificate
names its entry of the log and the log goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from commonweal.core.errors import Damaged

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PUBLIC_KEY = "disclosure-signing.pub"
_BLOCK = re.compile(r"(?:until entry (\d+)\s+)?(-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?)", re.DOTALL)


@dataclass(frozen=True)
class PublicKey:
    """A key that certificates are verified with.

    Parameters
    ----------
    pem
        The key (SubjectPublicKeyInfo, PEM).
    until
        The last entry of the audit log that it counts for; None: it signs now.
    """

    pem: bytes
    until: int | None = None

    @property
    def fingerprint(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the key."""
        return sha256(self.pem.strip()).hexdigest()[:16]

    def counts_for(self, entry: object) -> bool:
        """Say whether it may have signed what names an entry of the audit log."""
        return self.until is None or (isinstance(entry, int) and entry <= self.until)

    def verifies(self, signature: str, message: bytes) -> bool:
        """Say whether it signed a message (Ed25519, RFC 8032; the signature in hexadecimal digits)."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._loaded().verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _loaded(self) -> Ed25519PublicKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(self.pem)
        except ValueError as error:
            raise Damaged(
                "the disclosure public key cannot be read", where=PUBLIC_KEY, expected="Ed25519, PEM"
            ) from error
        if not isinstance(key, Ed25519PublicKey):
            raise Damaged("the disclosure public key is of another kind", where=PUBLIC_KEY, expected="Ed25519, PEM")
        return key


def parse(ring: bytes) -> tuple[PublicKey, ...]:
    """Read the keys of a ring, the one that signs first.

    Raises
    ------
    Damaged
        It holds no key; or one of them cannot be read, or does not say how long it counted.
    """
    found = [
        PublicKey(pem.encode(), int(until) if until else None)
        for until, pem in _BLOCK.findall(ring.decode("ascii", errors="replace"))
    ]
    if not found:
        raise Damaged("the disclosure public key cannot be read", where=PUBLIC_KEY, expected="Ed25519, PEM")
    for key in found:
        key._loaded()
    if found[0].until is not None or any(key.until is None for key in found[1:]):
        raise Damaged(
            "the disclosure public keys do not say which of them signs now",
            where=PUBLIC_KEY,
            expected="one key, then those retired, each after a line such as: until entry 812",
        )
    return tuple(found)


def write(keys: tuple[PublicKey, ...]) -> bytes:
    """Write a ring; :func:`parse` is its inverse."""
    return b"".join(
        (b"" if key.until is None else f"until entry {key.until}\n".encode()) + key.pem.strip() + b"\n" for key in keys
    )


def is_signed(ring: bytes, signature: str, message: bytes, entry: object) -> bool:
    """Say whether a message was signed by a key of the ring that counts for an entry of the audit log.

    Raises
    ------
    Damaged
        As `parse`.
    """
    return any(key.counts_for(entry) and key.verifies(signature, message) for key in parse(ring))
