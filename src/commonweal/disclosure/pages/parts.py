"""What the pages of disclosure control have in common: tabs, and how rules, periods and spending are said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.numbers import get_decimal_symbol
from fastapi import Request
from starlette.responses import RedirectResponse, Response

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.ledger.spending import ONE_DAY, UNITS, Unit
from commonweal.disclosure.pages.seeing import CHOOSERS
from commonweal.disclosure.planning.comparing import RULES
from commonweal.disclosure.releasing.grounds import is_known
from commonweal.web import words
from commonweal.web.access import visitor_of
from commonweal.web.document import NO_STORE
from commonweal.web.languages import _, current, translated
from commonweal.web.provenance import said

PACKAGE = "commonweal.disclosure"
TAG = "disclosure"
HOME, LEDGER, STANDING, PLAN = "/disclosure", "/disclosure/ledger", "/disclosure/standing", "/disclosure/plan"
TABS = (
    (HOME, Wording("What waits and what left"), (Permission.READ,)),
    (LEDGER, Wording("Ledger"), (Permission.FOLLOW,)),
    (STANDING, Wording("Approvals and budgets"), (Permission.FOLLOW,)),
    (PLAN, Wording("Choosing a rule"), CHOOSERS),
)
TITLES: Mapping[str, str] = {
    **{name: title for name, title in RULES.items() if name != "naive"},
    "differential-privacy": RULES["private"],
}
"""Rules by the name under which something is released."""


def tabs(request: Request) -> list[tuple[str, str]]:
    """Give (address, name) of each page that whoever asks may see."""
    visitor = visitor_of(request)
    return [
        (address, translated(name))
        for address, name, rights in TABS
        if any(visitor.may_somewhere(right, None) for right in rights)
    ]


def rule_title(rule: str) -> str:
    """Say what a rule does; of one that the house does not know, that it proves nothing.

    Examples
    --------
    >>> rule_title("cell-key")
    'Noise by cell key'
    >>> rule_title("our own")
    '“our own”, which a steward judges and nothing proves'
    """
    if not is_known(rule):
        return _("“%(rule)s”, which a steward judges and nothing proves", rule=rule)
    return translated(TITLES.get(rule, rule))


def parameters_in_words(parameters: Mapping[str, Any]) -> str:
    """Say a rule's parameters.

    Examples
    --------
    >>> parameters_in_words({"k": 15, "family": "laplace"})
    'family laplace, k 15'
    """
    return ", ".join(
        f"{translated(name.replace('_', ' '))} {said(value)}" for name, value in sorted(parameters.items())
    )


def rule_in_words(rule: str, parameters: Mapping[str, Any]) -> str:
    """Say a rule with its parameters.

    Examples
    --------
    >>> rule_in_words("threshold", {"k": 15})
    'Small cells hidden, and what would give them away (k 15)'
    """
    title, inside = rule_title(rule), parameters_in_words(parameters)
    return f"{title} ({inside})" if inside else title


def period_in_words(first: str, last: str) -> str:
    """Say a period by its first and last-exclusive day (ISO).

    Examples
    --------
    >>> period_in_words("2015-03-01", "2015-03-08")
    '1 – 7 March 2015'
    """
    return words.days_in_words(date.fromisoformat(first), date.fromisoformat(last) - ONE_DAY)


def unit_in_words(unit: str) -> str:
    """Name whose trace is hidden: a day, a week or a month of a person."""
    return translated(UNITS[Unit(unit)])


def number(value: float) -> str:
    """Write a number as it is, however small.

    Examples
    --------
    >>> number(0.3), number(1e-06), number(15)
    ('0.3', '0.000001', '15')
    """
    written = f"{Decimal(repr(value)):f}".removesuffix(".0")
    return written.replace(".", get_decimal_symbol(current().locale))


def spent_in_words(spent: Mapping[str, Any] | None) -> str:
    """Say what a release spends of each person's privacy."""
    if spent is None:
        return _("nothing of a budget")
    return _(
        "%(amounts)s a %(unit)s (ε = %(epsilon)s, δ = %(delta)s)",
        amounts=amounts_in_words(spent["rho"], spent.get("threshold_delta", 0)),
        unit=unit_in_words(spent["unit"]),
        epsilon=number(float(f"{spent['epsilon']:.3g}")),
        delta=number(float(f"{spent['delta']:.3g}")),
    )


def amounts_in_words(rho: float, delta: float) -> str:
    """Say ρ, and δ of thresholds where there is any.

    Examples
    --------
    >>> amounts_in_words(0.5, 0), amounts_in_words(0.5, 1e-06)
    ('ρ = 0.5', 'ρ = 0.5 and δ = 0.000001')
    """
    if not delta:
        return f"ρ = {number(rho)}"
    return _("ρ = %(rho)s and δ = %(delta)s", rho=number(rho), delta=number(float(f"{delta:.3g}")))


def allowed_by(entry: Entry, names: Mapping[str, str]) -> str:
    """Say who allowed a release, or by which standing approval; empty for other entries.

    Parameters
    ----------
    names
        What to call whom.
    """
    approval = entry.said.get("approval")
    if approval is None:
        return ""
    if "standing" in approval:
        return _("standing approval %(number)s", number=str(approval["standing"]))
    return names.get(approval["by"], approval["by"])


def went_well(address: str) -> Response:
    """Send whoever sent a form to the page that shows what it did."""
    return RedirectResponse(address, status_code=303, headers={"cache-control": NO_STORE})
