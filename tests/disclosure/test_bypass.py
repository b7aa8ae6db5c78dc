"""Ways around the rules, tried.

Where each of the attacks is tried that the threat model names:

- publishing an unprotected table: here, and in `test_staging` by its values; with a forged certificate, or one for
  another table, dataset or k: `test_certificates`; with one that is genuine but names no release in the ledger: here
- releasing without an audit, with one of other tables, or with one that was altered before or after staging: here
- editing the ledger in the database, deleting its last entry, restoring an older database or backup: `test_ledger`
- replaying a release under a new name: here, and in `test_staging` where it spends; as other people's: here
- replaying a proposal's old folder: here; one of another request: `test_staging`
- approving one's own: `test_approval`; under another name: here
- killing what releases at any point, so that something is drawn or published twice: `test_staging`
- asking through the API for slices that differ by one person: `tests/web/test_attacks.py`
"""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from commonweal.core import audit, catalog
from commonweal.core.errors import Conflict, Damaged, Refused
from commonweal.core.identity.roles import Grant, Permission, Role
from commonweal.core.identity.visitor import Visitor
from commonweal.disclosure.certificate import certify
from commonweal.disclosure.models import ProposalRecord
from commonweal.disclosure.releasing.proposals import Stage, proposals
from commonweal.disclosure.releasing.publishing import approve

ANALYST, STEWARD = "os:ada", "os:ben"
Evidence = dict[str, Any]


# Through the catalog ──────────────────────────────────────────────────────────────────────────────────────────────


def entry(house: Any, action: str) -> audit.AuditEntry:
    """The newest entry of the audit log that tells of an action."""
    return next(one for one in audit.newest(house.database, 50) if one.action == action)


NAMED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "that somebody created the keys": lambda house: _naming(entry(house, "disclosure.create-keys"), 1),
    "that it was proposed": lambda house: _naming(entry(house, "disclosure.propose"), 4),
    "that another table was released": lambda house: _naming(entry(house, "disclosure.ledger"), 4),
    "the release of another table as that of another entry": lambda house: _naming(
        entry(house, "disclosure.ledger"), 3
    ),
    "an entry of its own making": lambda house: _invented(house),
    "no entry of the ledger": lambda house: {"sequence": 1, "hash": entry(house, "disclosure.ledger").hash},
}


def _naming(noted: audit.AuditEntry, number: int) -> dict[str, Any]:
    ledger = {"sequence": number, "hash": noted.details.get("hash", "0" * 64)}
    return {"sequence": noted.sequence, "hash": noted.hash, "ledger": ledger}


def _invented(house: Any) -> dict[str, Any]:
    """Name an entry that tells of the very table, but that the ledger did not write."""
    digest = catalog.canonical_digest(house.request("demo.raw").parts[0].dataset, house.table(400, 300, 3))
    ledger: dict[str, Any] = {"sequence": 5, "hash": "ab" * 32}
    with house.database.transaction() as session:
        noted = audit.record(
            session,
            who=ANALYST,
            action="demo.release",
            what="release of demo.raw",
            details=ledger | {"tables": [{"dataset": "demo.raw", "digest": digest}]},
        )
        return {"sequence": noted.sequence, "hash": noted.hash, "ledger": ledger}


@pytest.mark.parametrize("named", NAMED)
def test_a_genuine_certificate_that_names_no_release_of_this_table_publishes_nothing(
    named: str, filled_house: Any
) -> None:
    """As code in the house could have it signed that goes around the ledger."""
    request = filled_house.request("demo.raw")
    dataset, table = request.parts[0].dataset, filled_house.table(400, 300, 3)
    paper = certify(
        filled_house.settings,
        dataset="demo.raw",
        digest=catalog.canonical_digest(dataset, table),
        rule="threshold",
        parameters={"k": 15},
        ledger_entry=NAMED[named](filled_house),
    )
    with pytest.raises(Refused, match=r"tells of no release of this table|does not hold the entry"):
        catalog.publish(
            filled_house.settings, filled_house.database, dataset, table, certificate=paper,
            inputs=request.parts[0].inputs, parameters={"k": 15}, who=ANALYST,
        )  # fmt: skip
    assert catalog.releases(filled_house.database, "demo.raw") == []


# With other evidence ──────────────────────────────────────────────────────────────────────────────────────────────


def audited(**other: Any) -> Callable[[Evidence], Evidence]:
    return lambda found: found | {"audit": found["audit"] | other}


def without_an_attack(found: Evidence) -> Evidence:
    found["attacks"]["attacks"].pop()
    return found


def with_a_cell_recovered(found: Evidence) -> Evidence:
    found["attacks"]["attacks"][0]["numbers"]["recovered"] = 1
    return found


EVIDENCE: dict[str, tuple[Callable[[Evidence], Any], str]] = {
    "none": (lambda found: None, "come without an audit"),
    "no attacks": (lambda found: {"audit": found["audit"]}, "come without an audit"),
    "no audit": (lambda found: {"attacks": found["attacks"]}, "come without an audit"),
    "numbers that are none": (audited(narrowest="wide"), "come without an audit"),
    "of other tables": (audited(tables={"demo.homes": "0" * 64}), "the audit is not of this table"),
    "of no table": (audited(tables={}), "the audit is not of this table"),
    "for a smaller k": (audited(required=9, narrowest=9), "an interval that is too narrow"),
    "of an interval that is too narrow": (audited(narrowest=3), "an interval that is too narrow"),
    "that measured nothing": (audited(narrowest=None), "measured no interval"),
    "an attack that was not tried": (without_an_attack, "not all of them were tried"),
    "an attack that succeeded": (with_a_cell_recovered, "must not be published"),
}


@pytest.mark.parametrize("which", EVIDENCE)
def test_a_table_whose_evidence_does_not_prove_it_is_not_even_proposed(which: str, shown_house: Any) -> None:
    alter, problem = EVIDENCE[which]
    request = shown_house.request("demo.homes", last=date(2015, 3, 5))
    joint = shown_house.protected(request, shown_house.table(400, 300, None))
    evidence = alter(deepcopy(joint.evidence()))
    with pytest.raises(Refused, match=problem):
        shown_house.release(request, *joint.tables.values(), evidence=evidence)
    assert proposals(shown_house.database, stages=[Stage.WAITING, Stage.APPROVED]) == []


def test_an_audit_that_left_out_what_was_released_before_is_none(shown_house: Any) -> None:
    request = shown_house.request("demo.homes", last=date(2015, 3, 5))
    joint = shown_house.protected(request, shown_house.table(400, 300, None))
    for left_out in ("demo.homes 1", "demo.flows 1"):
        earlier = [label for label in joint.audit.earlier if label != left_out]
        evidence = audited(earlier=earlier)(joint.evidence())
        with pytest.raises(Refused, match=f"did not consider {left_out[:-2]}"):
            shown_house.release(request, *joint.tables.values(), evidence=evidence)


@pytest.mark.parametrize(
    ("other", "rule", "problem"),
    [
        ({"parameters": {}}, None, "has no k"),
        ({"parameters": {"k": "15"}}, None, "has no k"),
        ({"parameters": {"k": True}}, None, "has no k"),
        ({"rule": "rounded-totals"}, None, "totals by themselves"),
        ({}, "none", "it is protected by none"),
    ],
)
def test_a_rule_that_is_none_gets_nobody_around_the_audit(
    other: dict[str, Any], rule: str | None, problem: str, shown_house: Any
) -> None:
    request = shown_house.request("demo.others", **other)
    if rule is not None:
        object.__setattr__(request.parts[0], "rule", rule)
    evidence = shown_house.protected(shown_house.request("demo.others"), shown_house.table(400, 300, 20)).evidence()
    with pytest.raises(Refused, match=problem):
        shown_house.release(request, shown_house.table(400, 300, 20), evidence=evidence)


@pytest.mark.parametrize("rule", ["our own", "Threshold", "threshold ", "Small cells hidden"])
@pytest.mark.parametrize("spends", [True, False])
def test_a_rule_that_the_house_does_not_know_is_certified_as_judged_by_a_steward(
    rule: str, spends: bool, small_house: Any
) -> None:
    """With the evidence of a table that was proven, too."""
    small_house.budget("demo/sl")
    evidence = small_house.protected(small_house.request(), small_house.table(400, 300, 20)).evidence()
    if spends:
        waits = small_house.release_drawn(small_house.spending(0.1, rule=rule))
    else:
        waits = small_house.release(small_house.request(rule=rule), small_house.table(400, 300, 20), evidence=evidence)
    assert waits.waits
    [made] = approve(small_house.settings, small_house.database, waits.proposal.id, STEWARD).publications
    assert made.release.certificate.rule == f"{rule} (judged by a steward, not proven)"
    assert made.release.certificate.judged == rule


def test_a_rule_that_the_house_proves_is_certified_by_its_name(filled_house: Any) -> None:
    certificate = catalog.get(filled_house.database, "demo.homes", 1).certificate
    assert (certificate.rule, certificate.judged) == ("threshold", None)


@pytest.mark.parametrize("known", ["threshold", "rounded-totals", "controlled-rounding", "cell-key"])
@pytest.mark.parametrize("rule", ["our own", "differential-privacy"])
def test_no_table_of_a_request_under_another_rule_is_said_to_be_protected_by_one_that_is_proven(
    rule: str, known: str, small_house: Any
) -> None:
    small_house.budget("demo/sl")
    request = small_house.spending(0.1, rule=rule)
    object.__setattr__(request.parts[0], "rule", known)
    with pytest.raises(Refused, match=f"is said to be protected by {known}"):
        small_house.release_drawn(request)


def test_noise_spends_of_a_budget_and_leaves_no_count_as_it_was(small_house: Any) -> None:
    """What spends is no part of later audits, so a table that was not changed may not pass as noise."""
    small_house.budget("demo/sl")
    with pytest.raises(Refused, match="noise that spends nothing"):
        small_house.release_drawn(small_house.request(rule="differential-privacy"))
    for rule in ("differential-privacy", "our own"):
        with pytest.raises(Refused, match="is published as it was counted"):
            small_house.release(small_house.spending(0.1, rule=rule), small_house.table(400, 300, 20), evidence=None)


def test_evidence_that_was_forged_after_staging_is_not_taken(small_house: Any) -> None:
    waiting = small_house.release().proposal
    path = small_house.settings.staged / waiting.id / "evidence.json"
    genuine = path.read_text()
    path.write_text(json.dumps(audited(narrowest=1000)(json.loads(genuine))))
    with pytest.raises(Damaged, match=r"evidence\.json: this is not what was staged"):
        approve(small_house.settings, small_house.database, waiting.id, STEWARD)
    assert small_house.ledger() == []
    path.write_text(genuine)
    with small_house.database.transaction() as session:  # what the steward is shown
        session.get_one(ProposalRecord, waiting.id).evidence = audited(narrowest=1000)(json.loads(genuine))
    with pytest.raises(Damaged, match="the evidence for it, is not what was staged"):
        approve(small_house.settings, small_house.database, waiting.id, STEWARD)
    assert small_house.ledger() == []


def test_a_release_cannot_be_hidden_from_later_audits(filled_house: Any) -> None:
    with filled_house.database.transaction() as session:
        session.execute(text("DELETE FROM disclosure_proposal WHERE entry = 3"))
    request = filled_house.request("demo.others")
    with pytest.raises(Damaged, match="what entry 3 released is not"):
        filled_house.release(request)
    evidence = audited(tables={}, earlier=[])({"audit": {}, "attacks": {"attacks": []}})
    with pytest.raises(Damaged, match="what entry 3 released is not"):
        filled_house.release(request, filled_house.table(400, 300, None), evidence=evidence)


# Replayed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_release_replayed_under_a_new_name_is_audited_beside_itself_and_entered_again(filled_house: Any) -> None:
    shown = catalog.get(filled_house.database, "demo.homes", 1)
    table, again = shown.table(filled_house.settings), filled_house.request("demo.again")
    evidence = filled_house.ledger("release")[0].said["evidence"]
    with pytest.raises(Refused, match="come without an audit"):
        filled_house.release(again, table, evidence=evidence)
    released = filled_house.release(again, table)
    assert len(filled_house.ledger("release")) == 3
    assert set(released.proposal.evidence["audit"]["earlier"]) == {"demo.homes 1", "demo.flows 1"}


def test_the_same_records_are_not_released_as_those_of_other_people(filled_house: Any) -> None:
    """So that a budget begins anew, or nothing earlier is considered."""
    inputs = filled_house.request().parts[0].inputs
    other = filled_house.request("demo.others", people="demo/twins")
    object.__setattr__(other.parts[0], "inputs", inputs)
    with pytest.raises(Refused, match="was released as records of demo/sl before"):
        filled_house.release(other)
    spending = filled_house.spending(0.1, "demo.others", people="demo/twins")
    object.__setattr__(spending.parts[0], "inputs", inputs)
    filled_house.budget("demo/twins")
    with pytest.raises(Refused, match="was released as records of demo/sl before"):
        filled_house.release_drawn(spending)
    assert filled_house.release(filled_house.request("demo.others", people="demo/gn")).publications


def test_a_budget_is_not_spent_again_under_another_name_for_the_same_store(small_house: Any) -> None:
    """A store is known by its name: what is in it changes from day to day, whom it is about does not."""
    own = small_house.spending(1.0, "demo.first")
    twin = small_house.spending(1.0, "demo.second", people="demo/twins")
    name = own.parts[0].inputs[0].name
    grown = [catalog.Input("more.csv", "cd" * 32, "file"), catalog.Input(name, "ef" * 32, "store")]
    object.__setattr__(twin.parts[0], "inputs", grown)
    for people in ("demo/sl", "demo/twins"):
        small_house.budget(people)
    first, second = (small_house.release_drawn(request).proposal for request in (own, twin))
    approve(small_house.settings, small_house.database, first.id, STEWARD)
    with pytest.raises(Refused, match="was released as records of demo/sl before"):
        approve(small_house.settings, small_house.database, second.id, STEWARD)
    late = small_house.spending(0.5, "demo.third", people="demo/twins")
    object.__setattr__(late.parts[0], "inputs", grown)
    with pytest.raises(Refused, match="was released as records of demo/sl before"):
        small_house.release_drawn(late)
    assert [entry.said["people"] for entry in small_house.ledger("release")] == ["demo/sl"]
    others = small_house.spending(0.5, "demo.fourth", people="demo/twins")  # of a store of their own
    assert small_house.release_drawn(others).waits


def test_an_old_folder_of_a_proposal_put_back_is_refused(small_house: Any, tmp_path: Any) -> None:
    """It was audited before something else was released."""
    settings, database = small_house.settings, small_house.database
    first = small_house.release().proposal
    folder = settings.staged / first.id
    shutil.copytree(folder, tmp_path / "old")
    approve(settings, database, small_house.release(small_house.request("demo.flows")).proposal.id, STEWARD)
    assert small_house.release().proposal.id == first.id
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "old", folder)
    with pytest.raises(Conflict, match="were released since these were made"):
        approve(settings, database, first.id, STEWARD)
    assert catalog.releases(database, "demo.homes") == []


def test_a_folder_put_back_after_its_release_releases_nothing_more(small_house: Any, tmp_path: Any) -> None:
    settings, database = small_house.settings, small_house.database
    first = small_house.release().proposal
    shutil.copytree(settings.staged / first.id, tmp_path / "old")
    approve(settings, database, first.id, STEWARD)
    shutil.copytree(tmp_path / "old", settings.staged / first.id)
    with database.transaction() as session:
        session.execute(text("UPDATE disclosure_proposal SET state = 'waiting', entry = NULL, releases = '[]'"))
    [again] = approve(settings, database, first.id, STEWARD).publications
    assert not again.new
    assert len(small_house.ledger("release")) == 1


# Under another name ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "same",
    [
        Visitor(7, "Someone Else", (Grant(Role.STEWARD, "demo"),)),
        Visitor(7, "A program", (Grant(Role.STEWARD, "demo"),), only=frozenset({Permission.KEEP})),
    ],
    ids=["another display name", "a token"],
)
def test_a_person_under_another_name_is_the_same_person(same: Visitor, small_house: Any) -> None:
    waiting = small_house.release(who="person:7").proposal
    with pytest.raises(Refused, match="whoever made a proposal cannot approve it"):
        approve(small_house.settings, small_house.database, waiting.id, same)


def test_on_the_command_line_nobody_chooses_their_name(small_house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = audit.who()
    waiting = small_house.release(who=mine).proposal
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "ben")
    assert audit.who() == mine
    with pytest.raises(Refused, match="whoever made a proposal cannot approve it"):
        approve(small_house.settings, small_house.database, waiting.id, audit.who())
