"""Standing approvals as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request

from commonweal.core.identity import Permission
from commonweal.core.identity.people import called
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.pages.parts import rule_in_words
from commonweal.disclosure.releasing.standing import StandingApproval, given
from commonweal.web import words
from commonweal.web.access import visitor_of
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _
from commonweal.web.table import Row


def seen_approvals(request: Request, entries: Sequence[Entry]) -> list[StandingApproval]:
    """Give the standing approvals of domains whose work whoever asks may follow, the newest first."""
    visitor = visitor_of(request)
    return [one for one in reversed(given(entries)) if visitor.may_somewhere(Permission.FOLLOW, one.domain)]


def approvals_figure(request: Request, found: Sequence[StandingApproval]) -> Figure:
    """Give standing approvals as a table."""
    names = called(
        request.app.state.database, {who for one in found for who in (one.given_by, one.withdrawn_by) if who}
    )
    return Figure(
        name="standing",
        title=_("Standing approvals"),
        caption=_("Whatever is made by such a rule, with these parameters or safer ones, is published at once."),
        headings=(
            Heading(_("Number"), key="number"),
            Heading(_("Rule"), key="rule"),
            Heading(_("For"), key="domain"),
            Heading(_("Given by")),
            Heading(_("Reason")),
            Heading(_("State"), key="state"),
        ),
        rows=[
            Row(
                (
                    str(one.number),
                    rule_in_words(one.rule, one.parameters),
                    ", ".join(one.datasets) or one.domain,
                    _("%(who)s, %(day)s", who=names[one.given_by], day=words.day(one.given_at)),
                    one.why,
                    _("holds")
                    if one.withdrawn_by is None or one.withdrawn_at is None
                    else _(
                        "withdrawn by %(who)s, %(day)s", who=names[one.withdrawn_by], day=words.day(one.withdrawn_at)
                    ),
                ),
                has_value=one.withdrawn_by is None,
            )
            for one in found
        ],
        records=[
            {
                "number": one.number,
                "rule": one.rule,
                "domain": one.domain,
                "state": "holds" if one.withdrawn_by is None else "withdrawn",
                "why": one.why,
            }
            for one in found
        ],
    )


def approvals_plain(found: Sequence[StandingApproval]) -> list[dict[str, Any]]:
    """Give standing approvals as JSON values."""
    return [
        {
            "number": one.number,
            "rule": one.rule,
            "parameters": dict(one.parameters),
            "domain": one.domain,
            "datasets": list(one.datasets),
            "given_by": one.given_by,
            "given_at": one.given_at.isoformat(),
            "why": one.why,
            "withdrawn_by": one.withdrawn_by,
            "withdrawn_at": one.withdrawn_at and one.withdrawn_at.isoformat(),
        }
        for one in found
    ]
