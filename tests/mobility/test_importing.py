"""Import: any number of files in any order come to the same store, and what is there already changes nothing."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.core.errors import Conflict, Damaged, InputError, Refused
from commonweal.mobility import blocks, keys, merging
from commonweal.mobility.imported import list_imports
from commonweal.mobility.projects import Project
from commonweal.mobility.store import held, project_folder

NUMBERS = [f"2327655320{digit}" for digit in range(10)]


def line(number: int | str, time: str, cell: str = "a1", rest: str = "call,,5") -> str:
    """A line of an event."""
    return f"{NUMBERS[number] if isinstance(number, int) else number},{time},{cell},{rest}"


def some_lines(seed: int, number: int, days: int, first: str = "2026-01-20") -> list[str]:
    """Lines of events over some days."""
    generator = random.Random(seed)
    start = datetime.fromisoformat(first)
    return [
        line(
            generator.randrange(10),
            (start + timedelta(seconds=generator.randrange(days * 86400))).isoformat(),
            generator.choice("abcd") + generator.choice("12"),
        )
        for _ in range(number)
    ]


def segments(operator: Any) -> dict[Path, int]:
    """Every segment of events, and when it was written."""
    return {path: path.stat().st_mtime_ns for path in operator.store().folder.glob("events/**/*.parquet")}


def test_every_row_is_accounted_for(operator: Any) -> None:
    lines = [
        line(0, "2026-01-05T10:00:00"),
        line(0, "2026-01-05T10:00:00"),
        line(1, "never"),
        "1,2",
        "",
        line(2, "2026-01-05T10:00:00", "zz"),
    ]
    file = operator.events("calls.csv", lines)
    [report] = operator.import_(file)
    assert (report["rows"], report["accepted"]) == (5, 1)
    assert report["rejected"] == {"duplicate": 1, "bad timestamp": 1, "malformed line": 1, "unknown cell": 1}
    rejects = {(reject["line"], reject["reason"]) for reject in operator.rejects()}
    assert rejects == {(3, "duplicate"), (4, "bad timestamp"), (5, "malformed line"), (7, "unknown cell")}
    assert {reject["digest"] for reject in operator.rejects()} == {blocks.file_digest(file)}


def test_the_same_file_twice_changes_nothing(operator: Any) -> None:
    file = operator.events("calls.csv", some_lines(1, 50, 3))
    operator.import_(file)
    before = {path: path.read_bytes() for path in operator.files() if path.suffix != ".db"}
    again = operator.import_job(file)
    assert again == {"files": [], "known": ["calls.csv"]}
    renamed = file.rename(file.with_name("renamed.csv"))
    assert operator.import_job(renamed)["known"] == ["renamed.csv"]
    after = {path: path.read_bytes() for path in operator.files() if path.suffix != ".db"}
    assert {path for path in after if path.name != ".lock" and "db" not in path.name} == {
        path for path in before if path.name != ".lock" and "db" not in path.name
    }
    assert all(after[path] == before[path] for path in before if path.suffix in (".parquet", ".json", ".key"))


def test_the_same_rows_in_another_file_are_all_duplicates_and_rewrite_nothing(operator: Any) -> None:
    lines = some_lines(2, 60, 20)
    operator.import_(operator.events("calls.csv", lines))
    before, written = operator.store().manifest.digest, segments(operator)
    [report] = operator.import_(operator.events("again.csv", reversed(lines)))
    assert (report["accepted"], report["rejected"]) == (0, {"duplicate": 60})
    assert operator.store().manifest.digest == before
    assert segments(operator) == written


def test_one_file_given_twice_at_once_is_imported_once(operator: Any) -> None:
    file = operator.events("calls.csv", some_lines(2, 20, 2))
    copy = operator.write("copy.csv", file.read_bytes())
    result = operator.import_job(file, copy)
    assert [report["accepted"] for report in result["files"]] == [20]
    assert result["known"] == ["copy.csv"]


FRESH = count()
DIGESTS: dict[str, str] = {}
SPREAD = some_lines(7, 120, 40)  # over a month's end, so that January closes


@given(order=st.permutations(range(120)), cuts=st.lists(st.integers(0, 120), max_size=3), together=st.booleans())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_store_is_the_same_in_whatever_order_and_files_its_events_came(
    order: list[int], cuts: Sequence[int], together: bool, start: Callable[..., Any]
) -> None:
    name = f"p{next(FRESH)}"
    operator = start(name)
    path = keys.key_path(operator.settings.keys, name, "2026")
    keys.create(operator.settings.keys, name, "2026")
    path.write_text("7" * 64)
    edges = [0, *sorted(cuts), 120]
    files = [
        operator.events(f"{place}.csv", [SPREAD[number] for number in order[begin:end]])
        for place, (begin, end) in enumerate(pairwise(edges))
    ]
    if together:
        operator.import_(*files)
    else:
        for file in files:
            operator.import_(file)
    manifest = operator.store().manifest
    said = [(s.bucket, s.start, s.end, s.rows, s.digest) for s in manifest.events()]
    assert DIGESTS.setdefault("segments", repr(said)) == repr(said)


def test_a_late_event_rewrites_exactly_one_segment(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", some_lines(3, 300, 8)))
    before = segments(operator)
    operator.import_(operator.events("late.csv", [line(0, "2026-01-22T12:00:00", "d2")]))
    after = segments(operator)
    assert len(before.keys() - after.keys()) == 1
    assert len(after.keys() - before.keys()) == 1
    assert all(after[path] == before[path] for path in before.keys() & after.keys())


def test_a_month_is_one_segment_once_a_later_event_came(operator: Any) -> None:
    operator.import_(operator.events("january.csv", some_lines(4, 200, 12)))
    days = operator.store().manifest.events()
    assert max(segment.end - segment.start for segment in days) == 86400
    operator.import_(operator.events("february.csv", [line(0, "2026-02-01T00:00:00")]))
    january = [segment for segment in operator.store().manifest.events() if segment.start < 1769904000]
    assert {segment.end - segment.start for segment in january} == {31 * 86400}
    assert sum(segment.rows for segment in january) == sum(segment.rows for segment in days)


def test_compacting_closes_months_that_are_over_and_a_late_event_still_finds_its_place(
    operator: Any, at: Callable[[str], int]
) -> None:
    from commonweal.mobility.service import compact_store

    operator.import_(operator.events("january.csv", some_lines(4, 200, 8, "2025-01-20")))
    before, told = operator.stored(), len(operator.store().manifest.events())
    saved = compact_store(operator.settings, operator.database, operator.project)
    assert saved == told - len(operator.store().manifest.events()) > 0
    assert compact_store(operator.settings, operator.database, operator.project) == 0
    assert sorted(map(repr, operator.stored())) == sorted(map(repr, before))
    written = segments(operator)
    operator.import_(operator.events("late.csv", [line(0, "2025-01-22T12:00:00", "d2")]))
    assert len(written.keys() - segments(operator).keys()) == 1
    assert len(operator.stored()) == 201


def test_splitting_buckets_keeps_every_event(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", some_lines(5, 300, 3)))
    before = sorted(map(repr, operator.stored()))
    store = operator.store()
    merging.split_buckets(store, 5)
    assert store.manifest.bucket_bits == 5
    assert sorted(map(repr, operator.stored())) == before
    for segment in store.manifest.events():
        subscriber, _, _ = store.sequences(segment)
        assert {segment.bucket} == set((subscriber >> 59) + 16)
    [report] = operator.import_(operator.events("again.csv", some_lines(5, 300, 3)[::-1]))
    assert report["accepted"] == 0


def test_ties_go_by_the_text_of_the_cells_identifier_and_not_by_its_code(start: Callable[..., Any]) -> None:
    orders = []
    for name, cells in (("one", ["zeta", "alpha"]), ("other", ["alpha", "zeta"])):
        operator = start(name)
        register = operator.write("two.csv", "cell,lon,lat\n" + "".join(f"{cell},0.5,0.5\n" for cell in cells))
        lines = [line(0, "2026-01-05T10:00:00", cell) for cell in ("zeta", "alpha")]
        operator.import_(operator.events("calls.csv", lines), cells=register)
        orders.append([event["cell"] for event in operator.stored()])
    assert orders == [["alpha", "zeta"]] * 2


def test_events_of_two_years_lie_in_two_epochs_with_other_pseudonyms(operator: Any) -> None:
    [report] = operator.import_(
        operator.events("calls.csv", [line(0, "2025-12-31T23:59:59"), line(0, "2026-01-01T00:00:00"), line(1, "x")])
    )
    assert report["accepted"] == 2
    assert [epoch.name for epoch in operator.book().epochs] == ["2025", "2026"]
    old, new = operator.stored()
    assert old["subscriber"] != new["subscriber"]
    assert len(operator.rejects()) == 1


def test_a_period_may_be_asked_for(operator: Any) -> None:
    file = operator.events("calls.csv", [line(0, f"2026-01-0{day}T00:00:00") for day in (4, 5, 6)])
    [report] = operator.import_(file, first="2026-01-05", last="2026-01-06")
    assert (report["accepted"], report["rejected"]) == (1, {"out of period": 2})


def test_the_future_is_not_accepted(operator: Any) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=3)
    [report] = operator.import_(operator.events("calls.csv", [line(0, f"{tomorrow:%Y-%m-%dT%H:%M:%S}")]))
    assert report["rejected"] == {"out of period": 1}


def test_events_older_than_the_retention_are_not_accepted(start: Callable[..., Any]) -> None:
    operator = start(retention_days=30)
    old = datetime.now(UTC) - timedelta(days=40)
    young = datetime.now(UTC) - timedelta(days=20)
    [report] = operator.import_(
        operator.events("calls.csv", [line(0, f"{day:%Y-%m-%dT%H:%M:%S}") for day in (old, young)])
    )
    assert (report["accepted"], report["rejected"]) == (1, {"out of period": 1})


# Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_without_a_header_is_read_by_numbers(operator: Any) -> None:
    operator.write(
        "mapping.toml",
        '[source]\nheader = false\ndelimiter = "|"\n[time]\ncolumn = 1\n[columns]\nsubscriber = 3\ncell = 2\n',
    )
    [report] = operator.import_(operator.write("calls.csv", "2026-01-05 10:00:00|a1|23276553201\n"))
    assert (report["rows"], report["accepted"]) == (1, 1)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("number,time,time,kind,other,seconds", "'time' is there twice"),
        ("number,when,cell,kind,other,seconds", "'time' is not there (expected: one of: number, when, cell"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(header: str, said: str, operator: Any) -> None:
    with pytest.raises(InputError) as caught:
        operator.import_(operator.events("calls.csv", [line(0, "2026-01-05T10:00:00")], header))
    assert said in str(caught.value)
    assert "calls.csv, line 1" in str(caught.value)


def test_a_number_past_the_last_column_is_refused(operator: Any) -> None:
    operator.write(
        "mapping.toml", "[source]\nheader = false\n[time]\ncolumn = 9\n[columns]\nsubscriber = 1\ncell = 2\n"
    )
    with pytest.raises(InputError, match=r"no column 9 \(expected: 1 to 3\)"):
        operator.import_(operator.write("calls.csv", "a,b,c\n"))


@pytest.mark.parametrize(
    "content",
    [b"", b"number,time,cell,kind,other,seconds\n", gzip.compress(b"", mtime=0)],
    ids=["nothing", "header", "compressed"],
)
def test_a_file_without_events_is_imported_as_such(content: bytes, operator: Any) -> None:
    [report] = operator.import_(operator.write("calls.csv", content))
    assert (report["rows"], report["accepted"], report["rejected"]) == (0, 0, {})


def test_a_broken_file_leaves_the_store_as_it_was_and_can_come_again(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", some_lines(6, 30, 2)))
    before = operator.store().manifest
    more = operator.events("more.csv", some_lines(8, 3000, 2)).read_bytes()
    torn = operator.write("more.csv.gz", gzip.compress(more)[:-2000])
    with pytest.raises(Damaged, match=r"more\.csv\.gz.*compression is broken"):
        operator.import_(torn)
    assert operator.store().manifest == before
    torn.write_bytes(gzip.compress(more))
    [report] = operator.import_(torn)
    assert report["accepted"] == 3000 - report["rejected"].get("duplicate", 0)


def test_blocks_do_not_show_in_what_comes_of_a_file(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = some_lines(9, 400, 3)
    lines[57] = line(3, "2026-01-21T10:00:00+02:00")
    lines[200:203] = ["", '"broken', "1,2"]
    found = []
    for name, size in (("whole", 2**20), ("pieces", 997)):
        operator = start(name)
        keys.create(operator.settings.keys, name, "2026")
        keys.key_path(operator.settings.keys, name, "2026").write_text("7" * 64)
        monkeypatch.setattr(blocks.LineReader.__init__, "__defaults__", ("utf-8", size))
        [report] = operator.import_(operator.events("calls.csv", lines))
        rejects = sorted((reject["line"], reject["reason"]) for reject in operator.rejects())
        found.append((report["rows"], report["accepted"], rejects, sorted(map(repr, operator.stored()))))
    assert found[0] == found[1]


TYPED = {
    "number": pa.array([23276553201, 23276553202, None, 23276553201], pa.int64()),
    "time": pa.array([1767607200, 1767607201, 1767607202, None], pa.timestamp("s")),
    "cell": pa.array(["a1", "zz", "a1", "a1"]),
    "kind": pa.array(["call", None, "sms", "sms"]).dictionary_encode(),
    "other": pa.array([23276553203.0, None, None, None], pa.float64()),
    "seconds": pa.array([30.0, None, 5.0, None], pa.float64()),
}
AS_TEXT = [
    "23276553201,2026-01-05T10:00:00,a1,call,23276553203,30",
    "23276553202,2026-01-05T10:00:01,zz,,,",
    ",2026-01-05T10:00:02,a1,sms,,5",
    "23276553201,,a1,sms,,",
]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kathmandu"])
def test_a_typed_file_comes_to_the_same_as_its_text(unit: str, zone: str | None, start: Callable[..., Any]) -> None:
    found = []
    for name in ("text", "typed"):
        operator = start(name)
        keys.create(operator.settings.keys, name, "2026")
        keys.key_path(operator.settings.keys, name, "2026").write_text("7" * 64)
        if name == "text":
            file = operator.events("calls.csv", AS_TEXT)
        else:
            mapping = operator.mapping.read_text().replace('delimiter = ","', 'format = "parquet"')
            operator.write("mapping.toml", mapping.replace('format = "iso"', 'format = "%d/%m/%Y"'))
            file = operator.folder / "calls.parquet"
            time = TYPED["time"].cast(pa.timestamp(unit, tz=zone))
            pq.write_table(pa.table(TYPED | {"time": time}), file)
        [report] = operator.import_(file)
        found.append((report["rows"], report["accepted"], report["rejected"], operator.stored()))
    assert found[0] == found[1]
    assert found[0][2] == {"unknown cell": 1, "missing subscriber": 1, "bad timestamp": 1}


def test_a_column_of_lists_is_refused(operator: Any) -> None:
    operator.write("mapping.toml", operator.mapping.read_text().replace('delimiter = ","', 'format = "parquet"'))
    file = operator.folder / "calls.parquet"
    pq.write_table(pa.table(TYPED | {"cell": pa.array([["a1"]] * 4)}), file)
    with pytest.raises(InputError, match="column 'cell' holds list"):
        operator.import_(file)


def test_a_number_that_is_none_is_a_bad_row_and_not_a_damaged_file(operator: Any) -> None:
    operator.write("mapping.toml", operator.mapping.read_text().replace('delimiter = ","', 'format = "parquet"'))
    file = operator.folder / "calls.parquet"
    seconds, time = pa.array([float("inf"), 1e300, float("nan"), 1.0]), TYPED["time"].fill_null(1767607203)
    pq.write_table(pa.table(TYPED | {"seconds": seconds, "time": time}), file)
    [report] = operator.import_(file)
    assert report["rejected"]["bad duration"] == 1


def test_a_column_that_a_typed_file_has_twice_is_refused(operator: Any) -> None:
    operator.write("mapping.toml", operator.mapping.read_text().replace('delimiter = ","', 'format = "parquet"'))
    file = operator.folder / "calls.parquet"
    pq.write_table(pa.Table.from_arrays([*TYPED.values(), TYPED["cell"]], [*TYPED, "cell"]), file)
    with pytest.raises(InputError, match="column 'cell' is there twice"):
        operator.import_(file)


def test_what_is_no_parquet_file_is_damaged(operator: Any) -> None:
    operator.write("mapping.toml", operator.mapping.read_text().replace('delimiter = ","', 'format = "parquet"'))
    with pytest.raises(Damaged, match=r"calls\.parquet: this is not a readable Parquet file"):
        operator.import_(operator.write("calls.parquet", b"PAR1 and no more"))


# What else may be wrong ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_is_not_there_is_named_before_anything_is_read(operator: Any) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: there is no such file"):
        operator.import_(operator.events("calls.csv", some_lines(1, 5, 1)), operator.folder / "nowhere.csv")
    assert operator.book().epochs == []


def test_without_cells_no_event_can_be_placed(operator: Any) -> None:
    with pytest.raises(InputError, match="no cells are known yet"):
        operator.import_job(operator.events("calls.csv", []), without_cells=True)


def test_a_mapping_that_fits_no_row_is_refused_early(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonweal.mobility.importing.HOPELESS", 50)
    with pytest.raises(InputError, match="none of the first 60 rows can be used: bad timestamp 60"):
        operator.import_(operator.events("calls.csv", [line(0, "5 January")] * 60))


def test_a_file_of_which_no_row_can_be_used_is_refused_and_leaves_nothing(operator: Any) -> None:
    swapped = [f"a1,2026-01-05T10:00:{n:02},{NUMBERS[n % 10]},call,,5" for n in range(36)]
    before = operator.files()
    with pytest.raises(InputError) as caught:
        operator.import_(operator.events("swapped.csv", [*swapped, "1,2"]))
    assert "swapped.csv: none of its rows can be used: malformed line 1, unknown cell 36 (expected" in str(caught.value)
    assert {path.name for path in set(operator.files()) - set(before)} <= {".lock", "cells.parquet"}
    assert (operator.book().epochs, list_imports(operator.database, operator.project.name)) == ([], [])


@pytest.mark.parametrize("lines", [["1,2"], [line(0, "never")], [line(0, "2026-01-05T10:00:00", "zz")]])
def test_one_row_that_cannot_be_used_is_enough_to_refuse_a_file(lines: list[str], operator: Any) -> None:
    with pytest.raises(InputError, match="none of its rows can be used"):
        operator.import_(operator.events("calls.csv", lines))


@pytest.mark.parametrize("unusable", [[], [line(1, "never"), "1,2"]], ids=["alone", "beside others"])
def test_rows_that_are_right_but_not_wanted_show_that_the_mapping_fits(unusable: list[str], operator: Any) -> None:
    from commonweal.mobility import custody

    here = line(0, "2026-01-05T10:00:00")
    operator.import_(operator.events("before.csv", [here, line(9, "2026-01-05T10:00:00")]))
    custody.forget(operator.settings, operator.database, operator.project, [NUMBERS[9]], "os:tester")
    for reason, right in (
        ("duplicate", here),
        ("objected", line(9, "2026-01-05T11:00:00")),
        ("out of period", line(0, "1970-01-05T10:00:00")),
    ):
        [report] = operator.import_(operator.events(f"{reason}.csv", [*unusable, right]))
        others = {"bad timestamp": 1, "malformed line": 1} if unusable else {}
        assert (report["accepted"], report["rejected"]) == (0, {reason: 1} | others)


def test_of_many_files_the_one_that_cannot_be_used_is_named_and_the_others_come_in_without_it(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commonweal.mobility.importing.RUN_EVENTS", 10)
    good = [operator.events(f"{seed}.csv", some_lines(seed, 30, 2)) for seed in (1, 2)]
    wrong = operator.events("wrong.csv", [line(0, "5 January")] * 3)
    with pytest.raises(InputError, match=r"wrong\.csv: none of its rows can be used: bad timestamp 3"):
        operator.import_(good[0], wrong, good[1])
    assert operator.stored() == operator.rejects() == []
    assert not [path for path in operator.files() if "staging" in str(path)]
    assert [report["accepted"] for report in operator.import_(*good)] == [30, 30]


NOTED = "number,time,cell,note"


def noted(*notes: str) -> bytes:
    """A file of events with notes."""
    rows = [f'{NUMBERS[n % 10]},2026-01-05T10:00:{n:02},a1,"{note}"' for n, note in enumerate(notes)]
    return "\n".join([NOTED, *rows, ""]).encode()


@pytest.fixture
def noting(operator: Any) -> Any:
    """An operator whose files have notes."""
    columns = "".join(f'{role} = "{name}"\n' for role, name in (("subscriber", "number"), ("cell", "cell")))
    operator.write("mapping.toml", f'[time]\ncolumn = "time"\n[columns]\n{columns}')
    return operator


BROKEN = {
    "every note": (noted(*["call\nback"] * 20), 2),
    "a late one": (noted(*["a note"] * 30, "call\r\n\r\nback, please"), 32),
    "the header": (noted("a note").replace(b",note", b',"no\nte"'), 1),
    "an encoding": (noted("né", "call\nback").decode().encode("cp1252"), 3),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_with_line_breaks_in_fields_is_refused_at_its_first(name: str, noting: Any) -> None:
    content, first = BROKEN[name]
    with pytest.raises(InputError) as caught:
        noting.import_(noting.write("calls.csv", content))
    assert f"calls.csv, line {first}: a field in quotes goes on in the next line" in str(caught.value)
    assert "an export without line breaks in fields" in str(caught.value)
    assert "back" not in str(caught.value)
    assert noting.stored() == []


def test_a_line_break_in_a_field_undoes_what_was_staged_before_it(noting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonweal.mobility.importing.RUN_EVENTS", 5)
    monkeypatch.setattr(blocks.LineReader.__init__, "__defaults__", ("utf-8", 200))
    with pytest.raises(InputError, match="line 42: a field in quotes"):
        noting.import_(noting.write("calls.csv", noted(*["a note"] * 40, "call\nback", *["a note"] * 9)))
    assert not [path for path in noting.files() if "staging" in str(path)]


SLIPS = {
    "never finished": b'1,2026-01-05T11:00:00,a1,"call\n',
    "finished by a row": b'1,2026-01-05T11:00:00,a1,"call\n' + b'1,2026-01-05T11:00:00,a1,back"\n',
    "too many fields": b'1,2026-01-05T11:00:00,a1,"call\nback",5\n',
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_an_unfinished_quote_that_makes_no_row_with_what_follows_spoils_only_its_own_line(
    slip: bytes, noting: Any
) -> None:
    [report] = noting.import_(noting.write("calls.csv", noted("a") + slip + noted("b", "c").partition(b"\n")[2]))
    assert report["rejected"]["malformed line"] >= 1
    assert report["accepted"] >= 2


def test_where_quotes_are_letters_no_line_goes_on(noting: Any) -> None:
    noting.write("mapping.toml", '[source]\nquote = ""\n' + noting.mapping.read_text())
    [report] = noting.import_(noting.write("calls.csv", noted("a", "call\nback")))
    assert (report["accepted"], report["rejected"]) == (2, {"malformed line": 1})


def test_of_two_at_work_on_a_project_the_second_is_told(operator: Any) -> None:
    with held(project_folder(operator.settings.store, operator.project.name)), pytest.raises(Conflict, match="at work"):
        operator.import_(operator.events("calls.csv", []))


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("stop", ["staging.write_run", "EpochStore.commit", "Staged.write"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_import_that_was_killed_goes_on_and_comes_to_the_same(
    stop: str, after: bool, start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from commonweal.mobility import importing, staging
    from commonweal.mobility.store import EpochStore

    monkeypatch.setattr(importing, "RUN_EVENTS", 100)
    monkeypatch.setattr(blocks.LineReader.__init__, "__defaults__", ("utf-8", 2000))
    lines = [*some_lines(11, 400, 12), line(1, "bad"), line(2, "2025-12-31T23:00:00")]
    found = []
    for name, kills in (("whole", 0), ("killed", 3)):
        operator = start(name)
        for year in ("2025", "2026"):
            keys.create(operator.settings.keys, name, year)
            keys.key_path(operator.settings.keys, name, year).write_text("7" * 64)
        files = [operator.events("one.csv", lines[:250]), operator.events("two.csv", lines[250:])]
        owner, method = stop.split(".")
        place = {"staging": staging, "EpochStore": EpochStore, "Staged": staging.Staged}[owner]
        really = getattr(place, method)
        left = iter(range(kills))

        def killing(*said: Any, really: Any = really, left: Any = left) -> Any:
            if after:
                came = really(*said)
            if next(left, None) is not None:
                raise Killed
            return came if after else really(*said)

        if kills:
            monkeypatch.setattr(place, method, killing)
            with pytest.raises(Killed):
                operator.import_(*files)
        for _ in range(kills + 1):
            with suppress(Killed):
                operator.import_(*files)
        monkeypatch.setattr(place, method, really)
        shown = [
            (row["file"], row["rows"], row["accepted"], row["rejected"])
            for row in list_imports(operator.database, operator.project.name)
        ]
        rejects = sorted((reject["file"], reject["line"], reject["reason"]) for reject in operator.rejects())
        found.append((shown, rejects, sorted(map(repr, operator.stored()))))
        assert not [path for path in operator.files() if "staging" in str(path)]
    assert found[0] == found[1]


def test_what_was_staged_goes_even_if_the_process_ended_before_it_could_be_removed(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commonweal.mobility import staging

    def kill(*said: Any) -> None:
        raise Killed

    really = staging.remove
    monkeypatch.setattr(staging, "remove", kill)
    file = operator.events("calls.csv", some_lines(1, 50, 3))
    with pytest.raises(Killed):
        operator.import_(file)
    monkeypatch.setattr(staging, "remove", really)
    assert operator.import_job(file)["known"] == ["calls.csv"]
    assert not [path for path in operator.files() if "staging" in str(path)]


def test_choices_that_cannot_be_made_are_refused(start: Callable[..., Any]) -> None:
    from datetime import time

    for wrong, said in (
        ({"minimum_people": 1}, "k is 1"),
        ({"epoch_length": "week"}, "month, quarter or year"),
        ({"retention_days": 0}, "at least 1"),
        ({"country_code": "+232"}, "digits"),
        ({"time_zone": "Freetown"}, "Freetown"),
        ({"area_set": "nowhere"}, "nowhere"),
        ({"day_starts": time(4, 30)}, "full hour"),
    ):
        with pytest.raises(Exception, match=said) as caught:
            start(f"p{len(said)}{next(iter(wrong))}".replace("_", ""), **wrong)
        assert hasattr(caught.value, "exit_code")
    with pytest.raises(InputError, match="cannot name a project"):
        Project("x") and start("Ünit")


def test_a_period_that_lies_before_the_retention_is_refused(start: Callable[..., Any]) -> None:
    operator = start(retention_days=30)
    with pytest.raises(Refused, match="before the project's retention of 30 days"):
        operator.import_(operator.events("calls.csv", []), first="2020-01-01", last="2020-02-01")
