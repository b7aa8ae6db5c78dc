"""Releasing a private run: each measure's table with noise is a request of its own, with what it spends.

The request is named by what it is made from and how; where it is staged already, nothing is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial

import numpy as np

from commonweal.core.catalog import code_version
from commonweal.core.database import Database
from commonweal.core.engine import Counts
from commonweal.core.settings import Settings
from commonweal.disclosure.attacks.report import AttackReport
from commonweal.disclosure.ledger.spending import Loss, Unit
from commonweal.disclosure.private.promise import Promise
from commonweal.disclosure.private.rule import Rule
from commonweal.disclosure.private.table import Spent
from commonweal.disclosure.releasing.grounds import DIFFERENTIAL_PRIVACY
from commonweal.disclosure.releasing.proposals import Drawn
from commonweal.disclosure.releasing.publishing import Outcome, release
from commonweal.disclosure.releasing.request import Part, Request
from commonweal.mobility.attacking import Sample, sample
from commonweal.mobility.attacking_noise import attack_noised
from commonweal.mobility.contributing import raw_counts
from commonweal.mobility.counting import count
from commonweal.mobility.measure import measures
from commonweal.mobility.private import PrivateRun, private_runs
from commonweal.mobility.reach import reach
from commonweal.mobility.runs import Plan


def release_private(
    settings: Settings,
    database: Database,
    planned: Plan,
    rule: Rule,
    who: str,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> list[Outcome]:
    """Count with bounds, and for each measure book, draw and stage a table with noise; publish what is approved.

    Raises
    ------
    Refused
        None of the measures can be counted so, or the budget does not leave what would be spent: nothing is drawn.
    """
    total = len(planned.buckets)
    outcomes = []
    attacked = _Attacked(settings, planned)
    for run in private_runs(settings, planned, rule, lambda done: progress(done, total, "counting")):
        progress(total, total, f"releasing {run.dataset.name}")
        outcomes.append(release(settings, database, request(planned, run), partial(_drawn, run, attacked), who=who))
    return outcomes


def request(planned: Plan, run: PrivateRun) -> Request:
    """Ask for a measure's table with noise. It tells of the days too on which its counts look around the run's own."""
    rule, far = run.prepared.rule, reach(measures()[run.measure])
    bounds = {level: bound.record() for level, bound in rule.bounds.items()}
    protecting = {"family": rule.family, "selects": rule.selects, "confidence": rule.confidence, "bounds": bounds}
    part = Part(
        run.dataset,
        run.inputs,
        run.parameters,
        area_set=planned.project.area_set if run.dataset.areas else None,
        code=code_version("commonweal.mobility"),
    )
    return Request(
        people=f"mobility/{planned.project.name}",
        first=planned.first - timedelta(days=far.back),
        last=planned.last + timedelta(days=far.ahead),
        rule=DIFFERENTIAL_PRIVACY,
        parameters=protecting,
        parts=(part,),
        loss=_loss(run.prepared.spent),
        clock=f"{planned.calendar.time_zone} {planned.calendar.day_starts:%H:%M}",
    )


def _loss(spent: Spent) -> Loss:
    return Loss(Unit(spent.unit.value), spent.rho, spent.epsilon, spent.delta, spent.loss.delta)


def _drawn(run: PrivateRun, attacked: _Attacked) -> Drawn:
    spent = run.prepared.spent
    promise = Promise(spent.unit, spent.epsilon, spent.delta)
    report = attacked.report(run)
    return Drawn([run.draw().table], {"promise": promise.record(), "attacks": report.record()})


@dataclass(frozen=True, eq=False)
class _Attacked:
    """What attacks need of the records, found once, and only where something is to be drawn."""

    settings: Settings
    planned: Plan

    @cached_property
    def counts(self) -> Counts:
        return count(self.settings, self.planned.buckets)

    @cached_property
    def drawn(self) -> Sample:
        return sample(self.planned, counts=self.counts)

    @cached_property
    def raw(self) -> dict[str, np.ndarray]:
        return raw_counts(self.planned.scope, self.counts)

    def report(self, run: PrivateRun) -> AttackReport:
        return attack_noised(self.planned, self.drawn, self.raw, run)
