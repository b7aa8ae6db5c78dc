"""Scaling: from the subscribers of one operator to people, by calibration on a census; each number with an interval.

Only published numbers are read. What is suppressed stays suppressed: the least count that is published is of
subscribers, before anything is scaled.
"""

from commonweal.mobility.scaling.calibration import METHODS, Fit, calibrate
from commonweal.mobility.scaling.law import Scaled
from commonweal.mobility.scaling.populations import Population, aged
from commonweal.mobility.scaling.power_law import PowerLaw, fit_power_law
from commonweal.mobility.scaling.raking import Raked, rake
from commonweal.mobility.scaling.ratios import AreaRatios, Ratio, Stated, fit_area_ratios, fit_ratio, fit_stated

__all__ = [
    "METHODS",
    "AreaRatios",
    "Fit",
    "Population",
    "PowerLaw",
    "Raked",
    "Ratio",
    "Scaled",
    "Stated",
    "aged",
    "calibrate",
    "fit_area_ratios",
    "fit_power_law",
    "fit_ratio",
    "fit_stated",
    "rake",
]
