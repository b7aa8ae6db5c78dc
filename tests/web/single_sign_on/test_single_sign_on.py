"""Signing in by an identity provider: there and back, in one browser, once, and by nobody else."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select, update

from commonweal.core.audit import AuditEntry
from commonweal.core.errors import Conflict, InputError, Unavailable
from commonweal.core.identity import Grant, Role, people, secret, signing_in
from commonweal.core.identity import provider as providers
from commonweal.core.identity.models import RequestRecord
from commonweal.core.identity.provider import SECRET
from commonweal.core.identity.single_sign_on import configured
from commonweal.web.access import PROVIDER

PASSWORD = "wind over still water"
BACK = "/sign-in/provider/callback"


@pytest.fixture
def with_password(home, ada) -> people.Person:
    signing_in.with_link(home.database, people.offer_link(home.database, "ada", "os:tester"), PASSWORD, 12)
    return ada


# There and back ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_signs_in_and_is_where_they_wanted_to_be(somebody, ada):
    answer = somebody.sign_in("/catalog%3Fx=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/catalog?x=1")
    assert answer.headers["cache-control"] == "no-store"
    assert somebody.person == ada.number
    assert PROVIDER not in somebody.cookies
    assert "Ada" in somebody.get("/catalog").text


def test_the_password_goes_on_working(somebody, ada, with_password):
    somebody.sign_in()
    somebody.cookies.clear()
    somebody.get("/sign-in")
    assert somebody.post("/sign-in", name="ada", password=PASSWORD).status_code == 303
    assert somebody.person == ada.number


def test_the_same_account_is_known_under_another_name_and_another_account_not_under_hers(
    somebody, another, provider, ada
):
    somebody.sign_in()
    provider.account["preferred_username"] = "renamed"
    again = another()
    again.sign_in()
    assert again.person == ada.number
    provider.account = {"sub": "another", "preferred_username": "ada"}
    other = another()
    other.assert_refused(other.sign_in(), "Nobody here goes by this account")


def test_the_audit_log_tells_which_account_was_first_taken_for_whom_by_number_alone(somebody, home, ada):
    somebody.sign_in()
    with home.database.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)).all()
    assert [entry.action for entry in entries][-2:] == ["people.provider", "people.sign-in"]
    assert {entry.who for entry in entries[-2:]} == {f"person:{ada.number}"}


def test_the_button_is_there_only_if_there_is_a_provider(home, site_of, somebody):
    assert (
        'href="/sign-in/provider?next=/catalog">Sign in with 127.0.0.1</a>'
        in somebody.get("/sign-in?next=/catalog").text
    )
    without = site_of(home)
    assert "/sign-in/provider" not in without.page("/sign-in").text
    for address in ("/sign-in/provider", BACK):
        assert without.page(address).status_code == 404


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/%5Cevil.example", "evil"])
def test_signing_in_leads_to_no_other_site(somebody, wanted):
    assert somebody.sign_in(wanted).headers["location"] == "/"


def test_the_cookie_on_the_way_is_for_this_site_alone_and_the_records_hold_no_secret(somebody, site, home):
    answer = somebody.get("/sign-in/provider")
    for part in ("__Host-", "; Secure", "; HttpOnly", "; SameSite=lax", "; Path=/"):
        assert part in answer.headers["set-cookie"]
    with home.database.reading() as session:
        record = session.scalars(select(RequestRecord)).one()
    assert record.digest == secret.digest(somebody.cookies[PROVIDER])
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    told = [value for values in asked.values() for value in values]
    assert somebody.cookies[PROVIDER] not in told
    assert record.digest not in told
    assert secret.derived("verifier", somebody.cookies[PROVIDER]) not in told


@pytest.mark.parametrize("verified", [False, "true", None])
def test_an_address_that_the_provider_did_not_verify_is_nobodys_name(another, home, site_of, site, provider, verified):
    """Whoever may write any e-mail address into their account would otherwise be anyone."""
    provider.scope = "openid email"
    person, _ = people.create(home.database, "ada@example.org", "Ada", [], "os:tester")
    named = {name: getattr(site.app.state.settings, name) for name in ("provider_issuer", "provider_client_id")}
    by_address = site_of(home, provider_name_claim="email", **named)
    provider.claims = {"email": "ada@example.org", "email_verified": verified}
    somebody = another(by_address)
    somebody.assert_refused(somebody.sign_in(), "has not verified this e-mail address")
    provider.claims["email_verified"] = True
    somebody.sign_in()
    assert somebody.person == person.number


# Another somebody, another time ─────────────────────────────────────────────────────────────────────────────────────

NOT_BEGUN = "This sign-in was not begun in this browser"


def test_a_callback_with_another_state_is_refused(somebody, another):
    """Somebody makes a browser come back with a sign-in of their own: it would work under their account."""
    theirs = another().leave()
    somebody.leave()
    somebody.assert_refused(somebody.get(theirs), NOT_BEGUN, status=401)
    fresh = another()
    fresh.assert_refused(fresh.get(theirs), NOT_BEGUN, status=401)


def test_a_callback_without_a_state_is_refused(somebody):
    somebody.leave()
    somebody.assert_refused(somebody.get(f"{BACK}?code=x"), NOT_BEGUN, status=401)


def test_a_callback_works_once(somebody, another, provider):
    back = somebody.leave()
    kept = dict(somebody.cookies)
    assert somebody.get(back).status_code == 303
    again = another()
    again.cookies = kept
    again.assert_refused(again.get(back), NOT_BEGUN, status=401)
    assert provider.asked["token"] == 1


def test_a_callback_works_for_ten_minutes(somebody, home):
    back = somebody.leave()
    with home.database.transaction() as session:
        ends = session.scalars(select(RequestRecord.ends)).one()
        assert timedelta(minutes=9) < ends - datetime.now(UTC) <= timedelta(minutes=10)
        session.execute(update(RequestRecord).values(ends=datetime.now(UTC)))
    somebody.assert_refused(somebody.get(back), NOT_BEGUN, status=401)


def test_what_was_begun_and_not_finished_is_forgotten(somebody, home):
    somebody.leave()
    with home.database.transaction() as session:
        session.execute(update(RequestRecord).values(ends=datetime.now(UTC)))
    somebody.leave()
    with home.database.reading() as session:
        assert len(session.scalars(select(RequestRecord)).all()) == 1


def test_a_code_taken_from_another_browser_does_not_fit_the_verifier(somebody, another, provider):
    stolen = parse_qs(urlsplit(somebody.leave()).query)["code"][0]
    thief = another()
    state = parse_qs(urlsplit(thief.leave()).query)["state"][0]
    thief.assert_refused(thief.get(f"{BACK}?code={stolen}&state={state}"), "does not accept the code")
    assert provider.complaints == ["wrong verifier"]


# Not let in ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stranger_is_refused(somebody, provider, home):
    provider.account = {"sub": "1", "preferred_username": "stranger"}
    somebody.assert_refused(somebody.sign_in(), "Nobody here goes by this account")
    assert [person.name for person in people.people(home.database)] == ["ada"]


def test_a_disabled_person_is_refused(somebody, another, home):
    somebody.sign_in()
    people.disable(home.database, "ada", "os:tester")
    again = another()
    again.assert_refused(again.sign_in(), "This person is disabled")


@pytest.mark.parametrize("name", [None, "", 7, ["ada"]])
def test_an_account_without_a_name_is_refused(somebody, provider, name):
    provider.claims = {"preferred_username": name}
    somebody.assert_refused(somebody.sign_in(), "by its claim preferred_username")


@pytest.mark.parametrize(
    ("error", "status", "why"),
    [("access_denied", 403, "did not let you in"), ("server_error", 503, "could not sign you in")],
)
def test_what_the_provider_refuses_is_said_in_our_words(somebody, provider, error, status, why):
    provider.denies = error
    answer = somebody.sign_in()
    somebody.assert_refused(answer, why, status=status)
    assert "not today" not in answer.text


# The provider is down ──────────────────────────────────────────────────────────────────────────────────────────────


def test_while_the_provider_is_down_the_page_says_so_and_a_password_works(somebody, provider, ada, with_password):
    provider.stop()
    somebody.assert_refused(somebody.get("/sign-in/provider"), "cannot be reached", status=503)
    somebody.get("/sign-in")
    somebody.post("/sign-in", name="ada", password=PASSWORD)
    assert somebody.person == ada.number


def test_a_provider_that_goes_down_on_the_way_signs_nobody_in(somebody, provider):
    back = somebody.leave()
    provider.stop()
    somebody.assert_refused(somebody.get(back), "cannot be reached", status=503)


def test_however_many_wait_for_a_provider_that_hangs_nobody_else_does(site, provider, monkeypatch):
    monkeypatch.setattr(providers, "PATIENCE", 3.0)
    provider.answers.clear()
    headers = {"host": "localhost:8400", "accept": "text/html"}

    async def many() -> tuple[list[httpx.Response], float]:
        waiting = [asyncio.create_task(site._ask("GET", "/sign-in/provider", headers, None)) for _ in range(60)]
        while provider.asked["openid-configuration"] < 50:
            await asyncio.sleep(0.05)
        begun = time.monotonic()
        assert (await site._ask("GET", "/sign-in", headers, None)).status_code == 200
        took = time.monotonic() - begun
        assert not any(task.done() for task in waiting)
        return await asyncio.gather(*waiting), took

    answers, took = asyncio.run(many())
    assert {answer.status_code for answer in answers} == {503}
    assert took < 1


def test_an_answer_that_never_ends_is_not_waited_for(somebody, provider, monkeypatch):
    monkeypatch.setattr(providers, "PATIENCE", 1.0)
    provider.drips = True
    begun = time.monotonic()
    somebody.assert_refused(somebody.get("/sign-in/provider"), "cannot be reached", status=503)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("answer", [(200, ["no", "object"]), (500, {}), (302, {}), (200, {"access_token": "x"})])
def test_an_answer_that_is_none_is_refused(somebody, provider, monkeypatch, answer):
    back = somebody.leave()
    monkeypatch.setattr(provider, "token", lambda *_: answer)
    somebody.assert_refused(somebody.get(back), "The identity provider 127.0.0.1", status=503)


def test_no_secret_is_logged_or_shown(somebody, another, home, provider, caplog):
    caplog.set_level(logging.DEBUG)
    shown = []
    for claims in ({}, {"nonce": "another"}):
        provider.claims = claims
        someone = another()
        answer = someone.sign_in()
        shown.append(answer.text + str(answer.headers))
    (home.settings.keys / SECRET).write_text("no longer right")
    shown.append(somebody.sign_in().text)
    assert "does not know this site by its client id and secret" in shown[-1]
    told = caplog.text + "".join(shown)
    assert len(provider.tokens) == 4
    for token in (*provider.tokens, "a secret", "no longer right"):
        assert token not in told


# Setting it up ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_settings_there_is_no_provider(home):
    assert configured(home.settings) is None


@pytest.mark.parametrize("name", ["provider_issuer", "provider_client_id"])
def test_one_setting_without_the_other_is_refused(home, registered, name):
    with pytest.raises(InputError, match="both"):
        configured(home.settings.model_copy(update=registered(home) | {name: ""}))


def test_the_secret_must_be_there_and_readable_by_its_owner_alone(home, registered):
    settings = home.settings.model_copy(update=registered(home))
    path = settings.keys / SECRET
    path.chmod(0o640)
    with pytest.raises(Conflict, match="chmod 600"):
        configured(settings)
    path.chmod(0o600)
    path.write_text("\n")
    with pytest.raises(Unavailable, match="empty"):
        configured(settings)
    path.unlink()
    with pytest.raises(Unavailable, match="missing"):
        configured(settings)


def test_administrators_see_the_settings_and_nobody_the_secret(another, home):
    people.give(home.database, "ada", Grant(Role.ADMINISTRATOR), "os:tester")
    browser = another()
    browser.sign_in()
    shown = browser.get("/administration/settings").text
    assert "provider_client_id" in shown
    assert "a secret" not in shown
