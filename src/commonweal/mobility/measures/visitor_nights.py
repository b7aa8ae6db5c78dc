"""Visitors' nights: how many people of other countries spent the night in an area.

For an area a and the night d, whose 04:00 lies on day d (see `borders.trips.nights_by_area`)::

    nights(a, d) = |{ s : s is of another country and stayed in a for at least 300 minutes across 04:00 of d }|

Nobody spends one night in two areas, so nights of a day add up over areas; and over days they add up to nights spent.
"""

from __future__ import annotations

import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.behind import Behind, people_measure, protection
from commonweal.mobility.borders import trips
from commonweal.mobility.borders.counted import KEYWORDS, numbers
from commonweal.mobility.measure import Window

DATASET = Dataset(
    name="mobility.visitor_nights",
    title=Wording("Visitors' nights"),
    description=Wording("Subscribers of another country's networks who spent the night in an area."),
    dimensions=(
        Dimension("area", "area", Wording("Where they spent the night."), hierarchy="area"),
        Dimension("start", "timestamp", Wording("When the day begins on which the night ends."), hierarchy="period"),
    ),
    measures=(
        Value(
            "subscribers",
            "integer",
            Wording("Distinct subscribers."),
            "{subscribers}",
            Kind.SUM,
            counts="subscribers",
            union_over=("start",),
        ),
    ),
    privacy=Privacy.PEOPLE,
    keywords=("nights", "tourism", *KEYWORDS),
    theme="TRAN",
)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who spent which night where."""
    found = numbers(rows)
    start = window.days[found["day"]] + window.starts
    return Behind(found["subscriber"], {"area": found["area"], "start": start})


PROTECTION = protection(
    title=Wording("Visitors' nights, with noise"),
    description=Wording(
        "Subscribers of another country's networks who spent the night in an area, with noise that hides any one "
        "of them."
    ),
    behind=behind,
    columns={"area": 0},
    keys={Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31},
    whole_run=True,
    grows=True,
)
MEASURE = people_measure(DATASET, behind, PROTECTION, of=trips.NIGHTS)
