"""The signing key of disclosure, and the certificates it signs. Nothing else in the house opens this key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from commonweal.core import audit
from commonweal.core.canonical import canonical
from commonweal.core.catalog import ring
from commonweal.core.catalog.certificate import Certificate, message, read_public_key
from commonweal.core.catalog.ring import PUBLIC_KEY
from commonweal.core.database import Database
from commonweal.core.durable import creating, replacing, sync
from commonweal.core.errors import Conflict, Damaged, Unavailable, explain
from commonweal.core.settings import Settings
from commonweal.disclosure import destruction
from commonweal.disclosure.destruction import Destruction

PRIVATE_KEY = "disclosure-signing.key"
NEXT_KEY = "disclosure-next.key"
"""The key that is about to take the place of the signing key; left where a rotation was interrupted."""
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
    """Sign that a table was released. Called by `releasing.publishing` only, where it enters the release in the ledger.

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


def is_signed(keys: Path, heading: str, fields: Mapping[str, Any], signature: str, *, retired: bool = True) -> bool:
    """Tell whether `sign` made a signature over these fields.

    Parameters
    ----------
    retired
        Whether it may have been made with a key that was retired since.
    """
    ours = ring.parse(read_public_key(keys))
    return any(key.verifies(signature, _headed(heading, fields)) for key in (ours if retired else ours[:1]))


def _headed(heading: str, fields: Mapping[str, Any]) -> bytes:
    return f"{heading}\n{canonical(dict(fields), where=heading)}".encode()


def certify_destruction(
    settings: Settings, statement: Mapping[str, Any], ledger_entry: Mapping[str, Any]
) -> Destruction:
    """Sign that a key was destroyed; called by whoever destroyed it, with the entry of the audit log that records it.

    Raises
    ------
    Unavailable, Conflict, Damaged
        As `certify`.
    """
    signature = _signing_key(settings.keys).sign(destruction.message(statement, ledger_entry))
    return Destruction(dict(statement), dict(ledger_entry), signature.hex())


def require_certification(settings: Settings) -> None:
    """Do nothing if the signing key can sign: for whoever must not begin what cannot be certified at its end.

    Raises
    ------
    Unavailable, Conflict, Damaged
        As `certify`.
    """
    _signing_key(settings.keys)


def rotate_keys(settings: Settings, database: Database, who: str, why: str | None = None) -> ring.PublicKey:
    """Exchange the signing key for a new one, destroy the old one, and keep its public key for what it signed.

    Each step leaves what the next one needs, so a rotation that was interrupted is finished by the next call: the new
    key is written beside the old one; the ring names it first; the old one is overwritten and replaced.

    Parameters
    ----------
    who, why
        For the audit log.

    Returns
    -------
    PublicKey
        The one that signs now.

    Raises
    ------
    Unavailable, Conflict, Damaged
        As `certify`, but for a signing key that is not there: it was lost. The old key is then as it was.
    """
    private, following, public = (settings.keys / name for name in (PRIVATE_KEY, NEXT_KEY, PUBLIC_KEY))
    known = ring.parse(read_public_key(settings.keys))
    if not following.exists():
        if private.exists():  # one that was lost is rotated away too, and what it signed goes on counting
            _signing_key(settings.keys)
        with creating(following, mode=0o600) as written:
            made = Ed25519PrivateKey.generate()
            written.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    new = ring.PublicKey(_public_bytes(_opened(following)))
    if known[0].fingerprint != new.fingerprint:
        with database.transaction() as session:
            entry = audit.record(
                session,
                who=who,
                action="disclosure.rotate-keys",
                what=PUBLIC_KEY,
                why=why,
                details={"retired": known[0].fingerprint, "signs": new.fingerprint},
            )
            last = entry.sequence
        with replacing(public, mode=0o600) as written:
            written.write_bytes(ring.write((new, ring.PublicKey(known[0].pem, last), *known[1:])))
    try:
        if private.exists():
            with private.open("r+b") as file:
                file.write(os.urandom(private.stat().st_size))
            sync(private)
        following.replace(private)
        sync(settings.keys)
    except OSError as error:
        raise explain(error, private) from error
    return new


def _signing_key(keys: Path) -> Ed25519PrivateKey:
    key = _opened(keys / PRIVATE_KEY)
    if _public_bytes(key).strip() != ring.parse(read_public_key(keys))[0].pem.strip():
        raise Damaged(
            "the disclosure signing key is not that of the public key",
            where=keys / PRIVATE_KEY,
            expected="run: commonweal disclosure keys rotate, which was interrupted"
            if (keys / NEXT_KEY).exists()
            else "the key directory that init wrote",
        )
    return key


def _opened(path: Path) -> Ed25519PrivateKey:
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
    return key


def _public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
