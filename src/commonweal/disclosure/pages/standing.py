"""Standing approvals and budgets on the site: what stewards decide once for all that comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from commonweal.core.errors import CommonwealError, InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.disclosure.ledger.budgets import set_budget
from commonweal.disclosure.ledger.spending import UNITS
from commonweal.disclosure.pages import parts
from commonweal.disclosure.pages.approvals import approvals_figure, approvals_plain, seen_approvals
from commonweal.disclosure.pages.budgets import budgets_figure, budgets_plain, seen_budgets
from commonweal.disclosure.pages.proposals import proposal_of
from commonweal.disclosure.pages.reading import ledger_of
from commonweal.disclosure.pages.seeing import domain_of_people, domains_open
from commonweal.disclosure.releasing.standing import approvable, grant, withdraw
from commonweal.disclosure.releasing.stewards import steward
from commonweal.web.access import needs, posted, text, visitor_of
from commonweal.web.document import Document, document, draw
from commonweal.web.languages import _, translated

LONGEST = 500
LONGEST_PARAMETERS = 5000
TYPED = ("rule", "domain", "dataset", "parameters", "people", "rho", "delta", "unit")

Like = Annotated[
    str,
    Query(max_length=64, description="A proposal, whose rule and parameters the form then shows.", examples=[""]),
]
Form = Annotated[FormData, Depends(posted)]

routes = APIRouter()


@document(
    routes,
    parts.STANDING,
    needs(Permission.FOLLOW, in_any_domain=True),
    summary="Standing approvals and budgets",
    tag=parts.TAG,
    figure="standing",
)
def standing(request: Request, like: Like = "") -> Document:
    """Rules whose releases are published at once, and what may be spent of each person's privacy."""
    return _document(request, _typed_like(request, like) if like else {})


@routes.post(f"{parts.STANDING}/give", include_in_schema=False)
@needs(Permission.KEEP, in_any_domain=True)
def give(request: Request, form: Form) -> Response:
    """Give a standing approval."""
    state, datasets = request.app.state, text(form, "dataset").replace(",", " ").split()

    def give_it() -> None:
        parameters = _parameters(text(form, "parameters"))
        rule, domain = text(form, "rule").strip(), text(form, "domain")
        grant(state.settings, state.database, rule, domain, parameters, visitor_of(request), _why(form), datasets)

    return _done(request, form, give_it)


@routes.post(f"{parts.STANDING}/withdraw", include_in_schema=False)
@needs(Permission.KEEP, in_any_domain=True)
def take(request: Request, form: Form) -> Response:
    """Withdraw a standing approval."""
    state, number = request.app.state, text(form, "number")
    known = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    return _done(
        request, form, lambda: withdraw(state.settings, state.database, known, visitor_of(request), _why(form))
    )


@routes.post(f"{parts.STANDING}/budget", include_in_schema=False)
@needs(Permission.KEEP, in_any_domain=True)
def budget(request: Request, form: Form) -> Response:
    """Set the budget of a set of people."""
    state, people = request.app.state, text(form, "people").strip()

    def set_it() -> None:
        who = steward(visitor_of(request), domain_of_people(people))
        rho, why = _number(form, "rho"), _why(form) or None
        delta = _number(form, "delta") if text(form, "delta").strip() else 0.0
        set_budget(state.settings, state.database, people, text(form, "unit"), rho, who, why, delta=delta)

    return _done(request, form, set_it)


def _done(request: Request, form: FormData, change: Callable[[], object]) -> Response:
    try:
        change()
    except CommonwealError as error:
        shown = _document(request, {name: text(form, name) for name in TYPED}, error)
        return draw(request, shown, address=parts.STANDING, status=error.status)
    return parts.went_well(parts.STANDING)


def _document(request: Request, typed: dict[str, str], error: CommonwealError | None = None) -> Document:
    visitor, ledger = visitor_of(request), ledger_of(request)
    approvals, budgets = seen_approvals(request, ledger.entries), seen_budgets(request, ledger.entries)
    rooms = {room.name for room in request.app.state.rooms if room.datasets}
    keeps = domains_open(visitor, Permission.KEEP, rooms)
    return Document(
        title=_("Approvals and budgets"),
        template="disclosure_standing.html",
        package=parts.PACKAGE,
        lead=_("What stewards decide once for all that comes."),
        values={
            "tabs": parts.tabs(request),
            "error": error or ledger.wrong,
            "keeps": keeps,
            "rules": [(name, parts.rule_title(name)) for name in parts.TITLES if name != "private"],
            "units": [(unit.value, translated(name)) for unit, name in UNITS.items()],
            "holding": [
                (one.number, parts.rule_in_words(one.rule, one.parameters))
                for one in approvals
                if one.withdrawn_by is None and visitor.may(Permission.KEEP, one.domain)
            ],
            "typed": dict.fromkeys(TYPED, "") | {"rule": "threshold", "parameters": '{"k": 15}'} | typed,
            "any_approvals": bool(approvals),
            "any_budgets": bool(budgets),
            "longest": LONGEST,
        },
        data={"standing_approvals": approvals_plain(approvals), "budgets": budgets_plain(budgets)},
        figures=[approvals_figure(request, approvals), budgets_figure(request, budgets)],
        private=True,
    )


def _typed_like(request: Request, identifier: str) -> dict[str, str]:
    one = proposal_of(request, identifier)
    return {
        "rule": one.said["rule"],
        "domain": one.domain,
        "dataset": " ".join(one.datasets),
        "parameters": json.dumps(approvable(one.said), ensure_ascii=False, sort_keys=True),
    }


def _parameters(typed: str) -> dict[str, Any]:
    try:
        said = json.loads(typed) if len(typed) <= LONGEST_PARAMETERS else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise InputError(
            Wording("these are no parameters"), where="parameters", expected=Wording('an object such as {"k": 15}')
        )
    return said


def _number(form: FormData, name: str) -> float:
    try:
        found = float(text(form, name).strip().replace(",", "."))
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise InputError(Wording("this is no amount of privacy"), where=name, expected=Wording("a number above 0"))
    return found


def _why(form: FormData) -> str:
    return text(form, "why").strip()[:LONGEST]
