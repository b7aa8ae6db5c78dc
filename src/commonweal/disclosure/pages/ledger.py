"""The ledger on the site: its entries, the newest first, and whether it is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from commonweal.core.findings import Report
from commonweal.core.identity import Permission
from commonweal.core.identity.people import called
from commonweal.core.wording import Wording
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.ledger.verifying import verify as prove
from commonweal.disclosure.pages import parts
from commonweal.disclosure.pages.reading import ledger_of, seen_of
from commonweal.web import words
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.paging import Number, Page, paged
from commonweal.web.table import Row

LAST = (1 << 63) - 1
SIZE = 50
KINDS = {
    "release": Wording("release"),
    "budget": Wording("budget"),
    "standing": Wording("standing approval"),
    "withdrawal": Wording("withdrawal"),
}

UpTo = Annotated[
    int | None,
    Query(
        ge=0,
        le=LAST,
        description="The newest entry that counts, so that pages stay while the ledger grows.",
        examples=[5],
    ),
]
Verify = Annotated[
    bool, Query(description="Whether to read the whole ledger and prove that it is whole.", examples=[True])
]

routes = APIRouter()


@document(
    routes,
    parts.LEDGER,
    needs(Permission.FOLLOW, in_any_domain=True),
    summary="The ledger of releases",
    tag=parts.TAG,
    figure="entries",
)
def ledger(request: Request, number: Number = 1, up_to: UpTo = None, verify: Verify = False) -> Document:
    """Entries with every field that their hashes cover, the newest first; what verification found, if it was asked."""
    state, found = request.app.state, ledger_of(request)
    last = max((entry.sequence for entry in found.entries), default=0) if up_to is None else up_to
    seen = [entry for entry in seen_of(request, found) if entry.sequence <= last]
    page = paged(lambda count, skipped: seen[skipped : skipped + count], number, {"up_to": str(last)}, SIZE)
    report = prove(state.settings, state.database) if verify or found.wrong else None
    return Document(
        title=_("Ledger"),
        template="disclosure_ledger.html",
        package=parts.PACKAGE,
        lead=_("What was ever released of whom, what it spent, and who allowed it."),
        values={"tabs": parts.tabs(request), "report": report},
        data={
            "entries": [entry.fields() | {"hash": entry.hash, "signature": entry.signature} for entry in page.items],
            **page.data(f"{parts.LEDGER}.json"),
            "verification": report and _verified(report),
        },
        figures=[_entries(request, page)],
        query=page.here,
        private=True,
        page=page,
    )


def what_it_says(entry: Entry) -> str:
    """Say in the reader's language what an entry is about."""
    said = entry.said
    match entry.kind:
        case "release":
            return _(
                "%(tables)s of %(people)s, %(period)s: %(rule)s",
                tables=", ".join(table["dataset"] for table in said["tables"]),
                people=said["people"],
                period=parts.period_in_words(said["first"], said["last"]),
                rule=parts.rule_in_words(said["rule"], said["parameters"]),
            )
        case "budget":
            return _(
                "%(people)s: %(amounts)s a %(unit)s",
                people=said["people"],
                amounts=parts.amounts_in_words(said["rho"], said.get("delta", 0)),
                unit=parts.unit_in_words(said["unit"]),
            )
        case "standing":
            return _(
                "%(rule)s, for %(which)s",
                rule=parts.rule_in_words(said["rule"], said["parameters"]),
                which=", ".join(said["datasets"]) or said["domain"],
            )
        case "withdrawal":
            return _("standing approval %(number)s no longer holds", number=str(said["number"]))
    return entry.kind


def _verified(report: Report) -> dict[str, Any]:
    return {
        "entries": report.entries,
        "head": report.head and asdict(report.head),
        "findings": [asdict(finding) for finding in report.findings],
        "found": report.found,
    }


def _entries(request: Request, page: Page[Entry]) -> Figure:
    said = [one.said for one in page.items]
    approvals = [each["approval"] for each in said if "approval" in each]
    who = {one.who for one in page.items} | {each["proposed_by"] for each in said if "proposed_by" in each}
    who |= {each["by"] for each in approvals if "by" in each}
    names = called(request.app.state.database, who)
    return Figure(
        name="entries",
        title=_("Entries"),
        caption=_("The newest first; times are UTC. Entries are only ever added."),
        headings=(
            Heading(_("Entry"), key="sequence"),
            Heading(_("At"), key="at", is_time=True),
            Heading(_("Kind"), key="kind"),
            Heading(_("What")),
            Heading(_("Spent")),
            Heading(_("Who")),
            Heading(_("Allowed by")),
        ),
        rows=[
            Row(
                (
                    str(one.sequence),
                    words.moment(one.at),
                    translated(KINDS.get(one.kind, one.kind)),
                    what_it_says(one),
                    parts.spent_in_words(one.said["spent"]) if one.said.get("spent") else "",
                    names[one.said.get("proposed_by", one.who)],
                    parts.allowed_by(one, names),
                )
            )
            for one in page.items
        ],
        records=[
            {"sequence": one.sequence, "at": one.at.isoformat(), "kind": one.kind, "who": one.who, "hash": one.hash}
            for one in page.items
        ],
    )
