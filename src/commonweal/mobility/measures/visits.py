"""Visits: for each subscriber, day and area what was seen there, from which flows and homes are found.

For a subscriber s, a day d and an area a, over the events i with s(i) = s, t(i) in d and a(i) = a::

    earliest = min t(i)      latest = max t(i)      events = |{ i }|

and what rules of home and work look at, by the clock of the place, both ends included unless said otherwise:

========== ============================================================================================
late       events from 22:00 to 07:00
halves     half-hours from 19:00 to 07:00 of which this is the place, and ``since``, when the first began
works      half-hours from 09:00 to 17:00, the end left out, from Monday to Friday, of which it is the place
evening    whether there are events from 19:30 to 07:30 in the night that began on this date
morning    the same for the night that began on the date before
========== ============================================================================================

The place of a half-hour is the area of most of its events, of several the one seen first (as bandicoot bins
positions). A night is named by the date of the noon before it; a day by the date on which it begins.

Rows of a subscriber's day are in order of the last event there, so that the last of them is where the day ended; the
one that has its first event is marked ``opens``.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.sequences import Events

HALF_HOUR, DAY, NOON = 1_800, 86_400, 43_200
LATE = (22 * 3600, 7 * 3600)
HALVES = (19 * 3600, 7 * 3600)
NIGHT = (19 * 3600 + 1800, 7 * 3600 + 1800)
WORK = (9 * 3600, 17 * 3600)
WORKDAYS = 5
"""Days of the week from Monday that are worked."""


@kernel(inline="always")
def at_night(second: int, begins: int, ends: int) -> bool:
    """Say whether a second of the day lies in a night that lasts beyond midnight, both ends included.

    >>> at_night(22 * 3600, *LATE), at_night(7 * 3600 + 1, *LATE)
    (True, False)
    """
    return second >= begins or second <= ends


@kernel()
def visits(
    subscriber_day: np.ndarray,
    day: np.ndarray,
    time: np.ndarray,
    area: np.ndarray,
    hour: np.ndarray,
    ahead: np.ndarray,
    date: np.ndarray,
    areas: int,
) -> tuple:  # type: ignore[type-arg]
    """Give the visits of sorted events.

    Parameters
    ----------
    subscriber_day, day, time, area, hour
        As in `Events`.
    ahead
        Of each hour, how far what the clock shows, seconds from 1970, is ahead of the time, int64.
    date
        Of each day of the window, days from 1970.
    areas
        How many areas there are.

    Returns
    -------
    last
        The row of the last event of each visit, int64, shape (visits,).
    table
        int32, shape (visits, 9): earliest, latest, opens, events, late, halves, since, works, nights. ``nights`` is 1
        for an evening and 2 for a morning, added; ``since`` is -1 if there is none.

    Examples
    --------
    On 1 January 1970, a Thursday, in UTC: at 06:00 and 10:00 in area 1, at 20:00 in area 0, at 23:00 in area 1.

    >>> time = np.array([6, 10, 20, 23]) * 3600
    >>> last, table = visits(np.zeros(4, np.int32), np.zeros(4, np.int32), time, np.array([1, 1, 0, 1]),
    ...                      np.zeros(4, np.int32), np.array([0]), np.array([0]), 2)
    >>> last
    array([2, 3])
    >>> table.tolist()
    [[72000, 72000, 0, 1, 0, 1, 72000, 0, 1], [21600, 82800, 1, 3, 2, 2, 21600, 1, 3]]
    """
    count = 0
    stamp = np.full(areas, -1, np.int64)
    for i in range(len(area)):
        if area[i] >= 0 and stamp[area[i]] != subscriber_day[i]:
            stamp[area[i]] = subscriber_day[i]
            count += 1
    last = np.empty(count, np.int64)
    table = np.zeros((count, 9), np.int32)
    stamp[:] = -1
    slot_of = np.zeros(areas, np.int64)
    begin, size, whose = 0, 0, -1  # rows begin … size - 1 are of this subscriber's day
    inside = np.zeros(areas, np.int32)  # events of this half-hour by area
    met = np.empty(areas, np.int32)  # areas of this half-hour in the order in which they were met
    meeting, half, kind, half_began = 0, np.int64(-1), 0, 0
    for i in range(len(area)):
        if area[i] < 0:
            continue
        a = area[i]
        new_day = subscriber_day[i] != whose
        wall = time[i] + ahead[hour[i]]
        second = wall % DAY
        asks = 0
        if at_night(second, HALVES[0], HALVES[1]):
            asks = 1
        elif WORK[0] <= second < WORK[1] and (wall // DAY + 3) % 7 < WORKDAYS:
            asks = 2
        if meeting and (new_day or wall // HALF_HOUR != half or asks != kind):
            _settle(table, slot_of, inside, met, meeting, kind, half_began)
            meeting = 0
        if new_day:
            _order(last, table, begin, size)
            begin, whose = size, subscriber_day[i]
        if stamp[a] != whose:
            stamp[a], slot_of[a] = whose, size
            table[size, 0], table[size, 2], table[size, 6] = time[i], size == begin, -1
            size += 1
        row = slot_of[a]
        last[row], table[row, 1] = i, time[i]
        table[row, 3] += 1
        table[row, 4] += at_night(second, LATE[0], LATE[1])
        if at_night(second, NIGHT[0], NIGHT[1]):
            table[row, 8] |= 1 if (wall - NOON) // DAY >= date[day[i]] else 2
        if asks:
            if meeting == 0:
                half, kind, half_began = wall // HALF_HOUR, asks, time[i]
            known = False
            for j in range(meeting):
                known |= met[j] == a
            if not known:
                met[meeting], inside[a] = a, 0
                meeting += 1
            inside[a] += 1
    if meeting:
        _settle(table, slot_of, inside, met, meeting, kind, half_began)
    _order(last, table, begin, size)
    return last, table


@kernel()
def _settle(
    table: np.ndarray,
    slot_of: np.ndarray,
    inside: np.ndarray,
    met: np.ndarray,
    meeting: int,
    kind: int,
    began: int,
) -> None:
    """Give a half-hour to the area of most of its events."""
    best = met[0]
    for j in range(1, meeting):
        if inside[met[j]] > inside[best]:
            best = met[j]
    row = slot_of[best]
    if kind == 2:
        table[row, 7] += 1
    else:
        table[row, 5] += 1
        if table[row, 6] < 0:
            table[row, 6] = began


@kernel()
def _order(last: np.ndarray, table: np.ndarray, begin: int, end: int) -> None:
    """Sort a day's rows by their last event."""
    for i in range(begin + 1, end):
        j = i
        while j > begin and last[j - 1] > last[j]:
            last[j - 1], last[j] = last[j], last[j - 1]
            for column in range(table.shape[1]):
                table[j - 1, column], table[j, column] = table[j, column], table[j - 1, column]
            j -= 1


def derive(events: Events, window: Window) -> pa.Table:
    """Give each subscriber's visits of each day, sorted by (subscriber, day, last event)."""
    assert window.wall is not None
    ahead = window.wall - window.hours
    begins = window.wall[np.searchsorted(window.hours, window.days[:-1])]
    sequence = (events.subscriber_day, events.day, events.time, events.area, events.hour)
    last, table = visits(*sequence, ahead, begins // DAY, window.areas)
    day = events.day[last]
    columns = ("earliest", "latest", "opens", "events", "late", "halves", "since", "works")
    return pa.table(
        {
            "subscriber": events.subscriber[last],
            "start": window.days[day].astype(np.int32),
            "date": (begins[day] // DAY).astype(np.int32),
            "area": events.area[last],
            **{name: table[:, number] for number, name in enumerate(columns)},
            "evening": (table[:, 8] & 1) > 0,
            "morning": (table[:, 8] & 2) > 0,
        }
    )


DERIVATION = Derivation("visits", derive)
