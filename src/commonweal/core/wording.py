"""Texts that a page can say in the reader's language, written in English where they belong.

The ground floor and the domains know no language: they mark what people read, and the site says it (`web.languages`).
"""

from __future__ import annotations

from typing import Any


class Wording(str):
    """A text that remembers what it was made from; everywhere but on a page it is the English that it reads as.

    Parameters
    ----------
    template
        English, with a named place for each value, such as ``%(name)s``.
    values
        What stands there.

    Examples
    --------
    >>> told = Wording("there is no version %(version)s", version=7)
    >>> told, told.template
    ('there is no version 7', 'there is no version %(version)s')
    """

    template: str
    several: str | None
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Wording:
        return cls._made(template, None, template, values)

    @classmethod
    def _made(cls, template: str, several: str | None, used: str, values: dict[str, Any]) -> Wording:
        made = super().__new__(cls, used % values if values else used)
        made.template, made.several, made.values = template, several, values
        return made


def counted(one: str, several: str, num: int, **values: Any) -> Wording:
    """Word a text about a number, which stands at ``%(num)s``.

    Parameters
    ----------
    one, several
        What is said of one, and of any other number.

    Examples
    --------
    >>> counted("wait %(num)s minute", "wait %(num)s minutes", 1)
    'wait 1 minute'
    """
    return Wording._made(one, several, one if num == 1 else several, {"num": num} | values)
