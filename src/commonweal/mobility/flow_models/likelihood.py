"""Maximum likelihood of a log-linear model of counts by origin and destination (Poisson regression)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.places import Mask, Numbers

MOST_ROUNDS = 100
HALVINGS = 40
NOTHING_LEFT = 1e-18
"""Newton's decrement, as a part of all counts, below which a further round changes rounding errors only."""
REACHED, ROUNDING = 1e-6, 1e-12
"""Twice the logarithm of likelihood, and part of all counts, by which the maximum may be missed."""
COLLINEAR = 1e-6
"""The part of a parameter's information, as √(1 − R²), that the others must leave to it."""
RIDGE = 1e-13
RUNS_OFF = 1e3
"""Standard error of a covariate's effect over the data's own spread that only an endless estimate has."""


@dataclass(frozen=True, eq=False)
class LogLinear:
    """The most likely log-linear model.

    Parameters
    ----------
    slopes
        (p,) most likely θ.
    covariance
        (p, p) of their estimates.
    expected
        (n, n) exp(η) without the exposure: 0 where an area's observed margin is 0, NaN where the counts say nothing.
    log_variance
        (n, n) variance of η; NaN where the expected flow is 0 or NaN.
    estimated
        How many parameters were estimated, effects of areas included.
    """

    slopes: Numbers
    covariance: Numbers
    expected: Numbers
    log_variance: Numbers
    estimated: int


def most_likely(
    counts: Numbers,
    known: Mask,
    exposure: Numbers,
    offset: Numbers,
    covariates: Numbers,
    *,
    origins: bool,
    destinations: bool,
    names: tuple[str, ...],
) -> LogLinear:
    r"""Find the parameters that make the counts most likely.

    .. math::
        T_{ij} \sim \text{Poisson}(e_{ij} \exp η_{ij}), \qquad η_{ij} = o_{ij} + x_{ij}·θ \;(+\, a_i)\;(+\, b_j)

    over the pairs that are known. The likelihood is concave; Newton's method, halving a step that would lower it, finds
    its maximum. Since the link is canonical, observed and expected Fisher information are the same,
    :math:`I = Σ μ\,z z^\top` with z all that multiplies a parameter, and covariances are :math:`I^{-1}`. At the maximum
    Σ(T − μ) z = 0: with effects a (b) the observed margins of origins (destinations) are reproduced. With effects of
    one end alone θ and its covariance are those of the multinomial likelihood of each area's flows given their sum.

    Sources: P. McCullagh, J. A. Nelder (1989), *Generalized Linear Models*; R. Flowerdew, M. Aitkin (1982), *A method
    of fitting the gravity model based on the Poisson distribution*, Journal of Regional Science 22, 191–202; for
    Poisson and multinomial, J. Palmgren (1981), Biometrika 68, 563–566.

    Parameters
    ----------
    counts, known
        (n, n) T, and which of them are known.
    exposure, offset
        (n, n) e > 0 and o.
    covariates
        (n, n, p) x.
    origins, destinations
        Whether there are effects a of origins and b of destinations.
    names
        (p,) of the covariates, for errors.

    Raises
    ------
    InputError
        No pair is known or nobody moved; the pairs cannot tell a parameter from others; or a parameter has no finite
        estimate.

    Examples
    --------
    One covariate, always 1: the estimate is the logarithm of the mean, and its standard error 1/√ΣT.

    >>> counts, ones = np.array([[0.0, 4.0], [6.0, 0.0]]), np.ones((2, 2))
    >>> fit = most_likely(counts, ~np.eye(2, dtype=bool), ones, 0 * ones, ones[:, :, None],
    ...                   origins=False, destinations=False, names=("constant",))
    >>> np.exp(fit.slopes).round(6), fit.covariance.round(6)
    (array([5.]), array([[0.1]]))
    """
    n, p = len(counts), covariates.shape[2]
    if not known.any():
        raise InputError(Wording("no flow is known"), expected=Wording("the flow of some pair of areas"))
    total = float(counts[known].sum())
    if total <= 0:
        raise InputError(Wording("nobody moved: all known flows are 0"), expected=Wording("a flow above 0"))
    empty_rows = known.any(1) & (np.where(known, counts, 0).sum(1) == 0) & origins
    empty_columns = known.any(0) & (np.where(known, counts, 0).sum(0) == 0) & destinations
    # With effects, the most likely flow out of (into) an area that nobody was seen to leave (enter) is 0.
    used = known & ~empty_rows[:, None] & ~empty_columns
    design = _Design(used, covariates, origins, destinations)
    t, e, o = counts[used], exposure[used], offset[used]

    mean = (t + t.mean()) / 2
    start = design.step(mean, design.score(mean * (np.log(mean / e) - o) + t - mean), names)
    parameters = _start(start, design, t, e, o)
    height = _height(parameters, design, t, e, o)
    for _ in range(MOST_ROUNDS):
        mu = e * np.exp(design.linear(parameters) + o)
        score = design.score(t - mu)
        step = design.step(mu, score, names)
        decrement = float(score @ step)
        if decrement <= NOTHING_LEFT * total:
            parameters = parameters + step
            break
        for halving in range(HALVINGS):
            tried = parameters + step / 2**halving
            reached = _height(tried, design, t, e, o)
            if reached >= height - 1e-12 * abs(height):
                break
        else:
            break
        parameters, height = tried, reached
    if decrement > REACHED + ROUNDING * total:
        raise InputError(
            Wording("the likelihood has no maximum that can be reached"),
            expected=Wording("fewer parameters or more pairs"),
        )
    mu = e * np.exp(design.linear(parameters) + o)
    inverse = design.inverse(mu, names)
    _refuse_endless(design, inverse, p, names)
    eta, variance = design.everywhere(parameters, inverse, covariates)
    nobody = np.zeros((n, n), dtype=bool) | empty_rows[:, None] | empty_columns
    expected = np.where(nobody, 0.0, np.exp(eta + offset))
    return LogLinear(
        parameters[design.effects :],
        inverse[design.effects :, design.effects :],
        expected,
        np.where(nobody, np.nan, variance),
        len(parameters) + int(empty_rows.sum() + empty_columns.sum()),
    )


def _start(start: Numbers, design: _Design, t: Numbers, e: Numbers, o: Numbers) -> Numbers:
    """Begin from one weighted regression, unless zero parameters do better."""
    zero = np.zeros_like(start)
    return start if _height(start, design, t, e, o) > _height(zero, design, t, e, o) else zero


def _height(parameters: Numbers, design: _Design, t: Numbers, e: Numbers, o: Numbers) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        eta = design.linear(parameters) + o
        height = float((t * eta - e * np.exp(eta)).sum())
    return height if np.isfinite(height) else -np.inf


def _refuse_endless(design: _Design, inverse: Numbers, p: int, names: tuple[str, ...]) -> None:
    spread = design.x.std(axis=0) if p else np.zeros(0)
    errors = np.sqrt(np.diag(inverse)[design.effects :])
    for name, error, width in zip(names, errors, spread, strict=True):
        if error * (width or 1.0) > RUNS_OFF:
            raise InputError(
                Wording("its most likely value is endless"),
                where=name,
                expected=Wording("flows at more than one distance"),
            )


class _Design:
    """What multiplies the parameters in each pair: effects of origins, of destinations, and covariates, in that order.

    Where both ends have effects one can be added to all of the one and taken off the other, apart for each part of the
    areas that known pairs connect. So the first destination of each part has the effect 0.
    """

    def __init__(self, used: Mask, covariates: Numbers, origins: bool, destinations: bool) -> None:
        self.i, self.j = np.nonzero(used)
        self.x = covariates[used]
        n = len(used)
        self.row = np.full(n, -1)
        self.column = np.full(n, -1)
        self.part_of_row, self.part_of_column = np.zeros(n, dtype=int), np.zeros(n, dtype=int)
        has_row: Mask = np.logical_and(used.any(axis=1), origins)
        has_column: Mask = np.logical_and(used.any(axis=0), destinations)
        self.row[has_row] = np.arange(has_row.sum())
        free = has_column.copy()
        if origins and destinations:
            self.part_of_row, self.part_of_column = _parts(used)
            parts = self.part_of_column[has_column]
            free[np.flatnonzero(has_column)[np.unique(parts, return_index=True)[1]]] = False
        self.column[free] = has_row.sum() + np.arange(free.sum())
        self.told_row = has_row if origins else np.ones(n, dtype=bool)
        self.told_column = has_column if destinations else np.ones(n, dtype=bool)
        self.effects = int(has_row.sum() + free.sum())
        self.n = n

    def linear(self, parameters: Numbers) -> Numbers:
        padded = np.append(parameters[: self.effects], 0.0)
        return padded[self.row[self.i]] + padded[self.column[self.j]] + self.x @ parameters[self.effects :]

    def score(self, residual: Numbers) -> Numbers:
        effects = np.zeros(self.effects + 1)
        np.add.at(effects, self.row[self.i], residual)
        np.add.at(effects, self.column[self.j], residual)
        return np.concatenate([effects[:-1], residual @ self.x])

    def information(self, mu: Numbers) -> Numbers:
        size, q = self.effects + self.x.shape[1], self.effects
        whole = np.zeros((size + 1, size + 1))
        r, c = (np.where(at < 0, size, at) for at in (self.row[self.i], self.column[self.j]))
        np.add.at(whole, (r, r), mu)
        np.add.at(whole, (c, c), mu)
        np.add.at(whole, (r, c), mu)
        np.add.at(whole, (c, r), mu)
        weighted = mu[:, None] * self.x
        for k in range(self.x.shape[1]):
            np.add.at(whole[:, q + k], r, weighted[:, k])
            np.add.at(whole[:, q + k], c, weighted[:, k])
        whole[q:size, :q] = whole[:q, q:size].T
        whole[q:size, q:size] = self.x.T @ weighted
        return whole[:size, :size]

    def factor(self, mu: Numbers, names: tuple[str, ...]) -> tuple[Numbers, Numbers]:
        """Give the Cholesky factor of the information scaled to a unit diagonal, and the scale."""
        information = self.information(mu)
        scale: Numbers = np.sqrt(np.diag(information))
        scale = np.where(scale > 0, scale, 1.0)
        try:
            root = np.linalg.cholesky(information / scale[:, None] / scale)
        except np.linalg.LinAlgError:
            # Something is determined by the rest: a little more on the diagonal shows what.
            try:
                root = np.linalg.cholesky(information / scale[:, None] / scale + RIDGE * np.eye(len(scale)))
            except np.linalg.LinAlgError:
                root = np.eye(len(scale))
            if (np.diag(root)[self.effects :] > COLLINEAR).all():
                raise InputError(
                    Wording("these flows do not determine the effects of areas"), expected=Wording("more pairs")
                ) from None
        weak = np.flatnonzero(~(np.diag(root)[self.effects :] > COLLINEAR))
        if len(weak):
            raise InputError(
                Wording("these pairs cannot tell it from the other parameters"),
                where=names[weak[0]],
                expected=Wording("pairs that differ in it, fewer parameters, or a fixed value for it"),
            )
        return np.asarray(root, dtype=np.float64), scale

    def step(self, mu: Numbers, score: Numbers, names: tuple[str, ...]) -> Numbers:
        from scipy.linalg import cho_solve

        if not len(score):
            return score
        root, scale = self.factor(mu, names)
        solved: Numbers = cho_solve((root, True), score / scale) / scale
        return solved

    def inverse(self, mu: Numbers, names: tuple[str, ...]) -> Numbers:
        from scipy.linalg import cho_solve

        size = self.effects + self.x.shape[1]
        if not size:
            return np.zeros((0, 0))
        root, scale = self.factor(mu, names)
        solved: Numbers = cho_solve((root, True), np.eye(size)) / scale[:, None] / scale
        return solved

    def everywhere(self, parameters: Numbers, inverse: Numbers, covariates: Numbers) -> tuple[Numbers, Numbers]:
        """Give η without offset, and its variance, for all pairs; NaN where nothing tells of an effect."""
        q, n = self.effects, self.n
        padded = np.zeros((len(inverse) + 1, len(inverse) + 1))
        padded[:-1, :-1] = inverse
        effects = np.append(parameters[:q], 0.0)
        row, column = self.row, self.column
        eta = effects[row][:, None] + effects[column] + covariates @ parameters[q:]
        slopes = slice(q, len(inverse))
        variance = (
            padded[row, row][:, None]
            + padded[column, column]
            + 2 * padded[np.ix_(row, column)]
            + np.einsum("ijk,kl,ijl->ij", covariates, inverse[q:, q:], covariates)
            + 2 * np.einsum("ijk,ik->ij", covariates, padded[row, slopes])
            + 2 * np.einsum("ijk,jk->ij", covariates, padded[column, slopes])
        )
        told = self.told_row[:, None] & self.told_column & (self.part_of_row[:, None] == self.part_of_column)
        nowhere = np.full((n, n), np.nan)
        return np.where(told, eta, nowhere), np.where(told, np.maximum(variance, 0.0), nowhere)


def _parts(used: Mask) -> tuple[np.ndarray, np.ndarray]:
    """Number the parts of origins and destinations that pairs connect."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(used)
    i, j = np.nonzero(used)
    _, labels = connected_components(coo_array((np.ones(len(i)), (i, n + j)), shape=(2 * n, 2 * n)), directed=False)
    return labels[:n], labels[n:]
