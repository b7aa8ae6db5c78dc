"""Daily devices: how many SIMs in how many types of phone, so that a change of what is recorded can be seen.

With the type of device m(i) that an event's type allocation code tells, and nothing where it tells none::

    devices(d) = |{ (s(i), m(i)) : day(i) = d, m(i) told }| + |{ s : s was seen on d, and told no type on d }|

Somebody who moves a SIM to another type of phone has two devices; two phones of one type are one. They are at least as
many as the day's subscribers, so an exact figure would tell about suppressed areas: it is rounded, or withheld.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Attribute, Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.mobility.bounding import Unprotected
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures import quality
from commonweal.mobility.sequences import Events

DATASET = Dataset(
    name="mobility.devices",
    title=Wording("Daily devices"),
    description=Wording(
        "How many devices were seen on a day, a SIM in each type of phone, rounded so that they complete no suppressed "
        "table."
    ),
    dimensions=(Dimension("start", "timestamp", Wording("When the day begins."), hierarchy="period"),),
    measures=(
        Value("devices", "integer", Wording("Distinct pairs of subscriber and device type."), "{devices}", Kind.SUM),
    ),
    attributes=(Attribute("rounded_to", "integer", Wording("The figure is rounded down to a multiple of this.")),),
    privacy=Privacy.PEOPLE,
    keywords=("quality", "devices", "mobile phone data"),
    theme="SOCI",
)


@kernel()
def daily_devices(subscriber_day: np.ndarray, day: np.ndarray, tac: np.ndarray, days: int) -> np.ndarray:
    """Count pairs of subscriber and device type by day, for sorted events; a type of 0 is none.

    Examples
    --------
    Two types, then none; another subscriber tells none:

    >>> daily_devices(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), np.array([7, 8, 0, 0]), 1)
    array([3])
    """
    counts = np.zeros(days, np.int64)
    start = 0
    while start < len(day):
        end, alike = start + 1, True
        while end < len(day) and subscriber_day[end] == subscriber_day[start]:
            alike &= tac[end] == tac[start]
            end += 1
        types = 0
        if not alike:
            told = np.sort(tac[start:end])
            for i in range(len(told)):
                types += (told[i] > 0) & ((i == 0) | (told[i] != told[max(i - 1, 0)]))
        counts[day[start]] += max(types, 1)
        start = end
    return counts


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's devices by day, and the people who have them."""
    days = len(window.days) - 1
    return keyed_counts(
        {"start": window.days[:-1] + window.starts},
        {
            "devices": daily_devices(events.subscriber_day, events.day, events.columns["tac"], days),
            "people": quality.daily_subscribers(events.subscriber_day, events.day, days),
        },
    )


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name the days."""
    return pa.table({"start": scope.times(counts["start"]), "devices": counts["devices"], "people": counts["people"]})


def at_least(published: Mapping[str, pa.Table]) -> pa.Table:
    """What a reader knows a day to have at least: a device for each subscriber whom `quality.at_least` finds."""
    return quality.at_least(published)


# One SIM may be put into any number of phones; who does is what the figure is there to show.
PROTECTION = Unprotected(
    Wording("one subscriber may have any number of devices, and cutting them off would tell a wrong figure")
)
MEASURE = Measure(
    DATASET,
    count,
    finish,
    quality.grid,
    PROTECTION,
    at_least=at_least,
    beside=("presence", "home"),
    columns=("tac",),
    usual=False,
    choices=quality.CHOICES,
)
