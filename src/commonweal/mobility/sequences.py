"""Kernels over people's sequences: events sorted by (subscriber, time)."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np


@dataclass(frozen=True)
class Events:
    """The events of one bucket in one window, sorted by (subscriber, time).

    Parameters
    ----------
    subscriber
        Pseudonyms, int64, shape (n,).
    time
        UTC seconds from the epoch's start, int32, shape (n,).
    hour, day
        Index of the window's hour and day that each event falls into, int32, shape (n,).
    area
        Index of the area of each event's cell at its time, or -1 outside every area, int32, shape (n,).
    """

    subscriber: np.ndarray
    time: np.ndarray
    hour: np.ndarray
    day: np.ndarray
    area: np.ndarray


@numba.njit(nogil=True, cache=True)
def in_order(subscriber: np.ndarray, time: np.ndarray) -> bool:
    """Say whether events are sorted by (subscriber, time)."""
    for i in range(1, len(subscriber)):
        if subscriber[i] < subscriber[i - 1] or (subscriber[i] == subscriber[i - 1] and time[i] < time[i - 1]):
            return False
    return True


@numba.njit(nogil=True, cache=True)
def place(
    time: np.ndarray,
    cell: np.ndarray,
    first: np.ndarray,
    starts: np.ndarray,
    value: np.ndarray,
    hours: np.ndarray,
    days: np.ndarray,
) -> tuple:  # type: ignore[type-arg]
    """For every event its hour, its day, and value[the span of cell[i] that contains time[i]].

    Parameters
    ----------
    time, cell
        Of the events, which lie within the edges.
    first, starts, value
        The spans of cell c are first[c] … first[c + 1] - 1; span s begins at starts[s], and value[s] holds in it.
    hours, days
        Edges, int64; period p is edges[p] ≤ time < edges[p + 1].

    Returns
    -------
    hour, day, value
        int32, shape (n,)
    """
    hour, day = np.empty(len(time), np.int32), np.empty(len(time), np.int32)
    found = np.empty(len(time), np.int32)
    hourly, daily = (len(hours) - 1) / (hours[-1] - hours[0]), (len(days) - 1) / (days[-1] - days[0])
    for i in range(len(time)):
        hour[i] = period_of(time[i], hours, hourly)
        day[i] = period_of(time[i], days, daily)
        span = first[cell[i] + 1] - 1
        while starts[span] > time[i]:
            span -= 1
        found[i] = value[span]
    return hour, day, found


@numba.njit(nogil=True, cache=True, inline="always")
def period_of(time: int, edges: np.ndarray, each: float) -> int:
    """The p with edges[p] ≤ time < edges[p + 1].

    Periods are of nearly one length, 1 / each, so a product finds the place; where a clock was moved, steps mend it.
    """
    period = int((time - edges[0]) * each)
    if period > len(edges) - 2:
        period = len(edges) - 2
    while time < edges[period]:
        period -= 1
    while time >= edges[period + 1]:
        period += 1
    return period
