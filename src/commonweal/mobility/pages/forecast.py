"""The forecast on the site: what is expected of a coming day by hour, with intervals, and what is usual of the week."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.saying import LIKE_NAMES
from commonweal.mobility.forecasts.asking import Foreseen, foresee
from commonweal.mobility.forecasts.forecast import FARTHEST
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.days import day_of, days_of, days_written
from commonweal.mobility.pages.forecast_figures import Shown, figures
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
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.documentation import address_of
from commonweal.web.languages import _, translated
from commonweal.web.words import count, day_in_words, days_in_words, share

ADDRESS = "/mobility/forecast"

routes = APIRouter()


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="What is expected of a coming day",
    tag="mobility",
    figure="hours",
)
def forecast_page(
    request: Request,
    table: Table = "presence",
    day: Annotated[
        str | None, Query(description="The day; without it, the one after the last.", examples=["2026-03-04"])
    ] = None,
    event: Annotated[
        str | None,
        Query(
            description="Earlier dates of the event or holiday that the day is, with commas between them.",
            examples=["2026-03-02"],
        ),
    ] = None,
    holidays: Holidays = None,
    area: Area = None,
    to: To = None,
    release: Annotated[int | None, RELEASE] = None,
) -> Document:
    """Say what is expected of a day to come hour by hour, between what bounds, and how good such forecasts were."""
    dataset = dataset_of(table)
    state, title = request.app.state, translated(Wording("Forecast"))
    found = release_of(request, dataset, release)
    if found is None:
        return parts.nothing(request, title, "forecast", dataset.removeprefix("mobility."))
    seen = foresee(
        state.settings,
        state.database,
        found,
        day_of(day, "day"),
        event=days_of(event, "event"),
        holidays=days_of(holidays, "holidays"),
    )
    places = places_of(request, found, seen.series)
    shown = Shown(seen, places, chosen_key(seen.series, seen.found.expected, area, to))
    plan = seen.found.plan
    query = pinned(
        found,
        table,
        shown.key,
        day=plan.day.isoformat(),
        event=days_written(plan.event),
        holidays=days_written(plan.holidays),
    )
    return Document(
        title=title,
        template="mobility_forecast.html",
        package=parts.PACKAGE,
        lead=_lead(seen),
        tiles=_tiles(seen),
        values={
            "tabs": parts.tabs(request),
            "form": form(seen.series, places, query, release),
            "method": address_of("methods", "forecasts"),
            "releases": parts.origins([found]),
        },
        figures=figures(shown),
        notes=_notes(seen),
        sources=[found],
        query=query,
        data={"forecast": seen.record()},
    )


def _lead(seen: Foreseen) -> str:
    return _(
        "Modelled for %(day)s from what was published of %(days)s, %(like)s",
        day=day_in_words(seen.found.plan.day),
        days=days_in_words(seen.series.dates[0], seen.series.dates[-1]),
        like=translated(LIKE_NAMES[seen.found.like]),
    )


def _tiles(seen: Foreseen) -> list[tuple[str, str]]:
    score = seen.score
    tiles: list[tuple[str, str]] = []
    if score.counts:
        tiles.append((count(score.error, 1), _("people, mean error of the last days")))
        tiles.append((count(score.naive_error, 1), _("people, of the same hour of last week")))
    if score.inside == score.inside:
        tiles.append(
            (share(score.inside), _("of counts in their interval, %(level)s should be", level=share(score.level)))
        )
    return [*tiles, parts.published_tile(seen.release)]


def _notes(seen: Foreseen) -> list[str]:
    plan = seen.found.plan
    notes = [
        _(
            "Nothing here was counted: all numbers are modelled from published counts of the past. A day at most "
            "%(days)s days after the last one can be forecast.",
            days=count(FARTHEST),
        ),
        _(
            "The last days were forecast from the days before them, as far ahead as the day shown. Intervals come from "
            "how wrong these forecasts were."
        ),
        _("A suppressed count is fewer than k that nobody knows. It is not taken for zero."),
    ]
    if plan.event:
        notes.append(
            _(
                "The effect of the event comes from its earlier dates. With one such date alone, no interval can be "
                "given."
            )
        )
    notes.append(parts.why_suppressed(seen.series.least))
    return notes
