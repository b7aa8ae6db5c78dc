"""How near what was published comes to the truth.

Two errors are kept apart. *Pipeline*: published against what readable records show, which should be none.
*Sampling*: published against who was truly there, which records of phones in use cannot fully show.

    error(x, t) = Σ |x - t| / Σ t        over the keys whose value was reported
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from commonweal.core import catalog
from commonweal.core.database import Database
from commonweal.core.errors import NotFound, explain
from commonweal.core.settings import Settings
from commonweal.mobility.service import home_areas, pseudonyms

PEOPLE_KINDS = ("resident", "displaced")


@dataclass(frozen=True)
class Agreement:
    """How the reported values of a table agree with the truth.

    Parameters
    ----------
    reported, truly
        Number of keys whose value was reported, and of keys where the truth has somebody.
    covered
        Share of the truth's people seen (with multiplicity over keys) that stand behind reported keys.
    pipeline_error
        error(published, seen).
    largest_difference
        The largest absolute difference from what was seen.
    sampling_error
        error(published, truly there).
    smallest
        The smallest reported value, None when none was reported.
    """

    reported: int
    truly: int
    covered: float
    pipeline_error: float
    largest_difference: int
    sampling_error: float
    smallest: int | None


def agreement(
    published: Mapping[tuple[Any, ...], int],
    seen: Mapping[tuple[Any, ...], int],
    there: Mapping[tuple[Any, ...], int],
) -> Agreement:
    """Compare reported values with what was seen and who was there, key by key.

    Examples
    --------
    >>> agreement({"a": 20, "b": 30}, {"a": 20, "b": 33, "c": 2}, {"a": 40, "b": 60, "c": 9})
    Agreement(reported=2, truly=3, covered=0.96..., pipeline_error=0.05..., largest_difference=3, sampling_error=0.5,
              smallest=20)
    """
    keys = list(published)
    x = np.array([published[key] for key in keys], np.int64)
    s = np.array([seen.get(key, 0) for key in keys], np.int64)
    t = np.array([there.get(key, 0) for key in keys], np.int64)
    return Agreement(
        reported=len(keys),
        truly=sum(1 for value in there.values() if value > 0),
        covered=float(s.sum() / max(sum(seen.values()), 1)),
        pipeline_error=_error(x, s),
        largest_difference=int(np.abs(x - s).max(initial=0)),
        sampling_error=_error(x, t),
        smallest=int(x.min()) if len(x) else None,
    )


def _error(x: NDArray[np.int64], t: NDArray[np.int64]) -> float:
    return float(np.abs(x - t).sum() / max(t.sum(), 1))


def keyed(table: pa.Table, keys: Sequence[str], value: str) -> dict[tuple[Any, ...], int]:
    """Give a table's values by key; times as whole UTC seconds; a value with a state only where it is reported."""
    columns = []
    for key in keys:
        column = table.column(key)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("s", tz=column.type.tz)).cast(pa.int64())
        columns.append(column.to_pylist())
    state = f"{value}_state"
    states: Iterable[str] = table.column(state).to_pylist() if state in table.column_names else ()
    values = table.column(value).to_pylist()
    reported = [s == catalog.State.REPORTED.value for s in states] or [True] * len(values)
    rows = zip(zip(*columns, strict=True), values, reported, strict=True)
    return {key: int(number) for key, number, is_reported in rows if is_reported and number is not None}


def presence_agreement(truth: pa.Table, published: pa.Table, period: str) -> Agreement:
    """Compare ``mobility.presence`` of one period, ``hour`` or ``day``, with the truth's ``presence``."""
    keys = ("area", "start")
    truth = truth.filter(pc.equal(truth["period"], period))
    published = published.filter(pc.equal(published["period"], period))
    return agreement(
        keyed(published, keys, "subscribers"),
        keyed(truth, keys, "subscribers_seen"),
        keyed(truth, keys, "subscribers"),
    )


def flow_agreement(truth: pa.Table, published: pa.Table) -> Agreement:
    """Compare ``mobility.flows`` with the truth's ``flows``."""
    keys = ("origin", "destination", "start")
    return agreement(
        keyed(published, keys, "subscribers"),
        keyed(truth, keys, "subscribers_seen"),
        keyed(truth, keys, "subscribers"),
    )


def main_homes(homes: pa.Table) -> dict[str, str]:
    """Give for each resident's number the area in which it was at home longest within the period.

    Visitors have no home here; travellers have theirs where they live.
    """
    seconds = pc.subtract(homes["valid_to"].cast(pa.int64()), homes["valid_from"].cast(pa.int64())).to_pylist()
    kinds, areas, numbers = (homes[name].to_pylist() for name in ("kind", "area", "msisdn"))
    lived: dict[str, dict[str, int]] = {}
    for number, kind, area, length in zip(numbers, kinds, areas, seconds, strict=True):
        if kind in PEOPLE_KINDS and area is not None:
            at = lived.setdefault(number, {})
            at[area] = at.get(area, 0) + length
    return {number: max(at, key=lambda area: at[area]) for number, at in lived.items()}


def home_accuracy(truth: Mapping[Any, str], estimate: Mapping[Any, str]) -> tuple[float, int]:
    """Share of subscribers with both a true and an estimated home area for whom the two agree, and their number.

    Examples
    --------
    >>> home_accuracy({1: "A", 2: "B", 3: "C"}, {1: "A", 2: "C", 9: "A"})
    (0.5, 2)
    """
    both = truth.keys() & estimate.keys()
    return (sum(truth[key] == estimate[key] for key in both) / len(both) if both else 0.0), len(both)


def home_agreement(homes: pa.Table, homes_seen: pa.Table, published: pa.Table) -> Agreement:
    """Compare ``mobility.home`` with the SIMs by the area that most of their days seem to end in, and truly live in.

    The published counts also hold visitors, by the area where their days end; they have no true home here.
    """
    there = Counter((area,) for area in main_homes(homes).values())
    seen = Counter((area,) for area in homes_seen["area"].to_pylist())
    return agreement(keyed(published, ("area",), "subscribers"), seen, there)


def read_truth(demo: Path, name: str) -> pa.Table:
    """Read a table of the truth.

    Raises
    ------
    NotFound
        When the folder holds no truth.
    """
    path = demo / "truth" / f"{name}.parquet"
    if not path.is_file():
        raise NotFound("there is no truth here", where=path, expected="a folder that `commonweal demo generate` wrote")
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise explain(error, path) from error


def published_tables(settings: Settings, database: Database) -> dict[str, pa.Table]:
    """Read the newest releases of presence, home and flows."""
    names = ("mobility.presence", "mobility.home", "mobility.flows")
    return {name: catalog.latest(database, name).table(settings) for name in names}


def score(demo: Path, published: Mapping[str, pa.Table]) -> list[tuple[str, Agreement]]:
    """Score every published table against the truth of a sample country."""
    presence, homes = read_truth(demo, "presence"), read_truth(demo, "homes")
    return [
        ("presence by hour", presence_agreement(presence, published["mobility.presence"], "hour")),
        ("presence by day", presence_agreement(presence, published["mobility.presence"], "day")),
        ("flows by day", flow_agreement(read_truth(demo, "flows"), published["mobility.flows"])),
        ("home areas", home_agreement(homes, read_truth(demo, "homes_seen"), published["mobility.home"])),
    ]


def home_accuracy_of(settings: Settings, database: Database, project: str, demo: Path) -> tuple[float, int]:
    """Compare the home areas that the private store gives with the true ones, subscriber by subscriber.

    The true numbers are pseudonymised like the store's; nothing about a single subscriber leaves this function.
    """
    truth = main_homes(read_truth(demo, "homes"))
    numbers = sorted(truth)
    names = pseudonyms(settings, database, project, numbers)
    pseudonym, area = home_areas(settings, database, project)
    true_area = {int(name): truth[number] for name, number in zip(names, numbers, strict=True)}
    return home_accuracy(true_area, dict(zip(pseudonym.tolist(), area, strict=True)))
