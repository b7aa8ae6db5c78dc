"""Presence by origin: visitors and residents, each distinct, in an area during an hour and during a day.

As `presence`, for each origin o of an event i, with its country and home as in `borders.segments`::

    resident   home(i) = country(i), which is the network's own
    visitor    home(i) ≠ country(i), both known, country(i) the network's own
    unknown    otherwise

    presence(o, p, a) = |{ s(i) : t(i) ∈ p, a(i) = a, origin(i) = o }|

Accidental roaming counts here: whoever was served in an area was near it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Privacy
from commonweal.core.engine import keyed_counts
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.borders.counted import SUBSCRIBERS, named
from commonweal.mobility.borders.places import own_countries
from commonweal.mobility.borders.segments import PLMNS, countries
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window, product
from commonweal.mobility.measures.presence import UNITS, first_seen, presence
from commonweal.mobility.sequences import Events

ORIGINS = ("resident", "visitor", "unknown")
DATASET = Dataset(
    name="mobility.presence_by_origin",
    title=Wording("Presence of residents and visitors"),
    description=Wording(
        "Distinct subscribers seen in an area during an hour or a day, by whether their network is of this country."
    ),
    dimensions=(
        Dimension(
            "origin",
            "string",
            Wording("resident: of a network of this country; visitor: of another country's; unknown: not said."),
        ),
        Dimension("area", "area", Wording("Where they were seen."), hierarchy="area"),
        Dimension("period", "string", Wording("The unit of time: hour or day."), title=Wording("Unit of time")),
        Dimension("start", "timestamp", Wording("When the hour or day begins."), hierarchy="period"),
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("presence", "visitors", "residents", "mobile phone data"),
    theme="SOCI",
)


@kernel()
def origins(country: np.ndarray, home: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Give each event's origin, a place in `ORIGINS`.

    Examples
    --------
    >>> origins(np.array([0, 0, 0, 1]), np.array([0, 1, -1, 1]), np.array([True, False]))
    array([0, 1, 2, 2])
    """
    found = np.empty(len(country), np.int64)
    for i in range(len(country)):
        known = home[i] >= 0 and country[i] >= 0 and own[country[i]]
        found[i] = home[i] != country[i] if known else 2
    return found


def _places(events: Events, window: Window) -> np.ndarray:
    """Give each event's origin and area as one number, -1 for none."""
    assert window.network is not None
    origin = origins(*countries(events, window), own_countries(window.network))
    return np.where(events.area >= 0, origin * window.areas + events.area, -1).astype(np.int32)


def members(events: Events, window: Window) -> Mapping[str, Members]:
    """Say who is a part of which hour's and which day's presence, by origin."""
    place, many, found = _places(events, window), len(ORIGINS) * window.areas, {}
    by_hour, by_day = (events.subscriber_hour, events.hour), (events.subscriber_day, events.day)
    for unit, (visits, periods), edges in zip(UNITS, (by_hour, by_day), (window.hours, window.days), strict=True):
        rows = first_seen(visits, place, many)
        key = (edges[periods[rows]] + window.starts) * many + place[rows]
        found[unit] = Members(events.subscriber[rows], events.day[rows].astype(np.int64), key)
    return found


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept."""
    parts = []
    for number, unit in enumerate(UNITS):
        key, people = np.unique(keys[unit], return_counts=True)
        start, place = np.divmod(key, len(ORIGINS) * window.areas)
        origin, area = np.divmod(place, window.areas)
        named = {"origin": origin, "area": area, "period": np.full(len(key), number), "start": start}
        parts.append(keyed_counts(named, {"people": people}))
    return pa.concat_tables(parts)


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's presence by origin, hour and day."""
    place = _places(events, window)
    parts = []
    by_hour, by_day = (events.subscriber_hour, events.hour), (events.subscriber_day, events.day)
    for unit, (visits, edges) in enumerate(((by_hour, window.hours), (by_day, window.days))):
        counts = presence(*visits, place, len(edges) - 1, len(ORIGINS) * window.areas)
        period, found = np.nonzero(counts)
        keys = {
            "origin": found // window.areas,
            "area": found % window.areas,
            "period": np.full(len(found), unit),
            "start": edges[period] + window.starts,
        }
        parts.append(keyed_counts(keys, {"people": counts[period, found]}))
    return pa.concat_tables(parts)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name origins, areas, units and times."""
    return named(counts, scope, origin=ORIGINS, period=UNITS)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every origin in every area in every hour and every day."""
    areas = pa.array(scope.areas, pa.string())
    return pa.concat_tables(
        product(origin=pa.array(ORIGINS), area=areas, period=pa.array([unit]), start=scope.times(edges[:-1]))
        for unit, edges in zip(UNITS, (scope.hours, scope.days), strict=True)
    )


PROTECTION = Protection(
    title=Wording("Presence of residents and visitors, with noise"),
    description=Wording(
        "Distinct subscribers seen in an area during an hour or a day, by whether their network is of this "
        "country, with noise that hides any one of them."
    ),
    keys={
        "hour": {Unit.DAY: 24, Unit.WEEK: 120, Unit.MONTH: 480},
        "day": {Unit.DAY: 4, Unit.WEEK: 20, Unit.MONTH: 60},
    },
    members=members,
    counted=counted,
    level="period",
)
CHOICES = {"no_area": Wording("left out")}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, columns=PLMNS, network=True, usual=False, choices=CHOICES)
