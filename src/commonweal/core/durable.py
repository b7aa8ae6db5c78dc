"""Files that are whole or not there, and last: through a full disk, a killed process and a power cut.

A file is written under the name ``.NAME.PROCESS`` beside its own, synced, given its own name in one step, and its
folder synced. What fails leaves nothing behind. What a killed process was writing is removed by whoever writes the
same file next, or sweeps the folder. Workers of a cluster write to a folder they share under ``.NAME.PROCESS~MACHINE``
(`several_machines`), since a number of a process says nothing on another machine.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from commonweal.core.errors import Conflict, explain

_here = ""
ABANDONED = 86400  # seconds after which what another machine was writing is not expected to be finished


def several_machines() -> None:
    """Have this process tell what it writes from what processes of other machines write in the same folder."""
    global _here
    _here = f"~{os.uname().nodename}"


@contextmanager
def replacing(path: Path, *, mode: int = 0o666, parents: bool = False) -> Iterator[Path]:
    """Write a file whole: a crash leaves the former file or the new one.

    Parameters
    ----------
    path
        The file.
    mode
        Its permissions from the first byte on, less the process's umask.
    parents
        Whether to make the folders above it where they are missing, its own for the owner alone.

    Yields
    ------
    Path
        An empty file, to be written and closed; at the end of the block it takes the place of the former.

    Raises
    ------
    CommonwealError
        The operating system refused something, as `commonweal.core.errors.explain` says it of `path`. The former file
        stands; where only the folder could not be synced, the new one.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "greeting") as written:
    ...         size = written.write_text("Hello")
    ...     [(path.name, path.read_text()) for path in Path(folder).iterdir()]
    [('greeting', 'Hello')]
    """
    with _unfinished(path, mode, parents) as written:
        yield written
        sync(written)
        written.replace(path)
        sync(path.parent)


@contextmanager
def creating(path: Path, *, mode: int = 0o666, parents: bool = False) -> Iterator[Path]:
    """Write a file whole where there is none; one that is there is never replaced. See `replacing`.

    Raises
    ------
    Conflict
        There is one, perhaps of another process that was quicker; it, too, lasts.
    CommonwealError
        As `replacing`.
    """
    with _unfinished(path, mode, parents) as written:
        yield written
        sync(written)
        try:
            os.link(written, path)  # unlike a rename, it never replaces what is there
        except FileExistsError:
            raise Conflict("this is there already", where=path, expected="to keep it") from None
        finally:
            sync(path.parent)


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network shares cannot sync a folder; they keep its names in their own way.
        if error.errno != errno.EINVAL or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def sweep_unfinished(folder: Path) -> None:
    """Remove what killed processes were writing, at any depth of a folder."""
    _remove_unfinished(folder.rglob(".*"))


@contextmanager
def _unfinished(path: Path, mode: int, parents: bool) -> Iterator[Path]:
    written = path.with_name(f".{path.name}.{os.getpid()}{_here}")
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_unfinished(path.parent.glob(f".{escape(path.name)}.*"))
        written.unlink(missing_ok=True)
        os.close(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        yield written
    except OSError as error:
        raise explain(error, path) from error
    finally:
        with suppress(OSError):
            written.unlink(missing_ok=True)


def _remove_unfinished(paths: Iterable[Path]) -> None:
    for path in paths:
        found = re.fullmatch(r"\..+\.(\d+)(?:~(.+))?", path.name)
        if found and not (_is_running(int(found[1])) if found[2] in (None, os.uname().nodename) else _is_new(path)):
            path.unlink(missing_ok=True)


def _is_new(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime < ABANDONED
    return True


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
