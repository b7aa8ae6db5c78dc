"""What was imported and what was rejected, for whoever looks: nothing here can identify anyone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from commonweal.core.database import Database
from commonweal.core.errors import NotFound
from commonweal.core.settings import Settings
from commonweal.mobility.epochs import EpochBook
from commonweal.mobility.models import ImportRecord
from commonweal.mobility.projects import Project, get_project
from commonweal.mobility.rejecting import REASONS


def list_imports(database: Database, project: str) -> list[dict[str, Any]]:
    """Give what was imported, newest last."""
    name = get_project(database, project).name
    with database.reading() as session:
        records = session.scalars(
            select(ImportRecord)
            .where(ImportRecord.project == name)
            .order_by(ImportRecord.imported_at, ImportRecord.name)
        )
        return [
            {
                "file": record.name,
                "digest": record.digest[:12],
                "imported": f"{record.imported_at:%Y-%m-%d %H:%M}",
                "by": record.imported_by,
                "rows": record.rows,
                "accepted": record.accepted,
                "rejected": ", ".join(f"{reason} {count:,}" for reason, count in sorted(record.rejected.items())),
            }
            for record in records
        ]


@dataclass(frozen=True)
class Rejects:
    """Rejected rows, and how many there are in all where only the first of them are given."""

    rows: list[dict[str, Any]]
    total: int


def list_rejects(
    settings: Settings,
    database: Database,
    project: str,
    limit: int,
    reason: str | None = None,
    file: str | None = None,
) -> Rejects:
    """Give rejected rows: the file's name and digest, line, reason and what cannot identify anyone.

    Parameters
    ----------
    limit
        At most so many rows; all are counted.
    reason
        Only those rejected for this reason.
    file
        Only those of the files of this name, or whose digest begins so.

    Raises
    ------
    NotFound
        There is no such reason, or no such file was imported.
    """
    book = EpochBook(settings, database, get_project(database, project))
    if reason is not None and reason not in REASONS[1:]:
        raise NotFound(f"there is no reason {reason!r}", expected=f"one of: {', '.join(REASONS[1:])}")
    names = _names(database, book.project)
    digests = None if file is None else _digests(names, book.project, file)
    rows: list[dict[str, Any]] = []
    total = 0
    for epoch in book.epochs:
        if epoch.destroyed:
            continue
        store = book.store(epoch)
        for segment in store.manifest.segments:
            if segment.store != "rejects":
                continue
            found = store.read(segment.file).drop_columns("dated")
            if reason is not None:
                found = found.filter(pc.equal(found["reason"], reason))
            if digests is not None:
                found = found.filter(pc.is_in(found["file"], value_set=digests))
            total += found.num_rows
            for row in found.slice(0, limit - len(rows)).to_pylist():
                digest = row.pop("file")
                rows.append({"file": ", ".join(names.get(digest, ())) or None, "digest": digest, **row})
    return Rejects(rows, total)


def _names(database: Database, project: Project) -> dict[str, list[str]]:
    """Give the names under which each content was imported, by its digest."""
    with database.reading() as session:
        known = session.execute(
            select(ImportRecord.digest, ImportRecord.name)
            .where(ImportRecord.project == project.name)
            .distinct()
            .order_by(ImportRecord.name)
        ).all()
    names: dict[str, list[str]] = {}
    for digest, name in known:
        names.setdefault(digest, []).append(name)
    return names


def _digests(names: dict[str, list[str]], project: Project, file: str) -> pa.Array:
    """Give the digests of the imported files of a name, or that begin with a text."""
    found = {digest for digest, known in names.items() if file in known or (file and digest.startswith(file))}
    if not found:
        raise NotFound(
            f"no file {file!r} was imported",
            where=f"project {project.name}",
            expected="a name, or the beginning of a digest, that commonweal mobility imports shows",
        )
    return pa.array(sorted(found), pa.string())
