"""Bars from the side, one a class: how many there are of each, where there are many words and no time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from commonweal.web.map import PATTERNS

WIDTH, STEP, LEFT, RIGHT = 560.0, 34.0, 170.0, 100.0
"""Screen units: the whole, from one bar to the next, what is beside the bars for names and for numbers."""


@dataclass(frozen=True)
class Class:
    """One class.

    Parameters
    ----------
    name
        Beside the bar.
    value
        Its length; None where there is none to show.
    state
        State of the value.
    said
        The value, or its state, in a word.
    """

    name: str
    value: float | None
    state: str
    said: str


def tally(classes: Sequence[Class], *, label: str) -> Markup:
    """Draw a bar for each class from the side; what has no value is a hatched stub, never a bar of no length.

    Parameters
    ----------
    classes
        From above.
    label
        What the picture shows, for those who do not see it.

    Examples
    --------
    >>> print(tally([Class("1 to 2 km", 40, "reported", "40")], label="How far"))
    <svg class="bars" viewBox="0 0 560 38" role="img" aria-label="How far">...<rect class="value" ...
    """
    longest = max((one.value for one in classes if one.value is not None), default=0.0) or 1.0
    across = WIDTH - LEFT - RIGHT
    drawn = []
    for place, one in enumerate(classes):
        top = 2 + place * STEP
        wide = 10.0 if one.value is None else max(across * one.value / longest, 1.0)
        fill = Markup('class="value"')
        if one.value is None:
            pattern = "suppressed" if one.state == "suppressed" else "missing"
            fill = Markup('class="no-value" fill="url(#{})"').format(pattern)
        drawn.append(
            Markup(
                '<g class="bar"><title>{0}: {1}</title><text x="{2:g}" y="{3:g}" text-anchor="end">{0}</text>'
                '<rect {4} x="{5:g}" y="{6:g}" width="{7:.1f}" height="{8:g}" rx="2"/>'
                '<text x="{9:.1f}" y="{3:g}">{1}</text></g>'
            ).format(one.name, one.said, LEFT - 10, top + 23, fill, LEFT, top + 5, wide, STEP - 10, LEFT + wide + 8)
        )
    return Markup('<svg class="bars" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}{}</svg>').format(
        WIDTH, 4 + STEP * len(classes), label, PATTERNS, Markup("").join(drawn)
    )
