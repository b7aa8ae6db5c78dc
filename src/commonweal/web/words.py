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


def size(octets: int) -> str:
    """Write a file's size.

    Examples
    --------
    >>> size(532), size(48_211), size(7_340_032)
    ('532 B', '48 kB', '7.3 MB')
    """
    if octets < 1000:
        return f"{octets} B"
    if octets < 1_000_000:
        return f"{octets / 1000:.0f} kB"
    return f"{octets / 1_000_000:.1f} MB"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> plural(1, "area"), plural(1200, "area"), plural(2, "company", "companies")
    ('1 area', '1,200 areas', '2 companies')
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
