"""Margins of noised tables: consistent after the least movement, from what is published alone."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.errors import Refused
from commonweal.disclosure.rounding.additive import holds
from commonweal.disclosure.rounding.consistent import consistent
from commonweal.disclosure.rounding.ptable import perturb, perturbation_table
from commonweal.disclosure.rounding.record_keys import cell_keys, record_keys
from commonweal.disclosure.rounding.two_way import two_way_relations, with_margins

WHOLE = [(0, (1, 2), "sum")]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=3, max_size=3), st.sampled_from(["sum", "union"]))
def test_no_table_within_reach_is_nearer(noised: list[int], kind: str) -> None:
    relations = [(0, (1, 2), kind)]
    reach = 3
    near = [
        sum(abs(z - y) for z, y in zip(table, noised, strict=True))
        for table in product(*(range(max(0, y - reach), y + reach + 1) if y else [0] for y in noised))
        if holds(np.array(table), relations)
    ]
    if near:
        found = consistent(np.array(noised), relations, reach)
        assert found.moved == min(near)
        assert found.within == reach
        assert holds(found.values, relations)
        whole, *parts = found.values.tolist()
        assert sum(parts) == whole if kind == "sum" else max(parts) <= whole <= sum(parts)


def test_it_reaches_further_only_when_it_must() -> None:
    assert consistent(np.array([40, 10, 10]), WHOLE, 2).within == 8
    with pytest.raises(Refused):
        consistent(np.array([5000, 1, 1]), WHOLE, 1)


def test_a_zero_stays_zero() -> None:
    assert consistent(np.array([9, 0, 3]), WHOLE, 3).values.tolist() == [6, 0, 6]


def test_a_table_of_people_is_noised_the_same_way_twice_and_its_margins_made_consistent() -> None:
    generator = np.random.default_rng(3)
    people, rows, columns = 900, 6, 5
    row, column = generator.integers(0, rows, people), generator.integers(0, columns, people)
    raw = np.zeros((rows, columns), np.int64)
    np.add.at(raw, (row, column), 1)
    margins = with_margins(raw).ravel()
    keys = record_keys(bytes(32), "operator/2026", np.arange(people))
    width = columns + 1
    cell = np.concatenate(
        [row * width + column, row * width + columns, rows * width + column, np.full(people, rows * width + columns)]
    )
    table = perturbation_table(5, 3)
    noised = perturb(margins, cell_keys(np.tile(keys, 4), cell, len(margins)), table)
    order = generator.permutation(4 * people)
    again = perturb(margins, cell_keys(np.tile(keys, 4)[order], cell[order], len(margins)), table)
    assert noised.tolist() == again.tolist()
    assert np.abs(noised - margins).max() <= 5
    relations = two_way_relations(rows, columns)
    assert not holds(noised, relations)  # margins are noised on their own
    found = consistent(noised, relations, 5)
    assert holds(found.values, relations)
    assert found.within == 5
    assert np.abs(found.values - margins).max() <= 10
