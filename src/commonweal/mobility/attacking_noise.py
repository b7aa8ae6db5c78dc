"""Attacking tables with noise by the store's own subscribers, for those who judge them.

The noise that is published is never looked at: a table is drawn once more, attacked and thrown away. What an attack on
the records finds would tell of them, so no reader sees it (`disclosure.pages.evidence`); readers are told what no
attack can exceed (`disclosure.private.promise`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from commonweal.disclosure import rows_by_key
from commonweal.disclosure.attacks.membership import Membership
from commonweal.disclosure.attacks.report import Attacked, AttackReport
from commonweal.disclosure.private.noise import Noise
from commonweal.disclosure.private.table import Prepared, draw
from commonweal.mobility.attacking import Sample, told_apart, unique, ways
from commonweal.mobility.contributing import numbers
from commonweal.mobility.private import PrivateRun
from commonweal.mobility.runs import Plan


@dataclass(frozen=True, eq=False)
class Thrown:
    """A table that was drawn to be looked at and thrown away.

    Parameters
    ----------
    published
        Its values, NaN where they are not shown, shape (rows,).
    variance
        Of the noise of each, before the table was made consistent.
    """

    published: np.ndarray
    variance: np.ndarray


def drawn_to_throw_away(prepared: Prepared, keys: pa.Table) -> Thrown:
    """Draw a table whose rows are keys, in the order of those."""
    table = draw(prepared).table
    row = rows_by_key(keys, table.select(list(prepared.dataset.key)).cast(keys.schema))
    noises = prepared.rule.noises()
    spread = np.array([_variance(noises[level]) for level in prepared.rule.bounds])[prepared.level]
    values = table[prepared.dataset.measures[0].name].to_numpy().astype(np.float64)
    return Thrown(values[row], spread[row])


def told_apart_by(
    drawn: Sample, measure: str, whole: np.ndarray, number: np.ndarray, changed: np.ndarray, variance: np.ndarray
) -> Membership | None:
    """Ask of a measure's counts, changed as much as those of everybody were, who of the sample is in them.

    Parameters
    ----------
    whole
        Raw counts by cell.
    number
        The cell of each row of the table.
    changed
        By how much each row was changed: NaN where hidden.
    variance
        Of the noise of each row.
    """
    mean = float(variance.mean()) if len(variance) else 0.0
    return told_apart(drawn, measure, whole, partial(_changed, number, changed), noise_variance=mean)


def attack_noised(planned: Plan, drawn: Sample, raw: Mapping[str, np.ndarray], run: PrivateRun) -> AttackReport:
    """Attack a measure's table with noise.

    Parameters
    ----------
    drawn
        Of the store.
    raw
        Raw counts of the run by measure, as `contributing.raw_counts` gives them.
    run
        What will be drawn.
    """
    attacked = []
    known = drawn.known.get(run.measure)
    if run.measure in raw or known is not None:
        keys = run.prepared.rows.select(list(run.dataset.key))
        whole = raw[run.measure] if known is None else known.people
        number = numbers(planned.scope, run.measure, keys) if known is None else known.numbers(planned, keys)
        thrown = drawn_to_throw_away(run.prepared, keys)
        changed = thrown.published - whole[number]
        finding = told_apart_by(drawn, run.measure, whole, number, changed, thrown.variance)
        if finding is not None:
            attacked.append(Attacked(run.dataset.name, finding))
        if run.measure == "presence":
            found = ways(planned, drawn, _changed(number, changed, whole) - whole, run.dataset.name)
            attacked += [] if found is None else [found]
    attacked.append(Attacked("", unique(planned, drawn)))
    return AttackReport(tuple(attacked))


def _changed(number: np.ndarray, changed: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Do to counts what was done to those that a rule was tried on; cells outside the table are not published."""
    shown = np.full(len(counts), np.nan)
    shown[number] = np.maximum(counts[number] + changed, 0)
    return shown


def _variance(noise: Noise) -> float:
    """Of the discrete Laplace 2p / (1 − p)², which 2 s² comes close to from above; of the discrete Gaussian σ²."""
    return 2 * noise.scale**2 if noise.family == "laplace" else noise.scale**2
