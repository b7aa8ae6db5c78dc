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
        return self if len(rows) == len(self) else self._taken(rows)

    def within(self, own: tuple[int, int], window: tuple[np.ndarray, np.ndarray]) -> Events:
        """Give the events of a part of their window, whose hours and days are counted from its own beginning.

        Parameters
        ----------
        own
            First and last-exclusive second.
        window
            Edges of the window's hours and days.
        """
        first_hour, first_day = (int(np.searchsorted(edges, own[0])) for edges in window)
        numbers = (self.hour, self.day, self.subscriber_hour, self.subscriber_day)
        rows, *numbered = _renumbered(self.time, *numbers, *own, first_hour, first_day)
        taken = self if len(rows) == len(self) else self._taken(rows)
        return replace(taken, **dict(zip(("hour", "day", "subscriber_hour", "subscriber_day"), numbered, strict=True)))

    def _taken(self, rows: np.ndarray) -> Events:
        arrays = {f.name: getattr(self, f.name).take(rows) for f in fields(self) if f.name != "columns"}
        return Events(**arrays, columns={name: values.take(rows) for name, values in self.columns.items()})

    def without_columns(self, *names: str) -> Events:
        """Give the events without some of their further columns."""
        return replace(self, columns={name: values for name, values in self.columns.items() if name not in names})

    def with_columns(self, **columns: np.ndarray) -> Events:
        """Give the events with further columns."""
        return replace(self, columns={**self.columns, **columns})


@kernel()
def _renumbered(
    time: np.ndarray,
    hour: np.ndarray,
    day: np.ndarray,
    subscriber_hour: np.ndarray,
    subscriber_day: np.ndarray,
    begins: int,
    ends: int,
    first_hour: int,
    first_day: int,
) -> tuple:  # type: ignore[type-arg]
    """The rows of a part of a window, and their hours and days counted from its beginning, without gaps in whose."""
    rows = np.empty(len(time), np.int64)
    size = 0
    for i in range(len(time)):
        rows[size] = i
        size += (time[i] >= begins) & (time[i] < ends)
    rows = rows[:size].copy()
    hours, days = np.empty(size, np.int32), np.empty(size, np.int32)
    whose_hours, whose_days = np.empty(size, np.int32), np.empty(size, np.int32)
    own_hour = own_day = last_hour = last_day = -1
    for i in range(size):
        row = rows[i]
        own_hour += subscriber_hour[row] != last_hour
        own_day += subscriber_day[row] != last_day
        last_hour, last_day = subscriber_hour[row], subscriber_day[row]
        hours[i], days[i] = hour[row] - first_hour, day[row] - first_day
        whose_hours[i], whose_days[i] = own_hour, own_day
    return rows, hours, days, whose_hours, whose_days


@kernel()
def merged(subscriber: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """How rows of several parts are sorted by subscriber, those of one subscriber as the parts follow.

    Parameters
    ----------
    subscriber
        Of all parts, one after another, ascending in each, shape (n,).
    begins
        Part p has the rows begins[p] … begins[p + 1] - 1.

    Returns
    -------
    int64, shape (runs, 2): first and last-exclusive row of what follows one another.

    Examples
    --------
    >>> merged(np.array([7, 9, 9, 8, 9]), np.array([0, 3, 5])).tolist()
    [[0, 1], [3, 4], [1, 3], [4, 5]]
    """
    runs = np.empty((len(subscriber), 2), np.int64)
    head = begins.copy()
    size, done = 0, 0
    while done < len(subscriber):
        least = np.int64(2**63 - 1)
        for part in range(len(begins) - 1):
            if head[part] < begins[part + 1]:
                least = min(least, subscriber[head[part]])
        for part in range(len(begins) - 1):
            row = head[part]
            while row < begins[part + 1] and subscriber[row] == least:
                row += 1
            if row > head[part]:
                runs[size, 0], runs[size, 1] = head[part], row
                size += 1
                done += row - head[part]
                head[part] = row
    return runs[:size].copy()


@kernel()
def in_runs(values: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Values in the order of `merged`.

    >>> in_runs(np.array([4, 5, 6]), np.array([[2, 3], [0, 2]]))
    array([6, 4, 5])
    """
    found = np.empty_like(values)
    size = 0
    for run in range(len(runs)):
        for row in range(runs[run, 0], runs[run, 1]):
            found[size] = values[row]
            size += 1
    return found


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


SHORT = 48
"""Rows of one subscriber or visit that are sorted by putting each in its place."""


@kernel()
def distinct(whose: np.ndarray, key: np.ndarray) -> tuple:  # type: ignore[type-arg]
    """A row of each distinct (whose, key), in order of both, and how many rows each has, for rows in order of whose.

    Returns
    -------
    row, rows
        int64, shape (distinct,)

    Examples
    --------
    >>> distinct(np.array([3, 3, 3, 4]), np.array([9, 2, 9, 9]))
    (array([1, 0, 3]), array([1, 2, 1]))
    """
    row, rows = np.empty(len(key), np.int64), np.empty(len(key), np.int64)
    size, start = 0, 0
    while start < len(key):
        end = start + 1
        while end < len(key) and whose[end] == whose[start]:
            end += 1
        own = size
        if end - start <= SHORT:
            for i in range(start, end):
                place = size
                while place > own and key[row[place - 1]] > key[i]:
                    place -= 1
                if place > own and key[row[place - 1]] == key[i]:
                    rows[place - 1] += 1
                    continue
                for j in range(size, place, -1):
                    row[j], rows[j] = row[j - 1], rows[j - 1]
                row[place], rows[place] = i, 1
                size += 1
        else:
            for i in start + np.argsort(key[start:end], kind="mergesort"):
                if size > own and key[row[size - 1]] == key[i]:
                    rows[size - 1] += 1
                else:
                    row[size], rows[size] = i, 1
                    size += 1
        start = end
    return row[:size].copy(), rows[:size].copy()
