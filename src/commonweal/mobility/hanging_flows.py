"""How the cells of the kinds of flows hang together, with one another and with presence.

flows_all_pairs     pairs of areas and of their parts: a union         both ends: within the day's presence
flows_consecutive   pairs of areas and of their parts: a union         both ends: within the day's presence
                    pairs of two areas: the same as in flows
flows_lagged        within-day: as, and the same as, flows_all_pairs   either: a union of the other two
                    inter-day: a sum over pairs of parts               the destination: within the day's presence
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.areas import Areas
from commonweal.disclosure import Keys, Kind, Relations, grouped, rows_by_key

ENDS = ("origin", "destination")
LAGGED = ("within-day", "inter-day", "either")


def flow_kinds(areas: Areas, keys: Mapping[str, Keys]) -> list[Relations]:
    """Say which cells of these datasets are parts of which."""
    found = []
    presence, flows, pairs, consecutive, lagged = (
        keys.get(f"mobility.{name}")
        for name in ("presence", "flows", "flows_all_pairs", "flows_consecutive", "flows_lagged")
    )
    for kind in (pairs, consecutive):
        if kind:
            found.append(larger(areas, kind, Kind.UNION, ENDS))
            if presence:
                found += [there(presence, kind, end) for end in ENDS]
    if flows and consecutive:
        found.append(inside(Kind.SUM, flows, consecutive))
    if lagged:
        within, between, either = (chosen(lagged, "part", part) for part in LAGGED)
        found += [larger(areas, lagged, Kind.UNION, ENDS, of) for of in (within, either)]
        found.append(larger(areas, lagged, Kind.SUM, ENDS, between))
        found.append(inside(Kind.UNION, lagged, lagged, np.concatenate([within, between]), part="either"))
        if pairs:
            found.append(inside(Kind.SUM, pairs, lagged, within))
        if presence:
            found.append(there(presence, lagged, "destination"))
            found.append(there(presence, lagged, "origin", within))
    return found


def chosen(cells: Keys, column: str, value: str) -> np.ndarray:
    """Give the rows of a table of keys that have a value."""
    return np.flatnonzero(np.asarray(pc.equal(cells.table[column], value)))


def larger(areas: Areas, cells: Keys, kind: Kind, columns: Sequence[str], of: np.ndarray | None = None) -> Relations:
    """An area's parts are the areas that lie in it; a pair's are the pairs of parts."""
    parents = dict(zip(areas.codes, areas.parents, strict=True))
    of = np.arange(cells.table.num_rows) if of is None else of
    table = cells.table.take(pa.array(of))
    above = {name: pa.array([parents.get(code) for code in table[name].to_pylist()], pa.string()) for name in columns}
    return inside(kind, cells, cells, of, **above)


def there(presence: Keys, flows: Keys, end: str, of: np.ndarray | None = None) -> Relations:
    """Who is in a flow was in the area of its end on that day."""
    of = np.arange(flows.table.num_rows) if of is None else of
    area = flows.table[end].take(pa.array(of))
    return inside(Kind.WITHIN, presence, flows, of, area=area, period="day")


def inside(
    kind: Kind, wholes: Keys, parts: Keys, of: np.ndarray | None = None, **columns: pa.Array | pa.ChunkedArray | str
) -> Relations:
    """Relate parts to the wholes that have their key, but for some columns.

    Parameters
    ----------
    of
        Which rows of the parts; all if None.
    columns
        Of the whole: a value for each of these rows, or one for all.
    """
    of = np.arange(parts.table.num_rows) if of is None else of
    table = parts.table.take(pa.array(of))
    wanted = {}
    for name in wholes.table.column_names:
        given = columns.get(name)
        column = table[name] if given is None else given
        if isinstance(column, str):
            column = pa.array([column] * len(of), pa.string())
        wanted[name] = column.cast(wholes.table[name].type)
    whole = rows_by_key(pa.table(wanted), wholes.table)
    return grouped(kind, np.where(whole < 0, -1, whole + wholes.first), of + parts.first)
