"""Proposals: protected tables that wait to become releases, or have become them, or shall not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.database import Database, take_turns
from commonweal.core.errors import Damaged, InputError, NotFound
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.disclosure.ledger.budgets import RELEASE, refuse_beyond_budget
from commonweal.disclosure.ledger.entries import Entry, read
from commonweal.disclosure.ledger.spending import spending_of
from commonweal.disclosure.models import ProposalRecord
from commonweal.disclosure.releasing import staged
from commonweal.disclosure.releasing.proving import concerns, refuse_unproven
from commonweal.disclosure.releasing.request import Request, conformed, digests, hidden
from commonweal.disclosure.releasing.staged import Staged


class Stage(StrEnum):
    """How far a proposal has come."""

    WAITING = "waiting"
    """Until a steward decides."""
    REJECTED = "rejected"
    APPROVED = "approved"
    """The ledger has its entry; what is killed before it is published is completed by a rerun."""
    PUBLISHED = "published"


@dataclass(frozen=True)
class Drawn:
    """What drawing gives.

    Parameters
    ----------
    tables
        One for each part of the request, noise in it.
    evidence
        What was found out about them, JSON.
    """

    tables: Sequence[pa.Table]
    evidence: Any = None


@dataclass(frozen=True)
class Proposal:
    """A request whose tables are staged.

    Parameters
    ----------
    id
        Digest of the request.
    stage
        How far it has come.
    said
        The staged record: people, period, rule, parameters, what is spent, tables, who, when.
    evidence
        What was found out about the tables, JSON.
    decided_by, decided_at, why
        Who approved or rejected it, when and why; None while it waits.
    entry
        The number of its entry in the ledger.
    releases
        What it became: dataset and version of each table.
    """

    id: str
    stage: Stage
    said: Mapping[str, Any]
    evidence: Any
    decided_by: str | None
    decided_at: datetime | None
    why: str | None
    entry: int | None
    releases: tuple[tuple[str, int], ...]

    @property
    def short(self) -> str:
        """What people type."""
        return self.id[:12]

    @property
    def who(self) -> str:
        """Who proposed it."""
        return str(self.said["who"])

    @property
    def domain(self) -> str:
        """Whose tables they are."""
        return str(self.said["domain"])

    @property
    def datasets(self) -> list[str]:
        """The names of the tables' datasets."""
        return [table["dataset"]["name"] for table in self.said["tables"]]

    @property
    def period(self) -> tuple[date, date]:
        """First and last-exclusive day."""
        return date.fromisoformat(self.said["first"]), date.fromisoformat(self.said["last"])


def propose(
    settings: Settings,
    database: Database,
    request: Request,
    tables: Sequence[pa.Table],
    *,
    evidence: Any = None,
    who: str,
) -> Proposal:
    """Stage protected tables, each as it would be published; nothing is published.

    Run again with the same, it finds what was staged.

    Parameters
    ----------
    tables
        One for each part of the request, from a rule of this room that draws no noise.
    evidence
        What was found out about them, JSON: under the rule ``threshold``, what `Joint.evidence` gives.
    who
        ``"os:NAME"`` or ``"person:NUMBER"``.

    Raises
    ------
    InputError, Refused
        A table cannot have been protected, the evidence does not prove that it was (see `refuse_unproven`), or the
        budget does not leave what the request would spend.
    Damaged
        The ledger, or what is staged, is not what it was.
    """
    checked = conformed(request, tables)
    identifier = request.identifier(digests(request, checked))
    return _staged(settings, database, request, identifier, lambda: Drawn(checked, evidence), drawn=False, who=who)


def propose_drawn(
    settings: Settings, database: Database, request: Request, draw: Callable[[], Drawn], *, who: str
) -> Proposal:
    """Stage tables with drawn noise. Where they are staged for this request already, nothing is drawn.

    Parameters
    ----------
    draw
        Draws the noise; it is called at most once for a request whose bytes are then staged, whatever is killed when.

    Raises
    ------
    InputError, Refused, Damaged
        As `propose`; the budget is looked at before anything is drawn. Or what was drawn is gone: drawing again would
        tell more than is spent.
    """
    return _staged(settings, database, request, request.identifier(None), draw, drawn=True, who=who)


def propose_made(
    settings: Settings, database: Database, request: Request, make: Callable[[], Drawn], *, who: str
) -> Proposal:
    """Stage tables that are protected beside what was released before. Where they are staged already, nothing is made.

    What was made before something else about the same people was released, and was not approved yet, is made again:
    it was not audited beside that.

    Parameters
    ----------
    make
        Makes the protected tables.

    Raises
    ------
    InputError, Refused, Damaged
        As `propose`.
    """
    return _staged(settings, database, request, request.identifier(None), make, drawn=False, who=who)


def proposals(database: Database, domain: str | None = None, stages: Sequence[Stage] = ()) -> list[Proposal]:
    """List proposals, the newest first.

    Parameters
    ----------
    domain
        Only of this domain.
    stages
        Only those that have come so far; all if empty.
    """
    wanted = select(ProposalRecord).order_by(ProposalRecord.proposed_at.desc(), ProposalRecord.id)
    if domain is not None:
        wanted = wanted.where(ProposalRecord.domain == domain)
    if stages:
        wanted = wanted.where(ProposalRecord.state.in_([stage.value for stage in stages]))
    with database.reading() as session:
        return [of(record) for record in session.scalars(wanted)]


def get(database: Database, identifier: str) -> Proposal:
    """Find a proposal by its digest, or by the beginning of it.

    Raises
    ------
    NotFound
        There is none, or more than one.
    """
    found = []
    if re.fullmatch(r"[0-9a-f]{4,64}", identifier):
        with database.reading() as session:
            alike = select(ProposalRecord).where(ProposalRecord.id.startswith(identifier)).limit(2)
            found = [of(record) for record in session.scalars(alike)]
    if len(found) == 1:
        return found[0]
    raise NotFound(
        Wording("several proposals begin like this") if found else Wording("there is no such proposal"),
        where=repr(identifier),
        expected="run: commonweal disclosure proposals",
    )


def of(record: ProposalRecord) -> Proposal:
    """Read a stored proposal."""
    return Proposal(
        record.id,
        Stage(record.state),
        record.said,
        record.evidence,
        record.decided_by,
        record.decided_at,
        record.why,
        record.entry,
        tuple((dataset, version) for dataset, version in record.releases),
    )


def _staged(
    settings: Settings,
    database: Database,
    request: Request,
    identifier: str,
    make: Callable[[], Drawn],
    *,
    drawn: bool,
    who: str,
) -> Proposal:
    with staged.alone(settings):
        with database.reading() as session:
            known = session.get(ProposalRecord, identifier)
        there = staged.find(settings, identifier)
        if known is not None and known.state == Stage.PUBLISHED:
            return of(known)
        after, since = _end(settings, database), None
        if there is not None and not drawn and outdated(settings, database, there) is not None:
            since = there.said["at"] if there.said["who"] == who else None
            staged.remove(settings, identifier)
            there = None
        if there is None:
            if drawn and known is not None:
                raise Damaged(
                    Wording("what was drawn for this request is gone, and drawing again would tell more than is spent"),
                    where=settings.staged / identifier,
                    expected="a backup that holds it, or another request",
                )
            _refuse_beyond_budget(settings, database, request)
            there = _write(
                settings, database, request, identifier, make(), drawn=drawn, after=after, since=since, who=who
            )
        return _recorded(database, there)


def outdated(settings: Settings, database: Database, there: Staged) -> Entry | None:
    """Give the entry of what was released of the same people and days since tables were made; None if nothing was.

    Nor are tables out of date that have an entry themselves.
    """
    with database.reading() as session:
        return newer_than(read(session, settings), there)


def newer_than(entries: Sequence[Entry], there: Staged) -> Entry | None:
    """Find in the ledger what `outdated` gives."""
    said = there.said
    if said["drawn"] or any(entry.kind == RELEASE and entry.said["request"] == said["request"] for entry in entries):
        return None
    since = (entry for entry in entries if entry.sequence > said["after"])
    return next((entry for entry in since if concerns(entry, said["people"], said["first"], said["last"])), None)


def _end(settings: Settings, database: Database) -> int:
    with database.reading() as session:
        entries = read(session, settings)
    return entries[-1].sequence if entries else 0


def _refuse_beyond_budget(settings: Settings, database: Database, request: Request) -> None:
    if request.loss is None:
        return
    with database.reading() as session:
        entries = read(session, settings)
    wanted = spending_of(request.record())
    assert wanted is not None
    refuse_beyond_budget(entries, request.people, wanted, request.clock)


def _write(
    settings: Settings,
    database: Database,
    request: Request,
    identifier: str,
    made: Drawn,
    *,
    drawn: bool,
    after: int,
    since: str | None,
    who: str,
) -> Staged:
    """Stage what was made after an entry of the ledger; what is made again was proposed when it first was."""
    now = datetime.now(UTC)
    tables = conformed(request, made.tables)
    said = request.record()
    said["tables"] = [
        asked
        | {
            "digest": digest,
            "rows": table.num_rows,
            "hidden": hidden(part.dataset, table),
            "started": (part.started or now).isoformat(),
        }
        for asked, part, table, digest in zip(
            said["tables"], request.parts, tables, digests(request, tables), strict=True
        )
    ]
    said |= {
        "request": identifier,
        "domain": request.domain,
        "drawn": drawn,
        "after": after,
        "evidence": staged.digest_of(made.evidence),
        "who": who,
        "at": since or now.isoformat(),
    }
    with database.reading() as session:
        refuse_unproven(session, read(session, settings), said, made.evidence)
    return staged.write(settings, said, tables, made.evidence)


def _recorded(database: Database, there: Staged) -> Proposal:
    """Record what is staged, once."""
    with database.transaction() as session:
        take_turns(session, b"prop")
        record = session.get(ProposalRecord, there.said["request"])
        if record is not None and record.said != there.said and record.state == Stage.WAITING:
            session.delete(record)  # made again
            session.flush()
            record = None
        if record is None:
            record = add(session, there)
            audit.record(
                session,
                who=there.said["who"],
                action="disclosure.propose",
                what=f"proposal {there.said['request'][:12]}",
                details={
                    "request": there.said["request"],
                    "rule": there.said["rule"],
                    "tables": {table["dataset"]["name"]: table["digest"] for table in there.said["tables"]},
                },
            )
        return of(record)


def add(session: Session, there: Staged) -> ProposalRecord:
    """Add the record of what is staged."""
    said = there.said
    record = ProposalRecord(
        id=said["request"],
        state=Stage.WAITING.value,
        domain=said["domain"],
        said=dict(said),
        evidence=there.evidence(),
        proposed_at=datetime.fromisoformat(said["at"]),
        decided_at=None,
        decided_by=None,
        why=None,
        entry=None,
        releases=[],
    )
    session.add(record)
    session.flush()
    return record


def refuse_no_reason(why: str | None) -> str:
    """See that a reason was given.

    Raises
    ------
    InputError
        There is none.
    """
    if not why or not why.strip():
        raise InputError(Wording("no reason was given"), where="why", expected=Wording("a sentence"))
    return why.strip()
