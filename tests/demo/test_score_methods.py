"""Every method is scored against the truth, and one that counts what records show has no error against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.core import audit
from commonweal.core.console import Home
from commonweal.core.jobs import Job, Running
from commonweal.demo.generate import Choices, generate
from commonweal.demo.landscape import Ground
from commonweal.demo.score_methods import FLOWS, STAYS, method_scores
from commonweal.mobility import service
from commonweal.mobility.coverage import METHODS
from commonweal.mobility.measures.home_rules import RULES
from commonweal.mobility.projects import Project, create_project


@pytest.mark.slow
def test_every_method_has_its_score_and_counting_what_was_seen_has_no_error(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    chosen = Choices(subscribers=400, days=4, seed=7, ground=Ground(countries=("SL",)), scenarios=frozenset({"flood"}))
    generate(folder, chosen)
    create_project(home.database, Project("sample", area_set="natural-earth:SL", bucket_bits=1), audit.who())
    asked = {
        "project": "sample",
        "files": [str(file) for file in sorted((folder / "events").iterdir())],
        "mapping": str(folder / "mapping.toml"),
        "cells": str(folder / "cells.csv"),
        "first": None,
        "last": None,
    }
    job = Job(id=1, who="os:tester", parameters=asked, saved={}, claim="here", done=0, total=0, doing="")
    service.import_job(Running(home.settings, home.database, job))
    scores = method_scores(home.settings, home.database, "sample", folder)

    homes = {one.method: one for one in scores if one.what == "home area"}
    assert set(homes) == set(RULES)
    assert all(one.right is not None and 0.7 < one.right <= 1 and one.values > 250 for one in homes.values())
    shares = {one.method: one for one in scores if "shares" in one.what}
    assert set(shares) == {"distinct subscribers", *(f"EM, {method}" for method in METHODS)}
    assert all(one.error < 1 for one in shares.values() if one.error is not None)
    assert shares["EM, signal-strength"].error < shares["EM, voronoi-of-cells"].error  # type: ignore[operator]
    assert {one.method.partition(",")[0] for one in scores if one.what == "flows by day"} == {*FLOWS, STAYS}
    assert any("crossings" in one.what for one in scores)
    assert {one.method.partition(" ")[0] for one in scores if "displaced" in one.what} == {"flows", "change"}
    seen = [one for one in scores if one.truth == "seen"]
    assert len(seen) == 2
    assert all(one.error == 0 and one.total == 1 for one in seen)
