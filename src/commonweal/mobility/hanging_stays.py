"""How the cells of flows by hour and from stay to stay hang together, with one another and with presence.

flows_hourly   pairs of areas and of their parts: a union
               hours and their day in flows: a union         the destination: within the hour's presence
flows_stays    pairs of areas and of their parts: a union
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.areas import Areas
from commonweal.disclosure import Keys, Kind, Relations
from commonweal.mobility.hanging_flows import ENDS, inside, larger
from commonweal.mobility.measure import Scope


def stay_and_hour_kinds(areas: Areas, scope: Scope, keys: Mapping[str, Keys]) -> list[Relations]:
    """Say which cells of these datasets are parts of which.

    Parameters
    ----------
    scope
        The days of the run; only hours within them are known to make up days.
    """
    found = []
    presence, flows, hourly, stays = (
        keys.get(f"mobility.{name}") for name in ("presence", "flows", "flows_hourly", "flows_stays")
    )
    for kind in (hourly, stays):
        if kind:
            found.append(larger(areas, kind, Kind.UNION, ENDS))
    if hourly and flows:
        start = np.asarray(hourly.table["start"].cast(pa.int64())) // 1_000_000
        within = np.flatnonzero((start >= scope.days[0]) & (start < scope.days[-1]))
        days = scope.days[np.searchsorted(scope.days, start[within], side="right") - 1]
        found.append(inside(Kind.UNION, flows, hourly, within, start=Scope.times(days)))
    if hourly and presence:
        found.append(inside(Kind.WITHIN, presence, hourly, area=hourly.table["destination"], period="hour"))
    return found
