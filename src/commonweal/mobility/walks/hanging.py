"""How distributions of walks hang together, with residents and with one another.

residents        the sum of an area's bins, of each distribution
random entropy   the logarithm of locations, in the same bins: equal to them
one location     whoever visited one has no radius, no jump, no entropy and is always there: they are within the first
                 bin of each, and within the last one of regularity and of the share at home
uncorrelated     at most the random entropy: a bin is covered by the bins of random entropy from it on
jump length      at most the longest jump: a bin is covered by the bins of longest jumps from it on

Other inequalities are not declared, since they hold for sums of bins alone or by a factor: that a radius is no more
than the distance from home, or a jump no more than twice that distance.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.disclosure import Keys, Kind, Relations, grouped, joined, rows_by_key, with_columns
from commonweal.mobility.walks.distributing import LOCATION_BITS, LOCATIONS

LAST = ("regularity", "share_at_home")
FIRST = (
    "radius_of_gyration",
    "radius_of_gyration_by_time",
    "k_radius_of_gyration",
    "jump_length",
    "longest_jump",
    "distance_from_home",
    "uncorrelated_entropy",
)
"""In which bin of each somebody is who visited one location only. The estimate of the real entropy says nothing."""
AT_MOST = {"uncorrelated_entropy": "random_entropy", "jump_length": "longest_jump"}
DISTRIBUTIONS = frozenset(f"mobility.{name}" for name in (*FIRST, *LAST, "locations", "random_entropy", "real_entropy"))


def relate_walks(keys: Mapping[str, Keys]) -> Relations:
    """Say which cells of the distributions are parts of which.

    Parameters
    ----------
    keys
        By dataset: all cells that are published together, or were before.
    """
    there = {name.partition(".")[2]: cells for name, cells in keys.items() if name in DISTRIBUTIONS}
    found = []
    if home := keys.get("mobility.home"):
        found += [_parts_of(home, cells) for cells in there.values()]
    if locations := there.get("locations"):
        if entropy := there.get("random_entropy"):
            found.append(_equal(locations, entropy))
        found += [_within(there[name], locations, last=name in LAST) for name in (*FIRST, *LAST) if name in there]
    found += [_covered(there[less], there[more]) for less, more in AT_MOST.items() if less in there and more in there]
    return joined(found)


def _parts_of(home: Keys, cells: Keys) -> Relations:
    whole = rows_by_key(_lived(cells.table, home.table), home.table)
    return _links(Kind.SUM, home, whole, cells, np.arange(len(whole)))


def _lived(table: pa.Table, home: pa.Table) -> pa.Table:
    return pa.table({"area": table["area"], "start": table["start"].cast(home["start"].type)}).select(home.column_names)


def _equal(locations: Keys, entropy: Keys) -> Relations:
    names = dict(zip(LOCATION_BITS.edges, LOCATIONS.edges, strict=True))
    edges = {
        name: pa.array([float(names[e]) for e in entropy.table[name].to_pylist()]) for name in ("at_least", "below")
    }
    whole = rows_by_key(with_columns(entropy.table, **edges), locations.table)
    return _links(Kind.SUM, locations, whole, entropy, np.arange(len(whole)))


def _within(cells: Keys, locations: Keys, last: bool) -> Relations:
    edge = cells.table["at_least"].to_numpy()
    chosen = np.flatnonzero(edge == (edge.max() if last else edge.min()))
    one = np.flatnonzero(locations.table["at_least"].to_numpy() == LOCATIONS.edges[0])
    part = _same_people(cells.table.take(pa.array(chosen)), locations.table.take(pa.array(one)))
    return _links(Kind.WITHIN, cells, np.where(part < 0, -1, chosen), locations, one[part])


def _covered(less: Keys, more: Keys) -> Relations:
    """Whoever is in a bin of what is less is in one of what is more that does not end below it."""
    below = more.table["below"].to_numpy()
    whole, part = [], []
    for edge in np.unique(below).tolist():
        bins = np.flatnonzero(below == edge)
        at = _same_people(less.table, more.table.take(pa.array(bins)))
        reached = np.flatnonzero((at >= 0) & (less.table["at_least"].to_numpy() < edge))
        whole.append(reached)
        part.append(bins[at[reached]])
    return _links(Kind.COVER, less, np.concatenate(whole), more, np.concatenate(part))


def _same_people(table: pa.Table, other: pa.Table) -> np.ndarray:
    """For each row, which row of another table is of the same home area and days; -1 if none is."""
    names = ["area", "start"]
    asked = table.select(names)
    return rows_by_key(asked.set_column(1, "start", asked["start"].cast(other["start"].type)), other.select(names))


def _links(kind: Kind, wholes: Keys, whole: np.ndarray, parts: Keys, part: np.ndarray) -> Relations:
    return grouped(kind, np.where(whole < 0, -1, whole + wholes.first), part + parts.first)
