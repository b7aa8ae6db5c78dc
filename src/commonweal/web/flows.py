"""Flows over a map: tapered curves, wide where people leave and pointed where they arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

from markupsafe import Markup

WIDEST = 13.0
"""Screen units at the origin of the largest flow."""

NARROWEST = 2.0
"""Screen units under which a flow would not be seen."""

BEND = 0.2
"""How far a curve leaves the straight line, as a part of its length; the two directions bend apart."""


@dataclass(frozen=True)
class Flow:
    """Movement from one area to another.

    Parameters
    ----------
    origin, destination
        Codes of the areas.
    count
        How many, the width of the curve.
    text
        The flow in words.
    """

    origin: str
    destination: str
    count: float
    text: str


def flow_layer(
    flows: Sequence[Flow], positions: Mapping[str, tuple[float, float]], *, label: str, largest: float | None = None
) -> Markup:
    """Draw flows as tapered curves, the largest first so that small ones stay visible.

    The direction is in the taper, which readers tell more surely than arrowheads (Holten & van Wijk, *A user study
    on visualizing directed edges in graphs*, CHI 2009).

    Parameters
    ----------
    flows
        What to draw. A flow whose areas have no position is left out.
    positions
        Screen position of each area's centre, by code.
    label
        What the layer shows, for those who do not see it.
    largest
        The count drawn at the full width; by default the largest given.

    Examples
    --------
    >>> layer = flow_layer([Flow("A", "B", 30, "30")], {"A": (0, 0), "B": (100, 0)}, label="Trips")
    >>> print(layer)
    <g class="flows" ...d="M0 6.5Q50 26.5 100 0Q50 13.5 0-6.5z"><title>30</title></path></g>
    """
    drawn = sorted(
        (flow for flow in flows if flow.origin in positions and flow.destination in positions),
        key=lambda flow: -flow.count,
    )
    full = largest or max((flow.count for flow in drawn), default=1.0)
    curves = [
        Markup('<path class="flow" role="img" aria-label="{0}" d="{1}"><title>{0}</title></path>').format(
            flow.text,
            taper(positions[flow.origin], positions[flow.destination], max(WIDEST * flow.count / full, NARROWEST)),
        )
        for flow in drawn
    ]
    return Markup('<g class="flows" role="group" aria-label="{}">{}</g>').format(label, Markup("").join(curves))


def taper(start: tuple[float, float], end: tuple[float, float], width: float) -> str:
    """Write the outline of a curve that is `width` wide at its start and a point at its end, as SVG path data."""
    (x, y), (to_x, to_y) = start, end
    length = hypot(to_x - x, to_y - y) or 1.0
    across_x, across_y = -(to_y - y) / length, (to_x - x) / length
    middle_x = (x + to_x) / 2 + across_x * BEND * length
    middle_y = (y + to_y) / 2 + across_y * BEND * length

    def offset(from_x: float, from_y: float, by: float) -> str:
        return _point(from_x + across_x * by, from_y + across_y * by)

    half = width / 2
    there = f"M{offset(x, y, half)}Q{offset(middle_x, middle_y, half)} {_point(to_x, to_y)}"
    return f"{there}Q{offset(middle_x, middle_y, -half)} {offset(x, y, -half)}z"


def _point(x: float, y: float) -> str:
    first, second = (f"{round(value, 1) + 0.0:g}" for value in (x, y))
    return f"{first}{'' if second.startswith('-') else ' '}{second}"
