"""The key directory as a backup sees it: some small files, and whether they belong to the data and are not ahead of it.

Files that end in ``.key`` are keys: long, random and never changed, so the data can name them by their SHA-256 without
saying anything about them. Those that end in ``.head`` follow the data and say how far it has come. Files that end in
``.lock`` say nothing. Others, such as a secret that somebody else chose, come along without being named.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from commonweal.core import audit_head
from commonweal.core.audit_head import Head
from commonweal.core.backup.archive import Manifest
from commonweal.core.errors import Damaged, Refused, explain


def files(folder: Path) -> dict[str, bytes]:
    """Read all files by their path below the folder; there are none where there is no folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name.startswith(".") or path.suffix == ".lock" or not path.is_file():
            continue
        try:
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
        except FileNotFoundError:
            continue  # destroyed meanwhile
        except OSError as error:
            raise explain(error, path) from error
    return found


def fingerprints(files: Mapping[str, bytes]) -> dict[str, str]:
    """Give the SHA-256 of every key."""
    return {name: sha256(content).hexdigest() for name, content in files.items() if name.endswith(".key")}


def refuse_others(manifest: Manifest, keys: Mapping[str, bytes], where: Path) -> None:
    """See that the keys are those of the data, and that the data's audit log is not behind their head.

    Parameters
    ----------
    manifest
        Of the data.
    keys
        What is in the key directory, or in the backup of one.
    where
        Which of the two, for the error.

    Raises
    ------
    Damaged
        A key is missing, or another.
    Refused
        The log is behind the head, or another log.
    """
    _refuse_ahead(manifest.audit, head_in(keys, where), where)
    there = fingerprints(keys)
    for name, fingerprint in manifest.keys.items():
        if there.get(name) != fingerprint:
            raise Damaged(
                f"the key {name} is {'not that of the data' if name in there else 'missing'}",
                where=where,
                expected="the keys that were backed up with the data",
            )


def head_in(keys: Mapping[str, bytes], where: Path) -> Head | None:
    """Give the head of the audit log, if there is one."""
    content = keys.get(audit_head.FILE)
    return None if content is None else audit_head.parse(content, where / audit_head.FILE)


def _refuse_ahead(end: Head, head: Head | None, where: Path) -> None:
    if head is None or head.sequence < end.sequence or head == end:
        return
    expected = "a newer backup of the data; if there is none, see docs/backup.md#when-only-the-data-is-lost"
    if head.sequence == end.sequence:
        raise Refused("this is the head of another audit log than the data's", where=where, expected=expected)
    first, last = end.sequence + 1, head.sequence
    missing = f"entry {first} is" if first == last else f"entries {first} to {last} are"
    raise Refused(
        f"the data are older than these keys: {missing} missing from their audit log, and all that was done then",
        where=where,
        expected=expected,
    )
