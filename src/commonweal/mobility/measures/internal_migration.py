"""Internal migration: subscribers by their long-term home of the first half of the run and of the second.

With the label home of `usual_environment`, found over the first ⌊n / 2⌋ of a run's n days and over the others, and of
several areas with it the one with the largest score, then the first::

    migration(o, t) = |{ s : home(s, first half) = o, home(s, second half) = t }|

Who stays counts in o = t, who has no home by permanence in one of the two halves nowhere. A half should have several
months: over some weeks this tells of absence rather than of migration.

Source: Eurostat, *multimno* 1.0, ``InternalMigration``, whose devices migrate if the tiles of their homes overlap by
less than half: of one area each, if it is another.
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
from commonweal.mobility.measures import pairs, permanence
from commonweal.mobility.measures.usual_environment import ALL, CHOICES, HOME, labelled, scores

DATASET = pairs.dataset(
    "internal_migration",
    Wording("Internal migration"),
    Wording("Subscribers by their long-term home area in the first half of the days and in the second."),
    kind=Kind.SUM,
)


def long_term_homes(rows: pa.Table, begins: int, ends: int) -> tuple[np.ndarray, np.ndarray]:
    """Give subscribers with a home by permanence between two dates, days from 1970, and its area; int64 and int32."""
    of = scores(rows, begins, ends)
    found = labelled(of.first, of.score, of.days, of.whole, of.seen, ends - begins)[HOME]
    row = np.flatnonzero(found)
    person = np.searchsorted(of.first, row, side="right") - 1
    order = np.lexsort((of.area[row], -of.score[ALL, row], person))
    row, person = row[order], person[order]
    best = np.diff(person, prepend=-1) != 0
    return of.subscriber[person[best]], of.area[row[best]]


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who lived where and lives where: found over all days, so all stand on the first."""
    assert window.wall is not None
    dates = window.wall[np.searchsorted(window.hours, window.days[:-1])] // permanence.DAY
    first, ends = int(dates[0]), int(dates[-1]) + 1
    middle = first + (ends - first) // 2
    before, origin = long_term_homes(rows, first, middle)
    after, destination = long_term_homes(rows, middle, ends)
    both, one, other = np.intersect1d(before, after, assume_unique=True, return_indices=True)
    begun = np.full(len(both), window.days[0] + window.starts)
    key = pairs.keys(begun, origin[one], destination[other], window.areas)
    return {"": Members(both, np.zeros(len(both), np.int64), key)}


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept, which are all."""
    return pairs.counted(keys[""], window.areas)


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's subscribers by their two homes."""
    return pairs.counted(members(rows, window)[""].key, window.areas)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas; say from when on days were looked at."""
    return pairs.finished(counts, scope)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every pair of areas."""
    return pairs.whole_grid(DATASET, scope, scope.days[:1])


PROTECTION = Protection(
    title=Wording("Internal migration, with noise"),
    description=Wording(
        "Subscribers by their long-term home area in the first half of the days and in the second, with noise that "
        "hides any one of them."
    ),
    keys={"": dict.fromkeys(Unit, 1)},
    members=members,
    counted=counted,
    whole_run=True,
)
MEASURE = Measure(
    DATASET,
    count,
    finish,
    grid,
    PROTECTION,
    of=permanence.DERIVATION,
    window="run",
    usual=False,
    choices={**CHOICES, "compared": Wording("the first half of the days with the second"), "staying": True},
)
