"""Sums made consistent after noise: parents equal their children's sum, none below zero, all whole numbers.

Pure post-processing: it looks at noisy numbers and at how wide their noise was, never at counts, so it spends nothing.

First the numbers x, with variances V, become the nearest ones that add up, which is the best linear estimate there is.
With A y = 0 saying that each whole less its parts is nothing::

    y = argmin Σ (y − x)² / V   with A y = 0    =    x − V Aᵀ (A V Aᵀ)⁻¹ A x

Then, from the top down, whole numbers: each whole is kept, and its parts become the nearest numbers that are not
negative and add up to it, rounded by largest remainders::

    z = argmin Σ (z − y)² / V   with z ≥ 0, Σ z = whole    =    max(0, y + μ V),   μ so that they add up

Sources: M. Hay, V. Rastogi, G. Miklau, D. Suciu, *Boosting the Accuracy of Differentially Private Histograms Through
Consistency* (2010), Theorem 3; for going down, J. Abowd et al., *The 2020 Census Disclosure Avoidance System TopDown
Algorithm* (2022).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.disclosure.private.wholes import Wholes


def least_squares(noisy: NDArray[np.float64], variances: NDArray[np.float64], wholes: Wholes) -> NDArray[np.float64]:
    """Give the nearest numbers that add up; a number may stand in any wholes.

    Examples
    --------
    A whole of 10 with parts that make 13: each of the three moves by one.

    >>> least_squares(np.array([10.0, 8.0, 5.0]), np.ones(3), Wholes.of([(0, [1, 2])])).round(6)
    array([11.,  7.,  4.])
    """
    return projection(variances, wholes)(noisy)


def projection(variances: NDArray[np.float64], wholes: Wholes) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Give what `least_squares` does to any numbers: what it takes of the relations is worked out once."""
    from scipy import sparse
    from scipy.sparse.linalg import lsmr, splu

    if not len(wholes):
        return lambda noisy: noisy.astype(float)
    rows = np.concatenate([np.arange(len(wholes)), wholes.owner])
    columns = np.concatenate([wholes.wholes, wholes.parts])
    signs = np.concatenate([np.ones(len(wholes)), -np.ones(len(wholes.parts))])
    a = sparse.csr_array((signs, (rows, columns)), shape=(len(wholes), len(variances)))
    if len(np.unique(wholes.parts)) == len(wholes.parts) and len(np.unique(wholes.wholes)) == len(wholes):
        # A hierarchy: each relation has parts of its own, so A has full rank.
        system = splu((a @ sparse.diags_array(variances) @ a.T).tocsc())
        return lambda noisy: np.asarray(noisy - variances * (a.T @ system.solve(a @ noisy)))
    # Relations that follow from others make A Vᵀ A singular; least squares do not mind.
    roots = np.sqrt(variances)
    b = (a @ sparse.diags_array(roots)).T

    def project(noisy: NDArray[np.float64]) -> NDArray[np.float64]:
        found = lsmr(b, noisy / roots, atol=1e-12, btol=1e-12, conlim=0, maxiter=10 * len(wholes))[0]
        return np.asarray(noisy - roots * (b @ found))

    return project


def whole_numbers(values: NDArray[np.float64], variances: NDArray[np.float64], wholes: Wholes) -> NDArray[np.int64]:
    """Give numbers near `values` that are whole, not negative, and add up exactly.

    Raises
    ------
    InputError
        A number is part of two wholes: then whole numbers that add up need not exist near the values.

    Examples
    --------
    >>> whole_numbers(np.array([10.0, 12.0, -2.0]), np.ones(3), Wholes.of([(0, [1, 2])]))
    array([10, 10,  0])
    """
    refuse_no_hierarchy(wholes)
    levels = wholes.levels()
    found = np.maximum(np.rint(values), 0).astype(np.int64)
    for level in levels:
        totals = found[level.wholes]
        ideal = _adding_up_to(totals, values[level.parts], variances[level.parts], level)
        found[level.parts] = _by_largest_remainder(totals, ideal, level)
    return found


def refuse_no_hierarchy(wholes: Wholes) -> None:
    """See that the numbers are a hierarchy: at most one whole for each part, one set of parts for each whole.

    Raises
    ------
    InputError
        They are none.
    """
    wholes.levels()
    if len(np.unique(wholes.wholes)) != len(wholes):
        raise InputError("a whole is divided twice", expected="one set of parts for each whole")


def _adding_up_to(
    totals: NDArray[np.int64], values: NDArray[np.float64], variances: NDArray[np.float64], level: Wholes
) -> NDArray[np.float64]:
    """max(0, y + μ V) with Σ = total.

    Σ max(0, y + μ V) is the greatest of Σ over any subset, so the μ that is sought is the least of the subsets' own,
    and only the subsets of those that stay above zero longest need be looked at.
    """
    order = np.lexsort((-values / variances, level.owner))
    y, v = level.running(values[order]), level.running(variances[order])
    each = (totals[level.owner] - y) / v
    mu = np.minimum.reduceat(each, level.first[:-1])[level.owner]
    return np.maximum(values + mu * variances, 0)


def _by_largest_remainder(totals: NDArray[np.int64], ideal: NDArray[np.float64], level: Wholes) -> NDArray[np.int64]:
    down = np.floor(ideal + 1e-9).astype(np.int64)
    left = totals - np.add.reduceat(down, level.first[:-1])
    order = np.lexsort((down - ideal, level.owner))
    rank = np.empty(len(ideal), np.int64)
    rank[order] = np.arange(len(ideal)) - level.first[:-1][level.owner]
    sizes = np.diff(level.first)
    # Rounding errors of the sum may leave one too many or too few: what is left goes round, largest remainder first.
    each, more = np.divmod(left, sizes)
    found = down + each[level.owner] + (rank < more[level.owner])
    return _without_negative(found, level)


def _without_negative(found: NDArray[np.int64], level: Wholes) -> NDArray[np.int64]:
    for number in np.unique(level.owner[found < 0]):
        own = slice(level.first[number], level.first[number + 1])
        part = found[own]
        lacking = -int(part[part < 0].sum())
        part[part < 0] = 0
        while lacking:
            part[np.argmax(part)] -= 1
            lacking -= 1
    return found
