"""What every command shares: the data directory it works on, and plain printing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from commonweal.core.database import Database, connect
from commonweal.core.domain import Domain
from commonweal.core.settings import Settings, load


@dataclass(frozen=True)
class Home:
    """An opened data directory."""

    settings: Settings
    database: Database


def opened() -> Home:
    """Open the data directory that the environment (``--data`` sets it) or the working directory names."""
    settings = load()
    return Home(settings, connect(settings))


def rooms_of(context: typer.Context) -> Sequence[Domain]:
    """Take the rooms from the roof, which knows them: the command line hands them down in its context."""
    rooms: Sequence[Domain] = context.find_root().obj
    return rooms


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as a plain table, whole in a pipe and fitted to a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*headings, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console = Console()
    console.print(table) if console.is_terminal else Console(width=240).print(table)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
