"""Tables of pairs: what all measures of flows from one area to another have in common.

A key is ``((start · parts + part) · areas + origin) · areas + destination``, with the start in seconds since 1970; a
table without parts has one.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.errors import Refused
from commonweal.core.wording import Wording
from commonweal.mobility.measure import Scope, product

LARGEST_GRID = 20_000_000


def dataset(name: str, title: str, description: str, *between: Dimension, kind: Kind = Kind.UNION) -> Dataset:
    """Declare a table of pairs of areas.

    Parameters
    ----------
    name
        Without the domain.
    between
        Further dimensions, between the areas and the start.
    kind
        How numbers of pairs of areas relate to those of pairs of larger areas.
    """
    return Dataset(
        name=f"mobility.{name}",
        title=title,
        description=description,
        dimensions=(
            Dimension("origin", "area", Wording("Where they come from."), hierarchy="area"),
            Dimension("destination", "area", Wording("Where they come to."), hierarchy="area"),
            *between,
            Dimension("start", "timestamp", Wording("When the time that was looked at begins."), hierarchy="period"),
        ),
        measures=(
            Value(
                "subscribers",
                "integer",
                Wording("Distinct subscribers."),
                "{subscribers}",
                kind,
                counts="subscribers",
                union_over=("start",) if kind is Kind.SUM else (),
            ),
        ),
        privacy=Privacy.PEOPLE,
        keywords=("mobility", "origin-destination", "mobile phone data"),
        theme="TRAN",
    )


def keys(
    start: np.ndarray,
    origin: np.ndarray,
    destination: np.ndarray,
    areas: int,
    part: np.ndarray | int = 0,
    parts: int = 1,
) -> np.ndarray:
    """Give the key of each row, int64.

    >>> keys(np.array([7]), np.array([1]), np.array([2]), 3)
    array([68])
    """
    pair = origin.astype(np.int64) * areas + destination
    return (start.astype(np.int64) * parts + part) * areas**2 + pair


def counted(members: np.ndarray, areas: int, parts: int = 1) -> pa.Table:
    """Count equal keys, one for each person.

    >>> counted(np.array([68, 68]), 3).to_pylist()
    [{'origin': 1, 'destination': 2, 'part': 0, 'start': 7, 'people': 2}]
    """
    found, people = np.unique(members, return_counts=True)
    rest, pair = np.divmod(found, areas**2)
    start, part = np.divmod(rest, parts)
    origin, destination = np.divmod(pair, areas)
    named = {"origin": origin, "destination": destination, "part": part, "start": start}
    return keyed_counts(named, {"people": people})


def finished(counts: pa.Table, scope: Scope, name: str | None = None, parts: tuple[str, ...] = ()) -> pa.Table:
    """Name areas and times, and parts by the column `name`."""
    columns = {
        "origin": scope.codes(counts["origin"].to_numpy()),
        "destination": scope.codes(counts["destination"].to_numpy()),
    }
    if name:
        columns[name] = pa.array(parts).take(counts["part"].combine_chunks())
    start = scope.times(counts["start"])
    return pa.table(columns | {"start": start, "subscribers": counts["people"], "people": counts["people"]})


def whole_grid(
    dataset: Dataset,
    scope: Scope,
    starts: np.ndarray,
    name: str | None = None,
    parts: tuple[str, ...] = (),
    *,
    staying: bool = True,
) -> pa.Table:
    """Give every pair of areas at every start, those of one area too if staying counts.

    Raises
    ------
    Refused
        There are too many: a table without its empty pairs would tell who never met the threshold.
    """
    if len(scope.areas) ** 2 * max(1, len(parts)) * len(starts) > LARGEST_GRID:
        raise Refused(
            f"pairs of {len(scope.areas)} areas at {len(starts)} times are too many to publish whole",
            where=dataset.name,
            expected=f"fewer days, or larger areas: at most {LARGEST_GRID:,} rows",
        )
    areas = pa.array(scope.areas, pa.string())
    named = {name: pa.array(parts)} if name else {}
    pairs = product(origin=areas, destination=areas, **named, start=scope.times(starts))
    return pairs if staying else pairs.filter(pc.not_equal(pairs["origin"], pairs["destination"]))
