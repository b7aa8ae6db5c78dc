"""Looks on the site: what an answer shows of data about people is written down before it leaves."""

from __future__ import annotations

from pathlib import PurePosixPath

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from commonweal.core.errors import CommonwealError
from commonweal.core.identity.agreements import Agreement
from commonweal.core.identity.looks import Looks, Seen
from commonweal.web.access import visitor_of

Opened = dict[tuple[str, int], Agreement | None]
"""Dataset and version of each release about people, and the agreement that it is read under."""


def opened_by(request: Request) -> Opened:
    """Give what was opened about people to answer a request."""
    if not hasattr(request.state, "opened"):
        request.state.opened = {}
    found: Opened = request.state.opened
    return found


def purposes_of(request: Request) -> list[str]:
    """Say what whoever asks reads for: the purposes of the agreements under which something was opened."""
    return list(dict.fromkeys(agreement.terms.purpose for agreement in opened_by(request).values() if agreement))


class Recorded:
    """Sends an answer on as soon as the looks are on disk; if they cannot be written, an error goes in its place.

    Parameters
    ----------
    request
        What is answered.
    scope, receive, send
        As an application gets them.
    """

    def __init__(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        self._request, self._scope, self._receive, self._send = request, scope, receive, send
        self._refused = False

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start" and message["status"] < 400 and opened_by(self._request):
            try:
                await run_sync(_write, self._request)
            except CommonwealError as error:
                from commonweal.web.errors import answer

                self._refused = True
                await answer(self._request, error)(self._scope, self._receive, self._send)
        if not self._refused:
            await self._send(message)


def _write(request: Request) -> None:
    looks: Looks = request.app.state.looks
    form = form_of(request.state.route, request.url.path)
    looks.write(
        visitor_of(request),
        [
            Seen(dataset, version, form, agreement.number if agreement else None)
            for (dataset, version), agreement in opened_by(request).items()
        ],
    )


def form_of(route: str, path: str) -> str:
    """Say what is sent at an address, by its route and its path.

    Examples
    --------
    >>> form_of("/catalog/{dataset}", "/catalog/mobility.presence")
    'page'
    >>> form_of("/mobility/flows.pdf", "/mobility/flows.pdf"), form_of("/.json", "/.json")
    ('brief', 'json')
    >>> form_of("/mobility/flows/figures/{figure}.{form}", "/mobility/flows/figures/flows.csv")
    'figure, csv'
    >>> form_of("/catalog/{dataset}/{version}/{file}", "/catalog/mobility.presence/1/mobility.presence-1.csv")
    'csv'
    """
    last = PurePosixPath(path).name
    ending = last.rpartition(".")[2][:10]
    if route.endswith("/figures/{figure}"):
        return "figure"
    if "/figures/" in route:
        return f"figure, {ending}"
    if route.endswith((".json", ".geojson", "/{file}")):
        return ending
    return "brief" if route.endswith(".pdf") else "page"
