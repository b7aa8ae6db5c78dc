"""In which area each cell stands on each day: what is needed to say of tables by cell what tables by area tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from commonweal.mobility.cells import Timeline

NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Standing:
    """Cells, and where their versions stand.

    Parameters
    ----------
    identifiers
        By code.
    timeline
        Which version holds when.
    area_of_span
        Index of the area of each span of the timeline, or -1.
    """

    identifiers: tuple[str, ...]
    timeline: Timeline
    area_of_span: np.ndarray

    @cached_property
    def codes(self) -> dict[str, int]:
        """The code of each identifier."""
        return {identifier: code for code, identifier in enumerate(self.identifiers)}

    def area(self, cell: int, begins: int, ends: int) -> int:
        """Give the one area in which all versions of a cell stand that hold between two UTC seconds, or -1.

        Moments at which none holds, before the first version or in a gap, are left out.

        Examples
        --------
        A cell in area 0 until second 100, then in area 1:

        >>> line = Timeline(np.array([0, 2]), np.array([0, 100]), np.array([0, 1]))
        >>> found = Standing(("a1",), line, np.array([0, 1]))
        >>> found.area(0, 10, 90), found.area(0, 100, 190), found.area(0, 50, 150)
        (0, 1, -1)
        """
        low, high = self.timeline.first[cell], self.timeline.first[cell + 1]
        starts = self.timeline.starts[low:high]
        first = max(int(np.searchsorted(starts, begins, side="right")) - 1, 0)
        last = int(np.searchsorted(starts, ends - 1, side="right"))
        held = self.timeline.row[low + first : low + last] >= 0
        areas = np.unique(self.area_of_span[low + first : low + last][held])
        return int(areas[0]) if len(areas) == 1 else NOWHERE
