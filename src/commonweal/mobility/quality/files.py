"""What became of the rows of each imported file: many rejected for one reason are a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from commonweal.core.database import Database
from commonweal.mobility.models import ImportRecord
from commonweal.mobility.quality.finding import Fault, Finding, Sure

MANY = 0.02
"""Part of a file's rows, rejected for one reason, from which on it is said."""
ORDINARY = ("accepted", "objected")
"""Reasons that are no fault of the file."""


@dataclass(frozen=True)
class FileRows:
    """A file, and how many of its rows went where."""

    name: str
    imported: date
    rows: int
    accepted: int
    rejected: Mapping[str, int]

    def record(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "file": self.name,
            "imported": self.imported.isoformat(),
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": dict(sorted(self.rejected.items())),
        }


def file_rows(database: Database, project: str) -> list[FileRows]:
    """Give the files of a project in the order in which they were imported."""
    with database.reading() as session:
        records = session.scalars(
            select(ImportRecord)
            .where(ImportRecord.project == project)
            .order_by(ImportRecord.imported_at, ImportRecord.name)
        )
        return [
            FileRows(one.name, one.imported_at.date(), one.rows, one.accepted, dict(one.rejected)) for one in records
        ]


def file_faults(files: list[FileRows]) -> list[Finding]:
    """Say which files had two per cent of their rows or more rejected for one reason.

    >>> [one.kind.value for one in file_faults([FileRows("a.csv", date(2026, 3, 2), 100, 90, {"unknown cell": 10})])]
    ['unknown_cells']
    """
    found = []
    for file in files:
        for reason, rows in sorted(file.rejected.items()):
            if reason in ORDINARY or rows < MANY * file.rows:
                continue
            kind = Fault.UNKNOWN_CELLS if reason == "unknown cell" else Fault.REJECTED_ROWS
            numbers = {"reason": reason, "rows": rows, "share": round(rows / file.rows, 3)}
            found.append(Finding(kind, file.name, "file", sure=Sure.CERTAIN, numbers=numbers))
    return found
