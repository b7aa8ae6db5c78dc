"""What disclosure control keeps in the key directory: its signing key, its ledger's head, the secret of its noise."""

from __future__ import annotations

from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.disclosure import certificate
from commonweal.disclosure.ledger import entries
from commonweal.disclosure.rounding.secret import NOISE_SECRET, create_secret

KEY_FILES = (*certificate.KEY_FILES, *entries.KEY_FILES, NOISE_SECRET)


def prepare(settings: Settings, database: Database) -> None:
    """Write them, once, when a data directory is made."""
    certificate.create_keys(settings, database)
    entries.prepare(settings, database)
    create_secret(settings.keys)
