"""The identity provider: what it says of itself, its keys, and whom it vouches for.

OpenID Connect Core 1.0 and Discovery 1.0: the authorization code flow, with PKCE (RFC 7636). Whoever asks waits for it,
and nobody else: no thread is held meanwhile, and its time is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from anyio import fail_after
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.errors import ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from commonweal.core.errors import Conflict, Refused, Unavailable, explain
from commonweal.core.identity import id_token
from commonweal.core.settings import NOT_IN_THE_CLEAR
from commonweal.core.wording import Wording

SECRET = "identity-provider.secret"  # noqa: S105 - the name of the file
"""File of the key directory with the secret by which the provider knows this site."""

PATIENCE = 10.0
"""Seconds after which a provider that has not answered is taken to be down."""

KEPT = 600.0
"""Seconds for which what the provider says of itself, and its keys, are not asked for again."""


@dataclass(frozen=True)
class Voucher:
    """Whom the provider vouches for.

    Parameters
    ----------
    subject
        Who they are to the provider, which never gives it to another.
    name
        What the provider calls them.
    """

    subject: str
    name: str


class Provider:
    """An identity provider that this site is a client of.

    Parameters
    ----------
    issuer
        Its address, by which it also signs.
    client_id
        What it calls this site.
    name_claim
        The claim of its ID tokens that says what people are called here.
    keys
        The key directory, where the client's secret lies.
    """

    def __init__(self, issuer: str, client_id: str, name_claim: str, keys: Path) -> None:
        self.issuer, self.client_id, self.name_claim, self.keys = issuer, client_id, name_claim, keys
        self.name = urlsplit(issuer).hostname or issuer
        self._tls = httpx.create_ssl_context()
        self._fetched: dict[str, tuple[dict[str, Any], float]] = {}

    async def address(self, callback: str, *, state: str, nonce: str, verifier: str) -> str:
        """Give the address at which the provider asks somebody who they are, and from which it sends them back.

        Parameters
        ----------
        callback
            Where it sends them back to.
        state, nonce
            What must come back in the address, and in the ID token.
        verifier
            What must be shown with the code that comes back; only its digest is told.

        Raises
        ------
        Unavailable
            The provider does not answer, or not as it should.
        """
        with self._patience():
            document = await self._document()
        found: str = prepare_grant_uri(
            document["authorization_endpoint"],
            self.client_id,
            "code",
            callback,
            "openid email" if self.name_claim == "email" else "openid profile",
            state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return found

    async def vouch(self, code: str, callback: str, *, nonce: str, verifier: str) -> Voucher:
        """Exchange a code for the provider's word on who somebody is.

        Raises
        ------
        Unavailable
            The provider does not answer, or not as it should, or does not know this site.
        Refused
            It does not accept the code, or its word cannot be trusted.
        """
        with self._patience():
            document = await self._document()
            answer = await self._redeemed(document["token_endpoint"], code, callback, verifier)
            try:
                try:
                    token = id_token.signed(answer["id_token"], await self._keys(document["jwks_uri"]))
                except InvalidKeyIdError:  # the provider may have new keys
                    token = id_token.signed(answer["id_token"], await self._keys(document["jwks_uri"], anew=True))
                claims = id_token.claims(
                    token,
                    issuer=self.issuer,
                    client_id=self.client_id,
                    nonce=nonce,
                    access_token=answer.get("access_token"),
                )
            except JoseError as error:
                raise Refused(
                    f"the word of the identity provider cannot be trusted: {_why(error)}",
                    expected="to sign in again; if it stays so, an administrator",
                ) from None
        return Voucher(claims["sub"], self._name(claims))

    def _name(self, claims: Mapping[str, Any]) -> str:
        name = claims.get(self.name_claim)
        if not isinstance(name, str) or not name:
            raise Refused(
                f"the identity provider does not say who this is by its claim {self.name_claim}",
                expected="an administrator who lets it, or who sets provider_name_claim to a claim of its ID tokens",
            )
        # Anybody can claim another's address until the provider has written to it.
        if self.name_claim == "email" and claims.get("email_verified") is not True:
            raise Refused(
                Wording("the identity provider has not verified this e-mail address"),
                expected=Wording("to verify it there"),
            )
        return name

    async def _document(self) -> dict[str, Any]:
        document = await self._kept(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.issuer:
            raise self._unusable("goes by another address than the setting provider_issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not re.fullmatch(NOT_IN_THE_CLEAR, str(document.get(name, ""))):
                raise self._unusable(f"names no {name} that is safe on the way")
        return document

    async def _keys(self, address: str, *, anew: bool = False) -> KeySet:
        try:
            return KeySet.import_key_set(await self._kept(address, anew=anew))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError):
            raise self._unusable("publishes keys that are none") from None

    async def _kept(self, address: str, *, anew: bool = False) -> dict[str, Any]:
        found, until = self._fetched.get(address, ({}, 0.0))
        if anew or until <= monotonic():
            async with httpx.AsyncClient(verify=self._tls) as client:
                found = self._object((await client.get(address)).raise_for_status())
            self._fetched[address] = found, monotonic() + KEPT
        return found

    async def _redeemed(self, address: str, code: str, callback: str, verifier: str) -> dict[str, Any]:
        # RFC 6749, section 2.3.1: both are encoded as in a form before they are put together.
        known = httpx.BasicAuth(quote(self.client_id, safe=""), quote(client_secret(self.keys), safe=""))
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier}
        async with httpx.AsyncClient(verify=self._tls, auth=known) as client:
            response = await client.post(address, data=form, headers={"accept": "application/json"})
        if response.status_code in (400, 401):
            if self._object(response).get("error") in ("invalid_client", "unauthorized_client"):
                raise self._unusable("does not know this site by its client id and secret")
            raise Refused(
                Wording("the identity provider does not accept the code that came back"),
                expected=Wording("to sign in again"),
            )
        answer = self._object(response.raise_for_status())
        if not isinstance(answer.get("id_token"), str):
            raise self._unusable("does not say who signed in")
        return answer

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._unusable("does not answer as OpenID Connect does")
        return found

    def _unusable(self, what: str) -> Unavailable:
        return Unavailable(f"the identity provider {self.name} {what}", expected="an administrator who looks into it")

    @contextmanager
    def _patience(self) -> Iterator[None]:
        try:
            with fail_after(PATIENCE):
                yield
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            raise Unavailable(
                Wording("the identity provider %(provider)s cannot be reached", provider=self.name),
                expected=Wording("a password, or to try again later"),
            ) from None  # what was sent is in the original


def _why(error: JoseError) -> str:
    """Say what is wrong with an ID token, without anything that it holds."""
    if isinstance(error, ExpiredTokenError):
        return "its time is over"
    if isinstance(error, ClaimError):
        return f"its claim {error.claim} is not the right one"
    return "it is not signed as it must be"


def client_secret(keys: Path) -> str:
    """Read the secret by which the provider knows this site.

    Raises
    ------
    Unavailable
        It is not there, or empty.
    Conflict
        Others than its owner can read it.
    """
    path = keys / SECRET
    expected = "the client secret that the provider gave, in this file with mode 0600"
    try:
        if path.stat().st_mode & 0o077:
            raise Conflict(
                "others than its owner can read the identity provider's client secret",
                where=path,
                expected=f"run: chmod 600 {path}",
            )
        secret = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise Unavailable("the identity provider's client secret is missing", where=path, expected=expected) from None
    except (OSError, UnicodeDecodeError) as error:
        raise explain(error, path) from None
    if not secret:
        raise Unavailable("the identity provider's client secret is empty", where=path, expected=expected)
    return secret
