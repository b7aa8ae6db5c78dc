"""Which counts of a run each subscriber is a part of, for any measure that declares who is: what attacks are made from.

`contributing` knows presence, flows and homes in one pass, as repeatable noise needs them; this knows all others by
what they declare of their bound (`bounding.Members`). Cells of a measure are numbered from 0: by level, and in a level
by key, those that somebody is in; then all others of its grid. Pseudonyms stay in memory and are never kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from commonweal.disclosure import rows_by_key
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.contributing import MEASURES
from commonweal.mobility.counting import Bucket, derive_bucket, each_window, window_of
from commonweal.mobility.measure import Measure, measures
from commonweal.mobility.runs import Plan

Pairs = tuple[np.ndarray, np.ndarray]
"""Subscribers and keys, row by row."""
Found = Mapping[str, Mapping[str, Pairs]]
"""By measure and level."""


def attackable(names: Iterable[str]) -> list[str]:
    """Give those of some measures that are known here."""
    known = measures()
    return [name for name in names if name not in MEASURES and isinstance(known[name].protection, Protection)]


def counted_in(bucket: Bucket, names: Iterable[str]) -> Found:
    """Give for measures the counts that the subscribers of a bucket are a part of, over the whole run."""
    chosen = {name: measures()[name] for name in names}
    found: dict[str, list[Mapping[str, Members]]] = {name: [] for name in chosen}
    direct = [measure for measure in chosen.values() if measure.of is None]
    for events, window in each_window(bucket, bucket.windows, items=direct) if direct else ():
        for measure in direct:
            found[measure.name].append(_protection(measure).members(events, window))
    for derivation in dict.fromkeys(measure.of for measure in chosen.values()):
        if derivation is not None:
            rows, window = derive_bucket(bucket, derivation), window_of(bucket, bucket.starts, bucket.ends)
            for name, measure in chosen.items():
                if measure.of is derivation:
                    found[name].append(_protection(measure).members(rows, window))
    return {
        name: {
            level: (
                np.concatenate([part[level].subscriber for part in parts]),
                np.concatenate([part[level].key for part in parts]),
            )
            for level in _protection(chosen[name]).keys
        }
        for name, parts in found.items()
    }


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a measure in a run.

    Parameters
    ----------
    measure
        Which.
    keys
        By level, the keys that somebody is a part of, ascending.
    people
        How many each cell has, int64, shape (cells,).
    """

    measure: str
    keys: Mapping[str, np.ndarray]
    people: np.ndarray

    def number(self, pairs: Mapping[str, Pairs]) -> Pairs:
        """Give subscribers, and the numbers of the cells that they are a part of."""
        first, whose, cell = 0, [], []
        for level, keys in self.keys.items():
            subscriber, key = pairs[level]
            whose.append(subscriber)
            cell.append(first + np.searchsorted(keys, key))
            first += len(keys)
        return np.concatenate(whose), np.concatenate(cell)

    def numbers(self, planned: Plan, rows: pa.Table) -> np.ndarray:
        """Give the number of the cell that each row of the measure's table stands for; the rows are its whole grid."""
        measure, bucket = measures()[self.measure], planned.buckets[0]
        window = window_of(bucket, bucket.starts, bucket.ends)
        named = measure.finish(_protection(measure).counted(self.keys, window), planned.scope)
        named = named.filter(pa.array(named["people"].to_numpy() > 0))
        there = rows_by_key(named.select(rows.column_names).cast(rows.schema), rows)
        found = np.full(rows.num_rows, -1)
        found[there] = np.arange(len(there))
        found[found < 0] = np.arange(len(there), rows.num_rows)
        return found


class Gathered:
    """Cells of measures, gathered from bucket to bucket."""

    def __init__(self, names: Iterable[str]) -> None:
        self._keys: dict[str, dict[str, list[np.ndarray]]] = {
            name: {level: [] for level in _protection(measures()[name]).keys} for name in names
        }
        self._people: dict[str, dict[str, list[np.ndarray]]] = {
            name: {level: [] for level in levels} for name, levels in self._keys.items()
        }

    def add(self, found: Found) -> None:
        """Count who is in which cell."""
        for name, levels in found.items():
            for level, (_, key) in levels.items():
                keys, people = np.unique(key, return_counts=True)
                self._keys[name][level].append(keys)
                self._people[name][level].append(people)

    def people_in(self, cells: Cells) -> np.ndarray:
        """Give how many of these people each cell of everybody's has, int64."""
        first, found = 0, np.zeros(len(cells.people), np.int64)
        for level, keys in cells.keys.items():
            key, people = (
                np.concatenate(self._keys[cells.measure][level]),
                np.concatenate(self._people[cells.measure][level]),
            )
            np.add.at(found, first + np.searchsorted(keys, key), people)
            first += len(keys)
        return found

    def cells(self, planned: Plan, counted: Mapping[str, pa.Table]) -> dict[str, Cells]:
        """Give the cells of each measure.

        Parameters
        ----------
        counted
            What a run counted, by measure: from it grids are made.
        """
        found = {}
        for name, levels in self._keys.items():
            keys, people = {}, []
            for level, parts in levels.items():
                keys[level], at = np.unique(np.concatenate(parts), return_inverse=True)
                many = np.concatenate(self._people[name][level])
                people.append(np.bincount(at, many, len(keys[level])).astype(np.int64))
            there = np.concatenate(people)
            size = measures()[name].grid(counted[name], planned.scope).num_rows
            found[name] = Cells(name, keys, np.concatenate([there, np.zeros(size - len(there), np.int64)]))
        return found


def _protection(measure: Measure) -> Protection:
    assert isinstance(measure.protection, Protection)
    return measure.protection
