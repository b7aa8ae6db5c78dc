"""Days as an address says them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording


def day_of(text: str | None, where: str) -> date | None:
    """Read a day; nothing typed is none.

    Raises
    ------
    InputError
        It is no day.

    Examples
    --------
    >>> day_of("2024-01-31", "day"), day_of("", "day")
    (datetime.date(2024, 1, 31), None)
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(Wording("this is no date"), where=where, expected=Wording("such as 2024-01-31")) from None


def days_of(text: str | None, where: str) -> frozenset[date]:
    """Read days with commas between them."""
    found = (day_of(part.strip(), where) for part in (text or "").split(","))
    return frozenset(day for day in found if day)


def days_written(days: Iterable[date]) -> str:
    """Write days as `days_of` reads them.

    Examples
    --------
    >>> days_written(days_of("2024-01-31, 2024-01-01", "holidays"))
    '2024-01-01,2024-01-31'
    """
    return ",".join(sorted(day.isoformat() for day in days))
