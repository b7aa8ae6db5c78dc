"""Who sees what of disclosure control: of each domain what a right there opens."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from commonweal.core.identity.roles import Permission
from commonweal.core.identity.visitor import Visitor
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.releasing.proposals import Proposal

CHOOSERS = (Permission.RUN, Permission.KEEP)
"""Rights that open what is made of counts that nothing protects."""


def areas_of(proposal: Proposal) -> set[str]:
    """Give the area sets of a proposal's tables; empty where a table is about none."""
    return {table["area_set"] or "" for table in proposal.said["tables"]}


def may(visitor: Visitor, permission: Permission, proposal: Proposal) -> bool:
    """Say whether somebody may do something with all tables of a proposal."""
    return all(visitor.may(permission, proposal.domain, area) for area in areas_of(proposal))


def is_own(visitor: Visitor, proposal: Proposal) -> bool:
    """Say whether somebody made a proposal."""
    return visitor.person is not None and visitor.who == proposal.who


def sees(visitor: Visitor, proposal: Proposal) -> bool:
    """Say whether somebody may look at a proposal: whoever follows the work of its domain, and whoever made it."""
    return may(visitor, Permission.FOLLOW, proposal) or is_own(visitor, proposal)


def looks_inside(visitor: Visitor, proposal: Proposal) -> bool:
    """Say whether somebody sees numbers of an audit that help to work out what is hidden, and so are not published."""
    return any(may(visitor, right, proposal) for right in CHOOSERS)


def domain_of_people(people: str) -> str:
    """Give the domain that a set of people belongs to.

    Examples
    --------
    >>> domain_of_people("mobility/sl")
    'mobility'
    """
    return people.partition("/")[0]


def domain_of(entry: Entry, entries: Sequence[Entry]) -> str:
    """Give the domain that an entry of the ledger is about; empty if it names none."""
    said = entry.said
    match entry.kind:
        case "release":
            return str(said["tables"][0]["dataset"]).partition(".")[0]
        case "budget":
            return domain_of_people(said["people"])
        case "standing":
            return str(said["domain"])
        case "withdrawal":
            given = (one for one in entries if one.sequence == said["number"])
            return next((domain_of(one, entries) for one in given), "")
    return ""


def domains_open(visitor: Visitor, permission: Permission, domains: Collection[str]) -> list[str]:
    """Give those of some domains in which somebody holds a right, for whichever areas."""
    return sorted(domain for domain in domains if visitor.may_somewhere(permission, domain))
