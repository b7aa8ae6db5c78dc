"""What is spent: privacy loss in zero-concentrated differential privacy, added up over tables and releases.

A release is ρ-zCDP if for all neighbours and all α > 1 the Rényi divergence of order α between its outputs is at most
ρα; with δ, all that but for a set of outputs of probability δ. Then:

    Gaussian noise of scale σ on a vector of sensitivity L2      ρ = L2² / 2σ²
    a pure ε                                                     ρ = ε² / 2
    several releases about the same person and period            ρ = Σ ρᵢ,  δ = Σ δᵢ,  pure ε = Σ εᵢ
    as (ε, δ)                                                    ε ≤ ρ + 2 √(ρ ln 1/δ), or less by a tighter bound

Sources: M. Bun, T. Steinke, *Concentrated Differential Privacy* (2016), Propositions 1.3 and 1.4, Lemmas 1.7, 1.8 and
8.2; C. Canonne, G. Kamath, T. Steinke, *The Discrete Gaussian for Differential Privacy* (2020), Proposition 12, whose
tighter bound OpenDP computes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from commonweal.core.errors import InputError


@dataclass(frozen=True)
class Loss:
    """What one unit of one person has lost at most.

    Parameters
    ----------
    rho
        ρ of zero-concentrated differential privacy.
    pure
        ε, where no Gaussian noise is part of it; else None.
    delta
        Probability with which that does not hold (thresholds); 0 without any.

    Examples
    --------
    A hundred releases of pure ε = 0.1 (Bun and Steinke 2016: k ε² / 2):

    >>> spent = compose([Loss.of_pure(0.1)] * 100)
    >>> round(spent.rho, 6), round(spent.epsilon(0), 6), round(spent.epsilon(1e-6), 2)
    (0.5, 10.0, 5.22)
    """

    rho: float
    pure: float | None = None
    delta: float = 0.0

    def __post_init__(self) -> None:
        if not (self.rho >= 0 and 0 <= self.delta <= 1 and (self.pure is None or self.pure >= 0)):
            raise InputError("a privacy loss is negative or no number", expected="ρ ≥ 0 and 0 ≤ δ ≤ 1")

    @classmethod
    def of_pure(cls, epsilon: float, delta: float = 0.0) -> Loss:
        """Give the loss of a pure ε: ρ = ε²/2."""
        return cls(epsilon * epsilon / 2, epsilon, delta)

    def __add__(self, other: Loss) -> Loss:
        pure = None if self.pure is None or other.pure is None else self.pure + other.pure
        return Loss(self.rho + other.rho, pure, min(self.delta + other.delta, 1.0))

    def epsilon(self, delta: float) -> float:
        """Give the smallest known ε for which the loss is (ε, δ); infinite where there is none for this δ."""
        left = delta - self.delta
        if left < 0:
            return math.inf
        known = [math.inf if self.pure is None else self.pure]
        if left > 0:
            known.append(epsilon_of(self.rho, left))
        return min(known)

    def record(self) -> dict[str, Any]:
        """Return the loss as JSON values.

        >>> Loss.parse(Loss(0.5, 1.0).record())
        Loss(rho=0.5, pure=1.0, delta=0.0)
        """
        return {"rho": self.rho, "pure": self.pure, "delta": self.delta}

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Loss:
        """Return the loss that `record` wrote."""
        return cls(record["rho"], record["pure"], record["delta"])


def compose(losses: Iterable[Loss]) -> Loss:
    """Add up the losses of releases about the same person and period."""
    return sum(losses, Loss(0.0, 0.0))


@lru_cache(maxsize=1024)
def epsilon_of(rho: float, delta: float) -> float:
    """Give an ε for which ρ-zCDP is (ε, δ)-differentially private, by OpenDP.

    OpenDP minimises over α > 1 (Canonne, Kamath, Steinke 2020)::

        ε = ρα + ln(1/(αδ)) / (α − 1) + ln(1 − 1/α)

    Examples
    --------
    >>> round(epsilon_of(0.5, 1e-6), 3), round(0.5 + 2 * math.sqrt(0.5 * math.log(1e6)), 3)
    (5.222, 5.757)
    """
    from commonweal.disclosure.private.noise import gaussian, opendp

    if rho == 0:
        return 0.0
    if not math.isfinite(rho):
        return math.inf
    # Any Gaussian mechanism of this ρ does: that of scale 1 on a vector of sensitivity √2ρ.
    profile = opendp().c.make_zCDP_to_approxDP(gaussian(1.0)).map(math.nextafter(math.sqrt(2 * rho), math.inf))
    return float(profile.epsilon(delta))


@lru_cache(maxsize=256)
def rho_of(epsilon: float, delta: float) -> float:
    """Give the largest ρ (but for one part in a million) that is still (ε, δ)-differentially private.

    Examples
    --------
    >>> rho = rho_of(1.0, 1e-6)
    >>> 0.0234 < rho < 0.0245, epsilon_of(rho, 1e-6) <= 1
    (True, True)
    """
    if not (0 < epsilon < math.inf and 0 < delta < 1):
        raise InputError("ε and δ leave nothing to spend", expected="ε above 0, and δ between 0 and 1")
    low, high = 0.0, epsilon  # α > 1, so ρ < ε; the last step's terms only add while δ is small
    while epsilon_of(high, delta) <= epsilon:
        high *= 2
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        if epsilon_of(middle, delta) <= epsilon:
            low = middle
        else:
            high = middle
    return low
