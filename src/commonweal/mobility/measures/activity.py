"""Activity: how many events a day brought, so that a reader sees a day that is not whole.

For a day d, over all events, located or not::

    events(d) = |{ i : day(i) = d }|
"""

from __future__ import annotations

import numba
import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures.quality import daily_subscribers
from commonweal.mobility.sequences import Events

DATASET = Dataset(
    name="mobility.activity",
    title="Daily events",
    description="How many events were recorded on a day.",
    dimensions=(Dimension("start", "timestamp", "When the day begins.", hierarchy="period"),),
    measures=(Value("events", "integer", "Calls, messages, data sessions.", "{events}", Kind.SUM),),
    privacy=Privacy.PEOPLE,
    keywords=("quality", "activity", "mobile phone data"),
    theme="SOCI",
)


@numba.njit(nogil=True, cache=True)
def daily_events(day: np.ndarray, days: int) -> np.ndarray:
    """counts[d] = |{i : day[i] = d}|.

    Examples
    --------
    >>> daily_events(np.array([0, 1, 0]), 2)
    array([2, 1])
    """
    counts = np.zeros(days, np.int64)
    for i in range(len(day)):
        counts[day[i]] += 1
    return counts


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's events by day, and the people behind them."""
    days = len(window.days) - 1
    return keyed_counts(
        {"start": window.days[:-1] + window.starts},
        {
            "events": daily_events(events.day, days),
            "people": daily_subscribers(events.subscriber_day, events.day, days),
        },
    )


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name the days."""
    return pa.table({"start": scope.times(counts["start"]), "events": counts["events"], "people": counts["people"]})


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every day."""
    return pa.table({"start": scope.times(scope.days[:-1])})


MEASURE = Measure(DATASET, count, finish, grid)
