"""From when on an event is held to be impossible, and a subscriber to be a machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from commonweal.core.wording import Wording

MARITIME_AND_AIRBORNE = 901
"""Mobile country code of networks that belong to no country: satellites, ships and aircraft (ITU-T E.212, annex)."""


@dataclass(frozen=True)
class Cleaning:
    """What semantic cleaning takes as impossible.

    Parameters
    ----------
    speed, distance
        Metres a second and metres: a step that is faster, and longer, cannot have been made. 55 and 10,000.
    most_events
        A subscriber with more on a day is a machine: 2,880, one every half minute for a whole day.
    least_events, regular, tolerance, hours
        A subscriber with at least so many events on a day (24), who lie at least so many hours apart (12), and at least
        this share (0.9) of whose intervals are as long as the one before, but for so many seconds (1), is a machine.
    evenness
        A subscriber who is seen in every hour of a day, in one cell only, and in the busiest hour at most so many
        times (2) as often as in the quietest, is a machine.
    """

    speed: float = 55.0
    distance: float = 10_000.0
    most_events: int = 2_880
    least_events: int = 24
    regular: float = 0.9
    tolerance: int = 1
    hours: float = 12.0
    evenness: float = 2.0


DEFAULT = Cleaning()
CHOICES: dict[str, Any] = {
    "cleaning": asdict(DEFAULT),
    "flagged_events": Wording("left out, but for those whose place is suspicious"),
}
"""What is stamped on all that is made of cleaned events."""
