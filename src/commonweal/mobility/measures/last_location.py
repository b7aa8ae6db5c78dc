"""Last location of the day: the area of each subscriber's last located event of a day.

For a subscriber s and a day d, among the events i with s(i) = s, day(i) = d and an area::

    last(s, d) = a(i) of the last such i

Events of one second are in the order of their cells' identifiers, so the last of them is the same everywhere.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.sequences import Events


@kernel()
def last_event(subscriber_day: np.ndarray, area: np.ndarray) -> np.ndarray:
    """The rows of the last located event of each (subscriber, day) that has one, for sorted events.

    Returns
    -------
    int64, shape (subscriber-days,)

    Examples
    --------
    >>> last_event(np.array([0, 0, 1]), np.array([2, 1, -1]))
    array([1])
    """
    days = subscriber_day[-1] + 1 if len(subscriber_day) else 0
    row = np.full(days, -1, np.int64)
    for i in range(len(area)):
        if area[i] >= 0:
            row[subscriber_day[i]] = i
    return row[row >= 0]


def derive(events: Events, window: Window) -> pa.Table:
    """Give each subscriber's last area of each day, sorted by (subscriber, day)."""
    row = last_event(events.subscriber_day, events.area)
    return pa.table({"subscriber": events.subscriber[row], "area": events.area[row]})


DERIVATION = Derivation("last_location", derive)
