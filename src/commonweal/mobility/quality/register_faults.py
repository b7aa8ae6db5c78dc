"""What is wrong with cell files, from the register alone: no event is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from commonweal.core.areas import Areas
from commonweal.mobility.cells import ABROAD, ALWAYS, DESCRIPTION, FOREVER, CellRegister
from commonweal.mobility.network import from_centre
from commonweal.mobility.quality.finding import Fault, Finding, Sure

MOVED = 5_000.0
"""A mast is moved, or its position corrected, by less than this, m; by more, it is another mast or a mistake."""
FAR_AWAY = 100_000.0
"""A cell that far from every area, m, belongs to no network of the country."""
PER_DEGREE = 111_320.0
SHORTEST_GAP = 60
"""Seconds: ends that are written as the last second of a day leave no gap."""
SAME_PLACE = 1e-4
"""Degrees by which two positions may differ and still be one."""

Version = dict[str, Any]


def register_faults(register: CellRegister, areas: Areas, time_zone: str = "UTC") -> list[Finding]:
    """Find cells that a file names twice, whose coordinates are swapped, that stand far away or moved too far.

    Parameters
    ----------
    register
        All versions of all cells.
    areas
        Those that the network covers.
    time_zone
        By whose days since and until are said.

    Notes
    -----
    For each cell, over its versions that a later registration of the same start has not replaced:

    - *twice*: two rows of one file hold for one moment and say different things. Open ends count only where they must:
      rows of a file without any end are taken to end where the next one begins.
    - *swapped*: (longitude, latitude) lies in no area and beyond their bounds, (latitude, longitude) lies in one; or
      one version has just the coordinates of another, the other way round.
    - *far away*: both coordinates are zero, or the position is 100 km or more beyond the bounds of all areas.
    - *moved*: from one version to the next, or from what an earlier file said of the same time, 5 km or more.
    - *gap*: none of its versions holds between two that do.

    Examples
    --------
    >>> from commonweal.mobility.cells import empty_register
    >>> import pyarrow as pa
    >>> from shapely import box
    >>> areas = Areas(("A",), ("Area A",), np.array([box(-13, 8, -11, 10)]))
    >>> always = dict.fromkeys(DESCRIPTION) | {"valid_from": ALWAYS, "valid_to": FOREVER}
    >>> register = empty_register().with_versions(pa.Table.from_pylist([
    ...     always | {"identifier": "a", "longitude": -12.0, "latitude": 9.0},
    ...     always | {"identifier": "b", "longitude": 9.0, "latitude": -12.0}]))
    >>> [(one.kind.value, one.where, one.sure.value) for one in register_faults(register, areas)]
    [('swapped_coordinates', 'b', 'likely')]
    """
    zone = ZoneInfo(time_zone)
    rows = [row | {"row": number} for number, row in enumerate(register.table.to_pylist())]
    ended = {row["registered"] for row in rows if row["valid_to"] != FOREVER}
    by_cell: dict[str, list[Version]] = {}
    for row in rows:
        if row["identifier"] != ABROAD:
            by_cell.setdefault(row["identifier"], []).append(row)
    placed = [row for row in rows if row["longitude"] is not None]
    swapped = _swapped(placed, areas)
    far = _far_away(placed, areas)
    found: list[Finding] = []
    for versions in by_cell.values():
        newest = {row["valid_from"]: row["registered"] for row in versions}
        standing = [row for row in versions if row["registered"] == newest[row["valid_from"]]]
        found += _twice(standing, ended, zone)
        found += _misplaced(standing, versions, swapped, far, zone)
        found += _moved(versions, swapped | far.keys(), zone)
        found += _gaps(standing, zone)
    return found


def _twice(versions: list[Version], ended: set[int], zone: ZoneInfo) -> Iterator[Finding]:
    for place, one in enumerate(versions):
        for other in versions[place + 1 :]:
            if one["registered"] != other["registered"] or not _differ(one, other):
                continue
            first, second = sorted((one, other), key=lambda row: row["valid_from"])
            same_start = first["valid_from"] == second["valid_from"]
            open_end = first["valid_to"] == FOREVER and one["registered"] not in ended
            if second["valid_from"] >= first["valid_to"] or (open_end and not same_start):
                continue
            until = min(first["valid_to"], second["valid_to"])
            numbers = {"times": 2, **_apart(one, other)}
            since, last = _day(second["valid_from"], zone), _day_before(until, zone)
            yield Finding(Fault.DUPLICATE_CELL, one["identifier"], "cell", since, last, Sure.CERTAIN, numbers)
            return


def _differ(one: Version, other: Version) -> bool:
    return any(one[name] != other[name] for name in DESCRIPTION if name not in ("valid_from", "valid_to")) or (
        one["valid_from"] == other["valid_from"] and one["valid_to"] != other["valid_to"]
    )


def _swapped(placed: list[Version], areas: Areas) -> set[int]:
    if not placed:
        return set()
    longitude, latitude = (np.array([row[name] for row in placed], np.float64) for name in ("longitude", "latitude"))
    west, south, east, north = areas.bounds
    beyond = (longitude < west) | (longitude > east) | (latitude < south) | (latitude > north)
    wrong = beyond & (areas.locate(longitude, latitude) < 0) & (np.abs(longitude) <= 90)
    wrong[wrong] = areas.locate(latitude[wrong], longitude[wrong]) >= 0
    return {row["row"] for row, is_wrong in zip(placed, wrong.tolist(), strict=True) if is_wrong}


def _far_away(placed: list[Version], areas: Areas) -> dict[int, float]:
    west, south, east, north = areas.bounds
    found = {}
    for row in placed:
        longitude, latitude = row["longitude"], row["latitude"]
        degrees_east = max(west - longitude, 0.0, longitude - east)
        degrees_east = min(degrees_east, 360 - (east - west) - degrees_east) if degrees_east else 0.0
        degrees_north = max(south - latitude, 0.0, latitude - north)
        metres = PER_DEGREE * float(np.hypot(degrees_east * np.cos(np.radians(latitude)), degrees_north))
        if metres >= FAR_AWAY or (longitude == 0 and latitude == 0 and metres > 0):
            found[row["row"]] = metres
    return found


def _misplaced(
    standing: list[Version], versions: list[Version], swapped: set[int], far: dict[int, float], zone: ZoneInfo
) -> Iterator[Finding]:
    for row in standing:
        since, until = _day(row["valid_from"], zone), _day_before(row["valid_to"], zone)
        where = {"longitude": row["longitude"], "latitude": row["latitude"]}
        if row["row"] in swapped or _is_mirrored(row, versions, swapped):
            yield Finding(Fault.SWAPPED_COORDINATES, row["identifier"], "cell", since, until, Sure.LIKELY, where)
        elif row["row"] in far:
            numbers = where | {"kilometres": round(far[row["row"]] / 1000)}
            zero = row["longitude"] == 0 and row["latitude"] == 0
            sure = Sure.CERTAIN if zero else Sure.LIKELY
            yield Finding(Fault.CELL_FAR_AWAY, row["identifier"], "cell", since, until, sure, numbers)


def _is_mirrored(row: Version, versions: list[Version], swapped: set[int]) -> bool:
    """Whether an earlier version has the same coordinates the other way round."""
    if row["longitude"] is None:
        return False
    return any(
        before["longitude"] is not None
        and before["row"] < row["row"]
        and before["row"] not in swapped
        and abs(before["longitude"] - row["latitude"]) < SAME_PLACE
        and abs(before["latitude"] - row["longitude"]) < SAME_PLACE
        and abs(row["longitude"] - row["latitude"]) > SAME_PLACE
        for before in versions
    )


def _moved(versions: list[Version], explained: set[int], zone: ZoneInfo) -> Iterator[Finding]:
    placed = [row for row in versions if row["longitude"] is not None]
    order = sorted(placed, key=lambda row: (row["valid_from"], row["registered"], row["row"]))
    for one, other in pairwise(order):
        if one["row"] in explained or other["row"] in explained or _is_mirrored(other, versions, explained):
            continue
        at_once = one["registered"] == other["registered"] and one["valid_from"] == other["valid_from"]
        apart = _metres(one, other)
        if apart >= MOVED and not at_once:
            numbers = {
                "kilometres": round(apart / 1000, 1),
                "from": [one["longitude"], one["latitude"]],
                "to": [other["longitude"], other["latitude"]],
                "corrected": one["registered"] != other["registered"] and one["valid_to"] > other["valid_from"],
            }
            sure = Sure.LIKELY if apart >= 4 * MOVED else Sure.POSSIBLE
            since = _day(other["valid_from"], zone)
            yield Finding(Fault.MOVED_CELL, one["identifier"], "cell", since, None, sure, numbers)


def _gaps(versions: list[Version], zone: ZoneInfo) -> Iterator[Finding]:
    order = sorted(versions, key=lambda row: (row["valid_from"], row["registered"]))
    newest = {row["valid_from"]: row for row in order}
    covered = None
    for row in newest.values():
        if covered is not None and covered + SHORTEST_GAP <= row["valid_from"]:
            since, until = _day(covered, zone), _day_before(row["valid_from"], zone)
            hours = round((row["valid_from"] - covered) / 3600, 1)
            yield Finding(Fault.VERSION_GAP, row["identifier"], "cell", since, until, Sure.CERTAIN, {"hours": hours})
        covered = row["valid_to"] if covered is None else max(covered, row["valid_to"])


def _apart(one: Version, other: Version) -> dict[str, Any]:
    if one["longitude"] is None or other["longitude"] is None:
        return {}
    return {"kilometres": round(_metres(one, other) / 1000, 1)}


def _metres(one: Version, other: Version) -> float:
    place = from_centre(
        np.array([one["longitude"], other["longitude"]]), np.array([one["latitude"], other["latitude"]])
    )
    return float(np.linalg.norm(place[0] - place[1]))


def _day(moment: int, zone: ZoneInfo) -> date | None:
    if moment <= ALWAYS or moment >= FOREVER:
        return None
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)).astimezone(zone).date()


def _day_before(moment: int, zone: ZoneInfo) -> date | None:
    """The last day that holds a moment before an end."""
    return _day(moment - 1, zone) if moment < FOREVER else None
