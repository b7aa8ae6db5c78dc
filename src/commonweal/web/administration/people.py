"""People: who can sign in, what each holds, and their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from commonweal.core.errors import CommonwealError, NotFound
from commonweal.core.identity import Role, people, tokens
from commonweal.core.identity.roles import Grant, parse_grant
from commonweal.core.wording import Wording
from commonweal.web import words
from commonweal.web.access import text, visitor_of
from commonweal.web.administration.parts import PEOPLE, TAG, Form, administrators_only, again, joined, part, went_well
from commonweal.web.document import Document, document, draw
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.table import Row
from commonweal.web.tokens import token_data, token_table, works

Name = Annotated[str, Path(description="What the person signs in with.", examples=["ada"])]

routes = APIRouter()


@document(
    routes,
    PEOPLE,
    administrators_only,
    summary="Everyone who can sign in, and what they hold",
    tag=TAG,
    figure="people",
)
def everyone(request: Request) -> Document:
    """Each person with their roles."""
    return _everyone(request)


@routes.post("/administration/people", include_in_schema=False)
@administrators_only
def create_person(request: Request, form: Form) -> Response:
    """Make a person; show the link with which they set their password, this once."""
    name, full_name = text(form, "name"), text(form, "full_name")
    try:
        grants = [_grant(form)] if text(form, "role") else []
        person, offered = people.create(
            request.app.state.database, name, full_name or name, grants, visitor_of(request).who
        )
    except CommonwealError as error:
        return again(request, _everyone(request, error, {"name": name, "full_name": full_name}), PEOPLE, error)
    return _with_link(request, person, offered)


@document(
    routes,
    "/administration/people/{name}",
    administrators_only,
    summary="A person: roles and tokens",
    tag=TAG,
    figure="roles",
)
def one_person(request: Request, name: Name) -> Document:
    """A person's roles and tokens (never a secret), and whether they can sign in."""
    return _one(request, people.get(request.app.state.database, name))


@routes.post("/administration/people/{name}/{change}", include_in_schema=False)
@administrators_only
def change_person(request: Request, name: str, change: str, form: Form) -> Response:
    """Give or take a role, lock out, let in again, make a link, or revoke a token."""
    database, who, address = request.app.state.database, visitor_of(request).who, f"/administration/people/{name}"
    person = people.get(database, name)
    try:
        match change:
            case "grant":
                people.give(database, name, _grant(form), who)
            case "revoke":
                people.take(database, name, _grant(form), who)
            case "disable":
                people.disable(database, name, who, text(form, "why") or None)
            case "enable":
                people.enable(database, name, who)
            case "revoke-token":
                number = text(form, "number")
                tokens.revoke(database, person.number, int(number) if number.isdecimal() else 0, who)
            case "link":
                return _with_link(request, person, people.offer_link(database, name, who))
            case _:
                raise NotFound(Wording("there is no such change"), where=request.url.path)
    except CommonwealError as error:
        return again(request, _one(request, person, error), address, error)
    return went_well(address)


def _everyone(request: Request, error: CommonwealError | None = None, typed: dict[str, str] | None = None) -> Document:
    found = people.people(request.app.state.database)
    return part(
        PEOPLE,
        _("People"),
        "people.html",
        error=error,
        values={
            "roles": list(Role),
            "domains": _domains(request),
            "typed": typed or {"name": "", "full_name": ""},
        },
        data={"people": [_plain(person) for person in found]},
        figures=[_people(found)],
    )


def _people(found: list[people.Person]) -> Figure:
    return Figure(
        name="people",
        title=_("Who can sign in"),
        caption=_("Everyone, by the name they sign in with. Choose one to change what they hold."),
        headings=(
            Heading(_("Name"), key="name"),
            Heading(_("Full name"), key="full_name"),
            Heading(_("Holds"), key="holds"),
            Heading(_("State"), key="state"),
        ),
        rows=[
            Row(
                (
                    person.name,
                    person.full_name,
                    joined([words.grant(grant) for grant in person.grants]),
                    _state(person),
                ),
                href=f"/administration/people/{person.name}",
            )
            for person in found
        ],
        records=[
            {
                "name": person.name,
                "full_name": person.full_name,
                "holds": ", ".join(str(grant) for grant in person.grants) or None,
                "state": "disabled" if person.disabled else "can sign in" if _can_sign_in(person) else "invited",
            }
            for person in found
        ],
    )


def _one(request: Request, person: people.Person, error: CommonwealError | None = None) -> Document:
    database = request.app.state.database
    person = people.get(database, person.name)
    held, domains = tokens.tokens_of(database, person.number), _domains(request)
    return part(
        PEOPLE,
        person.full_name,
        "person.html",
        error=error,
        values={
            "person": person,
            "roles": list(Role),
            "domains": domains,
            "working": [token for token in held if works(token)],
            "tokens": held,
            "link": None,
        },
        lead=_state(person),
        data=_plain(person) | {"tokens": [token_data(token) for token in held]},
        figures=[_roles(person, dict(domains)), token_table(held)],
    )


def _roles(person: people.Person, domains: Mapping[str, str]) -> Figure:
    return Figure(
        name="roles",
        title=_("Roles"),
        caption=_("What the person may do, and where."),
        headings=(
            Heading(_("Role"), key="role"),
            Heading(_("In"), key="domain"),
            Heading(_("For"), key="area"),
        ),
        rows=[
            Row(
                (
                    words.role(grant.role),
                    domains.get(grant.domain, grant.domain) or _("every domain"),
                    grant.area or _("everywhere"),
                )
            )
            for grant in person.grants
        ],
        records=[asdict(grant) for grant in person.grants],
    )


def _with_link(request: Request, person: people.Person, offered: str) -> Response:
    """Show a person with a link for them. It stands in no other answer than this one."""
    shown = _one(request, person)
    address = f"{request.app.state.settings.address}/welcome/{offered}"
    shown = replace(shown, values={**shown.values, "link": address})
    return draw(request, shown, address=f"/administration/people/{person.name}")


def _state(person: people.Person) -> str:
    if person.disabled:
        return _("disabled on %(day)s", day=words.day(person.disabled))
    return _("can sign in") if _can_sign_in(person) else _("has not set a password yet")


def _can_sign_in(person: people.Person) -> bool:
    return person.has_password or person.single_sign_on


def _grant(form: FormData) -> Grant:
    return parse_grant(text(form, "role"), text(form, "domain"), text(form, "area"))


def _domains(request: Request) -> list[tuple[str, str]]:
    return [(room.name, translated(room.title)) for room in request.app.state.rooms if room.pages or room.tiles]


def _plain(person: people.Person) -> dict[str, Any]:
    grants = [asdict(grant) for grant in person.grants]
    return asdict(person) | {"grants": grants, "disabled": person.disabled and person.disabled.isoformat()}
