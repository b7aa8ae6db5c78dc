"""Transit: who came into the network's country and left it again without a night, by entry and exit district.

For areas o, u and a day d, over visits v (see `borders.trips`) to the network's country by people of another one::

    transit(o, u, d) = |{ s(v) : entry(v) = o, exit(v) = u, the last located event of v is on d,
                                 v was entered and left within the run, nights(v) = 0 }|

Pairs of one district are there: whoever turned back where they came in.
"""

from __future__ import annotations

import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Privacy
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.behind import Behind, people_measure, protection
from commonweal.mobility.borders import trips
from commonweal.mobility.borders.counted import (
    KEYWORDS,
    START,
    SUBSCRIBERS,
    numbers,
    on_day,
)
from commonweal.mobility.borders.places import own_countries
from commonweal.mobility.measure import Window

DATASET = Dataset(
    name="mobility.transit",
    title=Wording("Transit"),
    description=Wording(
        "Distinct visitors who came into the country and left it again without spending a night, by the district in "
        "which they were seen first and last."
    ),
    dimensions=(
        Dimension("origin", "area", Wording("The entry district."), hierarchy="area"),
        Dimension("destination", "area", Wording("The exit district."), hierarchy="area"),
        START,
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("transit", *KEYWORDS),
    theme="TRAN",
)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who was in transit."""
    assert window.network is not None
    found = numbers(rows)
    own = own_countries(window.network)
    chosen = own[found["country"]] & (found["entered"] > 0) & (found["left"] > 0)
    chosen &= (found["nights"] == 0) & (found["entry_area"] >= 0)
    return Behind(
        found["subscriber"][chosen],
        {
            "origin": found["entry_area"][chosen],
            "destination": found["exit_area"][chosen],
            "start": on_day(window, found["exit_at"][chosen]),
        },
    )


PROTECTION = protection(
    title=Wording("Transit, with noise"),
    description=Wording(
        "Distinct visitors who came into the country and left it again without spending a night, by the district "
        "in which they were seen first and last, with noise that hides any one of them."
    ),
    behind=behind,
    columns={"origin": 0, "destination": 0},
    keys={Unit.DAY: 1, Unit.WEEK: 2, Unit.MONTH: 4},
    whole_run=True,
    grows=True,
)
MEASURE = people_measure(DATASET, behind, PROTECTION, of=trips.DERIVATION, choices={"staying": True})
