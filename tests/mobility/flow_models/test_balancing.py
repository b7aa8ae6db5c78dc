"""Iterative proportional fitting: the margins, the odds, the zeros, and what cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models import balance

positive = st.floats(0.1, 100)


def tables(rows: int, columns: int) -> st.SearchStrategy[np.ndarray]:
    return st.lists(positive, min_size=rows * columns, max_size=rows * columns).map(
        lambda values: np.array(values).reshape(rows, columns)
    )


@settings(max_examples=15, deadline=None)
@given(tables(3, 4), tables(3, 4))
def test_any_margins_of_one_sum_are_reached_and_odds_ratios_stay_those_of_the_seed(
    seed: np.ndarray, target: np.ndarray
) -> None:
    done = balance(seed, target.sum(1), target.sum(0))
    assert done.table.sum(1) == pytest.approx(target.sum(1), rel=1e-9)
    assert done.table.sum(0) == pytest.approx(target.sum(0), rel=1e-9)

    def odds(table: np.ndarray) -> np.ndarray:
        return table[1:, 1:] * table[0, 0] / (table[1:, :1] * table[:1, 1:])

    assert odds(done.table) == pytest.approx(odds(seed), rel=1e-6)
    assert done.table == pytest.approx(done.row_factors[:, None] * seed * done.column_factors)


def test_a_two_by_two_table_is_the_root_of_its_odds_ratio() -> None:
    # x (x − 1 + …): with margins 3, 7 and 4, 6 and odds ratio 6, x (3 + x) = 6 (3 − x)(4 − x).
    x = min(root for root in np.roots([5, -45, 72]).real if root > 0)
    assert balance([[2, 1], [1, 3]], [3, 7], [4, 6]).table[0, 0] == pytest.approx(x)


def test_of_all_tables_with_the_margins_it_is_the_nearest_to_the_seed() -> None:
    seed = np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 1.0]])
    table = balance(seed, [4.0, 6.0], [3.0, 5.0, 2.0]).table

    def divergence(free: np.ndarray) -> float:
        first = np.append(free, 4.0 - free.sum())
        both = np.vstack([first, np.array([3.0, 5.0, 2.0]) - first])
        return float((both * np.log(both / seed)).sum()) if (both > 0).all() else 1e9

    best = minimize(divergence, [1.0, 2.0], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
    assert table[0, :2] == pytest.approx(best.x, abs=1e-5)


def test_zeros_of_the_seed_are_structural_and_margins_of_zero_are_kept() -> None:
    done = balance([[0, 2, 1], [1, 0, 1], [1, 1, 0]], [6, 0, 4], [3, 5, 2])
    assert done.table.diagonal().tolist() == [0, 0, 0]
    assert done.table[1].tolist() == [0, 0, 0]
    assert done.table.sum(0) == pytest.approx([3, 5, 2])


@pytest.mark.parametrize(
    ("seed", "rows", "columns", "what"),
    [
        ([[1, 1], [1, 1]], [3, 4], [3, 5], "the row margins add up to 7, the column margins to 8"),
        ([[1, 1], [0, 0]], [3, 4], [3, 4], "row 1: its margin is 4, but all of it is zero"),
        ([[1, 0], [1, 0]], [3, 4], [3, 4], "column 1: its margin is 4, but all of it is zero"),
        ([[1, None], [1, 1]], [3, 4], [3, 4], "a value is missing, endless or negative"),
        ([[1, 1], [1, 1]], [-3, 4], [0, 1], "row margins: a value is missing, endless or negative"),
        ([[1, 1]], [3, 4], [3, 4], "has margins of shape"),
        ([["x", 1], [1, 1]], [3, 4], [3, 4], "not numbers"),
        ([[0, 1], [1, 0]], [3, 4], [3, 4], "no table with these zeros has these margins"),
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], [1, 1, 9], [1, 1, 9], "no table with these zeros has these margins"),
    ],
)
def test_what_has_no_answer_says_so(
    seed: list[list[float]], rows: list[float], columns: list[float], what: str
) -> None:
    with pytest.raises(InputError, match=what):
        balance(seed, rows, columns, most_rounds=500)


def test_margins_that_force_a_further_zero_are_said_to_need_more_rounds() -> None:
    # [[2, 0], [0, 3]] alone has them, and the rounds come near it ever more slowly.
    with pytest.raises(InputError, match="after 100 rounds a margin is still wrong"):
        balance([[1, 1], [0, 1]], [2, 3], [2, 3], most_rounds=100)
    done = balance([[1, 1], [0, 1]], [2, 3], [2, 3], tolerance=1e-2)
    assert 1 < done.rounds < 200
    assert done.error <= 1e-2
