"""What stands behind a release: its entry in the ledger, and what was found out about its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commonweal.core.catalog.release import Release
from commonweal.core.database import Database
from commonweal.core.errors import Damaged
from commonweal.core.settings import Settings
from commonweal.disclosure.ledger.entries import Entry, read
from commonweal.disclosure.models import ProposalRecord
from commonweal.disclosure.releasing import staged


@dataclass(frozen=True)
class Behind:
    """What stands behind a release.

    Parameters
    ----------
    entry
        Its entry in the ledger: people, period, rule, what was spent, who approved.
    evidence
        What was found out about the tables that were released together, JSON.
    """

    entry: Entry
    evidence: Any


def behind(settings: Settings, database: Database, release: Release) -> Behind | None:
    """Find what stands behind a release; None if it was published before there was a ledger, or is open data.

    Raises
    ------
    Damaged
        The ledger is not whole, or the evidence is not what it names.
    """
    told = release.certificate.ledger_entry.get("ledger") if release.certificate else None
    if told is None:
        return None
    with database.reading() as session:
        entry = next((one for one in read(session, settings) if one.sequence == told["sequence"]), None)
        record = session.get(ProposalRecord, entry.said["request"]) if entry else None
    if entry is None or entry.hash != told["hash"]:
        raise Damaged(f"{release.label} names an entry of the ledger that is not there", where="ledger")
    if record is None or staged.digest_of(record.evidence) != entry.said["evidence"]:
        raise Damaged(f"the evidence for {release.label} is not what the ledger names", where="ledger")
    return Behind(entry, record.evidence)
