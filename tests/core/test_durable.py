"""Files that are whole or not there, and last."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest

from commonweal.core.durable import creating, replacing, several_machines, sweep_unfinished, sync
from commonweal.core.errors import Conflict, Unavailable

both = pytest.mark.parametrize("writing", [replacing, creating])


def content(folder: Path) -> dict[str, str]:
    """What lies in a folder, hidden files included."""
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def gone() -> int:
    """The number of a process that no longer runs."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


# What a file's name tells


@both
def test_a_file_gets_its_name_when_all_of_it_is_written(writing, tmp_path: Path) -> None:
    with writing(tmp_path / "file") as written:
        written.write_text("new")
        assert not (tmp_path / "file").exists()
    assert content(tmp_path) == {"file": "new"}


def test_the_former_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with replacing(tmp_path / "file") as written:
        written.write_text("new")
        assert (tmp_path / "file").read_text() == "old"
    assert content(tmp_path) == {"file": "new"}


def test_creating_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(Conflict, match="file: this is there already"), creating(tmp_path / "file") as written:
        written.write_text("new")
    assert content(tmp_path) == {"file": "old"}


def test_of_many_processes_that_create_a_file_one_does(tmp_path: Path) -> None:
    context = get_context("fork")
    for attempt in range(10):
        path, start, created = tmp_path / str(attempt), context.Barrier(4), context.Queue()

        def create(path: Path = path, start=start, created=created) -> None:
            start.wait()
            try:
                with creating(path) as written:
                    written.write_text(str(os.getpid()))
            except Conflict:
                created.put(None)
            else:
                created.put(str(os.getpid()))

        processes = [context.Process(target=create) for _ in range(4)]
        for process in processes:
            process.start()
        assert sorted(map(str, (created.get(timeout=30) for _ in processes))) == [path.read_text(), *["None"] * 3]
        for process in processes:
            process.join()
    assert len(content(tmp_path)) == 10


@both
def test_content_is_synced_before_it_gets_its_name_and_the_name_after(
    writing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def seen(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        synced.append((path.name, path.read_text() if path.is_file() else sorted(content(path).values())))

    monkeypatch.setattr(os, "fsync", seen)
    with writing(tmp_path / "file") as written:
        written.write_text("new")
    unfinished, folder = synced
    assert unfinished == (written.name, "new")
    assert folder[0] == tmp_path.name
    assert set(folder[1]) == {"new"}


def test_who_finds_a_file_created_by_another_can_rely_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("old")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").resolve()))
    with pytest.raises(Conflict), creating(tmp_path / "file"):
        pass
    assert synced[-1] == tmp_path


# Who may read it


@both
def test_a_secret_is_its_owner_s_alone_from_the_first_byte_on(writing, tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        with writing(tmp_path / "open") as written:
            pass
        with writing(tmp_path / "secret", mode=0o600) as written:
            assert stat.S_IMODE(written.stat().st_mode) == 0o600
    finally:
        os.umask(former)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"open": 0o666, "secret": 0o600}


def test_a_secret_in_place_of_what_others_could_read_is_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o644)
    (tmp_path / f".secret.{os.getpid()}").touch(0o644)  # of an earlier process of this number
    with replacing(path, mode=0o600) as written:
        written.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert content(tmp_path) == {"secret": "new"}


@both
def test_a_missing_folder_is_made_for_its_owner_alone_only_if_asked(writing, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with pytest.raises(Unavailable, match="folder/file: there is no such file or folder"), writing(path):
        pass
    with writing(path, parents=True) as written:
        written.write_text("new")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert content(path.parent) == {"file": "new"}


# When it fails


@pytest.mark.parametrize("failure", [ValueError("of the writer"), KeyboardInterrupt()])
@both
def test_a_writer_that_fails_leaves_what_was_there(writing, failure: BaseException, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    def write() -> None:
        with writing(tmp_path / "file") as written:
            written.write_text("half")
            raise failure

    with pytest.raises(type(failure)) as raised:
        write()
    assert raised.value is failure
    assert content(tmp_path) == {"file": "old"}


@pytest.mark.parametrize("name", ["file", "another"])
def test_a_disk_found_full_when_syncing_leaves_what_was_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for writing in (replacing, creating):
        with pytest.raises(Unavailable, match=f"{name}: the disk is full"), writing(tmp_path / name) as written:
            written.write_text("new")
        assert content(tmp_path) == {"file": "old"}


@both
def test_a_really_full_disk_leaves_what_was_there(writing, small_disk: Path) -> None:
    (small_disk / "file").write_text("old")
    for name in ("file", "another"):
        with pytest.raises(Unavailable, match=f"{name}: the disk is full"), writing(small_disk / name) as written:
            written.write_bytes(bytes(1_000_000))
        assert content(small_disk) == {"file": "old"}


@both
def test_a_disk_that_became_read_only_is_said_to_be_read_only(writing, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(Unavailable, match="file: the file system is read-only"), writing(small_disk / "file"):
        pass


def test_a_share_that_cannot_sync_folders_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    sync(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Invalid argument"):
        sync(tmp_path / "file")


# When it is killed

DYING = """
import os, signal, sys
from pathlib import Path
from commonweal.core import durable

verb, path, last = getattr(durable, sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
step = 0

def dying(function):
    def stepping(*arguments, **named):
        global step
        step += 1
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return stepping

for name in ("open", "close", "fsync", "replace", "link", "unlink"):
    setattr(os, name, dying(getattr(os, name)))
with verb(path) as written, written.open("w") as file:
    file.write("ne")
    file.flush()
    os.fsync(file.fileno())
    file.write("w")
"""


@pytest.mark.parametrize(("verb", "old"), [("replacing", {"file": "old"}), ("creating", {})])
def test_a_process_killed_anywhere_leaves_the_old_or_the_new(verb: str, old: dict[str, str], tmp_path: Path) -> None:
    outcomes = []
    for step in range(1, 50):
        folder = tmp_path / str(step)
        folder.mkdir()
        for name, text in old.items():
            (folder / name).write_text(text)
        died = subprocess.run([sys.executable, "-c", DYING, verb, str(folder / "file"), str(step)]).returncode
        sweep_unfinished(tmp_path)
        outcomes.append(content(folder))
        if died != -signal.SIGKILL:
            assert died == 0
            break
    assert len(outcomes) > 8
    first = outcomes.index({"file": "new"})
    assert outcomes == [old] * first + [{"file": "new"}] * (len(outcomes) - first)
    assert first > 5


@both
@pytest.mark.parametrize("name", ["file", "table[1].csv"])
def test_who_writes_a_file_removes_what_was_killed_while_writing_it(
    writing: Callable, name: str, gone: int, tmp_path: Path
) -> None:
    (tmp_path / f".{name}.{gone}").write_text("ne")
    (tmp_path / f".another.{gone}").write_text("ne")
    with writing(tmp_path / name) as written:
        written.write_text("new")
    assert content(tmp_path) == {name: "new", f".another.{gone}": "ne"}


def test_sweeping_finds_what_was_killed_at_any_depth_and_nothing_else(gone: int, tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    others = {f"file.{gone}", ".lock", f".{gone}", f".file.{gone}.old", f".file.{os.getppid()}", ".file.1"}
    for name in (*others, f".file.{gone}"):
        (tmp_path / "deep" / "er" / name).touch()
    sweep_unfinished(tmp_path)
    assert content(tmp_path / "deep" / "er").keys() == others


def test_what_another_machine_writes_is_left_alone_until_nobody_can_be_expected_to_finish_it(
    gone: int, tmp_path: Path
) -> None:
    fresh, old = (tmp_path / f".file.{gone}~{machine}" for machine in ("elsewhere", "long-gone"))
    own = tmp_path / f".file.{gone}~{os.uname().nodename}"
    for path in (fresh, old, own):
        path.touch()
    os.utime(old, (0, 0))
    with replacing(tmp_path / "file") as written:
        written.write_text("new")
    assert content(tmp_path).keys() == {"file", fresh.name}


def test_workers_of_several_machines_tell_what_they_write_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("commonweal.core.durable._here", "")
    several_machines()
    with replacing(tmp_path / "file") as written:
        assert written.name == f".file.{os.getpid()}~{os.uname().nodename}"
    assert content(tmp_path).keys() == {"file"}
