"""Figures of presence: the map of a period, an area over time, the flows of the day, and what matters most."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from markupsafe import Markup

from commonweal.core.catalog import State
from commonweal.mobility.not_shown import hidden_pairs
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.viewing import View
from commonweal.web.chart import Line, line_legend, time_chart
from commonweal.web.figure import Chart, Figure, Heading
from commonweal.web.flows import flow_layer
from commonweal.web.languages import _, ngettext
from commonweal.web.map import choropleth
from commonweal.web.table import Row
from commonweal.web.timeline import Shown, Timeline
from commonweal.web.words import count, day_in_words, days_in_words, short_day, state

FLOWS_SHOWN = 20


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
    line, gaps = Line(seen.name(code), values), parts.gaps_of(values, states)
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
            [line],
            label=label,
            gaps=gaps,
        ),
        legend=line_legend(_("Distinct subscribers"), [line], gaps=parts.gaps_meant(gaps, presence.threshold)),
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
