"""Kernels over people's sequences: events sorted by (subscriber, time)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from commonweal.core.kernels import kernel


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
    subscriber_hour, subscriber_day
        Which (subscriber, hour) and which (subscriber, day) an event belongs to, counted from 0, int32, shape (n,).
    span
        Which span of the timeline, so which version of its cell, each event met, int32, shape (n,).
    columns
        What else was asked for, by name, shape (n,); 0 where nothing is known.
    """

    subscriber: np.ndarray
    time: np.ndarray
    hour: np.ndarray
    day: np.ndarray
    area: np.ndarray
    subscriber_hour: np.ndarray
    subscriber_day: np.ndarray
    span: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let nobody write into what many count, whether it is as it was read or was put together."""
        for values in (*(getattr(self, f.name) for f in fields(self) if f.name != "columns"), *self.columns.values()):
            values.flags.writeable = False

    def __len__(self) -> int:
        """Give the number of events."""
        return len(self.subscriber)

    def where(self, chosen: np.ndarray) -> Events:
        """Give the events that are chosen, bool[n]."""
        rows = np.flatnonzero(chosen)
        if len(rows) == len(self):
            return self
        arrays = {f.name: getattr(self, f.name).take(rows) for f in fields(self) if f.name != "columns"}
        return Events(**arrays, columns={name: values.take(rows) for name, values in self.columns.items()})

    def within(self, own: tuple[int, int], window: tuple[np.ndarray, np.ndarray]) -> Events:
        """Give the events of a part of their window, whose hours and days are counted from its own beginning.

        Parameters
        ----------
        own
            First and last-exclusive second.
        window
            Edges of the window's hours and days.
        """
        inside = self.where((self.time >= own[0]) & (self.time < own[1]))
        first_hour, first_day = (np.searchsorted(edges, own[0]) for edges in window)
        return replace(
            inside,
            hour=(inside.hour - first_hour).astype(np.int32),
            day=(inside.day - first_day).astype(np.int32),
            subscriber_hour=_numbered(inside.subscriber_hour),
            subscriber_day=_numbered(inside.subscriber_day),
        )

    def without_columns(self, *names: str) -> Events:
        """Give the events without some of their further columns."""
        return replace(self, columns={name: values for name, values in self.columns.items() if name not in names})

    def with_columns(self, **columns: np.ndarray) -> Events:
        """Give the events with further columns."""
        return replace(self, columns={**self.columns, **columns})


def _numbered(ascending: np.ndarray) -> np.ndarray:
    """Number what ascends from 0 on, without gaps."""
    if not len(ascending):
        return ascending
    return np.cumsum(np.diff(ascending, prepend=ascending[0]) != 0, dtype=np.int32)


@kernel()
def in_order(subscriber: np.ndarray, time: np.ndarray) -> bool:
    """Say whether events are sorted by (subscriber, time)."""
    for i in range(1, len(subscriber)):
        if subscriber[i] < subscriber[i - 1] or (subscriber[i] == subscriber[i - 1] and time[i] < time[i - 1]):
            return False
    return True


@kernel()
def place(
    subscriber: np.ndarray,
    time: np.ndarray,
    cell: np.ndarray,
    first: np.ndarray,
    starts: np.ndarray,
    value: np.ndarray,
    hours: np.ndarray,
    day_of: np.ndarray,
) -> tuple:  # type: ignore[type-arg]
    """For every event its hour, its day, value[the span of cell[i] at time[i]], whose hour and day, and that span.

    Parameters
    ----------
    subscriber, time, cell
        Of the events, which are sorted and lie within the edges.
    first, starts, value
        The spans of cell c are first[c] … first[c + 1] - 1; span s begins at starts[s], and value[s] holds in it.
    hours
        Edges; hour h is hours[h] ≤ time < hours[h + 1].
    day_of
        The day of each hour: a day begins with an hour.

    Returns
    -------
    hour, day, value, subscriber_hour, subscriber_day, span
        As in `Events`; int32, shape (n,).

    Examples
    --------
    Cell 0 has value 5, then 6 from second 10 on. Subscriber 7 is seen in both hours of the only day, 9 in the second:

    >>> hours, day_of = np.array([0, 10, 20]), np.array([0, 0])
    >>> place(np.array([7, 7, 9]), np.array([9, 10, 19]), np.array([0, 0, 0]),
    ...       np.array([0, 2]), np.array([0, 10]), np.array([5, 6]), hours, day_of)
    (array([0, 1, 1], dtype=int32), array([0, 0, 0], dtype=int32), array([5, 6, 6], dtype=int32),
     array([0, 1, 2], dtype=int32), array([0, 0, 1], dtype=int32), array([0, 1, 1], dtype=int32))
    """
    hour, day = np.empty(len(time), np.int32), np.empty(len(time), np.int32)
    found, met = np.empty(len(time), np.int32), np.empty(len(time), np.int32)
    whose_hour, whose_day = np.empty(len(time), np.int32), np.empty(len(time), np.int32)
    hourly = (len(hours) - 1) / (hours[-1] - hours[0])
    own_hour = own_day = last_hour = last_day = -1
    for i in range(len(time)):
        h = period_of(time[i], hours, hourly)
        d = day_of[h]
        # `|` where `or` would do: a branch that is mispredicted costs more than all the rest.
        other = subscriber[i] != subscriber[i - 1]  # the first event's hour is new whatever the last subscriber is
        own_hour += other | (h != last_hour)
        own_day += other | (d != last_day)
        last_hour, last_day = h, d
        hour[i], day[i], whose_hour[i], whose_day[i] = h, d, own_hour, own_day
        span = first[cell[i] + 1] - 1
        while starts[span] > time[i]:
            span -= 1
        found[i], met[i] = value[span], span
    return hour, day, found, whose_hour, whose_day, met


@kernel(inline="always")
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
