"""Inbound: distinct visitors from each country who were seen in an area on a day.

For a country c, an area a and a day d of the clock, over the segments j of visits (see `borders.visits`)::

    inbound(c, a, d) = |{ s(j) : home(j) = c, country(j) ≠ c is the network's own, area(j) = a, j begins on d,
                                 j is no accidental roaming }|
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Privacy
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.behind import Behind, people_measure, protection
from commonweal.mobility.borders import visits
from commonweal.mobility.borders.counted import (
    KEYWORDS,
    START,
    SUBSCRIBERS,
    numbers,
    on_day,
)
from commonweal.mobility.borders.places import own_countries
from commonweal.mobility.measure import Window
from commonweal.mobility.mobile_countries import COUNTRIES

DATASET = Dataset(
    name="mobility.inbound",
    title=Wording("Visitors from abroad"),
    description=Wording(
        "Distinct subscribers of another country's networks seen in an area on a day; who only roamed by accident at a "
        "border is left out."
    ),
    dimensions=(
        Dimension("country", "string", Wording("The country of their home network, ISO 3166-1; ZZ: of no country.")),
        Dimension("area", "area", Wording("Where they were seen."), hierarchy="area"),
        START,
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("inbound", *KEYWORDS),
    theme="TRAN",
)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who was seen where, of visitors."""
    assert window.network is not None
    found = numbers(rows)
    own = own_countries(window.network)
    visiting = (found["home"] >= 0) & (found["country"] != found["home"]) & own[found["country"]]
    chosen = visiting & (found["first_area"] >= 0) & ~np.asarray(rows["accidental"])
    return Behind(
        found["subscriber"][chosen],
        {
            "country": found["home"][chosen],
            "area": found["first_area"][chosen],
            "start": on_day(window, found["start"][chosen]),
        },
    )


PROTECTION = protection(
    title=Wording("Visitors from abroad, with noise"),
    description=Wording(
        "Distinct subscribers of another country's networks seen in an area on a day; who only roamed by accident "
        "at a border is left out. With noise that hides any one of them."
    ),
    behind=behind,
    columns={"country": len(COUNTRIES), "area": 0},
    keys={Unit.DAY: 3, Unit.WEEK: 10, Unit.MONTH: 30},
)
MEASURE = people_measure(DATASET, behind, PROTECTION, of=visits.DERIVATION, said={"country": COUNTRIES})
