"""The inbox: a folder of this machine in which whoever runs it puts files that may then be imported on the site.

No file comes in by the site itself. Only plain files count that lie in the inbox or in a folder of it, neither hidden
nor behind a symbolic link; a name that somebody sends is only ever compared with theirs. A folder that is called as a
project is that project's alone.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from commonweal.core.durable import creating
from commonweal.core.errors import Conflict, InputError, explain
from commonweal.core.wording import Wording

MAPPING = ".toml"
LONGEST_MAPPING = 2**16


@dataclass(frozen=True, order=True)
class InboxFile:
    """A file that may be chosen.

    Parameters
    ----------
    folder
        Name of the folder it lies in; empty: the inbox itself.
    name
        What it is chosen by: its path in the inbox.
    size
        Octets.
    changed
        When it was last written to.
    """

    folder: str
    name: str
    size: int
    changed: datetime

    @property
    def is_mapping(self) -> bool:
        """Whether it says how files are to be read; else it is one to be read."""
        return self.name.endswith(MAPPING)


class Inbox:
    """The files in an inbox.

    Parameters
    ----------
    folder
        Where it is.
    without
        Names of folders in it that are not for whoever looks.

    Raises
    ------
    Unavailable
        It cannot be looked into.
    """

    def __init__(self, folder: Path, without: Collection[str] = ()) -> None:
        self.folder = folder
        try:
            self.is_there = folder.is_dir()
            there = sorted(_files_in(folder)) if self.is_there else []
            self._files = {file.name: file for file in there if file.folder not in without}
        except OSError as error:
            raise explain(error, folder) from error

    @property
    def records(self) -> list[InboxFile]:
        """Files of events and of cells, by folder and name."""
        return [file for file in self._files.values() if not file.is_mapping]

    @property
    def mappings(self) -> list[InboxFile]:
        """Files that say how others are to be read."""
        return [file for file in self._files.values() if file.is_mapping]

    def path(self, name: str) -> Path:
        """Give the place of a file by its name.

        Raises
        ------
        InputError
            There is no such file in the inbox.
        """
        if name not in self._files:
            raise InputError(
                Wording("there is no file %(name)s in the inbox", name=repr(name)),
                where="inbox",
                expected=Wording("a name from the list"),
            )
        return self.folder / name

    def chosen(self, names: Collection[str], folders: Collection[str], without: Collection[str] = ()) -> list[str]:
        """Give the names of the records that were chosen, one by one or as whole folders, in order.

        Parameters
        ----------
        names, folders
            What was chosen.
        without
            Of a folder, these are left out.

        Raises
        ------
        InputError
            Nothing was chosen, or something that is not there.
        """
        known = {file.folder for file in self.records} - {""}
        if unknown := [folder for folder in folders if folder not in known]:
            raise InputError(
                Wording("there is no folder %(name)s in the inbox", name=repr(unknown[0])),
                where="inbox",
                expected=Wording("a name from the list"),
            )
        for name in names:
            self.path(name)
        found = [
            file.name
            for file in self.records
            if file.name in names or (file.folder and file.folder in folders and file.name not in without)
        ]
        if not found:
            raise InputError(
                Wording("no file of records was chosen"), where="files", expected=Wording("at least one from the list")
            )
        return found

    def text(self, name: str) -> str:
        """Read a mapping.

        Raises
        ------
        InputError
            It is not there, or no text of a mapping's size.
        """
        try:
            with self.path(name).open("rb") as file:
                content = file.read(LONGEST_MAPPING + 1)
            if len(content) <= LONGEST_MAPPING:
                return content.decode()
        except OSError as error:
            raise explain(error, name) from error
        except UnicodeDecodeError:
            pass
        raise InputError(Wording("this is no mapping"), where=name, expected=Wording("a short file of text (TOML)"))

    def keep(self, name: str, text: str) -> Path:
        """Put a mapping into the inbox, unless one of this name is there.

        Raises
        ------
        Unavailable
            It cannot be written to.
        """
        path = self.folder / name
        if name not in self._files:
            with suppress(Conflict), creating(path, mode=0o600) as written:
                written.write_text(text)
        return path


def _files_in(folder: Path) -> Iterator[InboxFile]:
    for entry in _entries(folder):
        if entry.is_file(follow_symlinks=False):
            yield _file("", entry)
        elif entry.is_dir(follow_symlinks=False):
            for inner in _entries(Path(entry.path)):
                if inner.is_file(follow_symlinks=False):
                    yield _file(entry.name, inner)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        # What cannot be shown on a page as it is cannot be chosen there either.
        yield from (entry for entry in entries if entry.name.isprintable() and not entry.name.startswith("."))


def _file(folder: str, entry: os.DirEntry[str]) -> InboxFile:
    status = entry.stat(follow_symlinks=False)
    name = f"{folder}/{entry.name}" if folder else entry.name
    return InboxFile(folder, name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
