"""Agreements: who may read what besides their roles, what for and until when; given and withdrawn here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from commonweal.core.catalog import datasets
from commonweal.core.errors import CommonwealError
from commonweal.core.identity import Permission, agreements, people
from commonweal.core.identity.agreements import Agreement, Terms
from commonweal.web import words
from commonweal.web.access import text, visitor_of
from commonweal.web.administration.parts import AGREEMENTS, TAG, Form, again, overseers_only, part, went_well
from commonweal.web.agreements import agreement_data, agreement_table
from commonweal.web.document import Document, document
from commonweal.web.languages import _, translated
from commonweal.web.paging import Number, paged

FIELDS = ("name", "purpose", "until", "area", "level", "first_day", "last_day")

routes = APIRouter()


@document(routes, AGREEMENTS, overseers_only, summary="Agreements on who may read what", tag=TAG, figure="agreements")
def listed(request: Request, number: Number = 1) -> Document:
    """Every agreement with its terms and its purpose, the newest first."""
    return _listed(request, number)


@routes.post(AGREEMENTS, include_in_schema=False)
@overseers_only
def give(request: Request, form: Form) -> Response:
    """Let somebody read within terms."""
    visitor, typed = visitor_of(request), {name: text(form, name) for name in FIELDS}
    chosen = [name for name in form.getlist("datasets") if isinstance(name, str)]
    try:
        terms = _terms(typed, chosen)
        visitor.require(Permission.OVERSEE, "", terms.area, what=AGREEMENTS)
        agreements.give(request.app.state.database, typed["name"], terms, visitor.who)
    except CommonwealError as error:
        return again(request, _listed(request, 1, error, typed, chosen), AGREEMENTS, error)
    return went_well(AGREEMENTS)


@routes.post("/administration/agreements/{number}/withdraw", include_in_schema=False)
@overseers_only
def withdraw(request: Request, number: int, form: Form) -> Response:
    """End an agreement."""
    visitor, database = visitor_of(request), request.app.state.database
    try:
        visitor.require(Permission.OVERSEE, "", agreements.get(database, number).terms.area, what=AGREEMENTS)
        agreements.withdraw(database, number, visitor.who, text(form, "why") or None)
    except CommonwealError as error:
        return again(request, _listed(request, 1, error), AGREEMENTS, error)
    return went_well(AGREEMENTS)


def _terms(typed: Mapping[str, str], chosen: Sequence[str]) -> Terms:
    return agreements.read_terms(
        chosen,
        typed["purpose"],
        typed["until"],
        area=typed["area"],
        level=typed["level"],
        first_day=typed["first_day"],
        last_day=typed["last_day"],
    )


def _listed(
    request: Request,
    number: int,
    error: CommonwealError | None = None,
    typed: Mapping[str, str] | None = None,
    chosen: Sequence[str] = (),
) -> Document:
    database = request.app.state.database
    page = paged(lambda count, skipped: agreements.agreements(database, None, count, skipped), number)
    today = datetime.now(UTC).date()
    return part(
        AGREEMENTS,
        _("Agreements"),
        "agreements.html",
        error=error,
        values={
            "people": [(each.name, each.full_name) for each in people.people(database) if not each.disabled],
            "datasets": [(each.dataset, translated(each.schema.title)) for each in datasets(database)],
            "chosen": chosen,
            "typed": typed or dict.fromkeys(FIELDS, ""),
            "holding": [(each, _called(each)) for each in page.items if each.holds(today)],
        },
        data={"agreements": [_data(each) for each in page.items], **page.data(f"{AGREEMENTS}.json")},
        figures=[agreement_table(page.items, with_person=True)],
        query=page.here,
        page=page,
    )


def _called(agreement: Agreement) -> str:
    said = {"number": agreement.number, "person": agreement.full_name, "day": words.day(agreement.terms.until)}
    return _("%(number)s, of %(person)s, until %(day)s", **said)


def _data(agreement: Agreement) -> dict[str, Any]:
    return {"person": agreement.name, **agreement_data(agreement), "given_by": agreement.given_by}
