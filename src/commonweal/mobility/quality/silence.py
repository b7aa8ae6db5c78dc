"""Silence: a cell or an area without events is told from one without people by what is expected of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from commonweal.mobility.quality.finding import Fault, Finding, Sure, in_runs
from commonweal.mobility.quality.limits import FEWEST, NORMAL

CERTAIN = 5.0
"""Spreads by which what is expected must exceed nothing, so that nothing means something."""
PART = 0.5
"""A place is expected to have events if it has some on this part of all days at least."""


@dataclass(frozen=True, eq=False)
class Silence:
    """Which places are silent when, and of which nothing is expected.

    Parameters
    ----------
    silent
        bool[places, days]: no event, though many are expected.
    empty
        bool[places, days]: no event, and none that is surely expected: nobody, or too few to tell.
    expected
        float64[places]: median of the days with events; NaN where nothing is expected.
    """

    silent: npt.NDArray[np.bool_]
    empty: npt.NDArray[np.bool_]
    expected: npt.NDArray[np.float64]


def silence(
    counts: npt.NDArray[np.int64], there: npt.NDArray[np.bool_], judged: npt.NDArray[np.bool_], least: float = 0
) -> Silence:
    """Tell places that are silent from places that are empty.

    With b the median of a place's events over its days with events, if these are three and half of its days at least::

        expected    if b − 5 · max(1.4826 · median(|x − b|), √b) > least
        silent      if expected, and x = 0

    Parameters
    ----------
    counts
        int64[places, days]: events.
    there
        bool[places, days]: whether the place was in use on the day.
    judged
        bool[days]: days that are not dead; on a dead day all places are silent, which is said once.
    least
        What is not seen though it is there: k, where counts below it are hidden.

    Examples
    --------
    The first place fails on the last day; in the second hardly anybody is ever seen:

    >>> counts = np.array([[90, 100, 110, 100, 0], [1, 0, 2, 1, 0]])
    >>> found = silence(counts, np.ones((2, 5), bool), np.ones(5, bool))
    >>> found.silent[:, 4].tolist(), found.empty[:, 4].tolist()
    ([True, False], [False, True])
    """
    silent, empty = np.zeros(counts.shape, bool), np.zeros(counts.shape, bool)
    expected = np.full(len(counts), np.nan)
    for place, row in enumerate(counts):
        counted = there[place] & judged
        seen = row[counted & (row > 0)]
        nothing = counted & (row == 0)
        if len(seen) >= FEWEST and len(seen) >= PART * counted.sum():
            b = float(np.median(seen))
            if b - CERTAIN * max(NORMAL * float(np.median(np.abs(seen - b))), b**0.5) > least:
                expected[place] = b
        if np.isnan(expected[place]):
            empty[place] = nothing
        else:
            silent[place] = nothing
    return Silence(silent, empty, expected)


def silent_places(
    days: Sequence[date],
    names: Sequence[str],
    found: Silence,
    kind: Fault,
    place: str,
    usual: Sequence[int | None],
) -> list[Finding]:
    """Say which places are silent, from when to when; `usual` is what may be said of what is expected."""
    order = {day: number for number, day in enumerate(days)}
    findings = []
    for row in np.flatnonzero(found.silent.any(axis=1)).tolist():
        silent = [day for day, number in order.items() if found.silent[row, number]]
        for first, last in in_runs(silent, order):
            numbers = {"events": 0, "usual_events": usual[row]}
            findings.append(Finding(kind, names[row], place, first, last, Sure.LIKELY, numbers))
    return findings


def silent_hours(
    days: Sequence[date], hours: npt.NDArray[np.float64], judged: npt.NDArray[np.bool_]
) -> list[tuple[date, list[int]]]:
    """Find hours of the clock without an event anywhere, though many are expected by the same rule.

    Parameters
    ----------
    hours
        float64[days, 24]; NaN in hours that the clock does not show.

    Returns
    -------
    Days that are judged and have such hours, with the hours.
    """
    there = np.isfinite(hours).T
    found = silence(np.nan_to_num(hours).T.astype(np.int64), there, judged)
    return [
        (day, np.flatnonzero(found.silent[:, number]).tolist())
        for number, day in enumerate(days)
        if found.silent[:, number].any()
    ]
