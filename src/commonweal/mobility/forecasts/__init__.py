"""What is usual at each hour of the week, what to expect of a coming day, and what a hidden count may have been.

All of it is made of published tables: presence by hour, flows by hour or flows by day. A count that was suppressed is a
number below k that nobody knows, never zero. Whatever a model says is marked as modelled and has an interval.
"""

from commonweal.mobility.forecasts.forecast import Forecast, Plan, forecast
from commonweal.mobility.forecasts.intervals import Interval, conformal
from commonweal.mobility.forecasts.nowcast import Filled, nowcast
from commonweal.mobility.forecasts.profile import Profile, profile
from commonweal.mobility.forecasts.scoring import Score, held_out
from commonweal.mobility.forecasts.slots import SlotSeries, slot_series

__all__ = [
    "Filled",
    "Forecast",
    "Interval",
    "Plan",
    "Profile",
    "Score",
    "SlotSeries",
    "conformal",
    "forecast",
    "held_out",
    "nowcast",
    "profile",
    "slot_series",
]
