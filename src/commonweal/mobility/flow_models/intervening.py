"""How many people live between two areas: the populations in circles that opportunity models are made of."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.places import Numbers

Ties = Literal["within", "beyond"]


def population_within(distance: Numbers, mass: Numbers, ties: Ties = "within") -> Numbers:
    r"""Give the mass in the circle about each area i that reaches to each area j, both ends left out.

    .. math::
        s_{ij} = \sum_{k \ne i,j} m_k \,[d_{ik} \le d_{ij}]

    The mass of an area counts as a whole where its distance from i is; distances are those given, from i to k.

    Source: F. Simini, M. C. González, A. Maritan, A.-L. Barabási (2012), *A universal model for mobility and migration
    patterns*, Nature 484, 96–100: "the total population in the circle of radius r_ij centred at i (excluding the source
    and destination population)".

    Parameters
    ----------
    distance
        (n, n); the diagonal is not read.
    mass
        (n,).
    ties
        Areas exactly as far away as j lie "within" the circle, which is closed as the paper's; or "beyond" it
        (< instead of ≤).

    Returns
    -------
    (n, n), 0 on the diagonal.

    Raises
    ------
    InputError
        There is no such rule for ties.

    Examples
    --------
    Three towns on a line, at 0, 1 and 3: between the first and the third lies the second.

    >>> at = np.array([0.0, 1.0, 3.0])
    >>> population_within(abs(at[:, None] - at), np.array([10.0, 20.0, 30.0])).tolist()
    [[0.0, 0.0, 20.0], [0.0, 0.0, 10.0], [20.0, 0.0, 0.0]]
    """
    if ties not in get_args(Ties):
        raise InputError(f"there is no rule {ties!r} for ties", expected=" or ".join(get_args(Ties)))
    n = len(mass)
    inside = np.zeros((n, n))
    for i in range(n):
        others = np.flatnonzero(np.arange(n) != i)
        order = others[np.argsort(distance[i, others], kind="stable")]
        lengths = distance[i, order]
        summed = np.concatenate([[0.0], np.cumsum(mass[order])])
        if ties == "within":
            # The destination itself lies in the closed circle and is taken out again.
            inside[i, order] = summed[np.searchsorted(lengths, lengths, side="right")] - mass[order]
        else:
            inside[i, order] = summed[np.searchsorted(lengths, lengths, side="left")]
    return np.maximum(inside, 0.0)
