"""What a release must prove before it is entered in the ledger: an audit of exactly its tables, beside earlier ones.

Under the rule ``threshold`` a release carries the evidence that `commonweal.disclosure.joint.Joint.evidence` gives: an
audit that names each table by its digest, and the attacks that could have refused it. Whatever the rule, records are of
the people that they were said to be of before, and no table is said to be protected by a rule that was not proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from commonweal.core.catalog import declaration
from commonweal.core.catalog.declaration import Dataset, Kind
from commonweal.core.errors import CommonwealError, Damaged, Refused
from commonweal.disclosure.ledger.budgets import RELEASE
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.models import ProposalRecord
from commonweal.disclosure.releasing.grounds import CHANGING, DIFFERENTIAL_PRIVACY
from commonweal.disclosure.service import ROUNDED_TOTALS, THRESHOLD

STORE = "store"
"""The kind of input that holds what is known of people."""
PROTECTED_TOGETHER = "the tables and the evidence that commonweal.disclosure.protect_together returned together"


class _Told(NamedTuple):
    """What the database tells of a release: the staged record, and dataset and version of each table."""

    said: Mapping[str, Any]
    releases: Sequence[Any]

    @property
    def tables(self) -> list[tuple[str, str]]:
        """Dataset and digest of each."""
        return [(table["dataset"]["name"], table["digest"]) for table in self.said["tables"]]


def refuse_unproven(session: Session, entries: Sequence[Entry], said: Mapping[str, Any], evidence: Any) -> None:
    """Do nothing if what is proposed proves that it may be released.

    Parameters
    ----------
    entries
        The whole ledger.
    said
        The staged record.
    evidence
        What was found out about its tables, as it was staged.

    Raises
    ------
    Refused
        There is no audit of these tables, it found an interval that is too narrow, it did not consider an earlier
        release, an attack succeeded or was not tried; the records were released as others' before; or their days were,
        under a rule that changes numbers.
    """
    where = ", ".join(table["dataset"]["name"] for table in said["tables"])
    _refuse_other_people(session, entries, said, where)
    if said["rule"] == ROUNDED_TOTALS:
        raise Refused(
            "totals by themselves",
            where=where,
            expected=f"a request under {THRESHOLD!s} for them and the tables that they could complete",
        )
    _refuse_narrowed(entries, said)
    if said["rule"] != THRESHOLD:
        _refuse_another_rule(said)
        _refuse_unproven_change(said, evidence, where)
        return
    k = said["parameters"].get("k")
    if type(k) is not int or k < 2:
        raise Refused("the rule has no k", where=where, expected="a whole number of people, at least 2")
    audit = _audit(evidence, where)
    if audit["required"] < k - 1 or (audit["narrowest"] is not None and audit["narrowest"] < audit["required"]):
        raise Refused("the audit found an interval that is too narrow", where=where, expected=PROTECTED_TOGETHER)
    if audit["narrowest"] is None and audit["small"] + audit["complementary"]:
        raise Refused("the audit measured no interval of what is hidden", where=where, expected=PROTECTED_TOGETHER)
    for table in said["tables"]:
        name = table["dataset"]["name"]
        if table["rule"] == THRESHOLD and audit["tables"].get(name) != table["digest"]:
            raise Refused("the audit is not of this table", where=name, expected=PROTECTED_TOGETHER)
        if table["rule"] not in (THRESHOLD, ROUNDED_TOTALS):
            raise Refused(f"it is protected by {table['rule']}", where=name, expected="a request under that rule")
    for names in _released(session, entries, said):
        if not names & set(audit["earlier"]):
            raise Refused(
                f"the audit did not consider {min(names)}, which was released of the same people before",
                where=where,
                expected="earlier=released_before(…), given to protect_together",
            )


def _refuse_narrowed(entries: Sequence[Entry], said: Mapping[str, Any]) -> None:
    """See that days are rounded or noised once: another base, another day beside them or one person more narrows it."""
    for entry in entries:
        rules = {str(said["rule"]), str(entry.said.get("rule"))}
        other = entry.said.get("request") != said["request"]
        if other and rules & CHANGING and concerns(entry, said["people"], said["first"], said["last"]):
            raise Refused(
                f"days of this period were released under {entry.said['rule']} before, in entry {entry.sequence}, and "
                "two releases of rounded or noised numbers narrow one another",
                where=str(said["people"]),
                expected="other days; or drawn noise, which is counted against a budget",
            )


def _refuse_another_rule(said: Mapping[str, Any]) -> None:
    """See that no table is said to be protected by another rule than that which the request is proven by, or judged."""
    for table in said["tables"]:
        if table["rule"] != said["rule"]:
            raise Refused(
                f"it is said to be protected by {table['rule']}",
                where=table["dataset"]["name"],
                expected="a request under that rule",
            )


def _refuse_unproven_change(said: Mapping[str, Any], evidence: Any, where: str) -> None:
    """Let noise pass by what it spends, an alternative to suppression by its audit; others are a steward's to judge."""
    if said["rule"] == DIFFERENTIAL_PRIVACY and said["spent"] is None:
        raise Refused("noise that spends nothing", where=where, expected="what it spends of a budget")
    if said["rule"] not in CHANGING:
        return
    audit = _audit(evidence, where)
    if audit["narrowest"] is None or audit["narrowest"] < audit["required"]:
        raise Refused("the audit found an interval that is too narrow", where=where, expected=PROTECTED_TOGETHER)
    for table in said["tables"]:
        if audit["tables"].get(table["dataset"]["name"]) != table["digest"]:
            raise Refused("the audit is not of this table", where=table["dataset"]["name"], expected=PROTECTED_TOGETHER)


def concerns(entry: Entry, people: str, first: str, last: str) -> bool:
    """Say whether an entry is of a release, without noise, about some people on some of their days (ISO)."""
    said = entry.said
    return (
        entry.kind == RELEASE
        and said["people"] == people
        and said["spent"] is None
        and said["first"] < last
        and first < said["last"]
    )


def counts_people(dataset: Dataset) -> bool:
    """Say whether a table counts people, so that later ones are audited beside it."""
    return any(measure.counts is not None and measure.kind is not Kind.RATIO for measure in dataset.measures)


def waiting_label(name: str, entry: int) -> str:
    """Name a table that has its entry and is not published yet."""
    return f"{name} of entry {entry}"


def _audit(evidence: Any, where: str) -> dict[str, Any]:
    from commonweal.disclosure.attacks.report import AttackReport

    try:
        found = evidence["audit"]
        report = AttackReport.parsed(evidence["attacks"])
        audit: dict[str, Any] = {name: int(found[name]) for name in ("required", "small", "complementary")}
        audit["narrowest"] = None if found["narrowest"] is None else int(found["narrowest"])
        audit |= {"tables": dict(found["tables"]), "earlier": list(found["earlier"])}
    except (KeyError, TypeError, ValueError, CommonwealError) as error:
        raise Refused("the tables come without an audit", where=where, expected=PROTECTED_TOGETHER) from error
    if report.refused or report.untried:
        raise Refused(str(report.said), where=where, expected=PROTECTED_TOGETHER)
    return audit


def _released(session: Session, entries: Sequence[Entry], said: Mapping[str, Any]) -> Iterator[set[str]]:
    """Give, for each table of counts that was released of the same people and days, the names it may have."""
    for entry, record in _others(session, entries, said):
        if not concerns(entry, said["people"], said["first"], said["last"]):
            continue
        versions = dict(record.releases)
        for table in record.said["tables"]:
            name = table["dataset"]["name"]
            if counts_people(declaration.parse(table["dataset"])):
                yield {waiting_label(name, entry.sequence), *([f"{name} {versions[name]}"] if name in versions else [])}


def _refuse_other_people(session: Session, entries: Sequence[Entry], said: Mapping[str, Any], where: str) -> None:
    own = _stores(said)
    for entry, record in _others(session, entries, said):
        if entry.said["people"] != said["people"] and own & _stores(record.said):
            raise Refused(
                f"what it was made from was released as records of {entry.said['people']} before",
                where=where,
                expected="the same name for the same people, so that what is released of them adds up",
            )


def _others(session: Session, entries: Sequence[Entry], said: Mapping[str, Any]) -> Iterator[tuple[Entry, _Told]]:
    told = {
        request: _Told(staged, releases)
        for request, staged, releases in session.execute(
            select(ProposalRecord.id, ProposalRecord.said, ProposalRecord.releases)
        )
    }
    for entry in entries:
        if entry.kind == RELEASE and entry.said["request"] != said["request"]:
            found = told.get(entry.said["request"])
            if found is None or found.tables != [(each["dataset"], each["digest"]) for each in entry.said["tables"]]:
                raise Damaged(f"what entry {entry.sequence} released is not told of any more", where="proposals")
            yield entry, found


def _stores(said: Mapping[str, Any]) -> set[str]:
    """Give the stores that tables were made from, by name: what is in one changes, whom it is about does not."""
    return {one["name"] for table in said["tables"] for one in table["inputs"] if one["kind"] == STORE}
