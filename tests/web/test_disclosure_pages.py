"""Disclosure control on the site: a steward decides what leaves, and everybody sees what stands behind a release."""

import json
from datetime import UTC, date, datetime

import pytest

from commonweal.core import catalog
from commonweal.core.identity import Grant, Role
from commonweal.core.jobs import service as jobs
from commonweal.core.jobs.models import Job
from commonweal.disclosure.attacks.membership import Membership
from commonweal.disclosure.attacks.report import Attacked, AttackReport
from commonweal.disclosure.ledger.budgets import set_budget
from commonweal.disclosure.ledger.spending import Loss, Unit
from commonweal.disclosure.pages.evidence import told
from commonweal.disclosure.private.promise import Promise
from commonweal.disclosure.private.unit import Unit as PrivateUnit
from commonweal.disclosure.releasing.proposals import Stage, get
from commonweal.disclosure.releasing.publishing import approve
from commonweal.disclosure.releasing.standing import approvals

STEWARD = Grant(Role.STEWARD, "mobility")
ANALYST = Grant(Role.ANALYST, "mobility")


@pytest.fixture
def steward(closed, reader_of):
    """The browser of a steward of mobility."""
    return reader_of(closed, STEWARD)


@pytest.fixture
def waiting(home, propose):
    """A proposal that somebody made on the command line."""
    return propose(home)


@pytest.fixture
def propose_noise(propose):
    """Propose a table with noise: function of (home, ρ, and what tells it from others)."""

    def noise(home, rho, name):
        spends = {"rule": "differential-privacy", "parameters": {"draw": name}, "loss": Loss(Unit.DAY, rho, 2.2, 1e-6)}
        return propose(home, **spends)

    return noise


def page_of(proposal) -> str:
    return f"/disclosure/proposals/{proposal.short}"


# A proposal ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_is_found_from_the_navigation_and_read_in_plain_words(steward, waiting):
    assert '<a href="/disclosure">Disclosure control</a>' in steward.get("/catalog").text
    first = steward.get("/disclosure").text
    assert f'<a href="{page_of(waiting)}">Home areas of mobility/lockdown, 27 – 28 March 2015</a>' in first
    page = steward.get(page_of(waiting)).text
    for said in (
        "It waits for a steward. Nothing of it is published.",
        "None of the attacks brings a person or a small group to light.",
        "53 numbers were looked at together.",
        "Nothing about the same people was released before.",
        "27 – 28 March 2015",
        "Approve and publish",
    ):
        assert said in page, said
    assert page.index("None of the attacks") < page.index("The audit in numbers")


def test_a_steward_approves_and_it_is_published(home, steward, waiting):
    answer = steward.post(f"{page_of(waiting)}/approve", why="as every month")
    assert (answer.status_code, answer.headers["location"]) == (303, page_of(waiting))
    page = steward.get(page_of(waiting)).text
    assert "It is approved, and published." in page
    assert "as every month" in page
    assert '<a href="/catalog/mobility.home/1">' in page
    assert "/approve" not in page
    [release] = catalog.releases(home.database)
    assert release.dataset == "mobility.home"


def test_a_steward_rejects_with_a_reason_and_only_so(home, steward, waiting):
    answer = steward.post(f"{page_of(waiting)}/reject", why=" ")
    assert answer.status_code == 422
    assert "No reason was given." in answer.text
    assert steward.post(f"{page_of(waiting)}/reject", why="areas too small").status_code == 303
    page = steward.get(page_of(waiting)).text
    assert "It was rejected." in page
    assert "areas too small" in page
    assert get(home.database, waiting.id).stage is Stage.REJECTED


def test_whoever_made_it_sees_why_there_is_no_button_and_cannot_go_around(home, closed, reader_of, propose):
    own = reader_of(closed, ANALYST, STEWARD)
    proposed = propose(home, who="person:1")
    page = own.get(page_of(proposed)).text
    assert "whoever makes one cannot approve it" in page
    assert "Approve and publish" not in page
    assert "for whoever made it" in page  # to reject one's own is to take it back
    answer = own.post(f"{page_of(proposed)}/approve")
    assert answer.status_code == 403
    assert "Whoever made a proposal cannot approve it." in answer.text
    assert catalog.releases(home.database) == []


@pytest.mark.parametrize("grant_", [ANALYST, Grant(Role.ADMINISTRATOR), Grant(Role.STEWARD, "mobility", "districts")])
def test_nobody_else_decides(grant_, home, closed, reader_of, waiting):
    browser = reader_of(closed, *{grant_, ANALYST})
    page = browser.get(page_of(waiting)).text
    assert "Only a steward of mobility, for these areas, can decide." in page
    assert "<button>Approve" not in page
    for decision in ("approve", "reject"):
        assert browser.post(f"{page_of(waiting)}/{decision}", why="why not").status_code == 403
    assert get(home.database, waiting.id).stage is Stage.WAITING


def test_what_follows_another_release_is_said_to_be_outdated_and_refused(home, steward, propose):
    early, late = propose(home), propose(home, clock="Africa/Freetown 03:00")
    approve(home.settings, home.database, early.id, "os:steward")
    page = steward.get(page_of(late)).text
    assert "so they cannot be approved" in page
    assert "Approve and publish" not in page
    answer = steward.post(f"{page_of(late)}/approve")
    assert answer.status_code == 409
    assert "Other tables about the same people were released since these were made." in answer.text


def test_a_budget_that_leaves_too_little_is_said_in_a_sentence(home, steward, propose_noise):
    set_budget(home.settings, home.database, "mobility/lockdown", "person-day", 0.5, "os:steward")
    first, second = propose_noise(home, 0.3, "a"), propose_noise(home, 0.3, "b")
    page = steward.get(page_of(first)).text
    assert "Random noise was added to every number, once." in page
    assert "ρ = 0.3 a person-day" in page
    assert steward.post(f"{page_of(first)}/approve").status_code == 303
    answer = steward.post(f"{page_of(second)}/approve")
    assert answer.status_code == 403
    assert "0.2 of the budget of ρ = 0.5 a person-day is left for 2015-03-27" in answer.text
    budgets = steward.get("/disclosure.json").json()["budgets"]
    assert [(one["people"], one["left"], one["first_day"]) for one in budgets] == [
        ("mobility/lockdown", 0.2, "2015-03-27")
    ]


def test_a_domain_that_is_not_yours_shows_nothing(closed, reader_of, waiting):
    stranger = reader_of(closed, Grant(Role.STEWARD, "sensing"))
    assert stranger.get(page_of(waiting)).status_code == 403
    assert waiting.short not in stranger.get("/disclosure").text
    assert stranger.get("/disclosure/ledger.json").json()["entries"] == []


def test_who_only_reads_sees_what_left_and_not_what_waits(home, closed, reader_of, waiting, propose):
    viewer = reader_of(closed, Grant(Role.VIEWER))
    said = viewer.get("/disclosure.json").json()
    assert set(said) == {"whole", "released"}
    approve(home.settings, home.database, waiting.id, "os:steward")
    [left] = viewer.get("/disclosure.json").json()["released"]
    assert (left["dataset"], left["entry"]) == ("mobility.home", 1)
    for address in (page_of(waiting), "/disclosure/ledger", "/disclosure/standing", "/disclosure/plan"):
        assert viewer.get(address).status_code == 403, address


# What stands behind a release ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def released(home, waiting):
    """A release under the ledger."""
    return approve(home.settings, home.database, waiting.id, "os:steward", "as agreed").publications[0].release


def test_everybody_reads_the_same_about_what_protects_people(closed, reader_of, released):
    address = f"/catalog/{released.dataset}/{released.version}"
    pages = [reader_of(closed, each).get(f"{address}.json").json() for each in (Grant(Role.VIEWER), STEWARD)]
    assert pages[0]["protection"] == pages[1]["protection"]
    page = reader_of(closed, Grant(Role.VIEWER)).get(address).text
    for said in ("What protects people in it", "None of the attacks", "os:steward: “as agreed”", "entry 1, "):
        assert said in page, said
    protection = pages[0]["protection"]
    assert (protection["rule"], protection["parameters"]) == ("threshold", {"k": 15})
    assert protection["attacks"]["refused"] is False


def test_nothing_behind_a_release_helps_to_work_out_what_it_hides(closed, reader_of, released):
    """The share of people kept is the sum of what is hidden in other words; nor is anybody counted without a rule."""
    protection = reader_of(closed, STEWARD).get(f"/catalog/{released.dataset}/1.json").json()["protection"]
    assert set(protection["audit"]) == {"method", "cells", "required", "narrowest", "earlier", "states"}
    for attack in protection["attacks"]["attacks"]:
        assert not {"cells", "people", "members", "others"} & set(attack["numbers"])
    assert "987" not in json.dumps(protection["attacks"])


def test_a_steward_sees_more_of_a_proposal_but_never_cells_that_an_attack_names(steward, waiting):
    evidence = steward.get(f"{page_of(waiting)}.json").json()["evidence"]
    assert evidence["audit"]["small"] == 2
    assert evidence["audit"]["people_kept"] == round(evidence["audit"]["people_kept"], 2)
    assert "cells" not in json.dumps([attack["numbers"] for attack in evidence["attacks"]["attacks"]])


@pytest.mark.parametrize(
    ("delta", "exception"), [(1e-6, "but for a chance of δ = 0.000001"), (0.0, "without exception (δ = 0)")]
)
def test_of_noise_it_is_said_what_no_attack_can_exceed(delta, exception):
    spent = {"unit": "person-day", "rho": 0.1, "epsilon": 1.0, "delta": delta}
    shown = told({"promise": Promise(PrivateUnit.DAY, 1.0, delta).record()}, spent, inside=False)
    [(tried, said)] = [row.cells for row in shown.figures[0].rows]
    assert tried == "Noise"
    assert f"ε = 1, {exception}" in said
    assert "picked at most 73 times out of 100" in said


def test_what_was_tried_on_records_behind_noise_is_told_to_those_who_judge_alone():
    spent = {"unit": "person-day", "rho": 0.1, "epsilon": 1.0, "delta": 0.0}
    report = AttackReport((Attacked("mobility.home_private", Membership(0.5312, 0.01, 40, 40, 160)),))
    evidence = {"promise": Promise(PrivateUnit.DAY, 1.0, 0.0).record(), "attacks": report.record()}
    judged, read = (told(evidence, spent, inside=inside) for inside in (True, False))
    assert judged.data["attacks"]["attacks"][0]["numbers"]["auc"] == 0.5312
    assert "noise that was thrown away" in judged.figures[0].caption
    assert read.data["attacks"] is None
    assert [row.cells[0] for row in read.figures[0].rows] == ["Noise"]
    assert "is told to those who judge" in read.figures[0].caption


def test_of_a_rule_that_the_house_does_not_know_nothing_is_said_to_be_proven(home, closed, reader_of, steward, propose):
    """Though it came with an audit and attacks: those of these very tables, but nothing has looked whether they are."""
    one = propose(home, rule="our own", parameters={"k": 15})
    judges = "“our own”, which a steward judges and nothing proves"
    shown = steward.get(page_of(one)).text
    assert judges in shown
    assert "No audit proves what “our own” does: a steward judges whether it protects people." in shown
    assert "came with the tables, and nothing has checked it" in shown
    assert judges in steward.get("/disclosure").text
    assert steward.post(f"{page_of(one)}/approve").status_code == 303
    reader = reader_of(closed, ANALYST)
    page = reader.get("/catalog/mobility.home/1").text
    assert "rule “our own”, which a steward judged and nothing proved" in page
    assert "No audit proves what “our own” does: a steward judges whether it protects people." in page
    protection = reader.get("/catalog/mobility.home/1.json").json()["protection"]
    assert (protection["audit"], protection["attacks"]) == (None, None)
    assert judges in steward.get("/disclosure/ledger").text


def test_of_changed_numbers_it_is_not_said_that_they_are_hidden():
    audit = {"method": "controlled-rounding", "cells": 9, "required": 4, "narrowest": 8, "earlier": []}
    shown = told({"audit": audit}, None, inside=False)
    [(_, said)] = [row.cells for row in shown.figures[0].rows]
    assert "Every number was changed." in said
    assert "an interval 8 wide; 4 is required" in said
    assert "hidden" not in said
    assert "before" not in said


def test_a_release_on_a_damaged_ledger_says_that_it_cannot_be_proven(home, closed, reader_of, released):
    (home.settings.keys / "disclosure-ledger.head").write_text('{"sequence": 9, "hash": "' + "0" * 64 + '"}\n')
    answer = reader_of(closed, STEWARD).get(f"/catalog/{released.dataset}/1")
    assert answer.status_code == 200
    assert "cannot be proven now" in answer.text
    page = reader_of(closed, STEWARD).get("/disclosure/ledger")
    assert (page.status_code, "not as it was written" in page.text) == (200, True)


# The ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ledger_is_read_a_page_at_a_time_and_verified_when_asked(home, steward, released):
    for number in range(50):
        set_budget(home.settings, home.database, f"mobility/p{number}", "person-week", 1.0, "os:steward")
    first = steward.get("/disclosure/ledger.json").json()
    assert [entry["sequence"] for entry in first["entries"]] == list(range(51, 1, -1))
    assert first["verification"] is None
    second = steward.get(first["next"]).json()
    assert [(entry["sequence"], entry["kind"]) for entry in second["entries"]] == [(1, "release")]
    assert "mobility/p49: ρ = 1 a person-week" in steward.get("/disclosure/ledger").text
    page = steward.get("/disclosure/ledger?verify=true").text
    assert "<strong>The ledger is whole:</strong> 51 entries" in page
    assert steward.get("/disclosure/ledger.json?verify=1").json()["verification"]["found"] == 0


# Standing approvals and budgets ──────────────────────────────────────────────────────────────────────────────────────


def test_a_standing_approval_is_given_from_a_proposal_and_withdrawn(home, steward, waiting, propose):
    form = steward.get(f"/disclosure/standing?like={waiting.short}").text
    assert "{&#34;k&#34;: 15}" in form
    given = {"rule": "threshold", "domain": "mobility", "parameters": '{"k": 15}', "dataset": ""}
    assert steward.post("/disclosure/standing/give", why="rule of the year", **given).status_code == 303
    assert "rule of the year" in steward.get("/disclosure/standing").text
    later = propose(home, first=date(2015, 4, 1))
    assert later.stage is Stage.PUBLISHED
    assert "standing approval 1" in steward.get("/catalog/mobility.home/1").text
    assert steward.post("/disclosure/standing/withdraw", number="1", why="a new law").status_code == 303
    [one] = approvals(home.settings, home.database)
    assert one.withdrawn_by == "person:1"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"parameters": "k=15"}, "These are no parameters."),
        ({"why": ""}, "No reason was given."),
        ({"domain": "sensing"}, "for this is needed"),
    ],
)
def test_a_standing_approval_that_cannot_be_given_is_said_and_the_form_kept(form, said, home, steward):
    usual = {"rule": "threshold", "domain": "mobility", "parameters": '{"k": 20}', "dataset": "", "why": "so"}
    answer = steward.post("/disclosure/standing/give", **(usual | form))
    assert answer.status_code in (403, 422)
    assert 'role="alert"' in answer.text
    assert approvals(home.settings, home.database) == []


def test_a_budget_is_set_by_a_steward_of_its_domain_alone(home, closed, reader_of, steward):
    form = {"people": "mobility/lockdown", "unit": "person-day", "rho": "0,5", "why": "as decided"}
    assert steward.post("/disclosure/standing/budget", **form).status_code == 303
    page = steward.get("/disclosure/standing").text
    assert "0.5" in page
    assert "everywhere" in page
    assert steward.get("/disclosure.json").json()["budgets"][0]["delta"] == 0
    assert steward.post("/disclosure/standing/budget", **(form | {"delta": "0,000001"})).status_code == 303
    assert steward.get("/disclosure.json").json()["budgets"][0]["delta_left"] == 1e-6
    assert "mobility/lockdown: ρ = 0.5 and δ = 0.000001 a person-day" in steward.get("/disclosure/ledger").text
    for wrong in ({"rho": "much"}, {"delta": "much"}, {"delta": "2"}):
        assert steward.post("/disclosure/standing/budget", **(form | wrong)).status_code == 422
    assert steward.post("/disclosure/standing/budget", **(form | {"people": "sensing/x"})).status_code == 403
    assert reader_of(closed, ANALYST).post("/disclosure/standing/budget", **form).status_code == 403
    assert "Set a budget" not in reader_of(closed, ANALYST).get("/disclosure/standing").text


# Choosing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


CHOICE = {
    "cells": 0.9, "people": 0.99, "error": 0.0, "worst": 0.0, "narrowest": 14, "recovered": 0, "membership": 0.52,
    "spent": None,
}  # fmt: skip
FOUND = {
    "people": "mobility/lockdown", "first": "2015-03-27", "last": "2015-03-29",
    "choices": [
        {"rule": "naive", "parameters": {"k": 15}, **CHOICE, "recovered": 4, "narrowest": 0, "safe": False},
        {"rule": "threshold", "parameters": {"k": 15}, **CHOICE, "safe": True},
        {"rule": "private", "parameters": {"epsilon": 1.0}, **CHOICE, "error": 0.031, "narrowest": None,
         "membership": None, "spent": {"unit": "person-day", "rho": 0.125}, "safe": True},
    ],
    "curve": [
        {"epsilon": epsilon, "error": 0.03 / epsilon, "worst": 0.1 / epsilon, "cells": 106} for epsilon in (0.1, 1, 3)
    ],
}  # fmt: skip


@pytest.fixture
def compared(home):
    """A comparison that a job has made."""
    asked = {name: FOUND[name] for name in ("people", "first", "last")} | {
        "rules": {"thresholds": [15], "bases": [], "epsilons": [0.1, 1, 3]}
    }
    number = jobs.submit(home.database, "disclosure.plan", asked, "os:analyst")
    with home.database.transaction() as session:
        job = session.get(Job, number)
        job.state, job.result, job.finished = "succeeded", FOUND, datetime.now(UTC)


def test_rules_are_compared_by_what_they_keep_and_lose(closed, reader_of, compared):
    analyst = reader_of(closed, ANALYST)
    page = analyst.get("/disclosure/plan").text
    assert "not to be chosen: shown for comparison" in page
    assert "may be chosen" in page
    assert '<svg class="chart"' in page
    said = analyst.get("/disclosure/plan.json").json()["comparison"]
    assert [choice["safe"] for choice in said["choices"]] == [False, True, True]
    drawn = analyst.get("/disclosure/plan/figures/curve.csv").text
    assert "epsilon" in drawn


def test_a_comparison_is_asked_for_by_a_form(home, closed, reader_of):
    analyst = reader_of(closed, ANALYST)
    form = {"people": "mobility/lockdown", "first": "2015-03-27", "last": "2015-03-28", "k": "5, 15", "bases": "5"}
    answer = analyst.post("/disclosure/plan", epsilons="0.5 1", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/disclosure/plan?job=1")
    job = jobs.get(home.database, 1)
    assert (job.kind, job.parameters) == (
        "disclosure.plan",
        {
            "people": "mobility/lockdown",
            "first": "2015-03-27",
            "last": "2015-03-29",
            "rules": {"thresholds": [5, 15], "bases": [5], "epsilons": [0.5, 1.0]},
        },
    )
    assert "It is not finished" in analyst.get("/disclosure/plan?job=1").text
    wrong = analyst.post("/disclosure/plan", epsilons="", **(form | {"last": "2015-03-01"}))
    assert (wrong.status_code, "The last day lies before the first." in wrong.text) == (422, True)
    assert 'value="2015-03-01"' in wrong.text


def test_what_is_made_of_raw_counts_is_for_those_who_work_with_them(closed, reader_of, compared):
    for shown, grant_ in ((200, ANALYST), (200, STEWARD), (403, Grant(Role.ADMINISTRATOR)), (403, Grant(Role.AUTHOR))):
        assert reader_of(closed, grant_).get("/disclosure/plan").status_code == shown
    elsewhere = reader_of(closed, Grant(Role.ANALYST, "sensing"))
    assert elsewhere.get("/disclosure/plan.json").json()["comparison"] is None
    assert elsewhere.get("/disclosure/plan?job=1").status_code == 403
    form = {"people": "mobility/lockdown", "k": "15"}
    for browser in (elsewhere, reader_of(closed, STEWARD)):  # who only looks after the records does not run the work
        assert browser.post("/disclosure/plan", **form).status_code == 403
