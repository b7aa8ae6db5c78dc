"""What published tables tell of the quality of the records they were made from: nothing else is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from commonweal.mobility.quality.clock import shifted_days, shifted_whole
from commonweal.mobility.quality.finding import Fault, Finding
from commonweal.mobility.quality.limits import Limits, control_limits, outside
from commonweal.mobility.quality.silence import silence, silent_places


@dataclass(frozen=True, eq=False)
class OfReleases:
    """Control limits of published daily figures, and what is wrong by them."""

    limits: Mapping[str, Limits]
    findings: list[Finding]


def judge_releases(
    days: Sequence[date],
    totals: Mapping[str, npt.NDArray[np.float64]],
    hours: npt.NDArray[np.float64],
    areas: Sequence[str],
    by_area: npt.NDArray[np.float64],
    least: int,
) -> OfReleases:
    """Judge published tables.

    Parameters
    ----------
    days
        In order.
    totals
        By name, float64[days]: published daily figures; NaN where withheld.
    hours
        float64[days, 24]: published presence of all areas together by hour of the clock; NaN where there is none.
    areas, by_area
        Codes; float64[areas, days]: published presence by day, NaN where it is hidden or missing.
    least
        k: a count below it is hidden, so an area is silent only if surely more than that is expected.
    """
    limits = {name: control_limits(days, values) for name, values in totals.items()}
    # What is published of all areas together: nothing at all on a dead day, though each value is only hidden.
    together = np.nansum(by_area, axis=0)
    by_day = outside(days, control_limits(days, together), "subscribers")
    dead = {
        day
        for one in by_day
        if one.kind is Fault.DEAD_DAY and one.since and one.until
        for day in days
        if one.since <= day <= one.until
    }
    found = [one for one in by_day if one.kind is Fault.DEAD_DAY]
    for name, of_figure in limits.items():
        found += [one for one in outside(days, of_figure, name) if one.kind is not Fault.DEAD_DAY]
    judged = np.array([day not in dead for day in days], bool)
    counts = np.nan_to_num(by_area).astype(np.int64)
    silent = silence(counts, np.ones(counts.shape, bool), judged, least)
    usual = [None if np.isnan(one) else int(one) for one in silent.expected.tolist()]
    return OfReleases(
        limits,
        [
            *shifted_days(days, hours),
            *shifted_whole(days, hours),
            *found,
            *silent_places(days, areas, silent, Fault.SILENT_AREA, "area", usual),
        ],
    )
