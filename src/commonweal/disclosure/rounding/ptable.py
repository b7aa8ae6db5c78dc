"""Perturbation tables: how likely each noise is for each count, and the look-up by a cell's key.

For a count i, the noise v has the probabilities p that hold back most — those of the greatest entropy — among all that
keep to these conditions::

    Σ p(v) = 1          Σ v · p(v) = 0              the noise is right on average
    Σ v² · p(v) ≤ V     |v| ≤ D                     and not larger than was said
    i + v = 0  or  i + v > js                       no count is negative, and none of 1 … js is published
    p(v) ≤ p(v + 1)     for v < 0, where v = 0 may be drawn (none of the losses is likelier than a smaller one)

From a count of D + js + 1 on (of D, if js = 0) the table is the same for every count. Zero stays zero: where nobody is
there is no key, and noise that is never negative could not be right on average. What protects is that a published zero
may be a false one: small counts become 0 as well, and with js > 0 nothing else below js + 1.

Sources: S. Giessing, *Computational Issues in the Design of Transition Probabilities and Disclosure Risk Estimation for
Additive Noise*, in Privacy in Statistical Databases 2016, LNCS 9867, 237-251; J. K. Marley, V. L. Leaver, *A Method for
Confidentialising User-Defined Tables* (ISI, 2011); T. Enderle, R package *ptable* 1.0.0 (2023), whose published tables
are reproduced.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from commonweal.core.errors import InputError


@dataclass(frozen=True)
class PerturbationTable:
    """The noise of every count.

    Parameters
    ----------
    maximum
        D, the largest noise.
    variance
        V, what the variance is at most.
    never
        js: counts of 1 … js are never published.
    probabilities
        Row i is for a count of i, the last one for all larger counts; column v + D for a noise of v. Shape
        (rows, 2 D + 1).
    """

    maximum: int
    variance: float
    never: int
    probabilities: np.ndarray

    @property
    def variances(self) -> np.ndarray:
        """The variance of each row's noise: at most V, and less where V is more than these conditions can use."""
        noise = np.arange(-self.maximum, self.maximum + 1)
        return self.probabilities @ noise**2


@lru_cache(maxsize=16)
def perturbation_table(maximum: int, variance: float, never: int = 0) -> PerturbationTable:
    """Build a perturbation table.

    Parameters
    ----------
    maximum
        D, the largest noise, at least 1.
    variance
        V, the largest variance.
    never
        js: counts of 1 … js are never published; 0 if all may be.

    Raises
    ------
    InputError
        If no noise keeps to the conditions: V or D is too small for js.

    Examples
    --------
    A count of 1 becomes 0 or stays 1, each with probability 0.3625, or becomes 2 or 3:

    >>> perturbation_table(2, 0.9).probabilities.round(4)
    array([[0.    , 0.    , 1.    , 0.    , 0.    ],
           [0.    , 0.3625, 0.3625, 0.1875, 0.0875],
           [0.0515, 0.2438, 0.4093, 0.2438, 0.0515]])
    """
    if maximum < 1 or never < 0 or not variance > 0:
        raise InputError(
            f"there is no noise of at most {maximum} with variance {variance}", expected="D ≥ 1, V > 0, js ≥ 0"
        )
    rows = maximum + (never + 1 if never else 0)
    probabilities = np.zeros((rows + 1, 2 * maximum + 1))
    probabilities[0, maximum] = 1
    for count in range(1, rows + 1):
        noise = np.array(
            [v for v in range(-maximum, maximum + 1) if count + v == 0 or count + v > never], dtype=np.int64
        )
        probabilities[count, noise + maximum] = _most_entropy(noise, variance, count, never)
    probabilities.setflags(write=False)
    return PerturbationTable(maximum, float(variance), never, probabilities)


def perturb(counts: np.ndarray, keys: np.ndarray, table: PerturbationTable) -> np.ndarray:
    """Add to each count the noise that its cell's key draws.

    Parameters
    ----------
    counts
        Distinct people in each cell, int64, shape (cells,).
    keys
        Their cell keys, uint64, as fractions of 2⁶⁴, shape (cells,).
    table
        What noise there is.

    Returns
    -------
    int64, shape (cells,)
        The noise v with P(noise < v) ≤ key < P(noise ≤ v), added. Equal counts with equal keys give equal values.

    Examples
    --------
    >>> quarter = 1 << 62
    >>> perturb(np.array([0, 1, 1, 40]), np.array([0, quarter, 3 * quarter, quarter], np.uint64),
    ...         perturbation_table(2, 0.9))
    array([ 0,  0,  2, 39])
    """
    counts = np.asarray(counts, np.int64)
    if len(counts) and counts.min() < 0:
        raise InputError("a count is negative", expected="numbers of distinct people")
    # In six places, so that no solver's last digits decide what is drawn.
    upper = np.cumsum(table.probabilities, axis=1).round(6)
    row = np.minimum(counts, len(upper) - 1)
    found = np.empty(len(counts), np.int64)
    fraction = np.asarray(keys, np.uint64) * 2.0**-64
    for count in np.unique(row):
        rows = row == count
        last = np.flatnonzero(table.probabilities[count])[-1]  # what rounding leaves over goes to the largest noise
        drawn = np.searchsorted(upper[count], fraction[rows], side="right")
        found[rows] = np.minimum(drawn, last) - table.maximum
    return counts + found


def interval(value: int, table: PerturbationTable) -> tuple[int, int]:
    """Give the counts that may have become a value.

    Examples
    --------
    >>> interval(40, perturbation_table(2, 0.9)), interval(0, perturbation_table(2, 0.9))
    ((38, 42), (0, 2))
    """
    rows = len(table.probabilities) - 1
    possible = [
        count
        for count in range(max(0, value - table.maximum), value + table.maximum + 1)
        if table.probabilities[min(count, rows), value - count + table.maximum] > 0
    ]
    if not possible:
        raise InputError(f"no count becomes {value}", expected="0, or more than js")
    return possible[0], possible[-1]


def _most_entropy(noise: np.ndarray, variance: float, count: int, never: int) -> np.ndarray:
    """Solve for one row's probabilities."""
    from scipy.optimize import linprog, minimize

    size = len(noise)
    sums = np.vstack([np.ones(size), noise])
    steps = int(np.searchsorted(noise, 0)) if 0 in noise else 0
    smaller = np.eye(size, k=1)[:steps] - np.eye(size)[:steps]
    # A start inside: the probabilities whose least is largest.
    inside = linprog(
        np.append(np.zeros(size), -1.0),
        A_ub=np.vstack(
            [
                np.append(noise**2.0, 0.0),
                np.hstack([-smaller, np.zeros((len(smaller), 1))]),
                np.hstack([-np.eye(size), np.ones((size, 1))]),
            ]
        ),
        b_ub=np.concatenate([[variance], np.zeros(len(smaller) + size)]),
        A_eq=np.hstack([sums, np.zeros((2, 1))]),
        b_eq=[1.0, 0.0],
        bounds=[(0, 1)] * (size + 1),
        method="highs-ds",
    )
    if inside.status != 0:
        raise InputError(
            f"a count of {count} cannot become 0 or more than {never} by noise of at most {noise[-1]} and variance "
            f"{variance}",
            expected="a larger variance, or a larger maximum",
        )
    solved = minimize(
        lambda p: float(p @ np.log(np.maximum(p, 1e-300))),
        np.maximum(inside.x[:size], 1e-12),
        jac=lambda p: np.log(np.maximum(p, 1e-300)) + 1,
        bounds=[(1e-12, 1)] * size,
        constraints=[
            {"type": "eq", "fun": lambda p: sums @ p - [1.0, 0.0], "jac": lambda p: sums},
            {
                "type": "ineq",
                "fun": lambda p: np.append(smaller @ p, variance - noise**2 @ p),
                "jac": lambda p: np.vstack([smaller, -(noise**2.0)]),
            },
        ],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    return np.where(solved.x < 1e-9, 0.0, solved.x)
