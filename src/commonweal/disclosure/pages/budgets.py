"""Budgets on the site: what may be spent of each person's privacy, and how much of it is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request

from commonweal.core.identity import Permission
from commonweal.core.identity.people import called
from commonweal.disclosure.ledger.budgets import Remaining, remaining
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.ledger.spending import number_text
from commonweal.disclosure.pages.parts import number, unit_in_words
from commonweal.disclosure.pages.seeing import domain_of_people
from commonweal.web import words
from commonweal.web.access import visitor_of
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _
from commonweal.web.table import Row


def seen_budgets(request: Request, entries: Sequence[Entry]) -> list[Remaining]:
    """Give the budgets of the domains whose work whoever asks may follow."""
    visitor = visitor_of(request)
    return [
        one
        for one in remaining(entries)
        if visitor.may_somewhere(Permission.FOLLOW, domain_of_people(one.budget.people))
    ]


def budgets_figure(request: Request, found: Sequence[Remaining]) -> Figure:
    """Give budgets as a table."""
    names = called(request.app.state.database, {one.set_by for one in found})
    return Figure(
        name="budgets",
        title=_("Budgets of privacy"),
        caption=_(
            "What all releases with noise about the same people may spend together of each person’s privacy, and what "
            "is left where least is."
        ),
        headings=(
            Heading(_("People"), key="people"),
            Heading(_("Unit"), key="unit"),
            Heading(_("Budget (ρ)"), is_number=True, key="rho"),
            Heading(_("Least that is left (ρ)"), is_number=True, key="left"),
            Heading(_("Where"), key="first_day", is_time=True),
            Heading(_("Budget (δ)"), is_number=True, key="delta"),
            Heading(_("Least that is left (δ)"), is_number=True, key="delta_left"),
            Heading(_("Releases"), is_number=True, key="releases"),
            Heading(_("Set by")),
        ),
        rows=[
            Row(
                (
                    one.budget.people,
                    unit_in_words(one.budget.unit),
                    number(one.budget.rho),
                    number(float(number_text(one.least))),
                    words.days_in_words(*one.span) if one.span else _("everywhere"),
                    number(one.budget.delta),
                    number(float(number_text(one.least_delta))),
                    words.count(one.releases),
                    names[one.set_by],
                )
            )
            for one in found
        ],
        records=[
            {name: value for name, value in each.items() if name not in ("set_by", "set_at", "last_day")}
            for each in budgets_plain(found)
        ],
    )


def budgets_plain(found: Sequence[Remaining]) -> list[dict[str, Any]]:
    """Give budgets as JSON values."""
    return [
        {
            "people": one.budget.people,
            "unit": one.budget.unit.value,
            "rho": one.budget.rho,
            "left": float(number_text(one.least)),
            "delta": one.budget.delta,
            "delta_left": float(number_text(one.least_delta)),
            "first_day": one.span and one.span[0].isoformat(),
            "last_day": one.span and one.span[1].isoformat(),
            "releases": one.releases,
            "set_by": one.set_by,
            "set_at": one.set_at.isoformat(),
        }
        for one in found
    ]
