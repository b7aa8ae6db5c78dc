"""The change of several areas or pairs together, over some days: one number for a lockdown, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.mobility.baselines.baseline import GIVEN, NORMAL, Changes

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Together:
    """The change of a group over some days.

    Parameters
    ----------
    change, low, high
        Σ x / Σ b − 1 over what is published, with its interval; None where nothing is.
    keys
        How many areas or pairs are published on some of the days.
    values
        How many values were added, and how many there would be had all with history been published.
    possible
        As `values`, of the same keys, all published.
    if_none
        The change if everything that is hidden were nobody: with what is hidden, the change lies between this and
        `change`, but for chance, as long as what is hidden fell no less than what is shown.
    """

    change: float | None
    low: float | None
    high: float | None
    keys: int
    values: int
    possible: int
    if_none: float | None


def together(changed: Changes, days: Mask, keys: Mask | None = None) -> Together:
    r"""Give the change of a group of areas or pairs over some days.

        r_d = Σ x / Σ b − 1 over what is published on day d          change: the same over all the days
        interval: change ± t(n − 1) · max(1.4826 · MAD of r over n reference days, 1/√Σ b) · √(1/m + π/(2n))

    for m days of n reference days. What is suppressed takes part in neither sum. Where a fall hides the smallest,
    those that are left fell least, so the number is rather too small: `values` of `possible` says how much is left.

    Examples
    --------
    >>> from datetime import date
    >>> from commonweal.mobility.baselines import DaySeries, Reference, changes
    >>> days = [date(2024, 1, day) for day in range(1, 7)]
    >>> seen = [[100, 200], [102, 206], [98, 194], [100, 200], [50, 110], [52, None]]
    >>> found = changes(DaySeries.of([("A",), ("B",)], days, seen), Reference(last=days[3], like="any"))
    >>> one = together(found, np.array([False] * 4 + [True] * 2))
    >>> one.change, one.values, one.possible
    (-0.47, 3, 4)
    >>> round(one.if_none, 3)
    -0.647
    """
    chosen = np.ones(len(changed.series.keys), bool) if keys is None else keys
    given = (changed.why == GIVEN) & chosen
    x, b = np.where(given, changed.series.values, 0.0), np.where(given, changed.expected, 0.0)
    had = (changed.history >= changed.reference.minimum) & (changed.expected > 0) & chosen
    on = given & days[:, None]
    keys_on, values, possible = int(on.any(axis=0).sum()), int(on.sum()), int((had & days[:, None]).sum())
    inside = changed.in_reference
    usual, n, m = b.sum(axis=1), int(inside.sum()), int(on.any(axis=1).sum())
    if not values:
        return Together(None, None, None, 0, 0, possible, None)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = x.sum(axis=1) / usual - 1
    past = r[inside & (usual > 0)]
    spread = NORMAL * float(np.median(np.abs(past - np.median(past)))) if len(past) else 0.0
    spread = max(spread, 1 / float(np.sqrt(b[days].sum() / m)))
    from scipy.special import stdtrit

    reach = float(stdtrit(max(len(past) - 1, 1), (1 + changed.level) / 2)) * spread * (1 / m + np.pi / (2 * n)) ** 0.5
    change = round(float(x[days].sum() / b[days].sum() - 1), 12)
    all_of_them = float(changed.expected[had & days[:, None]].sum())
    if_none = round(float(x[days].sum() / all_of_them - 1), 12)
    return Together(change, max(change - reach, -1.0), change + reach, keys_on, values, possible, if_none)
