"""Looking at an unknown file: what it seems to be, and a mapping to start from, with identifiers masked."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from commonweal.core.errors import InputError, NotFound
from commonweal.core.wording import Wording
from commonweal.mobility.blocks import LineReader
from commonweal.mobility.columnar import column_names, column_types, text_batches
from commonweal.mobility.findings import Finding, findings, many_digits
from commonweal.mobility.layout import DIRECTIONS, KINDS, Source, find_columns
from commonweal.mobility.lines import refuse_line_breaks, split_line
from commonweal.mobility.plmn import parse_plmn
from commonweal.mobility.time_formats import is_of_time, time_format

SAMPLE = 200
MOST_WORDS = 20

_USUAL = {
    "subscriber": (
        "msisdn",
        "imsi",
        "subscriber",
        "caller",
        "calling",
        "a_number",
        "anumber",
        "party_a",
        "user",
        "origin_number",
        "appelant",
        "abonne",
    ),
    "counterpart": (
        "counterpart",
        "other",
        "called",
        "callee",
        "b_number",
        "bnumber",
        "party_b",
        "correspondent",
        "destination_number",
        "appele",
        "correspondant",
    ),
    "cell": ("cell", "cgi", "ecgi", "antenna", "bts", "location", "site", "cellule", "antenne"),
    "duration": ("duration", "seconds", "length", "duree"),
    "kind": ("kind", "type", "service", "event"),
    "direction": ("direction", "call_direction", "way", "inout", "sens"),
    "home_plmn": ("home_plmn", "hplmn", "home_network", "home_operator"),
    "serving_plmn": ("serving_plmn", "vplmn", "plmn", "network", "serving_network"),
    "tac": ("tac", "imei", "handset", "device"),
}
_USUAL_TIME = ("time", "date", "start", "timestamp", "ts", "datetime", "begin", "heure", "horodatage")
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "kind": {
        "call": ("voice", "call", "moc", "mtc", "voix", "appel", "voz"),
        "sms": ("sms", "text", "mms", "smsmo", "smsmt", "message"),
        "data": ("data", "gprs", "internet", "ps", "lte", "web"),
        "signal": ("signal", "lu", "attach", "location update", "handover", "paging"),
    },
    "direction": {
        "out": ("out", "o", "outgoing", "mo", "moc", "sortant", "1"),
        "in": ("in", "i", "incoming", "mt", "mtc", "entrant", "2"),
    },
}


@dataclass(frozen=True)
class Inspection:
    """What a file seems to be.

    Parameters
    ----------
    source
        How it is written.
    columns
        Names, or numbers from 1.
    rows
        A few rows, identifiers masked.
    mapping
        A proposed mapping file.
    doubts
        What a person must settle.
    quoting
        Those of the doubts that quote what is in the file: for whoever may read it alone.
    findings
        What each column seems to hold, nothing quoted that could tell of anyone.
    """

    source: Source
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    mapping: str
    doubts: tuple[str, ...]
    quoting: frozenset[str]
    findings: tuple[Finding, ...]


def usual_time_zone() -> str:
    """Give the setting ``time_zone`` of the data directory in use; UTC where there is none."""
    from commonweal.core.settings import load

    try:
        return load().time_zone
    except NotFound:
        return "UTC"


def inspect(path: Path, time_zone: str = "UTC") -> Inspection:
    """Look at the beginning of a file and propose a mapping.

    Parameters
    ----------
    time_zone
        The zone to propose, since the file cannot show it.

    Raises
    ------
    InputError
        There is nothing in it, it is no table, or a column that the mapping would name is there twice.
    """
    source, names, rows, typed_time = _parquet(path) if _is_parquet(path) else _text(path)
    columns: dict[str, list[str]] = {}
    for place, name in enumerate(names):
        columns.setdefault(name, [row[place] for row in rows])
    roles = _roles(columns)
    time, form, doubts = _time(columns, roles, typed_time)
    find_columns(names, len(names), [name for name in (*roles.values(), *time) if name in columns], path)
    if not rows:
        doubts.insert(
            0, Wording("it has no rows that fit its first line, so columns are proposed by their names alone")
        )
    for role in ("subscriber", "cell"):
        if role not in roles:
            doubts.append(Wording("no column looks like the %(role)s; put its name where it says COLUMN", role=role))
    words = {role: _words(role, columns[roles[role]]) for role in ("kind", "direction") if role in roles}
    quoting: list[str] = []
    for role, (_, unknown) in words.items():
        if len(unknown) > MOST_WORDS:
            said = {"column": roles[role], "role": role}
            doubts.append(Wording("column %(column)s holds many different texts; is it the %(role)s?", **said))
            continue
        quoting += [f"what does {text!r} mean in column {roles[role]}?" for text in unknown[:5]]
    doubts += quoting
    masks = [_mask(name, columns[name], roles, time) for name in names]
    shown = tuple(tuple(mask(text) for mask, text in zip(masks, row, strict=True)) for row in rows[:5])
    known_words: dict[str, dict[str, str]] = {role: known for role, (known, _) in words.items()}
    mapping = _mapping(source, roles, time, form, time_zone, known_words, not source.header)
    doubts.append(Wording('in which time zone are the times? the mapping says "%(zone)s"', zone=time_zone))
    used = {name: role for role, name in roles.items()} | dict.fromkeys(time, "time")
    strange: dict[str, list[str]] = {
        role: unknown for role, (_, unknown) in words.items() if len(unknown) <= MOST_WORDS
    }
    found = findings(columns, rows, used, strange)
    return Inspection(source, tuple(names), shown, mapping, tuple(doubts), frozenset(quoting), found)


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError as error:
        from commonweal.core.errors import explain

        raise explain(error, path) from error


def _parquet(path: Path) -> tuple[Source, list[str], list[list[str]], str | None]:
    types, names = column_types(path), column_names(path)
    find_columns(names, len(names), names, path)
    rows: list[list[str]] = []
    for _, table in islice(text_batches(path, names), 1):
        rows = [list(row.values()) for row in table.slice(0, SAMPLE).to_pylist()]
    typed = next((name for name, kind in types.items() if str(kind).startswith("timestamp")), None)
    return Source(format="parquet"), names, rows, typed


def _text(path: Path) -> tuple[Source, list[str], list[list[str]], None]:
    encoding = _encoding(path)
    block = next(LineReader(path, encoding, block_bytes=2**20).blocks(), None)
    lines = (
        []
        if block is None
        else [line.rstrip("\r") for line in block.content.decode(errors="replace").split("\n") if line.strip()]
    )
    if block is None or not lines:
        raise InputError("the file is empty", where=path, expected="a table of events")
    sample = lines[:SAMPLE]
    delimiter = max(",;|\t", key=lambda sign: (min(line.count(sign) for line in sample[:20]), sample[0].count(sign)))
    if delimiter not in sample[0]:
        raise InputError("no delimiter is in its first line", where=path, expected="a table divided by , ; | or tabs")
    source = Source(delimiter=delimiter, encoding=encoding)
    refuse_line_breaks(block, [block.first_line], source, None, path)
    split = [row for line in sample if (row := split_line(line, source))]
    if not split:
        raise InputError("none of its first lines is a row", where=path, expected="a table whose quotes are finished")
    numbers = range(block.first_line, block.first_line + block.lines)
    refuse_line_breaks(block, numbers, source, len(split[0]), path)
    header = not any(_looks_like_data(field.strip()) for field in split[0])
    names = [name.strip() for name in split[0]] if header else [str(place + 1) for place in range(len(split[0]))]
    rows = [row for row in split[1 if header else 0 :] if len(row) == len(names)]
    return Source(delimiter=delimiter, encoding=encoding, header=header), names, rows, None


def _looks_like_data(field: str) -> bool:
    return re.fullmatch(r"[\d .:/+-]{6,}", field) is not None or time_format([field]) is not None


def _encoding(path: Path) -> str:
    """Guess the encoding of a text file from its first megabyte."""
    raw = next(LineReader(path, "latin-1", block_bytes=2**20).blocks(), None)
    start = b"" if raw is None else raw.content.decode().encode("latin-1")[: 2**20]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _roles(columns: dict[str, list[str]]) -> dict[str, str]:
    """Find columns by what they are usually called."""
    roles: dict[str, str] = {}
    for role, usual in _USUAL.items():
        for word in usual:
            fitting = [name for name in columns if _is_called(name, word) and name not in roles.values()]
            if fitting and role not in roles:
                roles[role] = fitting[0]
    for name, texts in columns.items():  # without names: by what the columns hold
        if name.isdigit() and name not in roles.values():
            held = [text.strip() for text in texts if text.strip()]
            if time_format(held):
                continue
            if held and "subscriber" not in roles and all(re.fullmatch(r"\+?\d{8,15}", text) for text in held):
                roles["subscriber"] = name
            elif held and "counterpart" not in roles and all(re.fullmatch(r"\+?\d{8,15}", text) for text in held):
                roles["counterpart"] = name
            elif held and "kind" not in roles and {text.casefold() for text in held} <= _known("kind"):
                roles["kind"] = name
            elif held and "serving_plmn" not in roles and all(parse_plmn(text) for text in held):
                roles["serving_plmn"] = name
    return roles


def _known(role: str) -> set[str]:
    return {word for words in _WORDS[role].values() for word in words} - {"1", "2"}


def _is_called(name: str, word: str) -> bool:
    without_accents = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    folded = re.sub(r"[^a-z0-9]+", "_", without_accents).strip("_")
    return folded == word or folded.startswith(f"{word}_") or folded.endswith(f"_{word}")


def _time(columns: dict[str, list[str]], roles: dict[str, str], typed: str | None) -> tuple[list[str], str, list[str]]:
    """Find the column or columns of the time, and their format."""
    if typed is not None:
        return [typed], "iso", []
    free = [name for name in columns if name not in roles.values()]
    named = [name for name in free if any(_is_called(name, word) for word in _USUAL_TIME)]
    for candidates in (named, free):
        for name in candidates:
            if form := time_format(columns[name]):
                return [name], form, []
        for name in candidates:
            for other in candidates:
                joined = [f"{a} {b}" for a, b in zip(columns[name], columns[other], strict=True)]
                if name != other and (form := time_format(joined)):
                    return [name, other], form, []
    doubt = (
        Wording("no column looks like a time in a known format; say its format in [time]")
        if any(columns.values())
        else Wording("the time cannot be seen; say its format in [time]")
    )
    return named[:1] or ["COLUMN"], "iso", [doubt]


def _words(role: str, texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Translate the words of a column; give those that are not known."""
    ours = KINDS if role == "kind" else DIRECTIONS
    known: dict[str, str] = {}
    unknown: list[str] = []
    for text in sorted({text.strip() for text in texts if text.strip()}):
        bare = text.casefold()
        found = [
            word
            for word, theirs in _WORDS[role].items()
            if bare in theirs or any(bare.startswith(f"{t}-") for t in theirs)
        ]
        if bare in ours or many_digits(text):  # a number is nobody's word for anything
            continue
        if found:
            known[text] = found[0]
        else:
            unknown.append(text)
    return known, unknown


def _mask(name: str, texts: Sequence[str], roles: dict[str, str], time: Sequence[str]) -> Callable[[str], str]:
    """Give what hides, in a column, whatever may identify someone.

    That is the columns of identifiers, any column whose meaning is not known, and everywhere else numbers as long as
    a telephone's, in one piece or several.
    """
    if name in (roles.get("subscriber"), roles.get("counterpart")):
        return lambda text: "•" * min(len(text), 12)
    if name == roles.get("tac"):
        return lambda text: text[:8] + "•" * max(0, len(text) - 8)
    if name in time and is_of_time(texts):
        return lambda text: text
    if name not in roles.values():
        return lambda text: re.sub(r"\w", "•", text)
    if name == roles.get("cell"):
        return lambda text: re.sub(r"\d{7,}", _dots, text)
    return lambda text: re.sub(r"\+?\(?\d(?:[ ().-]{0,2}\d){6,}", _dots, text)


def _dots(found: re.Match[str]) -> str:
    return "•" * len(found[0])


def _mapping(
    source: Source,
    roles: dict[str, str],
    time: list[str],
    form: str,
    time_zone: str,
    words: dict[str, dict[str, str]],
    numbered: bool,
) -> str:
    def value(name: str) -> str:
        return name if numbered and name.isdigit() else _quoted(name)

    lines = ["[source]", f"format = {_quoted(source.format)}"]
    if source.format == "csv":
        lines += [
            f"delimiter = {_quoted(source.delimiter)}",
            f"header = {'true' if source.header else 'false'}",
            f"encoding = {_quoted(source.encoding)}",
        ]
    column = value(time[0]) if len(time) == 1 else "[" + ", ".join(value(name) for name in time) + "]"
    lines += [
        "",
        "[time]",
        f"column = {column}",
        f"format = {_quoted(form)}",
        f"zone = {_quoted(time_zone)}",
        "",
        "[columns]",
    ]
    for role in ("subscriber", "cell"):
        lines.append(f"{role} = {value(roles.get(role, 'COLUMN'))}")
    lines += [f"{role} = {value(name)}" for role, name in roles.items() if role not in ("subscriber", "cell")]
    for role, known in words.items():
        if known:
            lines += [
                "",
                f"[values.{role}]",
                *(f"{_quoted(theirs)} = {_quoted(ours)}" for theirs, ours in known.items()),
            ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'
