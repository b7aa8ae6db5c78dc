"""Maps of a report: areas by their typical value, areas that are suppressed hatched, and flows between areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from commonweal.core.catalog import State
from commonweal.mobility.report import citing
from commonweal.mobility.report.gathering import Layer
from commonweal.mobility.report.typical import Typical
from commonweal.web.classes import Classes, quantile_classes
from commonweal.web.figure import Legend
from commonweal.web.flows import Flow, flow_layer
from commonweal.web.geography import Geography
from commonweal.web.languages import _
from commonweal.web.map import MapArea, choropleth

FLOWS_DRAWN = 20


def classes_of(values: Sequence[Typical]) -> Classes:
    """Give the classes of the values there are."""
    return quantile_classes([value.value for value in values if value.value is not None])


def area_map(
    places: Geography, values: Mapping[str, Typical], classes: Classes, *, label: str, name: str
) -> Markup | None:
    """Draw areas by their value; None if no outline is known."""
    areas = [
        MapArea(
            code,
            places.names[code],
            places.outlines[code],
            value.value,
            "suppressed" if value.state is State.SUPPRESSED else value.state.value,
            citing.typical(value),
        )
        for code in places.codes
        if code in places.outlines
        for value in [values.get(code, Typical(None, 0, 0, state=State.MISSING))]
    ]
    return choropleth(areas, classes, label=label, name=name, projection=places.projection) if areas else None


def flow_map(
    places: Geography, flows: Sequence[tuple[str, str, Typical]], *, label: str, name: str
) -> tuple[Markup | None, str | None]:
    """Draw the largest flows over plain areas; gives the picture, and what the width of a flow means."""
    if not places.outlines:
        return None, None
    ground = [
        MapArea(code, places.names[code], places.outlines[code], None, "plain", places.names[code])
        for code in places.codes
        if code in places.outlines
    ]
    drawn = [
        Flow(origin, destination, value.value, f"{places.names[origin]} → {places.names[destination]}")
        for origin, destination, value in flows[:FLOWS_DRAWN]
        if value.value is not None
    ]
    picture = choropleth(
        ground,
        Classes(()),
        label=label,
        name=name,
        projection=places.projection,
        over=flow_layer(drawn, places.centres, label=label),
    )
    largest = max((flow.count for flow in drawn), default=None)
    if largest is None:
        return picture, None
    return picture, _("wide where people leave, at most %(largest)s", largest=citing.number(largest))


def legend_of(title: str, classes: Classes, layer: Layer, note: str = "") -> Legend:
    """Say what colours and textures of a map of areas mean."""
    return Legend(
        title,
        [(f"class-{classes.shade(step)}", text) for step, text in enumerate(classes.labels())],
        [("suppressed", citing.why_none(layer)), ("missing", _("no data"))],
        note=note,
    )
