"""What is usual at each hour of the week: the median of like days, of which some are known only to be below k."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from commonweal.mobility.baselines.baseline import LIKE, Like, Reference
from commonweal.mobility.baselines.series import Numbers
from commonweal.mobility.forecasts.slots import Mask, SlotSeries

HISTORY = 56
"""Days back that tell what is usual: eight weeks."""
LEAST_DAYS = 2
"""Like days without which nothing is usual."""


@dataclass(frozen=True, eq=False)
class Profile:
    """What is usual, by kind of day, slot and key.

    Parameters
    ----------
    like
        Which days are of one kind.
    usual
        (kinds, s, m) the median; NaN where it is not known.
    below
        (kinds, s, m) where the median is known to be below k, and no more.
    low, high
        (kinds, s, m) quartiles; NaN as the median. A quartile below k is NaN too.
    days
        (kinds, s, m) how many like days were published or suppressed.
    """

    like: Like
    usual: Numbers
    below: Mask
    low: Numbers
    high: Numbers
    days: Numbers

    def kind(self, day: date) -> int:
        """Number the kind of a day."""
        return Reference(like=self.like).kind(day)


def quantile_below(values: Numbers, below: Mask, part: float) -> tuple[Numbers, Mask]:
    r"""Give a quantile over the first axis of values of which some are known only to lie below all others.

    With the n values in order, those first that are known to be below k, and :math:`r = (n - 1) q`,

    .. math::
        x_q = x_{⌊r⌋} + (r - ⌊r⌋)(x_{⌈r⌉} - x_{⌊r⌋})

    which is known unless :math:`x_{⌊r⌋}` is one of those. Missing values are left out.

    Returns
    -------
    The quantile, NaN where not known; and where it is below k.

    Examples
    --------
    The median of 20, 30 and two suppressed values is not known; that of 20, 30, 40 and one suppressed value is 25:

    >>> values = np.array([[20, 20], [30, 30], [np.nan, 40], [np.nan, np.nan]])
    >>> found, below = quantile_below(values, np.isnan(values), 0.5)
    >>> found.tolist(), below.tolist()
    ([nan, 25.0], [True, False])
    """
    ordered = np.sort(np.where(below, -np.inf, values), axis=0)  # NaN comes last
    many = (~np.isnan(ordered)).sum(axis=0)
    rank = np.maximum(many - 1, 0) * part
    floor, ceiling = np.floor(rank).astype(np.int64), np.ceil(rank).astype(np.int64)
    if not len(values):
        return np.full(values.shape[1:], np.nan), np.zeros(values.shape[1:], bool)
    one = np.take_along_axis(ordered, floor[None], axis=0)[0]
    two = np.take_along_axis(ordered, ceiling[None], axis=0)[0]
    hidden = np.isneginf(one)
    one, two = np.where(hidden, np.nan, one), np.where(hidden, np.nan, two)
    return one + (rank - floor) * (two - one), hidden


def telling(series: SlotSeries, without: Collection[date] = ()) -> npt.NDArray[np.int64]:
    """Number the days of a table that tell what is usual: those of the last eight weeks of which something is known.

    Parameters
    ----------
    without
        Days that tell nothing of it.

    Examples
    --------
    >>> series = SlotSeries.of([("A",)], date(2024, 1, 1), [[[20]], [[30]], [[40]]])
    >>> telling(series, {date(2024, 1, 2)}).tolist()
    [0, 2]
    """
    known = np.any(~np.isnan(series.values) | series.below, axis=(1, 2))
    begin = max(0, len(series.dates) - HISTORY)
    return np.array(
        [at for at in range(begin, len(series.dates)) if known[at] and series.dates[at] not in without], np.int64
    )


def profile(series: SlotSeries, *, without: Collection[date] = (), like: Like | None = None) -> Profile:
    """Find what is usual in the last eight weeks of a table.

    Parameters
    ----------
    without
        Days that tell nothing of what is usual: holidays, events.
    like
        Which days are of one kind; None: the finest of which each has two days at least.

    Examples
    --------
    Two weeks in which the second Monday has ten people more:

    >>> series = SlotSeries.of([("A",)], date(2024, 1, 1), [[[20]], *[[[30]]] * 6, [[30]], *[[[30]]] * 6])
    >>> found = profile(series)
    >>> found.like, found.usual[:2, 0, 0].tolist()
    ('weekday', [25.0, 30.0])
    """
    rows = telling(series, without)
    reference = Reference(like=like or "any")
    if like is None:
        for finer in LIKE:
            reference = replace(reference, like=finer)
            kinds = [reference.kind(series.dates[at]) for at in rows]
            if all(kinds.count(kind) >= LEAST_DAYS for kind in range(_kinds(finer))):
                break
    kinds = [reference.kind(series.dates[at]) for at in rows]
    shape = (_kinds(reference.like), *series.values.shape[1:])
    usual, low, high = (np.full(shape, np.nan) for _ in range(3))
    hidden, days, below = np.zeros(shape, bool), np.zeros(shape), series.below
    for kind in range(shape[0]):
        of = rows[np.array(kinds, np.int64) == kind]
        values, under = series.values[of], below[of]
        days[kind] = (~np.isnan(values) | under).sum(axis=0)
        enough = days[kind] >= LEAST_DAYS
        for part, into in ((0.5, usual), (0.25, low), (0.75, high)):
            found, unknown = quantile_below(values, under, part)
            into[kind] = np.where(enough, found, np.nan)
            if part == 0.5:
                hidden[kind] = unknown & enough
    return Profile(reference.like, usual, hidden, low, high, days)


def _kinds(like: Like) -> int:
    return {"weekday": 7, "workday": 2, "any": 1}[like]
