"""Accidental roaming: whom a network across the border served for a moment, by the district they were in.

What it is says `borders.visits`. For an area a and a day d, over the segments j of accidental roaming::

    in(a, d)  = |{ s(j) : country(j) is the network's own, area(j) = a, j begins on d }|
    out(a, d) = |{ s(j) : home(j) is the network's own, the last area at home before j is a, j begins on d }|
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
    DIRECTIONS,
    KEYWORDS,
    START,
    SUBSCRIBERS,
    numbers,
    on_day,
)
from commonweal.mobility.borders.places import own_countries
from commonweal.mobility.measure import Window

DATASET = Dataset(
    name="mobility.accidental_roaming",
    title=Wording("Accidental roaming at the border"),
    description=Wording(
        "Distinct subscribers whom a network across the border served by accident on a day; they are left out of "
        "visits and trips."
    ),
    dimensions=(
        Dimension(
            "direction",
            "string",
            Wording("in: subscribers of another country served here; out: own subscribers served by another country."),
        ),
        Dimension("area", "area", Wording("Where they were, or were seen last at home."), hierarchy="area"),
        START,
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("accidental roaming", *KEYWORDS),
    theme="TRAN",
)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who roamed by accident, and where."""
    assert window.network is not None
    found = numbers(rows)
    own, accidental = own_countries(window.network), np.asarray(rows["accidental"])
    inward = accidental & own[found["country"]] & (found["first_area"] >= 0)
    outward = accidental & own[found["home"]] & (found["from_area"] >= 0)
    whose, start = found["subscriber"], found["start"]
    return Behind(
        np.concatenate([whose[inward], whose[outward]]),
        {
            "direction": np.repeat([0, 1], [inward.sum(), outward.sum()]),
            "area": np.concatenate([found["first_area"][inward], found["from_area"][outward]]),
            "start": on_day(window, np.concatenate([start[inward], start[outward]])),
        },
    )


PROTECTION = protection(
    title=Wording("Accidental roaming at the border, with noise"),
    description=Wording(
        "Distinct subscribers whom a network across the border served by accident on a day; they are left out of "
        "visits and trips. With noise that hides any one of them."
    ),
    behind=behind,
    columns={"direction": len(DIRECTIONS), "area": 0},
    keys={Unit.DAY: 1, Unit.WEEK: 3, Unit.MONTH: 8},
)
MEASURE = people_measure(DATASET, behind, PROTECTION, of=visits.DERIVATION, said={"direction": DIRECTIONS})
