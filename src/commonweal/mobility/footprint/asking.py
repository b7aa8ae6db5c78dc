"""Where the cells of a project's network are heard on a day, as somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core import areas
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.cells import ABROAD, CellRegister
from commonweal.mobility.coverage import finder
from commonweal.mobility.footprint.connection import Footprint
from commonweal.mobility.footprint.grid import Grid, lay_grid
from commonweal.mobility.footprint.plan import CellPlan, read_plan
from commonweal.mobility.footprint.telling import heard_by_area
from commonweal.mobility.footprint.versions import cells_at
from commonweal.mobility.projects import Project


@dataclass(frozen=True)
class Heard:
    """The cells of a network on a day, and where each is heard.

    Parameters
    ----------
    day
        At whose beginning cells stand so.
    grid, plan, footprint
        The grid's points, the cells, and P(c|i).
    """

    day: date
    grid: Grid
    plan: CellPlan
    footprint: Footprint

    @cached_property
    def by_area(self) -> pa.Table:
        """Which part of each cell's footprint lies in which area, as `heard_by_area`."""
        return heard_by_area(self.grid, self.plan, self.footprint)

    @property
    def sites(self) -> int:
        """On how many sites cells stand."""
        return len(np.unique(self.plan.site[self.plan.somewhere]))


def heard_on(
    database: Database, project: Project, register: CellRegister, day: date | None, method: str, step: float
) -> Heard:
    """Find where the cells are heard that stand when a day of the project's clock begins.

    Parameters
    ----------
    register
        The project's cells.
    day
        Today if None.
    method
        One of `coverage.METHODS`.
    step
        Side of the grid's squares, 100 to 1000 m.

    Raises
    ------
    InputError
        No cell has a position then, or there is no such method or grid.
    """
    on = day or datetime.now(UTC).date()
    begins = int(project.calendar.edges(on, on + timedelta(1), "day")[0])
    stand = cells_at(register, datetime.fromtimestamp(begins, UTC))
    plan = read_plan(stand.filter(pc.not_equal(stand["identifier"], ABROAD)), where="cell register")
    if not plan.somewhere.any():
        raise InputError(
            Wording("no cell of %(project)s has a position on %(day)s", project=project.name, day=on.isoformat()),
            where="at",
            expected=Wording("a day on which cells stood"),
        )
    grid = lay_grid(areas.load(database, project.area_set, at=on), step)
    return Heard(on, grid, plan, finder(method)(grid, plan))
