"""What of people's walks a private store tells whoever holds its key: a row for each person, never to be published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.mobility.counting import derive_bucket
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.projects import get_project
from commonweal.mobility.runs import Plan, buckets_for, plan
from commonweal.mobility.sequences import Events
from commonweal.mobility.walks.deriving import LONGEST, TOP, home_area, last_of_day, measured, walkers
from commonweal.mobility.walks.distances import GEODESIC, HAVERSINE
from commonweal.mobility.walks.homes import LAST_OF_DAY, NIGHT
from commonweal.mobility.walks.places import Places, areas, cells, sites
from commonweal.mobility.walks.real_entropy import real_entropies
from commonweal.mobility.walks.regularity import hours_of_week, regularities
from commonweal.mobility.walks.walking import jump_lengths

SITE, CELL, AREA = "site", "cell", "area"
RUN, DAY = "run", "day"
NIGHT_BEGINS, NIGHT_ENDS = 22 * 3600, 7 * 3600


def walks(
    settings: Settings,
    database: Database,
    project: str,
    first: date | None = None,
    last: date | None = None,
    *,
    location: str = SITE,
    distance: str = GEODESIC,
    home: str = LAST_OF_DAY,
    by: str = RUN,
    k: int = TOP,
    longest: int = LONGEST,
) -> pa.Table:
    """Give how each subscriber moved over a period, or on each day of it: what is published as distributions only.

    Parameters
    ----------
    settings, database, project
        Whose events; the epoch's key must lie in the key directory.
    first, last
        First and last-exclusive day; without them, all days that the newest readable epoch holds events of.
    location
        What one location is: ``"site"``, ``"cell"`` or ``"area"``, which lies at its centroid.
    distance
        ``"geodesic"``, or ``"haversine"`` as in scikit-mobility and bandicoot.
    home
        How the home location is found: ``"last of day"`` or ``"night"``.
    by
        ``"run"``, or ``"day"``: a row for each day on which somebody was seen; homes are those of the whole period.
    k
        Of how many locations the k-radius is.
    longest
        Seconds that an event stands for its location at most.

    Returns
    -------
    Sorted by ``subscriber``, and by ``day`` if so asked. Lengths are km, entropies bits; null where there is nothing to
    tell. Columns: ``home_area``, ``events``, ``locations``, ``radius``, ``radius_by_time``, ``k_radius``, ``jumps``,
    ``median_jump``, ``longest_jump``, ``distance_from_home``, ``share_at_home``, ``random_entropy``,
    ``uncorrelated_entropy``, ``real_entropy``, ``regularity``. Who was nowhere has no row.

    Raises
    ------
    InputError
        A choice is none of these.
    Refused, NotFound
        As for a run.
    """
    _refuse_unknown(location=(location, (SITE, CELL, AREA)), distance=(distance, (GEODESIC, HAVERSINE)))
    _refuse_unknown(home=(home, (LAST_OF_DAY, NIGHT)), by=(by, (RUN, DAY)))
    if k < 1 or longest < 1:
        raise InputError("k and longest are at least 1", where=f"k = {k}, longest = {longest}")
    planned = plan(settings, database, get_project(database, project), first, last)

    def derive(events: Events, window: Window) -> pa.Table:
        places, who = _places(planned, location, window), walkers(events, window, by == DAY)
        place = places.of(events)
        chosen = last_of_day(events, place) if home == LAST_OF_DAY else _at_night(planned, events, window)
        found = measured(events, places, place, who, chosen, geodesic=distance == GEODESIC, k=k, longest=longest)
        subscriber, _, events_of_each = found.pop("subscriber"), found.pop("home"), found.pop("events")
        everybody, of_everybody = np.unique(subscriber, return_inverse=True)
        area = home_area(events, everybody)[of_everybody]
        week = hours_of_week(window.hours, window.days)
        rows = {
            "subscriber": subscriber,
            "day": planned.scope.times(window.days[events.day[who.first]] + window.starts),
            "home_area": planned.scope.codes(np.maximum(area, 0)),
            "events": events_of_each,
            **found,
            "random_entropy": np.log2(np.maximum(found["locations"], 1)),
            "real_entropy": real_entropies(who.group, place, len(places.longitude)),
            "regularity": regularities(who.group, events.hour, place, week, len(places.longitude)),
        }
        rows["home_area"] = pa.array(rows["home_area"].to_pylist(), pa.string(), mask=area < 0)
        table = pa.table({name: pa.array(column, from_pandas=True) for name, column in rows.items()})
        return table.filter(pa.array(events_of_each > 0))

    table = _everybody(planned, derive)
    return table if by == DAY else table.drop_columns("day")


def walk_jumps(
    settings: Settings,
    database: Database,
    project: str,
    first: date | None = None,
    last: date | None = None,
    *,
    location: str = SITE,
    distance: str = GEODESIC,
    staying: bool = False,
) -> pa.Table:
    """Give every jump of every subscriber: from where an event lies to where the next one does.

    Parameters
    ----------
    settings, database, project, first, last, location, distance
        As for `walks`.
    staying
        Whether two events at one location are a jump of no length, as in scikit-mobility.

    Returns
    -------
    ``subscriber``, ``time`` of the event it ends with, ``length`` in km; sorted by subscriber, then by time.
    """
    _refuse_unknown(location=(location, (SITE, CELL, AREA)), distance=(distance, (GEODESIC, HAVERSINE)))
    planned = plan(settings, database, get_project(database, project), first, last)

    def derive(events: Events, window: Window) -> pa.Table:
        places, who = _places(planned, location, window), walkers(events, window)
        at = (places.longitude, places.latitude, places.ground)
        rows, lengths = jump_lengths(who.group, places.of(events), *at, distance == GEODESIC, staying)
        times = planned.scope.times(events.time[rows].astype(np.int64) + window.starts)
        return pa.table({"subscriber": events.subscriber[rows], "time": times, "length": lengths})

    return _everybody(planned, derive)


def _everybody(planned: Plan, derive: Callable[[Events, Window], pa.Table]) -> pa.Table:
    """Derive of every bucket; nothing of it is kept on the disk."""
    derivation = Derivation("walks_asked", derive, window="run", network=True)
    buckets = buckets_for(planned, derivation)
    return pa.concat_tables([derive_bucket(replace(bucket, keep=False), derivation) for bucket in buckets])


def _places(planned: Plan, location: str, window: Window) -> Places:
    assert window.network is not None
    if location == SITE:
        return sites(window.network)
    if location == CELL:
        return cells(window.network, planned.buckets[0].timeline)
    centres = np.array([[shape.centroid.x, shape.centroid.y] for shape in planned.areas.polygons]).reshape(-1, 2)
    return areas(centres[:, 0].copy(), centres[:, 1].copy())


def _at_night(planned: Plan, events: Events, window: Window) -> np.ndarray:
    """Choose the events from 22:00 to 07:00 by the place's clock, both included."""
    zone = ZoneInfo(planned.calendar.time_zone)
    shown = [datetime.fromtimestamp(hour, zone) for hour in (window.hours[:-1] + window.starts).tolist()]
    began = np.array([moment.hour * 3600 + moment.minute * 60 + moment.second for moment in shown], np.int64)
    clock = (began[events.hour] + events.time - window.hours[events.hour]) % 86400
    return np.asarray((clock >= NIGHT_BEGINS) | (clock <= NIGHT_ENDS))


def _refuse_unknown(**choices: tuple[str, tuple[str, ...]]) -> None:
    for name, (chosen, known) in choices.items():
        if chosen not in known:
            raise InputError(f"{chosen!r} is no {name}", expected=" or ".join(known))
