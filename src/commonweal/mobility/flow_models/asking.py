"""What somebody asks of a release of flows: which models, of which days, with whose population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from commonweal.core.areas import load
from commonweal.core.catalog import Release, get
from commonweal.core.console import Home
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.comparing import Compared, compare
from commonweal.mobility.flow_models.distances import geodesic_distances
from commonweal.mobility.flow_models.fitted import Fit
from commonweal.mobility.flow_models.holding_out import HeldOut
from commonweal.mobility.flow_models.masses import Masses
from commonweal.mobility.flow_models.naming import MODELS, models_named
from commonweal.mobility.flow_models.places import Places
from commonweal.mobility.flow_models.released import ReleasedFlows, released_flows
from commonweal.mobility.scaling.asking import people_named


@dataclass(frozen=True, eq=False)
class Modelled:
    """Models of a release.

    Parameters
    ----------
    release
        What was read.
    released
        Its flows.
    population
        What people by area were read from, if they were given: a file, or a release.
    compared
        The models.
    folds, seed
        How pairs were held out.
    days_held_out
        Whether days were.
    """

    release: Release
    released: ReleasedFlows
    population: str | None
    compared: list[Compared]
    folds: int
    seed: int
    days_held_out: bool

    def only(self) -> Fit:
        """Give the fit of the one model that was asked for."""
        [fit] = [found.fit for found in self.compared if found.fit]
        return fit

    def lines(self) -> list[str]:
        """Say what the models were fitted to."""
        days, n = self.released.dates, len(self.released.codes)
        flows = n * (n - 1) * len(days)
        return [
            f"{self.release.label}: {n} areas, {days[0]} to {days[-1]}, {len(days)} days; of {flows:,} flows between "
            f"different areas {self.released.hidden:,} are not published and left out",
            "distance: geodesic between centroids, km; population: "
            + (self.population or "none, so only models that need none"),
        ]

    def record(self) -> dict[str, Any]:
        """Give all of it as JSON values, its choices included."""
        return {
            "release": self.release.label,
            "digest": self.release.digest,
            "area_set": self.release.area_set,
            "areas": list(self.released.codes),
            "days": [day.isoformat() for day in self.released.dates],
            "not_published": self.released.hidden,
            "choices": {
                "distance": "geodesic between centroids, km",
                "diagonal": "left out",
                "not_published": "left out of likelihoods and scores",
                "ties": "within",
                "population": self.population,
                "folds": self.folds,
                "seed": self.seed,
                "days_held_out": self.days_held_out,
            },
            "models": [found.record() for found in self.compared],
        }


def model_release(
    home: Home,
    name: str,
    version: int | None,
    models: Sequence[str],
    *,
    population: str | None,
    days: Sequence[date],
    folds: int,
    seed: int,
    one: bool = False,
) -> Modelled:
    """Fit models to a release.

    Parameters
    ----------
    home
        Where.
    name, version
        Of the dataset and release; the newest if None.
    models
        Their names; all that can be fitted if none.
    population
        People by area: a CSV file ``area,population``, or a release.
    days
        Which days; all if none.
    folds, seed
        How pairs are held out.
    one
        Whether one model only must be named, as for a nowcast.

    Raises
    ------
    NotFound
        There is no such release, area or day.
    InputError
        The release is no table of flows, a model is not known or was named and cannot be fitted, pairs cannot be
        divided into so many folds, or people of an area are missing.
    """
    if one and len(models) != 1:
        raise InputError(
            f"{len(models)} models were named to fill in flows",
            where="--model",
            expected=f"one of: {', '.join(MODELS)}",
        )
    chosen = models_named(models, population is not None)
    release = get(home.database, name, version)
    released = released_flows(release, release.table(home.settings)).on(days)
    if not released.known_pairs:
        raise InputError(
            "no flow between two areas is published",
            where=release.label,
            expected="days or areas of which some flows are not suppressed",
        )
    masses = Masses.told(people_named(home, release, population)) if population else None
    places = places_of(home.database, release, released, masses.people(released.codes) if masses else None)
    compared = compare(chosen, released, places, folds=folds, seed=seed)
    for found in compared:
        if models and found.fit is None:
            raise InputError(found.why_not, where=found.name)
    return Modelled(release, released, masses.label if masses else None, compared, folds, seed, True)


def places_of(
    database: Database, release: Release, released: ReleasedFlows, mass: Sequence[float] | None = None
) -> Places:
    """Give the areas of a release as models need them: how far apart their centroids are, and people in each if known.

    Raises
    ------
    InputError
        The release names no set of areas.
    NotFound
        There is no such area.
    """
    if release.area_set is None:
        raise InputError("it names no set of areas", where=release.label, expected="flows between known areas")
    stood = release.provenance.parameters.get("areas_at")
    at = date.fromisoformat(stood) if stood else released.dates[0]
    areas = load(database, release.area_set, at).subset(released.codes)
    return Places(geodesic_distances(areas.centroids()), mass)


def rows_of(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Give a table of models: parameters with standard errors, fit and scores."""
    return [
        {
            "model": found.name,
            "parameters": "; ".join(
                f"{name} {estimate.value:.4g} ± {estimate.standard_error:.2g}"
                for name, estimate in found.fit.parameters.items()
            )
            if found.fit
            else f"not fitted: {found.why_not}",
            "dispersion": _text(found.fit.dispersion if found.fit else None),
            "CPC": _text(found.cpc),
            "log-likelihood": _text(found.log_likelihood, ".1f"),
            "CPC of held-out pairs": _cpc(found.pairs),
            "CPC of held-out days": _cpc(found.days),
        }
        for found in compared
    ]


def _cpc(held: HeldOut | None) -> str:
    return _text(held.cpc if held else None)


def _text(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None or value != value else format(value, form)
