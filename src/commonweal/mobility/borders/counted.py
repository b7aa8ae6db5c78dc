"""What the tables about borders have in common: columns, distinct people by key, complete grids."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.errors import Refused
from commonweal.core.grouping import groups
from commonweal.core.wording import Wording
from commonweal.mobility.measure import Scope, Window, product
from commonweal.mobility.mobile_countries import COUNTRIES
from commonweal.mobility.sequences import distinct

LARGEST_GRID = 20_000_000
START = Dimension("start", "timestamp", Wording("When the day begins."), hierarchy="period")
SUBSCRIBERS = Value(
    "subscribers", "integer", Wording("Distinct subscribers."), "{subscribers}", Kind.UNION, counts="subscribers"
)
IN, OUT = "in", "out"
DIRECTIONS = (IN, OUT)
KEYWORDS = ("cross-border", "roaming", "mobile phone data")


def people_by(subscriber: np.ndarray, **keys: np.ndarray) -> pa.Table:
    """Count distinct subscribers by key: keyed counts with ``people``.

    Examples
    --------
    >>> people_by(np.array([7, 7, 9]), area=np.array([1, 1, 1])).to_pydict()
    {'area': [1], 'people': [2]}
    """
    row, number = groups(list(keys.values()))
    if np.any(subscriber[1:] < subscriber[:-1]):
        order = np.argsort(subscriber, kind="stable")
        once, _ = distinct(subscriber[order], number[order])
        once = order[once]
    else:
        once, _ = distinct(subscriber, number)
    people = np.bincount(number[once], minlength=len(row))
    return keyed_counts({name: np.asarray(values)[row] for name, values in keys.items()}, {"people": people})


def on_day(window: Window, time: np.ndarray) -> np.ndarray:
    """Give the UTC second at which the day of each time begins; times lie within the window."""
    day = np.searchsorted(window.days, time, side="right") - 1
    return np.asarray(window.days[day] + window.starts, np.int64)


def numbers(rows: pa.Table) -> dict[str, np.ndarray]:
    """Give a derivation's columns."""
    return {name: rows[name].to_numpy() for name in rows.column_names}


def named(counts: pa.Table, scope: Scope, **said: tuple[str, ...]) -> pa.Table:
    """Turn keys into what they stand for: areas, times, and words by their place in what is `said`; nobody is dropped.

    Parameters
    ----------
    said
        By name of a key column, the words.
    """
    counts = counts.filter(pa.array(counts["people"].to_numpy() > 0))
    found = {}
    for name in counts.column_names:
        column = counts[name].to_numpy()
        if name in said:
            found[name] = pa.array(said[name], pa.string()).take(pa.array(column))
        elif name in ("area", "origin", "destination"):
            found[name] = scope.codes(column)
        elif name == "start":
            found[name] = scope.times(column)
        else:
            found[name] = pa.array(column)
    return pa.table({**found, "subscribers": found["people"]})


def complete(dataset: Dataset, scope: Scope, **said: tuple[str, ...] | pa.Array) -> pa.Table:
    """Give every combination of keys, so that the presence of a row says nothing.

    Raises
    ------
    Refused
        There are too many.
    """
    columns: Mapping[str, pa.Array] = {
        dimension.name: _all(dimension.name, scope, said) for dimension in dataset.dimensions
    }
    if prod(len(column) for column in columns.values()) > LARGEST_GRID:
        raise Refused(
            f"{prod(len(column) for column in columns.values()):,} rows are too many to publish whole",
            where=dataset.name,
            expected=f"fewer days, or larger areas: at most {LARGEST_GRID:,} rows",
        )
    return product(**columns)


def _all(name: str, scope: Scope, said: Mapping[str, tuple[str, ...] | pa.Array]) -> pa.Array:
    if name in said:
        return pa.array(said[name])
    if name == "start":
        return scope.times(scope.days[:-1])
    if name == "country":
        return pa.array(COUNTRIES, pa.string())
    return pa.array(scope.areas, pa.string())
