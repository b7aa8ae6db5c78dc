"""Results: where subscribers live, as far as their phones tell."""

from __future__ import annotations

from datetime import date

from commonweal.core.catalog import State
from commonweal.mobility.published import HOMES
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Absent, Block, Drawn, Listed, Subheading, Text, picture
from commonweal.mobility.report.gathering import Gathered, Layer
from commonweal.mobility.report.maps import area_map, classes_of, legend_of
from commonweal.mobility.report.typical import Typical
from commonweal.web.figure import Heading
from commonweal.web.languages import _
from commonweal.web.table import Row
from commonweal.web.words import days_in_words


def blocks(gathered: Gathered) -> list[Block]:
    """Say where subscribers live."""
    found: list[Block] = [Subheading(_("Home areas"))]
    layer = gathered.layers.get(HOMES)
    if layer is None:
        found.append(Absent(_("No release of home areas is published for this period.")))
        return found
    values, places = homes_of(layer), gathered.own_places
    classes = classes_of(list(values.values()))
    title = _("Subscribers by home area")
    caption = _("Subscribers by the area where their days most often end, %(days)s.", days=_days(gathered, layer))
    source = citing.source(layer.releases)
    said = _(
        "A home is where a phone's days most often end. It is an assumption, not an address: whoever works at night, "
        "or calls only by day, is counted elsewhere."
    )
    found.append(Text(f"{said} {citing.exactness(layer)} {citing.hidden(layer)}"))
    drawn = area_map(places, values, classes, label=title, name="homes")
    if drawn is not None:
        shown = legend_of(_("Subscribers whose home area it is"), classes, layer)
        found.append(Drawn(picture("homes", title, drawn, caption, shown), source))
    interval = [Heading(_("Interval"), is_number=True)] if layer.has_interval else []
    rows = [
        Row(
            (
                places.names.get(code, code),
                citing.typical(values[code]),
                *([citing.interval(values[code])] if interval else []),
            ),
            has_value=values[code].value is not None,
        )
        for code in gathered.places.codes
        if code in values
    ]
    headings = (Heading(_("Area")), Heading(_("Subscribers"), is_number=True), *interval)
    found.append(Listed(_("Table: %(title)s", title=title), caption, headings, rows, source))
    return found


def homes_of(layer: Layer) -> dict[str, Typical]:
    """Give what is published of each area."""
    name = layer.value.name
    return {
        row["area"]: Typical(
            None if row[name] is None else float(row[name]),
            int(row[name] is not None),
            1,
            row.get("low"),
            row.get("high"),
            State(row[f"{name}_state"]),
        )
        for row in sorted(layer.table.to_pylist(), key=lambda row: row["start"])
    }


def _days(gathered: Gathered, layer: Layer) -> str:
    said = layer.newest.provenance.parameters
    if "first_day" in said and "last_day" in said:
        return days_in_words(date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"]))
    return days_in_words(*gathered.days)
