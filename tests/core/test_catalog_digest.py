"""The canonical digest: a law about tables, and a second reading of its specification."""

import hashlib
import json
import struct
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import Attribute, Dataset, Dimension, Kind, Measure, Privacy, canonical_digest
from commonweal.core.catalog.check import arrow_schema

TRIPS = Dataset(
    name="demo.trips",
    title="Trips",
    description="",
    dimensions=(
        Dimension("area", "area", ""),
        Dimension("start", "timestamp", ""),
        Dimension("bin", "number", "", unit="km"),
        Dimension("inside", "boolean", ""),
    ),
    measures=(
        Measure("n", "integer", "", "{trips}", Kind.SUM),
        Measure("length", "number", "", "km", Kind.RATIO),
    ),
    attributes=(Attribute("seen", "date", ""), Attribute("note", "string", "")),
    privacy=Privacy.OPEN,
)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
# Surrogates are no characters; Arrow refuses them too.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ROWS = st.lists(
    st.tuples(
        TEXT.filter(bool),
        MOMENTS,
        FINITE,
        st.booleans(),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | FINITE,
        st.none() | st.dates(date(1600, 1, 1), date(2400, 1, 1)),
        st.none() | TEXT,
    ),
    max_size=12,
    unique_by=lambda row: (row[0], row[1], row[2] + 0.0, row[3]),
)


def table(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(8)]
    states = [["missing" if value is None else "reported" for value in columns[i]] for i in (4, 5)]
    ordered = [*columns[:5], states[0], columns[5], states[1], *columns[6:]]
    return pa.table(ordered, schema=arrow_schema(TRIPS).remove_metadata())


def digest_by_the_specification(rows: list[tuple[Any, ...]]) -> str:
    """What docs/catalog.md says, one value at a time."""
    columns = [[item.name, item.type, item.unit, "key"] for item in TRIPS.dimensions]
    columns += [[item.name, item.type, item.unit, "measure"] for item in TRIPS.measures]
    columns += [[item.name, item.type, item.unit, "attribute"] for item in TRIPS.attributes]
    heading = json.dumps({"columns": columns, "dataset": "demo.trips"}, separators=(",", ":"), ensure_ascii=False)
    hashed = hashlib.sha256(b"commonweal table 1\n" + heading.encode() + b"\n" + struct.pack("<Q", len(rows)))
    rows = sorted(rows, key=lambda row: (row[0].encode(), row[1], row[2], row[3]))

    def column(values: list[Any], kind: str) -> None:
        hashed.update(bytes(value is not None for value in values))
        if kind == "text":
            encoded = [(value or "").encode() for value in values]
            hashed.update(b"".join(struct.pack("<q", len(text)) for text in encoded) + b"".join(encoded))
        elif kind == "double":
            hashed.update(b"".join(struct.pack("<d", (value or 0.0) + 0.0) for value in values))
        elif kind == "boolean":
            hashed.update(bytes(bool(value) for value in values))
        else:
            hashed.update(b"".join(struct.pack("<q", value or 0) for value in values))

    def states(values: list[Any]) -> list[str]:
        return ["missing" if value is None else "reported" for value in values]

    area, start, edge, inside, n, length, seen, note = ([row[i] for row in rows] for i in range(8))
    column(area, "text")
    column([(moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for moment in start], "whole")
    column(edge, "double")
    column(inside, "boolean")
    column(n, "whole")
    column(states(n), "text")
    column(length, "double")
    column(states(length), "text")
    column([None if day is None else (day - date(1970, 1, 1)).days for day in seen], "whole")
    column(note, "text")
    return hashed.hexdigest()


@settings(deadline=None)
@given(ROWS)
def test_the_digest_is_that_of_its_specification(rows: list[tuple[Any, ...]]) -> None:
    assert canonical_digest(TRIPS, table(rows)) == digest_by_the_specification(rows)


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 12))
def test_the_digest_knows_neither_row_order_nor_chunks_nor_dictionaries(
    rows: list[tuple[Any, ...]], random: Any, cut: int
) -> None:
    expected = canonical_digest(TRIPS, table(rows))
    shuffled = random.sample(rows, len(rows))
    other = pa.concat_tables([table(shuffled[:cut]), table(shuffled[cut:])])
    for name in ("area", "note", "n_state"):
        position = other.column_names.index(name)
        other = other.set_column(position, name, other.column(name).dictionary_encode())
    other = other.set_column(1, "start", other.column("start").cast(pa.timestamp("us", tz="Asia/Kathmandu")))
    assert canonical_digest(TRIPS, other) == expected
    assert canonical_digest(TRIPS, pa.concat_tables([table(rows).slice(0, cut), table(rows).slice(cut)])) == expected


@pytest.mark.parametrize("version", ["1.0", "2.4", "2.6"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(rows=ROWS)
def test_the_digest_survives_every_version_of_parquet(tmp_path: Path, version: str, rows: list[Any]) -> None:
    pq.write_table(table(rows), tmp_path / "x.parquet", version=version, row_group_size=3)
    assert canonical_digest(TRIPS, pq.read_table(tmp_path / "x.parquet")) == canonical_digest(TRIPS, table(rows))


@settings(deadline=None)
@given(ROWS.filter(bool), st.data())
def test_any_other_value_gives_another_digest(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from([4, 5, 6, 7]))
    other = {4: st.integers(-5, 5), 5: st.floats(-5, 5), 6: st.dates(date(2000, 1, 1)), 7: TEXT}[column]
    value = data.draw((st.none() | other).filter(lambda drawn: drawn != rows[position][column]))
    changed = list(rows)
    changed[position] = (*rows[position][:column], value, *rows[position][column + 1 :])
    assert canonical_digest(TRIPS, table(changed)) != canonical_digest(TRIPS, table(rows))


def test_text_does_not_run_over_into_the_next_cell() -> None:
    notes = Dataset(
        name="demo.notes",
        title="",
        description="",
        dimensions=(Dimension("a", "string", ""), Dimension("b", "string", "")),
        measures=(),
        privacy=Privacy.OPEN,
    )
    one, other = pa.table({"a": ["xy"], "b": ["z"]}), pa.table({"a": ["x"], "b": ["yz"]})
    assert canonical_digest(notes, one) != canonical_digest(notes, other)


def test_the_same_rows_under_another_name_or_unit_are_another_table() -> None:
    def dataset(name: str, unit: str) -> Dataset:
        return Dataset(
            name=name,
            title="",
            description="",
            dimensions=(Dimension("k", "integer", ""),),
            measures=(Measure("n", "integer", "", unit, Kind.SUM),),
            privacy=Privacy.OPEN,
        )

    rows = pa.table({"k": [1], "n": [2], "n_state": ["reported"]})
    digests = {canonical_digest(dataset(*said), rows) for said in (("demo.a", "km"), ("demo.b", "km"), ("demo.a", "m"))}
    assert len(digests) == 3
