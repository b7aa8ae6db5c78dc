"""Commuting: subscribers by the area they live in and the area they work in.

With the home of last-of-day, as in mobility.home, and the place of work of `home_rules`, over the days of the run::

    commuting(o, t) = |{ s : home(s) = o, work(s) = t }|

Who works where they live counts in o = t; who is never seen in working hours counts nowhere. Everybody is in one pair.

Source: home and work as the most frequented places of nights and of working hours: S. Isaacman et al., *Identifying
Important Places in People's Lives from Cellular Network Data* (2011); M. Lenormand et al., *Cross-checking different
sources of mobility information* (2014).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Kind
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures import pairs
from commonweal.mobility.measures.home_rules import DERIVATION, LAST, Homes

DATASET = pairs.dataset(
    "commuting",
    Wording("Commuting"),
    Wording("Subscribers by the area where they live and the area where they work."),
    kind=Kind.SUM,
)


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who commutes from where to where: found over all days, so all stand on the first."""
    found = Homes.of(rows)
    there = found.work >= 0
    subscriber, origin, destination = found.subscriber[there], found.area[LAST][there], found.work[there]
    begins = np.full(len(subscriber), window.days[0] + window.starts)
    none = np.zeros(len(subscriber), np.int64)
    return {"": Members(subscriber, none, pairs.keys(begins, origin, destination, window.areas))}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept, which are all."""
    return pairs.counted(keys[""], window.areas)


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's commuters by pair of areas."""
    return pairs.counted(members(rows, window)[""].key, window.areas)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas; say from when on days were looked at."""
    return pairs.finished(counts, scope)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of areas."""
    return pairs.whole_grid(DATASET, scope, scope.days[:1])


PROTECTION = Protection(
    title=Wording("Commuting, with noise"),
    description=Wording(
        "Subscribers by the area where they live and the area where they work, with noise that hides any one of them."
    ),
    keys={"": {Unit.DAY: 1, Unit.WEEK: 1, Unit.MONTH: 1}},
    members=members,
    counted=counted,
    whole_run=True,
)
CHOICES = {
    "home": Wording("last location of the day, mode over days, tie to the most recent"),
    "work": Wording(
        "half-hours from 09:00 to before 17:00, Monday to Friday; ties to the most recent day, then last seen"
    ),
    "staying": True,
    "no_area": Wording("left out"),
}
MEASURE = Measure(
    DATASET,
    count,
    finish,
    grid,
    PROTECTION,
    of=DERIVATION,
    window="run",
    usual=False,
    choices=CHOICES,
)
