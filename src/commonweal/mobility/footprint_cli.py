"""``commonweal mobility footprint``: where each cell of a project's network is heard."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from commonweal.core.console import opened, print_json, print_table


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
    from pyarrow import csv

    from commonweal.mobility.cells import read_register
    from commonweal.mobility.footprint.asking import heard_on
    from commonweal.mobility.footprint.telling import heard_by_point
    from commonweal.mobility.projects import get_project
    from commonweal.mobility.store import project_folder

    home = opened()
    chosen = get_project(home.database, project)
    register = read_register(project_folder(home.settings.store, chosen.name))
    heard = heard_on(home.database, chosen, register, at and at.date(), method, step)
    table = heard_by_point(heard.grid, heard.plan, heard.footprint) if points else heard.by_area
    if out is not None:
        csv.write_csv(table, out)
    if as_json:
        choices = {"project": project, "at": str(heard.day), "footprint": method, **heard.grid.parameters}
        print_json(choices | {"rows": table.to_pylist()})
        return
    print(f"as on {heard.day}: {heard.plan.somewhere.sum():,} cells on {heard.sites:,} sites")
    print(f"{len(heard.grid):,} points {step:g} m apart, {table.num_rows:,} rows")
    shown = table.slice(0, rows).to_pylist()
    print_table(table.column_names, [[_said(value) for value in row.values()] for row in shown])


def _said(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
