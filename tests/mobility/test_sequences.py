"""Kernels that put events together and pick them out, against NumPy's own sorting."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.mobility.sequences import SHORT, distinct, in_runs, merged

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
