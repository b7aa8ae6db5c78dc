"""Fields of events: columns of text as times, codes and numbers.

Few texts of a column are distinct, so most are read once and looked up; only times and identifiers go through the
engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.periods import Calendar
from commonweal.mobility.layout import Layout


def is_empty(texts: pa.Array) -> np.ndarray:
    return pc.equal(pc.binary_length(pc.utf8_trim_whitespace(texts)), 0).to_numpy(zero_copy_only=False)


_OFFSET = r":\d\d(\.\d+)?\s*([Zz]|[+-]\d\d(:?\d\d)?)\s*$"


def times(texts: pa.Array, layout: Layout, connection: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, np.ndarray]:
    """Give the UTC second of each time, and whether it is one."""
    form, zone = layout.time_format, layout.time_zone
    if form == "epoch_s":
        return _seconds(connection, texts, "TRY_CAST(raw AS DOUBLE)")
    if form == "epoch_ms":
        return _seconds(connection, texts, "TRY_CAST(raw AS DOUBLE) / 1000")
    if form != "iso":
        moment, good = _seconds(connection, texts, "epoch(try_strptime(trim(raw), $form))", {"form": form})
        return (moment, good) if "%z" in form else _of_place(moment, good, zone)
    if not _may_carry_offset(texts):
        return _of_place(*_seconds(connection, texts, "epoch(TRY_CAST(raw AS TIMESTAMP))"), zone)
    # A time that carries an offset is absolute, one without it is of the layout's zone, whichever comes first.
    carries = pc.match_substring_regex(texts, _OFFSET).to_numpy(zero_copy_only=False)
    spelled = pc.replace_substring_regex(pc.utf8_upper(texts), r"\s*([+-]\d\d):?(\d\d)\s*$", r"\1:\2")
    absolute, is_one = _seconds(connection, spelled, "epoch(TRY_CAST(raw AS TIMESTAMPTZ))")
    # The engine passes over a zone's name; a time of an unknown place is none.
    local, is_other = _of_place(
        *_seconds(
            connection,
            texts,
            "CASE WHEN NOT regexp_matches(raw, '[A-Za-z]\\s*$') THEN epoch(TRY_CAST(raw AS TIMESTAMP)) END",
        ),
        zone,
    )
    return np.where(carries, absolute, local), np.where(carries, is_one, is_other)


def _may_carry_offset(texts: pa.Array) -> bool:
    """Look at the ends of all texts for a letter or a sign: quick, and never wrong when it says no."""
    if not len(texts):
        return False
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    filled = np.flatnonzero(np.diff(ends))
    if not len(filled):
        return False
    signs, ends = np.frombuffer(content, np.uint8), ends[1:][filled]
    if (signs[ends - 1] > ord("9")).any() or (signs[ends - 1] <= ord(" ")).any():
        return True
    return any(np.isin(signs[np.maximum(ends - back, 0)], (ord("+"), ord("-"))).any() for back in (3, 5, 6))


def _of_place(local: np.ndarray, good: np.ndarray, time_zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Turn seconds that a place's clock shows into UTC."""
    if time_zone == "UTC":
        return local, good
    moment, exists = Calendar(time_zone).to_utc(local)
    return moment, good & exists


def _seconds(
    connection: duckdb.DuckDBPyConnection, texts: pa.Array, sql: str, parameters: dict[str, str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute whole seconds, rounded down, of texts; where there are none, 0 and False."""
    return _column_and_mask(connection, texts, f"TRY_CAST(floor({sql}) AS BIGINT)", parameters or {})


def _column_and_mask(
    connection: duckdb.DuckDBPyConnection, texts: pa.Array, sql: str, parameters: dict[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Compute one expression over texts; nulls become 0 and False."""
    connection.register("texts", pa.table({"raw": texts}))
    try:
        found = connection.execute(f"SELECT {sql} AS found FROM texts", parameters).fetchnumpy()["found"]
    finally:
        connection.unregister("texts")
    if isinstance(found, np.ma.MaskedArray):
        return found.filled(0), ~np.ma.getmaskarray(found)
    return found, np.ones(len(found), bool)


def cell_codes(texts: pa.Array, known: pa.Array, codes_of_known: np.ndarray) -> np.ndarray:
    """Give each cell's code, or -1 for one that is not known."""
    encoded = texts.dictionary_encode()
    places = pc.index_in(pc.utf8_trim_whitespace(encoded.dictionary), known)
    found = pc.fill_null(places, -1).to_numpy()
    codes = np.where(found >= 0, codes_of_known[found] if len(codes_of_known) else -1, -1).astype(np.int32)
    return codes[encoded.indices.to_numpy()]


def small(
    texts: pa.Array | None, count: int, read: Callable[[str], int], dtype: type, truncate: int | None = None
) -> np.ndarray:
    """Read a column of few distinct texts; each is read once. A column that is not there is all 0."""
    if texts is None:
        return np.zeros(count, dtype)
    if truncate is not None:
        texts = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(texts), 0, truncate)
    encoded = texts.dictionary_encode()
    read_once: np.ndarray = np.array([read(text.strip()) for text in encoded.dictionary.to_pylist()], dtype)
    return read_once[encoded.indices.to_numpy()] if count else np.zeros(0, dtype)


def word(words: Mapping[str, int]) -> Callable[[str], int]:
    folded = {word.casefold(): value for word, value in words.items()}
    return lambda text: folded.get(text.casefold(), -1) if text else 0


def type_allocation_code(text: str) -> int:
    return int(text) if len(text) == 8 and text.isascii() and text.isdigit() else 0


def durations(texts: pa.Array | None, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give whole seconds, where there are none, and where the text is none."""
    if texts is None:
        return np.zeros(count, np.int32), np.ones(count, bool), np.zeros(count, bool)
    encoded = texts.dictionary_encode()
    values = [_duration(text.strip()) for text in encoded.dictionary.to_pylist()]
    seconds = np.array([0 if value is None else value for value in values], np.int64)
    nothing = np.array([value is None for value in values], bool)
    places = encoded.indices.to_numpy() if count else np.zeros(0, np.int64)
    found = seconds[places]
    return np.maximum(found, 0).astype(np.int32), nothing[places], found < 0


def _duration(text: str) -> int | None:
    if not text:
        return None
    try:
        value = -1 if "_" in text else float(text)
    except ValueError:
        return -1
    return int(value) if 0 <= value < 2**31 else -1
