"""Wrong time zones: days whose hours are those of another clock, and records whose nights are no nights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from commonweal.mobility.quality.finding import Fault, Finding, Sure, in_runs

Numbers = npt.NDArray[np.float64]
HOURS = 24
MOST = 12
"""Greatest shift that is looked for, h."""
LEAST_EVENTS = 100
"""A day with fewer events has no shape."""
LEAST_DAYS = 3
"""Fewest days whose median is what is usual."""
BETTER = 0.35
"""The shifted profile must fit so much better: its squared error is at most this part of that without a shift."""
FIT = 0.7
"""Least correlation of the shifted profile with the day."""
UNLIKE = 4.0
"""The day must be so many times as unlike the usual profile as the median day is."""
QUIET, EARLIEST, LATEST = 5, 1.0, 6.0
"""The five hours in a row with the fewest events have their middle between these times of day, where people sleep."""
USUAL_MIDDLE = 3.5
CONTRAST = 0.5
"""The quiet hours must have less than this part of the mean hour, or they are no night."""


def shifted_days(days: Sequence[date], counts: Numbers) -> list[Finding]:
    """Find days whose activity follows the usual profile some hours earlier or later.

    With p(d, h) the share of day d's events in hour h of the clock, and u(h) the median of p(d, h) over all days,
    scaled to add up to 1, each shift s from −12 to 12 is tried, with the day before or after shifted alike, or not::

        error(d, s) = min( Σ (u(h − s mod 24) − p(d, h))²,  Σ (a · u(h − s) − p(d, h))² ) / Σ p(d, h)²

    The second has nothing in hours for which h − s is no hour of the day, and a makes it add up to 1.
    The day is shifted by the s of least error if that is at most 0.35 of the error without a shift, the profiles
    correlate by 0.7, and the day is four times as unlike the usual profile as the median day.

    Parameters
    ----------
    days
        In order.
    counts
        float64[days, 24]: events by hour of the clock; NaN in hours that are not known.

    Examples
    --------
    >>> from datetime import timedelta
    >>> usual = np.array([2, 1, 1, 1, 2, 5, 20, 40, 60, 70, 75, 80, 85, 80, 75, 70, 75, 90, 99, 95, 80, 50, 20, 8.0])
    >>> days = [date(2026, 3, 1) + timedelta(n) for n in range(7)]
    >>> counts = np.tile(usual, (7, 1))
    >>> counts[3] = np.concatenate([np.zeros(5), usual[:-5]])
    >>> [(one.since.day, one.numbers["shift_hours"]) for one in shifted_days(days, counts)]
    [(4, 5)]
    """
    counts = np.nan_to_num(counts)
    total = counts.sum(axis=1)
    shaped = total >= LEAST_EVENTS
    if shaped.sum() <= LEAST_DAYS:
        return []
    share = counts / np.maximum(total, 1)[:, None]
    usual = np.median(share[shaped], axis=0)
    if usual.sum() <= 0:
        return []
    usual /= usual.sum()
    unlike = ((share - usual) ** 2).sum(axis=1)
    # A day of few events is unlike the usual one by chance: Σ u (1 − u) / n.
    chance = (usual * (1 - usual)).sum() / np.maximum(total, 1)
    ordinary = np.maximum(np.median(unlike[shaped]), chance)
    found: dict[int, list[date]] = {}
    for number, day in enumerate(days):
        if not shaped[number] or unlike[number] < UNLIKE * ordinary[number]:
            continue
        error, fit = _errors(share[number], usual)
        best = int(np.argmin(error))
        if best != MOST and error[best] <= BETTER * error[MOST] and fit[best] >= FIT:
            found.setdefault(best - MOST, []).append(day)
    order = {day: number for number, day in enumerate(days)}
    return [
        Finding(Fault.WRONG_TIME_ZONE, since=first, until=last, sure=Sure.LIKELY, numbers={"shift_hours": shift})
        for shift, of_shift in sorted(found.items())
        for first, last in in_runs(of_shift, order)
    ]


def _errors(share: Numbers, usual: Numbers) -> tuple[Numbers, Numbers]:
    """Error and correlation for each shift from −`MOST` to `MOST`, of the better of both kinds of neighbours."""
    error, fit = np.full(2 * MOST + 1, np.inf), np.zeros(2 * MOST + 1)
    for place, shift in enumerate(range(-MOST, MOST + 1)):
        first, last = max(0, shift), HOURS + min(0, shift)
        round_the_clock = np.roll(usual, shift)
        alone = np.zeros(HOURS)
        alone[first:last] = round_the_clock[first:last]
        for told in (round_the_clock, alone / max(alone.sum(), 1e-12)):
            found = ((share - told) ** 2).sum() / (share**2).sum()
            if found < error[place]:
                error[place] = found
                fit[place] = np.corrcoef(share, told)[0, 1] if share.std() and told.std() else 0.0
    return error, fit


def shifted_whole(days: Sequence[date], counts: Numbers) -> list[Finding]:
    """Find records whose quietest hours are not at night: all of them may be in another zone's time.

    The five hours in a row, round the clock, with the fewest events must have their middle between 01:00 and 06:00; if
    they have it elsewhere, though they have less than half the events of the mean hour, the shift that brings it to
    03:30 is said. What people do makes an hour or two of difference, so this is possible or likely, never certain.

    Parameters are those of `shifted_days`.
    """
    hourly = np.nan_to_num(counts).sum(axis=0)
    if hourly.sum() < LEAST_EVENTS * LEAST_DAYS or (hourly > 0).sum() < HOURS / 2:
        return []
    twice = np.concatenate([hourly, hourly])
    quiet = np.array([twice[h : h + QUIET].sum() for h in range(HOURS)])
    if (quiet == quiet.min()).sum() > 1:
        # A hole in which nothing at all is recorded: its middle.
        longest = _longest_hole(hourly)
        middle = (longest[0] + longest[1] / 2) % HOURS
    else:
        middle = (float(np.argmin(quiet)) + QUIET / 2) % HOURS
    if quiet.min() >= CONTRAST * QUIET * hourly.mean() or EARLIEST <= middle <= LATEST:
        return []
    shift = round((middle - USUAL_MIDDLE + 12) % 24 - 12)
    sure = Sure.LIKELY if abs(shift) > 4 else Sure.POSSIBLE
    numbers = {"shift_hours": shift, "quietest": f"{int(middle):02d}:{int(middle % 1 * 60):02d}"}
    return [Finding(Fault.WRONG_TIME_ZONE, since=days[0], until=days[-1], sure=sure, numbers=numbers)]


def _longest_hole(hourly: Numbers) -> tuple[int, int]:
    """Start and length of the longest run, round the clock, of the hours with the fewest events."""
    low = hourly == hourly.min()
    best = (0, 0)
    for start in range(HOURS):
        length = 0
        while length < HOURS and low[(start + length) % HOURS]:
            length += 1
        best = max(best, (start, length), key=lambda run: run[1])
    return best
