"""What a domain gives for choosing a rule: its cells as counted, and ways to attack them and to add noise to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.disclosure.linear.relations import Relations
from commonweal.disclosure.planning.comparing import Membership, not_tried

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Noised:
    """Tables with noise that was drawn to be looked at; they are thrown away.

    Parameters
    ----------
    published
        What each cell would be published as, float64, NaN where it would not be shown.
    variance
        Of the noise of each cell, before the tables were made to agree.
    unit, rho
        What a release like it would spend: ρ for each of these units of a person.
    """

    published: np.ndarray
    variance: np.ndarray
    unit: str
    rho: float


@dataclass(frozen=True, eq=False)
class Basis:
    """What rules are compared on. It holds raw counts: it is never written down.

    Parameters
    ----------
    first, last
        First and last-exclusive day.
    value
        Distinct people in each cell, int64, shape (n,).
    given
        How cells hang together.
    keys
        Cell keys of a secret made for this comparison alone, uint64; None where there are none.
    membership
        The attack on who is counted.
    noised
        Draws the tables with noise at an ε, from counts in which everybody's part is bounded; None where it cannot be.
    least
        Groups of fewer people than this must not be told of, whatever the rule.
    """

    first: date
    last: date
    value: np.ndarray
    given: Relations
    keys: np.ndarray | None = None
    membership: Membership = not_tried
    noised: Callable[[float], Noised] | None = None
    least: int = 2


class Plans(Protocol):
    """What ``Domain.plans`` names."""

    def __call__(
        self,
        settings: Settings,
        database: Database,
        people: str,
        first: date | None,
        last: date | None,
        progress: Progress,
    ) -> Basis:
        """Count the tables that the domain would publish of some people.

        Parameters
        ----------
        people
            The people-set, such as ``mobility/PROJECT``.
        first, last
            First and last-exclusive day; None for the domain's own choice.
        progress
            Told how far it is: done, total, and what.

        Raises
        ------
        NotFound
            There are no such people, or nothing about them in the period.
        """
        ...
