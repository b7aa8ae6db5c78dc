"""Unbiased controlled rounding of a two-way table, exactly: each value's mean over keys is the value.

Margins are put beside the table with the opposite sign, so that every line sums to zero. Remainders that are neither 0
nor b then form cycles that turn at every cell from a row into a column. Along a cycle remainders are moved up and down
in turn, by the most that no remainder leaves 0 … b with, in one direction or in the other; with d₊ and d₋ the two
moves, the first is drawn with probability d₋ / (d₊ + d₋), so the mean does not move. Each step ends at least one
remainder.

Source: L. H. Cox, *A constructive procedure for unbiased controlled rounding*, JASA 82 (1987), 520-524.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from commonweal.core.errors import InputError
from commonweal.disclosure.rounding.additive import Relation


def two_way_relations(rows: int, columns: int) -> list[Relation]:
    """Give the relations of a two-way table with margins, whose cell (i, j) is numbered i · (columns + 1) + j.

    The last row holds the columns' totals, the last column those of rows.

    >>> two_way_relations(1, 2)
    [(2, (0, 1), 'sum'), (5, (3, 4), 'sum'), (3, (0,), 'sum'), (4, (1,), 'sum'), (5, (2,), 'sum')]
    """
    number = np.arange((rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    along = [(int(line[-1]), tuple(line[:-1].tolist()), "sum") for line in number]
    down = [(int(line[-1]), tuple(line[:-1].tolist()), "sum") for line in number.T]
    return [*along, *down]


def with_margins(table: np.ndarray) -> np.ndarray:
    """Append the totals of rows and columns."""
    across = np.hstack([table, table.sum(axis=1, keepdims=True)])
    return np.vstack([across, across.sum(axis=0, keepdims=True)])


def unbiased_two_way(table: np.ndarray, base: int, key: bytes) -> np.ndarray:
    """Round a two-way table and its margins, drawing with a key.

    Parameters
    ----------
    table
        Counts, int64, shape (rows, columns).
    base
        b, at least 2.
    key
        What draws: the same key and table give the same rounding. Make it of the secret of noise and the table's name.

    Returns
    -------
    int64, shape (rows + 1, columns + 1)
        With margins. Every value is a neighbouring multiple of the base of what it was, and lines add up.

    Examples
    --------
    >>> unbiased_two_way(np.array([[3, 4], [1, 7]]), 5, b"key")
    array([[ 5,  5, 10],
           [ 0,  5,  5],
           [ 5, 10, 15]])
    """
    if base < 2 or table.min() < 0:
        raise InputError(
            f"counts cannot be rounded to multiples of {base}", expected="counts ≥ 0, a base of at least 2"
        )
    whole = with_margins(np.asarray(table, np.int64))
    sign = np.ones_like(whole)
    sign[-1, :-1] = sign[:-1, -1] = -1
    rest = (sign * whole) % base
    left = rest.copy()
    in_row = [set(np.flatnonzero(line).tolist()) for line in left]
    in_column = [set(np.flatnonzero(line).tolist()) for line in left.T]
    step = 0
    for row in range(len(left)):
        while in_row[row]:
            up, down = _cycle(row, in_row, in_column)
            most = min(min(base - left[at] for at in up), min(left[at] for at in down))
            least = min(min(left[at] for at in up), min(base - left[at] for at in down))
            drawn = int.from_bytes(hmac.digest(key, step.to_bytes(8, "big"), sha256)[:8], "big") / 2**64
            change = most if drawn * (most + least) < least else -least
            for at in up:
                left[at] += change
            for at in down:
                left[at] -= change
            for i, j in (*up, *down):
                if left[i, j] in (0, base):
                    in_row[i].remove(j)
                    in_column[j].remove(i)
            step += 1
    return sign * (sign * whole - rest + left)


def _cycle(
    row: int, in_row: Sequence[set[int]], in_column: Sequence[set[int]]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Walk along a row, then along a column, and so on, until a row comes again; give the cells of both turns."""
    column = min(in_row[row])
    path: list[tuple[int, int]] = []
    seen: dict[int, int] = {}
    while row not in seen:
        seen[row] = len(path)
        entered = column if path else -1
        column = min(j for j in in_row[row] if j != entered)
        path.append((row, column))
        below = min(i for i in in_column[column] if i != row)
        path.append((below, column))
        row = below
    cycle = path[seen[row] :]
    return cycle[0::2], cycle[1::2]
