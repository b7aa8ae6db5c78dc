"""A picture that stands by itself: its colours, its title and its legend inside, nothing that is only for the page."""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup

from commonweal.web.assets import FOLDER
from commonweal.web.figure import Figure, Legend

LINE = 26.0
SWATCH = (34.0, 18.0)
FONT = "Noto Sans, sans-serif"
OWN_STYLE = (
    ".paper{{fill:{page}}}.title{{fill:{text};font-size:21px;font-weight:700}}"
    ".caption,.key{{fill:{muted};font-size:15px}}"
)
HOLD = 12.0
"""Screen units around the picture."""


def svg(figure: Figure) -> str:
    """Write a figure's picture as an SVG file.

    Raises
    ------
    ValueError
        The figure has no picture.
    """
    if figure.picture is None:
        raise ValueError(f"figure {figure.name} has no picture")
    width, height = size(figure.picture)
    head = 3 * LINE if figure.caption else 2 * LINE
    legend, tall = _legend(figure.legend, HOLD, head + height + HOLD) if figure.legend else (Markup(""), 0.0)
    inside = Markup(re.sub(r"<(/?)a\b[^>]*>", r"<\1g>", _without_tips(str(figure.picture))))
    nested = Markup(re.sub(r"^<svg ", f'<svg x="{HOLD:g}" y="{head:g}" width="{width:g}" height="{height:g}" ', inside))
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:g} {1:g}" width="{0:g}" height="{1:g}" role="img" '
        'aria-label="{2}" font-family="{3}"><title>{2}</title><desc>{4}</desc><style>{5}</style>'
        '<rect class="paper" width="{0:g}" height="{1:g}"/><text class="title" x="{6:g}" y="{7:g}">{2}</text>'
        '<text class="caption" x="{6:g}" y="{8:g}">{4}</text>{9}{10}</svg>'
    ).format(
        width + 2 * HOLD, head + height + tall + 2 * HOLD, figure.title, FONT, figure.caption, Markup(style()),
        HOLD, 1.3 * LINE, 2.2 * LINE, nested, legend,
    )  # fmt: skip


def size(picture: Markup) -> tuple[float, float]:
    """Give width and height of a picture, in its units.

    Examples
    --------
    >>> size(Markup('<svg class="map" viewBox="0 0 720 500">'))
    (720.0, 500.0)
    """
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)
    assert found, "every picture of a page says its size"
    return float(found[1]), float(found[2])


@lru_cache
def style() -> str:
    """Give the style of pictures with the light colours put in: no reader of files knows the page's variables."""
    colours = dict(re.findall(r"--([\w-]+): ([^;]+);", (FOLDER / "site.css").read_text().partition("@media")[0]))
    rules = re.sub(r"/\*.*?\*/", "", (FOLDER / "pictures.css").read_text(), flags=re.DOTALL)
    kept = [
        f"{selector.strip()}{{{' '.join(body.split())}}}"
        for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", rules)
        if not re.search(r"[:\[@]", selector)
    ]
    text = re.sub(r"var\(--([\w-]+)\)", lambda name: colours[name[1]], "".join(kept))
    return text + OWN_STYLE.format(**colours)


def _without_tips(picture: str) -> str:
    return re.sub(r'<text class="tip".*?</text>', "", picture, flags=re.DOTALL)


def _legend(legend: Legend, x: float, y: float) -> tuple[Markup, float]:
    """Draw a legend and say how tall it is."""
    wide, tall = SWATCH
    entries = [(f'class="{shade}"', text) for shade, text in legend.classes]
    entries += [(f'fill="url(#{pattern})"', text) for pattern, text in legend.states]
    drawn = [Markup('<text class="key" x="{:g}" y="{:g}">{}</text>').format(x, y + 18, legend.title)]
    for place, (fill, text) in enumerate(entries, start=1):
        top = y + place * LINE
        drawn.append(
            Markup(
                '<rect {} x="{:g}" y="{:g}" width="{:g}" height="{:g}"/><text class="key" x="{:g}" y="{:g}">{}</text>'
            ).format(Markup(fill), x, top + 2, wide, tall, x + wide + 10, top + 17, text)
        )
    below = [text for text in (legend.flow,) if text]
    for place, text in enumerate(below, start=len(entries) + 1):
        drawn.append(Markup('<text class="key" x="{:g}" y="{:g}">{}</text>').format(x, y + place * LINE + 17, text))
    return Markup("").join(drawn), (len(entries) + len(below) + 1) * LINE
