"""What is derived of each subscriber's walk over a run, as the published distributions need it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.measures.home import home
from commonweal.mobility.measures.last_location import last_event
from commonweal.mobility.sequences import Events
from commonweal.mobility.walks.homes import home_places
from commonweal.mobility.walks.places import Places, sites
from commonweal.mobility.walks.real_entropy import real_entropies
from commonweal.mobility.walks.regularity import hours_of_week, regularities
from commonweal.mobility.walks.walking import walk

TOP = 2
"""Of how many places the k-radius is, unless said otherwise."""
LONGEST = 12 * 3600
"""Seconds that an event stands for its place at most, unless said otherwise: as long as a stay may go unseen."""
CHOICES = {
    "home": Wording("last location of the day, mode over days, tie to the most recent"),
    "location": Wording("site of the cell"),
    "distance": Wording("geodesic on WGS 84"),
    "home_location": Wording("last location of the day, mode over days, tie to the most recent"),
    "k_radius_of": TOP,
    "event_lasts_at_most_seconds": LONGEST,
    "logarithm": Wording("base 2"),
    "no_position": Wording("left out"),
}
"""What the published distributions depend on."""


@dataclass(frozen=True, eq=False)
class Walkers:
    """Whose walk each event belongs to.

    Parameters
    ----------
    person
        Counted from 0, int32, shape (n,).
    group
        The walk: the person's, or the person's of a day, counted from 0, int32, shape (n,).
    first
        The first event of each group.
    ends
        When its period ends, seconds from the epoch's start.
    """

    person: np.ndarray
    group: np.ndarray
    first: np.ndarray
    ends: np.ndarray


def walkers(events: Events, window: Window, by_day: bool = False) -> Walkers:
    """Divide events into walks of the whole window, or of each of its days."""
    person, first = numbered(events.subscriber)
    group = person
    if by_day:
        group, first = numbered(events.subscriber_day)
    ends = window.days[events.day[first] + 1] if by_day else np.full(len(first), window.days[-1])
    return Walkers(person, group, first, ends)


@kernel()
def numbered(whose: np.ndarray) -> tuple:  # type: ignore[type-arg]
    """Number what ascends from 0 on, and give the first row of each number.

    >>> numbered(np.array([7, 7, 9]))
    (array([0, 0, 1], dtype=int32), array([0, 2]))
    """
    number, first = np.empty(len(whose), np.int32), np.empty(len(whose), np.int64)
    size = 0
    for i in range(len(whose)):
        if i == 0 or whose[i] != whose[i - 1]:
            first[size] = i
            size += 1
        number[i] = size - 1
    return number, first[:size].copy()


def measured(
    events: Events,
    places: Places,
    place: np.ndarray,
    who: Walkers,
    chosen: np.ndarray,
    *,
    geodesic: bool = True,
    k: int = TOP,
    longest: int = LONGEST,
) -> dict[str, np.ndarray]:
    """Measure each walk: a row for each group, those without a located event with 0 events.

    Parameters
    ----------
    place
        Of each event, by `Places.of`.
    chosen
        By which events a home location is found, bool.
    geodesic, k, longest
        As for `walk`.
    """
    homes = home_places(who.person, place, chosen, len(places.longitude))
    own = homes[who.person[who.first]]
    table = (places.longitude, places.latitude, places.ground)
    found = walk(who.group, events.time, place, own, who.ends, *table, geodesic, k, longest)
    return {"subscriber": events.subscriber[who.first], "home": own, **found._asdict()}


def last_of_day(events: Events, place: np.ndarray) -> np.ndarray:
    """Choose the last located event of each day."""
    chosen = np.zeros(len(place), bool)
    chosen[last_event(events.subscriber_day, place)] = True
    return chosen


def home_area(events: Events, subscriber: np.ndarray) -> np.ndarray:
    """Give the home area of each subscriber, ascending, as it is published; -1 of one who has none."""
    row = last_event(events.subscriber_day, events.area)
    whose, where = home(events.subscriber[row], events.area[row])
    area = np.full(len(subscriber), -1, np.int32)
    area[np.searchsorted(subscriber, whose)] = where
    return area


def _derive_walks(events: Events, window: Window) -> pa.Table:
    assert window.network is not None
    places, who = sites(window.network), walkers(events, window)
    place = places.of(events)
    found = measured(events, places, place, who, last_of_day(events, place))
    week = hours_of_week(window.hours, window.days)
    regularity = regularities(who.group, events.hour, place, week, len(places.longitude))
    rows = {"subscriber": found.pop("subscriber")}
    rows["area"] = home_area(events, rows["subscriber"])
    random_entropy = np.log2(np.maximum(found["locations"], 1))
    return pa.table(rows | found | {"random_entropy": random_entropy, "regularity": regularity})


def _derive_real_entropy(events: Events, window: Window) -> pa.Table:
    assert window.network is not None
    places, who = sites(window.network), walkers(events, window)
    subscriber = events.subscriber[who.first]
    entropy = real_entropies(who.group, places.of(events), len(places.longitude))
    return pa.table({"subscriber": subscriber, "area": home_area(events, subscriber), "real_entropy": entropy})


WALKS = Derivation("walks", _derive_walks, window="run", network=True)
REAL_ENTROPY = Derivation("walks_entropy", _derive_real_entropy, window="run", network=True)
