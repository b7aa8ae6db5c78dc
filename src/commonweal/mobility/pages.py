"""The overview page's section on mobility: where people are by hour or day, how they move, what is not shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from markupsafe import Markup

from commonweal.core.catalog import Release, State, datasets
from commonweal.mobility.published import FLOWS, PRESENCE, Cell, Move, Moves, Presence, moves_of, presence_of
from commonweal.web import words
from commonweal.web.bars import Bar, bars
from commonweal.web.flows import Flow, flow_layer
from commonweal.web.geography import Geography
from commonweal.web.map import MapArea, choropleth
from commonweal.web.overview import Section
from commonweal.web.provenance import download_links, facts
from commonweal.web.render import fragment
from commonweal.web.table import Row
from commonweal.web.timeline import Length, Shown, day_in_words, days_in_words

PACKAGE = "commonweal.mobility"
TITLE = "Where people are"
FLOWS_SHOWN = 20
UNITS: Mapping[Length, str] = {"hour": "Hour by hour", "day": "Whole days"}


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    start: str | None = None
    area: str | None = None
    flows: bool = False

    def href(self) -> str:
        """Write the address of a page that shows this."""
        query = {"start": self.start, "area": self.area, "layer": "flows" if self.flows else None}
        return f"?{urlencode({name: value for name, value in query.items() if value}, safe=':')}#map"


def overview(request: Request) -> Section:
    """Draw the section for the period, the area and the layers that the address asks for."""
    settings, database = request.app.state.settings, request.app.state.database
    published = {release.dataset: release for release in datasets(database) if release.dataset.startswith("mobility.")}
    if PRESENCE not in published:
        return Section(TITLE, fragment(PACKAGE, "mobility_empty.html", title=TITLE), {"presence": None})
    presence = presence_of(settings, database, published[PRESENCE].version)
    query = request.query_params
    shown = presence.timeline.choose(query.get("start"))
    area = query.get("area")
    asked = Asked(
        start=query.get("start"),
        area=area if area in presence.geography.names else None,
        flows=query.get("layer") == "flows" and FLOWS in published,
    )
    moves = None
    if FLOWS in published:
        moves = moves_of(settings, database, published[FLOWS].version, presence.timeline, shown)
    return Section(TITLE, _body(presence, shown, asked, moves), _data(presence, shown, moves))


def _says(cell: Cell, k: Any) -> str:
    if cell.value is not None:
        return f"{words.count(cell.value)} subscribers" + ("" if cell.state is State.REPORTED else f" ({cell.state})")
    if cell.state is State.SUPPRESSED:
        return f"suppressed: fewer than {k} subscribers, or none"
    return "no data" if cell.state is State.MISSING else cell.state.value


def _threshold(release: Release) -> Any:
    return release.certificate.parameters.get("k", "k") if release.certificate else "k"


def _body(presence: Presence, shown: Shown, asked: Asked, moves: Moves | None) -> Markup:
    here = replace(asked, start=presence.timeline.address(shown))
    selected = asked.area or _busiest(presence, shown)
    return fragment(
        PACKAGE,
        "mobility_overview.html",
        title=TITLE,
        shown={"label": presence.timeline.label(shown), "unit": shown.unit},
        time_zone=presence.timeline.calendar.time_zone,
        tiles=_tiles(presence, shown),
        choices=_choices(presence, shown, here),
        map=_map(presence, shown, here, moves, selected),
        legend=_legend(presence, shown, moves if asked.flows else None),
        hours=_hours(presence, shown, here, selected),
        suppression=_suppression(presence, shown, moves),
        rows=[
            Row(
                (cell.name, "–" if cell.value is None else words.count(cell.value), cell.state.value),
                has_value=cell.value is not None,
                current=cell.code == asked.area,
            )
            for cell in presence.cells(shown)
        ],
        flows=moves and _flow_table(presence, moves),
        releases=[
            {"title": release.schema.title, "facts": facts(release), "downloads": download_links(release)}
            for release in (presence.release, *([moves.release] if moves else []))
        ],
    )


def _busiest(presence: Presence, shown: Shown) -> str:
    return max(presence.cells(shown), key=lambda cell: -1.0 if cell.value is None else cell.value).code


def _tiles(presence: Presence, shown: Shown) -> list[tuple[str, str]]:
    timeline, cells = presence.timeline, presence.cells(shown)
    days = timeline.days()
    suppressed = sum(cell.state is State.SUPPRESSED for cell in cells)
    with_value = sum(cell.value is not None for cell in cells)
    span = days_in_words(timeline.date_of(days[0]), timeline.date_of(days[-1]))
    return [
        (f"{with_value} of {len(cells)}", "areas with a published count"),
        (words.count(suppressed), f"suppressed: fewer than {_threshold(presence.release)} people, or nobody"),
        (words.plural(len(days), "day"), span),
        (f"Release {presence.release.version}", f"published {day_in_words(presence.release.published_at.date())}"),
    ]


def _choices(presence: Presence, shown: Shown, here: Asked) -> dict[str, Any]:
    timeline = presence.timeline

    def at(period: Shown | None) -> str | None:
        return replace(here, start=timeline.address(period)).href() if period else None

    units = [
        {"text": text, "href": at(timeline.in_unit(shown, unit)), "current": unit == shown.unit}
        for unit, text in UNITS.items()
        if unit in presence.series
    ]
    today = timeline.day(shown.start)
    days = [
        {
            "value": timeline.address(timeline.on_day(shown, day)),
            "text": day_in_words(timeline.date_of(day)),
            "current": day == today,
        }
        for day in timeline.days()
    ]
    return {
        "units": units,
        "days": days,
        "earlier": at(timeline.step(shown, -1)),
        "later": at(timeline.step(shown, 1)),
        "area": here.area,
        "flows_on": here.flows,
    }


def _map(presence: Presence, shown: Shown, here: Asked, moves: Moves | None, selected: str) -> Markup | None:
    k, known = _threshold(presence.release), presence.geography
    areas = [
        MapArea(
            code=cell.code,
            name=cell.name,
            polygon=known.outlines[cell.code],
            value=cell.value,
            state=cell.state.value,
            text=_says(cell, k),
            href=replace(here, area=cell.code).href(),
        )
        for cell in presence.cells(shown)
        if cell.code in known.outlines
    ]
    if not areas:
        return None
    layer = None
    if here.flows and moves:
        flows = [
            Flow(move.origin, move.destination, move.subscribers, _move_says(known, move))
            for move in moves.published[:FLOWS_SHOWN]
        ]
        layer = flow_layer(flows, known.centres, label=f"Flows between areas on {day_in_words(moves.day)}")
    return choropleth(
        areas,
        presence.classes[shown.unit],
        label=f"Map: distinct subscribers in each area, {presence.timeline.label(shown)}",
        projection=known.projection,
        over=layer,
        selected=selected,
    )


def _move_says(known: Geography, move: Move) -> str:
    origin, destination = (known.names.get(code, code) for code in (move.origin, move.destination))
    return f"{origin} to {destination}: {words.count(move.subscribers)} subscribers"


def _legend(presence: Presence, shown: Shown, moves: Moves | None) -> dict[str, Any]:
    classes = presence.classes[shown.unit]
    labels = classes.labels()
    states = [("suppressed", f"suppressed: fewer than {_threshold(presence.release)}, or none"), ("missing", "no data")]
    flow = None
    if moves and moves.published:
        drawn, largest = min(len(moves.published), FLOWS_SHOWN), words.count(moves.published[0].subscribers)
        flow = f"the {words.plural(drawn, 'largest flow')} of the day: wide where people leave, at most {largest}"
    return {
        "classes": [(f"class-{classes.shade(step)}", text) for step, text in enumerate(labels)],
        "states": states,
        "flow": flow,
    }


def _hours(presence: Presence, shown: Shown, here: Asked, area: str) -> dict[str, Any]:
    timeline, name = presence.timeline, presence.geography.names[area]
    day = timeline.day(shown.start)
    in_words, periods = day_in_words(timeline.date_of(day)), []
    for hour in timeline.hours(day):
        cell, clock = presence.cell(hour, area), timeline.clock(hour.start)
        periods.append(
            Bar(
                label=clock[:2] if int(clock[:2]) % 3 == 0 or hour == shown else "",
                value=cell.value,
                state=cell.state.value,
                text=f"{clock}: {_says(cell, _threshold(presence.release))}",
                href=replace(here, start=timeline.address(hour)).href(),
                current=hour == shown,
            )
        )
    return {
        "area": name,
        "day": in_words,
        "chart": bars(periods, label=f"{name}: distinct subscribers by hour, {in_words}") if periods else None,
    }


def _suppression(presence: Presence, shown: Shown, moves: Moves | None) -> list[str]:
    series, k = presence.series[shown.unit], _threshold(presence.release)
    now, total = series.counted(State.SUPPRESSED, series.index(shown.start)), series.counted(State.SUPPRESSED)
    cells = series.states.size
    said = [
        f"In this {shown.unit} {words.count(now)} of {words.plural(len(series.areas), 'area')} are suppressed; in all "
        f"{shown.unit}s of the release {words.count(total)} of {words.plural(cells, 'value')}, {total / cells:.0%}."
    ]
    if moves:
        said.append(f"Of the day's flows {_hidden(moves)}.")
    return [
        *said,
        f"A count is published only if at least {k} distinct people stand behind it. Suppressed means fewer, or "
        "nobody; every area has a row for every period, so a row by itself says nothing.",
        "No total is shown, since a total would tell what was hidden.",
    ]


def _hidden(moves: Moves) -> str:
    return f"{words.count(moves.suppressed)} of {words.plural(moves.pairs, 'pair')} of areas are suppressed"


def _flow_table(presence: Presence, moves: Moves) -> dict[str, Any]:
    names = presence.geography.names
    day = day_in_words(moves.day)
    rows = [
        Row(
            (
                names.get(move.origin, move.origin),
                names.get(move.destination, move.destination),
                words.count(move.subscribers),
            )
        )
        for move in moves.published[:FLOWS_SHOWN]
    ]
    if not rows:
        return {"caption": f"No flow is published for {day}; {_hidden(moves)}.", "rows": []}
    return {
        "caption": f"Subscribers seen in one area and next in another, {day}: the {len(rows)} largest of "
        f"{words.plural(len(moves.published), 'published flow')}; {_hidden(moves)}. All are in the downloads.",
        "rows": rows,
    }


def _data(presence: Presence, shown: Shown, moves: Moves | None) -> dict[str, Any]:
    """Say what the page shows as JSON values."""
    timeline = presence.timeline
    return {
        "presence": {
            "release": presence.release.label,
            "digest": presence.release.digest,
            "period": {
                "unit": shown.unit,
                "start": datetime.fromtimestamp(shown.start, UTC).isoformat(),
                "label": timeline.label(shown),
                "time_zone": timeline.calendar.time_zone,
            },
            "class_bounds": list(presence.classes[shown.unit].breaks),
            "areas": [
                {"code": cell.code, "name": cell.name, "subscribers": cell.value, "subscribers_state": cell.state.value}
                for cell in presence.cells(shown)
            ],
        },
        "flows": moves
        and {
            "release": moves.release.label,
            "digest": moves.release.digest,
            "day": moves.day.isoformat(),
            "suppressed_pairs": moves.suppressed,
            "pairs": moves.pairs,
            "largest": [vars(move) for move in moves.published[:FLOWS_SHOWN]],
        },
    }
