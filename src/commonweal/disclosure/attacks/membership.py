"""Membership inference: can someone who knows where a person was tell from the counts whether the person is in them?

The adversary knows a person's points, the cells that the person would be counted in, and from m other people, the
*reference*, how many of them each cell has. For every cell of the person two explanations of the published count y are
compared: with the person in it, 1 + X, and without, X, where X is the count of the other n people. Frequencies of
cells are taken to be spread by a gamma distribution of shape α, fitted to the reference by its mean r̄ and its variance;
with r people of reference in a cell, X is then negative binomial, of shape a = r + α and mean λ = a · q, where
q = n / (m + α m / r̄)::

    score(person) = Σ over its cells  log P(y | with) − log P(y | without)
      exact counts          log( y · (1 + q) / ((y − 1 + a) · q) )
      noise of variance s²  (2 (y − λ) − 1) / (2 (λ + λ q + s²))        X and the noise nearly normal
      hidden below k        log( P(X ≤ k − 2) / P(X ≤ k − 1) )

So a cell speaks for the person if more of those who are known to have been in it are in the release than the release's
share of everybody. The score is that of the most powerful test of the two explanations, were cells independent. People
who are in the release and people who are not are told apart by it; how well is the finding.

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
    reference: np.ndarray,
    reference_people: int,
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
        r, how many of the people of reference each cell has; they are none of the members and none of the others.
        Shape (cells,).
    reference_people
        m, how many people of reference there are.
    noise_variance
        s², if values are noised or rounded: V for the cell-key method, b²/6 for rounding to a base b with a random
        start, the variance of the noise of differential privacy.
    threshold
        k, if NaN means that fewer than k people were counted; None if hidden cells say nothing.

    Raises
    ------
    InputError
        If there are fewer than two members or others, or nobody of reference or in the release.
    """
    if min(people, reference_people) < 1:
        raise InputError("there is nobody to compare with", expected="people of reference, and people in the release")
    reference = np.asarray(reference, np.float64)
    mean, spread = reference.mean(), reference.var()
    alpha = float(np.clip(mean**2 / max(spread - mean, 1e-9), 0.05, 50))
    ratio = people / (reference_people * (1 + alpha / mean)) if mean else people / reference_people
    weight = weights(np.asarray(published, np.float64), reference + alpha, ratio, noise_variance, threshold)
    told, other = (group.sums(weight)[np.diff(group.first) > 0] for group in (members, others))
    auc, error = area_under_curve(told, other)
    return Membership(auc, error, len(told), len(other), people)


def weights(
    published: np.ndarray, shape: np.ndarray, ratio: float, noise_variance: float, threshold: int | None
) -> np.ndarray:
    """Give what each cell says for somebody who would be counted in it.

    Parameters
    ----------
    shape
        a, of each cell.
    ratio
        q = λ / a.

    Examples
    --------
    As many people in the release as there are of reference, and 5 of them have been in the cell; 8 are counted:

    >>> weights(np.array([8.0]), np.array([5.5]), 1.0, 0.0, None).round(3)
    array([0.247])
    """
    from scipy.special import betainc

    mean = shape * ratio
    if noise_variance > 0:
        weight = (2 * (published - mean) - 1) / (2 * (mean + mean * ratio + noise_variance))
    else:
        with np.errstate(divide="ignore"):
            weight = np.log(published * (1 + ratio) / (ratio * (published + shape - 1)).clip(min=1e-9))
    hidden = np.isnan(published)
    weight[hidden] = 0.0
    if threshold is not None:
        # Of a negative binomial count, Pr(at most k) = I(a, k + 1) at 1 / (1 + q); scipy.stats takes a second to load.
        fewer, few = (
            betainc(shape[hidden], threshold - less + 1, 1 / (1 + ratio))
            if threshold >= less
            else np.zeros(hidden.sum())
            for less in (2, 1)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            weight[hidden] = np.where(few > 0, np.log(fewer / few), 0.0)
    return np.clip(weight, -FAR, FAR)
