"""An identity provider's word: it counts only if one of its keys signed it, for this site, in answer, and now."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from commonweal.core.identity import provider as providers

NOW = int(time.time())
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another nonce": ({"nonce": "another"}, "claim nonce"),
    "no nonce": ({"nonce": None}, "claim nonce"),
    "another audience": ({"aud": "another site"}, "claim aud"),
    "no audience": ({"aud": []}, "claim aud"),
    "made for another party": ({"aud": ["commonweal: a site", "another"], "azp": "another"}, "claim azp"),
    "for two and made for nobody": ({"aud": ["commonweal: a site", "another"]}, "claim azp"),
    "another issuer": ({"iss": "http://127.0.0.1/realms/other"}, "claim iss"),
    "over": ({"iat": NOW - 900, "exp": NOW - 600}, "its time is over"),
    "never over": ({"exp": None}, "claim exp"),
    "from the future": ({"iat": NOW + 3600, "exp": NOW + 7200}, "claim iat"),
    "not dated": ({"iat": None}, "claim iat"),
    "of nobody": ({"sub": None}, "claim sub"),
    "with the digest of another access token": ({"at_hash": "AAAA"}, "claim at_hash"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_id_token_is_refused_that_is(somebody, provider, wrong):
    provider.claims, why = WRONG[wrong]
    somebody.assert_refused(somebody.sign_in(), "cannot be trusted", why)


def test_clocks_may_differ_by_a_minute(somebody, provider, ada):
    provider.claims = {"iat": int(time.time()) + 30, "exp": int(time.time()) - 30}
    somebody.sign_in()
    assert somebody.person == ada.number


def encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def unsigned(provider: Any, claims: dict[str, Any]) -> str:
    return f"{encoded(json.dumps({'alg': 'none'}).encode())}.{encoded(json.dumps(claims).encode())}."


def signed_with_what_everybody_knows(provider: Any, claims: dict[str, Any]) -> str:
    """HS256, with the provider's public key as if it were a secret that both share."""
    header = json.dumps({"alg": "HS256", "kid": provider.key.kid}).encode()
    body = f"{encoded(header)}.{encoded(json.dumps(claims).encode())}"
    return f"{body}.{encoded(hmac.digest(provider.key.as_pem(private=False), body.encode(), sha256))}"


def signed_by_another(provider: Any, claims: dict[str, Any]) -> str:
    return provider.signed(claims, RSAKey.generate_key(2048, {"kid": provider.key.kid}))


def altered(provider: Any, claims: dict[str, Any]) -> str:
    head, _, signature = provider.signed(claims).split(".")
    return f"{head}.{encoded(json.dumps(claims | {'sub': 'somebody else'}).encode())}.{signature}"


def no_token(provider: Any, claims: dict[str, Any]) -> str:
    return "a.b"


@pytest.mark.parametrize("forge", [unsigned, signed_with_what_everybody_knows, signed_by_another, altered, no_token])
def test_an_id_token_is_refused_that_the_provider_did_not_sign(somebody, provider, forge):
    provider.sign = lambda claims: forge(provider, claims)
    somebody.assert_refused(somebody.sign_in(), "cannot be trusted", "not signed as it must be")


def test_new_keys_are_fetched_when_a_token_names_one_that_is_not_known(somebody, another, provider, ada):
    somebody.sign_in()
    for _ in range(2):
        provider.rotate()
        again = another()
        again.sign_in()
        assert again.person == ada.number
    assert provider.asked["keys"] == 3


def test_a_key_that_the_provider_does_not_publish_is_looked_for_once(somebody, provider):
    stranger = RSAKey.generate_key(2048, auto_kid=True)
    provider.sign = lambda claims: provider.signed(claims, stranger)
    somebody.assert_refused(somebody.sign_in(), "cannot be trusted")
    assert provider.asked["keys"] == 2


def test_what_the_provider_says_of_itself_is_kept_for_some_minutes(another, provider, monkeypatch):
    for _ in range(3):
        another().sign_in()
    assert (provider.asked["openid-configuration"], provider.asked["keys"]) == (1, 1)
    real = providers.monotonic
    monkeypatch.setattr(providers, "monotonic", lambda: real() + 601)
    another().sign_in()
    assert (provider.asked["openid-configuration"], provider.asked["keys"]) == (2, 2)


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "http://127.0.0.1/realms/other"},
        {"authorization_endpoint": "http://id.example/authorize"},
        {"token_endpoint": "http://id.example/token"},
        {"jwks_uri": "http://localhost.example/keys"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_is_another_or_speaks_in_the_clear_is_not_used(somebody, provider, said):
    provider.document = said
    somebody.assert_refused(somebody.get("/sign-in/provider"), "The identity provider 127.0.0.1", status=503)
