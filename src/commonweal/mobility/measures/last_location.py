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
from commonweal.mobility.sequences import Events


@numba.njit(nogil=True, cache=True)
def last_event(subscriber: np.ndarray, day: np.ndarray, area: np.ndarray) -> np.ndarray:
    """The rows of the last located event of each (subscriber, day), for sorted events.

    Returns
    -------
    int64, shape (subscriber-days,)

    Examples
    --------
    >>> last_event(np.array([7, 7, 7]), np.array([0, 0, 1]), np.array([2, 1, -1]))
    array([1])
    """
    row = np.empty(len(subscriber), np.int64)
    size = 0
    located = False  # whether this subscriber's day has a row already
    for i in range(len(subscriber)):
        if i == 0 or subscriber[i] != subscriber[i - 1] or day[i] != day[i - 1]:
            located = False
        if area[i] < 0:
            continue
        if not located:
            size += 1
            located = True
        row[size - 1] = i
    return row[:size].copy()


def derive(events: Events, window: Window) -> pa.Table:
    """Give each subscriber's last area of each day, sorted by (subscriber, day)."""
    row = last_event(events.subscriber, events.day, events.area)
    return pa.table({"subscriber": events.subscriber[row], "area": events.area[row]})


DERIVATION = Derivation("last_location", derive)
