"""Control limits of a daily figure, and the days that lie outside them.

The limits are those of a chart of single values (Shewhart 1931), with a median and a MAD in place of a mean and a
moving range, so that the days that are wrong do not widen them; days are compared with days of their kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from commonweal.mobility.quality.finding import Fault, Finding, Sure, in_runs

Numbers = npt.NDArray[np.float64]
NORMAL = 1.4826
WIDTH = 3.0
"""Limits lie so many spreads from the centre."""
MINIMUM = 5
"""Fewest days of a kind, else coarser kinds are taken; with fewer of any kind there are no limits."""
DEAD = 0.1
"""A day with less than this part of what is usual is dead."""
FEWEST = 3
"""Fewest other days with which a dead day is compared."""
FAR = {"weekday": 0.2, "workday": 0.2, "any": 0.5}
"""How far from the centre, as a part of it, a day outside the limits must lie to be said, by how days are compared."""
SIDE, SIDE_SPREADS, SIDE_SHARE = 9, 1.0, 0.1
"""Drift: so many days on one side, on average so many spreads and such a part away."""
RELATIVE = 0.01
"""Least spread, as a part of the centre."""


@dataclass(frozen=True, eq=False)
class Limits:
    """Centre and limits of a figure by day; NaN where there is not history enough.

    Parameters
    ----------
    values
        float64[days]; NaN where nothing is known.
    centre, low, high, spread
        float64[days].
    like
        With which days a day is compared: ``weekday``, ``workday``, ``any``; or ``none``.
    """

    values: Numbers
    centre: Numbers
    low: Numbers
    high: Numbers
    spread: Numbers
    like: str


def control_limits(days: Sequence[date], values: Numbers) -> Limits:
    """Find the control limits of a daily figure.

    Over the days j of the kind of day d that have a value above zero::

        b(d) = median(x(j))       s(d) = max(1.4826 · median(|x(j) − b(d)|), √b(d), 0.01 · b(d))
        limits: b(d) ± 3 · s(d)

    The kind is the weekday if each weekday of the period has five days, else Monday to Friday and the others if both
    have five, else any day if five have a value; else there are no limits.

    Parameters
    ----------
    days
        In order.
    values
        float64[days]; NaN where nothing is known.

    Examples
    --------
    >>> from datetime import timedelta
    >>> days = [date(2026, 3, 5) + timedelta(n) for n in range(5)]
    >>> found = control_limits(days, np.array([100.0, 110, 100, 90, 100]))
    >>> found.like, [float(values[0]) for values in (found.centre, found.low, found.high)]
    ('any', [100.0, 70.0, 130.0])
    """
    known = np.isfinite(values) & (values > 0)
    kinds = {
        "weekday": np.array([day.weekday() for day in days]),
        "workday": np.array([day.weekday() > 4 for day in days], np.int64),
        "any": np.zeros(len(days), np.int64),
    }
    like = next(
        (
            name
            for name, kind in kinds.items()
            if len(days) and min(known[kind == one].sum() for one in np.unique(kind)) >= MINIMUM
        ),
        "none",
    )
    centre, spread = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for one in np.unique(kinds[like]) if like != "none" else ():
        of_kind = kinds[like] == one
        past = values[of_kind & known]
        b = float(np.median(past))
        centre[of_kind] = b
        spread[of_kind] = max(NORMAL * float(np.median(np.abs(past - b))), b**0.5, RELATIVE * b)
    low, high = np.maximum(centre - WIDTH * spread, 0), centre + WIDTH * spread
    return Limits(values, centre, low, high, spread, like)


def outside(
    days: Sequence[date], limits: Limits, figure: str, enough: npt.NDArray[np.bool_] | None = None
) -> list[Finding]:
    """Say which days of a figure are dead, low or high, and where it drifts.

    A day is *dead* if it has less than a tenth of the median of the other days, three of them at least; *low* or
    *high* if it lies outside the limits and by a fifth of the centre or more from it (by half, where days of any kind
    are compared). A figure *drifts* where nine days or more in a row lie on one side of the centre (Nelson 1984,
    rule 2), on average by one spread and by a tenth of the centre.

    Parameters
    ----------
    figure
        Its name.
    enough
        bool[days]: whether people enough stand behind the figure for it to be said; all if None.
    """
    enough = np.ones(len(days), bool) if enough is None else enough
    order = {day: number for number, day in enumerate(days)}
    values = limits.values
    found: list[Finding] = []
    dead = [day for day, number in order.items() if _is_dead(values, number)]
    for first, last in in_runs(dead, order):
        inside = values[order[first] : order[last] + 1]
        others = np.delete(values, np.arange(order[first], order[last] + 1))
        said = enough[order[first] : order[last] + 1]
        usual = float(np.nanmedian(others[others > 0]))
        found.append(
            Finding(
                Fault.DEAD_DAY,
                since=first,
                until=last,
                sure=Sure.CERTAIN,
                numbers={
                    "figure": figure,
                    "times_usual": _times(inside / usual, said),
                },
            )
        )
    away = values - limits.centre
    far = FAR.get(limits.like, np.inf)
    for kind, sign in ((Fault.LOW_DAY, -1), (Fault.HIGH_DAY, 1)):
        with np.errstate(invalid="ignore"):
            out = (sign * away > WIDTH * limits.spread) & (sign * away >= far * limits.centre)
        chosen = [day for day, number in order.items() if out[number] and day not in dead]
        for first, last in in_runs(chosen, order):
            part = slice(order[first], order[last] + 1)
            found.append(
                Finding(
                    kind,
                    since=first,
                    until=last,
                    sure=Sure.LIKELY if np.abs(away[part] / limits.spread[part]).min() >= 2 * WIDTH else Sure.POSSIBLE,
                    numbers={"figure": figure, "times_usual": _times((values / limits.centre)[part], enough[part])},
                )
            )
    return found + _drift(days, limits, figure, set(dead))


def _times(parts: Numbers, enough: npt.NDArray[np.bool_]) -> float | None:
    """Say on average how many times what is usual days have; nothing where too few people stand behind one of them."""
    return round(float(np.nanmean(parts)), 2) if enough.all() else None


def _is_dead(values: Numbers, number: int) -> bool:
    others = np.delete(values, number)
    others = others[np.isfinite(others) & (others > 0)]
    if len(others) < FEWEST or not np.isfinite(values[number]):
        return False
    usual = float(np.median(others))
    return usual >= 10 and values[number] < DEAD * usual


def _drift(days: Sequence[date], limits: Limits, figure: str, dead: set[date]) -> list[Finding]:
    away = limits.values - limits.centre
    side = np.where([day in dead for day in days], 0, np.nan_to_num(np.sign(away)))
    found, start = [], 0
    while start < len(days):
        end = start
        while end + 1 < len(days) and side[end + 1] == side[start]:
            end += 1
        part = slice(start, end + 1)
        if side[start] and end - start + 1 >= SIDE:
            mean = float(np.abs(away[part]).mean())
            if mean >= SIDE_SPREADS * limits.spread[part].mean() and mean >= SIDE_SHARE * limits.centre[part].mean():
                found.append(
                    Finding(
                        Fault.DRIFT,
                        since=days[start],
                        until=days[end],
                        numbers={
                            "figure": figure,
                            "times_usual": _times((limits.values / limits.centre)[part], np.ones(1, bool)),
                        },
                    )
                )
        start = end + 1
    return found
