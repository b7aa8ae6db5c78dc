"""Proving the ledger: nothing altered, removed, reordered, slipped in or put back, and no release without its entry."""

from __future__ import annotations

from sqlalchemy import select

from commonweal.core import catalog
from commonweal.core.audit import AuditEntry
from commonweal.core.canonical import JSON
from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError
from commonweal.core.findings import FINDINGS_KEPT, Finding, Report
from commonweal.core.heads import EMPTY
from commonweal.core.settings import Settings
from commonweal.disclosure.ledger.entries import ACTION, HEAD, keep_head, links, named


def verify(settings: Settings, database: Database) -> Report:
    """Read the whole ledger: its chain, every signature, its head, the audit log beside it, the releases under it."""
    findings: list[Finding] = []
    head = None
    try:
        head = HEAD.read(settings.keys)  # before the ledger, which only grows
    except CommonwealError as error:
        findings.append(Finding(None, str(error)))
    hashes: dict[int, str] = {}
    with database.reading() as session:
        noted = session.execute(
            select(AuditEntry.sequence, AuditEntry.details)
            .where(AuditEntry.action == ACTION)
            .order_by(AuditEntry.sequence)
        ).all()
        for link in links(session, settings.keys):
            findings += [Finding(link.sequence, what) for what in link.findings]
            # What was altered is not what others know by this hash.
            hashes[link.sequence] = link.entry.hash if link.entry else ""
    last = max(hashes, default=0)
    if head and head != EMPTY and last >= head.sequence and hashes.get(head.sequence) not in (head.hash, ""):
        findings.append(
            Finding(
                head.sequence,
                f"entry {head.sequence} is not the one that the key directory knows: "
                "the ledger up to it was rewritten or replaced",
            )
        )
    if head and last < head.sequence:
        missing = named(last + 1, head.sequence)
        findings.append(
            Finding(last + 1, f"{missing} missing: the end of the ledger was cut off, or an older one restored")
        )
    findings += _beside_the_log(hashes, [(sequence, details) for sequence, details in noted])
    for release in catalog.releases(database):
        told = release.certificate.ledger_entry.get("ledger") if release.certificate else None
        if told and hashes.get(told["sequence"]) != told["hash"]:
            findings.append(
                Finding(told["sequence"], f"{release.label} was published under an entry that is not there")
            )
    if head and not findings and last > head.sequence:
        head = keep_head(settings.keys, database)
    kept = tuple(findings[:FINDINGS_KEPT])
    return Report("ledger", "docs/disclosure.md", len(hashes), head, kept, len(findings))


def _beside_the_log(hashes: dict[int, str], noted: list[tuple[int, dict[str, JSON]]]) -> list[Finding]:
    """Compare the ledger with the entries of the audit log that name its own, one for each, in the same order."""
    findings: list[Finding] = []
    for expected, (sequence, details) in enumerate(noted, 1):
        number = details.get("sequence")
        if number != expected:
            return [*findings, Finding(expected, f"entry {expected} is not the next that the audit log tells of")]
        if hashes.get(expected, "") not in (details.get("hash"), ""):
            findings.append(
                Finding(expected, f"entry {expected} is not the one that entry {sequence} of the audit log tells of")
            )
        if expected not in hashes:
            findings.append(Finding(expected, f"{named(expected, expected)} missing, and the audit log tells of it"))
    findings += [
        Finding(number, f"the audit log does not tell of entry {number}") for number in hashes if number > len(noted)
    ]
    return findings
