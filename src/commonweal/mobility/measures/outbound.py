"""Outbound: distinct residents who were in each other country on a day.

For a country c and a day d, over the segments j of visits (see `borders.visits`)::

    outbound(c, d) = |{ s(j) : home(j) ≠ c is the network's own, country(j) = c, j begins on d,
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
    name="mobility.outbound",
    title=Wording("Residents abroad"),
    description=Wording(
        "Distinct subscribers of the network's own country who used a network of another country on a day; who only "
        "roamed by accident at a border is left out."
    ),
    dimensions=(
        Dimension("country", "string", Wording("The country they were in, ISO 3166-1; ZZ: of no country.")),
        START,
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("outbound", *KEYWORDS),
    theme="TRAN",
)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who was in which country, of residents."""
    assert window.network is not None
    found = numbers(rows)
    own = own_countries(window.network)
    chosen = (found["home"] >= 0) & own[found["home"]] & (found["country"] != found["home"])
    chosen &= ~np.asarray(rows["accidental"])
    return Behind(
        found["subscriber"][chosen],
        {"country": found["country"][chosen], "start": on_day(window, found["start"][chosen])},
    )


PROTECTION = protection(
    title=Wording("Residents abroad, with noise"),
    description=Wording(
        "Distinct subscribers of the network's own country who used a network of another country on a day; who "
        "only roamed by accident at a border is left out. With noise that hides any one of them."
    ),
    behind=behind,
    columns={"country": len(COUNTRIES)},
    keys={Unit.DAY: 2, Unit.WEEK: 8, Unit.MONTH: 31},
)
MEASURE = people_measure(DATASET, behind, PROTECTION, of=visits.DERIVATION, said={"country": COUNTRIES})
