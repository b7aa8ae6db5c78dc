"""A figure: a picture, the table that says the same, and where both can be taken along from.

Every figure of a page has an address of its own, so it can be linked, and files in every format that fits it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from commonweal.core.catalog import State
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.web.table import Row
from commonweal.web.words import state


@dataclass(frozen=True)
class Heading:
    """The head of a column.

    Parameters
    ----------
    text
        What it says.
    is_number
        Whether the column holds numbers, which stand at its end.
    key
        Name of the value in each record; without it the table cannot be sorted by this column.
    is_time
        Whether it holds days, moments, sizes or numbers in words, which sort otherwise than words do.
    """

    text: str
    is_number: bool = False
    key: str | None = None
    is_time: bool = False


@dataclass(frozen=True)
class Legend:
    """What the colours and textures of a picture mean.

    Parameters
    ----------
    title
        What is shown, with its unit.
    classes
        (class of the style sheet, text) of each colour.
    states
        (pattern, text) of each texture.
    flow
        What the width of a flow means, if there are flows.
    outline
        What the line around a part of the map means, if there is one.
    note
        A sentence below.
    lines
        (class of the style sheet, text) of each line of a chart.
    """

    title: str
    classes: Sequence[tuple[str, str]] = ()
    states: Sequence[tuple[str, str]] = ()
    flow: str | None = None
    note: str | None = None
    outline: str | None = None
    lines: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Chart:
    """How the records of a figure are drawn over time, for the script that draws them again.

    Parameters
    ----------
    x
        Key of the instant in each record, ISO 8601.
    y
        (key, name) of each line.
    time_zone
        Whose clock the axis shows.
    band
        Keys of what lies below and above, and its name, if an interval is drawn behind the lines.
    gaps
        Keys of the lines that all lack a value where a texture marks that there is none; without it, all of them.
    why
        Key of what is said of each record then.
    words
        How that is said, in the reader's language; states are known.
    """

    x: str
    y: tuple[tuple[str, str], ...]
    time_zone: str = "UTC"
    band: tuple[str, str, str] | None = None
    gaps: tuple[str, ...] = ()
    why: str = "state"
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """What the script says of it, as JSON in the reader's language; the rows it fetches are in none."""
        states = {one.value: state(one) for one in State}
        names = {"lines": [name for _key, name in self.y], "band": self.band[2] if self.band else ""}
        return json.dumps(names | {"words": states | dict(self.words)}, ensure_ascii=False)


@dataclass(frozen=True, eq=False)
class Figure:
    """What one part of a page shows, in words, as data and as a picture.

    Parameters
    ----------
    name
        In addresses; unique on its page.
    title
        Its heading.
    caption
        What the table shows, in a sentence.
    headings, rows
        The table as people read it.
    records
        The same rows as values: suppressed is None with its state beside it, never zero.
    picture
        An ``svg`` element that shows the same; None if the figure is a table.
    legend
        What its colours mean.
    geometry, areas
        Polygon (WGS 84) of each area code, and which keys of a record hold codes: one is drawn as its area, two as a
        line from the first to the second.
    chart
        If it is a time series, how it is drawn where scripts run.
    says
        What is beside the files: release, licence, period.
    empty
        What a page says in the table's place if there are no rows.
    """

    name: str
    title: str
    caption: str
    headings: tuple[Heading, ...]
    rows: Sequence[Row]
    records: Sequence[Mapping[str, Any]]
    picture: Markup | None = None
    legend: Legend | None = None
    geometry: Mapping[str, Any] = field(default_factory=dict)
    areas: tuple[str, ...] = ()
    chart: Chart | None = None
    says: Mapping[str, str] = field(default_factory=dict)
    empty: str = ""

    @property
    def forms(self) -> tuple[str, ...]:
        """Names of the formats it can be had in."""
        drawn = ("svg", "png") if self.picture else ()
        placed = ("geojson",) if self.areas and self.geometry else ()
        return ("csv", "xlsx", "json", *placed, *drawn)

    def sorted_by(self, asked: str | None) -> Figure:
        """Give it with its rows in another order.

        Parameters
        ----------
        asked
            Key of a column, with ``-`` before it for the largest first; None leaves the order. What has no value
            comes last either way.

        Raises
        ------
        InputError
            No column that can be sorted has that key.
        """
        if not asked:
            return self
        key, largest_first = asked.removeprefix("-"), asked.startswith("-")
        keys = [heading.key for heading in self.headings if heading.key]
        if key not in keys:
            raise InputError(
                Wording("the table cannot be sorted by %(key)s", key=repr(key)), where="sort", expected=", ".join(keys)
            )
        paired = list(zip(self.records, self.rows, strict=True))
        with_value = [pair for pair in paired if pair[0][key] is not None]
        without = [pair for pair in paired if pair[0][key] is None]
        with_value.sort(key=lambda pair: _order(pair[0][key]), reverse=largest_first)
        ordered = with_value + without
        return replace(self, records=[record for record, _ in ordered], rows=[row for _, row in ordered])


def _order(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


@dataclass(frozen=True, eq=False)
class Placed:
    """A figure on its page: it knows its addresses.

    Parameters
    ----------
    figure
        What is shown.
    page
        Address of the page, without a query.
    query
        What makes the page show just this again, later too.
    asked
        How the table is sorted now.
    """

    figure: Figure
    page: str
    query: Mapping[str, str]
    asked: str | None = None

    @property
    def link(self) -> str:
        """Address of the figure alone, which stays true."""
        return self._address(self._base)

    @property
    def whole(self) -> str:
        """Address of the page, as it shows this."""
        return self._address(self.page)

    def file(self, form: str) -> str:
        """Address of the figure as a file."""
        return self._address(f"{self._base}.{form}")

    def sorted(self, key: str) -> str:
        """Address of the page with this table sorted by a column: the largest or the smallest first, by turns."""
        wanted = f"-{key}" if self.asked == key else key
        return f"{self.page}?{urlencode({**self.query, self.sort: wanted}, safe=':')}#{self.figure.name}"

    @property
    def sort(self) -> str:
        """Name of the query parameter that sorts this table."""
        return f"sort-{self.figure.name}"

    def order_of(self, key: str | None) -> str | None:
        """Say how the table is sorted by a column, as ``aria-sort`` does; None if it is not."""
        if key is None or self.asked is None or self.asked.removeprefix("-") != key:
            return None
        return "descending" if self.asked.startswith("-") else "ascending"

    @property
    def _base(self) -> str:
        return f"{self.page.rstrip('/')}/figures/{self.figure.name}"

    def _address(self, path: str) -> str:
        return f"{path}?{urlencode(self.query, safe=':')}" if self.query else path


def place(
    figures: Sequence[Figure], page: str, query: Mapping[str, str], asked: Mapping[str, str] | None = None
) -> dict[str, Placed]:
    """Give each figure its addresses on a page.

    Parameters
    ----------
    figures, page, query
        As in `Placed`.
    asked
        The page's query parameters; ``sort-NAME`` sorts the table of that name.
    """
    asked = asked or {}
    placed = {}
    for figure in figures:
        order = asked.get(f"sort-{figure.name}")
        placed[figure.name] = Placed(figure.sorted_by(order), page, query, order)
    if len(placed) != len(figures):
        raise ValueError("two figures of a page have the same name")
    return placed
