"""Lasting shifts of level: on which day, how large, how sure; and recovery, when the level is back where it was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from commonweal.mobility.baselines.baseline import GIVEN, UNUSUAL, Changes
from commonweal.mobility.baselines.series import Numbers

SURE = 0.01
SHORTEST = 3
"""Days that a level must last on each side of a step."""
SHUFFLES = 9_999
SEED = 20_261


@dataclass(frozen=True)
class Step:
    """A step of a series.

    Parameters
    ----------
    place
        Index of the first value of the new level.
    p_value
        Part of shuffled series, without any step, that show as much.
    shift, low, high
        Hodges–Lehmann estimate of the difference of levels, with a 95 % interval.
    """

    place: int
    p_value: float
    shift: float
    low: float
    high: float


def pettitt(values: npt.ArrayLike) -> tuple[int, float, float]:
    """Look for one step in a series (Pettitt 1979).

        U_t = 2 · Σ_{i ≤ t} Rᵢ − t (n + 1)          K = max |U_t|

    with R the ranks, ties at their mean. The p-value is by permutation: how often one of 9,999 shuffled series of n
    distinct values has a K as large (Phipson and Smyth 2010: it is never 0); with ties that is cautious.

    Returns
    -------
    place, K, p
        Index of the first value after the step; the statistic; its p-value.

    Examples
    --------
    >>> place, statistic, p = pettitt([5, 6, 4, 5.5, 6.5, 1, 2, 1.5, 0.5, 2.5])
    >>> place, statistic, p < 0.01
    (5, 25.0, True)
    """
    series = np.asarray(values, dtype=np.float64)
    n = len(series)
    if n < 2:
        return 0, 0.0, 1.0
    u = np.abs(_u(_ranks(series)[None, :]))[0]
    place = int(np.argmax(u)) + 1
    statistic = float(u[place - 1])
    larger = int((_shuffled(n) >= statistic - 1e-9).sum())
    return place, statistic, (1 + larger) / (1 + SHUFFLES)


def least_deviation(values: npt.ArrayLike, shortest: int = 1) -> int:
    """Say where one step fits best: the least sum of distances from the medians of both sides (Bai 1995).

    Pettitt's own place lies rather towards the middle of a series whose step lies near an end.

    Examples
    --------
    >>> least_deviation([5, 4, 6, 5, 5, 4, 1, 0])
    6
    """
    series = np.asarray(values, dtype=np.float64)

    def apart(part: Numbers) -> float:
        return float(np.abs(part - np.median(part)).sum())

    places = range(shortest, len(series) - shortest + 1)
    return min(places, key=lambda at: apart(series[:at]) + apart(series[at:]))


def shift_between(before: npt.ArrayLike, after: npt.ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """Estimate a shift without assuming a distribution: the median of all differences (Hodges and Lehmann 1963).

        Δ = median over i, j of (afterⱼ − beforeᵢ)

    The interval lies between the C-th smallest and the C-th largest difference (Moses; Hollander and Wolfe 1999,
    section 4.3), with m and n values::

        C = ⌊m n / 2 − 1.96 √(m n (m + n + 1) / 12)⌋, at least 1

    With few values it is the whole range.

    Examples
    --------
    >>> shift_between([10, 11, 12, 13], [4, 5, 6])
    (-6.5, -9.0, -4.0)
    """
    from scipy.special import ndtri

    one, other = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    differences = np.sort((other[:, None] - one[None, :]).ravel())
    m, n = len(one), len(other)
    width = float(ndtri((1 + level) / 2)) * np.sqrt(m * n * (m + n + 1) / 12)
    c = max(int(np.floor(m * n / 2 - width)), 1)
    return float(np.median(differences)), float(differences[c - 1]), float(differences[-c])


def steps_of(values: npt.ArrayLike, sure: float = SURE, shortest: int = SHORTEST) -> list[Step]:
    """Find all steps by halving: where `pettitt` finds one, each side is searched again (Scott and Knott 1974).

    Whether there is a step is Pettitt's to say, on which day it is `least_deviation`'s.

    Parameters
    ----------
    values
        A series without gaps in its numbers.
    sure
        Largest p-value of a step.
    shortest
        Least number of values on each side.

    Examples
    --------
    >>> [step.place for step in steps_of([0, 1, 0, 1, 0, 1, 0, 1, 9, 8, 9, 8, 9, 8, 9, 8])]
    [8]
    """
    series = np.asarray(values, dtype=np.float64)
    places: dict[int, float] = {}

    def search(begin: int, end: int) -> None:
        if end - begin < 2 * shortest:
            return
        p = pettitt(series[begin:end])[2]
        if p <= sure:
            at = begin + least_deviation(series[begin:end], shortest)
            places[at] = p
            search(begin, at)
            search(at, end)

    search(0, len(series))
    edges = [0, *sorted(places), len(series)]
    return [
        Step(at, places[at], *shift_between(series[before:at], series[at:after]))
        for before, at, after in zip(edges, edges[1:], edges[2:], strict=False)
    ]


@dataclass(frozen=True)
class Recovery:
    """What became of a change.

    Parameters
    ----------
    day
        Index of the first of the days that were back within the band; None if they never were.
    share
        Part of the change that is made up for: 1 all, 0 none; below 0 it grew.
    """

    day: int | None
    share: float | None


def recovery(changed: Changes, key: int, start: int, days: int = 3) -> Recovery:
    """Say when a key was back within the band for some days on end, and how much of its change is made up for.

        back on day d ≥ start     if it and the next published days, `days` of them, have |x − b| ≤ 3.5 · max(s, √b)
                                  and are not unusual
        share = 1 − median(change of the last `days` days) / median(change of the first `days` days)

    Days without a number are passed over: they are neither back nor away.

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> from commonweal.mobility.baselines import DaySeries, Reference, changes
    >>> days = [date(2024, 1, 1) + timedelta(day) for day in range(12)]
    >>> seen = [100, 104, 96, 100, 40, 45, 50, 60, 98, 99, 101, 99]
    >>> series = DaySeries.of([("A",)], days, seen)
    >>> found = recovery(changes(series, Reference(last=days[3], like="any")), 0, 4)
    >>> found.day, round(found.share, 2)
    (8, 0.98)
    """
    known = [day for day in range(start, len(changed.series.dates)) if changed.why[day, key] == GIVEN]
    if not known:
        return Recovery(None, None)
    band = UNUSUAL * np.maximum(changed.spread[:, key], np.sqrt(changed.expected[:, key]))
    with np.errstate(invalid="ignore"):
        near = np.abs(changed.series.values[:, key] - changed.expected[:, key]) <= band
    near &= ~changed.unusual[:, key]
    back = next(
        (
            known[place]
            for place in range(len(known) - days + 1)
            if all(near[day] for day in known[place : place + days])
        ),
        None,
    )
    moved = changed.relative[:, key]
    begun, now = float(np.median(moved[known[:days]])), float(np.median(moved[known[-days:]]))
    share = 1 - now / begun if begun and len(known) > days else None
    return Recovery(back, share)


def _ranks(series: Numbers) -> Numbers:
    _, which, many = np.unique(series, return_inverse=True, return_counts=True)
    ends = np.cumsum(many)
    found: Numbers = (ends - (many - 1) / 2)[which]
    return found


def _u(ranks: Numbers) -> Numbers:
    n = ranks.shape[1]
    found: Numbers = 2 * np.cumsum(ranks, axis=1)[:, :-1] - np.arange(1, n) * (n + 1)
    return found


@lru_cache(maxsize=512)
def _shuffled(n: int) -> Numbers:
    """K of shuffled series of n distinct values; it depends on n alone."""
    draw = np.random.default_rng([SEED, n])
    ranks = np.tile(np.arange(1.0, n + 1), (SHUFFLES, 1))
    found: Numbers = np.abs(_u(draw.permuted(ranks, axis=1))).max(axis=1)
    return found
