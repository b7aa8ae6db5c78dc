"""What each column of an unknown file seems to hold, said without quoting what could tell of anyone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from commonweal.mobility.time_formats import is_of_time, time_format

SEEN_OFTEN = 15
"""A word is quoted only if at least so many of the rows that were looked at have it."""


class Content(StrEnum):
    """What a column holds, by how its texts look."""

    NOTHING = "nothing"
    TIMES = "times"
    LONG_NUMBERS = "long numbers"
    NUMBERS = "numbers"
    TEXTS = "texts"


@dataclass(frozen=True)
class Finding:
    """What a column seems to be.

    Parameters
    ----------
    column
        Its name, or number from 1.
    role
        What the proposed mapping takes it for; None if it is not used.
    filled
        Part of the rows that have something in it.
    content
        What it holds.
    words
        Of a column of words: those whose meaning is not known and that many rows have.
    unknown
        How many of its words have no known meaning, rare ones too.
    """

    column: str
    role: str | None
    filled: float
    content: Content
    words: tuple[str, ...] = ()
    unknown: int = 0


def findings(
    columns: Mapping[str, Sequence[str]],
    rows: Sequence[Sequence[str]],
    roles: Mapping[str, str],
    unknown: Mapping[str, Collection[str]],
) -> tuple[Finding, ...]:
    """Say what each column seems to be.

    Parameters
    ----------
    columns
        Texts of each.
    rows
        As many as there are.
    roles
        What the mapping takes each for, of those it uses.
    unknown
        Of each role whose columns hold words: those whose meaning is not known.

    Examples
    --------
    >>> calls = {"kind": ["MOC"] * 20 + ["PATCH"] * 20 + ["ada"], "to": ["23276000001"] * 41}
    >>> for found in findings(calls, calls["to"], {"kind": "kind"}, {"kind": ["PATCH", "ada"]}):
    ...     print(found.column, found.content, found.words, found.unknown)
    kind texts ('PATCH',) 2
    to long numbers () 0
    """
    found = []
    for name, texts in columns.items():
        held = [text.strip() for text in texts if text.strip()]
        role = roles.get(name)
        strange = Counter(text for text in held if role and text in unknown.get(role, ()))
        often = sorted(word for word, times in strange.items() if times >= SEEN_OFTEN and not many_digits(word))
        filled = len(held) / len(rows) if rows else 0.0
        found.append(Finding(name, role, filled, _content(held, role), tuple(often), len(strange)))
    return tuple(found)


def many_digits(text: str) -> bool:
    """Say whether a text has so many digits that it may be somebody's number, or come from somebody's event.

    Examples
    --------
    >>> many_digits("77-00-123"), many_digits("SMS-MT"), many_digits("b_number_2")
    (True, False, False)
    """
    return sum(sign.isdigit() for sign in text) >= 5


def _content(held: Sequence[str], role: str | None) -> Content:
    if not held:
        return Content.NOTHING
    # Eight digits may be a day or a device's type.
    if time_format(held) or (role == "time" and is_of_time(held)):
        return Content.TIMES
    if all(re.fullmatch(r"\+?\d{8,16}", text) for text in held):
        return Content.LONG_NUMBERS
    return Content.NUMBERS if all(re.fullmatch(r"[+-]?\d+([.,]\d+)?", text) for text in held) else Content.TEXTS
