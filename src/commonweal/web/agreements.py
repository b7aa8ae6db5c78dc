"""Agreements as a table and as data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from commonweal.core.identity.agreements import Agreement, Terms
from commonweal.web import words
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _
from commonweal.web.table import Row


def agreement_table(agreements: Sequence[Agreement], *, with_person: bool = False) -> Figure:
    """Show agreements: of one person, or with whose each is."""
    today = datetime.now(UTC).date()
    whose = (Heading(_("Person"), key="person"),) if with_person else ()
    return Figure(
        name="agreements",
        title=_("Agreements"),
        caption=_("What may be read besides what roles open, and what for; the newest first."),
        headings=(
            Heading(_("Number"), key="number", is_time=True),
            *whose,
            Heading(_("Purpose"), key="purpose"),
            Heading(_("Datasets"), key="datasets"),
            Heading(_("Limits"), key="limits"),
            Heading(_("Until"), key="until", is_time=True),
            Heading(_("State"), key="state"),
        ),
        rows=[
            Row(
                (
                    str(each.number),
                    *((each.full_name,) if with_person else ()),
                    each.terms.purpose,
                    ", ".join(each.terms.datasets),
                    limits(each.terms),
                    words.day(each.terms.until),
                    _state(each),
                ),
                has_value=each.holds(today),
            )
            for each in agreements
        ],
        records=[
            {
                "number": each.number,
                **({"person": each.name} if with_person else {}),
                "purpose": each.terms.purpose,
                "datasets": " ".join(each.terms.datasets),
                "area": each.terms.area or None,
                "level": each.terms.level,
                "first_day": each.terms.first_day and each.terms.first_day.isoformat(),
                "last_day": each.terms.last_day and each.terms.last_day.isoformat(),
                "until": each.terms.until.isoformat(),
                "state": _state_name(each),
            }
            for each in agreements
        ],
    )


def agreement_data(agreement: Agreement) -> dict[str, Any]:
    """Give an agreement as JSON values."""
    terms = agreement.terms
    return {
        "number": agreement.number,
        "purpose": terms.purpose,
        "datasets": list(terms.datasets),
        "area": terms.area,
        "level": terms.level,
        "first_day": terms.first_day and terms.first_day.isoformat(),
        "last_day": terms.last_day and terms.last_day.isoformat(),
        "until": terms.until.isoformat(),
        "given": agreement.given.isoformat(),
        "withdrawn": agreement.withdrawn and agreement.withdrawn.isoformat(),
        "state": _state_name(agreement),
    }


def limits(terms: Terms) -> str:
    """Say to which areas and days an agreement is limited.

    Examples
    --------
    >>> from datetime import date
    >>> limits(Terms(("mobility.presence",), "Bus lines", date(2027, 1, 1), "districts", 2, date(2026, 3, 1)))
    'areas: districts, down to level 2, from 1 March 2026'
    >>> limits(Terms(("mobility.presence",), "Bus lines", date(2027, 1, 1)))
    'none'
    """
    said = []
    if terms.area:
        said.append(_("areas: %(area)s", area=terms.area))
    if terms.level is not None:
        said.append(_("down to level %(level)s", level=terms.level))
    if terms.first_day and terms.last_day:
        said.append(words.days_in_words(terms.first_day, terms.last_day))
    elif terms.first_day:
        said.append(_("from %(day)s", day=words.day(terms.first_day)))
    elif terms.last_day:
        said.append(_("until %(day)s", day=words.day(terms.last_day)))
    return ", ".join(said) or _("none")


def _state_name(agreement: Agreement) -> str:
    if agreement.withdrawn:
        return "withdrawn"
    return "holds" if agreement.holds(datetime.now(UTC).date()) else "over"


def _state(agreement: Agreement) -> str:
    if agreement.withdrawn:
        return _("withdrawn on %(day)s", day=words.day(agreement.withdrawn))
    return _("holds") if agreement.holds(datetime.now(UTC).date()) else _("over")
