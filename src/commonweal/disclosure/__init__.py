"""Disclosure control: the rules that keep people from being found in what is published.

Data about people leave through this room, which applies a rule, proves what it can prove, records it and signs a
certificate; the catalog publishes such data with a certificate only. What is promised, and what is not, is said in
``docs/disclosure.md``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.disclosure.joint import Audit, Counted, Earlier, Joint, Keys, protect_together
    from commonweal.disclosure.linear.keys import rows_by_key, with_columns
    from commonweal.disclosure.linear.relations import Kind, Relations, grouped, joined
    from commonweal.disclosure.service import Protected, protect, protect_totals
    from commonweal.disclosure.threshold import DEFAULT_THRESHOLD
    from commonweal.disclosure.totals import parts_by

_HOME = {
    "DEFAULT_THRESHOLD": "threshold",
    "Audit": "joint",
    "Counted": "joint",
    "Earlier": "joint",
    "Joint": "joint",
    "Keys": "joint",
    "Kind": "linear.relations",
    "Protected": "service",
    "Relations": "linear.relations",
    "grouped": "linear.relations",
    "joined": "linear.relations",
    "parts_by": "totals",
    "protect": "service",
    "protect_together": "joint",
    "protect_totals": "service",
    "rows_by_key": "linear.keys",
    "with_columns": "linear.keys",
}
__all__ = [
    "DEFAULT_THRESHOLD",
    "Audit",
    "Counted",
    "Earlier",
    "Joint",
    "Keys",
    "Kind",
    "Protected",
    "Relations",
    "grouped",
    "joined",
    "parts_by",
    "protect",
    "protect_together",
    "protect_totals",
    "rows_by_key",
    "with_columns",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
