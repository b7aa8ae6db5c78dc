"""Results: how far, and how regularly, residents of each area move."""

from __future__ import annotations

from commonweal.core.catalog import State
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Block, Drawn, Listed, Subheading, Text, picture
from commonweal.mobility.report.gathering import Gathered, Layer
from commonweal.mobility.telling import bin_heading, bin_name
from commonweal.web.figure import Heading, Legend
from commonweal.web.languages import _, translated
from commonweal.web.table import Row
from commonweal.web.tally import Class, tally
from commonweal.web.words import count, state

SHOWN = tuple(
    f"mobility.{name}"
    for name in (
        "radius_of_gyration",
        "radius_of_gyration_by_time",
        "k_radius_of_gyration",
        "jump_length",
        "longest_jump",
        "distance_from_home",
        "share_at_home",
        "locations",
        "random_entropy",
        "uncorrelated_entropy",
        "real_entropy",
        "regularity",
    )
)
"""In the order in which they are shown."""
Bin = tuple[float, float]
Told = tuple[float | None, State]


def blocks(gathered: Gathered) -> list[Block]:
    """Say how residents of each area move; nothing where nothing of it is published."""
    layers = [layer for name in SHOWN if (layer := gathered.further(name)) is not None]
    if not layers:
        return []
    found: list[Block] = [
        Subheading(_("How people move")),
        Text(
            _(
                "Of each resident of an area one number is found, and how many residents have which is published: "
                "never a number of one person. The picture is of the area of which most is published."
            )
        ),
    ]
    for layer in layers:
        found += _shown(gathered, layer)
    return found


def _shown(gathered: Gathered, layer: Layer) -> list[Block]:
    unit = next(one.unit or "" for one in layer.dataset.dimensions if one.name == "at_least")
    names, value = gathered.places.names, layer.value
    by_area: dict[str, dict[Bin, Told]] = {}
    for row in layer.table.to_pylist():
        bins = by_area.setdefault(str(row["area"]), {})
        bins[row["at_least"], row["below"]] = row[value.name], State(row[value.state])
    edges = sorted({edge for bins in by_area.values() for edge in bins})
    heads = [bin_name(low, high, unit, last=place == len(edges) - 1) for place, (low, high) in enumerate(edges)]
    known = {code: sum(one or 0 for one, _state in bins.values()) for code, bins in by_area.items()}
    title, source = translated(layer.dataset.title), citing.source(layer.releases)
    caption = translated(layer.dataset.description)
    found: list[Block] = [Text(f"{title}. {citing.exactness(layer)} {citing.hidden(layer)}")]
    fullest = max(known, key=lambda code: known[code])
    if known[fullest]:
        classes = []
        for head, edge in zip(heads, edges, strict=True):
            number, why = by_area[fullest].get(edge, (None, State.MISSING))
            classes.append(Class(head, number, why.value, state(why) if number is None else count(number)))
        label = _("%(title)s, %(area)s", title=title, area=names.get(fullest, fullest))
        name = layer.newest.dataset.removeprefix("mobility.")
        shown = picture(name, label, tally(classes, label=label), caption, Legend(bin_heading(unit)))
        found.append(Drawn(shown, source))
    listed = sorted((code for code in by_area if known[code]), key=lambda code: names.get(code, code))
    rows = [Row((names.get(code, code), *(_said(by_area[code].get(edge)) for edge in edges))) for code in listed]
    if not rows:
        found.append(Text(_("Nothing of it is published: every value is suppressed.")))
        return found
    headings = (Heading(_("Area")), *(Heading(head, is_number=True) for head in heads))
    note = _("– is suppressed. Areas of which nothing is published are left out.")
    found.append(Listed(_("Table: %(title)s", title=title), f"{caption} {note}", headings, rows, source))
    return found


def _said(told: Told | None) -> str:
    return "–" if told is None or told[0] is None else count(told[0])
