"""``commonweal mobility show``: rows of a published table, and any other layer beside them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from commonweal.core.console import opened, print_json, print_table
from commonweal.core.errors import InputError

Name = Annotated[str, typer.Argument(metavar="NAME", help="The dataset, such as mobility.homes.")]


def show(
    name: Name = "mobility.presence",
    version: Annotated[int | None, typer.Option(help="Version of its release; the newest if left out.")] = None,
    area: Annotated[str | None, typer.Option(help="Only rows of the area of this code.")] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only rows told by this, such as direction=in; may be given again."),
    ] = None,
    beside: Annotated[
        str | None,
        typer.Option(metavar="NAME[@VERSION]", help="A release to join by area and day, such as health.cases@3."),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows are printed at most.")] = 50,
    out: Annotated[Path | None, typer.Option(help="CSV to write all rows to.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all rows.")] = False,
) -> None:
    """Print rows of a published table, with names of areas, and with another release beside each by area and day."""
    from commonweal.core.catalog import get
    from commonweal.mobility.baselines.asking import named
    from commonweal.mobility.baselines.writing import write_csv
    from commonweal.mobility.showing import rows_of

    told = [one.partition("=") for one in only or []]
    if any(not sign for _name, sign, _value in told):
        raise InputError("there is no = in it", where="--only", expected="such as direction=in")
    home = opened()
    release = get(home.database, name, version)
    other = named(home.database, beside) if beside else None
    found = rows_of(
        home.settings,
        home.database,
        release,
        area=area,
        first=first and first.date(),
        last=last and last.date(),
        only={dimension: value for dimension, _sign, value in told},
        beside=other,
    )
    if out is not None:
        write_csv(out, found.records)
    if as_json:
        layers = [
            {"release": one.release.label, "measure": one.measure, "unit": one.unit, "how": one.how}
            | {"from": days[0].isoformat(), "to": days[1].isoformat()}
            for days, one in found.layers.items()
        ]
        print_json({"release": release.label, "digest": release.digest, "rows": found.records, "beside": layers})
        return
    print(f"{release.label}: {release.schema.description}")
    for one in list(found.layers.values())[:1]:
        print(f"beside: {one.release.label}, {one.measure} ({one.unit}), {one.how}; side by side, no cause is claimed")
    printed = found.records[:rows]
    headings = list(printed[0]) if printed else ["no row"]
    print_table(headings, [["–" if value is None else value for value in record.values()] for record in printed])
    if len(found.records) > rows:
        print(f"{len(found.records) - rows:,} more rows: --rows, --out or --json")
