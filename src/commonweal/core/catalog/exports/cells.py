"""How a value is written into a cell: times as ISO 8601 text, text that no spreadsheet takes for a formula."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

# A spreadsheet may run a cell that begins so, whoever wrote it (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def iso_times(table: pa.Table) -> pa.Table:
    """Return the table with its dates as ``2015-03-27`` and its times as ``2015-03-27T14:00:00Z``."""
    for position, field in enumerate(table.schema):
        if pa.types.is_date(field.type):
            table = table.set_column(position, field.name, table.column(position).cast(pa.string()))
        elif pa.types.is_timestamp(field.type):
            table = table.set_column(position, field.name, _iso(table.column(position)))
    return table


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take a text for a formula."""
    return text.startswith(FORMULA_STARTS)


def harmless_text(table: pa.Table) -> pa.Table:
    """Return the table with an apostrophe before each text that a spreadsheet may take for a formula.

    >>> harmless_text(pa.table({"note": ["=1+1", "fine", None]}))["note"].to_pylist()
    ["'=1+1", 'fine', None]
    """
    starts = "^[" + "".join(rf"\x{ord(sign):02x}" for sign in FORMULA_STARTS) + "]"
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table.column(position)
            prefixed = pc.binary_join_element_wise(pa.scalar("'"), column, pa.scalar(""))
            column = pc.if_else(pc.match_substring_regex(column, starts), prefixed, column)
            table = table.set_column(position, field.name, column)
    return table


def _iso(column: pa.ChunkedArray) -> pa.ChunkedArray:
    seconds = pc.cast(column, pa.timestamp("s", tz="UTC"), safe=False)
    whole = pc.all(pc.equal(seconds.cast(column.type), column)).as_py()
    return pc.strftime(seconds if whole in (True, None) else column, format="%Y-%m-%dT%H:%M:%SZ")
