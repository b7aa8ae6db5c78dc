"""What scaling gives, and what it is given: numbers with an interval, from areas with subscribers and people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaled:
    """People, one number for each count that was scaled.

    Parameters
    ----------
    people
        (n,) NaN where nothing was published.
    low, high
        (n,) ends of the interval.
    outside
        (n,) whether the count is smaller, or larger, than all that the method was calibrated on.
    """

    people: Numbers
    low: Numbers
    high: Numbers
    outside: npt.NDArray[np.bool_]


def calibrating(subscribers: npt.ArrayLike, people: npt.ArrayLike, least: int) -> tuple[Numbers, Numbers]:
    """Give the areas to calibrate on: those with a number of subscribers and of people.

    Raises
    ------
    InputError
        A number is negative or endless, or too few areas have both.
    """
    x, p = (np.asarray(given, np.float64) for given in (subscribers, people))
    if x.ndim != 1 or x.shape != p.shape:
        raise InputError(f"{x.shape} subscribers and {p.shape} people", expected="one of each for every area")
    if np.isinf(x).any() or np.isinf(p).any() or (x < 0).any() or (p < 0).any():
        raise InputError("a number of subscribers or people is negative or endless", expected="numbers from 0")
    both = (x > 0) & (p > 0)
    if both.sum() < least:
        raise InputError(
            Wording("%(num)s areas have both a published number and people", num=str(int(both.sum()))),
            where="calibration",
            expected=Wording("at least %(num)s areas", num=str(least)),
        )
    return x[both], p[both]


def quantile(level: float, freedom: int) -> float:
    """Give the quantile of Student's t for a two-sided interval.

    Raises
    ------
    InputError
        The level is no probability between 0 and 1.

    Examples
    --------
    >>> round(quantile(0.95, 10), 3)
    2.228
    """
    from scipy.special import stdtrit

    if not 0 < level < 1:
        raise InputError(f"{level} is no probability of an interval", where="level", expected="between 0 and 1")
    return float(stdtrit(freedom, (1 + level) / 2))


def outside(counts: Numbers, calibrated: Numbers) -> npt.NDArray[np.bool_]:
    """Say which counts lie outside those that were calibrated on.

    >>> outside(np.array([5, 20, np.nan]), np.array([10, 30])).tolist()
    [True, False, False]
    """
    return np.asarray((counts < calibrated.min()) | (counts > calibrated.max()))
