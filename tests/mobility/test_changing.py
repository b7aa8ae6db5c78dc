"""Runs released by the alternatives to suppression: rounded so that all adds up, or noised by cell key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from commonweal.core.errors import InputError, Refused
from commonweal.disclosure.releasing.standing import grant
from commonweal.mobility import service

ROUNDED = {"rule": "controlled-rounding", "base": 5}
NOISED = {"rule": "cell-key", "D": 9, "V": 20.0, "js": 4}


@pytest.fixture
def operator(start: Callable[..., Any]) -> Any:
    """40 people in A, 3 in B, 12 who move from A to C, on a day."""
    made = start(minimum_people=5)
    seen = {"a": range(40), "b": range(40, 43)}
    lines = [f"2327655{n:04},2026-01-05T10:00:00,{area}1,call,," for area, people in seen.items() for n in people]
    lines += [f"2327655{n:04},2026-01-05T15:00:00,c1,call,," for n in range(12)]
    made.import_(made.events("calls.csv", sorted(lines)))
    return made


def allowed(operator: Any, rule: dict[str, Any]) -> None:
    parameters = {name: value for name, value in rule.items() if name != "rule"}
    grant(operator.settings, operator.database, rule["rule"], "mobility", parameters, "os:steward", "a test")


def day(tables: dict[str, Any]) -> dict[str, int]:
    return {
        row["area"]: row["subscribers"] for row in tables["presence"].to_pylist() if row["period"] == "day"
    }  # fmt: skip


def test_every_count_becomes_a_multiple_and_none_is_hidden(operator):
    allowed(operator, ROUNDED)
    tables = operator.run(rule=ROUNDED)
    assert set(tables) == {"presence", "flows", "home"}
    for table in tables.values():
        assert set(table["subscribers_state"].to_pylist()) == {"rounded"}
        assert all(value % 5 == 0 for value in table["subscribers"].to_pylist())
    shown = day(tables)
    assert shown["A"] == 40
    assert shown["B"] in (0, 5)
    assert shown["C"] in (10, 15)


def test_noise_repeats_and_never_shows_a_few(operator):
    allowed(operator, NOISED)
    tables = operator.run(rule=NOISED)
    for table in tables.values():
        assert set(table["subscribers_state"].to_pylist()) == {"perturbed"}
    assert all(abs(shown - true) <= 2 * 9 for shown, true in zip(day(tables).values(), (40, 3, 12, 0), strict=True))
    again = operator.run(rule=NOISED)
    assert all(again[name].equals(tables[name]) for name in tables)


def test_what_attacks_found_goes_with_it(operator):
    allowed(operator, ROUNDED)
    operator.run(rule=ROUNDED)
    from commonweal.disclosure.releasing.proposals import Stage, proposals

    (proposal,) = proposals(operator.database, stages=[Stage.PUBLISHED])
    assert proposal.evidence["audit"]["required"] == 4
    assert proposal.evidence["audit"]["narrowest"] >= 4
    assert {one["attack"] for one in proposal.evidence["attacks"]["attacks"]} >= {"reconstruction", "differencing"}


def test_days_that_one_rule_released_are_not_released_by_another(operator):
    allowed(operator, ROUNDED)
    operator.run()
    with pytest.raises(Refused, match="released under threshold"):
        operator.run(rule=ROUNDED)


def test_days_are_rounded_or_noised_once(operator):
    """Another base, other parameters of noise, other measures beside them or more people would narrow each count."""
    allowed(operator, ROUNDED)
    first = operator.run(rule=ROUNDED)
    again = operator.run(rule=ROUNDED)
    assert all(again[name].equals(first[name]) for name in first)
    other = {"rule": "controlled-rounding", "base": 7}
    allowed(operator, other)
    with pytest.raises(Refused, match="released under controlled-rounding"):
        operator.run(rule=other)
    with pytest.raises(Refused, match="narrow one another"):
        operator.run(measures=["presence"], rule=ROUNDED)
    with pytest.raises(Refused, match="released under controlled-rounding"):
        operator.run()


def test_a_rule_that_is_weaker_than_the_threshold_is_refused(operator):
    with pytest.raises(InputError, match="at least 5"):
        operator.run(rule={"rule": "controlled-rounding", "base": 3})
    with pytest.raises(InputError, match="counts above 2 may be published"):
        operator.run(rule={"rule": "cell-key", "D": 5, "V": 3.0, "js": 2})


def test_without_an_approval_it_waits(operator):
    asked = {"first": None, "last": None, "measures": [], "time_zone": None, "day_starts": None}
    result = service.run_job(operator.job(**asked, rule=ROUNDED))
    assert (result["releases"], bool(result["proposal"])) == ([], True)
