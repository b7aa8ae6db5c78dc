"""What is expected of a coming day, hour by hour: what is usual, times a level, times the effect of an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.baseline import Like
from commonweal.mobility.baselines.series import Numbers
from commonweal.mobility.forecasts.intervals import Interval, conformal
from commonweal.mobility.forecasts.level import recent_level
from commonweal.mobility.forecasts.profile import profile
from commonweal.mobility.forecasts.slots import Mask, SlotSeries

FARTHEST = 28
"""Days ahead, at most."""
TESTED = 14
"""How many of the last days are forecast from the days before them, to see how wrong forecasts are."""
PEOPLE = 20.0
"""How many people of the day's effect each hour's own effect is mixed with."""
GIVEN, BELOW, NOT_ENOUGH = "given", "below k", "not enough history"


@dataclass(frozen=True)
class Plan:
    """Which day is forecast, and what else is known.

    Parameters
    ----------
    day
        The day.
    event
        Earlier dates of the event or holiday that it is: market days, say, or earlier years' feasts.
    holidays
        Further dates that tell nothing of ordinary days.
    level
        Probability of intervals.
    """

    day: date
    event: frozenset[date] = frozenset()
    holidays: frozenset[date] = frozenset()
    level: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise InputError(
                Wording("%(level)s is no probability of an interval", level=self.level),
                where="level",
                expected=Wording("a number between 0 and 1"),
            )

    @property
    def unlike(self) -> frozenset[date]:
        """Days that tell nothing of ordinary ones."""
        return self.event | self.holidays


@dataclass(frozen=True, eq=False)
class Tested:
    """A past day, forecast from the days that were known then.

    Parameters
    ----------
    day
        The day.
    expected, seen
        (s, m); NaN where not known.
    below
        (s, m) where what was seen is known to be below k.
    naive
        (s, m) the same hour of the same weekday, the last one that was known then.
    """

    day: date
    expected: Numbers
    seen: Numbers
    below: Mask
    naive: Numbers


@dataclass(frozen=True, eq=False)
class Forecast:
    """A day to come; all of it is modelled.

    Parameters
    ----------
    plan
        What was asked.
    like
        Which days were taken as of one kind.
    expected
        (s, m); NaN where not known.
    low, high
        (s, m) interval; from 0 to k − 1 where less than k are usual, NaN where it cannot be told.
    why
        (s, m) ``given``, ``below k`` or ``not enough history``.
    tested
        The days that intervals come from, forecast from the days before them.
    """

    plan: Plan
    like: Like
    expected: Numbers
    low: Numbers
    high: Numbers
    why: npt.NDArray[np.object_]
    tested: tuple[Tested, ...]


def forecast(series: SlotSeries, plan: Plan, *, tested: int = TESTED) -> Forecast:
    r"""Forecast a day from the days before it.

    .. math::
        f_{h,m} = b_{κ,h,m} · L_m · e_{h,m}

    with b what is usual at hour h of a day of its kind κ (`profile`), L the level that is expected (`recent_level`),
    and e the effect of the event (`event_effect`), 1 on an ordinary day. Intervals are those of `conformal`: from how
    wrong this was on the last days, forecast as far ahead; on the day of an event, on its earlier dates, each forecast
    with the effect of the others. Of an event with one earlier date no interval is given.

    Parameters
    ----------
    series
        What was published; days from `plan.day` on are not looked at.
    tested
        How many past days are forecast.

    Raises
    ------
    InputError
        There are no days before it, or it lies more than 28 days after the last one.

    Examples
    --------
    Four weeks in which 40 people are there from Monday to Friday, and 90 on other days:

    >>> week = [40, 40, 40, 40, 40, 90, 90]
    >>> series = SlotSeries.of([("A",)], date(2024, 1, 1), [[[people]] for people in week * 4])
    >>> found = forecast(series, Plan(date(2024, 2, 3), level=0.8))
    >>> found.expected.tolist(), found.low.tolist(), found.high.tolist()
    ([[90.0]], [[90.0]], [[90.0]])
    """
    known = series.before(plan.day)
    if not known.dates:
        raise InputError(
            Wording("nothing is published before %(day)s", day=plan.day.isoformat()),
            where="day",
            expected=Wording("a day after the first one"),
        )
    ahead = (plan.day - known.dates[-1]).days
    if ahead > FARTHEST:
        raise InputError(
            Wording("it is %(days)s days after the last one", days=ahead),
            where="day",
            expected=Wording("at most %(days)s", days=FARTHEST),
        )
    ordinary, below, like = _ordinary(known, plan.day, plan.unlike)
    past = _tested(known, plan, ahead, tested)
    if plan.event:
        effect = event_effect(known, plan, sorted(plan.event))
        expected, errors = ordinary * effect, _events(known, plan)
        below &= effect <= 1
    else:
        expected, errors = ordinary, [one for one in past if one.day not in plan.unlike]
    interval = calibrated(errors, known.least, plan.level)
    low, high = interval.around(expected) if interval else (np.full(expected.shape, np.nan),) * 2
    why = np.full(expected.shape, NOT_ENOUGH, dtype=object)
    why[~np.isnan(expected)] = GIVEN
    unknown = np.isnan(expected) & below
    why[unknown] = BELOW
    low, high = np.where(unknown, 0.0, low), np.where(unknown, (known.least or 1) - 1.0, high)
    return Forecast(plan, like, expected, low, high, why, tuple(past))


def event_effect(series: SlotSeries, plan: Plan, dates: Sequence[date]) -> Numbers:
    r"""Give by what an event multiplies what is expected, from its earlier dates D.

    .. math::
        E = \frac{\sum_{D,h,m} v}{\sum_{D,h,m} f}, \quad
        e_m = \frac{\sum_{D,h} v_m + 20\,E}{\sum_{D,h} f_m + 20}, \quad
        e_{h,m} = \frac{\sum_D v_{h,m} + 20\,e_m}{\sum_D f_{h,m} + 20}

    over what was published, with f what would have been expected on an ordinary day. 1 where no such date was.

    Returns
    -------
    (s, m)
    """
    seen, usual = np.zeros(series.values.shape[1:]), np.zeros(series.values.shape[1:])
    for day in dates:
        known = series.before(day)
        if day not in series.dates or not known.dates:
            continue
        values = series.values[series.dates.index(day)]
        expected, _, _ = _ordinary(series, day, plan.unlike)
        there = ~np.isnan(values) & ~np.isnan(expected)
        seen, usual = seen + np.where(there, values, 0.0), usual + np.where(there, expected, 0.0)
    if usual.sum() <= 0:
        return np.ones(seen.shape)
    whole = seen.sum() / usual.sum()
    of_key = (seen.sum(axis=0) + PEOPLE * whole) / (usual.sum(axis=0) + PEOPLE)
    return (seen + PEOPLE * of_key) / (usual + PEOPLE)


def _ordinary(series: SlotSeries, day: date, unlike: frozenset[date]) -> tuple[Numbers, Mask, Like]:
    """What an ordinary such day would have, where less than k are usual, and which days are of one kind.

    The level is that of days before it; what is usual, of all days in the table.
    """
    usual = profile(series, without=unlike | {day})
    rows = [at for at, one in enumerate(series.dates) if one < day and one not in unlike]
    if not rows:
        rows = [at for at, one in enumerate(series.dates) if one not in unlike | {day}]
    kind = usual.kind(day)
    expected = recent_level(series, usual, rows, (day - series.dates[rows[-1]]).days) if rows else 1.0
    return usual.usual[kind] * expected, usual.below[kind].copy(), usual.like


def _tested(series: SlotSeries, plan: Plan, ahead: int, many: int) -> list[Tested]:
    """Forecast the last ordinary days, each from the days that lie as far before it as is asked now."""
    found: list[Tested] = []
    for at in range(len(series.dates) - 1, -1, -1):
        day = series.dates[at]
        if len(found) == many or at + 1 - ahead < 3:
            break
        if day in plan.unlike or np.isnan(series.values[at]).all():
            continue
        known = series.before(series.dates[at + 1 - ahead])
        expected, _, _ = _ordinary(known, day, plan.unlike)
        back = at - 7 * -(-ahead // 7)
        naive = series.values[back] if back >= 0 else np.full(expected.shape, np.nan)
        found.append(Tested(day, expected, series.values[at], series.below[at], naive))
    return found[::-1]


def _events(series: SlotSeries, plan: Plan) -> list[Tested]:
    """Forecast each earlier date of an event with the effect of the others."""
    dates = [day for day in sorted(plan.event) if day in series.dates]
    found: list[Tested] = []
    for day in dates if len(dates) > 1 else ():
        at = series.dates.index(day)
        effect = event_effect(series, plan, [other for other in dates if other != day])
        expected, _, _ = _ordinary(series, day, plan.unlike)
        none = np.full(expected.shape, np.nan)
        found.append(Tested(day, expected * effect, series.values[at], series.below[at], none))
    return found


def calibrated(tested: Sequence[Tested], least: int | None, level: float) -> Interval | None:
    """Give the interval that past forecasts tell; None if they are too few."""
    if not tested:
        return None
    expected = np.concatenate([one.expected.ravel() for one in tested])
    seen, below = (np.concatenate([getattr(one, name).ravel() for one in tested]) for name in ("seen", "below"))
    return conformal(expected, seen, below, least, level)
