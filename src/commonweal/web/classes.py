"""Classes of a choropleth: which of a few colours a value takes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

import numpy as np
import numpy.typing as npt

from commonweal.web.languages import _
from commonweal.web.words import count

SHADES = 5
"""Colours that the style sheet has: ``class-0`` to ``class-4``."""


@dataclass(frozen=True)
class Classes:
    """Half-open classes [b₀, b₁), [b₁, b₂), … of counts; the first and the last are open-ended.

    Parameters
    ----------
    breaks
        The inner bounds, ascending. n bounds make n + 1 classes.
    """

    breaks: tuple[float, ...]

    def __len__(self) -> int:
        """Give the number of classes."""
        return len(self.breaks) + 1

    def of(self, value: float) -> int:
        """Give the class of a value, from 0.

        Examples
        --------
        >>> Classes((100, 200)).of(99), Classes((100, 200)).of(100), Classes((100, 200)).of(5000)
        (0, 1, 2)
        """
        return bisect_right(self.breaks, value)

    def shade(self, step: int) -> int:
        """Give the colour of a class, 0 the faintest to 4 the strongest: few classes are spread over all five.

        Examples
        --------
        >>> [Classes((100, 200)).shade(step) for step in range(3)], Classes(()).shade(0)
        ([0, 2, 4], 2)
        """
        return 2 if len(self) == 1 else round(step * (SHADES - 1) / (len(self) - 1))

    def labels(self) -> list[str]:
        """Give each class in words, for a legend of whole numbers.

        Examples
        --------
        >>> Classes((100, 2000)).labels()
        ['under 100', '100 – 1,999', '2,000 or more']
        """
        if not self.breaks:
            return [_("any number")]
        inner = [
            _("%(first)s – %(last)s", first=count(low), last=count(high - 1)) if high - low > 1 else count(low)
            for low, high in zip(self.breaks, self.breaks[1:], strict=False)
        ]
        lowest = _("under %(number)s", number=count(self.breaks[0]))
        return [lowest, *inner, _("%(number)s or more", number=count(self.breaks[-1]))]


def quantile_classes(values: Sequence[float] | npt.NDArray[np.float64], number: int = SHADES) -> Classes:
    """Class values by quantiles, with bounds rounded to two digits so that a legend can be read.

    Parameters
    ----------
    values
        The reported values, in any order; an empty sequence gives one class.
    number
        How many classes at most. Equal values share a class, so there may be fewer.

    Examples
    --------
    >>> quantile_classes(range(15, 1015)).breaks
    (210.0, 410.0, 610.0, 810.0)
    >>> quantile_classes([20, 20, 20]).breaks
    ()
    """
    given = np.asarray(values, dtype=np.float64)
    if not given.size:
        return Classes(())
    inner = np.quantile(given, np.arange(1, number) / number)
    rounded = sorted({_two_digits(value) for value in inner})
    return Classes(tuple(value for value in rounded if given.min() < value <= given.max()))


def _two_digits(value: float) -> float:
    if value < 100:
        return float(round(value))
    unit = 10.0 ** (floor(log10(value)) - 1)
    return float(round(value / unit) * unit)
