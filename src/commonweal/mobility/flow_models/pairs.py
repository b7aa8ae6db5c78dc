"""Which pairs of areas take part in a model, and which of them were observed."""

from __future__ import annotations

import numpy as np

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.places import Mask, Matrix, Numbers, square


def modelled_pairs(n: int, diagonal: bool = False) -> Mask:
    """Give the pairs that a model speaks of: all ordered pairs of different areas, and if asked those that stay.

    Examples
    --------
    >>> modelled_pairs(2)
    array([[False,  True],
           [ True, False]])
    """
    return np.ones((n, n), dtype=bool) if diagonal else ~np.eye(n, dtype=bool)


def observed_flows(flows: Matrix, n: int, diagonal: bool = False) -> tuple[Numbers, Mask]:
    """Give flows as numbers, and of which pairs they are known and modelled.

    A suppressed or missing flow, None or NaN, is not known: it is never taken for zero, and takes no part in a
    likelihood or a score.

    Parameters
    ----------
    flows
        (n, n) people going from area i to area j; None or NaN where that is not known.
    n
        How many areas there are.
    diagonal
        Whether the flows from an area to itself are modelled.

    Returns
    -------
    flows : (n, n), NaN where not known
    known : (n, n), whether the pair is modelled and its flow is known

    Raises
    ------
    InputError
        It is no such matrix, or a flow is negative or endless.

    Examples
    --------
    >>> flows, known = observed_flows([[9, None], [3, 9]], 2)
    >>> known
    array([[False, False],
           [ True, False]])
    """
    matrix = square(flows, "flows", n)
    wrong = np.argwhere((matrix < 0) | np.isinf(matrix))
    if len(wrong):
        i, j = wrong[0]
        raise InputError(
            f"{matrix[i, j]} is no flow",
            where=f"flows, area {i} to area {j}",
            expected="a number from 0, or nothing where it is not known",
        )
    return matrix, modelled_pairs(n, diagonal) & ~np.isnan(matrix)
