"""What a brief says of a page: the page's own words and figures, cut to what two sides of paper hold.

Whatever is left out is counted where it is missing, and the address of the whole is at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from commonweal.core.catalog import Release
from commonweal.web import languages, standalone, words
from commonweal.web.briefs.letters import UNKNOWN, settable, short
from commonweal.web.figure import Figure, Legend, place
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.provenance import moment, protection
from commonweal.web.table import Row

if TYPE_CHECKING:
    from commonweal.web.document import Document

TILES, COLUMNS, LEGEND_ENTRIES = 8, 6, 12
NARROW = 52
"""Letters across that half a side holds."""
DIGEST = 12
"""Letters of a digest that tell it apart from every other here."""
ONE_PICTURE, SEVERAL_PICTURES = 140, 112
"""Height of a picture, in millimetres."""
WHOLE_SERIES = 31
"""Rows up to which the table of a time series is worth its room: its picture says the same."""


@dataclass(frozen=True)
class Room:
    """How much there is room for.

    Parameters
    ----------
    pictures, tables
        How many at most.
    rows
        Of each table.
    notes, sources
        How many at most.
    letters
        Of each note and caption.
    """

    pictures: int = 3
    tables: int = 6
    rows: int = 60
    notes: int = 8
    sources: int = 4
    letters: int = 500


def content(document: Document, address: str, room: Room, when: datetime) -> dict[str, Any]:
    """Give what the template ``brief.typ`` sets, as JSON values.

    Parameters
    ----------
    document
        The page.
    address
        Of the page.
    room
        What it is cut to.
    when
        The moment of the brief (`made_at`).
    """
    language = languages.current()
    kept = lasting(address, document.query)
    asked = dict(parse_qsl(urlsplit(address).query))
    figures = [placed.figure for placed in place(document.figures, "", {}, asked).values()]
    pictures = [figure for figure in figures if figure.picture][: room.pictures]
    tables = [figure for figure in figures if _is_listed(figure)][: room.tables]
    said: dict[str, Any] = {
        "language": language.code.partition("-")[0],
        "direction": language.direction,
        "colours": standalone.colours(),
        "publisher": "Commonweal",
        "moment": settable(_moment(document, when)),
        "title": short(document.title, 160) or "–",
        "lead": short(document.lead, 300),
        "tiles": [(short(value, 30), short(name, 90)) for value, name in document.tiles[:TILES]],
        "height": ONE_PICTURE if len(pictures) == 1 else SEVERAL_PICTURES,
        "pictures": [_picture(figure, room, has_table=figure in tables) for figure in pictures],
        "tables": [_table(figure, room, has_picture=figure in pictures) for figure in tables],
        "left_out": _left_out(sum(figure not in pictures and figure not in tables for figure in figures)),
        "notes_title": settable(_("What is not shown")),
        "notes": _notes(document, room),
        "sources_title": settable(_("Where it comes from")),
        "sources": [_source(release) for release in document.sources[: room.sources]],
        "address": short(kept, 600),
        "link": kept,
        "footer": short(f"{document.title} · {urlsplit(kept).netloc}", 110),
    }
    return said | {"closing": _closing(len(document.sources) - room.sources, is_whole=UNKNOWN not in str(said))}


def made_at(document: Document) -> datetime:
    """Give the moment of a brief: when the newest of the page's releases was published; if it has none, this minute.

    So the same page has the same brief, byte for byte, until something is published.
    """
    published = [release.published_at for release in document.sources]
    return max(published).astimezone(UTC) if published else datetime.now(UTC).replace(second=0, microsecond=0)


def lasting(address: str, query: Mapping[str, str]) -> str:
    """Give the address by which a page shows just this again, whatever is published later.

    Examples
    --------
    >>> lasting("https://city.example/mobility/presence?area=SL-W&start=2015-03-27", {"release": "3"})
    'https://city.example/mobility/presence?area=SL-W&start=2015-03-27&release=3'
    """
    parts = urlsplit(address)
    asked = [(name, value) for name, value in parse_qsl(parts.query) if name not in query]
    return urlunsplit(parts._replace(query=urlencode([*asked, *query.items()], safe=":")))


def _moment(document: Document, when: datetime) -> str:
    said = {"day": words.day(when), "time": words.clock(when.time())}
    if document.sources:
        return _("As published on %(day)s, %(time)s UTC", **said)
    return _("Made on %(day)s, %(time)s UTC", **said)


def _notes(document: Document, room: Room) -> list[str]:
    notes = [text for text in (short(note, room.letters) for note in document.notes) if text]
    more = len(notes) - room.notes
    if more <= 0:
        return notes
    left = ngettext("%(num)s more note is on the page.", "%(num)s more notes are on the page.", more)
    return [*notes[: room.notes], settable(left)]


def _closing(releases: int, is_whole: bool) -> list[str]:
    """Say what comes between the sources and the address."""
    said = []
    if releases > 0:
        said.append(ngettext("and %(num)s more release", "and %(num)s more releases", releases))
    if not is_whole:
        said.append(_("%(sign)s stands for a letter that the font of this brief does not have.", sign=UNKNOWN))
    return [settable(text) for text in [*said, _("The whole page, with its figures as files:")]]


def _is_listed(figure: Figure) -> bool:
    """Say whether a figure's table is worth its room: not if a picture shows the same over many moments."""
    return not figure.picture or bool(figure.rows and (figure.chart is None or len(figure.rows) <= WHOLE_SERIES))


def _left_out(number: int) -> str:
    if not number:
        return ""
    return settable(ngettext("%(num)s more figure is on the page.", "%(num)s more figures are on the page.", number))


def _picture(figure: Figure, room: Room, has_table: bool) -> dict[str, Any]:
    assert figure.picture
    width, height = standalone.size(figure.picture)
    more = "" if has_table or not figure.rows else _rows_on_the_page(len(figure.rows))
    title, caption = short(figure.title, 120), short(figure.caption, room.letters)
    beside = settable(_("The table says the same.")) if has_table else more
    return {
        "title": title,
        "caption": caption,
        "alt": f"{title}. {caption} {beside}".strip(),
        "svg": settable(str(standalone.bare(figure))),
        "ratio": width / height,
        "legend": _legend(figure.legend) if figure.legend else None,
        "more": more,
    }


def _rows_on_the_page(number: int) -> str:
    return settable(
        ngettext(
            "The page has the same as a table of %(num)s row.",
            "The page has the same as a table of %(num)s rows.",
            number,
        )
    )


def _legend(legend: Legend) -> dict[str, Any]:
    return {
        "title": short(legend.title, 120),
        "entries": [(sample, short(text, 120)) for sample, text in standalone.swatches(legend)[:LEGEND_ENTRIES]],
        "note": short(legend.note or "", 200),
    }


def _table(figure: Figure, room: Room, has_picture: bool) -> dict[str, Any]:
    columns = len(figure.headings) if len(figure.headings) <= COLUMNS + 1 else COLUMNS
    headings = [(short(heading.text, 60), heading.is_number) for heading in figure.headings[:columns]]
    shown = [_row(row, columns) for row in figure.rows[: room.rows]]
    widths = [
        max([len(text), *(len(row["cells"][place]) for row in shown)]) for place, (text, _number) in enumerate(headings)
    ]
    narrow = sum(min(width, 60) for width in widths) + 2 * columns <= NARROW
    halves = narrow and len(shown) > 8
    middle = (len(shown) + 1) // 2 if halves else len(shown)
    table = [
        {"text": text, "number": is_number, "weight": min(max(width, 5), 42)}
        for (text, is_number), width in zip(headings, widths, strict=True)
    ]
    parts = [shown[:middle], shown[middle:]] if halves else [shown]
    title = _("Table: %(title)s", title=figure.title) if has_picture else figure.title
    return {
        "title": short(title, 120),
        "caption": "" if has_picture else short(figure.caption, room.letters),
        "narrow": narrow,
        "parts": [{"headings": table, "rows": rows} for rows in parts if rows],
        "more": settable(" ".join(_more(len(shown), len(figure.rows), len(figure.headings) - columns))),
    }


def _row(row: Row, columns: int) -> dict[str, Any]:
    cells = [short(cell, 90) for cell in row.cells[:columns]]
    return {"cells": cells + [""] * (columns - len(cells)), "value": row.has_value, "current": row.current}


def _more(shown: int, rows: int, columns: int) -> Sequence[str]:
    said = []
    if shown < rows:
        said.append(
            ngettext("The first %(shown)s of %(num)s row.", "The first %(shown)s of %(num)s rows.", rows, shown=shown)
        )
    if columns:
        said.append(ngettext("%(num)s more column is on the page.", "%(num)s more columns are on the page.", columns))
    return said


def _source(release: Release) -> dict[str, Any]:
    applied = ", ".join(text for text, _digest in protection(release)[:1])
    published = _("published %(moment)s", moment=moment(release.published_at))
    protected = _("protection: %(rule)s", rule=applied)
    licence = _("licence: %(licence)s", licence=release.schema.licence)
    digest = _("digest %(digest)s…", digest=release.digest[:DIGEST])
    return {
        "label": short(f"{translated(release.schema.title)} · {release.label}", 160),
        "says": [
            short(f"{published} · {digest}", 200),
            short(f"{protected} · {licence}", 400),
        ],
    }
