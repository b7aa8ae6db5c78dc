"""Bounding: of how many counts one person may be a part, before anything is counted.

For differential privacy a person's part in the counts must have a bound that holds for everybody. Of the keys that a
person u is a part of within a unit of time, K(u), only m are kept, those with the smallest hash::

    kept(u) = the m smallest k ∈ K(u) by h(seed, u, k)

which depends on u's own records alone: nobody else's coming or going changes what is kept of u. The seed is made from
what is known before any record is read, so it does not depend on them either. h is splitmix64, chained.

Source: for bounding by a sample of each person's own contributions, R. Wilson et al., *Differentially Private SQL with
Bounded User Contribution* (2020). G. Steele, D. Lea, C. Flood, *Fast Splittable Pseudorandom Number Generators* (2014).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.disclosure.private.unit import Unit


@dataclass(frozen=True, eq=False)
class Members:
    """Which counts each person is a part of: a row for each person and key, no two alike.

    Parameters
    ----------
    subscriber
        Pseudonyms, int64, ascending, shape (n,).
    day
        Index of the window's day, int64, ascending for each subscriber, shape (n,).
    key
        Of which count, int64, shape (n,). The same wherever the window begins: windows are cut by what is stored, and
        were a key told by its place in one, others' records would decide what is kept.
    """

    subscriber: np.ndarray
    day: np.ndarray
    key: np.ndarray


@dataclass(frozen=True)
class Protection:
    """How a measure is counted with everybody's part in it bounded, and what it is published as with noise.

    Parameters
    ----------
    title, description
        Of the dataset with noise.
    keys
        For each level, and in it for each unit, of how many counts a person may be a part unless a run says otherwise:
        so many that few people reach it.
    members
        Gives, from what the measure counts, for each level who is a part of which counts.
    counted
        Turns for each level the keys that were kept, one for each person, into the measure's keyed counts. Rows with
        people are in order of levels, and in a level of ascending keys; there may be rows without.
    level
        The key column of the dataset whose values are the levels; None if there is but one, named ``""``.
    whole_run
        Whether a person's part is found over all days of the run, so that no shorter unit could hide it. The bound is
        then over the run.
    grows
        Whether that part grows with the run, so that the bound is for each unit of it.
    weeks
        Whether a count is of a week's days, so that no day could be hidden by itself.
    """

    title: str
    description: str
    keys: Mapping[str, Mapping[Unit, int]]
    members: Callable[[Any, Any], Mapping[str, Members]]
    counted: Callable[[Mapping[str, np.ndarray], Any], pa.Table]
    level: str | None = None
    whole_run: bool = False
    grows: bool = False
    weeks: bool = False


@dataclass(frozen=True)
class Unprotected:
    """Says why a measure is never published with noise.

    Parameters
    ----------
    reason
        For people, as a clause.
    """

    reason: str


def bounded(members: Members, unit_of_day: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Give the keys that are kept: for each person and unit at most `most`.

    Parameters
    ----------
    members
        Who is a part of which counts.
    unit_of_day
        For each day of the window, which unit it lies in, ascending.
    most
        m.
    seed
        Of the run.
    """
    unit = unit_of_day[members.day]
    return np.asarray(members.key[kept(members.subscriber, unit, members.key, most, np.uint64(seed))])


@kernel()
def kept(subscriber: np.ndarray, unit: np.ndarray, key: np.ndarray, most: int, seed: Any) -> np.ndarray:
    """Which rows are kept, for rows sorted by (subscriber, unit): of each of these the `most` with the smallest hash.

    Parameters
    ----------
    subscriber, unit, key
        int64, shape (n,)
    most
        At least 1.
    seed
        uint64.

    Returns
    -------
    bool, shape (n,)

    Examples
    --------
    Subscriber 7 is a part of three counts in unit 0 and of one in unit 1:

    >>> rows = kept(np.array([7, 7, 7, 7]), np.array([0, 0, 0, 1]), np.array([3, 4, 5, 3]), 2, np.uint64(1))
    >>> rows[:3].sum(), rows[3]
    (np.int64(2), np.True_)
    """
    keeping = np.ones(len(key), np.bool_)
    most = min(most, len(key))
    best = np.empty(most, np.int64)  # the rows with the smallest hashes so far
    hashes = np.empty(most, np.uint64)
    start = 0
    while start < len(key):
        end = start + 1
        while end < len(key) and subscriber[end] == subscriber[start] and unit[end] == unit[start]:
            end += 1
        if end - start > most:
            keeping[start:end] = False
            size = worst = 0
            own = mixed(np.uint64(seed) ^ np.uint64(subscriber[start]))
            for i in range(start, end):
                hashed = mixed(own ^ np.uint64(key[i]))
                if size == most:
                    # Of equal hashes the lower key is kept, so that what is kept never depends on the order of rows.
                    if hashed > hashes[worst] or (hashed == hashes[worst] and key[i] > key[best[worst]]):
                        continue
                    keeping[best[worst]] = False
                    place = worst
                else:
                    place = size
                    size += 1
                best[place], hashes[place], keeping[i] = i, hashed, True
                if size == most:
                    worst = 0
                    for j in range(1, most):
                        if hashes[j] > hashes[worst] or (
                            hashes[j] == hashes[worst] and key[best[j]] > key[best[worst]]
                        ):
                            worst = j
        start = end
    return keeping


@kernel(inline="always")
def mixed(state: Any) -> Any:
    """The splitmix64 of a 64-bit number.

    >>> mixed(np.uint64(0))  # the first number of the published generator seeded with 0
    16294208416658607535
    """
    z = np.uint64(state) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
