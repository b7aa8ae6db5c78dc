"""A data directory and its key directory are made as a whole, and nothing else is ever touched."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from commonweal.core.directories import init
from commonweal.core.errors import Conflict, InputError, NotFound
from commonweal.core.settings import CONFIG, Settings, load
from commonweal.domains import ROOMS, initialise


def test_init_writes_a_directory_that_load_reads(tmp_path: Path) -> None:
    made = init(tmp_path / "data", tmp_path / "keys")
    assert load(tmp_path / "data") == made
    assert made.lake == tmp_path / "data" / "lake"
    assert made.database_url == f"sqlite:///{tmp_path / 'data' / 'commonweal.db'}"
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {CONFIG, "lake", "store", "spill", "inbox"}


def test_only_the_owner_can_read_the_keys(tmp_path: Path) -> None:
    made = initialise(tmp_path / "data", tmp_path / "keys").settings
    assert stat.S_IMODE(made.keys.stat().st_mode) == 0o700
    private = [path for path in made.keys.rglob("*") if path.is_file() and path.suffix != ".pub"]
    assert private
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_an_init_that_a_setting_forbids_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONWEAL_STORE", str(tmp_path / "keys" / "store"))
    with pytest.raises(InputError, match="one inside the other"):
        init(tmp_path / "data", tmp_path / "keys")
    monkeypatch.delenv("COMMONWEAL_STORE")
    assert init(tmp_path / "data", tmp_path / "keys").store == tmp_path / "data" / "store"


def test_a_start_beside_the_keys_of_another_directory_leaves_these_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = initialise(tmp_path / "first", tmp_path / "keys of first")
    first.database.close()
    before = {path.name: path.read_bytes() for path in first.settings.keys.iterdir()}
    monkeypatch.setenv("COMMONWEAL_KEYS", str(first.settings.keys))
    with pytest.raises(InputError, match="COMMONWEAL_KEYS names another key directory"):
        initialise(tmp_path / "second", tmp_path / "keys of second")
    assert {path.name: path.read_bytes() for path in first.settings.keys.iterdir()} == before


def test_init_never_writes_into_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="not empty"):
        init(tmp_path / "data", tmp_path / "keys")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["thesis.txt"]


def test_odd_characters_in_paths_survive(tmp_path: Path) -> None:
    made = init(tmp_path / 'da "ta', tmp_path / "ke\\ys é")
    assert load(tmp_path / 'da "ta').keys == made.keys == tmp_path / "ke\\ys é"
    assert os.access(made.keys, os.R_OK)


# Something else ───────────────────────────────────────────────────────────────────────────────────────────────────


def begun(data: Path, keys: Path) -> tuple[Path, Path]:
    """Begin a data directory and a key directory, and be killed when all has been written but the settings."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            init(data, keys, lambda settings: os.kill(os.getpid(), signal.SIGKILL))
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    for path in (data / "commonweal.db", data / "commonweal.db-wal", keys / "audit.head", keys / ".audit.head.17"):
        path.write_text("begun")
    return data, keys


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A data directory and a key directory that were begun."""
    return begun(tmp_path / "data", tmp_path / "keys")


def contents(*folders: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for folder in folders for path in folder.rglob("*")}


def test_what_was_begun_is_no_data_directory_until_it_is_completed(folders: tuple[Path, Path]) -> None:
    data, keys = folders
    with pytest.raises(NotFound, match="not a data directory"):
        load(data)
    initialise(data, keys).database.check(ROOMS)


@pytest.mark.parametrize(
    "other",
    [
        "data/thesis.txt",
        "data/lake/thesis.txt",
        "data/commonweal.db-backup",
        "keys/thesis.txt",
        "keys/mobility/a/b.key",
    ],
)
def test_what_was_begun_is_left_alone_when_something_else_came_into_it(
    folders: tuple[Path, Path], tmp_path: Path, other: str
) -> None:
    (tmp_path / other).parent.mkdir(exist_ok=True, parents=True)
    (tmp_path / other).write_text("years of work")
    before = contents(tmp_path)
    with pytest.raises(Conflict, match="not empty"):
        initialise(*folders)
    assert contents(tmp_path) == before


def test_what_was_begun_is_completed_only_by_the_same_command(folders: tuple[Path, Path], tmp_path: Path) -> None:
    before = contents(tmp_path)
    for other in ((folders[0], tmp_path / "other keys"), (tmp_path / "other data", folders[1])):
        with pytest.raises(Conflict, match="not empty"):
            initialise(*other)
    assert contents(tmp_path) == before


def test_the_keys_of_a_finished_data_directory_are_never_replaced(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Whatever marks are still there: one that was killed too late to remove them left a finished directory."""
    data, keys = folders
    marks = [path for folder in folders for path in folder.glob(".unfinished-*")]
    initialise(data, keys).database.close()
    finished = contents(*folders)
    for mark in marks:
        mark.touch()
    initialise(data, keys).database.close()
    assert contents(*folders) == finished
    with pytest.raises(Conflict, match="not empty"):
        initialise(data, keys)

    marks[1].touch()
    kept = contents(keys)
    shutil.rmtree(data)
    with pytest.raises(Conflict, match="not empty"):
        initialise(data, keys)
    begun(data, tmp_path / "other keys")
    with pytest.raises(Conflict, match="not empty"):
        initialise(data, keys)
    assert contents(keys) == kept


def test_two_that_make_the_same_directory_do_not_meet(tmp_path: Path) -> None:
    def second(settings: Settings) -> None:
        with pytest.raises(Conflict, match="another process is making"):
            init(tmp_path / "data", tmp_path / "keys")

    init(tmp_path / "data", tmp_path / "keys", second)


# Killed ───────────────────────────────────────────────────────────────────────────────────────────────────────────

KILLED = """
import os, signal, sys
from pathlib import Path
from commonweal.core import audit
from commonweal.core.database import connect
from commonweal.core.errors import NotFound
from commonweal.core.settings import load
from commonweal.disclosure.certificate import sign
from commonweal.domains import ROOMS, initialise

WRITES = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod", "sqlite3.connect"}

def kill_before(step, root):
    reached = 0
    def count(event, said):
        nonlocal reached
        writes = event in WRITES or (event == "open" and said[2] & (os.O_WRONLY | os.O_RDWR))
        if writes and str(said[0]).startswith(root):
            reached += 1
            if reached == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)

def is_killed(folder, step):
    child = os.fork()
    if child == 0:
        kill_before(step, str(folder))
        try:
            initialise(folder / "data", folder / "keys").database.close()
            os._exit(0)
        except BaseException as error:
            print("failed:", folder, repr(error), file=sys.stderr)
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)

def refuse_half(folder):
    settings = load(folder / "data")
    database = connect(settings)
    database.check(ROOMS)
    report = audit.verify(settings, database)
    report.refuse_damage()
    assert report.entries == 1
    sign(settings, "a heading", {})
    database.close()

root, step = Path(sys.argv[1]), 1
initialise(root / "data", root / "keys").database.close()
refuse_half(root)
while is_killed(folder := root / str(step), step):
    try:
        refuse_half(folder)
    except NotFound:
        pass
    if is_killed(folder, 7 * step % 30 + 1):
        initialise(folder / "data", folder / "keys").database.close()
    refuse_half(folder)
    step += 1
print(step)
"""


def test_the_same_command_completes_what_a_killed_one_began(tmp_path: Path) -> None:
    """Killed before its n-th write, for every n, and the next one before another: the third makes it ready."""
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    folders = [tmp_path, *(tmp_path / str(step) for step in range(1, int(said.stdout) + 1))]
    assert len(folders) > 20
    found = {
        tuple(sorted(path.relative_to(folder).as_posix() for path in contents(folder / "data", folder / "keys")))
        for folder in folders
    }
    assert len(found) == 1
