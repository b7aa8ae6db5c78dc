"""How an error survives the process it happened in, without the data that may have caused it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

from commonweal.core.errors import KINDS, CommonwealError, explain


def describe(error: BaseException) -> dict[str, Any]:
    """Give an error as plain JSON to store.

    An error of the house is kept whole, since its message never quotes personal data. Of any other only its type
    and place are kept: its message may hold a value.

    Examples
    --------
    >>> describe(ValueError("+231770000001 is not a number"))["what"]
    'unexpected ValueError'
    """
    shown = explain(error)
    if not isinstance(error, CommonwealError) and type(shown) is CommonwealError:
        shown = CommonwealError(shown.what, where=_place(error), expected=shown.expected)
    base = next(kind.__name__ for kind in type(shown).__mro__ if kind.__name__ in KINDS)
    return {
        "class": type(shown).__name__,
        "base": base,
        "what": shown.what,
        "where": shown.where,
        "expected": shown.expected,
    }


def restore(stored: dict[str, Any]) -> CommonwealError:
    """Give back the error that `describe` stored, of its own class if that is imported, else of its base.

    Examples
    --------
    >>> from commonweal.core.errors import Refused
    >>> restore(describe(Refused("fewer than 15 people", where="mobility.home")))
    Refused('fewer than 15 people', 'mobility.home', None)
    """
    kinds = {kind.__name__: kind for kind in _subclasses(CommonwealError)}
    kind = kinds.get(stored["class"], KINDS[stored["base"]])
    return kind(stored["what"], where=stored["where"], expected=stored["expected"])


def _subclasses(kind: type[CommonwealError]) -> Iterator[type[CommonwealError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _place(error: BaseException) -> str | None:
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if not frames:
        return None
    ours = [
        frame for frame in frames if frame.startswith("commonweal.") and not frame.startswith("commonweal.core.jobs.")
    ]
    return frames[-1] if not ours or ours[-1] == frames[-1] else f"{ours[-1]}, in {frames[-1]}"
