"""A table with noise: what it will cost is known before anything is drawn; then it is drawn, once.

`prepare` looks at the counts, decides nothing by them, and says what drawing will spend; whoever keeps the ledger books
that first. `draw` is the one place where noise is drawn for a table. To call it twice is to spend twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from commonweal.core.catalog.check import conform
from commonweal.core.catalog.declaration import Dataset, Privacy, State
from commonweal.core.errors import InputError
from commonweal.disclosure.linear.relations import Kind, Relations, joined
from commonweal.disclosure.private import insides, sums, unions
from commonweal.disclosure.private.accounting import Loss, compose
from commonweal.disclosure.private.declaring import HIGH, LOW
from commonweal.disclosure.private.quantiles import half_width
from commonweal.disclosure.private.rule import WHOLE, Rule
from commonweal.disclosure.private.unit import Unit, unit_of
from commonweal.disclosure.private.wholes import Wholes
from commonweal.disclosure.threshold import on_grid

MOST = 2**50
"""Counts beyond this are no counts of people, and noise on them could overflow."""


@dataclass(frozen=True)
class Spent:
    """What one unit of one person has lost at most by a table.

    Parameters
    ----------
    unit
        Whose.
    loss
        How much.
    delta
        The δ for which `epsilon` is told.
    """

    unit: Unit
    loss: Loss
    delta: float

    @property
    def rho(self) -> float:
        """ρ of zero-concentrated differential privacy."""
        return self.loss.rho

    @property
    def epsilon(self) -> float:
        """ε at `delta`."""
        return self.loss.epsilon(self.delta)

    def record(self) -> dict[str, Any]:
        """Return what was spent as JSON values; ``epsilon`` and ``delta`` are for readers, the rest is the loss."""
        said = {"unit": self.unit.value, "epsilon": self.epsilon, "delta": self.delta}
        return said | {"loss": self.loss.record()}

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Spent:
        """Return what `record` wrote."""
        return cls(unit_of(record["unit"]), Loss.parse(record["loss"]), record["delta"])


@dataclass(frozen=True, eq=False)
class Agreeing:
    """What must agree after noise, seen to be possible before any is drawn.

    Parameters
    ----------
    wholes
        Wholes and their parts.
    adding_up
        Whether they are sums; else they are unions.
    within
        Numbers with what lies within each.

    Raises
    ------
    InputError
        There are both sums and unions, or another kind; or sums are no hierarchy, or one lies within another but not
        part by part.
    """

    wholes: Wholes
    adding_up: bool
    within: Wholes = unions.NONE

    @classmethod
    def of(cls, relations: Relations) -> Agreeing:
        """Take sums or unions, and what lies within what."""
        kinds = set(relations.kind.tolist()) - {int(Kind.WITHIN)}
        if kinds - {int(Kind.SUM), int(Kind.UNION)} or len(kinds) > 1:
            raise InputError("the relations are of several kinds", expected="sums or unions, and what lies within")
        adding_up = kinds == {int(Kind.SUM)}
        wholes = Wholes.taken(relations, Kind.SUM if adding_up else Kind.UNION)
        within = Wholes.taken(relations, Kind.WITHIN)
        if adding_up:
            insides.refuse_what_may_not_hold(wholes, within)
        return cls(wholes, adding_up, within)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table that is ready to be drawn. It holds raw counts: it is never written down.

    Parameters
    ----------
    dataset
        As which it will be published, with ``low`` and ``high``.
    rule
        By which rule.
    rows
        Keys, in order, and the measure: whole numbers from 0 on.
    level
        For each row, which of the rule's levels it belongs to.
    agreeing
        What adds up, or is a union, among the rows.
    complete
        Whether a row that is not shown stands in the table all the same, as suppressed.
    """

    dataset: Dataset
    rule: Rule
    rows: pa.Table
    level: NDArray[np.int64]
    agreeing: Agreeing
    complete: bool

    @property
    def spent(self) -> Spent:
        """What drawing it costs, by the maps of the measurements that draw."""
        rule = self.rule
        used = rule.selections() if rule.selects else rule.noises()
        return Spent(rule.unit, compose(used[level].loss(bound) for level, bound in rule.bounds.items()), rule.told_at)


@dataclass(frozen=True)
class Private:
    """A table with noise, and what it cost.

    Parameters
    ----------
    table
        The columns of the dataset, rows in key order: every value ``perturbed``, with its interval.
    spent
        What one unit of one person has lost by it.
    parameters
        What a release should say of how it was made (JSON values).
    """

    table: pa.Table
    spent: Spent
    parameters: dict[str, Any]


def prepare(
    dataset: Dataset,
    counts: pa.Table,
    grid: pa.Table | None,
    rule: Rule,
    *,
    level: str | None = None,
    relations: Callable[[pa.Table], Relations] | None = None,
) -> Prepared:
    """Make a table ready to be drawn.

    Parameters
    ----------
    dataset
        What `private_dataset` derived from the declared one.
    counts
        Keys and the measure: counts of distinct people, **bounded** as the rule says before they were counted. Keys
        that are absent have nobody.
    grid
        Every key that is published, made from public knowledge. None if the rule selects keys and only those that it
        shows shall be rows.
    rule
        With a bound for each level.
    level
        The key column whose values are the levels; without it there is one level, named ``""``.
    relations
        Gives, for the rows (keys, in order), which are wholes of which: a hierarchy of sums, or any unions. Not for a
        rule that selects keys.

    Raises
    ------
    InputError
        A key is outside the grid, a count is negative or no whole number, a level has no bound, or the relations cannot
        be kept.
    """
    measure = _measure(dataset)
    if rule.selects and relations:
        raise InputError(
            "keys that are not shown cannot be made consistent", where=dataset.name, expected="public keys"
        )
    if grid is None:
        if not rule.selects:
            raise InputError("there is no grid of keys", where=dataset.name, expected="public keys, or a threshold")
        grid_given, grid = False, counts.select(dataset.key)
    else:
        grid_given = True
    keyed = on_grid(dataset, counts.select([*dataset.key, measure]), grid, without=(LOW, HIGH))
    keyed = keyed.sort_by([(name, "ascending") for name in dataset.key]) if dataset.key else keyed
    values = keyed.column(measure)
    if not pa.types.is_integer(values.type):
        raise InputError(f"column {measure} is {values.type}", where=dataset.name, expected="whole numbers")
    whole = values.cast(pa.int64()).fill_null(0).to_numpy()
    if len(whole) and (whole.min() < 0 or whole.max() > MOST):
        raise InputError(f"a value of {measure} is no count of people", where=dataset.name, expected="0 or more")
    rows = keyed.select(dataset.key).append_column(measure, pa.array(whole))
    names = list(rule.bounds)
    said = rows.column(level).to_pylist() if level else [WHOLE] * rows.num_rows
    unbounded = set(said) - set(names)
    if unbounded:
        raise InputError(f"level {min(unbounded)!r} has no bound", where=dataset.name, expected=", ".join(names))
    place = {name: number for number, name in enumerate(names)}
    prepared = Prepared(
        dataset=dataset,
        rule=rule,
        rows=rows,
        level=np.array([place[name] for name in said], np.int64),
        agreeing=Agreeing.of(relations(rows.select(dataset.key)) if relations else joined([])),
        complete=grid_given,
    )
    # Whatever could be refused is refused here: once noise is drawn, nothing may go wrong any more.
    nobody = np.zeros(rows.num_rows, np.int64)
    conform(dataset, _table(prepared, nobody, nobody, nobody, np.ones(rows.num_rows, bool)))
    return prepared


def draw(prepared: Prepared) -> Private:
    """Draw the noise of a table and make it consistent. Each call spends anew: call it once, and keep what it gives."""
    counts, spent = prepared.rows.column(_measure(prepared.dataset)).to_numpy(), prepared.spent
    made = _selected(prepared, counts) if prepared.rule.selects else _on_public_keys(prepared, counts)
    table = conform(prepared.dataset, made)
    rule = prepared.rule.record()
    return Private(table, spent, {"private": rule, "spent": spent.record()})


def private_table(
    dataset: Dataset,
    counts: pa.Table,
    grid: pa.Table | None,
    rule: Rule,
    *,
    level: str | None = None,
    relations: Callable[[pa.Table], Relations] | None = None,
) -> Private:
    """Prepare and draw a table: for trying out. A release books `Prepared.spent` before it draws."""
    return draw(prepare(dataset, counts, grid, rule, level=level, relations=relations))


def _on_public_keys(prepared: Prepared, counts: NDArray[np.int64]) -> pa.Table:
    noisy = np.zeros(len(counts), np.int64)
    width = np.zeros(len(counts), np.int64)
    variance = np.ones(len(counts))
    for number, noise in enumerate(prepared.rule.noises().values()):
        own = prepared.level == number
        noisy[own] = noise.add(counts[own])
        width[own] = half_width(noise, prepared.rule.confidence)
        variance[own] = noise.scale**2  # of both families in proportion to the square of the scale
    values = consistent(noisy, variance, prepared.agreeing)
    low, high = np.maximum(noisy - width, 0), np.maximum(noisy + width, 0)
    # What was made consistent may lie outside; to widen an interval never loses the count.
    return _table(prepared, values, np.minimum(low, values), np.maximum(high, values), np.ones(len(counts), bool))


def consistent(noisy: NDArray[np.int64], variances: NDArray[np.float64], agreeing: Agreeing) -> NDArray[np.int64]:
    """Make noisy numbers whole, not negative, and consistent. It sees noisy numbers only, so it spends nothing."""
    if not len(agreeing.wholes) and not len(agreeing.within):
        return np.maximum(noisy, 0)
    if agreeing.adding_up and len(agreeing.within):
        obeying = insides.nearest(noisy.astype(float), variances, agreeing.wholes, agreeing.within)
        return insides.whole_numbers(obeying, agreeing.wholes, agreeing.within)
    if agreeing.adding_up:
        adding_up = sums.least_squares(noisy.astype(float), variances, agreeing.wholes)
        return sums.whole_numbers(adding_up, variances, agreeing.wholes)
    obeying = unions.nearest(noisy.astype(float), variances, agreeing.wholes, agreeing.within)
    return unions.whole_numbers(obeying, agreeing.wholes, agreeing.within)


def _selected(prepared: Prepared, counts: NDArray[np.int64]) -> pa.Table:
    values, shown = np.zeros(len(counts), np.int64), np.zeros(len(counts), bool)
    width, threshold = np.zeros(len(counts), np.int64), np.zeros(len(counts), np.int64)
    for number, chosen in enumerate(prepared.rule.selections().values()):
        own = prepared.level == number
        found = chosen.select({int(row): int(counts[row]) for row in np.flatnonzero(own & (counts > 0))})
        rows = np.fromiter(found.keys(), np.int64, len(found))
        values[rows], shown[rows] = np.fromiter(found.values(), np.int64, len(found)), True
        width[own] = half_width(chosen.noise, prepared.rule.confidence)
        threshold[own] = chosen.threshold
    # Of a key that is not shown it is known that its noisy count, if it has one, is below the threshold.
    low = np.where(shown, np.maximum(values - width, 1), 0)
    high = np.where(shown, values + width, threshold - 1 + width)
    return _table(prepared, values, low, high, shown)


def _table(
    prepared: Prepared,
    values: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    shown: NDArray[np.bool_],
) -> pa.Table:
    measure = prepared.dataset.measures[0]
    columns = {name: prepared.rows.column(name) for name in prepared.dataset.key}
    columns[measure.name] = pa.array(values, mask=~shown)
    columns[measure.state] = pa.array(np.where(shown, State.PERTURBED.value, State.SUPPRESSED.value).tolist())
    columns[LOW], columns[HIGH] = pa.array(low), pa.array(high)
    table = pa.table({name: columns[name] for name in prepared.dataset.columns})
    return table if prepared.complete else table.filter(pa.array(shown))


def _measure(dataset: Dataset) -> str:
    names = [attribute.name for attribute in dataset.attributes]
    if dataset.privacy is not Privacy.PEOPLE or len(dataset.measures) != 1 or names != [LOW, HIGH]:
        raise InputError("the dataset has no interval", where=dataset.name, expected="what private_dataset derives")
    return dataset.measures[0].name
