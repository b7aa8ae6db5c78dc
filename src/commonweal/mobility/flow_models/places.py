"""What a model of flows is given besides flows: distances between areas, and the masses at either end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Matrix = npt.ArrayLike | Sequence[Sequence[float | None]]


@dataclass(frozen=True, eq=False)
class Places:
    """The n areas between which people move.

    Parameters
    ----------
    distance
        (n, n) distances from area i to area j in any one unit, usually km; they need not be symmetric. The diagonal is
        read only by models that are asked to model it.
    origin_mass
        (n,) masses m of the areas as origins, usually people; not needed by models that keep the outflows.
    destination_mass
        (n,) masses of the areas as destinations; the same as `origin_mass` if left out.

    Raises
    ------
    InputError
        The distances are not a square of finite numbers from 0, or masses are not one finite number from 0 an area.

    Examples
    --------
    >>> places = Places([[0, 2], [2, 0]], [10, 30])
    >>> len(places), places.destination_mass.tolist()
    (2, [10.0, 30.0])
    """

    distance: Numbers
    origin_mass: Numbers | None = None
    destination_mass: Numbers | None = None

    def __init__(
        self,
        distance: npt.ArrayLike,
        origin_mass: npt.ArrayLike | None = None,
        destination_mass: npt.ArrayLike | None = None,
    ) -> None:
        length = square(distance, "distances")
        apart = length[~np.eye(len(length), dtype=bool)]
        if not (np.isfinite(apart).all() and (apart >= 0).all()):
            raise InputError("a distance between two areas is missing, endless or negative", expected="a number from 0")
        out = None if origin_mass is None else masses(origin_mass, len(length), "origin masses")
        into = out if destination_mass is None else masses(destination_mass, len(length), "destination masses")
        object.__setattr__(self, "distance", length)
        object.__setattr__(self, "origin_mass", out)
        object.__setattr__(self, "destination_mass", into)

    def __len__(self) -> int:
        """Give the number of areas."""
        return len(self.distance)

    def masses_needed(self) -> tuple[Numbers, Numbers]:
        """Give the masses at both ends.

        Raises
        ------
        InputError
            They were not given.
        """
        if self.origin_mass is None or self.destination_mass is None:
            raise InputError(
                Wording("this model needs masses of the areas"),
                expected=Wording("origin_mass, such as their population"),
            )
        return self.origin_mass, self.destination_mass


def square(given: Matrix, what: str, n: int | None = None) -> Numbers:
    """Give a square matrix as numbers, None as NaN.

    Raises
    ------
    InputError
        It is no square matrix of numbers, or not one of n areas.

    Examples
    --------
    >>> square([[0, None], [3, 0]], "flows")
    array([[ 0., nan],
           [ 3.,  0.]])
    """
    try:
        matrix = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"the {what} are not numbers", expected="a square matrix") from None
    side = n if n is not None else len(matrix) if matrix.ndim else 0
    if matrix.shape != (side, side):
        raise InputError(
            f"the {what} have shape {matrix.shape}", expected=f"({side}, {side}), one row and column an area"
        )
    return matrix


def masses(given: npt.ArrayLike, n: int, what: str) -> Numbers:
    """Give one mass an area.

    Raises
    ------
    InputError
        There are not n, or one is missing, endless or negative.
    """
    try:
        mass = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"the {what} are not numbers", expected="one number an area") from None
    if mass.shape != (n,):
        raise InputError(f"the {what} have shape {mass.shape}", expected=f"({n},), one an area")
    wrong = np.flatnonzero(~(np.isfinite(mass) & (mass >= 0)))
    if len(wrong):
        raise InputError(f"{mass[wrong[0]]} is no mass", where=f"{what}, area {wrong[0]}", expected="a number from 0")
    return mass
