"""What is usual of the week, on the site: by hour and kind of day, of a published table of areas or pairs of areas."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.saying import LIKE_NAMES
from commonweal.mobility.forecasts.asking import Patterns, pattern_of, patterns
from commonweal.mobility.forecasts.profile import HISTORY, LEAST_DAYS
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.days import days_of, days_written
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
from commonweal.mobility.pages.patterns_figures import figures, fullest, when
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.mobility.pages.week_figure import Week
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.documentation import address_of
from commonweal.web.languages import _, translated
from commonweal.web.words import count, days_in_words

ADDRESS = "/mobility/patterns"

routes = APIRouter()


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="What is usual of the week",
    tag="mobility",
    figure="hours",
)
def patterns_page(
    request: Request,
    table: Table = "presence",
    holidays: Holidays = None,
    area: Area = None,
    to: To = None,
    release: Annotated[int | None, RELEASE] = None,
) -> Document:
    """Say what is usual at each hour of each kind of day: the median and the quartiles of like days, all modelled."""
    dataset = dataset_of(table)
    state, title = request.app.state, translated(Wording("What is usual of the week"))
    found = release_of(request, dataset, release)
    if found is None:
        return parts.nothing(request, title, "patterns", dataset.removeprefix("mobility."))
    seen = patterns(state.settings, state.database, found, holidays=days_of(holidays, "holidays"))
    series, usual = seen.series, seen.usual
    key = chosen_key(series, usual.usual.reshape(-1, len(series.keys)), area, to)
    shown = Week(found, series, usual, places_of(request, found, series), key)
    query = pinned(found, table, key, holidays=days_written(seen.holidays))
    return Document(
        title=title,
        template="mobility_patterns.html",
        package=parts.PACKAGE,
        lead=_lead(seen),
        tiles=_tiles(seen, shown),
        values={
            "tabs": parts.tabs(request),
            "form": form(series, shown.places, query, release),
            "method": address_of("methods", "forecasts"),
            "releases": parts.origins([found]),
        },
        figures=figures(shown),
        notes=_notes(seen),
        sources=[found],
        query=query,
        data={"patterns": seen.record() | {"rows": list(pattern_of(series, usual, series.keys.index(key)))}},
    )


def _lead(seen: Patterns) -> str:
    return _(
        "Modelled from what was published of %(days)s; like days: %(like)s",
        days=days_in_words(*seen.days),
        like=translated(LIKE_NAMES[seen.usual.like]),
    )


def _tiles(seen: Patterns, shown: Week) -> list[tuple[str, str]]:
    tiles = [(count(seen.known_days), _("days that tell what is usual"))]
    if top := fullest(shown):
        tiles.append((count(top["usual"]), _("usual when most are there: %(when)s", when=when(top))))
    if seen.series.least is not None:
        said = _("%(some)s of %(all)s", some=count(shown.gaps.count("suppressed")), all=count(len(shown.gaps)))
        tiles.append((said, _("values usually fewer than %(least)s", least=count(seen.series.least))))
    return [*tiles, parts.published_tile(seen.release)]


def _notes(seen: Patterns) -> list[str]:
    least = seen.series.least
    notes = [
        _(
            "Nothing here was counted: every number is modelled. What is usual is the median of like days; half of "
            "them lie between the two quartiles."
        ),
        _(
            "The last %(history)s days tell what is usual, without those that you leave out. They are told apart by "
            "weekday, or else as working days and weekends, or else not at all: as finely as each kind has "
            "%(least)s days. An hour of which fewer are known has no number.",
            history=count(HISTORY),
            least=count(LEAST_DAYS),
        ),
        _("A suppressed count is fewer than k that nobody knows. It is not taken for zero."),
    ]
    if least is not None:
        notes.append(
            _(
                "Some counts are hidden only to protect others and may be larger. The release does not say which: what "
                "is usual where many are hidden may be more than stands here."
            )
        )
    return [*notes, parts.why_suppressed(least)]
