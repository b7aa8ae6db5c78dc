"""Before a release of mobility, rules are compared on its own tables: by a command, and by a job."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from commonweal.core import audit, catalog
from commonweal.core.errors import NotFound, Refused
from commonweal.core.identity.roles import Grant, Permission, Role
from commonweal.core.identity.visitor import Visitor
from commonweal.core.jobs import get
from commonweal.core.jobs.rights import Rights
from commonweal.disclosure import Kind
from commonweal.disclosure.planning.choosing import Rules
from commonweal.disclosure.planning.service import plan_parameters, request_plan
from commonweal.domains import ROOMS, compare_rules
from commonweal.mobility import counting, planning, runs
from commonweal.mobility.contributing import MEASURES, raw_counts

PEOPLE = "mobility/operator"
RULES = Rules((5,), (5,), (0.5, 50.0))


@pytest.fixture
def operator(start: Callable[..., Any]) -> Any:
    """An operator of 160 people and two days: each has an area of its own, and now and then goes elsewhere."""
    generator = random.Random(5)
    lines = []
    for number in range(160):
        own = generator.choice("aaabbc")
        for day in (6, 7):
            for hour in sorted(generator.sample(range(24), 5)):
                area = own if generator.random() < 0.8 else generator.choice("abcd")
                lines.append(
                    f"076{number:06},2026-01-{day:02}T{hour:02}:{generator.randrange(60):02}:00,{area}1,call,,"
                )
    operator = start()
    operator.import_(operator.events("calls.csv", lines))
    return operator


def test_the_cells_are_those_that_a_release_would_protect_and_are_numbered_as_attacks_do(operator: Any) -> None:
    planned = runs.plan(operator.settings, operator.database, operator.project, names=MEASURES)
    given = planning.basis(operator.settings, planned)
    counts = counting.count(operator.settings, planned.buckets)
    raw = raw_counts(planned.scope, counts)
    assert given.value.sum() == sum(one.sum() for one in raw.values())
    assert {Kind.UNION, Kind.WITHIN, Kind.COVER} <= {Kind(one) for one in given.given.kind}
    # Whoever counts in a cell has a key; a cell of nobody has none.
    assert given.keys is not None
    assert ((given.keys > 0) == (given.value > 0)).all()


def test_a_job_compares_every_rule_and_publishes_nothing(operator: Any) -> None:
    found = compare_rules(operator.job(**plan_parameters(PEOPLE, rules=RULES)))
    assert json.loads(json.dumps(found)) == found
    assert (found["people"], found["first"], found["last"]) == (PEOPLE, "2026-01-06", "2026-01-08")
    choices = {(one["rule"], *one["parameters"].values()): one for one in found["choices"]}
    assert list(choices) == [
        ("naive", 5),
        ("threshold", 5),
        ("controlled-rounding", 5),
        ("cell-key", 5, 3.0, 2),
        ("private", 0.5),
        ("private", 50.0),
    ]
    assert choices["threshold", 5]["recovered"] == 0
    assert choices["threshold", 5]["safe"]
    assert choices["threshold", 5]["cells"] <= choices["naive", 5]["cells"] < 1
    assert choices["private", 50.0]["error"] < choices["private", 0.5]["error"]
    # A third of ε for each table, Laplace: ρ = ε²/2; presence divides its third among hours and days.
    spent = 2 * (0.5 / 3) ** 2 / 2 + 2 * (0.5 / 6) ** 2 / 2
    assert choices["private", 0.5]["spent"] == {"unit": "person-day", "rho": pytest.approx(spent)}
    assert all(0 <= one["membership"] <= 1 for one in found["choices"])
    assert choices["private", 0.5]["membership"] < choices["naive", 5]["membership"]
    assert [point["epsilon"] for point in found["curve"]] == [0.5, 50.0]
    assert found["curve"][0]["error"] > found["curve"][1]["error"]
    assert catalog.datasets(operator.database) == []
    (entry,) = [one for one in audit.newest(operator.database, 10) if one.action == "disclosure.plan"]
    assert (entry.who, entry.what) == ("os:tester", f"people {PEOPLE}")
    assert entry.details == {"first": "2026-01-06", "last": "2026-01-08"}


def test_the_command_says_it_in_a_table(operator: Any) -> None:
    asked = ["disclosure", "plan", PEOPLE, "--first", "2026-01-06", "--last", "2026-01-06", "--k", "5", "--base", "5"]
    result = subprocess.run(
        [sys.executable, "-c", "from commonweal.cli import main; main()", *asked, "--epsilon", "8"],
        env=os.environ | {"COMMONWEAL_DATA": str(operator.settings.data)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    said = result.stdout
    assert said.startswith(f"{PEOPLE}, 2026-01-06 to 2026-01-06: for choosing a rule")
    for heading in ("cells kept", "people covered", "narrowest interval", "worked out exactly", "may be chosen"):
        assert heading in said
    rows = {line.split(":")[0].strip(): line for line in said.splitlines()[2:] if ":" in line}
    assert rows["Small cells hidden, and nothing else"].rstrip().endswith("no")
    assert rows["Small cells hidden, and what would give them away"].rstrip().endswith("yes")
    assert "ε = 8, spends ρ = " in rows["Differential privacy"]


def test_whoever_may_run_a_project_may_compare_rules_for_it_and_nobody_else(operator: Any) -> None:
    database = operator.database
    asked = plan_parameters(PEOPLE, rules=RULES)
    analyst = Visitor(1, "Ada", (Grant(Role.ANALYST, "mobility", "squares"),))
    for other in (
        Visitor(2, "Bob", (Grant(Role.ANALYST, "mobility", "natural-earth:SL"),)),
        Visitor(3, "Cyd", (Grant(Role.VIEWER, "mobility"),)),
        Visitor(4, "Dan", (Grant(Role.ANALYST, "disclosure"),)),
    ):
        with pytest.raises(Refused, match="no role of yours allows it"):
            request_plan(database, ROOMS, other, asked)
    job = get(database, request_plan(database, ROOMS, analyst, asked))
    assert (job.kind, job.who) == ("disclosure.plan", analyst.who)
    assert Rights(database, ROOMS, analyst).may(Permission.FOLLOW, job.kind, job.parameters)
    assert request_plan(database, ROOMS, analyst, asked) == job.id  # asked twice, done once


@pytest.mark.parametrize("people", ["mobility/nobody", "elsewhere/operator", "mobility"])
def test_people_whom_nobody_knows_are_not_found(people: str, operator: Any) -> None:
    with pytest.raises(NotFound, match="there is no"):
        compare_rules(operator.job(**plan_parameters(people)))
