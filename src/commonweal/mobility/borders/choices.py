"""The choices that what is counted about borders depends on: stamped on every release, and refused where they clash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from typing import Any

from commonweal.core.errors import InputError
from commonweal.core.periods import Calendar
from commonweal.core.wording import Wording
from commonweal.mobility.borders.places import AT_BORDER
from commonweal.mobility.borders.segments import DERIVATION, LONGEST_STAY
from commonweal.mobility.borders.trips import DERIVATION as TRIPS
from commonweal.mobility.borders.trips import LONGEST_ABROAD, NIGHT, NIGHTS
from commonweal.mobility.borders.visits import BACK_WITHIN, LONGEST, MOST_EVENTS
from commonweal.mobility.measure import measures, sources


def border_choices(names: Iterable[str]) -> dict[str, Any]:
    """Give the choices of a run of these measures; none if no measure is about borders."""
    if not any(DERIVATION in sources(measures()[name]) for name in names):
        return {}
    return {
        "country": Wording("that of the serving network; home, that of the first home network known"),
        "trip_ends_after_hours": LONGEST_ABROAD // 3600,
        "stay_ends_after_hours": LONGEST_STAY // 3600,
        "night": Wording("at least so many minutes across 04:00 of the clock"),
        "night_minutes": NIGHT // 60,
        "accidental_events": MOST_EVENTS,
        "accidental_minutes": LONGEST // 60,
        "accidental_back_within_hours": BACK_WITHIN // 3600,
        "accidental_km": AT_BORDER,
        "no_area": Wording("no district, but a part of its visit"),
        "no_home": Wording("left out"),
    }


def refuse_other_days(names: Iterable[str], calendar: Calendar) -> None:
    """Do nothing unless nights are to be told by days that do not begin at midnight.

    Raises
    ------
    InputError
        They are: 04:00 is found from midnight.
    """
    by_nights = [name for name in names if any(part in sources(measures()[name]) for part in (TRIPS, NIGHTS))]
    if by_nights and calendar.day_starts != time(0):
        raise InputError(
            f"{by_nights[0]} tells nights by days that begin at midnight, not at {calendar.day_starts:%H:%M}",
            expected="--day-starts 00:00, or not this measure",
        )
