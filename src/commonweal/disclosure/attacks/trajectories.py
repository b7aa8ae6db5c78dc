"""Trajectory recovery: can the ways of single people be put together from counts of each hour?

An adversary who sees nothing but counts by area and period places as many people in each area as are counted, and links
the people of one period to those of the next so that all together they move the least. Links of all periods are ways.
They are compared with the true ways of the same people, matched so that most points agree::

    recovered = Σ points that agree / Σ points of true ways

*Chance* is the same with links drawn at random: what the counts give away without any link.

Matching costs the cube of the number of people: give the counts of a sample of them, with the cells hidden that the
release hides. It is a finding on so many people.

Source: F. Xu, Z. Tu, Y. Li, P. Zhang, X. Fu, D. Jin, *Trajectory Recovery From Ash: User Privacy Is NOT Preserved in
Aggregated Mobility Data*, WWW 2017, 1241-1250: its steps for nights (people stay) and days (people keep on as they
were going).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from commonweal.core.wording import Wording

NOWHERE = -1


@dataclass(frozen=True)
class Trajectories:
    """How much of people's ways was recovered.

    Parameters
    ----------
    recovered
        Share of the points of true ways that the recovered ones have.
    chance
        The same with links drawn at random.
    people, periods
        How many people were tried, over how many periods.
    """

    recovered: float
    chance: float
    people: int
    periods: int

    @property
    def dangerous(self) -> bool:
        """Whether the release must not leave: this attack warns, it does not refuse."""
        return False

    @property
    def said(self) -> str:
        """What was found, in plain words."""
        shares = {
            "people": self.people,
            "recovered": f"{100 * self.recovered:.0f}",
            "chance": f"{100 * self.chance:.0f}",
        }
        if self.recovered - self.chance > 0.1:
            return Wording(
                "Among %(people)s people, linking the counts of one period to the next puts together %(recovered)s out "
                "of 100 points of their ways; linking them at random, %(chance)s.",
                **shares,
            )
        return Wording(
            "Even among %(people)s people, linking the counts of one period to the next puts together hardly more of "
            "their ways than chance does: %(recovered)s out of 100 points, by chance %(chance)s.",
            **shares,
        )


def trajectories(
    published: np.ndarray,
    truth: np.ndarray,
    coordinates: np.ndarray,
    *,
    still: np.ndarray | None = None,
    seed: int = 0,
) -> Trajectories:
    """Recover ways from counts, and compare them with the true ones.

    Parameters
    ----------
    published
        People by period and area, NaN where hidden, shape (periods, areas).
    truth
        The area each person was in at each period, or -1, int64, shape (people, periods).
    coordinates
        Where areas are, in any unit of length, float64, shape (areas, 2).
    still
        For each period but the first whether people are taken to have stayed; otherwise to have kept on as they were
        going. Without it they are always taken to have stayed.
    seed
        For the random links.

    Examples
    --------
    Two people, each in a place of their own all day: the counts tell the whole way.

    >>> truth = np.array([[0, 0, 0], [1, 1, 1]])
    >>> counts = np.ones((3, 2))
    >>> found = trajectories(counts, truth, np.array([[0.0, 0], [9, 0]]))
    >>> found.recovered
    1.0
    """
    generator = np.random.default_rng(seed)
    slots = _slots(published)
    kept = still if still is not None else np.ones(len(slots), bool)
    linked = _link(slots, lambda ways, period: _least_movement(ways, slots[period], coordinates, bool(kept[period])))
    random = _link(slots, lambda ways, period: generator.permutation(len(slots[period])))
    return Trajectories(_agreement(linked, truth), _agreement(random, truth), *truth.shape)


def _slots(published: np.ndarray) -> list[np.ndarray]:
    """Give, for each period, an area for each person counted; equally many in every period, some of them nowhere."""
    counts = np.rint(np.nan_to_num(published, nan=0.0)).clip(min=0).astype(np.int64)
    most = int(counts.sum(axis=1).max(initial=0))
    areas = np.arange(counts.shape[1])
    each = [np.repeat(areas, row) for row in counts]
    return [np.concatenate([found, np.full(most - len(found), NOWHERE)]) for found in each]


def _link(slots: list[np.ndarray], choose: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """Put ways together, shape (people, periods): at each period, each way goes on to the slot chosen for it."""
    ways = np.empty((len(slots[0]), len(slots)), np.int64)
    ways[:, 0] = slots[0]
    for period in range(1, len(slots)):
        ways[:, period] = slots[period][choose(ways[:, :period], period)]
    return ways


def _least_movement(ways: np.ndarray, areas: np.ndarray, coordinates: np.ndarray, stayed: bool) -> np.ndarray:
    """Choose the slot of each way so that all together are the least away from where they are expected."""
    from scipy.optimize import linear_sum_assignment

    last, before = _last_two(ways)
    expected = coordinates[np.maximum(last, 0)]
    if not stayed:
        going = (last != NOWHERE) & (before != NOWHERE)
        expected = expected + np.where(going[:, None], expected - coordinates[np.maximum(before, 0)], 0.0)
    away = np.linalg.norm(expected[:, None, :] - coordinates[np.maximum(areas, 0)][None, :, :], axis=2)
    # Nobody is known to have come from nowhere or to have gone there, so it costs as much as any move.
    unknown = (last == NOWHERE)[:, None] | (areas == NOWHERE)[None, :]
    away[unknown] = away.max(initial=0.0)
    away[(ways[:, -1] == NOWHERE)[:, None] & (areas == NOWHERE)[None, :]] = 0.0
    return np.asarray(linear_sum_assignment(away)[1])


def _last_two(ways: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the last known area of each way, and the one a period before it."""
    last = np.full(len(ways), NOWHERE)
    before = np.full(len(ways), NOWHERE)
    for period in range(ways.shape[1]):
        there = ways[:, period] != NOWHERE
        before = np.where(there, ways[:, period - 1] if period else NOWHERE, before)
        last = np.where(there, ways[:, period], last)
    return last, before


def _agreement(ways: np.ndarray, truth: np.ndarray) -> float:
    """Match recovered ways with true ones so that most points agree; give the share of true points that do."""
    from scipy.optimize import linear_sum_assignment

    known = int((truth != NOWHERE).sum())
    if not known or not len(ways):
        return 0.0
    same = np.zeros((len(truth), len(ways)), np.int32)
    for period in range(truth.shape[1]):
        here = truth[:, period]
        same += (here[:, None] == ways[:, period][None, :]) & (here != NOWHERE)[:, None]
    rows, columns = linear_sum_assignment(same, maximize=True)
    return float(same[rows, columns].sum() / known)
