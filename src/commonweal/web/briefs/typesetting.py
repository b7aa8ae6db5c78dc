"""Setting with typst: from values to PDF and PNG, a few at a time, with the shipped font and nothing else.

Templates are files of this package and values come as data, so that no value can be read as code. Nothing is written
to a disk, read from one beside the package, or fetched.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.core.errors import CommonwealError, Unavailable
from commonweal.core.wording import Wording
from commonweal.web.briefs.letters import FONTS

if TYPE_CHECKING:
    import typst

FOLDER = Path(__file__).parent
AT_ONCE = 2
WAITING = 8
"""How many may be set at once, and how many may wait for that before others are turned away."""

_turn = threading.BoundedSemaphore(AT_ONCE)
_queue = threading.BoundedSemaphore(AT_ONCE + WAITING)


class Paper:
    """A template filled with values.

    Parameters
    ----------
    template
        Name of a file of this package, or of the folder.
    values
        Texts by name, as the template finds them.
    folder
        Where a room keeps templates of its own.
    """

    def __init__(self, template: str, values: Mapping[str, str], folder: Path = FOLDER) -> None:
        import typst

        self._compiler = typst.Compiler(folder / template, root=folder, font_paths=_fonts(), sys_inputs=dict(values))

    def pages(self) -> int:
        """Give how many pages it takes."""
        with _said():
            return int(json.loads(self._compiler.query("<pages>", field="value", one=True)))

    def pdf(self, when: datetime) -> bytes:
        """Write it as PDF 1.7 after PDF/UA-1 (ISO 14289-1): tagged, with title, language and texts for pictures."""
        with _said():
            return _bytes(self._compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=int(when.timestamp())))

    def png(self, dots: float) -> bytes:
        """Write it as a PNG file of so many pixels an inch (72 points)."""
        with _said():
            return _bytes(self._compiler.compile(format="png", ppi=dots))


@contextmanager
def turn() -> Iterator[None]:
    """Wait until one of the few places is free.

    Raises
    ------
    Unavailable
        Too many wait already.
    """
    if not _queue.acquire(blocking=False):
        raise Unavailable(
            Wording("too many briefs and pictures are asked for at once"),
            expected=Wording("a moment's patience, then again"),
        )
    try:
        with _turn:
            yield
    finally:
        _queue.release()


@contextmanager
def _said() -> Iterator[None]:
    """Turn an error of typst into one that names no value: a message of its own may quote what is set."""
    try:
        yield
    except RuntimeError as error:
        raise CommonwealError(
            Wording("the page cannot be set as a file"), expected=Wording("the page itself")
        ) from error


@lru_cache
def _fonts() -> typst.Fonts:
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


def _bytes(written: Any) -> bytes:
    assert isinstance(written, bytes), "one file is asked for"
    return written
