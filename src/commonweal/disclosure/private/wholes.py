"""Wholes and their parts, laid out so that all of them are worked on at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.disclosure.linear.relations import Kind, Relations

Places = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, eq=False)
class Wholes:
    """Wholes with their parts.

    Parameters
    ----------
    wholes
        Position of each whole, shape (relations,).
    parts
        Positions of all parts, one relation's after another's, shape (parts,).
    first
        Where each relation's parts begin and the last one's end, shape (relations + 1,).

    Examples
    --------
    >>> country = Wholes.of([(0, [1, 2]), (1, [3, 4])])
    >>> country.wholes, country.parts, country.first
    (array([0, 1]), array([1, 2, 3, 4]), array([0, 2, 4]))
    """

    wholes: Places
    parts: Places
    first: Places

    def __post_init__(self) -> None:
        if np.any(np.diff(self.first) < 1):
            raise InputError("a whole has no parts", expected="at least one part for each whole")
        if len(self.wholes) and min(self.wholes.min(), self.parts.min()) < 0:
            raise InputError("a position is negative", expected="positions from 0 on")
        if np.any(np.repeat(self.wholes, np.diff(self.first)) == self.parts):
            raise InputError("a whole is its own part", expected="other parts")

    @classmethod
    def of(cls, relations: Iterable[tuple[int, Sequence[int]]]) -> Wholes:
        """Make relations of pairs of a whole and its parts."""
        pairs = list(relations)
        sizes = [len(parts) for _, parts in pairs]
        return cls(
            np.array([whole for whole, _ in pairs], np.int64),
            np.array([part for _, parts in pairs for part in parts], np.int64),
            np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
        )

    @classmethod
    def taken(cls, relations: Relations, kind: Kind) -> Wholes:
        """Take the relations of one kind."""
        chosen = relations.chosen(relations.kind == int(kind))
        return cls(chosen.whole, chosen.part, chosen.first)

    @classmethod
    def grouped(cls, whole_of: Places) -> Wholes:
        """Make relations of the position of each number's whole, or -1.

        >>> Wholes.grouped(np.array([-1, 0, 0, -1])).parts
        array([1, 2])
        """
        parts = np.flatnonzero(whole_of >= 0)
        parts = parts[np.argsort(whole_of[parts], kind="stable")]
        wholes, first = np.unique(whole_of[parts], return_index=True)
        return cls(wholes.astype(np.int64), parts.astype(np.int64), np.append(first, len(parts)).astype(np.int64))

    def __len__(self) -> int:
        return len(self.wholes)

    @cached_property
    def owner(self) -> Places:
        """For each part, which relation it stands in."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def summed(self, values: NDArray[Number]) -> NDArray[Number]:
        """Add up each relation's parts."""
        return np.add.reduceat(values[self.parts], self.first[:-1]) if len(self) else values[:0]

    def running(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up each relation's parts from its first on; `values` are those of the parts, in their order."""
        total = np.cumsum(values)
        before = np.concatenate([[0.0], total])[self.first[:-1]]
        return np.asarray(total - before[self.owner])

    def subset(self, chosen: Places) -> Wholes:
        """Give some of the relations."""
        sizes = np.diff(self.first)[chosen]
        first = np.concatenate([[0], np.cumsum(sizes)])
        places = np.arange(first[-1]) + np.repeat(self.first[chosen] - first[:-1], sizes)
        return Wholes(self.wholes[chosen], self.parts[places], first)

    def batches(self) -> list[Wholes]:
        """Divide the relations so that in none of the batches two share a number."""
        taken: dict[int, int] = {}  # of each number, a bit for every batch that it stands in
        batch_of = np.empty(len(self), np.int64)
        wholes, parts, first = self.wholes.tolist(), self.parts.tolist(), self.first.tolist()
        for number, whole in enumerate(wholes):
            members = [whole, *parts[first[number] : first[number + 1]]]
            used = 0
            for member in members:
                used |= taken.get(member, 0)
            batch = (~used & (used + 1)).bit_length() - 1
            batch_of[number] = batch
            for member in members:
                taken[member] = taken.get(member, 0) | (1 << batch)
        return [self.subset(np.flatnonzero(batch_of == batch)) for batch in range(batch_of.max(initial=-1) + 1)]

    def levels(self) -> list[Wholes]:
        """Divide the relations from the top: every whole before the relations of its parts.

        Raises
        ------
        InputError
            A number is part of two wholes, or of itself.
        """
        if len(np.unique(self.parts)) != len(self.parts):
            raise InputError("a number is part of two wholes", expected="a hierarchy: at most one whole for each part")
        depth = np.zeros(max(self.wholes.max(initial=-1), self.parts.max(initial=-1)) + 1, np.int64)
        for _ in range(len(self) + 1):
            deeper = depth[self.wholes][self.owner] + 1
            if np.array_equal(depth[self.parts], deeper):
                own = depth[self.wholes]
                return [self.subset(np.flatnonzero(own == level)) for level in np.unique(own)]
            depth[self.parts] = deeper
        raise InputError("a number is part of itself", expected="a hierarchy without circles")
