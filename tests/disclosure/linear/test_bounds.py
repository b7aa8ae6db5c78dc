"""What a reader can work out, against trying out every table there is, and against published examples."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.optimize import Bounds as Box
from scipy.optimize import LinearConstraint, milp

from commonweal.disclosure.linear.bounds import bounds
from commonweal.disclosure.linear.contradiction import Contradiction
from commonweal.disclosure.linear.possible import possible
from commonweal.disclosure.linear.programme import Programme, holds
from commonweal.disclosure.linear.relations import Kind, relations
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of

MOST = 4
KINDS = [Kind.SUM, Kind.UNION, Kind.WITHIN, Kind.COVER]


@some.composite
def tables(draw: Any) -> tuple[np.ndarray, np.ndarray, list[tuple[int, list[int], Kind]]]:
    """Draw a few cells, some of them published, and relations between them that may contradict one another."""
    count = draw(some.integers(3, 6))
    found = []
    for _ in range(draw(some.integers(1, 4))):
        whole = draw(some.integers(0, count - 1))
        others = [cell for cell in range(count) if cell != whole]
        parts = draw(some.lists(some.sampled_from(others), min_size=1, max_size=4, unique=True))
        found.append((whole, parts, draw(some.sampled_from(KINDS))))
    low, high = np.zeros(count, np.int64), np.full(count, MOST)
    for cell in draw(some.lists(some.integers(0, count - 1), unique=True, max_size=count - 1)):
        low[cell] = high[cell] = draw(some.integers(0, MOST))
    return low, high, found


def keeps_to(table: tuple[int, ...], found: list[tuple[int, list[int], Kind]]) -> bool:
    for whole, parts, kind in found:
        values = [table[part] for part in parts]
        if kind & Kind.SUM and sum(values) != table[whole]:
            return False
        if kind & Kind.WITHIN and max(values) > table[whole]:
            return False
        if kind & Kind.COVER and sum(values) < table[whole]:
            return False
    return True


@settings(max_examples=150, deadline=None)
@given(tables())
def test_bounds_are_those_of_all_tables_that_there_are(drawn):
    low, high, found = drawn
    ranges = [range(a, b + 1) for a, b in zip(low, high, strict=True)]
    every = [table for table in product(*ranges) if keeps_to(table, found)]
    rows = rows_of(relations(found))
    if not every:
        with pytest.raises(Contradiction):
            bounds(rows, low, high)
        return
    answer = bounds(rows, low, high)
    assert (answer.low.tolist(), answer.high.tolist()) == (np.min(every, 0).tolist(), np.max(every, 0).tolist())
    assert (answer.least == answer.low).all()
    assert (answer.most == answer.high).all()
    assert keeps_to(tuple(possible(rows, low, high)), found)


@settings(max_examples=100, deadline=None)
@given(tables(), some.integers(0, 10_000))
def test_from_a_possible_table_the_same_cells_can_be_worked_out_and_all_that_is_witnessed_is_possible(drawn, which):
    low, high, found = drawn
    ranges = [range(a, b + 1) for a, b in zip(low, high, strict=True)]
    every = np.array([table for table in product(*ranges) if keeps_to(table, found)])
    if not len(every):
        return
    rows, table = rows_of(relations(found)), every[which % len(every)]
    only = every.min(0) == every.max(0)
    answer = bounds(rows, low, high, enough=np.ones(len(low), np.int64), table=table)
    assert (answer.least == answer.most).tolist() == only.tolist()
    # Without programmes about all that hangs together fewer are shown to be safe, and none that is not.
    cautious = bounds(rows, low, high, enough=np.ones(len(low), np.int64), table=table, largest=0)
    assert (cautious.least == cautious.most)[only].all()
    assert cautious.solved == (0, 0)
    for one in (answer, cautious):
        for cell in range(len(low)):
            assert {one.least[cell], one.most[cell]} <= set(every[:, cell].tolist())


def test_a_cell_without_end_has_none():
    rows = rows_of(relations([(0, [1, 2], Kind.UNION)]))
    answer = bounds(rows, np.array([0, 7, 0]), np.array([UNBOUNDED, 7, UNBOUNDED]))
    assert answer.low.tolist() == [7, 7, 0]
    assert answer.high.tolist() == [UNBOUNDED, 7, UNBOUNDED]


@pytest.mark.parametrize("seed", range(3))
def test_bounds_of_a_table_with_margins_are_those_of_another_solver(seed):
    """Against scipy.optimize.milp, a programme over whole numbers for each end of each cell."""
    chance = np.random.default_rng(seed)
    value = chance.choice([0, 1, 3, 8, 14, 15, 20, 60], size=(6, 7))
    whole = np.block([[value, value.sum(1)[:, None]], [value.sum(0)[None], np.array([[value.sum()]])]])
    number = np.arange(whole.size).reshape(whole.shape)
    found = [(int(row[-1]), row[:-1].tolist(), Kind.SUM) for row in number]
    found += [(int(column[-1]), column[:-1].tolist(), Kind.SUM) for column in number.T]
    true = whole.ravel()
    low, high = np.where(true < 15, 0, true), np.where(true < 15, 14, true)
    rows = rows_of(relations(found))
    answer = bounds(rows, low, high)
    matrix = np.zeros((len(rows.lower), whole.size))
    np.add.at(matrix, (rows.row_of_member, rows.cell), rows.sign)
    hidden = np.flatnonzero(true < 15)[:: 3 if seed else 1]
    for cell in hidden:
        for sign, ours in ((1, answer.low[cell]), (-1, answer.high[cell])):
            cost = np.zeros(whole.size)
            cost[cell] = sign
            other = milp(
                cost,
                constraints=LinearConstraint(matrix, 0, 0),
                integrality=np.ones(whole.size),
                bounds=Box(low, high),
                options={"presolve": False, "mip_rel_gap": 0.0},
            )
            assert round(sign * other.fun) == ours


def test_a_long_chain_is_followed_to_its_end():
    count = 400
    rows = rows_of(relations([(cell, [cell + 1], Kind.SUM) for cell in reversed(range(count - 1))]))
    low, high = np.zeros(count, np.int64), np.full(count, UNBOUNDED)
    low[0] = high[0] = 7
    answer = bounds(rows, low, high)
    assert (answer.low == 7).all()
    assert (answer.high == 7).all()


def test_an_answer_that_is_wide_enough_is_witnessed_by_tables_and_not_measured_further():
    count = 30
    rows = rows_of(relations([(count, range(count), Kind.SUM), (count + 1, range(count), Kind.UNION)]))
    true = np.array([*range(count), sum(range(count)), 200])
    hidden = np.arange(count + 2) < count
    low, high = np.where(hidden, 0, true), np.where(hidden, 100, true)
    answer = bounds(rows, low, high, enough=np.where(hidden, 5, 0), table=true)
    assert (answer.width[:count] >= 5).all()
    exact = bounds(rows, low, high)
    assert (exact.low <= answer.least).all()
    assert (answer.most <= exact.high).all()
    assert answer.solved[0] < exact.solved[0]


def test_whole_numbers_bound_more_tightly_than_fractions():
    """Three cells in pairs of at most one: fractions reach 3/2 in all, whole numbers 1."""
    pairs = [(3, [0, 1], Kind.SUM), (4, [1, 2], Kind.SUM), (5, [0, 2], Kind.SUM), (6, [0, 1, 2], Kind.SUM)]
    low, high = np.array([0, 0, 0, 0, 0, 0, 0]), np.array([1, 1, 1, 1, 1, 1, 3])
    assert bounds(rows_of(relations(pairs)), low, high).high[6] == 1


def test_the_tables_that_are_witnesses_keep_to_every_row():
    rows = rows_of(relations([(0, [1, 2], Kind.SUM)]))
    low, high = np.array([20, 0, 0]), np.array([20, 14, UNBOUNDED])
    assert holds(rows, low, high, np.array([20, 14, 6]))
    assert not holds(rows, low, high, np.array([20, 14, 7]))
    assert not holds(rows, low, high, np.array([20, 15, 5]))


def test_an_end_over_whole_numbers_is_not_missed():
    """The villages of two districts at three times, of which some numbers are known: HiGHS with presolve says 25.

    The table below is possible, so the least that cell 2 can be is at most 15; and 59 − 30 − 14 of it are in no other.
    """
    true = np.array(
        [[0, 30, 15, 30, 14, 30, 59, 89], [0, 30, 15, 90, 14, 30, 119, 149], [2, 32, 15, 90, 34, 34, 139, 173]]
    )
    low, high = np.zeros_like(true), np.full_like(true, 10_000)
    for time, known in enumerate([(3, 5, 6, 7), (3, 5), (3, 7)]):
        low[time, known] = high[time, known] = true[time, known]
    high[0, [0, 4]] = high[2, 0] = 14
    sums = [(whole, parts, Kind.SUM) for whole, parts in ((5, [0, 1]), (6, [2, 3, 4]), (7, [5, 6]))]
    found = [
        (whole + 8 * time, [part + 8 * time for part in parts], kind)
        for time in range(3)
        for whole, parts, kind in sums
    ]
    found += [(cell + 8, [cell], Kind.WITHIN) for cell in range(16)]
    rows = rows_of(relations(found))
    assert holds(rows, low.ravel(), high.ravel(), true.ravel())
    assert Programme(rows, low.ravel(), high.ravel()).extreme({2: -1.0}, whole=True)[2] == 15
