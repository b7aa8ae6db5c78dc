"""Homes by rule: subscribers by the area that each named rule of the literature says they live in.

For a rule ρ of `home_rules` and an area a::

    residents(ρ, a) = |{ s : home(ρ, s) = a }|

Every subscriber has at most one home by each rule, so residents add up over areas. Who has none, as the `unlocatable`
of majority, is counted in home_agreement.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window, product
from commonweal.mobility.measures.home_rules import CHOICES, DERIVATION, RULES, Homes


def subscribers(description: str) -> Value:
    """Declare a number of subscribers that adds up over areas, but not over runs."""
    return Value(
        "subscribers", "integer", description, "{subscribers}", Kind.SUM, counts="subscribers", union_over=("start",)
    )


BEGUN = Dimension("start", "timestamp", Wording("When the days that were looked at begin."), hierarchy="period")
RULE = Dimension("rule", "string", Wording("How the home was found."), title=Wording("Rule"))
DATASET = Dataset(
    name="mobility.homes",
    title=Wording("Home areas by rule"),
    description=Wording("Subscribers by the area that each of several rules says they live in."),
    dimensions=(Dimension("area", "area", Wording("The home area."), hierarchy="area"), RULE, BEGUN),
    measures=(subscribers(Wording("Subscribers whose home area it is.")),),
    privacy=Privacy.PEOPLE,
    keywords=("home", "residents", "mobile phone data"),
    theme="SOCI",
)


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who lives where by each rule: found over all days, so all stand on the first."""
    found = Homes.of(rows)
    people = {}
    for number, rule in enumerate(RULES):
        there = found.area[number] >= 0
        whose, area = found.subscriber[there], found.area[number][there].astype(np.int64)
        people[rule] = Members(whose, np.zeros(len(whose), np.int64), area)
    return people


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept, which are all."""
    parts = []
    for number, rule in enumerate(RULES):
        area, people = np.unique(keys[rule], return_counts=True)
        parts.append(keyed_counts({"area": area, "rule": np.full(len(area), number)}, {"people": people}))
    return pa.concat_tables(parts)


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's residents by rule and area."""
    return counted({rule: of.key for rule, of in members(rows, window).items()}, window)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and rules; say from when on days were looked at."""
    return pa.table(
        {
            "area": scope.codes(counts["area"].to_numpy()),
            "rule": pa.array(RULES).take(counts["rule"].combine_chunks()),
            "start": scope.times(np.full(counts.num_rows, scope.days[0])),
            "subscribers": counts["people"],
            "people": counts["people"],
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every area by every rule."""
    areas, rules = pa.array(scope.areas, pa.string()), pa.array(RULES)
    return product(area=areas, rule=rules, start=scope.times(scope.days[:1]))


PROTECTION = Protection(
    title=Wording("Home areas by rule, with noise"),
    description=Wording(
        "Subscribers by the area that each of several rules says they live in, with noise that hides any one of them."
    ),
    keys={rule: dict.fromkeys(Unit, 1) for rule in RULES},
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
