"""One pass over people's walks: radius of gyration, jumps, distance from home, places visited.

Per person, or per person and day, over located events i = 1 … n in order of time, at places l(i), with n(l) events and
N places in all, d the distance of two places and d̄ that of a place to the centre::

    radius            √( Σ n(l) d̄(l)² / n )
    radius by time    the same with weights w(l) = Σ min(t(i + 1) − t(i), longest) over the events i at l
    k-radius          the radius of the k places with most events alone, ties to those met first
    jumps             d(l(i), l(i + 1)) wherever l(i) ≠ l(i + 1)
    from home         max d(l(i), home)
    share at home     n(home) / n
    uncorrelated      −Σ p(l) log₂ p(l),  p(l) = n(l) / n

For its radius by time the last event lasts until the period ends, no longer than `longest`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from commonweal.core.kernels import kernel
from commonweal.mobility.walks.distances import apart, gyration


class Walks(NamedTuple):
    """What walks are, one a group: float64 and km, or int32. NaN where there is nothing to tell."""

    events: np.ndarray
    locations: np.ndarray
    radius: np.ndarray
    radius_by_time: np.ndarray
    k_radius: np.ndarray
    jumps: np.ndarray
    median_jump: np.ndarray
    longest_jump: np.ndarray
    distance_from_home: np.ndarray
    share_at_home: np.ndarray
    uncorrelated_entropy: np.ndarray


@kernel()
def _bring_forward(place: np.ndarray, weight: np.ndarray, k: int) -> None:
    """Put the k heaviest places first; of equal ones the first."""
    for i in range(k):
        best = i
        for j in range(i + 1, len(place)):
            if weight[j] > weight[best]:
                best = j
        p, w = place[best], weight[best]
        for j in range(best, i, -1):  # the others keep their order
            place[j], weight[j] = place[j - 1], weight[j - 1]
        place[i], weight[i] = p, w


@kernel()
def walk(
    group: np.ndarray,
    time: np.ndarray,
    place: np.ndarray,
    home: np.ndarray,
    ends: np.ndarray,
    longitude: np.ndarray,
    latitude: np.ndarray,
    ground: np.ndarray,
    geodesic: bool,
    k: int,
    longest: int,
) -> Walks:
    """Measure every group's walk.

    Parameters
    ----------
    group
        Whose walk, or whose on which day, each event belongs to: counted from 0, ascending, int32, shape (n,).
    time
        Seconds, ascending within a group.
    place
        Index of its place, or -1.
    home
        Each group's home place, or -1.
    ends
        When each group's period ends, seconds.
    longitude, latitude, ground
        As in `Places`.
    geodesic
        Which distance.
    k
        Of how many places the k-radius is.
    longest
        Seconds that an event stands for its place at most.

    Examples
    --------
    Someone is at 0° E at 0 h and 1 h, at 1° E at 3 h, and back at 4 h, an hour before the period ends:

    >>> from commonweal.mobility.network import from_centre
    >>> longitude, latitude = np.array([0.0, 1.0]), np.array([0.0, 0.0])
    >>> hours, place = np.array([0, 1, 3, 4], np.int32) * 3600, np.array([0, 0, 1, 0], np.int32)
    >>> group, home, ends = np.zeros(4, np.int32), np.zeros(1, np.int32), np.array([5 * 3600])
    >>> at = (longitude, latitude, from_centre(longitude, latitude))
    >>> found = walk(group, hours, place, home, ends, *at, True, 2, 12 * 3600)
    >>> found.radius.round(2), found.radius_by_time.round(2)  # √(3/16) and √(4/25) of a degree
    (array([48.2]), array([44.53]))
    >>> found.jumps, found.longest_jump.round(2), found.share_at_home
    (array([2], dtype=int32), array([111.32]), array([0.75]))
    >>> found.uncorrelated_entropy.round(4)
    array([0.8113])
    """
    groups = group[-1] + 1 if len(group) else 0
    events, locations, jumps = np.zeros(groups, np.int32), np.zeros(groups, np.int32), np.zeros(groups, np.int32)
    radii = np.full((3, groups), np.nan)
    median, farthest, from_home = np.full(groups, np.nan), np.full(groups, np.nan), np.full(groups, np.nan)
    at_home, uncorrelated = np.full(groups, np.nan), np.full(groups, np.nan)
    places = len(longitude)
    own = np.full(places, -1, np.int64)  # which of the group's places it is
    visited, visits, lasting = np.empty(places, np.int64), np.zeros(places), np.zeros(places)
    lengths = np.empty(len(group))
    start = 0
    while start < len(group):
        g = group[start]
        size, jumped, before, since, longest_jump = 0, 0, -1, 0, 0.0
        end = start
        while end < len(group) and group[end] == g:
            p = place[end]
            if p >= 0:
                if before >= 0:
                    lasting[own[before]] += min(time[end] - since, longest)
                    if p != before:
                        lengths[jumped] = apart(longitude, latitude, ground, geodesic, before, p)
                        longest_jump = max(longest_jump, lengths[jumped])
                        jumped += 1
                if own[p] < 0:
                    own[p], visited[size], visits[size], lasting[size] = size, p, 0.0, 0.0
                    size += 1
                visits[own[p]] += 1.0
                events[g] += 1
                before, since = p, time[end]
            end += 1
        start = end
        if size == 0:
            continue
        lasting[own[before]] += min(ends[g] - since, longest)
        there, often = visited[:size], visits[:size]
        locations[g], jumps[g] = size, jumped
        for which in range(3):  # in a loop, so that it is compiled but once
            weight, count = often, size
            if which == 1 and lasting[:size].sum() > 0:
                weight = lasting[:size]
            elif which == 2 and size > k:
                _bring_forward(there, often, k)
                count = k
            radii[which, g] = gyration(longitude, latitude, ground, geodesic, there[:count], weight[:count])
        if jumped:
            lengths[:jumped].sort()
            median[g] = (lengths[(jumped - 1) // 2] + lengths[jumped // 2]) / 2
        if events[g] > 1:
            farthest[g] = longest_jump
        if home[g] >= 0:
            h = home[g]
            at_home[g] = from_home[g] = 0.0
            for i in range(size):
                if there[i] == h:
                    at_home[g] = often[i] / events[g]
                from_home[g] = max(from_home[g], apart(longitude, latitude, ground, geodesic, h, there[i]))
        bits = 0.0
        for i in range(size):
            p_visit = often[i] / events[g]
            bits -= p_visit * np.log2(p_visit)
        uncorrelated[g] = min(bits, np.log2(size))  # rounding must not lift it above that of equal shares
        for i in range(size):
            own[visited[i]] = -1
    return Walks(
        events,
        locations,
        radii[0],
        radii[1],
        radii[2],
        jumps,
        median,
        farthest,
        from_home,
        at_home,
        uncorrelated,
    )


@kernel()
def jump_lengths(
    group: np.ndarray,
    place: np.ndarray,
    longitude: np.ndarray,
    latitude: np.ndarray,
    ground: np.ndarray,
    geodesic: bool,
    staying: bool,
) -> tuple:  # type: ignore[type-arg]
    """Every jump: the row of the event it ends with, and its length in km.

    Parameters
    ----------
    staying
        Whether an event at the place of the one before is a jump too, of no length: so it is in scikit-mobility.
    """
    rows, lengths = np.empty(len(group), np.int64), np.empty(len(group))
    size, before, last = 0, -1, -1
    for i in range(len(group)):
        if group[i] != last:
            before, last = -1, group[i]
        if place[i] < 0:
            continue
        if before >= 0 and (staying or place[i] != before):
            rows[size] = i
            lengths[size] = apart(longitude, latitude, ground, geodesic, before, place[i])
            size += 1
        before = place[i]
    return rows[:size].copy(), lengths[:size].copy()
