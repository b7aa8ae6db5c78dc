"""Calibration: the areas of a published table beside their people, and the method that is fitted to both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.scaling.law import Numbers, Scaled
from commonweal.mobility.scaling.populations import Population, aged
from commonweal.mobility.scaling.power_law import PowerLaw, fit_power_law
from commonweal.mobility.scaling.ratios import AreaRatios, Ratio, Stated, fit_area_ratios, fit_ratio, fit_stated

METHODS: Mapping[str, Wording] = MappingProxyType(
    {
        "ratio": Wording("one ratio for all areas"),
        "area-ratio": Wording("a ratio of each area"),
        "power": Wording("a power of the density"),
        "stated": Wording("stated shares alone"),
    }
)
INTERVALS: Mapping[str, Wording] = MappingProxyType(
    {
        "ratio": Wording("a prediction for an area, from how areas differ from the one ratio (Royall 1970)"),
        "area-ratio": Wording("chance alone, from how few are subscribers (Holt and Smith 1979)"),
        "power": Wording("a prediction for an area, from how areas differ from the law (Deville et al. 2014)"),
        "stated": Wording("a prediction for an area, from how far stated shares were off the census"),
    }
)


@dataclass(frozen=True, eq=False)
class Fit:
    """A method that was fitted.

    Parameters
    ----------
    method
        A name of `METHODS`.
    law
        What was fitted.
    codes
        (areas,) of all areas.
    coverage
        (areas,) subscribers for each person as stated; 1 where nothing is; NaN for an area without population.
    km2
        (areas,) sizes, for the power law.
    calibrated
        (areas,) whether an area was calibrated on.
    people, subscribers
        (areas,) that were compared; NaN where not known.
    """

    method: str
    law: Stated | Ratio | AreaRatios | PowerLaw
    codes: tuple[str, ...]
    coverage: Numbers
    km2: Numbers | None
    calibrated: npt.NDArray[np.bool_]
    people: Numbers
    subscribers: Numbers

    def scale(self, counts: npt.ArrayLike, areas: Sequence[str], level: float = 0.95) -> Scaled:
        """Give people of counts, each of an area; NaN where there is no count, or no way to scale it."""
        place = {code: at for at, code in enumerate(self.codes)}
        at = np.array([place.get(code, -1) for code in areas], np.int64)
        y = np.asarray(counts, np.float64) / np.append(self.coverage, np.nan)[at]
        if isinstance(self.law, AreaRatios):
            return self.law.scale(np.where(at >= 0, y, np.nan), at, level)
        if isinstance(self.law, PowerLaw):
            assert self.km2 is not None
            return self.law.scale(y, np.append(self.km2, np.nan)[at], level)
        return self.law.scale(y, level)

    def parameters(self) -> dict[str, float]:
        """Give what was fitted, with standard errors, by name."""
        law = self.law
        names: tuple[str, ...] = ()
        if isinstance(law, PowerLaw):
            names = ("alpha", "log_alpha_error", "beta", "beta_error", "residual", "r_squared")
        elif isinstance(law, Ratio):
            names = ("ratio", "standard_error")
        elif isinstance(law, Stated):
            names = ("bias", "error")
        return {name: float(getattr(law, name)) for name in names}

    def record(self) -> dict[str, Any]:
        """Give the method and its parameters as JSON values."""
        return {
            "method": self.method,
            "interval": str(INTERVALS[self.method]),
            "parameters": self.parameters(),
            "areas_calibrated_on": int(self.calibrated.sum()),
            "coverage_stated": bool((self.coverage[np.isfinite(self.coverage)] != 1).any()),
        }


def calibrate(
    method: str,
    subscribers: Mapping[str, float | None],
    populations: Mapping[str, Population],
    *,
    day: date | None = None,
    growth: float | None = None,
    km2: Mapping[str, float] | None = None,
    leave_out: Sequence[str] = (),
) -> Fit:
    r"""Fit a method to areas of which both the subscribers and the people are known.

    Subscribers are divided by the coverage that is stated of an area, :math:`x_a / c_a`, before anything is fitted, so
    stated shares say how areas differ and the census says how many people there are. People are brought to `day`.

    Parameters
    ----------
    method
        A name of `METHODS`.
    subscribers
        What is published by area; None where it is not.
    populations
        By area.
    day, growth
        To which day people are brought, and by what part a year they grow where an area states nothing.
    km2
        Sizes of areas, needed by ``power``.
    leave_out
        Areas that are not calibrated on: those that hold others, whose people would count twice.

    Raises
    ------
    InputError
        There is no such method, too few areas can be compared, or ``stated`` has nothing stated.

    Examples
    --------
    >>> people = {"N": Population(5_000), "S": Population(9_900), "W": Population(15_150)}
    >>> fit = calibrate("ratio", {"N": 1_000, "S": 2_000, "W": 3_000, "E": None}, people)
    >>> scaled = fit.scale([400, None], ["N", "E"])
    >>> scaled.people.round(), scaled.low.round(), scaled.high.round()
    (array([2003.,   nan]), array([1785.,   nan]), array([2222.,   nan]))
    """
    if method not in METHODS:
        raise InputError(
            Wording("there is no method %(name)s", name=repr(method)), where="method", expected=", ".join(METHODS)
        )
    codes = tuple(sorted({*subscribers, *populations}))
    brought = {code: aged(one, day, growth) if day else one for code, one in populations.items()}
    p = np.array([brought[code].people if code in brought else np.nan for code in codes])
    c = np.array([brought[code].coverage if code in brought else np.nan for code in codes])
    if method == "stated" and not any(one.stated for one in populations.values()):
        raise InputError(
            Wording("nothing is stated of how many people are subscribers"),
            where="population",
            expected=Wording("market_share, penetration or sims_per_person by area"),
        )
    counts = [subscribers.get(code) for code in codes]
    x = np.array([np.nan if one is None else one for one in counts], np.float64)
    size = None if km2 is None else np.array([km2.get(code, np.nan) for code in codes])
    used = np.isfinite(x) & np.isfinite(p) & (x > 0) & ~np.isin(codes, list(leave_out))
    seen = x / c
    law: Stated | Ratio | AreaRatios | PowerLaw
    if method == "power":
        if size is None:
            raise InputError("the sizes of areas are not known", where="power", expected="km² of every area")
        used &= np.isfinite(size)
        law = fit_power_law(seen[used], p[used], size[used])
    elif method == "area-ratio":
        law = fit_area_ratios(seen, p)
    else:
        law = (fit_ratio if method == "ratio" else fit_stated)(seen[used], p[used])
    if method == "area-ratio":
        used = np.isfinite(x) & np.isfinite(p) & (x > 0)
    if method in ("ratio", "power"):
        # Only stated shares are missing where an area has no population; it is scaled as one that states none.
        c = np.where(np.isfinite(c) | any(one.stated for one in populations.values()), c, 1.0)
    return Fit(method, law, codes, c, size, used, p, x)
