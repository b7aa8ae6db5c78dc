"""The unit of privacy: what is hidden is whether one person's records of one day, week or month were there."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from commonweal.core.errors import InputError


class Unit(StrEnum):
    """Whose presence in the data is hidden, and over how long.

    Two sets of records are *neighbours* if one is the other without all records of one person in one period. What is
    promised holds for neighbours; a person's records of *n* periods are hidden *n* times as weakly.

    A week without one of its days is not a neighbour of the whole week, but two steps away. So that a longer unit hides
    every shorter one within it as well, bounds of units longer than a day are made with `Bound.moves`.

    Examples
    --------
    >>> Unit("person-week").period
    'week'
    """

    DAY = "person-day"
    WEEK = "person-week"
    MONTH = "person-month"

    @property
    def period(self) -> Literal["day", "week", "month"]:
        """The calendar's unit of time."""
        return _PERIODS[self]


_PERIODS: dict[Unit, Literal["day", "week", "month"]] = {Unit.DAY: "day", Unit.WEEK: "week", Unit.MONTH: "month"}


def unit_of(name: str) -> Unit:
    """Read a unit.

    Raises
    ------
    InputError
        There is no such unit.
    """
    try:
        return Unit(name)
    except ValueError:
        raise InputError(f"there is no unit {name!r}", expected=" or ".join(Unit)) from None
