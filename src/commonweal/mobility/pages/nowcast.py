"""The nowcast on the site: a published day, with what is hidden or missing of it modelled and marked as modelled."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.forecasts.asking import nowcast
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.days import day_of, days_of, days_written
from commonweal.mobility.pages.forecastable import (
    Area,
    Holidays,
    Table,
    To,
    chosen_key,
    dataset_of,
    form,
    pinned,
    places_of,
    release_of,
)
from commonweal.mobility.pages.nowcast_figures import Shown, figures
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.documentation import address_of
from commonweal.web.languages import _, translated
from commonweal.web.words import count, day_in_words

ADDRESS = "/mobility/nowcast"
LEVEL = 0.9

routes = APIRouter()


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="A day with what is hidden of it modelled",
    tag="mobility",
    figure="hours",
)
def nowcast_page(
    request: Request,
    table: Table = "presence",
    day: Annotated[str | None, Query(description="The day; without it, the last one.", examples=["2026-03-03"])] = None,
    holidays: Holidays = None,
    area: Area = None,
    to: To = None,
    release: Annotated[int | None, RELEASE] = None,
) -> Document:
    """Fill in what is suppressed or missing of a day by what is usual; each such value is marked as modelled."""
    dataset = dataset_of(table)
    state, title = request.app.state, translated(Wording("Nowcast"))
    found = release_of(request, dataset, release)
    if found is None:
        return parts.nothing(request, title, "nowcast", dataset.removeprefix("mobility."))
    unlike = days_of(holidays, "holidays")
    made = nowcast(state.settings, state.database, found, day_of(day, "day"), holidays=unlike, level=LEVEL)
    series, filled = made.series, made.filled
    shown = Shown(found, series, filled, places_of(request, found, series), chosen_key(series, filled.values, area, to))
    query = pinned(found, table, shown.key, day=filled.day.isoformat(), holidays=days_written(unlike))
    return Document(
        title=title,
        template="mobility_nowcast.html",
        package=parts.PACKAGE,
        lead=_lead(shown),
        tiles=_tiles(shown),
        values={
            "tabs": parts.tabs(request),
            "form": form(series, shown.places, query, release),
            "method": address_of("methods", "forecasts"),
            "releases": parts.origins([found]),
        },
        figures=figures(shown, LEVEL),
        notes=_notes(shown),
        sources=[found],
        query=query,
        data={"nowcast": made.record() | {"rows": list(made.records())}},
    )


def _lead(shown: Shown) -> str:
    return _(
        "%(day)s as it was published; what was hidden or missing is modelled, and marked so",
        day=day_in_words(shown.filled.day),
    )


def _tiles(shown: Shown) -> list[tuple[str, str]]:
    return [
        (count(shown.counted("reported")), _("values as published")),
        (count(shown.counted("modelled")), _("values modelled")),
        (count(shown.counted("missing")), _("values that not even the model knows")),
        parts.published_tile(shown.release),
    ]


def _notes(shown: Shown) -> list[str]:
    least = shown.series.least
    notes = [
        _(
            "A modelled value was not counted. It is what is usual of like days, brought to the level of the days "
            "around and of the day itself; it uses nothing that was hidden."
        ),
    ]
    if least is not None:
        notes += [
            _(
                "Where fewer than %(least)s people were, the value lies between 0 and %(most)s, and so does its "
                "interval.",
                least=count(least),
                most=count(least - 1),
            ),
            _(
                "Some counts are hidden only to protect others and may be larger. The release does not say which: what "
                "stands here for these is too low."
            ),
        ]
    return [
        *notes,
        _("Do not add modelled values up, and do not publish them as counts."),
        parts.why_suppressed(least),
    ]
