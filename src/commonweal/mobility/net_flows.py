"""Inflow, outflow and net flow of areas, from a published table of pairs: what is hidden stays hidden.

For an area a, at one time and of one part where a table has parts, over the published flows x::

    inflow(a)  = Σ over o ≠ a of x(o, a)
    outflow(a) = Σ over t ≠ a of x(a, t)
    net(a)     = inflow(a) − outflow(a)

A flow that was not published makes the sum that it belongs to unknown, never smaller: the sum is missing, and beside it
stands what it is at least, and of how many flows nothing is known. A sum over pairs counts somebody once for each pair.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release, get
from commonweal.core.console import Home
from commonweal.core.errors import InputError

ENDS = ("origin", "destination")


def net_flows(table: pa.Table, value: str = "subscribers") -> pa.Table:
    """Add flows up by area.

    Parameters
    ----------
    table
        Keys ``origin``, ``destination`` and others; a value, null where it is not published; its state.
    value
        The column of the value.

    Returns
    -------
    ``area``, the other keys, ``inflow``, ``outflow`` and ``net`` (null where not all is known), ``inflow_at_least``,
    ``outflow_at_least``, ``inflow_hidden`` and ``outflow_hidden``; sorted by the other keys, then by area.

    Examples
    --------
    >>> flows = pa.table({"origin": ["A", "B", "A", "C"], "destination": ["B", "A", "C", "A"],
    ...                   "subscribers": pa.array([20, 30, None, 15])})
    >>> of_a = net_flows(flows).to_pylist()[0]
    >>> {name: of_a[name] for name in ("area", "inflow", "outflow", "net", "outflow_at_least", "outflow_hidden")}
    {'area': 'A', 'inflow': 45, 'outflow': None, 'net': None, 'outflow_at_least': 20, 'outflow_hidden': 1}
    """
    others = [name for name in table.column_names if name in ("part", "period", "start")]
    moves = table.filter(pc.not_equal(table["origin"], table["destination"]))
    # Every area at every time of each part, though nobody moved.
    known = {tuple(row.values()): row for row in _every(table, others).to_pylist()}
    found = []
    for end, own in (("inflow", "destination"), ("outflow", "origin")):
        sums = (
            moves.append_column("hidden", pc.cast(pc.is_null(moves[value]), pa.int64()))
            .group_by([own, *others])
            .aggregate([(value, "sum"), ("hidden", "sum")])
        )
        for row in sums.to_pylist():
            key = (row[own], *(row[name] for name in others))
            known[key] |= {f"{end}_at_least": row[f"{value}_sum"] or 0, f"{end}_hidden": row["hidden_sum"]}
    for row in known.values():
        for end in ("inflow", "outflow"):
            row.setdefault(f"{end}_at_least", 0)
            row.setdefault(f"{end}_hidden", 0)
            row[end] = None if row[f"{end}_hidden"] else row[f"{end}_at_least"]
        whole = row["inflow"] is not None and row["outflow"] is not None
        row["net"] = row["inflow"] - row["outflow"] if whole else None
        found.append(row)
    counted = ["inflow", "outflow", "net"]
    counted += [f"{end}_{what}" for what in ("at_least", "hidden") for end in ("inflow", "outflow")]
    schema = pa.schema(
        [("area", pa.string()), *((name, table.schema.field(name).type) for name in others)]
        + [(name, pa.int64()) for name in counted]
    )
    return pa.Table.from_pylist(found, schema).sort_by([(name, "ascending") for name in (*others, "area")])


def _every(table: pa.Table, others: list[str]) -> pa.Table:
    """Give every area with every combination of the other keys that the table has."""
    ends = [pc.cast(table[end], pa.string()).combine_chunks() for end in ENDS]
    areas = pc.unique(pa.concat_arrays(ends))
    if not others:
        return pa.table({"area": areas})
    rest = table.select(others).group_by(others).aggregate([])
    place = np.indices((len(areas), rest.num_rows)).reshape(2, -1)
    return rest.take(pa.array(place[1])).add_column(0, "area", areas.take(pa.array(place[0])))


def net_of_release(home: Home, name: str, version: int | None = None) -> tuple[Release, pa.Table]:
    """Add the flows of a release up by area; of the newest if no version is given.

    Raises
    ------
    InputError
        It is no table of pairs of areas.
    """
    release = get(home.database, name, version)
    keys = [dimension.name for dimension in release.schema.dimensions]
    if not set(ENDS) <= set(keys) or not release.schema.measures:
        raise InputError(f"its keys are {', '.join(keys)}", where=release.label, expected="an origin and a destination")
    return release, net_flows(release.table(home.settings), release.schema.measures[0].name)
