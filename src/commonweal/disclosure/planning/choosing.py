"""Comparing all rules that may come into question, and how useful noise leaves the tables for each ε."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from commonweal.core.errors import InputError, Refused
from commonweal.core.wording import Wording
from commonweal.disclosure.planning.basis import Basis, Noised, Progress
from commonweal.disclosure.planning.comparing import RULES, Choice, compare, judged

SMALL_NOISE = (5, 3.0, 2)
"""Largest noise, variance, and up to which count nothing is published."""


@dataclass(frozen=True)
class Rules:
    """With what the rules are compared.

    Parameters
    ----------
    thresholds
        Each *k*, naively and jointly.
    bases
        Of controlled rounding.
    epsilons
        Of differential privacy, each for all tables together.

    Examples
    --------
    >>> Rules.parse(Rules((15,)).record()) == Rules((15,))
    True
    """

    thresholds: tuple[int, ...] = (5, 10, 15, 30)
    bases: tuple[int, ...] = (5, 15)
    epsilons: tuple[float, ...] = (0.1, 0.5, 1.0, 2.0, 5.0)

    def __post_init__(self) -> None:
        wrong: list[tuple[Sequence[float], float, str, Any]] = [
            (self.thresholds, 2, "k", Wording("a whole number from 2 on")),
            (self.bases, 2, "base", Wording("a whole number from 2 on")),
            (self.epsilons, 1e-6, "epsilon", Wording("a number above 0, such as 1")),
        ]
        for values, least, where, expected in wrong:
            for value in values:
                if not least <= value < 1e6:
                    raise InputError(Wording("%(value)s is no choice", value=value), where=where, expected=expected)

    def record(self) -> dict[str, Any]:
        """Return them as JSON values; `parse` is its inverse."""
        return {name: list(values) for name, values in vars(self).items()}

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Rules:
        """Return what `record` wrote; what is missing or empty is as it is by default."""
        return cls(**{name: tuple(values) for name, values in record.items() if values})


@dataclass(frozen=True)
class Compared:
    """What came of it.

    Parameters
    ----------
    choices
        What each rule would make of the tables.
    curve
        For each ε: the median error and the one that nine in ten cells keep below, over cells with enough people, None
        if there is no such cell; and how many there are.
    left_out
        Which rules could not be applied, and why.
    """

    choices: list[Choice]
    curve: list[dict[str, Any]]
    left_out: list[str]


def compared(basis: Basis, rules: Rules, progress: Progress = lambda done, total, what: None) -> Compared:
    """Apply each rule to the cells, and judge it.

    Examples
    --------
    >>> from datetime import date
    >>> from commonweal.disclosure.linear.relations import Kind, relations
    >>> days = date(2026, 3, 1), date(2026, 3, 2)
    >>> basis = Basis(*days, np.array([20, 3, 17]), relations([(0, [1, 2], Kind.SUM)]))
    >>> [(choice.rule, choice.recovered) for choice in compared(basis, Rules((15,), (5,))).choices]
    [('naive', 1), ('threshold', 0), ('controlled-rounding', 0)]
    """
    steps = _steps(basis, rules)
    choices, curve, left_out = list[Choice](), list[dict[str, Any]](), list[str]()
    for done, (what, step) in enumerate(steps):
        progress(done, len(steps), what)
        try:
            choices += step()
        except Refused as error:  # a rule that cannot be applied to these tables is no reason not to see the others
            left_out.append(f"{what}: {error}")
    if basis.noised is not None:
        least = min(rules.thresholds)
        for done, epsilon in enumerate(rules.epsilons):
            progress(done, len(rules.epsilons), f"noise of ε = {epsilon:g}")
            drawn = basis.noised(epsilon)
            choices.append(_private(basis, epsilon, drawn))
            curve.append(utility(basis.value, drawn.published, epsilon, at_least=least))
    order = list(RULES)
    choices = [choice.judged_by(basis.least) for choice in choices]
    return Compared(sorted(choices, key=lambda choice: order.index(choice.rule)), curve, left_out)


def utility(value: np.ndarray, published: np.ndarray, epsilon: float, *, at_least: int) -> dict[str, Any]:
    """Give a point of the curve: |published − counted| / counted over cells of so many people.

    Examples
    --------
    >>> point = utility(np.array([3, 20, 40]), np.array([9.0, 22.0, 38.0]), 1.0, at_least=15)
    >>> round(point["error"], 3), round(point["worst"], 3), point["cells"]
    (0.075, 0.095, 2)
    """
    large = value >= at_least
    error = np.abs(np.nan_to_num(published[large]) - value[large]) / value[large]
    middle, worst = (float(np.quantile(error, q)) if len(error) else None for q in (0.5, 0.9))
    return {"epsilon": epsilon, "error": middle, "worst": worst, "cells": int(large.sum())}


def _steps(basis: Basis, rules: Rules) -> list[tuple[str, Callable[[], list[Choice]]]]:
    def step(**chosen: Any) -> Callable[[], list[Choice]]:
        none: dict[str, Any] = {"thresholds": (), "bases": (), "noises": (), "membership": basis.membership}
        return lambda: compare(basis.value, basis.given, **none | chosen)

    steps = [(f"k = {k}", step(thresholds=(k,))) for k in rules.thresholds]
    steps += [(f"rounding to {base}", step(bases=(base,))) for base in rules.bases]
    if basis.keys is not None:
        steps.append(("cell keys", step(noises=[_noise(basis.least)], keys=basis.keys)))
    return steps


def _noise(least: int) -> tuple[int, float, int]:
    """Noise by cell key that never tells of fewer people than so many.

    >>> _noise(15), _noise(2)
    ((30, 80.0, 14), (5, 3.0, 2))
    """
    never = least - 1
    return SMALL_NOISE if never <= SMALL_NOISE[2] else (2 * least, 80 * (least / 15) ** 2, never)


def _private(basis: Basis, epsilon: float, drawn: Noised) -> Choice:
    return judged(
        "private",
        {"epsilon": epsilon},
        basis.value,
        drawn.published,
        membership=basis.membership(drawn.published, drawn.variance),
        spent={"unit": drawn.unit, "rho": drawn.rho},
    )
