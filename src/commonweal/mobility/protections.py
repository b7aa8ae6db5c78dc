"""How each measure is protected: by a threshold, by rounding, with noise or why not, and whether it is attacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Unprotected
from commonweal.mobility.contributing import MEASURES
from commonweal.mobility.measure import Measure, measures
from commonweal.mobility.reach import Reach, reach

COUNTS, TOTALS, SUMS = "threshold", "rounded total", "threshold and dominance"
"""Without noise: counts of at least k people; totals that complete no suppressed table; sums that nobody dominates."""


@dataclass(frozen=True)
class Declared:
    """What a measure declares of its protection.

    Parameters
    ----------
    measure
        Its name.
    suppression
        `COUNTS`, `TOTALS` or `SUMS`.
    rounding
        Whether ``--round-to`` and ``--cell-key`` can be had.
    noise
        For each level, in it for each unit, of how many counts a person may be a part; empty if there is no noise.
    over
        What that is for: each unit, or the whole run.
    hides
        The shortest unit that noise can hide; None without noise, and for what is found over the run, which is hidden
        by the unit that holds it.
    looks
        How far its counts look.
    reason
        Why there is no noise; None if there is.
    attacked
        Whether who is counted is attacked before its tables leave.
    """

    measure: str
    suppression: str
    rounding: bool
    noise: Mapping[str, Mapping[Unit, int]]
    over: str
    hides: Unit | None
    looks: Reach
    reason: str | None
    attacked: bool

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "measure": self.measure,
            "suppression": self.suppression,
            "rounding": self.rounding,
            "noise": {level: {unit.value: most for unit, most in keys.items()} for level, keys in self.noise.items()},
            "over": self.over,
            "hides": self.hides and self.hides.value,
            "days_looked_back": self.looks.back,
            "days_looked_ahead": self.looks.ahead,
            "no_noise_because": self.reason and str(self.reason),
            "attacked": self.attacked,
        }

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table, in words."""
        bounds = "; ".join(
            f"{level} {', '.join(str(keys[unit]) for unit in Unit)}".strip() for level, keys in self.noise.items()
        )
        hides = self.hides.period if self.hides else "run" if self.noise else ""
        return {
            "measure": self.measure,
            "without noise": self.suppression + (", rounding, cell key" if self.rounding else ""),
            "noise: kept of a person's day, week, month": bounds or f"none: {self.reason}",
            "of each": self.over if self.noise else "",
            "hides at least a": hides,
            "attacked": "yes" if self.attacked else "no",
        }


def declared(measure: Measure) -> Declared:
    """Give what a measure declares."""
    protection, name = measure.protection, measure.name
    totals = measure.at_least is not None
    of_amounts = any(value.counts is None for value in measure.dataset.measures) and len(measure.dataset.measures) == 2
    suppression = TOTALS if totals else SUMS if of_amounts else COUNTS
    rounding, looks = name in MEASURES, reach(measure)
    if isinstance(protection, Unprotected):
        return Declared(name, suppression, rounding, {}, "", None, looks, protection.reason, attacked=False)
    hides = None if protection.whole_run else Unit.WEEK if protection.weeks else Unit.DAY
    over = "run" if protection.whole_run and not protection.grows else "unit"
    return Declared(name, suppression, rounding, protection.keys, over, hides, looks, None, attacked=not totals)


def protections() -> list[Declared]:
    """Give what every measure declares, in order of names."""
    return [declared(measure) for measure in measures().values()]
