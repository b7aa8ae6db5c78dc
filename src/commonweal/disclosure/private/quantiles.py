"""How far noise reaches: exact probabilities and quantiles of the discrete Laplace and Gaussian."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.disclosure.private.noise import Noise

SIGMAS = 40
"""Beyond so many scales the Gaussian's tail is below the smallest number that a float holds."""


def probabilities(noise: Noise, values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give P(X = x) for whole numbers x.

    Examples
    --------
    >>> probabilities(Noise("laplace", 1.0), np.array([0, 1])).round(4)
    array([0.4621, 0.17  ])
    """
    if noise.family == "laplace":
        p = math.exp(-1 / noise.scale)
        return np.asarray(-math.expm1(-1 / noise.scale) / (1 + p) * p ** np.abs(values).astype(float))
    return np.exp(-(values.astype(float) ** 2) / (2 * noise.scale**2)) / _weight(noise.scale)


def tail(noise: Noise, value: int) -> float:
    """Give P(X ≥ value), for a value from 1 on.

    Examples
    --------
    >>> round(tail(Noise("laplace", 1.0), 1), 4), round(tail(Noise("gaussian", 1.0), 2), 4)
    (0.2689, 0.0586)
    """
    if value < 1:
        raise InputError("a tail begins at 1 at least", expected="a whole number from 1 on")
    if noise.family == "laplace":
        return math.exp(-value / noise.scale) / (1 + math.exp(-1 / noise.scale))
    reach = np.arange(value, value + math.ceil(SIGMAS * noise.scale) + 2)
    return float(np.sum(probabilities(noise, reach)))


@lru_cache(maxsize=256)
def half_width(noise: Noise, confidence: float) -> int:
    """Give the smallest q with P(|X| ≤ q) ≥ confidence: [y − q, y + q] holds the count that y was drawn from.

    For the discrete Laplace P(|X| > q) = 2 p^(q+1) / (1 + p), p = e^(−1/s), which is solved; for the discrete Gaussian
    the probabilities are added up.

    Examples
    --------
    >>> half_width(Noise("laplace", 4.0), 0.95), half_width(Noise("gaussian", 4.0), 0.95)
    (12, 8)
    """
    if not 0 < confidence < 1:
        raise InputError(f"a confidence of {confidence}", expected="a share between 0 and 1, such as 0.95")
    outside = 1 - confidence
    if noise.family == "laplace":
        p = math.exp(-1 / noise.scale)
        q = max(math.ceil(-noise.scale * math.log(outside * (1 + p) / 2)) - 1, 0)
        while q > 0 and 2 * tail(noise, q) <= outside:
            q -= 1
        while 2 * tail(noise, q + 1) > outside:
            q += 1
        return q
    both = 2 * np.cumsum(probabilities(noise, np.arange(math.ceil(SIGMAS * noise.scale) + 2, 0, -1)))[::-1]
    # both[i] = P(|X| ≥ i + 1) = P(|X| > i), which falls.
    return int(np.argmax(both <= outside))


@lru_cache(maxsize=256)
def _weight(scale: float) -> float:
    reach = np.arange(1, math.ceil(SIGMAS * scale) + 2, dtype=float)
    return float(1 + 2 * np.sum(np.exp(-(reach**2) / (2 * scale**2))))
