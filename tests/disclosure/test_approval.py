"""Approval: a steward decides, never whoever proposed it; standing approvals cover what is at least as safe."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from commonweal.core import audit, catalog
from commonweal.core.database import Database
from commonweal.core.errors import Conflict, InputError, NotFound, NotSignedIn, Refused
from commonweal.core.identity.roles import Grant, Role
from commonweal.core.identity.visitor import NOBODY, Visitor
from commonweal.disclosure.cli import app
from commonweal.disclosure.ledger.budgets import set_budget
from commonweal.disclosure.ledger.spending import Unit
from commonweal.disclosure.ledger.verifying import verify
from commonweal.disclosure.releasing.proposals import Stage, get, proposals
from commonweal.disclosure.releasing.publishing import approve, reject
from commonweal.disclosure.releasing.standing import approvals, grant, withdraw

ANALYST, STEWARD = "os:ada", "os:ben"


def somebody(number: int, *grants: Grant) -> Visitor:
    return Visitor(number, f"person {number}", grants)


def actions(house: Any) -> list[tuple[str, str, str | None]]:
    return [(one.who, one.action, one.why) for one in audit.newest(house.database, 20)[::-1]]


# One proposal ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_approved_by_another_it_is_published_and_all_of_it_is_audited(house: Any) -> None:
    waiting = house.release().proposal
    outcome = approve(house.settings, house.database, waiting.short, STEWARD, "as every month")
    [one] = outcome.publications
    assert one.new
    assert one.release.provenance.who == ANALYST
    assert (outcome.proposal.stage, outcome.proposal.decided_by) == (Stage.PUBLISHED, STEWARD)
    assert outcome.proposal.releases == (("demo.homes", 1),)
    assert house.ledger("release")[0].said["approval"] == {"by": STEWARD, "why": "as every month"}
    assert actions(house)[-4:] == [
        (ANALYST, "disclosure.propose", None),
        (STEWARD, "disclosure.ledger", "as every month"),
        (ANALYST, "catalog.begin", None),
        (ANALYST, "catalog.publish", None),
    ]


def test_nobody_approves_what_they_proposed_on_the_command_line(small_house: Any) -> None:
    waiting = small_house.release().proposal
    with pytest.raises(Refused, match="whoever made a proposal cannot approve it"):
        approve(small_house.settings, small_house.database, waiting.id, ANALYST)
    assert catalog.releases(small_house.database) == []


def test_nobody_approves_what_they_proposed_under_another_role(small_house: Any) -> None:
    waiting = small_house.release(who="person:7").proposal
    both = somebody(7, Grant(Role.ANALYST, "demo"), Grant(Role.STEWARD, "demo"), Grant(Role.ADMINISTRATOR))
    with pytest.raises(Refused, match="whoever made a proposal cannot approve it"):
        approve(small_house.settings, small_house.database, waiting.id, both)
    other = somebody(8, Grant(Role.STEWARD, "demo"))
    assert approve(small_house.settings, small_house.database, waiting.id, other).publications


def test_who_proposed_is_read_from_what_was_signed_and_not_from_the_database(small_house: Any) -> None:
    waiting = small_house.release().proposal
    with small_house.database.transaction() as session:
        session.execute(text(f"UPDATE disclosure_proposal SET said = replace(said, '{ANALYST}', 'os:nobody')"))
    assert get(small_house.database, waiting.id).who == "os:nobody"
    with pytest.raises(Refused, match="whoever made a proposal"):
        approve(small_house.settings, small_house.database, waiting.id, ANALYST)


@pytest.mark.parametrize(
    "grants",
    [
        (),
        (Grant(Role.ANALYST, "demo"),),
        (Grant(Role.APPROVER, "demo"),),
        (Grant(Role.ADMINISTRATOR),),
        (Grant(Role.STEWARD, "mobility"),),
        (Grant(Role.STEWARD, "demo", "districts"),),
    ],
    ids=str,
)
def test_only_a_steward_of_the_domain_decides(grants: tuple[Grant, ...], small_house: Any) -> None:
    waiting = small_house.release().proposal
    visitor = somebody(8, *grants)
    for decide in (approve, reject):
        with pytest.raises(Refused, match="a decision about releases"):
            decide(small_house.settings, small_house.database, waiting.id, visitor, "why not")
    with pytest.raises(Refused, match="a decision about releases"):
        grant(small_house.settings, small_house.database, "threshold", "demo", {"k": 15}, visitor, "why not")
    with pytest.raises(NotSignedIn):
        approve(small_house.settings, small_house.database, waiting.id, NOBODY)
    assert get(small_house.database, waiting.id).stage is Stage.WAITING


def test_what_is_rejected_is_not_published_and_says_why_until_a_steward_approves_it_after_all(small_house: Any) -> None:
    waiting = small_house.release().proposal
    with pytest.raises(InputError, match="no reason"):
        reject(small_house.settings, small_house.database, waiting.id, STEWARD, " ")
    rejected = reject(small_house.settings, small_house.database, waiting.id, STEWARD, "too fine")
    assert (rejected.stage, rejected.decided_by, rejected.why) == (Stage.REJECTED, STEWARD, "too fine")
    assert actions(small_house)[-1] == (STEWARD, "disclosure.reject", "too fine")
    with pytest.raises(Refused, match="this request was rejected: too fine"):
        small_house.release()
    with pytest.raises(Refused, match="whoever made a proposal"):
        approve(small_house.settings, small_house.database, waiting.id, ANALYST)
    assert approve(small_house.settings, small_house.database, waiting.id, "os:eve").publications
    with pytest.raises(Conflict, match="approved already"):
        reject(small_house.settings, small_house.database, waiting.id, STEWARD, "too fine")


def test_approved_again_it_is_the_same_release(small_house: Any) -> None:
    waiting = small_house.release().proposal
    first = approve(small_house.settings, small_house.database, waiting.id, STEWARD)
    again = approve(small_house.settings, small_house.database, waiting.id, "os:eve")
    assert [one.new for one in (*first.publications, *again.publications)] == [True, False]
    assert again.proposal.decided_by == STEWARD
    assert len(small_house.ledger("release")) == 1


def test_two_stewards_at_once_make_one_release(house: Any) -> None:
    waiting = house.release().proposal
    came: list[Any] = []

    def decide(who: str) -> None:
        database = Database(house.database.url, keys=house.settings.keys)
        try:
            came.append(approve(house.settings, database, waiting.id, who).publications)
        finally:
            database.close()

    threads = [threading.Thread(target=decide, args=(who,)) for who in (STEWARD, "os:eve", "os:dan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.new for [one] in came) == [False, False, True]
    assert len(house.ledger("release")) == len(catalog.releases(house.database)) == 1
    assert verify(house.settings, house.database).findings == ()


def test_a_proposal_that_is_not_there_is_named(small_house: Any) -> None:
    for name in ("abcd", "ab", "%", "x' OR 1=1"):
        with pytest.raises(NotFound):
            get(small_house.database, name)


# Standing approvals ───────────────────────────────────────────────────────────────────────────────────────────────


def given(house: Any, rule: str = "threshold", datasets: tuple[str, ...] = (), **parameters: Any) -> int:
    approved = parameters or {"k": 15}
    return grant(house.settings, house.database, rule, "demo", approved, STEWARD, "usual", datasets).number


def test_a_new_installation_has_none(small_house: Any) -> None:
    assert approvals(small_house.settings, small_house.database) == []
    assert small_house.release().waits


@pytest.mark.parametrize(("k", "published"), [(14, False), (15, True), (40, True)])
def test_it_covers_a_threshold_that_is_at_least_as_large(k: int, published: bool, small_house: Any) -> None:
    given(small_house)
    assert small_house.release(small_house.request(k=k)).waits != published


@pytest.mark.parametrize(
    ("rho", "unit", "published"),
    [(0.5, Unit.DAY, True), (0.1, Unit.DAY, True), (0.6, Unit.DAY, False), (0.5, Unit.WEEK, False)],
)
def test_it_covers_a_rho_that_is_at_most_as_large_by_the_same_unit(
    rho: float, unit: Unit, published: bool, small_house: Any
) -> None:
    set_budget(small_house.settings, small_house.database, "demo/sl", "person-day", 10.0, STEWARD)
    given(small_house, "gaussian", rho=0.5, unit="person-day")
    assert small_house.release_drawn(small_house.spending(rho, unit=unit)).waits != published


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "another"},
        {"parameters": {"k": 15, "base": 5}},
        {"parameters": {}},
        {"parameters": {"k": "15"}},
        {"parameters": {"k": True}},
    ],
    ids=str,
)
def test_it_covers_no_other_rule_and_no_other_parameters(other: dict[str, Any], small_house: Any) -> None:
    given(small_house, "rounding")
    assert small_house.release(small_house.request(**({"rule": "rounding"} | other))).waits


def test_one_for_a_rule_without_spending_does_not_cover_spending(small_house: Any) -> None:
    set_budget(small_house.settings, small_house.database, "demo/sl", "person-day", 10.0, STEWARD)
    given(small_house, "gaussian", sigma=3)
    assert small_house.release_drawn(small_house.spending(0.1, parameters={"sigma": 3})).waits


def test_one_for_a_dataset_covers_no_other(small_house: Any) -> None:
    given(small_house, datasets=("demo.homes",))
    assert not small_house.release().waits
    two = [small_house.table(400, 300, None)] * 2
    assert small_house.release(small_house.request("demo.homes", "demo.flows"), *two).waits
    with pytest.raises(InputError, match="is not of demo"):
        given(small_house, datasets=("mobility.homes",))


def test_withdrawn_it_covers_nothing_and_what_was_released_stays(small_house: Any) -> None:
    number = given(small_house)
    assert not small_house.release().waits
    withdraw(small_house.settings, small_house.database, number, STEWARD, "a new law")
    assert small_house.release(small_house.request("demo.flows")).waits
    assert len(catalog.releases(small_house.database)) == 1
    with pytest.raises(NotFound, match="no standing approval of this number that holds"):
        withdraw(small_house.settings, small_house.database, number, STEWARD, "a new law")
    assert (STEWARD, "disclosure.ledger", "a new law") in actions(small_house)


def test_what_waited_is_published_by_a_rerun_under_one_that_another_gave_since(small_house: Any) -> None:
    assert small_house.release().waits
    given(small_house)
    assert small_house.release().publications


def test_nobody_approves_what_they_proposed_by_giving_one_afterwards(small_house: Any) -> None:
    assert small_house.release(who=STEWARD).waits
    given(small_house)
    assert small_house.release(who=STEWARD).waits
    assert small_house.release(small_house.request("demo.flows"), who=STEWARD).publications


# Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_commands_show_what_waits_and_decide(
    small_house: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COMMONWEAL_DATA", str(small_house.settings.data))

    def run(who: str, *arguments: str) -> Any:
        monkeypatch.setattr(audit, "who", lambda: who)
        return CliRunner().invoke(app, list(arguments))

    first = small_house.release().proposal
    second = small_house.release(small_house.request("demo.flows")).proposal
    listed = run(ANALYST, "proposals").output
    assert first.short in listed
    assert 'threshold {"k": 15}' in listed
    shown = run(STEWARD, "show", first.short).output
    assert "demo.homes: 3 rows, 1 values hidden" in shown
    assert '"recovered": 0' in shown
    assert f"commonweal disclosure approve {first.short}" in shown
    assert isinstance(run(ANALYST, "approve", first.short).exception, Refused)
    assert run(STEWARD, "approve", first.short, "--why", "fine").output == "published demo.homes version 1: 3 rows\n"
    assert run(STEWARD, "approve", first.short).output == "found demo.homes version 1: 3 rows\n"
    assert "is rejected" in run(STEWARD, "reject", second.short, "--why", "too fine").output
    assert json.loads(run(STEWARD, "proposals", "--json").output) == []
    states = {one["id"]: one["state"] for one in json.loads(run(STEWARD, "proposals", "--all", "--json").output)}
    assert states == {first.id: "published", second.id: "rejected"}
    assert json.loads(run(STEWARD, "show", second.id, "--json").output)["why"] == "too fine"
    assert "release of" not in run(STEWARD, "show", second.id).output
    wrong = run(STEWARD, "standing", "grant", "threshold", "--domain", "demo", "--parameters", "15", "--why", "x")
    assert isinstance(wrong.exception, InputError)
    assert run(STEWARD, "standing", "list", "--json").output.strip() == "[]"


def test_proposals_are_listed_by_domain_and_state(small_house: Any) -> None:
    waiting = small_house.release().proposal
    assert proposals(small_house.database, "demo") == [waiting]
    assert proposals(small_house.database, "mobility") == []
    assert proposals(small_house.database, stages=[Stage.PUBLISHED]) == []
