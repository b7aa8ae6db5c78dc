"""``commonweal mobility footprint``: where each cell of a project's network is heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from commonweal.core.console import opened, print_json, print_table
from commonweal.core.errors import InputError


def footprint(
    project: Annotated[str, typer.Option("--project", "-p", help="The project.")],
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day at whose beginning cells stand as shown; today without it."),
    ] = None,
    method: Annotated[
        str, typer.Option("--footprint", help="One of: signal-strength, best-server, voronoi, voronoi-of-cells.")
    ] = "signal-strength",
    step: Annotated[float, typer.Option(help="Side of the grid's squares, from 100 to 1000 m.")] = 500.0,
    points: Annotated[bool, typer.Option("--points", help="P(c|i) by point of the grid, not by area.")] = False,
    rows: Annotated[int, typer.Option(min=1, help="Print so many rows at most.")] = 20,
    out: Annotated[Path | None, typer.Option(help="CSV to write, with all rows.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all rows.")] = False,
) -> None:
    """Tell where each cell is heard: which part of its footprint lies in which area, or P(c|i) at each point."""
    import numpy as np
    import pyarrow.compute as pc
    from pyarrow import csv

    from commonweal.core import areas
    from commonweal.mobility.cells import ABROAD, read_register
    from commonweal.mobility.coverage import finder
    from commonweal.mobility.footprint.grid import lay_grid
    from commonweal.mobility.footprint.plan import read_plan
    from commonweal.mobility.footprint.telling import heard_by_area, heard_by_point
    from commonweal.mobility.footprint.versions import cells_at
    from commonweal.mobility.projects import get_project
    from commonweal.mobility.store import project_folder

    home = opened()
    chosen = get_project(home.database, project)
    day = at.date() if at else datetime.now(UTC).date()
    register = read_register(project_folder(home.settings.store, chosen.name))
    begins = int(chosen.calendar.edges(day, day + timedelta(1), "day")[0])
    stand = cells_at(register, datetime.fromtimestamp(begins, UTC))
    plan = read_plan(stand.filter(pc.not_equal(stand["identifier"], ABROAD)), where="cell register")
    if not plan.somewhere.any():
        raise InputError(f"no cell of {project} has a position on {day}", expected="--at a day on which cells stood")
    grid = lay_grid(areas.load(home.database, chosen.area_set, at=day), step)
    tell = heard_by_point if points else heard_by_area
    table = tell(grid, plan, finder(method)(grid, plan))
    if out is not None:
        csv.write_csv(table, out)
    if as_json:
        choices = {"project": project, "at": str(day), "footprint": method, **grid.parameters}
        print_json(choices | {"rows": table.to_pylist()})
        return
    sites = len(np.unique(plan.site[plan.somewhere]))
    print(f"as on {day}: {plan.somewhere.sum():,} cells on {sites:,} sites")
    print(f"{len(grid):,} points {step:g} m apart, {table.num_rows:,} rows")
    shown = table.slice(0, rows).to_pylist()
    print_table(table.column_names, [[_said(value) for value in row.values()] for row in shown])


def _said(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
