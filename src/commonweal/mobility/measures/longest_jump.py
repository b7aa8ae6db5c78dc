"""Longest jump: the greatest distance between two consecutive places.

    longest(s) = max d(l(i), l(i + 1))

over consecutive located events of subscriber s. Whoever never moved is in the first bin.

Source: `maximum_distance` of scikit-mobility; N. E. Williams et al., *Measures of Human Mobility Using Mobile Phone
Records Enhanced with GIS Data* (2015).
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import DISTANCES, distribution

MEASURE = distribution(
    name="longest_jump",
    title=Wording("Longest jump"),
    description=Wording(
        "Subscribers by home area and by the greatest distance between two consecutive places of theirs."
    ),
    private_title=Wording("Longest jump, with noise"),
    private_description=Wording("Subscribers by home area and longest jump, with noise that hides any one of them."),
    bins=DISTANCES,
)
