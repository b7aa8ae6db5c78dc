"""Results: who crosses the border, who comes to visit and who is abroad, from the records' own networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Block, Drawn, Listed, Subheading, Text, picture
from commonweal.mobility.report.gathering import Gathered, Layer, dates_of, seconds_of
from commonweal.mobility.report.maps import area_map, classes_of, flow_map, legend_of
from commonweal.mobility.report.typical import Typical, lay
from commonweal.mobility.telling import DIMENSIONS, called
from commonweal.web.figure import Heading, Legend
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.table import Row
from commonweal.web.words import days_in_words

CROSSINGS, DISTRICTS = "mobility.border_crossings", "mobility.border_districts"
PAIRS, TRANSIT = "mobility.border_pairs", "mobility.transit"
INBOUND, OUTBOUND = "mobility.inbound", "mobility.outbound"
NIGHTS, VISITS, ACCIDENTAL = "mobility.visitor_nights", "mobility.visit_nights", "mobility.accidental_roaming"
SHOWN = (CROSSINGS, DISTRICTS, PAIRS, INBOUND, OUTBOUND, TRANSIT, NIGHTS, VISITS, ACCIDENTAL)
"""In the order in which they are shown."""
LISTED = 25


def blocks(gathered: Gathered) -> list[Block]:
    """Say who crosses the border; nothing where nothing of it is published."""
    layers = [layer for name in SHOWN if (layer := gathered.further(name)) is not None]
    if not layers:
        return []
    found: list[Block] = [
        Subheading(_("Visitors, residents abroad and crossings")),
        Text(
            _(
                "These tables follow phones by the network that serves them. Whom a network across the border served "
                "for a moment, without their crossing, is left out of all of them and counted by itself."
            )
        ),
    ]
    for layer in layers:
        found += _shown(gathered, layer)
    return found


def _shown(gathered: Gathered, layer: Layer) -> list[Block]:
    keys = tuple(name for name in layer.dataset.key if name != "start")
    typical, days = _typical(gathered, layer, keys)
    title, source = translated(layer.dataset.title), citing.source(layer.releases)
    caption = f"{translated(layer.dataset.description)} {_of_days(gathered, days, layer)}"
    known = [(key, value) for key, value in typical.items() if value.value is not None]
    known.sort(key=lambda pair: (-(pair[1].value or 0), pair[0]))
    found: list[Block] = [Text(f"{title}. {citing.exactness(layer)} {citing.hidden(layer)}")]
    name = layer.newest.dataset.removeprefix("mobility.")
    if keys == ("area",):
        values = {key[0]: value for key, value in typical.items()}
        classes = classes_of(list(values.values()))
        drawn = area_map(gathered.own_places, values, classes, label=title, name=name)
        if drawn is not None:
            found.append(Drawn(picture(name, title, drawn, caption, legend_of(title, classes, layer)), source))
    elif {"origin", "destination"} <= set(keys) and known:
        first, second = keys.index("origin"), keys.index("destination")
        flows = [(key[first], key[second], value) for key, value in known if key[first] != key[second]]
        drawn, width = flow_map(gathered.places, flows, label=title, name=name)
        if drawn is not None:
            found.append(Drawn(picture(name, title, drawn, caption, Legend(title, flow=width)), source))
    if not known:
        found.append(Text(_("No value is published on more than half of the days.")))
        return found
    areas = set(layer.dataset.areas)
    rows = [
        Row(
            (
                *(_said(gathered, one, part, areas) for one, part in zip(keys, key, strict=True)),
                citing.typical(value),
                citing.on_days(value),
            )
        )
        for key, value in known[:LISTED]
    ]
    headings = (
        *(Heading(_heading(one, areas)) for one in keys),
        Heading(_("Typical day") if days > 1 else _("Subscribers"), is_number=True),
        Heading(_("Days published"), is_number=True),
    )
    left = len(known) - len(rows)
    more = ngettext("%(num)s smaller value is not listed.", "%(num)s smaller values are not listed.", left)
    found.append(Listed(_("Table: %(title)s", title=title), caption, headings, rows, source, more if left else ""))
    return found


def _typical(gathered: Gathered, layer: Layer, keys: Sequence[str]) -> tuple[dict[tuple[str, ...], Typical], int]:
    """Give the median over the days of each key, and of how many days."""
    dates = dates_of(gathered.calendar, seconds_of(layer.table))
    days = {day: place for place, day in enumerate(sorted(set(dates)))}
    every = list(zip(*(map(str, layer.table.column(name).to_pylist()) for name in keys), strict=True))
    places = {key: place for place, key in enumerate(sorted(set(every)))}
    laid = lay(
        layer,
        np.array([days[day] for day in dates]),
        np.array([places[key] for key in every]),
        (len(days), len(places)),
    )
    return dict(zip(places, laid.typical(), strict=True)), len(days)


def _of_days(gathered: Gathered, days: int, layer: Layer) -> str:
    if days == 1:
        return ""
    dates = dates_of(gathered.calendar, seconds_of(layer.table))
    return ngettext(
        "The median over %(num)s day, %(span)s.",
        "The median over %(num)s days, %(span)s.",
        days,
        span=days_in_words(min(dates), max(dates)),
    )


def _said(gathered: Gathered, name: str, value: str, areas: set[str]) -> str:
    return gathered.places.names.get(value, value) if name in areas else called(name, value)


def _heading(name: str, areas: set[str]) -> str:
    if name in areas:
        return {"origin": _("From"), "destination": _("To")}.get(name, _("Area"))
    return translated(DIMENSIONS.get(name, name))
