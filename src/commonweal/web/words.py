"""How numbers and states are said on a page."""

from __future__ import annotations


def count(number: float) -> str:
    """Write a count with its thousands apart.

    Examples
    --------
    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,.0f}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> plural(1, "area"), plural(1200, "area"), plural(2, "company", "companies")
    ('1 area', '1,200 areas', '2 companies')
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
