"""The rows of a published table as people read them: some areas and days, names beside codes, another layer beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.mobility.baselines.asking import names_of
from commonweal.mobility.baselines.joining import Layer, layer, span_of
from commonweal.mobility.baselines.series import areas_and_start, calendar_of


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a release.

    Parameters
    ----------
    release
        What they are from.
    records
        Each row; with ``NAME_name`` beside each area, and ``beside`` or ``beside_origin`` and ``beside_destination``.
    layers
        What stands beside, by first and last day that it was read over.
    """

    release: Release
    records: list[dict[str, Any]]
    layers: Mapping[tuple[date, date], Layer]


def rows_of(
    settings: Settings,
    database: Database,
    release: Release,
    *,
    area: str | None = None,
    first: date | None = None,
    last: date | None = None,
    only: Mapping[str, str] | None = None,
    beside: Release | None = None,
) -> Rows:
    """Read rows of a release, and join another by area and by the days that each row is about.

    Parameters
    ----------
    settings, database, release
        Which table.
    area
        Only rows of this area, at either end where there are two.
    first, last
        Only rows that begin on these days.
    only
        Only rows with these values, by dimension.
    beside
        A release with one area in its key, and at most a time.

    Raises
    ------
    InputError
        The release has no areas to join by, no such dimension, or the other one cannot stand beside it.
    """
    table = release.table(settings)
    ends, moments = areas_and_start(release)
    if beside is not None and not ends:
        raise InputError(f"its keys are {', '.join(release.schema.key)}", where=release.label, expected="an area")
    for name, value in (only or {}).items():
        if name not in release.schema.key:
            raise InputError(f"it is not told by {name}", where="--only", expected=", ".join(release.schema.key))
        table = table.filter(pc.equal(table.column(name).cast(pa.string()), value))
    if area is not None:
        at = [np.asarray(pc.equal(table.column(end).cast(pa.string()), area)) for end in ends]
        table = table.filter(pa.array(np.logical_or.reduce(at))) if at else table.slice(0, 0)
    spans = _spans(release, table, moments)
    kept = [(first is None or begins >= first) and (last is None or begins <= last) for begins, _ends in spans]
    table = table.filter(pa.array(kept, pa.bool_()))
    spans = [span for span, keep in zip(spans, kept, strict=True) if keep]
    layers: dict[tuple[date, date], Layer] = {}
    if beside is not None:
        other = beside.table(settings)
        layers = {span: layer(beside, other, *span) for span in sorted(set(spans))}
    codes = {str(code) for end in ends for code in pc.unique(table.column(end)).to_pylist()}
    names = names_of(database, release, sorted(codes))
    records = [_record(row, ends, names, layers.get(span)) for row, span in zip(table.to_pylist(), spans, strict=True)]
    return Rows(release, records, layers)


def _spans(release: Release, table: pa.Table, moments: str | None) -> list[tuple[date, date]]:
    """Give the first and the last day that each row is about."""
    units = table.column("period").to_pylist() if "period" in release.schema.key else ["day"] * table.num_rows
    if moments is None:
        return [span_of(release, None, "day")] * table.num_rows
    column = table.column(moments)
    if pa.types.is_date(column.type):
        days: Sequence[date] = column.to_pylist()
    else:
        seconds = column.cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
        each, which = np.unique(seconds, return_inverse=True)
        shown = [datetime.fromtimestamp(int(one), UTC).date() for one in calendar_of(release).from_utc(each)]
        days = [shown[place] for place in which]
    known: dict[tuple[date, str], tuple[date, date]] = {}
    for key in set(zip(days, units, strict=True)):
        known[key] = span_of(release, *key)
    return [known[key] for key in zip(days, units, strict=True)]


def _record(
    row: Mapping[str, Any], ends: tuple[str, ...], names: Mapping[str, str], beside: Layer | None
) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, value in row.items():
        record[name] = value.isoformat() if hasattr(value, "isoformat") else value
        if name in ends:
            record[f"{name}_name"] = names.get(str(value), str(value))
    if beside is not None:
        for end in ends:
            record["beside" if len(ends) == 1 else f"beside_{end}"] = beside.values.get(str(row[end]))
    return record
