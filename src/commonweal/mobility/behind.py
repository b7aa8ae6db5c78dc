"""Who stands behind which counts: what a measure is counted from, bounded by, and attacked with.

A measure that says it declares its protection in one line: rows of people and keys are counted as they are, or only
those that the bound leaves of each person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset
from commonweal.core.engine import keyed_counts
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.borders.counted import complete, named, people_by
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Derivation, Measure, Scope, Window

AREAS = ("area", "origin", "destination")


@dataclass(frozen=True, eq=False)
class Behind:
    """A row for each person and key, which may be repeated.

    Parameters
    ----------
    subscriber
        Pseudonyms, int64, shape (n,).
    keys
        The key's columns, whole numbers from 0; ``start``, if there is one, is the UTC second at which a day begins.
    """

    subscriber: np.ndarray
    keys: Mapping[str, np.ndarray]

    def people(self) -> pa.Table:
        """Count distinct subscribers by key: keyed counts with ``people``.

        Examples
        --------
        >>> Behind(np.array([7, 7, 9]), {"area": np.array([1, 1, 1])}).people().to_pydict()
        {'area': [1], 'people': [2]}
        """
        return people_by(self.subscriber, **self.keys)


def protection(
    *,
    title: str,
    description: str,
    behind: Callable[[Any, Window], Behind],
    columns: Mapping[str, int],
    keys: Mapping[Unit, int],
    starts: bool = True,
    listed: Callable[[Window], pa.Table] | None = None,
    whole_run: bool = False,
    grows: bool = False,
    weeks: bool = False,
) -> Protection:
    """Declare how a measure is bounded of which is known who stands behind its counts.

    Parameters
    ----------
    title, description
        Of the dataset with noise.
    behind
        Gives that, from what the measure counts.
    columns
        Of the key, but for ``start``: how many values each has; 0 for areas, of which there are as many as the run has.
    keys
        For each unit, of how many counts a person may be a part.
    starts
        Whether ``start`` is a column of the key.
    listed
        Gives keyed counts without people that the grid is made from, known before any record is.
    whole_run, grows, weeks
        As for `Protection`.
    """

    def members(rows: Any, window: Window) -> Mapping[str, Members]:
        found = behind(rows, window)
        key = packed(found.keys, _sizes(columns, window))
        order = np.lexsort((key, found.subscriber))
        subscriber, key = found.subscriber[order], key[order]
        new = np.ones(len(key), np.bool_)
        new[1:] = (subscriber[1:] != subscriber[:-1]) | (key[1:] != key[:-1])
        day = np.zeros(int(new.sum()), np.int64)
        if starts and not whole_run:
            day = np.searchsorted(window.days, found.keys["start"][order][new] - window.starts)
        return {"": Members(subscriber[new], day, key[new])}

    def counted(kept: Mapping[str, np.ndarray], window: Window) -> pa.Table:
        key, people = np.unique(kept[""], return_counts=True)
        named = unpacked(key, _sizes(columns, window))
        table = keyed_counts({name: named[name] for name in named if starts or name != "start"}, {"people": people})
        return table if listed is None else pa.concat_tables([table, listed(window).select(table.column_names)])

    return Protection(title, description, {"": keys}, members, counted, whole_run=whole_run, grows=grows, weeks=weeks)


def people_measure(
    dataset: Dataset,
    behind: Callable[[Any, Window], Behind],
    protection: Protection,
    *,
    of: Derivation,
    said: Mapping[str, tuple[str, ...]] | None = None,
    network: bool = True,
    choices: Mapping[str, Any] | None = None,
) -> Measure:
    """Declare a measure of distinct people by key, of which every key there may be has a row.

    Parameters
    ----------
    dataset, of, network, choices
        As for `Measure`.
    behind
        Who stands behind its counts.
    said
        What the values of a key's column stand for, by their number; areas and days need not be named.
    """
    words = said or {}

    def count(rows: Any, window: Window) -> pa.Table:
        return behind(rows, window).people()

    def finish(counts: pa.Table, scope: Scope) -> pa.Table:
        return named(counts, scope, **words)

    def grid(counts: pa.Table, scope: Scope) -> pa.Table:
        return complete(dataset, scope, **words)

    return Measure(dataset, count, finish, grid, protection, of=of, network=network, usual=False, choices=choices or {})


def _sizes(columns: Mapping[str, int], window: Window) -> dict[str, int]:
    return {name: size or window.areas for name, size in columns.items()}


def packed(keys: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> np.ndarray:
    """Make one number of the columns of each key, the start first: int64.

    Examples
    --------
    >>> keys = {"country": np.array([2]), "start": np.array([86400]), "area": np.array([1])}
    >>> packed(keys, {"country": 3, "area": 10})
    array([2592021])
    """
    found = np.asarray(keys.get("start", np.zeros(len(next(iter(keys.values()))))), np.int64)
    for name, size in sizes.items():
        found = found * size + np.asarray(keys[name], np.int64)
    return found


def unpacked(key: np.ndarray, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """Give the columns of keys that `packed` made; the start too, which is 0 where there was none.

    >>> {name: values.tolist() for name, values in unpacked(np.array([2592021]), {"country": 3, "area": 10}).items()}
    {'start': [86400], 'country': [2], 'area': [1]}
    """
    found = {}
    for name in reversed(sizes):
        key, found[name] = np.divmod(key, sizes[name])
    return {"start": key, **{name: found[name] for name in sizes}}
