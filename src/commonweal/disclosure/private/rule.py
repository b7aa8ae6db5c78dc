"""The rule: which unit is protected, how strongly, with which noise, and of how much a person may be a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from commonweal.core.errors import InputError
from commonweal.disclosure.private.accounting import Loss, rho_of
from commonweal.disclosure.private.bound import Bound
from commonweal.disclosure.private.noise import Family, Noise, gaussian_noise, laplace_noise
from commonweal.disclosure.private.selection import Selection, selection
from commonweal.disclosure.private.unit import Unit, unit_of

WHOLE = ""
"""The level of a table that has but one."""


@dataclass(frozen=True)
class Rule:
    """A promise, and what it is kept by.

    Parameters
    ----------
    unit
        What is hidden.
    epsilon
        ε, what the whole may cost, together with `delta`.
    delta
        δ; 0 for pure ε. Gaussian noise and thresholds need it: choose it well below one in the number of people.
    family
        ``laplace`` or ``gaussian``.
    selects
        Whether the keys are not public, so that only those above a threshold are shown. The thresholds take all of δ
        where noise is Laplace, half of it where it is Gaussian.
    share
        Which part of the whole this table may spend: of ε with Laplace noise, of ρ with Gaussian.
    bounds
        For each level of the table what one unit of a person may be a part of. The table's share is divided evenly.
    confidence
        Of the interval around each number.

    Examples
    --------
    >>> rule = Rule(Unit.DAY, epsilon=1.0, bounds={"hour": Bound(24), "day": Bound(4)})
    >>> {level: noise.scale for level, noise in rule.noises().items()}
    {'hour': 48.0, 'day': 8.0}
    >>> Rule.parse(rule.record()) == rule
    True
    """

    unit: Unit
    epsilon: float
    delta: float = 0.0
    family: Family = "laplace"
    selects: bool = False
    share: float = 1.0
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < float("inf"):
            raise InputError(f"ε is {self.epsilon}", expected="above 0, such as 1")
        if not 0 <= self.delta < 1:
            raise InputError(f"δ is {self.delta}", expected="0, or a small probability such as 0.000001")
        if self.family not in ("laplace", "gaussian"):
            raise InputError(f"there is no noise {self.family!r}", expected="laplace or gaussian")
        if self.delta == 0 and (self.selects or self.family == "gaussian"):
            raise InputError(
                "δ is 0, but thresholds and Gaussian noise hold only but for a small probability",
                expected="Laplace noise on public keys, or a δ such as 0.000001",
            )
        if not 0 < self.share <= 1 or not 0 < self.confidence < 1:
            raise InputError(
                "a share is not a share", expected="above 0, and a share of at most 1, a confidence below 1"
            )

    @property
    def told_at(self) -> float:
        """The δ for which ε is told: 0 where noise is Laplace and keys are public, whatever `delta` would allow."""
        return self.delta if self.selects or self.family == "gaussian" else 0.0

    def limit(self) -> Loss:
        """Give what this table may cost at most."""
        hidden = self.delta * self.share if self.selects else 0.0
        if self.family == "laplace":
            return Loss.of_pure(self.epsilon * self.share, hidden)
        spared = self.delta / 2 if self.selects else self.delta
        return Loss(rho_of(self.epsilon, spared) * self.share, None, hidden / 2)

    def noises(self) -> dict[str, Noise]:
        """Give the noise of each level."""
        if not self.bounds:
            raise InputError("nothing says of how much a person may be a part", expected="a bound for each level")
        limit, levels = self.limit(), len(self.bounds)
        if limit.pure is not None:
            return {level: laplace_noise(bound, limit.pure / levels) for level, bound in self.bounds.items()}
        return {level: gaussian_noise(bound, limit.rho / levels) for level, bound in self.bounds.items()}

    def selections(self) -> dict[str, Selection]:
        """Give the noise and the threshold of each level; none where keys are public."""
        if not self.selects:
            return {}
        each = self.limit().delta / len(self.bounds)
        return {level: selection(noise, self.bounds[level], each) for level, noise in self.noises().items()}

    def shared(self, share: float, bounds: Mapping[str, Bound]) -> Rule:
        """Give the rule of a table that may spend a share of this one's whole."""
        return replace(self, share=self.share * share, bounds=dict(bounds))

    def record(self) -> dict[str, Any]:
        """Return the rule as JSON values; `parse` is its inverse."""
        return {
            "unit": self.unit.value,
            "epsilon": self.epsilon,
            "delta": self.delta,
            "family": self.family,
            "selects": self.selects,
            "share": self.share,
            "bounds": {level: bound.record() for level, bound in self.bounds.items()},
            "confidence": self.confidence,
        }

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Rule:
        """Return the rule that `record` wrote.

        Raises
        ------
        InputError
            A field is missing, or says what no rule can say.
        """
        try:
            bounds = {level: Bound.parse(bound) for level, bound in record["bounds"].items()}
            return cls(**{**record, "unit": unit_of(record["unit"]), "bounds": bounds})
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"the rule cannot be read: {error}", expected="a rule that was written here") from error
