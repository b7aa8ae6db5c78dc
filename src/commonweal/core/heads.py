"""The head of a log, kept in the key directory: how long the log is, and the hash it ends with.

A log that is chained by hashes proves its own inside; only something kept elsewhere can prove that its end was not cut
off and that it is not an older copy. A head may lag behind its log (the machine may stop between the two writes) and
never goes back.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from commonweal.core.durable import replacing
from commonweal.core.errors import Damaged, explain

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Head:
    """The last entry that is known to have been written.

    Parameters
    ----------
    sequence
        Its number; 0 while the log is empty.
    hash
        Its hash, 64 hexadecimal digits; zeros while the log is empty.
    """

    sequence: int
    hash: str


EMPTY = Head(0, "0" * 64)


def content_of(head: Head) -> bytes:
    """Give what a head's file holds."""
    return json.dumps(asdict(head)).encode()


@dataclass(frozen=True)
class HeadFile:
    """A file of the key directory that holds a head.

    Parameters
    ----------
    name
        Its name without ending; the file ends in ``.head``, and what writers wait for in ``.lock``.
    title
        What people call the log.
    verify
        The command that proves its entries.
    """

    name: str
    title: str
    verify: str

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.name}.head"

    @property
    def lock(self) -> str:
        """The name of the file that writers wait for."""
        return f"{self.name}.lock"

    def start(self, keys: Path) -> None:
        """Write the head of an empty log into a key directory; a head that is there already stays.

        Raises
        ------
        Unavailable
            The key directory cannot be written to.
        """
        with self._locked(keys):
            if not (keys / self.file).exists():
                self._write(keys, EMPTY)

    def read(self, keys: Path) -> Head:
        """Read the head.

        Raises
        ------
        Damaged
            It is missing, or not what `start` and `advance` write.
        Unavailable
            It cannot be read.
        """
        path = keys / self.file
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise Damaged(f"the head of {self.title} is missing", where=path, expected="a backup to restore") from None
        except OSError as error:
            raise explain(error, path) from error
        return self.parse(content, path)

    def parse(self, content: bytes, where: Path) -> Head:
        """Read what a head's file holds.

        Raises
        ------
        Damaged
            It is not what `start` and `advance` write.
        """
        try:
            said = json.loads(content)
            head = Head(said["sequence"], said["hash"])
        except (ValueError, KeyError, TypeError):
            head = None
        if (
            head is None
            or type(head.sequence) is not int
            or head.sequence < 0
            or not isinstance(head.hash, str)
            or not re.fullmatch("[0-9a-f]{64}", head.hash)
        ):
            raise Damaged(f"the head of {self.title} is not readable", where=where, expected="a backup to restore")
        return head

    def advance(self, keys: Path, newer: Callable[[Head], Head]) -> Head:
        """Move the head forward; what would move it back leaves it.

        Parameters
        ----------
        keys
            The key directory.
        newer
            Given the head as it is, finds the newest one. It runs while other writers of the head wait.

        Returns
        -------
        Head
            The head as it now is.
        """
        with self._locked(keys):
            head = self.read(keys)
            found = newer(head)
            if found.sequence <= head.sequence:
                return head
            self._write(keys, found)
            return found

    def follow(self, keys: Path, whole: Callable[[Head], Iterable[Head | None]]) -> Head:
        """Move the head forward to the end of the log, as far as the log is whole: it never vouches for damage.

        Parameters
        ----------
        keys
            The key directory.
        whole
            Given the head as it is, walks on from there: the head after each further entry, None where the log is
            damaged.

        Returns
        -------
        Head
            The head as it now is.
        """

        def newest(head: Head) -> Head:
            for further in whole(head):
                if further is None:
                    _log.error("%s is damaged, run: %s", self.title, self.verify)
                    break
                head = further
            return head

        return self.advance(keys, newest)

    @contextmanager
    def _locked(self, keys: Path) -> Iterator[None]:
        path = keys / self.lock
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise explain(error, path) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, keys: Path, head: Head) -> None:
        with replacing(keys / self.file, mode=0o600) as written:
            written.write_bytes(content_of(head))
