"""Mixed clocks: days on which some sites, or all of them, keep another time than they usually do.

A site's day has few events, so its hours are told by three waves of 24, 12 and 8 hours::

    F(c, d, k) = Σ over events of e^(−2πi k (h + ½) / 24)          h the hour of the clock, k = 1, 2, 3

which add up over buckets. With u the median profile of like days of the whole network, U its waves and U′ those of u
moved by s hours, round the clock or within the day; with M the mean waves of an event of the site on its like days,
drawn towards U by 200 events; and M′ = M · U′ / U what they would be with its clock moved::

    x(c, d) = Re Σ_k conj(M′ − M) (F / n − M) / Σ_k |M′ − M|²        about 0 if the clock is right, 1 if it is moved
    σ(c)    = from 1.4826 · median(|x|) over the like days of the site and of all sites, by the root of events
    G(s, q) = Σ_c log(1 − q + q · t₃((x − 1)/σ) / t₃(x/σ))           q: the part of sites that are moved

with t₃ Student's density of three degrees of freedom, since people of one site do not act one by one. The day is of
mixed clocks by the s and q of the largest G if that is at least 12; of another clock altogether if q ≥ 0.9. A site is
compared with its own past, so homes and offices are no fault; and sites that are of another clock on all days are
found by the same rule against all other sites, from three hours on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from commonweal.mobility.quality.finding import Fault, Finding, Sure, in_runs

Numbers = npt.NDArray[np.float64]
Waves = npt.NDArray[np.complex128]
HOURS = 24
ORDERS = 3
"""How many waves tell of a site's hours."""
DRAWN = 200.0
"""Events of the network that a site's own past is mixed with."""
LEAST_EVENTS = 30
"""A site's day with fewer events says nothing."""
LEAST_SITES = 10
LEAST_DAYS = 4
"""Fewest like days of the network, and of a site."""
PARTS = (0.1, 0.2, 1 / 3, 0.5, 0.7, 0.9, 0.99)
"""Parts of all sites that are tried."""
ALL = 0.9
"""Part from which on the whole day is of another clock."""
ENOUGH = 12.0
"""Least logarithm of how much likelier the records are with clocks moved."""
FOR_GOOD, FOR_GOOD_ENOUGH = 3, 20.0
"""Least shift, h, and least logarithm, for sites that are of another clock on all days."""
SHIFTS = tuple(shift for shift in range(-11, 13) if shift)
TURNS = np.exp(-2j * np.pi * np.arange(1, ORDERS + 1)[:, None] * (np.arange(HOURS) + 0.5) / HOURS)
"""What an event of each hour adds to each wave, (orders, hours)."""


def mixed_clocks(
    days: Sequence[date], hours: Numbers, counts: Numbers, waves: Waves, day_starts: int = 0
) -> list[Finding]:
    """Find days on which some sites or all keep another time, and sites that always do.

    Parameters
    ----------
    days
        In order.
    hours
        float64[days, 24]: events of the whole network by hour of the clock; NaN in hours that the clock does not show.
    counts
        float64[sites, days]: events.
    waves
        complex128[3, sites, days]: F.
    day_starts
        Hour of the clock with which days begin.

    Examples
    --------
    Twenty sites, of which a third keep a time two hours later on the fifth day:

    >>> from datetime import timedelta
    >>> usual = np.array([2, 1, 1, 1, 2, 5, 20, 40, 60, 70, 75, 80, 85, 80, 75, 70, 75, 90, 99, 95, 80, 50, 20, 8.0])
    >>> days = [date(2026, 3, 2) + timedelta(n) for n in range(12)]
    >>> hours = np.random.default_rng(1).poisson(np.tile(usual / 6, (21, 12, 1))).astype(float)
    >>> hours[:7, 4] = np.concatenate([np.zeros((7, 2)), hours[:7, 4, :-2]], axis=1)
    >>> found = mixed_clocks(days, hours.sum(0), hours.sum(2), np.einsum("cdh,kh->kcd", hours, TURNS))
    >>> [(one.since.day, one.kind.value, one.numbers["shift_hours"], one.numbers["share"]) for one in found]
    [(6, 'mixed_clocks', 2, 0.33)]
    """
    hours = np.roll(np.nan_to_num(hours), -day_starts, axis=1)
    waves = waves * np.exp(2j * np.pi * np.arange(1, ORDERS + 1) * day_starts / HOURS)[:, None, None]
    total = hours.sum(axis=1)
    if len(days) <= LEAST_DAYS or len(counts) < LEAST_SITES or not total.any():
        return []
    shares = hours / np.maximum(total, 1)[:, None]
    free = np.array([day.weekday() > 4 for day in days])
    judged: dict[int, tuple[float, int, float]] = {}
    for number in range(len(days)):
        like = (free == free[number]) & (total > 0)
        like[number] = False
        if like.sum() < LEAST_DAYS:
            like = total > 0
            like[number] = False
        if like.sum() >= LEAST_DAYS and total[number] > 0:
            judged[number] = _of_day(number, np.flatnonzero(like), shares, counts, waves)
    told: dict[tuple[int, float], list[date]] = {}
    for number, (shift, part) in _without_overflow(judged).items():
        told.setdefault((shift, part), []).append(days[number])
    order = {day: number for number, day in enumerate(days)}
    found = [
        _finding(shift, part, first, last)
        for (shift, part), of_shift in sorted(told.items())
        for first, last in in_runs(of_shift, order)
    ]
    _, shift, part = _for_good(counts, waves)
    return [_finding(shift, part, days[0], days[-1])] if shift else found


def _without_overflow(judged: Mapping[int, tuple[float, int, float]]) -> dict[int, tuple[int, float]]:
    """Leave out days that are unlike others only since events of a day beside them were moved into them."""
    found: dict[int, tuple[int, float]] = {}
    for number, (_, shift, part) in sorted(judged.items(), key=lambda one: -one[1][0]):
        before, after = (found.get(number + side, (0, 0.0))[0] for side in (-1, 1))
        if shift and (before <= 0 or before == shift) and (after >= 0 or after == shift):
            found[number] = shift, part
    return dict(sorted(found.items()))


def _finding(shift: int, part: float, first: date, last: date) -> Finding:
    if part >= ALL:
        return Finding(Fault.WRONG_TIME_ZONE, since=first, until=last, sure=Sure.LIKELY, numbers={"shift_hours": shift})
    numbers = {"shift_hours": shift, "share": round(part, 2)}
    return Finding(Fault.MIXED_CLOCKS, since=first, until=last, sure=Sure.LIKELY, numbers=numbers)


def _of_day(
    day: int, like: npt.NDArray[np.int64], shares: Numbers, counts: Numbers, waves: Waves
) -> tuple[float, int, float]:
    """G, by which shift, what part of the sites is moved on a day; 0 if none surely is."""
    usual = np.median(shares[like], axis=0)
    usual = np.maximum(usual, 1e-6) / np.maximum(usual, 1e-6).sum()
    judged = (counts[:, day] >= LEAST_EVENTS) & ((counts[:, like] >= LEAST_EVENTS).sum(axis=1) >= LEAST_DAYS)
    if judged.sum() < LEAST_SITES:
        return 0.0, 0, 0.0
    counts, waves = counts[judged], waves[:, judged]
    past = counts[:, like].sum(axis=1)
    network = TURNS @ usual
    own = (waves[:, :, like].sum(axis=2) + DRAWN * network[:, None]) / (past + DRAWN)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(counts >= LEAST_EVENTS, waves / counts, np.nan)
    best, found = ENOUGH, (0.0, 0, 0.0)
    for shift, moved in _moved(usual):
        step = own * (moved / network - 1)[:, None]
        x = np.real(np.einsum("kc,kcd->cd", step.conj(), mean - own[:, :, None])) / (np.abs(step) ** 2).sum(0)[:, None]
        spread = 1.4826 * np.nanmedian(np.abs(x[:, like]), axis=1)
        typical = np.median(spread * np.sqrt(past)) / np.sqrt(past)
        here = np.sqrt(past / len(like) / counts[:, day])  # a day of fewer events is less sure
        likelier, part = _likelier(x[:, day], np.sqrt((spread**2 + typical**2) / 2) * np.maximum(here, 1))
        if likelier > best:
            best, found = likelier, (likelier, shift, part)
    return found


def _for_good(counts: Numbers, waves: Waves) -> tuple[float, int, float]:
    """G, by which shift what part of the sites differs from the others over all days; 0 if none surely does."""
    total = counts.sum(axis=1)
    judged = total >= LEAST_EVENTS * LEAST_DAYS
    if judged.sum() < LEAST_SITES:
        return 0.0, 0, 0.0
    mean = waves[:, judged].sum(axis=2) / total[judged]
    # What most sites do, wave by wave: a third of another clock hardly moves it.
    most = np.median(mean.real, axis=1) + 1j * np.median(mean.imag, axis=1)
    best, found = FOR_GOOD_ENOUGH, (0.0, 0, 0.0)
    for shift in SHIFTS:
        if abs(shift) < FOR_GOOD:
            continue
        step = most * (np.exp(-2j * np.pi * np.arange(1, ORDERS + 1) * shift / HOURS) - 1)
        x = np.real((step.conj()[:, None] * (mean - most[:, None])).sum(axis=0)) / (np.abs(step) ** 2).sum()
        spread = np.full(len(x), 1.4826 * np.median(np.abs(x - np.median(x))))
        likelier, part = _likelier(x, np.maximum(spread, 0.02))
        if likelier > best and part <= 0.5:
            best, found = likelier, (likelier, shift, part)
    return found


def _moved(usual: Numbers) -> Iterator[tuple[int, Waves]]:
    """Waves of the profile moved by each shift: with the days beside it moved alike, or within the day alone."""
    for shift in SHIFTS:
        round_the_clock = np.roll(usual, shift)
        yield shift, TURNS @ round_the_clock
        within = np.zeros(HOURS)
        inside = slice(max(0, shift), HOURS + min(0, shift))
        within[inside] = round_the_clock[inside]
        yield shift, TURNS @ (within / within.sum())


def _likelier(x: Numbers, spread: Numbers) -> tuple[float, float]:
    """G, and the part q of sites by which it is largest."""
    spread = np.maximum(spread, 1e-3)
    ratio = ((1 + (x / spread) ** 2 / 3) / (1 + ((x - 1) / spread) ** 2 / 3)) ** 2
    each = [float(np.log(1 - part + part * ratio).sum()) for part in PARTS]
    best = int(np.argmax(each))
    return each[best], PARTS[best]
