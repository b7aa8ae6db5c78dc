"""A release: one immutable table of a dataset, and what is known about how it came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.core.catalog import certificate as certificates
from commonweal.core.catalog import declaration
from commonweal.core.catalog import provenance as origins
from commonweal.core.catalog.certificate import Certificate
from commonweal.core.catalog.declaration import Dataset
from commonweal.core.catalog.provenance import Provenance
from commonweal.core.errors import Damaged, InputError
from commonweal.core.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

TABLE_FILE = "table.parquet"
RECORD_FILE = "release.json"


@dataclass(frozen=True)
class Release:
    """One published version of a dataset.

    Parameters
    ----------
    dataset
        Name, ``"domain.thing"``.
    version
        1, 2, 3, …
    digest
        Canonical digest of the table (hex SHA-256).
    rows
        Number of rows.
    schema
        The declaration as it stood when this was published.
    provenance
        Inputs, parameters, code, who, when.
    certificate
        For data about people, the word of `disclosure`.
    area_set
        Name of the set its area codes belong to, if it has any.
    published_at
        UTC.
    path
        Folder, relative to the lake.
    file_digest, file_size
        SHA-256 (hex) and size (bytes) of the Parquet file.
    periods
        First and last value (UTC) of its time dimension, if it has one.
    """

    dataset: str
    version: int
    digest: str
    rows: int
    schema: Dataset
    provenance: Provenance
    certificate: Certificate | None
    area_set: str | None
    published_at: datetime
    path: str
    file_digest: str
    file_size: int
    periods: tuple[datetime, datetime] | None = None

    @property
    def label(self) -> str:
        """Name and version, as people write it: ``mobility.presence 3``."""
        return f"{self.dataset} {self.version}"

    @property
    def iri(self) -> str:
        """Name of the release in linked data."""
        return f"urn:commonweal:release:{self.dataset}:{self.version}"

    def file(self, settings: Settings) -> Path:
        """Return the path of the Parquet file."""
        return settings.lake / self.path / TABLE_FILE

    def table(self, settings: Settings) -> pa.Table:
        """Return all rows in key order, after verifying the file; see `reading.verified_file`.

        Raises
        ------
        Damaged
            If the file is gone, is not what its digest says, or is about people and not what was certified.
        """
        from commonweal.core.catalog.reading import read_table

        return read_table(settings, self)

    def record(self) -> dict[str, Any]:
        """Return the release as JSON values; :func:`parse` is its inverse."""
        return {
            "dataset": self.dataset,
            "version": self.version,
            "digest": self.digest,
            "rows": self.rows,
            "schema": self.schema.record(),
            "provenance": self.provenance.record(),
            "certificate": self.certificate.record() if self.certificate else None,
            "area_set": self.area_set,
            "published_at": self.published_at.isoformat(),
            "path": self.path,
            "file_digest": self.file_digest,
            "file_size": self.file_size,
            "periods": [moment.isoformat() for moment in self.periods] if self.periods else None,
        }


def parse(record: Mapping[str, Any]) -> Release:
    """Return the release that ``Release.record`` wrote.

    Raises
    ------
    Damaged
        If it is not such a record.
    """
    try:
        periods = record["periods"]
        return Release(
            dataset=record["dataset"],
            version=record["version"],
            digest=record["digest"],
            rows=record["rows"],
            schema=declaration.parse(record["schema"]),
            provenance=origins.parse(record["provenance"]),
            certificate=certificates.parse(record["certificate"]) if record["certificate"] else None,
            area_set=record["area_set"],
            published_at=datetime.fromisoformat(record["published_at"]),
            path=record["path"],
            file_digest=record["file_digest"],
            file_size=record["file_size"],
            periods=(datetime.fromisoformat(periods[0]), datetime.fromisoformat(periods[1])) if periods else None,
        )
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise Damaged(f"the record of a release cannot be read: {error}", expected="a record of the catalog") from error
