"""What is staged: the protected bytes of a request in a folder of their own, fsynced, with a signed record beside them.

    staged/ID/0.parquet 1.parquet …   the tables
    staged/ID/evidence.json           what was found out about them
    staged/ID/record.json             the request, digests, who and when, and the signature of disclosure over it

The folder gets its name in one step. What is there is used, and nothing is drawn again for the same request. Tables
with drawn noise stay when they have been published: an older backup of the records must find them, not draw others.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal.core.backup.archive import Overtaken
from commonweal.core.canonical import canonical
from commonweal.core.catalog import declaration
from commonweal.core.catalog.check import conform
from commonweal.core.catalog.digest import digest_of_conformed
from commonweal.core.durable import sync
from commonweal.core.errors import CommonwealError, Damaged, explain
from commonweal.core.settings import Settings
from commonweal.disclosure.certificate import is_signed, sign
from commonweal.disclosure.models import ProposalRecord

HEADING = "commonweal disclosure staged 1"
RECORD, EVIDENCE, LOCK = "record.json", "evidence.json", ".lock"


@dataclass(frozen=True)
class Staged:
    """Protected tables that are staged.

    Parameters
    ----------
    folder
        Where.
    said
        The signed record.
    """

    folder: Path
    said: Mapping[str, Any]

    def evidence(self) -> Any:
        """Read what was found out about the tables.

        Raises
        ------
        Damaged
            It is not what was staged.
        """
        try:
            evidence = json.loads((self.folder / EVIDENCE).read_bytes())
        except (OSError, ValueError) as error:
            raise _damaged(self.folder / EVIDENCE) from error
        if digest_of(evidence) != self.said["evidence"]:
            raise _damaged(self.folder / EVIDENCE)
        return evidence

    def tables(self) -> list[pa.Table]:
        """Read the tables.

        Raises
        ------
        Damaged
            One is not what was staged.
        """
        found = []
        for number, said in enumerate(self.said["tables"]):
            path = self.folder / f"{number}.parquet"
            dataset = declaration.parse(said["dataset"])
            try:
                with pq.ParquetFile(path) as file:
                    table = conform(dataset, file.read())
                same = digest_of_conformed(dataset, table) == said["digest"]
            except (OSError, pa.ArrowException, CommonwealError) as error:
                raise _damaged(path) from error
            if not same:
                raise _damaged(path)
            found.append(table)
        return found


def digest_of(evidence: Any) -> str:
    """Return the digest by which the ledger knows the evidence."""
    return sha256(canonical(evidence, where="evidence").encode()).hexdigest()


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the lock of what is staged: one process at a time draws, stages, publishes or removes."""
    try:
        settings.staged.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(settings.staged / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise explain(error, settings.staged) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for left in settings.staged.glob(".*"):
            if re.fullmatch(r"\.[0-9a-f]{64}", left.name):  # what a killed process was writing or removing
                shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def find(settings: Settings, identifier: str) -> Staged | None:
    """Return what is staged for a request; None if nothing is.

    Raises
    ------
    Damaged
        What is there was not staged by this installation, or was altered.
    """
    folder = settings.staged / identifier
    if not folder.is_dir():
        return None
    try:
        record = json.loads((folder / RECORD).read_bytes())
        said, signature = record["said"], str(record["signature"])
        whole = said["request"] == identifier and is_signed(settings.keys, HEADING, said, signature)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder / RECORD) from error
    if not whole:
        raise _damaged(folder / RECORD)
    return Staged(folder, said)


def write(settings: Settings, said: Mapping[str, Any], tables: Sequence[pa.Table], evidence: Any) -> Staged:
    """Stage tables, whole or not at all; the caller holds `alone`, and nothing is staged for this request.

    Raises
    ------
    Unavailable
        The disk is full or cannot be written to, or the signing key is missing.
    """
    folder = settings.staged / said["request"]
    signature = sign(settings, HEADING, said)
    unfinished = settings.staged / f".{said['request']}"
    try:
        unfinished.mkdir(mode=0o700)
        for number, table in enumerate(tables):
            pq.write_table(table, unfinished / f"{number}.parquet", compression="zstd", version="2.6")
        (unfinished / EVIDENCE).write_text(canonical(evidence, where="evidence"), encoding="utf-8")
        record = json.dumps({"said": said, "signature": signature}, ensure_ascii=False)
        (unfinished / RECORD).write_text(record, encoding="utf-8")
        for path in (*unfinished.iterdir(), unfinished):
            sync(path)
        unfinished.rename(folder)
        sync(settings.staged)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise explain(error, folder) from error
    return Staged(folder, said)


def remove(settings: Settings, identifier: str) -> None:
    """Remove what was staged for a request and is published; the caller holds `alone`."""
    folder = settings.staged / identifier
    unfinished = settings.staged / f".{identifier}"
    try:
        if folder.is_dir():
            folder.rename(unfinished)  # so that a killed process leaves no half of it under its name
            shutil.rmtree(unfinished)
    except OSError as error:
        raise explain(error, folder) from error


def files(settings: Settings, session: Session) -> Iterator[Callable[[], list[Path]]]:
    """Give, for a backup, the files of each proposal that is staged.

    What these records do not say to be published has nothing but its staged tables. Where it is published meanwhile,
    and they are removed, records of that moment are needed: with these it would neither be here nor there.
    """
    proposals = select(ProposalRecord.id, ProposalRecord.releases).order_by(ProposalRecord.id)
    for identifier, releases in session.execute(proposals):
        yield partial(_files_in, settings.staged / identifier, published=bool(releases))


def _files_in(folder: Path, *, published: bool) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        if published:
            return []
        raise Overtaken(folder) from None


def _damaged(path: Path) -> Damaged:
    return Damaged("this is not what was staged", where=path, expected="a backup that holds it, or another request")
