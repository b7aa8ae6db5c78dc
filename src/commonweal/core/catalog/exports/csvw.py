"""CSV, and the metadata that says what its columns are (W3C CSV on the Web).

Sources: RFC 4180; W3C *Model for Tabular Data and Metadata on the Web* and *Metadata Vocabulary for Tabular Data*,
recommendations of 17 December 2015.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import pyarrow.csv

from commonweal.core.catalog.declaration import STATE_MEANINGS, ColumnType, Dimension, Measure, State, heading
from commonweal.core.catalog.exports import cells, file_name
from commonweal.core.catalog.release import Release
from commonweal.core.database import Database
from commonweal.core.settings import Settings

DATATYPES: dict[ColumnType, str] = {
    "string": "string",
    "area": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "dateTime",
}
BATCH = 8192


def write(settings: Settings, database: Database, release: Release, stream: BinaryIO) -> None:
    """Write a heading and one line a row, UTF-8; null is an empty cell.

    A text that begins with ``= + - @``, a tab or a line break has an apostrophe before it, so that no spreadsheet
    runs it as a formula.
    """
    table = cells.iso_times(cells.harmless_text(release.table(settings)))
    options = pyarrow.csv.WriteOptions(include_header=False, batch_size=BATCH, quoting_style="needed")
    # The names need no quotes, and unquoted is how most readers' examples show them.
    stream.write((",".join(table.column_names) + "\n").encode())
    pyarrow.csv.write_csv(table, stream, options)


def write_metadata(settings: Settings, database: Database, release: Release, stream: BinaryIO) -> None:
    """Write the metadata of the CSV file."""
    stream.write((json.dumps(metadata(release), indent=2, ensure_ascii=False) + "\n").encode())


def metadata(release: Release, url: str | None = None) -> dict[str, Any]:
    """Return the CSVW description of the table: titles, datatypes, units, nulls, primary key.

    Parameters
    ----------
    release
        What is described.
    url
        Where the CSV file lies, as seen from the metadata; by default beside it, under its usual name.
    """
    dataset = release.schema
    columns: list[dict[str, Any]] = []
    for column in dataset.declared:
        described: dict[str, Any] = {
            "name": column.name,
            "titles": [column.name, heading(column)],
            "dc:description": column.description,
            "datatype": DATATYPES[column.type],
            "required": isinstance(column, Dimension),
        }
        if column.unit:
            described["schema:unitText"] = column.unit
        columns.append(described)
        if isinstance(column, Measure):
            columns.append(
                {
                    "name": column.state,
                    "titles": [column.state, f"State of {heading(column).lower()}"],
                    "dc:description": "; ".join(f"{state.value}: {text}" for state, text in STATE_MEANINGS.items()),
                    "datatype": {"base": "string", "format": "|".join(state.value for state in State)},
                    "required": True,
                }
            )
    schema: dict[str, Any] = {"columns": columns}
    if dataset.key:
        schema["primaryKey"] = list(dataset.key)
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "@type": "Table",
        "url": url or file_name(release, "csv"),
        "dc:title": dataset.title,
        "dc:description": dataset.description,
        "dc:identifier": release.label,
        "dc:license": {"@id": dataset.licence},
        "dc:issued": {"@value": release.published_at.isoformat(), "@type": "xsd:dateTime"},
        "dialect": {"encoding": "utf-8", "header": True, "delimiter": ",", "quoteChar": '"', "doubleQuote": True},
        "null": [""],
        "tableSchema": schema,
    }
