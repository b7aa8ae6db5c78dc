"""Controlled rounding: every value to a neighbouring multiple, margins exactly, and a published example."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.errors import InputError
from commonweal.disclosure.rounding.additive import Relation
from commonweal.disclosure.rounding.controlled import controlled_rounding, interval
from commonweal.disclosure.rounding.two_way import two_way_relations, unbiased_two_way, with_margins

# Four counties by four levels of education; its margins are multiples of 5 already.
COUNTIES = np.array([[15, 1, 3, 1], [20, 10, 10, 15], [3, 10, 10, 2], [12, 14, 7, 2]])
# Statistics Canada, Real Time Remote Access, "Controlled rounding": sex by marital status, to base 100.
PERSONS = np.array([[362, 121, 121], [362, 0, 241]])
PERSONS_ROUNDED = [[400, 100, 100, 600], [300, 0, 300, 600], [700, 100, 400, 1200]]

TABLES = st.integers(1, 5).flatmap(
    lambda rows: st.integers(1, 5).flatmap(
        lambda columns: st.lists(
            st.lists(st.integers(0, 40), min_size=columns, max_size=columns), min_size=rows, max_size=rows
        )
    )
)


def rounded(table: np.ndarray, base: int) -> np.ndarray:
    margins = with_margins(table)
    found = controlled_rounding(margins.ravel(), two_way_relations(*table.shape), base)
    assert found.zero_restricted
    return found.values.reshape(margins.shape)


def test_a_published_example_is_reproduced() -> None:
    assert rounded(PERSONS, 100).tolist() == PERSONS_ROUNDED


def test_the_nearest_table_is_found_where_it_can_be_told_by_hand() -> None:
    """Margins stay. 1 and 3 of a row must be 0 and 5, or 5 and 0; 14 goes up and 12 down, 7 down: 16 away in all."""
    found = rounded(COUNTIES, 5)
    assert found[:, -1].tolist() == [20, 55, 25, 35, 135]
    assert found[-1].tolist() == [50, 35, 30, 20, 135]
    assert found[:-1, :-1].tolist() == [[15, 0, 5, 0], [20, 10, 10, 15], [5, 10, 10, 0], [10, 15, 5, 5]]
    assert np.abs(found - with_margins(COUNTIES)).sum() == 16


@settings(max_examples=40, deadline=None)
@given(TABLES, st.integers(2, 10), st.binary(min_size=1, max_size=4))
def test_a_two_way_table_is_rounded_to_neighbours_and_adds_up(table: list[list[int]], base: int, key: bytes) -> None:
    raw = np.array(table)
    margins = with_margins(raw)
    for found in (rounded(raw, base), unbiased_two_way(raw, base, key)):
        assert np.all(found % base == 0)
        assert np.all(np.abs(found - margins) < base)
        assert np.array_equal(found[margins % base == 0], margins[margins % base == 0])
        assert np.array_equal(with_margins(found[:-1, :-1]), found)
    assert np.array_equal(unbiased_two_way(raw, base, key), unbiased_two_way(raw, base, key))


def test_rounding_with_a_key_is_right_on_average() -> None:
    draws = 4000
    mean = sum(unbiased_two_way(COUNTIES, 5, b"%d" % key) for key in range(draws)) / draws
    rest = with_margins(COUNTIES) % 5
    error = np.sqrt(rest * (5 - rest) / draws)
    assert np.all(np.abs(mean - with_margins(COUNTIES)) <= 4 * error + 1e-9)


def hierarchies() -> st.SearchStrategy[tuple[np.ndarray, list[Relation]]]:
    """Three levels: two districts of sums, in a country whose days are unions of hours."""

    def build(counts: list[int], shared: list[int]) -> tuple[np.ndarray, list[Relation]]:
        parts = np.array(counts).reshape(3, 4)  # three hours, four areas
        # Each person of a union is in one or more of its parts.
        whole = np.minimum(parts.max(axis=0) + np.array(shared), parts.sum(axis=0))
        cells = np.concatenate([parts.ravel(), whole, parts.sum(axis=1)])
        relations: list[Relation] = [(12 + area, tuple(range(area, 12, 4)), "union") for area in range(4)]
        relations += [(16 + hour, tuple(range(4 * hour, 4 * hour + 4)), "sum") for hour in range(3)]
        return cells, relations

    return st.builds(
        build,
        st.lists(st.integers(0, 30), min_size=12, max_size=12),
        st.lists(st.integers(0, 30), min_size=4, max_size=4),
    )


@settings(max_examples=30, deadline=None)
@given(hierarchies(), st.integers(2, 9), st.booleans())
def test_sums_and_unions_hold_after_rounding(
    table: tuple[np.ndarray, list[Relation]], base: int, random_start: bool
) -> None:
    cells, relations = table
    start = (np.arange(len(cells), dtype=np.uint64) + 1) * np.uint64(0x9E3779B97F4A7C15) if random_start else None
    found = controlled_rounding(cells, relations, base, start)
    hours, days, totals = np.split(found.values, [12, 16])
    hours = hours.reshape(3, 4)
    assert np.all(hours.max(axis=0) <= days)
    assert np.all(days <= hours.sum(axis=0))
    assert np.array_equal(totals, hours.sum(axis=1))
    assert np.all(found.values % base == 0)
    assert np.all(np.abs(found.values - cells) < (base if found.zero_restricted else 2 * base))
    assert np.array_equal(found.values, controlled_rounding(cells, relations, base, start).values)


def test_a_cell_alone_goes_up_as_often_as_its_remainder_says() -> None:
    start = (np.arange(10_000) * (2.0**64 / 10_000)).astype(np.uint64)
    found = controlled_rounding(np.full(10_000, 17), [], 5, start)
    assert found.values.mean() == pytest.approx(17, abs=0.01)
    assert set(found.values.tolist()) == {15, 20}


def test_where_no_neighbours_add_up_a_value_goes_one_multiple_further() -> None:
    """Three equal parts of 2 become 0 or 5 together, so their sum of 6 becomes 0 or 15: neither is its neighbour."""
    tied: list[Relation] = [(0, (1, 2, 3), "sum"), (1, (2,), "sum"), (2, (3,), "sum")]
    found = controlled_rounding(np.array([6, 2, 2, 2]), tied, 5)
    assert not found.zero_restricted
    assert found.values.tolist() == [0, 0, 0, 0]
    low, high = interval(0, 5, zero_restricted=False)
    assert low <= 6 <= high


def test_a_multiple_is_not_moved_as_long_as_there_is_another_way_and_else_it_is_said() -> None:
    """10 is three equal parts of 3 and one of 1; those become 0 or 15 and 0 or 5, which is never 10."""
    tied: list[Relation] = [(0, (1, 2, 3, 4), "sum"), (1, (2,), "sum"), (2, (3,), "sum")]
    assert not controlled_rounding(np.array([10, 3, 3, 3, 1]), tied, 5).zero_restricted
    free = controlled_rounding(np.array([10, 3, 3, 3, 1]), tied[:1], 5)
    assert free.zero_restricted
    assert free.values[0] == 10


def test_the_interval_is_all_that_a_reader_can_tell_and_no_less() -> None:
    for zero_restricted in (True, False):
        for count in range(60):
            for multiple in range(0, 80, 5):
                near = abs(multiple - count) < (5 if zero_restricted else 10)
                low, high = interval(multiple, 5, zero_restricted=zero_restricted)
                assert near == (low <= count <= high)


@pytest.mark.parametrize(("values", "base"), [([1, 2, 4], 5), ([3, 1, 2], 1), ([1, -1, 2], 5)])
def test_what_cannot_be_rounded_is_refused(values: list[int], base: int) -> None:
    with pytest.raises(InputError):
        controlled_rounding(np.array(values), [(0, (1, 2), "sum")], base)


def test_a_day_of_flows_between_63_areas_is_rounded_in_a_second() -> None:
    table = np.random.default_rng(1).poisson(8, (63, 63))
    begun = time.perf_counter()
    rounded(table, 5)
    unbiased_two_way(table, 5, b"key")
    assert time.perf_counter() - begun < 5  # measured: 0.15 s
