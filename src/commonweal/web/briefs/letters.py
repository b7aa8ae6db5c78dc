"""The letters that the shipped font has, and what stands for those it does not have."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup

FONTS = Path(__file__).parents[1] / "fonts"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def settable(text: str) -> str:
    """Give a text in characters that can be set: a sign stands for others, a space for those that control.

    Examples
    --------
    >>> settable("Nzérékoré → 市")
    'Nzérékoré → �'
    >>> settable(Markup("<b>k</b> &lt; 15"))
    'k < 15'
    """
    plain = text.striptags() if isinstance(text, Markup) else str(text)
    normal = unicodedata.normalize("NFC", plain)
    return re.sub(" {2,}", " ", _not_covered().sub(lambda found: _instead(found[0]), normal))


@lru_cache
def _not_covered() -> re.Pattern[str]:
    return re.compile("[^" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _spans()) + "]")


def _instead(letter: str) -> str:
    return " " if unicodedata.category(letter) in ("Cc", "Zs", "Zl", "Zp") else UNKNOWN


def _spans() -> list[tuple[int, int]]:
    lines = (FONTS / "covered.txt").read_text().splitlines()
    return [(int(first, 16), int(last, 16)) for first, last in map(str.split, lines)]


def short(text: str, most: int) -> str:
    """Give a text that can be set, and that is no longer than that many characters.

    Examples
    --------
    >>> short("Distinct subscribers in each area", 20)
    'Distinct subscriber…'
    """
    said = settable(text).strip()
    return said if len(said) <= most else f"{said[: most - 1].rstrip()}…"
