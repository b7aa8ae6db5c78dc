"""The overview page's section on mobility: where people are by hour or day, how they move, what is not shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from markupsafe import Markup

from commonweal.core.catalog import State, datasets
from commonweal.core.wording import Wording
from commonweal.mobility.not_shown import hidden_pairs, what_is_not_shown
from commonweal.mobility.published import (
    FLOWS,
    PRESENCE,
    QUALITY,
    Cell,
    DailySubscribers,
    Move,
    Moves,
    Presence,
    beside,
    daily_subscribers_of,
    moves_of,
    presence_of,
)
from commonweal.web.bars import Bar, bars
from commonweal.web.flows import Flow, flow_layer
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.map import MapArea, choropleth
from commonweal.web.overview import Section
from commonweal.web.provenance import download_links, facts
from commonweal.web.render import fragment
from commonweal.web.table import Row
from commonweal.web.timeline import Length, Shown, Timeline
from commonweal.web.words import count, day_in_words, days_in_words, state

PACKAGE = "commonweal.mobility"
TITLE = Wording("Where people are")
FLOWS_SHOWN = 20
UNITS: Mapping[Length, str] = {"hour": Wording("Hour by hour"), "day": Wording("Whole days")}
PARAMETERS = (
    Wording("project"),
    Wording("area set"),
    Wording("time zone"),
    Wording("time zone rules"),
    Wording("day starts"),
    Wording("first day"),
    Wording("last day"),
    Wording("areas at"),
    Wording("home"),
    Wording("flows"),
)
"""What a release says it was made with, as `provenance.facts` names it: here to be found for translation."""


@dataclass(frozen=True)
class Asked:
    """What an address of the page asks for."""

    start: str | None = None
    area: str | None = None
    flows: bool = False

    def href(self) -> str:
        """Write the address."""
        query = {"start": self.start, "area": self.area, "layer": "flows" if self.flows else None}
        return f"?{urlencode({name: value for name, value in query.items() if value}, safe=':')}#map"


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
    def day(self) -> str:
        """The day shown, in words."""
        return day_in_words(self.timeline.date_of(self.shown.start))

    def at(self, period: Shown) -> str:
        """Write the address of the same view of another period."""
        return replace(self.asked, start=self.timeline.address(period)).href()

    def name(self, code: str) -> str:
        """Name an area."""
        return self.presence.geography.names.get(code, code)

    def says(self, cell: Cell) -> str:
        """Say a value, or why there is none."""
        if cell.value is not None:
            said = _subscribers(cell.value)
            return said if cell.state is State.REPORTED else f"{said} ({state(cell.state)})"
        if cell.state is State.SUPPRESSED:
            return _("suppressed: fewer than %(least)s subscribers, or none", least=self.presence.threshold)
        return _("no data") if cell.state is State.MISSING else state(cell.state)


def overview(request: Request) -> Section:
    """Draw the section for the period, the area and the layers that the address asks for."""
    settings, database = request.app.state.settings, request.app.state.database
    published = {release.dataset: release.version for release in datasets(database)}
    title = translated(TITLE)
    if PRESENCE not in published:
        return Section(title, fragment(PACKAGE, "mobility_empty.html", title=title), {"presence": None})
    presence = presence_of(settings, database, published[PRESENCE])
    query, timeline = request.query_params, presence.timeline
    shown = timeline.choose(query.get("start"))
    moves = daily = None
    if flows := beside(database, presence.release, FLOWS):
        moves = moves_of(settings, database, flows, timeline, shown)
    if quality := beside(database, presence.release, QUALITY):
        daily = daily_subscribers_of(settings, database, quality, timeline, shown)
    asked = Asked(
        start=timeline.address(shown),
        area=query.get("area") if query.get("area") in presence.geography.names else None,
        flows=query.get("layer") == "flows" and moves is not None,
    )
    view = View(presence, shown, asked, moves, daily)
    return Section(title, _body(view, title), _data(view))


def _body(view: View, title: str) -> Markup:
    selected = view.asked.area or max(view.cells, key=lambda cell: -1.0 if cell.value is None else cell.value).code
    releases = [view.presence.release, *([view.moves.release] if view.moves else [])]
    return fragment(
        PACKAGE,
        "mobility_overview.html",
        title=title,
        shown={"label": view.timeline.label(view.shown), "unit": view.shown.unit},
        time_zone=view.timeline.calendar.time_zone,
        tiles=_tiles(view),
        choices=_choices(view),
        map=_map(view, selected),
        legend=_legend(view),
        hours=_hours(view, selected),
        suppression=what_is_not_shown(view.presence, view.shown, view.moves, view.daily),
        rows=_area_rows(view),
        flows=_flow_table(view.moves, view) if view.moves else None,
        releases=[
            {"title": translated(release.schema.title), "facts": facts(release), "downloads": download_links(release)}
            for release in releases
        ],
    )


def _tiles(view: View) -> list[tuple[str, str]]:
    cells, days, release = view.cells, view.timeline.days(), view.presence.release
    with_value = sum(cell.value is not None for cell in cells)
    suppressed = sum(cell.state is State.SUPPRESSED for cell in cells)
    first, last = view.timeline.date_of(days[0]), view.timeline.date_of(days[-1])
    tiles = [
        (
            _("%(some)s of %(all)s", some=count(with_value), all=count(len(cells))),
            _("areas with a published count"),
        ),
        (
            count(suppressed),
            ngettext(
                "suppressed: fewer than %(least)s people, or nobody",
                "suppressed: fewer than %(least)s people, or nobody",
                suppressed,
                least=view.presence.threshold,
            ),
        ),
        (ngettext("%(num)s day", "%(num)s days", len(days)), days_in_words(first, last)),
        (
            _("Release %(version)s", version=release.version),
            _("published on %(day)s", day=day_in_words(release.published_at.date())),
        ),
    ]
    if view.daily:
        rounded = _(
            "subscribers that day, rounded down to a multiple of %(number)s", number=count(view.daily.rounded_to)
        )
        tiles.insert(2, (count(view.daily.at_least), rounded))
    return tiles


def _subscribers(number: float) -> str:
    return ngettext("%(num)s subscriber", "%(num)s subscribers", round(number))


def _choices(view: View) -> dict[str, Any]:
    timeline, shown = view.timeline, view.shown
    earlier, later = timeline.step(shown, -1), timeline.step(shown, 1)
    return {
        "units": [
            {"text": translated(text), "href": view.at(timeline.in_unit(shown, unit)), "current": unit == shown.unit}
            for unit, text in UNITS.items()
            if unit in view.presence.series
        ],
        "days": [
            {
                "value": timeline.address(timeline.on_day(shown, day)),
                "text": day_in_words(timeline.date_of(day)),
                "current": day == timeline.day(shown.start),
            }
            for day in timeline.days()
        ],
        "earlier": view.at(earlier) if earlier else None,
        "later": view.at(later) if later else None,
        "area": view.asked.area,
        "flows_on": view.asked.flows,
    }


def _map(view: View, selected: str) -> Markup | None:
    geography = view.presence.geography
    areas = [
        MapArea(
            code=cell.code,
            name=cell.name,
            polygon=geography.outlines[cell.code],
            value=cell.value,
            state=cell.state.value,
            text=view.says(cell),
            href=replace(view.asked, area=cell.code).href(),
        )
        for cell in view.cells
        if cell.code in geography.outlines
    ]
    if not areas:
        return None
    return choropleth(
        areas,
        view.presence.classes[view.shown.unit],
        label=_("Map: distinct subscribers in each area, %(period)s", period=view.timeline.label(view.shown)),
        projection=geography.projection,
        over=_layer(view.moves, view) if view.moves and view.asked.flows else None,
        selected=selected,
    )


def _layer(moves: Moves, view: View) -> Markup:
    def says(move: Move) -> str:
        return _(
            "%(origin)s to %(destination)s: %(subscribers)s",
            origin=view.name(move.origin),
            destination=view.name(move.destination),
            subscribers=_subscribers(move.subscribers),
        )

    flows = [
        Flow(move.origin, move.destination, move.subscribers, says(move)) for move in moves.published[:FLOWS_SHOWN]
    ]
    return flow_layer(flows, view.presence.geography.centres, label=_("Flows between areas, %(day)s", day=view.day))


def _legend(view: View) -> dict[str, Any]:
    classes, flow = view.presence.classes[view.shown.unit], None
    if view.asked.flows and view.moves and view.moves.published:
        flow = ngettext(
            "the largest flow of the day: wide where people leave, at most %(largest)s",
            "the %(num)s largest flows of the day: wide where people leave, at most %(largest)s",
            min(len(view.moves.published), FLOWS_SHOWN),
            largest=count(view.moves.published[0].subscribers),
        )
    return {
        "classes": [(f"class-{classes.shade(step)}", text) for step, text in enumerate(classes.labels())],
        "states": [
            ("suppressed", _("suppressed: fewer than %(least)s, or none", least=view.presence.threshold)),
            ("missing", _("no data")),
        ],
        "flow": flow,
    }


def _hours(view: View, area: str) -> dict[str, Any]:
    def bar(hour: Shown) -> Bar:
        cell, begins = view.presence.cell(hour, area), view.timeline.time(hour.start).hour
        beside = abs(hour.start - view.shown.start) == 3600  # its label would touch that of the hour shown
        return Bar(
            label=f"{begins:02}" if hour == view.shown or (begins % 3 == 0 and not beside) else "",
            value=cell.value,
            state=cell.state.value,
            text=_("%(name)s: %(value)s", name=view.timeline.clock(hour.start), value=view.says(cell)),
            href=view.at(hour),
            current=hour == view.shown,
        )

    periods = [bar(hour) for hour in view.timeline.hours(view.timeline.day(view.shown.start))]
    label = _("%(area)s: distinct subscribers by hour, %(day)s", area=view.name(area), day=view.day)
    return {"area": view.name(area), "day": view.day, "chart": bars(periods, label=label) if periods else None}


def _area_rows(view: View) -> list[Row]:
    return [
        Row(
            (cell.name, "–" if cell.value is None else count(cell.value), state(cell.state)),
            has_value=cell.value is not None,
            current=cell.code == view.asked.area,
        )
        for cell in view.cells
    ]


def _flow_table(moves: Moves, view: View) -> dict[str, Any]:
    rows = [
        Row((view.name(move.origin), view.name(move.destination), count(move.subscribers)))
        for move in moves.published[:FLOWS_SHOWN]
    ]
    published = ngettext(
        "Subscribers seen in one area and next in another, %(day)s: the largest of %(num)s published flow.",
        "Subscribers seen in one area and next in another, %(day)s: the largest of %(num)s published flows.",
        len(moves.published),
        day=view.day,
    )
    none = _("No flow is published for %(day)s.", day=view.day)
    said = [published, hidden_pairs(moves), _("All are in the downloads.")] if rows else [none, hidden_pairs(moves)]
    return {"caption": " ".join(said), "rows": rows}


def _data(view: View) -> dict[str, Any]:
    """Say what the page shows as JSON values."""
    presence, moves, shown = view.presence, view.moves, view.shown
    return {
        "presence": {
            "release": presence.release.label,
            "digest": presence.release.digest,
            "period": {
                "unit": shown.unit,
                "start": datetime.fromtimestamp(shown.start, UTC).isoformat(),
                "end": datetime.fromtimestamp(view.timeline.end(shown), UTC).isoformat(),
                "label": view.timeline.label(shown),
                "time_zone": view.timeline.calendar.time_zone,
            },
            "class_bounds": list(presence.classes[shown.unit].breaks),
            "areas": [
                {"code": cell.code, "name": cell.name, "subscribers": cell.value, "subscribers_state": cell.state.value}
                for cell in view.cells
            ],
        },
        "daily_subscribers": asdict(view.daily) if view.daily else None,
        "flows": moves
        and {
            "release": moves.release.label,
            "digest": moves.release.digest,
            "day": moves.day.isoformat(),
            "suppressed_pairs": moves.suppressed,
            "pairs": moves.pairs,
            "largest": [asdict(move) for move in moves.published[:FLOWS_SHOWN]],
        },
    }
