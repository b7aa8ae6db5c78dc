"""Looking things up in the audit log, on both databases."""

from datetime import UTC, date, datetime

import pytest

from commonweal.core import audit
from commonweal.core.audit_search import Wanted, entries
from commonweal.core.database import Database

DONE = [
    ("person:1", "people.sign-in"),
    ("os:ada", "people.create"),
    ("person:1", "jobs.cancel"),
    ("person:11", "people"),
    ("os:ada", "peoples.else"),
]


@pytest.fixture
def log(database: Database) -> Database:
    with database.transaction() as session:
        for who, action in DONE:
            audit.record(session, who=who, action=action, what="something")
    return database


def found(log: Database, count: int = 100, skipped: int = 0, **wanted: object) -> list[int]:
    return [entry.sequence for entry in entries(log, Wanted(**wanted), count, skipped)]  # type: ignore[arg-type]


def test_the_newest_come_first(log: Database) -> None:
    assert found(log) == [5, 4, 3, 2, 1]
    assert found(log, 2, 1) == [4, 3]


def test_the_log_is_narrowed_to_who_acted(log: Database) -> None:
    assert found(log, who="person:1") == [3, 1]
    assert found(log, who="person") == []


def test_the_log_is_narrowed_to_an_action_or_to_those_of_a_room(log: Database) -> None:
    assert found(log, action="people.create") == [2]
    assert found(log, action="people") == [4, 2, 1]
    assert found(log, action="p%") == found(log, action="people.") == []


def test_the_log_is_narrowed_to_a_day_in_utc(log: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for moment in ("2036-03-03T23:59:59.999999", "2036-03-04T00:00:00.000000", "2036-03-04T23:59:59.999999"):

        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None, at: str = moment) -> datetime:  # type: ignore[override]
                return datetime.fromisoformat(f"{at}+00:00")

        monkeypatch.setattr(audit, "datetime", Clock)
        with log.transaction() as session:
            audit.record(session, who="os:ada", action="people.create", what="something")
    assert found(log, day=date(2036, 3, 4)) == [8, 7]
    assert found(log, day=date(2036, 3, 3)) == [6]
    assert found(log, day=datetime.now(UTC).date()) == [5, 4, 3, 2, 1]
    assert found(log, day=date.max) == found(log, day=date.min) == []


def test_the_log_is_read_up_to_an_entry_while_it_grows(log: Database) -> None:
    assert found(log, up_to=4, who="person:1") == [3, 1]
    assert found(log, up_to=2) == [2, 1]
    assert found(log, up_to=0) == []


def test_conditions_hold_together(log: Database) -> None:
    assert found(log, who="os:ada", action="people", day=datetime.now(UTC).date()) == [2]
