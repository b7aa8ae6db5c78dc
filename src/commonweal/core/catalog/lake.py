"""Folders of releases in the lake: written whole or not at all, under a lock, and swept after a crash.

A release is written to ``.incoming/ID/``, fsynced, and renamed to its place. Before the rename, ``.incoming/ID.target``
names that place and the entry of the audit log under which the database began it. So whatever a crash leaves can be
found without looking through the lake, and a folder at its place is swept only with a database that holds that entry
and not the release: a lake opened with another database, or with an older copy of it, loses nothing.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from commonweal.core.durable import sync
from commonweal.core.errors import Conflict, explain

INCOMING = ".incoming"
LOCK = ".lock"
PATIENCE = 600.0
_PLACE = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+/[0-9]+-[0-9a-f]+(-[0-9a-f]+)?")
_TARGET = re.compile(rf"(?P<place>{_PLACE.pattern})\n(?P<begun>[0-9]+ [0-9a-f]{{64}})\n")


@contextmanager
def locked(lake: Path) -> Iterator[None]:
    """Hold the lake's lock: one process at a time writes or sweeps.

    Raises
    ------
    Conflict
        If another process holds it for longer than ten minutes.
    Unavailable
        If the lake cannot be written to.
    """
    try:
        lake.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lake / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise explain(error, lake) from error
    try:
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise Conflict(
                        "another process has been publishing for ten minutes", where=lake, expected="wait for it to end"
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


class Placed:
    """A folder that stands at its place in the lake but is not yet recorded.

    Parameters
    ----------
    lake
        The lake.
    place
        Path of the folder, relative to the lake.
    target
        File that names the place until `keep` or `discard` says what became of it.
    """

    def __init__(self, lake: Path, place: str, target: Path) -> None:
        self.lake = lake
        self.place = place
        self._target = target

    def keep(self) -> None:
        """Forget that it was on its way: it is recorded. If this fails, the next sweep does it."""
        with suppress(OSError):
            self._target.unlink()

    def discard(self) -> None:
        """Remove the folder: it will not be recorded."""
        shutil.rmtree(self.lake / self.place, ignore_errors=True)
        self.keep()


def place(lake: Path, at: str, begun: str, write: Callable[[Path, str], None]) -> Placed:
    """Write a folder and rename it to its place. The caller holds the lock.

    Parameters
    ----------
    lake
        The lake.
    at
        Path relative to the lake. If a folder that nobody recorded stands there, a free place beside it is taken.
    begun
        Sequence and hash of the audit log's entry under which the caller began.
    write
        Called with an empty folder and the place that was taken.

    Raises
    ------
    Unavailable
        If the disk is full or cannot be written to; nothing is left behind.
    """
    identifier = uuid4().hex
    if (lake / at).exists():
        at = f"{at}-{identifier[:8]}"
    folder, target = lake / INCOMING / identifier, lake / INCOMING / f"{identifier}.target"
    try:
        folder.mkdir(parents=True)
        write(folder, at)
        for file in sorted(folder.iterdir()):
            sync(file)
        sync(folder)
        target.write_text(f"{at}\n{begun}\n", encoding="utf-8")
        sync(target)
        sync(folder.parent)
        (lake / at).parent.mkdir(exist_ok=True)
        sync(lake)
        os.replace(folder, lake / at)  # noqa: PTH105 - the tests stop the process here
        sync((lake / at).parent)
        sync(folder.parent)
    except Exception as error:
        for left in (folder, lake / at):
            shutil.rmtree(left, ignore_errors=True)
        with suppress(OSError):
            target.unlink(missing_ok=True)
        raise explain(error, lake) from error
    return Placed(lake, at, target)


def sweep(lake: Path, recorded: Callable[[str], bool], ours: Callable[[str], bool]) -> list[str]:
    """Remove what publishers that died left behind. The caller holds the lock.

    What was placed with another database is left, with its target, for that database to keep or to sweep.

    Parameters
    ----------
    lake
        The lake.
    recorded
        Whether the database knows the release at a place.
    ours
        Whether the database holds the entry of the audit log under which a release was begun.

    Returns
    -------
    list of str
        What was removed, relative to the lake.
    """
    incoming = lake / INCOMING
    removed = []
    try:
        for target in sorted(incoming.glob("*.target")):
            # A target that was cut short was never followed by a rename.
            if said := _TARGET.fullmatch(target.read_text(encoding="utf-8", errors="replace")):
                at = said["place"]
                if (lake / at).is_dir() and not recorded(at):
                    if not ours(said["begun"]):
                        continue
                    shutil.rmtree(lake / at)
                    removed.append(at)
            target.unlink()
        for folder in sorted(path for path in incoming.glob("*") if path.is_dir()):
            shutil.rmtree(folder)
            removed.append(f"{INCOMING}/{folder.name}")
    except OSError as error:
        raise explain(error, incoming) from error
    return removed


def unrecorded(lake: Path, places: set[str]) -> list[str]:
    """Return the folders of releases that the database does not know; they are left as they are."""
    found = (path.relative_to(lake).as_posix() for path in lake.glob("*/*") if path.is_dir())
    return sorted(at for at in found if _PLACE.fullmatch(at) and at not in places)
