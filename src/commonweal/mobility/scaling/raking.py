"""Raking: a published table of pairs of areas brought to known populations at either end, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.balancing import MOST_ROUNDS, balance
from commonweal.mobility.flow_models.places import Matrix
from commonweal.mobility.scaling.law import Numbers, quantile

DRAWS = 400
SEED = 20_140_908


@dataclass(frozen=True, eq=False)
class Raked:
    """A table of people.

    Parameters
    ----------
    people, low, high
        (rows, columns), NaN where nothing was published.
    rounds
        How often rows and columns were brought to their margins.
    error
        The largest relative error of a margin that is left.
    left_out
        What share of all people the cells that are not published were given, at the middle of what they may be.
    """

    people: Numbers
    low: Numbers
    high: Numbers
    rounds: int
    error: float
    left_out: float


def rake(
    counts: Matrix,
    rows: npt.ArrayLike,
    columns: npt.ArrayLike | None = None,
    *,
    hidden_below: int = 0,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
    most_rounds: int = MOST_ROUNDS,
) -> Raked:
    r"""Bring counts to margins by iterative proportional fitting (raking), and say how far they may be off.

    ``rows`` alone is ratio raking: :math:`T_{ij} = t_{ij}\,O_i/\sum_j t_{ij}`. With both margins see `balance`; if
    their sums differ, columns are brought to the sum of the rows.

    A cell that is not published holds from 0 to k − 1 subscribers. It takes part in the fitting with the middle of
    these, and is given no number. The interval has the quantiles of `draws` fits: published counts are drawn from a
    Poisson distribution about themselves, hidden ones evenly from 0 … k − 1 (a parametric bootstrap). Margins are
    taken as right.

    Sources: W. E. Deming, F. F. Stephan (1940); B. Efron, R. J. Tibshirani, *An Introduction to the Bootstrap* (1993),
    section 6.5.

    Parameters
    ----------
    counts
        (rows, columns) of what is published; None or NaN where it is not.
    rows, columns
        People at either end.
    hidden_below
        k, the least number that is published; 0 if hidden cells are known to be empty.
    level, draws, seed
        Of the intervals.
    most_rounds
        How many rounds of fitting to try, of each table.

    Raises
    ------
    InputError
        As `balance`; or `hidden_below` is negative.

    Examples
    --------
    >>> raked = rake([[90, 30], [20, None]], rows=[1200, 400], hidden_below=15)
    >>> raked.people.round(), round(raked.left_out, 3)
    (array([[900., 300.],
           [296.,  nan]]), 0.065)
    """
    given = np.array(counts, dtype=np.float64)
    out = np.asarray(rows, np.float64)
    if hidden_below < 0:
        raise InputError(f"{hidden_below} is no least number", where="hidden_below", expected="0 or more")
    quantile(level, 1)
    known, most = np.isfinite(given), max(hidden_below - 1, 0)
    into = None if columns is None else np.asarray(columns, np.float64)
    if into is not None and into.sum() > 0:
        into = into * (out.sum() / into.sum())
    middle = np.where(known, given, most / 2)
    table, rounds, error = _fitted(middle, out, into, most_rounds)
    generator = np.random.default_rng(seed)
    drawn = np.empty((draws, *given.shape))
    for each in drawn:
        chance = generator.poisson(np.where(known, given, 0)).astype(np.float64)
        chance = np.where(known, chance, generator.integers(0, most, endpoint=True, size=given.shape))
        # What may be something is not drawn as nothing: a margin could have nothing left to be made of.
        each[...] = _fitted(np.where(middle > 0, np.maximum(chance, 0.5), 0), out, into, most_rounds, 1e-6)[0]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    total = table.sum()
    return Raked(
        people=np.where(known, table, np.nan),
        low=np.where(known, np.minimum(low, table), np.nan),
        high=np.where(known, np.maximum(high, table), np.nan),
        rounds=rounds,
        error=error,
        left_out=float(table[~known].sum() / total) if total > 0 else 0.0,
    )


def _fitted(
    table: Numbers, out: Numbers, into: Numbers | None, most_rounds: int, tolerance: float = 1e-10
) -> tuple[Numbers, int, float]:
    if into is not None:
        done = balance(table, out, into, tolerance=tolerance, most_rounds=most_rounds)
        return done.table, done.rounds, done.error
    # One margin is a table of its own rows: the columns have no say.
    if table.ndim != 2 or out.shape != (len(table),) or not (np.isfinite(out).all() and (out >= 0).all()):
        raise InputError("the margin does not fit the table", expected="one number from 0 for every row")
    sums = table.sum(axis=1)
    bare = np.flatnonzero((sums == 0) & (out > 0))
    if len(bare):
        raise InputError(
            f"its margin is {out[bare[0]]:g}, but all of it is zero",
            where=f"row {bare[0]}",
            expected="a value above zero somewhere in it, or a margin of zero",
        )
    return table * np.divide(out, sums, out=np.zeros(len(sums)), where=sums > 0)[:, None], 1, 0.0
