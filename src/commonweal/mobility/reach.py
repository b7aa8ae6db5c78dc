"""Reach: of which days' records a count depends, and so how many units' counts one unit's records may change.

A count of day d that looks b days back and a days ahead depends on the records of d − b … d + a. So one unit's records
may change the counts of its own days, of the a days before it and of the b days after it. Each unit's counts are
bounded by themselves: where m keys are kept of each, and the counts of u units may change, a person is moved out of at
most u · m counts and into as many others.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Protection
from commonweal.mobility.measure import Derivation, Measure, sources

SHORTEST = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 28}
"""The fewest days of a unit."""


@dataclass(frozen=True)
class Reach:
    """How far a count looks.

    Parameters
    ----------
    back, ahead
        Days before its own, and after it.
    weeks
        Whether it is of a whole week's days, which it then looks at without leaving the week.
    """

    back: int
    ahead: int
    weeks: bool = False

    def units(self, unit: Unit) -> int:
        """Give how many units' counts the records of one unit may change.

        Examples
        --------
        >>> Reach(0, 0).units(Unit.DAY), Reach(1, 1).units(Unit.DAY), Reach(8, 0).units(Unit.WEEK)
        (1, 3, 3)

        A week lies in one unit of weeks, but may in two months:

        >>> Reach(0, 0, weeks=True).units(Unit.WEEK), Reach(0, 0, weeks=True).units(Unit.MONTH)
        (1, 2)
        """
        shortest = SHORTEST[unit]
        ahead = self.ahead + (6 if self.weeks and unit is not Unit.WEEK else 0)
        return 1 + -(-self.back // shortest) + -(-ahead // shortest)


def reach(measure: Measure) -> Reach:
    """Give how far a measure's counts look, by what they are made of."""
    parts = [part for part in sources(measure) if isinstance(part, Derivation)]
    weeks = isinstance(measure.protection, Protection) and measure.protection.weeks
    return Reach(sum(part.lookback for part in parts), sum(part.lookahead for part in parts), weeks)
