"""People by area, published as an open dataset."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from commonweal.core.areas import load
from commonweal.core.catalog import Input, code_version, publish
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.scaling.populations import DATASET, Population, population_table, read_populations
from commonweal.mobility.scaling.typed import read_typed


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
    made_from = Input(path.name, sha256(path.read_bytes()).hexdigest(), "file")
    return _publish(settings, database, populations, area_set, source, made_from, who)


def publish_typed(settings: Settings, database: Database, text: str, area_set: str, source: str, who: str) -> str:
    """Publish people by area that somebody typed or pasted; give the release's label.

    Raises
    ------
    InputError
        The text cannot be read, or nobody said whose numbers these are.
    """
    known = load(database, area_set)
    populations = read_typed(text, dict(zip(known.codes, known.names, strict=True)))
    if not source.strip():
        raise InputError(
            Wording("it says nothing of whose numbers these are"),
            where="source",
            expected=Wording("such as the census and its year"),
        )
    made_from = Input("typed on the site", sha256(text.encode()).hexdigest(), "text")
    return _publish(settings, database, populations, area_set, source.strip(), made_from, who)


def _publish(
    settings: Settings,
    database: Database,
    populations: Mapping[str, Population],
    area_set: str,
    source: str,
    made_from: Input,
    who: str,
) -> str:
    publication = publish(
        settings,
        database,
        DATASET,
        population_table(populations),
        inputs=[made_from],
        parameters={"area_set": area_set, "source": source},
        who=who,
        code=code_version("commonweal.mobility"),
        area_set=area_set,
    )
    return publication.release.label
