"""Models of a release, fitted for whoever looks: once, and only what is fitted while one waits."""

from __future__ import annotations

from datetime import date

from commonweal.core.catalog import get
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.asking import Modelled, places_of
from commonweal.mobility.flow_models.comparing import compare
from commonweal.mobility.flow_models.masses import Masses
from commonweal.mobility.flow_models.naming import models_named
from commonweal.mobility.flow_models.released import released_flows
from commonweal.mobility.one_at_a_time import one_at_a_time

KEPT = 16
"""How many sets of fitted models are kept; a release never changes."""
MOST_AREAS = 120
MOST_AREAS_BY_DAY, MOST_DAYS = 60, 31
"""Up to how many areas and days each day is held out too."""
FOLDS, SEED = 5, 0


@one_at_a_time(KEPT)
def fitted(
    settings: Settings, database: Database, name: str, version: int, day: date | None, masses: Masses | None
) -> Modelled:
    """Fit all models that can be to the days of a release, or to one of them, and score them.

    Raises
    ------
    InputError
        It is no release of flows by day, has too many areas, or people of an area are missing.
    NotFound
        The release has nothing of that day.
    Unavailable
        Others are being fitted.
    """
    release = get(database, name, version)
    released = released_flows(release, release.table(settings)).on([day] if day else [])
    areas, days = len(released.codes), len(released.dates)
    if areas > MOST_AREAS:
        raise InputError(
            Wording("%(areas)s areas take too long while somebody waits", areas=str(areas)),
            where=release.label,
            expected=Wording("commonweal mobility model on the server"),
        )
    mass = masses.people(released.codes) if masses else None
    places = places_of(database, release, released, mass)
    folds = FOLDS if released.known_pairs >= FOLDS else 0
    by_days = areas <= MOST_AREAS_BY_DAY and days <= MOST_DAYS
    compared = compare(
        models_named([], mass is not None), released, places, folds=folds, seed=SEED, hold_days_out=by_days
    )
    return Modelled(release, released, masses.label if masses else None, compared, folds, SEED, by_days)
