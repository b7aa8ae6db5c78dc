"""A table of whole numbers that a reader cannot rule out: any, or the best by some measure."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from commonweal.disclosure.linear.contradiction import contradiction
from commonweal.disclosure.linear.parting import parts
from commonweal.disclosure.linear.programme import Infeasible, Programme, Unsolved, as_whole
from commonweal.disclosure.linear.pushing import Pushing
from commonweal.disclosure.linear.rows import Rows, tighten

AT_ONCE = 2_000
"""Cells that one programme is about at least, since there may be thousands of small parts."""


def possible(rows: Rows, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Give a table of whole numbers that keeps to bounds and rows, int64.

    Raises
    ------
    Contradiction
        There is none.
    """
    low, high = low.astype(np.int64), high.astype(np.int64)
    broken = tighten(rows, low, high)
    if broken >= 0:
        raise contradiction(int(rows.relation[broken]))
    mended = Pushing(rows, len(low)).mended(low, high, low)
    return best(rows, low, high, np.zeros(len(low))) if mended is None else mended


def best(rows: Rows, low: np.ndarray, high: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Give, of the tables of whole numbers that keep to bounds and rows, one with the largest Σ worth · x, int64.

    Raises
    ------
    Contradiction
        There is none.
    """
    table = low.copy()
    for several in parts(rows, low < high, low, least=AT_ONCE):
        own = several.cells
        table[own] = _best_of_several(several.rows, low[own], high[own], worth[own])
    return table


def _best_of_several(rows: Rows, low: np.ndarray, high: np.ndarray, worth: np.ndarray) -> np.ndarray:
    with suppress(Infeasible):  # all at once: most often it is whole
        together = Programme(rows, low, high, once=True).extreme(worth)
        found = None if together is None else as_whole(rows, low, high, together)
        if found is not None:
            return found
    table = low.copy()
    for part in parts(rows, low < high, low):
        own = part.cells
        programme = Programme(part.rows, low[own], high[own])
        for whole in (False, True):
            try:
                solution = programme.extreme(worth[own], whole=whole)
            except Infeasible as error:
                raise contradiction(int(part.rows.relation[0])) from error
            found = None if solution is None else as_whole(part.rows, low[own], high[own], solution)
            if found is not None:
                break
        if found is None:
            raise Unsolved("the solver lost its way between large numbers", expected="smaller ones")
        table[own] = found
    return table
