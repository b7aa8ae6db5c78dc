"""Keys that are not public: only those are published whose noisy count passes a threshold.

That a key is there at all says that somebody was; so a key is shown only where its count, with noise, is at least T,
chosen so that a key of a single person is hardly ever shown::

    δ₁ = P(1 + X ≥ T)                  one key of one person is shown
    δ  = 1 − (1 − δ₁)^m ≤ m δ₁         one of the at most m keys that a person may bring is shown

Keys without anybody are never touched: whoever calls gives counts of those keys alone that have people.

Sources: A. Korolova et al., *Releasing Search Queries and Clicks Privately* (2009); R. Rogers, *A Unifying Privacy
Analysis Framework for Unknown Domain Algorithms in Differential Privacy* (2023), which OpenDP follows.

Notes
-----
OpenDP 0.16 shows a count that equals its threshold, but its map reckons δ₁ = P(1 + X > T), which is too little
(https://github.com/opendp/opendp/issues/2922). Here T is one above the threshold for which the map says δ, so that what
the map said for the lower one is what holds; that P(1 + X ≥ T) is no more is checked by the exact tail as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonweal.core.errors import InputError
from commonweal.disclosure.private.accounting import Loss
from commonweal.disclosure.private.bound import Bound
from commonweal.disclosure.private.noise import Noise, opendp
from commonweal.disclosure.private.quantiles import tail

HIGHEST = 10**6


@dataclass(frozen=True)
class Selection:
    """Noise, and the threshold that a noisy count must reach to be shown.

    Parameters
    ----------
    noise
        What is added.
    threshold
        T, the least noisy count that is shown.
    """

    noise: Noise
    threshold: int

    def loss(self, bound: Bound) -> Loss:
        """Give what one unit of a person loses: the noise's, and δ by OpenDP's map for the threshold below.

        Examples
        --------
        >>> Selection(Noise("laplace", 4.0), 61).loss(Bound(4)).pure
        1.0
        """
        said, delta = _measurement(self.noise, self.threshold - 1).map(_distances(self.noise, bound))
        exact = hit(self.noise, self.threshold, bound)
        delta = max(float(delta), exact)
        return Loss.of_pure(float(said), delta) if self.noise.family == "laplace" else Loss(float(said), None, delta)

    def select(self, counts: Mapping[int, int]) -> dict[int, int]:
        """Add noise to the counts of keys that have people and keep those that reach the threshold. Spends anew."""
        if any(count < 1 for count in counts.values()):
            raise InputError("a key has nobody", expected="counts of those keys alone that have people")
        if not counts:
            return {}
        return dict(_measurement(self.noise, self.threshold)(dict(counts)))


def selection(noise: Noise, bound: Bound, delta: float) -> Selection:
    """Find the lowest threshold that costs at most δ.

    Raises
    ------
    InputError
        δ is not between 0 and 1.

    Examples
    --------
    >>> selection(Noise("laplace", 4.0), Bound(4), 1e-6).threshold
    60
    """
    if not 0 < delta < 1:
        raise InputError(
            f"δ is {delta}", expected="between 0 and 1, such as 0.000001: keys are hidden but for chance δ"
        )
    low, high = 2, 4  # OpenDP wants thresholds above L∞ = 1, and ours is one above
    while Selection(noise, high).loss(bound).delta > delta:
        low, high = high, high * 2
        if high > HIGHEST:
            raise InputError("no threshold is high enough for this noise", expected="a larger ε or δ")
    while low < high:
        middle = (low + high) // 2
        if middle > 2 and Selection(noise, middle).loss(bound).delta <= delta:
            high = middle
        else:
            low = middle + 1
    return Selection(noise, high)


def hit(noise: Noise, threshold: int, bound: Bound) -> float:
    """Give δ: the probability that one of a person's own keys is shown.

    >>> hit(Noise("laplace", 4.0), 60, Bound(4)) < 1e-6 < hit(Noise("laplace", 4.0), 59, Bound(4))
    True
    """
    return -math.expm1(bound.l0 * math.log1p(-tail(noise, threshold - bound.largest)))


def _measurement(noise: Noise, threshold: int) -> Any:
    dp = opendp()
    domain = dp.map_domain(dp.atom_domain(T="i64"), dp.atom_domain(T="i64"))
    if noise.family == "laplace":
        metric = dp.l01inf_distance(dp.absolute_distance(T="i64"))
        return dp.m.make_laplace_threshold(domain, metric, noise.scale, threshold)
    metric = dp.l02inf_distance(dp.absolute_distance(T="f64"))
    return dp.m.make_gaussian_threshold(domain, metric, noise.scale, threshold)


def _distances(noise: Noise, bound: Bound) -> tuple[int, float, float]:
    if noise.family == "laplace":
        return bound.l0, bound.l1, bound.largest
    return bound.l0, bound.l2, float(bound.largest)
