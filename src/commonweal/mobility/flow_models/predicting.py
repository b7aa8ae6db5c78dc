"""Flows to come, or that were not published, with intervals; what a model says is marked as modelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.core.catalog import State
from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.fitted import Fit
from commonweal.mobility.flow_models.pairs import observed_flows
from commonweal.mobility.flow_models.places import Matrix, Numbers, square

UNKNOWABLE = 100.0
"""Variance of the logarithm of an expected flow, a factor of e¹⁰ either way, from which on it says nothing."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Flows that are expected.

    Parameters
    ----------
    expected
        (n, n) flows; NaN where what was observed says nothing.
    low, high
        (n, n) ends of the interval within which the flow itself lies with a probability of `level`; NaN where the model
        cannot say how sure it is.
    level
        That probability.
    """

    expected: Numbers
    low: Numbers
    high: Numbers
    level: float


@dataclass(frozen=True, eq=False)
class Nowcast:
    """Flows of which those that were not known are modelled.

    Parameters
    ----------
    flows
        (n, n) as observed where known, else as expected by the model.
    low, high
        (n, n) interval of those that are modelled; NaN for the others.
    states
        (n, n) of `State`: reported (or what was said instead), modelled, or missing where not even the model knows.
    """

    flows: Numbers
    low: Numbers
    high: Numbers
    states: npt.NDArray[np.object_]


def predict(fit: Fit, *, level: float = 0.95, exposure: Matrix | None = None, poisson: bool = False) -> Prediction:
    r"""Give what flows a fitted model expects, and between what bounds.

    A flow varies about the expected one, and that may be wrong itself:

    .. math::
        \mathrm{E}\,T = μ = e\,\hat T, \qquad
        \mathrm{Var}\,T = φ μ + μ^2\,(e^{v} - 1)

    with φ the fit's dispersion, or 1 where that is less, and v the variance of :math:`\log\hat T`. The bounds are
    quantiles of the negative binomial distribution with this mean and variance, or of Poisson's where the variance is
    no larger than the mean. What the formula of the model gets wrong of a certain pair, time and again, is in φ only on
    average.

    Parameters
    ----------
    fit
        Of any model.
    level
        Probability of the interval, between 0 and 1.
    exposure
        (n, n) or one number: how long is predicted; 1 if None.
    poisson
        Take φ = 1, so counts that vary as Poisson's.

    Raises
    ------
    InputError
        The level is not between 0 and 1.

    Examples
    --------
    >>> from commonweal.mobility.flow_models.gravity import Gravity
    >>> from commonweal.mobility.flow_models.places import Places
    >>> places = Places([[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    >>> fit = Gravity("production").fit([[0, 50, None], [50, 0, 40], [30, 20, 0]],
    ...                                 Places(places.distance, [1.0, 2.0, 4.0]))
    >>> found = predict(fit, poisson=True)
    >>> print(found.expected[0, 2].round(1), found.low[0, 2], found.high[0, 2])
    60.0 21.0 118.0
    """
    from scipy.stats import nbinom
    from scipy.stats import poisson as poisson_distribution

    if not 0 < level < 1:
        raise InputError(f"{level} is no probability of an interval", expected="a number between 0 and 1")
    n = len(fit.expected)
    longer = (
        np.ones((n, n))
        if exposure is None
        else square(np.broadcast_to(np.asarray(exposure, float), (n, n)), "exposures")
    )
    mean = fit.expected * longer
    spread = 1.0 if poisson or not fit.dispersion > 1 else fit.dispersion
    told = (mean > 0) & (fit.log_variance < UNKNOWABLE)
    mu, v = mean[told], fit.log_variance[told]
    variance = spread * mu + mu**2 * np.expm1(v)
    wide = variance > mu * (1 + 1e-9)
    size = mu**2 / np.where(wide, variance - mu, 1.0)
    low, high = np.full((n, n), np.nan), np.full((n, n), np.nan)
    for end, part in ((low, 0.5 - level / 2), (high, 0.5 + level / 2)):
        end[told] = np.where(wide, nbinom.ppf(part, size, size / (size + mu)), poisson_distribution.ppf(part, mu))
    return Prediction(mean, low, high, level)


def nowcast(flows: Matrix, fit: Fit, *, level: float = 0.95, known_as: State = State.REPORTED) -> Nowcast:
    """Fill in flows that were suppressed or imputed by what a model expects, marked as modelled.

    What is known stays as it is. A flow that was suppressed is a small one, since it is hidden for being small; a model
    that was fitted to the others, which are larger, tends to expect too much of it. A nowcast is an estimate from what
    is published: it uses nothing that was hidden. Where the model expects nobody or knows nothing, the flow stays
    missing: it is not made zero.

    Parameters
    ----------
    flows
        (n, n); None or NaN where not known.
    fit
        A model fitted to these flows, or to those of other days.
    level
        Probability of the intervals.
    known_as
        The state of the flows that are known, such as `State.ROUNDED`.

    Raises
    ------
    InputError
        Flows are not numbers from 0, or the level is not between 0 and 1.

    Examples
    --------
    >>> from commonweal.mobility.flow_models.choosing import fit_outflows
    >>> flows = [[0, 20, None], [7, 0, 3], [9, 6, 0]]
    >>> chance = np.array([[0, 0.5, 0.5], [0.7, 0, 0.3], [0.6, 0.4, 0]])
    >>> filled = nowcast(flows, fit_outflows("chance", chance, flows))
    >>> filled.flows[0].tolist(), [str(state) for state in filled.states[0]]
    ([0.0, 20.0, 20.0], ['missing', 'reported', 'modelled'])
    >>> print(filled.low[0, 2], filled.high[0, 2])
    9.0 34.0
    """
    n = len(fit.expected)
    matrix, known = observed_flows(flows, n, fit.diagonal)
    expected = predict(fit, level=level)
    # A model that expects nobody says nothing of a flow that was hidden.
    filled = fit.modelled & ~known & (expected.expected > 0)
    states = np.full((n, n), State.MISSING, dtype=object)
    states[known] = known_as
    states[filled] = State.MODELLED
    return Nowcast(
        np.where(filled, expected.expected, matrix),
        np.where(filled, expected.low, np.nan),
        np.where(filled, expected.high, np.nan),
        states,
    )
