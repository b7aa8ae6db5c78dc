"""What can go wrong, said so that a person can act on it.

One small hierarchy serves every way in: the command line prints one line and exits with `exit_code`, the API
answers with `problem` (RFC 9457), a page shows the sentence. A message says what was wrong, where, and what would
be right; it never quotes personal data.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, ClassVar

from commonweal.core.wording import Wording


class CommonwealError(Exception):
    """An error that a user can understand.

    Parameters
    ----------
    what
        What was wrong, as a clause without a full stop.
    where
        The file, row, field or name it concerns.
    expected
        What would be right, or what to do next.

    Examples
    --------
    >>> print(InputError("the latitude is 97.2", where="cells.csv, row 4", expected="between -90 and 90"))
    cells.csv, row 4: the latitude is 97.2 (expected: between -90 and 90)
    """

    title: ClassVar[str] = Wording("Something went wrong")
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str | Path | None = None, expected: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.expected = expected
        super().__init__(what, self.where, expected)

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        expected = f" (expected: {self.expected})" if self.expected else ""
        return " ".join(f"{where}{self.what}{expected}".split())

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.what, self.where, self.expected)


def _rebuild(kind: type[CommonwealError], what: str, where: str | None, expected: str | None) -> CommonwealError:
    return kind(what, where=where, expected=expected)


class InputError(CommonwealError):
    """Input that cannot be taken as it is."""

    title = Wording("The input cannot be used")
    status = 422
    exit_code = 2


class NotFound(CommonwealError):
    """A thing asked for by name that is not there."""

    title = Wording("Not found")
    status = 404
    exit_code = 3


class Conflict(CommonwealError):
    """Something is in the way: it exists already, or someone else holds it."""

    title = Wording("In conflict with what is there")
    status = 409
    exit_code = 4


class Refused(CommonwealError):
    """A rule forbids it."""

    title = Wording("Refused")
    status = 403
    exit_code = 5


class NotSignedIn(Refused):
    """Whoever asks has not said who they are, or not proven it."""

    title = Wording("Sign in first")
    status = 401
    exit_code = 8


class TooManyAttempts(Refused):
    """Somebody tried too often; after a while they may try again."""

    title = Wording("Too many attempts")
    status = 429
    exit_code = 9


class Unavailable(CommonwealError):
    """The disk, the database or another part this depends on cannot be used now; nothing was lost."""

    title = Wording("Not available")
    status = 503
    exit_code = 6


class Damaged(CommonwealError):
    """A file, a log or a key is not what its digest says it is."""

    title = Wording("Damaged")
    status = 500
    exit_code = 7


KINDS: dict[str, type[CommonwealError]] = {
    kind.__name__: kind
    for kind in (
        CommonwealError,
        InputError,
        NotFound,
        Conflict,
        Refused,
        NotSignedIn,
        TooManyAttempts,
        Unavailable,
        Damaged,
    )
}


def problem(error: CommonwealError, instance: str | None = None) -> dict[str, Any]:
    """Give an error as an RFC 9457 problem object.

    Examples
    --------
    >>> problem(NotFound("there is no dataset mobility.presense", expected="one of: mobility.presence"))["status"]
    404
    """
    fields = {
        "type": f"urn:commonweal:problem:{type(error).__name__}",
        "title": error.title,
        "status": error.status,
        "detail": str(error),
        "instance": instance,
    }
    return {name: value for name, value in fields.items() if value is not None}


_OPERATING_SYSTEM = {
    errno.ENOSPC: ("the disk is full", "free space there, then run the same command again; nothing was lost"),
    errno.EDQUOT: ("the disk quota is used up", "more quota, then the same command again; nothing was lost"),
    errno.EROFS: ("the file system is read-only", "a place that can be written to"),
    errno.EACCES: ("permission denied", "a file or folder that this user may use"),
    errno.EPERM: ("permission denied", "a file or folder that this user may use"),
    errno.ENOENT: ("there is no such file or folder", "the path of something that exists"),
    errno.ENOTDIR: ("a part of the path is not a folder", "the path of something that exists"),
    errno.EISDIR: ("this is a folder", "the path of a file"),
}


def explain(error: BaseException, where: str | Path | None = None) -> CommonwealError:
    """Turn an operating system's, database's or engine's error into one a user can act on.

    The original message is passed on only where it cannot quote data: from the operating system, never from an
    engine that may repeat the line it choked on.

    Examples
    --------
    >>> import errno
    >>> print(explain(OSError(errno.ENOSPC, "No space left on device", "/data/x")))
    /data/x: the disk is full (expected: free space there, then run the same command again; nothing was lost)
    """
    if isinstance(error, CommonwealError):
        return error
    if isinstance(error, OSError):
        place = where or error.filename
        for code, (what, expected) in _OPERATING_SYSTEM.items():
            # Arrow and SQLite pass the operating system's number on only in their text.
            if error.errno == code or f"[errno {code}]" in str(error):
                return Unavailable(what, where=place, expected=expected)
        if "not a Parquet file" in str(error) or "Parquet magic bytes" in str(error):
            return Damaged("this is not a readable Parquet file", where=place)
        return Unavailable(error.strerror or type(error).__name__, where=place)
    if isinstance(error, MemoryError):
        return Unavailable("out of memory", where=where, expected="a lower memory_limit, or a machine with more")
    text = str(error).lower()
    if "readonly database" in text or "unable to open database file" in text or "read-only" in text:
        return Unavailable("the database cannot be written to", where=where, expected="a data directory this user owns")
    # SQLite says only "disk I/O error" when the file that its processes share cannot grow.
    name = getattr(error, "sqlite_errorname", "")
    if "disk is full" in text or "no space left" in text or "out of disk" in text or name == "SQLITE_IOERR_SHMSIZE":
        return Unavailable("the disk is full", where=where, expected=_OPERATING_SYSTEM[errno.ENOSPC][1])
    if name.startswith("SQLITE_IOERR"):
        return Unavailable("the database file cannot be read or written", where=where, expected="a disk that works")
    if "database is locked" in text or "lock timeout" in text:
        return Conflict("another process holds the database", where=where, expected="a moment's patience, then again")
    if "no such table" in text or "undefinedtable" in text:
        return Unavailable("the database is not up to date", where=where, expected="run: commonweal db upgrade")
    if "malformed" in text or "not a database" in text:
        return Damaged("the database file is damaged", where=where, expected="a backup to restore")
    if "out of memory" in text:
        return Unavailable("the engine ran out of memory", where=where, expected="a higher memory_limit")
    return CommonwealError(
        f"unexpected {type(error).__name__}", where=where, expected="see the log with COMMONWEAL_DEBUG=1"
    )
