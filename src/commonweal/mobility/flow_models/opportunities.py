"""The population-weighted opportunities model: an area draws the more, the fewer live about it up to the origin."""

from __future__ import annotations

import numpy as np

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.intervening import Ties, population_within
from commonweal.mobility.flow_models.places import Numbers, Places


def opportunity_probabilities(places: Places, *, ties: Ties = "within") -> Numbers:
    r"""Give the probability that somebody who leaves area i goes to area j.

    .. math::
        p_{ij} = \frac{m_j\,(1/S_{ji} - 1/M)}{\sum_{k \ne i} m_k\,(1/S_{ki} - 1/M)}

    with :math:`S_{ji}` the population in the circle about the **destination** j that reaches to the origin i, both
    included, and M all population. An area farther from a destination than all others has :math:`S_{ji} = M`, so nobody
    goes there from it. Expected flows are T_i p_ij, with T_i the number who leave i.

    Source: X.-Y. Yan, C. Zhao, Y. Fan, Z. Di, W.-X. Wang (2014), *Universal predictability of mobility patterns in
    cities*, Journal of the Royal Society Interface 11, 20140834.

    Parameters
    ----------
    places
        With masses, one an area: the model knows the population only, so both ends must have the same.
    ties
        See `population_within`.

    Returns
    -------
    (n, n), 0 on the diagonal; rows add up to 1, or are 0 where nowhere draws anybody, every circle holding all people.

    Raises
    ------
    InputError
        There are no masses, all are 0, or those of the two ends differ.

    Examples
    --------
    Towns of 1, 2 and 3 thousand at 0, 1 and 3. From the first: S of the second is 1 + 2, so it draws 2 (1/3 − 1/6);
    S of the third is all, so it draws nobody. From the second: S of the first is 1 + 2, of the third 2 + 3, which draw
    1 (1/3 − 1/6) and 3 (1/5 − 1/6). From the third, both circles hold all three, so it is nobody's origin.

    >>> at = np.array([0.0, 1.0, 3.0])
    >>> opportunity_probabilities(Places(abs(at[:, None] - at), [1, 2, 3])).round(4).tolist()
    [[0.0, 1.0, 0.0], [0.625, 0.0, 0.375], [0.0, 0.0, 0.0]]
    """
    mass, destination = places.masses_needed()
    if not np.array_equal(mass, destination):
        raise InputError(
            Wording("the masses of origins and destinations differ"), expected=Wording("one population an area")
        )
    total = mass.sum()
    if total <= 0:
        raise InputError(Wording("no area has a mass"), expected=Wording("a mass above 0"))
    # Row j: what lies about the destination j as far as each origin i, whose distance is that from j to i.
    around = population_within(places.distance, mass, ties) + mass[:, None] + mass[None, :]
    draw = np.zeros((len(mass), len(mass)))
    some = np.broadcast_to(mass[:, None] > 0, draw.shape) & ~np.eye(len(mass), dtype=bool)
    # The last digit of a sum in another order must not draw anybody where all live within the circle.
    some &= around < total * (1 - 1e-12)
    draw[some] = (mass[:, None] * (1 / np.where(around > 0, around, 1.0) - 1 / total))[some]
    pull = draw.T
    sums = pull.sum(axis=1, keepdims=True)
    return np.divide(pull, sums, out=np.zeros_like(pull), where=sums > 0)
