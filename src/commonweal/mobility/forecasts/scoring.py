"""How good forecasts were of days that had been held out, beside the same hour of last week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from commonweal.mobility.forecasts.forecast import Forecast, Tested, calibrated


@dataclass(frozen=True)
class Score:
    """How good forecasts were.

    Parameters
    ----------
    days
        The days that were forecast from earlier ones.
    counts
        How many published counts were compared: those that both had a forecast and the same hour of last week.
    error, naive_error
        Mean |x − f| of the forecast, and of the same hour of last week; NaN without counts.
    inside
        Part of all published or suppressed counts that lay in their interval, of those that had one; NaN without. The
        interval of each day is made of the errors of the other days. A suppressed count lies within if it may: if its
        interval begins below k.
    level
        What part should.
    """

    days: tuple[date, ...]
    counts: int
    error: float
    naive_error: float
    inside: float
    level: float

    @property
    def better(self) -> float:
        """By which part the error is smaller than that of the same hour of last week: 1 − error / naive error."""
        return 1 - self.error / self.naive_error if self.naive_error > 0 else float("nan")

    def record(self) -> dict[str, object]:
        """Give it as JSON values."""
        numbers = {"error": self.error, "naive_error": self.naive_error, "inside": self.inside, "better": self.better}
        return {
            "days": [day.isoformat() for day in self.days],
            "counts": self.counts,
            **{name: None if np.isnan(number) else round(number, 6) for name, number in numbers.items()},
            "level": self.level,
        }


def held_out(found: Forecast, least: int | None) -> Score:
    """Score the past days of a forecast.

    Parameters
    ----------
    least
        k of the table.

    Examples
    --------
    >>> from commonweal.mobility.forecasts.forecast import Plan, forecast
    >>> from commonweal.mobility.forecasts.slots import SlotSeries
    >>> people = [[[40 + week % 2 * 10]] for week in range(6) for day in range(7)]
    >>> series = SlotSeries.of([("A",)], date(2024, 1, 1), people)
    >>> score = held_out(forecast(series, Plan(date(2024, 2, 12))), None)
    >>> score.counts, score.naive_error, score.error < 10
    (14, 10.0, True)
    """
    days: Sequence[Tested] = found.tested
    error, naive, counts = 0.0, 0.0, 0
    inside, told = 0, 0
    for day in days:
        both = ~np.isnan(day.expected) & ~np.isnan(day.seen) & ~np.isnan(day.naive)
        error += float(np.abs(day.seen - day.expected)[both].sum())
        naive += float(np.abs(day.seen - day.naive)[both].sum())
        counts += int(both.sum())
        interval = calibrated([other for other in days if other is not day], least, found.plan.level)
        if interval is None:
            continue
        low, high = interval.around(day.expected)
        known = ~np.isnan(day.expected) & (~np.isnan(day.seen) | day.below)
        within = np.where(day.below, low < (least or 1), (day.seen >= low) & (day.seen <= high))
        inside, told = inside + int(within[known].sum()), told + int(known.sum())
    nothing = float("nan")
    return Score(
        tuple(day.day for day in days),
        counts,
        error / counts if counts else nothing,
        naive / counts if counts else nothing,
        inside / told if told else nothing,
        found.plan.level,
    )
