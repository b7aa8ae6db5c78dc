"""Random entropy: how hard it would be to guess a place if all were as likely.

    S_rand(s) = log₂ N(s)   bits

with N(s) the distinct places of subscriber s. It is the logarithm of `locations`, in the same bins.

Source: C. Song, Z. Qu, N. Blumm, A.-L. Barabási, *Limits of Predictability in Human Mobility* (2010).
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import LOCATION_BITS, distribution

MEASURE = distribution(
    name="random_entropy",
    title=Wording("Random entropy"),
    description=Wording(
        "Subscribers by home area and by the logarithm to base 2 of how many places they were seen at."
    ),
    private_title=Wording("Random entropy, with noise"),
    private_description=Wording("Subscribers by home area and random entropy, with noise that hides any one of them."),
    bins=LOCATION_BITS,
)
