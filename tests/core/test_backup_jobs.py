"""Backups that a page asks for: made and verified as jobs, listed with what is known of them."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commonweal.core import audit, jobs
from commonweal.core.backup import jobs as handlers
from commonweal.core.backup import listing, service
from commonweal.core.console import Home
from commonweal.core.domain import job_handlers
from commonweal.core.errors import Damaged, InputError, NotFound, Refused, Unavailable
from commonweal.core.jobs import Running, lease
from commonweal.core.jobs.running import Cancelled
from commonweal.domains import ROOMS

WHO = "person:7"
REGISTRY = job_handlers(ROOMS)


@pytest.fixture
def kept(home: Home, tmp_path: Path) -> Home:
    """An installation whose settings name two folders for backups."""
    folders = {"backups": tmp_path / "backups", "backup_keys": tmp_path / "safe"}
    for folder in folders.values():
        folder.mkdir()
    return Home(home.settings.model_copy(update=folders), home.database)


def run(home: Home, kind: str, **parameters: Any) -> dict[str, Any]:
    done = jobs.run_now(home.settings, home.database, kind, parameters, WHO, REGISTRY)
    assert done is not None
    return done


def made(home: Home) -> listing.Backup:
    run(home, "backup.create")
    (backup,) = listing.backups(home.settings, home.database)
    return backup


def entries(home: Home, action: str) -> list[audit.AuditEntry]:
    return [entry for entry in audit.newest(home.database, 100) if entry.action == action]


@pytest.fixture
def attempt(kept: Home) -> Callable[[], Running]:
    """Take up the same job as its worker would, again and again."""
    number = jobs.submit(kept.database, "backup.create", {}, WHO)

    def take() -> Running:
        from sqlalchemy import text

        with kept.database.transaction() as session:
            session.execute(text("UPDATE job SET state = 'queued', claim = NULL"))
        job = lease.claim(kept.database, ["backup.create"], only=number)
        assert job is not None
        return Running(kept.settings, kept.database, job)

    return take


def test_a_backup_is_made_into_the_two_folders_by_whoever_asked(kept: Home) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    done = run(kept, "backup.create")
    (backup,) = listing.backups(kept.settings, kept.database)
    assert kept.settings.backups is not None
    assert kept.settings.backup_keys is not None
    assert backup.path == kept.settings.backups / done["file"]
    assert backup.keys_path == kept.settings.backup_keys / done["file"]
    assert (backup.size, backup.verdict) == (backup.path.stat().st_size, None)
    assert datetime.strptime(backup.name, listing.NAME).replace(tzinfo=UTC) >= before
    assert backup.made is not None
    assert (backup.made.who, backup.made.digest, backup.made.keys) == (WHO, done["digest"], 2)
    assert service.verify(backup.path, backup.keys_path).digest == done["digest"]


def test_a_backup_that_is_whole_is_said_to_be_and_when(kept: Home) -> None:
    name = made(kept).name
    done = run(kept, "backup.verify", file=name)
    backup = listing.get(kept.settings, kept.database, name)
    assert backup.verdict is not None
    assert (backup.verdict.is_whole, backup.verdict.with_keys, backup.verdict.finding) == (True, True, "")
    (entry,) = entries(kept, "backup.verify")
    assert (entry.who, entry.what, entry.details["digest"]) == (WHO, name, done["digest"])


def test_a_damaged_backup_fails_its_verification_and_the_log_keeps_what_was_found(kept: Home) -> None:
    backup = made(kept)
    backup.path.write_bytes(backup.path.read_bytes()[:-100])
    with pytest.raises(Damaged):
        run(kept, "backup.verify", file=backup.name)
    found = listing.get(kept.settings, kept.database, backup.name).verdict
    assert found is not None
    assert not found.is_whole
    assert found.finding == "it is not whole: it ends after entry commonweal.toml"


def test_without_the_keys_at_hand_the_data_are_verified_alone(kept: Home) -> None:
    backup = made(kept)
    assert backup.keys_path is not None
    backup.keys_path.unlink()
    assert run(kept, "backup.verify", file=backup.name)["with_keys"] is False
    again = listing.get(kept.settings, kept.database, backup.name)
    assert again.keys_path is None
    assert again.verdict is not None
    assert not again.verdict.with_keys


def test_keys_of_another_time_do_not_belong_to_a_backup(kept: Home) -> None:
    backup = made(kept)
    assert backup.keys_path is not None
    backup.keys_path.unlink()
    other = backup.path.with_name("other")
    with kept.database.transaction() as session:
        audit.record(session, who=WHO, action="people.create", what="person 9")
    service.create(kept.settings, kept.database, ROOMS, other, backup.keys_path, WHO)
    with pytest.raises(Refused, match="older than these keys"):
        run(kept, "backup.verify", file=backup.name)


def test_what_was_found_says_nothing_about_a_file_that_was_written_since(kept: Home) -> None:
    backup = made(kept)
    run(kept, "backup.verify", file=backup.name)
    later = datetime.now(UTC).timestamp() + 5
    os.utime(backup.path, (later, later))
    assert listing.get(kept.settings, kept.database, backup.name).verdict is None


def test_only_backups_of_data_are_listed_the_newest_first(kept: Home) -> None:
    folder = kept.settings.backups
    assert folder is not None
    first = made(kept)
    elsewhere = folder.parent / "elsewhere"
    service.create(kept.settings, kept.database, ROOMS, elsewhere, folder / "keys of elsewhere", WHO)
    (folder / "notes.txt").write_text("not a backup")
    (folder / ".2026.4711").write_bytes(first.path.read_bytes())
    (folder / "link").symlink_to(elsewhere)
    (folder / "folder").mkdir()
    (folder / "copied from another machine").write_bytes(elsewhere.read_bytes())
    os.utime(first.path, (1, 1))
    listed = listing.backups(kept.settings, kept.database)
    assert [(backup.name, backup.made is not None) for backup in listed] == [
        ("copied from another machine", False),
        (first.name, True),
    ]


@pytest.mark.parametrize("name", ["..", "../backups", "", "nothing", "link"])
def test_nothing_else_is_taken_for_a_backup(kept: Home, name: str) -> None:
    made(kept)
    assert kept.settings.backups is not None
    (kept.settings.backups / "link").symlink_to("/etc/hostname")
    with pytest.raises(NotFound):
        listing.get(kept.settings, kept.database, name)


def test_killed_before_the_data_had_their_name_it_begins_again_and_leaves_one_pair(
    kept: Home, attempt: Callable[[], Running]
) -> None:
    job = attempt()
    job.save({"name": "2026-03-04T081502Z"})
    assert kept.settings.backup_keys is not None
    (kept.settings.backup_keys / "2026-03-04T081502Z").write_bytes(b"of the attempt that was killed")
    handlers.create(attempt(), ROOMS)
    (backup,) = listing.backups(kept.settings, kept.database)
    assert backup.name == "2026-03-04T081502Z"
    assert service.verify(backup.path, backup.keys_path)


def test_killed_before_the_log_knew_of_it_it_is_recorded_once(
    kept: Home, attempt: Callable[[], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(service, "record", killed)
        with pytest.raises(SystemExit):
            handlers.create(attempt(), ROOMS)
    assert entries(kept, "backup.create") == []
    for _ in range(2):
        handlers.create(attempt(), ROOMS)
    assert len(entries(kept, "backup.create")) == 1
    assert len(listing.backups(kept.settings, kept.database)) == 1


def test_it_tells_how_far_it_is_and_stopped_on_the_way_leaves_nothing(kept: Home, tmp_path: Path) -> None:
    (kept.settings.lake / "junk").mkdir()
    told: list[tuple[int, int]] = []
    file, keys_file = tmp_path / "backups" / "data", tmp_path / "safe" / "keys"
    create = (kept.settings, kept.database, ROOMS, file, keys_file, WHO)
    service.create(*create, lambda done, total: told.append((done, total)))
    assert told == sorted(told, key=lambda at: at[0])
    assert told[0][0] > 0
    file.unlink()
    keys_file.unlink()

    def stop(done: int, total: int) -> None:
        raise Cancelled("it was cancelled")

    with pytest.raises(Cancelled):
        service.create(*create, stop)
    assert list(file.parent.iterdir()) == list(keys_file.parent.iterdir()) == []
    service.create(*create)
    told.clear()
    service.verify(file, keys_file, lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == file.stat().st_size


def test_where_no_folder_is_named_nothing_can_be_made(home: Home) -> None:
    with pytest.raises(InputError, match="no folder"):
        listing.refuse_unready(home.settings)
    assert listing.backups(home.settings, home.database) == []


def test_folders_that_cannot_take_a_backup_are_refused_before_one_is_begun(kept: Home, tmp_path: Path) -> None:
    def with_(**folders: Path) -> Any:
        return kept.settings.model_copy(update=folders)

    listing.refuse_unready(kept.settings)
    with pytest.raises(Unavailable, match="not there"):
        listing.refuse_unready(with_(backups=tmp_path / "not mounted"))
    with pytest.raises(Refused, match="one folder"):
        listing.refuse_unready(with_(backup_keys=tmp_path / "backups"))
    with pytest.raises(InputError, match="which it is a backup of"):
        listing.refuse_unready(with_(backups=kept.settings.lake))
