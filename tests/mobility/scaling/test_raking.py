"""Raking: a published example, its margins, and intervals against planted truth."""

import numpy as np
import pytest

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models import balance
from commonweal.mobility.scaling import rake

SEED_TABLE = [[40, 30, 20, 10], [35, 50, 100, 75], [30, 80, 70, 120], [20, 30, 40, 50]]
ROWS, COLUMNS = [150, 300, 400, 150], [200, 300, 400, 100]
PUBLISHED = [
    [64.61, 46.28, 35.42, 3.83],
    [49.95, 68.15, 156.49, 25.37],
    [56.70, 144.40, 145.06, 53.76],
    [28.74, 41.18, 63.03, 17.03],
]
"""The worked example of *Iterative proportional fitting*, Wikipedia, after the third round."""


def test_a_published_worked_example_is_reached() -> None:
    third = balance(SEED_TABLE, ROWS, COLUMNS, tolerance=1e-3)
    assert third.rounds == 3
    assert third.table.round(2) == pytest.approx(np.array(PUBLISHED), abs=0.0101)
    raked = rake(SEED_TABLE, ROWS, COLUMNS, draws=2)
    assert raked.people == pytest.approx(np.array(PUBLISHED), rel=2e-3)
    assert raked.people.sum(1) == pytest.approx(ROWS)
    assert raked.people.sum(0) == pytest.approx(COLUMNS)


def test_one_margin_is_a_ratio_of_each_row() -> None:
    raked = rake([[30, 10], [5, 15]], rows=[400, 100], draws=2)
    assert raked.people.tolist() == [[300, 100], [25, 75]]


def test_columns_are_brought_to_the_sum_of_rows() -> None:
    raked = rake([[30, 10], [5, 15]], rows=[400, 100], columns=[3, 2], draws=2)
    assert raked.people.sum(0) == pytest.approx([300, 200])


def test_a_hidden_cell_keeps_a_part_of_its_margin_and_has_no_number() -> None:
    raked = rake([[90, None], [20, 30]], rows=[1200, 500], hidden_below=15)
    assert np.isnan([raked.people[0, 1], raked.low[0, 1], raked.high[0, 1]]).all()
    assert raked.people[0, 0] == pytest.approx(1200 * 90 / 97)
    assert raked.low[0, 0] <= 1200 * 90 / 103
    assert raked.high[0, 0] >= 1200 * 90 / 91
    assert raked.left_out == pytest.approx(1200 * 7 / 97 / 1700)


def test_intervals_hold_planted_people_as_often_as_they_say() -> None:
    chance = np.random.default_rng(5)
    truth = chance.lognormal(7.5, 0.8, (5, 6))
    shares = chance.uniform(0.05, 0.1, 5)  # each origin's own: what raking repairs
    inside, known = 0.0, 0
    for world in range(60):
        counts = chance.poisson(truth * shares[:, None]).astype(float)
        counts[counts < 15] = np.nan
        raked = rake(counts, truth.sum(1), hidden_below=15, level=0.9, draws=150, seed=world)
        published = np.isfinite(counts)
        inside += ((raked.low <= truth) & (truth <= raked.high))[published].sum()
        known += int(published.sum())
    assert inside / known == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize(
    ("rows", "what"), [([400], "does not fit"), ([400, -1], "does not fit"), ([1, 2], "all of it is zero")]
)
def test_what_cannot_be_raked_is_refused(rows: list[float], what: str) -> None:
    with pytest.raises(InputError, match=what):
        rake([[30, 10], [0, 0]], rows)
