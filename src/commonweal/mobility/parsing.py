"""A block of lines as events: typed, pseudonymised, or rejected with a reason.

Nothing here touches a disk. The engine that parses times and hashes identifiers runs in memory and may not spill,
so a raw identifier is never anywhere but in this process.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from commonweal.core.periods import Calendar
from commonweal.mobility.blocks import Block
from commonweal.mobility.layout import Column, Layout, Source
from commonweal.mobility.plmn import plmn_of_text
from commonweal.mobility.pseudonyms import pseudonyms

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
    "duplicate",
)
_REASON = {reason: number for number, reason in enumerate(REASONS)}
KEPT = ("time", "cell", "kind", "direction", "duration", "home_plmn", "serving_plmn", "tac")

EVENTS = pa.schema(
    [
        pa.field("subscriber", pa.int64(), nullable=False),
        pa.field("time", pa.int64(), nullable=False),  # UTC seconds
        pa.field("cell", pa.int32(), nullable=False),
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("direction", pa.int8(), nullable=False),
        pa.field("counterpart", pa.int64()),
        pa.field("duration", pa.int32()),  # seconds
        pa.field("home_plmn", pa.int32(), nullable=False),
        pa.field("serving_plmn", pa.int32(), nullable=False),
        pa.field("tac", pa.int32()),
        pa.field("line", pa.int64(), nullable=False),
    ]
)
REJECTS = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in KEPT),
    ]
)


@dataclass(frozen=True)
class Plan:
    """What a file's blocks are parsed with.

    Parameters
    ----------
    layout
        Which column is what.
    positions
        Place of each used column in a line, from 0.
    width
        Number of columns of a line.
    cells
        Code of each known cell identifier.
    period
        First and last-exclusive UTC second of events that are accepted.
    """

    layout: Layout
    positions: dict[Column, int]
    width: int
    cells: dict[str, int]
    period: tuple[int, int]
    known_cells: pa.Array = field(init=False)
    cell_codes: np.ndarray = field(init=False)
    cell_beginnings: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known_cells", pa.array(self.cells, pa.string()))
        object.__setattr__(self, "cell_codes", np.fromiter(self.cells.values(), np.int32, len(self.cells)))
        object.__setattr__(self, "cell_beginnings", frozenset(_beginning(cell) for cell in self.cells) - {""})


@dataclass(frozen=True)
class Parsed:
    """What a block came to.

    Parameters
    ----------
    events
        For each epoch's number, its events: rows of `EVENTS` in the order of their lines.
    rejects
        Rows of `REJECTS`.
    lines
        Lines that held something.
    """

    events: dict[int, pa.Table]
    rejects: pa.Table
    lines: int


KeyOfEpoch = Callable[[int], bytes]
EpochOfTimes = Callable[[np.ndarray], np.ndarray]


def engine() -> duckdb.DuckDBPyConnection:
    """Give an engine for one thread that lives in memory and cannot spill."""
    return duckdb.connect(":memory:", config={"threads": 1, "temp_directory": "", "memory_limit": "1GB"})


def parse_block(
    block: Block, plan: Plan, epoch_of: EpochOfTimes, key_of: KeyOfEpoch, connection: duckdb.DuckDBPyConnection
) -> Parsed:
    """Parse a block of lines.

    Parameters
    ----------
    block
        Whole lines.
    plan
        What they are parsed with.
    epoch_of
        Gives the number of the epoch of each UTC second.
    key_of
        Gives the pseudonym key of an epoch.
    connection
        An `engine`.
    """
    table, lines, broken = _read_lines(block, plan)
    columns = by_role(table, plan.layout)
    return judge(columns, lines, broken, plan, epoch_of, key_of, connection)


def judge(
    columns: dict[str, pa.Array],
    lines: np.ndarray,
    broken: Sequence[tuple[int, str]],
    plan: Plan,
    epoch_of: EpochOfTimes,
    key_of: KeyOfEpoch,
    connection: duckdb.DuckDBPyConnection,
) -> Parsed:
    """Turn columns of text into events, or into rejects with a reason."""
    layout, count = plan.layout, len(lines)
    reason = np.zeros(count, np.int8)

    def reject(wrong: np.ndarray, why: str) -> None:
        reason[wrong & (reason == 0)] = _REASON[why]

    reject(_is_empty(columns["subscriber"]), "missing subscriber")
    time, good = _times(columns["time"], layout, connection)
    reject(~good, "bad timestamp")
    reject(_is_empty(columns["cell"]), "missing cell")
    cell = _cell_codes(columns["cell"], plan)
    reject(cell < 0, "unknown cell")
    kind = _small(columns.get("kind"), count, _word(layout.kinds), np.int8)
    reject(kind < 0, "bad kind")
    direction = _small(columns.get("direction"), count, _word(layout.directions), np.int8)
    reject(direction < 0, "bad direction")
    duration, no_duration, bad = _durations(columns.get("duration"), count)
    reject(bad, "bad duration")
    home = _small(columns.get("home_plmn"), count, plmn_of_text, np.int32, truncate=7)
    serving = _small(columns.get("serving_plmn"), count, plmn_of_text, np.int32, truncate=7)
    reject((home < 0) | (serving < 0), "bad PLMN")
    reject((time < plan.period[0]) | (time >= plan.period[1]), "out of period")
    tac = _small(columns.get("tac"), count, _tac, np.int32, truncate=8)

    events = {}
    kept = np.flatnonzero(reason == 0)
    epochs = epoch_of(time[kept])
    for epoch in np.unique(epochs).tolist():
        rows = kept[epochs == epoch]
        subscriber, counterpart = _pseudonymised(columns, rows, key_of(epoch), layout.country_code, connection)
        events[epoch] = pa.table(
            [
                pa.array(subscriber),
                pa.array(time[rows]),
                pa.array(cell[rows]),
                pa.array(kind[rows]),
                pa.array(direction[rows]),
                counterpart,
                pa.array(duration[rows], mask=no_duration[rows]),
                pa.array(home[rows]),
                pa.array(serving[rows]),
                pa.array(tac[rows], mask=tac[rows] <= 0),
                pa.array(lines[rows]),
            ],
            schema=EVENTS,
        )
    rejects = _rejects(columns, reason, lines, broken, plan)
    return Parsed(events, rejects, count + len(broken))


# Lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_lines(block: Block, plan: Plan) -> tuple[pa.Table, np.ndarray, list[tuple[int, str]]]:
    """Split lines into the used columns; give their line numbers, and the lines that are none of the table's."""
    source, content = plan.layout.source, block.content
    if b"\0" in content or _has_lone_return(content) or not (content.isascii() or _is_utf8(content)):
        return _line_by_line(block, plan)
    malformed: list[int] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        malformed.append(row.number - 1)
        return "skip"

    used = [str(plan.positions[column]) for column in plan.layout.used]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(
                use_threads=False, block_size=len(content) + 1, column_names=[str(i) for i in range(plan.width)]
            ),
            arrow_csv.ParseOptions(
                delimiter=source.delimiter,
                quote_char=source.quote or False,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            arrow_csv.ConvertOptions(include_columns=used, column_types=dict.fromkeys(used, pa.string())),
        )
    except pa.ArrowInvalid:
        return _line_by_line(block, plan)
    if table.num_rows + len(malformed) != block.lines:  # a quote that was never closed has swallowed lines
        return _line_by_line(block, plan)
    number = np.arange(block.lines)
    lines = number if not malformed else np.delete(number, malformed)
    if len(empty := _empty_lines(content)):  # they became rows of nothing
        said = ~np.isin(lines, empty)
        table, lines = table.filter(pa.array(said)), lines[said]
    starts = _line_starts(content) if malformed else None
    broken = [
        (block.first_line + row, "malformed line")
        for row in malformed
        if starts is not None and content[starts[row] : starts[row + 1]].strip()  # an empty line says nothing
    ]
    return table, lines + block.first_line, broken


def _line_by_line(block: Block, plan: Plan) -> tuple[pa.Table, np.ndarray, list[tuple[int, str]]]:
    """Do the same for a block that holds something strange: slowly, so that only the strange lines are lost."""
    source, positions = plan.layout.source, [plan.positions[column] for column in plan.layout.used]
    texts: list[list[str]] = [[] for _ in positions]
    lines: list[int] = []
    broken: list[tuple[int, str]] = []
    for number, raw in enumerate(block.content.split(b"\n")[:-1], block.first_line):
        if not raw.strip():
            continue
        try:
            text = raw.decode().rstrip("\r")
            fields = next(_csv_reader([text], source), [])
        except UnicodeDecodeError:
            broken.append((number, "bad encoding"))
            continue
        except csv.Error:
            fields = []
        if len(fields) != plan.width or "\0" in text:
            broken.append((number, "malformed line"))
            continue
        lines.append(number)
        for column, position in zip(texts, positions, strict=True):
            column.append(fields[position])
    names = [str(position) for position in positions]
    return pa.table([pa.array(text, pa.string()) for text in texts], names), np.array(lines, np.int64), broken


def _csv_reader(lines: list[str], source: Source) -> Iterator[list[str]]:
    if source.quote:
        return csv.reader(lines, delimiter=source.delimiter, quotechar=source.quote, strict=True)
    return csv.reader(lines, delimiter=source.delimiter, quoting=csv.QUOTE_NONE)


def split_line(line: str, source: Source) -> list[str]:
    """Split one line into its fields."""
    try:
        return next(_csv_reader([line.rstrip("\r\n")], source), [])
    except csv.Error:
        return []


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_lone_return(content: bytes) -> bool:
    """Say whether there is a carriage return that ends no line; the reader would end one there."""
    return content.count(b"\r") != content.count(b"\r\n")


def _empty_lines(content: bytes) -> np.ndarray:
    """Give the numbers, from 0, of lines that hold nothing."""
    if not content.startswith((b"\n", b"\r\n")) and b"\n\n" not in content and b"\n\r\n" not in content:
        return np.zeros(0, np.int64)
    signs = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(signs == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    return np.flatnonzero((ends == starts) | ((ends == starts + 1) & (signs[starts] == ord("\r"))))


def _line_starts(content: bytes) -> list[int]:
    return [0, *(match.end() for match in re.finditer(b"\n", content))]


def by_role(table: pa.Table, layout: Layout) -> dict[str, pa.Array]:
    """Give the text of each role; several columns are joined."""
    place = {column: number for number, column in enumerate(layout.used)}

    def text(columns: tuple[Column, ...], joined_by: str) -> pa.Array:
        parts = [_whole(table.column(place[column])) for column in columns]
        if len(parts) == 1:
            return parts[0]
        return pc.binary_join_element_wise(*(pc.utf8_trim_whitespace(part) for part in parts), joined_by)

    roles = {role: text(columns, layout.joined_by) for role, columns in layout.columns.items()}
    return roles | {"time": text(layout.time, " ")}


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])


# Fields ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_empty(texts: pa.Array) -> np.ndarray:
    return pc.equal(pc.binary_length(pc.utf8_trim_whitespace(texts)), 0).to_numpy(zero_copy_only=False)


_OFFSET = r":\d\d(\.\d+)?\s*([Zz]|[+-]\d\d(:?\d\d)?)\s*$"


def _times(texts: pa.Array, layout: Layout, connection: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, np.ndarray]:
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


def _cell_codes(texts: pa.Array, plan: Plan) -> np.ndarray:
    """Give each cell's code, or -1."""
    encoded = texts.dictionary_encode()
    places = pc.index_in(pc.utf8_trim_whitespace(encoded.dictionary), plan.known_cells)
    found = pc.fill_null(places, -1).to_numpy()
    codes = np.where(found >= 0, plan.cell_codes[found] if len(plan.cell_codes) else -1, -1).astype(np.int32)
    return codes[encoded.indices.to_numpy()]


def _small(
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


def _word(words: Mapping[str, int]) -> Callable[[str], int]:
    folded = {word.casefold(): value for word, value in words.items()}
    return lambda text: folded.get(text.casefold(), -1) if text else 0


def _tac(text: str) -> int:
    return int(text) if len(text) == 8 and text.isascii() and text.isdigit() else 0


def _durations(texts: pa.Array | None, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


def _pseudonymised(
    columns: dict[str, pa.Array],
    rows: np.ndarray,
    key: bytes,
    country_code: str,
    connection: duckdb.DuckDBPyConnection,
) -> tuple[np.ndarray, pa.Array]:
    """Hash each distinct identifier of the block once; give the subscribers' and the counterparts' pseudonyms."""
    everyone = len(rows) == len(columns["subscriber"])
    taken = [
        columns[role] if everyone else columns[role].take(rows)
        for role in ("subscriber", "counterpart")
        if role in columns
    ]
    encoded = pa.concat_arrays(taken).dictionary_encode()
    places = encoded.indices.to_numpy()
    hashed = pseudonyms(connection, encoded.dictionary, key, country_code)
    subscriber = hashed[places[: len(rows)]]
    if len(taken) == 1:
        return subscriber, pa.nulls(len(rows), pa.int64())
    empty = _is_empty(encoded.dictionary)
    return subscriber, pa.array(hashed[places[len(rows) :]], mask=empty[places[len(rows) :]])


# Rejects ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_SEPARATORS = re.compile(r"[ ().+_-]")
_LONG_NUMBER = re.compile(r"\d{7}")


def _rejects(
    columns: dict[str, pa.Array], reason: np.ndarray, lines: np.ndarray, broken: Sequence[tuple[int, str]], plan: Plan
) -> pa.Table:
    """Keep of each rejected row what cannot identify anyone.

    A text is kept only if it is nobody's identifier in this block and holds no number as long as a telephone's, in
    one piece or several: a row whose columns have slipped must not carry an identifier in under another name.
    """
    rows = np.flatnonzero(reason)
    identifiers = _bare_identifiers(columns, rows)
    texts = {role: columns[role].take(rows).to_pylist() for role in KEPT if role in columns}
    others = _identifiers_among({text for role in texts for text in texts[role]}, columns)
    kept: dict[str, list[str | None]] = {role: [None] * len(rows) for role in KEPT}
    for role, said in texts.items():
        for row, text in enumerate(said):
            if text not in others and _is_harmless(text, role, identifiers[row], plan):
                kept[role][row] = text[:8] if role == "tac" else text
    table = {
        "line": [*lines[rows].tolist(), *(line for line, _ in broken)],
        "reason": [*(REASONS[number] for number in reason[rows]), *(why for _, why in broken)],
        **{role: [*kept[role], *[None] * len(broken)] for role in KEPT},
    }
    return pa.table(table, schema=REJECTS)


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


def _is_harmless(text: str, role: str, identifiers: set[str], plan: Plan) -> bool:
    if role == "tac":
        return _tac(text[:8]) > 0
    bare = _bare(text)
    if len(text) > 64 or _LONG_NUMBER.search(text) or any(bare in found or found in bare for found in identifiers):
        return False
    if role == "time":
        return any(sign in text for sign in ":/T")
    # A cell's identifier may be as long as a telephone number in pieces: it begins like those that are known.
    return not _LONG_NUMBER.search(bare) or (role == "cell" and _beginning(text) in plan.cell_beginnings)


def _beginning(cell: str) -> str:
    """Give what stands before the first sign that divides a cell's identifier, if one does."""
    divided = re.match(r"([0-9A-Za-z]+)[-_:./]", cell)
    return divided[1] if divided else ""
