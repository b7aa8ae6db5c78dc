"""How the cells of homes by rule, of their agreement, of commuting and of changed homes hang together.

homes             an area and its parts: a sum        last-of-day: the same as home
                  all areas of a rule: a sum, which is for how many it finds a home (agreement with itself)
                  majority: within last-of-day
home_agreement    what is said of a pair with a home by one of its rules: a sum, for how many that finds one
                  what is said without one: a sum, for how many it finds none
                  both of these of a rule: a sum, which is everybody, as is whom last-of-day and night-22-07 find
home_confidence   all shares of a rule: a sum, for how many it finds a home; above one half by last-of-day: majority's
commuting         pairs of areas and of their parts: a sum              who lives in an area: within its homes
home_change       pairs of areas and of their parts: a sum
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from commonweal.core.areas import Areas
from commonweal.disclosure import Keys, Kind, Relations
from commonweal.mobility.hanging_flows import ENDS, chosen, inside, larger
from commonweal.mobility.measures.home_agreement import EVERYBODY, OUTCOMES
from commonweal.mobility.measures.home_confidence import BINS
from commonweal.mobility.measures.home_rules import LAST, MAJORITY, RULES


def home_kinds(areas: Areas, keys: Mapping[str, Keys]) -> list[Relations]:
    """Say which cells of these datasets are parts of which."""
    found = []
    home, homes, agreement, confidence, commuting, change = (
        keys.get(f"mobility.{name}")
        for name in ("home", "homes", "home_agreement", "home_confidence", "commuting", "home_change")
    )
    for pairs in (commuting, change):
        if pairs:
            found.append(larger(areas, pairs, Kind.SUM, ENDS))
    if homes:
        found.append(larger(areas, homes, Kind.SUM, ("area",)))
        found.append(inside(Kind.WITHIN, homes, homes, chosen(homes, "rule", RULES[MAJORITY]), rule=RULES[LAST]))
        if home:
            found.append(inside(Kind.SUM, home, homes, chosen(homes, "rule", RULES[LAST])))
    if agreement:
        found += _agreeing(agreement)
        if homes:
            found += [_found(agreement, homes, rule, _outermost(areas, homes, rule)) for rule in RULES]
        if confidence:
            found += [_found(agreement, confidence, rule, chosen(confidence, "rule", rule)) for rule in RULES]
            last = chosen(confidence, "rule", RULES[LAST])
            above = last[np.isin(np.array(confidence.table["share"].to_pylist(), object)[last], BINS[2:])]
            found.append(_found(agreement, confidence, RULES[MAJORITY], above))
    if commuting:
        lived = commuting.table["origin"]
        if home:
            found.append(inside(Kind.WITHIN, home, commuting, area=lived))
        if homes:
            found.append(inside(Kind.WITHIN, homes, commuting, area=lived, rule=RULES[LAST]))
    return found


def _outermost(areas: Areas, homes: Keys, rule: str) -> np.ndarray:
    """Give the homes of a rule in areas that lie in no other of the run: together they are all homes."""
    codes = set(areas.codes)
    top = {code for code, above in zip(areas.codes, areas.parents, strict=True) if above not in codes}
    rows = chosen(homes, "rule", rule)
    within = np.isin(np.array(homes.table["area"].to_pylist(), object)[rows], list(top))
    return rows[within]


def _found(agreement: Keys, parts: Keys, rule: str, of: np.ndarray) -> Relations:
    """All of these together are for how many a rule finds a home."""
    return inside(Kind.SUM, agreement, parts, of, rule=rule, other=rule, outcome="same")


def _agreeing(agreement: Keys) -> list[Relations]:
    same, different, first, second, neither = OUTCOMES
    rule, other, outcome = (
        np.array(agreement.table[name].to_pylist(), object) for name in ("rule", "other", "outcome")
    )
    found = []
    # Pair by pair, since the parts of one whole are gathered into one relation.
    for one, two in combinations(RULES, 2):
        pair = (rule == one) & (other == two)
        for named, own, without in ((one, first, second), (two, second, first)):
            for whole, parts in ((same, (same, different, own)), (neither, (without, neither))):
                of = np.flatnonzero(pair & np.isin(outcome, parts))
                found.append(inside(Kind.SUM, agreement, agreement, of, rule=named, other=named, outcome=whole))
    everybody = RULES[EVERYBODY[0]]
    for each in RULES:
        if each != everybody:
            of = np.flatnonzero((rule == each) & (other == each))
            found.append(inside(Kind.SUM, agreement, agreement, of, rule=everybody, other=everybody, outcome=same))
    return found
