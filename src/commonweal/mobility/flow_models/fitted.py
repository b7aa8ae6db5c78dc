"""What every fitted model of flows gives: expected flows, parameters with standard errors, and how well it fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.pairs import modelled_pairs
from commonweal.mobility.flow_models.places import Mask, Matrix, Numbers, Places, square


@dataclass(frozen=True)
class Estimate:
    """A parameter.

    Parameters
    ----------
    value
        Its most likely value, or the one that was fixed.
    standard_error
        Of its estimate, from the Fisher information; 0 where it was fixed.

    Examples
    --------
    >>> low, high = Estimate(2.0, 0.1).interval()
    >>> round(low, 3), round(high, 3)
    (1.804, 2.196)
    """

    value: float
    standard_error: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Give Wald's interval: value ± z · standard error."""
        reach = NormalDist().inv_cdf(0.5 + level / 2) * self.standard_error
        return self.value - reach, self.value + reach


@dataclass(frozen=True, eq=False)
class Fit:
    """A model that was fitted to flows.

    Parameters
    ----------
    model
        In words.
    parameters
        By name, with standard errors.
    expected
        (n, n) flows that the model expects for an exposure of 1, suppressed pairs included. 0 where it has none: on the
        diagonal unless it was modelled, and out of (into) areas whose observed margin it keeps and which is 0. NaN
        where what was observed says nothing.
    log_variance
        (n, n) variance of the logarithm of `expected`, by which the estimates may be wrong; NaN where that is 0 or NaN.
    likelihood
        Which likelihood was maximised: "poisson", or "multinomial" of where to, given how many leave (or of where from,
        given how many arrive).
    log_likelihood
        Its logarithm at the maximum, constants included.
    pairs
        How many pairs took part.
    estimated
        How many parameters were estimated, effects and totals of areas included.
    dispersion
        Pearson's χ² / (pairs − estimated): 1 where counts vary as Poisson's; NaN where no freedom is left.
    modelled
        (n, n) which pairs the model speaks of.
    """

    model: str
    parameters: Mapping[str, Estimate]
    expected: Numbers
    log_variance: Numbers
    likelihood: str
    log_likelihood: float
    pairs: int
    estimated: int
    dispersion: float
    modelled: Mask

    @property
    def diagonal(self) -> bool:
        """Whether flows from an area to itself were modelled."""
        return bool(self.modelled.diagonal().any())

    def record(self) -> dict[str, Any]:
        """Give what a table or JSON shows of it; what is no finite number is null."""
        return {
            "model": self.model,
            "parameters": {
                name: {"value": found.value, "standard_error": found.standard_error}
                for name, found in self.parameters.items()
            },
            "likelihood": self.likelihood,
            "log_likelihood": finite(self.log_likelihood),
            "pairs": self.pairs,
            "estimated": self.estimated,
            "dispersion": finite(self.dispersion),
        }


class FlowModel(Protocol):
    """A model that can be fitted."""

    @property
    def title(self) -> str:
        """The model in words."""

    def fit(self, flows: Matrix, places: Places, exposure: Matrix | None = None) -> Fit:
        """Fit it to the flows that are known."""


def finite(value: float | None) -> float | None:
    """Give a number as JSON has it: what is not finite is none."""
    return value if value is not None and np.isfinite(value) else None


def exposures(given: Matrix | None, n: int, known: Mask) -> Numbers:
    """Give how long, or how many days, each pair was watched: 1 if nothing is said.

    Raises
    ------
    InputError
        A known flow was watched for no time.
    """
    if given is None:
        return np.ones((n, n))
    exposure = square(given, "exposures", n)
    if not (np.isfinite(exposure[known]).all() and (exposure[known] > 0).all()):
        raise InputError("the flow of a pair is known that was watched for no time", expected="an exposure above 0")
    return np.where(known, exposure, 1.0)


def pearson_dispersion(counts: Numbers, expected: Numbers, known: Mask, estimated: int) -> float:
    """Give Pearson's χ² = Σ (T − μ)²/μ over the freedom that is left, or NaN if none is.

    Examples
    --------
    >>> pearson_dispersion(np.array([[0, 12.0], [8.0, 0]]), np.full((2, 2), 10.0), ~np.eye(2, dtype=bool), 1)
    0.8
    """
    some = known & (expected > 0)
    freedom = int(known.sum()) - estimated
    if freedom <= 0:
        return float("nan")
    return float(((counts[some] - expected[some]) ** 2 / expected[some]).sum() / freedom)


def only_modelled(values: Numbers, diagonal: bool, outside: float) -> Numbers:
    """Put one value where a model has no flows."""
    return np.where(modelled_pairs(len(values), diagonal), values, outside)
