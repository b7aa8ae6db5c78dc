"""Share at home: how much of what people do with their phones they do at home.

    share(s) = |{ i : l(i) = h(s) }| / n

over the n located events of subscriber s, with h(s) the home location (`walks.homes`): the place where most days ended.

Source: `percent_at_home` of bandicoot, which finds homes by night.
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.mobility.walks.distributing import SHARES, distribution

MEASURE = distribution(
    name="share_at_home",
    title=Wording("Share at home"),
    description=Wording("Subscribers by home area and by the share of their events at their home location."),
    private_title=Wording("Share at home, with noise"),
    private_description=Wording("Subscribers by home area and share at home, with noise that hides any one of them."),
    bins=SHARES,
)
