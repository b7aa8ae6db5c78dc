"""People by area, published as an open dataset."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from commonweal.core.areas import load
from commonweal.core.catalog import Input, code_version, publish
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.mobility.scaling.populations import DATASET, population_table, read_populations


def publish_population(settings: Settings, database: Database, path: Path, area_set: str, source: str, who: str) -> str:
    """Publish a file of people by area; give the release's label.

    Raises
    ------
    InputError
        The file cannot be used, or names an area that the set does not have.
    """
    populations = read_populations(path)
    known = load(database, area_set)
    unknown = sorted(set(populations) - set(known.codes))
    if unknown:
        raise InputError(
            f"{area_set} has no area {', '.join(unknown[:5])}", where=path, expected=f"codes such as {known.codes[0]}"
        )
    publication = publish(
        settings,
        database,
        DATASET,
        population_table(populations),
        inputs=[Input(path.name, sha256(path.read_bytes()).hexdigest(), "file")],
        parameters={"area_set": area_set, "source": source},
        who=who,
        code=code_version("commonweal.mobility"),
        area_set=area_set,
    )
    return publication.release.label
