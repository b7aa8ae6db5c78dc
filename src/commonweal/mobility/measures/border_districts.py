"""Border crossings by district: entry and exit districts of each day.

    districts(c, r, w, a, d) = |{ s : s crossed from or to country c in direction r, as w, in area a on day d }|

as in `border_crossings`, whose counts are the unions of these.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Privacy
from commonweal.core.engine import keyed_counts
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.behind import Behind, protection
from commonweal.mobility.borders import trips
from commonweal.mobility.borders.counted import (
    DIRECTIONS,
    KEYWORDS,
    START,
    SUBSCRIBERS,
    complete,
    named,
)
from commonweal.mobility.borders.crossings import WHO, crossings, listed
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures.border_crossings import COUNTRY, DIRECTION, WHOSE, countries_listed
from commonweal.mobility.mobile_countries import COUNTRIES

DATASET = Dataset(
    name="mobility.border_districts",
    title=Wording("Border crossings by district"),
    description=Wording(
        "Distinct subscribers who came into the country or left it on a day, by the district in which they were seen "
        "first or last."
    ),
    dimensions=(
        COUNTRY,
        DIRECTION,
        WHOSE,
        Dimension("area", "area", Wording("The entry or exit district."), hierarchy="area"),
        START,
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("border", *KEYWORDS),
    theme="TRAN",
)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who crossed."""
    found = crossings(rows, window)
    return Behind(
        found.subscriber,
        {
            "country": found.country,
            "direction": found.direction,
            "who": found.who,
            "area": found.area,
            "start": found.start,
        },
    )


def unnamed(window: Window) -> pa.Table:
    """Give the countries by which crossings are counted, without anybody."""
    countries = listed(window)
    none = np.zeros(len(countries), np.int64)
    keys = {"country": countries, "direction": none - 1, "who": none - 1, "area": none, "start": none}
    return keyed_counts(keys, {"people": none})


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's crossings; countries by which they are counted stand there without anybody."""
    return pa.concat_tables([behind(rows, window).people(), unnamed(window)])


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name countries, directions, people, areas and days."""
    return named(counts, scope, country=COUNTRIES, direction=DIRECTIONS, who=WHO)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every country around, both directions, both kinds of people, every area, every day."""
    return complete(DATASET, scope, country=countries_listed(counts), direction=DIRECTIONS, who=WHO)


PROTECTION = protection(
    title=Wording("Border crossings by district, with noise"),
    description=Wording(
        "Distinct subscribers who came into the country or left it on a day, by the district in which they were "
        "seen first or last, with noise that hides any one of them."
    ),
    behind=behind,
    columns={"country": len(COUNTRIES), "direction": len(DIRECTIONS), "who": len(WHO), "area": 0},
    keys={Unit.DAY: 2, Unit.WEEK: 4, Unit.MONTH: 8},
    listed=unnamed,
    whole_run=True,
    grows=True,
)
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=trips.DERIVATION, network=True, usual=False)
