"""Border crossings: who came in and who went out, from or to which country, on which day, over all districts.

    crossings(c, r, w, d) = |{ s : s crossed from or to country c in direction r, as w, on d, in a known district }|

with crossings as `borders.crossings` finds them. Countries that are not around the network's own count together as ZZ.
This is what two operators' views of one border are joined by (`borders.joining`).
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
from commonweal.mobility.mobile_countries import COUNTRIES

COUNTRY = Dimension(
    "country", "string", Wording("The country on the other side, ISO 3166-1; ZZ: any that is not around.")
)
DIRECTION = Dimension("direction", "string", Wording("in: coming into the network's country; out: leaving it."))
WHOSE = Dimension("who", "string", Wording("resident: of this country's networks; visitor: of another country's."))
DATASET = Dataset(
    name="mobility.border_crossings",
    title=Wording("Border crossings"),
    description=Wording("Distinct subscribers who came into the country or left it on a day."),
    dimensions=(COUNTRY, DIRECTION, WHOSE, START),
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
            "start": found.start,
        },
    )


def unnamed(window: Window) -> pa.Table:
    """Give the countries by which crossings are counted, without anybody."""
    countries = listed(window)
    none = np.zeros(len(countries), np.int64)
    keys = {"country": countries, "direction": none - 1, "who": none - 1, "start": none}
    return keyed_counts(keys, {"people": none})


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's crossings; countries by which they are counted stand there without anybody."""
    return pa.concat_tables([behind(rows, window).people(), unnamed(window)])


def countries_listed(counts: pa.Table) -> tuple[str, ...]:
    """Give the countries that stand there without anybody."""
    unnamed = counts.filter(pa.array(counts["direction"].to_numpy() < 0))
    return tuple(sorted({COUNTRIES[index] for index in unnamed["country"].to_pylist()}))


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name countries, directions, people and days."""
    return named(counts, scope, country=COUNTRIES, direction=DIRECTIONS, who=WHO)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every country around, both directions, both kinds of people, every day."""
    return complete(DATASET, scope, country=countries_listed(counts), direction=DIRECTIONS, who=WHO)


PROTECTION = protection(
    title=Wording("Border crossings, with noise"),
    description=Wording(
        "Distinct subscribers who came into the country or left it on a day, with noise that hides any one of them."
    ),
    behind=behind,
    columns={"country": len(COUNTRIES), "direction": len(DIRECTIONS), "who": len(WHO)},
    keys={Unit.DAY: 2, Unit.WEEK: 4, Unit.MONTH: 8},
    listed=unnamed,
    whole_run=True,
    grows=True,
)
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=trips.DERIVATION, network=True, usual=False)
