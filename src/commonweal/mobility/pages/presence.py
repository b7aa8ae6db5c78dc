"""Presence on the site: where people are by hour or day, on a map with a way through time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from markupsafe import Markup

from commonweal.core.catalog import Release, State
from commonweal.core.errors import InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.not_shown import hidden_pairs, what_is_not_shown
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.parts import PACKAGE
from commonweal.mobility.published import (
    FLOWS,
    PRESENCE,
    QUALITY,
    Cell,
    DailySubscribers,
    Moves,
    Presence,
    beside,
    daily_subscribers_of,
    moves_of,
    presence_of,
)
from commonweal.web.access import needs
from commonweal.web.bars import Bar, bars
from commonweal.web.chart import Line, time_chart
from commonweal.web.document import Document, document
from commonweal.web.figure import Chart, Figure, Heading
from commonweal.web.flows import flow_layer
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.map import choropleth
from commonweal.web.reading import version_of
from commonweal.web.table import Row
from commonweal.web.timeline import Length, Shown, Timeline
from commonweal.web.words import count, day_in_words, days_in_words, short_day, state

ADDRESS = "/mobility/presence"
FLOWS_SHOWN = 20
UNITS: Mapping[Length, str] = {"hour": Wording("Hour by hour"), "day": Wording("Whole days")}
RELEASE = Query(description="Version of the release; without it, the newest.", ge=1, le=2**31 - 1, examples=[1])

routes = APIRouter()


@dataclass(frozen=True)
class Asked:
    """What an address of the page asks for."""

    start: str | None = None
    area: str | None = None
    flows: bool = False
    release: int | None = None

    @property
    def query(self) -> dict[str, str]:
        """The parameters that ask for it."""
        layer = "flows" if self.flows else None
        asked = {"release": self.release, "start": self.start, "area": self.area, "layer": layer}
        return {name: str(value) for name, value in asked.items() if value}

    def href(self) -> str:
        """Write the address."""
        return f"{ADDRESS}?{urlencode(self.query, safe=':')}#map"


@dataclass(frozen=True, eq=False)
class View:
    """What one page shows: published values, the period and area chosen, and the layers."""

    presence: Presence
    shown: Shown
    asked: Asked
    moves: Moves | None
    daily: DailySubscribers | None

    @property
    def timeline(self) -> Timeline:
        """The release's periods."""
        return self.presence.timeline

    @property
    def cells(self) -> list[Cell]:
        """What is published of each area in the period shown."""
        return self.presence.cells(self.shown)

    @property
    def label(self) -> str:
        """The period, in words."""
        return self.timeline.label(self.shown)

    @property
    def zone(self) -> str:
        """Whose clock it is."""
        return self.timeline.calendar.time_zone

    @property
    def lead(self) -> str:
        """The period, and by whose clock."""
        return " · ".join((self.label, _("time of %(zone)s", zone=self.zone)))

    @property
    def area(self) -> str:
        """The area chosen, or else the one with most people."""
        fullest = max(self.cells, key=lambda cell: -1.0 if cell.value is None else cell.value)
        return self.asked.area or fullest.code

    @property
    def sources(self) -> list[Release]:
        """The releases that it was read from."""
        return [self.presence.release, *([self.moves.release] if self.moves and self.asked.flows else [])]

    @property
    def pinned(self) -> dict[str, str]:
        """What asks for just this again, whatever is published later."""
        return replace(self.asked, release=self.presence.release.version).query

    def at(self, period: Shown) -> str:
        """Write the address of the same view of another period."""
        return replace(self.asked, start=self.timeline.address(period)).href()

    def name(self, code: str) -> str:
        """Name an area."""
        return self.presence.geography.names.get(code, code)


def view(request: Request, asked: Asked, slider: tuple[str, int] | None = None) -> View | None:
    """Read what is asked for; None if nothing is published.

    Parameters
    ----------
    request
        Whose site it is.
    asked
        What the address asks for.
    slider
        Day, and which of its hours, as the slider asks; it goes before ``start``.
    """
    settings, database = request.app.state.settings, request.app.state.database
    version = version_of(request, PRESENCE, asked.release)
    if version is None:
        return None
    presence = presence_of(settings, database, version)
    timeline = presence.timeline
    shown = _by_slider(timeline, *slider) if slider else timeline.choose(asked.start)
    moves = daily = None
    if flows := beside(database, presence.release, FLOWS):
        moves = moves_of(settings, database, flows, timeline, shown)
    if quality := beside(database, presence.release, QUALITY):
        daily = daily_subscribers_of(settings, database, quality, timeline, shown)
    if asked.area:
        parts.require_area(presence.geography, asked.area)
    chosen = replace(asked, start=timeline.address(shown), flows=asked.flows and moves is not None)
    return View(presence, shown, chosen, moves, daily)


@document(routes, ADDRESS, needs(Permission.READ), summary="Presence by hour or day", tag="mobility", figure="map")
def presence_page(
    request: Request,
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
    asked, title = Asked(start, area, layer == "flows", release), translated(Wording("Presence"))
    seen = view(request, asked, (day, at or 0) if day else None)
    if seen is None:
        return parts.nothing(request, title, "presence")
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
            "releases": parts.origins(seen.sources),
        },
        figures=[map_figure(seen), series_figure(seen), *flows_figure(seen)],
        notes=what_is_not_shown(seen.presence, seen.shown, seen.moves, seen.daily),
        sources=seen.sources,
        query=seen.pinned,
        data=data(seen),
    )


def _by_slider(timeline: Timeline, day: str, place: int) -> Shown:
    try:
        date.fromisoformat(day)
    except ValueError:
        raise InputError(
            Wording("the period is not a date or a time"), where="day", expected=Wording("such as 2024-01-31")
        ) from None
    begins = timeline.choose(day).start
    hours = timeline.hours(timeline.day(begins))
    return hours[min(place, len(hours) - 1)] if hours else timeline.choose(day)


def tiles(seen: View) -> list[tuple[str, str]]:
    """Give the figures that matter most."""
    cells, days = seen.cells, seen.timeline.days()
    suppressed = sum(cell.state is State.SUPPRESSED for cell in cells)
    first, last = seen.timeline.date_of(days[0]), seen.timeline.date_of(days[-1])
    found = [
        parts.with_count_tile(cells),
        (
            count(suppressed),
            ngettext(
                "suppressed: fewer than %(least)s people, or nobody",
                "suppressed: fewer than %(least)s people, or nobody",
                suppressed,
                least=seen.presence.threshold,
            ),
        ),
        (ngettext("%(num)s day", "%(num)s days", len(days)), days_in_words(first, last)),
        parts.published_tile(seen.presence.release),
    ]
    if seen.daily:
        rounded = _(
            "subscribers that day, rounded down to a multiple of %(number)s", number=count(seen.daily.rounded_to)
        )
        found.insert(2, (count(seen.daily.at_least), rounded))
    return found


def map_figure(seen: View) -> Figure:
    """Draw what is published of each area in the period shown."""
    presence, cells = seen.presence, seen.cells
    places, least, classes = presence.geography, presence.threshold, presence.classes[seen.shown.unit]
    href = {code: replace(seen.asked, area=code).href() for code in places.outlines}
    areas = parts.map_areas(cells, places.outlines, least, href)
    picture = choropleth(
        areas,
        classes,
        label=_("Map: distinct subscribers in each area, %(period)s", period=seen.label),
        projection=places.projection,
        over=_layer(seen),
        selected=seen.area,
    )
    hourly = seen.shown.unit == "hour"
    return Figure(
        name="map",
        title=_("Subscribers seen in each area"),
        caption=_("Distinct subscribers, %(period)s.", period=seen.label),
        headings=parts.area_headings(),
        rows=parts.area_rows(cells, seen.asked.area),
        records=parts.area_records(cells, start=_utc(seen.shown.start), period=seen.shown.unit),
        picture=picture if areas else None,
        legend=parts.legend(
            _("Distinct subscribers per hour") if hourly else _("Distinct subscribers per day"),
            classes,
            least,
            flow=_flow_width(seen),
            note=_("The classes are the same for every hour of this release, so maps can be compared.")
            if hourly
            else _("The classes are the same for every day of this release, so maps can be compared."),
        ),
        geometry=places.outlines,
        areas=("area",),
        says=parts.beside(presence.release, time_zone=seen.zone),
    )


def series_figure(seen: View) -> Figure:
    """Draw the chosen area over all periods of the release."""
    presence, unit, code = seen.presence, seen.shown.unit, seen.area
    series, timeline = presence.series[unit], seen.timeline
    area = series.areas.index(code)
    starts = [int(start) for start in series.starts]
    values = [series.value(period, area) for period in range(len(starts))]
    states = [series.state(period, area) for period in range(len(starts))]
    periods = [Shown(unit, start) for start in starts]
    label = _("%(area)s: distinct subscribers over time", area=seen.name(code))
    return Figure(
        name="series",
        title=_("%(area)s over time", area=seen.name(code)),
        caption=_("Distinct subscribers in %(area)s, times of %(zone)s.", area=seen.name(code), zone=seen.zone),
        headings=(
            Heading(_("Period"), key="start", is_time=True),
            Heading(_("Subscribers"), is_number=True, key="subscribers"),
            Heading(_("State"), key="state"),
        ),
        rows=[
            Row(
                (timeline.label(period), "–" if value is None else count(value), state(said)),
                has_value=value is not None,
                current=period == seen.shown,
            )
            for period, value, said in zip(periods, values, states, strict=True)
        ],
        records=[
            {
                "start": _utc(start),
                "area": code,
                "subscribers": None if value is None else round(value),
                "state": said.value,
            }
            for start, value, said in zip(starts, values, states, strict=True)
        ],
        picture=time_chart(
            starts,
            _days_named(timeline, starts),
            [Line(seen.name(code), values)],
            label=label,
        ),
        chart=Chart("start", (("subscribers", seen.name(code)),), seen.zone),
        says=parts.beside(presence.release, time_zone=seen.zone),
    )


def _days_named(timeline: Timeline, starts: list[int]) -> list[str]:
    """Name the first period of each day."""
    days = [timeline.day(start) for start in starts]
    return [
        "" if place and day == days[place - 1] else short_day(timeline.date_of(day)) for place, day in enumerate(days)
    ]


def _utc(start: int) -> str:
    return f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}"


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


def flows_figure(seen: View) -> list[Figure]:
    """Say the flows that are drawn over the map, if they are."""
    if not (seen.asked.flows and seen.moves):
        return []
    moves, names = seen.moves, seen.presence.geography.names
    largest = moves.published[:FLOWS_SHOWN]
    return [
        Figure(
            name="flows",
            title=_("Flows between areas"),
            caption=f"{parts.flows_caption(len(moves.published), moves.day)} {hidden_pairs(moves)}",
            headings=parts.flow_headings(),
            rows=parts.flow_rows(largest, names),
            records=parts.flow_records(largest, names, moves.day),
            geometry=seen.presence.geography.outlines,
            areas=("origin", "destination"),
            says=parts.beside(moves.release),
        )
    ]


def _layer(seen: View) -> Markup | None:
    if not (seen.asked.flows and seen.moves):
        return None
    flows = parts.flows_drawn(seen.moves.published[:FLOWS_SHOWN], seen.presence.geography.names)
    day = day_in_words(seen.moves.day)
    return flow_layer(flows, seen.presence.geography.centres, label=_("Flows between areas, %(day)s", day=day))


def _flow_width(seen: View) -> str | None:
    if not (seen.asked.flows and seen.moves and seen.moves.published):
        return None
    published = seen.moves.published
    return parts.largest_flows(min(len(published), FLOWS_SHOWN), published[0].subscribers)


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
