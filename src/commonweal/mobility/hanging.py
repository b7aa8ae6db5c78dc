"""How the cells of mobility's tables hang together, so that disclosure control knows what readers can work out.

presence   an area and its parts: a union         an hour and its day: a union, for whole days of the run's clock
flows      pairs of areas and of their parts: a union
           who leaves or enters an area was there on that day: within its presence
home       an area and its parts: a sum           residents were there on one of the days: covered by its presence
walks      an area and its parts: a sum           bins of an area add up to its residents (`walks.hanging`)

What is counted about borders: `borders.hanging`; by week, by home, and events: `hanging_presence`; flagged events by
cell: `hanging_flags`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.areas import Areas
from commonweal.disclosure import Keys, Kind, Relations, grouped, joined, rows_by_key, with_columns
from commonweal.mobility.borders.hanging import relate_borders
from commonweal.mobility.hanging_flags import flag_kinds
from commonweal.mobility.hanging_flows import flow_kinds
from commonweal.mobility.hanging_homes import home_kinds
from commonweal.mobility.hanging_presence import presence_kinds
from commonweal.mobility.hanging_stays import stay_and_hour_kinds
from commonweal.mobility.measure import Scope, measures
from commonweal.mobility.walks.hanging import DISTRIBUTIONS, relate_walks


def relate(
    areas: Areas, scope: Scope, keys: Mapping[str, Keys], others: Mapping[str, Scope] = MappingProxyType({})
) -> Relations:
    """Say which cells of mobility's datasets are parts of which.

    Parameters
    ----------
    areas
        With the code of the area above each.
    scope
        The days of the run; only hours within them are known to make up days.
    keys
        By dataset: all cells that are published together, or were before. What was found over the days of another run
        has these behind its name.
    others
        The days of those runs, by what stands behind names.
    """
    own = {name: cells for name, cells in keys.items() if " " not in name}
    found = [_of_one_run(areas, scope, own)]
    of_whole_runs = {measure.dataset.name for measure in measures().values() if measure.of_whole_runs}
    of_days = {name: cells for name, cells in own.items() if name not in of_whole_runs}
    for behind, days in others.items():
        apart = {name.removesuffix(behind).rstrip(): cells for name, cells in keys.items() if name.endswith(behind)}
        given = _of_one_run(areas, days, of_days | apart)
        theirs = np.zeros(sum(cells.table.num_rows for cells in keys.values()), bool)
        for cells in apart.values():
            theirs[cells.first : cells.first + cells.table.num_rows] = True
        found.append(given.chosen(given.touching(theirs)))
    return joined(found)


def _of_one_run(areas: Areas, scope: Scope, keys: Mapping[str, Keys]) -> Relations:
    found = []
    presence, flows, home = (keys.get(f"mobility.{name}") for name in ("presence", "flows", "home"))
    if presence:
        found += [_areas(areas, presence, Kind.UNION), _hours(scope, presence)]
    if flows:
        found.append(_areas(areas, flows, Kind.UNION, "origin", "destination"))
    if home:
        found.append(_areas(areas, home, Kind.SUM))
    found += [_areas(areas, cells, Kind.SUM) for name, cells in keys.items() if name in DISTRIBUTIONS]
    found.append(relate_walks(keys))
    if presence and flows:
        found += [_movers(presence, flows, end) for end in ("origin", "destination")]
    if presence and home:
        found.append(_residents(scope, presence, home))
    by_measure = {name.removeprefix("mobility."): cells for name, cells in keys.items()}
    found += relate_borders(by_measure, partial(_areas, areas), partial(_hours, scope))
    found += [*flow_kinds(areas, keys), *home_kinds(areas, keys)]
    found += [*stay_and_hour_kinds(areas, scope, keys), *presence_kinds(areas, scope, keys)]
    return joined([*found, *flag_kinds(areas, scope, keys)])


def _areas(areas: Areas, cells: Keys, kind: Kind, *columns: str) -> Relations:
    """An area's parts are the areas that lie in it; a pair's are the pairs of parts."""
    parents = dict(zip(areas.codes, areas.parents, strict=True))
    above = {
        name: pa.array([parents.get(code) for code in cells.table[name].to_pylist()], pa.string())
        for name in columns or ("area",)
    }
    whole = rows_by_key(with_columns(cells.table, **above), cells.table)
    return _links(kind, cells, whole, cells, np.arange(len(whole)))


def _hours(scope: Scope, presence: Keys) -> Relations:
    unit, start = presence.table["period"], _seconds(presence.table["start"])
    day = np.searchsorted(scope.days, start, side="right") - 1
    hourly = np.asarray(pc.equal(unit, "hour")) & (day >= 0) & (start < scope.days[-1])
    hours = np.flatnonzero(hourly)
    of_hours = presence.table.take(pa.array(hours))
    days = with_columns(
        of_hours,
        period=pa.array(["day"] * len(hours), pa.string()),
        start=Scope.times(scope.days[day[hours]]).cast(presence.table["start"].type),
    )
    whole = rows_by_key(days, presence.table)
    return _links(Kind.UNION, presence, _whole_days(scope, whole, day[hours]), presence, hours)


def _whole_days(scope: Scope, whole: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Leave out days of which not every hour is there: their hours do not make them up."""
    hours_of_day = np.bincount(
        np.searchsorted(scope.days, scope.hours[:-1], side="right") - 1, minlength=len(scope.days)
    )
    there = whole >= 0
    many = np.bincount(whole[there], minlength=1)
    return np.where(there & (many[np.maximum(whole, 0)] == hours_of_day[np.maximum(day, 0)]), whole, -1)


def _movers(presence: Keys, flows: Keys, end: str) -> Relations:
    table = flows.table
    days = pa.table(
        {
            "area": table[end],
            "period": pa.array(["day"] * table.num_rows, pa.string()),
            "start": table["start"].cast(presence.table["start"].type),
        }
    ).select(presence.table.column_names)
    return _links(Kind.WITHIN, presence, rows_by_key(days, presence.table), flows, np.arange(table.num_rows))


def _residents(scope: Scope, presence: Keys, home: Keys) -> Relations:
    """Whoever lives in an area was there on one of the days; on the day, if there is but one."""
    daily = np.flatnonzero(np.asarray(pc.equal(presence.table["period"], "day")))
    start = _seconds(presence.table["start"])[daily]
    daily = daily[np.isin(start, scope.days[:-1])]
    table = presence.table.take(pa.array(daily))
    lived = pa.table(
        {
            "area": table["area"],
            "start": Scope.times(np.full(len(daily), scope.days[0])).cast(home.table["start"].type),
        }
    ).select(home.table.column_names)
    resident = rows_by_key(lived, home.table)
    days = len(scope.days) - 1
    every_day = np.bincount(resident[resident >= 0], minlength=1)[np.maximum(resident, 0)] == days
    resident = np.where(every_day, resident, -1)
    covered = _links(Kind.COVER, home, resident, presence, daily)
    if days > 1:
        return covered
    there = resident >= 0
    return joined([covered, _links(Kind.WITHIN, presence, daily[there], home, resident[there])])


def _links(kind: Kind, wholes: Keys, whole: np.ndarray, parts: Keys, part: np.ndarray) -> Relations:
    return grouped(kind, np.where(whole < 0, -1, whole + wholes.first), part + parts.first)


def _seconds(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.int64())) // 1_000_000
