"""Looks at data about people: each is on disk when it was written, and goes when its time is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update

from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError
from commonweal.core.identity import Visitor, agreements, people, tokens
from commonweal.core.identity.agreements import Terms
from commonweal.core.identity.looks import Looks, Seen, Wanted, looks
from commonweal.core.identity.models import LookRecord
from commonweal.core.identity.visitor import READER

WHO = "os:tester"
PRESENCE = Seen("mobility.presence", 3, "page")


def all_of(database: Database, **wanted) -> list:
    return looks(database, Wanted(**wanted), 1000)


def test_a_look_says_who_when_what_in_which_form_and_what_for(database):
    vera, _ = people.create(database, "vera", "Vera", [], WHO)
    tokens.issue(database, vera.number, "night job", ["read"], 1, WHO)
    until = datetime.now(UTC).date()
    given = agreements.give(database, "vera", Terms(("mobility.presence",), "Bus lines", until), WHO)
    Looks(database, 400).write(
        Visitor(vera.number, "Vera", token=1), [Seen("mobility.presence", 3, "csv", given.number)]
    )
    [look] = all_of(database)
    assert (look.name, look.full_name, look.token) == ("vera", "Vera", "night job")
    assert (look.dataset, look.version, look.form) == ("mobility.presence", 3, "csv")
    assert (look.agreement, look.purpose) == (given.number, "Bus lines")
    assert abs(look.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_anyone_has_no_name(database):
    Looks(database, 400).write(READER, [PRESENCE])
    [look] = all_of(database)
    assert (look.name, look.token, look.agreement, look.purpose) == (None, None, None, None)


def test_looks_are_found_by_person_and_by_dataset(database):
    writer = Looks(database, 400)
    for name in ("vera", "olga"):
        person, _ = people.create(database, name, name.title(), [], WHO)
        writer.write(Visitor(person.number), [PRESENCE, Seen("mobility.flows", 1, "json")])
    writer.write(READER, [PRESENCE])
    assert len(all_of(database)) == 5
    assert [look.dataset for look in all_of(database, name="Vera")] == ["mobility.flows", "mobility.presence"]
    assert [look.name for look in all_of(database, dataset="mobility.presence")] == [None, "olga", "vera"]
    assert len(all_of(database, person=1, dataset="mobility.flows")) == 1
    assert looks(database, Wanted(up_to=4), 2, 1) == all_of(database)[2:4]


def test_looks_of_many_at_once_are_all_written_and_few_times(database):
    writer, written = Looks(database, 400), []
    event.listen(database.engine, "commit", lambda connection: written.append(1))
    with ThreadPoolExecutor(16) as together:
        done = [together.submit(writer.write, READER, [Seen("mobility.presence", n, "json")]) for n in range(1, 201)]
        for each in done:
            each.result()
    assert sorted(look.version for look in all_of(database)) == list(range(1, 201))
    assert len(written) < 150, "whoever waits is written together with others"


def test_when_writing_returns_the_look_is_there_for_others(database):
    writer = Looks(database, 400)
    for number in range(1, 6):
        writer.write(READER, [Seen("mobility.presence", number, "page")])
        assert all_of(database)[0].version == number


def test_a_look_that_cannot_be_written_is_an_error_for_all_who_wait_for_it_and_the_next_goes_on(database):
    writer = Looks(database, 400)
    nobody = Visitor(99)  # there is no such person
    with pytest.raises(CommonwealError):
        writer.write(nobody, [PRESENCE])
    writer.write(READER, [PRESENCE])
    assert len(all_of(database)) == 1


def test_looks_are_removed_when_their_time_is_over(database):
    Looks(database, 30).write(READER, [Seen("mobility.presence", version, "page") for version in (1, 2, 3)])
    for version, days in ((1, 31), (2, 29)):
        at = datetime.now(UTC) - timedelta(days=days)
        with database.transaction() as session:
            session.execute(update(LookRecord).where(LookRecord.version == version).values(at=at))
    writer = Looks(database, 30)
    writer.write(READER, [Seen("mobility.presence", 4, "page")])
    assert [look.version for look in all_of(database)] == [4, 3, 2]


def test_old_looks_are_removed_once_a_day_by_a_server_that_goes_on(database, monkeypatch):
    writer = Looks(database, 30)
    writer.write(READER, [PRESENCE])
    with database.transaction() as session:
        session.execute(update(LookRecord).values(at=datetime.now(UTC) - timedelta(days=31)))
    writer.write(READER, [PRESENCE])
    assert len(all_of(database)) == 2, "not with each look"
    monkeypatch.setattr("commonweal.core.identity.looks.SWEPT_EVERY", timedelta(0))
    writer.write(READER, [PRESENCE])
    assert len(all_of(database)) == 2, "but on the next day"
