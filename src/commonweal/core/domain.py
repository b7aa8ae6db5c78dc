"""How a room tells the house what it has, without being imported.

Every field that names code is an import string (``"commonweal.mobility.cli:app"``), so listing the rooms costs
nothing and each part is loaded when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Domain:
    """What one room contributes.

    Parameters
    ----------
    name
        The room's name: its command, its address, the first part of its datasets' names.
    title, summary
        A heading, and one line for the command list.
    commands
        Typer application.
    routes, pages
        Lists of routes for the API and for the site.
    in_any_domain
        Whether its pages show of each domain what a visitor may see there, so that a right in any domain leads to them.
    tiles
        Function that draws the room's part of the overview page.
    behind
        Function of a request and a release that says on the release's page what stands behind it, a `Section` or None.
        Its first figure is in words, two columns of text; the others are the numbers below.
    datasets
        `Dataset` declarations.
    jobs
        Handler of each kind of long work.
    job_titles
        What people call each kind.
    areas_of_jobs
        Function of a database that gives a function from a job's parameters to the area set it concerns, so that
        whoever holds a role for some areas follows and starts work on these alone; empty: it concerns all areas.
    domain_of_jobs
        Function of a job's parameters that gives the domain whose work it is, where the room does it for others; empty:
        the room's own.
    plans
        Function of (settings, database, asked, progress) that gives what rules of disclosure control are compared on
        before a release; see ``disclosure/planning``.
    models
        Modules that declare stored records.
    migrations
        Folder of Alembic scripts, as ``"package:folder"``.
    prepare
        Function of (settings, database) that `commonweal init` calls once.
    key_files
        Names of the files that `prepare` writes into the key directory.
    restore
        Function of a session that puts back, after each upgrade, what guards the room's records; it names what it did.
    check
        Function of a connection that raises `Unavailable` where they are not guarded.
    files
        Function of (settings, session) for a backup: which files of the lake or the store belong to the records that
        the session sees, as functions that each give those that belong together when it is called, or raise
        `Overtaken` where later records have no need of them.
    refuse_older
        Function of (settings, session) for a restore: refuses files, or records that the session sees, that are older
        than what the key directory knows of.
    keep_head
        Function of (key directory, database) after a restore: brings what the key directory knows up to the records.
    """

    name: str
    title: str
    summary: str
    commands: str | None = None
    routes: str | None = None
    pages: str | None = None
    in_any_domain: bool = False
    tiles: str | None = None
    behind: str | None = None
    datasets: tuple[str, ...] = ()
    jobs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    job_titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    areas_of_jobs: str | None = None
    domain_of_jobs: str | None = None
    plans: str | None = None
    models: tuple[str, ...] = ()
    migrations: str | None = None
    prepare: str | None = None
    key_files: str | None = None
    restore: str | None = None
    check: str | None = None
    files: str | None = None
    refuse_older: str | None = None
    keep_head: str | None = None


def job_handlers(rooms: Sequence[Domain]) -> dict[str, str]:
    """Give the import string of each kind of job's handler."""
    return {kind: handler for room in rooms for kind, handler in room.jobs.items()}


def load(import_string: str) -> Any:
    """Import what an import string names.

    Examples
    --------
    >>> load("math:pi")
    3.141592653589793
    """
    module, _, name = import_string.partition(":")
    loaded = import_module(module)
    return getattr(loaded, name) if name else loaded
