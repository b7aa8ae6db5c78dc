"""Approving and publishing: the ledger's entry first, then its head, then the releases. Each step may be done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal.core import audit, catalog
from commonweal.core.audit import AuditEntry
from commonweal.core.catalog import declaration
from commonweal.core.catalog.certificate import JUDGED, Certificate
from commonweal.core.catalog.provenance import Input
from commonweal.core.catalog.publishing import Publication
from commonweal.core.catalog.reading import verified_file
from commonweal.core.database import Database
from commonweal.core.errors import Conflict, Damaged, NotFound, Refused
from commonweal.core.identity.visitor import Visitor
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.disclosure.certificate import certify
from commonweal.disclosure.ledger.budgets import RELEASE, refuse_beyond_budget
from commonweal.disclosure.ledger.entries import ACTION, Entry, append, keep_head, locked
from commonweal.disclosure.ledger.spending import spending_of
from commonweal.disclosure.models import ProposalRecord
from commonweal.disclosure.releasing import staged
from commonweal.disclosure.releasing.grounds import is_known
from commonweal.disclosure.releasing.proposals import (
    Drawn,
    Proposal,
    Stage,
    add,
    get,
    newer_than,
    of,
    propose,
    propose_drawn,
    propose_made,
    refuse_no_reason,
)
from commonweal.disclosure.releasing.proving import refuse_unproven
from commonweal.disclosure.releasing.request import Request
from commonweal.disclosure.releasing.staged import Staged
from commonweal.disclosure.releasing.standing import covering
from commonweal.disclosure.releasing.stewards import steward

Allow = Callable[[Sequence[Entry], Staged], tuple[str, dict[str, Any]]]
"""Given the ledger and what is staged: who allows the release and what the entry says of it; or refuses."""


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Parameters
    ----------
    proposal
        The request, and how far it has come.
    publications
        The releases, in the order of the request's parts; none while the proposal waits.
    """

    proposal: Proposal
    publications: tuple[Publication, ...]

    @property
    def waits(self) -> bool:
        """Whether a steward must decide first."""
        return self.proposal.stage is Stage.WAITING


class Outdated(Conflict):
    """Something was released that the tables were not protected beside."""


class _Waits(Exception):
    """No standing approval covers it."""


def release(
    settings: Settings,
    database: Database,
    request: Request,
    made: Sequence[pa.Table] | Callable[[], Drawn],
    *,
    drawn: bool = True,
    evidence: Any = None,
    who: str,
) -> Outcome:
    """Propose, and publish at once if a standing approval covers it; run again, it finds or completes what there is.

    Parameters
    ----------
    made
        The protected tables; or the function that draws them, or makes them, with what was found out about them.
    drawn
        Whether that function draws noise: then it is called once for a request, for ever.
    evidence
        What was found out about the tables, where they are given.

    Raises
    ------
    Refused
        The budget does not leave what would be spent, the evidence does not prove that the tables are protected, or a
        steward has rejected the request.
    InputError, Damaged
        As `propose` and `propose_drawn`.
    """
    if callable(made):
        proposing = propose_drawn if drawn else propose_made
        proposal = proposing(settings, database, request, made, who=who)
    else:
        proposal = propose(settings, database, request, made, evidence=evidence, who=who)
    if proposal.stage is Stage.REJECTED:
        raise Refused(
            Wording("this request was rejected: %(why)s", why=proposal.why),
            where=f"proposal {proposal.short}",
            expected=Wording("another rule, or a steward who approves it after all"),
        )

    def standing(entries: Sequence[Entry], there: Staged) -> tuple[str, dict[str, Any]]:
        approval = covering(entries, there.said)
        if approval is None:
            raise _Waits
        return there.said["who"], {"standing": approval.number}

    try:
        return _entered_and_published(settings, database, proposal.id, standing)
    except _Waits:
        return Outcome(proposal, ())
    except Outdated:  # something was released meanwhile: made again, and audited beside it
        if not callable(made) or drawn:
            raise
        return release(settings, database, request, made, drawn=False, who=who)


def approve(
    settings: Settings, database: Database, identifier: str, by: Visitor | str, why: str | None = None
) -> Outcome:
    """Approve a proposal and publish it. If it is approved already, see that it is published.

    Parameters
    ----------
    identifier
        The proposal's, or the beginning of it.
    by
        A steward of its domain; on the command line by name, ``"os:NAME"``.

    Raises
    ------
    Refused
        It is their own, they are no steward, or the budget does not leave what it spends.
    """
    proposal = get(database, identifier)
    who = steward(by, proposal.domain, _areas(proposal))

    def decision(entries: Sequence[Entry], there: Staged) -> tuple[str, dict[str, Any]]:
        if there.said["who"] == who:  # as it was signed, not as the database has it
            raise Refused(
                Wording("whoever made a proposal cannot approve it"),
                where=f"proposal {proposal.short}",
                expected=Wording("another steward"),
            )
        return who, {"by": who, "why": why}

    return _entered_and_published(settings, database, proposal.id, decision, why)


def reject(settings: Settings, database: Database, identifier: str, by: Visitor | str, why: str) -> Proposal:
    """Reject a proposal; whoever made it may do so too. What is staged stays, so that it can be approved after all.

    Raises
    ------
    Conflict
        It is approved already.
    Refused
        They are neither a steward nor the one who made it.
    """
    why = refuse_no_reason(why)
    proposal = get(database, identifier)
    own = not isinstance(by, str) and by.person is not None and by.who == proposal.who
    who = proposal.who if own else steward(by, proposal.domain, _areas(proposal))
    with database.transaction() as session:
        entries = locked(session, settings)
        record = session.get_one(ProposalRecord, proposal.id)
        if _entry_of(entries, proposal.id) is not None:
            raise Conflict(
                Wording("this proposal is approved already"),
                where=f"proposal {proposal.short}",
                expected=Wording("a release is never withdrawn"),
            )
        if record.state != Stage.REJECTED:
            record.state, record.decided_by, record.decided_at, record.why = (
                Stage.REJECTED.value,
                who,
                datetime.now(UTC),
                why,
            )
            audit.record(
                session, who=who, action="disclosure.reject", what=f"proposal {proposal.short}", why=why,
                details={"request": proposal.id},
            )  # fmt: skip
        return of(record)


def _areas(proposal: Proposal) -> set[str]:
    return {table["area_set"] or "" for table in proposal.said["tables"]}


def _entered_and_published(
    settings: Settings, database: Database, identifier: str, allow: Allow, why: str | None = None
) -> Outcome:
    with staged.alone(settings):
        there = staged.find(settings, identifier)
        with database.reading() as session:
            known = session.get(ProposalRecord, identifier)
        if known is not None and known.state == Stage.PUBLISHED:
            if there is not None and not there.said["drawn"]:
                staged.remove(settings, identifier)  # as whoever published it meant to
            return Outcome(of(known), _published(settings, database, of(known)))
        if there is None:
            raise Damaged(
                Wording("the tables of this proposal are gone"),
                where=settings.staged / identifier,
                expected="a backup that holds them, or the same work again",
            )
        tables = there.tables()
        certificates = _entered(settings, database, there, allow, why)
        # From here on the entry cannot be lost with an older copy of the database.
        keep_head(settings.keys, database)
        publications = tuple(
            _publish(settings, database, said, table, certificate, there.said["who"])
            for said, table, certificate in zip(there.said["tables"], tables, certificates, strict=True)
        )
        proposal = _recorded_as_published(database, identifier, publications)
        if not there.said["drawn"]:
            staged.remove(settings, identifier)
        return Outcome(proposal, publications)


def _entered(settings: Settings, database: Database, there: Staged, allow: Allow, why: str | None) -> list[Certificate]:
    """Commit the entry of the ledger, unless it is there, and sign the certificates that name it."""
    said = there.said
    with database.transaction() as session:
        entries = locked(session, settings)
        entry = _entry_of(entries, said["request"])
        record = session.get(ProposalRecord, said["request"]) or add(session, there)
        if entry is None:
            newer = newer_than(entries, there)
            if newer is not None:
                raise Outdated(
                    Wording("other tables about the same people were released since these were made"),
                    where=f"proposal {said['request'][:12]}",
                    expected=Wording("the same run again, so that they are protected beside those"),
                )
            refuse_unproven(session, entries, said, there.evidence())
            who, approval = allow(entries, there)
            if record.said != said or staged.digest_of(record.evidence) != said["evidence"]:
                raise Damaged(  # whoever allows it was shown something else
                    "what the database tells of this proposal, or of the evidence for it, is not what was staged",
                    where=f"proposal {said['request'][:12]}",
                    expected="the same request again",
                )
            wanted = spending_of(said)
            if wanted is not None:
                refuse_beyond_budget(entries, said["people"], wanted, said["clock"])
            entry, noted = append(
                session,
                settings,
                who=who,
                kind=RELEASE,
                said={
                    "request": said["request"],
                    "tables": [
                        {"dataset": table["dataset"]["name"], "digest": table["digest"], "rule": table["rule"]}
                        for table in said["tables"]
                    ],
                    **{name: said[name] for name in ("people", "first", "last", "clock", "rule", "parameters")},
                    "spent": said["spent"],
                    "approval": approval,
                    "evidence": said["evidence"],
                    "proposed_by": said["who"],
                },
                what=f"release of {', '.join(table['dataset']['name'] for table in said['tables'])}",
                why=why,
            )
            record.decided_by, record.decided_at, record.why = who, entry.at, why
        else:
            noted = _noted(session, entry)
        if record.state != Stage.PUBLISHED:
            record.state, record.entry = Stage.APPROVED.value, entry.sequence
        # Signed inside the transaction: without a usable key nothing is entered.
        return [_certificate(settings, entry, noted, table) for table in said["tables"]]


def _certificate(settings: Settings, entry: Entry, noted: AuditEntry, said: Mapping[str, Any]) -> Certificate:
    name, digest = said["dataset"]["name"], said["digest"]
    if not any((table["dataset"], table["digest"]) == (name, digest) for table in entry.said["tables"]):
        raise Damaged(f"{name} is not what entry {entry.sequence} of the ledger names", where="staged tables")
    return certify(
        settings,
        dataset=name,
        digest=digest,
        rule=said["rule"] if is_known(said["rule"]) else f"{said['rule']}{JUDGED}",
        parameters=said["parameters"],
        ledger_entry={
            "sequence": noted.sequence,
            "hash": noted.hash,
            "ledger": {"sequence": entry.sequence, "hash": entry.hash},
        },
    )


def _entry_of(entries: Sequence[Entry], request: str) -> Entry | None:
    return next((entry for entry in entries if entry.kind == RELEASE and entry.said["request"] == request), None)


def _noted(session: Session, entry: Entry) -> AuditEntry:
    """Find the audit entry that tells of an entry of the ledger: there is one for each, in the same order."""
    each = select(AuditEntry).where(AuditEntry.action == ACTION).order_by(AuditEntry.sequence)
    noted = session.scalar(each.offset(entry.sequence - 1).limit(1))
    if noted is None or noted.details.get("hash") != entry.hash:
        raise Damaged(f"the audit log does not tell of entry {entry.sequence}", where="ledger")
    return noted


def _publish(
    settings: Settings,
    database: Database,
    said: Mapping[str, Any],
    table: pa.Table,
    certificate: Certificate,
    who: str,
) -> Publication:
    return catalog.publish(
        settings,
        database,
        declaration.parse(said["dataset"]),
        table,
        inputs=[Input(**one) for one in said["inputs"]],
        parameters=said["parameters"],
        who=who,
        certificate=certificate,
        code=said["code"],
        area_set=said["area_set"],
        started=datetime.fromisoformat(said["started"]),
    )


def _recorded_as_published(database: Database, identifier: str, publications: Sequence[Publication]) -> Proposal:
    with database.transaction() as session:
        record = session.get_one(ProposalRecord, identifier)
        record.state = Stage.PUBLISHED.value
        record.releases = [[one.release.dataset, one.release.version] for one in publications]
    return of(record)


def _published(settings: Settings, database: Database, proposal: Proposal) -> tuple[Publication, ...]:
    found = []
    for dataset, version in proposal.releases:
        try:
            there = catalog.get(database, dataset, version)
        except NotFound as error:
            raise Damaged(
                f"{dataset} {version} was published and is gone", where=f"proposal {proposal.short}"
            ) from error
        verified_file(settings, there)
        found.append(Publication(there, new=False))
    return tuple(found)
