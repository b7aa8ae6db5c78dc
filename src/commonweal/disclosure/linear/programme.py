"""A linear programme over the cells of one part of a table, solved again and again from where the last solution was."""

from __future__ import annotations

from collections.abc import Mapping

import highspy
import numpy as np

from commonweal.core.errors import CommonwealError
from commonweal.disclosure.linear.rows import UNBOUNDED, Rows
from commonweal.disclosure.linear.watching import look

NEARLY = 1e-6
INFINITY = highspy.kHighsInf
PIECE = 1.0
"""Seconds after which whoever watches may end a linear programme; it goes on from where it was."""
DUAL, PRIMAL = 1, 4
"""Ways of the simplex method: after a change of costs alone the last solution still is one, so primal is faster."""
_ENDED = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "unbounded",  # asked of programmes that were found feasible
}


class Unsolved(CommonwealError):
    """The solver gave up: out of time, or out of numbers."""


class Programme:
    """Extremes of linear functions of x, where low ≤ x ≤ high and the rows hold.

    Parameters
    ----------
    rows
        What holds, over cells numbered from 0.
    low, high
        Bounds of each cell, int64; ``high`` is `UNBOUNDED` where there is none.
    seconds
        After how long one whole-number programme is given up.
    once
        Whether it is solved but once, and not over whole numbers: then it is made smaller before, which takes the time
        of a few solutions that begin where another ended.

    Examples
    --------
    Two cells of at most 14 add up to 20:

    >>> one = np.array([20])
    >>> rows = Rows(np.array([0, 2]), np.array([0, 1]), np.ones(2, np.int8), one, one, np.array([0]))
    >>> programme = Programme(rows, np.zeros(2, np.int64), np.full(2, 14))
    >>> programme.extreme({0: -1.0})[0]
    np.float64(6.0)
    """

    def __init__(
        self, rows: Rows, low: np.ndarray, high: np.ndarray, seconds: float = 60.0, *, once: bool = False
    ) -> None:
        self.rows, self._strategy = rows, DUAL if once else PRIMAL
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("presolve", "on" if once else "off"),  # over whole numbers it may miss the end (HiGHS issues 3073, 3274)
            ("random_seed", 0),
            ("simplex_strategy", self._strategy),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", NEARLY),
            ("mip_feasibility_tolerance", 1e-9),  # with its usual one it may miss the end, too
            ("time_limit", INFINITY),
        ):
            self._solver.setOptionValue(option, value)
        self._seconds = seconds
        self._costs = np.zeros(len(low))
        self._everything = np.arange(len(low), dtype=np.int32)
        self._solver.passModel(self._model(low, high))
        self._solver.changeObjectiveSense(highspy.ObjSense.kMaximize)

    def _model(self, low: np.ndarray, high: np.ndarray) -> highspy.HighsLp:
        rows, model = self.rows, highspy.HighsLp()
        model.num_col_, model.num_row_ = len(low), len(rows.lower)
        model.col_cost_ = self._costs
        model.col_lower_, model.col_upper_ = _finite(low), _finite(high)
        model.row_lower_, model.row_upper_ = _finite(rows.lower), _finite(rows.upper)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = rows.first.astype(np.int32)
        model.a_matrix_.index_ = rows.cell.astype(np.int32)
        model.a_matrix_.value_ = rows.sign.astype(np.float64)
        return model

    def bound(self, cells: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Set bounds of some cells anew."""
        self._solver.changeColsBounds(len(cells), cells.astype(np.int32), _finite(low), _finite(high))

    def extreme(
        self, costs: Mapping[int, float] | np.ndarray, *, whole: bool = False, bounded: bool = False
    ) -> np.ndarray | None:
        """Find an x that maximises Σ costs · x.

        Parameters
        ----------
        costs
            Of each cell, or of the cells that have any.
        whole
            Whether x shall be whole numbers.
        bounded
            Whether it is known that there is an end.

        Returns
        -------
        numpy.ndarray or None
            x, float64; None if there is no end to the maximum.

        Raises
        ------
        Infeasible
            No x keeps to bounds and rows.
        Unsolved
            The solver gave up.
        """
        wanted = np.zeros(len(self._costs))
        if isinstance(costs, np.ndarray):
            wanted[:] = costs
        else:
            wanted[list(costs)] = list(costs.values())
        changed = np.flatnonzero(wanted != self._costs).astype(np.int32)
        if len(changed):
            self._solver.changeColsCost(len(changed), changed, wanted[changed])
            self._costs = wanted
        found = self._whole() if whole else self._solved()
        if found is None and bounded:
            self._anew()
            found = self._ended()
            if found is None:
                raise Unsolved("the solver lost its way between large numbers", expected="smaller ones")
        return found

    def _anew(self) -> None:
        """Solve again from nothing, another way, where the last solution leads nowhere."""
        self._solver.clearSolver()
        self._solver.setOptionValue("presolve", "off")
        self._solver.setOptionValue("simplex_strategy", PRIMAL if self._strategy == DUAL else DUAL)
        self._run()
        self._solver.setOptionValue("simplex_strategy", self._strategy)

    def _whole(self) -> np.ndarray | None:
        kinds = np.full(len(self._everything), int(highspy.HighsVarType.kInteger), np.uint8)
        self._solver.changeColsIntegrality(len(kinds), self._everything, kinds)
        self._solver.setOptionValue("time_limit", self._solver.getRunTime() + self._seconds)
        try:
            return self._solved(whole=True)
        finally:
            self._solver.setOptionValue("time_limit", INFINITY)
            self._solver.changeColsIntegrality(len(kinds), self._everything, np.zeros(len(kinds), np.uint8))

    def _run(self) -> None:
        """Solve a linear programme piece by piece."""
        while True:
            self._solver.setOptionValue("time_limit", self._solver.getRunTime() + PIECE)
            self._solver.run()
            if self._solver.getModelStatus() != highspy.HighsModelStatus.kTimeLimit:
                break
            look()
        self._solver.setOptionValue("time_limit", INFINITY)

    def _solved(self, *, whole: bool = False) -> np.ndarray | None:
        if whole:
            self._solver.run()  # which would begin anew after each piece, so there is a limit
        else:
            self._run()
        if self._solver.getModelStatus() not in _ENDED:
            self._anew()
        return self._ended()

    def _ended(self) -> np.ndarray | None:
        ended = _ENDED.get(self._solver.getModelStatus())
        if ended == "unbounded":
            return None
        if ended == "infeasible":
            raise Infeasible("no table is possible")
        if ended is None:
            raise Unsolved(
                f"the solver gave up: {self._solver.modelStatusToString(self._solver.getModelStatus())}",
                expected="a smaller table, or fewer relations",
            )
        return np.array(self._solver.getSolution().col_value)


class Infeasible(CommonwealError):
    """No table keeps to what is known."""


def as_whole(rows: Rows, low: np.ndarray, high: np.ndarray, solution: np.ndarray) -> np.ndarray | None:
    """Give a solution in whole numbers if it is one: within NEARLY of them, and all rows hold exactly."""
    rounded = np.rint(solution)
    if np.abs(solution - rounded).max(initial=0.0) > NEARLY * max(1.0, np.abs(rounded).max(initial=0.0)):
        return None
    found = rounded.astype(np.int64)
    return found if holds(rows, low, high, found) else None


def holds(rows: Rows, low: np.ndarray, high: np.ndarray, table: np.ndarray) -> bool:
    """Say whether whole numbers keep to bounds and rows, in exact arithmetic."""
    if len(rows.lower):
        sums = np.add.reduceat(rows.sign * table[rows.cell], rows.first[:-1]) if len(rows.cell) else rows.lower
        if (sums < rows.lower).any() or (sums > rows.upper).any():
            return False
    return bool((table >= low).all() and (table <= high).all())


def _finite(bounds: np.ndarray) -> np.ndarray:
    found = bounds.astype(np.float64)
    found[bounds >= UNBOUNDED] = INFINITY
    found[bounds <= -UNBOUNDED] = -INFINITY
    return found
