"""How distance deters: by a power of it, or exponentially."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.places import Mask, Numbers

Deterrence = Literal["power", "exponential"]
NAMES = {"power": Wording("power"), "exponential": Wording("exponential")}


def log_deterrence(distance: Numbers, deterrence: Deterrence, pairs: Mask) -> Numbers:
    r"""Give the logarithm of the deterrence f for β = 1; that for any β is β times this.

    .. math::
        f(d) = d^{-β} \quad\text{(power)}, \qquad f(d) = e^{-βd} \quad\text{(exponential)}

    Source: A. G. Wilson (1971), *A family of spatial interaction models, and associated developments*, Environment
    and Planning 3, 1–32.

    Parameters
    ----------
    distance
        (n, n), in the unit in which β will be read: β of a power has no unit, that of an exponential one per distance.
    deterrence
        "power" or "exponential".
    pairs
        (n, n), the pairs that are modelled; elsewhere 0 is given.

    Raises
    ------
    InputError
        There is no such deterrence; or a pair that is modelled has distance 0, of which a power is endless; or none.

    Examples
    --------
    >>> log_deterrence(np.array([[0.0, 4.0], [4.0, 0.0]]), "exponential", ~np.eye(2, dtype=bool)).tolist()
    [[0.0, -4.0], [-4.0, 0.0]]
    """
    if deterrence not in get_args(Deterrence):
        raise InputError(f"there is no deterrence {deterrence!r}", expected=" or ".join(get_args(Deterrence)))
    wrong = np.argwhere(pairs & ~(np.isfinite(distance) & (distance > 0 if deterrence == "power" else distance >= 0)))
    if len(wrong):
        i, j = wrong[0]
        raise InputError(
            Wording(
                "from area %(origin)s to area %(destination)s: a %(deterrence)s deterrence has no value at distance "
                "%(distance)s",
                origin=int(i),
                destination=int(j),
                deterrence=NAMES[deterrence],
                distance=str(distance[i, j]),
            ),
            expected=Wording("a distance above 0") if deterrence == "power" else Wording("a distance from 0"),
        )
    if deterrence == "power":
        return np.where(pairs, -np.log(np.where(pairs, distance, 1.0)), 0.0)
    return np.where(pairs, -distance, 0.0)
