"""A figure as a file: rows as CSV, Excel workbook, JSON or GeoJSON, pictures as SVG or PNG."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import shapely
import xlsxwriter
from starlette.responses import Response

from commonweal.core.catalog.exports import cells
from commonweal.core.errors import NotFound
from commonweal.core.wording import Wording
from commonweal.web import standalone
from commonweal.web.figure import Figure, Placed

DECIMALS = 6


@dataclass(frozen=True)
class Form:
    """A format of a figure.

    Parameters
    ----------
    title
        What people call it.
    media_type
        As registered with IANA.
    write
        Function of the figure.
    """

    title: str
    media_type: str
    write: Callable[[Figure], bytes]


def file(placed: Placed, form: str) -> Response:
    """Answer with a figure as a file.

    Raises
    ------
    NotFound
        The figure cannot be had in this format.
    """
    figure = placed.figure
    if form not in figure.forms:
        raise NotFound(
            Wording("this figure is not there as %(form)s", form=repr(form)),
            where=placed.link,
            expected=", ".join(figure.forms),
        )
    response = as_file(FORMS[form].write(figure), form, figure.name)
    response.headers["link"] = f'<{quote(placed.link, safe="/?&=:;,+%")}>; rel="canonical"'
    return response


def as_file(content: bytes, form: str, name: str) -> Response:
    r"""Answer with bytes to be kept as a file of that name, written with letters that every system takes.

    Examples
    --------
    >>> as_file(b"", "pdf", '/mobility/"x";\r\n..').headers["content-disposition"]
    'attachment; filename="mobility-x.pdf"'
    """
    media_type = "application/pdf" if form == "pdf" else FORMS[form].media_type
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.") or "overview"
    headers = {"content-disposition": f'attachment; filename="{plain}.{form}"'}
    return Response(content, media_type=media_type, headers=headers)


def rows_as_csv(figure: Figure) -> bytes:
    """Write a heading and one line a row, UTF-8; what a spreadsheet may take for a formula is marked as text.

    Source: RFC 4180.
    """
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, _columns(figure), lineterminator="\r\n")
    writer.writeheader()
    for record in figure.records:
        writer.writerow({name: _cell(value) for name, value in record.items()})
    return written.getvalue().encode()


def rows_as_workbook(figure: Figure) -> bytes:
    """Write the sheets ``Data`` and ``About``."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        bold, quoted = book.add_format({"bold": True}), book.add_format({"quote_prefix": True})
        data, columns = book.add_worksheet("Data"), _columns(figure)
        data.freeze_panes(1, 0)
        data.set_column(0, max(len(columns) - 1, 0), 18)
        for position, name in enumerate(columns):
            data.write_string(0, position, name, bold)
        for row, record in enumerate(figure.records, start=1):
            for position, name in enumerate(columns):
                match record.get(name):
                    case None:
                        pass
                    case bool() as value:
                        data.write_boolean(row, position, value)
                    case int() | float() as value:
                        data.write_number(row, position, value)
                    case value:
                        data.write_string(row, position, str(value), quoted if cells.is_formula(str(value)) else None)
        about = book.add_worksheet("About")
        about.set_column(0, 0, 24)
        about.set_column(1, 1, 60)
        for row, (name, text) in enumerate({"title": figure.title, "table": figure.caption, **figure.says}.items()):
            about.write_string(row, 0, name, bold)
            about.write_string(row, 1, text)
    return written.getvalue()


def rows_as_json(figure: Figure) -> bytes:
    """Write the rows as objects, and beside them what they are."""
    drawn = {"chart": asdict(figure.chart)} if figure.chart else {}
    said = {"title": figure.title, **figure.says, **drawn, "rows": list(figure.records)}
    return json.dumps(said, ensure_ascii=False).encode()


def rows_as_geojson(figure: Figure) -> bytes:
    """Write one feature a row, with the outline of its area or a line from its first area to its second.

    Source: RFC 7946: longitude before latitude, outer rings counterclockwise.
    """
    features = [
        {"type": "Feature", "geometry": _geometry(figure, record), "properties": record} for record in figure.records
    ]
    said = {"type": "FeatureCollection", "title": figure.title, **figure.says, "features": features}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def picture_as_svg(figure: Figure) -> bytes:
    """Write the picture with its title, legend and colours, so that it stands by itself."""
    return standalone.svg(figure).encode()


def picture_as_png(figure: Figure) -> bytes:
    """Write the picture as it stands by itself, 1,440 pixels wide."""
    from commonweal.web import briefs

    return briefs.png(standalone.svg(figure))


FORMS: Mapping[str, Form] = {
    "csv": Form("CSV", "text/csv", rows_as_csv),
    "xlsx": Form(
        Wording("Excel workbook"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        rows_as_workbook,
    ),
    "json": Form("JSON", "application/json", rows_as_json),
    "geojson": Form("GeoJSON", "application/geo+json", rows_as_geojson),
    "svg": Form("SVG", "image/svg+xml", picture_as_svg),
    "png": Form("PNG", "image/png", picture_as_png),
}


def _columns(figure: Figure) -> list[str]:
    columns: dict[str, None] = {}
    for record in figure.records:
        columns |= dict.fromkeys(record)
    return list(columns or [heading.key for heading in figure.headings if heading.key])


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and cells.is_formula(value) else value


def _geometry(figure: Figure, record: Mapping[str, Any]) -> Any:
    found = [figure.geometry.get(record[key]) for key in figure.areas]
    if any(polygon is None for polygon in found):
        return None
    shape: Any = found[0]
    if len(found) == 2:
        ends = [shapely.point_on_surface(polygon) for polygon in found]
        shape = ends[0] if found[0] is found[1] else shapely.LineString(ends)
    else:
        shape = shapely.orient_polygons(shape, exterior_cw=False)
    return json.loads(shapely.to_geojson(shapely.transform(shape, lambda points: np.round(points, DECIMALS))))
