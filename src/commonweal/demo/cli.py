"""Commands of the sample country: generate it, score what was published from it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from commonweal.core.database import Database
    from commonweal.core.settings import Settings

app = typer.Typer(help="The sample country: generate it, run it, score it.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the command's name even while there is only one."""


@app.command("generate")
def generate_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder.")],
    subscribers: Annotated[int, typer.Option(help="SIMs with records in the period, visitors included.")] = 50_000,
    days: Annotated[int, typer.Option(help="Length of the period.")] = 14,
    seed: Annotated[int, typer.Option(help="Equal choices and seed give equal bytes.")] = 1,
    scenario: Annotated[
        str, typer.Option(help="What happens: ordinary, or lockdown, festival, flood, outbreak joined by commas.")
    ] = "ordinary",
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = datetime(2026, 3, 1),
    events_per_day: Annotated[float, typer.Option(help="Mean events a subscriber and day.")] = 15.0,
    countries: Annotated[str, typer.Option(help="ISO 3166 codes joined by commas.")] = "GN,LR,SL",
    areas: Annotated[Path | None, typer.Option(help="GeoJSON of areas, else Natural Earth's.")] = None,
    code_field: Annotated[str, typer.Option(help="Property and column with an area's code.")] = "code",
    name_field: Annotated[str, typer.Option(help="Property with an area's name.")] = "name",
    population: Annotated[Path | None, typer.Option(help="CSV of people by area.")] = None,
    population_field: Annotated[str, typer.Option(help="Its column with the number of people.")] = "population",
    cells: Annotated[Path | None, typer.Option(help="File of real cells, else cells are placed.")] = None,
    cells_format: Annotated[str, typer.Option(help="Its format: mls (Mozilla Location Service).")] = "mls",
    time_zone: Annotated[str | None, typer.Option(help="Zone of the records' times, else the capital's.")] = None,
    compression: Annotated[str, typer.Option(help="Of the event files: none, gz or zst.")] = "none",
    threads: Annotated[int | None, typer.Option(help="Threads; changes no byte.")] = None,
) -> None:
    """Write an operator's records and the truth about them."""
    from rich.progress import Progress

    from commonweal.demo.generate import Choices, generate
    from commonweal.demo.landscape import Ground
    from commonweal.demo.scenarios import parse

    choices = Choices(
        subscribers=subscribers,
        days=days,
        start=start.date(),
        seed=seed,
        scenarios=parse(scenario),
        events_per_day=events_per_day,
        ground=Ground(
            countries=tuple(code.strip().upper() for code in countries.split(",") if code.strip()),
            areas=areas,
            code_field=code_field,
            name_field=name_field,
            population=population,
            population_field=population_field,
        ),
        cells=cells,
        cells_format=cells_format,
        time_zone=time_zone,
        compression=compression,
    )
    with Progress(transient=True) as shown:
        task = shown.add_task("generating", total=days)
        summary = generate(
            out,
            choices,
            threads=threads,
            progress=lambda done, total, what: shown.update(task, completed=done, description=what),
        )
    print(f"{summary.rows:,} rows of {choices.subscribers:,} subscribers over {days} days in {out / 'events'}")
    print("planted: " + ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in summary.faults.items()))
    print(f"next: commonweal mobility import, with {out / 'mapping.toml'} and {out / 'cells.csv'}")


@app.command("score")
def score_command(
    demo: Annotated[Path, typer.Argument(metavar="OUT", help="The folder that generate wrote.")],
    project: Annotated[str | None, typer.Option(help="Project whose private store gives homes by subscriber.")] = None,
    minimum_people: Annotated[int, typer.Option(help="No reported value may be below.")] = 15,
    methods: Annotated[
        bool, typer.Option("--methods", help="Score every method on the private store too; takes minutes.")
    ] = False,
) -> None:
    """Compare what was published from the sample country with the truth."""
    from commonweal.core.console import opened, print_table
    from commonweal.core.errors import Damaged
    from commonweal.demo import score

    home = opened()
    results = score.score(demo, score.published_tables(home.settings, home.database))
    print_table(
        ("", "reported", "of", "people covered", "pipeline error", "largest", "against the truth", "smallest"),
        (
            (
                name,
                f"{one.reported:,}",
                f"{one.truly:,}",
                f"{one.covered:.1%}",
                f"{one.pipeline_error:.4%}",
                one.largest_difference,
                f"{one.sampling_error:.1%}",
                one.smallest,
            )
            for name, one in results
        ),
    )
    _print_changes(home.settings, home.database, demo)
    if project is not None:
        accuracy, count = score.home_accuracy_of(home.settings, home.database, project, demo)
        print(f"home area right for {accuracy:.2%} of {count:,} subscribers")
        if methods:
            _print_methods(home.settings, home.database, project, demo)
    small = [name for name, one in results if one.smallest is not None and one.smallest < minimum_people]
    if small:
        raise Damaged(
            f"values below {minimum_people} people are reported", where=", ".join(small), expected="suppression"
        )
    print(f"nobody stands in a published table with fewer than {minimum_people} people")


def _print_methods(settings: Settings, database: Database, project: str, demo: Path) -> None:
    """Print how near each method comes to the truth, before anything is protected."""
    from commonweal.core.console import print_table
    from commonweal.demo.score_methods import method_scores

    print_table(
        ("before protection", "method", "truth", "right", "error", "total", "values"),
        (
            (one.what, one.method, one.truth, *map(_percent, (one.right, one.error, one.total)), f"{one.values:,}")
            for one in method_scores(settings, database, project, demo)
        ),
    )


def _print_changes(settings: Settings, database: Database, demo: Path) -> None:
    """Print what the baselines make of a lockdown and a flood, if there was one."""
    from commonweal.core.console import print_table
    from commonweal.demo.score_changes import displaced_scores, lockdown_scores

    if scores := lockdown_scores(settings, database, demo):
        print_table(
            ("lockdown: baseline", "length", "planted", "journeys", "same flows", "published", "interval",
             "if hidden none", "same within", "planted within", "values", "of", "with hidden", "its interval", "seen",
             "seen within"),
            (
                (one.like, one.length, *map(_percent, (one.planted, one.journeys, one.same, one.published.change)),
                 f"{_percent(one.published.low)} to {_percent(one.published.high)}", _percent(one.published.if_none),
                 _yes(one.holds(one.same)), _yes(one.holds(one.planted)), one.published.values, one.published.possible,
                 _percent(one.hidden.change), f"{_percent(one.hidden.low)} to {_percent(one.hidden.high)}",
                 _percent(one.seen), _yes(one.holds(one.seen, one.hidden)))
                for one in scores
            ),
        )  # fmt: skip
    if displaced := displaced_scores(settings, database, demo):
        print_table(
            ("displaced from", "to", "published", "interval", "truly", "within"),
            (
                (one.origin, one.host, f"{one.published:.0f}", f"{one.low:.0f} to {one.high:.0f}", one.truly,
                 _yes(one.holds))
                for one in displaced
            ),
        )  # fmt: skip


def _percent(part: float | None) -> str:
    return "–" if part is None else f"{part:.1%}"


def _yes(holds: bool | None) -> str:
    return "–" if holds is None else "yes" if holds else "no"
