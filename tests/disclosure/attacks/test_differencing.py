"""Differencing: every small difference that a reader can form is found, and no other."""

from itertools import combinations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.disclosure.attacks.differencing import aligned, differencing

K = 15
NAN = float("nan")


def test_two_releases_of_one_cell_tell_who_came() -> None:
    found = differencing(np.array([40.0, 60, NAN]), [], threshold=K, earlier=[np.array([41.0, 60, 50])])
    assert (found.same_cell, found.small, found.releases, found.cells) == (1, 1, 2, (0,))
    assert found.dangerous
    assert "1 group of fewer than 15 people comes to light" in found.said


def test_a_day_and_an_hour_tell_who_was_there_on_the_day_only() -> None:
    day = [(0, (1, 2), "union")]
    assert differencing(np.array([40.0, 39, 39]), day, threshold=K).whole_part == 2
    safe = differencing(np.array([40.0, 20, NAN]), day, threshold=K)
    assert not safe.dangerous
    assert "no earlier releases" in safe.said


def test_a_sum_tells_what_its_hidden_parts_add_up_to() -> None:
    district = [(0, (1, 2, 3), "sum")]
    assert differencing(np.array([100.0, 50, 43, NAN]), district, threshold=K).rest == 1
    assert differencing(np.array([100.0, 50, 20, NAN]), district, threshold=K).rest == 0
    assert differencing(np.array([93.0, 50, 43, 0]), district, threshold=K).rest == 0  # nothing is hidden


def test_a_whole_of_one_release_and_a_part_of_another_are_subtracted_too() -> None:
    day = [(0, (1,), "within")]
    new, old = np.array([50.0, NAN]), np.array([NAN, 45.0])
    assert differencing(new, day, threshold=K, earlier=[old]).whole_part == 1
    assert differencing(old, day, threshold=K, earlier=[new]).whole_part == 1
    both_old = differencing(np.array([NAN, NAN]), day, threshold=K, earlier=[new, old])
    assert both_old.whole_part == 0  # what earlier releases tell among themselves was judged when they left


def test_a_sum_of_two_tells_its_hidden_part_once() -> None:
    assert differencing(np.array([100.0, 93, NAN]), [(0, (1, 2), "sum")], threshold=K).small == 1
    assert differencing(np.array([100.0, 93, 7]), [(0, (1, 2), "sum")], threshold=K).small == 0


def test_a_difference_that_earlier_releases_repeat_counts_once() -> None:
    day, hours = np.array([40.0, 33, 20]), [(0, (1, 2), "union")]
    alone = differencing(day, hours, threshold=K)
    repeated = differencing(day, hours, threshold=K, earlier=[day, day])
    assert repeated.small == alone.small == 2
    assert repeated.formed > alone.formed


def test_a_whole_and_its_parts_as_they_were_before_more_came_tell_nothing_of_an_overlap() -> None:
    day = [(0, (1, 2), "union")]
    old, new = np.array([60.0, 40, 40]), np.array([75.0, NAN, NAN])
    assert differencing(new, day, threshold=K, earlier=[old]).overlap == 0  # 80 − 75 counts nobody
    same = differencing(np.array([60.0, NAN, NAN]), day, threshold=30, earlier=[np.array([NAN, 40, 40])])
    assert same.overlap == 1


def test_a_cover_says_nothing_of_the_difference_from_one_part() -> None:
    assert differencing(np.array([40.0, 39, 60]), [(0, (1, 2), "cover")], threshold=K).whole_part == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=4, max_size=4), st.integers(2, 20))
def test_whole_and_part_are_those_of_a_search_through_all_pairs(values: list[int | None], k: int) -> None:
    nested = [(wide, (narrow,), "within") for narrow, wide in combinations(range(4), 2)]
    given_values = np.array([NAN if value is None else value for value in values])
    expected = sum(
        1
        for narrow, wide in combinations(values, 2)
        if narrow is not None and wide is not None and 1 <= wide - narrow < k
    )
    assert differencing(given_values, nested, threshold=k).whole_part == expected


def test_rounded_values_and_cells_that_one_release_lacks_have_no_exact_difference() -> None:
    states = ["reported", "rounded", "suppressed"]
    new = pa.table({"a": ["x", "y", "z"], "n": [40, 35, None], "n_state": states})
    old = pa.table({"a": ["z", "y", "w"], "n": [20, 34, 18], "n_state": ["reported"] * 3})
    cells, values = aligned([new, old], ["a"], "n")
    assert cells["a"].to_pylist() == ["w", "x", "y", "z"]
    assert np.array_equal(values[0], [NAN, 40, NAN, NAN], equal_nan=True)
    assert np.array_equal(values[1], [18, NAN, 34, 20], equal_nan=True)
    assert not differencing(values[0], [], threshold=K, earlier=values[1:]).dangerous
