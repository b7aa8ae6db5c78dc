"""Presence on the site: where people are by hour or day, on a map with a way through time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.not_shown import what_is_not_shown
from commonweal.mobility.pages import beside, parts
from commonweal.mobility.pages.parts import PACKAGE
from commonweal.mobility.pages.presence_figures import FLOWS_SHOWN, flows_figure, map_figure, series_figure, tiles
from commonweal.mobility.pages.tables.asking import WHICH, asked_in_address
from commonweal.mobility.pages.tables.asking import Asked as Table
from commonweal.mobility.pages.tables.page import chooser, defined, table_page
from commonweal.mobility.pages.viewing import ADDRESS, RELEASE, UNITS, Asked, View, view
from commonweal.web.access import needs
from commonweal.web.bars import Bar, bars
from commonweal.web.document import Document, document
from commonweal.web.languages import _, translated
from commonweal.web.timeline import Shown
from commonweal.web.words import day_in_words

routes = APIRouter()


@document(routes, ADDRESS, needs(Permission.READ), summary="Presence by hour or day", tag="mobility", figure="map")
def presence_page(
    request: Request,
    told: Annotated[Table, Depends(asked_in_address)],
    table: Annotated[str | None, Query(description=WHICH, examples=["presence"])] = None,
    start: Annotated[
        str | None,
        Query(
            description="An hour, or with a date alone a whole day, by the place's clock or with an offset; "
            "without it, the newest.",
            examples=["2026-03-02T08:00", "2026-03-02"],
        ),
    ] = None,
    area: Annotated[str | None, Query(description="Code of the area whose hours are drawn.", examples=["SL-W"])] = None,
    layer: Annotated[
        str | None, Query(description="`flows` draws the largest flows of the day.", examples=["flows"])
    ] = None,
    release: Annotated[int | None, RELEASE] = None,
    day: Annotated[
        str | None, Query(description="A day, as the slider asks, with `at`.", examples=["2026-03-02"])
    ] = None,
    at: Annotated[int | None, Query(description="Which hour of that day, from 0.", ge=0, le=24, examples=[8])] = None,
) -> Document:
    """Distinct subscribers in each area, with the state of each value, and the hours of the chosen area."""
    asked = Asked(start, area, layer == "flows", release, told.beside)
    title = translated(Wording("Presence"))
    if table not in (None, "presence"):
        return table_page(request, "presence", table, told, title)
    seen = view(request, asked, (day, at or 0) if day else None)
    if seen is None:
        return table_page(request, "presence", table, told, title)
    whole_day = seen.timeline.date_of(seen.timeline.day(seen.shown.start))
    days = [seen.timeline.date_of(day) for day in seen.timeline.days()]
    layer_beside = beside.beside_of(
        request, seen.presence.release, told.beside, (whole_day, whole_day), (days[0], days[-1])
    )
    sources = [*seen.sources, *([layer_beside.layer.release] if layer_beside else [])]
    return Document(
        title=title,
        template="mobility_presence.html",
        package=PACKAGE,
        lead=seen.lead,
        tiles=tiles(seen),
        values={
            "tabs": parts.tabs(request),
            "choices": _choices(seen),
            "hours": _hours(seen),
            "shown": seen,
            "chooser": chooser(request, "presence", "presence"),
            "defined": defined(seen.presence.release, "presence"),
            "layers": beside.choices(request, seen.presence.release, told.beside),
            "releases": parts.origins(sources),
        },
        figures=[beside.joined(map_figure(seen), layer_beside), series_figure(seen), *flows_figure(seen)],
        notes=what_is_not_shown(seen.presence, seen.shown, seen.moves, seen.daily),
        sources=sources,
        query=seen.pinned,
        data=data(seen) | ({"beside": layer_beside.record()} if layer_beside else {}),
    )


def _choices(seen: View) -> dict[str, Any]:
    timeline, shown = seen.timeline, seen.shown
    earlier, later = timeline.step(shown, -1), timeline.step(shown, 1)
    hours = timeline.hours(timeline.day(shown.start)) if shown.unit == "hour" else []
    return {
        "units": [
            {"text": translated(text), "href": seen.at(timeline.in_unit(shown, unit)), "current": unit == shown.unit}
            for unit, text in UNITS.items()
            if unit in seen.presence.series
        ],
        "days": [
            {
                "value": timeline.date_of(day).isoformat(),
                "text": day_in_words(timeline.date_of(day)),
                "current": day == timeline.day(shown.start),
            }
            for day in timeline.days()
        ],
        "clock": [timeline.clock(hour.start) for hour in hours],
        "hour": hours.index(shown) if shown in hours else 0,
        "earlier": seen.at(earlier) if earlier else None,
        "later": seen.at(later) if later else None,
        "area": seen.asked.area,
        "release": seen.asked.release,
        "flows_on": seen.asked.flows,
        "flows_there": seen.moves is not None,
    }


def _hours(seen: View) -> dict[str, Any]:
    code, timeline = seen.area, seen.timeline
    day = day_in_words(timeline.date_of(seen.shown.start))

    def bar(hour: Shown) -> Bar:
        cell, begins = seen.presence.cell(hour, code), timeline.time(hour.start).hour
        beside_it = abs(hour.start - seen.shown.start) == 3600  # its label would touch that of the hour shown
        return Bar(
            label=f"{begins:02}" if hour == seen.shown or (begins % 3 == 0 and not beside_it) else "",
            value=cell.value,
            state=cell.state.value,
            text=_(
                "%(name)s: %(value)s",
                name=timeline.clock(hour.start),
                value=parts.says(cell, seen.presence.threshold),
            ),
            href=seen.at(hour),
            current=hour == seen.shown,
        )

    periods = [bar(hour) for hour in timeline.hours(timeline.day(seen.shown.start))]
    label = _("%(area)s: distinct subscribers by hour, %(day)s", area=seen.name(code), day=day)
    return {"area": seen.name(code), "day": day, "chart": bars(periods, label=label) if periods else None}


def data(seen: View) -> dict[str, Any]:
    """Say what the page shows as JSON values."""
    presence, moves, shown = seen.presence, seen.moves, seen.shown
    return {
        "presence": {
            "release": presence.release.label,
            "digest": presence.release.digest,
            "period": {
                "unit": shown.unit,
                "start": datetime.fromtimestamp(shown.start, UTC).isoformat(),
                "end": datetime.fromtimestamp(seen.timeline.end(shown), UTC).isoformat(),
                "label": seen.label,
                "time_zone": seen.zone,
            },
            "class_bounds": list(presence.classes[shown.unit].breaks),
            "areas": [
                {"code": cell.code, "name": cell.name, "subscribers": cell.value, "subscribers_state": cell.state.value}
                for cell in seen.cells
            ],
        },
        "daily_subscribers": {"at_least": seen.daily.at_least, "rounded_to": seen.daily.rounded_to}
        if seen.daily
        else None,
        "flows": moves
        and {
            "release": moves.release.label,
            "digest": moves.release.digest,
            "day": moves.day.isoformat(),
            "suppressed_pairs": moves.suppressed,
            "pairs": moves.pairs,
            "largest": [
                {"origin": move.origin, "destination": move.destination, "subscribers": move.subscribers}
                for move in moves.published[:FLOWS_SHOWN]
            ],
        },
    }
