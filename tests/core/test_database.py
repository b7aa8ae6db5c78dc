"""Records behave alike on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import StatementError

from commonweal.core.database import Base, Database, load_models
from commonweal.core.errors import Damaged, InputError, Unavailable
from commonweal.domains import ROOMS
from commonweal.mobility.models import ProjectRecord


def record(name: str, created_at: datetime) -> ProjectRecord:
    return ProjectRecord(
        name=name,
        time_zone="UTC",
        day_starts=0,
        epoch_length="year",
        area_set="natural-earth",
        minimum_people=15,
        retention_days=None,
        bucket_bits=4,
        country_code="",
        created_at=created_at,
        created_by="os:test",
    )


def test_migrations_make_exactly_the_models(database: Database) -> None:
    database.check(ROOMS)
    load_models(ROOMS)
    assert set(Base.metadata.tables) <= set(inspect(database.engine).get_table_names())


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    database.upgrade(ROOMS)
    database.check(ROOMS)


def test_check_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="commonweal db upgrade"):
        Database(f"sqlite:///{tmp_path / 'new.db'}").check(ROOMS)


def test_check_notices_a_table_that_was_changed_by_hand(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("ALTER TABLE mobility_project ADD COLUMN surprise INTEGER"))
    with pytest.raises(Unavailable, match="differences"):
        database.check(ROOMS)


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    now = datetime.now(UTC)

    def fail() -> None:
        with database.transaction() as session:
            session.add(record("a", now))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as session:
        assert session.get(ProjectRecord, "a") is None


def test_a_reading_sees_one_moment_whatever_others_do(database: Database) -> None:
    with database.reading() as session:
        assert session.get(ProjectRecord, "a") is None
        with database.transaction() as other:
            other.add(record("a", datetime.now(UTC)))
        assert session.get(ProjectRecord, "a") is None
    with database.reading() as session:
        assert session.get(ProjectRecord, "a") is not None


def test_times_are_stored_in_utc_and_come_back_aware(database: Database) -> None:
    nepal = datetime(2026, 3, 1, 5, 45, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with database.transaction() as session:
        session.add(record("a", nepal))
    with database.reading() as session:
        stored = session.get_one(ProjectRecord, "a").created_at
    assert stored == nepal
    assert stored.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    def store() -> None:
        with database.transaction() as session:
            session.add(record("a", datetime(2026, 3, 1)))

    with pytest.raises(StatementError, match="without a time zone"):
        store()


def test_foreign_keys_are_enforced(database: Database) -> None:
    from commonweal.core.errors import CommonwealError

    with pytest.raises(CommonwealError), database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO mobility_epoch (project, name, starts_at, ends_at, fingerprint)"
                " VALUES ('no', 'x', :t, :t, 'f')"
            ),
            {"t": "2026-01-01 00:00:00+00:00"},
        )


def test_sqlite_is_set_up_for_many_readers_and_one_durable_writer(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'a.db'}").reading() as session:
        said = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert said == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30000, "synchronous": 2}


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite+nonsense:///x", ""])
def test_a_url_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="database URL"):
        Database(url)


def test_a_file_that_is_no_database_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all, but long enough to be read as one" * 100)
    with pytest.raises(Damaged, match="database file"), Database(f"sqlite:///{tmp_path / 'x.db'}").reading() as session:
        session.execute(text("SELECT 1 FROM sqlite_master"))
