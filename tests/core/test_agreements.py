"""Agreements to read: what they cover, who holds them, and that they end; on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from commonweal.core import audit
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound, NotSignedIn, Refused
from commonweal.core.identity import Grant, Permission, Role, Visitor, agreements, people, sessions, tokens
from commonweal.core.identity.agreements import Agreement, Terms, read_terms
from commonweal.core.identity.extent import Extent
from commonweal.core.identity.models import AgreementRecord
from commonweal.core.identity.visitor import NOBODY, READER

WHO = "os:tester"
MARCH = (date(2026, 3, 1), date(2026, 3, 31))
LATER = datetime.now(UTC).date() + timedelta(days=30)


def extent(dataset: str = "mobility.presence", area: str = "districts", levels=frozenset({1}), days=MARCH) -> Extent:
    return Extent(dataset, area, lambda: levels, days)


def terms(**said) -> Terms:
    return Terms(**{"datasets": ("mobility.presence",), "purpose": "Bus lines", "until": LATER, **said})


# What they cover ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "covered"),
    [
        ({}, True),
        ({"area": "districts"}, True),
        ({"area": "districts/NP-12"}, False),
        ({"area": "wards"}, False),
        ({"level": 1}, True),
        ({"level": 2}, True),
        ({"level": 0}, False),
        ({"first_day": date(2026, 3, 1), "last_day": date(2026, 3, 31)}, True),
        ({"first_day": date(2026, 3, 2)}, False),
        ({"last_day": date(2026, 3, 30)}, False),
        ({"datasets": ("mobility.flows", "mobility.home")}, False),
        ({"datasets": ("mobility.flows", "mobility.presence")}, True),
    ],
)
def test_an_agreement_covers_what_lies_wholly_within_it(said, covered):
    assert terms(**said).cover(extent()) == covered


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ({"level": 3}, {"levels": None}),
        ({"level": 1}, {"levels": frozenset({1, 2})}),
        ({"first_day": date(2000, 1, 1)}, {"days": None}),
        ({"last_day": date(2100, 1, 1)}, {"days": None}),
        ({"area": "districts"}, {"area": ""}),
    ],
)
def test_what_a_release_does_not_say_of_itself_is_not_covered(said, about):
    assert not terms(**said).cover(extent(**about))


DAYS = st.dates(date(2026, 2, 25), date(2026, 4, 5))


@given(first=DAYS, last=DAYS, begins=DAYS, ends=DAYS, finest=st.integers(0, 3), levels=st.frozensets(st.integers(0, 3)))
@settings(max_examples=60, deadline=None)
def test_no_day_and_no_level_beyond_an_agreement_is_ever_covered(first, last, begins, ends, finest, levels):
    about = extent(levels=levels, days=(min(begins, ends), max(begins, ends)))
    if terms(first_day=first, last_day=last, level=finest).cover(about):
        assert first <= about.days[0]
        assert about.days[1] <= last
        assert all(level <= finest for level in levels)


def test_a_table_is_not_read_to_learn_its_levels_where_they_do_not_matter():
    def never():
        raise AssertionError

    assert terms().cover(Extent("mobility.presence", "districts", never, MARCH))
    assert not terms(level=1).cover(Extent("mobility.flows", "districts", never, MARCH))


# Whoever holds them ───────────────────────────────────────────────────────────────────────────────────────────────


def holding(*held: Terms, **said) -> Visitor:
    agreed = tuple(Agreement(n, 1, "vera", "Vera", each, WHO, datetime.now(UTC)) for n, each in enumerate(held, 1))
    return Visitor(1, "Vera", agreements=agreed, **said)


def test_an_agreement_opens_reading_and_nothing_else():
    vera = holding(terms())
    assert vera.may_read(extent())
    assert not vera.may_read(extent("mobility.flows"))
    for permission in Permission:
        assert vera.may_somewhere(permission, "mobility") == (permission is Permission.READ)
        assert vera.may_somewhere(permission, None) == (permission is Permission.READ)
        assert not vera.may_somewhere(permission, "alerting")
        assert not vera.may_somewhere(permission, "")
        assert not vera.may(permission, "mobility", "districts")


def test_agreements_do_not_add_up_to_one_that_covers_more():
    vera = holding(terms(last_day=date(2026, 3, 15)), terms(first_day=date(2026, 3, 16)))
    assert not vera.may_read(extent())
    assert vera.may_read(extent(days=(date(2026, 3, 1), date(2026, 3, 15))))


def test_roles_open_what_they_did_before():
    assert READER.may_read(extent())
    assert Visitor(1, grants=(Grant(Role.VIEWER, "mobility", "districts"),)).may_read(extent())
    assert not Visitor(1, grants=(Grant(Role.VIEWER, "mobility", "wards"),)).may_read(extent())
    assert READER.agreement_on(extent()) is None


def test_what_is_refused_says_why():
    with pytest.raises(NotSignedIn):
        NOBODY.require_read(extent())
    with pytest.raises(Refused, match="no role of yours"):
        Visitor(1).require_read(extent())
    with pytest.raises(Refused, match="beyond what was agreed with you"):
        holding(terms(level=0)).require_read(extent())


def test_a_token_that_is_not_for_reading_reads_under_no_agreement():
    vera = holding(terms(), only=frozenset({Permission.FOLLOW}))
    assert not vera.may_read(extent())
    assert not vera.may_somewhere(Permission.READ, "mobility")


# Giving and withdrawing ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def vera(database: Database) -> people.Person:
    return people.create(database, "vera", "Vera", [], WHO)[0]


def held_by(database: Database, person: people.Person) -> tuple[Agreement, ...]:
    """What a session of a person holds."""
    with database.transaction() as session:
        secret = sessions.begin(session, person.number, 1)
    return sessions.identify(database, secret).agreements


def test_what_was_given_is_held_until_it_is_withdrawn(database, vera):
    given = agreements.give(database, "Vera", terms(area="districts", level=2, first_day=MARCH[0]), WHO)
    assert held_by(database, vera) == (given,)
    assert agreements.agreements(database) == agreements.agreements(database, vera.number) == [given]
    token = tokens.issue(database, vera.number, "script", ["read"], 1, WHO)
    assert tokens.identify(database, token).agreements == (given,)
    agreements.withdraw(database, given.number, WHO, "the study is over")
    assert held_by(database, vera) == tokens.identify(database, token).agreements == ()
    assert agreements.get(database, given.number).withdrawn is not None, "it stays, since looks name it"


def test_giving_and_withdrawing_are_in_the_audit_log_with_the_purpose(database, vera):
    given = agreements.give(database, "vera", terms(last_day=MARCH[1]), WHO)
    for _ in range(2):
        agreements.withdraw(database, given.number, "os:steward", "asked for")
    withdrawn, agreed = audit.newest(database, 2)
    assert (agreed.action, agreed.what, agreed.why) == ("people.agree", f"person {vera.number}", "Bus lines")
    assert agreed.details["agreement"] == given.number
    assert (agreed.details["datasets"], agreed.details["last_day"]) == (["mobility.presence"], "2026-03-31")
    assert (withdrawn.action, withdrawn.who, withdrawn.why) == ("people.withdraw", "os:steward", "asked for")


def test_an_agreement_ends_by_itself(database, vera):
    given = agreements.give(database, "vera", terms(until=datetime.now(UTC).date()), WHO)
    assert held_by(database, vera) == (given,), "its last day counts"
    with database.transaction() as session:
        session.execute(update(AgreementRecord).values(until=datetime.now(UTC).date() - timedelta(days=1)))
    assert held_by(database, vera) == ()
    with pytest.raises(InputError, match="over already"):
        agreements.give(database, "vera", terms(until=date(2020, 1, 1)), WHO)


def test_nobody_else_holds_it(database, vera):
    other, _ = people.create(database, "olga", "Olga", [], WHO)
    agreements.give(database, "vera", terms(), WHO)
    assert held_by(database, other) == ()
    with pytest.raises(NotFound):
        agreements.give(database, "nobody", terms(), WHO)
    with pytest.raises(NotFound):
        agreements.withdraw(database, 99, WHO)


# What is typed ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_terms_are_read_as_they_are_typed():
    read = read_terms(
        ["mobility.presence, mobility.flows", "mobility.flows"],
        "  Bus   lines ",
        "2027-01-31",
        area=" districts ",
        level="2",
        first_day="2026-03-01",
    )
    assert read == Terms(
        ("mobility.presence", "mobility.flows"), "Bus lines", date(2027, 1, 31), "districts", 2, date(2026, 3, 1)
    )


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"datasets": []}, "names the datasets"),
        ({"datasets": ["mobility"]}, "cannot name a dataset"),
        ({"datasets": ["mobility.*"]}, "cannot name a dataset"),
        ({"purpose": " "}, "what the data are read for"),
        ({"purpose": "x" * 201}, "what the data are read for"),
        ({"purpose": "a\x00b"}, "what the data are read for"),
        ({"until": ""}, "until when it holds"),
        ({"until": "soon"}, "not a day"),
        ({"level": "-1"}, "no level"),
        ({"level": "two"}, "no level"),
        ({"first_day": "2026-03-02", "last_day": "2026-03-01"}, "before the first"),
        ({"area": "a\nb"}, "cannot name areas"),
    ],
)
def test_terms_that_say_too_little_or_nonsense_are_refused(changed, problem):
    said = {"datasets": ["mobility.presence"], "purpose": "Bus lines", "until": "2027-01-31", **changed}
    with pytest.raises(InputError, match=problem):
        read_terms(**said)
