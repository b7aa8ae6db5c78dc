r"""The change of several areas or pairs together, with those that are hidden: what is hidden is known to be small.

Where a fall hides the smallest values, those that are left fell least. But a hidden value is not unknown: it is below
k, or, if it was hidden to protect others, at least k; the audit of a release says which. With μ(h) the usual value of
key h and one change r of all of them together, over reference days d and the days e that are asked about::

    x(d, h) ~ Poisson(μ(h))      x(e, h) ~ Poisson(μ(h) · (1 + r))
    log L(r) = max over μ of  Σ log P(X = x)  over what is published
                            + Σ log P(X < k)  over what is hidden for being small
                            + Σ log P(X ≥ k)  over what is hidden to protect others

r̂ maximises it; the interval holds every r with 2 (log L(r̂) − log L(r)) ≤ t² φ, for t the quantile of Student's t with
as many degrees of freedom as there are reference days, less one, and φ ≥ 1 how much more ordinary days differ than
Poisson counts do: the mean of (x − μ)² / μ over the reference days of large keys that are never hidden. μ is found by
expectation and maximisation: E(X | X < k) = λ P(X < k − 1) / P(X < k), E(X | X ≥ k) = λ P(X ≥ k − 1) / P(X ≥ k).

Sources: J. Tobin (1958), *Estimation of relationships for limited dependent variables*, Econometrica 26, 24–36; J. V.
Terza (1985), *A Tobit-type estimator for the censored Poisson regression model*, Economics Letters 18, 361–365; P.
McCullagh, J. A. Nelder (1989), *Generalized Linear Models*, 2nd edition, 4.5 and 9.2, for φ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.core.catalog import State
from commonweal.core.errors import InputError
from commonweal.mobility.baselines.baseline import Reference
from commonweal.mobility.baselines.series import DaySeries, Numbers

Mask = npt.NDArray[np.bool_]
STEPS = 60
"""Of expectation and maximisation, for the first change that is tried; the next begins where the last one ended."""
NEXT = 12
TRIED = np.concatenate([np.linspace(-0.98, 1.0, 34), np.linspace(1.2, 4.0, 8)])
FINER = 40


@dataclass(frozen=True)
class WithHidden:
    """The change of a group, with what is hidden of it.

    Parameters
    ----------
    change, low, high
        r̂ and its interval; None where no value of the group was ever published.
    published, hidden
        How many values of the days that are asked about are published, and hidden.
    dispersion
        φ.
    """

    change: float | None
    low: float | None
    high: float | None
    published: int
    hidden: int
    dispersion: float


def with_hidden(
    series: DaySeries,
    days: Mask,
    reference: Reference,
    least: int,
    *,
    keys: Mask | None = None,
    protecting: Mask | None = None,
    level: float = 0.95,
) -> WithHidden:
    """Estimate the change of a group over some days, with what is hidden.

    Parameters
    ----------
    series
        As it was published.
    days
        Which days are asked about, shape (days,).
    reference
        What is usual; each kind of day has its own μ.
    least
        k: what is published is at least that.
    keys
        Which areas or pairs; all if None.
    protecting
        Of hidden values, which were hidden to protect others, so that they are at least k; shape (days, keys). None:
        all that are hidden are small.
    level
        Probability of the interval.

    Raises
    ------
    InputError
        No day of the table lies in the reference period, or k is below 2.

    Examples
    --------
    Of ten flows of 18 people a half stays away; three days show two of thirty values, which fell least:

    >>> from datetime import date
    >>> draw = np.random.default_rng(1)
    >>> true = draw.poisson(np.repeat([[18.0]] * 20 + [[9.0]] * 3, 10, axis=1)).astype(float)
    >>> seen = np.where(true >= 15, true, np.nan)
    >>> dates = [date(2024, 1, day) for day in range(1, 24)]
    >>> series = DaySeries.of([(f"{n}",) for n in range(10)], dates, seen)
    >>> one = with_hidden(series, np.arange(23) >= 20, Reference(last=dates[19], like="any"), 15)
    >>> (one.published, one.hidden), one.low < -0.5 < one.high, round(one.change, 1)
    ((2, 28), True, -0.5)
    """
    if least < 2:
        raise InputError(f"{least} people hide nobody", expected="the least number of people behind a published count")
    inside = np.array([reference.holds(day) for day in series.dates], bool)
    if not inside.any():
        raise InputError("no published day lies in the reference period", where="baseline")
    # Of keys that were never published the usual value may be anything small: they say nothing of a change.
    chosen = ~np.isnan(series.values[inside | days]).all(axis=0)
    chosen &= np.ones(len(series.keys), bool) if keys is None else keys
    values, hidden = series.values[:, chosen], (series.states == State.SUPPRESSED.value)[:, chosen]
    protects = np.zeros(values.shape, bool) if protecting is None else protecting[:, chosen]
    kinds = np.array([reference.kind(day) for day in series.dates])
    groups = [
        _Group(values[rows], (hidden & ~protects)[rows], (hidden & protects)[rows], days[rows], least)
        for kind in np.unique(kinds[days])
        for rows in (np.flatnonzero((kinds == kind) & (inside | days)),)
    ]
    published, unseen = int((~np.isnan(values) & days[:, None]).sum()), int((hidden & days[:, None]).sum())
    ordinary = [one for group in groups for one in group.deviations().tolist()]
    dispersion = max(1.0, float(np.mean(ordinary)) if ordinary else 1.0)
    if all(np.isnan(group.values).all() for group in groups):
        return WithHidden(None, None, None, published, unseen, dispersion)
    from scipy.special import stdtrit

    quantile = float(stdtrit(max(int(inside.sum()) - 1, 1), (1 + level) / 2))
    tried = TRIED
    for _ in range(2):  # roughly, then between where the interval may end
        likely = np.array([sum(group.likelihood(change) for group in groups) for change in tried])
        best = int(likely.argmax())
        far = 2 * (likely[best] - likely) - quantile**2 * dispersion
        low = _crossing(tried, far, range(best, -1, -1), -1.0)
        high = _crossing(tried, far, range(best, len(tried)), float("inf"))
        found = WithHidden(round(float(tried[best]), 3), low, high, published, unseen, dispersion)
        held = np.flatnonzero(far <= 0)
        tried = np.linspace(tried[max(held[0] - 1, 0)], tried[min(held[-1] + 1, len(tried) - 1)], FINER)
    return found


def _crossing(tried: Numbers, far: Numbers, path: range, beyond: float) -> float:
    """Give where the likelihood leaves what the interval holds, between two of those that were tried."""
    before = path[0]
    for place in path:
        if far[place] > 0:
            share = -far[before] / (far[place] - far[before])
            return float(tried[before] + share * (tried[place] - tried[before]))
        before = place
    return beyond


class _Group:
    """Days of one kind. All of a key have one mean, but for the change, so sums and counts say all: shape (2, keys)."""

    def __init__(self, values: Numbers, small: Mask, large: Mask, asked: Mask, least: int) -> None:
        self.values, self.asked, self.least = values, asked, least
        self.seen, self.small, self.large = (
            _of_both(there, asked).astype(np.float64) for there in (~np.isnan(values), small, large)
        )
        self.total = _of_both(np.nan_to_num(values), asked)
        self._usual: Numbers | None = None

    def likelihood(self, change: float) -> float:
        """Give log L but for what does not depend on the change."""
        mean = self._mean(change)
        return self._log(mean)

    def deviations(self) -> Numbers:
        """Give (x − μ)² / μ of reference days of keys that are hardly ever hidden, without their own day's weight."""
        past = self.values[~self.asked]
        enough = ~np.isnan(past).any(axis=0) & (len(past) > 2)
        if not enough.any():
            return np.zeros(0)
        usual = past[:, enough].mean(axis=0)
        apart = ((past[:, enough] - usual) ** 2 / usual)[:, usual >= 2 * self.least]
        return np.asarray(apart.ravel() * len(past) / (len(past) - 1))

    def _mean(self, change: float) -> Numbers:
        factor = np.array([[1.0], [1 + change]])
        weight = np.maximum(((self.seen + self.small + self.large) * factor).sum(axis=0), 1e-9)
        shown = np.maximum(self.total.sum(axis=0) / np.maximum(self.seen.sum(axis=0), 1), 1.0)
        usual = shown if self._usual is None else self._usual
        for _ in range(STEPS if self._usual is None else NEXT):
            expected = self.total + self._expected(usual * factor)
            usual = np.maximum(expected.sum(axis=0) / weight, 1e-6)
        self._usual = usual
        return np.asarray(usual * factor)

    def _expected(self, mean: Numbers) -> Numbers:
        """Give the sum that is expected of hidden values."""
        from scipy.special import pdtr, pdtrc

        k, found = self.least, np.zeros(mean.shape)
        for there, chance in ((self.small, pdtr), (self.large, pdtrc)):
            at = there > 0
            each = mean[at] * chance(k - 2, mean[at]) / np.maximum(chance(k - 1, mean[at]), 1e-300)
            found[at] += there[at] * (each if chance is pdtr else np.maximum(each, k))
        return found

    def _log(self, mean: Numbers) -> float:
        from scipy.special import pdtr, pdtrc

        likely = float((self.total * np.log(mean) - self.seen * mean).sum())
        for there, chance in ((self.small, pdtr), (self.large, pdtrc)):
            at = there > 0
            likely += float((there[at] * np.log(np.maximum(chance(self.least - 1, mean[at]), 1e-300))).sum())
        return likely


def _of_both(values: Numbers | Mask, asked: Mask) -> Numbers:
    """Add up over reference days, and over those that are asked about."""
    return np.stack([values[~asked].sum(axis=0), values[asked].sum(axis=0)])
