"""What was released about the same people before: what a reader has already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from commonweal.core import catalog
from commonweal.core.catalog import declaration
from commonweal.core.database import Database
from commonweal.core.errors import Damaged
from commonweal.core.settings import Settings
from commonweal.disclosure.drafts import Earlier, counting
from commonweal.disclosure.ledger.entries import Entry, read
from commonweal.disclosure.models import ProposalRecord
from commonweal.disclosure.releasing import staged
from commonweal.disclosure.releasing.proving import concerns, waiting_label


def rules_before(
    settings: Settings, database: Database, people: str, first: date, last: date
) -> list[tuple[str, dict[str, Any]]]:
    """Give the rules with their parameters, other than drawn noise, under which some people's days were released."""
    with database.reading() as session:
        return [
            (str(entry.said["rule"]), dict(entry.said["parameters"]))
            for entry in read(session, settings)
            if concerns(entry, people, first.isoformat(), last.isoformat())
        ]


def released_before(
    settings: Settings, database: Database, people: str, first: date, last: date, but: str | None = None
) -> list[Earlier]:
    """Read every table of counts, without noise, that the ledger has about some people on some of their days.

    Parameters
    ----------
    people
        As in the request.
    first, last
        First and last-exclusive day.
    but
        The identifier of a request that is left out.

    Raises
    ------
    Damaged
        The ledger is not whole, or a table is gone or is not what it was.
    """
    found = []
    with database.reading() as session:
        entries = [
            entry
            for entry in read(session, settings)
            if concerns(entry, people, first.isoformat(), last.isoformat()) and entry.said["request"] != but
        ]
        records = {entry.sequence: session.get(ProposalRecord, entry.said["request"]) for entry in entries}
        releases = {number: list(record.releases) for number, record in records.items() if record}
        audits = {number: (record.evidence or {}).get("audit", {}) for number, record in records.items() if record}
    for entry in entries:
        for name, version in releases.get(entry.sequence, ()):
            release = catalog.get(database, name, version)
            found.append(_known(entry, audits, Earlier(release.label, release.schema, release.table(settings))))
        if not releases.get(entry.sequence):  # approved, but not published yet
            there = staged.find(settings, entry.said["request"])
            if there is None:
                raise Damaged(f"what entry {entry.sequence} released is not there any more", where="staged tables")
            for table, said in zip(there.tables(), there.said["tables"], strict=True):
                dataset = declaration.parse(said["dataset"])
                label = waiting_label(dataset.name, entry.sequence)
                found.append(_known(entry, audits, Earlier(label, dataset, table)))
    return [one for one in found if counting(one.dataset) is not None]


def _known(entry: Entry, audits: Mapping[int, Any], earlier: Earlier) -> Earlier:
    """Add of which entry and days it is, and what its readers know of what it hid, as its audit tells."""
    days = date.fromisoformat(entry.said["first"]), date.fromisoformat(entry.said["last"])
    earlier = replace(earlier, entry=entry.sequence, days=days)
    hidden_too = audits.get(entry.sequence, {}).get("hidden_too", {}).get(earlier.dataset.name)
    if hidden_too is None or type(k := entry.said["parameters"].get("k")) is not int:
        return earlier
    return replace(earlier, k=k, hidden_too=tuple(hidden_too))
