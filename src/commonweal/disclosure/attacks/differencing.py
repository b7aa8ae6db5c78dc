"""Differencing: small groups that appear when published numbers are subtracted from one another.

A reader who knows two numbers knows their difference. It stands for people as well, and if they are fewer than the
threshold, for too few. Over the new release and all earlier ones, these differences are formed::

    same cell    |y(c) − y'(c)|          who came or went between two releases of one cell
    whole, part  y(w) − y'(p)            who is in the whole but not in that part        (union, within, sum)
    rest         y(w) − Σ y(p)           who is in the parts that are hidden             (sum, of published parts)
    overlap      Σ y(p) − y(w)           how often people are in more than one part      (union, cover; all published)

A difference of 0 says that nobody was there; it counts nobody, and is not looked at here. Rest and overlap count people
of one state of the records: they are not formed across releases between which one of their cells changed.

Sources: D. E. Denning, P. J. Denning, M. D. Schwartz, *The tracker: a threat to statistical database security*, ACM
TODS 4 (1979), 76-96; A. Hundepool et al., *Handbook on Statistical Disclosure Control* (2010), on differencing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.wording import Wording, counted

Relation = tuple[int, Sequence[int], str]
LISTED = 20
EXACT = ("reported", "estimated", "modelled")
"""States of values that a reader takes as they are; a rounded value has no exact difference."""


@dataclass(frozen=True)
class Differencing:
    """Small differences that a reader can form.

    Parameters
    ----------
    formed
        How many differences were looked at.
    same_cell, whole_part, rest, overlap
        How many of each kind lie between 1 and k − 1.
    threshold
        k.
    releases
        How many releases were compared, the new one included.
    cells
        The first cells concerned, by number: for those who prepare the release, never for its page.
    """

    formed: int
    same_cell: int
    whole_part: int
    rest: int
    overlap: int
    threshold: int
    releases: int
    cells: tuple[int, ...] = ()

    @property
    def small(self) -> int:
        """How many differences stand for too few people."""
        return self.same_cell + self.whole_part + self.rest + self.overlap

    @property
    def dangerous(self) -> bool:
        """Whether the release must not leave."""
        return self.small > 0

    @property
    def said(self) -> str:
        """What was found, in plain words."""
        if self.small:
            return counted(
                "By subtracting published numbers from one another, %(num)s group of fewer than %(threshold)s people "
                "comes to light.",
                "By subtracting published numbers from one another, %(num)s groups of fewer than %(threshold)s people "
                "come to light.",
                self.small,
                threshold=self.threshold,
            )
        if self.releases > 1:
            return counted(
                "No subtraction of published numbers, those of %(num)s earlier release included, brings a group of "
                "fewer than %(threshold)s people to light.",
                "No subtraction of published numbers, those of %(num)s earlier releases included, brings a group of "
                "fewer than %(threshold)s people to light.",
                self.releases - 1,
                threshold=self.threshold,
            )
        return Wording(
            "No subtraction of published numbers brings a group of fewer than %(threshold)s people to light. There are "
            "no earlier releases of these cells.",
            threshold=self.threshold,
        )


def differencing(
    values: np.ndarray,
    relations: Sequence[Relation],
    *,
    threshold: int,
    earlier: Sequence[np.ndarray] = (),
) -> Differencing:
    """Form the differences of published numbers and count those between 1 and k − 1.

    Parameters
    ----------
    values
        The new release, NaN where nothing exact is published, shape (cells,).
    relations
        Between cells, each (whole, parts, kind) with kind ``sum``, ``union``, ``within`` or ``cover``.
    threshold
        k.
    earlier
        Earlier releases of the same cells, each of shape (cells,), NaN where they have none.

    Examples
    --------
    A day of 40 people with hours of 33 and 20: 7 were there on the day but not in the first hour, and 13 are counted
    in both.

    >>> day = differencing(np.array([40.0, 33, 20]), [(0, (1, 2), "union")], threshold=15)
    >>> day.whole_part, day.overlap, day.dangerous
    (1, 1, True)

    The same cell had 38 people in an earlier release:

    >>> differencing(np.array([40.0]), [], threshold=15, earlier=[np.array([38.0])]).same_cell
    1
    """
    releases = [np.asarray(one, np.float64) for one in (values, *earlier)]
    found = _Found(threshold)
    new = releases[0]
    for old in releases[1:]:
        found.add("same_cell", np.abs(new - old), np.arange(len(new)))
    size = np.array([len(parts) for _, parts, _ in relations], np.int64)
    kind = np.array([kind for _, _, kind in relations], "U6")
    wide = np.array([whole for whole, _, _ in relations], np.int64)
    part = np.array([number for _, parts, _ in relations for number in parts], np.int64)
    relation = np.repeat(np.arange(len(size)), size)
    # Of a sum of two parts, the whole less one is the other: published itself, or the rest that is looked at below.
    inside = ((kind != "cover") & ((kind != "sum") | (size > 2)))[relation]
    several = size > 1
    for one, other in _pairs(len(releases)):
        whole, members = releases[one][wide], releases[other][part]
        found.add("whole_part", (whole[relation] - members)[inside], part[inside])
        known = np.bincount(relation, ~np.isnan(members), len(size)) == size
        together = np.bincount(relation, np.nan_to_num(members), len(size))
        moved = np.abs(releases[one] - releases[other]) > 0
        alike = several & ~moved[wide] & (np.bincount(relation, moved[part], len(size)) == 0)
        rest, overlap = alike & (kind == "sum") & ~known, alike & np.isin(kind, ("union", "cover")) & known
        found.add("rest", (whole - together)[rest], wide[rest])
        found.add("overlap", (together - whole)[overlap], wide[overlap])
    counts = {kind: len(small) for kind, small in found.small.items()}
    return Differencing(
        found.formed,
        counts["same_cell"],
        counts["whole_part"],
        counts["rest"],
        counts["overlap"],
        threshold,
        len(releases),
        tuple(found.cells[:LISTED]),
    )


def _pairs(releases: int) -> list[tuple[int, int]]:
    """Name the pairs of releases that the new one, number 0, is part of: the others were judged when they left."""
    return [(0, 0), *((0, old) for old in range(1, releases)), *((old, 0) for old in range(1, releases))]


class _Found:
    """Differences looked at, and the small ones among them; one that several releases tell alike counts once."""

    def __init__(self, threshold: int) -> None:
        self.threshold = threshold
        self.formed = 0
        self.small: dict[str, set[tuple[int, float]]] = {
            kind: set() for kind in ("same_cell", "whole_part", "rest", "overlap")
        }
        self.cells: list[int] = []

    def add(self, kind: str, difference: np.ndarray, cell: np.ndarray) -> None:
        self.formed += int((~np.isnan(difference)).sum())
        small = np.flatnonzero((difference >= 1) & (difference < self.threshold))
        self.small[kind].update(zip(small.tolist(), difference[small].tolist(), strict=True))
        for number in cell[small[: LISTED - len(self.cells)]].tolist():
            if number not in self.cells:
                self.cells.append(number)


def aligned(tables: Sequence[pa.Table], key: Sequence[str], measure: str) -> tuple[pa.Table, list[np.ndarray]]:
    """Number the cells of several releases of one dataset by their keys, in order.

    Parameters
    ----------
    tables
        Published tables with the columns of `key`, ``<measure>`` and ``<measure>_state``.

    Returns
    -------
    cells
        The columns of `key`, a row for each cell that any of them has, sorted.
    values
        For each table float64, shape (cells,): NaN where it has no exact value.

    Examples
    --------
    >>> new = pa.table({"area": ["B", "A"], "n": [20, None], "n_state": ["reported", "suppressed"]})
    >>> old = pa.table({"area": ["B", "C"], "n": [19, 35], "n_state": ["reported", "rounded"]})
    >>> cells, values = aligned([new, old], ["area"], "n")
    >>> cells["area"].to_pylist(), values
    (['A', 'B', 'C'], [array([nan, 20., nan]), array([nan, 19., nan])])
    """
    keys = list(key)
    every = pa.concat_tables([table.select(keys) for table in tables]).group_by(keys).aggregate([])
    cells = every.sort_by([(name, "ascending") for name in keys])
    numbered = cells.append_column("cell", pa.array(np.arange(cells.num_rows)))
    values = []
    for table in tables:
        exact = pc.is_in(table[f"{measure}_state"], pa.array(EXACT))
        shown = table.select([*keys, measure]).filter(exact).join(numbered, keys)
        found = np.full(cells.num_rows, np.nan)
        found[shown["cell"].to_numpy()] = shown[measure].cast(pa.float64()).to_numpy()
        values.append(found)
    return cells, values
