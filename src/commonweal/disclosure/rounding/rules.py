"""The alternatives to suppression as rules of a release: rounding that adds up, and noise that repeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from commonweal.core.catalog.declaration import State
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.disclosure.linear.bounds import bounds
from commonweal.disclosure.linear.relations import Relations
from commonweal.disclosure.linear.rows import rows_of
from commonweal.disclosure.rounding.additive import listed
from commonweal.disclosure.rounding.consistent import consistent
from commonweal.disclosure.rounding.controlled import controlled_rounding
from commonweal.disclosure.rounding.controlled import interval as rounded_interval
from commonweal.disclosure.rounding.ptable import interval as perturbed_interval
from commonweal.disclosure.rounding.ptable import perturb, perturbation_table

CONTROLLED_ROUNDING = Wording("controlled-rounding")
CELL_KEY = Wording("cell-key")


@dataclass(frozen=True, eq=False)
class Changed:
    """Counts that were changed so that none is known.

    Parameters
    ----------
    values
        As they are published, int64, shape (cells,).
    state
        What they are now.
    required
        How wide the interval of every cell must be.
    low, high
        Values that linear reasoning over all cells leaves possible: no interval is measured further than asked for.
    programmes
        How many linear programmes that took, and how many over whole numbers.
    """

    values: np.ndarray
    state: State
    required: int
    low: np.ndarray
    high: np.ndarray
    programmes: tuple[int, int]

    @property
    def narrowest(self) -> int:
        """The narrowest interval."""
        return int((self.high - self.low).min(initial=self.required))


@dataclass(frozen=True)
class ControlledRounding:
    """Multiples of a base that add up; which neighbour is chosen depends on the people in the cell.

    Parameters
    ----------
    base
        At least the threshold of the project, so that a count of few may be one of nobody.
    """

    base: int

    @property
    def name(self) -> str:
        """What a request calls it."""
        return CONTROLLED_ROUNDING

    def record(self) -> dict[str, Any]:
        """Return its parameters as JSON values."""
        return {"base": self.base}

    def refuse_weak(self, k: int) -> None:
        """Do nothing if it hides counts below a threshold.

        Raises
        ------
        InputError
            It does not.
        """
        if self.base < k:
            raise InputError(
                f"the base is {self.base}", where="controlled rounding", expected=f"at least {k}, the threshold"
            )

    def alone(self, value: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Round counts each for itself, so that margins may not add up: for trying attacks on other counts.

        >>> ControlledRounding(15).alone(np.array([0, 7, 30]), np.zeros(3, np.uint64))
        array([ 0, 15, 30])
        """
        down, rest = np.divmod(value, self.base)
        return self.base * (down + (keys / 2.0**64 < rest / self.base))

    def change(self, value: np.ndarray, given: Relations, keys: np.ndarray) -> Changed:
        """Round counts."""
        rounded = controlled_rounding(value, listed(given), self.base, keys)
        ends = {
            one: rounded_interval(one, self.base, zero_restricted=rounded.zero_restricted)
            for one in np.unique(rounded.values).tolist()
        }
        return _audited(rounded.values, State.ROUNDED, given, ends, self.base - 1)


@dataclass(frozen=True)
class CellKey:
    """Noise that belongs to the people in a cell, made consistent over all cells.

    Parameters
    ----------
    maximum, variance, never
        D, V and js of the perturbation table; js is at least the threshold less one.
    """

    maximum: int
    variance: float
    never: int

    @property
    def name(self) -> str:
        """What a request calls it."""
        return CELL_KEY

    def record(self) -> dict[str, Any]:
        """Return its parameters as JSON values."""
        return {"D": self.maximum, "V": self.variance, "js": self.never}

    def refuse_weak(self, k: int) -> None:
        """Do nothing if it never publishes counts below a threshold.

        Raises
        ------
        InputError
            It does.
        """
        if self.never < k - 1:
            raise InputError(
                f"counts above {self.never} may be published",
                where="noise by cell key",
                expected=f"js of at least {k - 1}, one below the threshold",
            )

    def alone(self, value: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Add the noise to counts each for itself, as `ControlledRounding.alone`."""
        return perturb(value, keys, perturbation_table(self.maximum, self.variance, self.never))

    def change(self, value: np.ndarray, given: Relations, keys: np.ndarray) -> Changed:
        """Add the noise."""
        table = perturbation_table(self.maximum, self.variance, self.never)
        noised = perturb(value, keys, table)
        found = consistent(noised, listed(given), self.maximum)
        moved = found.within
        ends = {}
        for one in np.unique(found.values).tolist():
            # What was moved to make margins agree may have been anything within reach that noise leads to.
            near = (other for other in range(max(0, one - moved), one + moved + 1) if other == 0 or other > self.never)
            around = [perturbed_interval(other, table) for other in near]
            ends[one] = (min(low for low, _ in around), max(high for _, high in around))
        return _audited(found.values, State.PERTURBED, given, ends, self.maximum)


Rule = ControlledRounding | CellKey


def parse(record: Mapping[str, Any]) -> Rule:
    """Read a rule from ``{"rule": name, …}``.

    Raises
    ------
    InputError
        There is no such rule, or a parameter is missing.

    Examples
    --------
    >>> parse({"rule": "controlled-rounding", "base": 15})
    ControlledRounding(base=15)
    """
    try:
        if record["rule"] == CONTROLLED_ROUNDING:
            return ControlledRounding(int(record["base"]))
        if record["rule"] == CELL_KEY:
            return CellKey(int(record["D"]), float(record["V"]), int(record["js"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the rule lacks a parameter: {error}", expected="base; or D, V and js") from None
    raise InputError(f"there is no rule {record['rule']!r}", expected=f"{CONTROLLED_ROUNDING} or {CELL_KEY}")


def _audited(
    values: np.ndarray, state: State, given: Relations, ends: Mapping[int, tuple[int, int]], required: int
) -> Changed:
    low, high = (np.array([ends[one][end] for one in values.tolist()], np.int64) for end in (0, 1))
    found = bounds(rows_of(given), low, high, enough=np.full(len(low), required))
    return Changed(values, state, required, found.least, found.most, found.solved)
