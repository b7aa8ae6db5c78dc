"""A data directory and its key directory, made as a whole: ready, or begun and taken up again by the same command."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from commonweal.core.durable import replacing
from commonweal.core.errors import CommonwealError, Conflict, InputError, Unavailable, explain
from commonweal.core.settings import CONFIG, FOLDERS, RECORDS, Settings, load, read

DATA_FILES = (CONFIG, *(f"{RECORDS}{beside}" for beside in ("", "-wal", "-shm", "-journal")))


def init(
    data: Path,
    keys: Path,
    prepare: Callable[[Settings], None] = lambda settings: None,
    key_files: Collection[str] = (),
) -> Settings:
    """Write a ready data directory and, elsewhere, a key directory only its owner can read.

    The file of settings is written last, and without it nothing takes a folder for a data directory. Until then each
    folder holds a mark that names the other. By the two marks the same call knows what a killed one left, whose keys
    nobody can have used: it removes that and begins again.

    Parameters
    ----------
    data, keys
        The two folders: new, empty, or left by the same call.
    prepare
        Fills them, given the settings as they will be.
    key_files
        Names of the files that `prepare` writes into the key directory.

    Raises
    ------
    InputError
        The key directory lies inside the data directory or the other way round, or another setting has a value it
        cannot have; nothing is written.
    Conflict
        One of the two holds anything else, or another process is making it.
    """
    made = read(data, keys=keys)
    marks = _marks(made)
    refuse_other_keys(made)
    try:
        if not _is_ready(made):
            _left(made, key_files)  # what must not be touched is refused before anything is written
        made.data.mkdir(parents=True, exist_ok=True)
        with alone(marks[made.data]):
            if not _is_ready(made):
                _make(made, prepare, key_files)
            _remove(marks.values())
    except OSError as error:
        raise explain(error) from error
    return load(made.data)


def refuse_other_keys(settings: Settings) -> None:
    """See that the environment does not name another key directory than the one that was given.

    Raises
    ------
    InputError
        It does.
    """
    named = Path(os.environ.get("COMMONWEAL_KEYS", settings.keys)).expanduser().resolve()
    if named != settings.keys:
        raise InputError(
            "COMMONWEAL_KEYS names another key directory",
            where=named,
            expected=f"{settings.keys}, as given, or the variable unset",
        )


def _make(settings: Settings, prepare: Callable[[Settings], None], key_files: Collection[str]) -> None:
    data, keys = settings.data, settings.keys
    said = f"# Settings of this data directory; docs/settings.md describes them all.\nkeys = {toml(keys)}\n"
    _remove(_left(settings, key_files))
    try:
        keys.mkdir(parents=True, exist_ok=True)
        _marks(settings)[keys].touch()
        for folder in (keys, data, *(data / name for name in FOLDERS)):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        prepare(settings)
        with replacing(data / CONFIG) as written:
            written.write_text(said)
    except Exception:
        with suppress(CommonwealError, OSError):
            _remove([*_left(settings, key_files), *_marks(settings).values()])
        raise


def _marks(settings: Settings) -> dict[Path, Path]:
    """Give the file that says in each of the two folders, while they are being made, which the other one is."""
    pairs = ((settings.keys, settings.data), (settings.data, settings.keys))
    return {folder: folder / f".unfinished-{sha256(str(other).encode()).hexdigest()[:16]}" for folder, other in pairs}


def _is_ready(settings: Settings) -> bool:
    """Tell whether there is nothing left to do but to remove the marks."""
    return (settings.data / CONFIG).exists() and _marks(settings)[settings.data].exists()


def _left(settings: Settings, key_files: Collection[str]) -> list[Path]:
    """Give what a killed process left in the folders that it was making, the marks aside; refuse anything else."""
    marks = _marks(settings)
    left = []
    begun = not (settings.data / CONFIG).exists()
    for folder, files in ((settings.data, DATA_FILES), (settings.keys, key_files)):
        if folder.exists() and not folder.is_dir():
            raise Conflict("this is there already and is no folder", where=folder, expected="a new or empty folder")
        # Alone, the mark in the key directory says nothing: what it names may have been finished, used and removed.
        begun = begun and marks[folder].exists()
        found = {path for path in folder.iterdir() if path != marks[folder]} if folder.exists() else set()
        if not all(begun and _is_written_here(path, files) for path in found):
            raise Conflict("this is there already and not empty", where=folder, expected="a new or empty folder")
        left += sorted(found)
    return left


def _is_written_here(path: Path, files: Collection[str]) -> bool:
    if path.name in FOLDERS:
        return path.is_dir() and not any(path.iterdir())
    on_its_way = re.fullmatch(r"\.(.+?)(\.\d+)?", path.name)
    return path.is_file() and (path.name in files or (on_its_way is not None and on_its_way[1] in files))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def alone(mark: Path) -> Iterator[None]:
    """Hold the mark of a data directory that is being made; the system lets go when this process ends.

    Raises
    ------
    Conflict
        Another process holds it.
    """
    with mark.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "another process is making this data directory", where=mark.parent, expected="wait until it has ended"
            ) from None
        yield


def toml(path: Path) -> str:
    """Write a path as the settings' file has it."""
    if any(ord(sign) < 32 for sign in str(path)):
        raise Unavailable("a path with control characters cannot be used", where=repr(str(path)))
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
