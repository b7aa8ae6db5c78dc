"""Sums beside which some numbers lie within others: residents by one rule who are residents by another too.

What holds for a sum s and its parts, and for a number p within w::

    s = Σ parts,   p ≤ w,   0 ≤ p

The noisy numbers x become the nearest ones that obey, Σ (y − x)² / V least: what adds up and what lies within take
turns (Dykstra's algorithm), which ends at the nearest point of both. Then whole numbers, from the bottom up: what has
no parts is rounded, which keeps p ≤ w since larger numbers are never rounded to smaller ones, and every sum is made
of its parts, so that all sums hold exactly. Pure post-processing: it spends nothing.

Source: R. Dykstra, *An Algorithm for Restricted Least Squares Regression* (1983).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.disclosure.private import sums, unions
from commonweal.disclosure.private.wholes import Wholes

Floats = NDArray[np.float64]


def nearest(noisy: Floats, variances: Floats, wholes: Wholes, within: Wholes) -> Floats:
    """Give the nearest numbers of which sums add up, none is larger than what it lies within, and none is negative.

    Parameters
    ----------
    wholes
        Sums with their parts.
    within
        Numbers with what lies within each.

    Examples
    --------
    Of 10 people, 6 and 4 in two areas, 8 and 1 are said to be so by another rule: 8 of 6 cannot be.

    >>> said, other = Wholes.of([(0, [1, 2])]), Wholes.of([(1, [3]), (2, [4])])
    >>> nearest(np.array([10.0, 6, 4, 8, 1]), np.ones(5), said, other).round(2)
    array([10.4,  6.8,  3.6,  6.8,  1. ])
    """
    return unions.in_turns(noisy, variances, unions.inside(within), adding_up=sums.projection(variances, wholes))


def whole_numbers(values: Floats, wholes: Wholes, within: Wholes) -> NDArray[np.int64]:
    """Give whole numbers near `values` of which sums add up exactly, and none is larger than what it lies within.

    Examples
    --------
    >>> said, other = Wholes.of([(0, [1, 2])]), Wholes.of([(1, [3]), (2, [4])])
    >>> whole_numbers(np.array([10.4, 6.8, 3.6, 6.8, 1.0]), said, other)
    array([11,  7,  4,  7,  1])
    """
    found = unions.raised(np.maximum(np.rint(values), 0).astype(np.int64), _undivided(wholes, within))
    for level in reversed(wholes.levels()):
        found[level.wholes] = np.add.reduceat(found[level.parts], level.first[:-1])
    return found


def refuse_what_may_not_hold(wholes: Wholes, within: Wholes) -> None:
    """See that whatever lies within a sum, or is one, does so part by part, so that it holds whatever comes out.

    Raises
    ------
    InputError
        The sums are no hierarchy; or a number lies within another of which not every part lies within a part.
    """
    sums.refuse_no_hierarchy(wholes)
    own = np.split(wholes.parts, wholes.first[1:-1])
    parts = {whole: members.tolist() for whole, members in zip(wholes.wholes.tolist(), own, strict=False)}
    pairs = list(zip(within.wholes[within.owner].tolist(), within.parts.tolist(), strict=True))
    known = {pair for pair in pairs if not set(pair) & set(parts)}

    def undivided(number: int) -> list[int]:
        return [leaf for part in parts[number] for leaf in undivided(part)] if number in parts else [number]

    for whole, part in pairs:
        left = undivided(whole)
        for leaf in undivided(part):
            held = next((other for other in left if other == leaf or (other, leaf) in known), None)
            if held is None:
                raise InputError(
                    "a sum lies within another of which its parts do not lie within the parts",
                    expected="parts that lie within parts, or unions",
                )
            left.remove(held)


def _undivided(wholes: Wholes, within: Wholes) -> Wholes:
    """Give what lies within what, of numbers that are no sums: that of sums follows from theirs."""
    divided = set(wholes.wholes.tolist())
    pairs = zip(within.wholes[within.owner].tolist(), within.parts.tolist(), strict=True)
    return Wholes.of((whole, [part]) for whole, part in pairs if not {whole, part} & divided)
