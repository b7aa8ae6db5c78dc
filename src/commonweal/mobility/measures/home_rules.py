"""Homes by named rules, and places of work: for every subscriber, from `visits`.

Each rule counts evidence for each area and takes the area with most; a subscriber without any has no home by it.

================= ============================================================ =====================================
rule              evidence for an area                                          of several with most
================= ============================================================ =====================================
last-of-day       days whose last located event is there                        of the most recent such day
night-19-07       half-hours from 19:00 to 07:00 of which it is the place       of the first such half-hour
night-22-07       events from 22:00 to 07:00; if there are none, all events     last seen on the most recent such day
night-1930-0730   nights with an event from 19:30 to 07:30                      last seen on the most recent such day
majority          as last-of-day, if more than half of days; else unlocatable   there is one at most
work              half-hours from 09:00 to before 17:00, Monday to Friday       last seen on the most recent such day
================= ============================================================ =====================================

The confidence of a home is the share of the rule's evidence that speaks for it; by nights, the share of nights on
which the subscriber was seen there.

Sources: last-of-day, *home locations* in Flowminder's aggregates for COVID-19 (2020); night-19-07, bandicoot (de
Montjoye, Rocher, Pentland 2016), ``recompute_home``, both ends and ties included; night-22-07, scikit-mobility
(Pappalardo et al. 2022), ``home_location``, which leaves ties open; majority, FlowKit's ``majority_location`` with
``include_unlocatable``; counting days or nights rather than events, Vanhoof, Reis, Ploetz, Smoreda (2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.measures import visits

RULES = ("last-of-day", "night-19-07", "night-22-07", "night-1930-0730", "majority")
LAST, HALVES, LATE, NIGHTS, MAJORITY = range(len(RULES))
NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Homes:
    """Where every subscriber of a bucket lives by each rule, and works.

    Parameters
    ----------
    subscriber
        Pseudonyms, int64, ascending, shape (n,): everybody with a located event.
    area
        int32, shape (rules, n); -1 where a rule finds none.
    weight, total
        Evidence for that area, and all evidence, int64, shape (rules, n).
    work
        int32, shape (n,); -1 where none is found.
    """

    subscriber: np.ndarray
    area: np.ndarray
    weight: np.ndarray
    total: np.ndarray
    work: np.ndarray

    @classmethod
    def of(cls, rows: pa.Table) -> Homes:
        """Take up rows of `DERIVATION`."""

        def by_rule(name: str) -> np.ndarray:
            return np.stack([rows[f"{name} {number}"].to_numpy() for number in range(len(RULES))])

        named = (rows["subscriber"].to_numpy(), by_rule("area"), by_rule("weight"), by_rule("total"))
        return cls(*named, rows["work"].to_numpy())

    def table(self) -> pa.Table:
        """Give a row for each subscriber."""
        by_rule = {"area": self.area, "weight": self.weight, "total": self.total}
        found = {f"{name} {number}": of for name, values in by_rule.items() for number, of in enumerate(values)}
        return pa.table({"subscriber": self.subscriber, **found, "work": self.work})


def homes(rows: pa.Table) -> Homes:
    """Find homes and places of work.

    Parameters
    ----------
    rows
        Of `visits`, sorted by (subscriber, day, last event).

    Examples
    --------
    Three nights in area 2 and days that end there, but most events late at night in area 5:

    >>> rows = {name: np.zeros(4, np.int32) for name in ("late", "halves", "since", "works")}
    >>> rows |= {"subscriber": np.full(4, 7), "start": np.array([0, 1, 2, 2]), "date": np.array([0, 1, 2, 2]),
    ...          "area": np.array([2, 2, 5, 2]), "events": np.array([1, 1, 9, 1]), "late": np.array([1, 1, 9, 1]),
    ...          "evening": np.ones(4, bool), "morning": np.zeros(4, bool)}
    >>> found = homes(pa.table(rows))
    >>> dict(zip(RULES, found.area[:, 0].tolist()))
    {'last-of-day': 2, 'night-19-07': -1, 'night-22-07': 5, 'night-1930-0730': 2, 'majority': 2}
    """
    column = {name: rows[name].to_numpy() for name in rows.column_names}
    subscriber, area = column["subscriber"], column["area"]
    first = np.flatnonzero(np.diff(subscriber, prepend=subscriber[:1] - 1) != 0)
    ends = np.append(first[1:], len(subscriber))[: len(first)]
    last = _ends_day(subscriber, column["start"])
    late = _or_all(column["late"], column["events"], first, ends)
    none = np.zeros(0, np.int32)
    found = [
        most(first, ends, area, last, none),
        most(first, ends, area, column["halves"], column["since"]),
        most(first, ends, area, late, none),
        most_nights(first, ends, area, column["date"], column["evening"], column["morning"]),
    ]
    days, weight, total = found[LAST]
    found.append((np.where(2 * weight > total, days, NOWHERE).astype(np.int32), weight, total))
    areas, weights, totals = (np.stack(part) for part in zip(*found, strict=True))
    work = most(first, ends, area, column["works"], none)[0]
    return Homes(subscriber[first], areas, weights, totals, work)


def derive(rows: pa.Table, window: Window) -> pa.Table:
    """Give where everybody lives and works: a row for each subscriber."""
    return homes(rows).table()


DERIVATION = Derivation("homes_by_rule", derive, window="run", of=visits.DERIVATION, kept=False)


def _ends_day(subscriber: np.ndarray, start: np.ndarray) -> np.ndarray:
    """1 for the last row of each subscriber's day."""
    ends = np.ones(len(start), np.int32)
    ends[:-1] = (np.diff(subscriber) != 0) | (np.diff(start) != 0)
    return ends


def _or_all(chosen: np.ndarray, everything: np.ndarray, first: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """What was chosen, or everything of a subscriber of whom nothing was."""
    if not len(first):
        return chosen
    nothing = np.add.reduceat(chosen, first) == 0
    return np.where(np.repeat(nothing, ends - first), everything, chosen)


@kernel()
def most(first: np.ndarray, ends: np.ndarray, area: np.ndarray, weight: np.ndarray, since: np.ndarray) -> tuple:  # type: ignore[type-arg]
    """The area with the largest sum of weights for each subscriber, with that sum and the sum over all areas.

    Of several the one whose last row with a weight comes last; or, if `since` is not empty, the one whose first row
    with a weight says the earliest.

    Parameters
    ----------
    first, ends
        Subscriber s has the rows ``first[s]`` to before ``ends[s]``.
    area, weight, since
        Of the rows.

    Returns
    -------
    area, weight, total
        int32 and int64, shape (subscribers,); area -1 if all weights are 0.

    Examples
    --------
    >>> most(np.array([0]), np.array([3]), np.array([4, 6, 4]), np.array([1, 2, 1]), np.zeros(0, np.int32))
    (array([4], dtype=int32), array([2]), array([4]))
    """
    where = np.full(len(first), NOWHERE, np.int32)
    weights, totals = np.zeros(len(first), np.int64), np.zeros(len(first), np.int64)
    longest = 0
    for s in range(len(first)):
        longest = max(longest, ends[s] - first[s])
    areas, sums, order = np.empty(longest, np.int32), np.empty(longest, np.int64), np.empty(longest, np.int64)
    for s in range(len(first)):
        known = 0
        for i in range(first[s], ends[s]):
            if weight[i] == 0:
                continue
            totals[s] += weight[i]
            slot = 0
            while slot < known and areas[slot] != area[i]:
                slot += 1
            if slot == known:
                areas[slot], sums[slot] = area[i], 0
                order[slot] = -since[i] if len(since) else 0
                known += 1
            sums[slot] += weight[i]
            if len(since) == 0:
                order[slot] = i
        best = 0
        for slot in range(1, known):
            if sums[slot] > sums[best] or (sums[slot] == sums[best] and order[slot] > order[best]):
                best = slot
        if known:
            where[s], weights[s] = areas[best], sums[best]
    return where, weights, totals


@kernel()
def most_nights(
    first: np.ndarray, ends: np.ndarray, area: np.ndarray, date: np.ndarray, evening: np.ndarray, morning: np.ndarray
) -> tuple:  # type: ignore[type-arg]
    """As `most`, of distinct nights; the total is the number of nights seen anywhere.

    Examples
    --------
    In area 1 in the evening of day 0 and the next morning, which is one night, and in area 2 on two nights:

    >>> most_nights(np.array([0]), np.array([4]), np.array([1, 1, 2, 2]), np.array([0, 1, 1, 2]),
    ...             np.array([True, False, True, True]), np.array([False, True, False, False]))
    (array([2], dtype=int32), array([2]), array([3]))
    """
    where = np.full(len(first), NOWHERE, np.int32)
    weights, totals = np.zeros(len(first), np.int64), np.zeros(len(first), np.int64)
    longest = 0
    for s in range(len(first)):
        longest = max(longest, ends[s] - first[s])
    areas, sums = np.empty(longest, np.int32), np.empty(longest, np.int64)
    order, night = np.empty(longest, np.int64), np.empty(longest, np.int64)
    for s in range(len(first)):
        known, of = 0, np.int64(-(2**40))  # of: the date that these rows are of
        before = own = False  # whether the nights before and of this date were counted among all
        for i in range(first[s], ends[s]):
            if date[i] != of:
                before = own and date[i] == of + 1
                own, of = False, np.int64(date[i])
            if not (evening[i] or morning[i]):
                continue
            slot = 0
            while slot < known and areas[slot] != area[i]:
                slot += 1
            if slot == known:
                areas[slot], sums[slot], night[slot] = area[i], 0, -(2**40)
                known += 1
            order[slot] = i
            if morning[i]:
                totals[s] += not before
                before = True
                if night[slot] < of - 1:
                    sums[slot] += 1
                    night[slot] = of - 1
            if evening[i]:
                totals[s] += not own
                own = True
                sums[slot] += 1
                night[slot] = of
        best = 0
        for slot in range(1, known):
            if sums[slot] > sums[best] or (sums[slot] == sums[best] and order[slot] > order[best]):
                best = slot
        if known:
            where[s], weights[s] = areas[best], sums[best]
    return where, weights, totals


CHOICES = {
    "last-of-day": Wording("days by their last location; ties to the most recent day"),
    "night-19-07": Wording("half-hours from 19:00 to 07:00, both included; ties to the first; none: no home"),
    "night-22-07": Wording(
        "events from 22:00 to 07:00, both included; ties to the most recent day, then last seen; none: all events"
    ),
    "night-1930-0730": Wording(
        "nights seen from 19:30 to 07:30, both included; ties to the most recent day, then last seen; none: no home"
    ),
    "majority": Wording("as last-of-day if more than half of the days, else unlocatable"),
    "no_area": Wording("left out"),
}
