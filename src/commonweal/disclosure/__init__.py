"""Disclosure control: the rules that keep people from being found in what is published.

Data about people leave through `protect`, which applies a rule, records it in the audit log and signs a certificate;
the catalog publishes such data with a certificate only. The first rule is the threshold: a count is published only if
at least *k* distinct people stand behind it. What it does not promise yet is said in ``docs/disclosure.md``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.disclosure.service import Protected, protect, protect_totals
    from commonweal.disclosure.threshold import DEFAULT_THRESHOLD
    from commonweal.disclosure.totals import parts_by

__all__ = ["DEFAULT_THRESHOLD", "Protected", "parts_by", "protect", "protect_totals"]

_HOME = {
    "DEFAULT_THRESHOLD": "threshold",
    "Protected": "service",
    "parts_by": "totals",
    "protect": "service",
    "protect_totals": "service",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
