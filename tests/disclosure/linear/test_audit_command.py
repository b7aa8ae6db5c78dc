"""`commonweal disclosure audit`: anybody's tables, and the mistakes that are made with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commonweal.core.errors import InputError
from commonweal.disclosure.linear.files import read_relations, read_tables
from commonweal.disclosure.linear.reading import suppressed_bounds

TABLES = ("flows.csv", "margins.csv", "--relations", "relations.json")
FLOWS = "origin,destination,value\nA,B,40\nA,C,\nB,A,30\nB,C,\nC,A,25\nC,B,\n"
MARGINS = "area,direction,value\nA,out,44\nB,out,36\nC,out,32\n"
RELATIONS = [
    {"whole": "margins:1", "parts": ["flows:1", "flows:2"], "kind": "sum"},
    {"whole": "margins:2", "parts": ["flows:3", "flows:4"], "kind": "sum"},
    {"whole": "margins:3", "parts": ["flows:5", "flows:6"], "kind": "union"},
]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    (tmp_path / "flows.csv").write_text(FLOWS)
    (tmp_path / "margins.csv").write_text(MARGINS)
    (tmp_path / "relations.json").write_text(json.dumps(RELATIONS))
    return tmp_path


def audit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("commonweal"), "disclosure", "audit", *TABLES, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_what_can_be_worked_out_is_told(published):
    """44 − 40 and 36 − 30 are exact; who left C is a union, so 7 to 32 of them went to B."""
    told = json.loads(audit(published, "--json").stdout)
    assert told == {
        "cells": [
            {"cell": "flows:2", "low": 4, "high": 4},
            {"cell": "flows:4", "low": 6, "high": 6},
            {"cell": "flows:6", "low": 7, "high": 32},
        ],
        "exact": 2,
    }
    assert "2 of 3 suppressed cells can be worked out exactly" in audit(published).stdout


def test_a_threshold_says_more_unless_larger_cells_may_be_hidden_too(published):
    small = json.loads(audit(published, "--json", "--threshold", "15").stdout)
    assert small["cells"][2] == {"cell": "flows:6", "low": 7, "high": 14}
    larger = json.loads(audit(published, "--json", "--threshold", "15", "--complementary").stdout)
    assert larger["cells"][2] == {"cell": "flows:6", "low": 7, "high": 32}


def test_tables_that_contradict_one_another_are_refused_in_a_line(published):
    ended = audit(published, "--json", "--threshold", "5")
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert "relation 2" in line
    assert "--complementary" in line


def test_what_has_no_end_is_null(tmp_path):
    (tmp_path / "flows.csv").write_text('value\n\n5\n""\n')
    (tmp_path / "relations.json").write_text("[]")
    published = read_tables([tmp_path / "flows.csv"])
    first, last = suppressed_bounds(published, read_relations(tmp_path / "relations.json", published))
    assert (first.cell, first.low, first.high, last.cell) == ("flows:1", 0, None, "flows:3")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("area,count\nA,3\n", "no column value"),
        ("area,value\nA,3,4\n", "row 1"),
        ("area,value\nA,3\nB,5.13\n", "row 2"),
        ("area,value\nA,-3\n", "row 1"),
        ("area,value\nA,<5\n", "row 1"),
        ("area,value\nA,1_000\n", "row 1"),
        ("", "no column value"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_row(tmp_path, table, said):
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(InputError, match=said):
        read_tables([tmp_path / "t.csv"])


@pytest.mark.parametrize(
    "relation",
    [
        {"whole": "margins:9", "parts": ["flows:1"], "kind": "sum"},
        {"whole": "margins:1", "parts": [], "kind": "sum"},
        {"whole": "margins:1", "parts": ["flows:1", "flows:1"], "kind": "sum"},
        {"whole": "margins:1", "parts": ["margins:1"], "kind": "sum"},
        {"whole": "margins:1", "parts": ["flows:1"], "kind": "difference"},
        {"whole": "margins:1", "parts": ["flows:1"], "kind": ["sum"]},
        {"whole": "margins:1", "parts": "flows:1", "kind": "sum"},
        {"whole": 1, "parts": ["flows:1"], "kind": "sum"},
        ["margins:1"],
    ],
)
def test_a_relation_that_is_none_is_refused_with_its_number(published, relation: Any):
    (published / "relations.json").write_text(json.dumps([RELATIONS[0], relation]))
    tables = read_tables([published / "flows.csv", published / "margins.csv"])
    with pytest.raises(InputError, match="relation 2"):
        read_relations(published / "relations.json", tables)
