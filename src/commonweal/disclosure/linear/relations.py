"""How the cells of tables hang together: what is a sum of what, what is a union of what.

Residents by home add up: a district has as many as its chiefdoms together. Distinct people over hours, days, areas or
pairs do not: the whole lies between the largest part and the sum of the parts.

    sum     whole = Σ parts
    union   part ≤ whole for each part, and whole ≤ Σ parts
    within  part ≤ whole: everybody in a part is in the whole, who may be others too
    cover   whole ≤ Σ parts: everybody in the whole is in a part
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np

from commonweal.core.errors import InputError


class Kind(IntFlag):
    """How a whole and its parts relate; a union is both within and cover."""

    WITHIN = 1
    COVER = 2
    UNION = WITHIN | COVER
    SUM = 4


NAMES = {"sum": Kind.SUM, "union": Kind.UNION, "within": Kind.WITHIN, "cover": Kind.COVER}


@dataclass(frozen=True, eq=False)
class Relations:
    """Relations between cells that are numbered from 0.

    Parameters
    ----------
    kind
        `Kind` of each relation, int8, shape (m,).
    whole
        Its whole, int64, shape (m,).
    first, part
        Its parts are ``part[first[r]:first[r + 1]]``, int64, shapes (m + 1,) and (members,).
    """

    kind: np.ndarray
    whole: np.ndarray
    first: np.ndarray
    part: np.ndarray

    def __len__(self) -> int:
        return len(self.whole)

    def parts(self, relation: int) -> np.ndarray:
        """Give the parts of a relation."""
        return self.part[self.first[relation] : self.first[relation + 1]]

    def chosen(self, keep: np.ndarray) -> Relations:
        """Give some of the relations: those where `keep` is true."""
        members = keep[self.relation_of_part]
        first = np.concatenate([[0], np.cumsum(np.diff(self.first)[keep])]).astype(np.int64)
        return Relations(self.kind[keep], self.whole[keep], first, self.part[members])

    def touching(self, cells: np.ndarray) -> np.ndarray:
        """Say which relations have some of these cells, bool, as whole or part."""
        inside = np.bincount(self.relation_of_part, cells[self.part], len(self)).astype(bool)
        return inside | cells[self.whole]

    @property
    def relation_of_part(self) -> np.ndarray:
        """The relation that each member of `part` belongs to, int64."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))


def relations(given: Iterable[tuple[int, Sequence[int], Kind]]) -> Relations:
    """Gather relations that are given one by one: whole, parts, kind.

    Raises
    ------
    InputError
        A relation has no part, a part twice, or its whole among its parts.

    Examples
    --------
    >>> relations([(0, [1, 2], Kind.SUM)]).part
    array([1, 2])
    """
    kinds, wholes, sizes = list[int](), list[int](), [0]
    members = list[int]()
    for number, (whole, parts, kind) in enumerate(given, start=1):
        if not len(parts) or len(set(parts)) < len(parts) or whole in parts:
            raise InputError(
                f"relation {number} has no parts, one part twice, or its whole among them",
                expected="one whole and distinct other parts",
            )
        kinds.append(int(kind))
        wholes.append(whole)
        sizes.append(len(parts))
        members.extend(parts)
    return Relations(
        np.array(kinds, np.int8),
        np.array(wholes, np.int64),
        np.cumsum(sizes, dtype=np.int64),
        np.array(members, np.int64),
    )


def grouped(kind: Kind, whole: np.ndarray, part: np.ndarray) -> Relations:
    """Gather relations of one kind from pairs of a whole and one of its parts; pairs with a whole of -1 are none.

    Examples
    --------
    >>> found = grouped(Kind.UNION, np.array([9, 8, 9, -1]), np.array([0, 1, 2, 3]))
    >>> found.whole, found.parts(1)
    (array([8, 9]), array([0, 2]))
    """
    there = (whole >= 0) & (part >= 0)
    whole, part = np.asarray(whole, np.int64)[there], np.asarray(part, np.int64)[there]
    order = np.argsort(whole, kind="stable")
    wholes, counts = np.unique(whole, return_counts=True)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Relations(np.full(len(wholes), int(kind), np.int8), wholes, first, part[order])


def joined(several: Sequence[Relations]) -> Relations:
    """Put relations one after another."""
    if not several:
        return relations([])
    shifts = np.cumsum([0, *(len(one.part) for one in several)])
    firsts = [one.first[:-1] + shift for one, shift in zip(several, shifts, strict=False)]
    return Relations(
        np.concatenate([one.kind for one in several]),
        np.concatenate([one.whole for one in several]),
        np.concatenate([*firsts, shifts[-1:]]),
        np.concatenate([one.part for one in several]),
    )
