"""What people do with mobility: each operation with its transaction and its entry in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from commonweal import disclosure
from commonweal.core import audit
from commonweal.core.catalog import Publication
from commonweal.core.database import Database
from commonweal.core.errors import InputError, Refused
from commonweal.core.jobs import Running
from commonweal.core.periods import Calendar
from commonweal.core.settings import Settings
from commonweal.disclosure.private.rule import Rule
from commonweal.disclosure.rounding.rules import parse as parse_rule
from commonweal.mobility import changing, protecting, runs, staging, transit
from commonweal.mobility.blocks import file_digest
from commonweal.mobility.cell_files import read_cells
from commonweal.mobility.cells import CellRegister, read_register, write_register
from commonweal.mobility.coverage import SIGNAL
from commonweal.mobility.custody import enforce_retention, pseudonyms_in
from commonweal.mobility.epochs import EpochBook
from commonweal.mobility.importing import Import, Request
from commonweal.mobility.layout import Layout, read_layout
from commonweal.mobility.measure import measures
from commonweal.mobility.merging import compact
from commonweal.mobility.models import ImportRecord
from commonweal.mobility.objecting import OBJECTIONS_ARE_NOT_CARRIED_OVER, knowing_fewer
from commonweal.mobility.private import unprotected
from commonweal.mobility.projects import Project, get_project, whole_hours
from commonweal.mobility.staging import FileReport, Staged
from commonweal.mobility.store import held, project_folder

FIRST_YEAR = 1990
ABANDONED = 7 * 86400  # seconds after which a staged import is not expected to be taken up again


# Import ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def import_job(job: Running) -> dict[str, Any]:
    """Import files into a project's store.

    Parameters of the job: ``project``, ``files``, ``mapping``, ``cells`` (or None), ``first`` and ``last`` (ISO days,
    the last not included, or None); ``engine``, if it is another than the setting.
    """
    job.settings = job.settings.on_engine(job.parameters.get("engine"))
    project = get_project(job.database, job.parameters["project"])
    files = [Path(file) for file in job.parameters["files"]]
    layout = _layout(project, Path(job.parameters["mapping"]))
    folder = project_folder(job.settings.store, project.name)
    with held(folder):
        cells = job.parameters["cells"]
        register = _register_cells(job, project, layout, Path(cells)) if cells else read_register(folder)
        if not register.table.num_rows:
            raise InputError(
                "no cells are known yet, so no event can be placed",
                where=f"project {project.name}",
                expected="--cells FILE",
            )
        if "serving_plmn" in layout.columns and register.countries:
            register = _register_abroad(folder, register)
        asked = (job.parameters["first"], job.parameters["last"])
        request = Request(files, layout, register, _accepted_period(project, job.parameters), asked)
        _finish_removal(job.settings, job.database, project)
        transit.end(job.settings.keys, project.name)
        fresh, known = _not_yet_imported(job.database, project, request)
        for file in known:
            job.log(f"{file.name}: imported already, nothing to do")
        reports: list[FileReport] = []
        if fresh:
            reports = _import(job, project, replace(request, files=fresh))
            if not any(report.accepted for report in reports):
                job.log("nothing was accepted: see the reasons above, and whether the period and the mapping are right")
        if project.retention_days is not None:
            enforce_retention(job, project, project.retention_days)
    return {"files": [asdict(report) for report in reports], "known": [file.name for file in known]}


def _import(job: Running, project: Project, request: Request) -> list[FileReport]:
    book = EpochBook(job.settings, job.database, project)
    reports, remove_staged = _way(job.settings)(book, request, job.progress, job.check).run()
    now = datetime.now(UTC)
    with job.database.transaction() as session:
        for report in reports:
            session.merge(
                ImportRecord(
                    project=project.name,
                    layout=request.reading,
                    country_code=request.layout.country_code,
                    imported_at=now,
                    imported_by=job.who,
                    **asdict(report),
                )
            )
            audit.record(
                session,
                who=job.who,
                action="mobility.import",
                what=f"project {project.name}",
                details={"file": report.digest, "rows": report.rows, "accepted": report.accepted},
            )
    remove_staged()
    for report in reports:
        job.log(describe(report))
    readable = (epoch for epoch in book.epochs if not epoch.destroyed and book.has_key(epoch))
    for name in knowing_fewer(book.store(epoch) for epoch in readable):
        job.log(f"epoch {name} knows of fewer objections than another: {OBJECTIONS_ARE_NOT_CARRIED_OVER}")
    return reports


def _way(settings: Settings) -> type[Import]:
    if settings.engine == "threads":
        return Import
    from commonweal.mobility.spreading import SpreadImport

    return SpreadImport


def _finish_removal(settings: Settings, database: Database, project: Project) -> None:
    """Remove what imports staged that were recorded, but ended before they could; and what nobody came back for."""
    from sqlalchemy import select

    folder = project_folder(settings.store, project.name)
    staged = [Staged.read(folder / ".staging", path.stem) for path in (folder / ".staging").glob("*.json")]
    if not staged:
        return
    with database.reading() as session:
        known = set(session.scalars(select(ImportRecord.digest).where(ImportRecord.project == project.name)))
    book = EpochBook(settings, database, project)
    stores = [book.store(epoch) for epoch in book.epochs if not epoch.destroyed]
    for one in staged:
        if one is None:
            continue
        recorded = {report.digest for report in one.files} <= known
        applied = any(one.identity in store.manifest.applied for store in stores)
        if (recorded and applied) or staging.age(folder / ".staging", one.identity) > ABANDONED:
            staging.remove(folder / ".staging", stores, one.identity)


def describe(report: FileReport) -> str:
    """Say in a line what became of a file's rows.

    >>> describe(FileReport("calls.csv", rows=10, accepted=8, rejected={"duplicate": 2}))
    'calls.csv: 10 rows, 8 accepted, 2 rejected (duplicate 2)'
    """
    rejected = sum(report.rejected.values())
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(report.rejected.items()))
    return f"{report.name}: {report.rows:,} rows, {report.accepted:,} accepted, {rejected:,} rejected" + (
        f" ({reasons})" if reasons else ""
    )


def _layout(project: Project, path: Path) -> Layout:
    layout = read_layout(path)
    return layout if layout.country_code else replace(layout, country_code=project.country_code)


def _register_abroad(folder: Path, register: CellRegister) -> CellRegister:
    """See that events abroad, which have no cell of this network, have one to refer to."""
    whole = register.with_abroad()
    if whole is not register:
        write_register(folder, whole)
    return whole


def _register_cells(job: Running, project: Project, layout: Layout, path: Path) -> CellRegister:
    folder = project_folder(job.settings.store, project.name)
    before = read_register(folder)
    register = before.with_versions(read_cells(path, layout))
    if register.digest != before.digest:
        write_register(folder, register)
        with job.database.transaction() as session:
            audit.record(
                session,
                who=job.who,
                action="mobility.cells",
                what=f"project {project.name}",
                details={"register": register.digest, "versions": register.table.num_rows},
            )
        job.log(f"{path.name}: {register.table.num_rows - before.table.num_rows:,} new versions of cells")
    return register


def _accepted_period(project: Project, parameters: dict[str, Any]) -> tuple[int, int]:
    """Give the UTC seconds between which events are accepted: never the future, never what is to be forgotten."""
    first, last = (date.fromisoformat(parameters[name]) if parameters[name] else None for name in ("first", "last"))
    if first and last and last <= first:
        raise InputError(f"the period ends on {last}, not after its first day {first}", expected="a later end")
    calendar = project.calendar
    newest = datetime.now(UTC).date() + timedelta(days=1)
    oldest = date(FIRST_YEAR, 1, 1)
    if project.retention_days is not None:
        oldest = newest - timedelta(days=project.retention_days + 1)
    start, end = max(first or oldest, oldest), min(last or newest, newest)
    if end <= start:
        raise Refused(
            f"the period lies before the project's retention of {project.retention_days} days"
            if project.retention_days
            else "the period lies in the future",
            where=f"project {project.name}",
            expected=f"days from {oldest} to {newest}",
        )
    edges = calendar.edges(start, end, "day")
    return int(edges[0]), int(edges[-1])


def _not_yet_imported(database: Database, project: Project, request: Request) -> tuple[list[Path], list[Path]]:
    """Tell files that are new from those whose content has been read in just this way before."""
    from sqlalchemy import select

    with database.reading() as session:
        there = {
            (size, digest)
            for size, digest in session.execute(
                select(ImportRecord.size, ImportRecord.digest).where(
                    ImportRecord.project == project.name, ImportRecord.layout == request.reading
                )
            )
        }
    sizes = {size for size, _ in there}
    fresh: list[Path] = []
    known: list[Path] = []
    given = [file.stat().st_size for file in request.files if file.is_file()]
    for file in request.files:
        if not file.is_file():
            raise InputError("there is no such file", where=file, expected="CSV (plain, gz, zst) or Parquet")
        size = file.stat().st_size
        content = (size, file_digest(file)) if size in sizes or given.count(size) > 1 else None
        (known if content in there else fresh).append(file)
        if content is not None:
            there.add(content)  # a copy of a file given before it
    return fresh, known


# Run ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def run_job(job: Running) -> dict[str, Any]:
    """Count, protect and publish.

    Parameters of the job: ``project``, ``first`` and ``last`` (ISO days, the last not included, or None), ``measures``,
    ``time_zone`` and ``day_starts`` (or None, for the project's); ``private``, the record of a rule, if the
    tables are made with noise; or ``rule``, the record of an alternative to suppression; ``engine``, if it is another
    than the setting; ``footprint``, if it is another than by signal strength; ``land_use``, a file that says where
    people may be.
    """
    job.settings = job.settings.on_engine(job.parameters.get("engine"))
    project = get_project(job.database, job.parameters["project"])
    with held(project_folder(job.settings.store, project.name)):
        first, last = (date.fromisoformat(day) if (day := job.parameters[name]) else None for name in ("first", "last"))
        private, rule = job.parameters.get("private"), job.parameters.get("rule")

        def released(first: date, last: date) -> set[str]:
            before = disclosure.released_before(job.settings, job.database, f"mobility/{project.name}", first, last)
            return {one.dataset.name for one in before}

        planned = runs.plan(
            job.settings,
            job.database,
            project,
            first,
            last,
            names=job.parameters["measures"],
            calendar=_calendar(project, job.parameters),
            footprint=job.parameters.get("footprint") or SIGNAL,
            land_use=Path(land_use) if (land_use := job.parameters.get("land_use")) else None,
            released=None if private or rule else released,
        )

        if planned.partners:
            job.log(f"protected beside what was released before: {', '.join(planned.partners)}")
        if planned.areas_change:
            days = ", ".join(day.isoformat() for day in planned.areas_change)
            job.log(f"the areas change on {days}; all days are counted by those of the first day, {planned.first}")

        def progress(done: int, total: int, what: str) -> None:
            job.check()
            job.progress(done, total, what)

        if private is not None:
            return _run_private(job, planned, Rule.parse(private), progress)
        if rule is not None:
            outcome = changing.change_and_release(
                job.settings, job.database, planned, parse_rule(rule), job.who, progress
            )
        else:
            outcome = protecting.protect_and_release(job.settings, job.database, planned, job.who, progress)
        proposal = outcome.proposal
        with job.database.transaction() as session:
            audit.record(
                session,
                who=job.who,
                action="mobility.run",
                what=f"project {project.name}",
                details={table["dataset"]["name"]: table["digest"] for table in proposal.said["tables"]},
            )
        if outcome.waits:
            job.log(f"proposal {proposal.short} waits: a steward who did not make it must approve it")
    waiting = {"proposal": proposal.short} if outcome.waits else {}
    return {"releases": [_summary(one) for one in outcome.publications], **waiting}


def _run_private(
    job: Running, planned: runs.Plan, rule: Rule, progress: Callable[[int, int, str], None]
) -> dict[str, Any]:
    """Make tables with noise: those that a standing approval covers are published, the others wait for a steward."""
    from commonweal.mobility.releasing import release_private

    for name in planned.buckets[0].measures:
        if reason := unprotected(measures()[name]):
            job.log(f"{name} is left out: {reason}")
    outcomes = release_private(job.settings, job.database, planned, rule, job.who, progress)
    published = [one for outcome in outcomes for one in outcome.publications]
    waiting = [outcome.proposal for outcome in outcomes if outcome.waits]
    for proposal in waiting:
        job.log(f"{', '.join(proposal.datasets)} waits for a steward: commonweal disclosure approve {proposal.short}")
    with job.database.transaction() as session:
        audit.record(
            session,
            who=job.who,
            action="mobility.run",
            what=f"project {planned.project.name}",
            details={one.release.dataset: one.release.digest for one in published},
        )
    return {"releases": [_summary(one) for one in published], "proposals": [proposal.short for proposal in waiting]}


def _calendar(project: Project, parameters: dict[str, Any]) -> Calendar:
    zone, starts = parameters.get("time_zone"), parameters.get("day_starts")
    try:
        day_starts = time.fromisoformat(starts) if starts else project.day_starts
    except ValueError:
        raise InputError(f"{starts!r} is no time of day", expected="such as 04:00") from None
    return whole_hours(Calendar(zone or project.time_zone, day_starts))


def _summary(publication: Publication) -> dict[str, Any]:
    release = publication.release
    said = {"dataset": release.dataset, "version": release.version, "rows": release.rows, "digest": release.digest}
    return said | {"new": publication.new}


def compact_store(settings: Settings, database: Database, project: Project) -> int:
    """Bring closed months into one segment a bucket; give how many segments that saved."""
    folder = project_folder(settings.store, project.name)
    with held(folder):
        book = EpochBook(settings, database, project)
        rank = read_register(folder).rank_of_codes()
        now = int(datetime.now(UTC).timestamp())
        readable = (epoch for epoch in book.epochs if not epoch.destroyed)
        return sum(compact(book.store(epoch), project.calendar, rank, now) for epoch in readable)


# For judging the method on generated people ──────────────────────────────────────────────────────────────────────


def home_areas(settings: Settings, database: Database, project: str) -> tuple[np.ndarray, list[str]]:
    """Give every pseudonym's home area over all days: to be compared with a generator's truth, never published."""
    return runs.home_areas(runs.plan(settings, database, get_project(database, project)))


def pseudonyms(settings: Settings, database: Database, project: str, identifiers: Sequence[str]) -> np.ndarray:
    """Give identifiers' pseudonyms in the newest epoch: to compare `home_areas` with a generator's truth."""
    book = EpochBook(settings, database, get_project(database, project))
    newest = [epoch for epoch in book.epochs if not epoch.destroyed and book.store(epoch).manifest.events()][-1]
    return pseudonyms_in(book, newest, identifiers, book.project.country_code)
