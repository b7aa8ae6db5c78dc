"""What stands before every answer: whose requests are heard, and what a browser is told to forbid.

Until people can sign in, whoever reaches the server reads everything. So it listens on this machine only, and it
answers only requests addressed to this machine by name: a page elsewhere whose own name was pointed at 127.0.0.1
(DNS rebinding) is turned away by its Host header.
"""

from __future__ import annotations

import logging
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commonweal.core.errors import InputError, Refused, explain
from commonweal.web.errors import answer

LOOPBACK = ("127.0.0.1", "::1", "localhost")

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def refuse_other_than_loopback(host: str) -> None:
    """Refuse to listen where another machine could ask.

    Raises
    ------
    Refused
        The address is not this machine's own.

    Examples
    --------
    >>> refuse_other_than_loopback("127.0.0.1")
    >>> refuse_other_than_loopback("0.0.0.0")
    Traceback (most recent call last):
    commonweal.core.errors.Refused: ...
    """
    if host.strip("[]").lower() not in LOOPBACK:
        raise Refused(
            "the site has no sign-in yet, so whoever could reach this address could read everything on it",
            where=f"host {host}",
            expected="127.0.0.1, ::1 or localhost; to read it from elsewhere, forward the port over SSH",
        )


def names_this_machine(host_header: str) -> bool:
    """Say whether a Host header names this machine, with or without a port.

    Examples
    --------
    >>> [names_this_machine(host) for host in ("localhost:8400", "[::1]:8400", "127.0.0.1", "evil.example", "")]
    [True, True, True, False, False]
    """
    parsed = re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[^:\[\]@/\s]+)(:\d{1,5})?", host_header)
    return parsed is not None and parsed[1].strip("[]").lower() in LOOPBACK


class Guard:
    """The outermost layer: host check, security headers on every answer, errors that nothing else caught.

    Parameters
    ----------
    app
        The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            if names_this_machine(Headers(scope=scope).get("host", "")):
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
        "the request is addressed to another host than this machine",
        where="Host header",
        expected="http://localhost, http://127.0.0.1 or http://[::1] and the port",
    )
    return answer(Request(scope), error, status=400)


class HeadAsGet:
    """Answer HEAD as GET without the body, for every address alike.

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

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, send_without_body)
