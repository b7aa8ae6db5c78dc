"""Models of flow on the site: gravity, radiation and opportunities fitted to published flows, scored and compared."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request

from commonweal.core.catalog import get
from commonweal.core.errors import InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.joining import span_of
from commonweal.mobility.flow_models.asking import Modelled
from commonweal.mobility.flow_models.comparing import Compared
from commonweal.mobility.flow_models.masses import Masses
from commonweal.mobility.flow_models.naming import MODELS
from commonweal.mobility.flow_models.published import MOST_AREAS_BY_DAY, MOST_DAYS, fitted
from commonweal.mobility.pages import beside, parts
from commonweal.mobility.pages.days import day_of
from commonweal.mobility.pages.models_figures import figures, name_of
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.documentation import address_of
from commonweal.web.geography import geography
from commonweal.web.languages import _, translated
from commonweal.web.reading import version_of
from commonweal.web.words import count, day_in_words, days_in_words

ADDRESS = "/mobility/models"
TABLES = {
    "flows": Wording("Flows by day"),
    "flows_consecutive": Wording("Consecutive locations"),
    "flows_all_pairs": Wording("All ordered pairs"),
    "flows_stays": Wording("From stay to stay"),
}

routes = APIRouter()


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="Models of flow, compared",
    tag="mobility",
    figure="models",
)
def models_page(
    request: Request,
    table: Annotated[
        str,
        Query(description="`flows`, `flows_consecutive`, `flows_all_pairs` or `flows_stays`.", examples=["flows"]),
    ] = "flows",
    day: Annotated[
        str | None, Query(description="Only this day; without it, all days together.", examples=["2026-03-03"])
    ] = None,
    population: Annotated[
        str | None,
        Query(description="A release of people by area, for models that need it.", examples=["mobility.population@1"]),
    ] = None,
    model: Annotated[
        str | None,
        Query(description="Whose flows are shown; without it, the best of held-out pairs.", examples=["radiation"]),
    ] = None,
    release: Annotated[int | None, RELEASE] = None,
) -> Document:
    """Fit models to published flows, say how near each comes, and show one of them against what was observed."""
    if table not in TABLES:
        raise InputError(
            Wording("there is no table %(name)s", name=repr(table)), where="table", expected=", ".join(TABLES)
        )
    if model and model not in MODELS:
        raise InputError(
            Wording("there is no model %(name)s", name=repr(model)), where="model", expected=", ".join(MODELS)
        )
    state, title = request.app.state, translated(Wording("Models of flow"))
    dataset = f"mobility.{table}"
    version = version_of(request, dataset, release)
    if version is None:
        return parts.nothing(request, title, "flow_models", table)
    shown_release = get(state.database, dataset, version)
    only = day_of(day, "day")
    days, span = (span_of(shown_release, one, "day") for one in (only, None))
    layer = beside.beside_of(request, shown_release, population, days, span)
    modelled = fitted(state.settings, state.database, dataset, version, only, Masses.of(layer.layer) if layer else None)
    shown = _shown(modelled, model)
    stood = shown_release.provenance.parameters.get("areas_at")
    places = geography(
        state.database,
        shown_release.area_set,
        modelled.released.codes,
        date.fromisoformat(stood) if stood else modelled.released.dates[0],
    )
    query = {
        "release": version,
        "table": table,
        "day": only,
        "population": layer.layer.release.label.replace(" ", "@") if layer else None,
        "model": shown.name if shown else None,
    }
    pinned = {name: str(value) for name, value in query.items() if value}
    return Document(
        title=title,
        template="mobility_models.html",
        package=parts.PACKAGE,
        lead=_lead(modelled),
        tiles=_tiles(modelled, shown),
        values={
            "tabs": parts.tabs(request),
            "form": {
                "pinned": pinned,
                "kept": [("release", release)] if release else [],
                "tables": [(name, translated(text), name == table) for name, text in TABLES.items()],
                "layers": beside.choices(request, shown_release, population),
                "models": [
                    (each.name, name_of(each), each is shown) for each in modelled.compared if each.fit is not None
                ],
            },
            "method": address_of("methods", "models-of-population-flow"),
            "releases": parts.origins([shown_release, *([layer.layer.release] if layer else [])]),
        },
        figures=figures(modelled, shown, places),
        notes=_notes(modelled),
        sources=[shown_release, *([layer.layer.release] if layer else [])],
        query=pinned,
        data={"flow_models": modelled.record()},
    )


def _shown(modelled: Modelled, asked: str | None) -> Compared | None:
    """Give the model that was asked for, or the one that foretells pairs best that it was not shown."""
    there = [each for each in modelled.compared if each.fit is not None]
    if asked:
        found = next((each for each in there if each.name == asked), None)
        if found is None:
            raise InputError(
                Wording("the model cannot be fitted to these flows"),
                where="model",
                expected=Wording(
                    "people by area, or one of: %(models)s", models=", ".join(each.name for each in there)
                ),
            )
        return found
    return max(there, key=lambda each: (each.pairs.cpc if each.pairs else each.cpc) or 0, default=None)


def _lead(modelled: Modelled) -> str:
    days = modelled.released.dates
    return _(
        "Fitted to published flows between %(areas)s areas, %(days)s",
        areas=count(len(modelled.released.codes)),
        days=day_in_words(days[0]) if len(days) == 1 else days_in_words(days[0], days[-1]),
    )


def _tiles(modelled: Modelled, shown: Compared | None) -> list[tuple[str, str]]:
    tiles = []
    if shown and shown.pairs:
        tiles.append((count(shown.pairs.cpc, 3), _("CPC of held-out pairs: %(model)s", model=name_of(shown))))
    return [
        *tiles,
        (count(modelled.released.known_pairs), _("pairs of areas with a published flow")),
        (count(modelled.released.hidden), _("flows not published, and left out")),
        parts.published_tile(modelled.release),
    ]


def _notes(modelled: Modelled) -> list[str]:
    notes = [
        _(
            "A flow that is not published takes no part in any fit or score. It is not taken for zero. Hidden flows "
            "are small ones, so models expect too much of them and too weak a deterrence by distance."
        ),
        _("Distances are geodesics between the middles of areas, in km. Flows within an area are left out."),
    ]
    if modelled.population is None:
        notes.append(_("Without people by area, only models that need none are fitted."))
    if not modelled.days_held_out:
        notes.append(
            _(
                "With more than %(areas)s areas or %(days)s days, days are not held out here; the command does so.",
                areas=count(MOST_AREAS_BY_DAY),
                days=count(MOST_DAYS),
            )
        )
    return [*notes, parts.why_suppressed(parts.threshold_of(modelled.release))]
