"""Visits by nights: people by how many nights their visits to another country lasted.

For a direction r, a country c and a class b of nights, over visits v (see `borders.trips`) that were entered and left
within the run::

    in(c, b)  = |{ s(v) : home(v) = c, country(v) is the network's own, nights(v) ∈ b }|
    out(c, b) = |{ s(v) : home(v) is the network's own, country(v) = c, nights(v) ∈ b }|
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Privacy
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.behind import Behind, protection
from commonweal.mobility.borders import trips
from commonweal.mobility.borders.counted import (
    DIRECTIONS,
    KEYWORDS,
    SUBSCRIBERS,
    complete,
    named,
    numbers,
)
from commonweal.mobility.borders.places import own_countries
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.mobile_countries import COUNTRIES

LEAST = (0, 1, 2, 4, 8, 15)
"""The fewest nights of each class: same day, 1, 2–3, 4–7, 8–14, 15 and more."""
DATASET = Dataset(
    name="mobility.visit_nights",
    title=Wording("Visits by nights"),
    description=Wording("Distinct subscribers by how many nights their visits to another country lasted."),
    dimensions=(
        Dimension("direction", "string", Wording("in: visitors here; out: residents abroad.")),
        Dimension("country", "string", Wording("Where visitors are from, or residents were, ISO 3166-1.")),
        Dimension("nights", "integer", Wording("The fewest nights of the class: 0, 1, 2, 4, 8 or 15."), unit="d"),
        Dimension("start", "timestamp", Wording("When the days that were looked at begin."), hierarchy="period"),
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("nights", "tourism", *KEYWORDS),
    theme="TRAN",
)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who made which visits."""
    assert window.network is not None
    found = numbers(rows)
    own = own_countries(window.network)
    whole = (found["entered"] > 0) & (found["left"] > 0)
    inward, outward = whole & own[found["country"]], whole & own[found["home"]]
    nights = np.array(LEAST)[np.searchsorted(LEAST, found["nights"], side="right") - 1]
    return Behind(
        np.concatenate([found["subscriber"][inward], found["subscriber"][outward]]),
        {
            "direction": np.repeat([0, 1], [inward.sum(), outward.sum()]),
            "country": np.concatenate([found["home"][inward], found["country"][outward]]),
            "nights": np.concatenate([nights[inward], nights[outward]]),
        },
    )


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's visits."""
    return behind(rows, window).people()


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name directions and countries; say from when on days were looked at."""
    begun = pa.array(np.full(counts.num_rows, scope.days[0]))
    return named(counts.append_column("start", begun), scope, direction=DIRECTIONS, country=COUNTRIES)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Both directions, every country and class."""
    begun = scope.times(scope.days[:1])
    return complete(DATASET, scope, direction=DIRECTIONS, nights=pa.array(LEAST, pa.int64()), start=begun)


PROTECTION = protection(
    title=Wording("Visits by nights, with noise"),
    description=Wording(
        "Distinct subscribers by how many nights their visits to another country lasted, with noise that hides any "
        "one of them."
    ),
    behind=behind,
    columns={"direction": len(DIRECTIONS), "country": len(COUNTRIES), "nights": LEAST[-1] + 1},
    keys={Unit.DAY: 1, Unit.WEEK: 2, Unit.MONTH: 3},
    starts=False,
    whole_run=True,
)
MEASURE = Measure(
    DATASET, count, finish, grid, PROTECTION, of=trips.DERIVATION, window="run", network=True, usual=False
)
