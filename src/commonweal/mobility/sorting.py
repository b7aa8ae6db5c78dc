"""Events in their one order, each once.

The order is (subscriber, time, text of the cell's identifier, kind, direction, counterpart, duration, home PLMN,
serving PLMN, device type). Two rows equal in all of these are one event reported twice: the first is kept.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel

NOTHING = {"counterpart": -(2**63), "duration": -1, "tac": -1}
REST = ("kind", "direction", "counterpart", "duration", "home_plmn", "serving_plmn", "tac")


def arrange(events: dict[str, np.ndarray], rank_of_cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the order of events, and those of them that repeat another.

    Parameters
    ----------
    events
        Columns of equal length n: ``subscriber`` (int64), ``time`` (int32, not negative), ``cell`` (int32, a code)
        and those of `REST`, with `NOTHING` for nulls. Of equal rows the first is kept.
    rank_of_cell
        Each cell code's place among the identifiers in order of their text.

    Returns
    -------
    order, repeated
        Row numbers of the distinct events in order; row numbers of the others.

    Examples
    --------
    >>> columns = {name: np.array([0, 0, 0], np.int32) for name in REST}
    >>> columns |= {"subscriber": np.array([7, 3, 7]), "time": np.array([5, 9, 5], np.int32)}
    >>> columns |= {"cell": np.array([1, 0, 1], np.int32)}
    >>> arrange(columns, np.array([0, 1], np.int32))
    (array([1, 0]), array([2]))
    """
    bits = max(1, len(rank_of_cell).bit_length())
    moment = (events["time"].astype(np.int64) << bits) | rank_of_cell[events["cell"]]
    order = np.argsort(events["subscriber"], kind="stable")
    rest = tuple(events[name].astype(np.int64) for name in REST)
    repeated = _arrange(order, events["subscriber"], moment, rest)
    return order[~repeated], order[repeated]


@kernel()
def _arrange(order, subscriber, moment, rest):  # type: ignore[no-untyped-def]
    """Sort each subscriber's rows by moment, then by the rest; say which rows repeat the one before."""
    repeated = np.zeros(len(order), np.bool_)
    start = 0
    while start < len(order):
        end = start + 1
        ordered = True
        while end < len(order) and subscriber[order[end]] == subscriber[order[start]]:
            if moment[order[end]] <= moment[order[end - 1]]:
                ordered = False
            end += 1
        if not ordered:
            own = order[start:end].copy()
            by_moment = np.argsort(moment[own], kind="mergesort")
            for i in range(len(own)):
                order[start + i] = own[by_moment[i]]
            tie = start
            for i in range(start + 1, end + 1):
                if i == end or moment[order[i]] != moment[order[tie]]:
                    _settle_tie(order, tie, i, rest)
                    for j in range(tie + 1, i):
                        repeated[j] = _compare(order[j], order[j - 1], rest) == 0
                    tie = i
        start = end
    return repeated


@kernel()
def _settle_tie(order, start, end, rest):  # type: ignore[no-untyped-def]
    """Sort rows of one moment by the rest, keeping the order of equal ones: by merging ever longer runs."""
    other = order[start:end].copy()
    length = 1
    while length < end - start:
        for left in range(start, end, 2 * length):
            middle, right = min(left + length, end), min(left + 2 * length, end)
            i, j = left, middle
            for k in range(left, right):
                if j == right or (i < middle and _compare(order[i], order[j], rest) <= 0):
                    other[k - start] = order[i]
                    i += 1
                else:
                    other[k - start] = order[j]
                    j += 1
        order[start:end] = other
        length *= 2


@kernel()
def _compare(a, b, rest):  # type: ignore[no-untyped-def]
    for column in rest:
        if column[a] != column[b]:
            return -1 if column[a] < column[b] else 1
    return 0


def columns_of(table: pa.Table) -> dict[str, np.ndarray]:
    """Give a table's columns as arrays, `NOTHING` for nulls."""
    arrays = {}
    for name in table.column_names:
        column = table.column(name)
        if column.null_count:
            column = column.fill_null(NOTHING[name])
        arrays[name] = column.to_numpy()
    return arrays
