"""Who may ask for what: every route names what it needs, and one that names nothing is closed to everyone."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from anyio.to_thread import run_sync
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from commonweal.core.errors import CommonwealError, NotSignedIn, Refused
from commonweal.core.identity import Permission, Visitor, secret, sessions, tokens
from commonweal.core.identity.visitor import NOBODY, READER
from commonweal.core.wording import Wording

SESSION = "__Host-commonweal"
FORM = "__Host-commonweal-form"
"""The cookie of a browser in which nobody is signed in yet, whose form must be sent back with it."""
PROVIDER = "__Host-commonweal-provider"
"""The cookie of a browser in which somebody is on their way to the identity provider and back."""
FIELD = "form_token"
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """What a route needs.

    Parameters
    ----------
    permission
        Which right, held in the route's domain, there for any area: an operation on one area looks again.
    in_any_domain
        Whether it may be held in whichever domain: the route shows of each domain what the visitor may see.
    signed_in
        Whether it needs a person, whatever they may do.
    otherwise
        Another right that opens it too.
    """

    permission: Permission | None = None
    in_any_domain: bool = False
    signed_in: bool = False
    otherwise: Permission | None = None

    def check(self, visitor: Visitor, domain: str, what: str) -> None:
        """Do nothing if the visitor may go on.

        Raises
        ------
        NotSignedIn, Refused
            They may not.
        """
        held_in = None if self.in_any_domain else domain
        opens = [right for right in (self.permission, self.otherwise) if right is not None]
        if self.permission is not None and not any(visitor.may_somewhere(right, held_in) for right in opens):
            visitor.require(self.permission, domain, what=what)
        if self.signed_in and visitor.person is None:
            raise NotSignedIn(Wording("this needs a sign-in"), where=what, expected=Wording("your name and password"))


def anyone(endpoint: Endpoint) -> Endpoint:
    """Let everyone ask for a route, signed in or not."""
    return _marked(endpoint, Access())


def person(endpoint: Endpoint) -> Endpoint:
    """Let only people who signed in ask for a route, whatever they may do."""
    return _marked(endpoint, Access(signed_in=True))


def needs(
    permission: Permission, otherwise: Permission | None = None, *, in_any_domain: bool = False
) -> Callable[[Endpoint], Endpoint]:
    """Let only those ask for a route who hold a right in its domain, or in any; or another right there."""
    return lambda endpoint: _marked(endpoint, Access(permission, in_any_domain, otherwise=otherwise))


def _marked(endpoint: Endpoint, access: Access) -> Endpoint:
    endpoint.access = access  # type: ignore[attr-defined]
    return endpoint


def access_of(route: Route) -> Access | None:
    """Say what a route needs; None if it does not say, and is closed."""
    return getattr(route.endpoint, "access", None)


def guarded(route: Route, domain: str) -> Route:
    """Give a route of a domain (empty: of the house itself) with a gate before it."""
    behind = copy(route)
    behind.app = _Gate(route.app, access_of(route), domain, route.path)
    return behind


class _Gate:
    def __init__(self, app: ASGIApp, access: Access | None, domain: str, path: str) -> None:
        self.app, self.access, self.domain, self.path = app, access, domain, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from commonweal.web.errors import answer
        from commonweal.web.looking import Recorded

        request = Request(scope, receive)
        request.state.route = self.path
        try:
            visitor = await run_sync(visitor_of, request)
            if self.access is None:
                raise Refused(Wording("this address is closed to everyone"), where=request.url.path)
            self.access.check(visitor, self.domain, request.url.path)
            if request.method in UNSAFE:
                refuse_from_elsewhere(request)
        except NotSignedIn as error:
            to_sign_in = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")
            response = sign_in_first(request) if to_sign_in else answer(request, error)
            await response(scope, receive, send)
        except CommonwealError as error:
            await answer(request, error)(scope, receive, send)
        else:
            await self.app(scope, receive, Recorded(request, scope, receive, send))


def visitor_of(request: Request) -> Visitor:
    """Say who asks, by the request's token or session; it is looked up once.

    Raises
    ------
    NotSignedIn
        The request shows a token that does not work.
    """
    if not hasattr(request.state, "visitor"):
        request.state.visitor = identify(request)
    found: Visitor = request.state.visitor
    return found


def identify(request: Request) -> Visitor:
    """Look up who asks as it stands now: an answer that takes long asks again whether it may still be given.

    Raises
    ------
    NotSignedIn
        The request shows a token that does not work, or no longer.
    """
    state = request.app.state
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        visitor = tokens.identify(state.database, token.strip())
        if visitor is None:
            request.state.visitor = NOBODY  # for the page that tells it
            raise NotSignedIn(
                Wording("this token does not work, or no longer"),
                expected=Wording("a new one, from its person's page"),
            )
        return visitor
    held = request.cookies.get(SESSION)
    visitor = sessions.identify(state.database, held) if held else None
    return visitor or (READER if state.settings.open_reading else NOBODY)


def refuse_from_elsewhere(request: Request) -> None:
    """Refuse a change that another site made the browser ask for.

    Raises
    ------
    Refused
        The browser says that the request was made by another origin.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}".lower()
    if (origin is not None and origin.lower() != own) or (origin is None and site not in (None, "same-origin", "none")):
        raise Refused(
            Wording("another site asked for this"), where=request.url.path, expected=Wording("a form of this site")
        )


def form_token_of(request: Request) -> str:
    """Give what a form of this request's answer must send back; empty where there is no cookie to go with it."""
    held = request.cookies.get(SESSION) or getattr(request.state, "form_secret", None) or request.cookies.get(FORM)
    return secret.form_token(held) if held else ""


async def posted(request: Request) -> FormData:
    """Read a form that this site gave out; every route that changes something by a form depends on it.

    Raises
    ------
    Refused
        It does not bring what goes with the browser's cookie.
    """
    # A field for each area that somebody picked, among others.
    form = await request.form(max_files=0, max_fields=1000)
    brought = form.get(FIELD)
    expected = form_token_of(request)
    if not expected or not isinstance(brought, str) or not compare_digest(brought.encode(), expected.encode()):
        raise Refused(
            Wording("this form is too old, or does not come from here"),
            where=request.url.path,
            expected=Wording("load the page again"),
        )
    return form


async def posted_without_token(request: Request) -> FormData:
    """Read a form that changes nothing but the browser it was sent with, and so may be sent before there is a cookie.

    Raises
    ------
    Refused
        The browser does not say that a page of this site sent it; that of another is refused before.
    """
    if "origin" not in request.headers:
        raise Refused(Wording("this form does not say where it comes from"), where=request.url.path)
    return await request.form(max_files=0, max_fields=10)


def text(form: FormData, name: str) -> str:
    """Give a field of a form, empty if it is not there."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def keep_cookie(response: Response, name: str, value: str, hours: int) -> None:
    """Set a cookie that only this site sees, over a secure connection, and no script."""
    response.set_cookie(name, value, max_age=hours * 3600, path="/", secure=True, httponly=True, samesite="lax")


def drop_cookie(response: Response, name: str) -> None:
    """Remove a cookie."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def sign_in_first(request: Request) -> Response:
    """Send somebody to the sign-in page, and from there back to where they wanted to go."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='/')}"
    return RedirectResponse(address, status_code=303, headers={"cache-control": "no-store"})


def is_own(wanted: str) -> bool:
    r"""Say whether somebody may be sent to an address they ask for: only to one of this site.

    Examples
    --------
    >>> [is_own(wanted) for wanted in ("/catalog?x=1", "//evil.example", "/\\evil.example", "https://evil.example")]
    [True, False, False, False]
    """
    parsed = urlsplit(wanted)
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted
    return plain and wanted.startswith("/") and not wanted.startswith("//") and not parsed.scheme and not parsed.netloc


def own_address(wanted: str) -> str:
    """Give where somebody asked to be sent after signing in, if it is of this site; else the overview's address.

    Examples
    --------
    >>> own_address("/catalog?x=1"), own_address("//evil.example"), own_address("/sign-in")
    ('/catalog?x=1', '/', '/')
    """
    return wanted if is_own(wanted) and not wanted.startswith("/sign-in") else "/"
