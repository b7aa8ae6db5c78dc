"""Change against a baseline: the median of like days of a stated period, and how far a day lies from it.

b = median of x over the reference days of the same kind        s = 1.4826 · MAD of the same values
change = x / b − 1                                              z = (x − b) / s
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.mobility.baselines.series import DaySeries, Numbers

Like = Literal["weekday", "workday", "any"]
LIKE: tuple[Like, ...] = get_args(Like)
NORMAL = 1.4826
"""Makes the MAD of normally distributed values their standard deviation (Hampel 1974)."""
UNUSUAL = 3.5
"""Robust z from which on a value is unusual (Iglewicz and Hoaglin 1993)."""
GIVEN, HOLIDAY, NOT_ENOUGH = "given", "holiday", "not enough history"
NO_LEVEL = "the baseline is zero"


@dataclass(frozen=True)
class Reference:
    """What is usual.

    Parameters
    ----------
    first, last
        The period, both days included; None: as far as the table goes.
    like
        Which days are of one kind: the same ``weekday``, ``workday`` (Monday to Friday, and the others), or ``any``.
    holidays
        Days that are neither part of the baseline nor compared with it.
    weekend
        Weekdays that are no workdays, 0 Monday to 6 Sunday.
    minimum
        How many reference days of the kind must be published of an area; with fewer it has no number.

    Raises
    ------
    InputError
        The period ends before it begins, the kind is not known, or the minimum is below 2.
    """

    first: date | None = None
    last: date | None = None
    like: Like = "weekday"
    holidays: frozenset[date] = frozenset()
    weekend: frozenset[int] = frozenset({5, 6})
    minimum: int = 3

    def __post_init__(self) -> None:
        if self.first and self.last and self.last < self.first:
            raise InputError(f"the baseline ends on {self.last}", expected=f"a day from {self.first} on")
        if self.like not in LIKE:
            raise InputError(f"there is no kind of day {self.like!r}", expected=", ".join(LIKE))
        if self.minimum < 2:
            raise InputError(f"{self.minimum} days are no history", expected="a minimum of 2 or more")

    def holds(self, day: date) -> bool:
        """Whether a day lies in the period and is no holiday."""
        return (
            (self.first is None or day >= self.first)
            and (self.last is None or day <= self.last)
            and day not in self.holidays
        )

    def kind(self, day: date) -> int:
        """Number the kind of a day.

        Examples
        --------
        >>> saturday = date(2024, 1, 6)
        >>> [Reference(like=like).kind(saturday) for like in LIKE]
        [5, 1, 0]
        """
        return {"weekday": day.weekday(), "workday": int(day.weekday() in self.weekend), "any": 0}[self.like]

    def record(self) -> dict[str, object]:
        """Give its choices as JSON values."""
        return {
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            "like": self.like,
            "holidays": sorted(day.isoformat() for day in self.holidays),
            "weekend": sorted(self.weekend),
            "minimum": self.minimum,
        }


@dataclass(frozen=True, eq=False)
class Changes:
    """Each value beside its baseline; all arrays are (n, m), days by keys, NaN where there is no number.

    Parameters
    ----------
    series, reference
        What was compared, and with what.
    expected
        b, the median of the reference days of the same kind.
    spread
        s: 1.4826 · MAD, or √b where the MAD is zero.
    history
        How many values stand behind b.
    relative
        x / b − 1.
    z
        (x − b) / s.
    low, high
        Interval of the relative change.
    counted
        Where the MAD was zero, so that s is √b, the spread of a Poisson count.
    why
        ``given``, or why there is no number: ``suppressed`` and the other states without a value, ``not enough
        history``, ``holiday``, ``the baseline is zero``.
    """

    series: DaySeries
    reference: Reference
    level: float
    expected: Numbers
    spread: Numbers
    history: npt.NDArray[np.int64]
    relative: Numbers
    z: Numbers
    low: Numbers
    high: Numbers
    counted: npt.NDArray[np.bool_]
    why: npt.NDArray[np.object_]

    @property
    def unusual(self) -> npt.NDArray[np.bool_]:
        """Where a value is far from what is usual: |z| ≥ 3.5, and no change lies outside the interval."""
        with np.errstate(invalid="ignore"):
            return (np.abs(self.z) >= UNUSUAL) & ((self.low > 0) | (self.high < 0))

    @property
    def in_reference(self) -> npt.NDArray[np.bool_]:
        """(n,) which days made the baseline."""
        return np.array([self.reference.holds(day) for day in self.series.dates])


def changes(series: DaySeries, reference: Reference | None = None, level: float = 0.95) -> Changes:
    r"""Compare each value with the baseline of its kind of day.

    With n reference values x₁ … xₙ of the same key and kind of day:

        b = median(xᵢ)          s = 1.4826 · median(|xᵢ − b|);  √b where that is 0
        change = x/b − 1        z = (x − b)/s
        interval: (x ± t(n − 1, level) · max(s, √b) · √(1 + π/(2n)))/b − 1

    The interval says by how much the day differs from one on which nothing happened: it takes the spread between
    ordinary days, never less than that of a Poisson count, and the error of a median of n values (π s²/2n). Rounding
    and noise that a table was protected with are in the spread of its reference days.

    Parameters
    ----------
    series
        Published values by day.
    reference
        Period, kind of days and least history; without it all days, by weekday.
    level
        Probability of the interval.

    Raises
    ------
    InputError
        No day of the table lies in the reference period, or the level is not between 0 and 1.

    Examples
    --------
    >>> from datetime import timedelta
    >>> mondays = [date(2024, 1, 1) + timedelta(7 * week) for week in range(5)]
    >>> series = DaySeries.of([("A",)], mondays, [[100], [110], [90], [100], [50]])
    >>> found = changes(series, Reference(last=date(2024, 1, 22)))
    >>> [round(float(one[4, 0]), 3) for one in (found.expected, found.spread, found.relative, found.z)]
    [100.0, 7.413, -0.5, -6.745]
    """
    if not 0 < level < 1:
        raise InputError(f"{level} is no probability of an interval", expected="a number between 0 and 1")
    reference = reference or Reference()
    inside = np.array([reference.holds(day) for day in series.dates], dtype=bool)
    if not inside.any():
        there = f"{series.dates[0]} to {series.dates[-1]}" if series.dates else "none"
        raise InputError("no published day lies in the reference period", where="baseline", expected=there)
    kinds = np.array([reference.kind(day) for day in series.dates])
    shape = series.values.shape
    expected, spread = np.full(shape, np.nan), np.full(shape, np.nan)
    history, counted = np.zeros(shape, np.int64), np.zeros(shape, bool)
    for kind in np.unique(kinds):
        past, of_kind = series.values[inside & (kinds == kind)], kinds == kind
        known = (~np.isnan(past)).sum(axis=0)
        b, s = _median_and_spread(past, known >= reference.minimum)
        counted[of_kind] = s == 0
        expected[of_kind], history[of_kind] = b, known
        spread[of_kind] = np.where(s == 0, np.sqrt(b), s)
    with np.errstate(invalid="ignore", divide="ignore"):
        has_level = expected > 0
        relative = np.where(has_level, series.values / expected - 1, np.nan)
        z = np.where(has_level, (series.values - expected) / spread, np.nan)
        reach = (
            _quantile(history, level)
            * np.maximum(spread, np.sqrt(expected))
            * np.sqrt(1 + np.pi / (2 * np.maximum(history, 1)))
        )
        low, high = relative - reach / expected, relative + reach / expected
    why = np.where(np.isnan(series.values), series.states, GIVEN).astype(object)
    why[~np.isnan(series.values) & ~has_level] = NO_LEVEL
    why[history < reference.minimum] = NOT_ENOUGH
    holiday = np.array([day in reference.holidays for day in series.dates], dtype=bool)
    why[holiday] = HOLIDAY
    for numbers in (relative, z, low, high):
        numbers[why != GIVEN] = np.nan
    return Changes(
        series, reference, level, expected, spread, history, relative, z, np.maximum(low, -1), high, counted, why
    )


def days_of_kind(dates: Collection[date], reference: Reference) -> dict[int, int]:
    """Count the reference days of each kind."""
    kinds = [reference.kind(day) for day in dates if reference.holds(day)]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _median_and_spread(past: Numbers, enough: npt.NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    b, s = np.full(past.shape[1], np.nan), np.full(past.shape[1], np.nan)
    if enough.any():
        b[enough] = np.nanmedian(past[:, enough], axis=0)
        s[enough] = NORMAL * np.nanmedian(np.abs(past[:, enough] - b[enough]), axis=0)
    return b, s


def _quantile(history: npt.NDArray[np.int64], level: float) -> Numbers:
    """Two-sided quantile of Student's t with n − 1 degrees of freedom."""
    from scipy.special import stdtrit

    found: Numbers = stdtrit(np.maximum(history - 1, 1).astype(np.float64), (1 + level) / 2)
    return found
