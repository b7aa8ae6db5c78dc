"""Flags: how many events cleaning flagged, by day and cell, and how many subscribers they are of.

With the flag f(i) that cleaning gives an event i, the first of its table that fits, and its cell c(i)::

    events(d, c, f)      = |{ i : t(i) ∈ d, c(i) = c, f(i) = f }|
    subscribers(d, c, f) = |{ s(i) : t(i) ∈ d, c(i) = c, f(i) = f }|

Events count nobody: they are a sum of contributions, n(s) events of subscriber s. So a sum is published only if enough
people stand behind it and nobody dominates it, max n(s) ≤ p/100 · Σ n(s), p = 50 (`commonweal.disclosure.dominance`).
Events abroad that no cell of the operator served stand under ``(no cell)``.

Source: quality metrics of semantic cleaning in Eurostat's *multimno* 1.0, there by day alone.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.errors import Refused
from commonweal.core.grouping import groups
from commonweal.core.wording import Wording
from commonweal.mobility.borders.counted import LARGEST_GRID, START, SUBSCRIBERS
from commonweal.mobility.bounding import Unprotected
from commonweal.mobility.cells import ABROAD
from commonweal.mobility.cleaning.flagging import Flag
from commonweal.mobility.cleaning.parameters import DEFAULT
from commonweal.mobility.cleaning.semantic import FLAGGED
from commonweal.mobility.contributed import added_up
from commonweal.mobility.measure import Measure, Scope, Window, product
from commonweal.mobility.sequences import Events, distinct

NO_CELL = "(no cell)"
FLAGS = tuple(flag for flag in Flag if flag != Flag.NONE)

DATASET = Dataset(
    name="mobility.flags",
    title=Wording("Flagged events"),
    description=Wording("Events that cleaning flagged as impossible or no person's, by day, cell and flag."),
    dimensions=(
        Dimension("cell", "string", Wording("The operator's identifier of the cell."), title=Wording("Cell")),
        Dimension("flag", "string", Wording("What is wrong with the events."), title=Wording("Flag")),
        START,
    ),
    measures=(
        SUBSCRIBERS,
        Value("events", "integer", Wording("Flagged events."), "{events}", Kind.SUM),
    ),
    privacy=Privacy.PEOPLE,
    keywords=("quality", "cleaning", "cells", "mobile phone data"),
    theme="SOCI",
)


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's subscribers by day, cell, flag, and how many flagged events they had there."""
    assert window.network is not None
    wrong = np.flatnonzero(events.columns["flag"] != Flag.NONE)
    cell, flag = window.network.cell[events.span[wrong]], events.columns["flag"][wrong]
    first, many = distinct(events.subscriber_day[wrong], cell.astype(np.int64) * len(Flag) + flag)
    day, cell, flag = events.day[wrong[first]], cell[first], flag[first]
    row, number = groups([day, cell, flag, many])
    keys = {"start": window.days[day[row]] + window.starts, "cell": cell[row], "flag": flag[row], "events": many[row]}
    return keyed_counts(keys, {"people": np.bincount(number, minlength=len(row))})


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Add up what everybody contributed; name cells, flags and days."""
    keys, sums = added_up(counts, ["start", "cell", "flag"], "events")
    return pa.table(
        {
            "cell": cells(scope).take(pa.array(keys["cell"], pa.int64())),
            "flag": pa.array([Flag(flag).name.lower() for flag in keys["flag"].tolist()], pa.string()),
            "start": scope.times(keys["start"]),
            "subscribers": sums["people"],
            **sums,
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every cell with every flag on every day.

    Raises
    ------
    Refused
        They are too many to protect.
    """
    days, names = scope.days[:-1], cells(scope)
    if len(names) * len(FLAGS) * len(days) > LARGEST_GRID:
        raise Refused(f"{len(names):,} cells on {len(days)} days are too many rows", expected="fewer days")
    flags = pa.array([flag.name.lower() for flag in FLAGS])
    return product(cell=names, flag=flags, start=scope.times(days))


def cells(scope: Scope) -> pa.Array:
    """Give the names of cells by code."""
    assert scope.standing is not None
    return pa.array([NO_CELL if name == ABROAD else name for name in scope.standing.identifiers], pa.string())


PROTECTION = Unprotected(
    Wording("one person may have any number of events, and cutting them off would tell a wrong figure")
)
CHOICES = {
    "cleaning": asdict(DEFAULT),
    "no_area": Wording("counted"),
    "flags": [flag.name.lower() for flag in FLAGS],
    "several_flags": Wording("the first of this order"),
    "dominance": Wording("nobody has more than half of a published sum"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=FLAGGED, network=True, usual=False, choices=CHOICES)
