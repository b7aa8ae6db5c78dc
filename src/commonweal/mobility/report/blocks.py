"""What a report consists of: sections with numbered headings, and in them texts, lists, facts, figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup

from commonweal.core.catalog import Release
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.table import Row


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Absent:
    """Says that there is no release for a part of the report, and what would help."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Subheading:
    """The heading of a part of a section; its number is given where the report is put together."""

    text: str
    number: str = ""


@dataclass(frozen=True, eq=False)
class Listed:
    """A table.

    Parameters
    ----------
    title, caption
        Above it.
    headings, rows
        As of a figure.
    source
        The releases that its numbers are from, in words; empty if it has none.
    left_out
        What is not in it, in a sentence.
    """

    title: str
    caption: str
    headings: tuple[Heading, ...]
    rows: Sequence[Row]
    source: str = ""
    left_out: str = ""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture with its legend; the table that says the same follows it.

    Parameters
    ----------
    figure
        With a picture.
    source
        As in `Listed`.
    """

    figure: Figure
    source: str = ""


@dataclass(frozen=True, eq=False)
class Panels:
    """Small pictures beside one another that share one legend.

    Parameters
    ----------
    title, caption
        Above them.
    panels
        Each with its title and picture.
    legend
        Of all.
    source
        As in `Listed`.
    """

    title: str
    caption: str
    panels: tuple[Figure, ...]
    legend: Legend | None
    source: str = ""


Block = Text | Absent | Points | Subheading | Listed | Drawn | Panels


@dataclass(frozen=True, eq=False)
class Section:
    """A section.

    Parameters
    ----------
    name
        In addresses.
    title
        Its heading.
    blocks
        What is in it.
    number
        Given where the report is put together.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    number: str = ""


@dataclass(frozen=True, eq=False)
class Report:
    """A report, in one language.

    Parameters
    ----------
    title, lead
        What it is, and of when.
    sections
        In order, numbered.
    moment
        When the newest of its releases was published.
    sources
        Every release it is made from.
    says
        Words of the page itself: contents, source, and so on.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]
    moment: datetime
    sources: Sequence[Release]
    says: dict[str, str] = field(default_factory=dict)


def picture(name: str, title: str, drawn: Markup, caption: str = "", legend: Legend | None = None) -> Figure:
    """Give a figure that is a picture and nothing else."""
    return Figure(name, title, caption, (), (), (), picture=drawn, legend=legend)
