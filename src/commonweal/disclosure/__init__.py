"""Disclosure control: the rules that keep people from being found in what is published.

Data about people leave through this room, which applies a rule, proves what it can prove, records it and signs a
certificate; the catalog publishes such data with a certificate only. What is promised, and what is not, is said in
``docs/disclosure.md``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.disclosure.dominance import Dominance
    from commonweal.disclosure.drafts import Counted, Earlier, Keys, RawCells, raw_cells
    from commonweal.disclosure.joint import Audit, Joint, protect_together
    from commonweal.disclosure.ledger.spending import Loss, Unit
    from commonweal.disclosure.linear.keys import rows_by_key, with_columns
    from commonweal.disclosure.linear.relations import Kind, Relations, grouped, joined
    from commonweal.disclosure.linear.watching import tell, watched
    from commonweal.disclosure.releasing.earlier import released_before, rules_before
    from commonweal.disclosure.releasing.proposals import Drawn, Proposal
    from commonweal.disclosure.releasing.publishing import Outcome, release
    from commonweal.disclosure.releasing.request import Part, Request
    from commonweal.disclosure.service import (
        ROUNDED_TOTALS,
        THRESHOLD,
        rounded_totals,
        suppressed_table,
    )
    from commonweal.disclosure.threshold import DEFAULT_THRESHOLD
    from commonweal.disclosure.totals import parts_by

_HOME = {
    "DEFAULT_THRESHOLD": "threshold",
    "ROUNDED_TOTALS": "service",
    "THRESHOLD": "service",
    "Audit": "joint",
    "Counted": "drafts",
    "Dominance": "dominance",
    "Drawn": "releasing.proposals",
    "Earlier": "drafts",
    "Joint": "joint",
    "Keys": "drafts",
    "Kind": "linear.relations",
    "Loss": "ledger.spending",
    "Outcome": "releasing.publishing",
    "Part": "releasing.request",
    "Proposal": "releasing.proposals",
    "RawCells": "drafts",
    "Relations": "linear.relations",
    "Request": "releasing.request",
    "Unit": "ledger.spending",
    "grouped": "linear.relations",
    "joined": "linear.relations",
    "parts_by": "totals",
    "protect_together": "joint",
    "raw_cells": "drafts",
    "release": "releasing.publishing",
    "released_before": "releasing.earlier",
    "rules_before": "releasing.earlier",
    "rounded_totals": "service",
    "rows_by_key": "linear.keys",
    "suppressed_table": "service",
    "tell": "linear.watching",
    "watched": "linear.watching",
    "with_columns": "linear.keys",
}
__all__ = [
    "DEFAULT_THRESHOLD",
    "ROUNDED_TOTALS",
    "THRESHOLD",
    "Audit",
    "Counted",
    "Dominance",
    "Drawn",
    "Earlier",
    "Joint",
    "Keys",
    "Kind",
    "Loss",
    "Outcome",
    "Part",
    "Proposal",
    "RawCells",
    "Relations",
    "Request",
    "Unit",
    "grouped",
    "joined",
    "parts_by",
    "protect_together",
    "raw_cells",
    "release",
    "released_before",
    "rounded_totals",
    "rows_by_key",
    "rules_before",
    "suppressed_table",
    "tell",
    "watched",
    "with_columns",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
