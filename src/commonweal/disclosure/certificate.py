"""The signing key of disclosure, and the certificates it signs. Nothing else in the house opens this key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from commonweal.core import audit
from commonweal.core.canonical import canonical
from commonweal.core.catalog.certificate import PUBLIC_KEY, Certificate, message, read_public_key
from commonweal.core.database import Database
from commonweal.core.durable import creating
from commonweal.core.errors import Conflict, Damaged, Unavailable, explain
from commonweal.core.settings import Settings

PRIVATE_KEY = "disclosure-signing.key"
KEY_FILES = (PRIVATE_KEY, PUBLIC_KEY)


def create_keys(settings: Settings, database: Database) -> None:
    """Write a new signing key (Ed25519) and its public key into the key directory, each mode 0600.

    Raises
    ------
    Conflict
        If there is a signing key already: certificates it signed would no longer verify.
    Unavailable
        If the key directory cannot be written to.
    """
    private, public = settings.keys / PRIVATE_KEY, settings.keys / PUBLIC_KEY
    if private.exists() or public.exists():
        raise Conflict("there is a disclosure signing key already", where=settings.keys, expected="to keep it")
    key = Ed25519PrivateKey.generate()
    with creating(private, mode=0o600) as written:
        written.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with creating(public, mode=0o600) as written:
        written.write_bytes(_public_bytes(key))
    with database.transaction() as session:
        audit.record(session, who=audit.who(), action="disclosure.create-keys", what=PUBLIC_KEY)


def certify(
    settings: Settings,
    *,
    dataset: str,
    digest: str,
    rule: str,
    parameters: Mapping[str, Any],
    ledger_entry: Mapping[str, Any],
) -> Certificate:
    """Sign that a table was protected. Called by the service only, after a rule made the table.

    Raises
    ------
    Unavailable
        If the signing key is missing or cannot be read.
    Conflict
        If others than its owner can read the signing key.
    Damaged
        If the key is not an Ed25519 key, or is not the one the public key belongs to.
    """
    signature = _signing_key(settings.keys).sign(message(dataset, digest, rule, parameters, ledger_entry))
    return Certificate(dataset, digest, rule, dict(parameters), dict(ledger_entry), signature.hex())


def sign(settings: Settings, heading: str, fields: Mapping[str, Any]) -> str:
    """Sign what disclosure itself keeps, its ledger or what it staged; the heading tells one kind from all others.

    Raises
    ------
    Unavailable, Conflict, Damaged
        As `certify`.
    """
    return _signing_key(settings.keys).sign(_headed(heading, fields)).hex()


def is_signed(keys: Path, heading: str, fields: Mapping[str, Any], signature: str) -> bool:
    """Tell whether `sign` made a signature over these fields, with the key that the public key belongs to."""
    try:
        key = load_pem_public_key(read_public_key(keys))
        if not isinstance(key, Ed25519PublicKey):
            raise Damaged("the disclosure public key is of another kind", where=PUBLIC_KEY, expected="Ed25519, PEM")
        key.verify(bytes.fromhex(signature), _headed(heading, fields))
    except (InvalidSignature, ValueError):
        return False
    return True


def _headed(heading: str, fields: Mapping[str, Any]) -> bytes:
    return f"{heading}\n{canonical(dict(fields), where=heading)}".encode()


def _signing_key(keys: Path) -> Ed25519PrivateKey:
    path = keys / PRIVATE_KEY
    expected = "the key directory that init wrote"
    try:
        if path.stat().st_mode & 0o077:
            raise Conflict(
                "others than its owner can read the disclosure signing key",
                where=path,
                expected=f"run: chmod 600 {path}",
            )
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise Unavailable("the disclosure signing key is missing", where=path, expected=expected) from error
    except OSError as error:
        raise explain(error, path) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Damaged("the disclosure signing key cannot be read", where=path, expected=expected) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Damaged("the disclosure signing key is of another kind", where=path, expected="Ed25519")
    if _public_bytes(key) != read_public_key(keys):
        raise Damaged("the disclosure signing key is not that of the public key", where=path, expected=expected)
    return key


def _public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
