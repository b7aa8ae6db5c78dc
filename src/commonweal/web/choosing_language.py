"""What a visitor reads: the language they chose in this browser, else the one it asks for, else English."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.web.access import anyone, is_own, keep_cookie, posted_without_token, text
from commonweal.web.languages import ENGLISH, OFFERED, Language, speaking

COOKIE = "__Host-commonweal-language"
KEPT_HOURS = 365 * 24
DATA = (".json", ".jsonld", ".csv", ".geojson", ".xlsx")

routes = APIRouter(include_in_schema=False)


@routes.post("/language")
@anyone
def choose_language(form: Annotated[FormData, Depends(posted_without_token)]) -> Response:
    """Keep what somebody wants to read, and bring them back to where they were."""
    code, here = text(form, "language"), text(form, "next")
    if code not in OFFERED:
        raise InputError(Wording("there are no pages in this language"), where="language", expected=", ".join(OFFERED))
    response = RedirectResponse(here if is_own(here) else "/", status_code=303, headers={"cache-control": "no-store"})
    keep_cookie(response, COOKIE, code, KEPT_HOURS)
    return response


class InTheirLanguage:
    """Make every page in the language of whoever asks.

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
        with speaking(language_of(Request(scope))):
            await self.app(scope, receive, send)


def language_of(request: Request) -> Language:
    """Give the language that a request is answered in. Data are the same for everyone."""
    if request.url.path.endswith(DATA):
        return ENGLISH
    kept = OFFERED.get(request.cookies.get(COOKIE, ""))
    return kept or preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> Language:
    """Give the offered language that an ``Accept-Language`` header wants most (RFC 9110, section 12.5.4).

    A language is also offered to whoever wants it as another country speaks it (RFC 4647, lookup).

    Examples
    --------
    >>> [preferred(header).code for header in ("fr-CA, en;q=0.9", "de, fr;q=0.5, en;q=0.1", "fr;q=0", "*", "")]
    ['fr', 'fr', 'en', 'en', 'en']
    """
    ranges = [part.partition(";") for part in accept_language.split(",")]
    wanted = sorted(((_quality(quality), name.strip().lower()) for name, _, quality in ranges), key=lambda one: -one[0])
    codes = {code.lower(): language for code, language in OFFERED.items()}
    for quality, name in wanted:
        found = codes.get(name) or codes.get(name.partition("-")[0])
        if found and quality > 0:
            return found
    return ENGLISH


def _quality(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    try:
        return float(value) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0
