"""Comparing rules for the tables of one release, on what was counted: for whoever chooses, never to be published.

Every rule is applied and attacked as the release would be. Naive suppression is among them so that it can be seen what
it lets readers work out; it cannot be chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from commonweal.core.wording import Wording
from commonweal.disclosure.linear.bounds import bounds
from commonweal.disclosure.linear.relations import Relations
from commonweal.disclosure.linear.rows import rows_of
from commonweal.disclosure.linear.suppression import counts, suppress, with_differences
from commonweal.disclosure.rounding.additive import listed
from commonweal.disclosure.rounding.controlled import controlled_rounding
from commonweal.disclosure.rounding.controlled import interval as rounded_interval
from commonweal.disclosure.rounding.ptable import interval as perturbed_interval
from commonweal.disclosure.rounding.ptable import perturb, perturbation_table

RULES: Mapping[str, str] = {
    "naive": Wording("Small cells hidden, and nothing else"),
    "threshold": Wording("Small cells hidden, and what would give them away"),
    "controlled-rounding": Wording("Controlled rounding"),
    "cell-key": Wording("Noise by cell key"),
    "private": Wording("Differential privacy"),
}
"""The rules that are compared, in order, for people."""

Membership = Callable[[np.ndarray, float | np.ndarray], float | None]
"""Gives, for what would be published (NaN where hidden) and its noise's variance, the attack's area under the curve."""


def not_tried(published: np.ndarray, variance: float | np.ndarray) -> float | None:
    """Attack nothing."""
    return None


@dataclass(frozen=True)
class Choice:
    """What a rule would make of the tables.

    Parameters
    ----------
    rule, parameters
        Which.
    cells
        Share of the cells with anybody in them that would be published.
    people
        Share of the people counted, over all cells, who stand in cells that would be published.
    error
        Median over published cells of |published − counted| / counted.
    worst
        The error that nine in ten of them keep below.
    narrowest
        Of what can be known of each cell that is not published as it is, the narrowest interval; None if there is none,
        or where the rule promises something else. Intervals are not measured beyond what the rule asks for.
    recovered
        How many of these cells can be worked out exactly.
    membership
        Area under the curve of the attack that asks whether a person is counted: 0.5 is guessing. None if not tried.
    spent
        What differential privacy would spend: unit and ρ.
    weak
        Whether it would tell of fewer people than those concerned allow.
    """

    rule: str
    parameters: Mapping[str, Any]
    cells: float
    people: float
    error: float
    worst: float
    narrowest: int | None
    recovered: int
    membership: float | None = None
    spent: Mapping[str, Any] | None = None
    weak: bool = False

    @property
    def safe(self) -> bool:
        """Whether it may be chosen."""
        return self.rule != "naive" and self.recovered == 0 and not self.weak

    def judged_by(self, least: int) -> Choice:
        """Say of it whether it is weak where groups of fewer than so many people must not be told of.

        >>> Choice("controlled-rounding", {"base": 5}, 1, 1, 0, 0, 4, 0).judged_by(15).safe
        False
        """
        hides = {name: self.parameters.get(name, least) for name in ("k", "base")}
        return replace(self, weak=min(*hides.values(), self.parameters.get("js", least - 1) + 1) < least)

    @property
    def title(self) -> str:
        """What it does, for people."""
        return RULES[self.rule]

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**vars(self), "parameters": dict(self.parameters), "safe": self.safe}


def compare(
    value: np.ndarray,
    given: Relations,
    *,
    thresholds: Sequence[int] = (5, 10, 15, 30),
    bases: Sequence[int] = (5, 15),
    noises: Sequence[tuple[int, float, int]] = ((5, 3.0, 2),),
    keys: np.ndarray | None = None,
    membership: Membership = not_tried,
) -> list[Choice]:
    """Apply each rule to cells that are published together.

    Parameters
    ----------
    value
        Distinct people in each cell, int64, shape (n,).
    given
        How cells hang together.
    thresholds
        Each *k*, naively and jointly.
    bases
        Of controlled rounding.
    noises
        Of the cell-key method: largest noise D, variance V, and js, up to which counts are never published.
    keys
        Cell keys, uint64; the cell-key method is left out without them.
    membership
        The attack on who is counted.

    Examples
    --------
    A district of 20 with villages of 3 and 17:

    >>> from commonweal.disclosure.linear.relations import Kind, relations
    >>> tables = np.array([20, 3, 17]), relations([(0, [1, 2], Kind.SUM)])
    >>> naive, joint = compare(*tables, thresholds=[15], bases=[])
    >>> (naive.recovered, naive.narrowest, naive.safe), (joint.recovered, joint.narrowest, joint.safe)
    ((1, 0, False), (0, 14, True))
    """
    found = []
    for k in thresholds:
        found += [_naive(value, given, k, membership), _joint(value, given, k, membership)]
    found += [_rounded(value, given, base, membership) for base in bases]
    if keys is not None:
        found += [_perturbed(value, given, keys, noise, membership) for noise in noises]
    return sorted(found, key=lambda choice: list(RULES).index(choice.rule))


def judged(
    rule: str,
    parameters: Mapping[str, Any],
    value: np.ndarray,
    published: np.ndarray,
    *,
    narrowest: int | None = None,
    recovered: int = 0,
    membership: float | None = None,
    spent: Mapping[str, Any] | None = None,
) -> Choice:
    """Compare what would be published with what was counted.

    Parameters
    ----------
    value, published
        Counted, and as it would be published, NaN where hidden; shape (n,).
    """
    there, shown = value > 0, ~np.isnan(published)
    both = there & shown
    error = np.abs(published[both] - value[both]) / value[both]
    middle, worst = (float(np.quantile(error, q)) if len(error) else 0.0 for q in (0.5, 0.9))
    return Choice(
        rule,
        parameters,
        float(both.sum() / there.sum()) if there.any() else 1.0,
        float(value[both].sum() / value.sum()) if there.any() else 1.0,
        middle,
        worst,
        narrowest,
        recovered,
        membership,
        spent,
    )


def _naive(value: np.ndarray, given: Relations, k: int, membership: Membership) -> Choice:
    cells = counts(value, k)
    published = np.where(cells.hidden, np.nan, value.astype(np.float64))
    narrowest, recovered = _intervals(given, cells.low, cells.high, cells.hidden, k - 1)
    return judged(
        "naive",
        {"k": k},
        value,
        published,
        narrowest=narrowest,
        recovered=recovered,
        membership=membership(published, 0.0),
    )


def _joint(value: np.ndarray, given: Relations, k: int, membership: Membership) -> Choice:
    cells, wider = with_differences(counts(value, k), given, k)
    found = suppress(cells, wider)
    hidden, width = found.hidden[: len(value)], found.bounds.width[: len(value)]
    published = np.where(hidden, np.nan, value.astype(np.float64))
    return judged(
        "threshold",
        {"k": k},
        value,
        published,
        narrowest=int(min(width[hidden].min(), k - 1)) if hidden.any() else None,
        recovered=int((width[hidden] == 0).sum()),
        membership=membership(published, 0.0),
    )


def _rounded(value: np.ndarray, given: Relations, base: int, membership: Membership) -> Choice:
    rounded = controlled_rounding(value, listed(given), base)
    ends = np.array(
        [rounded_interval(int(one), base, zero_restricted=rounded.zero_restricted) for one in rounded.values]
    )
    narrowest, recovered = _intervals(given, ends[:, 0], ends[:, 1], np.ones(len(value), bool), base - 1)
    published = rounded.values.astype(np.float64)
    return judged(
        "controlled-rounding",
        {"base": base},
        value,
        published,
        narrowest=narrowest,
        recovered=recovered,
        membership=membership(published, (base**2 - 1) / 12),
    )


def _perturbed(
    value: np.ndarray, given: Relations, keys: np.ndarray, noise: tuple[int, float, int], membership: Membership
) -> Choice:
    maximum, variance, never = noise
    table = perturbation_table(maximum, variance, never)
    published = perturb(value, keys, table)
    ends = {int(one): perturbed_interval(int(one), table) for one in np.unique(published)}
    low, high = (np.array([ends[int(one)][end] for one in published]) for end in (0, 1))
    narrowest, recovered = _intervals(given, low, high, np.ones(len(value), bool), maximum)
    return judged(
        "cell-key",
        {"D": maximum, "V": variance, "js": never},
        value,
        published.astype(np.float64),
        narrowest=narrowest,
        recovered=recovered,
        membership=membership(published.astype(np.float64), variance),
    )


def _intervals(
    given: Relations, low: np.ndarray, high: np.ndarray, secret: np.ndarray, enough: int
) -> tuple[int | None, int]:
    """Give the narrowest interval that linear reasoning leaves, and how many cells it leaves but one value."""
    if not secret.any():
        return None, 0
    width = bounds(rows_of(given), low, high, enough=np.full(len(low), enough)).width[secret]
    return int(min(width.min(), enough)), int((width == 0).sum())
