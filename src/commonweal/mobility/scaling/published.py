"""A published table of pairs, raked for whoever looks: once, and only what is raked while one waits."""

from __future__ import annotations

import pyarrow.compute as pc

from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.asking import named
from commonweal.mobility.one_at_a_time import one_at_a_time
from commonweal.mobility.published import table_of
from commonweal.mobility.scaling.asking import People, Question, people_of
from commonweal.mobility.scaling.raked_release import ENDS, RakedRelease, rake_release, require_pairs

KEPT = 32
"""How many raked tables are kept; a release never changes."""
MOST_AREAS, MOST_ROUNDS = 120, 200
"""Up to how many areas, and rounds of fitting, one waits; margins that hardly fit take thousands."""


@one_at_a_time(KEPT)
def raked(
    settings: Settings,
    database: Database,
    name: str,
    version: int,
    origins: str,
    destinations: str | None,
    growth: float | None,
    only: tuple[tuple[str, object], ...],
) -> RakedRelease:
    """Rake the rows of a release that have some values, such as those of a day.

    Parameters
    ----------
    name, version
        The release.
    origins, destinations
        Releases of people by area, with their versions, such as ``mobility.population@1``.
    growth
        By what part people grow in a year.
    only
        (key, value) of the rows.

    Raises
    ------
    InputError
        It is no table of pairs, has too many areas, or cannot be raked to these people.
    Unavailable
        Something else is being worked out.
    """
    release, table = table_of(settings, database, name, version)
    require_pairs(release)
    areas = max(len(pc.unique(table.column(end))) for end in ENDS)
    if areas > MOST_AREAS:
        raise InputError(
            Wording("%(areas)s areas take too long while somebody waits", areas=str(areas)),
            where=release.label,
            expected=Wording("commonweal mobility scale --method rake on the server"),
        )

    def people(label: str) -> People:
        return people_of(settings, named(database, label), release)

    into = people(destinations) if destinations else None
    asked = Question("rake", growth)
    return rake_release(database, release, table, people(origins), into, asked, dict(only), MOST_ROUNDS)
