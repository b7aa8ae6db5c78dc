"""From a run with noise to releases: booked first, drawn once, refused beyond the budget."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commonweal.core.catalog import get
from commonweal.core.errors import Refused
from commonweal.disclosure.ledger.budgets import budgets, set_budget
from commonweal.disclosure.ledger.entries import read
from commonweal.disclosure.private import Rule, Unit
from commonweal.disclosure.private.accounting import rho_of
from commonweal.disclosure.releasing.proposals import get as get_proposal
from commonweal.disclosure.releasing.publishing import approve
from commonweal.mobility import service

PEOPLE = "mobility/operator"
PRESENCE = "mobility.presence_private"


@pytest.fixture
def run(start: Callable[..., Any]) -> Callable[..., Any]:
    """An operator of four days, and a function that makes a run with noise."""
    generator = random.Random(3)
    begins = datetime(2026, 1, 20, tzinfo=UTC)
    operator = start()
    moments = [begins + timedelta(seconds=generator.randrange(4 * 86400)) for _ in range(300)]
    lines = [
        f"2327655{generator.randrange(100, 114):04},{moment:%Y-%m-%dT%H:%M:%S},{generator.choice('abcd')}1,call,,"
        for moment in sorted(moments)
    ]
    operator.import_(operator.events("calls.csv", sorted(set(lines))))

    def make(rule: Rule, *measures: str) -> dict[str, Any]:
        asked = {"first": "2026-01-20", "last": "2026-01-24", "time_zone": None, "day_starts": None}
        return service.run_job(operator.job(**asked, measures=list(measures), private=rule.record()))

    make.operator = operator  # type: ignore[attr-defined]
    return make


def test_nothing_is_drawn_without_a_budget_or_beyond_it(run: Any) -> None:
    operator, rule = run.operator, Rule(Unit.DAY, 1.0)
    with pytest.raises(Refused, match="no budget"):
        run(rule, "presence")
    set_budget(operator.settings, operator.database, PEOPLE, "person-day", 0.2, "os:ada")
    with pytest.raises(Refused, match=r"0\.2 of the budget"):  # hours and days spend ε = 1/2 each: ρ = 2/8
        run(rule, "presence")
    set_budget(operator.settings, operator.database, PEOPLE, "person-day", 0.4, "os:ada")
    (proposal,) = run(rule, "presence")["proposals"]
    approve(operator.settings, operator.database, proposal, "os:bob", "as agreed")
    with pytest.raises(Refused, match="is left"):
        run(Rule(Unit.DAY, 1.0, confidence=0.9), "presence")


@pytest.mark.parametrize(
    ("rule", "spent"),
    [
        # Hours and days spend half of it each: ρ = 2 · (1/2)² / 2, which is told as the pure ε that was asked for.
        (Rule(Unit.DAY, 1.0), {"rho": 0.25, "epsilon": 1.0, "delta": 0.0}),
        (Rule(Unit.DAY, 1.0, 1e-6, "gaussian"), {"rho": rho_of(1.0, 1e-6), "epsilon": 1.0, "delta": 1e-6}),
    ],
    ids=["pure", "gaussian"],
)
def test_what_is_entered_and_shown_is_what_is_promised(rule: Rule, spent: dict[str, float], run: Any) -> None:
    operator = run.operator
    set_budget(operator.settings, operator.database, PEOPLE, "person-day", 1.0, "os:ada")
    (identifier,) = run(rule, "presence")["proposals"]
    approve(operator.settings, operator.database, identifier, "os:bob", "as agreed")
    proposal = get_proposal(operator.database, identifier)
    with operator.database.reading() as session:
        entered = read(session, operator.settings)[-1].said["spent"]
    assert {name: entered[name] for name in spent} == pytest.approx(spent, rel=1e-5)
    for told in (proposal.said["spent"], proposal.evidence["promise"]):
        assert (told["epsilon"], told["delta"]) == (entered["epsilon"], entered["delta"])
    [left] = budgets(operator.settings, operator.database)
    assert float(left.least) == pytest.approx(1 - spent["rho"], rel=1e-5)
    # Of so few, who falls into which half by a pseudonym decides whether anybody can be told from others.
    assert {one["attack"] for one in proposal.evidence["attacks"]["attacks"]} >= {"trajectories", "uniqueness"}


def test_what_thresholds_may_show_of_a_person_is_entered_and_counted(run: Any) -> None:
    operator, rule = run.operator, Rule(Unit.DAY, 5.0, 1e-6, selects=True)
    set_budget(operator.settings, operator.database, PEOPLE, "person-day", 20.0, "os:ada")
    with pytest.raises(Refused, match="0 of the budget of δ = 0 a person-day"):
        run(rule, "presence")
    set_budget(operator.settings, operator.database, PEOPLE, "person-day", 20.0, "os:ada", delta=1e-6)
    (identifier,) = run(rule, "presence")["proposals"]
    approve(operator.settings, operator.database, identifier, "os:bob", "as agreed")
    spent = get_proposal(operator.database, identifier).said["spent"]
    assert 0.5e-6 < spent["threshold_delta"] <= spent["delta"] == 1e-6
    [left] = budgets(operator.settings, operator.database)
    assert float(left.least_delta) == pytest.approx(1e-6 - spent["threshold_delta"])


def test_the_same_run_finds_what_was_drawn_and_draws_nothing_again(run: Any) -> None:
    operator, rule = run.operator, Rule(Unit.DAY, 2.0)
    set_budget(operator.settings, operator.database, PEOPLE, "person-day", 5.0, "os:ada")
    first = run(rule)
    assert len(first["proposals"]) == 4  # activity is left out
    assert run(rule)["proposals"] == first["proposals"]
    records = (operator.settings, operator.database)
    outcomes = [approve(*records, proposal, "os:bob", "as agreed") for proposal in first["proposals"]]
    (presence,) = [
        one.release for outcome in outcomes for one in outcome.publications if one.release.dataset == PRESENCE
    ]
    again = run(rule)
    assert again["proposals"] == []
    found = {release["dataset"]: release for release in again["releases"]}
    assert found[PRESENCE]["digest"] == presence.digest
    assert not found[PRESENCE]["new"]
    table = get(operator.database, PRESENCE).table(operator.settings)
    assert set(table["subscribers_state"].to_pylist()) == {"perturbed"}
    assert presence.provenance.parameters["private"]["unit"] == "person-day"
    assert presence.provenance.parameters["spent"]["epsilon"] == pytest.approx(0.5)
    assert "k" not in presence.provenance.parameters
