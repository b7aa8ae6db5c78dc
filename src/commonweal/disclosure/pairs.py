"""Pairs of a person and something of theirs, such as a point or a cell: sorted, and each once."""

from __future__ import annotations

import numpy as np


def pairs_in_order(person: np.ndarray, thing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort pairs by (person, thing) and keep each once.

    Parameters
    ----------
    person, thing
        Integers, shape (n,).

    Examples
    --------
    >>> pairs_in_order(np.array([2, 1, 2, 2]), np.array([7, 9, 5, 7]))
    (array([1, 2, 2]), array([9, 5, 7]))
    """
    order = np.lexsort((thing, person))
    person, thing = np.asarray(person, np.int64)[order], np.asarray(thing, np.int64)[order]
    new = np.ones(len(person), bool)
    new[1:] = (person[1:] != person[:-1]) | (thing[1:] != thing[:-1])
    return person[new], thing[new]
