"""A small identity provider that really answers over HTTP and can be told to misbehave, and browsers that go there."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey

from commonweal.core.console import Home
from commonweal.core.identity import Grant, Role, people, secret, sessions
from commonweal.core.identity.provider import SECRET
from commonweal.web.access import FIELD, FORM, SESSION

CLIENT_ID, CLIENT_SECRET = "commonweal: a site", "a secret: of 100 %"
BACK = "/sign-in/provider/callback"


class IdentityProvider:
    """OpenID Connect's authorization code flow for one client, which has to use PKCE.

    Whoever comes is signed in at once as `account`. `claims` are put over those of the ID token, `sign` makes a token
    of claims, no answer comes while `answers` is unset, and each byte by byte if it `drips`.
    """

    def __init__(self) -> None:
        self.account = {"sub": "248289761001", "preferred_username": "ada"}
        self.redirect_uri, self.scope = "", "openid profile"
        self.denies, self.drips = "", False
        self.claims: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.asked: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.tokens: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.answers = threading.Event()
        self.answers.set()
        self.rotate()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/realms/city"
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)

    def signed(self, claims: dict[str, Any], key: RSAKey | None = None) -> str:
        """Make an ID token as it should be."""
        key = key or self.key
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)

    def stop(self) -> None:
        """Be down: connections are refused."""
        self.answers.set()
        self.server.shutdown()
        self.server.server_close()

    def get(self, path: str, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path.endswith("/.well-known/openid-configuration"):
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            named = {name: f"{self.issuer}/{place}" for name, place in places.items()}
            return 200, {"issuer": self.issuer} | named | self.document
        if path.endswith("/keys"):
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path.endswith("/authorize"):
            return self.authorize(asked)
        return 404, {}

    def authorize(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        right = {"client_id": CLIENT_ID, "redirect_uri": self.redirect_uri, "response_type": "code"}
        right |= {"code_challenge_method": "S256", "scope": self.scope}
        wrong = [name for name, value in right.items() if asked.get(name) != value]
        wrong += [name for name in ("state", "nonce", "code_challenge") if len(asked.get(name, "")) < 43]
        if wrong:
            return self.complain(f"authorize: {wrong}")
        answer = {"state": asked["state"]}
        if self.denies:
            answer |= {"error": self.denies, "error_description": "<b>not today</b>"}
        else:
            answer["code"] = token_urlsafe()
            self.codes[answer["code"]] = asked
        return 303, {"location": f"{self.redirect_uri}?{urlencode(answer)}"}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        kind, _, given = authorization.partition(" ")
        name, _, secret = b64decode(given).decode().partition(":")
        if kind != "Basic" or (unquote(name), unquote(secret)) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return self.complain("unknown code", "invalid_grant")
        if form.get("grant_type") != "authorization_code" or form.get("redirect_uri") != asked["redirect_uri"]:
            return self.complain("another request", "invalid_grant")
        if create_s256_code_challenge(form.get("code_verifier", "")) != asked["code_challenge"]:
            return self.complain("wrong verifier", "invalid_grant")
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (claims | self.account | self.claims).items() if value is not None}
        self.tokens += [self.sign(claims), token_urlsafe()]
        return 200, {"access_token": self.tokens[-1], "token_type": "Bearer", "id_token": self.tokens[-2]}

    def complain(self, what: str, error: str = "invalid_request") -> tuple[int, dict[str, Any]]:
        self.complaints.append(what)
        return 400, {"error": error, "error_description": what}


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            self.answer(*provider.get(self.begin(), dict(parse_qsl(address.query))))

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
            self.begin()
            self.answer(*provider.token(form, self.headers.get("authorization", "")))

        def begin(self) -> str:
            path = urlsplit(self.path).path
            provider.asked[path.rpartition("/")[2]] += 1
            provider.answers.wait(30)
            return path

        def answer(self, status: int, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            if status == 303:
                self.send_header("location", said["location"])
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may not have waited
                for byte in body if provider.drips else ():
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.1)
                if not provider.drips:
                    self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    """An identity provider that answers, until it is stopped."""
    started = IdentityProvider()
    yield started
    started.stop()


@pytest.fixture
def registered(provider: IdentityProvider) -> Callable[[Home], dict[str, str]]:
    """Make a home a client of the provider: function of (home) that gives the settings for it."""

    def register(home: Home) -> dict[str, str]:
        path = home.settings.keys / SECRET
        path.write_text(f"{CLIENT_SECRET}\n")
        path.chmod(0o600)
        return {"provider_issuer": provider.issuer, "provider_client_id": CLIENT_ID}

    return register


class Browser:
    """Keeps the site's cookies, and goes to the provider and back."""

    def __init__(self, site: Any) -> None:
        self.site, self.cookies = site, dict[str, str]()

    def get(self, address: str) -> httpx.Response:
        return self._ask("GET", address)

    def post(self, address: str, **form: str) -> httpx.Response:
        sent = {FIELD: secret.form_token(self.cookies[FORM])} | form
        return self._ask("POST", address, sent, origin="http://localhost:8400")

    def leave(self, wanted: str = "/") -> str:
        """Set out for the provider, sign in there, and give the address that it sends back to."""
        answer = self.get(f"/sign-in/provider?next={wanted}")
        assert answer.status_code == 303, answer.text
        back = httpx.get(answer.headers["location"])
        assert back.status_code == 303, back.text
        return back.headers["location"].removeprefix(self.site.app.state.settings.address)

    def sign_in(self, wanted: str = "/") -> httpx.Response:
        return self.get(self.leave(wanted))

    @property
    def person(self) -> int | None:
        """The number of whoever is signed in."""
        held = self.cookies.get(SESSION)
        visitor = sessions.identify(self.site.app.state.database, held) if held else None
        return visitor.person if visitor else None

    def assert_refused(self, answer: httpx.Response, *why: str, status: int = 403) -> None:
        """The answer is the sign-in page, with the reason, and nobody is signed in."""
        assert answer.status_code == status, answer.text
        assert '<form class="form" method="post" action="/sign-in">' in answer.text
        for part in why:
            assert part in answer.text
        assert self.person is None

    def _ask(self, method: str, address: str, form: Any = None, **headers: str) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.site.get(address, method, form, accept="text/html", cookie=cookie, **headers)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "Max-Age=0" in line:
                del self.cookies[name]
        return answer


@pytest.fixture
def ada(home: Home) -> people.Person:
    return people.create(home.database, "ada", "Ada", [Grant(Role.VIEWER)], "os:tester")[0]


@pytest.fixture
def site(home: Home, site_of: Any, registered: Any, provider: IdentityProvider, ada: people.Person) -> Any:
    """A closed site at which Ada has an account, and which is a client of the provider."""
    made = site_of(home, open_reading=False, **registered(home))
    provider.redirect_uri = f"{home.settings.address}{BACK}"
    return made


@pytest.fixture
def another(site: Any) -> Callable[..., Browser]:
    """Make a browser in which nobody has been: function of (the site, unless it is the usual one)."""
    return lambda at=site: Browser(at)


@pytest.fixture
def somebody(another: Callable[..., Browser]) -> Browser:
    return another()
