"""A time series drawn on the server: a line where there are values, a gap with a texture where there are none.

Where scripts run, ``chart.js`` draws it again so that it can be read point by point; this picture is what everyone
else sees, what is printed, and what the files hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, log10

from markupsafe import Markup

from commonweal.web.figure import Legend
from commonweal.web.map import PATTERNS
from commonweal.web.words import count

WIDTH, HEIGHT = 480.0, 216.0
LEFT, RIGHT, TOP, FOOT = 60.0, 12.0, 12.0, 28.0
"""Screen units: the whole, and what is beside the drawing on each side."""
LABELS, LONG = 5, 6
"""How many moments are named; fewer where a name has more letters."""
LINES = 4
LETTER = 11.5
"""Width of a digit as phones show it."""
GAP = 14.0
"""How tall the texture is that marks moments without a value."""


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


@dataclass(frozen=True)
class Band:
    """What lies between two lines, as an interval does.

    Parameters
    ----------
    name
        As a legend says it.
    low, high
        One a moment; None where there is none to show.
    """

    name: str
    low: Sequence[float | None]
    high: Sequence[float | None]


def time_chart(
    moments: Sequence[int],
    labels: Sequence[str],
    lines: Sequence[Line],
    *,
    label: str,
    band: Band | None = None,
    gaps: Sequence[str] = (),
) -> Markup:
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
    band
        Drawn behind the lines.
    gaps
        The texture of each moment that is marked as having no value, empty for the others; without it, those at which
        no line has one are hatched.

    Examples
    --------
    >>> print(time_chart([0, 3600, 7200], ["0h", "1h", "2h"], [Line("People", [10, None, 20])], label="People by hour"))
    <svg class="chart" viewBox="0 0 480 216" role="img" aria-label="People by hour">...
    """
    drawn = [*(line.values for line in lines), *((band.high,) if band else ())]
    highest = nice(max((value for values in drawn for value in values if value is not None), default=1.0))
    first, last = (moments[0], moments[-1]) if moments else (0, 1)
    steps = [count(highest * step / LINES, decimals(highest / LINES)) for step in range(LINES + 1)]
    left = max(LEFT, LETTER * max(map(len, steps)) + 10)
    across, tall = WIDTH - left - RIGHT, HEIGHT - TOP - FOOT

    def x(moment: int) -> float:
        return left + (across * (moment - first) / (last - first) if last > first else across / 2)

    def y(value: float) -> float:
        return TOP + tall * (1 - value / highest)

    parts = [PATTERNS]
    for step, said in enumerate(steps):
        value = highest * step / LINES
        parts.append(
            Markup(
                '<path class="grid" d="M{:g} {:.1f}H{:g}"/><text x="{:g}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(left, y(value), WIDTH - RIGHT, left - 8, y(value) + 5, said)
        )
    most = LABELS if max(map(len, labels), default=0) <= LONG else LABELS - 1
    for place in _some([place for place, name in enumerate(labels) if name], most):
        anchor = "start" if place == 0 and len(moments) > 1 else "end" if place == len(moments) - 1 > 0 else "middle"
        parts.append(
            Markup('<text x="{:.1f}" y="{:g}" text-anchor="{}">{}</text>').format(
                x(moments[place]), HEIGHT - 8, anchor, labels[place]
            )
        )
    if band:
        parts += [
            Markup('<path class="band" d="M{}Z"/>').format(
                "L".join(f"{x(moment):.1f} {y(value):.1f}" for moment, value in [*upper, *reversed(lower)])
            )
            for lower, upper in _stretches(moments, band)
        ]
    marked = gaps or [*_without(lines, len(moments))]
    parts += [_gap(x, moments, begin, end, (left, tall), pattern) for begin, end, pattern in _gaps(marked)]
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


def line_legend(
    title: str,
    lines: Sequence[Line],
    *,
    band: Band | None = None,
    gaps: Mapping[str, str] | None = None,
    note: str = "",
) -> Legend | None:
    """Say which line is which, and what is drawn where there is no value; None if there is nothing to say.

    Parameters
    ----------
    title
        What is shown, with its unit.
    lines, band
        As they are drawn.
    gaps
        Texture → what it means, of those that are drawn.
    note
        A sentence below.

    Examples
    --------
    >>> line_legend("People", [Line("seen", [1]), Line("usual", [2])]).lines
    [('line line-0', 'seen'), ('line line-1', 'usual')]
    >>> line_legend("People", [Line("seen", [1])]) is None
    True
    """
    named = len(lines) > 1 or band is not None
    if not named and not gaps:
        return None
    return Legend(
        title,
        [("band", band.name)] if band else [],
        list((gaps or {}).items()),
        note=note,
        lines=[(f"line line-{number}", line.name) for number, line in enumerate(lines)] if named else [],
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


def decimals(step: float) -> int:
    """Give how many decimals the multiples of a step need.

    Examples
    --------
    >>> [decimals(step) for step in (15, 1.5, 0.25, 0.008)]
    [0, 1, 2, 3]
    """
    return next((many for many in range(9) if abs(round(step, many) - step) < step * 1e-6), 9)


def _some(places: Sequence[int], most: int = LABELS) -> list[int]:
    """Choose some, spread evenly, the first among them.

    Examples
    --------
    >>> _some(range(4)), _some(range(0, 240, 24)), _some([])
    ([0, 1, 2, 3], [0, 48, 96, 144, 192], [])
    """
    return list(places[:: ceil(len(places) / most)]) if places else []


def _without(lines: Sequence[Line], number: int) -> list[str]:
    """Give the texture of each moment at which no line has a value."""
    return ["suppressed" if all(line.values[at] is None for line in lines) else "" for at in range(number)]


def _gaps(marked: Sequence[str]) -> list[tuple[int, int, str]]:
    """Give (first, last, texture) of each stretch of one texture.

    Examples
    --------
    >>> _gaps(["", "suppressed", "suppressed", "missing", ""])
    [(1, 2, 'suppressed'), (3, 3, 'missing')]
    """
    stretches = (list(places) for _, places in groupby(range(len(marked)), key=lambda place: marked[place]))
    return [(places[0], places[-1], marked[places[0]]) for places in stretches if marked[places[0]]]


def _gap(
    x: Callable[[int], float],
    moments: Sequence[int],
    begin: int,
    end: int,
    corner: tuple[float, float],
    pattern: str,
) -> Markup:
    step = (x(moments[-1]) - x(moments[0])) / max(len(moments) - 1, 1) or WIDTH / 4
    left, right = max(x(moments[begin]) - step / 2, corner[0]), min(x(moments[end]) + step / 2, WIDTH - RIGHT)
    return Markup('<rect class="no-value" fill="url(#{})" x="{:.1f}" y="{:g}" width="{:.1f}" height="{:g}"/>').format(
        pattern, left, TOP + corner[1] - GAP, right - left, GAP
    )


def _stretches(moments: Sequence[int], band: Band) -> list[tuple[list[tuple[int, float]], list[tuple[int, float]]]]:
    """Give the (moment, value) pairs below and above of each stretch in which a band has both edges."""
    edges = zip(moments, band.low, band.high, strict=True)
    found = []
    for there, stretch in groupby(edges, key=lambda one: one[1] is not None and one[2] is not None):
        if there:
            known = list(stretch)
            if len(known) == 1:  # a moment alone has a width too
                at, low, high = known[0]
                quarter = (moments[-1] - moments[0]) / max(len(moments) - 1, 1) / 4
                known = [(round(at - quarter), low, high), (round(at + quarter), low, high)]
            found.append(
                (
                    [(at, low) for at, low, _ in known if low is not None],
                    [(at, high) for at, _, high in known if high is not None],
                )
            )
    return found


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
