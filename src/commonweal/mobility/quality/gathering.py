"""What the report counts in a private store: events and people by hour, day, cell, area and flag; devices by day.

By site and day it counts waves of the clock as `mixed_clocks` needs them, in thousandths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from commonweal.core.engine import keyed_counts, map_buckets
from commonweal.core.settings import Settings
from commonweal.mobility.cells import read_register
from commonweal.mobility.cleaning.flagging import Flag
from commonweal.mobility.cleaning.parameters import DEFAULT, Cleaning
from commonweal.mobility.cleaning.semantic import flagged
from commonweal.mobility.counting import Bucket, derive_bucket
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.quality.mixed_clocks import ORDERS, TURNS
from commonweal.mobility.runs import Plan, buckets_for
from commonweal.mobility.sequences import Events

Whole = npt.NDArray[np.int64]
NOTHING = -1


class Counted(IntEnum):
    """What a row counts; ``place`` is then nothing, a cell, an area or a site, ``flag`` a flag, or a site's wave."""

    HOUR = 0
    DAY = 1
    CELL = 2
    AREA = 3
    FLAG = 4
    CELL_FLAG = 5
    DEVICE = 6
    SITE = 7


@cache
def quality_counts(parameters: Cleaning = DEFAULT) -> Derivation:
    """Give the derivation of all that the report counts; its rows are keyed counts.

    ``what`` is a `Counted`, ``start`` the hour or the day (UTC seconds), ``place`` and ``flag`` what it is counted by;
    ``events``, and ``people``, distinct subscribers. A device is a subscriber with a device type (type allocation
    code): somebody who uses one SIM in two types of devices has two; events of subscribers who tell none on that day
    count as one more device.
    """
    return Derivation("quality_counts", _counted, of=flagged(parameters), network=True, columns=("tac",))


def _counted(events: Events, window: Window) -> pa.Table:
    network = window.network
    assert network is not None
    flag = events.columns["flag"].astype(np.int64)
    day, hour = events.day.astype(np.int64), events.hour.astype(np.int64)
    whose_day = events.subscriber_day.astype(np.int64)
    cell, area = network.cell[events.span].astype(np.int64), events.area.astype(np.int64)
    days, hours = window.days[:-1] + window.starts, window.hours[:-1] + window.starts
    wrong, located = flag != Flag.NONE, area >= 0
    nothing = np.full(len(events), NOTHING)
    return pa.concat_tables(
        [
            _rows(Counted.HOUR, hours, hour, events.subscriber_hour.astype(np.int64), nothing, nothing),
            _rows(Counted.DAY, days, day, whose_day, nothing, nothing),
            _rows(Counted.CELL, days, day, whose_day, cell, nothing),
            _rows(Counted.AREA, days, *(each[located] for each in (day, whose_day, area, nothing))),
            _rows(Counted.FLAG, days, *(each[wrong] for each in (day, whose_day, nothing, flag))),
            _rows(Counted.CELL_FLAG, days, *(each[wrong] for each in (day, whose_day, cell, flag))),
            _devices(days, day, whose_day, events.columns["tac"].astype(np.int64)),
            _clocks(window, days, day, hour, network.site[events.span].astype(np.int64)),
        ]
    )


def _rows(what: Counted, starts: Whole, period: Whole, whose: Whole, place: Whole, flag: Whole) -> pa.Table:
    """Count events and the subscribers behind them by period, place and flag."""
    places, flags = int(place.max(initial=0)) + 2, len(Flag) + 1
    key = (period * places + place + 1) * flags + flag + 1
    keys, number, events = np.unique(key, return_inverse=True, return_counts=True)
    people = np.unique(whose * max(1, len(keys)) + number) % max(1, len(keys))
    rest, flagged_as = np.divmod(keys, flags)
    when, where = np.divmod(rest, places)
    return keyed_counts(
        {
            "what": np.full(len(keys), what),
            "start": starts[when],
            "place": where - 1,
            "flag": flagged_as - 1,
        },
        {"events": events, "people": np.bincount(people, minlength=len(keys))},
    )


def _clocks(window: Window, starts: Whole, day: Whole, hour: Whole, site: Whole) -> pa.Table:
    """Count by site and day, in thousandths: events under flag 0, then their waves' cosines, then sines."""
    assert window.wall is not None
    placed = site >= 0
    clock = (window.wall[:-1] % 86_400 // 3600)[hour[placed]]
    sites = int(site.max(initial=-1)) + 1
    key, number = np.unique(day[placed] * max(1, sites) + site[placed], return_inverse=True)
    when, where = np.divmod(key, max(1, sites))
    each = np.concatenate([np.full((1, 24), 1000), np.rint(1000 * TURNS.real), np.rint(1000 * TURNS.imag)]).astype(int)
    sums = [np.bincount(number, values[clock], minlength=len(key)).astype(np.int64) for values in each]
    return keyed_counts(
        {
            "what": np.full(len(key) * len(each), Counted.SITE),
            "start": np.tile(starts[when], len(each)),
            "place": np.tile(where, len(each)),
            "flag": np.repeat(np.arange(len(each)), len(key)),
        },
        {"events": np.concatenate(sums), "people": np.zeros(len(key) * len(each), np.int64)},
    )


def _devices(starts: Whole, day: Whole, whose: Whole, tac: Whole) -> pa.Table:
    """Count devices by day: ``events`` are those that tell a device type, ``people`` the devices."""
    kinds = int(tac.max(initial=0)) + 1
    pairs = np.unique(whose * kinds + tac)
    owner, told = np.divmod(pairs, kinds)
    several = np.bincount(owner, minlength=int(whose.max(initial=-1)) + 1)
    # A subscriber of whom some events tell a type and others none has no further device for that.
    counted = (told > 0) | (several[owner] == 1)
    day_of = np.zeros(int(whose.max(initial=-1)) + 1, np.int64)
    day_of[whose] = day
    number = np.bincount(day_of[owner[counted]], minlength=len(starts))
    events = np.bincount(day[tac > 0], minlength=len(starts))
    kept = np.flatnonzero(number)
    size = np.full(len(kept), NOTHING)
    return keyed_counts(
        {"what": np.full(len(kept), Counted.DEVICE), "start": starts[kept], "place": size, "flag": size},
        {"events": events[kept], "people": number[kept]},
    )


@dataclass(frozen=True, eq=False)
class Gathered:
    """Raw counts of a period: for making the report, never for showing.

    Parameters
    ----------
    days
        In order.
    events, subscribers, devices, with_type
        int64[days]; `with_type` are events that tell a device type.
    hours
        float64[days, 24]: events by hour of the clock; NaN in hours that the clock does not show.
    cells
        Identifiers by code.
    by_cell, people_by_cell
        int64[cells, days].
    areas
        Codes.
    by_area, people_by_area
        int64[areas, days].
    flags, flagged_people
        int64[days, flags].
    by_site, waves
        float64[sites, days] and complex128[orders, sites, days]: events, and their `mixed_clocks` waves.
    cell_flags
        Columns ``day``, ``cell``, ``flag``, ``events``, ``people``, as indices.
    """

    days: tuple[date, ...]
    events: Whole
    subscribers: Whole
    devices: Whole
    with_type: Whole
    hours: npt.NDArray[np.float64]
    cells: tuple[str, ...]
    by_cell: Whole
    people_by_cell: Whole
    areas: tuple[str, ...]
    by_area: Whole
    people_by_area: Whole
    flags: Whole
    flagged_people: Whole
    by_site: npt.NDArray[np.float64]
    waves: npt.NDArray[np.complex128]
    cell_flags: dict[str, Whole]


def gather(
    settings: Settings,
    planned: Plan,
    cleaning: Cleaning = DEFAULT,
    on_done: Callable[[int], None] = lambda done: None,
) -> Gathered:
    """Count a run's events for the report; what was counted before is not counted again."""
    derivation = quality_counts(cleaning)
    references = [(bucket, derivation) for bucket in buckets_for(planned, derivation)]
    counts = map_buckets(settings, _count, references, on_done)["quality"]
    what, start, place, flag, events, people = (counts[name].to_numpy() for name in counts.column_names)
    edges, hours = planned.scope.days, planned.scope.hours
    days, cells = len(edges) - 1, read_register(planned.store.folder.parent).identifiers
    day = np.searchsorted(edges, start, side="right") - 1

    def table(kind: Counted, rows: int, index: Whole, values: Whole) -> Whole:
        laid = np.zeros((rows, days), np.int64)
        chosen = what == kind
        laid[index[chosen], day[chosen]] = values[chosen]
        return laid

    nowhere = np.zeros(len(what), np.int64)
    on_clock = np.full((days, 24), np.nan)
    of_day = np.searchsorted(edges, hours[:-1], side="right") - 1
    clock = (planned.calendar.from_utc(hours[:-1]) % 86_400) // 3600
    on_clock[of_day, clock] = 0
    chosen = what == Counted.HOUR
    at = np.searchsorted(hours, start[chosen])
    np.add.at(on_clock, (of_day[at], clock[at]), events[chosen])
    both = what == Counted.CELL_FLAG
    of_site = what == Counted.SITE
    laid = np.zeros((1 + 2 * ORDERS, int(place[of_site].max(initial=-1)) + 1, days))
    laid[flag[of_site], place[of_site], day[of_site]] = events[of_site] / 1000
    return Gathered(
        days=tuple(_date(planned, int(edge)) for edge in edges[:-1]),
        events=table(Counted.DAY, 1, nowhere, events)[0],
        subscribers=table(Counted.DAY, 1, nowhere, people)[0],
        devices=table(Counted.DEVICE, 1, nowhere, people)[0],
        with_type=table(Counted.DEVICE, 1, nowhere, events)[0],
        hours=on_clock,
        cells=tuple(cells),
        by_cell=table(Counted.CELL, len(cells), place, events),
        people_by_cell=table(Counted.CELL, len(cells), place, people),
        areas=tuple(planned.areas.codes),
        by_area=table(Counted.AREA, len(planned.areas), place, events),
        people_by_area=table(Counted.AREA, len(planned.areas), place, people),
        flags=table(Counted.FLAG, len(Flag), flag, events).T,
        flagged_people=table(Counted.FLAG, len(Flag), flag, people).T,
        by_site=laid[0],
        waves=laid[1 : 1 + ORDERS] + 1j * laid[1 + ORDERS :],
        cell_flags={
            "day": day[both],
            "cell": place[both],
            "flag": flag[both],
            "events": events[both],
            "people": people[both],
        },
    )


def _count(reference: tuple[Bucket, Derivation]) -> dict[str, pa.Table]:
    bucket, derivation = reference
    return {"quality": derive_bucket(bucket, derivation)}


def _date(planned: Plan, edge: int) -> date:
    begins = planned.calendar.from_utc(np.array([edge]))[0]
    return datetime.fromtimestamp(int(begins), UTC).date()
