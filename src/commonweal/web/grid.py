"""A grid of coloured squares: how much there is by two things at once, such as the hour and the day of the week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from commonweal.web.chart import LETTER
from commonweal.web.classes import Classes
from commonweal.web.map import PATTERNS

WIDTH, STEP, TOP, APART = 480.0, 18.0, 26.0, 2.0
"""Screen units: the whole, from one row to the next, room for names above, between squares."""


@dataclass(frozen=True)
class Square:
    """One square.

    Parameters
    ----------
    value
        What colours it; None where there is none to show.
    text
        Where it stands, and its value or why there is none, in words.
    pattern
        Its texture where it has no value.
    """

    value: float | None
    text: str
    pattern: str = "missing"


def grid(
    columns: Sequence[str], rows: Sequence[str], squares: Sequence[Sequence[Square]], classes: Classes, *, label: str
) -> Markup:
    """Draw squares coloured by the class of their value; what has no value has a texture, and never a colour.

    Parameters
    ----------
    columns
        Names above.
    rows
        Names at the side; empty for those that are never named.
    squares
        For each row one a column.
    classes
        Which colour a value takes.
    label
        What the picture shows, for those who do not see it.

    Examples
    --------
    >>> squares = [[Square(40, "Monday, 08:00: 40"), Square(None, "Tuesday, 08:00: fewer than 15", "suppressed")]]
    >>> print(grid(["Mon", "Tue"], ["08:00"], squares, Classes(()), label="By hour"))
    <svg class="chart" viewBox="0 0 480 44" role="img" aria-label="By hour">...<rect class="class-2" ...
    """
    left = LETTER * max(map(len, rows), default=0) + (8 if any(rows) else 0)
    across = (WIDTH - left) / max(len(columns), 1)
    drawn = [PATTERNS]
    for place, name in enumerate(columns):
        drawn.append(
            Markup('<text x="{:.1f}" y="{:g}" text-anchor="middle">{}</text>').format(
                left + (place + 0.5) * across, TOP - 8, name
            )
        )
    for down, (name, line) in enumerate(zip(rows, squares, strict=True)):
        top = TOP + down * STEP
        if name:
            drawn.append(
                Markup('<text x="{:g}" y="{:g}" text-anchor="end">{}</text>').format(left - 8, top + STEP - 4, name)
            )
        for place, one in enumerate(line):
            drawn.append(
                Markup('<rect {} x="{:.1f}" y="{:g}" width="{:.1f}" height="{:g}"><title>{}</title></rect>').format(
                    _fill(one, classes),
                    left + place * across + APART / 2,
                    top + APART / 2,
                    across - APART,
                    STEP - APART,
                    one.text,
                )
            )
    return Markup('<svg class="chart" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, TOP + STEP * len(rows), label, Markup("").join(drawn)
    )


def _fill(one: Square, classes: Classes) -> Markup:
    if one.value is None:
        return Markup('class="no-value" fill="url(#{})"').format(one.pattern)
    return Markup('class="class-{}"').format(classes.shade(classes.of(one.value)))
