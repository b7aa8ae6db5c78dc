"""What can be set, called or loaded is written down and there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from commonweal.cli import application
from commonweal.core.database import Database
from commonweal.core.domain import load
from commonweal.core.settings import Settings
from commonweal.domains import ROOMS, job_handlers

DOCS = Path(__file__).parents[2] / "docs"
GROUPS = ["areas", "audit", "catalog", "demo", "jobs", "keys", "mobility"]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    row = rf"^\|.*`COMMONWEAL_{name.upper()}`.*\|\s*$"
    assert re.search(row, text, re.MULTILINE), f"docs/settings.md has no row with `COMMONWEAL_{name.upper()}`"


def test_no_setting_is_documented_that_is_not_there() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|\s*`COMMONWEAL_([A-Z_]+)`", text, re.MULTILINE)
    assert {row.lower() for row in rows} <= set(Settings.model_fields)


def _commands(group: object, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    commands = getattr(group, "commands", None)
    if commands is None:
        yield prefix
    else:
        for name, command in sorted(commands.items()):
            yield from _commands(command, (*prefix, name))


def _all_commands() -> list[str]:
    return [" ".join(words) for words in _commands(typer.main.get_command(application(GROUPS)))]


def test_the_groups_looked_at_are_all_there_are() -> None:
    unloaded = typer.main.get_command(application([]))
    assert sorted({*unloaded.commands} - {"init", "serve", "db"}) == GROUPS


@pytest.mark.parametrize("command", _all_commands())
def test_every_command_is_documented(command: str) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")}
    pattern = re.compile(rf"\bcommonweal(\s+--data\s+\S+)?\s+{command}\b")
    assert any(pattern.search(text) for text in texts.values()), f"no page of docs/ says `commonweal {command}`"


def test_no_page_names_a_command_that_is_not_there() -> None:
    known = set(_all_commands())
    wrong = []
    for path in DOCS.rglob("*.md"):
        for words in re.findall(r"(?:^\s*|`)(?:\$ )?commonweal ((?:[a-z]+ ?)+)", path.read_text("utf-8"), re.MULTILINE):
            said = words.split()
            if (
                not any(" ".join(said[: len(name.split())]) == name for name in known)
                and said[0] in GROUPS
                and said[1:]
            ):
                wrong.append(f"{path.name}: commonweal {words}")
    assert wrong == []


def _import_strings() -> list[str]:
    found = []
    for room in ROOMS:
        single = (room.commands, room.routes, room.pages, room.tiles, room.prepare)
        found += [string for string in single if string]
        found += [*room.datasets, *room.models, *room.jobs.values()]
    return sorted(set(found))


@pytest.mark.parametrize("string", _import_strings())
def test_every_import_string_of_the_rooms_is_of_something(string: str) -> None:
    assert load(string) is not None


def test_every_kind_of_job_has_a_handler_that_can_be_called() -> None:
    assert job_handlers()
    assert all(callable(load(handler)) for handler in job_handlers().values())


def test_every_room_that_stores_something_brings_migrations_that_make_it(database: Database) -> None:
    database.check(ROOMS)  # after the upgrade that the fixture ran, on SQLite and on PostgreSQL
    database.upgrade(ROOMS)
    database.check(ROOMS)
