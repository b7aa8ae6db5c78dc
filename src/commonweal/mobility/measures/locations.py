"""Locations: how many places people visit.

    N(s) = |{ l(i) }|

the distinct places of subscriber s.

Source: `number_of_locations` of scikit-mobility, `number_of_antennas` of bandicoot.
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import LOCATIONS, distribution

MEASURE = distribution(
    name="locations",
    title=Wording("Locations visited"),
    description=Wording("Subscribers by home area and by how many places they were seen at."),
    private_title=Wording("Locations visited, with noise"),
    private_description=Wording(
        "Subscribers by home area and locations visited, with noise that hides any one of them."
    ),
    bins=LOCATIONS,
)
