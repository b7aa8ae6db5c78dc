"""Figures of ways from area to area: the largest on a map, and what goes in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from markupsafe import Markup

from commonweal.core.catalog import Release
from commonweal.mobility.net_flows import ENDS, net_flows
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.tables.columns import title_of
from commonweal.mobility.pages.tables.reading import Shown
from commonweal.mobility.published import Move
from commonweal.web.classes import Classes
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.flows import Flow, flow_layer
from commonweal.web.geography import Geography
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.map import MapArea, choropleth
from commonweal.web.table import Row
from commonweal.web.words import count

Href = Callable[..., str]
DRAWN, LISTED = 30, 200
NET = ("inflow", "outflow", "net", "inflow_at_least", "outflow_at_least", "inflow_hidden", "outflow_hidden")


def way_figures(shown: Shown, href: Href) -> list[Figure]:
    """Draw the largest of the ways between areas, and add them up by area."""
    published, places, area = shown.published, shown.published.places, shown.area
    ends = published.ends
    found = shown.table(shown.rows, *ends)
    moves = sorted(
        (
            Move(pair[0], pair[1], round(told.value))
            for pair, by_column in found.items()
            for told in by_column.values()
            if told.value is not None and (area is None or area in pair)
        ),
        key=lambda move: (-move.subscribers, move.origin, move.destination),
    )
    drawn = [move for move in moves if move.origin != move.destination][:DRAWN]
    listed, title = moves[:LISTED], title_of(shown)
    label = _("Map: %(title)s, %(period)s", title=title, period=shown.label)
    flows = parts.flows_drawn(drawn, places.names)
    picture = ways_map(places, flows, title=title, label=label, href=href, area=area)
    said = ngettext(
        "%(title)s, %(period)s: the largest of %(num)s published pair of areas.",
        "%(title)s, %(period)s: the largest of %(num)s published pairs of areas.",
        len(moves),
        title=title,
        period=shown.label,
    )
    width = parts.largest_ways(len(drawn), drawn[0].subscribers) if drawn else None
    nothing = _("%(title)s, %(period)s: nothing is published.", title=title, period=shown.label)
    ways = Figure(
        name="flows",
        title=_("%(title)s, %(area)s", title=title, area=places.names[area]) if area else title,
        caption=said if moves else nothing,
        headings=parts.flow_headings(),
        rows=parts.flow_rows(listed, places.names),
        records=[
            {
                "origin": move.origin,
                "origin_name": places.names[move.origin],
                "destination": move.destination,
                "destination_name": places.names[move.destination],
                "subscribers": move.subscribers,
            }
            for move in listed
        ],
        picture=picture if drawn or area else None,
        legend=Legend(translated(published.value.description), flow=width, note="" if drawn else nothing),
        geometry=places.outlines,
        areas=("origin", "destination"),
        says=parts.beside(published.release),
        empty=nothing,
    )
    pairs = published.table.take(pa.array(shown.rows))
    return [ways, net_figure(published.release, pairs, places, shown.label, area)]


def ways_map(
    places: Geography, flows: Sequence[Flow], *, title: str, label: str, href: Href, area: str | None
) -> Markup | None:
    """Draw ways over their areas, each of which leads to what goes from and to it; None if no outline is known.

    Parameters
    ----------
    title, label
        What the ways are, and what the whole map shows.
    area
        The area that is marked.
    """
    areas = [
        MapArea(code, places.names[code], places.outlines[code], None, "plain", _("show its flows"), href(area=code))
        for code in places.codes
        if code in places.outlines
    ]
    if not areas:
        return None
    layer = flow_layer(flows, places.centres, label=title)
    return choropleth(
        areas, Classes(()), label=label, name="flows", projection=places.projection, over=layer, selected=area
    )


def net_figure(release: Release, pairs: pa.Table, places: Geography, period: str, area: str | None = None) -> Figure:
    """Add published ways up by area: in, out and net; with a hidden one there is no sum, but what it is at least.

    Parameters
    ----------
    pairs
        Rows of the release, of one period.
    """
    value = release.schema.measures[0].name
    summed = {row["area"]: row for row in net_flows(pairs.select([*ENDS, value]), value).to_pylist()}
    rows, records = [], []
    for code in places.codes:
        row = summed.get(code)
        if row is None:
            continue
        net = row["net"]
        said = "–" if net is None else f"+{count(net)}" if net > 0 else count(net)
        hidden = row["inflow_hidden"] + row["outflow_hidden"]
        cells = (places.names[code], *(_at_least(row, end) for end in ("inflow", "outflow")), said, count(hidden))
        known = row["inflow"] is not None or row["outflow"] is not None
        rows.append(Row(cells, has_value=known, current=code == area))
        records.append({"area": code, "name": places.names[code], **{name: row[name] for name in NET}})
    return Figure(
        name="net",
        title=_("In, out and net by area"),
        caption=_(
            "Published pairs added up by area, %(period)s. Whoever is in several pairs counts in each. With a hidden "
            "pair in it a sum is not known; what it is at least stands there.",
            period=period,
        ),
        headings=(
            Heading(_("Area"), key="name"),
            Heading(_("Inflow"), is_number=True, key="inflow_at_least"),
            Heading(_("Outflow"), is_number=True, key="outflow_at_least"),
            Heading(_("Net"), is_number=True, key="net"),
            Heading(_("Hidden pairs"), is_number=True),
        ),
        rows=rows,
        records=records,
        geometry=places.outlines,
        areas=("area",),
        says=parts.beside(release),
    )


def _at_least(row: Mapping[str, Any], end: str) -> str:
    said = count(row[f"{end}_at_least"])
    if row[end] is not None:
        return said
    return f"≥ {said}" if row[f"{end}_at_least"] else "–"
