"""Verifying a store: whatever is missing, altered or superfluous is named, and what is whole is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from commonweal.core.errors import Conflict, Damaged, Unavailable
from commonweal.mobility import custody, keys, laying, merging, service
from commonweal.mobility.manifest import Segment
from commonweal.mobility.store import EpochStore, held, project_folder
from commonweal.mobility.verifying import Verified, verify

WHO = "os:tester"


def verified(operator: Any) -> Verified:
    """What verifying the project's store comes to."""
    return verify(operator.settings, operator.database, operator.project)


@pytest.fixture
def stored(operator: Any) -> Any:
    """An operator with events of two years, rejects, and somebody who objected."""
    lines = [
        f"2327655{who:04},{year}-01-{day:02}T1{who % 10}:00:00,{cell},call,2327655{who + 1:04},5"
        for year in (2025, 2026)
        for day in (5, 6)
        for who in range(20)
        for cell in ("b2", "a1")
    ]
    operator.import_(operator.events("calls.csv", [*lines, lines[0], "2327655001,never,a1,,,"]))
    custody.forget(operator.settings, operator.database, operator.project, ["23276550003"], WHO)
    return operator


def test_a_store_that_is_whole_is_read_to_the_last_row_and_not_changed(stored: Any) -> None:
    before = {path: path.read_bytes() for path in stored.files()}
    found = verified(stored)
    segments = [segment for number in (0, 1) for segment in stored.store(number).manifest.segments]
    assert {segment.store for segment in segments} == {"events", "rejects", "objections"}
    assert found == Verified(("2025", "2026"), len(segments), sum(s.rows for s in segments), (), ())
    assert {path: path.read_bytes() for path in stored.files()} == before


def test_it_is_whole_whatever_was_done_to_it(stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stored.run(first="2026-01-05", last="2026-01-06")
    service.compact_store(stored.settings, stored.database, stored.project)
    merging.split_buckets(stored.store(), 5)
    stored.import_(stored.events("late.csv", ["23276550001,2026-01-05T20:00:00,c1,call,,5"]))
    monkeypatch.setattr(laying, "merge", lambda *_: pytest.fail("killed"))
    with pytest.raises(pytest.fail.Exception):
        stored.import_(stored.events("staged.csv", ["23276550001,2026-01-05T21:00:00,c1,call,,5"]))
    found = verified(stored)
    assert (found.findings, found.superfluous) == ((), ())


def any_segment(operator: Any, store: str = "events") -> tuple[EpochStore, Segment]:
    """A segment of the newest epoch."""
    opened = operator.store()
    return opened, next(segment for segment in opened.manifest.segments if segment.store == store)


@pytest.mark.parametrize("kind", ["events", "rejects", "objections"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "a segment is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-50]), "a segment cannot be read"),
        (lambda path: path.write_bytes(b""), "a segment cannot be read"),
    ],
    ids=["missing", "cut", "empty"],
)
def test_a_damaged_file_is_named_and_all_others_are_read(
    kind: str, damage: Callable[[Path], Any], said: str, stored: Any
) -> None:
    before = verified(stored)
    store, segment = any_segment(stored, kind)
    damage(store.folder / segment.file)
    found = verified(stored)
    [finding] = found.findings
    assert segment.file in finding
    assert said in finding
    assert (found.segments, found.rows) == (before.segments - 1, before.rows - segment.rows)


WRONG: dict[str, tuple[Callable[[Segment, pa.Table], tuple[dict[str, Any], pa.Table]], str]] = {
    "fewer rows": (lambda s, t: ({}, t.slice(1)), "rows, the manifest says"),
    "another content": (lambda s, t: ({"digest": "0" * 64}, t), "not that of its digest"),
    "another bucket": (lambda s, t: ({"bucket": 3 - s.bucket}, t), "of another bucket"),
    "a later span": (lambda s, t: ({"start": s.start + 86400, "end": s.end + 86400}, t), "outside its span"),
    "another order": (lambda s, t: ({}, t.take(list(reversed(range(len(t)))))), "not in order"),
    "a tie in the order of codes": (lambda s, t: ({}, swapped(t)), "not in order"),
    "an event twice": (lambda s, t: ({"rows": len(t) + 1}, pa.concat_tables([t.slice(0, 1), t])), "each there once"),
    "cells of another register": (
        lambda s, t: ({}, t.set_column(2, t.schema.field(2), pa.array([999] * len(t), pa.int32()))),
        "cells that the register does not have",
    ),
    "other columns": (lambda s, t: ({}, t.drop_columns("flags")), "columns are not those"),
}


def swapped(table: pa.Table) -> pa.Table:
    """The first two events, of one moment, exchanged."""
    first, second = table.slice(0, 2).to_pylist()
    assert (first["subscriber"], first["time"]) == (second["subscriber"], second["time"])
    assert first["cell"] != second["cell"]
    return table.take([1, 0, *range(2, len(table))])


@pytest.mark.parametrize("what", WRONG)
def test_a_segment_that_was_written_wrong_is_named_with_what_is_wrong(what: str, stored: Any) -> None:
    store, segment = any_segment(stored)
    change, said = WRONG[what]
    told, table = change(segment, store.read(segment.file))
    written = store.write_segment("events", segment.bucket, segment.start, segment.end, table)
    written = replace(written, **({"rows": segment.rows} | told))
    others = [other for other in store.manifest.segments if other != segment]
    store.commit(replace(store.manifest, segments=tuple(sorted([*others, written]))))
    [finding] = verified(stored).findings
    assert written.file in finding
    assert said in finding


def test_rejects_outside_their_span_are_named(stored: Any) -> None:
    store = stored.store()
    segments = [replace(s, end=s.start + 1) if s.store == "rejects" else s for s in store.manifest.segments]
    store.commit(replace(store.manifest, segments=tuple(segments)))
    [finding] = verified(stored).findings
    assert "outside its span" in finding


def test_a_segment_dropped_from_the_manifest_is_found_and_the_other_epoch_read(stored: Any) -> None:
    [path] = stored.store().folder.glob("manifest-*.json")
    said = json.loads(path.read_text())
    said["segments"].pop()
    path.write_text(json.dumps(said))
    found = verified(stored)
    [finding] = found.findings
    assert f"{path}: the manifest was altered" in finding
    assert found.epochs == ("2025",)
    assert found.superfluous == ()


def test_a_store_that_is_gone_is_found(stored: Any) -> None:
    shutil.rmtree(stored.store().folder)
    [finding] = verified(stored).findings
    assert "none is there" in finding


def test_what_belongs_to_nothing_is_superfluous_and_no_damage(stored: Any) -> None:
    store, segment = any_segment(stored)
    store.write_segment("events", segment.bucket, segment.start, segment.end, store.read(segment.file).slice(1))
    folder = project_folder(stored.settings.store, stored.project.name)
    for path in ("calls.csv", "2026/copy.parquet", "2019/events/000/a.parquet"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    found = verified(stored)
    assert found.findings == ()
    assert len(found.superfluous) == 4
    assert {str(folder / "calls.csv"), str(folder / "2026/copy.parquet")} < set(found.superfluous)
    found.refuse_damage(stored.project)


def test_an_epoch_whose_key_is_destroyed_is_not_read_and_one_without_its_key_is_an_error(stored: Any) -> None:
    custody.destroy_key(stored.settings, stored.database, stored.project, "2025", WHO, None)
    found = verified(stored)
    assert (found.epochs, found.findings, found.superfluous) == (("2026",), (), ())
    keys.key_path(stored.settings.keys, stored.project.name, "2026").unlink()
    with pytest.raises(Unavailable, match="no key for epoch 2026"):
        verified(stored)


def test_a_project_without_events_is_whole_and_nothing_is_begun(operator: Any) -> None:
    operator.book().at(1767225600)
    assert verified(operator) == Verified((), 0, 0, (), ())
    assert not (project_folder(operator.settings.store, operator.project.name) / "2026").exists()


def test_while_something_is_at_work_it_waits_for_its_turn(stored: Any) -> None:
    with held(project_folder(stored.settings.store, stored.project.name)), pytest.raises(Conflict, match="at work"):
        verified(stored)


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["plain", "json"])
def test_the_command_lists_findings_and_ends_as_damaged(
    form: list[str], stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from commonweal.mobility.cli import app

    def invoke() -> Any:
        return CliRunner().invoke(app, ["verify", "-p", "operator", *form])

    monkeypatch.setenv("COMMONWEAL_DATA", str(stored.settings.data))
    whole = invoke()
    assert whole.exit_code == 0
    store, segment = any_segment(stored)
    (store.folder / segment.file).unlink()
    damaged = invoke()
    assert isinstance(damaged.exception, Damaged)
    assert "1 segments or manifests are damaged" in str(damaged.exception)
    if form:
        assert json.loads(whole.output)["findings"] == []
        assert [segment.file in finding for finding in json.loads(damaged.output)["findings"]] == [True]
    else:
        assert "rows are what their manifests say; epochs: 2025, 2026\n" in whole.output
        [line] = [line for line in damaged.output.splitlines() if line.startswith("damaged: ")]
        assert segment.file in line
