"""All pairs: distinct subscribers seen in one area and, later on the same day, in another.

For a day d and areas o and t, with the visits of `visits`, events of subscriber s at times τ::

    flow(d, o, t) = |{ s : min τ(s, d, o) < max τ(s, d, t) }|

Someone seen in A, B, then C counts in A→B, B→C and A→C; in A→A, if seen there at two different times. The comparison
is strict: who is seen in A and B in the same second only moved from neither. Events outside every area are left out.

Source: *count of travellers (origin-destination matrix, all pairs)* in Flowminder's aggregates of mobile operator data
for COVID-19 (2020), whose query keeps pairs of one area.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures import pairs, visits

DATASET = pairs.dataset(
    "flows_all_pairs",
    Wording("Flows, all pairs"),
    Wording("Distinct subscribers seen in one area and later on the same day in another; staying counts."),
)


@kernel()
def ordered_pairs(subscriber: np.ndarray, start: np.ndarray, earliest: np.ndarray, latest: np.ndarray) -> tuple:  # type: ignore[type-arg]
    """Every pair of visits (i, j) of one subscriber's day with earliest[i] < latest[j], i = j included.

    Parameters
    ----------
    subscriber, start, earliest, latest
        Of visits sorted by (subscriber, start), shape (n,).

    Returns
    -------
    from, to
        int64, shape (pairs,)

    Examples
    --------
    Seen in one place at 1 and 5, in another at 3 only:

    >>> ordered_pairs(np.array([7, 7]), np.array([0, 0]), np.array([1, 3]), np.array([5, 3]))
    (array([0, 0, 1]), array([0, 1, 0]))
    """
    size = 0
    for writing in range(2):
        if writing:
            origins, destinations = np.empty(size, np.int64), np.empty(size, np.int64)
        else:
            origins = destinations = np.empty(0, np.int64)
        size, begin = 0, 0
        while begin < len(subscriber):
            end = begin + 1
            while end < len(subscriber) and subscriber[end] == subscriber[begin] and start[end] == start[begin]:
                end += 1
            for i in range(begin, end):
                for j in range(begin, end):
                    if earliest[i] < latest[j]:
                        if writing:
                            origins[size], destinations[size] = i, j
                        size += 1
            begin = end
    return origins, destinations


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who is a part of which flows."""
    subscriber, start, area, earliest, latest = (
        rows[name].to_numpy() for name in ("subscriber", "start", "area", "earliest", "latest")
    )
    origin, destination = ordered_pairs(subscriber, start, earliest, latest)
    begins = start[origin]
    key = pairs.keys(begins.astype(np.int64) + window.starts, area[origin], area[destination], window.areas)
    return {"": Members(subscriber[origin], np.searchsorted(window.days, begins), key)}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept."""
    return pairs.counted(keys[""], window.areas)


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's flows by day."""
    return pairs.counted(members(rows, window)[""].key, window.areas)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and days."""
    return pairs.finished(counts, scope)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of areas on every day."""
    return pairs.whole_grid(DATASET, scope, scope.days[:-1])


PROTECTION = Protection(
    title=Wording("Flows of all pairs, with noise"),
    description=Wording(
        "Distinct subscribers seen in one area and later on the same day in another, with noise that hides any one of "
        "them."
    ),
    keys={"": {Unit.DAY: 9, Unit.WEEK: 36, Unit.MONTH: 90}},
    members=members,
    counted=counted,
)
CHOICES = {
    "pairs": Wording("all ordered pairs of a day: first seen here before last seen there, to the second"),
    "staying": True,
    "no_area": Wording("left out"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=visits.DERIVATION, usual=False, choices=CHOICES)
