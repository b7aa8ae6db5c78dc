"""A table brought to given margins, by iterative proportional fitting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.places import Matrix, Numbers

MARGINS_AGREE = 1e-9
"""The part of the total by which the sums of the two margins may differ: rounding, not disagreement."""
MOST_ROUNDS = 10_000


@dataclass(frozen=True, eq=False)
class Balanced:
    """A table with the margins that were asked for.

    Parameters
    ----------
    table
        The table.
    row_factors, column_factors
        (rows,) and (columns,): the table is row factor times seed times column factor.
    rounds
        How often rows and columns were brought to their margins.
    error
        The largest |sum − margin| / margin that is left.
    """

    table: Numbers
    row_factors: Numbers
    column_factors: Numbers
    rounds: int
    error: float


def balance(
    seed: Matrix,
    rows: npt.ArrayLike,
    columns: npt.ArrayLike,
    *,
    tolerance: float = 1e-10,
    most_rounds: int = MOST_ROUNDS,
) -> Balanced:
    r"""Bring a table to margins by multiplying its rows and columns (IPF, Furness, Sinkhorn).

    Each round makes the rows right and then the columns,

    .. math::
        A_i = \frac{O_i}{\sum_j t_{ij} B_j}, \qquad B_j = \frac{D_j}{\sum_i A_i t_{ij}}, \qquad T_{ij} = A_i t_{ij} B_j

    from B = 1, until no sum differs from its margin by more than `tolerance` times that margin. Of all tables with
    these margins T is the one nearest to the seed t in Kullback and Leibler's divergence :math:`\sum T \log(T/t)`. A
    zero of the seed is structural: it stays zero.

    Sources: W. E. Deming, F. F. Stephan (1940), *On a least squares adjustment of a sampled frequency table when the
    expected marginal totals are known*, Annals of Mathematical Statistics 11, 427–444; K. P. Furness (1965); I. Csiszár
    (1975), *I-divergence geometry of probability distributions and minimization problems*, Annals of Probability 3.

    Parameters
    ----------
    seed
        (rows, columns), finite numbers from 0. What is not known must be filled in before (see `nowcast`), since here
        it would be a guess of zero.
    rows, columns
        The margins O and D, numbers from 0 with equal sums.
    tolerance
        The largest relative error of a margin at which to stop.
    most_rounds
        How many rounds to try.

    Raises
    ------
    InputError
        The seed or a margin is not of finite numbers from 0, or lengths differ; the margins' sums differ by more than
        10⁻⁹ of the total; a margin above zero has only zeros to be made of; no table with these zeros has these
        margins; or the rounds did not suffice.

    Examples
    --------
    >>> done = balance([[1, 2], [3, 4]], rows=[40, 60], columns=[30, 70])
    >>> done.table.round(4).tolist()
    [[10.0, 30.0], [20.0, 40.0]]
    >>> balance([[0, 1], [1, 0]], rows=[5, 7], columns=[7, 5]).table.tolist()
    [[0.0, 5.0], [7.0, 0.0]]
    """
    table, out, into = _given(seed, rows, columns)
    a, b = np.ones(len(out)), np.ones(len(into))
    error = np.inf
    for done in range(1, most_rounds + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            a = _factors(out, table @ b)
            b = _factors(into, a @ table)
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            break  # factors run off where zeros do not let margins meet
        fitted = a[:, None] * table * b
        error = max(_error(fitted.sum(1), out), _error(fitted.sum(0), into))
        if error <= tolerance:
            return Balanced(fitted, a, b, done, error)
    if not _possible(table, out, into):
        raise InputError(
            Wording("no table with these zeros has these margins"),
            expected=Wording("margins that the pairs which are not zero can carry, or fewer zeros"),
        )
    rounds, left, wanted = f"{most_rounds:,}", f"{error:.1e}", f"{tolerance:g}"
    raise InputError(
        Wording(
            "after %(rounds)s rounds a margin is still wrong by a part of %(error)s",
            rounds=rounds,
            error=left,
        ),
        expected=Wording(
            "more rounds, a tolerance above %(tolerance)s, or fewer zeros: some pairs may have to become zero",
            tolerance=wanted,
        ),
    )


def _given(seed: Matrix, rows: npt.ArrayLike, columns: npt.ArrayLike) -> tuple[Numbers, Numbers, Numbers]:
    try:
        table, out, into = (np.array(given, dtype=np.float64) for given in (seed, rows, columns))
    except (TypeError, ValueError):
        raise InputError("the table or its margins are not numbers", expected="a matrix and its margins") from None
    if out.ndim != 1 or into.ndim != 1 or table.shape != (len(out), len(into)):
        raise InputError(
            f"a table of shape {table.shape} has margins of shape {out.shape} and {into.shape}",
            expected="one margin a row, and one a column",
        )
    for values, what in ((table, "table"), (out, "row margins"), (into, "column margins")):
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise InputError("a value is missing, endless or negative", where=what, expected="a number from 0")
    if abs(out.sum() - into.sum()) > MARGINS_AGREE * max(out.sum(), into.sum()):
        raise InputError(
            f"the row margins add up to {out.sum():.12g}, the column margins to {into.sum():.12g}",
            expected="margins with one sum",
        )
    for margin, sums, what in ((out, table.sum(1), "row"), (into, table.sum(0), "column")):
        bare = np.flatnonzero((margin > 0) & (sums == 0))
        if len(bare):
            raise InputError(
                f"its margin is {margin[bare[0]]:g}, but all of it is zero",
                where=f"{what} {bare[0]}",
                expected="a value above zero somewhere in it, or a margin of zero",
            )
    return table, out, into


def _factors(margin: Numbers, sums: Numbers) -> Numbers:
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(margin > 0, np.divide(margin, sums, out=np.full(len(sums), np.inf), where=sums > 0), 0.0)


def _error(sums: Numbers, margin: Numbers) -> float:
    some = margin > 0
    return float((np.abs(sums[some] - margin[some]) / margin[some]).max(initial=0.0))


def _possible(table: Numbers, out: Numbers, into: Numbers) -> bool:
    """Whether any table that is zero wherever this one is has these margins: a transport problem."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    i, j = np.nonzero(table)
    cells, ones = np.arange(len(i)), np.ones(len(i))
    sums = coo_array(
        (np.concatenate([ones, ones]), (np.concatenate([i, len(out) + j]), np.concatenate([cells, cells]))),
        shape=(len(out) + len(into), len(i)),
    )
    total = out.sum() or 1.0
    return bool(linprog(np.zeros(len(i)), A_eq=sums.tocsr(), b_eq=np.concatenate([out, into]) / total).status == 0)
