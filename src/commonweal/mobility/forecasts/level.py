"""How far a time lies above or below what is usual, of each key and of all together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from commonweal.mobility.baselines.series import Numbers
from commonweal.mobility.forecasts.profile import Profile
from commonweal.mobility.forecasts.slots import SlotSeries

WEIGHT = 15.0
"""How many people a day of all keys' level each key's own level is mixed with."""
DAMPED = 0.5
"""Which part of a week's growth is expected in the next."""


def sums(series: SlotSeries, usual: Profile, rows: Sequence[int]) -> tuple[Numbers, Numbers]:
    """Give, of each key on some days, how many were seen and how many are usual.

    Only slots count that were published and are usually of 2k at least: were those that are often hidden taken too,
    only their larger values would count.

    Returns
    -------
    (rows, m) each
    """
    base = usual.usual[[usual.kind(series.dates[at]) for at in rows]]
    values = series.values[list(rows)]
    there = ~np.isnan(values) & (base >= series.reliable)
    return np.where(there, values, 0.0).sum(axis=1), np.where(there, base, 0.0).sum(axis=1)


def level(seen: Numbers, expected: Numbers) -> tuple[Numbers, float]:
    r"""Give the level of each key, and of all together.

    .. math::
        N = \operatorname{mean}_d \frac{\sum_m v_{d,m}}{\sum_m b_{d,m}}, \qquad
        L_m = \operatorname{mean}_d \frac{v_{d,m} + 15\,N}{b_{d,m} + 15}

    Means over days without the highest and the lowest where there are five or more, so that a day on which something
    happened does not tell of the others; and 15 people a day of all keys' level, so that few people do not tell much.

    Parameters
    ----------
    seen, expected
        (days, m) people seen v, and usual b, of `sums`.

    Examples
    --------
    >>> seen = np.array([[900.0, 20.0], [900.0, 0.0], [900.0, 0.0], [800.0, 0.0], [2000.0, 0.0]])
    >>> own, together = level(seen, np.array([[1000.0, 0.0]] * 5))
    >>> own.round(3).tolist(), round(together, 3)
    ([0.9, 0.907], 0.907)
    """
    whole = expected.sum(axis=1)
    days = whole > 0
    together = float(_mean(seen.sum(axis=1)[days] / whole[days])) if days.any() else 1.0
    # What is seen where nothing is usual tells nothing.
    people = np.where(expected > 0, seen, 0.0)
    if not len(people):
        return np.ones(seen.shape[1]), together
    return _mean((people + WEIGHT * together) / (expected + WEIGHT)), together


def _mean(values: Numbers) -> Numbers:
    """Give the mean over the first axis, without the highest and the lowest of five or more."""
    ordered = np.sort(values, axis=0)
    return np.asarray((ordered[1:-1] if len(values) >= 5 else ordered).mean(axis=0))


def recent_level(series: SlotSeries, usual: Profile, rows: Sequence[int], ahead: float) -> Numbers:
    r"""Give the level of each key that is expected some days after the last of these.

    .. math::
        L_m \, g^{1 - 0.5^w}, \qquad g = \min\left(\max\left(\frac{N}{N'}, 0.5\right), 2\right)

    with the level of the last seven days, N of all keys together, N' the same of the seven days before, and w the weeks
    from the middle of the last seven days to the day in question. Of each week's growth g half is expected in the next.
    g is 1 where there are not seven days before, or N or N' is 0.
    Source: damped trends, E. S. Gardner, E. McKenzie, *Forecasting trends in time series* (1985).

    Parameters
    ----------
    rows
        Days that tell, ascending; the last fourteen are taken.
    ahead
        Days from the last of them to the day in question.

    Returns
    -------
    (m,)
    """
    last, before = list(rows[-7:]), list(rows[-14:-7])
    if not last:
        return np.ones(len(series.keys))
    own, together = level(*sums(series, usual, last))
    if len(before) < 7 or together <= 0:
        return own
    _, earlier = level(*sums(series, usual, before))
    weeks = (ahead + (last[-1] - last[0]) / 2) / 7
    growth = np.clip(together / earlier, 0.5, 2.0) if earlier > 0 else 1.0
    return own * growth ** (1 - DAMPED**weeks)
