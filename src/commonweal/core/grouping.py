"""Groups: which rows of some columns of whole numbers are equal, by one pass where few combinations are possible."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from commonweal.core.kernels import kernel

FEW = 1 << 16
"""Possible combinations that are looked up in a table, however few rows there are; of more rows more."""
WIDE = 1 << 16
"""Range of values from which on it is worth while to look for the step in which they lie apart."""


def groups(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct combinations of some columns, in their order.

    Parameters
    ----------
    columns
        Whole numbers, shape (n,); the first one counts most.

    Returns
    -------
    row, number
        For each combination a row that has it; and which combination each row has, int64, shape (n,).

    Examples
    --------
    >>> groups([np.array([5, 2, 5, 2]), np.array([1, 9, 1, 0])])
    (array([3, 1, 0]), array([2, 1, 2, 0]))
    """
    columns = [np.asarray(values, np.int64) for values in columns]
    if not len(columns[0]):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    ranges = [_range(values) for values in columns]
    possible = prod((most - least) // step + 1 for least, most, step in ranges)
    if possible >= 2**63:
        order = np.lexsort(columns[::-1])
        new = np.any([np.diff(values[order]) != 0 for values in columns], axis=0)
    else:
        packed = np.zeros(len(columns[0]), np.int64)
        for values, (least, most, step) in zip(columns, ranges, strict=True):
            _pack(packed, values, least, (most - least) // step + 1, step)
        if possible <= 2 * len(packed) + FEW:
            row, number = _looked_up(packed, possible)
            return row, number
        order = np.argsort(packed, kind="stable")
        new = np.diff(packed[order]) != 0
    number = np.empty(len(order), np.int64)
    number[order] = np.concatenate([[0], np.cumsum(new)])
    return order[np.concatenate([[True], new])], number


@kernel()
def totals(number: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Add values up by group, int64, shape (count,).

    >>> totals(np.array([1, 0, 1]), np.array([5, 6, 7]), 2)
    array([ 6, 12])
    """
    found = np.zeros(count, np.int64)
    for i in range(len(number)):
        found[number[i]] += values[i]
    return found


@kernel()
def _range(values: np.ndarray) -> tuple[int, int, int]:
    """The least and the largest value, and the largest step in which all lie apart."""
    least = most = values[0]
    for value in values:
        least, most = min(least, value), max(most, value)
    if most - least < WIDE:
        return least, most, 1
    step = 0
    for value in values:
        one, other = value - least, step
        if other == 1:
            break
        if other and one % other == 0:
            continue
        while other:
            one, other = other, one % other
        step = one
    return least, most, max(step, 1)


@kernel()
def _pack(packed: np.ndarray, values: np.ndarray, least: int, size: int, step: int) -> None:
    """Put one more column into a number."""
    for i in range(len(packed)):
        value = values[i] - least
        packed[i] = packed[i] * size + (value if step == 1 else value // step)


@kernel()
def _looked_up(packed: np.ndarray, possible: int) -> tuple:  # type: ignore[type-arg]
    of = np.full(possible, -1, np.int64)
    for i in range(len(packed)):
        if of[packed[i]] < 0:
            of[packed[i]] = i
    row = np.empty(min(possible, len(packed)), np.int64)
    size = 0
    for key in range(possible):
        if of[key] >= 0:
            row[size], of[key] = of[key], size
            size += 1
    number = np.empty(len(packed), np.int64)
    for i in range(len(packed)):
        number[i] = of[packed[i]]
    return row[:size].copy(), number
