"""A row of bars over time, each a link: at once a chart and the way through the hours of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from commonweal.web.words import count

HEIGHT = 96.0
STEP = 26.0
TOP = 26.0
FOOT = 26.0
"""Screen units: room for bars, from one bar to the next, above the bars, below them."""


@dataclass(frozen=True)
class Bar:
    """One period.

    Parameters
    ----------
    label
        What stands under the bar; may be empty.
    value
        Its height; None where there is none to show.
    state
        State of the value.
    text
        The period and its value or state in words.
    href
        Where it leads.
    current
        Whether it is the period shown now.
    """

    label: str
    value: float | None
    state: str
    text: str
    href: str
    current: bool = False


def bars(periods: Sequence[Bar], *, label: str) -> Markup:
    """Draw a bar for each period; what has no value stands as a hatched stub, never as zero.

    Parameters
    ----------
    periods
        In the order of time.
    label
        What the chart shows, for those who do not see it.

    Examples
    --------
    >>> print(bars([Bar("00", 40, "reported", "00:00: 40 subscribers", "?start=0")], label="By hour"))
    <svg class="bars" ...<a class="bar" href="?start=0" aria-label="00:00: 40 subscribers">...
    """
    highest = max((bar.value for bar in periods if bar.value is not None), default=0.0) or 1.0
    width = max(len(periods), 1) * STEP
    drawn = Markup("").join(_bar(bar, index, highest) for index, bar in enumerate(periods))
    return Markup(
        '<svg class="bars" viewBox="0 0 {:g} {:g}" role="group" aria-label="{}">'
        '<path class="grid" d="M0 {:g}H{:g}M0 {:g}H{:g}"/><text class="scale" x="0" y="{:g}">{}</text>{}</svg>'
    ).format(
        width, TOP + HEIGHT + FOOT, label, TOP, width, TOP + HEIGHT, width, TOP - 7,
        count(highest) if highest > 1 else "", drawn,
    )  # fmt: skip


def _bar(bar: Bar, index: int, highest: float) -> Markup:
    x = index * STEP
    tall = 10.0 if bar.value is None else max(HEIGHT * bar.value / highest, 1.0)
    fill = Markup('fill="url(#{})"').format("suppressed" if bar.state == "suppressed" else "missing")
    shape = Markup('<rect class="{}" {} x="{:g}" y="{:.1f}" width="{:g}" height="{:.1f}" rx="2"/>').format(
        "value" if bar.value is not None else "no-value",
        Markup("") if bar.value is not None else fill,
        x + 3,
        TOP + HEIGHT - tall,
        STEP - 6,
        tall,
    )
    current = Markup(' aria-current="true"') if bar.current else Markup("")
    return Markup(
        '<a class="bar" href="{0}" aria-label="{1}"{2}><title>{1}</title>'
        '<rect class="target" x="{3:g}" y="{4:g}" width="{5:g}" height="{6:g}" rx="4"/>{7}'
        '<text x="{8:g}" y="{9:g}" text-anchor="middle" aria-hidden="true">{10}</text></a>'
    ).format(
        bar.href, bar.text, current, x, TOP, STEP, HEIGHT + FOOT, shape, x + STEP / 2, TOP + HEIGHT + 20, bar.label
    )
