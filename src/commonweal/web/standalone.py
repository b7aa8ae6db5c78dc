"""A picture that stands by itself: its colours, its title and its legend inside, nothing that is only for the page.

The style is plain enough for programs that know little of CSS: no variables, no conditions, only selectors by class,
element and attribute.
"""

from __future__ import annotations

import re
import textwrap
from functools import lru_cache

from markupsafe import Markup

from commonweal.web.assets import FOLDER
from commonweal.web.figure import Figure, Legend
from commonweal.web.map import PATTERNS

LINE = 26.0
SWATCH = (34.0, 18.0)
FLOW = Markup('<path class="flow" d="M{:g} {:g}q16 -5 32 -6q-16 -3 -32 -6z"/>')
FONT = "Noto Sans, sans-serif"
TITLE, TEXT = 21.0, 15.0
OUTLINE = Markup('<path class="outline" d="M{:g} {:g}h{:g}"/>')
HOLD = 12.0
"""Screen units around the picture."""

FOR_THE_PAGE = re.compile(r' (?:href|tabindex)="[^"]*"')
WIDE = 0.56
"""Width of a letter, as a part of its size: about the mean of the font in French, and more than in English."""


def svg(figure: Figure) -> str:
    """Write a figure's picture as an SVG file.

    Raises
    ------
    ValueError
        The figure has no picture.
    """
    inside, (width, height) = _inside(figure)
    titles, captions = _lines(figure.title, width, TITLE), _lines(figure.caption, width, TEXT)
    head = (len(titles) + len(captions) + 1) * LINE
    written = [_text(text, "title", HOLD, (place + 1.3) * LINE) for place, text in enumerate(titles)]
    written += [_text(text, "caption", HOLD, (place + 1.2) * LINE) for place, text in enumerate(captions, len(titles))]
    legend, tall = _legend(figure.legend, width, head + height + HOLD) if figure.legend else (Markup(""), 0.0)
    nested = Markup(re.sub(r"^<svg ", f'<svg x="{HOLD:g}" y="{head:g}" width="{width:g}" height="{height:g}" ', inside))
    return _document(
        figure, width + 2 * HOLD, head + height + tall + 2 * HOLD, Markup("").join([*written, nested, legend])
    )


def bare(figure: Figure) -> str:
    """Write a figure's picture with its colours alone, for a paper that has its own title and legend.

    Raises
    ------
    ValueError
        The figure has no picture.
    """
    inside, (width, height) = _inside(figure)
    return _document(figure, width, height, Markup(inside))


def swatches(legend: Legend) -> list[tuple[str, str]]:
    """Give (an SVG file, text) of each entry of a legend."""
    wide, tall = SWATCH
    return [
        (
            Markup(
                '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:g} {1:g}" width="{0:g}" height="{1:g}">'
                "<style>{2}</style>{3}{4}</svg>"
            ).format(wide, tall, Markup(style()), PATTERNS, drawn),
            text,
        )
        for part in _parted(legend)
        for drawn, text in part
    ]


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
def colours() -> dict[str, str]:
    """Give the light colours of the site by name.

    Examples
    --------
    >>> colours()["class-0"]
    '#dbd6ee'
    """
    return dict(re.findall(r"--([\w-]+): ([^;]+);", (FOLDER / "site.css").read_text().partition("@media")[0]))


@lru_cache
def style() -> str:
    """Give the style of pictures with the light colours put in: no reader of files knows the page's variables."""
    rules = re.sub(r"/\*.*?\*/", "", (FOLDER / "pictures.css").read_text(), flags=re.DOTALL)
    always = re.sub(r"@[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", rules)
    kept = []
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", always):
        # What only a pointer, a keyboard or a window brings about is not for a file.
        plain = [" ".join(one.split()) for one in selectors.split(",") if ":" not in one]
        if plain:
            kept.append(f"{','.join(plain)}{{{' '.join(body.split())}}}")
    text = re.sub(r"var\(--([\w-]+)\)", lambda name: colours()[name[1]], "".join(kept))
    own = (
        ".paper{{fill:{page}}}.title{{fill:{text};font-size:{0:g}px;font-weight:700}}"
        ".caption,.key{{fill:{muted};font-size:{1:g}px}}"
    )
    # Not every reader of files knows this word for a colour; to paint nothing looks the same.
    return text.replace("transparent", "none") + own.format(TITLE, TEXT, **colours())


def _inside(figure: Figure) -> tuple[str, tuple[float, float]]:
    """Give the picture without its links and what only a pointer shows, and its size."""
    if figure.picture is None:
        raise ValueError(f"figure {figure.name} has no picture")
    text = re.sub(r'<text class="tip".*?</text>', "", figure.picture, flags=re.DOTALL)
    inside = re.sub(r"<(/?)[ag]\b([^>]*)>", lambda tag: f"<{tag[1]}g{FOR_THE_PAGE.sub('', tag[2])}>", text)
    return inside, size(figure.picture)


def _document(figure: Figure, width: float, height: float, drawn: Markup) -> Markup:
    patterns = Markup("") if 'id="suppressed"' in drawn else PATTERNS
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:g} {1:g}" width="{0:g}" height="{1:g}" role="img" '
        'aria-label="{2}" font-family="{3}"><title>{2}</title><desc>{4}</desc><style>{5}</style>'
        '<rect class="paper" width="{0:g}" height="{1:g}"/>{6}{7}</svg>'
    ).format(width, height, figure.title, FONT, figure.caption, Markup(style()), patterns, drawn)


def _legend(legend: Legend, width: float, top: float) -> tuple[Markup, float]:
    """Draw a legend and say how tall it is: colours on the left, textures and flows on the right where both fit."""
    wide, _ = SWATCH
    colours, others = _parted(legend)
    titles, notes = _lines(legend.title, width, TEXT), _lines(legend.note or "", width, TEXT)
    beside = bool(colours and others) and width >= 600
    columns = [(HOLD, colours), (HOLD + width / 2, others)] if beside else [(HOLD, colours + others)]
    begin = top + len(titles) * LINE
    drawn = [_text(text, "key", HOLD, top + place * LINE + 18) for place, text in enumerate(titles)]
    tall = 0
    for left, entries in columns:
        place = 0
        for entry, text in entries:
            y = begin + place * LINE
            drawn.append(Markup('<g transform="translate({:g} {:g})">{}</g>').format(left, y + 2, entry))
            room = width / len(columns) - wide - 10
            for line in _lines(text, room, TEXT):
                drawn.append(_text(line, "key", left + wide + 10, begin + place * LINE + 17))
                place += 1
        tall = max(tall, place)
    drawn += [_text(text, "key", HOLD, begin + (tall + place) * LINE + 18) for place, text in enumerate(notes)]
    return Markup("").join(drawn), (len(titles) + tall + len(notes)) * LINE


def _parted(legend: Legend) -> tuple[list[tuple[Markup, str]], list[tuple[Markup, str]]]:
    """Give (drawing, text) of the colours, and of the textures and flows."""
    wide, tall = SWATCH
    rect = Markup('<rect {} width="{:g}" height="{:g}" rx="3"/>')
    colours = [(rect.format(Markup('class="{}"').format(shade), wide, tall), text) for shade, text in legend.classes]
    stroke = Markup('<path class="{}" d="M1 {:g}h{:g}"/>')
    colours = [*((stroke.format(line, tall / 2, wide - 2), text) for line, text in legend.lines), *colours]
    others = [
        (rect.format(Markup('fill="url(#{})"').format(pattern), wide, tall), text) for pattern, text in legend.states
    ]
    if legend.flow:
        others.append((FLOW.format(1, tall - 3), legend.flow))
    if legend.outline:
        others.append((OUTLINE.format(1, tall / 2, wide - 2), legend.outline))
    return colours, others


def _lines(text: str, width: float, letter: float) -> list[str]:
    """Break a text into lines that about fit a width."""
    return textwrap.wrap(text, max(int(width / (WIDE * letter)), 1))


def _text(text: str, kind: str, x: float, y: float) -> Markup:
    return Markup('<text class="{}" x="{:g}" y="{:g}">{}</text>').format(kind, x, y, text)
