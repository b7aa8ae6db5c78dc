"""Differential privacy: counts with noise, so that nobody can tell whether one person's records were there.

What is protected is a *unit*: one person's records of one day, week or month. Each person's part in the counts is
*bounded* before anything is counted, noise is drawn by OpenDP, and what that costs is told by OpenDP's own maps.
`prepare` says what a table will cost, `draw` draws it; a drawn table is published or thrown away, never drawn again.
See ``docs/disclosure.md``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.disclosure.private.accounting import Loss, compose
    from commonweal.disclosure.private.bound import Bound
    from commonweal.disclosure.private.declaring import private_dataset
    from commonweal.disclosure.private.rule import Rule
    from commonweal.disclosure.private.table import Prepared, Private, Spent, draw, prepare, private_table
    from commonweal.disclosure.private.unit import Unit
    from commonweal.disclosure.private.utility import utility_curve

_HOME = {
    "Bound": "bound",
    "Loss": "accounting",
    "Prepared": "table",
    "Private": "table",
    "Rule": "rule",
    "Spent": "table",
    "Unit": "unit",
    "compose": "accounting",
    "draw": "table",
    "prepare": "table",
    "private_dataset": "declaring",
    "private_table": "table",
    "utility_curve": "utility",
}
__all__ = [
    "Bound",
    "Loss",
    "Prepared",
    "Private",
    "Rule",
    "Spent",
    "Unit",
    "compose",
    "draw",
    "prepare",
    "private_dataset",
    "private_table",
    "utility_curve",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
