"""Scaling by ratios: stated shares of the market, one ratio for all areas, or a ratio of each area's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.mobility.scaling.law import Numbers, Scaled, calibrating, outside, quantile


@dataclass(frozen=True, eq=False)
class Stated:
    """People from stated shares; see `fit_stated`.

    Parameters
    ----------
    error
        Root mean square of log P − log x over the areas of the calibration.
    bias
        Its mean: by how much, in logarithms, there are more people than the stated shares say.
    subscribers
        (n,) what it was calibrated on.
    """

    error: float
    bias: float
    subscribers: Numbers

    def scale(self, counts: npt.ArrayLike, level: float = 0.95) -> Scaled:
        """Give people of counts that are divided by coverage already."""
        y = np.asarray(counts, np.float64)
        wide = np.exp(quantile(level, len(self.subscribers)) * self.error)
        return Scaled(y, y / wide, y * wide, outside(y, self.subscribers))


def fit_stated(subscribers: npt.ArrayLike, people: npt.ArrayLike) -> Stated:
    r"""Judge stated shares by a census: how far are subscribers, divided by coverage, from people?

    With subscribers :math:`x_a` divided by coverage :math:`c_a` (see `Population`), and people :math:`P_a`,

    .. math::
        \hat P = y, \qquad s^2 = \frac1n \sum_a (\log P_a - \log x_a)^2, \qquad \hat P\, e^{\pm t_n s}

    No number is corrected; the interval has the error of the stated shares in it, since s is measured about 0 and not
    about the mean. It is a prediction interval for an area, with errors that are log-normal about the stated shares.

    Parameters
    ----------
    subscribers, people
        (n,) by area; areas where either is NaN or 0 are left out.

    Raises
    ------
    InputError
        Less than 2 areas have both.

    Examples
    --------
    >>> fit = fit_stated([1000, 2000, 4000], [1100, 1900, 4200])
    >>> scaled = fit.scale([1500])
    >>> round(fit.error, 4), scaled.people, scaled.low.round(), scaled.high.round()
    (0.0685, array([1500.]), array([1206.]), array([1866.]))
    """
    x, p = calibrating(subscribers, people, 2)
    error = np.log(p) - np.log(x)
    return Stated(float(np.sqrt((error**2).mean())), float(error.mean()), x)


@dataclass(frozen=True, eq=False)
class Ratio:
    """One ratio; see `fit_ratio`.

    Parameters
    ----------
    ratio, standard_error
        R, and how far it may be off.
    variance
        σ².
    subscribers
        (n,) what it was calibrated on.
    """

    ratio: float
    standard_error: float
    variance: float
    subscribers: Numbers

    def scale(self, counts: npt.ArrayLike, level: float = 0.95) -> Scaled:
        """Give people of counts."""
        y = np.asarray(counts, np.float64)
        people = self.ratio * y
        wide = quantile(level, len(self.subscribers) - 1) * np.sqrt(self.variance * y + (y * self.standard_error) ** 2)
        return Scaled(people, np.maximum(people - wide, 0), people + wide, outside(y, self.subscribers))


def fit_ratio(subscribers: npt.ArrayLike, people: npt.ArrayLike) -> Ratio:
    r"""One ratio of people to subscribers, by the ratio model: variance in proportion to the count.

    .. math::
        P_a = R\,x_a + \varepsilon_a,\ \ \operatorname{var} \varepsilon_a = \sigma^2 x_a: \qquad
        \hat R = \frac{\sum_a P_a}{\sum_a x_a},\quad
        \hat\sigma^2 = \frac{1}{n-1}\sum_a \frac{(P_a-\hat R x_a)^2}{x_a},\quad
        \operatorname{se}(\hat R) = \frac{\hat\sigma}{\sqrt{\sum_a x_a}}

    and for a count y the people :math:`\hat R y`, with the prediction interval
    :math:`\hat R y \pm t_{n-1}\,\hat\sigma \sqrt{y + y^2/\sum x}`, from 0.

    Source: R. M. Royall, *On finite population sampling theory under certain linear regression models*, Biometrika 57
    (1970); W. G. Cochran, *Sampling Techniques* (3rd ed., 1977), chapter 6.

    Parameters
    ----------
    subscribers, people
        (n,) by area; areas where either is NaN or 0 are left out.

    Raises
    ------
    InputError
        Less than 2 areas have both.

    Examples
    --------
    >>> fit = fit_ratio([100, 200, 300], [520, 980, 1500])
    >>> scaled = fit.scale([150])
    >>> fit.ratio, round(fit.standard_error, 4), scaled.people, scaled.low.round(1), scaled.high.round(1)
    (5.0, 0.0707, array([750.]), array([648.]), array([852.]))
    """
    x, p = calibrating(subscribers, people, 2)
    ratio = float(p.sum() / x.sum())
    variance = float(((p - ratio * x) ** 2 / x).sum() / (len(x) - 1))
    return Ratio(ratio, float(np.sqrt(variance / x.sum())), variance, x)


@dataclass(frozen=True, eq=False)
class AreaRatios:
    """A ratio of each area; see `fit_area_ratios`.

    Parameters
    ----------
    subscribers, people
        (areas,) NaN where there is no ratio.
    """

    subscribers: Numbers
    people: Numbers

    def scale(self, counts: npt.ArrayLike, areas: npt.ArrayLike, level: float = 0.95) -> Scaled:
        """Give people of counts, of each of which the area is said by its place; NaN for an area without ratio."""
        from scipy.special import ndtri

        y, place = np.asarray(counts, np.float64), np.asarray(areas, np.int64)
        quantile(level, 1)
        x, p = self.subscribers[place], self.people[place]
        with np.errstate(divide="ignore", invalid="ignore"):
            people = y * p / x
            unseen = np.maximum(1 - x / p, 0)
            wide = np.exp(ndtri((1 + level) / 2) * np.sqrt(unseen * (1 / x + 1 / y)))
        wide = np.where(y > 0, wide, 1.0)
        return Scaled(people, people / wide, people * wide, y > x)


def fit_area_ratios(subscribers: npt.ArrayLike, people: npt.ArrayLike) -> AreaRatios:
    r"""A ratio for each area: its people by the census to its subscribers (post-stratification by area).

    If each person of an area is a subscriber with a probability :math:`c_a` of its own, estimated by
    :math:`x_a / P_a`, and whoever is counted is so likewise,

    .. math::
        \hat P = y\,\frac{P_a}{x_a}, \qquad
        \operatorname{var}\log\hat P \approx (1-c_a)\left(\frac1{x_a} + \frac1y\right), \qquad
        \hat P\,e^{\pm z s}

    by the delta method. Scaling the subscribers it was calibrated on gives the census. **The interval is of chance
    alone**: that people who are present differ from residents in how many of them are subscribers is not in it.

    Source: D. Holt, T. M. F. Smith, *Post Stratification*, Journal of the Royal Statistical Society A 142 (1979).

    Parameters
    ----------
    subscribers, people
        (areas,); an area where either is NaN or 0 has no ratio.

    Examples
    --------
    >>> fit = fit_area_ratios([250, np.nan], [1000, 800])
    >>> scaled = fit.scale([100, 100], [0, 1])
    >>> scaled.people, scaled.low.round(), scaled.high.round()
    (array([400.,  nan]), array([327.,  nan]), array([489.,  nan]))
    """
    calibrating(subscribers, people, 1)
    x, p = (np.asarray(given, np.float64) for given in (subscribers, people))
    both = (x > 0) & (p > 0)
    return AreaRatios(np.where(both, x, np.nan), np.where(both, p, np.nan))
