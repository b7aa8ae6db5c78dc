"""Radius of gyration: how far from the centre of all their places people are, on average.

    radius(s) = √( Σ_i d(l(i), c(s))² / n ),   c(s) the centre of l(1) … l(n)

over the n located events i of subscriber s; every event weighs the same.

Source: M. C. González, C. A. Hidalgo, A.-L. Barabási, *Understanding Individual Human Mobility Patterns* (2008).
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import DISTANCES, distribution

MEASURE = distribution(
    name="radius_of_gyration",
    title=Wording("Radius of gyration"),
    description=Wording(
        "Subscribers by home area and by how far, on average, their events lie from the centre of all of them."
    ),
    private_title=Wording("Radius of gyration, with noise"),
    private_description=Wording(
        "Subscribers by home area and radius of gyration, with noise that hides any one of them."
    ),
    bins=DISTANCES,
    column="radius",
)
