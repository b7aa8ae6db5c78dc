"""An area without events is not an area without people: which falls look like a failure of the network.

Three published things tell them apart. *Hours*: people who leave do not vanish from all hours, nor leave and return
within an hour. *Activity of the area*, where a table of it is published: those who are still seen make fewer events
than usual. *Activity of the whole network*: the same for the country.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release
from commonweal.core.errors import InputError
from commonweal.mobility.baselines.baseline import NORMAL, UNUSUAL, Changes, Reference, changes
from commonweal.mobility.baselines.series import DaySeries, Numbers, areas_and_start, calendar_of

HOURS = 24
CERTAIN = 5.0
"""Spreads by which the usual count of an hour must exceed k, so that an hour without a value means something."""
LOW, NORMAL_AGAIN = 0.5, 0.8
"""Share of the usual count below which an hour is low, and above which its neighbours must be."""


class Failure(StrEnum):
    """Why a fall is taken for a failure of the network."""

    SILENT = "silent"
    """No hour of the day has a value, though many should: without events, nothing can be said of people."""
    HOURS = "hours"
    """Some hours fell away at once and came back at once."""
    ACTIVITY = "activity"
    """Those still seen in the area made far fewer events than usual."""
    NETWORK = "network"
    """The whole network had far fewer events a subscriber than usual."""


@dataclass(frozen=True, eq=False)
class HourSeries:
    """Presence by day, hour of the clock and area.

    Parameters
    ----------
    areas
        m codes.
    dates
        n days.
    values
        (n, 24, m), NaN where nothing was published.
    """

    areas: tuple[str, ...]
    dates: tuple[date, ...]
    values: Numbers


def hour_series(release: Release, table: pa.Table) -> HourSeries:
    """Lay the hours of a release of presence out.

    Raises
    ------
    InputError
        It has no area, no start, or no hours.
    """
    ends, moments = areas_and_start(release)
    if len(ends) != 1 or moments is None or "period" not in release.schema.key:
        raise InputError("it has no hours by area", where=release.label, expected="presence")
    table = table.filter(pc.equal(table.column("period"), "hour"))
    calendar = calendar_of(release)
    shown = calendar.from_utc(table.column(moments).cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy())
    opens = calendar.day_starts.hour * 3600 + calendar.day_starts.minute * 60 + calendar.day_starts.second
    days, day = np.unique((shown - opens) // 86_400, return_inverse=True)
    hour = (shown % 86_400) // 3600
    codes = sorted(pc.unique(table.column(ends[0])).to_pylist())
    area = pc.index_in(table.column(ends[0]).cast(pa.string()), pa.array(codes, pa.string())).to_numpy()
    values = np.full((len(days), HOURS, len(codes)), np.nan)
    measure = release.schema.measures[0].name
    values[day, hour, area] = table.column(measure).cast(pa.float64()).to_numpy()
    first = date(1970, 1, 1).toordinal()
    return HourSeries(tuple(codes), tuple(date.fromordinal(first + int(one)) for one in days), values)


def silent_hours(
    hours: HourSeries, reference: Reference, least: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Numbers]:
    """Find hours without a published count where there surely should be one.

        sure      if b − 5 · max(s, √b) ≥ k             b, s of the same hour on the reference days of the same kind
        silent    if sure, and not published

    Parameters
    ----------
    least
        k: a count below it is hidden.

    Returns
    -------
    silent, sure, share
        (n, 24, m) each; the share is x / b where it is sure, 0 where it is silent, else NaN.
    """
    m = len(hours.areas)
    inside = np.array([reference.holds(day) for day in hours.dates], dtype=bool)
    kinds = np.array([reference.kind(day) for day in hours.dates])
    sure, expected = np.zeros(hours.values.shape, bool), np.full(hours.values.shape, np.nan)
    for kind in np.unique(kinds):
        past = hours.values[inside & (kinds == kind)].reshape(-1, HOURS * m)
        enough = (~np.isnan(past)).sum(axis=0) >= reference.minimum
        b, s = np.full(HOURS * m, np.nan), np.full(HOURS * m, np.nan)
        if enough.any():
            b[enough] = np.nanmedian(past[:, enough], axis=0)
            s[enough] = NORMAL * np.nanmedian(np.abs(past[:, enough] - b[enough]), axis=0)
        with np.errstate(invalid="ignore"):
            certain = enough & (b - CERTAIN * np.maximum(s, np.sqrt(b)) >= least)
        expected[kinds == kind], sure[kinds == kind] = b.reshape(HOURS, m), certain.reshape(HOURS, m)
    silent = sure & np.isnan(hours.values)
    share = np.where(silent, 0.0, np.where(sure, hours.values / expected, np.nan))
    return silent, sure, share


def failures(
    presence: DaySeries,
    reference: Reference,
    *,
    hours: HourSeries | None = None,
    least: float = 0.0,
    events: DaySeries | None = None,
    all_events: DaySeries | None = None,
    all_subscribers: DaySeries | None = None,
) -> dict[tuple[str, date], Failure]:
    """Say on which days an area's records look like a failure of the network rather than like people who left.

        activity:  E − (b_E · x / b_x)  ≤  −3.5 · max(s_E, √b_E)      events E, subscribers x, of one area or of all

    Of totals that are rounded down to a multiple of B, E and b_x are taken B − 1 larger.

    Parameters
    ----------
    presence
        Subscribers by area and day.
    hours, least
        Presence by hour, and the least count that is published.
    events
        Events by area and day, where such a table is published.
    all_events, all_subscribers
        Events and subscribers of the whole network by day.

    Returns
    -------
    (area, day) → the first reason of `Failure` that holds.
    """
    found: dict[tuple[str, date], Failure] = {}
    if hours is not None:
        found |= _by_hours(hours, reference, least)
    if events is not None:
        for key, day in _quiet(changes(events, reference), changes(presence, reference)):
            found.setdefault((key[0], day), Failure.ACTIVITY)
    if all_events is not None and all_subscribers is not None:
        for _, day in _quiet(changes(all_events, reference), changes(all_subscribers, reference)):
            for area in presence.areas:
                found.setdefault((area, day), Failure.NETWORK)
    return found


def _by_hours(hours: HourSeries, reference: Reference, least: float) -> dict[tuple[str, date], Failure]:
    silent, sure, share = silent_hours(hours, reference, least)
    found: dict[tuple[str, date], Failure] = {}
    for place, area in enumerate(hours.areas):
        for day, when in enumerate(hours.dates):
            certain = sure[day, :, place]
            if certain.sum() >= SHORTEST_DAY and silent[day, certain, place].all():
                found[area, when] = Failure.SILENT
        flat = share[:, :, place].ravel()
        for begin, end in _holes(flat):
            for day in range(begin // HOURS, (end - 1) // HOURS + 1):
                found.setdefault((area, hours.dates[day]), Failure.HOURS)
    return found


SHORTEST_DAY = 3
"""Fewest hours that must be surely published of a usual day before their absence is silence."""


def _holes(share: Numbers) -> list[tuple[int, int]]:
    """Find runs of low hours that begin and end at once: [begin, end) between hours that are as usual."""
    low = np.flatnonzero(share < LOW)
    runs = np.split(low, np.flatnonzero(np.diff(low) > 1) + 1) if len(low) else []
    return [
        (int(run[0]), int(run[-1]) + 1)
        for run in runs
        if run[0] > 0
        and run[-1] + 1 < len(share)
        and share[run[0] - 1] > NORMAL_AGAIN
        and share[run[-1] + 1] > NORMAL_AGAIN
    ]


def _quiet(events: Changes, people: Changes) -> list[tuple[tuple[str, ...], date]]:
    """Find where events are fewer than those who were seen should make, however published numbers were rounded."""
    place = {key: number for number, key in enumerate(people.series.keys)}
    on = {day: number for number, day in enumerate(people.series.dates)}
    most_people = people.expected + people.series.rest.max(initial=0)
    most_events = events.series.values + events.series.rest
    found = []
    for number, key in enumerate(events.series.keys):
        for day, when in enumerate(events.series.dates):
            if key not in place or when not in on:
                continue
            seen = on[when], place[key]
            usual = events.expected[day, number] * people.series.values[seen] / most_people[seen]
            spread = max(events.spread[day, number], events.expected[day, number] ** 0.5)
            if most_events[day, number] - usual <= -UNUSUAL * spread:
                found.append((key, when))
    return found
