"""Ping-pong: a phone that does not move, but is served in turn by cells whose footprints overlap."""

from __future__ import annotations

import numpy as np

from commonweal.core.kernels import kernel
from commonweal.mobility.network import overlapping


@kernel()
def settled(
    subscriber: np.ndarray,
    day: np.ndarray,
    time: np.ndarray,
    span: np.ndarray,
    fixed: np.ndarray,
    first: np.ndarray,
    other: np.ndarray,
    window: int,
) -> np.ndarray:
    """For every event the event in whose place it was: its own, or the one before a jump that came back.

    Of a subscriber's events in order, a run in one cell B bounces if the event before it is in A, the event after it is
    in A, the footprints of A and B overlap, and the one after comes at most `window` seconds after the one before. Its
    events are then events in A. This is done from the first event of each day on; what was before it is as recorded.

    Parameters
    ----------
    subscriber, day, time, span
        As in `Events`, sorted.
    fixed
        bool[n]: events that stay as they are and end what is before them, such as those abroad.
    first, other
        As in `Network`.
    window
        Seconds.

    Returns
    -------
    int64, shape (n,)

    Examples
    --------
    Two cells that overlap: a minute in the other one is a bounce, an hour is none.

    >>> none = np.zeros(5, np.int64)
    >>> settled(none, none, np.array([0, 30, 60, 90, 3690]), np.array([0, 1, 0, 1, 0]), none > 0,
    ...         np.array([0, 1, 2]), np.array([1, 0]), 300)
    array([0, 0, 2, 3, 4])
    """
    place = np.arange(len(time))
    anchor = -1  # the last event that is where it was recorded
    i = 0
    while i < len(time):
        if i == 0 or subscriber[i] != subscriber[i - 1]:
            anchor = -1
        elif day[i] != day[i - 1]:
            anchor = -1 if fixed[i - 1] else i - 1
        if fixed[i]:
            anchor = -1
            i += 1
            continue
        end = i + 1
        if anchor >= 0 and span[i] != span[anchor] and overlapping(first, other, span[anchor], span[i]):
            while end < len(time) and subscriber[end] == subscriber[i] and span[end] == span[i] and not fixed[end]:
                if time[end] - time[anchor] > window:
                    break
                end += 1
            back = (
                end < len(time)
                and subscriber[end] == subscriber[i]
                and not fixed[end]
                and span[end] == span[anchor]
                and time[end] - time[anchor] <= window
            )
            if back:
                # Up to midnight: the next day is begun with what was recorded before it.
                stop = i
                while stop < end and day[stop] == day[i]:
                    place[stop] = anchor
                    stop += 1
                i = stop
                continue
        anchor = i
        i += 1
    return place
