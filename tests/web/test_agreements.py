"""Reading under an agreement: what lies wholly within it is shown in every form, and nothing else in any."""

import csv
import io
import subprocess
from datetime import UTC, date, datetime, timedelta

import pytest

from commonweal.core.catalog import latest
from commonweal.core.identity import Grant, Role, agreements, people
from commonweal.core.identity.agreements import Terms

WHO = "os:tester"
LATER = datetime.now(UTC).date() + timedelta(days=30)
FIRST, LAST = date(2015, 3, 27), date(2015, 3, 28)
SAID = {"first_day": FIRST.isoformat(), "last_day": LAST.isoformat()}
FORM = {
    "name": "vera",
    "purpose": "Bus lines",
    "datasets": ["mobility.presence"],
    "until": LATER.isoformat(),
    "area": "",
    "level": "",
    "first_day": "",
    "last_day": "",
}


@pytest.fixture
def vera(closed, home, person, browsing, publish_more, publish_all):
    """The browser of somebody without a role, where a release of presence says which days it is about."""
    publish_all(home)
    publish_more(home, **SAID)  # release 2
    person("vera")
    browser = browsing(closed)
    browser.sign_in("vera")
    return browser


@pytest.fixture
def agree(home):
    """Let Vera read within terms."""

    def give(*datasets: str, **said):
        terms = Terms(datasets or ("mobility.presence",), "Bus lines", LATER, **said)
        return agreements.give(home.database, "vera", terms, WHO)

    return give


ADDRESSES = (
    "/mobility/presence.json?release=2",
    "/mobility/presence/figures/map.csv?release=2",
    "/mobility/inside.json?release=2&areas=SL-W",
    "/catalog/mobility.presence/2.json",
    "/catalog/mobility.presence/2/mobility.presence-2.csv",
    "/catalog/mobility.presence/2/mobility.presence-2.parquet",
)


def statuses(browser) -> set[int]:
    return {browser.get(address).status_code for address in ADDRESSES}


def test_without_a_role_and_without_an_agreement_nothing_is_shown(vera):
    assert statuses(vera) == {403}


def test_a_release_that_lies_wholly_within_an_agreement_is_shown(vera, agree, home):
    for said in (
        {},
        {"area": "natural-earth"},
        {"area": "natural-earth:GN,LR,SL"},
        {"level": 1},
        {"first_day": FIRST, "last_day": LAST},
        {"area": "natural-earth:GN,LR,SL", "level": 2, "first_day": date(2015, 1, 1), "last_day": date(2015, 12, 31)},
    ):
        given = agree(**said)
        assert statuses(vera) == {200}, said
        agreements.withdraw(home.database, given.number, WHO)


def test_a_release_that_goes_beyond_an_agreement_is_refused_and_never_cut_to_fit(vera, agree):
    for said in (
        {"area": "natural-earth:SL"},
        {"area": "natural-earth:GN,LR,SL/SL-W"},
        {"area": "districts"},
        {"level": 0},
        {"first_day": LAST},
        {"last_day": FIRST},
    ):
        agree(**said)  # beside those before, which do not add up
        assert statuses(vera) == {403}, said
    assert vera.get("/catalog.json").json()["datasets"] == []
    assert vera.get("/mobility/presence.json").json() == {"presence": None}


def test_a_release_that_does_not_say_its_days_is_refused_where_days_were_agreed(vera, agree):
    agree(first_day=date(2000, 1, 1), last_day=date(2100, 1, 1))
    assert vera.get("/catalog/mobility.presence/1.json").status_code == 403
    assert vera.get("/catalog/mobility.presence/2.json").status_code == 200


def test_a_release_that_says_fewer_days_than_it_holds_is_refused(vera, agree, home, publish_more):
    publish_more(home, first_day="2015-03-27", last_day="2015-03-27")
    agree(first_day=FIRST, last_day=FIRST)
    assert vera.get("/catalog/mobility.presence/3.json").status_code == 403


def test_only_the_datasets_that_were_agreed_are_shown_also_beside_others(vera, agree, home):
    agree("mobility.presence")
    shown = vera.get("/mobility/presence.json?release=1").json()
    assert shown["presence"]["areas"]
    assert shown["flows"] is None, "flows were not agreed"
    assert shown["daily_subscribers"] is None, "nor were the totals of the days"
    assert "layer=flows" not in vera.get("/mobility/presence?release=1").text
    assert {day["subscribers_at_least"] for day in vera.get("/mobility/quality.json").json()["quality"]["days"]} == {
        None
    }
    assert vera.get("/mobility/flows.json").json() == {"flows": None}
    assert vera.get("/catalog/mobility.flows.json").status_code == 403
    assert [each["dataset"] for each in vera.get("/catalog.json").json()["datasets"]] == ["mobility.presence"]
    assert "mobility.flows" not in vera.get("/catalog.jsonld").text
    assert "mobility.flows" not in vera.get("/events").text
    assert latest(home.database, "mobility.flows")
    agree("mobility.flows", "mobility.quality")
    shown = vera.get("/mobility/presence.json?release=1").json()
    assert shown["flows"]
    assert shown["daily_subscribers"]


def test_lists_show_the_releases_that_were_agreed_alone(vera, agree):
    agree(first_day=FIRST, last_day=LAST)
    listed = vera.get("/catalog/mobility.presence.json").json()["releases"]
    assert [each["version"] for each in listed] == [2]
    assert vera.get("/mobility/presence.json").json()["presence"]["release"] == "mobility.presence 2"


def test_the_purpose_stands_on_what_is_read_and_on_the_account(vera, agree):
    agree()
    assert "You read this for: Bus lines" in vera.get("/mobility/presence").text
    assert "You read this for: Bus lines" in vera.get("/catalog/mobility.presence/2").text
    [held] = vera.get("/account.json").json()["agreements"]
    assert (held["purpose"], held["datasets"], held["state"]) == ("Bus lines", ["mobility.presence"], "holds")
    assert "Bus lines" in vera.get("/account").text


def test_a_role_needs_no_purpose(closed, home, reader_of, publish_more):
    publish_more(home)
    assert "You read this for" not in reader_of(closed, Grant(Role.VIEWER)).get("/mobility/presence").text


def test_an_agreement_that_is_withdrawn_shows_nothing_at_the_next_request(vera, agree, home):
    given = agree()
    assert statuses(vera) == {200}
    agreements.withdraw(home.database, given.number, WHO)
    assert statuses(vera) == {403}


# On the pages of administration ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=[Role.STEWARD, Role.ADMINISTRATOR])
def overseer(request, closed, reader_of):
    return reader_of(closed, Grant(request.param))


def test_stewards_and_administrators_give_and_withdraw_agreements(vera, overseer, home):
    assert overseer.post("/administration/agreements", **FORM).status_code == 303
    assert statuses(vera) == {200}
    [shown] = overseer.get("/administration/agreements.json").json()["agreements"]
    assert (shown["person"], shown["purpose"], shown["state"]) == ("vera", "Bus lines", "holds")
    assert "Withdraw: 1, of Vera" in overseer.get("/administration/agreements").text
    rows = list(csv.DictReader(io.StringIO(overseer.get("/administration/agreements/figures/agreements.csv").text)))
    assert rows[0]["datasets"] == "mobility.presence"
    assert overseer.post("/administration/agreements/1/withdraw").status_code == 303
    assert statuses(vera) == {403}
    assert "Withdraw: 1" not in overseer.get("/administration/agreements").text
    assert overseer.post("/administration/agreements/9/withdraw").status_code == 404


def test_a_form_that_is_wrong_is_shown_again_as_it_was_typed(vera, closed, reader_of, home):
    steward = reader_of(closed, Grant(Role.STEWARD))
    for wrong in ({"name": "nobody"}, {"datasets": []}, {"purpose": ""}, {"until": "2015-01-01"}, {"level": "x"}):
        answer = steward.post("/administration/agreements", **FORM | {"area": "natural-earth:SL"} | wrong)
        assert answer.status_code in (404, 422), wrong
        assert 'role="alert"' in answer.text
        assert 'value="natural-earth:SL"' in answer.text
    assert agreements.agreements(home.database) == []


def test_nobody_else_sees_or_gives_agreements(closed, reader_of, home, person):
    person("vera")
    for role in (Role.VIEWER, Role.ANALYST, Role.AUTHOR, Role.APPROVER):
        somebody = reader_of(closed, Grant(role))
        for form in ("", ".json", ".pdf", "/figures/agreements.csv"):
            assert somebody.get(f"/administration/agreements{form}").status_code == 403
        assert somebody.post("/administration/agreements", **FORM).status_code == 403
    assert agreements.agreements(home.database) == []


def test_a_steward_of_some_areas_agrees_on_these_alone(closed, reader_of, vera, home):
    steward = reader_of(closed, Grant(Role.STEWARD, "", "natural-earth:SL"))
    assert steward.post("/administration/agreements", **FORM).status_code == 403
    assert steward.post("/administration/agreements", **FORM | {"area": "natural-earth:GN,LR,SL"}).status_code == 403
    assert steward.post("/administration/agreements", **FORM | {"area": "natural-earth:SL"}).status_code == 303
    agreements.give(home.database, "vera", Terms(("mobility.flows",), "Borders", LATER), WHO)
    assert steward.post("/administration/agreements/2/withdraw").status_code == 403


def test_a_steward_finds_the_way_to_it_and_an_administrator_all_of_administration(closed, reader_of):
    steward, administrator = (reader_of(closed, Grant(role)) for role in (Role.STEWARD, Role.ADMINISTRATOR))
    shown = steward.get("/administration/agreements").text
    assert shown.count('<a href="/administration/agreements"') == 2
    assert '"/administration/looks"' in shown
    assert '"/administration/audit"' not in shown
    assert '"/administration/audit"' in administrator.get("/administration/agreements").text


def test_on_the_command_line(home, command_line):
    people.create(home.database, "vera", "Vera", [], WHO)

    def run(*arguments: str) -> str:
        return subprocess.run(
            command_line(home, "people", *arguments), capture_output=True, text=True, check=True, timeout=60
        ).stdout

    said = run("agree", "vera", "--dataset", "mobility.presence", "--purpose", "Bus lines", "--until", str(LATER))
    assert said == f"agreement 1: vera may read mobility.presence until {LATER}\n"
    assert '"purpose": "Bus lines"' in run("agreements", "vera", "--json")
    assert run("withdraw", "1", "--why", "over") == "agreement 1 is withdrawn\n"
    assert run("looks", "--json").strip() == "[]"
