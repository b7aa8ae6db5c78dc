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
    area
        Index of the area of each event's cell at its time, or -1 outside every area, int32, shape (n,).
    """

    subscriber: np.ndarray
    time: np.ndarray
    area: np.ndarray


@numba.njit(nogil=True, cache=True)
def in_order(subscriber: np.ndarray, time: np.ndarray) -> bool:
    """Say whether events are sorted by (subscriber, time)."""
    for i in range(1, len(subscriber)):
        if subscriber[i] < subscriber[i - 1] or (subscriber[i] == subscriber[i - 1] and time[i] < time[i - 1]):
            return False
    return True


@numba.njit(nogil=True, cache=True)
def value_at(
    cell: np.ndarray, time: np.ndarray, first: np.ndarray, starts: np.ndarray, value: np.ndarray
) -> np.ndarray:
    """value[span of cell[i] that contains time[i]], for every event: resolves cells by (cell, time)."""
    found = np.empty(len(cell), value.dtype)
    for i in range(len(cell)):
        span = first[cell[i] + 1] - 1
        while starts[span] > time[i]:
            span -= 1
        found[i] = value[span]
    return found


@numba.njit(nogil=True, cache=True)
def period_of(time: int, edges: np.ndarray, guess: int) -> int:
    """The p with edges[p] ≤ time < edges[p + 1]; the nearer the guess, the quicker."""
    while time < edges[guess]:
        guess -= 1
    while time >= edges[guess + 1]:
        guess += 1
    return guess
