"""The ledger as a page reads it: the entries of the domains that whoever asks may see; or what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from commonweal.core.errors import Damaged
from commonweal.core.identity.roles import Permission
from commonweal.disclosure.ledger.entries import Entry, links, read
from commonweal.disclosure.pages.seeing import domain_of
from commonweal.web.access import visitor_of


@dataclass(frozen=True)
class Ledger:
    """The ledger as it is.

    Parameters
    ----------
    entries
        All of it; of a ledger that is not whole, those that can be read.
    wrong
        Why it is not whole; None if it is.
    """

    entries: tuple[Entry, ...]
    wrong: Damaged | None = None


def ledger_of(request: Request) -> Ledger:
    """Read the whole ledger."""
    state = request.app.state
    with state.database.reading() as session:
        try:
            return Ledger(tuple(read(session, state.settings)))
        except Damaged as error:
            entries = (link.entry for link in links(session, state.settings.keys))
            return Ledger(tuple(entry for entry in entries if entry), error)


def seen_of(request: Request, ledger: Ledger) -> list[Entry]:
    """Give the entries about domains whose work whoever asks may follow, the newest first."""
    visitor = visitor_of(request)
    return [
        entry
        for entry in reversed(ledger.entries)
        if visitor.may_somewhere(Permission.FOLLOW, domain_of(entry, ledger.entries))
    ]
