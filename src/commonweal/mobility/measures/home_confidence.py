"""Confidence of homes: what share of a rule's evidence speaks for the home that it finds.

For a rule ρ of `home_rules`, with the evidence w(ρ, s, a)::

    confidence(ρ, s) = w(ρ, s, home(ρ, s)) / Σ w(ρ, s, a)
    people(ρ, bin)   = |{ s : confidence(ρ, s) in bin }|

of days, half-hours or events; by nights, of the nights on which the subscriber was seen anywhere. Majority has the
confidences of last-of-day above one half, so it is not told again.
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
from commonweal.mobility.measure import Measure, Scope, Window, product
from commonweal.mobility.measures.home_rules import CHOICES, DERIVATION, MAJORITY, RULES, Homes
from commonweal.mobility.measures.homes import BEGUN, RULE, subscribers

BINS = ("at most 25 %", "at most 50 %", "at most 75 %", "below 100 %", "100 %")

DATASET = Dataset(
    name="mobility.home_confidence",
    title=Wording("Confidence of homes"),
    description=Wording("Subscribers by how much of what a rule looks at speaks for the home area that it finds."),
    dimensions=(
        RULE,
        Dimension("share", "string", Wording("The share that speaks for the home."), title=Wording("Share")),
        BEGUN,
    ),
    measures=(subscribers(Wording("Subscribers with this share.")),),
    privacy=Privacy.PEOPLE,
    keywords=("home", "quality", "mobile phone data"),
    theme="SOCI",
)


def bins(weight: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Give the bin of each share of whole numbers, exactly.

    >>> [BINS[number] for number in bins(np.array([1, 1, 2, 9, 3]), np.array([4, 2, 3, 10, 3]))]
    ['at most 25 %', 'at most 50 %', 'at most 75 %', 'below 100 %', '100 %']
    """
    return (4 * weight > total).astype(int) + (2 * weight > total) + (4 * weight > 3 * total) + (weight >= total)


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say how much speaks for whose home by each rule: found over all days, so all stand on the first."""
    found = Homes.of(rows)
    people = {}
    for number in range(MAJORITY):
        there = found.area[number] >= 0
        share = bins(found.weight[number][there], found.total[number][there])
        people[RULES[number]] = Members(found.subscriber[there], np.zeros(len(share), np.int64), share)
    return people


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept, which are all; shares that nobody has are told of too."""
    people = [np.bincount(keys[rule], minlength=len(BINS)) for rule in RULES[:MAJORITY]]
    rule, share = np.divmod(np.arange(MAJORITY * len(BINS)), len(BINS))
    return keyed_counts({"rule": rule, "share": share}, {"people": np.concatenate(people)})


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's subscribers by rule and share."""
    return counted({rule: of.key for rule, of in members(rows, window).items()}, window)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name rules and shares."""
    return pa.table(
        {
            "rule": pa.array(RULES).take(counts["rule"].combine_chunks()),
            "share": pa.array(BINS).take(counts["share"].combine_chunks()),
            "start": scope.times(np.full(counts.num_rows, scope.days[0])),
            "subscribers": counts["people"],
            "people": counts["people"],
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every share by every rule."""
    return product(rule=pa.array(RULES[:MAJORITY]), share=pa.array(BINS), start=scope.times(scope.days[:1]))


PROTECTION = Protection(
    title=Wording("Confidence of homes, with noise"),
    description=Wording(
        "Subscribers by how much of what a rule looks at speaks for the home area that it finds, with noise that "
        "hides any one of them."
    ),
    keys={rule: dict.fromkeys(Unit, 1) for rule in RULES[:MAJORITY]},
    members=members,
    counted=counted,
    level="rule",
    whole_run=True,
)
MEASURE = Measure(
    DATASET,
    count,
    finish,
    grid,
    PROTECTION,
    of=DERIVATION,
    window="run",
    beside=("home_agreement",),
    usual=False,
    choices=CHOICES,
)
