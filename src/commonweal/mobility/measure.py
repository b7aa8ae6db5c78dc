"""What a measure is, and what a derivation is: pure functions of one bucket in one window.

A *derivation* turns a bucket's events into rows of its own, one or a few for each subscriber. A *measure* turns
events, or a derivation's rows, into keyed counts with a column ``people`` of distinct subscribers. A subscriber lives
in one bucket, so keyed counts of buckets are added; a day measure's counts of windows are put side by side.

Adding a measure is adding a file to `commonweal.mobility.measures` that names it ``MEASURE``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset
from commonweal.disclosure.private.declaring import private_dataset
from commonweal.mobility.bounding import Protection, Unprotected
from commonweal.mobility.sequences import Events


@dataclass(frozen=True)
class Window:
    """The time in which sequences are counted, and how it is divided.

    Parameters
    ----------
    starts
        UTC second from which times count: the epoch's start.
    hours, days
        Edges of its hours and days, int64 seconds from `starts`, shape (n + 1,).
    areas
        How many areas there are.
    """

    starts: int
    hours: np.ndarray
    days: np.ndarray
    areas: int


@dataclass(frozen=True)
class Scope:
    """What a whole run covers, for turning keys into what they stand for.

    Parameters
    ----------
    areas
        Code of each area.
    hours, days
        Edges, int64 UTC seconds, shape (n + 1,).
    """

    areas: tuple[str, ...]
    hours: np.ndarray
    days: np.ndarray

    def codes(self, index: Any) -> pa.Array:
        """Give the codes of areas by their index."""
        return pa.array(self.areas, pa.string()).take(pa.array(index, pa.int64()))

    @staticmethod
    def times(seconds: Any) -> pa.Array:
        """Give times of UTC seconds."""
        return pa.array(np.asarray(seconds, np.int64) * 1_000_000, pa.timestamp("us", tz="UTC"))


@dataclass(frozen=True)
class Derivation:
    """Rows made from events.

    Parameters
    ----------
    name
        Its store.
    derive
        Gives, for a bucket's events in a window, a table that begins with ``subscriber`` and is sorted by it.
    window
        ``day``: each day's rows depend on that day alone. ``run``: on the whole period.
    """

    name: str
    derive: Callable[[Events, Window], pa.Table]
    window: str = "day"


@dataclass(frozen=True)
class Measure:
    """Keyed counts of people, and what they are published as.

    Parameters
    ----------
    dataset
        The declared result.
    count
        Gives a bucket's keyed counts: from events in a window, or from a derivation's rows of the whole run.
    finish
        Turns the sum over all buckets into the dataset's columns and ``people``. Pure.
    grid
        Gives the complete grid of the dataset's keys.
    protection
        How it is counted with everybody's part bounded, for noise; or why it cannot be.
    of
        The derivation it counts, or None for events.
    window
        As for a derivation.
    at_least
        For a total that would complete tables of the same run: gives for each of its keys, from the protected tables by
        name, what a reader knows it to be at least, ``reported``, and how many parts are hidden, ``suppressed``. Such a
        total is rounded or withheld.
    beside
        Names of the measures whose tables it would complete.
    """

    dataset: Dataset
    count: Callable[[Any, Window], pa.Table]
    finish: Callable[[pa.Table, Scope], pa.Table]
    grid: Callable[[pa.Table, Scope], pa.Table]
    protection: Protection | Unprotected
    of: Derivation | None = None
    window: str = "day"
    at_least: Callable[[Mapping[str, pa.Table]], pa.Table] | None = None
    beside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The dataset's name without its domain."""
        return self.dataset.name.partition(".")[2]

    @property
    def private(self) -> Dataset | None:
        """What it is published as with noise."""
        if isinstance(self.protection, Unprotected):
            return None
        return private_dataset(self.dataset, title=self.protection.title, description=self.protection.description)


@cache
def measures() -> dict[str, Measure]:
    """Give every measure by name, in the order of their files."""
    from commonweal.mobility import measures as folder

    found = {}
    for file in iter_modules(folder.__path__):
        module = import_module(f"{folder.__name__}.{file.name}")
        if hasattr(module, "MEASURE"):
            found[module.MEASURE.name] = module.MEASURE
    return found


def product(**columns: pa.Array) -> pa.Table:
    """Give every combination of the columns' values.

    >>> product(a=pa.array([1, 2]), b=pa.array(["x", "y"])).to_pylist()[1]
    {'a': 1, 'b': 'y'}
    """
    sizes = [len(column) for column in columns.values()]
    places = np.indices(sizes).reshape(len(sizes), -1)
    return pa.table(
        {name: column.take(pa.array(place)) for (name, column), place in zip(columns.items(), places, strict=True)}
    )


def utc(seconds: int) -> datetime:
    """Give the time of a UTC second."""
    return datetime.fromtimestamp(seconds, UTC)
