"""Agreement of home rules: of how many subscribers two rules say the same.

For rules ρ ≤ σ of `home_rules`::

    same(ρ, σ)        = |{ s : home(ρ, s) = home(σ, s), both found }|
    different(ρ, σ)   = |{ s : home(ρ, s) ≠ home(σ, s), both found }|
    only first, only second, neither: by which of the two a home was found

The agreement rate is same / (same + different). Paired with itself, a rule's ``same`` is for how many it finds a home,
``neither`` for how many it does not: the unlocatable. What cannot be by definition is no row: last-of-day and
night-22-07 find everybody's home, and majority never differs from last-of-day.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Privacy
from commonweal.core.engine import keyed_counts
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures.home_rules import CHOICES, DERIVATION, LAST, LATE, MAJORITY, RULES, Homes
from commonweal.mobility.measures.homes import BEGUN, subscribers

OUTCOMES = ("same", "different", "only first", "only second", "neither")
SAME, DIFFERENT, FIRST, SECOND, NEITHER = range(len(OUTCOMES))
EVERYBODY = (LAST, LATE)
"""Rules that find a home for everybody."""

DATASET = Dataset(
    name="mobility.home_agreement",
    title=Wording("Agreement of home rules"),
    description=Wording("For how many subscribers two rules find the same home area."),
    dimensions=(
        Dimension("rule", "string", Wording("The first rule."), title=Wording("First rule")),
        Dimension("other", "string", Wording("The second rule."), title=Wording("Second rule")),
        Dimension("outcome", "string", Wording("Whether both find a home, and the same."), title=Wording("Outcome")),
        BEGUN,
    ),
    measures=(subscribers(Wording("Subscribers of whom this holds.")),),
    privacy=Privacy.PEOPLE,
    keywords=("home", "quality", "mobile phone data"),
    theme="SOCI",
)


def outcomes(rule: int, other: int) -> list[int]:
    """Give what can be of two rules.

    >>> [OUTCOMES[outcome] for outcome in outcomes(LAST, MAJORITY)]
    ['same', 'only first']
    """
    found = [SAME]
    if rule != other and (rule, other) != (LAST, MAJORITY):
        found.append(DIFFERENT)
    if rule != other and other not in EVERYBODY:
        found.append(FIRST)
    if rule != other and rule not in EVERYBODY:
        found.append(SECOND)
    if not {rule, other} & set(EVERYBODY):
        found.append(NEITHER)
    return found


CELLS = [
    (rule, other, outcome)
    for rule in range(len(RULES))
    for other in range(rule, len(RULES))
    for outcome in outcomes(rule, other)
]


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say of whom which outcomes hold: found over all days, so all stand on the first."""
    homes_by_rule = Homes.of(rows)
    area, whose = homes_by_rule.area, homes_by_rule.subscriber
    found = area >= 0
    people, keys = [], []
    for number, (rule, other, outcome) in enumerate(CELLS):
        both = found[rule] & found[other]
        chosen = (
            both & (area[rule] == area[other]),
            both & (area[rule] != area[other]),
            found[rule] & ~found[other],
            ~found[rule] & found[other],
            ~found[rule] & ~found[other],
        )[outcome]
        people.append(whose[chosen])
        keys.append(np.full(len(people[-1]), number))
    subscriber, key = np.concatenate(people), np.concatenate(keys)
    order = np.argsort(subscriber, kind="stable")
    return {"": Members(subscriber[order], np.zeros(len(order), np.int64), key[order])}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the outcomes that were kept; those that hold of nobody are told of too."""
    named = dict(zip(("rule", "other", "outcome"), np.array(CELLS).T, strict=True))
    return keyed_counts(named, {"people": np.bincount(keys[""], minlength=len(CELLS))})


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's subscribers by pair of rules and outcome."""
    return counted({"": members(rows, window)[""].key}, window)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name rules and outcomes."""
    return grid(counts, scope).append_column("subscribers", counts["people"]).append_column("people", counts["people"])


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of rules with all that can be of it."""
    rule, other, outcome = np.array(CELLS).T
    return pa.table(
        {
            "rule": pa.array(RULES).take(pa.array(rule)),
            "other": pa.array(RULES).take(pa.array(other)),
            "outcome": pa.array(OUTCOMES).take(pa.array(outcome)),
            "start": scope.times(np.full(len(CELLS), scope.days[0])),
        }
    )


PAIRS = len(RULES) * (len(RULES) + 1) // 2
"""Of each pair of rules one outcome holds, at most."""
PROTECTION = Protection(
    title=Wording("Agreement of home rules, with noise"),
    description=Wording(
        "For how many subscribers two rules find the same home area, with noise that hides any one of them."
    ),
    keys={"": dict.fromkeys(Unit, PAIRS)},
    members=members,
    counted=counted,
    whole_run=True,
)
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=DERIVATION, window="run", usual=False, choices=CHOICES)
