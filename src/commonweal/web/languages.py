"""The languages that pages are in, and how a text, a number or a date is said in the one that is read now.

Texts are written in English where they are used, and looked up in the language's catalog
(``locale/LANGUAGE/LC_MESSAGES/commonweal.po``); numbers and dates follow Unicode CLDR. Data are in no language: they
stay as they were published.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any, Literal

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from commonweal.core.wording import Wording


@dataclass(frozen=True, eq=False)
class Language:
    """A language that pages are in.

    Parameters
    ----------
    code
        BCP 47, as a page says it of itself.
    name
        As its readers call it.
    locale
        Whose numbers and dates.
    texts
        What each text is in it.
    first_of_month
        How the first day of a month is written, as a CLDR pattern.
    """

    code: str
    name: str
    locale: Locale
    texts: NullTranslations
    first_of_month: str = "d"

    @property
    def direction(self) -> str:
        """Which way it is written: ``ltr`` or ``rtl``."""
        return self.locale.text_direction

    def number(self, number: float, decimals: int = 0) -> str:
        """Write a number, rounded to so many decimals, with its thousands apart."""
        return _decimal(round(number, decimals or None) or 0, self.locale)  # of -0, which equals 0, the sign would stay

    def share(self, part: float) -> str:
        """Write a part of one in per cent, without decimals."""
        return format_percent(part, locale=self.locale)

    def measure(self, number: float, unit: str) -> str:
        """Write a number with its unit, one of CLDR such as ``digital-gigabyte``: in short, but for a plain byte."""
        length: Literal["long", "short"] = "long" if unit == "digital-byte" else "short"
        return format_unit(number, unit, length=length, locale=self.locale)

    def date(self, day: date, pattern: str) -> str:
        """Write a date by a CLDR pattern, in which ``d`` stands for the day."""
        if day.day == 1:
            pattern = pattern.replace("d", self.first_of_month)
        return _date(day, pattern, self.locale)

    def duration(self, seconds: float) -> str:
        """Write how long something took, in one unit."""
        return format_timedelta(
            timedelta(seconds=round(seconds)), granularity="second", threshold=2, locale=self.locale
        )

    def clock(self, moment: time) -> str:
        """Write a time of day, to the minute."""
        return _time(moment, self.locale)

    def territory(self, code: str) -> str:
        """Name a country by its ISO 3166-1 code; what is none stays as it is."""
        return str(self.locale.territories.get(code, code))


@lru_cache(maxsize=1 << 14)
def _decimal(number: float, locale: Locale) -> str:
    return format_decimal(number, locale=locale)


@lru_cache(maxsize=1 << 14)
def _date(day: date, pattern: str, locale: Locale) -> str:
    return format_date(day, pattern, locale=locale)


@lru_cache(maxsize=1 << 12)
def _time(moment: time, locale: Locale) -> str:
    return format_time(moment, "HH:mm", locale=locale)


def _texts(code: str) -> GNUTranslations:
    """Read the catalog of a language, as the standard library reads compiled ones."""
    file = files("commonweal.web").joinpath("locale", code, "LC_MESSAGES", "commonweal.po")
    compiled = BytesIO()
    with file.open("rb") as written:
        write_mo(compiled, read_po(written, locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)


ENGLISH = Language("en", "English", Locale("en", "GB"), NullTranslations())
FRENCH = Language("fr", "Français", Locale("fr"), _texts("fr"), first_of_month="d'er'")
OFFERED: dict[str, Language] = {language.code: language for language in (ENGLISH, FRENCH)}
"""In the order in which they are offered."""

_current: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def current() -> Language:
    """Give the language of the page that is being made."""
    return _current.get()


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Make pages in a language."""
    before = _current.set(language)
    try:
        yield
    finally:
        _current.reset(before)


def gettext(template: str, /, **values: Any) -> str:
    """Say a text in the reader's language. ``%(name)s`` stands for a value, ``%%`` for the sign.

    Examples
    --------
    >>> gettext("%(hidden)s of %(all)s", hidden=3, all=7)
    '3 of 7'
    """
    return current().texts.gettext(template) % values


def ngettext(one: str, several: str, num: int, /, **values: Any) -> str:
    """Say a text about a number, in the form that the reader's language has for it; ``%(num)s`` is the number.

    Examples
    --------
    >>> ngettext("%(num)s area", "%(num)s areas", 1200)
    '1,200 areas'
    """
    language = current()
    return language.texts.ngettext(one, several, num) % ({"num": language.number(num)} | values)


_ = gettext


def translated(text: str) -> str:
    """Say in the reader's language what was worded elsewhere; a text that no catalog has stays as it is.

    Examples
    --------
    >>> translated(Wording("there is no version %(version)s", version=7)), translated("Presence")
    ('there is no version 7', 'Presence')
    """
    if not isinstance(text, Wording):
        return current().texts.gettext(text) if text else text
    values = {name: _value(value) for name, value in text.values.items()}
    if text.several is not None:
        return ngettext(text.template, text.several, text.values["num"], **values)
    said = current().texts.gettext(text.template)
    return said % values if values else said


def _value(value: Any) -> Any:
    if isinstance(value, Wording):
        return translated(value)
    return current().number(value) if isinstance(value, int) else value


def is_translated(text: str) -> bool:
    """Say whether a text worded elsewhere is in the reader's language, and not still in English."""
    template = text.template if isinstance(text, Wording) else text
    return current() is ENGLISH or current().texts.gettext(template) != template
