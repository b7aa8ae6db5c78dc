"""A run released by an alternative to suppression: every count of presence, flows and homes rounded or noised.

Daily totals and activity are left out: they are made to stand beside suppressed tables.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal import disclosure
from commonweal.core.catalog.digest import canonical_digest
from commonweal.core.database import Database
from commonweal.core.engine import Counts
from commonweal.core.errors import Refused
from commonweal.core.settings import Settings
from commonweal.disclosure.attacks.differencing import differencing
from commonweal.disclosure.attacks.reconstruction import reconstruction
from commonweal.disclosure.attacks.report import Attacked
from commonweal.disclosure.joint import Audit
from commonweal.disclosure.rounding.additive import listed
from commonweal.disclosure.rounding.rules import Changed, Rule
from commonweal.disclosure.rounding.secret import read_secret
from commonweal.mobility.attacking import attack
from commonweal.mobility.contributing import MEASURES, numbers
from commonweal.mobility.counting import count
from commonweal.mobility.hanging import relate
from commonweal.mobility.measure import measures
from commonweal.mobility.noising import keys_of_cells
from commonweal.mobility.protecting import as_counted, refuse_other_rules, request
from commonweal.mobility.runs import Plan


def change_and_release(
    settings: Settings,
    database: Database,
    planned: Plan,
    rule: Rule,
    who: str,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> disclosure.Outcome:
    """Count, change every count by the rule, and have it released.

    Raises
    ------
    InputError
        The rule is weaker than the project's threshold.
    Refused
        Days of the run were released by another rule before, or linear reasoning narrows a cell too far.
    """
    rule.refuse_weak(planned.project.minimum_people)
    total = len(planned.buckets)
    counts = count(settings, planned.buckets, lambda done: progress(done, total, "counting"))
    names = [name for name in MEASURES if name in counts]
    if not names:
        raise Refused("none of this can be rounded or noised", expected=f"one of: {', '.join(MEASURES)}")
    asked = request(planned, names, datetime.now(UTC), rule=rule.name, parameters=rule.record())

    def made() -> disclosure.Drawn:
        progress(total, total, "protecting")
        refuse_other_rules(settings, database, asked)
        tables, evidence = changed(settings, planned, counts, rule, names)
        return disclosure.Drawn([tables[name] for name in names], evidence)

    return disclosure.release(settings, database, asked, made, drawn=False, who=who)


def changed(
    settings: Settings, planned: Plan, counts: Counts, rule: Rule, names: list[str]
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Change a run's counts, over all its tables at once, and attack what comes out."""
    known = measures()
    tables = [as_counted(known[name], counts[name], planned) for name in names]
    raw = disclosure.raw_cells(tables, partial(relate, planned.areas, planned.scope))
    own = keys_of_cells(planned, read_secret(settings.keys))
    keys = np.zeros(len(raw.value), np.uint64)
    for name in names:
        cells = raw.keys[known[name].dataset.name]
        keys[cells.first : cells.first + cells.table.num_rows] = own[name][numbers(planned.scope, name, cells.table)]
    found = rule.change(raw.value, raw.given, keys)
    if found.narrowest < found.required:
        raise Refused(
            "relations between tables narrow a changed count too far", expected="a larger base, or more noise"
        )
    made = {}
    for name in names:
        dataset, cells = known[name].dataset, raw.keys[known[name].dataset.name]
        values = found.values[cells.first : cells.first + cells.table.num_rows]
        measure = dataset.measures[0]
        columns = {column: cells.table[column] for column in dataset.key}
        columns[measure.name] = pa.array(values, pa.int64())
        columns[measure.state] = pa.array([found.state.value] * len(values), pa.string())
        made[name] = pa.table({column: columns[column] for column in dataset.columns})
    digests = {known[name].dataset.name: canonical_digest(known[name].dataset, made[name]) for name in names}
    variance = float(np.mean((found.values - raw.value) ** 2))
    nothing_exact = np.full(len(raw.value), np.nan)
    findings = (
        Attacked("", reconstruction(found.low, found.high)),
        Attacked("", differencing(nothing_exact, listed(raw.given), threshold=planned.project.minimum_people)),
    )
    chance = np.random.default_rng(0)

    def publish(name: str, raw: np.ndarray) -> np.ndarray:
        """Do to the counts that are attacked what the rule does, with other keys, and to each for itself."""
        return rule.alone(raw, chance.integers(0, 2**64, len(raw), np.uint64)).astype(np.float64)

    published = {name: counts[name] for name in names}
    report = attack(planned, published, publish=publish, noise_variance=dict.fromkeys(names, variance), found=findings)
    return made, {"audit": _audit(rule, found, len(raw.value), digests).record(), "attacks": report.record()}


def _audit(rule: Rule, found: Changed, cells: int, digests: dict[str, str]) -> Audit:
    return Audit(
        method=str(rule.name),
        cells=cells,
        small=0,
        complementary=0,
        differences=0,
        required=found.required,
        narrowest=found.narrowest,
        people_kept=1.0,
        programmes=found.programmes[0],
        whole_programmes=found.programmes[1],
        earlier=(),
        states=1,
        tables=digests,
        hidden_too={},
    )
