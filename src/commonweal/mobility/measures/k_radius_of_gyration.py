"""k-radius of gyration: the radius of gyration of the two places where people are most often.

    radius(s, k) = √( Σ_j n(j) d(l(j), c(s, k))² / Σ_j n(j) ),   j = 1 … k,  k = 2

over the k places j with most events n(j), ties to those met first; c(s, k) is their centre. Near the radius of
gyration for whoever mostly goes between two places, small for who roams.

Source: L. Pappalardo et al., *Returners and Explorers Dichotomy in Human Mobility* (2015).
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import DISTANCES, distribution

MEASURE = distribution(
    name="k_radius_of_gyration",
    title=Wording("2-radius of gyration"),
    description=Wording(
        "Subscribers by home area and by the radius of gyration of the two places where they are most often."
    ),
    private_title=Wording("2-radius of gyration, with noise"),
    private_description=Wording(
        "Subscribers by home area and 2-radius of gyration, with noise that hides any one of them."
    ),
    bins=DISTANCES,
    column="k_radius",
)
