"""The secret of repeatable noise, in the key directory. Whoever has it can take the noise off again."""

from __future__ import annotations

import os
from pathlib import Path

from commonweal.core.durable import creating
from commonweal.core.errors import Conflict, Damaged, Unavailable, explain
from commonweal.disclosure.rounding.record_keys import SECRET_BYTES

NOISE_SECRET = "disclosure-noise.key"  # noqa: S105 - the name of its file


def create_secret(keys: Path) -> None:
    """Write a new secret into the key directory, mode 0600.

    Raises
    ------
    Conflict
        If there is one: with another secret what is asked again would be answered with other noise, and the mean of
        both answers tells more than either.
    Unavailable
        If the key directory cannot be written to.
    """
    with creating(keys / NOISE_SECRET, mode=0o600) as written:
        written.write_bytes(os.urandom(SECRET_BYTES))


def read_secret(keys: Path) -> bytes:
    """Read the secret.

    Raises
    ------
    Unavailable
        If it is missing or cannot be read.
    Conflict
        If others than its owner can read it.
    Damaged
        If it has another length.
    """
    path = keys / NOISE_SECRET
    try:
        if path.stat().st_mode & 0o077:
            raise Conflict(
                "others than its owner can read the secret of noise", where=path, expected=f"run: chmod 600 {path}"
            )
        secret = path.read_bytes()
    except FileNotFoundError as error:
        raise Unavailable(
            "the secret of noise is missing", where=path, expected="the key directory, or its backup"
        ) from error
    except OSError as error:
        raise explain(error, path) from error
    if len(secret) != SECRET_BYTES:
        raise Damaged("the secret of noise cannot be read", where=path, expected=f"{SECRET_BYTES} bytes")
    return secret
