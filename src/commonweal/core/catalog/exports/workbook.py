"""Excel workbook: a sheet with the rows and a sheet that says where they come from and what their states mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

import xlsxwriter

from commonweal.core.catalog.declaration import STATE_MEANINGS, heading
from commonweal.core.catalog.exports import cells
from commonweal.core.catalog.release import Release
from commonweal.core.database import Database
from commonweal.core.errors import InputError, explain
from commonweal.core.settings import Settings

MOST_ROWS = 1_048_576 - 1
MOST_CHARACTERS = 32_767
EXACT_UP_TO = 2**53  # Excel keeps every number as a double
BATCH = 8192


def write(settings: Settings, database: Database, release: Release, stream: BinaryIO) -> None:
    """Write the sheets ``Data`` and ``About``; memory stays bounded.

    Times are Excel times in UTC. Text is written as text, and what might be taken for a formula is marked so that it
    stays text when somebody edits it.

    Raises
    ------
    InputError
        If there are more rows than a sheet can hold.
    """
    if release.rows > MOST_ROWS:
        raise InputError(
            f"{release.rows} rows do not fit a sheet", where=release.label, expected=f"at most {MOST_ROWS}; or CSV"
        )
    try:
        settings.spill.mkdir(parents=True, exist_ok=True)
        options = {"constant_memory": True, "tmpdir": str(settings.spill), "remove_timezone": True}
        with xlsxwriter.Workbook(stream, options) as book:
            # The moment of publishing, not of download: the same release gives the same bytes.
            book.set_properties(
                {
                    "title": release.schema.title,
                    "subject": release.label,
                    "comments": release.schema.description,
                    "created": release.published_at.replace(tzinfo=None, microsecond=0),
                }
            )
            _write_data(book, settings, release)
            _write_about(book, release)
    except OSError as error:
        raise explain(error, settings.spill) from error


def _write_data(book: Any, settings: Settings, release: Release) -> None:
    sheet = book.add_worksheet("Data")
    bold = book.add_format({"bold": True})
    text = book.add_format({"quote_prefix": True})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(release.schema.columns) - 1, 18)
    for position, name in enumerate(release.schema.columns):
        sheet.write_string(0, position, name, bold)
    row = 0
    for batch in release.table(settings).to_batches(max_chunksize=BATCH):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            row += 1
            for position, value in enumerate(values):
                match value:
                    case None:
                        pass
                    case bool():
                        sheet.write_boolean(row, position, value)
                    case str():
                        _write_text(sheet, row, position, value, text)
                    case int() if abs(value) > EXACT_UP_TO:
                        sheet.write_string(row, position, str(value))
                    case datetime():
                        sheet.write_datetime(row, position, value.astimezone(UTC), moment)
                    case date():
                        sheet.write_datetime(row, position, value, day)
                    case _:
                        sheet.write_number(row, position, value)


def _write_about(book: Any, release: Release) -> None:
    sheet = book.add_worksheet("About")
    bold = book.add_format({"bold": True})
    text = book.add_format({"quote_prefix": True})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 3, 40)
    for row, line in enumerate(_about(release)):
        for position, value in enumerate(line):
            if position == 0:
                sheet.write_string(row, position, value[:MOST_CHARACTERS], bold)
            else:
                _write_text(sheet, row, position, value, text)


def _about(release: Release) -> Iterator[tuple[str, ...]]:
    dataset, origin = release.schema, release.provenance
    yield ("Title", dataset.title)
    yield ("Description", dataset.description)
    yield ("Dataset", dataset.name)
    yield ("Version", str(release.version))
    yield ("Licence", dataset.licence)
    yield ("Published (UTC)", release.published_at.isoformat())
    yield ("Published by", origin.who)
    yield ("Digest of the rows", release.digest)
    yield ("Made by", origin.code)
    yield ("Parameters", json.dumps(dict(origin.parameters), ensure_ascii=False, sort_keys=True))
    for item in origin.inputs:
        yield ("Made from", item.name, item.kind, item.digest)
    if release.certificate:
        rule = json.dumps(dict(release.certificate.parameters), ensure_ascii=False, sort_keys=True)
        yield ("Protected by", release.certificate.rule, rule)
    if release.area_set:
        yield ("Area set", release.area_set)
    yield ("",)
    yield ("Column", "What it is", "Unit", "Type")
    for column in dataset.declared:
        yield (column.name, f"{heading(column)}. {column.description}", column.unit or "", column.type)
    yield ("",)
    yield ("State", "What it means")
    for state, meaning in STATE_MEANINGS.items():
        yield (state.value, meaning)


def _write_text(sheet: Any, row: int, position: int, value: str, quoted: Any) -> None:
    if len(value) > MOST_CHARACTERS:
        raise InputError(
            f"a text of {len(value)} characters does not fit a cell", where=f"row {row}", expected="CSV or Parquet"
        )
    sheet.write_string(row, position, value, quoted if cells.is_formula(value) else None)
