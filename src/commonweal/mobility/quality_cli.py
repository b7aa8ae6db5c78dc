"""``commonweal mobility quality``: what is wrong with a project's records and cell files."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from commonweal.core.console import opened, print_json, print_table
from commonweal.core.errors import InputError

Project = Annotated[str, typer.Option("--project", "-p", help="The project.")]


def quality(
    project: Project,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    language: Annotated[str, typer.Option(help="Of the sentences: en or fr.")] = "en",
    publish: Annotated[
        bool,
        typer.Option("--publish", help="Publish what is wrong with cell files, and flagged events by day and cell."),
    ] = False,
    imputed: Annotated[
        Path | None,
        typer.Option(
            help="CSV to write: subscribers by area and day, gaps filled with what is usual, marked modelled."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report the quality of records: days, gaps and drift with control limits, flags, bad cell files."""
    from commonweal.mobility.quality.report import FIGURES, quality_of
    from commonweal.web.languages import OFFERED, speaking

    if language not in OFFERED:
        raise InputError(f"there is no language {language!r}", where="--language", expected=", ".join(OFFERED))
    home = opened()
    report = quality_of(home.settings, home.database, project, first and first.date(), last and last.date())
    with speaking(OFFERED[language]):
        record = report.record()
    if publish:
        from commonweal.core import audit
        from commonweal.mobility.quality.publishing import publish_cell_faults, publish_flags

        planned, said = report.planned, sys.stderr if as_json else sys.stdout
        release = publish_cell_faults(home.settings, home.database, planned, audit.who()).release
        print(f"published {release.label}: {release.rows:,} rows", file=said)
        outcome = publish_flags(home.settings, home.database, planned, audit.who())
        for publication in outcome.publications:
            print(f"published {publication.release.label}: {publication.release.rows:,} rows", file=said)
        if outcome.waits:
            waits = outcome.proposal.short
            print(f"flags are not published yet: proposal {waits} waits for a steward", file=said)
            print(f"next, as a steward: commonweal disclosure show {waits}, then approve or reject {waits}", file=said)
    if imputed is not None:
        from commonweal.mobility.quality.imputing import impute, write_imputed

        filled = write_imputed(imputed, impute(report))
        print(f"{filled:,} gaps filled, marked as modelled: {imputed}", file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print_json(record)
        return
    print(
        f"project {project}, {record['first_day']} to {record['last_day']}; counts are rounded down to "
        f"{record['rounded_to']}, and held back below {record['k']} people"
    )
    for finding in record["findings"]:
        print(f"- {finding['what']} ({finding['kind']}, {finding['how_sure']})")
    if not record["findings"]:
        print("nothing is wrong that this looks for")
    names = ["day", *FIGURES, "events_low", "events_high", "silent_cells", "silent_areas"]
    print_table(names, [[day[name] for name in names] for day in record["days"]])


def devices(
    file: Annotated[Path, typer.Argument(help="CSV of device types: a column tac, and one of the type.")],
    project: Project,
    machine_type: Annotated[
        list[str] | None, typer.Option(help="A type that is a machine, as the file says it; may be given again.")
    ] = None,
) -> None:
    """Say which device types are machines: their events are flagged, and left out of what is made of clean events."""
    from commonweal.core import audit
    from commonweal.mobility.machines import digest, read_device_types, write_machines
    from commonweal.mobility.projects import get_project
    from commonweal.mobility.store import held, project_folder

    home = opened()
    chosen = get_project(home.database, project)
    machines = read_device_types(file, tuple(machine_type or ()))
    folder = project_folder(home.settings.store, chosen.name)
    with held(folder), home.database.transaction() as session:
        write_machines(folder, machines)
        details: dict[str, Any] = {"machines": digest(machines), "types": len(machines)}
        audit.record(session, who=audit.who(), action="mobility.devices", what=f"project {project}", details=details)
    print(f"{len(machines):,} device types are machines; what is made of clean events is made anew")
