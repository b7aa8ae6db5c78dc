"""The ledger: what was released of whom, under which rule, what it spent, and who allowed it. Signed and append-only.

It also holds what decides about later releases: budgets and standing approvals. Whoever alters, cuts or puts back an
older ledger is found, since its end is known to the key directory and to the audit log.
"""

from __future__ import annotations

from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.disclosure import certificate
from commonweal.disclosure.ledger import entries

KEY_FILES = (*certificate.KEY_FILES, *entries.KEY_FILES)


def prepare(settings: Settings, database: Database) -> None:
    """Write the signing key and the head of an empty ledger, once, when a data directory is made."""
    certificate.create_keys(settings, database)
    entries.prepare(settings, database)
