"""Who wants to know how far long reasoning is, and may end it: said once at the top, heard wherever it takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watch = Callable[[int, int, str], None]
"""Told how many of how many are done, and of what. Whatever it raises ends the reasoning."""


class _Watched:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.told = (0, 0, "")


_watched: ContextVar[_Watched | None] = ContextVar("watched", default=None)


@contextmanager
def watched(watch: Watch | None) -> Iterator[None]:
    """Have what is reasoned in this context told to somebody.

    Examples
    --------
    >>> with watched(lambda done, total, what: print(f"{what}: {done} of {total}")):
    ...     tell(3, 4, "cells")
    cells: 3 of 4
    """
    token = _watched.set(_Watched(watch) if watch else _watched.get())
    try:
        yield
    finally:
        _watched.reset(token)


def tell(done: int, total: int, what: str) -> None:
    """Say how far it is."""
    if (one := _watched.get()) is not None:
        one.told = (done, total, what)
        one.watch(*one.told)


def look() -> None:
    """Say again what was said last, so that whoever watches may end it."""
    if (one := _watched.get()) is not None:
        one.watch(*one.told)
