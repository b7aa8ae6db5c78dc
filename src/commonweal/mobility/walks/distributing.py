"""Distributions: residents of an area by how far, or how predictably, they move.

With v(s) what was found of subscriber s over the run, and bins with edges e(0) < e(1) < … < e(m)::

    subscribers(a, b) = |{ s : home(s) = a, e(b) ≤ v(s) < e(b + 1) }|

The first bin holds those too of whom there is nothing to tell, as of someone who never moved; the last one all that
lies above. So everybody with a home area is in one bin, and the bins of an area add up to its residents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Derivation, Measure, Scope, Window, measures
from commonweal.mobility.walks.deriving import CHOICES, REAL_ENTROPY, WALKS


@dataclass(frozen=True)
class Bins:
    """Edges of bins, ascending; each holds its lower edge and not its upper one, but for the last, which holds both.

    Parameters
    ----------
    edges
        The last one is what nothing exceeds.
    unit
        UCUM code.
    """

    edges: tuple[float, ...]
    unit: str

    def __len__(self) -> int:
        """Give the number of bins."""
        return len(self.edges) - 1

    def bin(self, values: np.ndarray) -> np.ndarray:
        """Give the bin of each value, int64; NaN is in the first.

        >>> Bins((0, 1, 10), "km").bin(np.array([0.0, 1.0, 10.0, np.nan, 77.0]))
        array([0, 1, 1, 0, 1])
        """
        inner = np.array(self.edges[1:-1], np.float64)
        return np.searchsorted(inner, np.nan_to_num(values, nan=self.edges[0]), side="right")


DISTANCES = Bins((0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 20_040), "km")
"""Nothing on earth is farther apart than half its girth."""
BITS = Bins((0, 0.5, 1, 1.5, 2, 3, 4, 5, 64), "bit")
LOCATIONS = Bins((1, 2, 4, 8, 16, 32, 64, 2**31), "{locations}")
LOCATION_BITS = Bins((0, 1, 2, 3, 4, 5, 6, 31), "bit")
"""Those of `LOCATIONS`, log₂."""
SHARES = Bins(tuple(n / 10 for n in range(11)), "1")


def distribution(
    *,
    name: str,
    title: Wording,
    description: Wording,
    private_title: Wording,
    private_description: Wording,
    bins: Bins,
    of: Derivation = WALKS,
    column: str = "",
    keywords: tuple[str, ...] = (),
) -> Measure:
    """Declare the distribution of what a derivation found of each subscriber.

    Parameters
    ----------
    name
        The measure's.
    title, description, private_title, private_description
        For people, without and with noise.
    bins
        Into which subscribers are counted.
    of, column
        What was found: a derivation with ``area`` beside it, and its column, the measure's name if left out.
    keywords
        For search.
    """
    column = column or name
    dataset = Dataset(
        name=f"mobility.{name}",
        title=title,
        description=description,
        dimensions=(
            Dimension("area", "area", Wording("The home area."), hierarchy="area"),
            Dimension("at_least", "number", Wording("Lower edge of the bin, which it holds."), unit=bins.unit),
            Dimension("below", "number", Wording("Upper edge of the bin; only the last bin holds it."), unit=bins.unit),
            Dimension("start", "timestamp", Wording("When the days that were looked at begin."), hierarchy="period"),
        ),
        measures=(
            Value(
                "subscribers",
                "integer",
                Wording("Subscribers of this home area in this bin."),
                "{subscribers}",
                Kind.SUM,
                counts="subscribers",
                union_over=("start",),
            ),
        ),
        privacy=Privacy.PEOPLE,
        keywords=("mobility", *keywords, "mobile phone data"),
        theme="TRAN",
    )
    edges = np.array(bins.edges, np.float64)

    def keys_of(rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        area = rows["area"].to_numpy()
        living = area >= 0
        key = area[living].astype(np.int64) * len(bins) + bins.bin(rows[column].to_numpy()[living])
        return rows["subscriber"].to_numpy()[living], key

    def keyed(key: np.ndarray, window: Window) -> pa.Table:
        people = np.bincount(key, minlength=window.areas * len(bins))
        found = np.flatnonzero(people)
        area, within = np.divmod(found, len(bins))
        return keyed_counts({"area": area, "bin": within}, {"people": people[found]})

    def count(rows: pa.Table, window: Window) -> pa.Table:
        return keyed(keys_of(rows)[1], window)

    def named(area: np.ndarray, within: np.ndarray, scope: Scope) -> dict[str, Any]:
        return {
            "area": scope.codes(area),
            "at_least": pa.array(edges[within]),
            "below": pa.array(edges[within + 1]),
            "start": scope.times(np.full(len(area), scope.days[0])),
        }

    def finish(counts: pa.Table, scope: Scope) -> pa.Table:
        key = named(counts["area"].to_numpy(), counts["bin"].to_numpy(), scope)
        return pa.table(key | {"subscribers": counts["people"], "people": counts["people"]})

    def grid(counts: pa.Table, scope: Scope) -> pa.Table:
        area, within = np.divmod(np.arange(len(scope.areas) * len(bins)), len(bins))
        return pa.table(named(area, within, scope))

    def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
        subscriber, key = keys_of(rows)
        return {"": Members(subscriber, np.zeros(len(subscriber), np.int64), key)}

    def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
        return keyed(keys[""], window)

    protection = Protection(
        title=private_title,
        description=private_description,
        keys={"": dict.fromkeys(Unit, 1)},
        members=members,
        counted=counted,
        whole_run=True,
    )
    # Bins of two distributions add up to the same residents, so that number is always judged with them.
    beside = ("home",)
    return Measure(dataset, count, finish, grid, protection, of=of, window="run", beside=beside, usual=False)


def choices(names: Iterable[str]) -> dict[str, Any]:
    """Give what a run's distributions depend on, if it counts any (JSON values)."""
    known = measures()
    return CHOICES if any(known[name].of in (WALKS, REAL_ENTROPY) for name in names) else {}
