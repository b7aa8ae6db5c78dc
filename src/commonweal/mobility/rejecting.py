"""Rejected rows: why, and what of them may be kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.mobility.fields import type_allocation_code

REASONS = (
    "accepted",
    "malformed line",
    "bad encoding",
    "missing subscriber",
    "bad timestamp",
    "missing cell",
    "unknown cell",
    "bad kind",
    "bad direction",
    "bad duration",
    "bad PLMN",
    "out of period",
    "objected",
    "duplicate",
)
READABLE = ("out of period", "objected", "duplicate")
"""Reasons of rows that are right in every field."""
KEPT = ("time", "cell", "kind", "direction", "duration", "home_plmn", "serving_plmn", "tac")
REJECTS = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in KEPT),
        pa.field(
            "dated", pa.int64()
        ),  # UTC second of the event, where its time is kept; in the store see `date_rejects`
    ]
)

DAY = 86400
_SEPARATORS = re.compile(r"[ ().+_-]")
_LONG_NUMBER = re.compile(r"\d{7}")


def rejects(
    columns: dict[str, pa.Array],
    reason: np.ndarray,
    lines: np.ndarray,
    moments: pa.Array,
    broken: Sequence[tuple[int, str]],
    cell_beginnings: frozenset[str],
) -> pa.Table:
    """Keep of each rejected row what cannot identify anyone.

    A text is kept only if it is nobody's identifier in this block and holds no number as long as a telephone's, in
    one piece or several: a row whose columns have slipped must not carry an identifier in under another name.

    Parameters
    ----------
    columns
        Texts by role, shape (n,).
    reason
        Number of the reason, shape (n,); 0 for rows that are accepted.
    lines
        Shape (n,).
    moments
        UTC second of the event, shape (n,); null where the text is no time.
    broken
        Lines that are no rows, and why.
    cell_beginnings
        What the identifiers of known cells begin with.
    """
    rows = np.flatnonzero(reason)
    identifiers = _bare_identifiers(columns, rows)
    texts = {role: columns[role].take(rows).to_pylist() for role in KEPT if role in columns}
    others = _identifiers_among({text for role in texts for text in texts[role]}, columns)
    kept: dict[str, list[str | None]] = {role: [None] * len(rows) for role in KEPT}
    for role, said in texts.items():
        for row, text in enumerate(said):
            if text not in others and _is_harmless(text, role, identifiers[row], cell_beginnings):
                kept[role][row] = text[:8] if role == "tac" else text
    dated = pc.if_else(
        pa.array([text is not None for text in kept["time"]], pa.bool_()),
        moments.take(rows),
        pa.scalar(None, pa.int64()),
    )
    table = {
        "line": [*lines[rows].tolist(), *(line for line, _ in broken)],
        "reason": [*(REASONS[number] for number in reason[rows]), *(why for _, why in broken)],
        **{role: [*kept[role], *[None] * len(broken)] for role in KEPT},
        "dated": [*dated.to_pylist(), *[None] * len(broken)],
    }
    return pa.table(table, schema=REJECTS)


def date_rejects(table: pa.Table, imported: int) -> tuple[pa.Table, int, int]:
    """Date rejects, so that retention can tell their age; give also the first and last-exclusive second of their days.

    A reject is as old as its event where that is known, else as its import; an event cannot be later than its import.

    Parameters
    ----------
    table
        Rows of `REJECTS`, not empty.
    imported
        UTC second of the import.
    """
    known = table["dated"].fill_null(imported).to_numpy()
    dated = np.clip(known, 0, imported)
    place = table.schema.get_field_index("dated")
    first, last = int(dated.min()), int(dated.max())
    return table.set_column(place, "dated", pa.array(dated)), first - first % DAY, last - last % DAY + DAY


def _bare_identifiers(columns: dict[str, pa.Array], rows: np.ndarray) -> list[set[str]]:
    texts = [columns[role].take(rows).to_pylist() for role in ("subscriber", "counterpart") if role in columns]
    return [{_bare(text) for text in row} - {""} for row in zip(*texts, strict=True)]


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text).casefold()


def _identifiers_among(texts: set[str], columns: dict[str, pa.Array]) -> set[str]:
    """Give those of the texts that are somebody's identifier in any row of the block."""
    asked = pa.array(sorted(texts), pa.string())
    found: set[str] = set()
    for role in ("subscriber", "counterpart"):
        if role in columns and len(asked):
            found.update(columns[role].filter(pc.is_in(columns[role], value_set=asked)).to_pylist())
    return found


def _is_harmless(text: str, role: str, identifiers: set[str], cell_beginnings: frozenset[str]) -> bool:
    if role == "tac":
        return type_allocation_code(text[:8]) > 0
    bare = _bare(text)
    if len(text) > 64 or _LONG_NUMBER.search(text) or any(bare in found or found in bare for found in identifiers):
        return False
    if role == "time":
        return any(sign in text for sign in ":/T")
    # A cell's identifier may be as long as a telephone number in pieces: it begins like those that are known.
    return not _LONG_NUMBER.search(bare) or (role == "cell" and beginning(text) in cell_beginnings)


def beginning(cell: str) -> str:
    """Give what stands before the first sign that divides a cell's identifier, if one does."""
    divided = re.match(r"([0-9A-Za-z]+)[-_:./]", cell)
    return divided[1] if divided else ""
