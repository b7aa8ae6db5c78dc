"""Signing in and out, first passwords, and what people keep of their own: password and tokens."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from commonweal.core.errors import CommonwealError, NotFound
from commonweal.core.identity import Permission, agreements, looks, sessions, signing_in, single_sign_on, tokens
from commonweal.core.identity.looks import Wanted
from commonweal.core.wording import Wording
from commonweal.web import words
from commonweal.web.access import (
    FORM,
    PROVIDER,
    SESSION,
    anyone,
    drop_cookie,
    keep_cookie,
    own_address,
    person,
    posted,
    text,
    visitor_of,
)
from commonweal.web.agreements import agreement_data, agreement_table
from commonweal.web.document import NO_STORE, Document, document, draw
from commonweal.web.languages import _, ngettext
from commonweal.web.looks import look_data, look_table
from commonweal.web.tokens import token_data, token_table, works

if TYPE_CHECKING:
    from commonweal.core.identity.provider import Provider

FROM_PROVIDER = "/sign-in/provider/callback"
"""Where an identity provider sends people back to: the redirect URI to register with it, after the site's address."""

TAG = "people"
LOOKS_SHOWN = 20
"""How many of their looks somebody is shown; all of them are with the stewards."""
Form = Annotated[FormData, Depends(posted)]
Next = Annotated[
    str, Query(alias="next", description="Address of this site to go to afterwards.", examples=["/catalog"])
]
Offered = Annotated[
    str, Path(description="The secret of a link that an administrator gave.", examples=["the-secret-of-a-link"])
]

routes = APIRouter()


@document(routes, "/sign-in", anyone, summary="How to sign in", tag=TAG, forms=("json",))
def sign_in_page(request: Request, wanted: Next = "/") -> Document:
    """Whether people of this installation sign in with a password, and at which identity provider they can besides."""
    return _sign_in(request, wanted=own_address(wanted))


@routes.post("/sign-in", include_in_schema=False)
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
        return _asked_again(request, _sign_in(request, error, wanted, name), "/sign-in", error)
    return _signed_in(request, held, wanted)


@routes.get("/sign-in/provider", include_in_schema=False)
@anyone
async def to_provider(request: Request, wanted: Next = "/") -> Response:
    """Send somebody to the identity provider."""
    database, provider, wanted = request.app.state.database, _provider(request), own_address(wanted)
    try:
        address, held = await single_sign_on.begin(database, provider, _callback(request), wanted)
    except CommonwealError as error:
        return _asked_again(request, _sign_in(request, error, wanted), "/sign-in", error)
    response = _went_to(address)
    keep_cookie(response, PROVIDER, held, 1)
    return response


@routes.get(FROM_PROVIDER, include_in_schema=False)
@anyone
async def from_provider(request: Request) -> Response:
    """Begin a session for whoever comes back from the identity provider."""
    state, provider, held = request.app.state, _provider(request), request.cookies.get(PROVIDER, "")
    try:
        session, wanted = await single_sign_on.finish(
            state.database, provider, _callback(request), held, request.query_params, state.settings.session_hours
        )
    except CommonwealError as error:
        return _asked_again(request, _sign_in(request, error), "/sign-in", error)
    response = _signed_in(request, session, wanted)
    drop_cookie(response, PROVIDER)
    return response


@routes.post("/sign-out", include_in_schema=False)
@anyone
def sign_out(request: Request, form: Form) -> Response:
    """End the session."""
    if held := request.cookies.get(SESSION):
        sessions.end(request.app.state.database, held)
    response = _went_to("/sign-in")
    drop_cookie(response, SESSION)
    return response


@document(routes, "/welcome/{offered}", anyone, summary="What a link is for", tag=TAG, forms=("json",))
def welcome_page(request: Request, offered: Offered) -> Document:
    """Whose password a link sets: somebody's, or that of the first administrator. Looking does not use it up."""
    return _welcome(request, offered)


@routes.post("/welcome/{offered}", include_in_schema=False)
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
        typed = {"name": text(form, "name"), "full_name": text(form, "full_name")}
        return _asked_again(request, _welcome(request, offered, error, **typed), f"/welcome/{offered}", error)
    return _signed_in(request, held, "/")


@document(routes, "/account", person, summary="What whoever asks holds", tag=TAG, figure="tokens")
def account_page(request: Request) -> Document:
    """The roles and tokens (never a secret) of whoever asks."""
    return _account(request)


@routes.post("/account/password", include_in_schema=False)
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
        return _asked_again(request, _account(request, error), "/account", error)
    return _signed_in(request, held, "/account")


@routes.post("/account/tokens", include_in_schema=False)
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
        return _asked_again(request, _account(request, error), "/account", error)
    shown = _account(request)
    return draw(request, replace(shown, values={**shown.values, "made": made}), address="/account")


@routes.post("/account/tokens/{number}/revoke", include_in_schema=False)
@person
def revoke_token(request: Request, number: int, form: Form) -> Response:
    """Make a token stop working."""
    visitor = visitor_of(request)
    assert visitor.person is not None
    tokens.revoke(request.app.state.database, visitor.person, number, visitor.who)
    return _went_to("/account")


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


def _sign_in(request: Request, error: CommonwealError | None = None, wanted: str = "/", name: str = "") -> Document:
    provider = request.app.state.provider
    offered = provider.name if provider else None
    return Document(
        title=_("Sign in"),
        template="sign_in.html",
        values={"error": error, "next": wanted, "name": name, "provider": offered},
        data={"local_accounts": True, "provider": offered},
        private=True,
        asks_strangers=True,
    )


def _welcome(
    request: Request, offered: str, error: CommonwealError | None = None, name: str = "", full_name: str = ""
) -> Document:
    invited = signing_in.invited_by(request.app.state.database, offered)
    return Document(
        title=_("Set your password") if invited else _("The first administrator"),
        template="welcome.html",
        values={"error": error, "invited": invited, "offered": offered, "name": name, "full_name": full_name},
        data={"sets_password_of": invited or None, "makes_first_administrator": not invited},
        private=True,
        asks_strangers=True,
    )


def _account(request: Request, error: CommonwealError | None = None) -> Document:
    visitor = visitor_of(request)
    assert visitor.person is not None
    database = request.app.state.database
    held, agreed = tokens.tokens_of(database, visitor.person), agreements.agreements(database, visitor.person)
    looked = looks.looks(database, Wanted(person=visitor.person), LOOKS_SHOWN)
    grants = [words.grant(grant) for grant in visitor.grants]
    return Document(
        title=visitor.name,
        template="account.html",
        lead=_("You hold: %(roles)s.", roles=", ".join(grants))
        if grants
        else _("You hold no role yet; an administrator gives you one."),
        values={
            "error": error,
            "permissions": [(right.value, words.permission(right)) for right in Permission],
            "tokens": held,
            "working": [token for token in held if works(token)],
            "made": None,
            "looked": bool(looked),
            "agreed": bool(agreed),
        },
        data={
            "number": visitor.person,
            "full_name": visitor.name,
            "grants": [asdict(grant) for grant in visitor.grants],
            "only": visitor.only if visitor.only is None else sorted(visitor.only),
            "tokens": [token_data(token) for token in held],
            "agreements": [agreement_data(each) for each in agreed],
            "looks": [look_data(look) for look in looked],
        },
        figures=[
            *([agreement_table(agreed)] if agreed else []),
            token_table(held),
            look_table(
                looked,
                caption=ngettext(
                    "Your newest look at data about people; times are UTC. Stewards see it too.",
                    "Your newest %(num)s looks at data about people; times are UTC. Stewards see them too.",
                    len(looked),
                ),
            ),
        ],
        private=True,
    )


def _asked_again(request: Request, shown: Document, address: str, error: CommonwealError) -> Response:
    return draw(request, shown, address=address, status=error.status)


def _signed_in(request: Request, held: str, address: str) -> Response:
    response = _went_to(address)
    keep_cookie(response, SESSION, held, request.app.state.settings.session_hours)
    drop_cookie(response, FORM)
    return response


def _went_to(address: str) -> Response:
    return RedirectResponse(address, status_code=303, headers={"cache-control": NO_STORE})


def _differ() -> CommonwealError:
    from commonweal.core.errors import InputError

    return InputError(Wording("the two passwords differ"), expected=Wording("the same one twice"))
