"""How near expected flows come to observed ones."""

from __future__ import annotations

import numpy as np

from commonweal.mobility.flow_models.pairs import observed_flows
from commonweal.mobility.flow_models.places import Mask, Matrix, Numbers, square


def common_part_of_commuters(observed: Matrix, expected: Matrix, *, diagonal: bool = False) -> float:
    r"""Give the part of all journeys that two tables of flows have in common (CPC), from 0 to 1.

    .. math::
        \mathrm{CPC} = \frac{2\sum \min(T_{ij}, \hat T_{ij})}{\sum T_{ij} + \sum \hat T_{ij}}

    over the pairs of which both are known: a suppressed flow is no zero. It is Sørensen and Dice's similarity.

    Sources: F. Gargiulo, M. Lenormand, S. Huet, O. Baqueiro Espinosa (2012), *Commuting network models: getting the
    essentials*, JASSS 15 (2) 6; M. Lenormand, A. Bassolas, J. J. Ramasco (2016), *Systematic comparison of trip
    distribution laws and models*, Journal of Transport Geography 51.

    Parameters
    ----------
    observed, expected
        (n, n) flows; None or NaN where not known.
    diagonal
        Whether pairs of an area with itself count.

    Returns
    -------
    NaN where neither table has any flow.

    Examples
    --------
    >>> common_part_of_commuters([[0, 6], [4, 0]], [[0, 3], [7, 0]])
    0.7
    >>> common_part_of_commuters([[0, 6], [None, 0]], [[0, 3], [7, 0]])
    0.6666666666666666
    """
    seen, thought, both = _both(observed, expected, diagonal)
    total = seen[both].sum() + thought[both].sum()
    return float(2 * np.minimum(seen[both], thought[both]).sum() / total) if total > 0 else float("nan")


def poisson_log_likelihood(observed: Matrix, expected: Matrix, *, diagonal: bool = False) -> float:
    r"""Give the logarithm of the probability of flows that vary as Poisson's about what is expected.

    .. math::
        ℓ = \sum T_{ij}\log \hat T_{ij} - \hat T_{ij} - \log T_{ij}!

    over the pairs of which both are known; −∞ where somebody moved though nobody was expected to. Factorials of parts
    are Γ(T + 1). Parameters are as of `common_part_of_commuters`.

    Examples
    --------
    >>> round(poisson_log_likelihood([[0, 2], [1, 0]], [[0, 2], [1, 0]]), 6)
    -2.306853
    """
    from scipy.special import gammaln, xlogy

    seen, thought, both = _both(observed, expected, diagonal)
    t, mu = seen[both], thought[both]
    with np.errstate(divide="ignore"):
        return float((xlogy(t, mu) - mu - gammaln(t + 1)).sum())


def multinomial_log_likelihood(observed: Matrix, expected: Matrix, *, diagonal: bool = False) -> float:
    r"""Give the logarithm of the probability of where people went, given how many left each area.

    .. math::
        ℓ = \sum_i \Big[\log O_i! + \sum_j \big(T_{ij}\log p_{ij} - \log T_{ij}!\big)\Big], \qquad
        p_{ij} = \hat T_{ij} / \textstyle\sum_j \hat T_{ij}

    with O the observed outflow, all sums over the pairs of which both are known. Parameters are as of
    `common_part_of_commuters`.

    Examples
    --------
    Two of three went to the first of two areas where a half is expected: 3 · ½³.

    >>> round(float(np.exp(multinomial_log_likelihood([[0, 2, 1]] * 3, [[0, 5, 5]] * 3, diagonal=True) / 3)), 6)
    0.375
    """
    from scipy.special import gammaln, xlogy

    seen, thought, both = _both(observed, expected, diagonal)
    t, mu = np.where(both, seen, 0.0), np.where(both, thought, 0.0)
    total = mu.sum(1, keepdims=True)
    chance = np.divide(mu, total, out=np.zeros_like(mu), where=total > 0)
    with np.errstate(divide="ignore"):
        return float(xlogy(t, chance).sum() + gammaln(t.sum(1) + 1).sum() - gammaln(t + 1)[both].sum())


def _both(observed: Matrix, expected: Matrix, diagonal: bool) -> tuple[Numbers, Numbers, Mask]:
    thought = square(expected, "expected flows")
    seen, known = observed_flows(observed, len(thought), diagonal)
    thought, foreseen = observed_flows(thought, len(thought), diagonal)
    return seen, thought, known & foreseen
