"""Noise on whole numbers, drawn by OpenDP and accounted for by its maps.

    discrete Laplace    P(X = x) = (1 − p)/(1 + p) · p^|x|,  p = e^(−1/s)      ε = L1 / s
    discrete Gaussian   P(X = x) ∝ e^(−x²/2σ²)                                 ρ = L2² / 2σ²

Both are exact on the integers, without the leaks of floating-point noise. Sources: A. Ghosh, T. Roughgarden, M.
Sundararajan, *Universally Utility-Maximizing Privacy Mechanisms* (2009); C. Canonne, G. Kamath, T. Steinke, *The
Discrete Gaussian for Differential Privacy* (2020), Theorem 4 and the samplers that OpenDP uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.disclosure.private.accounting import Loss
from commonweal.disclosure.private.bound import Bound

Family = Literal["laplace", "gaussian"]
AT_ONCE = 500_000
LARGEST_SCALE = 1e9
"""Noise this wide would say nothing; beyond it, 64-bit counts could overflow."""


@dataclass(frozen=True)
class Noise:
    """Noise of one family and scale.

    Parameters
    ----------
    family
        ``laplace`` or ``gaussian``.
    scale
        s or σ, in people.
    """

    family: Family
    scale: float

    def __post_init__(self) -> None:
        if not 0 < self.scale <= LARGEST_SCALE:
            raise InputError(
                f"noise of scale {self.scale:g} says nothing, or hides nothing",
                expected="a larger ε, or fewer keys for each person",
            )

    def loss(self, bound: Bound) -> Loss:
        """Give what one unit of a person loses, by OpenDP's map of the very measurement that draws.

        Examples
        --------
        >>> Noise("gaussian", 2.0).loss(Bound(4)).rho
        0.5
        """
        if self.family == "laplace":
            return Loss.of_pure(float(laplace(self.scale).map(bound.l1)))
        return Loss(float(gaussian(self.scale).map(bound.l2)))

    def add(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add independent noise to every count. Each call spends anew."""
        if not len(counts):
            return counts.astype(np.int64)
        measurement = laplace(self.scale) if self.family == "laplace" else gaussian(self.scale)
        # By parts, to hold memory down: noise is independent from number to number, so the parts are one vector's.
        parts = np.split(np.ascontiguousarray(counts, np.int64), range(AT_ONCE, len(counts), AT_ONCE))
        return np.concatenate([np.asarray(measurement(part), np.int64) for part in parts])


def laplace_noise(bound: Bound, epsilon: float) -> Noise:
    """Give the least Laplace noise that costs at most ε.

    The scale is searched by OpenDP until its map says ε; it is L1/ε but for the last digits.

    Examples
    --------
    >>> laplace_noise(Bound(4), 1.0).scale
    4.0
    """
    _refuse_nothing(epsilon, "ε")
    return Noise("laplace", _least(laplace, bound.l1, epsilon, bound.l1 / epsilon))


def gaussian_noise(bound: Bound, rho: float) -> Noise:
    """Give the least Gaussian noise that costs at most ρ: σ = L2/√2ρ but for the last digits.

    Examples
    --------
    >>> round(gaussian_noise(Bound(4), 0.5).scale, 9)
    2.0
    """
    _refuse_nothing(rho, "ρ")
    return Noise("gaussian", _least(gaussian, bound.l2, rho, bound.l2 / (2 * rho) ** 0.5))


def laplace(scale: float) -> Any:
    """Make OpenDP's discrete Laplace measurement on vectors of 64-bit counts, distance L1."""
    dp = opendp()
    return dp.m.make_laplace(dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"), scale)


def gaussian(scale: float) -> Any:
    """Make OpenDP's discrete Gaussian measurement on vectors of 64-bit counts, distance L2."""
    dp = opendp()
    return dp.m.make_gaussian(dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64"), scale)


def opendp() -> Any:
    """Give OpenDP, loaded when noise is first needed."""
    import opendp.prelude as dp

    # "contrib" names constructors whose proofs are published but not yet vetted by OpenDP's reviewers.
    dp.enable_features("contrib")
    return dp


def _least(make: Any, distance: float, loss: float, near: float) -> float:
    if not 0 < near <= LARGEST_SCALE:
        Noise("laplace", near)  # refuses it
    found = opendp().binary_search_param(make, d_in=distance, d_out=loss, bounds=(near / 2, near * 2), T=float)
    return float(found)


def _refuse_nothing(loss: float, sign: str) -> None:
    if not 0 < loss < float("inf"):
        raise InputError(f"{sign} is {loss}", expected=f"{sign} above 0")
