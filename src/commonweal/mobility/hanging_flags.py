"""How flagged events hang together with presence: whoever had one in a cell was there on that day.

An event out of its cell's life, without a position or in a network of no country stands in no area, or in none for
sure, so it tells nothing of an area. Nor does one of a cell that stood in two areas on the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.areas import Areas
from commonweal.disclosure import Keys, Kind, Relations
from commonweal.mobility.cleaning.flagging import Flag
from commonweal.mobility.hanging_flows import inside
from commonweal.mobility.measure import Scope

LOCATED = tuple(flag.name.lower() for flag in (Flag.MACHINE, Flag.INCORRECT_PLACE, Flag.SUSPICIOUS_PLACE))
LONGEST_DAY = int(timedelta(hours=25).total_seconds())


def flag_kinds(areas: Areas, scope: Scope, keys: Mapping[str, Keys]) -> list[Relations]:
    """Say which flagged events lie within the presence of which area."""
    presence, flags = keys.get("mobility.presence"), keys.get("mobility.flags")
    if presence is None or flags is None or scope.standing is None:
        return []
    standing, table = scope.standing, flags.table
    rows = np.flatnonzero(np.asarray(pc.is_in(table["flag"], pa.array(LOCATED))))
    starts = table["start"].take(pa.array(rows)).cast(pa.int64()).to_numpy() // 1_000_000
    names = table["cell"].take(pa.array(rows)).to_pylist()
    known: dict[tuple[str, int], str | None] = {}
    for key in zip(names, starts.tolist(), strict=True):
        if key not in known:
            name, begins = key
            day = int(np.searchsorted(scope.days, begins, side="right"))
            ends = int(scope.days[day]) if 0 < day < len(scope.days) else begins + LONGEST_DAY
            cell = standing.codes.get(name)
            area = -1 if cell is None else standing.area(cell, begins, ends)
            known[key] = areas.codes[area] if area >= 0 else None
    where = [known[key] for key in zip(names, starts.tolist(), strict=True)]
    there = np.array([area is not None for area in where], bool)
    area = pa.array([area for area in where if area is not None], pa.string())
    return [inside(Kind.WITHIN, presence, flags, rows[there], area=area, period="day")]
