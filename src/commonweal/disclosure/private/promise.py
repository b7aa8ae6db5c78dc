"""What differential privacy promises of the attack on who is counted, without looking at anybody.

Nothing that was found by attacking the records could be told beside a table with noise: it would spend as well. But
what any attack can reach follows from ε and δ alone. Of all tests between "this person's day is in it" and "it is not",
with false alarms α, the missed are at least

    f(α) = max(0, 1 − δ − e^ε α, e^(−ε) (1 − δ − α))

so the area under the curve is at most 1 − ∫ f(α) dα, which for δ = 0 is e^ε / (1 + e^ε).

Source: J. Dong, A. Roth, W. J. Su (2022), *Gaussian differential privacy*, Journal of the Royal Statistical Society B
84, 3-54, proposition 3, after L. Wasserman, S. Zhou (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit


@dataclass(frozen=True)
class Promise:
    """What a table with noise promises.

    Parameters
    ----------
    unit
        What is hidden of a person.
    epsilon, delta
        How well.
    """

    unit: Unit
    epsilon: float
    delta: float

    @property
    def auc_at_most(self) -> float:
        """Area under the curve that no attack on one unit of one person exceeds; 0.5 is guessing.

        Examples
        --------
        >>> round(Promise(Unit.DAY, 1.0, 0.0).auc_at_most, 4)
        0.7311
        """
        most, whole = exp(self.epsilon), 1 - self.delta
        # 1 − δ − e^ε α and e^(−ε) (1 − δ − α) cross at (1 − δ) / (1 + e^ε), where both are that.
        cross = whole / (1 + most)
        below = (whole + cross) / 2 * cross + cross / 2 * (whole - cross)
        return 1 - below

    @property
    def said(self) -> str:
        """The promise, in plain words."""
        return Wording(
            "Even someone who knows everything about everybody else cannot tell well whether a person's %(unit)s is "
            "counted in these numbers: of two people the right one is picked at most %(right)s times out of 100, by "
            "guessing 50.",
            unit=NAMES[self.unit],
            right=round(100 * self.auc_at_most),
        )

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "unit": self.unit.value,
            "epsilon": self.epsilon,
            "delta": self.delta,
            "auc_at_most": self.auc_at_most,
            "said": str(self.said),
        }


NAMES = {Unit.DAY: Wording("day"), Unit.WEEK: Wording("week"), Unit.MONTH: Wording("month")}
