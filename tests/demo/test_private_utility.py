"""Noise that hides a day of a person leaves the presence of districts useful."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from commonweal.core import audit
from commonweal.core.console import Home
from commonweal.core.jobs import Job, Running
from commonweal.demo.generate import Choices, generate
from commonweal.demo.landscape import Ground
from commonweal.disclosure.private import Rule, Unit, utility_curve
from commonweal.mobility import counting, runs, service
from commonweal.mobility.measure import measures
from commonweal.mobility.private import private_counts
from commonweal.mobility.projects import Project, create_project

EPSILONS = (0.1, 1.0, 10.0)


@pytest.fixture
def plan(home: Home, tmp_path: Path) -> Any:
    """A day of 40,000 subscribers in Guinea's prefectures, imported."""
    folder = tmp_path / "sample"
    choices = Choices(subscribers=40_000, days=1, seed=7, events_per_day=6, ground=Ground(countries=("GN",)))
    generate(folder, choices)
    project = create_project(home.database, Project("sample", area_set="natural-earth:GN"), audit.who())
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
    return home, runs.plan(home.settings, home.database, project, names=["presence"])


def daily(table: pa.Table) -> pa.Array:
    return pc.equal(table["period"], "day")


@pytest.mark.slow
def test_presence_by_district_and_day_at_epsilon_one_is_off_by_less_than_a_twentieth(plan: Any) -> None:
    home, planned = plan
    measure = measures()["presence"]
    counts = counting.count(home.settings, planned.buckets)["presence"]
    raw = measure.finish(counts, planned.scope).drop_columns("people")
    for choices in ({}, {"delta": 1e-6, "family": "gaussian"}):
        rule = Rule(Unit.DAY, 1.0, **choices)
        prepared = private_counts(home.settings, planned, rule)["presence"].prepared()
        assert prepared.spent.epsilon <= 1 + 1e-9
        curve = utility_curve(prepared, raw.filter(daily(raw)), EPSILONS, at_least=1000, only=daily)
        assert {point.cells for point in curve} == {
            int((raw.filter(daily(raw))["subscribers"].to_numpy() >= 1000).sum())
        }
        assert curve[0].cells >= 8
        assert curve[1].error < 0.05
        assert curve[0].error > curve[2].error
