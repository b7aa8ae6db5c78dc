"""Writing reports as files: each whole or not at all, none over another unless that is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from commonweal.core.errors import Conflict, explain


def write_files(folder: Path, files: Mapping[str, bytes], *, force: bool = False) -> list[Path]:
    """Write files into a folder, which is made if it is not there.

    Parameters
    ----------
    files
        Content by name.
    force
        Whether files that are there may be replaced.

    Raises
    ------
    Conflict
        One is there already; none is written.
    Unavailable
        The folder cannot be written to.
    """
    paths = [folder / name for name in files]
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise Conflict("the file is there already", where=there[0], expected="another folder with --out, or --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in zip(paths, files.values(), strict=True):
            _write(path, content)
    except OSError as error:
        raise explain(error, folder) from error
    return paths


def _write(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        beside = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            beside.chmod(0o644)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
