"""Uniqueness of the input: how many people are the only ones at a few of their own points?

A point is a place at a time, such as an area in an hour. For a person u with at least p points, draw p of them; u is
*unique* by them if nobody else has all of these points::

    unique(p) = |{u : |{v : drawn(u) ⊆ points(v)}| = 1}| / |{u : u has at least p points}|

It says of the records, not of the tables made from them: so well does whoever knows where somebody was twice, or four
times, find that person in them; the records therefore never leave, whatever names were taken off.

Source: Y.-A. de Montjoye, C. A. Hidalgo, M. Verleysen, V. D. Blondel, *Unique in the Crowd: The privacy bounds of human
mobility*, Scientific Reports 3 (2013), 1376. There, four points were enough for 95 % of people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.core.wording import Wording
from commonweal.disclosure.pairs import pairs_in_order

POINTS = (2, 4)
SLICE = 4096


@dataclass(frozen=True)
class Uniqueness:
    """How many people are unique.

    Parameters
    ----------
    from_2, from_4
        Share of people who are unique by 2, and by 4, of their points; None if nobody has as many.
    people
        How many people were drawn.
    """

    from_2: float | None
    from_4: float | None
    people: int

    @property
    def dangerous(self) -> bool:
        """Whether the release must not leave: this says of the records, which do not."""
        return False

    @property
    def said(self) -> str:
        """What was found, in plain words."""
        if self.from_2 is None or self.from_4 is None:
            return Wording("Too few people have enough points to say how unique the records are.")
        two, four = (f"{100 * share:.0f}" for share in (self.from_2, self.from_4))
        return Wording(
            "In the records behind these numbers, %(two)s out of 100 people are the only ones who were at two places "
            "and times of theirs, and %(four)s at four. That is why only protected counts leave.",
            two=two,
            four=four,
        )


@dataclass(frozen=True, eq=False)
class Drawn:
    """Points drawn of people, to look for.

    Parameters
    ----------
    points
        Each row the points drawn of one person, int64, shape (people, p), sorted within a row.
    """

    points: np.ndarray


def draw(person: np.ndarray, point: np.ndarray, points: int, people: int, seed: int) -> Drawn:
    """Draw people who have enough points, and points of each.

    Parameters
    ----------
    person, point
        Pairs sorted by (person, point), each once, int64, shape (n,).
    points
        p.
    people
        How many people are drawn at most.
    seed
        The same seed draws the same.
    """
    starts = np.flatnonzero(np.diff(person, prepend=person[:1] - 1)) if len(person) else np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(person)))
    starts, sizes = starts[sizes >= points], sizes[sizes >= points]
    generator = np.random.default_rng([seed, points])
    chosen = np.sort(generator.permutation(len(starts))[:people])
    rows = [
        point[starts[one] + np.sort(generator.choice(sizes[one], points, replace=False))].tolist() for one in chosen
    ]
    return Drawn(np.array(rows, np.int64).reshape(len(rows), points))


def matching(person: np.ndarray, point: np.ndarray, drawn: Drawn, enough: int = 2) -> np.ndarray:
    """Count, for each row drawn, the people who have all of its points.

    Parameters
    ----------
    person, point
        Pairs sorted by (person, point), each once. Of disjoint groups of people, such as buckets, counts add up.
    enough
        Counting a row ends soon after so many people are found.

    Returns
    -------
    int64, shape (people drawn,)

    Examples
    --------
    Persons 0 and 1 share the points 3 and 5, person 0 alone has 7:

    >>> person, point = np.array([0, 0, 0, 1, 1]), np.array([3, 5, 7, 3, 5])
    >>> matching(person, point, Drawn(np.array([[3, 5], [5, 7]])))
    array([2, 1])
    """
    found = np.zeros(len(drawn.points), np.int64)
    if not len(person) or not len(drawn.points):
        return found
    _, who = np.unique(person, return_inverse=True)
    wanted = np.unique(drawn.points)
    place = np.searchsorted(wanted, point)
    asked = wanted[np.minimum(place, len(wanted) - 1)] == point  # other points are asked by nobody
    who, place = who[asked].astype(np.int64), place[asked].astype(np.int64)
    have = who * len(wanted) + place  # sorted, since pairs are
    order = np.argsort(place, kind="stable")
    people_at = who[order]
    first = np.searchsorted(place[order], np.arange(len(wanted) + 1))
    columns = np.searchsorted(wanted, drawn.points)
    for row, its in enumerate(columns):
        its = its[np.argsort(first[its + 1] - first[its], kind="stable")]  # the rarest point first
        for start in range(first[its[0]], first[its[0] + 1], SLICE):
            candidates = people_at[start : min(start + SLICE, first[its[0] + 1])]
            for other in its[1:]:
                key = candidates * len(wanted) + other
                at = np.minimum(np.searchsorted(have, key), len(have) - 1)
                candidates = candidates[have[at] == key]
            found[row] += len(candidates)
            if found[row] >= enough:
                break
    return found


def share_unique(matches: np.ndarray) -> float | None:
    """Give the share of rows that one person alone matches; None if there are no rows."""
    return float((matches == 1).mean()) if len(matches) else None


def uniqueness(person: np.ndarray, point: np.ndarray, *, people: int = 1000, seed: int = 0) -> Uniqueness:
    """Say how unique people are by 2 and by 4 of their points.

    Parameters
    ----------
    person, point
        Pairs, int64, shape (n,), in any order, repeated or not.
    people
        How many people are drawn at most, for each number of points.
    seed
        The same seed draws the same.

    Examples
    --------
    Two people who go the same way are never unique; a third who goes another way is:

    >>> person, point = np.repeat([1, 2, 3], 4), np.array([1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8])
    >>> found = uniqueness(person, point)
    >>> round(found.from_2, 3), round(found.from_4, 3), found.people
    (0.333, 0.333, 3)
    """
    person, point = pairs_in_order(person, point)
    shares, drawn_people = [], 0
    for points in POINTS:
        drawn = draw(person, point, points, people, seed)
        shares.append(share_unique(matching(person, point, drawn)))
        drawn_people = max(drawn_people, len(drawn.points))
    return Uniqueness(shares[0], shares[1], drawn_people)
