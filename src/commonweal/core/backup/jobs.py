"""Making and verifying backups as jobs, for those who ask a page for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.core import audit
from commonweal.core.backup import listing, service
from commonweal.core.domain import Domain
from commonweal.core.errors import Damaged, InputError, Refused
from commonweal.core.jobs import Running


def create(job: Running, rooms: Sequence[Domain]) -> dict[str, Any]:
    """Back up everything into the folders that the settings name.

    Killed and taken up again, it ends with one backup and one entry of the log.
    """
    data, keys = listing.folders(job.settings)
    taken_up = job.state.get("name")
    name = taken_up or listing.new_name()
    if not taken_up:
        job.save({"name": name})
    file, keys_file = data / name, keys / name

    def watch(done: int, total: int) -> None:
        job.progress(done, total, "copying")

    if taken_up and file.exists():  # it was given its name when it was whole
        manifest = service.verify(file, keys_file, watch)
        with job.database.transaction() as session:
            service.record(session, file, manifest, job.who)
    else:
        if taken_up:
            keys_file.unlink(missing_ok=True)  # of the attempt that was killed before the data had their name
        manifest = service.create(job.settings, job.database, rooms, file, keys_file, job.who, watch)
    job.log(f"{name}: {manifest.size:,} bytes in {len(manifest.entries):,} entries, {manifest.rows:,} records")
    return {"file": name, "digest": manifest.digest, "bytes": manifest.size, "keys": len(manifest.keys)}


def verify(job: Running) -> dict[str, Any]:
    """Prove that a backup is whole, and that its keys belong to it if they are there; the log keeps what was found.

    Raises
    ------
    Damaged, InputError, Refused
        Something is not as it should be.
    """
    backup = listing.get(job.settings, job.database, job.parameters["file"])
    with_keys = backup.keys_path is not None
    said: dict[str, Any] = {"bytes": backup.size, "with_keys": with_keys}
    try:
        manifest = service.verify(
            backup.path, backup.keys_path, lambda done, total: job.progress(done, total, "reading")
        )
        said |= {"whole": True, "digest": manifest.digest}
    except (Damaged, InputError, Refused) as error:
        said |= {"whole": False, "finding": error.what}
        raise
    finally:
        if "whole" in said:
            with job.database.transaction() as session:
                audit.record(session, who=job.who, action=service.VERIFY, what=backup.name, details=said)
    return said
