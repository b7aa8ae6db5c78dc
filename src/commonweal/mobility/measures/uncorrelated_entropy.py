"""Uncorrelated entropy: how hard it is to guess a place from how often each is visited.

    S_unc(s) = −Σ_l p(l) log₂ p(l)   bits,   p(l) = n(l) / n

with n(l) the events of subscriber s at place l. At most the random entropy.

Source: C. Song, Z. Qu, N. Blumm, A.-L. Barabási, *Limits of Predictability in Human Mobility* (2010).
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import BITS, distribution

MEASURE = distribution(
    name="uncorrelated_entropy",
    title=Wording("Uncorrelated entropy"),
    description=Wording(
        "Subscribers by home area and by how evenly their events are spread over places, whatever their order."
    ),
    private_title=Wording("Uncorrelated entropy, with noise"),
    private_description=Wording(
        "Subscribers by home area and uncorrelated entropy, with noise that hides any one of them."
    ),
    bins=BITS,
)
