"""Unions made consistent after noise: a whole is no smaller than its largest part and no larger than all together.

Distinct people over hours, days or areas do not add up; what holds for a whole w and its parts is::

    max pᵢ ≤ w ≤ Σ pᵢ,   0 ≤ pᵢ

Where the parts lie within the whole, but others may be in it too, only the first of these holds.

The noisy numbers x become the nearest ones that obey, Σ (y − x)² / V least, and then whole numbers. Relations that
share no number are solved at once in closed form; the others take turns (Dykstra's algorithm), which ends at the
nearest point of all of them. Pure post-processing: it spends nothing.

Source: R. Dykstra, *An Algorithm for Restricted Least Squares Regression* (1983).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from commonweal.disclosure.private.wholes import Wholes

ROUNDS = 1000
NEAR_ENOUGH = 0.001
"""People by which a round still moves a number; whole numbers come out, and rounds may move it a hundred times more."""

NONE = Wholes.of([])
Floats = NDArray[np.float64]


Onto = Callable[[Floats, Floats], Floats]
"""Gives, of numbers and variances, the nearest ones that obey relations that share no number."""


def nearest(noisy: Floats, variances: Floats, wholes: Wholes, within: Wholes = NONE) -> Floats:
    """Give the nearest numbers that obey every relation and are not negative.

    Parameters
    ----------
    wholes
        Unions with their parts.
    within
        Numbers with what lies within each: it is no larger, and need not make it up with others.

    Examples
    --------
    A day of 20 whose hours have 30 and 5: the two that disagree meet.

    >>> nearest(np.array([20.0, 30.0, 5.0]), np.ones(3), Wholes.of([(0, [1, 2])]))
    array([25., 25.,  5.])
    """
    united = [partial(_onto, batch=batch, covered=True) for batch in wholes.batches()]
    return in_turns(noisy, variances, [*united, *inside(within)])


def inside(within: Wholes) -> list[Onto]:
    """Give the projections onto what lies within what."""
    return [partial(_onto, batch=batch, covered=False) for batch in within.batches()]


def in_turns(
    noisy: Floats, variances: Floats, each: Sequence[Onto], adding_up: Callable[[Floats], Floats] | None = None
) -> Floats:
    """Give the nearest numbers that obey several sets of relations, by Dykstra's algorithm.

    Parameters
    ----------
    each
        Projections onto one set each.
    adding_up
        The projection onto what adds up, if anything does; it is a plane, so it takes nothing back.
    """
    found = noisy.astype(float) if each else np.maximum(noisy.astype(float), 0)
    kept = [np.zeros_like(found) for _ in each]
    for _ in range(ROUNDS if len(each) > 1 or adding_up else len(each)):
        before = found
        found = adding_up(found) if adding_up else found
        for number, onto in enumerate(each):
            moved = found + kept[number]
            found = onto(moved, variances)
            kept[number] = moved - found
        if np.abs(found - before).max(initial=0) < NEAR_ENOUGH:
            break
    return np.maximum(found, 0)


def whole_numbers(values: Floats, wholes: Wholes, within: Wholes = NONE) -> NDArray[np.int64]:
    """Give whole numbers near `values` that obey every relation exactly.

    Where rounding breaks a relation, numbers are raised, never above the largest there is, until none is broken.

    Examples
    --------
    >>> whole_numbers(np.array([2.6, 1.4, 1.3]), Wholes.of([(0, [1, 2])]))
    array([3, 2, 1])
    """
    found = np.maximum(np.rint(values), 0).astype(np.int64)
    while True:
        before = found.copy()
        found = raised(raised(found, wholes), within)
        lacking = found[wholes.wholes] - wholes.summed(found)
        # The largest part has the most room in proportion; it stays below the whole, since the others are not negative.
        for number in np.flatnonzero(lacking > 0).tolist():
            own = wholes.parts[wholes.first[number] : wholes.first[number + 1]]
            missing = found[wholes.wholes[number]] - found[own].sum()
            if missing > 0:
                found[own[np.argmax(found[own])]] += missing
        if np.array_equal(found, before):
            return found


def raised(found: NDArray[np.int64], wholes: Wholes) -> NDArray[np.int64]:
    """Raise wholes to their largest parts, as often as that makes others too small."""
    while len(wholes):
        largest = np.maximum.reduceat(found[wholes.parts], wholes.first[:-1])
        low = found[wholes.wholes] < largest
        if not low.any():
            break
        found = found.copy()
        np.maximum.at(found, wholes.wholes[low], largest[low])
    return found


def _onto(values: Floats, variances: Floats, batch: Wholes, covered: bool) -> Floats:
    """Project onto relations that share no number; w ≤ Σ p holds only of what is covered by its parts.

    First without w ≤ Σ p: then w is the mean of x(w) and of the parts above it, the largest of the means that can be
    made by taking in the parts from the largest on. Where that exceeds Σ p, w = Σ p holds in the nearest point, so that
    all parts rise and the whole falls in proportion to their variances until they meet.
    """
    found = np.maximum(values, 0)
    x, v = values[batch.parts], variances[batch.parts]
    whole, own = values[batch.wholes], variances[batch.wholes]

    order = np.lexsort((-x, batch.owner))
    weight = batch.running(1 / v[order])
    means = (whole[batch.owner] / own[batch.owner] + batch.running((x / v)[order])) / (1 / own[batch.owner] + weight)
    top = np.maximum(np.maximum(whole, np.maximum.reduceat(means, batch.first[:-1])), 0)
    parts = np.clip(x, 0, top[batch.owner])

    over = top > np.add.reduceat(parts, batch.first[:-1])
    if covered and over.any():
        order = np.lexsort((-x / v, batch.owner))
        each = (whole[batch.owner] - batch.running(x[order])) / (own[batch.owner] + batch.running(v[order]))
        rise = np.minimum(whole / own, np.minimum.reduceat(each, batch.first[:-1]))
        met = np.maximum(x + rise[batch.owner] * v, 0)
        parts = np.where(over[batch.owner], met, parts)
        top = np.where(over, np.add.reduceat(parts, batch.first[:-1]), top)
    found[batch.parts] = parts
    found[batch.wholes] = top
    return found
