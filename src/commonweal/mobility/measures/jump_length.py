"""Jump length: how far people's usual jump goes.

    jump(s) = median of d(l(i), l(i + 1)) over all i with l(i) ≠ l(i + 1)

between consecutive located events of subscriber s. Whoever never moved is in the first bin.

Source: for jumps, M. C. González et al., *Understanding Individual Human Mobility Patterns* (2008); the median of each
person is ours, since jumps are not people.
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import DISTANCES, distribution

MEASURE = distribution(
    name="jump_length",
    title=Wording("Jump length"),
    description=Wording(
        "Subscribers by home area and by the median distance between two consecutive places of theirs."
    ),
    private_title=Wording("Jump length, with noise"),
    private_description=Wording("Subscribers by home area and jump length, with noise that hides any one of them."),
    bins=DISTANCES,
    column="median_jump",
)
