"""Groups of rows: as NumPy finds them, whichever way is taken."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.grouping import groups, totals

FEW = st.integers(-3, 3)
STARTS = st.integers(0, 50).map(lambda hour: 1_775_000_000 + hour * 3600)
MANY = st.integers(-(2**62), 2**62 - 1)  # several columns of these do not fit into 64 bits


@given(rows=st.sampled_from([(FEW, FEW), (FEW, STARTS), (MANY, FEW), (MANY, MANY, MANY)]).flatmap(
    lambda columns: st.lists(st.tuples(*columns), min_size=1, max_size=40)
))  # fmt: skip
@settings(deadline=None)  # kernels may have to be compiled
def test_groups_are_the_distinct_rows_in_order(rows: list[tuple[int, ...]]) -> None:
    table = np.array(rows, np.int64)
    expected, number, many = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    row, found = groups(list(table.T))
    assert (table[row] == expected).all()
    assert (found == number.reshape(-1)).all()
    assert (totals(found, np.ones(len(rows), np.int64), len(row)) == many).all()


def test_without_rows_there_are_no_groups() -> None:
    row, number = groups([np.zeros(0, np.int64), np.zeros(0, np.int32)])
    assert len(row) == len(number) == 0
