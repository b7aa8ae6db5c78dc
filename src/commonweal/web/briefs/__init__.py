"""Briefs: a page as a PDF of at most two sides that somebody takes to a meeting, and pictures as PNG.

Both are set with typst in the font that ships with Commonweal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request

from commonweal.core.errors import CommonwealError
from commonweal.core.wording import Wording
from commonweal.web.briefs.content import Room, content, made_at
from commonweal.web.briefs.letters import settable
from commonweal.web.briefs.typesetting import Paper, turn

if TYPE_CHECKING:
    from commonweal.web.document import Document

PAGES = 2
PIXELS = 1440
ROWS = (60, 50, 42, 36, 30, 26, 22, 18, 15, 12, 10, 8)
ROOMS = (
    Room(),
    Room(pictures=2),
    Room(pictures=2, tables=3, letters=300),
    Room(pictures=1, tables=2, letters=300),
    Room(pictures=1, tables=1, letters=240),
)
LEAST = (
    Room(pictures=1, tables=1, rows=5, notes=6, letters=160, sources=3),
    Room(pictures=1, tables=0, notes=6, letters=160, sources=3),
    Room(pictures=0, tables=1, rows=5, notes=4, letters=160, sources=2),
    Room(pictures=0, tables=0, notes=4, letters=160, sources=2),
)
"""From plenty to what always fits; the rows of tables are cut before a figure is left out."""


def brief(document: Document, address: str) -> bytes:
    """Set a page as a PDF: tagged, in the reader's language, at most two sides of A4.

    Parameters
    ----------
    document
        The page.
    address
        Where people find it.

    Raises
    ------
    Unavailable
        Too many are being set.
    CommonwealError
        It cannot be set.
    """
    when = made_at(document)
    with turn():
        return _fitting(document, address, when).pdf(when)


def png(svg: str) -> bytes:
    """Draw an SVG file that stands by itself, 1,440 pixels wide.

    Raises
    ------
    Unavailable, CommonwealError
        As `brief`.
    """
    with turn():
        return Paper("picture.typ", {"picture": settable(str(svg)), "width": f"{PIXELS / 2}"}).png(144)


def address_of(request: Request) -> str:
    """Give the address of the page that a brief is of, as people reach it."""
    path = request.url.path.removesuffix(".pdf")
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.app.state.settings.address}{quote(path)}{query}"


def _fitting(document: Document, address: str, when: datetime) -> Paper:
    """Give the fullest paper that is not longer than it may be."""

    def fits(room: Room) -> Paper | None:
        values = json.dumps(content(document, address, room, when), ensure_ascii=False)
        paper = Paper("brief.typ", {"document": values})
        return paper if paper.pages() <= PAGES else None

    longest = max((len(figure.rows) for figure in document.figures), default=0)
    lengths = [min(longest, ROWS[0]), *(rows for rows in ROWS if rows < longest)]
    for room in ROOMS:
        if found := _first([replace(room, rows=rows) for rows in lengths], fits):
            return found
    for room in LEAST:
        if found := fits(room):
            return found
    raise CommonwealError(Wording("the page cannot be set as a file"), expected=Wording("the page itself"))


def _first(rooms: Sequence[Room], fits: Callable[[Room], Paper | None]) -> Paper | None:
    """Give what comes of the first of narrowing rooms that it fits in: halving finds it in few tries."""
    best, low, high = fits(rooms[0]), 0, len(rooms) - 1
    if best or not high:
        return best
    best = fits(rooms[high])
    while best and low + 1 < high:
        middle = (low + high) // 2
        if found := fits(rooms[middle]):
            best, high = found, middle
        else:
            low = middle
    return best
