"""A backup holds the store as its manifests name it, and a restored store is never older than its keys know."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from commonweal.core import audit_head
from commonweal.core.backup import restoring, service
from commonweal.core.backup.archive import Manifest
from commonweal.core.console import Home
from commonweal.core.database import Database
from commonweal.core.errors import Damaged, Unavailable
from commonweal.domains import ROOMS
from commonweal.mobility import backing_up, custody, laying
from commonweal.mobility.store import project_folder
from commonweal.mobility.verifying import verify

WHO = "os:tester"


def calls(year: int, days: range = range(5, 7)) -> list[str]:
    return [
        f"2327655{who:04},{year}-01-{day:02}T1{who % 10}:00:00,{cell},call,2327655{who + 1:04},5"
        for day in days
        for who in range(20)
        for cell in ("b2", "a1")
    ]


@pytest.fixture
def stored(operator: Any) -> Any:
    """An operator with events of two years, counts kept for the next run, and somebody who objected."""
    operator.import_(operator.events("calls.csv", [*calls(2025), *calls(2026)]))
    custody.forget(operator.settings, operator.database, operator.project, ["23276550003"], WHO)
    operator.run(first="2026-01-05", last="2026-01-06")
    return operator


@pytest.fixture
def backup(stored: Any, tmp_path: Path) -> Callable[..., Manifest]:
    for name in ("backups", "safe"):
        (tmp_path / name).mkdir()
    return lambda: service.create(
        stored.settings, stored.database, ROOMS, tmp_path / "backups" / "data", tmp_path / "safe" / "keys", WHO
    )


@pytest.fixture
def restore(tmp_path: Path) -> Callable[..., Home]:
    def restored(keys: Path | None = None) -> Home:
        given = (tmp_path / "backups" / "data", tmp_path / "safe" / "keys", tmp_path / "restored")
        settings, _ = restoring.restore(*given, keys or tmp_path / "restored keys", ROOMS, WHO)
        return Home(settings, Database(settings.database_url, keys=settings.keys))

    return restored


def named(folder: Path) -> dict[str, bytes]:
    """What lies in a store, without what is made again."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock" and not {"derived", "staging", ".staging"} & set(path.parts)
    }


def test_what_is_restored_is_the_store_byte_for_byte_and_can_be_gone_on_with(
    stored: Any, backup: Any, restore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laying, "merge", lambda *_: pytest.fail("killed"))
    with pytest.raises(pytest.fail.Exception):
        stored.import_(stored.events("staged.csv", calls(2026, range(8, 9))))
    monkeypatch.undo()
    before = named(stored.settings.store)
    assert list(stored.settings.store.rglob("derived/*"))
    assert list(stored.settings.store.rglob("staging/*"))
    backup()
    home = restore()
    assert named(home.settings.store) == before
    assert not list(home.settings.store.rglob("derived"))
    assert not list(home.settings.store.rglob("*staging"))
    found = verify(home.settings, home.database, stored.project)
    assert (found.epochs, found.findings, found.superfluous) == (("2025", "2026"), (), ())

    stored.settings, stored.database = home.settings, home.database
    (report,) = stored.import_(stored.folder / "staged.csv")
    assert report["accepted"] == 38  # all but those of somebody who objected
    assert verify(home.settings, home.database, stored.project).findings == ()


def test_what_is_committed_while_the_store_is_copied_is_in_the_backup_whole_or_not_at_all(
    stored: Any, backup: Any, restore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_epoch, late = backing_up._of_epoch, [stored.events("late.csv", calls(2026, range(5, 9)))]

    def slow(folder: Path) -> list[Path]:
        named = of_epoch(folder)
        if folder.name == "2026" and late:
            stored.import_(late.pop())  # which sweeps what was just named
            assert not all(path.exists() for path in named)
        return named

    monkeypatch.setattr(backing_up, "_of_epoch", slow)
    manifest = backup()
    files = [name for name in manifest.entries if name.startswith("store/")]
    assert len([name for name in files if "2026/manifest" in name]) == 1
    home = restore()
    found = verify(home.settings, home.database, stored.project)
    assert (found.findings, found.superfluous) == ((), ())
    assert named(home.settings.store) == named(stored.settings.store)

    # The records do not know of the import, so the same one goes through again and finds every event there already.
    stored.settings, stored.database = home.settings, home.database
    (report,) = stored.import_(stored.folder / "late.csv")
    assert report["accepted"] == 0
    assert verify(home.settings, home.database, stored.project).findings == ()


@pytest.mark.parametrize("when", ["before", "after"])
def test_keys_that_come_or_go_while_the_backup_begins_are_in_it_if_the_records_name_them(
    stored: Any, backup: Any, restore: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    end = service.audit.end
    year = 2024

    def work() -> None:
        if when == "before":
            stored.import_(stored.events("older.csv", calls(year)))
        else:
            custody.destroy_key(stored.settings, stored.database, stored.project, "2025", WHO, None)

    def looking(session: Any) -> Any:
        monkeypatch.undo()
        if when == "before":
            work()
        found = end(session)
        if when == "after":
            work()
        return found

    monkeypatch.setattr(service.audit, "end", looking)
    backup()
    home = restore()
    found = verify(home.settings, home.database, stored.project)
    assert (found.findings, found.superfluous) == ((), ())
    assert found.epochs == (("2024", "2025", "2026") if when == "before" else ("2025", "2026"))


def test_a_store_nobody_can_read_any_more_is_left_out(stored: Any, backup: Any, restore: Any) -> None:
    custody.destroy_key(stored.settings, stored.database, stored.project, "2025", WHO, None)
    assert not [name for name in backup().entries if "/2025/" in name]
    home = restore()
    assert not (project_folder(home.settings.store, stored.project.name) / "2025").exists()
    assert verify(home.settings, home.database, stored.project).findings == ()


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_store_older_than_its_key_knows_is_refused(
    stored: Any, backup: Any, restore: Any, tmp_path: Path, epoch: int
) -> None:
    """Even where the head of the audit log, which lies beside, says nothing."""
    kept = tmp_path / "kept"
    backup()
    shutil.copytree(stored.settings.keys, kept)
    head = audit_head.read(kept)
    store = stored.store(epoch)
    store.commit(replace(store.manifest, applied=(*store.manifest.applied, "another")))
    shutil.copytree(stored.settings.keys / "mobility", kept / "mobility", dirs_exist_ok=True)
    (kept / audit_head.FILE).write_bytes(audit_head.content_of(service.verify(tmp_path / "backups" / "data").audit))
    assert head.sequence > audit_head.read(kept).sequence
    with pytest.raises(Damaged, match=f"manifest {store.manifest.sequence} was committed, and the newest one there"):
        restore(keys=kept)
    assert not list(tmp_path.glob("restored/*"))


def test_a_store_whose_commits_are_all_missing_is_refused(stored: Any, tmp_path: Path) -> None:
    shutil.rmtree(project_folder(stored.settings.store, stored.project.name) / "2026")
    with pytest.raises(Damaged, match="none is there"):
        backing_up.refuse_older(stored.settings, Session())


def test_a_store_without_its_key_is_refused(stored: Any) -> None:
    (stored.settings.keys / "mobility" / stored.project.name / "2026.key").unlink()
    with pytest.raises(Unavailable, match="there is no key for epoch 2026"):
        backing_up.refuse_older(stored.settings, Session())


def test_a_manifest_that_is_swept_while_it_is_read_gives_the_next(stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from commonweal.mobility import manifest

    store, numbers = stored.store(), manifest.manifest_numbers
    newest = store.manifest.sequence

    def outdated(folder: Path) -> Any:
        found = list(numbers(folder))
        monkeypatch.undo()
        store.commit(replace(store.manifest, applied=(*store.manifest.applied, "another")))
        return found

    monkeypatch.setattr(manifest, "manifest_numbers", outdated)
    assert manifest.read_manifest(store.folder).sequence == newest + 1
