"""What stands before every answer: whose requests are heard, and what a browser is told to forbid.

The site answers only requests addressed to it by a name it goes by: a page elsewhere whose own name was pointed at this
machine (DNS rebinding) is turned away by its Host header. Other machines are answered only over TLS.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commonweal.core.errors import InputError, Refused, explain
from commonweal.core.settings import LOOPBACK, Settings
from commonweal.core.wording import Wording
from commonweal.web.errors import answer

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


DEPENDS_ON = "Cookie, Authorization, Accept, Accept-Language"
"""What answers depend on besides their address: what was kept for one reader is not another's."""
STRICT_TRANSPORT = {"strict-transport-security": "max-age=31536000"}


def refuse_in_the_clear(settings: Settings) -> None:
    """Refuse to listen where another machine could ask, unless nobody on the way can read or change what is said.

    Raises
    ------
    Refused
        The address is not this machine's own, and there is neither TLS nor a proxy that ends it.
    """
    if settings.host.strip("[]").lower() in LOOPBACK:
        return
    if not settings.tls_certificate and not settings.proxy:
        raise Refused(
            "whoever stands between could read every password, since neither TLS nor a proxy is set",
            where=f"host {settings.host}",
            expected="--tls CERTIFICATE --tls-key KEY, or the setting proxy, or 127.0.0.1 with SSH",
        )
    if not settings.address.startswith("https://"):
        raise Refused(
            "people would not reach the site by https",
            where=f"setting address, {settings.address}",
            expected="the address that people type, such as https://commonweal.example.org",
        )


def is_named(host_header: str, names: Collection[str]) -> bool:
    """Say whether a Host header names one of the hosts, with or without a port.

    Examples
    --------
    >>> [is_named(host, LOOPBACK) for host in ("localhost:8400", "[::1]:8400", "127.0.0.1", "evil.example", "")]
    [True, True, True, False, False]
    """
    parsed = re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[^:\[\]@/\s]+)(:\d{1,5})?", host_header)
    return parsed is not None and parsed[1].strip("[]").lower() in names


class Guard:
    """The outermost layer: host check, security headers on every answer, errors that nothing else caught.

    Parameters
    ----------
    app
        The application behind it.
    address
        The address that people reach the site by; the names of this machine are always heard.
    """

    def __init__(self, app: ASGIApp, address: str) -> None:
        self.app = app
        self.names = {*LOOPBACK, (urlsplit(address).hostname or "").lower()} - {""}
        self.headers = SECURITY_HEADERS | (STRICT_TRANSPORT if address.startswith("https://") else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if "immutable" not in headers.get("cache-control", ""):
                    headers.add_vary_header(DEPENDS_ON)
            await send(message)

        try:
            if is_named(Headers(scope=scope).get("host", ""), self.names):
                await self.app(scope, receive, send_guarded)
            else:
                await _wrong_host(scope)(scope, receive, send_guarded)
        except Exception as error:
            if started:
                raise
            logging.getLogger("commonweal.web").exception("unexpected error at %s", scope["path"])
            await answer(Request(scope), explain(error))(scope, receive, send_guarded)


def _wrong_host(scope: Scope) -> Response:
    error = InputError(
        Wording("the request is addressed to another host than this one"),
        where="Host header",
        expected=Wording("the address that the setting address names, or this machine's own"),
    )
    return answer(Request(scope), error, status=400)


class HeadAsGet:
    """Answer HEAD as GET without the body, for every address alike; what would be its body is not waited for.

    Parameters
    ----------
    app
        The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        answered = False

        async def send_without_body(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                answered = True

        async def receive_until_answered() -> Message:
            # Whoever goes on with a body, perhaps for minutes, hears that nobody reads it.
            return {"type": "http.disconnect"} if answered else await receive()

        await self.app({**scope, "method": "GET"}, receive_until_answered, send_without_body)
