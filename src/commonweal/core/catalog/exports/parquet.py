"""The release's own file, verified."""

from __future__ import annotations

import shutil
from typing import BinaryIO

from commonweal.core.catalog.reading import verified_file
from commonweal.core.catalog.release import Release
from commonweal.core.database import Database
from commonweal.core.settings import Settings


def write(settings: Settings, database: Database, release: Release, stream: BinaryIO) -> None:
    """Copy the file as it was published."""
    with verified_file(settings, release).open("rb") as file:
        shutil.copyfileobj(file, stream)
