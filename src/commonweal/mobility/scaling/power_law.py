"""Deville's law: the density of people is a power of the density of subscribers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.scaling.law import Numbers, Scaled, calibrating, outside, quantile


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """ρ = α·σ^β; see `fit_power_law`.

    Parameters
    ----------
    alpha, beta
        The parameters.
    log_alpha_error, beta_error
        Standard errors of log α and of β.
    residual
        s, the standard deviation of log ρ about the law.
    r_squared
        The part of the variance of log ρ that the law explains.
    density
        (n,) densities of subscribers that it was fitted to.
    """

    alpha: float
    beta: float
    log_alpha_error: float
    beta_error: float
    residual: float
    r_squared: float
    density: Numbers

    def scale(self, counts: npt.ArrayLike, km2: npt.ArrayLike, level: float = 0.95) -> Scaled:
        """Give people of counts in areas of so many km²; a count of 0 gives 0."""
        y, size = np.asarray(counts, np.float64), np.asarray(km2, np.float64)
        z = np.log(self.density)
        spread = ((z - z.mean()) ** 2).sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            density = y / size
            at = np.where(density > 0, np.log(density), z.mean())
            people = self.alpha * density**self.beta * size
        error = self.residual * np.sqrt(1 + 1 / len(z) + (at - z.mean()) ** 2 / spread)
        wide = np.exp(quantile(level, len(z) - 2) * error)
        people = np.where(y == 0, 0.0, people)
        return Scaled(people, people / wide, people * wide, outside(density, self.density))


def fit_power_law(subscribers: npt.ArrayLike, people: npt.ArrayLike, km2: npt.ArrayLike) -> PowerLaw:
    r"""Fit ρ = α·σ^β by least squares of logarithms.

    With densities :math:`\rho_a` of people and :math:`\sigma_a` of subscribers, :math:`z_a = \log\sigma_a`,
    :math:`v_a = \log\rho_a`,

    .. math::
        \hat\beta = \frac{\sum (z_a-\bar z)(v_a-\bar v)}{\sum (z_a-\bar z)^2},\quad
        \log\hat\alpha = \bar v - \hat\beta\bar z,\quad
        s^2 = \frac{\sum (v_a - \log\hat\alpha - \hat\beta z_a)^2}{n-2}

    .. math::
        \operatorname{se}(\hat\beta) = \frac{s}{\sqrt{\sum(z_a-\bar z)^2}},\quad
        \operatorname{se}(\log\hat\alpha) = s\sqrt{\frac1n + \frac{\bar z^2}{\sum(z_a-\bar z)^2}}

    For log-normal errors this is the fit of greatest likelihood. In an area of A km² with y subscribers there are
    :math:`\hat P = \hat\alpha (y/A)^{\hat\beta} A` people, the median of what it predicts, with the prediction interval
    :math:`\hat P\,e^{\pm t_{n-2} s\sqrt{1 + 1/n + (z-\bar z)^2/\sum(z_a-\bar z)^2}}`.

    Source: P. Deville et al., *Dynamic population mapping using mobile phone data*, PNAS 111 (2014), 15888–15893,
    equation 1.

    Parameters
    ----------
    subscribers, people, km2
        (n,) by area; areas where subscribers or people are NaN or 0 are left out.

    Raises
    ------
    InputError
        Less than 3 areas have both, their densities are all one, or the size of an area is not above 0.

    Examples
    --------
    >>> law = fit_power_law([10, 40, 90, 160], [100, 210, 290, 400], [1, 1, 1, 1])
    >>> round(law.alpha, 2), round(law.beta, 4), round(law.beta_error, 4), round(law.r_squared, 4)
    (32.62, 0.493, 0.0194, 0.9969)
    >>> scaled = law.scale([90], [1])
    >>> scaled.people.round(), scaled.low.round(), scaled.high.round()
    (array([300.]), array([245.]), array([366.]))
    """
    size = np.asarray(km2, np.float64)
    x, p = np.asarray(subscribers, np.float64), np.asarray(people, np.float64)
    if size.shape != x.shape or not (np.isfinite(size).all() and (size > 0).all()):
        raise InputError("an area has no size above 0", expected="km² for every area")
    x, p = calibrating(x / size, p / size, 3)
    z, v = np.log(x), np.log(p)
    spread = ((z - z.mean()) ** 2).sum()
    if not spread > 1e-12:
        raise InputError(Wording("all areas have one density of subscribers"), expected=Wording("areas that differ"))
    beta = float(((z - z.mean()) * (v - v.mean())).sum() / spread)
    log_alpha = float(v.mean() - beta * z.mean())
    left = ((v - log_alpha - beta * z) ** 2).sum()
    s = float(np.sqrt(left / (len(z) - 2)))
    whole = ((v - v.mean()) ** 2).sum()
    return PowerLaw(
        alpha=float(np.exp(log_alpha)),
        beta=beta,
        log_alpha_error=float(s * np.sqrt(1 / len(z) + z.mean() ** 2 / spread)),
        beta_error=float(s / np.sqrt(spread)),
        residual=s,
        r_squared=float(1 - left / whole) if whole > 0 else 1.0,
        density=x,
    )
