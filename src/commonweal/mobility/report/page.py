"""The report as one HTML file that stands by itself: style and pictures inside, no script, nothing from elsewhere."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup

from commonweal.mobility.report.blocks import Report
from commonweal.web import languages, standalone
from commonweal.web.figure import Figure
from commonweal.web.map import PATTERNS
from commonweal.web.render import fragment

STYLE = Path(__file__).parent / "report.css"


def html(report: Report) -> bytes:
    """Write a report as a page; the same report is the same file, byte for byte."""
    language = languages.current()
    written = fragment(
        "commonweal.mobility",
        "country_report.html",
        report=report,
        language=language,
        style=_style(),
        patterns=PATTERNS,
        drawn=drawn,
        kind=lambda block: type(block).__name__,
    )
    return str(written).encode()


def drawn(figure: Figure) -> Markup:
    """Give a figure's picture for a page that has the style and the textures once for all."""
    inside = re.sub(r"<style>.*?</style>", "", standalone.bare(figure), count=1, flags=re.DOTALL)
    return Markup(inside.replace(PATTERNS, ""))


@lru_cache
def _style() -> Markup:
    colours = "".join(f"--{name}:{value};" for name, value in standalone.colours().items())
    own = re.sub(r"/\*.*?\*/\s*", "", STYLE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return Markup(f":root{{{colours}}}\n{own}\n{standalone.style()}")
