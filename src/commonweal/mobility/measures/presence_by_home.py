"""Presence by home: who was in an area on a day, by whether they live there.

With the home of last-of-day over the days of the run, as in mobility.home, for a day d and an area a::

    here(d, a)      = |{ s : s was seen in a on d, home(s) = a }|
    elsewhere(d, a) = |{ s : s was seen in a on d, home(s) ≠ a }|

Residents and visitors in the sense of statistics of population and tourism. The two add up to the day's presence,
since whoever is seen in an area has a home. Who comes from abroad is told by mobility.presence_by_origin; with a home
in the area where they sleep they count here as any other.

Source: UN-CEBD *Handbook on the Use of Mobile Phone Data for Official Statistics*, present and resident population; the
home rule as R. Ahas et al., *Using Mobile Positioning Data to Model Locations Meaningful to Users of Mobile Phones*
(2010).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Privacy
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.behind import Behind, people_measure, protection
from commonweal.mobility.borders.counted import SUBSCRIBERS
from commonweal.mobility.measure import Window
from commonweal.mobility.measures import visits
from commonweal.mobility.measures.home import home

LIVES = ("here", "elsewhere")
DATASET = Dataset(
    name="mobility.presence_by_home",
    title=Wording("Residents and visitors"),
    description=Wording(
        "Distinct subscribers seen in an area on a day, by whether their home area is this or another."
    ),
    dimensions=(
        Dimension(
            "lives",
            "string",
            Wording("here: their home area is this one; elsewhere: it is another."),
            title=Wording("Home area"),
        ),
        Dimension("area", "area", Wording("Where they were seen."), hierarchy="area"),
        Dimension("start", "timestamp", Wording("When the day begins."), hierarchy="period"),
    ),
    measures=(SUBSCRIBERS,),
    privacy=Privacy.PEOPLE,
    keywords=("presence", "residents", "visitors", "mobile phone data"),
    theme="SOCI",
)


def elsewhere(subscriber: np.ndarray, date: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Say for each visit whether the subscriber lives in another area.

    Parameters
    ----------
    subscriber, date, area
        Of visits sorted by (subscriber, date, last event).

    Returns
    -------
    bool, shape (visits,)

    Examples
    --------
    Two days end in area 1, one in area 2 after a visit to area 1:

    >>> elsewhere(np.full(4, 7), np.array([1, 2, 3, 3]), np.array([1, 1, 1, 2], np.int32))
    array([False, False, False,  True])
    """
    ends = np.ones(len(date), bool)
    ends[:-1] = (np.diff(subscriber) != 0) | (np.diff(date) != 0)
    whose, where = home(subscriber[ends], area[ends])
    return np.asarray(area != where[np.searchsorted(whose, subscriber)], bool)


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who was where on which day, and whether they live there."""
    subscriber, start, date, area = (rows[name].to_numpy() for name in ("subscriber", "start", "date", "area"))
    lives = elsewhere(subscriber, date, area)
    return Behind(subscriber, {"lives": lives, "area": area, "start": start.astype(np.int64) + window.starts})


# One day more or less may change where somebody lives, and with it every day that they are counted on.
PROTECTION = protection(
    title=Wording("Residents and visitors, with noise"),
    description=Wording(
        "Distinct subscribers seen in an area on a day, by whether their home area is this or another, with noise "
        "that hides any one of them."
    ),
    behind=behind,
    columns={"lives": len(LIVES), "area": 0},
    keys={Unit.DAY: 4, Unit.WEEK: 20, Unit.MONTH: 60},
    whole_run=True,
    grows=True,
)
CHOICES = {
    "home": Wording("last location of the day, mode over days, tie to the most recent"),
    "no_area": Wording("left out"),
}
MEASURE = people_measure(
    DATASET, behind, PROTECTION, of=visits.DERIVATION, said={"lives": LIVES}, network=False, choices=CHOICES
)
