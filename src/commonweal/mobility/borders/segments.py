"""Segments: a person's day cut into stretches in one country.

The country of an event is that of the network that served it::

    country(i) = the country of serving_plmn(i); if that is not known and the cell's place is, the network's own country
    home(i)    = the country of the first home_plmn that the person's day knows

An event whose country is not known is left out. A segment is a longest run of a person's events of one day in one
country; away from home it is cut too where the area changes, and where nothing was seen for longer than `LONGEST_STAY`,
so that nights can be told by area.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.mobility.borders.places import own_countries
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.mobile_countries import UNKNOWN, countries_of_plmns
from commonweal.mobility.network import PLACED
from commonweal.mobility.sequences import Events

LONGEST_STAY = 12 * 3600
"""Longest time without an event in which someone is taken to stay in an area, s (multimno: 12 h)."""
PLMNS = ("home_plmn", "serving_plmn")


def countries(events: Events, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Give the country that each event was in, and the home country of who made it.

    Returns
    -------
    country, home
        Places in `COUNTRIES`, `UNKNOWN` where nothing is known; int16, shape (n,).
    """
    assert window.network is not None
    country = countries_of_plmns(events.columns["serving_plmn"])
    own = np.flatnonzero(own_countries(window.network))
    if len(own) == 1:  # of several, nothing says which one it was
        placed = window.network.state[events.span] == PLACED
        country[(country == UNKNOWN) & placed] = own[0]
    return country, homes(events.subscriber_day, countries_of_plmns(events.columns["home_plmn"]))


@kernel()
def homes(subscriber_day: np.ndarray, home: np.ndarray) -> np.ndarray:
    """Give every event the first home that its subscriber's day knows.

    Examples
    --------
    >>> homes(np.array([0, 0, 0, 1]), np.array([-1, 4, -1, -1], np.int16))
    array([ 4,  4,  4, -1], dtype=int16)
    """
    found = np.empty(len(home), np.int16)
    start = 0
    while start < len(home):
        end, first = start, -1
        while end < len(home) and subscriber_day[end] == subscriber_day[start]:
            if first < 0:
                first = home[end]
            end += 1
        found[start:end] = first
        start = end
    return found


@kernel()
def segments(
    subscriber_day: np.ndarray,
    time: np.ndarray,
    area: np.ndarray,
    span: np.ndarray,
    country: np.ndarray,
    home: np.ndarray,
    longest: int,
) -> np.ndarray:
    """Cut sorted events into segments.

    Parameters
    ----------
    subscriber_day, time, area
        As in `Events`.
    span
        Of the event's cell, -1 where its place is not known.
    country, home
        As `countries` gives them.
    longest
        Longest time without an event within a segment away from home, s.

    Returns
    -------
    int64, shape (segments, 9): the event with which it begins and the one with which it ends; how many events it has;
    of its first and of its last located event the area and the time; of its first and its last placed cell the span;
    -1 for none.

    Examples
    --------
    At home (country 0) in areas 5 and 6, then abroad (country 1) without an area:

    >>> segments(np.zeros(3, np.int32), np.array([0, 60, 90]), np.array([5, 6, -1]), np.array([2, 3, -1]),
    ...          np.array([0, 0, 1]), np.array([0, 0, 0]), 43200)
    array([[ 0,  1,  2,  5,  6,  0, 60,  2,  3],
           [ 2,  2,  1, -1, -1, -1, -1, -1, -1]])
    """
    rows = np.empty((len(time), 9), np.int64)
    size, last = 0, -1  # the last event whose country is known
    for i in range(len(time)):
        if country[i] < 0:
            continue
        new = last < 0 or subscriber_day[i] != subscriber_day[last] or country[i] != country[last]
        if not new and country[i] != home[i]:
            new = area[i] != area[last] or time[i] - time[last] > longest
        if new:
            rows[size] = -1
            rows[size, 0], rows[size, 2] = i, 0
            size += 1
        row = rows[size - 1]
        row[1] = i
        row[2] += 1
        if area[i] >= 0:
            if row[3] < 0:
                row[3], row[5] = area[i], time[i]
            row[4], row[6] = area[i], time[i]
        if span[i] >= 0:
            if row[7] < 0:
                row[7] = span[i]
            row[8] = span[i]
        last = i
    return rows[:size].copy()


def derive(events: Events, window: Window) -> pa.Table:
    """Give each person's segments of each day, sorted by (subscriber, time)."""
    assert window.network is not None
    country, home = countries(events, window)
    span = np.where(window.network.state[events.span] == PLACED, events.span, -1)
    found = segments(events.subscriber_day, events.time, events.area, span, country, home, LONGEST_STAY)
    first, last = found[:, 0], found[:, 1]
    whole = {
        "events": found[:, 2],
        "first_area": found[:, 3],
        "last_area": found[:, 4],
        "first_at": found[:, 5],
        "last_at": found[:, 6],
        "first_span": found[:, 7],
        "last_span": found[:, 8],
    }
    return pa.table(
        {
            "subscriber": events.subscriber[first],
            "start": events.time[first],
            "end": events.time[last],
            "country": country[first],
            "home": home[first],
            **{name: values.astype(np.int32) for name, values in whole.items()},
        }
    )


DERIVATION = Derivation("border_segments", derive, columns=PLMNS, network=True)
