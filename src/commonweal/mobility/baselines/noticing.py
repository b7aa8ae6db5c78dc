"""What is unusual in a published table, as a list that a person reads: what, where, since when, how much, how sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from commonweal.mobility.baselines.baseline import GIVEN, Changes
from commonweal.mobility.baselines.outages import CERTAIN, Failure
from commonweal.mobility.baselines.series import Key
from commonweal.mobility.baselines.steps import SURE, Recovery, Step, recovery, steps_of

RECOVERED = 3


class What(StrEnum):
    """What was noticed."""

    FALL = "fall"
    RISE = "rise"
    OUTAGE = "outage"
    HIDDEN = "hidden"
    """A value that used to be published is not any more: fewer people, or hidden to protect others."""


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed.

    Parameters
    ----------
    what
        A fall, a rise, an outage, or values that are no longer published.
    key
        The area, or origin and destination.
    since, until
        First and last day; `until` is None while it lasts.
    days
        How many days it was seen on.
    lasting
        Whether it is a step to another level, by the test of `steps.pettitt`, and not only unusual days.
    expected, seen
        Medians over these days, of the baseline and of what was published.
    relative, low, high
        Change, seen / expected − 1: the median over these days; with its interval.
    z
        Median robust z of these days.
    p_value
        Of the step; None where there is none.
    people
        Seen less expected, a day: how much it matters.
    recovered_on, share_recovered
        First of the days on which it was back within the band; the part that is made up for.
    failure
        Why it is taken for a failure of the network.
    """

    what: What
    key: Key
    since: date
    until: date | None
    days: int
    lasting: bool
    expected: float
    seen: float | None
    relative: float | None
    low: float | None
    high: float | None
    z: float | None
    p_value: float | None
    people: float
    recovered_on: date | None = None
    share_recovered: float | None = None
    failure: Failure | None = None

    @property
    def certainty(self) -> str:
        """How sure: ``high`` for a step or |z| ≥ 7, else ``fair``; ``low`` where nothing is published of it."""
        if self.z is None:
            return "low"
        return "high" if (self.p_value is not None and self.p_value <= SURE) or abs(self.z) >= 7 else "fair"


def notice(
    changed: Changes,
    failures: Mapping[tuple[str, date], Failure] | None = None,
    *,
    sure: float = SURE,
    days: int = RECOVERED,
    least: float = 0.0,
) -> list[Finding]:
    """List what is unusual after the reference days, what matters most first.

    A **step** is a lasting shift: the change of all days is tested for steps (`steps.steps_of`), and the new level must
    hold an unusual day after the reference. An **episode** is a run of unusual days in one direction. What falls on
    days and in areas of `failures` is an outage. Rows are sorted by the people they concern.

    Parameters
    ----------
    changed
        Values beside their baseline.
    failures
        (area, day) of each failure of the network, as `outages.failures` gives them.
    sure
        Largest p-value of a step.
    days
        How many days on end within the band make a recovery.
    least
        The least count that is published: a value that is hidden is listed only where the usual one is surely above it,
        b − 5 · max(s, √b) ≥ least.
    """
    found: list[Finding] = []
    for place in range(len(changed.series.keys)):
        found += _of_key(changed, place, failures or {}, sure, days, least)
    return sorted(found, key=lambda one: (-abs(one.people), one.since, one.key))


def _of_key(
    changed: Changes,
    place: int,
    failures: Mapping[tuple[str, date], Failure],
    sure: float,
    days: int,
    least: float,
) -> list[Finding]:
    after = ~changed.in_reference
    unusual = changed.unusual[:, place] & after
    hidden = after & (changed.why[:, place] != GIVEN) & np.isnan(changed.series.values[:, place])
    b, s = changed.expected[:, place], changed.spread[:, place]
    with np.errstate(invalid="ignore"):
        hidden &= b - CERTAIN * np.maximum(s, np.sqrt(b)) >= max(least, 1.0)
    found: list[Finding] = []
    taken = np.zeros(len(unusual), bool)
    for first, last, step in _steps(changed, place, unusual, sure):
        back = recovery(changed, place, first, days)
        ends = last if back.day is None or back.day > last else back.day - 1
        if ends < first:
            continue
        taken[first : ends + 1] = True
        found.append(_finding(changed, place, first, ends, step, back, failures))
    for first, last in _runs(changed, place, unusual & ~taken):
        found.append(_finding(changed, place, first, last, None, recovery(changed, place, first, days), failures))
    for first, last in _stretches(hidden, 1):
        found.append(_hidden(changed, place, first, last, failures))
    return found


def _steps(changed: Changes, place: int, unusual: np.ndarray, sure: float) -> list[tuple[int, int, Step]]:
    """Give (first day, last day, step) of each level that begins after the reference and lies outside what is usual."""
    known = np.flatnonzero(changed.why[:, place] == GIVEN)
    if len(known) < 2 or not unusual.any():
        return []
    steps = steps_of(changed.relative[known, place], sure)
    found = []
    for number, step in enumerate(steps):
        first = int(known[step.place])
        last = int(known[(steps[number + 1].place if number + 1 < len(steps) else len(known)) - 1])
        within = unusual[first : last + 1]
        level = np.median(changed.relative[known[(known >= first) & (known <= last)], place])
        if within.any() and np.sign(level) == np.sign(step.shift):
            found.append((first, last, step))
    return found


def _runs(changed: Changes, place: int, unusual: np.ndarray) -> list[tuple[int, int]]:
    sign = np.sign(np.nan_to_num(changed.relative[:, place]))
    return sorted(run for way in (-1, 1) for run in _stretches(unusual & (sign == way), 1))


def _stretches(flags: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    places = np.flatnonzero(flags)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
    return [(int(run[0]), int(run[-1])) for run in runs if len(run) >= shortest]


def _finding(
    changed: Changes,
    place: int,
    first: int,
    last: int,
    step: Step | None,
    back: Recovery,
    failures: Mapping[tuple[str, date], Failure],
) -> Finding:
    series, key = changed.series, changed.series.keys[place]
    span = [day for day in range(first, last + 1) if changed.why[day, place] == GIVEN]

    def middle(values: np.ndarray) -> float:
        return float(np.median(values[span, place]))

    expected, seen, relative = middle(changed.expected), middle(series.values), middle(changed.relative)
    if step is not None:
        low, high = max(step.low, -1.0), step.high
    else:
        low, high = middle(changed.low), middle(changed.high)
    failure = _failure(changed, key, span, failures)
    what = What.OUTAGE if failure and relative < 0 else What.FALL if relative < 0 else What.RISE
    over = back.day is not None or last < len(series.dates) - 1
    return Finding(
        what,
        key,
        series.dates[first],
        series.dates[last] if over else None,
        len(span),
        step is not None,
        expected,
        seen,
        relative,
        low,
        high,
        middle(changed.z),
        step.p_value if step else None,
        middle(series.values - changed.expected),
        series.dates[back.day] if back.day is not None else None,
        back.share,
        failure if what is What.OUTAGE else None,
    )


def _hidden(
    changed: Changes, place: int, first: int, last: int, failures: Mapping[tuple[str, date], Failure]
) -> Finding:
    """A value that is not published has no number: what was expected is all that can be said."""
    series, key = changed.series, changed.series.keys[place]
    span = list(range(first, last + 1))
    failure = _failure(changed, key, span, failures)
    expected = float(np.median(changed.expected[span, place]))
    return Finding(
        What.OUTAGE if failure else What.HIDDEN,
        key,
        series.dates[first],
        series.dates[last] if last < len(series.dates) - 1 else None,
        len(span),
        False,
        expected,
        None,
        None,
        None,
        None,
        None,
        None,
        -expected if failure else 0.0,
        failure=failure,
    )


def _failure(
    changed: Changes, key: Key, span: list[int], failures: Mapping[tuple[str, date], Failure]
) -> Failure | None:
    """Give the reason if at least half of the days are days of failure at an end of the key."""
    reasons = [
        reason
        for day in span
        if (
            reason := next(
                (
                    failures[code, changed.series.dates[day]]
                    for code in key
                    if (code, changed.series.dates[day]) in failures
                ),
                None,
            )
        )
    ]
    return reasons[0] if span and 2 * len(reasons) >= len(span) and reasons else None
