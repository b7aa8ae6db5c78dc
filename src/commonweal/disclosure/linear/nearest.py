"""Two tables of the same cells, each possible, that are nearest to one another: what hardly changed in between."""

from __future__ import annotations

import numpy as np

from commonweal.disclosure.linear.possible import best
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows

DEAR = 16.0
"""What it costs that an older number lies one above the newer one, and not below: records come in, and seldom go."""


def nearest(rows: Rows, low: np.ndarray, high: np.ndarray, older: np.ndarray, newer: np.ndarray) -> np.ndarray:
    """Give whole numbers that keep to bounds and rows, with pairs of cells nearest to one another.

    Parameters
    ----------
    rows
        What holds.
    low, high
        Bounds of each cell, int64; ``high`` may be `UNBOUNDED`.
    older, newer
        Pairs of cells.

    Returns
    -------
    numpy.ndarray
        Of all such tables x one with the least Σ max(x(newer) − x(older), `DEAR` · (x(older) − x(newer))), int64.

    Raises
    ------
    Contradiction
        There is no such table.

    Examples
    --------
    100 people in three places, of which one has 30; and 120 later, with 20, 60 and 40:

    >>> from commonweal.disclosure.linear.relations import Kind, relations
    >>> from commonweal.disclosure.linear.rows import rows_of
    >>> rows = rows_of(relations([(0, [1, 2, 3], Kind.SUM)]))
    >>> low, high = np.array([100, 0, 0, 30, 120, 20, 60, 40]), np.array([100, 14, UNBOUNDED, 30, 120, 20, 60, 40])
    >>> nearest(rows, low, high, np.arange(4), np.arange(4, 8))[:4]
    array([100,  14,  56,  30])
    """
    count, many = len(low), len(older)
    # older − newer − above + below = 0
    above, below = count + np.arange(many), count + many + np.arange(many)
    apart = Rows(
        np.concatenate([rows.first, rows.first[-1] + 4 * np.arange(1, many + 1)]),
        np.concatenate([rows.cell, np.column_stack([older, newer, above, below]).ravel()]),
        np.concatenate([rows.sign, np.tile(np.array([1, -1, -1, 1], np.int8), many)]),
        np.concatenate([rows.lower, np.zeros(many, np.int64)]),
        np.concatenate([rows.upper, np.zeros(many, np.int64)]),
        np.concatenate([rows.relation, np.zeros(many, np.int64)]),
    )
    low = np.concatenate([low, np.zeros(2 * many, np.int64)])
    high = np.concatenate([high, np.full(2 * many, UNBOUNDED)])
    worth = np.concatenate([np.zeros(count), np.full(many, -DEAR), np.full(many, -1.0)])
    return best(apart, low, high, worth)[:count]
