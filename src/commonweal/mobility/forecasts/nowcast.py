"""What a count may have been that was suppressed, or is missing: modelled from the rest, and marked so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from commonweal.core.catalog import State
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.series import Numbers
from commonweal.mobility.forecasts.forecast import TESTED
from commonweal.mobility.forecasts.intervals import Interval, conformal
from commonweal.mobility.forecasts.level import level, sums
from commonweal.mobility.forecasts.profile import profile
from commonweal.mobility.forecasts.slots import Mask, SlotSeries

AROUND = 7
"""Days before a day, and after it, that tell its level."""


@dataclass(frozen=True, eq=False)
class Filled:
    """A day of which what was not published is modelled.

    Parameters
    ----------
    day
        The day.
    values
        (s, m) as published, or modelled; NaN where not even the model knows.
    low, high
        (s, m) interval of what is modelled; NaN for the others, and where it cannot be told.
    states
        (s, m) of `State`: as published, ``modelled``, or ``missing``.
    published
        (s, m) of `State`: what each was in the release.
    """

    day: date
    values: Numbers
    low: Numbers
    high: Numbers
    states: npt.NDArray[np.object_]
    published: npt.NDArray[np.object_]


def expected_below(usual: Numbers, least: int) -> Numbers:
    r"""Give how many are expected where fewer than k are known to be.

    .. math::
        \mathrm{E}(X \mid X < k) = f\,\frac{P(X ≤ k - 2)}{P(X ≤ k - 1)}, \qquad X ∼ \mathrm{Poisson}(f)

    and (k − 1)/2, the middle of 0 to k − 1, where f is not known.

    Examples
    --------
    >>> expected_below(np.array([2.0, 50.0, np.nan]), 15).round(2).tolist()
    [2.0, 13.64, 7.0]
    """
    from scipy.special import pdtr

    mean = np.minimum(np.nan_to_num(usual, nan=1.0), 20.0 * least)  # beyond, both probabilities vanish
    with np.errstate(invalid="ignore", divide="ignore"):
        found = mean * pdtr(least - 2, mean) / pdtr(least - 1, mean) if least > 1 else np.zeros(mean.shape)
    found = np.where(np.isfinite(found), found, least - 1.0)
    return np.where(np.isnan(usual), (least - 1) / 2, np.minimum(found, least - 1.0))


def nowcast(
    series: SlotSeries, day: date, *, unlike: Collection[date] = (), coverage: float = 0.9, tested: int = TESTED
) -> Filled:
    r"""Fill in what was not published of a day.

    What is expected of it is

    .. math::
        f_{h,m} = b_{κ,h,m} · L_m · \frac{N_d}{N}

    with b what is usual of like days without this one, L and N the levels of the seven days before and after it, and
    N_d that of the day itself, all keys together (`level`). A suppressed count is fewer than k: it has `expected_below`
    and the interval from 0 to k − 1. A missing one gets f and the interval of `conformal`, from what was published of
    the other days and filled in the same way. It uses nothing that was hidden.

    Some counts are suppressed only to protect others, and may be k or more: where a release suppresses so, it does not
    say which, and what is said here of these is too low.

    Parameters
    ----------
    unlike
        Days that tell nothing of ordinary ones.
    coverage
        Probability of intervals.

    Raises
    ------
    InputError
        The day is not in the table.

    Examples
    --------
    >>> week = [[[40, 20]]] * 13 + [[[40, None]]]
    >>> found = nowcast(SlotSeries.of([("A",), ("B",)], date(2024, 1, 1), week, least=15), date(2024, 1, 14))
    >>> found.values.round(1).tolist(), [str(state) for state in found.states[0]], found.high[0].tolist()
    ([[40.0, 12.6]], ['reported', 'modelled'], [nan, 14.0])
    """
    if day not in series.dates:
        raise InputError(
            Wording("there is nothing of %(day)s", day=day.isoformat()),
            where="day",
            expected=Wording(
                "%(first)s to %(last)s", first=series.dates[0].isoformat(), last=series.dates[-1].isoformat()
            ),
        )
    at = series.dates.index(day)
    expected, under = _expected(series, at, unlike)
    values, states = series.values[at].copy(), series.states[at].copy()
    low, high = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    below = series.below[at]
    if series.least is not None:
        values = np.where(below, expected_below(expected, series.least), values)
        low, high = np.where(below, 0.0, low), np.where(below, series.least - 1.0, high)
    gone = np.isnan(values)
    interval = _calibrated(series, at, unlike, coverage, tested) if (gone & ~np.isnan(expected)).any() else None
    if interval is not None:
        from_, to = interval.around(expected)
        low, high = np.where(gone, from_, low), np.where(gone, to, high)
    values = np.where(gone, expected, values)
    if series.least is not None:
        unknown = gone & np.isnan(expected) & under
        values = np.where(unknown, (series.least - 1) / 2, values)
        low, high = np.where(unknown, 0.0, low), np.where(unknown, series.least - 1.0, high)
    modelled = np.isnan(series.values[at]) & ~np.isnan(values)
    states[np.isnan(values)] = State.MISSING.value
    states[modelled] = State.MODELLED.value
    return Filled(day, values, low, high, states, series.states[at].copy())


def _expected(series: SlotSeries, at: int, unlike: Collection[date]) -> tuple[Numbers, Mask]:
    day = series.dates[at]
    usual = profile(series, without={*unlike, day})
    rows = [
        row
        for row in range(max(0, at - AROUND), min(len(series.dates), at + AROUND + 1))
        if row != at and series.dates[row] not in unlike
    ]
    own, together = level(*sums(series, usual, rows)) if rows else (np.ones(len(series.keys)), 1.0)
    of_day, whole = (part.sum() for part in sums(series, usual, [at]))
    ratio = of_day / whole / together if whole > 0 and together > 0 else 1.0
    kind = usual.kind(day)
    return usual.usual[kind] * own * ratio, usual.below[kind]


def _calibrated(series: SlotSeries, at: int, unlike: Collection[date], coverage: float, tested: int) -> Interval | None:
    nearest = sorted((row for row in range(len(series.dates)) if row != at), key=lambda row: abs(row - at))
    rows = [row for row in nearest if series.dates[row] not in unlike][:tested]
    if not rows:
        return None
    expected = np.concatenate([_expected(series, row, unlike)[0].ravel() for row in rows])
    seen, below = (np.concatenate([part[row].ravel() for row in rows]) for part in (series.values, series.below))
    return conformal(expected, seen, below, series.least, coverage)
