"""Regularity: how often people are where they usually are at that hour of the week.

    R(s) = Σ_w max_l n(w, l) / Σ_w Σ_l n(w, l)

with n(w, l) the hours of the run that are hour w of the week and that subscriber s spent at l (`walks.regularity`).

Source: C. Song, Z. Qu, N. Blumm, A.-L. Barabási, *Limits of Predictability in Human Mobility* (2010).
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import SHARES, distribution

MEASURE = distribution(
    name="regularity",
    title=Wording("Regularity"),
    description=Wording(
        "Subscribers by home area and by how often they are where they usually are at that hour of the week."
    ),
    private_title=Wording("Regularity, with noise"),
    private_description=Wording("Subscribers by home area and regularity, with noise that hides any one of them."),
    bins=SHARES,
)
