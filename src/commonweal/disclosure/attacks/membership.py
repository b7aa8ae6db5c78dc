"""Membership inference: can someone who knows where a person was tell from the counts whether the person is in them?

The adversary knows a person's points, the cells that the person would be counted in, and from other people, the
*reference*, how frequent each cell is. For every cell of the person two explanations of the published count y are
compared: with the person in it, 1 + X, and without, X, where X is the count of the other n people, with mean λ = n · p
and p the cell's frequency in the reference::

    score(person) = Σ over its cells  log P(y | with) − log P(y | without)
      exact counts          log(y / λ)                                       X Poisson
      noise of variance s²  ((y − λ)² − (y − 1 − λ)²) / (2 (λ + s²))          X nearly normal
      hidden below k        log( P(X ≤ k − 2) / P(X ≤ k − 1) )               X Poisson

Cells that say nothing of the person are left out, since they are the same for everybody. The score is that of the most
powerful test of the two explanations, were cells independent. People who are in the release and people who are not are
told apart by it; how well is the finding.

Sources: A. Pyrgelis, C. Troncoso, E. De Cristofaro, *Knock Knock, Who's There? Membership Inference on Aggregate
Location Data*, NDSS 2018, for the game and its measure; N. Homer et al., PLoS Genetics 4 (2008), e1000167, and S.
Sankararaman et al., *Genomic privacy and limits of individual detection in a pool*, Nature Genetics 41 (2009), 965-967,
for the likelihood ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.disclosure.attacks.telling_apart import area_under_curve
from commonweal.disclosure.pairs import pairs_in_order

FAR = 30.0
"""What one cell says at most: an exact count of 0 rules a person out, but records may miss somebody."""


@dataclass(frozen=True, eq=False)
class Contributions:
    """The cells that each person counts in.

    Parameters
    ----------
    first
        Person p has the cells cell[first[p]] … cell[first[p + 1] − 1], int64, shape (people + 1,).
    cell
        Each cell of a person once, int64.
    """

    first: np.ndarray
    cell: np.ndarray

    def __len__(self) -> int:
        return len(self.first) - 1

    def counts(self, cells: int) -> np.ndarray:
        """Give how many of these people each cell has."""
        return np.bincount(self.cell, minlength=cells)

    def sums(self, weight: np.ndarray) -> np.ndarray:
        """Give each person's sum of a weight over its cells."""
        whole = np.concatenate([[0.0], np.cumsum(weight[self.cell])])
        return whole[self.first[1:]] - whole[self.first[:-1]]

    def of(self, chosen: np.ndarray) -> Contributions:
        """Give the contributions of some of these people, by a mask."""
        sizes = np.diff(self.first)
        return Contributions(
            np.concatenate([[0], np.cumsum(sizes[chosen])]).astype(np.int64), self.cell[np.repeat(chosen, sizes)]
        )


def contributions(person: np.ndarray, cell: np.ndarray, people: int) -> Contributions:
    """Gather pairs of a person, 0 … people − 1, and a cell; equal pairs count once.

    Examples
    --------
    >>> found = contributions(np.array([1, 0, 1, 1]), np.array([5, 2, 3, 5]), 3)
    >>> found.first, found.cell
    (array([0, 1, 3, 3]), array([2, 3, 5]))
    """
    person, cell = pairs_in_order(person, cell)
    return Contributions(np.searchsorted(person, np.arange(people + 1)).astype(np.int64), cell)


@dataclass(frozen=True)
class Membership:
    """How well members are told from others.

    Parameters
    ----------
    auc
        Area under the ROC curve; 0.5 is guessing.
    standard_error
        Of the AUC, by DeLong.
    members, others
        How many people in the release and not in it were tried.
    people
        How many people the release counts.
    """

    auc: float
    standard_error: float
    members: int
    others: int
    people: int

    @property
    def dangerous(self) -> bool:
        """Whether the release must not leave: this attack warns, it does not refuse."""
        return False

    @property
    def learned(self) -> bool:
        """Whether the AUC is above 0.5 by more than chance and by more than a tenth."""
        return self.auc > 0.6 and self.auc - 2 * self.standard_error > 0.5

    @property
    def said(self) -> str:
        """What was found, in plain words."""
        right = f"{100 * max(self.auc, 0.5):.0f}"
        if self.learned:
            return Wording(
                "Someone who knows exactly where two people were, one of whom is counted here and one is not, picks "
                "the right one %(right)s times out of 100; by guessing it would be 50.",
                right=right,
            )
        return Wording(
            "Someone who knows exactly where a person was learns next to nothing from these numbers on whether the "
            "person is counted in them: of two people the right one is picked %(right)s times out of 100, by guessing "
            "50.",
            right=right,
        )


def membership(
    published: np.ndarray,
    *,
    people: int,
    members: Contributions,
    others: Contributions,
    reference: Contributions,
    noise_variance: float = 0.0,
    threshold: int | None = None,
) -> Membership:
    """Attack a release with what is known of people in it and of people left out of it.

    Parameters
    ----------
    published
        Values as they are published, NaN where hidden, shape (cells,).
    people
        n, how many people the release counts.
    members
        Of people in the release.
    others
        Of people of the same kind who are not in it.
    reference
        Of further people, who are none of both: what the adversary knows of how frequent cells are.
    noise_variance
        s², if values are noised or rounded: V for the cell-key method, b²/6 for rounding to a base b with a random
        start, the variance of the noise of differential privacy.
    threshold
        k, if NaN means that fewer than k people were counted; None if hidden cells say nothing.

    Raises
    ------
    InputError
        If there are fewer than two members, others, or people of reference.
    """
    published = np.asarray(published, np.float64)
    if len(reference) < 2:
        raise InputError("there are too few people to compare with", expected="at least two people of reference")
    # One half of a person is added to each cell: nobody of the reference in it does not mean that nobody is.
    mean = people * (reference.counts(len(published)) + 0.5) / (len(reference) + 1)
    weight = _weights(published, mean, noise_variance, threshold)
    told, other = (group.sums(weight)[np.diff(group.first) > 0] for group in (members, others))
    auc, error = area_under_curve(told, other)
    return Membership(auc, error, len(told), len(other), people)


def _weights(published: np.ndarray, mean: np.ndarray, noise_variance: float, threshold: int | None) -> np.ndarray:
    """Give what each cell says for somebody who would be counted in it."""
    from scipy.special import pdtr

    if noise_variance > 0:
        weight = ((published - mean) ** 2 - (published - 1 - mean) ** 2) / (2 * (mean + noise_variance))
    else:
        with np.errstate(divide="ignore"):
            weight = np.log(published / mean)
    hidden = np.isnan(published)
    weight[hidden] = 0.0
    if threshold is not None:
        lacking = pdtr(threshold - 1, mean[hidden])
        with np.errstate(divide="ignore", invalid="ignore"):
            weight[hidden] = np.where(lacking > 0, np.log(pdtr(threshold - 2, mean[hidden]) / lacking), 0.0)
    return np.clip(weight, -FAR, FAR)
