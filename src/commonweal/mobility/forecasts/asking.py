"""What somebody asks of a published table: a forecast of a day, what is usual of each hour of the week, a nowcast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from commonweal.core.catalog import Release, State, get
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.series import Key
from commonweal.mobility.forecasts.forecast import BELOW, GIVEN, NOT_ENOUGH, TESTED, Forecast, Plan, forecast
from commonweal.mobility.forecasts.level import DAMPED, WEIGHT
from commonweal.mobility.forecasts.nowcast import Filled
from commonweal.mobility.forecasts.nowcast import nowcast as filled_in
from commonweal.mobility.forecasts.profile import HISTORY, LEAST_DAYS, Profile, profile, telling
from commonweal.mobility.forecasts.scoring import Score, held_out
from commonweal.mobility.forecasts.slots import SlotSeries, slot_series

KEPT = 4
"""How many releases are kept laid out."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KINDS = {"weekday": WEEKDAYS, "workday": ("Monday to Friday", "Saturday and Sunday"), "any": ("every day",)}


@dataclass(frozen=True, eq=False)
class Foreseen:
    """A forecast made of a release.

    Parameters
    ----------
    release, series
        What was read.
    found
        The forecast.
    score
        How good such forecasts were of the last days.
    """

    release: Release
    series: SlotSeries
    found: Forecast
    score: Score

    def records(self, area: str | None = None) -> Iterator[dict[str, Any]]:
        """Give a row for each key and hour, of one area or of all."""
        found = self.found
        for place, key in enumerate(self.series.keys):
            if area and area not in key:
                continue
            for slot, hour in enumerate(self.series.hours or (None,)):
                why = str(found.why[slot, place])
                yield {
                    **named(key),
                    "day": found.plan.day.isoformat(),
                    **({} if hour is None else {"hour": hour}),
                    "expected": number(found.expected[slot, place]),
                    "low": number(found.low[slot, place]),
                    "high": number(found.high[slot, place]),
                    "why": why,
                    "state": (State.MISSING if why == NOT_ENOUGH else State.MODELLED).value,
                }

    def record(self) -> dict[str, Any]:
        """Say what was done, as JSON values."""
        plan = self.found.plan
        return {
            "release": self.release.label,
            "digest": self.release.digest,
            "day": plan.day.isoformat(),
            "state": State.MODELLED.value,
            "days": [self.series.dates[0].isoformat(), self.series.dates[-1].isoformat()],
            "choices": {
                "like": self.found.like,
                "event": sorted(one.isoformat() for one in plan.event),
                "holidays": sorted(one.isoformat() for one in plan.holidays),
                "level": plan.level,
                "history_days": HISTORY,
                "tested_days": TESTED,
                "own_level_mixed_with_people": WEIGHT,
                "growth_that_goes_on": DAMPED,
                "suppressed": "below k, never zero",
                "interval": "split conformal, errors of square roots, five sizes",
                "naive": "same hour of the same weekday, the last one known",
            },
            "least": self.series.least,
            "score": self.score.record(),
        }


def foresee(
    settings: Settings,
    database: Database,
    release: Release,
    day: date | None = None,
    *,
    event: frozenset[date] = frozenset(),
    holidays: frozenset[date] = frozenset(),
    level: float = 0.9,
) -> Foreseen:
    """Forecast a day from a release.

    Parameters
    ----------
    day
        The day; None: the one after the last.
    event, holidays, level
        As in `Plan`.

    Raises
    ------
    InputError
        The release has no areas by hour or day, the day cannot be forecast, or no date of the event is in it.
    """
    series = laid_out(settings, database, release)
    plan = Plan(day or series.dates[-1] + timedelta(1), event, holidays, level)
    if event and not any(one < plan.day and one in series.dates for one in event):
        raise InputError(
            Wording("none of its earlier dates is published"),
            where="event",
            expected=Wording(
                "a day from %(first)s to %(last)s",
                first=series.dates[0].isoformat(),
                last=min(series.dates[-1], plan.day - timedelta(1)).isoformat(),
            ),
        )
    found = forecast(series, plan)
    return Foreseen(release, series, found, held_out(found, series.least))


@dataclass(frozen=True, eq=False)
class Patterns:
    """What is usual of a release.

    Parameters
    ----------
    release, series
        What was read.
    holidays
        Days that were left out.
    usual
        What is usual.
    """

    release: Release
    series: SlotSeries
    holidays: frozenset[date]
    usual: Profile

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day that were looked at."""
        dates = self.series.dates[-HISTORY:]
        return dates[0], dates[-1]

    @property
    def known_days(self) -> int:
        """How many of these days tell something."""
        return len(telling(self.series, self.holidays))

    def records(self, area: str | None = None) -> Iterator[dict[str, Any]]:
        """Give a row for each key, kind of day and hour, of one area or of all."""
        for place, key in enumerate(self.series.keys):
            if not area or area in key:
                yield from pattern_of(self.series, self.usual, place)

    def record(self) -> dict[str, Any]:
        """Say what was done, as JSON values."""
        return {
            "release": self.release.label,
            "digest": self.release.digest,
            "state": State.MODELLED.value,
            "days": [day.isoformat() for day in self.days],
            "known_days": self.known_days,
            "choices": {
                "like": self.usual.like,
                "holidays": sorted(one.isoformat() for one in self.holidays),
                "history_days": HISTORY,
                "least_days": LEAST_DAYS,
                "usual": "median and quartiles of like days, between two values by their ranks",
                "suppressed": "below k, never zero",
            },
            "least": self.series.least,
        }


def patterns(
    settings: Settings, database: Database, release: Release, *, holidays: frozenset[date] = frozenset()
) -> Patterns:
    """Find what is usual of a release.

    Parameters
    ----------
    holidays
        Days that tell nothing of what is usual.

    Raises
    ------
    InputError
        The release has no areas by hour or day.
    """
    series = laid_out(settings, database, release)
    return Patterns(release, series, holidays, profile(series, without=holidays))


@dataclass(frozen=True, eq=False)
class Nowcast:
    """A day of a release of which what was not published is modelled.

    Parameters
    ----------
    release, series
        What was read.
    holidays, level
        Days that tell nothing of what is usual; the probability of intervals.
    filled
        The day.
    """

    release: Release
    series: SlotSeries
    holidays: frozenset[date]
    level: float
    filled: Filled

    def records(self, area: str | None = None) -> Iterator[dict[str, Any]]:
        """Give a row for each key and hour, of one area or of all."""
        filled = self.filled
        for place, key in enumerate(self.series.keys):
            if area and area not in key:
                continue
            for slot, hour in enumerate(self.series.hours or (None,)):
                yield {
                    **named(key),
                    "day": filled.day.isoformat(),
                    **({} if hour is None else {"hour": hour}),
                    "subscribers": number(filled.values[slot, place]),
                    "low": number(filled.low[slot, place]),
                    "high": number(filled.high[slot, place]),
                    "state": str(filled.states[slot, place]),
                    "published": str(filled.published[slot, place]),
                }

    def record(self) -> dict[str, Any]:
        """Say what was done, as JSON values."""
        return {
            "release": self.release.label,
            "digest": self.release.digest,
            "day": self.filled.day.isoformat(),
            "modelled": int((self.filled.states == State.MODELLED.value).sum()),
            "level": self.level,
            "choices": {"level": self.level, "holidays": sorted(one.isoformat() for one in self.holidays)},
            "least": self.series.least,
        }


def nowcast(
    settings: Settings,
    database: Database,
    release: Release,
    day: date | None = None,
    *,
    holidays: frozenset[date] = frozenset(),
    level: float = 0.9,
) -> Nowcast:
    """Fill in what is not published of a day.

    Parameters
    ----------
    day
        The day; None: the last one.
    holidays, level
        As in `nowcast.nowcast`, where they are called `unlike` and `coverage`.

    Raises
    ------
    InputError
        The release has no areas by hour or day, or the day is not in it.
    """
    series = laid_out(settings, database, release)
    filled = filled_in(series, day or series.dates[-1], unlike=holidays, coverage=level)
    return Nowcast(release, series, holidays, level, filled)


def laid_out(settings: Settings, database: Database, release: Release) -> SlotSeries:
    """Lay a release out by hour or day; it never changes, so it is kept."""
    return _laid_out(settings, database, release.dataset, release.version)


@lru_cache(maxsize=KEPT)
def _laid_out(settings: Settings, database: Database, name: str, version: int) -> SlotSeries:
    release = get(database, name, version)
    return slot_series(release, release.table(settings))


def pattern_of(series: SlotSeries, usual: Profile, place: int) -> Iterator[dict[str, Any]]:
    """Give what is usual of the key in a place: a row for each kind of day and hour."""
    for kind, name in enumerate(KINDS[usual.like]):
        for slot, hour in enumerate(series.hours or (None,)):
            below = bool(usual.below[kind, slot, place])
            value = number(usual.usual[kind, slot, place])
            yield {
                **named(series.keys[place]),
                "days": name,
                **({} if hour is None else {"hour": hour}),
                "usual": value,
                "quarter": number(usual.low[kind, slot, place]),
                "three_quarters": number(usual.high[kind, slot, place]),
                "known_days": int(usual.days[kind, slot, place]),
                "why": BELOW if below else GIVEN if value is not None else NOT_ENOUGH,
                "state": (State.MISSING if value is None and not below else State.MODELLED).value,
            }


def named(key: Key) -> dict[str, str]:
    """Give a key as columns."""
    return dict(zip(("area",) if len(key) == 1 else ("origin", "destination"), key, strict=True))


def number(value: float) -> float | None:
    """Give a number as JSON has it."""
    return None if np.isnan(value) else round(float(value), 3)


__all__ = [
    "Foreseen",
    "Nowcast",
    "Patterns",
    "foresee",
    "laid_out",
    "named",
    "nowcast",
    "number",
    "pattern_of",
    "patterns",
]
