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
from commonweal.mobility.borders import trips
from commonweal.mobility.borders.counted import KEYWORDS, UNBOUNDED, complete, named, numbers, people_by
from commonweal.mobility.measure import Measure, Scope, Window

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


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's nights."""
    found = numbers(rows)
    start = window.days[found["day"]] + window.starts
    return people_by(found["subscriber"], area=found["area"], start=start)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and days."""
    return named(counts, scope)


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every area on every day."""
    return complete(DATASET, scope)


MEASURE = Measure(DATASET, count, finish, grid, UNBOUNDED, of=trips.NIGHTS, network=True, usual=False)
