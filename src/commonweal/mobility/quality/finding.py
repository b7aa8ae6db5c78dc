"""A finding: what is wrong, where, since when and until when, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What can be wrong.

    ========================  ======================================================================================
    DUPLICATE_CELL            one file says of a cell, for the same time, two different things
    SWAPPED_COORDINATES       a cell's longitude and latitude stand in each other's place
    CELL_FAR_AWAY             a cell stands far from all areas, or where both its coordinates are zero
    MOVED_CELL                a cell stands much farther from where it stood than a mast is moved
    VERSION_GAP               between two of a cell's versions none holds
    MISSING_VERSION           events of a cell lie outside the life of all its versions
    MISPLACED_CELL            most of a cell's events are too fast and too far from those before and after
    UNKNOWN_CELLS             a file names cells that no cell file knows
    REJECTED_ROWS             many of a file's rows could not be used
    WRONG_TIME_ZONE           the times of events are shifted by hours
    MIXED_CLOCKS              the times of events at some sites are, of the others not
    DEAD_DAY                  a day has no events, or nearly none
    LOW_DAY, HIGH_DAY         a day's figure lies below or above its control limits
    DRIFT                     nine days or more in a row lie on one side of what is usual
    SILENT_CELL, SILENT_AREA  a cell, or an area, has no events on a day on which many are expected
    SILENT_HOURS              hours of a day have no event anywhere, though many are expected
    MACHINES                  machines make much of the events
    ========================  ======================================================================================
    """

    DUPLICATE_CELL = "duplicate_cell"
    SWAPPED_COORDINATES = "swapped_coordinates"
    CELL_FAR_AWAY = "cell_far_away"
    MOVED_CELL = "moved_cell"
    VERSION_GAP = "version_gap"
    MISSING_VERSION = "missing_version"
    MISPLACED_CELL = "misplaced_cell"
    UNKNOWN_CELLS = "unknown_cells"
    REJECTED_ROWS = "rejected_rows"
    WRONG_TIME_ZONE = "wrong_time_zone"
    MIXED_CLOCKS = "mixed_clocks"
    DEAD_DAY = "dead_day"
    LOW_DAY = "low_day"
    HIGH_DAY = "high_day"
    DRIFT = "drift"
    SILENT_CELL = "silent_cell"
    SILENT_AREA = "silent_area"
    SILENT_HOURS = "silent_hours"
    MACHINES = "machines"


class Sure(StrEnum):
    """How sure a finding is: it is a fact of a file, it can hardly be otherwise, or somebody should look."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


EVERYWHERE = "everywhere"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Parameters
    ----------
    kind
        What.
    where
        The identifier of a cell, the code of an area, the name of a file, or ``everywhere``.
    place
        Which of these: ``cell``, ``area``, ``file`` or ``everywhere``.
    since, until
        First and last day, both included; None: open.
    sure
        How sure.
    numbers
        What it was found by: ``kilometres``, ``shift_hours``, ``times_usual`` and the like.
    """

    kind: Fault
    where: str = EVERYWHERE
    place: str = EVERYWHERE
    since: date | None = None
    until: date | None = None
    sure: Sure = Sure.LIKELY
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def record(self, what: str) -> dict[str, Any]:
        """Give it as JSON values; `what` is its sentence.

        >>> Finding(Fault.DEAD_DAY, since=date(2026, 3, 9), until=date(2026, 3, 9)).record("…")["since"]
        '2026-03-09'
        """
        return {
            "kind": self.kind.value,
            "what": what,
            "where": self.where,
            "place": self.place,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "how_sure": self.sure.value,
            **self.numbers,
        }


def in_runs(days: list[date], order: Mapping[date, int]) -> list[tuple[date, date]]:
    """Join days that follow one another: (first, last) of each run.

    >>> days = [date(2026, 3, d) for d in (1, 2, 5)]
    >>> [(a.day, b.day) for a, b in in_runs(days, {date(2026, 3, d): d for d in range(1, 6)})]
    [(1, 2), (5, 5)]
    """
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        if runs and order[day] == order[runs[-1][1]] + 1:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs
