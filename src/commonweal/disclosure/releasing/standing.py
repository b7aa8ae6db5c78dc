"""Standing approvals: a steward approves a rule with its parameters once, and later releases under it need no other.

They are entries of the ledger, so that a withdrawn one does not come back with an old file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commonweal.core.canonical import canonical
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound
from commonweal.core.identity.visitor import Visitor
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.disclosure.ledger.entries import Entry, append, locked, read
from commonweal.disclosure.releasing.proposals import refuse_no_reason
from commonweal.disclosure.releasing.stewards import steward

GRANT, WITHDRAWAL = "standing", "withdrawal"


@dataclass(frozen=True)
class StandingApproval:
    """An approval of every release under a rule.

    Parameters
    ----------
    number
        That of its entry in the ledger.
    domain
        Whose releases it covers.
    datasets
        Which; all of the domain's if empty.
    rule, parameters
        What protects them. A release may have a greater *k*, and a smaller ρ or δ of thresholds; all else must be the
        same.
    given_by, given_at, why
        Who gave it, when and why.
    withdrawn_by, withdrawn_at
        Who withdrew it and when; None while it holds.
    """

    number: int
    domain: str
    datasets: tuple[str, ...]
    rule: str
    parameters: Mapping[str, Any]
    given_by: str
    given_at: datetime
    why: str
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None


def grant(
    settings: Settings,
    database: Database,
    rule: str,
    domain: str,
    parameters: Mapping[str, Any],
    by: Visitor | str,
    why: str,
    datasets: Sequence[str] = (),
) -> StandingApproval:
    """Give a standing approval.

    Parameters
    ----------
    by
        A steward of the domain: on the command line by name, ``"os:NAME"``.

    Raises
    ------
    Refused
        They are no steward of the domain.
    InputError
        There is no reason, or a name is none.
    """
    who = steward(by, domain)
    why = refuse_no_reason(why)
    if not rule.strip() or len(rule.splitlines()) != 1 or not re.fullmatch("[a-z0-9_]+", domain):
        raise InputError("this names no rule of a domain", where=f"{rule!r} for {domain!r}", expected="threshold")
    for name in datasets:
        if not name.startswith(f"{domain}."):
            raise InputError(f"{name} is not of {domain}", where="dataset", expected=f"{domain}.NAME")
    canonical(dict(parameters), where="parameters")
    with database.transaction() as session:
        locked(session, settings)
        said: dict[str, Any] = {
            "rule": rule,
            "domain": domain,
            "datasets": sorted(set(datasets)),
            "parameters": dict(parameters),
            "why": why,
        }
        entry, _ = append(
            session, settings, who=who, kind=GRANT, said=said, what=f"standing approval of {rule} in {domain}", why=why
        )
    return _approval(entry)


def withdraw(settings: Settings, database: Database, number: int, by: Visitor | str, why: str) -> StandingApproval:
    """Withdraw a standing approval; what was released under it stays.

    Raises
    ------
    NotFound
        There is none of this number that holds.
    Refused
        They are no steward of the domain.
    """
    why = refuse_no_reason(why)
    with database.transaction() as session:
        found = {one.number: one for one in given(locked(session, settings))}.get(number)
        if found is None or found.withdrawn_at is not None:
            raise NotFound(
                Wording("there is no standing approval of this number that holds"),
                where=str(number),
                expected="run: commonweal disclosure standing list",
            )
        who = steward(by, found.domain)
        append(
            session,
            settings,
            who=who,
            kind=WITHDRAWAL,
            said={"number": number, "why": why},
            what=f"standing approval {number} of {found.rule} in {found.domain}",
            why=why,
        )
    return next(one for one in approvals(settings, database) if one.number == number)


def approvals(settings: Settings, database: Database) -> list[StandingApproval]:
    """List all standing approvals, those that were withdrawn too."""
    with database.reading() as session:
        return given(read(session, settings))


def given(entries: Sequence[Entry]) -> list[StandingApproval]:
    """Give all standing approvals of a whole ledger, those that were withdrawn too."""
    withdrawn = {entry.said["number"]: entry for entry in entries if entry.kind == WITHDRAWAL}
    return [_approval(entry, withdrawn.get(entry.sequence)) for entry in entries if entry.kind == GRANT]


def covering(entries: Sequence[Entry], said: Mapping[str, Any]) -> StandingApproval | None:
    """Find the standing approval that covers what was proposed; None if none does.

    Parameters
    ----------
    entries
        The whole ledger.
    said
        The staged record of a proposal. What somebody had proposed before they gave an approval, it does not cover:
        that would be to approve one's own.
    """
    proposed = datetime.fromisoformat(said["at"])
    for approval in given(entries):
        own = approval.given_by == said["who"] and proposed < approval.given_at
        if approval.withdrawn_at is None and not own and covers(approval, said):
            return approval
    return None


def covers(approval: StandingApproval, said: Mapping[str, Any]) -> bool:
    """Tell whether a proposal keeps to the rule and parameters that were approved.

    Examples
    --------
    >>> from datetime import UTC
    >>> approved = StandingApproval(
    ...     1, "mobility", (), "threshold", {"k": 15}, "os:ada", datetime(2026, 1, 1, tzinfo=UTC), "usual")
    >>> table = {"dataset": {"name": "mobility.presence"}}
    >>> said = {"domain": "mobility", "rule": "threshold", "spent": None, "tables": [table]}
    >>> [covers(approved, said | {"parameters": {"k": k}}) for k in (14, 15, 20)]
    [False, True, True]
    """
    names = {table["dataset"]["name"] for table in said["tables"]}
    if (said["domain"], said["rule"]) != (approval.domain, approval.rule):
        return False
    if approval.datasets and not names <= set(approval.datasets):
        return False
    wanted = approvable(said)
    return wanted.keys() == approval.parameters.keys() and all(
        _as_safe(name, wanted[name], value) for name, value in approval.parameters.items()
    )


def approvable(said: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a standing approval that covers a proposal has as parameters: the rule's, and what is spent.

    Examples
    --------
    >>> spent = {"unit": "person-day", "rho": 0.5, "epsilon": 1.0, "delta": 1e-6, "threshold_delta": 1e-6}
    >>> approvable({"parameters": {"selects": True}, "spent": spent})
    {'selects': True, 'rho': 0.5, 'unit': 'person-day', 'threshold_delta': 1e-06}
    """
    found = dict(said["parameters"])
    if said["spent"] is not None:
        found |= {name: said["spent"][name] for name in ("rho", "unit")}
        if said["spent"].get("threshold_delta"):
            found["threshold_delta"] = said["spent"]["threshold_delta"]
    return found


def _as_safe(name: str, wanted: Any, approved: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (wanted, approved))
    if name == "k" and numbers:
        return bool(wanted >= approved)
    if name in ("rho", "threshold_delta") and numbers:
        return bool(wanted <= approved)
    return canonical(wanted) == canonical(approved)


def _approval(entry: Entry, withdrawn: Entry | None = None) -> StandingApproval:
    said = entry.said
    return StandingApproval(
        entry.sequence,
        said["domain"],
        tuple(said["datasets"]),
        said["rule"],
        said["parameters"],
        entry.who,
        entry.at,
        said["why"],
        withdrawn.who if withdrawn else None,
        withdrawn.at if withdrawn else None,
    )
