"""The radiation model: the chance to go from one area to another, from populations alone."""

from __future__ import annotations

import numpy as np

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.intervening import Ties, population_within
from commonweal.mobility.flow_models.places import Numbers, Places


def radiation_probabilities(places: Places, *, finite: bool = False, ties: Ties = "within") -> Numbers:
    r"""Give the probability that somebody who leaves area i goes to area j.

    .. math::
        p_{ij} = \frac{m_i n_j}{(m_i + s_{ij})(m_i + n_j + s_{ij})}

    with m the mass of the origin, n that of the destination, and s the destination mass between them
    (`population_within`). Over all j ≠ i these add up to 1 − m_i/M_i where no distances tie, M_i being all mass seen
    from i: m_i + Σ n_j. So in a country of finite size some who leave arrive nowhere. `finite` divides by that:

    .. math::
        p'_{ij} = \frac{p_{ij}}{1 - m_i/M_i}

    Expected flows are T_i p_ij, with T_i the number who leave i.

    Sources: F. Simini, M. C. González, A. Maritan, A.-L. Barabási (2012), *A universal model for mobility and migration
    patterns*, Nature 484, 96–100, equation 2; A. P. Masucci, J. Serras, A. Johansson, M. Batty (2013), *Gravity versus
    radiation models: on the importance of scale and heterogeneity in commuting flows*, Physical Review E 88, 022812,
    for the finite size.

    Parameters
    ----------
    places
        With masses; those of origins must be above 0.
    finite
        Whether to normalise for a finite size.
    ties
        See `population_within`. With ties the sum is below 1 − m_i/M_i ("within") or above ("beyond").

    Returns
    -------
    (n, n), 0 on the diagonal: the model is about those who leave.

    Raises
    ------
    InputError
        There are no masses, an origin's is 0, or with `finite` there is no other area with a mass.

    Examples
    --------
    Towns of 1, 2 and 3 thousand on a line at 0, 1 and 3. From the first: 1·2/(1·3) and 1·3/((1 + 2)(1 + 2 + 3)).

    >>> at = np.array([0.0, 1.0, 3.0])
    >>> towns = Places(abs(at[:, None] - at), [1, 2, 3])
    >>> radiation_probabilities(towns)[0].round(4).tolist()
    [0.0, 0.6667, 0.1667]
    >>> radiation_probabilities(towns, finite=True)[0].round(4).tolist()
    [0.0, 0.8, 0.2]
    """
    origin, destination = places.masses_needed()
    empty = np.flatnonzero(origin == 0)
    if len(empty):
        raise InputError(
            Wording("%(masses)s: that of area %(area)s is 0", masses=Wording("origin masses"), area=int(empty[0])),
            expected=Wording("a mass above 0"),
        )
    m, n, s = origin[:, None], destination[None, :], population_within(places.distance, destination, ties)
    chance = m * n / ((m + s) * (m + n + s))
    np.fill_diagonal(chance, 0.0)
    if finite:
        others = destination.sum() - destination
        alone = np.flatnonzero(others <= 0)
        if len(alone):
            raise InputError(
                Wording("there is nowhere to go from area %(area)s", area=int(alone[0])),
                expected=Wording("another area with a mass"),
            )
        chance /= (others / (origin + others))[:, None]
    return chance
