"""Radius of gyration by time: the same, every place weighing as long as it lasted.

    radius(s) = √( Σ_i w(i) d(l(i), c(s))² / Σ_i w(i) ),   w(i) = min(t(i + 1) − t(i), 12 h)

over the located events i of subscriber s; c(s) is the centre with the same weights, and the last event lasts until the
period ends. So who uses the phone often in one place is not drawn there.

Source: as `radius_of_gyration`; the weights are ours.
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import DISTANCES, distribution

MEASURE = distribution(
    name="radius_of_gyration_by_time",
    title=Wording("Radius of gyration by time"),
    description=Wording(
        "Subscribers by home area and by how far from the centre of all their places they spend their time, on average."
    ),
    private_title=Wording("Radius of gyration by time, with noise"),
    private_description=Wording(
        "Subscribers by home area and radius of gyration by time, with noise that hides any one of them."
    ),
    bins=DISTANCES,
    column="radius_by_time",
)
