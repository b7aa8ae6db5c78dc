"""A row of the component `table`, the twin of every picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One row.

    Parameters
    ----------
    cells
        Texts, one a column. The first names the row.
    has_value
        Whether it shows a value; a row that says why there is none looks different.
    current
        Whether it is about what the reader chose.
    href
        Where its name leads, if anywhere.
    """

    cells: tuple[str, ...]
    has_value: bool = True
    current: bool = False
    href: str | None = None
