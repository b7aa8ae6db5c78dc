"""A table with noise: its cost is known before it is drawn, every number has its interval, everything agrees."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from commonweal.core.catalog import Dataset, Dimension, Kind, Measure, Privacy
from commonweal.core.catalog.declaration import parse
from commonweal.core.errors import InputError
from commonweal.disclosure import Kind as Relation
from commonweal.disclosure import Relations, grouped, joined
from commonweal.disclosure.private import (
    Bound,
    Loss,
    Rule,
    Spent,
    Unit,
    draw,
    prepare,
    private_dataset,
    private_table,
    utility_curve,
)

CHANCE = 1e-6
AREAS = [f"A{number:04}" for number in range(4000)]


def dataset(kind: Kind = Kind.UNION, **choices: Any) -> Dataset:
    declared = Dataset(
        name="demo.present",
        title="Present",
        description="",
        privacy=Privacy.PEOPLE,
        dimensions=(Dimension("level", "string", "Which."), Dimension("area", "area", "Where.")),
        measures=(Measure("people", "integer", "How many.", "{people}", kind, "people"),),
    )
    return private_dataset(replace(declared, **choices), title="Present, with noise", description="")


DATASET = dataset()
GRID = pa.table({"level": ["all"] * len(AREAS), "area": AREAS})
COUNTS = GRID.append_column("people", pa.array([40 * number for number in range(len(AREAS))])).slice(1)
RULES = [
    Rule(Unit.DAY, 1.0, bounds={"all": Bound(4)}),
    Rule(Unit.WEEK, 1.0, 1e-6, "gaussian", bounds={"all": Bound(9)}),
]


def values(table: pa.Table, column: str = "people") -> np.ndarray:
    return table[column].to_numpy()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.family)
def test_every_number_has_an_interval_that_holds_the_count_as_often_as_it_says(rule: Rule) -> None:
    table = private_table(DATASET, COUNTS, GRID, rule, level="level").table
    truth = np.arange(len(AREAS)) * 40
    held = (values(table, "low") <= truth) & (truth <= values(table, "high"))
    assert stats.binomtest(int(held.sum()), len(AREAS), 0.95, alternative="less").pvalue > CHANCE
    assert held.mean() < 0.99  # nor are they wider than they need be
    assert (values(table, "low") <= values(table)).all()
    assert (values(table) <= values(table, "high")).all()
    assert values(table, "low").min() >= 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.family)
def test_what_drawing_costs_is_known_before_it_is_drawn_and_no_more_than_the_rule_allows(rule: Rule) -> None:
    prepared = prepare(DATASET, COUNTS, GRID, rule, level="level")
    told = prepared.spent
    assert draw(prepared).spent == told
    assert told.unit is rule.unit
    assert 0.999 < told.epsilon <= 1
    assert Spent.parse(told.record()) == told


def test_levels_share_what_may_be_spent_and_each_has_its_own_noise() -> None:
    grid = pa.concat_tables([GRID.slice(0, 500), pa.table({"level": ["part"] * 500, "area": AREAS[:500]})])
    rule = Rule(Unit.DAY, 1.0, bounds={"all": Bound(1), "part": Bound(10)})
    prepared = prepare(DATASET, COUNTS.slice(0, 0), grid, rule, level="level")
    assert [noise.scale for noise in rule.noises().values()] == [2.0, 20.0]
    assert prepared.spent.loss == Loss(0.25, 1.0)  # 2 · (1/2)² / 2, as two releases; pure 1/2 + 1/2
    width = (
        lambda table, level: set(values(table.filter(pa.array([x == level for x in table["level"].to_pylist()]))))
    )(draw(prepared).table, "part")
    assert max(width) > 20


@pytest.mark.parametrize("delta", [0.0, 1e-6])
def test_a_pure_promise_is_told_as_one_however_many_levels_share_it(delta: float) -> None:
    """Where 64 levels spend ε = 1/64 each, less than 1 could be told at some δ; but it would hold at that δ alone."""
    rule = Rule(Unit.DAY, 1.0, delta, bounds={str(level): Bound(1) for level in range(64)})
    spent = prepare(DATASET, COUNTS.slice(0, 0), GRID.slice(0, 0), rule, level="level").spent
    assert spent.loss.epsilon(1e-6) < 0.7
    assert (spent.epsilon, spent.delta) == (pytest.approx(1.0), 0.0)


def test_the_table_has_a_row_for_every_public_key_and_none_tells_that_nobody_is_there() -> None:
    grid = pa.table({"level": ["all"] * 2000, "area": AREAS[:2000]})
    rule = Rule(Unit.DAY, 1.0, bounds={"all": Bound(1)})
    table = private_table(DATASET, COUNTS.slice(0, 0), grid, rule, level="level").table
    assert table.num_rows == 2000
    assert set(table["people_state"].to_pylist()) == {"perturbed"}
    # Noise of scale 1 is above zero with a probability of p/(1+p) = 0.269.
    shown = int((values(table) > 0).sum())
    assert stats.binomtest(shown, 2000, math.exp(-1) / (1 + math.exp(-1))).pvalue > CHANCE


def test_keys_that_are_not_public_are_rows_only_above_the_threshold() -> None:
    rule = Rule(Unit.DAY, 1.0, 1e-6, selects=True, bounds={"all": Bound(2)})
    few = pa.table({"level": ["all"] * 3, "area": ["A", "B", "C"], "people": [1, 2, 4000]})
    drawn = private_table(DATASET, few, None, rule, level="level")
    assert drawn.table["area"].to_pylist() == ["C"]
    assert drawn.spent.loss.delta <= 1e-6
    assert drawn.spent.epsilon <= 1
    beside = private_table(DATASET, few, few.select(["level", "area"]), rule, level="level").table
    assert beside["people_state"].to_pylist() == ["suppressed", "suppressed", "perturbed"]
    assert beside["people"].to_pylist()[:2] == [None, None]
    assert min(beside["high"].to_pylist()[:2]) >= rule.selections()["all"].threshold - 1


@pytest.mark.parametrize("kind", [Kind.SUM, Kind.UNION])
def test_a_hierarchy_agrees_after_noise_and_costs_nothing_more(kind: Kind) -> None:
    areas = [f"{a}{b}" for a in range(8) for b in ("", *"abcde")]
    grid = pa.table({"level": ["whole" if len(area) == 1 else "part" for area in areas], "area": areas})
    rule = Rule(Unit.DAY, 0.2, bounds={"whole": Bound(1), "part": Bound(1)})

    def hierarchy(rows: pa.Table) -> Relations:
        codes = rows["area"].to_pylist()
        whole = np.array([codes.index(code[0]) if len(code) > 1 else -1 for code in codes])
        return grouped(Relation.SUM if kind is Kind.SUM else Relation.UNION, whole, np.arange(len(codes)))

    declared = dataset(kind)
    prepared = prepare(declared, COUNTS.slice(0, 0), grid, rule, level="level", relations=hierarchy)
    assert prepared.spent == prepare(declared, COUNTS.slice(0, 0), grid, rule, level="level").spent
    found = dict(zip(*(draw(prepared).table[name].to_pylist() for name in ("area", "people")), strict=True))
    for whole in "01234567":
        parts = [found[whole + part] for part in "abcde"]
        if kind is Kind.SUM:
            assert found[whole] == sum(parts)
        else:
            assert max(parts) <= found[whole] <= sum(parts)
        assert min(parts) >= 0


def test_what_is_consistent_is_nearer_to_the_truth_than_noise_alone() -> None:
    size = 400
    codes = [f"W{number:03}" for number in range(size)]
    areas = codes + [f"{code}.{part}" for code in codes for part in "ab"]
    grid = pa.table({"level": ["all"] * len(areas), "area": areas})
    counts = grid.append_column("people", pa.array([2000] * size + [1000] * 2 * size))
    rule = Rule(Unit.DAY, 0.1, bounds={"all": Bound(2)})

    def hierarchy(rows: pa.Table) -> Relations:
        sorted_codes = rows["area"].to_pylist()
        place = {code: number for number, code in enumerate(sorted_codes)}
        whole = np.array([place[c[:4]] if "." in c else -1 for c in sorted_codes])
        return grouped(Relation.SUM, whole, np.arange(len(sorted_codes)))

    def error(**choices: Any) -> float:
        table = private_table(dataset(Kind.SUM), counts, grid, rule, level="level", **choices).table
        truth = np.array([1000 if "." in code else 2000 for code in table["area"].to_pylist()])
        return float(((values(table) - truth) ** 2).mean())

    # Of three equal variances each sum of two parts leaves two thirds.
    assert error(relations=hierarchy) < 0.85 * error()


def test_relations_that_could_not_be_kept_are_refused_before_anything_is_drawn() -> None:
    rule = Rule(Unit.DAY, 1.0, bounds={"all": Bound(1)})
    one, two = np.array([0, 0]), np.array([1, 1])
    mixed = joined([grouped(Relation.SUM, one, np.array([1, 2])), grouped(Relation.UNION, two, np.array([3, 4]))])
    for relations, why in [
        (mixed, "several kinds"),
        (grouped(Relation.COVER, one, np.array([1, 2])), "several kinds"),
        (joined([grouped(Relation.SUM, one, np.array([1, 2]))] * 2), "two wholes"),
        (grouped(Relation.SUM, np.array([1, 0]), np.array([0, 1])), "part of itself"),
    ]:
        with pytest.raises(InputError, match=why):
            prepare(DATASET, COUNTS, GRID, rule, level="level", relations=lambda _, found=relations: found)


def test_more_epsilon_brings_less_error() -> None:
    prepared = prepare(DATASET, COUNTS, GRID, RULES[0], level="level")
    curve = utility_curve(prepared, COUNTS, [0.01, 0.1, 1.0], at_least=1000)
    errors = [point.error for point in curve]
    assert errors == sorted(errors, reverse=True)
    assert [point.cells for point in curve] == [len(AREAS) - 25] * 3
    assert errors[2] < 0.001 < errors[0]
    assert all(point.error <= point.worst for point in curve)


def test_the_derived_dataset_is_declared_as_any_other() -> None:
    assert parse(DATASET.record()) == DATASET
    assert DATASET.columns == ("level", "area", "people", "people_state", "low", "high")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no delta for Gaussian noise": ({"family": "gaussian"}, "δ is 0"),
    "no delta for thresholds": ({"selects": True}, "δ is 0"),
    "no epsilon": ({"epsilon": 0.0}, "ε is 0"),
    "a delta of one": ({"delta": 1.0}, "δ is 1"),
    "other noise": ({"family": "uniform"}, "no noise"),
    "too large a share": ({"share": 1.5}, "not a share"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_rule_that_promises_nothing_is_refused(name: str) -> None:
    choices, why = WRONG[name]
    with pytest.raises(InputError, match=why):
        Rule(**({"unit": Unit.DAY, "epsilon": 1.0} | choices))


def test_a_rule_is_read_as_it_was_written_and_nothing_else_is_a_rule() -> None:
    for rule in RULES:
        assert Rule.parse(rule.record()) == rule
    for wrong in ({}, RULES[0].record() | {"unit": "person-year"}, RULES[0].record() | {"more": 1}):
        with pytest.raises(InputError):
            Rule.parse(wrong)


def test_counts_that_are_none_are_refused_and_never_quoted() -> None:
    def raw(**columns: Any) -> pa.Table:
        return pa.table({"level": ["all"], "area": [AREAS[0]], "people": [3]} | columns)

    rule = RULES[0]
    for table, why in [
        (raw(people=[-7]), "no count of people"),
        (raw(people=[7.5]), "is double"),
        (raw(area=["elsewhere"]), "not in the grid"),
        (raw(people=[2**60]), "no count of people"),
    ]:
        with pytest.raises(InputError, match=why) as refused:
            prepare(DATASET, table, GRID, rule, level="level")
        assert "7" not in str(refused.value)
    with pytest.raises(InputError, match="no grid"):
        prepare(DATASET, COUNTS, None, rule, level="level")
    with pytest.raises(InputError, match="has no bound"):
        prepare(DATASET, COUNTS, GRID, replace(rule, bounds={"other": Bound(1)}), level="level")
    with pytest.raises(InputError, match="has no interval"):
        prepare(replace(DATASET, attributes=()), COUNTS, GRID, rule, level="level")
