"""Answers that take seconds: made once for whoever asks, and one after the other, so that other pages go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from threading import Lock
from typing import Any, TypeVar

from commonweal.core.errors import Unavailable
from commonweal.core.wording import Wording

Made = TypeVar("Made")
LONGEST_WAIT = 20.0
"""Seconds to wait for what is made for another."""
_work = Lock()


@dataclass
class _Place:
    found: Any = None


def one_at_a_time(kept: int) -> Callable[[Callable[..., Made]], Callable[..., Made]]:
    """Make a function of what never changes keep so many answers, and work on one at a time.

    What was asked for before is there at once. Of all functions that are made so only one works; who would wait for
    it for long is told so by `Unavailable`. What cannot be made is tried again when it is asked for again.

    Examples
    --------
    >>> @one_at_a_time(kept=2)
    ... def squared(number):
    ...     print("working")
    ...     return number**2
    >>> squared(3), squared(3)
    working
    (9, 9)
    """

    def keeping(make: Callable[..., Made]) -> Callable[..., Made]:
        @lru_cache(maxsize=kept)
        def place_of(*asked: object) -> _Place:
            return _Place()

        @wraps(make)
        def made(*asked: object) -> Made:
            place = place_of(*asked)
            if place.found is None:
                if not _work.acquire(timeout=LONGEST_WAIT):
                    raise Unavailable(
                        Wording("other things are being worked out now"),
                        expected=Wording("the same page again in a minute"),
                    )
                try:
                    if place.found is None:
                        place.found = make(*asked)
                finally:
                    _work.release()
            found: Made = place.found
            return found

        return made

    return keeping
