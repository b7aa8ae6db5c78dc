"""Cells: append-only codes, versions in time, and a corrected file that rewrites no event."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.core.errors import Damaged, InputError
from commonweal.mobility.cell_files import read_cells
from commonweal.mobility.cells import (
    ALWAYS,
    FOREVER,
    SCHEMA,
    empty_register,
    read_register,
    write_register,
)
from commonweal.mobility.layout import Layout, parse_layout

EMPTY = parse_layout({"time": {"column": "t"}, "columns": {"subscriber": "s", "cell": "c"}})
VERSION = pa.schema([SCHEMA.field(name) for name in SCHEMA.names if name not in ("code", "registered")])


def versions(*rows: dict[str, Any]) -> pa.Table:
    """Versions of cells, valid always where nothing else is said."""
    nothing = dict.fromkeys(VERSION.names) | {"valid_from": ALWAYS, "valid_to": FOREVER}
    return pa.Table.from_pylist([nothing | row for row in rows], schema=VERSION)


def written(folder: Path, *lines: str) -> Path:
    """A cell file."""
    path = folder / "cells.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_code_is_given_once_and_never_changes() -> None:
    register = empty_register().with_versions(versions({"identifier": "b"}, {"identifier": "a"}))
    later = register.with_versions(
        versions({"identifier": "c"}, {"identifier": "a", "longitude": 1.0, "latitude": 2.0})
    )
    assert register.codes() == {"b": 0, "a": 1}
    assert later.codes() == {"b": 0, "a": 1, "c": 2}
    assert later.table.slice(0, 2).equals(register.table), "what was registered stays"


def test_what_already_holds_adds_nothing() -> None:
    told = versions({"identifier": "a", "range": 33.3}, {"identifier": "b", "valid_from": 5})
    register = empty_register().with_versions(told)
    assert register.with_versions(told) is register


def test_a_file_that_names_a_cell_twice_means_the_last_and_adds_nothing_the_second_time() -> None:
    told = versions({"identifier": "a", "technology": "2G"}, {"identifier": "a", "technology": "4G"})
    register = empty_register().with_versions(told)
    assert register.table["technology"].to_pylist()[register.timeline().row[0]] == "4G"
    assert register.with_versions(told).digest == register.digest


def test_a_later_file_that_ends_a_version_ends_it() -> None:
    register = empty_register().with_versions(versions({"identifier": "a", "valid_from": 10}))
    ended = register.with_versions(versions({"identifier": "a", "valid_from": 10, "valid_to": 20}))
    timeline = ended.timeline()
    assert timeline.starts.tolist() == [ALWAYS, 10, 20]
    assert timeline.row.tolist() == [-1, 1, -1]


moments = st.integers(-5, 15)
version = st.builds(
    lambda cell, start, length: {"identifier": cell, "valid_from": start, "valid_to": start + length},
    st.sampled_from("abc"),
    moments | st.just(ALWAYS),
    st.integers(1, 10) | st.just(FOREVER),
)


@given(files=st.lists(st.lists(version, min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_version_that_holds_is_the_newest_registered_one_that_covers_the_moment(
    files: list[list[dict[str, Any]]],
) -> None:
    register = empty_register()
    for rows in files:
        register = register.with_versions(versions(*rows))
    table = register.table.to_pylist()
    newest = {(row["identifier"], row["valid_from"]): number for number, row in enumerate(table)}

    def naive(cell: str, moment: int) -> int:
        covering = [
            number
            for (identifier, start), number in newest.items()
            if identifier == cell and start <= moment < table[number]["valid_to"]
        ]
        return max(covering, default=-1)

    timeline = register.timeline()
    for cell, code in register.codes().items():
        spans = slice(timeline.first[code], timeline.first[code + 1])
        for moment in range(-7, 30):
            span = np.searchsorted(timeline.starts[spans], moment, side="right") - 1
            assert timeline.row[spans][span] == naive(cell, moment)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4), unique=True, max_size=8))
def test_cells_rank_by_the_text_of_their_identifiers(identifiers: list[str]) -> None:
    register = empty_register().with_versions(versions(*({"identifier": cell} for cell in identifiers)))
    rank = register.rank_of_codes()
    assert [cell for _, cell in sorted(zip(rank.tolist(), identifiers, strict=True))] == sorted(identifiers)


def test_a_register_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    register = empty_register().with_versions(versions({"identifier": "a", "azimuth": 120.5, "plmn": 619001}))
    write_register(tmp_path, register)
    assert read_register(tmp_path).digest == register.digest
    assert read_register(tmp_path / "elsewhere").table.num_rows == 0


def test_a_damaged_register_is_named(tmp_path: Path) -> None:
    (tmp_path / "cells.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(Damaged, match=r"cells\.parquet"):
        read_register(tmp_path)


def test_a_register_written_before_antennas_were_told_is_read_and_is_the_same(tmp_path: Path) -> None:
    register = empty_register().with_versions(versions({"identifier": "a", "range": 900.0}))
    before = register.table.drop_columns(["height", "power", "tilt"])
    pq.write_table(before, tmp_path / "cells.parquet")
    known = hashlib.sha256(repr(tuple(before.to_pylist()[0].values())).encode()).hexdigest()
    assert read_register(tmp_path).digest == register.digest == known
    told = versions({"identifier": "a", "range": 900.0, "tilt": 5.0})
    assert register.with_versions(told).digest != known


# Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cell_file_is_read_field_by_field(tmp_path: Path, at: Callable[[str], int]) -> None:
    path = written(
        tmp_path,
        "cell_id,lon,lat,azimuth,beam,range,radio,site,plmn,valid_from,valid_to,height,power,downtilt",
        "a1,-13.2,8.4,120,65,900,4G,S1,619-01,2026-01-05,2026-02-01T04:00,45.5,20,4",
        "",
        "a2,,,,,,,,,,,,,",
    )
    layout = parse_layout(
        {"time": {"column": "t", "zone": "Africa/Lagos"}, "columns": {"subscriber": "s", "cell": "c"}}
    )
    [one, two] = read_cells(path, layout).to_pylist()
    assert one == {
        "identifier": "a1",
        "longitude": -13.2,
        "latitude": 8.4,
        "azimuth": 120.0,
        "beam_width": 65.0,
        "range": 900.0,
        "technology": "4G",
        "site": "S1",
        "plmn": 619001,
        "valid_from": at("2026-01-04T23:00"),
        "valid_to": at("2026-02-01T03:00"),
        "height": 45.5,
        "power": 20.0,
        "tilt": 4.0,
    }
    assert (two["longitude"], two["plmn"], two["valid_from"], two["valid_to"]) == (None, None, ALWAYS, FOREVER)


WRONG = {
    "longitude": (["c,181,5"], "line 2: longitude is no such number"),
    "latitude": (["c,1,north"], "line 2: latitude is no such number"),
    "half a position": (["c,1,"], "line 2: only one of longitude and latitude"),
    "no identifier": (["c,1,1", " ,1,1"], "line 3: the cell has no identifier"),
    "too few fields": (["c,1"], "line 2: 2 fields"),
    "no cell": ([], "not one cell"),
}


@pytest.mark.parametrize(("lines", "said"), WRONG.values(), ids=WRONG)
def test_a_row_that_cannot_be_is_named_with_its_line(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_cells(written(tmp_path, "cell,lon,lat", *lines), EMPTY)


def test_a_validity_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "cell,lon,lat,valid_from,valid_to", "c,1,1,2026-01-02,2026-01-01")
    with pytest.raises(InputError, match="line 2: the cell's validity ends before it begins"):
        read_cells(path, EMPTY)


def test_an_antenna_without_power_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: power is 0 .expected: watts above 0, or nothing"):
        read_cells(written(tmp_path, "cell,lon,lat,power", "c,1,1,0"), EMPTY)


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: its validity is no date"):
        read_cells(written(tmp_path, "cell,lon,lat,valid_from", "c,1,1,5/1/26"), EMPTY)


def of_cells(**cells: Any) -> Layout:
    """A mapping with a section of cells."""
    return parse_layout({"time": {"column": "t"}, "columns": {"subscriber": "s", "cell": "c"}, "cells": cells})


def test_columns_that_are_not_usual_are_named_by_the_mapping(tmp_path: Path) -> None:
    path = written(tmp_path, "611;01;8.4;-13.2")
    layout = of_cells(cell=[1, 2], latitude=3, longitude=4, source={"delimiter": ";", "header": False})
    [row] = read_cells(path, layout).to_pylist()
    assert (row["identifier"], row["longitude"], row["latitude"]) == ("611-01", -13.2, 8.4)


@pytest.mark.parametrize(("column", "said"), [("nowhere", "there is no column 'nowhere'"), (9, "there is no column 9")])
def test_a_column_that_is_not_there_is_named(column: str | int, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_cells(written(tmp_path, "cell,lon,lat", "c,1,1"), of_cells(cell="cell", longitude="lon", latitude=column))


def test_without_usual_names_a_mapping_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column is known for the cell's cell.*\[cells\].*code, east, north"):
        read_cells(written(tmp_path, "code,east,north", "c,1,1"), EMPTY)


@pytest.mark.parametrize("content", ["", "\n", "\n\n"])
def test_an_empty_cell_file_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(content)
    with pytest.raises(InputError, match="empty"):
        read_cells(path, EMPTY)


def test_a_parquet_file_of_cells_is_the_same_as_its_text(tmp_path: Path) -> None:
    table = pa.table({"cell": ["a", "b"], "lon": [1.5, None], "lat": [2.0, None], "plmn": [61901, None]})
    pq.write_table(table, tmp_path / "cells.parquet")
    text = read_cells(written(tmp_path, "cell,lon,lat,plmn", "a,1.5,2,61901", "b,,,"), EMPTY)
    assert read_cells(tmp_path / "cells.parquet", EMPTY).equals(text)


# What versions do to results ──────────────────────────────────────────────────────────────────────────────────────


def day_presence(tables: dict[str, pa.Table]) -> dict[str, int | None]:
    """Published presence of the only day, by area."""
    return {row["area"]: row["subscribers"] for row in tables["presence"].to_pylist() if row["period"] == "day"}


def test_a_corrected_cell_file_rewrites_no_event_and_changes_what_is_counted(operator: Any) -> None:
    file = operator.events("calls.csv", [f"2327655320{n},2026-01-05T10:00:00,a1,call,,5" for n in range(5)])
    operator.import_(file)
    assert day_presence(operator.run()) == {"A": 5, "B": None, "C": None, "D": None}
    before = {path: path.read_bytes() for path in operator.store().folder.glob("events/**/*.parquet")}

    corrected = operator.write("corrected.csv", operator.cells.read_text().replace("a1,0.25,", "a1,2.25,"))
    operator.import_(file, cells=corrected)
    assert day_presence(operator.run()) == {"A": None, "B": None, "C": 5, "D": None}
    assert {path: path.read_bytes() for path in operator.store().folder.glob("events/**/*.parquet")} == before


def test_a_cell_that_moves_at_noon_counts_here_before_and_there_after(operator: Any) -> None:
    cells = operator.write(
        "moving.csv",
        "cell,lon,lat,valid_from,valid_to\nm,0.5,0.5,,2026-01-05T12:00\nm,1.5,0.5,2026-01-05T12:00,\n",
    )
    times = ("11:59:59", "12:00:00")
    lines = [f"2327655320{n},2026-01-05T{time},m,call,,5" for n in range(3) for time in times]
    operator.import_(operator.events("calls.csv", lines), cells=cells)
    tables = operator.run()
    assert day_presence(tables) == {"A": 3, "B": 3, "C": None, "D": None}
    flows = [(row["origin"], row["destination"]) for row in tables["flows"].to_pylist() if row["subscribers"]]
    assert flows == [("A", "B")]


def test_known_rows_of_a_file_are_taken_once_when_more_cells_are_told(operator: Any) -> None:
    file = operator.events(
        "calls.csv", [f"23276553201,2026-01-05T1{n}:00:00,{cell},call,," for n, cell in enumerate(["a1", "n1", "n2"])]
    )
    [first] = operator.import_(file)
    assert (first["accepted"], first["rejected"]) == (1, {"unknown cell": 2})
    more = operator.write("more.csv", operator.cells.read_text() + "n1,1.5,0.5\n")
    [second] = operator.import_(file, cells=more)
    assert (second["accepted"], second["rejected"]) == (1, {"unknown cell": 1, "duplicate": 1})
    assert sorted(event["cell"] for event in operator.stored()) == ["a1", "n1"]
