"""On the sample country: joint suppression costs next to nothing, and leaves nothing to be worked out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.core.console import Home
from commonweal.core.jobs import Job, Running
from commonweal.domains import initialise
from commonweal.mobility import counting, protecting, runs, service
from commonweal.mobility.contributing import MEASURES
from commonweal.mobility.projects import Project, create_project

K = 15


@pytest.fixture(scope="module")
def run(ordinary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, runs.Plan]]:
    """The sample country's week, imported."""
    folder = tmp_path_factory.mktemp("rules")
    home = initialise(folder / "data", folder / "keys")
    project = create_project(home.database, Project("sample", area_set="natural-earth:GN,LR,SL"), "os:tester")
    asked = {
        "project": "sample",
        "files": [str(file) for file in sorted((ordinary / "events").iterdir())],
        "mapping": str(ordinary / "mapping.toml"),
        "cells": str(ordinary / "cells.csv"),
        "first": None,
        "last": None,
    }
    job = Job(id=1, who="os:tester", parameters=asked, saved={}, claim="here", done=0, total=0, doing="")
    service.import_job(Running(home.settings, home.database, job))
    yield home, runs.plan(home.settings, home.database, project, names=MEASURES)
    home.database.close()


def test_what_a_run_hides_for_others_is_less_than_one_person_in_twenty(run: tuple[Home, runs.Plan]) -> None:
    home, planned = run
    evidence = protecting.protect(planned, counting.count(home.settings, planned.buckets), ()).evidence
    audit = evidence["audit"]
    assert audit["required"] == K - 1
    assert audit["narrowest"] >= K - 1
    # Naive suppression would let readers form differences of too few people; hiding more prevents it.
    assert audit["differences"] > 0
    assert audit["complementary"] > 0
    # Of people in cells that naive suppression keeps.
    assert audit["people_kept"] >= 0.95
    (found,) = (one["numbers"] for one in evidence["attacks"]["attacks"] if one["attack"] == "reconstruction")
    assert found["hidden"] > 0
    assert found["recovered"] == 0
