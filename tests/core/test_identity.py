"""Who may do what: grants, sessions, tokens, links and guessing, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from commonweal.core.audit import AuditEntry
from commonweal.core.database import Database
from commonweal.core.errors import (
    CommonwealError,
    Conflict,
    InputError,
    NotFound,
    NotSignedIn,
    Refused,
    TooManyAttempts,
)
from commonweal.core.identity import (
    Grant,
    Permission,
    Role,
    Visitor,
    attempts,
    passwords,
    people,
    sessions,
    signing_in,
    tokens,
)
from commonweal.core.identity.models import FailureRecord, LinkRecord, SessionRecord, TokenRecord
from commonweal.core.identity.roles import ALLOWED, lies_within, parse_grant
from commonweal.core.identity.visitor import NOBODY

WHO = "os:tester"
PASSWORD = "wind over still water"
HOURS = 12


@pytest.fixture
def ada(database: Database) -> people.Person:
    """An analyst of mobility in Sierra Leone who has set a password."""
    grant = Grant(Role.ANALYST, "mobility", "natural-earth:SL")
    person, offered = people.create(database, "ada", "Ada Lovelace", [grant], WHO)
    signing_in.with_link(database, offered, PASSWORD, HOURS)
    return person


def sign_in(database: Database, name: str = "ada", password: str = PASSWORD, place: str = "192.0.2.1") -> str:
    return signing_in.with_password(database, name, password, place, HOURS)


def first_administrator(database: Database, name: str = "grace") -> str:
    offered = signing_in.offer_first_link(database)
    assert offered
    return signing_in.as_first_administrator(database, offered, name, "Grace", PASSWORD, HOURS)


# What a grant allows ───────────────────────────────────────────────────────────────────────────────────────────────

PLACES = ("", "mobility", "alerting")
AREAS = ("", "districts", "districts/NP-12", "natural-earth:SL", "natural-earth:GN,SL", "natural-earth:SL/SL-N")


@given(st.sampled_from(list(Role)), st.sampled_from(PLACES), st.sampled_from(AREAS), st.sampled_from(list(Permission)))
def test_a_grant_allows_nothing_outside_its_role_domain_and_area(
    role: Role, domain: str, area: str, permission: Permission
) -> None:
    grant = Grant(role, domain, area)
    for asked_domain, asked_area in product(PLACES, AREAS):
        if grant.covers(permission, asked_domain, asked_area):
            assert permission in ALLOWED[role]
            assert domain in ("", asked_domain)
            assert not area or lies_within(asked_area, area)


def test_what_is_asked_for_everywhere_needs_a_grant_for_everywhere() -> None:
    assert not Grant(Role.ANALYST, "mobility", "districts").covers(Permission.RUN, "mobility")
    assert not Grant(Role.ANALYST, "mobility").covers(Permission.RUN)
    assert Grant(Role.ANALYST).covers(Permission.RUN, "mobility", "districts/NP-12")


def test_a_name_that_begins_alike_is_another_area() -> None:
    assert not lies_within("districts2", "districts")
    assert not lies_within("districts/NP-1", "districts/NP-12")
    assert not lies_within("districts/NP-12", "districts/NP-1")
    assert not lies_within("natural-earth:SL,LR", "natural-earth:SL,GN")


def test_nobody_approves_what_they_wrote_by_one_role() -> None:
    assert not any({Permission.DRAFT, Permission.APPROVE} <= allowed for allowed in ALLOWED.values())


def test_an_administrator_of_a_part_is_refused() -> None:
    with pytest.raises(InputError, match="whole house"):
        parse_grant("administrator", "mobility")
    with pytest.raises(InputError, match="no role 'king'"):
        parse_grant("king")


def test_a_visitor_without_a_name_is_asked_to_sign_in_and_one_without_the_right_is_refused() -> None:
    with pytest.raises(NotSignedIn):
        NOBODY.require(Permission.READ)
    with pytest.raises(Refused, match="right to run in mobility"):
        Visitor(1, "Ada", (Grant(Role.VIEWER),)).require(Permission.RUN, "mobility")


# Signing in ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_signs_in_and_is_known_by_the_session(database: Database, ada: people.Person) -> None:
    visitor = sessions.identify(database, sign_in(database, " ADA "))
    assert visitor
    assert (visitor.person, visitor.name, visitor.grants) == (ada.number, "Ada Lovelace", ada.grants)


def test_a_wrong_name_and_a_wrong_password_look_the_same(database: Database, ada: people.Person) -> None:
    said = []
    for name, password in (("ada", "wrong"), ("nobody", PASSWORD)):
        with pytest.raises(NotSignedIn) as refused:
            sign_in(database, name, password)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_a_person_without_a_password_cannot_sign_in_with_an_empty_one(database: Database) -> None:
    people.create(database, "new", "New", [], WHO)
    with pytest.raises(NotSignedIn):
        sign_in(database, "new", "")


def test_a_session_ends_when_its_time_is_over(database: Database, ada: people.Person) -> None:
    held = sign_in(database)
    with database.transaction() as session:
        session.execute(update(SessionRecord).values(ends=datetime.now(UTC) - timedelta(seconds=1)))
    assert sessions.identify(database, held) is None


def test_signing_out_ends_this_session_and_no_other(database: Database, ada: people.Person) -> None:
    here, there = sign_in(database), sign_in(database)
    sessions.end(database, here)
    assert sessions.identify(database, here) is None
    assert sessions.identify(database, there)


def test_whoever_is_disabled_is_out_at_once(database: Database, ada: people.Person) -> None:
    held = sign_in(database)
    token = tokens.issue(database, ada.number, "script", ["read"], 1, WHO)
    link = people.offer_link(database, "ada", WHO)
    people.disable(database, "ada", WHO)
    assert sessions.identify(database, held) is None
    assert tokens.identify(database, token) is None
    with pytest.raises(NotFound):
        signing_in.with_link(database, link, PASSWORD, HOURS)
    with pytest.raises(NotSignedIn):
        sign_in(database)
    people.enable(database, "ada", WHO)
    assert sessions.identify(database, held) is None, "what ended stays ended"
    assert sessions.identify(database, sign_in(database))


def test_a_new_password_ends_every_session(database: Database, ada: people.Person) -> None:
    held = sign_in(database)
    now = signing_in.change_password(database, ada.number, PASSWORD, "a whole new sentence", "here", HOURS)
    assert sessions.identify(database, held) is None
    assert sessions.identify(database, now)
    with pytest.raises(NotSignedIn):
        sign_in(database)


def test_no_secret_is_stored(database: Database, ada: people.Person) -> None:
    secrets = [
        PASSWORD,
        sign_in(database),
        tokens.issue(database, ada.number, "script", ["read"], 1, WHO),
        people.offer_link(database, "ada", WHO),
    ]
    with database.reading() as session:
        tables = ("person", "person_session", "person_token", "person_link", "sign_in_failure", "audit_entry")
        stored = str([session.execute(text(f"SELECT * FROM {table}")).all() for table in tables])
    assert "argon2id" in stored
    for secret in secrets:
        assert secret not in stored


@pytest.mark.parametrize(
    ("password", "why"), [("short", "5 characters"), ("a" * 20, "few signs"), ("the password of ADA", "holds the name")]
)
def test_a_password_that_is_easy_to_guess_is_refused_and_the_link_goes_on_working(
    database: Database, password: str, why: str
) -> None:
    _, offered = people.create(database, "ada", "Ada", [], WHO)
    with pytest.raises(InputError, match=why):
        signing_in.with_link(database, offered, password, HOURS)
    signing_in.with_link(database, offered, PASSWORD, HOURS)


def test_a_password_costs_whoever_guesses_as_much_as_the_standard_asks() -> None:
    """In a process of its own: all tests in this one make passwords cheaply."""
    made = "from commonweal.core.identity.passwords import hashed; print(hashed('correct horse battery'))"
    stored = subprocess.run([sys.executable, "-c", made], capture_output=True, text=True, check=True).stdout
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106, section 4, second recommended option


def test_a_password_hashed_with_weaker_parameters_is_hashed_anew(
    database: Database, ada: people.Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "is_outdated", lambda stored: True)
    with database.reading() as session:
        before = session.execute(text("SELECT password FROM person")).scalar_one()
    sign_in(database)
    with database.reading() as session:
        after = session.execute(text("SELECT password FROM person")).scalar_one()
    assert before != after
    assert passwords.matches(PASSWORD, after)


# Guessing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def guess(database: Database, times: int, name: str = "ada", place: str = "192.0.2.1") -> list[type[CommonwealError]]:
    found = []
    for _ in range(times):
        with pytest.raises(CommonwealError) as refused:
            sign_in(database, name, "guess", place)
        found.append(type(refused.value))
    return found


def test_guessing_is_stopped_and_the_right_password_waits_too(database: Database, ada: people.Person) -> None:
    assert guess(database, attempts.FROM_THERE) == [NotSignedIn] * attempts.FROM_THERE
    with pytest.raises(TooManyAttempts, match=r"wait \d+ minutes"):
        sign_in(database)


def test_guessing_locks_out_nobody_elsewhere(database: Database, ada: people.Person) -> None:
    guess(database, attempts.FROM_THERE)
    assert sign_in(database, place="198.51.100.7")


def test_after_the_window_one_may_try_again(database: Database, ada: people.Person) -> None:
    guess(database, attempts.FROM_THERE)
    with database.transaction() as session:
        session.execute(update(FailureRecord).values(at=datetime.now(UTC) - attempts.WINDOW))
    assert sign_in(database)


def test_guessing_many_names_from_one_place_is_stopped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "matches", lambda password, stored: False)
    found = [guess(database, 1, f"name{number}")[0] for number in range(attempts.FROM_A_PLACE + 1)]
    assert found == [NotSignedIn] * attempts.FROM_A_PLACE + [TooManyAttempts]


def test_guessing_a_name_from_many_places_is_stopped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "matches", lambda password, stored: False)
    found = [guess(database, 1, place=f"10.0.0.{number}")[0] for number in range(attempts.FOR_A_NAME + 1)]
    assert found == [NotSignedIn] * attempts.FOR_A_NAME + [TooManyAttempts]


def test_guessing_at_the_same_time_gains_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr(passwords, "matches", lambda password, stored: looked.append(password))

    def attempt(number: int) -> None:
        with pytest.raises(Refused):
            sign_in(database, "ada", f"guess {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(20)))
    assert len(looked) == attempts.FROM_THERE


def test_signing_in_clears_what_failed_there_before(database: Database, ada: people.Person) -> None:
    for _ in range(3):
        guess(database, attempts.FROM_THERE - 1)
        sign_in(database)


# Links ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_works_once(database: Database) -> None:
    _, offered = people.create(database, "ada", "Ada", [], WHO)
    signing_in.with_link(database, offered, PASSWORD, HOURS)
    with pytest.raises(NotFound):
        signing_in.with_link(database, offered, "another good password", HOURS)


def test_a_link_stops_working_when_its_time_is_over_or_another_is_made(database: Database) -> None:
    _, first = people.create(database, "ada", "Ada", [], WHO)
    second = people.offer_link(database, "ada", WHO)
    with pytest.raises(NotFound):
        signing_in.with_link(database, first, PASSWORD, HOURS)
    with database.transaction() as session:
        session.execute(update(LinkRecord).values(ends=datetime.now(UTC)))
    with pytest.raises(NotFound):
        signing_in.with_link(database, second, PASSWORD, HOURS)


def test_the_first_administrator_is_made_once(database: Database) -> None:
    older = signing_in.offer_first_link(database)
    assert older
    held = first_administrator(database)
    visitor = sessions.identify(database, held)
    assert visitor
    assert visitor.may(Permission.ADMINISTER)
    assert signing_in.offer_first_link(database) is None
    with pytest.raises(NotFound):
        signing_in.as_first_administrator(database, older, "mallory", "Mallory", PASSWORD, HOURS)


def test_a_persons_link_makes_no_administrator_and_the_first_link_sets_nobodys_password(database: Database) -> None:
    first = signing_in.offer_first_link(database)
    assert first
    _, own = people.create(database, "ada", "Ada", [], WHO)
    with pytest.raises(NotFound):
        signing_in.as_first_administrator(database, own, "mallory", "Mallory", PASSWORD, HOURS)
    with pytest.raises(NotFound):
        signing_in.with_link(database, first, PASSWORD, HOURS)


# Tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_does_what_its_person_may_and_no_more_than_it_is_for(database: Database, ada: people.Person) -> None:
    visitor = tokens.identify(database, tokens.issue(database, ada.number, "script", ["follow", "administer"], 1, WHO))
    assert visitor
    area = "natural-earth:SL"
    assert visitor.may(Permission.FOLLOW, "mobility", area)
    assert not visitor.may(Permission.RUN, "mobility", area), "the person may, the token may not"
    assert not visitor.may(Permission.ADMINISTER), "the token may, the person may not"
    people.take(database, "ada", ada.grants[0], WHO)
    later = tokens.identify(database, tokens.issue(database, ada.number, "later", ["follow"], 1, WHO))
    assert later
    assert not later.may(Permission.FOLLOW, "mobility", area)


def test_a_token_stops_working_when_revoked_or_over(database: Database, ada: people.Person) -> None:
    revoked = tokens.issue(database, ada.number, "one", ["read"], 1, WHO)
    over = tokens.issue(database, ada.number, "two", ["read"], 1, WHO)
    numbers = {token.name: token.number for token in tokens.tokens_of(database, ada.number)}
    tokens.revoke(database, ada.number, numbers["one"], WHO)
    with database.transaction() as session:
        session.execute(update(TokenRecord).where(TokenRecord.id == numbers["two"]).values(ends=datetime.now(UTC)))
    assert tokens.identify(database, revoked) is None
    assert tokens.identify(database, over) is None


def test_nobody_revokes_anothers_token(database: Database, ada: people.Person) -> None:
    token = tokens.issue(database, ada.number, "one", ["read"], 1, WHO)
    other, _ = people.create(database, "eve", "Eve", [], WHO)
    with pytest.raises(NotFound):
        tokens.revoke(database, other.number, 1, WHO)
    assert tokens.identify(database, token)


@pytest.mark.parametrize(
    ("name", "permissions", "days"),
    [("", ["read"], 1), ("x", [], 1), ("x", ["rule"], 1), ("x", ["read"], 0), ("x", ["read"], 999)],
)
def test_a_token_that_makes_no_sense_is_refused(
    database: Database, ada: people.Person, name: str, permissions: list[str], days: int
) -> None:
    with pytest.raises(InputError):
        tokens.issue(database, ada.number, name, permissions, days, WHO)


# People ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_last_administrator_stays(database: Database) -> None:
    first_administrator(database)
    for attempt in (
        lambda: people.disable(database, "grace", WHO),
        lambda: people.take(database, "grace", Grant(Role.ADMINISTRATOR), WHO),
    ):
        with pytest.raises(Refused, match="last administrator"):
            attempt()
    people.create(database, "ada", "Ada", [Grant(Role.ADMINISTRATOR)], WHO)
    people.disable(database, "grace", WHO)


def test_two_people_cannot_have_one_name(database: Database, ada: people.Person) -> None:
    with pytest.raises(Conflict):
        people.create(database, "ADA", "Another", [], WHO)


def test_a_role_is_given_once_and_taken_as_it_was_given(database: Database, ada: people.Person) -> None:
    grant = Grant(Role.AUTHOR, "alerting")
    people.give(database, "ada", grant, WHO)
    assert people.give(database, "ada", grant, WHO).grants == tuple(sorted([*ada.grants, grant]))
    with pytest.raises(NotFound):
        people.take(database, "ada", Grant(Role.AUTHOR), WHO)
    assert people.take(database, "ada", grant, WHO).grants == ada.grants


def test_everything_that_is_done_to_people_is_in_the_log_without_their_names(
    database: Database, ada: people.Person
) -> None:
    sign_in(database)
    tokens.issue(database, ada.number, "script", ["read"], 1, WHO)
    people.give(database, "ada", Grant(Role.VIEWER), WHO)
    people.disable(database, "ada", WHO, "left")
    with database.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)).all()
    actions = [entry.action for entry in entries if entry.action.startswith("people.")]
    assert actions == [
        "people.create", "people.sign-in", "people.sign-in", "people.token", "people.grant", "people.disable",
    ]  # fmt: skip
    assert "lovelace" not in str([entry.fields() for entry in entries]).casefold()


# An identity provider ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_provider_vouches_first_by_name_then_by_subject(database: Database, ada: people.Person) -> None:
    vouch: Callable[..., Any] = lambda subject, name: signing_in.by_provider(  # noqa: E731
        database, "https://id.example", subject, name, HOURS
    )
    visitor = sessions.identify(database, vouch("s-1", "Ada"))
    assert visitor
    assert visitor.person == ada.number
    assert sessions.identify(database, vouch("s-1", "renamed"))
    with pytest.raises(Refused):
        vouch("s-2", "ada")  # another account of the provider that took her name
    with pytest.raises(Refused):
        vouch("s-3", "stranger")
    people.disable(database, "ada", WHO)
    with pytest.raises(Refused):
        vouch("s-1", "ada")


@pytest.mark.parametrize("name", ["klauſ", "Klaus", "ｋlaus", "strauß"])
def test_a_name_that_only_folds_to_anothers_is_not_theirs(database: Database, name: str) -> None:
    """A provider may give out a name with a letter that looks like, or compares as, that of somebody here."""
    for taken in ("klaus", "strauss"):
        people.create(database, taken, taken, [], WHO)
    with pytest.raises(Refused, match="nobody here goes by this account"):
        signing_in.by_provider(database, "https://id.example", "s-1", name, HOURS)
    assert signing_in.by_provider(database, "https://id.example", "s-2", " Klaus ", HOURS)
