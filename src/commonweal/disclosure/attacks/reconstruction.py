"""Reconstruction: which hidden cells follow from what is published, as a finding.

The bounds come from the audit, which solves for the least and the most that each hidden cell may be. A cell is
*recovered* if they are equal.

Source: I. Dinur, K. Nissim, *Revealing information while preserving privacy*, PODS 2003; M. Fischetti, J. J. Salazar,
*Solving the cell suppression problem on tabular data with linear constraints*, Management Science 47 (2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.core.wording import Wording, counted


@dataclass(frozen=True)
class Reconstruction:
    """What linear reasoning finds.

    Parameters
    ----------
    hidden
        How many cells are hidden.
    recovered
        How many of them follow exactly: none may.
    narrowest
        The width of the narrowest interval, high − low, or None if nothing is hidden.
    """

    hidden: int
    recovered: int
    narrowest: int | None

    @property
    def dangerous(self) -> bool:
        """Whether the release must not leave."""
        return self.recovered > 0

    @property
    def said(self) -> str:
        """What was found, in plain words."""
        if not self.hidden:
            return Wording("Nothing is hidden in these tables, so there is nothing to work out.")
        if self.recovered:
            return counted(
                "%(num)s of the hidden numbers can be worked out exactly from what is published.",
                "%(num)s of the hidden numbers can be worked out exactly from what is published.",
                self.recovered,
            )
        return Wording(
            "None of the %(hidden)s hidden numbers can be worked out: each may still be at least %(values)s different "
            "numbers.",
            hidden=self.hidden,
            values=(self.narrowest or 0) + 1,
        )


def reconstruction(low: np.ndarray, high: np.ndarray) -> Reconstruction:
    """Turn the bounds of an audit into a finding.

    Parameters
    ----------
    low, high
        The least and the most that each hidden cell may be, shape (hidden,).

    Examples
    --------
    >>> found = reconstruction(np.array([0, 7]), np.array([14, 7]))
    >>> found.recovered, found.dangerous
    (1, True)
    >>> print(reconstruction(np.array([0, 3]), np.array([14, 9])).said)
    None of the 2 hidden numbers can be worked out: each may still be at least 7 different numbers.
    """
    low, high = np.asarray(low), np.asarray(high)
    if not len(low):
        return Reconstruction(0, 0, None)
    width = high - low
    return Reconstruction(len(low), int((width <= 0).sum()), int(width.min()))
