"""The page of a proposal: what would leave, what was found out about it, and the decision of a steward."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from commonweal.core.errors import CommonwealError, NotFound
from commonweal.core.identity import Permission
from commonweal.core.identity.people import called
from commonweal.core.wording import Wording
from commonweal.disclosure.pages import parts
from commonweal.disclosure.pages.evidence import told_or_damaged
from commonweal.disclosure.pages.overview import proposal_plain, titles_of
from commonweal.disclosure.pages.seeing import is_own, looks_inside, may, sees
from commonweal.disclosure.releasing import staged
from commonweal.disclosure.releasing.proposals import Proposal, Stage, get, outdated
from commonweal.disclosure.releasing.publishing import approve, reject
from commonweal.web import words
from commonweal.web.access import needs, posted, text, visitor_of
from commonweal.web.document import Document, document, draw
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.provenance import Fact
from commonweal.web.table import Row

ADDRESS = f"{parts.HOME}/proposals"
LONGEST = 500
STAGES: Mapping[Stage, str] = {
    Stage.WAITING: Wording("It waits for a steward. Nothing of it is published."),
    Stage.REJECTED: Wording("It was rejected. Nothing of it is published."),
    Stage.APPROVED: Wording("It is approved and entered in the ledger, but not published yet: approve it once more."),
    Stage.PUBLISHED: Wording("It is approved, and published."),
}

Which = Annotated[
    str, Path(description="The proposal's number, or the beginning of it.", examples=["3f2a91c0b7d4"], max_length=64)
]
Form = Annotated[FormData, Depends(posted)]

routes = APIRouter()


@document(
    routes,
    f"{ADDRESS}/{{proposal}}",
    needs(Permission.FOLLOW, in_any_domain=True),
    summary="A proposal",
    tag=parts.TAG,
    figure="tables",
)
def proposal(request: Request, proposal: Which) -> Document:
    """What tables, of whom, which period and rule, what would be spent, and what was found out about them."""
    return _document(request, proposal_of(request, proposal))


@routes.post(f"{ADDRESS}/{{proposal}}/{{decision}}", include_in_schema=False)
@needs(Permission.FOLLOW, in_any_domain=True)
def decide(request: Request, proposal: str, decision: str, form: Form) -> Response:
    """Approve or reject; whether whoever asks may do so is asked where it is decided."""
    state, visitor = request.app.state, visitor_of(request)
    found = proposal_of(request, proposal)
    why = text(form, "why").strip()[:LONGEST]
    try:
        if decision == "approve":
            approve(state.settings, state.database, found.id, visitor, why or None)
        elif decision == "reject":
            reject(state.settings, state.database, found.id, visitor, why)
        else:
            raise NotFound(Wording("there is no such decision"), where=request.url.path)
    except CommonwealError as error:
        again = get(state.database, found.id)
        shown = _document(request, again, error=error)
        return draw(request, shown, address=f"{ADDRESS}/{again.short}", status=error.status)
    return parts.went_well(f"{ADDRESS}/{found.short}")


def proposal_of(request: Request, identifier: str) -> Proposal:
    """Find a proposal that whoever asks may look at.

    Raises
    ------
    NotFound, NotSignedIn, Refused
        There is none, or they may not.
    """
    found, visitor = get(request.app.state.database, identifier), visitor_of(request)
    if not sees(visitor, found):
        visitor.require(Permission.FOLLOW, found.domain, what=f"proposal {found.short}")
        raise NotFound(Wording("there is no such proposal"), where=repr(identifier))
    return found


def _document(request: Request, one: Proposal, error: CommonwealError | None = None) -> Document:
    visitor, said = visitor_of(request), one.said
    evidence = told_or_damaged(one.evidence, said["spent"], inside=looks_inside(visitor, one), rule=said["rule"])
    why_not = _why_no_approval(request, one)
    steward, own = may(visitor, Permission.KEEP, one), is_own(visitor, one)
    undecided = one.stage in (Stage.WAITING, Stage.REJECTED)
    return Document(
        title=_("Proposal %(number)s", number=one.short),
        template="disclosure_proposal.html",
        package=parts.PACKAGE,
        lead=" · ".join((titles_of(one), said["people"], parts.period_in_words(said["first"], said["last"]))),
        values={
            "tabs": parts.tabs(request),
            "error": error,
            "proposal": one,
            "state": translated(STAGES[one.stage]),
            "decision": _decision(request, one),
            "facts": _facts(request, one),
            "evidence": evidence,
            "may_approve": steward and not own and why_not is None and one.stage is not Stage.PUBLISHED,
            "may_reject": (steward or own) and one.stage is Stage.WAITING,
            "why_not": why_not if undecided else None,
            "spends": said["spent"] is not None,
            "address": f"{ADDRESS}/{one.short}",
            "may_stand": steward and not own,
            "longest": LONGEST,
        },
        data=proposal_plain(one) | {"evidence": evidence.data},
        figures=[_tables(one), *evidence.figures],
        private=True,
    )


def _why_no_approval(request: Request, one: Proposal) -> str | None:
    """Say why whoever looks cannot approve a proposal; None if they can."""
    state, visitor = request.app.state, visitor_of(request)
    if is_own(visitor, one):
        return _("You made this proposal, and whoever makes one cannot approve it: another steward must decide.")
    if not may(visitor, Permission.KEEP, one):
        return _("Only a steward of %(domain)s, for these areas, can decide.", domain=one.domain)
    try:
        there = staged.find(state.settings, one.id)
        newer = outdated(state.settings, state.database, there) if there else None
    except CommonwealError as error:
        return _("It cannot be approved now: %(why)s.", why=translated(error.what))
    if there is None and one.stage is not Stage.PUBLISHED:
        return _("Its tables are gone, so it cannot be approved. Have the same work done again.")
    if newer is not None:
        return _(
            "Other tables about the same people were released since, as entry %(entry)s of the ledger. These were not "
            "protected beside them, so they cannot be approved: have the same work done again.",
            entry=str(newer.sequence),
        )
    return None


def _decision(request: Request, one: Proposal) -> str:
    if one.decided_by is None or one.decided_at is None:
        return ""
    name = called(request.app.state.database, [one.decided_by])[one.decided_by]
    at = words.moment(one.decided_at)
    if one.why:
        return _("%(who)s, %(at)s UTC: “%(why)s”", who=name, at=at, why=one.why)
    return _("%(who)s, %(at)s UTC, without a reason", who=name, at=at)


def _facts(request: Request, one: Proposal) -> list[Fact]:
    said = one.said
    name = called(request.app.state.database, [one.who])[one.who]
    at = words.moment(datetime.fromisoformat(said["at"]))
    found = [
        (_("Of whom"), said["people"]),
        (_("Period"), parts.period_in_words(said["first"], said["last"])),
        (_("Rule"), parts.rule_title(said["rule"])),
        (_("With"), parts.parameters_in_words(said["parameters"])),
        (_("Spends"), parts.spent_in_words(said["spent"])),
        (_("Proposed"), _("by %(who)s, %(at)s UTC", who=name, at=at)),
    ]
    return [Fact(name, ((value, None),)) for name, value in found if value]


def _tables(one: Proposal) -> Figure:
    tables: list[dict[str, Any]] = one.said["tables"]
    return Figure(
        name="tables",
        title=_("The tables"),
        caption=_("What leaves if this is approved, and how many values of it are hidden."),
        headings=(
            Heading(_("Dataset"), key="dataset"),
            Heading(_("Title"), key="title"),
            Heading(_("Areas"), key="area_set"),
            Heading(_("Rows"), is_number=True, key="rows"),
            Heading(_("Hidden values"), is_number=True, key="hidden"),
            Heading(_("Rule"), key="rule"),
        ),
        rows=[
            Row(
                (
                    table["dataset"]["name"],
                    translated(table["dataset"]["title"]),
                    table["area_set"] or "–",
                    words.count(table["rows"]),
                    words.count(table["hidden"]),
                    parts.rule_title(table["rule"]),
                )
            )
            for table in tables
        ],
        records=[
            {
                "dataset": table["dataset"]["name"],
                "title": table["dataset"]["title"],
                "area_set": table["area_set"],
                "rows": table["rows"],
                "hidden": table["hidden"],
                "rule": table["rule"],
            }
            for table in tables
        ],
    )
