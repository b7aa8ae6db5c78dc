"""Kernels that put events together and pick them out, against NumPy's own sorting."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.mobility.sequences import SHORT, Events, distinct, in_runs, merged, place

PEOPLE = st.lists(st.integers(-5, 5), max_size=12).map(sorted)


@given(parts=st.lists(PEOPLE, min_size=1, max_size=5))
@settings(deadline=None)
def test_parts_are_merged_as_a_stable_sort_does(parts: list[list[int]]) -> None:
    subscriber = np.array([one for part in parts for one in part], np.int64)
    begins = np.cumsum([0, *map(len, parts)])
    order = in_runs(np.arange(len(subscriber)), merged(subscriber, begins))
    assert order.tolist() == np.argsort(subscriber, kind="stable").tolist()


@given(
    sizes=st.lists(st.sampled_from([1, 3, SHORT, SHORT + 1, 3 * SHORT]), max_size=4),
    seed=st.integers(0, 2**32 - 1),
    keys=st.sampled_from([2, 9, 10**12]),
)
@settings(deadline=None)
def test_each_key_of_each_person_is_found_once_and_counted(sizes: list[int], seed: int, keys: int) -> None:
    whose = np.repeat(np.arange(len(sizes)), sizes)
    key = np.random.default_rng(seed).integers(-keys, keys, len(whose))
    pairs = np.stack([whose, key], axis=1)
    expected, many = np.unique(pairs, axis=0, return_counts=True)
    row, rows = distinct(whose, key)
    assert (pairs[row] == expected).all()
    assert rows.tolist() == many.tolist()


HOURS = np.arange(3 * 24 + 1, dtype=np.int32) * 3600


def located(rows: list[tuple[int, int, int]], first: int, last: int) -> Events:
    """Events of the days from first to last, in which they are counted."""
    inside = [row for row in rows if first * 86_400 <= row[1] < last * 86_400]
    subscriber, time, cell = np.array(inside, np.int64).reshape(-1, 3).T
    hours = HOURS[first * 24 : last * 24 + 1]
    day_of = (np.arange(len(hours) - 1) // 24).astype(np.int32)
    spans = (np.array([0, 1, 2]), np.full(2, -(2**31), np.int32), np.array([4, 7], np.int32))
    found = place(subscriber, time.astype(np.int32), cell.astype(np.int32), *spans, hours, day_of)
    hour, day, area, own_hour, own_day, span = found
    return Events(subscriber, time.astype(np.int32), hour, day, area, own_hour, own_day, span, {"more": time * 2})


@given(
    rows=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3 * 86_400 - 1), st.integers(0, 1)), max_size=30),
    edges=st.sampled_from([(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)]),
)
@settings(deadline=None)
def test_a_part_of_a_window_is_as_if_it_were_read_by_itself(
    rows: list[tuple[int, int, int]], edges: tuple[int, int]
) -> None:
    first, last = edges
    rows = sorted([*rows, *((2, day * 86_400, 0) for day in range(3))])  # an event on each edge
    part = located(rows, 0, 3).within((first * 86_400, last * 86_400), (HOURS, HOURS[::24]))
    alone = located(rows, first, last)
    for name in ("subscriber", "time", "hour", "day", "area", "subscriber_hour", "subscriber_day", "span"):
        assert getattr(part, name).tolist() == getattr(alone, name).tolist(), name
    assert part.columns["more"].tolist() == alone.columns["more"].tolist()
