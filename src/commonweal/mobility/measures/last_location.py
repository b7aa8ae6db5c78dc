"""Last location of the day: the area of each subscriber's last located event of a day.

For a subscriber s and a day d, among the events i with s(i) = s, day(i) = d and an area::

    last(s, d) = a(i) of the last such i

Events of one second are in the order of their cells' identifiers, so the last of them is the same everywhere.
"""

from __future__ import annotations

import numba
import numpy as np
import pyarrow as pa

from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.sequences import Events, period_of


@numba.njit(nogil=True, cache=True)
def last_event(subscriber: np.ndarray, time: np.ndarray, area: np.ndarray, edges: np.ndarray) -> tuple:  # type: ignore[type-arg]
    """The rows of the last located event of each (subscriber, day), and their days, for sorted events.

    Returns
    -------
    row, day
        int64, shape (subscriber-days,)

    Examples
    --------
    >>> last_event(
    ...     np.array([7, 7, 7]), np.array([0, 60, 86400], np.int32), np.array([2, 1, -1], np.int32),
    ...     np.array([0, 86400, 172800]),
    ... )
    (array([1]), array([0]))
    """
    row = np.empty(len(subscriber), np.int64)
    day = np.empty(len(subscriber), np.int64)
    size = 0
    open_ = False  # whether the row at size - 1 belongs to this subscriber's day
    now = 0
    for i in range(len(subscriber)):
        period = period_of(time[i], edges, now)
        if i == 0 or subscriber[i] != subscriber[i - 1] or period != now:
            open_ = False
            now = period
        if area[i] < 0:
            continue
        if not open_:
            size += 1
            open_ = True
        row[size - 1] = i
        day[size - 1] = now
    return row[:size].copy(), day[:size].copy()


def derive(events: Events, window: Window) -> pa.Table:
    """Give each subscriber's last area of each day, sorted by (subscriber, day)."""
    row, day = last_event(events.subscriber, events.time, events.area, window.days)
    return pa.table(
        {
            "subscriber": events.subscriber[row],
            "day": ((window.days[day] + window.starts) // 3600).astype(np.int32),  # the hour at which it begins
            "area": events.area[row],
        }
    )


DERIVATION = Derivation("last_location", derive)
