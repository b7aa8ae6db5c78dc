"""Changes against a baseline, from published tables alone: what is unusual, where, since when, how much, how sure.

`changes` compares each day with the median of like days of a stated period; `steps_of` finds lasting shifts and
`recovery` their end; `failures` tells a network outage from people who left; `notice` lists it all for a reader.
`displaced` adds up who went where more than usual, and `layer` puts another published table beside it. What is
suppressed has no number anywhere.
"""

from commonweal.mobility.baselines.baseline import Changes, Reference, changes
from commonweal.mobility.baselines.censored import WithHidden, with_hidden
from commonweal.mobility.baselines.displaced import Displaced, NetResidents, displaced, net_residents
from commonweal.mobility.baselines.grouping import Together, together
from commonweal.mobility.baselines.joining import Layer, layer
from commonweal.mobility.baselines.noticing import Finding, What, notice
from commonweal.mobility.baselines.outages import Failure, HourSeries, failures, hour_series, silent_hours
from commonweal.mobility.baselines.series import DaySeries, day_series, joined, total_series
from commonweal.mobility.baselines.steps import Recovery, Step, pettitt, recovery, shift_between, steps_of

__all__ = [
    "Changes",
    "DaySeries",
    "Displaced",
    "Failure",
    "Finding",
    "HourSeries",
    "Layer",
    "NetResidents",
    "Recovery",
    "Reference",
    "Step",
    "Together",
    "What",
    "WithHidden",
    "changes",
    "day_series",
    "displaced",
    "failures",
    "hour_series",
    "joined",
    "layer",
    "net_residents",
    "notice",
    "pettitt",
    "recovery",
    "shift_between",
    "silent_hours",
    "steps_of",
    "together",
    "total_series",
    "with_hidden",
]
