"""Every measure says how it is protected, in the command and in the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonweal.disclosure.private import Unit
from commonweal.mobility.cli import app
from commonweal.mobility.measure import measures
from commonweal.mobility.protections import COUNTS, SUMS, TOTALS, protections

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "mobility.md"
BY_NAME = {one.measure: one for one in protections()}


def test_the_command_lists_every_measure_with_noise_or_why_there_is_none() -> None:
    result = CliRunner().invoke(app, ["measures", "--json"])
    assert result.exit_code == 0
    said = {one["measure"]: one for one in json.loads(result.stdout)}
    assert set(said) == set(measures())
    for one in said.values():
        assert bool(one["noise"]) != bool(one["no_noise_because"])
        assert one["suppression"] in (COUNTS, TOTALS, SUMS)
    assert said["presence"]["noise"]["hour"] == {"person-day": 24, "person-week": 120, "person-month": 480}
    assert (said["flows_stays"]["days_looked_back"], said["flows_stays"]["days_looked_ahead"]) == (6, 2)
    assert said["presence_by_week"]["hides"] == "person-week"


def test_only_what_counts_no_people_has_no_noise() -> None:
    assert {name for name, one in BY_NAME.items() if one.reason} == {
        "activity",
        "devices",
        "device_activity",
        "flags",
        "present",
    }


@pytest.mark.parametrize("name", measures())
def test_the_documentation_says_how_each_measure_is_protected(name: str) -> None:
    """A new measure is not documented until it has its row."""
    one = BY_NAME[name]
    first = f"| `{name}` |" if one.reason else f"| `mobility.{name}_private` |"
    (row,) = [line for line in DOCUMENTATION.read_text().splitlines() if line.startswith(first)]
    _, _, suppression, bounds, *_ = (cell.strip() for cell in row.split("|"))
    assert suppression == one.suppression
    if one.reason:
        assert bounds == f"none: {one.reason}"
        return
    levels = [f"{level} {', '.join(str(keys[unit]) for unit in Unit)}".strip() for level, keys in one.noise.items()]
    assert bounds == "; ".join(levels)
