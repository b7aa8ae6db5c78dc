"""Backups taken under load, the machine lost, all of it restored elsewhere: whatever can be verified or read agrees."""

import re
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"


@contextmanager
def under_load(place: Any, sample: Any) -> Iterator[list[str]]:
    """Import file by file and publish, while people are made and sign in; give what has been done so far."""
    from commonweal.core.database import Database
    from commonweal.core.identity import people, signing_in

    stopping, done, failed = threading.Event(), [], []

    def imports_and_runs() -> None:
        for file in sample.files:
            for command in (sample.importing_into("sample", [file]), ("mobility", "run", "--project", "sample")):
                if stopping.is_set():
                    return
                ended = place.attempt(*command)
                failed.extend([ended.err] if ended.code else [])
                done.append(str(command[1]))

    def sign_ins() -> None:
        database = Database(f"sqlite:///{place.data / 'commonweal.db'}", keys=place.keys)
        number = 0
        while not stopping.wait(0.2):
            number += 1
            _, offered = people.create(database, f"person{number}", "A Person", [], "os:tester")
            signing_in.with_link(database, offered, PASSWORD, 12)
            done.append("sign-in")
        database.close()

    threads = [threading.Thread(target=work) for work in (imports_and_runs, sign_ins)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert failed == []


@contextmanager
def served(place: Any) -> Iterator[str]:
    """The address at which a place is served."""
    open_to_all = place.elsewhere(place.data.parent, COMMONWEAL_OPEN_READING="true")
    process = open_to_all.start("serve", "--port", 0)
    try:
        found = re.search(r"at (http://\S+)/ ", process.stdout.readline())
        assert found, process.communicate()
        yield found[1]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()


def test_backups_taken_under_load_are_restored_elsewhere_and_everything_agrees(
    begun: Any, sample: Any, tmp_path: Path
) -> None:
    living = begun.copy(tmp_path / "living")
    for name in ("backups", "safe"):
        (tmp_path / name).mkdir()
    backups = []
    with under_load(living, sample) as done:
        after_a_run = False  # so that there is something in the newest one, however slow the first run was
        while not after_a_run or len(backups) < 3:
            after_a_run, name = "run" in done, str(len(backups))
            backups.append((tmp_path / "backups" / name, "--keys", tmp_path / "safe" / name))
            living.run("backup", "create", *backups[-1])
    assert {"import", "run", "sign-in"} <= set(done)
    lost = living.elsewhere(tmp_path / "lost")  # kept aside only to compare with
    shutil.move(living.data, lost.data)
    shutil.move(living.keys, lost.keys)

    newest, place = backups[-1], begun.elsewhere(tmp_path / "restored")
    assert "the backup is whole" in place.run("backup", "verify", *newest)
    place.run("backup", "restore", *newest, place.data, "--keys-to", place.keys)
    place.verify()
    place.run("mobility", "verify", "--project", "sample")
    place.run("db", "check")
    assert place.leftovers() == []

    releases = place.digests()
    assert releases
    with served(place) as here, served(lost) as there:
        for name, (version, _, _) in releases.items():
            address = f"/catalog/{name}/{version}"
            said = page(f"{here}{address}.json")
            assert said == page(f"{there}{address}.json")
            downloads = re.findall(rf"{address}/[^\"]+\.csv", said)
            assert downloads
            assert [page(here + each) for each in downloads] == [page(there + each) for each in downloads]
            assert name in page(here + address)

    # And the restored installation goes on where it stood, to where the lost one would have come.
    for each in (place, lost):
        each.run(*sample.importing)
        each.run("mobility", "run", "--project", "sample")
    assert {name: digest for name, (_, digest, _) in place.digests().items()} == {
        name: digest for name, (_, digest, _) in lost.digests().items()
    }
    place.verify()


def test_data_lost_with_the_keys_kept_are_restored_only_with_their_own_keys(undisturbed: Any, tmp_path: Path) -> None:
    living = undisturbed.place.copy(tmp_path / "living")
    for name in ("backups", "safe"):
        (tmp_path / name).mkdir()
    files = (tmp_path / "backups" / "data", "--keys", tmp_path / "safe" / "keys")
    living.run("backup", "create", *files)
    shutil.rmtree(living.data)
    said = living.fail("backup", "restore", *files, living.data, "--keys-to", living.keys, code=5)
    assert "is missing from their audit log" in said
    assert not living.data.exists()
    place = living.with_keys(tmp_path / "keys of then")
    place.run("backup", "restore", *files, place.data, "--keys-to", place.keys)
    undisturbed.equals(place)


def test_a_damaged_backup_says_where(undisturbed: Any, tmp_path: Path) -> None:
    place, file = undisturbed.place.copy(tmp_path / "living"), tmp_path / "data"
    (tmp_path / "safe").mkdir()
    place.run("backup", "create", file, "--keys", tmp_path / "safe" / "keys")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert "entry store/sample/2026/" in place.fail("backup", "verify", file, code=7)
    other = place.elsewhere(tmp_path / "other")
    restoring = ("backup", "restore", file, "--keys", tmp_path / "safe" / "keys", other.data, "--keys-to", other.keys)
    assert "entry store/sample/2026/" in other.fail(*restoring, code=7)
    assert not other.data.exists()
    assert not other.keys.exists()
