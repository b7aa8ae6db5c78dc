"""The rule of dominance: a sum tells of a person who makes up most of it, however many others stand behind it.

With the contributions x₁ ≥ x₂ ≥ … ≥ 0 of single people to a cell of value X, the cell is unsafe if

    x₁        > p/100 · X        the (1, p)-dominance rule; p = 50 unless set
    x₁ + x₂   > q/100 · X        the (2, q)-dominance rule; off unless q is set

The sum is an upper bound of each contribution, and the closer the larger its share. Whoever makes the second largest
contribution knows more: X − x₂ is a bound of x₁. Only the second rule takes that into account. It corresponds to the
p′ %-rule, X − x₂ − x₁ < p′/100 · x₁, with q = 100 · 100/(100 + p′): what is safe by it is safe by that rule too.

Source: A. Hundepool et al., *Handbook on Statistical Disclosure Control* (2010), section 4.2.1, concentration rules.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog.declaration import Dataset, Kind, Measure
from commonweal.core.errors import InputError

LARGEST, SECOND = "largest", "second"


@dataclass(frozen=True)
class Dominance:
    """How much of a sum may be of one person, and of two.

    Parameters
    ----------
    largest
        p: the most that one person may contribute, per cent of the sum, between 0 and 100.
    two
        q: the most that the two largest contributions may be together, per cent; None: no matter.

    Examples
    --------
    The handbook's example: of 100,000 the largest contribution is 50,000, the second 49,000. No single one dominates
    by the (1, 90)-rule, but the second knows that the first is at most 51,000, two per cent too much.

    >>> value, largest, second = pa.array([100_000]), pa.array([50_000]), pa.array([49_000])
    >>> Dominance(90).unsafe(value, largest).to_pylist()
    [False]
    >>> Dominance(90, two=90).unsafe(value, largest, second).to_pylist()
    [True]
    """

    largest: float = 50.0
    two: float | None = None

    def __post_init__(self) -> None:
        for share in (self.largest, self.two):
            if share is not None and not 0 < share < 100:
                raise InputError(f"a share of {share} % says nothing", expected="a share between 0 and 100 %")

    def unsafe(self, value: pa.Array, largest: pa.Array, second: pa.Array | None = None) -> pa.Array:
        """Tell which sums are unsafe.

        Parameters
        ----------
        value, largest, second
            X, x₁ and x₂ of each cell, in the same unit; the second only if `two` is set.
        """
        value, largest = value.cast(pa.float64()), largest.cast(pa.float64())
        found = pc.greater(pc.multiply(largest, 100.0), pc.multiply(value, self.largest))
        if self.two is not None:
            assert second is not None
            both = pc.add(largest, second.cast(pa.float64()))
            found = pc.or_(found, pc.greater(pc.multiply(both, 100.0), pc.multiply(value, self.two)))
        return found


HALF = Dominance()
"""No person contributes more than half of a sum."""


def is_judged(measure: Measure) -> bool:
    """Whether the rule is for a measure: a sum that counts nobody, such as a duration or an amount."""
    return measure.kind is Kind.SUM and measure.counts is None


def contributions(measure: Measure, dominance: Dominance) -> list[str]:
    """Name the columns that a raw table must bring for a measure."""
    if not is_judged(measure):
        return []
    return [f"{measure.name}_{LARGEST}", *([f"{measure.name}_{SECOND}"] if dominance.two is not None else [])]


def refuse_wrong_contributions(dataset: Dataset, measure: Measure, raw: pa.Table, dominance: Dominance) -> None:
    """See that contributions are numbers from 0 on, in their order, and no more than the sum.

    Raises
    ------
    InputError
        With the first row that is wrong; no value is quoted.
    """
    above, named = raw.column(measure.name), measure.name
    if above.null_count == len(above):
        return
    for name in contributions(measure, dominance):
        column = raw.column(name)
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise InputError(
                f"column {name} is {column.type}", where=f"raw table of {dataset.name}", expected="numbers"
            )
        there = _is_number(raw.column(measure.name))
        fine = pc.and_(_is_number(column), pc.and_(pc.greater_equal(column, 0), pc.less_equal(column, above)))
        wrong = pc.and_(there, pc.invert(pc.fill_null(fine, False)))
        row = pc.index(wrong, value=True).as_py()
        if row >= 0:
            raise InputError(
                "is no contribution",
                where=f"raw table of {dataset.name}, column {name}, row {row + 1}",
                expected=f"what one person contributes: from 0 to {named}",
            )
        above, named = column, name


def _is_number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(column.type):
        return column.is_valid()
    return pc.fill_null(pc.is_finite(column), False)
