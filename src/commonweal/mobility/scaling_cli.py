"""``commonweal mobility scale`` and ``population``: published numbers of subscribers in people, with intervals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commonweal.core.console import opened, print_json, print_table

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 40


def scale(
    population: Annotated[
        str, typer.Option(metavar="FILE|NAME[@VERSION]", help="People by area: a CSV file, or a release.")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The dataset: counts by area, or by pairs.")] = (
        "mobility.presence"
    ),
    version: Annotated[int | None, typer.Option(help="Version of its release; the newest if left out.")] = None,
    method: Annotated[str, typer.Option(help="ratio, area-ratio, power or stated; rake for pairs of areas.")] = "ratio",
    calibrate_on: Annotated[
        str | None,
        typer.Option(metavar="NAME[@VERSION]", help="Which release is compared with people; else home areas."),
    ] = None,
    destinations: Annotated[
        str | None, typer.Option(metavar="FILE|NAME[@VERSION]", help="With rake: people at the destination.")
    ] = None,
    growth: Annotated[float | None, typer.Option(help="Growth of the population in a year, such as 0.025.")] = None,
    market_share: Annotated[float | None, typer.Option(help="The operator's share of SIMs, where not said.")] = None,
    penetration: Annotated[float | None, typer.Option(help="Share of people with a SIM, where not said.")] = None,
    sims_per_person: Annotated[float | None, typer.Option(help="SIMs of each of them, where not said.")] = None,
    level: Annotated[float, typer.Option(help="Probability of the intervals.")] = 0.95,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Scale published counts of subscribers to people by a census; every number has an interval."""
    from commonweal.mobility.scaling.asking import Question, ScaledRelease, scale_named
    from commonweal.mobility.scaling.raked_release import RakedRelease, rake_named

    shares = {"market_share": market_share, "penetration": penetration, "sims_per_person": sims_per_person}
    asked = Question(method, growth, shares, level)
    found: ScaledRelease | RakedRelease
    if method == "rake":
        found = rake_named(opened(), name, version, population, asked, destinations)
    else:
        found = scale_named(opened(), name, version, population, asked, calibrate_on)
    rows = _rows(found.table)
    if out is not None:
        from pyarrow import csv

        csv.write_csv(found.table, out)
    if as_json:
        print_json(found.record() | ({} if out is not None else {"rows": rows}))
    else:
        for line in found.lines():
            print(line)
        if out is None:
            print_table(list(rows[0]) if rows else ["no rows"], [list(row.values()) for row in rows[:SHOWN]])
            if len(rows) > SHOWN:
                print(f"{len(rows) - SHOWN:,} more rows; --out or --json gives all of them")
    if out is not None:
        print(f"{found.table.num_rows:,} rows: {out}", file=sys.stderr if as_json else sys.stdout)


def population(
    file: Annotated[Path, typer.Argument(help="CSV: area,population[,market_share,penetration,sims_per_person,…]")],
    areas: Annotated[str, typer.Option(help="The area set that its codes belong to.")],
    source: Annotated[str, typer.Option(help="Whose numbers these are, such as the census and its year.")],
) -> None:
    """Publish people by area as an open dataset, mobility.population, so that the site can scale by them."""
    from commonweal.core import audit
    from commonweal.mobility.scaling.publishing import publish_population

    home = opened()
    print(f"published {publish_population(home.settings, home.database, file, areas, source, audit.who())}")


def _rows(table: pa.Table) -> list[dict[str, object]]:
    found = []
    for row in table.to_pylist():
        for name, value in row.items():
            if name in ("people", "low", "high") and value is not None:
                row[name] = round(value)
            elif hasattr(value, "isoformat"):
                row[name] = value.isoformat()
        found.append(row)
    return found
