"""``commonweal mobility forecast``, ``patterns`` and ``nowcast``: of published tables, by hour or by day."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commonweal.core.console import opened, print_json, print_table

if TYPE_CHECKING:
    from commonweal.core.catalog import Release
    from commonweal.core.console import Home

PRINTED = 48
"""Rows that are printed; all are in the file and in JSON."""
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="mobility.presence, mobility.flows_hourly, mobility.flows or alike.")
]
Version = Annotated[int | None, typer.Option(help="Version of its release; the newest if left out.")]
Holidays = Annotated[
    list[datetime] | None,
    typer.Option("--holiday", formats=["%Y-%m-%d"], help="A day unlike others, to leave out; may be given again."),
]
Area = Annotated[str | None, typer.Option(help="Only what concerns the area of this code.")]
Level = Annotated[float, typer.Option(help="Probability of the intervals.")]
Out = Annotated[Path | None, typer.Option(help="CSV to write all rows to.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def forecast(
    name: Name = "mobility.presence",
    version: Version = None,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; the one after the last if left out.")
    ] = None,
    event: Annotated[
        list[datetime] | None,
        typer.Option("--event", formats=["%Y-%m-%d"], help="An earlier date of what the day is; may be given again."),
    ] = None,
    holidays: Holidays = None,
    level: Level = 0.9,
    area: Area = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Forecast a coming day by hour, with intervals, and say how good such forecasts were of the last days."""
    from commonweal.mobility.forecasts.asking import foresee
    from commonweal.mobility.published import require_area

    home, release = _release(name, version)
    seen = foresee(
        home.settings,
        home.database,
        release,
        day and day.date(),
        event=_days(event),
        holidays=_days(holidays),
        level=level,
    )
    if area:
        require_area(seen.series.areas, area)
    score = seen.score
    lines = [f"{release.label}: {seen.found.plan.day}, modelled; like days: {seen.found.like}"]
    if score.counts:
        lines.append(
            f"of the last {len(score.days)} days, forecast from the days before: mean error {score.error:.1f}, of the "
            f"same hour of last week {score.naive_error:.1f}, of {score.counts:,} counts"
        )
    if score.inside == score.inside:
        lines.append(f"{score.inside:.1%} of counts lay in their interval, which should hold {level:.0%}")
    _tell(seen.record(), lines, list(seen.records(area)), out, as_json)


def patterns(
    name: Name = "mobility.presence",
    version: Version = None,
    holidays: Holidays = None,
    area: Area = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Say what is usual at each hour of the week: the median and quartiles of like days."""
    from commonweal.mobility.forecasts.asking import patterns as usual_of
    from commonweal.mobility.published import require_area

    home, release = _release(name, version)
    found = usual_of(home.settings, home.database, release, holidays=_days(holidays))
    if area:
        require_area(found.series.areas, area)
    first, last = found.days
    lines = [f"{release.label}: what is usual, {first} to {last}, modelled; like days: {found.usual.like}"]
    _tell(found.record(), lines, list(found.records(area)), out, as_json)


def nowcast(
    name: Name = "mobility.presence",
    version: Version = None,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; the last one if left out.")
    ] = None,
    holidays: Holidays = None,
    level: Level = 0.9,
    area: Area = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Fill in what is suppressed or missing of a day; what is filled in is marked as modelled."""
    from commonweal.mobility.forecasts.asking import nowcast as fill
    from commonweal.mobility.published import require_area

    home, release = _release(name, version)
    found = fill(home.settings, home.database, release, day and day.date(), holidays=_days(holidays), level=level)
    if area:
        require_area(found.series.areas, area)
    rows = list(found.records(area))
    modelled = sum(row["state"] == "modelled" for row in rows)
    lines = [f"{release.label}: {found.filled.day}, {modelled:,} of {len(rows):,} filled in and marked as modelled"]
    _tell(found.record(), lines, rows, out, as_json)


def _release(name: str, version: int | None) -> tuple[Home, Release]:
    from commonweal.core.catalog import get

    home = opened()
    return home, get(home.database, name, version)


def _days(moments: Sequence[datetime] | None) -> frozenset[date]:
    return frozenset(moment.date() for moment in moments or ())


def _tell(
    said: dict[str, Any], lines: Sequence[str], rows: list[dict[str, Any]], out: Path | None, as_json: bool
) -> None:
    from commonweal.mobility.baselines.writing import write_csv

    if out is not None:
        write_csv(out, [{"release": said["release"], **row} for row in rows])
        print(f"{len(rows):,} rows: {out}", file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print_json(said | {"rows": rows})
        return
    for line in lines:
        print(line)
    if out is None:
        print_table(list(rows[0]), [["–" if cell is None else cell for cell in row.values()] for row in rows[:PRINTED]])
        if len(rows) > PRINTED:
            print(f"the first {PRINTED} of {len(rows):,} rows; --area shows one area, --out and --json all")
