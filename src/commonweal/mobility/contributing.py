"""Which cells each subscriber counts in: what attacks on a run and repeatable noise are made from.

Cells of a run are numbered from 0::

    presence   hour · areas + area, then hours · areas + day · areas + area
    flows      (day · areas + origin) · areas + destination
    home       area

A subscriber counts once in a cell. Pseudonyms are in these rows, so they stay in memory and are never kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.engine import Counts
from commonweal.mobility.counting import Bucket, derive_bucket
from commonweal.mobility.measure import Derivation, Scope, Window
from commonweal.mobility.measures import home
from commonweal.mobility.measures.last_location import last_event
from commonweal.mobility.sequences import Events

MEASURES = ("presence", "flows", "home")
_HOUR, _DAY, _FLOW, _LAST = range(4)


def sizes(scope: Scope) -> dict[str, int]:
    """Give how many cells each measure of a run has."""
    areas, hours, days = len(scope.areas), len(scope.hours) - 1, len(scope.days) - 1
    return {"presence": (hours + days) * areas, "flows": days * areas**2, "home": areas}


def raw_counts(scope: Scope, counts: Counts) -> dict[str, np.ndarray]:
    """Give the raw counts of a run by cell, int64, for each of these measures that was counted."""
    areas, hours, days = len(scope.areas), scope.hours, scope.days
    found = {}
    for name in MEASURES:
        if name not in counts:
            continue
        columns = {column: counts[name][column].to_numpy() for column in counts[name].column_names}
        if name == "presence":
            hourly = columns["unit"] == 0
            period = np.where(
                hourly,
                np.searchsorted(hours, columns["start"]),
                len(hours) - 1 + np.searchsorted(days, columns["start"]),
            )
            cell = period * areas + columns["area"]
        elif name == "flows":
            day = np.searchsorted(days, columns["start"])
            cell = (day * areas + columns["origin"]) * areas + columns["destination"]
        else:
            cell = columns["area"]
        found[name] = np.zeros(sizes(scope)[name], np.int64)
        found[name][cell] = columns["people"]
    return found


def numbers(scope: Scope, name: str, keys: pa.Table) -> np.ndarray:
    """Give the number of the cell that each key of a measure's table stands for, int64.

    Parameters
    ----------
    name
        One of `MEASURES`.
    keys
        The key columns of its dataset, of keys within the run.
    """
    place = {code: number for number, code in enumerate(scope.areas)}
    start = keys["start"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() // 1_000_000
    areas, hours = len(scope.areas), len(scope.hours) - 1

    def area(column: str) -> np.ndarray:
        return np.array([place[code] for code in keys[column].to_pylist()], np.int64)

    if name == "home":
        return area("area")
    day = np.searchsorted(scope.days, start)
    if name == "flows":
        return (day * areas + area("origin")) * areas + area("destination")
    hourly = np.asarray(pc.equal(keys["period"], "hour"))
    return np.where(hourly, np.searchsorted(scope.hours, start), hours + day) * areas + area("area")


def contributing(bucket: Bucket) -> pa.Table:
    """Give all that the located subscribers of a bucket count in, for `cells`: sorted by ``subscriber``, int64."""
    areas = np.int64(bucket.areas)

    def derive(events: Events, window: Window) -> pa.Table:
        first_hour = np.searchsorted(bucket.hours, window.hours[0] + window.starts)
        first_day = np.searchsorted(bucket.days, window.days[0] + window.starts)
        located = events.area >= 0
        whose, area = events.subscriber[located], events.area[located].astype(np.int64)
        hour, day = events.hour[located] + first_hour, events.day[located] + first_day
        own_hour, own_day = events.subscriber_hour[located], events.subscriber_day[located]
        moved = np.zeros(len(area), bool)
        moved[1:] = (own_day[1:] == own_day[:-1]) & (area[1:] != area[:-1])
        to = np.flatnonzero(moved)
        last = last_event(events.subscriber_day, events.area)
        in_hour = np.unique(own_hour * areas + area, return_index=True)[1]
        in_day = np.unique(own_day * areas + area, return_index=True)[1]
        parts = [
            (_HOUR, whose[in_hour], hour[in_hour] * areas + area[in_hour]),
            (_DAY, whose[in_day], day[in_day] * areas + area[in_day]),
            (_FLOW, whose[to], (day[to] * areas + area[to - 1]) * areas + area[to]),
            (_LAST, events.subscriber[last], events.area[last].astype(np.int64)),
        ]
        subscriber = np.concatenate([part for _, part, _ in parts])
        what = np.concatenate([np.full(len(part), kind, np.int8) for kind, part, _ in parts])
        key = np.concatenate([keys for _, _, keys in parts]).astype(np.int64)
        order = np.argsort(subscriber, kind="stable")
        return pa.table({"subscriber": subscriber[order], "what": what[order], "key": key[order]})

    # Nothing of it is kept on the disk.
    return derive_bucket(replace(bucket, keep=False), Derivation("contributing", derive))


def cells(scope: Scope, rows: pa.Table) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Give, for each measure, subscribers and the cells they count in, as pairs; a flow's may be repeated.

    Parameters
    ----------
    rows
        From `contributing`, of whole subscribers.
    """
    subscriber, what, key = (rows[name].to_numpy() for name in ("subscriber", "what", "key"))
    hourly = (len(scope.hours) - 1) * len(scope.areas)
    seen, flow, last = (what == _HOUR) | (what == _DAY), what == _FLOW, what == _LAST
    return {
        "presence": (subscriber[seen], key[seen] + np.where(what[seen] == _DAY, hourly, 0)),
        "flows": (subscriber[flow], key[flow]),
        "home": home.home(subscriber[last], key[last].astype(np.int32)),
    }
