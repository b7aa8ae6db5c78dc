"""What a gravity model with given parameters expects: unconstrained, or keeping one margin or both."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.balancing import balance
from commonweal.mobility.flow_models.deterrence import Deterrence, log_deterrence
from commonweal.mobility.flow_models.pairs import modelled_pairs
from commonweal.mobility.flow_models.places import Mask, Numbers, Places, masses

Constraint = Literal["none", "production", "attraction", "doubly"]


def gravity_flows(
    places: Places,
    beta: float,
    *,
    deterrence: Deterrence = "power",
    constraint: Constraint = "none",
    constant: float = 1.0,
    origin_exponent: float = 1.0,
    destination_exponent: float = 1.0,
    outflow: npt.ArrayLike | None = None,
    inflow: npt.ArrayLike | None = None,
    diagonal: bool = False,
) -> Numbers:
    r"""Give the flows that a gravity model expects.

    .. math::
        T_{ij} &= K\, m_i^α\, n_j^γ\, f(d_{ij}) && \text{none} \\
        T_{ij} &= A_i O_i\, n_j^γ\, f(d_{ij}), \quad A_i = 1/\textstyle\sum_j n_j^γ f(d_{ij}) && \text{production} \\
        T_{ij} &= B_j D_j\, m_i^α\, f(d_{ij}), \quad B_j = 1/\textstyle\sum_i m_i^α f(d_{ij}) && \text{attraction} \\
        T_{ij} &= A_i O_i B_j D_j f(d_{ij}), \textstyle\sum_j T_{ij} = O_i, \sum_i T_{ij} = D_j && \text{doubly}

    with f of `log_deterrence`. Source: A. G. Wilson (1971), *A family of spatial interaction models, and associated
    developments*, Environment and Planning 3, 1–32.

    Parameters
    ----------
    places
        Distances, and the masses that the formula names.
    beta
        β, per unit of distance where the deterrence is exponential.
    deterrence
        "power", d^−β, or "exponential", e^(−β d).
    constraint
        Which margins are kept.
    constant, origin_exponent, destination_exponent
        K, α and γ, where the formula names them.
    outflow, inflow
        (n,) margins O and D, where the formula names them; the flows within an area count only with `diagonal`.
    diagonal
        Whether flows from an area to itself are modelled; else they are 0.

    Returns
    -------
    (n, n)

    Raises
    ------
    InputError
        Something that the formula names is not given, or margins cannot be kept (see `balance`).

    Examples
    --------
    >>> at = np.array([0.0, 1.0, 3.0])
    >>> towns = Places(abs(at[:, None] - at), [1, 2, 3])
    >>> gravity_flows(towns, 2).round(4).tolist()
    [[0.0, 2.0, 0.3333], [2.0, 0.0, 1.5], [0.3333, 1.5, 0.0]]
    >>> gravity_flows(towns, 2, constraint="production", outflow=[70, 70, 11]).round(4).tolist()
    [[0.0, 60.0, 10.0], [40.0, 0.0, 30.0], [2.0, 9.0, 0.0]]
    """
    constraint_known(constraint)
    pairs = modelled_pairs(len(places), diagonal)
    weight = np.where(pairs, np.exp(beta * log_deterrence(places.distance, deterrence, pairs)), 0.0)
    if constraint in ("none", "attraction"):
        weight = weight * places.masses_needed()[0][:, None] ** origin_exponent
    if constraint in ("none", "production"):
        weight = weight * places.masses_needed()[1] ** destination_exponent
    if constraint == "none":
        return constant * weight
    if constraint == "production":
        return shares(weight, pairs, axis=1) * _margin(outflow, len(places), "outflow")[:, None]
    if constraint == "attraction":
        return shares(weight, pairs, axis=0) * _margin(inflow, len(places), "inflow")
    return balance(weight, _margin(outflow, len(places), "outflow"), _margin(inflow, len(places), "inflow")).table


def shares(weight: Numbers, pairs: Mask, axis: int) -> Numbers:
    """Divide weights by their sums over some pairs: 0 elsewhere, and where all weights are 0.

    Examples
    --------
    >>> shares(np.array([[1.0, 3.0], [0.0, 0.0]]), np.ones((2, 2), dtype=bool), axis=1).tolist()
    [[0.25, 0.75], [0.0, 0.0]]
    """
    chosen = np.where(pairs, weight, 0.0)
    sums = chosen.sum(axis=axis, keepdims=True)
    return np.divide(chosen, sums, out=np.zeros_like(chosen), where=sums > 0)


def constraint_known(constraint: str) -> None:
    """Refuse a constraint that there is not.

    Raises
    ------
    InputError
        There is no such constraint.
    """
    if constraint not in get_args(Constraint):
        raise InputError(
            f"there is no constraint {constraint!r}", expected=f"one of: {', '.join(get_args(Constraint))}"
        )


def _margin(given: npt.ArrayLike | None, n: int, what: str) -> Numbers:
    if given is None:
        raise InputError(f"the {what} of the areas is not given", expected="one number an area")
    return masses(given, n, what)
