"""What a reader of published tables learns about each suppressed cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.core.errors import InputError
from commonweal.disclosure.linear.bounds import bounds
from commonweal.disclosure.linear.files import Published
from commonweal.disclosure.linear.relations import Relations
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of


@dataclass(frozen=True)
class Interval:
    """Between what whole numbers a suppressed cell must lie; ``high`` is None where there is no end."""

    cell: str
    low: int
    high: int | None


def suppressed_bounds(
    published: Published, relations: Relations, threshold: int | None = None, *, complementary: bool = False
) -> list[Interval]:
    """Bound each suppressed cell by what is published and by what a reader knows: counts are whole and not negative.

    Parameters
    ----------
    published
        The tables.
    relations
        How their cells hang together.
    threshold
        What is suppressed is known to be below it.
    complementary
        Whether larger cells may be suppressed too: then the threshold says nothing of a single cell.

    Raises
    ------
    InputError
        The threshold is below 1, or no whole numbers fit what is published.

    Examples
    --------
    >>> from commonweal.disclosure.linear.relations import Kind, relations
    >>> tables = Published(("t:1", "t:2", "t:3"), np.array([20, 17, -1]))
    >>> suppressed_bounds(tables, relations([(0, [1, 2], Kind.SUM)]), 15)
    [Interval(cell='t:3', low=3, high=3)]
    """
    if threshold is not None and threshold < 1:
        raise InputError(f"the threshold is {threshold}", expected="a whole number from 1")
    hidden = published.suppressed
    most = UNBOUNDED if threshold is None or complementary else threshold - 1
    low, high = np.where(hidden, 0, published.values), np.where(hidden, most, published.values)
    try:
        found = bounds(rows_of(relations), low, high)
    except InputError as error:
        if threshold is not None and not complementary:
            error.expected = f"{error.expected}; or --complementary, if cells of {threshold} and more may be suppressed"
        raise
    return [
        Interval(
            published.names[cell], int(found.low[cell]), int(end) if (end := found.high[cell]) < UNBOUNDED else None
        )
        for cell in np.flatnonzero(hidden)
    ]
