"""`scripts/demo`, started again where it left off."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from commonweal.domains import initialise
from commonweal.mobility.projects import Project, create_project, list_projects

SCRIPT = Path(__file__).parents[2] / "scripts" / "demo"


def demo(folder: Path, **asked: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, "--no-serve"],
        env=os.environ | {"DEMO": str(folder)} | asked,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A folder in which a sample country was generated; its events are not there, so that no import can begin."""
    made = tmp_path / "generated" / "truth" / "generation.json"
    made.parent.mkdir(parents=True)
    made.write_text(json.dumps({"subscribers": 300, "days": 2, "scenarios": ["flood", "lockdown"]}))
    return tmp_path


@pytest.mark.parametrize("other", [{"SUBSCRIBERS": "301"}, {"DAYS": "3"}, {"SCENARIO": "flood"}], ids=str)
def test_other_choices_than_those_of_the_records_that_are_there_are_refused(begun: Path, other: dict[str, str]) -> None:
    result = demo(begun, **other)
    assert result.returncode == 4
    [line] = result.stderr.splitlines()
    assert "holds records made with SUBSCRIBERS=300 DAYS=2 SCENARIO=flood,lockdown" in line
    assert "remove it to begin anew" in line
    assert not (begun / "data").exists()


@pytest.mark.slow
@pytest.mark.parametrize("same", [{}, {"SUBSCRIBERS": "300", "DAYS": "2", "SCENARIO": "lockdown, flood"}], ids=str)
def test_the_records_that_are_there_are_taken_and_a_project_of_a_like_name_is_not(
    begun: Path, same: dict[str, str]
) -> None:
    home = initialise(begun / "data", begun / "keys")
    create_project(home.database, Project("sample2", area_set="natural-earth:GN"), "os:tester")
    said = demo(begun, **same).stderr
    assert "taking the records that are there: SUBSCRIBERS=300 DAYS=2 SCENARIO=flood,lockdown" in said
    assert "demo generate" not in said
    assert "--from 2026-03-01 --to 2026-03-02" in said
    assert {project.name for project in list_projects(home.database)} == {"sample", "sample2"}
