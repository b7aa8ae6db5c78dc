"""Random secrets, and the digests that are stored in their place.

A secret has 256 random bits, so its plain SHA-256 digest cannot be turned back; passwords, which can be guessed, are
hashed otherwise (`passwords`).
"""

from __future__ import annotations

import secrets
from hashlib import sha256

PREFIX = "cw_"
"""What a token begins with, so that a search for leaked ones finds it."""


def new() -> str:
    """Make a secret."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Give what is stored of a secret: 64 hexadecimal digits."""
    return sha256(secret.encode()).hexdigest()


def form_token(secret: str) -> str:
    """Give what a form must send back with the cookie that holds the secret.

    A page elsewhere can make a browser send the cookie but cannot read it, so it cannot know this.
    """
    return derived("form", secret)


def derived(purpose: str, secret: str) -> str:
    """Give a value that only who has the secret can know, and that tells nothing of it: 64 hexadecimal digits."""
    return sha256(f"{purpose} {secret}".encode()).hexdigest()
