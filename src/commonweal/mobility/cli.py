"""``commonweal mobility``: thin commands; the rules are in `service`."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from commonweal.core.console import Home, opened, print_json, print_table
from commonweal.core.errors import InputError
from commonweal.mobility import (
    changes_cli,
    footprint_cli,
    forecasts_cli,
    protections_cli,
    quality_cli,
    scaling_cli,
    showing_cli,
)
from commonweal.mobility.report import cli as report_cli

app = typer.Typer(help="From call detail records to safe tables of where people are and how they move.")

ProjectName = Annotated[str, typer.Option("--project", "-p", help="The project.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]
Engine = Annotated[
    str | None,
    typer.Option(metavar="ENGINE", help="threads, local[2], spark://HOST:PORT, yarn …; else the setting."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, - and _.")],
    areas: Annotated[str, typer.Option(help="Area set: natural-earth:GN,LR,SL or one you imported.")],
    time_zone: Annotated[
        str | None, typer.Option(help="IANA time zone by which hours and days are counted; else the setting.")
    ] = None,
    day_starts: Annotated[str, typer.Option(help="When a day begins, such as 04:00.")] = "00:00",
    k: Annotated[int, typer.Option(help="Least number of people behind a published count.")] = 15,
    epoch: Annotated[str, typer.Option(help="How long a pseudonym lasts: month, quarter or year.")] = "year",
    retention_days: Annotated[int | None, typer.Option(help="Erase events older than this.")] = None,
    country_code: Annotated[str, typer.Option(help="Telephone country code that a leading 0 stands for.")] = "",
    buckets: Annotated[
        int, typer.Option(help="Parts that the subscribers are divided into: a power of two; a cluster needs many.")
    ] = 16,
) -> None:
    """Make a project: an operator's records, and the choices that hold for them."""
    from datetime import time

    from commonweal.core import audit
    from commonweal.core.errors import InputError
    from commonweal.mobility.projects import Project, bucket_bits, create_project

    try:
        starts = time.fromisoformat(day_starts)
    except ValueError:
        raise InputError(f"{day_starts!r} is no time of day", where="--day-starts", expected="such as 04:00") from None
    home = opened()
    zone = time_zone or home.settings.time_zone
    bits = bucket_bits(buckets)
    project = Project(name, zone, starts, areas, k, epoch, retention_days, bits, country_code)
    create_project(home.database, project, audit.who())
    print(
        f"project {name} is ready; next: commonweal mobility import FILES --project {name} --mapping FILE --cells FILE"
    )


@app.command("projects")
def projects(as_json: AsJson = False) -> None:
    """List the projects."""
    from commonweal.mobility.projects import list_projects

    rows = [
        {
            "project": project.name,
            "time zone": project.time_zone,
            "day starts": f"{project.day_starts:%H:%M}",
            "areas": project.area_set,
            "k": project.minimum_people,
            "epoch": project.epoch_length,
            "retention days": project.retention_days,
        }
        for project in list_projects(opened().database)
    ]
    _show(rows, as_json)


@app.command("inspect")
def inspect(file: Annotated[Path, typer.Argument(help="A file of events.")]) -> None:
    """Look at a file and propose a mapping, identifiers masked."""
    from commonweal.mobility.inspecting import inspect as look
    from commonweal.mobility.inspecting import usual_time_zone

    found = look(file, usual_time_zone())
    shown = (
        "a Parquet file"
        if found.source.format == "parquet"
        else (
            f"a table divided by {found.source.delimiter!r}, in {found.source.encoding}, "
            f"{'with' if found.source.header else 'without'} a header"
        )
    )
    print(f"# {file.name} seems to be {shown}. Its first rows, identifiers masked:", file=sys.stderr)
    print(f"#   {' | '.join(found.columns)}", file=sys.stderr)
    for row in found.rows:
        print(f"#   {' | '.join(row)}", file=sys.stderr)
    for doubt in found.doubts:
        print(f"# To settle: {doubt}", file=sys.stderr)
    print(found.mapping, end="")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files of events: CSV (plain, gz, zst) or Parquet.")],
    project: ProjectName,
    mapping: Annotated[Path, typer.Option(help="The mapping file; `inspect` proposes one.")],
    cells: Annotated[Path | None, typer.Option(help="The cell file; needed once, then when cells change.")] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day accepted.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day accepted.")] = None,
    engine: Engine = None,
) -> None:
    """Import an operator's files: pseudonymised at the door, every rejected row counted."""
    from commonweal.mobility.asking import import_parameters

    home = opened()
    home.settings.on_engine(engine)
    parameters = import_parameters(project, files, mapping, cells, _day(first), _day(last), engine)
    _job(home, "mobility.import", parameters, "Importing")


@app.command("run")
def run(
    project: ProjectName,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    measure: Annotated[list[str] | None, typer.Option(help="Only this measure; may be given again.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Count by another clock than the project's.")] = None,
    day_starts: Annotated[str | None, typer.Option(help="Count by another day boundary.")] = None,
    private: Annotated[
        float | None, typer.Option(metavar="EPSILON", help="Make tables with noise that spend so much together.")
    ] = None,
    unit: Annotated[
        str, typer.Option(help="What noise hides: person-day, person-week or person-month.")
    ] = "person-day",
    delta: Annotated[
        float, typer.Option(help="Gaussian noise, which holds but for this probability; 0: Laplace noise.")
    ] = 0.0,
    round_to: Annotated[
        int | None,
        typer.Option(metavar="BASE", help="Round all counts to multiples that add up, instead of hiding few."),
    ] = None,
    cell_key: Annotated[
        tuple[int, float, int] | None,
        typer.Option(metavar="D V JS", help="Noise by cell key: the largest, its variance, counts never published."),
    ] = None,
    footprint: Annotated[
        str | None,
        typer.Option(help="For present: signal-strength, best-server, voronoi (of sites) or voronoi-of-cells."),
    ] = None,
    land_use: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For present: where people may be; polygons or points with weight or class."),
    ] = None,
    engine: Engine = None,
) -> None:
    """Count, protect and publish."""
    from commonweal.mobility.asking import run_parameters

    noise = None
    if private is not None:
        from commonweal.disclosure.private import Rule
        from commonweal.disclosure.private.unit import unit_of

        noise = Rule(unit_of(unit), private, delta, "gaussian" if delta else "laplace").record()
    if sum(choice is not None for choice in (private, round_to, cell_key)) > 1:
        raise InputError("several rules were chosen", expected="one of --private, --round-to and --cell-key")
    rule = None
    if round_to is not None:
        rule = {"rule": "controlled-rounding", "base": round_to}
    elif cell_key is not None:
        rule = {"rule": "cell-key", **dict(zip(("D", "V", "js"), cell_key, strict=True))}
    home = opened()
    home.settings.on_engine(engine)
    clock = (time_zone, day_starts)
    rules, places = (noise, rule), (footprint, land_use)
    parameters = run_parameters(project, _day(first), _day(last), measure or [], *clock, *rules, engine, *places)
    result = _job(home, "mobility.run", parameters, "Running")
    for release in result["releases"]:
        came = "published" if release["new"] else "found"
        print(f"{came} {{dataset}} version {{version}}: {{rows:,}} rows, digest {{digest:.12}}".format(**release))
    if proposal := result.get("proposal"):
        print(f"nothing is published yet: proposal {proposal} waits for a steward, who cannot be the one who made it")
        print(f"next, as a steward: commonweal disclosure show {proposal}, then approve or reject {proposal}")
        print("to have later runs published at once: commonweal disclosure standing grant; see docs/disclosure.md")
    for proposal in result.get("proposals", ()):
        print(f"proposal {proposal} waits for a steward; next: commonweal disclosure show {proposal}")


@app.command("imports")
def imports(project: ProjectName, as_json: AsJson = False) -> None:
    """Show what was imported: of each file how many rows went where."""
    from commonweal.mobility.imported import list_imports

    _show(list_imports(opened().database, project), as_json)


@app.command("rejects")
def rejects(
    project: ProjectName,
    reason: Annotated[str | None, typer.Option(help="Only rows rejected for this reason.")] = None,
    file: Annotated[
        str | None, typer.Option(help="Only rows of this file: its name, or the beginning of its digest.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many rows.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show rejected rows: file, line, reason and what cannot identify anyone."""
    from commonweal.mobility.imported import list_rejects

    home = opened()
    found = list_rejects(home.settings, home.database, project, limit, reason, file)
    _show(found.rows if as_json else [row | {"digest": row["digest"][:12]} for row in found.rows], as_json)
    if found.total > len(found.rows):
        note = f"the first {len(found.rows):,} of {found.total:,} rejected rows; --limit shows more"
        print(note, file=sys.stderr if as_json else sys.stdout)


@app.command("forget")
def forget(project: ProjectName) -> None:
    """Erase the subscribers whose numbers come on standard input, one a line, and keep them out from then on."""
    from commonweal.core import audit
    from commonweal.mobility.custody import forget as erase
    from commonweal.mobility.projects import get_project

    home = opened()
    forgotten = erase(home.settings, home.database, get_project(home.database, project), sys.stdin, audit.who())
    print(
        f"{forgotten.numbers:,} numbers, {forgotten.found:,} of them with events; "
        f"{forgotten.events:,} events erased or cut from them; releases stand"
    )
    if forgotten.no_numbers:
        lines = ", ".join(f"{line:,}" for line in forgotten.no_numbers)
        print(f"{len(forgotten.no_numbers):,} of them are no telephone number or IMSI; lines: {lines}")


@app.command("retain")
def retain(project: ProjectName) -> None:
    """Erase events and rejected rows older than the project's retention."""
    result = _job(opened(), "mobility.retain", {"project": project}, "Erasing")
    print("{events:,} events and {rejects:,} rejected rows before {before} erased".format(**result))


@app.command("verify")
def verify(project: ProjectName, as_json: AsJson = False) -> None:
    """Read the whole store and compare it with its manifests."""
    from dataclasses import asdict

    from commonweal.mobility.projects import get_project
    from commonweal.mobility.verifying import verify as read_all

    home = opened()
    chosen = get_project(home.database, project)
    verified = read_all(home.settings, home.database, chosen)
    if as_json:
        print_json(asdict(verified))
    else:
        epochs = ", ".join(verified.epochs) or "none"
        print(f"{verified.segments:,} segments, {verified.rows:,} rows are what their manifests say; epochs: {epochs}")
        for path in verified.superfluous:
            print(f"superfluous: {path}")
        for finding in verified.findings:
            print(f"damaged: {finding}")
    verified.refuse_damage(chosen)


@app.command("compact")
def compact(project: ProjectName) -> None:
    """Bring closed months into one file a bucket, which long periods read faster."""
    from commonweal.mobility.projects import get_project
    from commonweal.mobility.service import compact_store

    home = opened()
    print(f"{compact_store(home.settings, home.database, get_project(home.database, project))} files fewer")


app.command("show")(showing_cli.show)


@app.command("net")
def net(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The dataset of flows.")] = "mobility.flows",
    version: Annotated[int | None, typer.Option(help="Version of its release; the newest if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add published flows up to inflow, outflow and net flow by area; what is hidden stays hidden."""
    from commonweal.mobility.net_flows import net_of_release

    release, table = net_of_release(opened(), name, version)
    rows = table.to_pylist()
    for row in rows:
        row["start"] = row["start"].isoformat()
    if not as_json:
        print(f"{release.label}; a sum with a hidden flow in it is not known, only what it is at least")
    _show(rows, as_json)


@app.command("model")
def model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The dataset of flows.")] = "mobility.flows",
    version: Annotated[int | None, typer.Option(help="Version of its release; the newest if left out.")] = None,
    models: Annotated[
        list[str] | None, typer.Option("--model", help="Only this model; may be given again. All that can be, if none.")
    ] = None,
    population: Annotated[
        str | None,
        typer.Option(metavar="FILE|NAME[@VERSION]", help="People by area, for models that need it: a CSV, a release."),
    ] = None,
    days: Annotated[
        list[datetime] | None, typer.Option("--day", formats=["%Y-%m-%d"], help="Only this day; may be given again.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Hold pairs out in so many parts, and each day; 0 for none.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the division into parts.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="CSV to write: flows with what is hidden filled in by the model.")
    ] = None,
    level: Annotated[float, typer.Option(help="Probability of the intervals in it.")] = 0.95,
    as_json: AsJson = False,
) -> None:
    """Fit models of population flow to published flows: gravity, radiation, opportunities."""
    from commonweal.mobility.flow_models.asking import model_release, rows_of
    from commonweal.mobility.flow_models.comparing import write_nowcast

    asked = model_release(
        opened(),
        name,
        version,
        models or [],
        population=population,
        days=[moment.date() for moment in days or []],
        folds=folds,
        seed=seed,
        one=out is not None,
    )
    filled = write_nowcast(out, asked.released, asked.only(), level) if out is not None else 0
    if as_json:
        print_json(asked.record())
    else:
        for line in asked.lines():
            print(line)
        _show(rows_of(asked.compared), as_json)
    if out is not None:
        print(f"{filled:,} flows filled in and marked as modelled: {out}", file=sys.stderr if as_json else sys.stdout)


app.command("changes")(changes_cli.changes)
app.command("displaced")(changes_cli.displaced)
app.command("forecast")(forecasts_cli.forecast)
app.command("patterns")(forecasts_cli.patterns)
app.command("nowcast")(forecasts_cli.nowcast)
app.command("measures")(protections_cli.measures)
app.command("quality")(quality_cli.quality)
app.command("devices")(quality_cli.devices)
app.command("footprint")(footprint_cli.footprint)
app.command("scale")(scaling_cli.scale)
app.command("population")(scaling_cli.population)
app.command("report")(report_cli.report)


@app.command("join-border")
def join_border(
    one: Annotated[str, typer.Argument(help="Version of one release of mobility.border_crossings, or a Parquet file.")],
    other: Annotated[str, typer.Argument(help="The other operator's.")],
    countries: Annotated[tuple[str, str], typer.Option(metavar="ONE OTHER", help="Their countries, such as GN SL.")],
    residents: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="ONE OTHER", help="The part of its country's people who cross that each sees."),
    ] = None,
    visitors: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="ONE OTHER", help="The part of the neighbour's people who come that each sees."),
    ] = None,
    level: Annotated[float, typer.Option(help="Probability of the intervals.")] = 0.95,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put two operators' published views of one border side by side, with what they say together."""
    from commonweal.mobility.borders.asking import join_releases

    table = join_releases(opened(), (one, other), countries, residents, visitors, level)
    rows = [row | {"start": f"{row['start']:%Y-%m-%dT%H:%M:%SZ}"} for row in table.to_pylist()]
    if out is not None:
        from pyarrow import csv

        csv.write_csv(table, out)
        print(f"{table.num_rows:,} rows: {out}", file=sys.stderr if as_json else sys.stdout)
    else:
        _show(rows, as_json)


def _day(moment: datetime | None) -> date | None:
    return moment and moment.date()


def _job(home: Home, kind: str, parameters: dict[str, Any], title: str) -> dict[str, Any]:
    from commonweal.core import audit
    from commonweal.core.jobs import run_now
    from commonweal.core.jobs.progress import follow
    from commonweal.mobility import DOMAIN

    with follow(title) as on_progress:
        return run_now(home.settings, home.database, kind, parameters, audit.who(), DOMAIN.jobs, on_progress) or {}


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        print_table(list(rows[0]) if rows else ["nothing yet"], [list(row.values()) for row in rows])
