"""Distance from home: how far from home people went at most.

    distance(s) = max_i d(l(i), h(s))

over the located events of subscriber s, with h(s) the home location (`walks.homes`): the place where most days ended.

Source: `max_distance_from_home` of scikit-mobility; S. Canzian, M. Musolesi, *Trajectories of Depression* (2015).
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import DISTANCES, distribution

MEASURE = distribution(
    name="distance_from_home",
    title=Wording("Distance from home"),
    description=Wording("Subscribers by home area and by how far from their home location they were seen at most."),
    private_title=Wording("Distance from home, with noise"),
    private_description=Wording(
        "Subscribers by home area and distance from home, with noise that hides any one of them."
    ),
    bins=DISTANCES,
)
