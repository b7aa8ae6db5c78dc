"""What a measure is, and what a derivation is: pure functions of one bucket in one window.

A *derivation* turns a bucket's events, or another derivation's rows, into rows of its own, one or a few for each
subscriber. A *measure* turns events, or a derivation's rows, into keyed counts with a column ``people`` of distinct
subscribers. A subscriber lives in one bucket, so keyed counts of buckets are added; a day measure's counts of windows
are put side by side.

Adding a measure is adding a file to `commonweal.mobility.measures` that names it ``MEASURE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
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
from commonweal.mobility.coverage import Coverage, Meeting
from commonweal.mobility.network import Network
from commonweal.mobility.standing import Standing


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
    network
        Where cells stand and which overlap, for those that declare that they need it.
    meeting
        Which cells' footprints meet which areas, for those that declare that they need it.
    own
        First and last-exclusive second, from `starts`, of the part whose rows are asked for. The rest, before and
        after, is there to be looked at. All of it if None.
    wall
        What the clock of the place shows when each of `hours` begins, int64 seconds from 1970, shape (n + 1,); None
        where no place is known.
    """

    starts: int
    hours: np.ndarray
    days: np.ndarray
    areas: int
    network: Network | None = None
    own: tuple[int, int] | None = None
    meeting: Meeting | None = None
    wall: np.ndarray | None = None

    @property
    def own_days(self) -> tuple[int, int]:
        """First and last-exclusive index of the days whose rows are asked for."""
        first, last = self.own or (self.days[0], self.days[-1])
        return int(np.searchsorted(self.days, first)), int(np.searchsorted(self.days, last))


@dataclass(frozen=True)
class Scope:
    """What a whole run covers, for turning keys into what they stand for.

    Parameters
    ----------
    areas
        Code of each area.
    hours, days
        Edges, int64 UTC seconds, shape (n + 1,).
    coverage
        The footprints of cells, for those that declare that they need them.
    standing
        Where cells stand; None where no store is counted.
    """

    areas: tuple[str, ...]
    hours: np.ndarray
    days: np.ndarray
    coverage: Coverage | None = None
    standing: Standing | None = None

    def codes(self, index: Any) -> pa.Array:
        """Give the codes of areas by their index."""
        return pa.array(self.areas, pa.string()).take(pa.array(index, pa.int64()))

    @staticmethod
    def times(seconds: Any) -> pa.Array:
        """Give times of UTC seconds."""
        return pa.array(np.asarray(seconds, np.int64) * 1_000_000, pa.timestamp("us", tz="UTC"))


@dataclass(frozen=True)
class Derivation:
    """Rows made from events, or from another derivation's rows.

    Parameters
    ----------
    name
        Its store.
    derive
        Gives, for what it is made of in a window, a table that begins with ``subscriber`` and is sorted by it. One that
        is not kept may give `Events` instead.
    window
        ``day``: each day's rows depend on that day, and on as many around it as it looks at. ``run``: on the whole
        period.
    of
        What it is made of: another derivation, or None for events.
    lookback, lookahead
        How many days before a window, and after it, are looked at too. They may lie outside the run's period, so a
        day's rows are the same in every run.
    columns
        What else is read of each event: names of columns of the store.
    network
        Whether the window must have the `Network`.
    kept
        Whether its rows are kept on the disk. Those that are as many as events and quickly made are not.
    when
        The column that says when a row begins, seconds from the epoch's start, by which one that looks around chooses.
    parameters
        What was chosen, in words; what is kept under other parameters is made anew.
    """

    name: str
    derive: Callable[[Any, Window], Any]
    window: str = "day"
    of: Derivation | None = None
    lookback: int = 0
    lookahead: int = 0
    columns: tuple[str, ...] = ()
    network: bool = False
    kept: bool = True
    when: str = "start"
    parameters: str = ""


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
        The derivation it counts, or None for events. One that is not kept is counted as events are, window by window.
    window, columns, network
        As for a derivation.
    at_least
        For a total that would complete tables of the same run: gives for each of its keys, from the protected tables by
        name, what a reader knows it to be at least, ``reported``, and how many parts are hidden, ``suppressed``. Such a
        total is rounded or withheld.
    beside
        Names of the measures whose tables it would complete.
    coverage
        Whether the window must have the `Meeting` of cells and areas, and the scope the `Coverage`.
    usual
        Whether a run counts it where nobody says which measures.
    choices
        What its definition leaves open and how it is settled here (JSON values); stamped on its releases.
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
    columns: tuple[str, ...] = ()
    network: bool = False
    usual: bool = True
    coverage: bool = False
    choices: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The dataset's name without its domain."""
        return self.dataset.name.partition(".")[2]

    @property
    def of_whole_runs(self) -> bool:
        """Whether what it counts of a day depends on which other days are counted with it."""
        bounded = self.protection
        return self.window == "run" or (not isinstance(bounded, Unprotected) and bounded.whole_run)

    @property
    def private(self) -> Dataset | None:
        """What it is published as with noise."""
        if isinstance(self.protection, Unprotected):
            return None
        return private_dataset(self.dataset, title=self.protection.title, description=self.protection.description)


def sources(item: Measure | Derivation) -> list[Measure | Derivation]:
    """Give a measure or derivation and all that it is made of, itself first."""
    found: list[Measure | Derivation] = [item]
    while (of := found[-1].of) is not None:
        found.append(of)
    return found


def columns_of(items: Iterable[Measure | Derivation]) -> tuple[str, ...]:
    """Give the further columns of events that all of these read together, in order of their names."""
    return tuple(sorted({column for item in items for part in sources(item) for column in part.columns}))


def need_network(items: Iterable[Measure | Derivation]) -> bool:
    """Say whether any of these, or what they are made of, needs the `Network`."""
    return any(part.network for item in items for part in sources(item))


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
