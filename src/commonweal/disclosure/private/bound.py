"""The contribution bound: of how many counts one person may be a part within a unit, and what follows for noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commonweal.core.errors import InputError


@dataclass(frozen=True)
class Bound:
    """How much the counts of distinct people can change by one unit of one person.

    A person adds 1 to each count that they are a part of, and is a part of at most `keys` of them. So without the
    person's unit the vector of counts x becomes x′ with, where m = `keys`::

        x − x′ ∈ {0, 1}ⁿ,  at most m ones
        L0 = |{k : x(k) ≠ x′(k)}|  ≤ m        L1 = Σ |x(k) − x′(k)| ≤ m
        L2 = √(Σ (x(k) − x′(k))²)  ≤ √m       L∞ = max |x(k) − x′(k)| ≤ 1

    Where only a part of the unit is left out, or a count depends on more than the unit (a home that is found over
    several), the person may *move*: out of at most m keys and into at most m others, so x − x′ ∈ {−1, 0, 1}ⁿ with at
    most 2m entries that are not 0, and L0 = L1 = 2m, L2 = √(2m), L∞ = 1.

    Parameters
    ----------
    keys
        m, at least 1.
    moves
        Whether a person may move: then any change within a unit is hidden.

    Raises
    ------
    InputError
        `keys` is no whole number from 1 on.

    Examples
    --------
    >>> Bound(4).l1, Bound(4).l2, Bound(1, moves=True).l1
    (4, 2.0, 2)
    """

    keys: int
    moves: bool = False

    def __post_init__(self) -> None:
        if type(self.keys) is not int or self.keys < 1:
            raise InputError(f"a person cannot be bounded by {self.keys!r} keys", expected="a whole number from 1 on")

    @property
    def l0(self) -> int:
        """Most counts that can differ."""
        return self.keys * (2 if self.moves else 1)

    @property
    def l1(self) -> int:
        """Most that the counts can differ by, added up."""
        return self.l0

    @property
    def l2(self) -> float:
        """Most that they can differ by in Euclidean distance, never rounded down."""
        root = math.sqrt(self.l1)
        return root if root * root >= self.l1 else math.nextafter(root, math.inf)

    @property
    def largest(self) -> int:
        """L∞: most that one count can differ by."""
        return 1

    def record(self) -> dict[str, Any]:
        """Return the bound as JSON values.

        >>> Bound.parse(Bound(3).record()) == Bound(3)
        True
        """
        return {"keys": self.keys, "moves": self.moves}

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Bound:
        """Return the bound that `record` wrote."""
        return cls(record["keys"], record["moves"])


def together(bounds: Iterable[Bound]) -> tuple[int, float]:
    """Give L1 and L2 of several tables or levels that one person's unit is a part of at once.

    Each adds its own: the whole vector is one after the other, so L1 = Σ L1ᵢ and L2² = Σ L2ᵢ².

    >>> together([Bound(4), Bound(12)])
    (16, 4.0)
    """
    total = sum(bound.l1 for bound in bounds)
    return total, math.sqrt(total)
