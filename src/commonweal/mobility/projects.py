"""A project: one operator's records, and the choices that hold for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import select

from commonweal.core import areas, audit
from commonweal.core.database import Database
from commonweal.core.errors import Conflict, InputError, NotFound
from commonweal.core.periods import Calendar
from commonweal.mobility.models import ProjectRecord

BUCKET_BITS = 4
MOST_BITS = 12
MINIMUM_PEOPLE = 15


@dataclass(frozen=True)
class Project:
    """What a project has chosen.

    Parameters
    ----------
    name
        Its name, part of its folder's.
    time_zone, day_starts
        The clock by which its hours and days are counted, and when a day begins.
    area_set
        The areas that events are counted in.
    minimum_people
        k: a count is published only if at least so many distinct people stand behind it.
    epoch_length
        ``month``, ``quarter`` or ``year``.
    retention_days
        Events older than this are erased; None keeps them.
    bucket_bits
        A new store has 2ⁿ buckets.
    country_code
        Telephone country code that a leading 0 stands for, unless a layout says another.
    """

    name: str
    time_zone: str = "UTC"
    day_starts: time = time()
    area_set: str = "natural-earth"
    minimum_people: int = MINIMUM_PEOPLE
    epoch_length: str = "year"
    retention_days: int | None = None
    bucket_bits: int = BUCKET_BITS
    country_code: str = ""

    @property
    def calendar(self) -> Calendar:
        """The project's hours, days and months."""
        return Calendar(self.time_zone, self.day_starts)


def create_project(database: Database, project: Project, who: str) -> Project:
    """Record a new project.

    Raises
    ------
    InputError
        A choice is not one that can be made.
    Conflict
        A project of this name is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", project.name):
        raise InputError(f"{project.name!r} cannot name a project", expected="lower-case letters, digits, - and _")
    if project.epoch_length not in ("month", "quarter", "year"):
        raise InputError(f"unknown epoch length {project.epoch_length!r}", expected="month, quarter or year")
    if project.minimum_people < 2:
        raise InputError(f"k is {project.minimum_people}", expected="at least 2; 15 is usual")
    if project.retention_days is not None and project.retention_days < 1:
        raise InputError(f"retention is {project.retention_days} days", expected="at least 1")
    if not re.fullmatch(r"\d{0,3}", project.country_code):
        raise InputError(f"the country code is {project.country_code!r}", expected='digits such as "232"')
    whole_hours(project.calendar)
    areas.load(database, project.area_set)
    with database.transaction() as session:
        if session.get(ProjectRecord, project.name):
            raise Conflict("a project of this name is there already", where=project.name, expected="another name")
        session.add(
            ProjectRecord(
                **{name: getattr(project, name) for name in Project.__dataclass_fields__}
                | {"day_starts": project.day_starts.hour * 60 + project.day_starts.minute},
                created_at=datetime.now(UTC),
                created_by=who,
            )
        )
        audit.record(session, who=who, action="mobility.create", what=f"project {project.name}")
    return project


def bucket_bits(buckets: int) -> int:
    """Give how many bits number so many buckets.

    Raises
    ------
    InputError
        They are no power of two, or too few or many.

    Examples
    --------
    >>> bucket_bits(16)
    4
    """
    bits = buckets.bit_length() - 1
    if buckets != 1 << max(0, bits) or not 1 <= bits <= MOST_BITS:
        raise InputError(f"{buckets} is no number of buckets", expected=f"a power of two from 2 to {1 << MOST_BITS}")
    return bits


def whole_hours(calendar: Calendar) -> Calendar:
    """See that days begin on a full hour, since hours and days are counted together.

    Raises
    ------
    InputError
        They do not.
    """
    if calendar.day_starts.minute or calendar.day_starts.second:
        raise InputError(f"a day cannot start at {calendar.day_starts}", expected="a full hour such as 04:00")
    return calendar


def get_project(database: Database, name: str) -> Project:
    """Open a project by name.

    Raises
    ------
    NotFound
        There is none; the message lists those that are.
    """
    projects = list_projects(database)
    for project in projects:
        if project.name == name:
            return project
    there = ", ".join(project.name for project in projects) or "none yet; run: commonweal mobility create NAME"
    raise NotFound(f"there is no project {name!r}", expected=f"one of: {there}")


def areas_of_jobs(database: Database) -> Callable[[Mapping[str, Any]], str]:
    """Give a function from a job's parameters to the area set of the project it is about; empty if there is none."""
    sets = {project.name: project.area_set for project in list_projects(database)}

    def area_set(parameters: Mapping[str, Any]) -> str:
        people = str(parameters.get("people", ""))  # as disclosure control names them
        return sets.get(parameters.get("project") or people.removeprefix("mobility/"), "")

    return area_set


def list_projects(database: Database) -> list[Project]:
    """Give every project, by name."""
    with database.reading() as session:
        return [
            Project(
                **{name: getattr(record, name) for name in Project.__dataclass_fields__ if name != "day_starts"},
                day_starts=time(record.day_starts // 60, record.day_starts % 60),
            )
            for record in session.scalars(select(ProjectRecord).order_by(ProjectRecord.name))
        ]
