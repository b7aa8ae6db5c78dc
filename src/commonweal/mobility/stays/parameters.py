"""How long a stay lasts at least, how long a phone may be silent, and how soon a jump comes back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Segmenting:
    """The limits of time segments, seconds; all inclusive.

    Parameters
    ----------
    least_stay
        How long a stay lasts at least: 15 minutes.
    stay_gap
        How long a phone may be silent without leaving a stay: 12 hours, a phone that is off at home or at work.
    move_gap
        How long a phone may be silent on the move: 2 hours.
    abroad_gap
        How long a phone may be silent abroad: 72 hours.
    pad
        By how much a segment is lengthened into the unknown time beside it: 5 minutes.

    The values are those of Eurostat's multimno 1.0.
    """

    least_stay: int = 15 * 60
    stay_gap: int = 12 * 3600
    move_gap: int = 2 * 3600
    abroad_gap: int = 72 * 3600
    pad: int = 5 * 60


DEFAULT = Segmenting()
BOUNCE = 5 * 60
"""Seconds from the last event in a cell to the first one back in it, at most, for what lies between to be a bounce."""
LOOKBACK = 3
"""Days from which on a day's segments are made: the longest silence that is bridged, 72 hours."""
CHOICES: dict[str, Any] = {"bounce_seconds": BOUNCE, "segments_in_seconds": asdict(DEFAULT)}
"""What is stamped on all that is made of stays."""
