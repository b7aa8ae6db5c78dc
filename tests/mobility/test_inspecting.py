"""Inspecting: whatever the layout, the right mapping is proposed, no identifier is shown, and the proposal imports."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from commonweal.core.errors import InputError
from commonweal.mobility.cli import app
from commonweal.mobility.inspecting import inspect
from commonweal.mobility.layout import read_layout

GENERATOR = random.Random(4)
NUMBERS = [f"232765532{n:02}" for n in range(20)]
START = datetime(2026, 1, 13, 8, 0, tzinfo=UTC)
ROWS = [
    {
        "who": NUMBERS[n % 20],
        "other": NUMBERS[(n * 7 + 3) % 20],
        "when": START + timedelta(minutes=7 * n),
        "cell": f"{'abcd'[n % 4]}{n % 2 + 1}",
        "kind": n % 3,
        "way": n % 2,
        "seconds": str(n * 3),
        "imei": f"3512345678{n:05}",
        "imsi": f"61901{n:010}",
    }
    for n in range(60)
]


def written(delimiter: str, header: str, *fields: Any) -> str:
    """Rows as text; a field is a function of a row."""
    lines = [delimiter.join(str(field(row)) for field in fields) for row in ROWS]
    return "\n".join([*([header] if header else []), *lines]) + "\n"


def at(form: str) -> Any:
    """The time in a form."""
    return lambda row: f"{row['when']:{form}}"


def of(name: str, *words: str) -> Any:
    """A field, or one of the operator's words for it."""
    return lambda row: words[row[name]] if words else row[name]


who, other, cell, seconds = of("who"), of("other"), of("cell"), of("seconds")
FILES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "English": (
        written(
            ",",
            "calling_number,called_number,call_start_time,cell_id,call_type,duration,imei",
            who,
            other,
            at("%Y-%m-%d %H:%M:%S"),
            cell,
            of("kind", "voice", "sms", "data"),
            seconds,
            of("imei"),
        ).encode(),
        {"subscriber": "calling_number", "counterpart": "called_number", "time": "call_start_time", "format": "iso"},
    ),
    "French, semicolons, latin-1": (
        written(
            ";",
            "Numéro appelant;Numéro appelé;Date;Heure;Cellule;Type;Durée;Opérateur",
            who,
            other,
            at("%d/%m/%Y"),
            at("%H:%M:%S"),
            cell,
            of("kind", "voix", "sms", "internet"),
            seconds,
            lambda row: "Télécom",
        ).encode("cp1252"),
        {
            "subscriber": "Numéro appelant",
            "counterpart": "Numéro appelé",
            "cell": "Cellule",
            "time": ("Date", "Heure"),
            "format": "%d/%m/%Y %H:%M:%S",
            "duration": "Durée",
            "encoding": "cp1252",
        },
    ),
    "tabs and two columns of time": (
        written("\t", "MSISDN\tDATE\tTIME\tCGI", who, at("%Y%m%d"), at("%H%M%S"), cell).encode(),
        {"subscriber": "MSISDN", "cell": "CGI", "time": ("DATE", "TIME"), "format": "%Y%m%d %H%M%S"},
    ),
    "no header": (
        written("|", "", who, other, at("%Y%m%d%H%M%S"), cell, of("kind", "voice", "sms", "data")).encode(),
        {"subscriber": 1, "counterpart": 2, "time": 3, "cell": 4, "kind": 5, "format": "%Y%m%d%H%M%S"},
    ),
    "no header, hashed identifiers and ISO times": (
        written(
            ",",
            "",
            lambda row: f"{int(row['who']) * 7919:x}",
            at("%Y-%m-%dT%H:%M:%SZ"),
            cell,
            of("kind", "call", "sms", "data"),
        ).encode(),
        {"subscriber": 1, "time": 2, "cell": 3, "format": "iso"},
    ),
    "seconds since 1970": (
        written(
            ",",
            "ts,user_id,antenna,direction",
            lambda row: int(row["when"].timestamp()),
            who,
            cell,
            of("way", "MO", "MT"),
        ).encode(),
        {"subscriber": "user_id", "cell": "antenna", "time": "ts", "format": "epoch_s", "direction": "direction"},
    ),
    "no header, seconds since 1970 first": (
        written(";", "", lambda row: int(row["when"].timestamp()), lambda row: f"0{row['who'][3:]}", cell).encode(),
        {"subscriber": 2, "time": 1, "cell": 3, "format": "epoch_s"},
    ),
    "milliseconds, compressed": (
        gzip.compress(
            written(
                ",", "imsi,timestamp,cell", of("imsi"), lambda row: int(row["when"].timestamp() * 1000), cell
            ).encode()
        ),
        {"subscriber": "imsi", "time": "timestamp", "format": "epoch_ms"},
    ),
    "UTF-16": (
        written(";", "msisdn;date_time;cell_id", who, at("%d.%m.%Y %H:%M:%S"), cell).encode("utf-16"),
        {"subscriber": "msisdn", "format": "%d.%m.%Y %H:%M:%S", "encoding": "utf-16"},
    ),
    "American days": (
        written(",", "caller,callee,date,cell", who, other, at("%m/%d/%Y %H:%M:%S"), cell).encode(),
        {"subscriber": "caller", "counterpart": "callee", "format": "%m/%d/%Y %H:%M:%S"},
    ),
    "spelled numbers in a column nobody knows": (
        written(
            ",",
            "msisdn,time,cell,remark",
            who,
            at("%Y-%m-%dT%H:%M:%S"),
            cell,
            lambda row: f"call back +{row['other'][:3]} {row['other'][3:5]} {row['other'][5:8]} {row['other'][8:]}",
        ).encode(),
        {"subscriber": "msisdn", "format": "iso"},
    ),
}


def parquet(folder: Path) -> Path:
    """The rows as a typed file."""
    path = folder / "calls.parquet"
    columns = {
        "msisdn": pa.array([int(row["who"]) for row in ROWS]),
        "start_time": pa.array([row["when"].replace(tzinfo=None) for row in ROWS], pa.timestamp("us")),
        "cell_id": [row["cell"] for row in ROWS],
        "event_type": [("call", "sms", "data")[row["kind"]] for row in ROWS],
    }
    pq.write_table(pa.table(columns), path)
    return path


def given(name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """A sample file and what is right of it."""
    if name == "parquet":
        return parquet(folder), {"subscriber": "msisdn", "time": "start_time", "cell": "cell_id", "kind": "event_type"}
    content, right = FILES[name]
    path = folder / "calls.dat"
    path.write_bytes(content)
    return path, right


@pytest.mark.parametrize("name", [*FILES, "parquet"])
def test_the_right_mapping_is_proposed_and_imports(name: str, operator: Any) -> None:
    file, right = given(name, operator.folder)
    found = inspect(file)
    proposed = found.mapping
    for role in ("subscriber", "cell"):  # without a header a person says what nothing in the file says
        if f'{role} = "COLUMN"' in proposed:
            assert isinstance(right[role], int)
            assert any(f"looks like the {role}" in doubt for doubt in found.doubts)
            proposed = proposed.replace(f'{role} = "COLUMN"', f"{role} = {right[role]}")
    mapping = operator.write("mapping.toml", proposed)
    layout = read_layout(mapping)
    for field, value in right.items():
        said = {
            "time": layout.time,
            "format": layout.time_format,
            "encoding": layout.source.encoding,
        }.get(field) or layout.columns[field]
        wanted = value if isinstance(value, tuple) or field in ("format", "encoding") else (value,)
        assert said == wanted, field
    [report] = operator.import_(file)
    assert (report["rows"], report["accepted"], report["rejected"]) == (60, 60, {})
    assert {event["time"] for event in operator.stored()} == {int(row["when"].timestamp()) for row in ROWS}


@pytest.mark.parametrize("name", [*FILES, "parquet"])
def test_no_identifier_is_shown(name: str, tmp_path: Path) -> None:
    file, _ = given(name, tmp_path)
    shown = CliRunner().invoke(app, ["inspect", str(file)])
    assert shown.exit_code == 0, shown.output
    output = shown.output + shown.stderr
    assert "•" in output
    digits = "".join(sign for sign in output if sign not in " ().+-")
    for row in ROWS:
        hashed = f"{int(row['who']) * 7919:x}"
        for identifier in (row["who"], row["who"][3:], row["imei"], row["imsi"], hashed):
            assert identifier not in digits


def test_what_a_person_must_settle_is_said(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("a,b,c\nx,never,q\ny,ever,r\n")
    doubts = " ".join(inspect(file).doubts)
    for said in ("the subscriber", "the cell", "like a time", "which time zone"):
        assert said in doubts


def test_a_word_that_is_not_known_is_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(
        "msisdn,time,cell,type\n23276553201,2026-01-05 10:00:00,a1,USSD\n23276553201,2026-01-05 10:00:00,a1,Voice\n"
    )
    found = inspect(file)
    assert any("'USSD'" in doubt for doubt in found.doubts)
    assert '"Voice" = "call"' in found.mapping


@pytest.mark.parametrize(
    ("content", "said"), [("", "empty"), ("\n\n", "empty"), ("one column\n1\n", "no delimiter"), ('"a,b\n', "is a row")]
)
def test_what_is_no_table_is_refused(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(content)
    with pytest.raises(InputError, match=said):
        inspect(file)


def test_a_column_that_is_there_twice_is_refused_as_import_does(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("msisdn,ts,msisdn\n0761234567,2026-03-02T10:00:00,A\n")
    with pytest.raises(InputError, match=r"calls\.csv, line 1: column 'msisdn' is there twice"):
        inspect(file)
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 2, ["cell", "cell"]), file)
    with pytest.raises(InputError, match="column 'cell' is there twice"):
        inspect(file)


def test_a_column_that_is_there_twice_and_is_not_needed_stays_masked(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("msisdn,ts,cell,x,x\n0761234567,2026-03-02T10:00:00,a1,0761234568,0761234569\n")
    found = inspect(file)
    assert found.columns == ("msisdn", "ts", "cell", "x", "x")
    assert found.rows == (("•" * 10, "2026-03-02T10:00:00", "a1", "•" * 10, "•" * 10),)


def test_of_a_header_without_rows_the_columns_are_proposed_by_name_and_it_is_said(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("msisdn,ts,cell\n")
    found = inspect(file)
    assert 'column = "ts"' in found.mapping
    assert 'cell = "cell"' in found.mapping
    assert found.rows == ()
    doubts = " ".join(found.doubts)
    assert "it has no rows" in doubts
    assert "say its format" in doubts


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("msisdn,ts,cell,note\n" + '0761234567,2026-03-02T10:00:00,a1,"call\nback"\n' * 20, 2),
        ('msisdn,ts,cell,"no\nte"\n0761234567,2026-03-02T10:00:00,a1,x\n', 1),
    ],
    ids=["rows", "header"],
)
def test_a_file_with_line_breaks_in_fields_is_refused(content: str, line: int, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(content)
    with pytest.raises(InputError, match=rf"calls\.csv, line {line}: a field in quotes goes on in the next line"):
        inspect(file)


def test_in_a_data_directory_its_time_zone_is_proposed_and_elsewhere_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "calls.csv").write_text("msisdn,ts,cell\n0761234567,2026-03-02T10:00:00,a1\n")
    monkeypatch.chdir(tmp_path)
    assert 'zone = "UTC"' in CliRunner().invoke(app, ["inspect", "calls.csv"]).stdout
    (tmp_path / "commonweal.toml").write_text(f'keys = "{tmp_path.parent / "keys"}"\ntime_zone = "Africa/Conakry"\n')
    shown = CliRunner().invoke(app, ["inspect", "calls.csv"])
    assert 'zone = "Africa/Conakry"' in shown.stdout
    assert 'the mapping says "Africa/Conakry"' in shown.stderr
