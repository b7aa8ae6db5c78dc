"""Present population: how many devices are where, so that the counts by cell are the likeliest."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.kernels import kernel
from commonweal.mobility.footprint.connection import Footprint
from commonweal.mobility.footprint.locating import checked_prior

Numbers = npt.NDArray[np.float64]
TOLERANCE = 1e-3
"""Later steps move people between neighbouring points to fit the chance in the counts; areas hardly change."""
MOST_ITERATIONS = 1000
PERIODS_AT_ONCE = 32
NUMBERS_AT_ONCE = 2**24
POINTS_AT_ONCE = 16_384
NOBODY = 1e-200
"""Devices below which a point has none: smaller numbers only slow the processor down."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """What `present_population` found; all but `devices` have one value a period.

    Parameters
    ----------
    devices
        float64[points, periods]: the expected devices at each point, unscaled. Never to be published by point.
    unplaced
        float64[periods]: devices counted in cells that serve no point where anybody could be; they are nowhere in
        `devices`, which adds up to all others.
    log_likelihood
        float64[periods]: Σ n log q − Σ q, with q the devices expected in each cell, before the last step.
    iterations
        int64[periods].
    change
        float64[periods]: by how much the last step changed the devices, Σ|new − old| / Σ new.
    converged
        bool[periods]: whether that is within the tolerance.
    """

    devices: Numbers
    unplaced: Numbers
    log_likelihood: Numbers
    iterations: npt.NDArray[np.int64]
    change: Numbers
    converged: npt.NDArray[np.bool_]


def present_population(
    footprint: Footprint,
    counts: npt.ArrayLike,
    *,
    start: npt.ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    most_iterations: int = MOST_ITERATIONS,
    threads: int = 2,
) -> Estimate:
    r"""Estimate the devices at each point by expectation maximisation.

    With :math:`n_c` devices counted in cell *c*, from a uniform start over the points that are served, repeat

    .. math::
        u_i ← Σ_c n_c \frac{u_i P(c|i)}{Σ_j u_j P(c|j)}

    until :math:`Σ_i |u_i^{new} - u_i| ≤ τ\,Σ_i u_i^{new}`. Every step keeps the total and raises the likelihood of
    :math:`n_c ∼ \mathrm{Poisson}(Σ_i u_i P(c|i))`. Many points share few cells, so more than one distribution may
    be the likeliest; the start decides which is reached, and points that no count tells apart keep its proportions.

    Source: van der Laan and de Jonge (2019), *Maximum likelihood reconstruction of population densities from mobile
    signalling data*, NetMob; Shepp and Vardi (1982), *Maximum likelihood reconstruction for emission tomography*, IEEE
    Transactions on Medical Imaging 1; the present population of multimno 1.0.

    Parameters
    ----------
    footprint
        P(c|i).
    counts
        float64[cells] or float64[cells, periods]: devices by cell, from 0; they need not be whole.
    start
        float64[points]: where people may be, such as `land_use_prior`; nobody is put where it is 0. Uniform if none.
    tolerance
        τ. With 0, `most_iterations` steps are made.
    most_iterations
        Steps after which to stop even so; `converged` tells.
    threads
        How many; the result does not depend on it, nor on which periods are asked for together.

    Raises
    ------
    InputError
        Counts are not numbers from 0, one for each cell; or the start does not fit.

    Examples
    --------
    >>> from commonweal.mobility.footprint.connection import from_dominance
    >>> footprint = from_dominance(3, 2, [[(0, 1.0)], [(0, 1.0), (1, 1.0)], [(1, 1.0)]])
    >>> one = present_population(footprint, [30, 60], tolerance=0, most_iterations=1)
    >>> one.devices[:, 0].tolist()
    [20.0, 30.0, 40.0]
    """
    parts = list(estimates(footprint, counts, start, tolerance, most_iterations, threads))
    if len(parts) == 1:
        return parts[0]
    return Estimate(
        *(np.concatenate([getattr(part, each.name) for part in parts], axis=-1) for each in fields(Estimate))
    )


def estimates(
    footprint: Footprint,
    counts: npt.ArrayLike,
    start: npt.ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    most_iterations: int = MOST_ITERATIONS,
    threads: int = 2,
) -> Iterator[Estimate]:
    """Estimate as `present_population` does, a few periods after the other, so that memory stays bounded."""
    n = np.asarray(counts, dtype=np.float64)
    n = n[:, None] if n.ndim == 1 else n
    if n.ndim != 2 or len(n) != footprint.cells or not n.shape[1]:
        raise InputError(
            f"counts of the shape {n.shape}",
            expected=f"one for each of the plan's {footprint.cells} cells and each period",
        )
    if not (np.isfinite(n) & (n >= 0)).all():
        raise InputError("a count is no number from 0", expected="devices by cell; 0 where none was seen")
    if not tolerance >= 0 or most_iterations < 1:
        raise InputError("no rule when to stop", expected="a tolerance from 0 and at least one iteration")
    served = footprint.covered.astype(np.float64)
    prior = served if start is None else checked_prior(start, footprint.points) * served
    steps = _Steps(footprint, threads)
    at_once = max(1, min(PERIODS_AT_ONCE, NUMBERS_AT_ONCE // footprint.points))
    for begin in range(0, n.shape[1], at_once):
        some = np.ascontiguousarray(n[:, begin : begin + at_once])
        yield _maximised(steps, some, prior, tolerance, most_iterations)


class _Steps:
    """One pass over the footprint does both halves: this step's devices, and the next one's expected counts."""

    def __init__(self, footprint: Footprint, threads: int) -> None:
        self.footprint = footprint
        self.threads = max(1, threads)
        self.blocks = [
            (begin, min(begin + POINTS_AT_ONCE, footprint.points))
            for begin in range(0, footprint.points, POINTS_AT_ONCE)
        ]

    def __call__(self, devices: Numbers, ratio: Numbers | None) -> tuple[Numbers, Numbers, Numbers]:
        """Change devices in place; give the counts they let expect, Σ|change| and their sum, for each period.

        Without a ratio nothing is changed. Blocks of points are added in their order, whichever thread was first.
        """
        f = self.footprint
        same = ratio is None
        factor = np.ones((f.cells, devices.shape[1])) if ratio is None else ratio

        def block(ends: tuple[int, int]) -> Any:
            return _step(f.first, f.cell, f.probability, ends[0], ends[1], devices, factor, same)

        with ThreadPoolExecutor(self.threads) as pool:
            expected, moved, total = (np.zeros((f.cells, devices.shape[1])), *np.zeros((2, devices.shape[1])))
            for one in pool.map(block, self.blocks):
                expected += one[0]
                moved += one[1]
                total += one[2]
        return expected, moved, total


def _maximised(steps: _Steps, n: Numbers, prior: Numbers, tolerance: float, most: int) -> Estimate:
    periods = n.shape[1]
    reached, _, _ = steps(np.ascontiguousarray(prior[:, None]), None)
    placed = np.where(reached > 0, n, 0.0)
    unplaced = (n - placed).sum(axis=0)
    found = Estimate(
        np.zeros((len(prior), periods)),
        unplaced,
        np.zeros(periods),
        np.zeros(periods, np.int64),
        np.zeros(periods),
        placed.sum(axis=0) == 0,
    )
    going = np.flatnonzero(~found.converged)
    if not len(going):
        return found
    n = np.ascontiguousarray(placed[:, going])
    devices = prior[:, None] / prior.sum() * n.sum(axis=0)
    expected, _, _ = steps(devices, None)
    for iteration in range(1, most + 1):
        seen = n > 0
        ratio = np.divide(n, expected, out=np.zeros_like(n), where=seen)
        logs = np.log(expected, out=np.zeros_like(n), where=seen)
        found.log_likelihood[going] = (n * logs).sum(axis=0) - expected.sum(axis=0)
        expected, moved, total = steps(devices, ratio)
        found.iterations[going] = iteration
        found.change[going] = moved / total
        done = moved <= tolerance * total if tolerance > 0 else np.zeros(len(going), bool)
        found.converged[going[done]] = True
        if done.any() or iteration == most:
            ends = done | (iteration == most)
            found.devices[:, going[ends]] = devices[:, ends]
            going, n, expected = (
                going[~ends],
                np.ascontiguousarray(n[:, ~ends]),
                np.ascontiguousarray(expected[:, ~ends]),
            )
            devices = np.ascontiguousarray(devices[:, ~ends])
        if not len(going):
            break
    return found


@kernel()
def _step(first: Any, cell: Any, probability: Any, begin: int, end: int, devices: Any, ratio: Any, same: bool) -> Any:
    cells, periods = ratio.shape
    expected = np.zeros((cells, periods))
    moved = np.zeros(periods)
    total = np.zeros(periods)
    weight = np.empty(periods)
    for i in range(begin, end):
        if same:
            weight[:] = 1.0
        else:
            weight[:] = 0.0
            for e in range(first[i], first[i + 1]):
                c, p = cell[e], probability[e]
                for t in range(periods):
                    weight[t] += p * ratio[c, t]
        for t in range(periods):
            new = devices[i, t] * weight[t]
            if new < NOBODY:
                new = 0.0
            moved[t] += abs(new - devices[i, t])
            total[t] += new
            devices[i, t] = new
            weight[t] = new
        for e in range(first[i], first[i + 1]):
            c, p = cell[e], probability[e]
            for t in range(periods):
                expected[c, t] += p * weight[t]
    return expected, moved, total
