"""ID tokens: what an identity provider says of whoever signed in with it, signed.

OpenID Connect Core 1.0, section 3.1.3.7. Signature, claims and times are checked by joserfc and Authlib; what is right
is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Only what is signed by a key that the provider alone has: neither ``none`` nor a secret that it shares."""

LEEWAY = 60
"""Seconds that the clocks of provider and site may differ."""


def signed(token: str, keys: KeySet) -> jwt.Token:
    """Read a token that one of the provider's keys has signed.

    Raises
    ------
    joserfc.errors.InvalidKeyIdError
        It names a key that is not among these.
    joserfc.errors.JoseError
        It is not a token, or not signed by the key that it names, or by an algorithm that is not allowed.
    """
    return jwt.decode(token, keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))


def claims(token: jwt.Token, *, issuer: str, client_id: str, nonce: str, access_token: str | None) -> Mapping[str, Any]:
    """Give the claims of a signed token, if it is for this site and answers what was asked, and now.

    Parameters
    ----------
    token
        As `signed` gives it.
    issuer, client_id
        Who must have made it, and for whom.
    nonce
        What was sent with the question that it answers.
    access_token
        What came with it, if anything did.

    Raises
    ------
    joserfc.errors.JoseError
        A claim is missing or wrong, or the token's time is over or has not come.
    """
    right: Any = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "sub": {"essential": True},
    }
    asked = {"client_id": client_id, "nonce": nonce, "access_token": access_token}
    found = CodeIDToken(token.claims, token.header, right, asked)
    found.validate(leeway=LEEWAY)
    return found
