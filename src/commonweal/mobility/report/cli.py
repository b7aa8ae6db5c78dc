"""``commonweal mobility report``: a thin command; the rules are beside it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from commonweal.core.console import opened
from commonweal.mobility.report.asking import FORMATS, LANGUAGES, Asked, chosen, write_report


def report(
    country: Annotated[
        str, typer.Argument(metavar="COUNTRY", help="A country (GN, GIN or Guinea), or a project's name.")
    ],
    language: Annotated[str, typer.Option(help="en, fr or both.")] = "both",
    form: Annotated[str, typer.Option("--format", help="pdf, html or both.")] = "both",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path(),
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a country report from releases: datasets, anonymisation, results with maps, limitations, challenges."""
    asked = Asked(
        country,
        chosen(language, LANGUAGES, "--language"),
        chosen(form, FORMATS, "--format"),
        first and first.date(),
        last and last.date(),
    )
    home = opened()
    for path in write_report(home.settings, home.database, asked, out, force=force):
        print(path)
