"""Visits of everybody to other countries, the trips that they make up, and the nights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from commonweal.disclosure import rows_by_key
from commonweal.mobility.borders import trips as chains
from commonweal.mobility.borders import visits as segments
from commonweal.mobility.borders.choices import refuse_other_days
from commonweal.mobility.borders.counted import numbers
from commonweal.mobility.borders.places import own_countries
from commonweal.mobility.counting import Bucket, derive_bucket
from commonweal.mobility.inside.naming import areas, countries, lists, times
from commonweal.mobility.measure import Scope
from commonweal.mobility.mobile_countries import UNKNOWN
from commonweal.mobility.runs import Plan, buckets_for


def visits(planned: Plan) -> pa.Table:
    """Give every visit of a run's subscribers to a country that is not their home, accidental roaming marked.

    What a visit, a night and accidental roaming are, `borders.trips` and `borders.visits` say. Who has no known home
    country has no visit.

    Returns
    -------
    Sorted by subscriber and time:

    - ``subscriber`` (int64, pseudonym), ``start`` and ``end`` (UTC, of its first and last event);
    - ``home`` and ``country`` (ISO 3166-1; ZZ: of no country);
    - ``accidental`` (bool); ``trip`` (int64, which of the subscriber's `trips` it is part of, from 1; null if
      accidental); ``nights`` (int64);
    - ``entry_area`` and ``exit_area`` (codes, of its first and its last located event; null if there is none);
    - ``before`` and ``after`` (ISO 3166-1, where the subscriber was seen last before and first after it; null if
      nowhere), ``before_area`` and ``after_area`` (codes, the last and the first area there; after accidental roaming
      always null);
    - ``entered`` and ``left`` (bool, whether within the run; null if accidental).

    Raises
    ------
    InputError
        Days of the run do not begin at midnight.
    """
    parts = []
    for bucket, found in _chains(planned):
        moments = _accidental(bucket)
        both = {name: np.concatenate([found[name], moments[name]]) for name in moments}
        accidental = np.repeat([False, True], [len(found["trip"]), len(moments["trip"])])
        table = pa.table(
            {
                "subscriber": both["subscriber"],
                "start": times(both["start"], bucket),
                "end": times(both["end"], bucket),
                "home": countries(both["home"]),
                "country": countries(both["country"]),
                "accidental": accidental,
                "trip": pa.array(both["trip"] + 1, mask=accidental),
                "nights": both["nights"],
                **{name: areas(planned, both[name]) for name in ("entry_area", "exit_area")},
                **{name: countries(both[name]) for name in ("before", "after")},
                **{name: areas(planned, both[name]) for name in ("before_area", "after_area")},
                **{name: pa.array(both[name] > 0, mask=accidental) for name in ("entered", "left")},
            }
        )
        parts.append(table.take(pa.array(np.lexsort((both["start"], both["subscriber"])))))
    return pa.concat_tables(parts).combine_chunks()


def trips(planned: Plan) -> pa.Table:
    """Give every trip of a run's subscribers: a longest chain of visits without being home in between.

    Returns
    -------
    Sorted by subscriber and time: ``subscriber`` (int64, pseudonym), ``trip`` (int64, from 1 for each subscriber),
    ``start`` and ``end`` (UTC), ``home`` (ISO 3166-1), ``countries`` (list of ISO 3166-1, of its visits in order),
    ``nights`` (int64, of all its visits), ``entered`` and ``left`` (bool, whether the first visit was entered and the
    last one left within the run). Accidental roaming is in no trip.

    Raises
    ------
    InputError
        Days of the run do not begin at midnight.
    """
    parts = []
    for bucket, found in _chains(planned):
        first = _firsts(found["subscriber"], found["trip"])
        edges = np.append(first, len(found["trip"]))
        last = edges[1:] - 1
        parts.append(
            pa.table(
                {
                    "subscriber": found["subscriber"][first],
                    "trip": found["trip"][first] + 1,
                    "start": times(found["start"][first], bucket),
                    "end": times(found["end"][last], bucket),
                    "home": countries(found["home"][first]),
                    "countries": lists(np.diff(edges), countries(found["country"])),
                    "nights": np.add.reduceat(found["nights"], first),
                    "entered": found["entered"][first] > 0,
                    "left": found["left"][last] > 0,
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()


def nights(planned: Plan) -> pa.Table:
    """Give every night that a run's subscribers spent on a visit to another country.

    Returns
    -------
    Sorted by subscriber and time: ``subscriber`` (int64, pseudonym), ``day`` (UTC, when the day begins on which the
    night ends), ``home`` and ``country`` (ISO 3166-1), ``area`` (code; null abroad, and where no stay in one area
    holds the night).

    Raises
    ------
    InputError
        Days of the run do not begin at midnight.
    """
    parts = []
    for bucket, found in _chains(planned):
        many = found["nights"]
        visit = np.repeat(np.arange(len(many)), many)
        fours = chains.fours(bucket.days - bucket.epoch_starts)
        first = np.searchsorted(fours, found["start"], side="right")
        day = first[visit] + np.arange(len(visit)) - (np.cumsum(many) - many)[visit]
        keys = pa.table({"subscriber": found["subscriber"][visit], "day": day})
        in_areas = derive_bucket(bucket, chains.NIGHTS)
        there = rows_by_key(keys, in_areas.select(keys.column_names))
        parts.append(
            pa.table(
                {
                    "subscriber": keys["subscriber"],
                    "day": Scope.times(bucket.days[day]),
                    "home": countries(found["home"][visit]),
                    "country": countries(found["country"][visit]),
                    "area": areas(planned, np.append(in_areas["area"].to_numpy(), -1)[there]),
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()


def _chains(planned: Plan) -> Iterator[tuple[Bucket, dict[str, np.ndarray]]]:
    """Give the visits that are no accidental roaming, bucket by bucket, as `borders.trips` finds them."""
    refuse_other_days(["visit_nights"], planned.calendar)
    for bucket in buckets_for(planned, chains.DERIVATION):
        yield bucket, numbers(derive_bucket(bucket, chains.DERIVATION))


def _accidental(bucket: Bucket) -> dict[str, np.ndarray]:
    """Give accidental roaming with the columns of `borders.trips`, -1 for what is not known."""
    assert bucket.network is not None
    rows = derive_bucket(bucket, segments.DERIVATION)
    found = numbers(rows.filter(rows["accidental"]))
    silent = np.append(True, found["start"][1:] - found["end"][:-1] > segments.BACK_WITHIN)[: len(found["start"])]
    first = _firsts(found["subscriber"], found["country"], np.cumsum(silent))
    last = np.append(first, len(silent))[1:] - 1
    located = np.flatnonzero(found["first_area"] >= 0)
    entry, leaving = np.searchsorted(located, first), np.searchsorted(located, last, side="right") - 1
    somewhere = entry <= leaving
    # Residents are at home before and after; visitors are seen nowhere.
    home = found["home"][first]
    around = np.where(own_countries(bucket.network)[home], home, UNKNOWN)
    unknown = np.full(len(first), -1)
    return {
        "subscriber": found["subscriber"][first],
        "start": found["start"][first],
        "end": found["end"][last],
        "home": home,
        "country": found["country"][first],
        "trip": unknown,
        "nights": np.zeros(len(first), np.int64),
        "entry_area": _at(found["first_area"], located, entry, somewhere),
        "exit_area": _at(found["last_area"], located, leaving, somewhere),
        "before": around,
        "after": around,
        "before_area": found["from_area"][first],
        "after_area": unknown,
        "entered": unknown,
        "left": unknown,
    }


def _at(area: np.ndarray, located: np.ndarray, place: np.ndarray, somewhere: np.ndarray) -> np.ndarray:
    """Give the area of the located row at each place, -1 where there is none."""
    found = np.full(len(place), -1, np.int64)
    found[somewhere] = area[located[place[somewhere]]]
    return found


def _firsts(*keys: np.ndarray) -> np.ndarray:
    """Give the rows at which one of some columns changes."""
    changed = np.ones(len(keys[0]), bool)
    changed[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(changed)
