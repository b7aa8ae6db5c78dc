"""The first page of disclosure control: what it promises, what waits for a decision, what left, what may be spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request

from commonweal.core import catalog
from commonweal.core.catalog import Release
from commonweal.core.identity import Permission
from commonweal.core.identity.people import called
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.pages import parts
from commonweal.disclosure.pages.approvals import approvals_figure, approvals_plain, seen_approvals
from commonweal.disclosure.pages.budgets import budgets_figure, budgets_plain, seen_budgets
from commonweal.disclosure.pages.reading import ledger_of
from commonweal.disclosure.pages.seeing import sees
from commonweal.disclosure.releasing.proposals import Proposal, Stage, proposals
from commonweal.web import words
from commonweal.web.access import needs, visitor_of
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.reading import may_read
from commonweal.web.table import Row

NEWEST = 10

routes = APIRouter()


@document(
    routes,
    parts.HOME,
    needs(Permission.READ, in_any_domain=True),
    summary="Disclosure control",
    tag=parts.TAG,
    figure="released",
)
def overview(request: Request) -> Document:
    """What left under the ledger; for whoever follows the work, what waits, budgets and standing approvals."""
    state, visitor = request.app.state, visitor_of(request)
    ledger = ledger_of(request)
    follows = visitor.may_somewhere(Permission.FOLLOW, None)
    undecided = proposals(state.database, stages=(Stage.WAITING, Stage.APPROVED)) if follows else []
    waiting = [one for one in undecided if sees(visitor, one)]
    left = _released(request, ledger.entries)
    budgets, approvals = seen_budgets(request, ledger.entries), seen_approvals(request, ledger.entries)
    figures = [_left_figure(left)] if left else []
    data: dict[str, Any] = {
        "whole": ledger.wrong is None,
        "released": [_left_plain(*each) for each in left],
    }
    if follows:
        figures += [
            *([_waiting_figure(request, waiting)] if waiting else []),
            *([budgets_figure(request, budgets)] if budgets else []),
            *([approvals_figure(request, approvals)] if approvals else []),
        ]
        data |= {
            "waiting": [proposal_plain(one) for one in waiting],
            "budgets": budgets_plain(budgets),
            "standing_approvals": approvals_plain(approvals),
        }
    return Document(
        title=_("Disclosure control"),
        template="disclosure.html",
        package=parts.PACKAGE,
        lead=_("The rules that keep people from being found in what is published."),
        values={
            "tabs": parts.tabs(request),
            "wrong": ledger.wrong,
            "waiting": _waiting(request, waiting),
            "follows": follows,
        },
        data=data,
        figures=figures,
        private=follows,
    )


def proposal_plain(one: Proposal) -> dict[str, Any]:
    """Give a proposal as JSON values, without what was found out about it."""
    said = one.said
    return {
        "id": one.id,
        "state": one.stage.value,
        "domain": one.domain,
        "people": said["people"],
        "first": said["first"],
        "last": said["last"],
        "rule": said["rule"],
        "parameters": dict(said["parameters"]),
        "spent": said["spent"],
        "tables": [
            {
                "dataset": table["dataset"]["name"],
                "rows": table["rows"],
                "hidden": table["hidden"],
                "rule": table["rule"],
                "area_set": table["area_set"],
                "digest": table["digest"],
            }
            for table in said["tables"]
        ],
        "proposed_by": one.who,
        "proposed_at": said["at"],
        "decided_by": one.decided_by,
        "decided_at": one.decided_at and one.decided_at.isoformat(),
        "why": one.why,
        "entry": one.entry,
        "releases": [{"dataset": dataset, "version": version} for dataset, version in one.releases],
        "address": f"{parts.HOME}/proposals/{one.short}.json",
    }


def titles_of(one: Proposal) -> str:
    """Name the tables of a proposal."""
    return ", ".join(translated(table["dataset"]["title"]) for table in one.said["tables"])


def _waiting(request: Request, waiting: Sequence[Proposal]) -> list[dict[str, str]]:
    """Say of each proposal what a list of links shows."""
    names = called(request.app.state.database, {one.who for one in waiting})
    return [
        {
            "address": f"{parts.HOME}/proposals/{one.short}",
            "title": _(
                "%(tables)s of %(people)s, %(period)s",
                tables=titles_of(one),
                people=one.said["people"],
                period=parts.period_in_words(one.said["first"], one.said["last"]),
            ),
            "rule": parts.rule_in_words(one.said["rule"], one.said["parameters"]),
            "by": _("proposed by %(who)s", who=names[one.who]),
        }
        for one in waiting
    ]


def _waiting_figure(request: Request, waiting: Sequence[Proposal]) -> Figure:
    names = called(request.app.state.database, {one.who for one in waiting})
    return Figure(
        name="waiting",
        title=_("What waits for a decision"),
        caption=_("The newest first. Nothing of these is published."),
        headings=(
            Heading(_("Proposal")),
            Heading(_("Tables"), key="tables"),
            Heading(_("Of whom"), key="people"),
            Heading(_("Period"), key="first", is_time=True),
            Heading(_("Rule"), key="rule"),
            Heading(_("Proposed by")),
        ),
        rows=[
            Row(
                (
                    one.short,
                    titles_of(one),
                    one.said["people"],
                    parts.period_in_words(one.said["first"], one.said["last"]),
                    parts.rule_in_words(one.said["rule"], one.said["parameters"]),
                    names[one.who],
                ),
                href=f"{parts.HOME}/proposals/{one.short}",
            )
            for one in waiting
        ],
        records=[
            {
                "proposal": one.id,
                "tables": ", ".join(one.datasets),
                "people": one.said["people"],
                "first": one.said["first"],
                "last": one.said["last"],
                "rule": one.said["rule"],
            }
            for one in waiting
        ],
    )


def _released(request: Request, entries: Sequence[Entry]) -> list[tuple[Release, Entry]]:
    """Give the newest releases that have an entry and may be read, each with its entry."""
    by_number = {entry.sequence: entry for entry in entries}
    found = []
    for release in catalog.releases(request.app.state.database):
        told = release.certificate.ledger_entry.get("ledger") if release.certificate else None
        entry = by_number.get(told["sequence"]) if told else None
        if entry and may_read(request, release):
            found.append((release, entry))
    return sorted(found, key=lambda each: (each[1].sequence, each[0].dataset), reverse=True)[:NEWEST]


def _left_figure(left: Sequence[tuple[Release, Entry]]) -> Figure:
    return Figure(
        name="released",
        title=_("What left last"),
        caption=_("The newest releases under the ledger. The page of each says what stands behind it."),
        headings=(
            Heading(_("Release"), key="release"),
            Heading(_("Title"), key="title"),
            Heading(_("Published"), key="published_at", is_time=True),
            Heading(_("Rule"), key="rule"),
            Heading(_("Entry"), is_number=True, key="entry"),
        ),
        rows=[
            Row(
                (
                    release.label,
                    translated(release.schema.title),
                    words.day(release.published_at),
                    parts.rule_in_words(entry.said["rule"], entry.said["parameters"]),
                    str(entry.sequence),
                ),
                href=f"/catalog/{release.dataset}/{release.version}",
            )
            for release, entry in left
        ],
        records=[
            {
                "release": release.label,
                "title": release.schema.title,
                "published_at": release.published_at.isoformat(),
                "rule": entry.said["rule"],
                "entry": entry.sequence,
            }
            for release, entry in left
        ],
    )


def _left_plain(release: Release, entry: Entry) -> dict[str, Any]:
    return {
        "dataset": release.dataset,
        "version": release.version,
        "published_at": release.published_at.isoformat(),
        "rule": entry.said["rule"],
        "parameters": dict(entry.said["parameters"]),
        "entry": entry.sequence,
        "address": f"/catalog/{release.dataset}/{release.version}.json",
    }
