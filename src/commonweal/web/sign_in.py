"""Signing in and out, first passwords, and what people keep of their own: password and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from commonweal.core.errors import CommonwealError, NotFound
from commonweal.core.identity import Permission, secret, sessions, signing_in, single_sign_on, tokens
from commonweal.core.wording import Wording
from commonweal.web import words
from commonweal.web.access import (
    FORM,
    PROVIDER,
    SESSION,
    anyone,
    drop_cookie,
    form_token_of,
    keep_cookie,
    own_address,
    person,
    posted,
    text,
    visitor_of,
)
from commonweal.web.languages import _
from commonweal.web.render import page
from commonweal.web.table import Row

if TYPE_CHECKING:
    from commonweal.core.identity.provider import Provider

FROM_PROVIDER = "/sign-in/provider/callback"
"""Where an identity provider sends people back to: the redirect URI to register with it, after the site's address."""

NO_STORE = {"cache-control": "no-store"}
Form = Annotated[FormData, Depends(posted)]

routes = APIRouter(include_in_schema=False)


@routes.get("/sign-in")
@anyone
def sign_in_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the word people know from other sites
    """Ask for name and password, or offer the identity provider."""
    return _sign_in_page(request, wanted=own_address(next))


@routes.post("/sign-in")
@anyone
def sign_in(request: Request, form: Form) -> Response:
    """Begin a session."""
    state, name, wanted = request.app.state, text(form, "name"), own_address(text(form, "next"))
    place = request.client.host if request.client else ""
    try:
        held = signing_in.with_password(
            state.database, name, text(form, "password"), place, state.settings.session_hours
        )
    except CommonwealError as error:
        return _sign_in_page(request, error, wanted, name)
    return _signed_in(request, held, wanted)


@routes.get("/sign-in/provider")
@anyone
async def to_provider(request: Request, next: str = "/") -> Response:  # noqa: A002
    """Send somebody to the identity provider."""
    database, provider, wanted = request.app.state.database, _provider(request), own_address(next)
    try:
        address, held = await single_sign_on.begin(database, provider, _callback(request), wanted)
    except CommonwealError as error:
        return _sign_in_page(request, error, wanted)
    response = RedirectResponse(address, status_code=303, headers=NO_STORE)
    keep_cookie(response, PROVIDER, held, 1)
    return response


@routes.get(FROM_PROVIDER)
@anyone
async def from_provider(request: Request) -> Response:
    """Begin a session for whoever comes back from the identity provider."""
    state, provider, held = request.app.state, _provider(request), request.cookies.get(PROVIDER, "")
    try:
        session, wanted = await single_sign_on.finish(
            state.database, provider, _callback(request), held, request.query_params, state.settings.session_hours
        )
    except CommonwealError as error:
        return _sign_in_page(request, error)
    response = _signed_in(request, session, wanted)
    drop_cookie(response, PROVIDER)
    return response


@routes.post("/sign-out")
@anyone
def sign_out(request: Request, form: Form) -> Response:
    """End the session."""
    if held := request.cookies.get(SESSION):
        sessions.end(request.app.state.database, held)
    response = RedirectResponse("/sign-in", status_code=303, headers=NO_STORE)
    drop_cookie(response, SESSION)
    return response


@routes.get("/welcome/{offered}")
@anyone
def welcome_page(request: Request, offered: str) -> Response:
    """Ask whoever holds a link for a password; looking at it does not use it up."""
    return _welcome(request, offered)


@routes.post("/welcome/{offered}")
@anyone
def welcome(request: Request, offered: str, form: Form) -> Response:
    """Set the password, and sign in."""
    state, hours = request.app.state, request.app.state.settings.session_hours
    try:
        if text(form, "password") != text(form, "again"):
            raise _differ()
        if text(form, "name"):
            given = (text(form, "name"), text(form, "full_name") or text(form, "name"), text(form, "password"))
            held = signing_in.as_first_administrator(state.database, offered, *given, hours)
        else:
            held = signing_in.with_link(state.database, offered, text(form, "password"), hours)
    except CommonwealError as error:
        return _welcome(request, offered, error, name=text(form, "name"), full_name=text(form, "full_name"))
    return _signed_in(request, held, "/")


@routes.get("/account")
@person
def account_page(request: Request) -> Response:
    """Show people what they hold: roles, password, tokens."""
    return _account(request)


@routes.post("/account/password")
@person
def change_password(request: Request, form: Form) -> Response:
    """Change one's own password; other sessions end."""
    state, visitor = request.app.state, visitor_of(request)
    assert visitor.person is not None
    place = request.client.host if request.client else ""
    try:
        if text(form, "password") != text(form, "again"):
            raise _differ()
        old, new = text(form, "old"), text(form, "password")
        hours = state.settings.session_hours
        held = signing_in.change_password(state.database, visitor.person, old, new, place, hours)
    except CommonwealError as error:
        return _account(request, error)
    return _signed_in(request, held, "/account")


@routes.post("/account/tokens")
@person
def make_token(request: Request, form: Form) -> Response:
    """Make a token and show it, this once."""
    visitor = visitor_of(request)
    assert visitor.person is not None
    chosen = [value for value in form.getlist("permission") if isinstance(value, str)]
    days = text(form, "days")
    try:
        made = tokens.issue(
            request.app.state.database,
            visitor.person,
            text(form, "name"),
            chosen,
            int(days) if days.isdecimal() else 0,
            visitor.who,
        )
    except CommonwealError as error:
        return _account(request, error)
    return _account(request, made=made)


@routes.post("/account/tokens/{number}/revoke")
@person
def revoke_token(request: Request, number: int, form: Form) -> Response:
    """Make a token stop working."""
    visitor = visitor_of(request)
    assert visitor.person is not None
    tokens.revoke(request.app.state.database, visitor.person, number, visitor.who)
    return RedirectResponse("/account", status_code=303, headers=NO_STORE)


def _provider(request: Request) -> Provider:
    found: Provider | None = request.app.state.provider
    if found is None:
        raise NotFound(
            Wording("there is no identity provider to sign in with"),
            expected=Wording("the sign-in page, with a password"),
        )
    return found


def _callback(request: Request) -> str:
    return f"{request.app.state.settings.address}{FROM_PROVIDER}"


def _sign_in_page(
    request: Request, error: CommonwealError | None = None, wanted: str = "/", name: str = ""
) -> Response:
    provider = request.app.state.provider
    offered = provider.name if provider else None
    return _form_page(request, "sign_in.html", error, title=_("Sign in"), next=wanted, name=name, provider=offered)


def _signed_in(request: Request, held: str, address: str) -> Response:
    response = RedirectResponse(address, status_code=303, headers=NO_STORE)
    keep_cookie(response, SESSION, held, request.app.state.settings.session_hours)
    drop_cookie(response, FORM)
    return response


def _form_page(request: Request, template: str, error: CommonwealError | None = None, **values: Any) -> Response:
    """Show a form to somebody who may not be signed in; its cookie comes with it."""
    fresh = None if form_token_of(request) else secret.new()
    if fresh:
        request.state.form_secret = fresh
    status = error.status if error else 200
    response = page(request, template, status=status, headers=NO_STORE, error=error, **values)
    if fresh:
        keep_cookie(response, FORM, fresh, 1)
    return response


def _welcome(
    request: Request, offered: str, error: CommonwealError | None = None, name: str = "", full_name: str = ""
) -> Response:
    invited = signing_in.invited_by(request.app.state.database, offered)
    title = _("Set your password") if invited else _("The first administrator")
    values = {"title": title, "invited": invited, "offered": offered, "name": name, "full_name": full_name}
    return _form_page(request, "welcome.html", error, **values)


def _account(request: Request, error: CommonwealError | None = None, made: str | None = None) -> Response:
    visitor = visitor_of(request)
    assert visitor.person is not None
    held = tokens.tokens_of(request.app.state.database, visitor.person)
    rows = [
        (
            token.number,
            token.revoked is None,
            Row(
                (
                    token.name,
                    ", ".join(words.permission(Permission(right)) for right in token.permissions),
                    words.day(token.ends),
                    _state(token),
                )
            ),
        )
        for token in held
    ]
    return page(
        request,
        "account.html",
        status=error.status if error else 200,
        headers=NO_STORE,
        title=visitor.name,
        grants=[words.grant(grant) for grant in visitor.grants],
        permissions=[(right.value, words.permission(right)) for right in Permission],
        tokens=rows,
        made=made,
        error=error,
    )


def _state(token: tokens.Token) -> str:
    if token.revoked:
        return _("revoked on %(day)s", day=words.day(token.revoked))
    return _("last used on %(day)s", day=words.day(token.used)) if token.used else _("never used")


def _differ() -> CommonwealError:
    from commonweal.core.errors import InputError

    return InputError(Wording("the two passwords differ"), expected=Wording("the same one twice"))
