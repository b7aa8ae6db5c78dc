"""Border pairs: the last district before a border was crossed and the first one after, each day.

For areas o, u and a day d, where i and j follow one another among a subscriber's located segments, accidental roaming
left out, and a border lies between them::

    across(o, u, d) = |{ s(i) : a(i) = o, a(j) = u, country(i) ≠ country(j), j is first located on d }|
    back(o, u, d)   = |{ s(i) : a(i) = o, a(j) = u, country(i) = country(j), the subscriber was in another country in
                                between, j is first located on d }|

A network of one country sees its own subscribers come back; *across* is for one that has cells on both sides. Pairs of
one district are there: whoever came back where they had left.
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
from commonweal.mobility.measure import Window

WAYS = ("across", "back")
DATASET = Dataset(
    name="mobility.border_pairs",
    title=Wording("Border districts"),
    description=Wording(
        "Distinct subscribers by the district in which they were seen last before crossing a border, and first after."
    ),
    dimensions=(
        Dimension(
            "way",
            "string",
            Wording("across: the districts lie in two countries; back: in one, coming back from abroad."),
        ),
        Dimension("origin", "area", Wording("Where they were seen last before."), hierarchy="area"),
        Dimension("destination", "area", Wording("Where they were seen first after."), hierarchy="area"),
        START,
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("border", *KEYWORDS),
    theme="TRAN",
)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who crossed a border between which areas."""
    found = numbers(rows)
    return Behind(
        found["subscriber"],
        {
            "way": found["back"],
            "origin": found["origin"],
            "destination": found["destination"],
            "start": on_day(window, found["at"]),
        },
    )


PROTECTION = protection(
    title=Wording("Border districts, with noise"),
    description=Wording(
        "Distinct subscribers by the district in which they were seen last before crossing a border, and first "
        "after, with noise that hides any one of them."
    ),
    behind=behind,
    columns={"way": len(WAYS), "origin": 0, "destination": 0},
    keys={Unit.DAY: 2, Unit.WEEK: 4, Unit.MONTH: 8},
    whole_run=True,
    grows=True,
)
MEASURE = people_measure(DATASET, behind, PROTECTION, of=trips.PAIRS, said={"way": WAYS}, choices={"staying": True})
