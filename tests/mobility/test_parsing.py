"""Lines become events, or rejects with a reason; a line is judged alike whatever lines surround it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.mobility.blocks import Block
from commonweal.mobility.layout import Layout, find_columns, parse_layout
from commonweal.mobility.parsing import Parsed, Plan, engine, parse_block
from commonweal.mobility.rejecting import REASONS

ENGINE = engine()
NAMES = ["number", "time", "cell", "kind", "way", "other", "seconds", "home", "network", "device"]
CELLS = {"a1": 0, "b1": 1, "611-01-3021-40112": 2}
PERIOD = (0, 4_000_000_000)
GOOD = {"number": "23276000001", "time": "2026-01-05T10:00:00", "cell": "a1"}


def layout(time: dict[str, Any] | None = None, **sections: Any) -> Layout:
    """A mapping that uses every role."""
    columns = {
        "subscriber": "number",
        "cell": "cell",
        "kind": "kind",
        "direction": "way",
        "counterpart": "other",
        "duration": "seconds",
        "home_plmn": "home",
        "serving_plmn": "network",
        "tac": "device",
    }
    return parse_layout({"time": {"column": "time"} | (time or {}), "columns": columns} | sections)


def parse(content: bytes, of: Layout, names: list[str] = NAMES, period: tuple[int, int] = PERIOD) -> Parsed:
    """Parse lines in a block that begins with line 2."""
    positions = find_columns(names, len(names), of.used, Path("calls.csv"))
    plan = Plan(of, positions, len(names), CELLS, period)
    return parse_block(Block(content, 2), plan, lambda t: np.zeros(len(t), np.int64), lambda _: b"k" * 32, ENGINE)


def parse_rows(rows: list[dict[str, str]], of: Layout, **choices: Any) -> Parsed:
    """Parse rows, written out with commas."""
    return parse("".join(",".join(row.get(name, "") for name in NAMES) + "\n" for row in rows).encode(), of, **choices)


def events(parsed: Parsed) -> list[dict[str, Any]]:
    """Every event."""
    return [row for table in parsed.events.values() for row in table.to_pylist()]


def times(texts: list[str], **time: Any) -> list[int | None]:
    """The UTC second of each time, None where it is rejected."""
    found: dict[int, int] = {}
    parsed = parse_rows([GOOD | {"time": text} for text in texts], layout(time))
    for event in events(parsed):
        found[event["line"]] = event["time"]
    assert {reject["reason"] for reject in parsed.rejects.to_pylist()} <= {"bad timestamp"}
    return [found.get(2 + place) for place in range(len(texts))]


WRONG = {
    "missing subscriber": {"number": " "},
    "bad timestamp": {"time": "yesterday"},
    "missing cell": {"cell": ""},
    "unknown cell": {"cell": "a9"},
    "bad kind": {"kind": "fax"},
    "bad direction": {"way": "up"},
    "bad duration": {"seconds": "-5"},
    "bad PLMN": {"network": "Orange"},
    "out of period": {"time": "1969-12-31T23:59:59"},
}


@pytest.mark.parametrize(("reason", "field"), WRONG.items(), ids=WRONG)
def test_a_row_is_rejected_for_its_reason_and_no_other_row_with_it(reason: str, field: dict[str, str]) -> None:
    parsed = parse_rows([GOOD, GOOD | field, GOOD], layout())
    assert [(reject["line"], reject["reason"]) for reject in parsed.rejects.to_pylist()] == [(3, reason)]
    assert [event["line"] for event in events(parsed)] == [2, 4]
    assert parsed.lines == 3


def test_every_reason_a_row_can_have_is_one_of_those_that_are_reported() -> None:
    other = {"accepted", "malformed line", "bad encoding", "objected", "duplicate"}
    assert set(WRONG) | other == set(REASONS)


def test_a_row_becomes_an_event_field_by_field() -> None:
    said = {
        "kind": "SMS",
        "way": "out",
        "other": "23276000002",
        "seconds": "12.9",
        "home": "619-01",
        "network": "61902",
        "device": "35123456",
    }
    [event] = events(parse_rows([GOOD | said], layout()))
    assert event["cell"] == 0
    assert (event["kind"], event["direction"], event["duration"]) == (2, 1, 12)
    assert (event["home_plmn"], event["serving_plmn"], event["tac"]) == (619001, 619002, 35123456)
    assert event["time"] == 1767607200
    assert event["counterpart"] not in (None, event["subscriber"])


def test_what_a_row_does_not_say_is_missing_and_never_zero() -> None:
    [event] = events(parse_rows([GOOD], layout()))
    assert (event["counterpart"], event["duration"], event["tac"]) == (None, None, None)


def test_a_device_is_kept_by_its_type_alone() -> None:
    found = events(
        parse_rows([GOOD | {"device": imei} for imei in ("351234567890123", " 351234567890123", "x")], layout())
    )
    assert [event["tac"] for event in found] == [35123456, 35123456, None]


def test_the_network_of_an_imsi_is_read_from_its_first_digits() -> None:
    found = events(parse_rows([GOOD | {"home": imsi} for imsi in ("619011234567890", "310260123456789")], layout()))
    assert [event["home_plmn"] for event in found] == [619001, 310260]


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e99", "1_000", "x", "2147483648"])
def test_a_duration_that_is_no_number_of_seconds_is_bad(seconds: str) -> None:
    parsed = parse_rows([GOOD | {"seconds": seconds}], layout())
    assert parsed.rejects["reason"].to_pylist() == ["bad duration"]


def test_blanks_around_a_field_are_not_part_of_it() -> None:
    padded = {
        name: f"  {text} " for name, text in (GOOD | {"kind": "call", "network": "619-01", "seconds": "5"}).items()
    }
    assert [{**event, "line": 0} for event in events(parse_rows([padded], layout()))] == [
        {**event, "line": 0}
        for event in events(parse_rows([GOOD | {"kind": "call", "network": "619-01", "seconds": "5"}], layout()))
    ]


# Lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────

THREE = ["number", "time", "cell"]


def small(**source: Any) -> Layout:
    """A mapping of three columns."""
    return parse_layout(
        {"source": source, "time": {"column": "time"}, "columns": {"subscriber": "number", "cell": "cell"}}
    )


LINES = {
    b"1,2026-01-05T10:00:00,a1": "accepted",
    b'"1","2026-01-05T10:00:00","a1"': "accepted",
    b"1,2026-01-05T10:00:00,a1\r": "accepted",
    b"1,2026-01-05T10:00:00": "malformed line",
    b"1,2026-01-05T10:00:00,a1,": "malformed line",
    b'"1,2026-01-05T10:00:00,a1': "malformed line",
    b'1,2026-01-05T10:00:00,"a1': "malformed line",
    b"1,2026-01-05T10:00:00,a1\0": "malformed line",
    b"1,2026-01-05T10:00:00,a\xe91": "bad encoding",
    b"1,2026-01-05T10:00:00\r,a1": "malformed line",
}


@pytest.mark.parametrize(("line", "reason"), LINES.items())
def test_a_broken_line_is_lost_alone(line: bytes, reason: str) -> None:
    good = b"2,2026-01-05T11:00:00,b1"
    parsed = parse(b"\n".join([good, line, good, good, b""]), small(), THREE)
    lost = [(reject["line"], reject["reason"]) for reject in parsed.rejects.to_pylist()]
    assert lost == ([] if reason == "accepted" else [(3, reason)])
    assert [event["line"] for event in events(parsed)] == ([2, 3, 4, 5] if reason == "accepted" else [2, 4, 5])


def test_quotes_that_would_swallow_lines_lose_only_their_own() -> None:
    good = b"2,2026-01-05T10:00:00,a1\n"
    parsed = parse(b'1,2026-01-05T10:00:00,"a1\n' + good + b'3,2026-01-05T10:00:00,a1"\n' + good, small(), THREE)
    assert [event["line"] for event in events(parsed)] == [3, 5]
    lost = [(reject["line"], reject["reason"]) for reject in parsed.rejects.to_pylist()]
    assert sorted(lost) == [(2, "malformed line"), (4, "unknown cell")]


def test_without_a_quote_sign_quotes_are_letters() -> None:
    parsed = parse(b'"1,2026-01-05T10:00:00,a1\n', small(quote=""), THREE)
    assert len(events(parsed)) == 1


def test_empty_lines_say_nothing_and_keep_their_numbers() -> None:
    parsed = parse(b"\n1,2026-01-05T10:00:00,a1\n\r\n  \n2,2026-01-05T10:00:00,a1\n", small(), THREE)
    assert [event["line"] for event in events(parsed)] == [3, 6]
    assert (parsed.lines, parsed.rejects.num_rows) == (2, 0)


pieces = st.sampled_from(
    ['"', ",", " ", "\r", "\0", "é", "a1", "b1", "1", "2026-01-05T10:00:00", "2026-01-05T10:00:00Z"]
)
good_line = st.just("1,2026-01-05T10:00:00,a1")
any_line = st.one_of(good_line, st.lists(pieces, max_size=9).map("".join)).map(str.encode)
any_line = st.one_of(any_line, any_line, st.just(b"1,\xff,a1"))


@given(lines=st.lists(any_line, max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_line_is_judged_alike_whatever_lines_surround_it(lines: list[bytes]) -> None:
    def judged(parsed: Parsed, shift: int = 0) -> list[tuple[int, Any, Any]]:
        accepted = [(event["line"] + shift, event["time"], event["cell"]) for event in events(parsed)]
        rejected = [(reject["line"] + shift, reject["reason"], None) for reject in parsed.rejects.to_pylist()]
        return sorted(accepted + rejected, key=str)

    together = judged(parse(b"".join(line + b"\n" for line in lines), small(), THREE))
    alone = [item for place, line in enumerate(lines) for item in judged(parse(line + b"\n", small(), THREE), place)]
    assert together == sorted(alone, key=str)


# Columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_several_columns_that_make_up_a_cell_are_joined() -> None:
    said = {
        "time": {"column": "time"},
        "columns": {"subscriber": "number", "cell": ["mcc", "mnc", "lac", "ci"], "joined_by": "-"},
    }
    parsed = parse(
        b"1,2026-01-05T10:00:00,611,01,3021,40112\n1,2026-01-05T10:00:00, 611 ,01 , 3021,40112 \n",
        parse_layout(said),
        ["number", "time", "mcc", "mnc", "lac", "ci"],
    )
    assert [event["cell"] for event in events(parsed)] == [2, 2]


def test_a_date_and_a_time_of_day_in_two_columns_are_one_time() -> None:
    said = {
        "time": {"column": ["day", "hour"], "format": "%d/%m/%Y %H:%M:%S", "zone": "Africa/Lagos"},
        "columns": {"subscriber": "number", "cell": "cell"},
    }
    parsed = parse(b"1,05/01/2026,10:00:00,a1\n", parse_layout(said), ["number", "day", "hour", "cell"])
    assert [event["time"] for event in events(parsed)] == [1767603600]


# Times ────────────────────────────────────────────────────────────────────────────────────────────────────────────

FORMS = [
    ("iso", "2026-01-05T10:00:00"),
    ("iso", "2026-01-05 10:00:00"),
    ("iso", "2026-01-05 10:00"),
    ("iso", "2026-01-05T10:00:00.999"),
    ("iso", "2026-01-05T10:00:00Z"),
    ("iso", "2026-01-05T12:00:00+02:00"),
    ("iso", "2026-01-05T15:45+05:45"),
    ("iso", "2026-01-05 08:30:00 -0130"),
    ("iso", "2026-01-05T12:00:00+02"),
    ("epoch_s", "1767607200"),
    ("epoch_s", "1767607200.75"),
    ("epoch_ms", "1767607200999"),
    ("%Y%m%d%H%M%S", "20260105100000"),
    ("%d/%m/%Y %H:%M:%S", "05/01/2026 10:00:00"),
    ("%m/%d/%Y %I:%M %p", "01/05/2026 10:00 AM"),
    ("%d.%m.%Y %H:%M:%S.%f", "05.01.2026 10:00:00.500000"),
    ("%Y-%m-%d %H:%M:%S %z", "2026-01-05 12:00:00 +0200"),
]


@pytest.mark.parametrize(("form", "text"), FORMS)
def test_the_same_moment_is_read_from_every_form(form: str, text: str) -> None:
    assert times([text], format=form) == [1767607200]


NO_TIME = [
    (
        "iso",
        ["", "yesterday", "2026-02-30T10:00:00", "infinity", "-infinity", "epoch", "10:00:00", "2026-01-05T25:00:00"],
    ),
    ("epoch_s", ["", "inf", "-inf", "nan", "1e300", "0x10", "1767607200s"]),
    ("epoch_ms", ["", "inf", "nan", "1e300", "99999999999999999999999"]),
    ("%Y%m%d%H%M%S", ["", "20260230100000", "2026-01-05", "99999999999999"]),
]


@pytest.mark.parametrize(("form", "texts"), NO_TIME)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris"])
def test_what_is_no_time_is_rejected_and_stops_nothing(form: str, texts: list[str], zone: str) -> None:
    assert times(texts, format=form, zone=zone) == [None] * len(texts)


def test_a_local_time_that_the_clock_skipped_is_no_time_and_one_it_showed_twice_is_the_first() -> None:
    found = times(
        ["2026-03-29 01:59:59", "2026-03-29 02:30:00", "2026-03-29 03:00:00", "2026-10-25 02:30:00"],
        zone="Europe/Paris",
    )
    assert found == [1774745999, None, 1774746000, 1792888200]


@pytest.mark.parametrize("order", [1, -1])
def test_times_with_an_offset_are_absolute_and_those_without_are_of_the_place_in_any_order(order: int) -> None:
    texts = ["2026-07-05T10:00:00+02:00", "2026-07-05 10:00:00", "2026-07-05T08:00:00Z", "2026-07-05T08:00:00.5z"][
        ::order
    ]
    assert times(texts, zone="Europe/Paris") == [1783238400] * 4


@pytest.mark.parametrize("zone", ["America/Lima", "Asia/Kathmandu"])
def test_the_clock_of_the_machine_is_of_no_account(zone: str) -> None:
    test = f"{__file__}::test_times_with_an_offset_are_absolute_and_those_without_are_of_the_place_in_any_order"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        env=os.environ | {"TZ": zone},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout


def test_the_period_holds_its_first_second_and_not_its_last(at: Callable[[str], int]) -> None:
    rows = [GOOD | {"time": text} for text in ("2026-01-04T23:59:59", "2026-01-05T00:00:00", "2026-01-06T00:00:00")]
    parsed = parse_rows(rows, layout(), period=(at("2026-01-05"), at("2026-01-06")))
    assert [event["line"] for event in events(parsed)] == [3]


# What is kept of rejects ──────────────────────────────────────────────────────────────────────────────────────────

NUMBERS = [
    "23276123456",
    "+232 76 123456",
    "+232 76 123 456",
    "076-123-456",
    "(076) 123 456",
    "076.123.456",
    "76 12 34 56",
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", [name for name in NAMES if name not in ("number", "other")])
def test_a_row_whose_columns_have_slipped_leaves_no_number_in_the_rejects(field: str, number: str) -> None:
    parsed = parse_rows([GOOD | {"cell": "zz"} | {field: number}, GOOD | {"number": "", field: number}], layout())
    assert parsed.rejects.num_rows == 2
    digits = "".join(sign for sign in number if sign.isdigit())[-7:]
    for reject in parsed.rejects.to_pylist():
        kept = "".join(sign for text in reject.values() for sign in str(text) if sign.isdigit())
        assert digits not in kept, reject


def test_a_subscriber_with_letters_is_not_kept_where_a_cell_should_be() -> None:
    rows = [GOOD | {"number": "sub-4f7a9c"}, {"number": "a1", "time": GOOD["time"], "cell": "sub-4f7a9c"}]
    [reject] = parse_rows(rows, layout()).rejects.to_pylist()
    assert (reject["reason"], reject["cell"]) == ("unknown cell", None)


def test_a_reject_keeps_what_identifies_nobody_so_that_it_can_be_mended() -> None:
    said = {"cell": "611-01-3021-40113", "kind": "sms", "seconds": "12", "network": "619-01"}
    [reject] = parse_rows([GOOD | said], layout()).rejects.to_pylist()
    assert reject["cell"] == "611-01-3021-40113"
    assert (reject["time"], reject["kind"], reject["duration"]) == (GOOD["time"], "sms", "12")
    assert reject["serving_plmn"] == "619-01"
