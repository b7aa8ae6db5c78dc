"""Real entropy: how hard it is to guess the next place from all places before.

    S_real(s) = n log₂ n / Σ_i Λ(i)   bits

over the n located events of subscriber s, with Λ(i) the length of the shortest run of places from i on that was not
seen before (`walks.real_entropy`, which says all of it).

Source: C. Song, Z. Qu, N. Blumm, A.-L. Barabási, *Limits of Predictability in Human Mobility* (2010).
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.deriving import REAL_ENTROPY
from commonweal.mobility.walks.distributing import BITS, distribution

MEASURE = distribution(
    name="real_entropy",
    title=Wording("Real entropy"),
    description=Wording(
        "Subscribers by home area and by how little the order of their places lets the next one be foreseen."
    ),
    private_title=Wording("Real entropy, with noise"),
    private_description=Wording("Subscribers by home area and real entropy, with noise that hides any one of them."),
    bins=BITS,
    of=REAL_ENTROPY,
)
