"""What rules are compared on before a release of mobility: presence, flows and homes of a project, as counted.

The daily numbers of subscribers are left out, since they are rounded whatever the rule; so is activity, which counts no
people. The attack on who is counted does to the counts of half of the people (see `attacking`) what the rule does to
those of all: it hides the same cells, and changes the others by as much.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import numpy as np

from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.disclosure import Keys, RawCells, raw_cells
from commonweal.disclosure.planning.basis import Basis, Noised, Progress
from commonweal.disclosure.private import Rule, Unit
from commonweal.disclosure.private.table import Prepared
from commonweal.disclosure.rounding.record_keys import SECRET_BYTES
from commonweal.mobility import runs
from commonweal.mobility.attacking import Sample, sample
from commonweal.mobility.attacking_noise import drawn_to_throw_away, told_apart_by
from commonweal.mobility.contributing import MEASURES, numbers, raw_counts
from commonweal.mobility.counting import count
from commonweal.mobility.hanging import relate
from commonweal.mobility.measure import measures
from commonweal.mobility.noising import keys_of_cells
from commonweal.mobility.private import private_counts
from commonweal.mobility.projects import get_project
from commonweal.mobility.protecting import as_counted
from commonweal.mobility.runs import Plan
from commonweal.mobility.store import held, project_folder

UNIT = Unit.DAY


def plans(
    settings: Settings, database: Database, people: str, first: date | None, last: date | None, progress: Progress
) -> Basis:
    """Count a project's tables for a comparison of rules: what ``Domain.plans`` names."""
    project = get_project(database, people.removeprefix("mobility/"))
    with held(project_folder(settings.store, project.name)):
        return basis(settings, runs.plan(settings, database, project, first, last, names=MEASURES), progress)


def basis(settings: Settings, planned: Plan, progress: Progress = lambda done, total, what: None) -> Basis:
    """Count a run's tables, with and without bounds, and draw the sample that attacks them."""
    total, known = len(planned.buckets), measures()
    counts = count(settings, planned.buckets, lambda done: progress(done, total, "counting"))
    tables = [as_counted(known[name], counts[name], planned) for name in MEASURES]
    raw = raw_cells(tables, partial(relate, planned.areas, planned.scope))
    bounded = private_counts(
        settings, planned, Rule(UNIT, 1.0), lambda done: progress(done, total, "counting with bounds")
    )
    progress(total, total, "drawing a sample")
    found = _cells(planned, raw)
    # Noise of a secret made for this alone is as large as that of the house's own, and says nothing of it.
    secret = keys_of_cells(planned, os.urandom(SECRET_BYTES))
    keys = np.zeros(len(raw.value), np.uint64)
    for one in found:
        keys[one.place] = secret[one.measure][one.number]
    return Basis(
        first=planned.first,
        last=planned.last,
        value=raw.value,
        given=raw.given,
        keys=keys,
        membership=_Attack(sample(planned), raw_counts(planned.scope, counts), raw.value, found).auc,
        least=planned.project.minimum_people,
        noised=partial(_noised, {one.measure: bounded[one.measure].prepared() for one in found}, found, len(keys)),
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """Where a measure's cells stand among all, and their numbers in `contributing`."""

    measure: str
    keys: Keys
    number: np.ndarray

    @property
    def place(self) -> slice:
        return slice(self.keys.first, self.keys.first + self.keys.table.num_rows)


def _cells(planned: Plan, raw: RawCells) -> list[_Cells]:
    found = []
    for name in MEASURES:
        keys = raw.keys[measures()[name].dataset.name]
        found.append(_Cells(name, keys, numbers(planned.scope, name, keys.table)))
    return found


@dataclass(frozen=True, eq=False)
class _Attack:
    drawn: Sample
    whole: dict[str, np.ndarray]
    value: np.ndarray
    cells: list[_Cells]

    def auc(self, published: np.ndarray, variance: float | np.ndarray) -> float | None:
        """Give the area under the curve of the table that tells most."""
        changed = published - self.value
        spread = np.broadcast_to(variance, published.shape)
        found = []
        for one in self.cells:
            finding = told_apart_by(
                self.drawn, one.measure, self.whole[one.measure], one.number, changed[one.place], spread[one.place]
            )
            if finding is not None:
                found.append(finding.auc)
        return max(found, default=None)


def _noised(prepared: dict[str, Prepared], cells: list[_Cells], many: int, epsilon: float) -> Noised:
    """Draw each table at its share of ε, to be looked at and thrown away."""
    published, variance, rho = np.full(many, np.nan), np.zeros(many), 0.0
    for one in cells:
        ready = prepared[one.measure]
        ready = replace(ready, rule=replace(ready.rule, epsilon=epsilon))
        thrown = drawn_to_throw_away(ready, one.keys.table)
        published[one.place], variance[one.place] = thrown.published, thrown.variance
        rho += ready.spent.rho
    # A table that hides a longer unit hides the shorter one within it at least as well.
    return Noised(published, variance, UNIT.value, rho)
