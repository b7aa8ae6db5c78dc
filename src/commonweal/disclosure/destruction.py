"""The certificate that a key was destroyed: what it says, and how anybody verifies it without this installation.

It is signed by the signing key of disclosure and names the entry of the audit log that records the destruction. That
entry holds the SHA-256 of the statement, so neither can be exchanged without the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from commonweal.core.canonical import canonical
from commonweal.core.catalog.ring import is_signed
from commonweal.core.errors import InputError, Refused, explain


@dataclass(frozen=True)
class Destruction:
    """A signed, dated statement that a key was destroyed.

    Parameters
    ----------
    statement
        Which key, of what, when, by whom, and what can no longer be read (JSON values).
    ledger_entry
        ``{"sequence": int, "hash": hex}`` of the audit entry that records it.
    signature
        Ed25519 signature (hex) over what `message` gives.
    """

    statement: Mapping[str, Any]
    ledger_entry: Mapping[str, Any]
    signature: str

    def record(self) -> dict[str, Any]:
        """Return the certificate as JSON values; :func:`parse` is its inverse."""
        return {
            "statement": dict(self.statement),
            "ledger_entry": dict(self.ledger_entry),
            "signature": self.signature,
        }


def message(statement: Mapping[str, Any], ledger_entry: Mapping[str, Any]) -> bytes:
    """Return the bytes that the signature covers: a heading line, then canonical JSON of all else."""
    fields = {"statement": dict(statement), "ledger_entry": dict(ledger_entry)}
    return b"commonweal destruction certificate 1\n" + canonical(fields, where="certificate").encode()


def digest_of(statement: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a statement as canonical JSON, which the audit entry holds."""
    return sha256(canonical(dict(statement), where="statement").encode()).hexdigest()


def parse(record: Mapping[str, Any]) -> Destruction:
    """Return the certificate that ``Destruction.record`` wrote. Parsing verifies nothing; :func:`verify` does.

    Raises
    ------
    InputError
        A field is missing.
    """
    try:
        return Destruction(dict(record["statement"]), dict(record["ledger_entry"]), str(record["signature"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"this is no certificate of a destruction: {error}", expected="what commonweal keys certificate wrote"
        ) from error


def read(path: Path) -> Destruction:
    """Read a certificate from a file.

    Raises
    ------
    InputError
        It is none.
    CommonwealError
        The file is not there or may not be read.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise explain(error, path) from error
    except ValueError as error:
        raise InputError(f"this is not JSON: {error}", where=path, expected="a certificate") from None
    return parse(said)


def verify(certificate: Destruction, public_key: bytes) -> None:
    """Verify that disclosure signed a certificate; the public key is all that is needed.

    Raises
    ------
    Refused
        The signature is another's, or something was altered since.
    Damaged
        The public key is not one.
    """
    signed = message(certificate.statement, certificate.ledger_entry)
    if not is_signed(public_key, certificate.signature, signed, certificate.ledger_entry.get("sequence")):
        raise Refused(
            "the certificate's signature does not verify", expected="the certificate as it was written, and its key"
        )
