"""Figures that may be said: held back behind too few people, and rounded so that no difference tells of a few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from commonweal.core.catalog import State


@dataclass(frozen=True)
class Saying:
    """How figures are said.

    Parameters
    ----------
    k
        Least number of distinct people behind a figure.
    """

    k: int

    @property
    def base(self) -> int:
        """Figures are rounded down to multiples of this: the least multiple of 5 from k on.

        >>> Saying(15).base, Saying(2).base
        (15, 5)
        """
        return -(-self.k // 5) * 5

    def say(self, value: float, people: float) -> int | None:
        """Give a figure as it may be said, or None.

        >>> Saying(15).say(104, 20), Saying(15).say(104, 14)
        (90, None)
        """
        return int(value) // self.base * self.base if people >= self.k and value >= self.base else None

    def record(self, name: str, value: float, people: float) -> dict[str, Any]:
        """Give a figure with its state."""
        said = self.say(value, people)
        return {name: said, f"{name}_state": (State.SUPPRESSED if said is None else State.ROUNDED).value}

    def limits(self, values: npt.NDArray[np.float64]) -> list[int | None]:
        """Round control limits, which are of many days; None where there are none."""
        return [None if np.isnan(value) else int(value) // self.base * self.base for value in values.tolist()]
