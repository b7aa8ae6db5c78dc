"""Random numbers that depend on what they are for, never on the order or the thread in which they are drawn.

Every decision draws from a stream named by whole numbers (seed, person, day, …). SplitMix64 (Steele, Lea and Flood,
2014) mixes the name into a start and walks from there.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Stream = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)


@njit(cache=True, nogil=True)
def mix(value: np.uint64) -> np.uint64:
    """Spread a whole number over 64 bits (the finaliser of SplitMix64)."""
    value = (value ^ (value >> _30)) * _FIRST
    value = (value ^ (value >> _27)) * _SECOND
    return value ^ (value >> _31)


@njit(cache=True, nogil=True)
def begin(stream: Stream, seed: int, person: int, day: int, purpose: int) -> None:
    """Set a stream to the start that (seed, person, day, purpose) names."""
    start = mix(np.uint64(seed) + _STEP)
    start = mix(start + np.uint64(person) * _STEP)
    start = mix(start + np.uint64(day) * _STEP)
    stream[0] = mix(start + np.uint64(purpose) * _STEP)


@njit(cache=True, nogil=True)
def uniform(stream: Stream) -> float:
    """Draw from [0, 1)."""
    stream[0] += _STEP
    return float(mix(stream[0]) >> _11) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def normal(stream: Stream) -> float:
    """Draw from the standard normal distribution (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(stream)))
    return radius * math.cos(2.0 * math.pi * uniform(stream))


@njit(cache=True, nogil=True)
def poisson(stream: Stream, mean: float) -> int:
    """Draw a Poisson count; means above 60 by the rounded normal approximation."""
    if mean > 60.0:
        return max(0, round(mean + math.sqrt(mean) * normal(stream)))
    limit = math.exp(-mean)
    product = uniform(stream)
    count = 0
    while product > limit:
        product *= uniform(stream)
        count += 1
    return count


@njit(cache=True, nogil=True)
def power_law(stream: Stream, exponent: float, low: float, high: float) -> float:
    """Draw x from the density ∝ x^-exponent on [low, high], exponent ≠ 1."""
    power = 1.0 - exponent
    a, b = low**power, high**power
    return (a + uniform(stream) * (b - a)) ** (1.0 / power)


@njit(cache=True, nogil=True)
def quantile(stream: Stream, values: NDArray[np.float64]) -> float:
    """Draw by the inverse of a distribution given as its values at equally spaced quantiles."""
    position = uniform(stream) * (len(values) - 1)
    index = int(position)
    return values[index] + (position - index) * (values[index + 1] - values[index])
