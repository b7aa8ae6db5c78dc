"""What the folders of an installation hold: measured now and then, and never for long, since files may be millions."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from commonweal.core.settings import Settings

KEPT = 60.0
PATIENCE = 0.5
NAMES = ("lake", "store", "spill", "backups")


@dataclass(frozen=True)
class Folder:
    """What a folder holds.

    Parameters
    ----------
    name
        The setting that names it.
    path
        Where it is.
    files, size
        How many files, and their bytes.
    is_counted
        Whether all of it was counted, or there may be more.
    free
        Bytes that are left on its disk; None if the folder is not there.
    """

    name: str
    path: Path
    files: int
    size: int
    is_counted: bool
    free: int | None


@dataclass(frozen=True)
class Measured:
    """The folders as of a moment."""

    at: datetime
    folders: tuple[Folder, ...]


class Storage:
    """Measures the folders of an installation, at most once in a while.

    Parameters
    ----------
    settings
        Whose folders.
    kept
        Seconds for which a measurement is given again.
    patience
        Seconds after which counting one folder is given up.
    """

    def __init__(self, settings: Settings, kept: float = KEPT, patience: float = PATIENCE) -> None:
        self._settings, self._kept, self._patience = settings, kept, patience
        self._guard = threading.Lock()
        self._last: tuple[float, Measured] | None = None

    def measured(self) -> Measured:
        """Give what the folders hold: the data directory without those that have a row of their own, then these."""
        with self._guard:
            if self._last is None or time.monotonic() - self._last[0] > self._kept:
                self._last = (time.monotonic(), self._measure())
            return self._last[1]

    def _measure(self) -> Measured:
        own = [(name, getattr(self._settings, name)) for name in NAMES if getattr(self._settings, name) is not None]
        apart = {path for _, path in own}
        folders = [("data", self._settings.data), *own]
        return Measured(
            datetime.now(UTC), tuple(measure(name, path, apart - {path}, self._patience) for name, path in folders)
        )


def measure(name: str, path: Path, apart: Collection[Path] = (), patience: float = PATIENCE) -> Folder:
    """Count what is in a folder, at any depth.

    Parameters
    ----------
    name
        Of the setting.
    apart
        Folders in it that are not counted.
    patience
        Seconds after which it is given up.
    """
    deadline = time.monotonic() + patience
    left, files, size = [path], 0, 0
    while left and time.monotonic() < deadline:
        folder = left.pop()
        with suppress(OSError), os.scandir(folder) as entries:  # what goes while it is counted is not counted
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    left += {Path(entry.path)} - set(apart)
                elif entry.is_file(follow_symlinks=False):
                    files, size = files + 1, size + entry.stat(follow_symlinks=False).st_size
                if time.monotonic() > deadline:
                    left.append(folder)
                    break
    free = None
    with suppress(OSError):
        free = shutil.disk_usage(path).free
    return Folder(name, path, files, size, not left, free)
