"""What people ask for on the site: an import from the inbox, a run; each with its right, then left to a worker."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound
from commonweal.core.identity import Permission, Visitor
from commonweal.core.jobs.service import submit_or_adopt
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.cells import read_register
from commonweal.mobility.findings import many_digits
from commonweal.mobility.inbox import LONGEST_MAPPING, Inbox
from commonweal.mobility.inspecting import Inspection, inspect
from commonweal.mobility.layout import Layout, parse_layout
from commonweal.mobility.projects import Project, list_projects
from commonweal.mobility.store import project_folder

DOMAIN = "mobility"
PRESENT = "present"
"""The measure that asks where people may be."""
PLACEHOLDER = "COLUMN"
"""What a proposed mapping says where a person must say which column it is."""


@dataclass(frozen=True)
class Asked:
    """What somebody asks to have imported, as they typed it.

    Parameters
    ----------
    project
        Into which project.
    files, folders
        Names of files in the inbox, and of folders with all that is in them.
    mapping
        Name of a mapping in the inbox; empty: the text.
    text
        A mapping.
    cells
        Name of a cell file in the inbox; empty: the cells that are known already.
    first, last
        First and last day accepted (ISO); empty: all days.
    """

    project: str = ""
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    mapping: str = ""
    text: str = ""
    cells: str = ""
    first: str = ""
    last: str = ""

    def chosen(self, inbox: Inbox) -> list[str]:
        """Give the names of the files to import.

        Raises
        ------
        InputError
            As `Inbox.chosen`.
        """
        return inbox.chosen(self.files, self.folders, without=[self.cells])


def import_from_inbox(settings: Settings, database: Database, visitor: Visitor, asked: Asked) -> int:
    """Queue an import of files of the inbox; give the job's number.

    The same asked for again while it waits or runs is the same job. A mapping given as a text is kept in the inbox,
    under a name made of its content.

    Raises
    ------
    NotSignedIn, Refused
        Whoever asks may not start work on the project's areas.
    NotFound
        There is no such project.
    InputError
        Something that was typed cannot be used.
    """
    project = project_of(database, visitor, asked.project, Permission.RUN)
    inbox = inbox_for(settings, database, visitor)
    files = asked.chosen(inbox)
    _refuse_of_others(database, project, [*files, asked.cells])
    first, last = _day(asked.first, "first"), _day(asked.last, "last")
    if first and last and last < first:
        raise InputError(
            Wording("the last day lies before the first"), where="last", expected=Wording("a day not before it")
        )
    cells = inbox.path(asked.cells) if asked.cells else None
    if cells is None and not read_register(project_folder(settings.store, project.name)).table.num_rows:
        raise InputError(
            Wording("no cells are known yet, so no event can be placed"),
            where="cells",
            expected=Wording("a cell file from the list"),
        )
    text = inbox.text(asked.mapping) if asked.mapping else asked.text
    layout_of(text, asked.mapping or "mapping")
    if asked.mapping:
        mapping = inbox.path(asked.mapping)
    else:
        name = f"{project.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.toml"
        mapping = inbox.keep(name, text)
    parameters = import_parameters(project.name, [inbox.path(name) for name in files], mapping, cells, first, last)
    return submit_or_adopt(database, "mobility.import", parameters, visitor.who)


def run_now(
    settings: Settings, database: Database, visitor: Visitor, name: str, measure: str = "", land_use: str = ""
) -> int:
    """Queue a run over all days of a project; give the job's number.

    Parameters
    ----------
    measure
        Only this one; empty: the usual ones.
    land_use
        Name of a file in the inbox that says where people may be; empty: everywhere alike.

    Raises
    ------
    NotSignedIn, Refused, NotFound, InputError
        As `import_from_inbox`; or the measure does not ask where people may be.
    """
    project = project_of(database, visitor, name, Permission.RUN)
    ground = None
    if land_use:
        ground = inbox_for(settings, database, visitor).path(land_use)
        _refuse_of_others(database, project, [land_use])
        if measure != PRESENT:
            raise InputError(
                Wording("only present devices depend on land use"),
                where="land_use",
                expected=Wording("present devices, or no file of land use"),
            )
    chosen = [measure] if measure else []
    return submit_or_adopt(
        database, "mobility.run", run_parameters(project.name, measures=chosen, land_use=ground), visitor.who
    )


def look(settings: Settings, database: Database, visitor: Visitor, asked: Asked) -> tuple[str, Inspection]:
    """Look at the first of the chosen files; give its name, and what it seems to be.

    Raises
    ------
    NotSignedIn, Refused, NotFound, InputError
        As `import_from_inbox`; or the file is no table whose columns have names.
    """
    project = project_of(database, visitor, asked.project, Permission.RUN)
    inbox = inbox_for(settings, database, visitor)
    name = asked.chosen(inbox)[0]
    _refuse_of_others(database, project, [name])
    unnamed = InputError(
        Wording("its first line looks like an event, not like names of columns"),
        where=name,
        expected=Wording("a look at it by `commonweal mobility inspect` on this machine"),
    )
    try:
        found = inspect(inbox.path(name), project.time_zone)
    except InputError as error:
        # What is wrong may quote the name of a column, and that be somebody's number.
        if many_digits(error.what):
            raise unnamed from None
        raise
    if any(many_digits(column) for column in found.columns):
        raise unnamed
    return name, found


def layout_of(text: str, where: str) -> Layout:
    """Read a mapping that was written as a text.

    Raises
    ------
    InputError
        It is none, or does not yet say which column is which.
    """
    if not text.strip() or len(text.encode()) > LONGEST_MAPPING:
        raise InputError(
            Wording("there is no mapping yet"),
            where=where,
            expected=Wording("one from the list, or a look at the file, which proposes one"),
        )
    try:
        said = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            Wording("the mapping cannot be read as TOML: %(why)s", why=str(error)),
            where=where,
            expected=Wording('lines such as cell = "cell_id"'),
        ) from None
    layout = parse_layout(said, where)
    roles = {"time": layout.time, **layout.columns}
    if unsaid := [role for role, columns in roles.items() if PLACEHOLDER in columns]:
        raise InputError(
            Wording("the mapping does not say which column is the %(role)s", role=unsaid[0]),
            where=where,
            expected=Wording("the column's name in place of the word COLUMN"),
        )
    return layout


def inbox_for(settings: Settings, database: Database, visitor: Visitor) -> Inbox:
    """Open the inbox without the folders of projects for which somebody may not run anything."""
    known = {each.name for each in list_projects(database)}
    return Inbox(settings.inbox, known - {each.name for each in projects_for(database, visitor, Permission.RUN)})


def projects_for(database: Database, visitor: Visitor, permission: Permission) -> list[Project]:
    """Give the projects for whose areas somebody may do something."""
    return [each for each in list_projects(database) if visitor.may(permission, DOMAIN, each.area_set)]


def project_of(database: Database, visitor: Visitor, name: str, permission: Permission) -> Project:
    """Open a project for whose areas somebody may do something.

    Raises
    ------
    NotSignedIn, Refused
        They may not.
    NotFound
        There is none; the message lists those for which they may.
    """
    known = {project.name: project for project in list_projects(database)}
    if name not in known:
        allowed = ", ".join(each.name for each in projects_for(database, visitor, permission))
        raise NotFound(
            Wording("there is no project %(name)s", name=repr(name)), where="project", expected=allowed or None
        )
    visitor.require(permission, DOMAIN, known[name].area_set, what=f"project {name}")
    return known[name]


def _refuse_of_others(database: Database, project: Project, names: Sequence[str]) -> None:
    """Refuse files in the folder of another project: one operator's records are not to be counted as another's."""
    others = {each.name for each in list_projects(database)} - {project.name}
    if found := [name for name in names if name.partition("/")[1] and name.partition("/")[0] in others]:
        raise InputError(
            Wording("%(name)s lies in the folder of another project", name=found[0]),
            where="files",
            expected=Wording("files of this project, or of no other"),
        )


# What the jobs are told, by whichever way somebody asks ────────────────────────────────────────────────────────────


def import_parameters(
    project: str,
    files: Sequence[Path],
    mapping: Path,
    cells: Path | None,
    first: date | None = None,
    last: date | None = None,
    engine: str | None = None,
) -> dict[str, Any]:
    """Give the parameters of the job ``mobility.import``; days from the first to the last, both accepted."""
    return {
        "project": project,
        "files": [str(file.absolute()) for file in files],
        "mapping": str(mapping.absolute()),
        "cells": str(cells.absolute()) if cells else None,
        **_period(first, last),
        **({"engine": engine} if engine else {}),
    }


def run_parameters(
    project: str,
    first: date | None = None,
    last: date | None = None,
    measures: Collection[str] = (),
    time_zone: str | None = None,
    day_starts: str | None = None,
    private: Mapping[str, Any] | None = None,
    rule: Mapping[str, Any] | None = None,
    engine: str | None = None,
    footprint: str | None = None,
    land_use: Path | None = None,
) -> dict[str, Any]:
    """Give the parameters of the job ``mobility.run``; without more, the usual measures over all days.

    `private` is the record of the rule by which the tables are made with noise, `rule` that of an alternative to
    suppression; without either, tables are suppressed. `footprint` is one of `coverage.METHODS`, `land_use` a file that
    says where people may be.
    """
    said: dict[str, Any] = {"measures": list(measures), "time_zone": time_zone, "day_starts": day_starts}
    if private is not None:
        said["private"] = dict(private)
    if rule is not None:
        said["rule"] = dict(rule)
    if engine is not None:
        said["engine"] = engine
    if footprint is not None:
        said["footprint"] = footprint
    if land_use is not None:
        said["land_use"] = str(land_use.absolute())
    return {"project": project, **_period(first, last), **said}


def _period(first: date | None, last: date | None) -> dict[str, str | None]:
    after = last and last + timedelta(days=1)
    return {"first": first.isoformat() if first else None, "last": after.isoformat() if after else None}


def _day(typed: str, where: str) -> date | None:
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise InputError(
            Wording("%(typed)s is no day", typed=repr(typed)), where=where, expected=Wording("a day such as 2026-03-01")
        ) from None
