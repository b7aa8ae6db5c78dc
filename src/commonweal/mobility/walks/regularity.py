"""Regularity: how often people are where they usually are at that hour of the week.

A subscriber's place in an hour is that of the last located event in it. With n(w, l) the hours of a run that are hour w
of the week and have place l, w running over all hours of the week in which the subscriber was seen::

    R = Σ_w max_l n(w, l) / Σ_w Σ_l n(w, l)

Hours of the week are weekdays and hours since the day began. Whoever is seen but once in each hour of the week has
R = 1, so a run should cover several weeks.

Source: C. Song et al., *Limits of Predictability in Human Mobility* (2010); here every hour that was seen counts once.
"""

from __future__ import annotations

import numpy as np

from commonweal.core.kernels import kernel


def hours_of_week(hours: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Give each hour's place in the week, int64: weekdays are counted from the first day on.

    >>> hours_of_week(np.arange(0, 8 * 86400 + 1, 3600), np.arange(0, 8 * 86400 + 1, 86400))[[0, 23, 24, 168]]
    array([ 0, 23, 32,  0])
    """
    day = np.searchsorted(days, hours[:-1], side="right") - 1
    since = np.arange(len(hours) - 1) - np.searchsorted(hours, days[day])
    return np.asarray(day % 7 * 32 + since)  # no day has as many hours


@kernel()
def regularities(group: np.ndarray, hour: np.ndarray, place: np.ndarray, week: np.ndarray, places: int) -> np.ndarray:
    """R of each group; NaN of one without a located event.

    Parameters
    ----------
    group, place
        As for `walk`.
    hour
        As in `Events`.
    week
        Which hour of the week each hour is.
    places
        How many places there are.

    Examples
    --------
    Three Mondays at eight o'clock, twice at place 0:

    >>> hour, place = np.arange(3, dtype=np.int32), np.array([0, 1, 0], np.int32)
    >>> regularities(np.zeros(3, np.int32), hour, place, np.array([8, 8, 8]), 2)
    array([0.66666667])
    """
    groups = group[-1] + 1 if len(group) else 0
    found = np.full(groups, np.nan)
    # Of each hour of the week a list of places: where it begins, and the place, how often, and the next one.
    begins = np.full(week.max() + 1 if len(week) else 0, -1, np.int32)
    where, often = np.empty(len(group), np.int32), np.empty(len(group), np.int32)
    following = np.empty(len(group), np.int32)
    start = 0
    while start < len(group):
        end, n, size, usual = start, 0, 0, 0
        while end < len(group) and group[end] == group[start]:
            now, there = -1, -1  # the last located event of an hour tells
            while end < len(group) and group[end] == group[start] and (there < 0 or hour[end] == now or place[end] < 0):
                if place[end] >= 0:
                    now, there = hour[end], place[end]
                end += 1
            if there < 0:
                break
            n += 1
            w = week[now]
            entry = begins[w]
            while entry >= 0 and where[entry] != there:
                entry = following[entry]
            if entry < 0:
                where[size], often[size], following[size] = there, 0, begins[w]
                begins[w] = entry = size
                size += 1
            often[entry] += 1
        for w in range(len(begins)):
            most, entry = 0, begins[w]
            while entry >= 0:
                most = max(most, often[entry])
                entry = following[entry]
            usual += most
            begins[w] = -1
        if n:
            found[group[start]] = usual / n
        start = end
    return found
