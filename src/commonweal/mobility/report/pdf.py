"""The report as PDF: tagged (PDF/UA-1), with contents and page numbers, set with typst as the briefs are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from commonweal.mobility.report.blocks import (
    Absent,
    Block,
    Drawn,
    Listed,
    Panels,
    Points,
    Report,
    Section,
    Subheading,
    Text,
)
from commonweal.web import languages, standalone
from commonweal.web.briefs.letters import settable
from commonweal.web.briefs.typesetting import Paper, turn
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.table import Row

FOLDER = Path(__file__).parent
TEMPLATE = "report.typ"


def pdf(report: Report) -> bytes:
    """Set a report; the same report is the same file, byte for byte.

    Raises
    ------
    Unavailable
        Too many papers are being set.
    CommonwealError
        It cannot be set.
    """
    values = json.dumps(content(report), ensure_ascii=False)
    with turn():
        return Paper(TEMPLATE, {"document": values}, FOLDER).pdf(report.moment)


def content(report: Report) -> dict[str, Any]:
    """Give what the template sets, as JSON values."""
    language = languages.current()
    return {
        "language": language.code.partition("-")[0],
        "direction": language.direction,
        "colours": standalone.colours(),
        "publisher": "Commonweal",
        "title": settable(report.title),
        "lead": settable(report.lead),
        "sections": [_section(section) for section in report.sections],
    } | {name: settable(text) for name, text in report.says.items()}


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": settable(f"{section.number}  {section.title}"),
        "blocks": [_block(block) for block in section.blocks],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text(text):
            return {"kind": "text", "text": settable(text)}
        case Absent(text):
            return {"kind": "absent", "text": settable(text)}
        case Points(texts):
            return {"kind": "points", "texts": [settable(text) for text in texts]}
        case Subheading(text, number):
            return {"kind": "heading", "text": settable(f"{number}  {text}")}
        case Listed():
            return {
                "kind": "table",
                "title": settable(block.title),
                "caption": settable(block.caption),
                "source": settable(block.source),
                "left_out": settable(block.left_out),
                "headings": _headings(block.headings, block.rows),
                "rows": [{"cells": _cells(row, len(block.headings)), "value": row.has_value} for row in block.rows],
            }
        case Drawn():
            return {"kind": "picture", "source": settable(block.source)} | _picture(block.figure)
        case Panels():
            return {
                "kind": "panels",
                "title": settable(block.title),
                "caption": settable(block.caption),
                "source": settable(block.source),
                "panels": [_picture(figure) for figure in block.panels],
                "legend": _legend(block.legend),
            }


def _cells(row: Row, columns: int) -> list[str]:
    cells = [settable(cell) for cell in row.cells[:columns]]
    return cells + [""] * (columns - len(cells))


def _headings(headings: tuple[Heading, ...], rows: Any) -> list[dict[str, Any]]:
    found = []
    for place, heading in enumerate(headings):
        widest = max([len(heading.text), *(len(row.cells[place]) for row in rows if place < len(row.cells))])
        found.append({"text": settable(heading.text), "number": heading.is_number, "weight": min(max(widest, 6), 48)})
    return found


def _picture(figure: Figure) -> dict[str, Any]:
    assert figure.picture
    width, height = standalone.size(figure.picture)
    return {
        "title": settable(figure.title),
        "caption": settable(figure.caption),
        "alt": settable(f"{figure.title}. {figure.caption}".strip()),
        "svg": settable(str(standalone.bare(figure))),
        "ratio": width / height,
        "legend": _legend(figure.legend),
    }


def _legend(legend: Legend | None) -> dict[str, Any] | None:
    if legend is None:
        return None
    return {
        "title": settable(legend.title),
        "entries": [(sample, settable(text)) for sample, text in standalone.swatches(legend)],
        "note": settable(legend.note or ""),
    }
