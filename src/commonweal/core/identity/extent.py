"""What a table is about, as far as rights go: whose dataset, which areas, how fine, which days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Extent:
    """What a published table is about.

    Parameters
    ----------
    dataset
        Its name, ``"domain.thing"``.
    area
        The area set; empty if it is about no areas.
    levels
        Function that gives the levels of the areas that stand in it, none if it has no column of areas, or None where
        that cannot be told. It is asked only where it matters, since it reads the table.
    days
        First and last day, by the place's clock; None if it does not say.
    """

    dataset: str
    area: str
    levels: Callable[[], frozenset[int] | None]
    days: tuple[date, date] | None

    @property
    def domain(self) -> str:
        """The domain that it belongs to, the first part of its name."""
        return self.dataset.partition(".")[0]
