"""Trips: a person's visits to other countries as chains, with nights, where they came in and where they went out.

Of a person's segments over a run, without accidental roaming, and with the first home country that is known of them:

- a *visit* is a longest run of segments in one country other than home, no two farther apart than `LONGEST_ABROAD`;
- a *trip* is a longest chain of visits without being home in between, no two farther apart than that;
- the *nights* of a visit of at least `NIGHT` are the 04:00s of the clock in it: start < 04:00 ≤ end;
- *entry* and *exit* area are those of the visit's first and last located event;
- *before* and *after* are the countries in which the person was seen last before it and first after it, no longer away
  than `LONGEST_ABROAD`, with the last and the first area there;
- *said* is whether the day on which the visit begins knows the home country by itself;
- a visit was *entered* within the run if the person was seen elsewhere before, or not at all for longer than
  `LONGEST_ABROAD` of the run; *left* likewise.

Sources: multimno 1.0, TourismStaysEstimation and TourismOutboundStatisticsCalculation (functional midnight 4 h, 300
minutes a night, trips end after 72 h); UN Committee of Experts on Big Data, *Handbook on mobile positioning data for
tourism statistics*, chapters 6.3 and 6.4 (trip, country stay, same-day and overnight).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.mobility.borders import visits
from commonweal.mobility.borders.places import own_countries
from commonweal.mobility.borders.segments import LONGEST_STAY
from commonweal.mobility.measure import Derivation, Window

LONGEST_ABROAD = 72 * 3600
"""Longest time without an event in which someone is taken to stay in another country, s."""
NIGHT = 300 * 60
"""Least length of what a night is spent in, s."""
COLUMNS = (
    "home", "country", "trip", "start", "end", "entry_area", "entry_at", "exit_area", "exit_at", "before",
    "before_area", "after", "after_area", "after_start", "after_at", "nights", "entered", "left", "said",
)  # fmt: skip


def fours(days: np.ndarray) -> np.ndarray:
    """Give 04:00 of each day: twenty hours before the next midnight, since clocks are moved earlier in the night.

    Examples
    --------
    Of 24 hours, and of the 23 of a day whose clock skips one:

    >>> fours(np.array([0, 86400, 86400 + 82800])) / 3600
    array([ 4., 27.])
    """
    return np.asarray(days[1:] - 20 * 3600, np.int64)


@kernel()
def nights(start: int, end: int, fours: np.ndarray, least: int) -> int:
    """How many nights a stretch holds.

    >>> day = 86400
    >>> nights(0, 5 * 3600, np.array([4 * 3600, 28 * 3600]), 300 * 60)
    1
    >>> nights(4 * 3600, 23 * 3600, np.array([4 * 3600, 28 * 3600]), 300 * 60)  # came at four
    0
    """
    if end - start < least:
        return 0
    return int(np.searchsorted(fours, end, side="right") - np.searchsorted(fours, start, side="right"))


@kernel()
def known_homes(subscriber: np.ndarray, home: np.ndarray) -> np.ndarray:
    """Give every segment of a subscriber the first home that is known, -1 if none is.

    >>> known_homes(np.array([7, 7, 9]), np.array([-1, 3, -1]))
    array([ 3,  3, -1])
    """
    found = home.copy()
    start = 0
    while start < len(home):
        end, first = start, home[start]
        while end < len(home) and subscriber[end] == subscriber[start]:
            if first < 0:
                first = home[end]
            end += 1
        found[start:end] = first
        start = end
    return found


@kernel()
def trips(
    subscriber: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    country: np.ndarray,
    home: np.ndarray,
    first_area: np.ndarray,
    last_area: np.ndarray,
    first_at: np.ndarray,
    last_at: np.ndarray,
    said: np.ndarray,
    fours: np.ndarray,
    run: tuple[int, int],
    gap: int,
    night: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Chain segments to visits and trips.

    Parameters
    ----------
    subscriber, start, end, country, home, first_area, last_area, first_at, last_at
        Of the segments without accidental roaming, sorted by (subscriber, time).
    said
        Whether the home of each is known by its own day.
    fours
        04:00 of each day.
    run
        When the run begins and ends.
    gap, night
        `LONGEST_ABROAD`, `NIGHT`.

    Returns
    -------
    subscriber
        int64, shape (visits,)
    visits
        `COLUMNS`, int64, shape (visits, 19); -1 for what is not known.
    """
    whose, rows = np.empty(len(start), np.int64), np.empty((len(start), 19), np.int64)
    size, first, n, trip = 0, 0, len(start), 0
    while first < n:
        last = first
        while (
            last + 1 < n
            and subscriber[last + 1] == subscriber[first]
            and country[last + 1] == country[first]
            and start[last + 1] - end[last] <= gap
        ):
            last += 1
        follows = first > 0 and subscriber[first - 1] == subscriber[first]
        followed = last + 1 < n and subscriber[last + 1] == subscriber[first]
        if not follows:
            trip = -1
        if home[first] >= 0 and country[first] != home[first]:
            soon = follows and start[first] - end[first - 1] <= gap
            back = followed and start[last + 1] - end[last] <= gap
            if not soon or country[first - 1] == home[first]:
                trip += 1
            row = rows[size]
            row[:] = -1
            whose[size] = subscriber[first]
            row[0], row[1], row[2], row[3], row[4] = home[first], country[first], trip, start[first], end[last]
            for i in range(first, last + 1):
                if first_area[i] >= 0:
                    if row[5] < 0:
                        row[5], row[6] = first_area[i], first_at[i]
                    row[7], row[8] = last_area[i], last_at[i]
            if soon:
                row[9] = country[first - 1]
                i = first - 1
                while i >= 0 and subscriber[i] == subscriber[first] and country[i] == row[9] and row[10] < 0:
                    row[10] = last_area[i]
                    i -= 1
            if back:
                row[11], row[13] = country[last + 1], start[last + 1]
                i = last + 1
                while i < n and subscriber[i] == subscriber[first] and country[i] == row[11] and row[12] < 0:
                    row[12], row[14] = first_area[i], first_at[i]
                    i += 1
            row[15] = nights(start[first], end[last], fours, night)
            row[16] = follows or start[first] - run[0] > gap
            row[17] = followed or run[1] - end[last] > gap
            row[18] = said[first]
            size += 1
        first = last + 1
    return whose[:size].copy(), rows[:size].copy()


def derive(rows: pa.Table, window: Window) -> pa.Table:
    """Give each person's visits to other countries over a run, sorted by (subscriber, time)."""
    columns = true_segments(rows)
    names = ("subscriber", "start", "end", "country", "home", "first_area", "last_area", "first_at", "last_at", "said")
    run = (int(window.days[0]), int(window.days[-1]))
    named: list[Any] = [columns[name] for name in names]
    named += [fours(window.days), run, LONGEST_ABROAD, NIGHT]
    whose, found = trips(*named)
    return pa.table({"subscriber": whose, **{name: found[:, place] for place, name in enumerate(COLUMNS)}})


def true_segments(rows: pa.Table) -> dict[str, np.ndarray]:
    """Give the columns of segments that are no accidental roaming, of everybody whose home is known, with that home."""
    columns = {name: np.asarray(rows[name]) for name in rows.column_names}
    home = known_homes(columns["subscriber"], columns["home"])
    kept = ~columns["accidental"] & (home >= 0)
    columns |= {"home": home, "said": columns["home"] >= 0}
    return {name: values[kept] for name, values in columns.items()}


@kernel()
def nights_by_area(
    subscriber: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    country: np.ndarray,
    home: np.ndarray,
    area: np.ndarray,
    own: np.ndarray,
    fours: np.ndarray,
    longest: int,
    night: int,
) -> np.ndarray:
    """Find who spent which night in which area away from home.

    Away from home a stay is a longest run of segments in one country and area, no two farther apart than `longest`; it
    holds nights as visits do.

    Returns
    -------
    int64, shape (nights, 3): subscriber, area, day.
    """
    found = np.empty((len(start) + len(fours), 3), np.int64)
    size, first, n = 0, 0, len(start)
    while first < n:
        last = first
        while (
            last + 1 < n
            and subscriber[last + 1] == subscriber[first]
            and country[last + 1] == country[first]
            and area[last + 1] == area[first]
            and start[last + 1] - end[last] <= longest
        ):
            last += 1
        away = home[first] >= 0 and country[first] != home[first] and own[country[first]]
        if away and area[first] >= 0 and end[last] - start[first] >= night:
            day = np.searchsorted(fours, start[first], side="right")
            while day < len(fours) and fours[day] <= end[last]:
                if size == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                found[size, 0], found[size, 1], found[size, 2] = subscriber[first], area[first], day
                size += 1
                day += 1
        first = last + 1
    return found[:size].copy()


def derive_nights(rows: pa.Table, window: Window) -> pa.Table:
    """Give each visitor's nights by area and day."""
    assert window.network is not None
    columns = true_segments(rows)
    named: list[Any] = [columns[name] for name in ("subscriber", "start", "end", "country", "home", "first_area")]
    named += [own_countries(window.network), fours(window.days), LONGEST_STAY, NIGHT]
    found = nights_by_area(*named)
    return pa.table({name: found[:, place] for place, name in enumerate(("subscriber", "area", "day"))})


@kernel()
def pairs(
    subscriber: np.ndarray,
    country: np.ndarray,
    first_area: np.ndarray,
    last_area: np.ndarray,
    first_at: np.ndarray,
) -> np.ndarray:
    """Find the last area before a border was crossed and the first one after.

    Returns
    -------
    int64, shape (pairs, 5): subscriber; area before and after; 1 if both lie in one country, so that the person was
    in another one in between, 0 if they lie in two; when the person was seen in the second.

    Examples
    --------
    From area 3 of country 0 abroad (no area), and back in area 4:

    >>> pairs(np.array([7, 7, 7]), np.array([0, 1, 0]), np.array([3, -1, 4]), np.array([3, -1, 4]),
    ...       np.array([0, -1, 900])).tolist()
    [[7, 3, 4, 1, 900]]
    """
    found = np.empty((len(subscriber), 5), np.int64)
    size, before, crossed = 0, -1, False  # before: the last segment with an area
    for i in range(len(subscriber)):
        if i == 0 or subscriber[i] != subscriber[i - 1]:
            before, crossed = -1, False
        elif country[i] != country[i - 1]:
            crossed = True
        if first_area[i] < 0:
            continue
        if crossed and before >= 0:
            row = found[size]
            row[0], row[1], row[2] = subscriber[i], last_area[before], first_area[i]
            row[3], row[4] = country[before] == country[i], first_at[i]
            size += 1
        before, crossed = i, False
    return found[:size].copy()


def derive_pairs(rows: pa.Table, window: Window) -> pa.Table:
    """Give each person's pairs of areas on either side of a crossing."""
    columns = true_segments(rows)
    names = ("subscriber", "country", "first_area", "last_area", "first_at")
    found = pairs(*(columns[name] for name in names))
    return pa.table(
        {name: found[:, place] for place, name in enumerate(("subscriber", "origin", "destination", "back", "at"))}
    )


DERIVATION = Derivation("border_trips", derive, window="run", of=visits.DERIVATION, network=True)
NIGHTS = Derivation("border_nights", derive_nights, window="run", of=visits.DERIVATION, network=True)
PAIRS = Derivation("border_ways", derive_pairs, window="run", of=visits.DERIVATION, network=True, when="at")
