"""How far a time lies above or below what is usual, of each key and of all together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from commonweal.mobility.baselines.series import Numbers
from commonweal.mobility.forecasts.profile import Profile
from commonweal.mobility.forecasts.slots import SlotSeries

WEIGHT = 100.0
"""How many people of all keys' level each key's own level is mixed with."""
DAMPED = 0.5
"""Which part of the last week's growth is expected to go on."""


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
        N = \frac{\sum_{m,d} v}{\sum_{m,d} b}, \qquad
        L_m = \frac{\sum_d v_m + 100\,N}{\sum_d b_m + 100}

    Parameters
    ----------
    seen, expected
        (days, m) people seen v, and usual b, of `sums`.

    Examples
    --------
    >>> own, together = level(np.array([[900.0, 20.0]]), np.array([[1000.0, 0.0]]))
    >>> own.round(3).tolist(), together
    ([0.902, 1.12], 0.92)
    """
    total = expected.sum()
    together = float(seen.sum() / total) if total > 0 else 1.0
    return (seen.sum(axis=0) + WEIGHT * together) / (expected.sum(axis=0) + WEIGHT), together


def recent_level(series: SlotSeries, usual: Profile, rows: Sequence[int], ahead: float) -> Numbers:
    r"""Give the level of each key that is expected some days after the last of these.

    .. math::
        L_m \left(\frac{N}{N'}\right)^{0.5\,w}

    with the level of the last seven days, N of all keys together, N' the same of the seven days before, and w the weeks
    from the middle of the last seven days to the day in question. Half of the growth of a week is expected to go on.

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
    return own * growth ** (DAMPED * weeks)
