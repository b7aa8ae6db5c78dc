"""A time series drawn on the server: a line where there are values, a gap with a texture where there are none.

Where scripts run, ``chart.js`` draws it again so that it can be read point by point; this picture is what everyone
else sees, what is printed, and what the files hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

from commonweal.web.map import PATTERNS
from commonweal.web.words import count

WIDTH, HEIGHT = 480.0, 216.0
LEFT, RIGHT, TOP, FOOT = 60.0, 12.0, 12.0, 28.0
"""Screen units: the whole, and what is beside the drawing on each side."""
LABELS = 5
LINES = 4


@dataclass(frozen=True)
class Line:
    """One series.

    Parameters
    ----------
    name
        As a legend says it.
    values
        One a moment; None where there is none to show.
    """

    name: str
    values: Sequence[float | None]


def time_chart(moments: Sequence[int], labels: Sequence[str], lines: Sequence[Line], *, label: str) -> Markup:
    """Draw lines over time, from zero up.

    Parameters
    ----------
    moments
        n instants, seconds, ascending.
    labels
        What each is called on the axis, empty for those that are never named; some of the others are written.
    lines
        Series of n values each, at most five.
    label
        What the chart shows, for those who do not see it.

    Examples
    --------
    >>> print(time_chart([0, 3600, 7200], ["0h", "1h", "2h"], [Line("People", [10, None, 20])], label="People by hour"))
    <svg class="chart" viewBox="0 0 480 216" role="img" aria-label="People by hour">...
    """
    highest = nice(max((value for line in lines for value in line.values if value is not None), default=1.0))
    first, last = (moments[0], moments[-1]) if moments else (0, 1)
    across, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - FOOT

    def x(moment: int) -> float:
        return LEFT + (across * (moment - first) / (last - first) if last > first else across / 2)

    def y(value: float) -> float:
        return TOP + tall * (1 - value / highest)

    parts = [PATTERNS]
    for step in range(LINES + 1):
        value = highest * step / LINES
        parts.append(
            Markup(
                '<path class="grid" d="M{:g} {:.1f}H{:g}"/><text x="{:g}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(LEFT, y(value), WIDTH - RIGHT, LEFT - 8, y(value) + 5, count(value, 0 if highest >= LINES else 1))
        )
    for place in _some([place for place, name in enumerate(labels) if name]):
        anchor = "start" if place == 0 and len(moments) > 1 else "end" if place == len(moments) - 1 > 0 else "middle"
        parts.append(
            Markup('<text x="{:.1f}" y="{:g}" text-anchor="{}">{}</text>').format(
                x(moments[place]), HEIGHT - 8, anchor, labels[place]
            )
        )
    parts += [_gap(x, moments, begin, end, tall) for begin, end in _gaps(lines, len(moments))]
    for number, line in enumerate(lines):
        parts.append(Markup('<path class="line line-{}" d="{}"/>').format(number, _path(x, y, moments, line.values)))
        if sum(value is not None for value in line.values) <= 31:
            parts += [
                Markup('<circle class="point line-{}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(
                    number, x(moment), y(value)
                )
                for moment, value in zip(moments, line.values, strict=True)
                if value is not None
            ]
    return Markup('<svg class="chart" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("").join(parts)
    )


def nice(value: float) -> float:
    """Give the number not below a value at which an axis may end: four equal steps to it are easy to read.

    Examples
    --------
    >>> [nice(value) for value in (0, 3, 7.5, 41, 950, 1234)]
    [1.0, 3.2, 8.0, 60.0, 1000.0, 1600.0]
    """
    if value <= 0:
        return 1.0
    unit = 10.0 ** floor(log10(value))
    return next(step * unit for step in (1.0, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0) if step * unit >= value)


def _some(places: Sequence[int]) -> list[int]:
    """Choose some, spread evenly, the first among them.

    Examples
    --------
    >>> _some(range(4)), _some(range(0, 240, 24)), _some([])
    ([0, 1, 2, 3], [0, 48, 96, 144, 192], [])
    """
    return list(places[:: ceil(len(places) / LABELS)]) if places else []


def _gaps(lines: Sequence[Line], number: int) -> list[tuple[int, int]]:
    """Give (first, last) place of each stretch in which no line has a value."""
    empty = [all(line.values[place] is None for line in lines) for place in range(number)]
    gaps, begin = [], None
    for place, is_empty in enumerate([*empty, False]):
        if is_empty and begin is None:
            begin = place
        elif not is_empty and begin is not None:
            gaps.append((begin, place - 1))
            begin = None
    return gaps


def _gap(x: Callable[[int], float], moments: Sequence[int], begin: int, end: int, tall: float) -> Markup:
    step = (x(moments[-1]) - x(moments[0])) / max(len(moments) - 1, 1) or WIDTH / 4
    left, right = max(x(moments[begin]) - step / 2, LEFT), min(x(moments[end]) + step / 2, WIDTH - RIGHT)
    return Markup(
        '<rect class="no-value" fill="url(#suppressed)" x="{:.1f}" y="{:g}" width="{:.1f}" height="{:g}"/>'
    ).format(left, TOP + tall - 10, right - left, 10)


def _path(
    x: Callable[[int], float], y: Callable[[float], float], moments: Sequence[int], values: Sequence[float | None]
) -> str:
    written, pen_down = [], False
    for moment, value in zip(moments, values, strict=True):
        if value is None:
            pen_down = False
            continue
        written.append(f"{'L' if pen_down else 'M'}{x(moment):.1f} {y(value):.1f}")
        pen_down = True
    return "".join(written)
