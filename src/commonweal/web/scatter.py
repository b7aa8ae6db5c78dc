"""Pairs of numbers drawn on the server as dots between two logarithmic axes, with the line on which both are equal."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

from markupsafe import Markup

from commonweal.web.words import count

WIDTH, HEIGHT = 480.0, 400.0
LEFT, RIGHT, TOP, FOOT = 76.0, 16.0, 16.0, 52.0
"""Screen units: the whole, and what is beside the drawing on each side."""
APART = 2.0
"""Dots that would lie nearer to one another are one."""
FINEST = 4
"""How many digits after the point an axis may say."""


def scatter(pairs: Sequence[tuple[float, float]], across: str, up: str, *, label: str) -> Markup:
    """Draw a dot for each pair of numbers above 0; where both are equal, it lies on the line.

    Parameters
    ----------
    pairs
        Of each dot, how far it lies to the right and how far up.
    across, up
        What either is, as the axes say it.
    label
        What the chart shows, for those who do not see it.

    Examples
    --------
    >>> print(scatter([(20, 30), (400, 350)], "Observed", "Modelled", label="Observed and modelled"))
    <svg class="chart" viewBox="0 0 480 400" role="img" aria-label="Observed and modelled">...
    """
    drawn = [pair for pair in pairs if min(pair) > 0]
    low = floor(log10(min((min(pair) for pair in drawn), default=1)))
    high = max(ceil(log10(max((max(pair) for pair in drawn), default=10))), low + 1)
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - FOOT

    def x(value: float) -> float:
        return LEFT + wide * (log10(value) - low) / (high - low)

    def y(value: float) -> float:
        return TOP + tall * (1 - (log10(value) - low) / (high - low))

    parts = []
    for power in range(low, high + 1):
        value = 10.0**power
        said = count(value, min(max(0, -power), FINEST))
        parts += [
            Markup(
                '<path class="grid" d="M{:g} {:.1f}H{:g}"/><text x="{:g}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(LEFT, y(value), WIDTH - RIGHT, LEFT - 8, y(value) + 5, said),
            Markup(
                '<path class="grid" d="M{:.1f} {:g}V{:g}"/><text x="{:.1f}" y="{:g}" text-anchor="{}">{}</text>'
            ).format(
                x(value), TOP, HEIGHT - FOOT, x(value), HEIGHT - FOOT + 20, "end" if power == high else "middle", said
            ),
        ]
    ends = (10.0**low, 10.0**high)
    parts.append(
        Markup('<path class="line line-3" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(
            *(place(end) for end in ends for place in (x, y))
        )
    )
    dots = dict.fromkeys((round(x(one) / APART), round(y(other) / APART)) for one, other in drawn)
    parts += [
        Markup('<circle class="point" cx="{:g}" cy="{:g}" r="2.5"/>').format(right * APART, down * APART)
        for right, down in dots
    ]
    parts += [
        Markup('<text x="{:g}" y="{:g}" text-anchor="middle">{}</text>').format(LEFT + wide / 2, HEIGHT - 8, across),
        Markup('<text transform="translate(14 {:g}) rotate(-90)" text-anchor="middle">{}</text>').format(
            TOP + tall / 2, up
        ),
    ]
    return Markup('<svg class="chart" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("").join(parts)
    )
