"""The audit log: what is written stays, and what was changed anyway is found."""

import json
import os
import re
import shutil
import stat
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from commonweal.core import audit, audit_head
from commonweal.core.audit_cli import app
from commonweal.core.canonical import canonical
from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError, Damaged, InputError

COLUMNS = ("at", "who", "action", "what", "why", "details", "previous", "hash")


@pytest.fixture
def log(database: Database, tmp_path: Path) -> SimpleNamespace:
    """An empty log on either database, with its head in a key directory."""
    keys = tmp_path / "audit-keys"
    keys.mkdir()
    audit_head.start(keys)
    database.keys = keys
    return SimpleNamespace(database=database, settings=SimpleNamespace(keys=keys), keys=keys)


def write(log: SimpleNamespace, count: int, **fields: Any) -> list[audit.AuditEntry]:
    entries = []
    for number in range(count):
        with log.database.transaction() as session:
            given = {"who": "os:clerk", "action": "catalog.publish", "what": "mobility.presence 3"} | fields
            entries.append(audit.record(session, **given, details={"rows": number, "share": 0.1 * number}))
    return entries


def found(log: SimpleNamespace) -> list[str]:
    return [finding.what for finding in audit.verify(log.settings, log.database).findings]


def tamper(log: SimpleNamespace, *statements: str, **values: Any) -> None:
    """Change the table as someone with full rights on the database can: triggers dropped, then raw SQL."""
    with log.database.transaction() as session:
        if log.database.engine.dialect.name == "sqlite":
            for verb in ("update", "delete", "replace"):
                session.execute(text(f"DROP TRIGGER IF EXISTS audit_entry_no_{verb}"))
        else:
            session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        for statement in statements:
            session.execute(text(statement), values)


def rows(log: SimpleNamespace) -> list[dict[str, Any]]:
    with log.database.reading() as session:
        return [dict(row) for row in session.execute(text("SELECT * FROM audit_entry ORDER BY sequence")).mappings()]


def rewrite(log: SimpleNamespace, wanted: list[dict[str, Any]]) -> None:
    tamper(log, "DELETE FROM audit_entry")
    names = ", ".join(("sequence", *COLUMNS))
    places = ", ".join(f":{name}" for name in ("sequence", *COLUMNS))
    with log.database.transaction() as session:
        for row in wanted:
            session.execute(text(f"INSERT INTO audit_entry ({names}) VALUES ({places})"), row)


def test_entries_are_numbered_without_gaps_and_each_carries_the_hash_of_the_one_before(log: SimpleNamespace) -> None:
    entries = write(log, 5)
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].previous == "0" * 64
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    report = audit.verify(log.settings, log.database)
    assert (report.entries, report.findings) == (5, ())
    assert report.head == audit_head.Head(5, entries[-1].hash)


def test_the_hash_is_sha256_of_the_canonical_json_of_every_stored_field(log: SimpleNamespace) -> None:
    write(log, 1, why="Überprüfung «mars»")
    row = rows(log)[0]
    expected = row | {"details": json.loads(row["details"])}
    del expected["hash"]
    written = json.dumps(expected, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row["hash"] == sha256(written.encode()).hexdigest()


def test_an_entry_is_committed_with_the_change_it_tells_of_or_not_at_all(log: SimpleNamespace) -> None:
    write(log, 1)

    def import_and_fail() -> None:
        with log.database.transaction() as session:
            audit.record(session, who="os:clerk", action="areas.import", what="districts")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        import_and_fail()
    assert [entry.sequence for entry in write(log, 1)] == [2]
    assert audit_head.read(log.keys).sequence == 2
    assert found(log) == []


def test_an_entry_of_a_savepoint_rolled_back_leaves_no_trace(log: SimpleNamespace) -> None:
    with log.database.transaction() as session:
        audit.record(session, who="os:clerk", action="areas.import", what="districts")
        inner = session.begin_nested()
        audit.record(session, who="os:clerk", action="areas.import", what="provinces")
        inner.rollback()
    assert audit_head.read(log.keys).sequence == 1
    assert found(log) == []


def test_many_writers_at_once_make_one_chain(log: SimpleNamespace) -> None:
    writers = [threading.Thread(target=write, args=(log, 8)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    report = audit.verify(log.settings, log.database)
    assert (report.entries, report.found) == (32, 0)
    assert audit_head.read(log.keys).sequence == 32


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET who = 'os:other' WHERE sequence = 2",
        "DELETE FROM audit_entry WHERE sequence = 3",
        "DELETE FROM audit_entry",
    ],
)
def test_the_database_itself_refuses_to_change_the_log(log: SimpleNamespace, statement: str) -> None:
    write(log, 3)
    with pytest.raises((DBAPIError, CommonwealError)), log.database.transaction() as session:
        session.execute(text(statement))
    assert found(log) == []


def test_the_database_refuses_to_replace_or_truncate(log: SimpleNamespace) -> None:
    write(log, 3)
    if log.database.engine.dialect.name == "sqlite":
        statement = "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE sequence = 2"
    else:
        statement = "TRUNCATE audit_entry"
    with pytest.raises((DBAPIError, CommonwealError)), log.database.transaction() as session:
        session.execute(text(statement))
    assert len(rows(log)) == 3


def test_an_altered_entry_is_named(log: SimpleNamespace) -> None:
    write(log, 6)
    tamper(log, "UPDATE audit_entry SET who = 'os:other' WHERE sequence = 4")
    assert found(log) == ["entry 4 was altered"]


def test_details_spelled_anew_are_an_alteration_even_where_they_read_the_same(log: SimpleNamespace) -> None:
    # A reader that takes the first of two equal keys would see 9 rows.
    write(log, 2)
    respelled = '{"rows":9,"rows":1,"share":0.1}'
    tamper(log, "UPDATE audit_entry SET details = :details WHERE sequence = 2", details=respelled)
    assert found(log) == ["entry 2 was altered"]


def test_an_entry_altered_with_its_hash_breaks_the_link_to_the_next(log: SimpleNamespace) -> None:
    write(log, 6)
    row = rows(log)[3]
    forged = {name: row[name] for name in row if name != "hash"} | {"who": "os:other"}
    digest = sha256(canonical(forged | {"details": json.loads(row["details"])}).encode()).hexdigest()
    tamper(log, "UPDATE audit_entry SET who = 'os:other', hash = :hash WHERE sequence = 4", hash=digest)
    assert found(log) == ["entry 5 does not follow the one before it: one of the two was altered"]


def test_removed_entries_are_named(log: SimpleNamespace) -> None:
    write(log, 6)
    tamper(log, "DELETE FROM audit_entry WHERE sequence IN (2, 4, 5)")
    assert found(log) == ["entry 2 is missing", "entries 4 to 5 are missing"]


def test_swapped_entries_are_found(log: SimpleNamespace) -> None:
    write(log, 5)
    tamper(
        log,
        "UPDATE audit_entry SET sequence = 99 WHERE sequence = 2",
        "UPDATE audit_entry SET sequence = 2 WHERE sequence = 3",
        "UPDATE audit_entry SET sequence = 3 WHERE sequence = 99",
    )
    assert "entry 2 was altered" in found(log)
    assert "entry 3 was altered" in found(log)


@pytest.mark.parametrize("sequence", [0, -3])
def test_an_entry_before_the_first_is_found(log: SimpleNamespace, sequence: int) -> None:
    write(log, 2)
    tamper(
        log,
        "INSERT INTO audit_entry SELECT :sequence, at, who, action, what, why, details, previous, hash "
        "FROM audit_entry WHERE sequence = 1",
        sequence=sequence,
    )
    assert found(log) == [f"entry {sequence} was inserted: the log begins with entry 1"]


def test_a_cut_tail_is_found(log: SimpleNamespace) -> None:
    write(log, 5)
    tamper(log, "DELETE FROM audit_entry WHERE sequence > 3")
    assert found(log) == ["entries 4 to 5 are missing: the end of the log was cut off, or an older log restored"]


def test_a_restored_older_log_is_found_even_after_it_has_grown_past_the_head(log: SimpleNamespace) -> None:
    older = (write(log, 3), rows(log))[1]
    write(log, 3)
    rewrite(log, older)
    assert found(log) == ["entries 4 to 6 are missing: the end of the log was cut off, or an older log restored"]
    write(log, 5)
    assert audit_head.read(log.keys).sequence == 6, "the head must not vouch for another log"
    assert found(log) == ["entry 6 is not the one the key directory knows: the log up to it was rewritten or replaced"]


def test_a_log_rewritten_from_the_start_with_right_hashes_is_found(log: SimpleNamespace) -> None:
    write(log, 4)
    forged, previous = [], "0" * 64
    for row in rows(log):
        fields = row | {"who": "os:other", "previous": previous}
        del fields["hash"]
        previous = sha256(canonical(fields | {"details": json.loads(row["details"])}).encode()).hexdigest()
        forged.append(fields | {"hash": previous})
    rewrite(log, forged)
    assert found(log) == ["entry 4 is not the one the key directory knows: the log up to it was rewritten or replaced"]


def test_a_head_that_lags_after_a_crash_is_accepted_and_brought_up_to_date(log: SimpleNamespace) -> None:
    write(log, 2)
    log.database.keys = None  # as if the machine had stopped after the commit
    last = write(log, 3)[-1]
    log.database.keys = log.keys
    assert audit_head.read(log.keys).sequence == 2
    report = audit.verify(log.settings, log.database)
    assert report.found == 0
    assert audit_head.read(log.keys) == report.head == audit_head.Head(5, last.hash)


def test_the_next_entry_brings_a_lagging_head_up_to_date(log: SimpleNamespace) -> None:
    write(log, 2)
    log.database.keys = None
    write(log, 3)
    log.database.keys = log.keys
    last = write(log, 1)[-1]
    assert audit_head.read(log.keys) == audit_head.Head(6, last.hash)


def test_the_head_never_goes_back(log: SimpleNamespace) -> None:
    write(log, 4)
    head = audit_head.read(log.keys)
    assert audit_head.advance(log.keys, lambda _: audit_head.Head(2, "f" * 64)) == head
    assert audit_head.read(log.keys) == head


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"sequence": -1, "hash": ""}', '{"sequence": 2}', "\xff"])
def test_a_missing_or_unreadable_head_is_found_and_never_made_anew(log: SimpleNamespace, content: str | None) -> None:
    write(log, 2)
    head = log.keys / "audit.head"
    head.unlink() if content is None else head.write_text(content, "latin-1")
    write(log, 1)
    assert len(found(log)) == 1
    assert "head of the audit log" in found(log)[0]


def test_the_head_is_readable_by_its_owner_alone(log: SimpleNamespace) -> None:
    write(log, 2)
    assert stat.S_IMODE((log.keys / "audit.head").stat().st_mode) == 0o600


def test_an_entry_that_cannot_be_decoded_is_named(log: SimpleNamespace) -> None:
    write(log, 5)
    if log.database.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL stores valid text only")
    tamper(log, "UPDATE audit_entry SET what = CAST(x'ff' AS TEXT) WHERE sequence = 3")
    assert audit.verify(log.settings, log.database).findings[0].what.endswith("cannot be read")
    tamper(log, "UPDATE audit_entry SET what = x'00' WHERE sequence = 3")
    assert "entry 3 was altered" in found(log)


def test_verifying_keeps_only_the_first_hundred_findings(log: SimpleNamespace) -> None:
    with log.database.transaction() as session:
        for _ in range(120):
            audit.record(session, who="os:clerk", action="areas.import", what="districts")
    tamper(log, "UPDATE audit_entry SET what = 'provinces'")
    report = audit.verify(log.settings, log.database)
    assert (len(report.findings), report.found) == (100, 120)


changes = st.one_of(
    st.tuples(st.just("delete"), st.integers(1, 9), st.none(), st.none()),
    st.tuples(
        st.just("update"),
        st.integers(1, 9),
        st.sampled_from(COLUMNS),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.sampled_from(["1", "{}", " "]),
    ),
    st.tuples(st.just("renumber"), st.integers(1, 9), st.none(), st.integers(-5, 30)),
    st.tuples(st.just("copy"), st.integers(1, 9), st.none(), st.integers(-5, 30)),
    st.tuples(st.just("swap"), st.integers(1, 9), st.sampled_from(COLUMNS), st.integers(1, 9)),
)


def apply(change: tuple[str, int, str | None, Any], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    verb, sequence, column, value = change
    kept = {row["sequence"]: dict(row) for row in before}
    if verb == "delete":
        del kept[sequence]
    elif verb == "update":
        kept[sequence][column] = value
    elif verb == "swap":
        kept[sequence][column], kept[value][column] = kept[value][column], kept[sequence][column]
    elif value not in kept:
        kept[value] = kept[sequence] | {"sequence": value}
        if verb == "renumber":
            del kept[sequence]
    return sorted(kept.values(), key=lambda row: row["sequence"])


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tampering=st.lists(changes, min_size=1, max_size=4))
def test_any_tampering_is_found(log: SimpleNamespace, tampering: list[tuple[str, int, str | None, Any]]) -> None:
    if not rows(log):
        write(log, 9)
        log.written = rows(log)
    written = getattr(log, "written", None) or rows(log)
    changed = written
    for change in tampering:
        if all(row["sequence"] != change[1] for row in changed):
            continue
        if change[0] == "swap" and all(row["sequence"] != change[3] for row in changed):
            continue
        changed = apply(change, changed)
    rewrite(log, changed)
    try:
        assert bool(found(log)) == (changed != written)
    finally:
        rewrite(log, written)


@pytest.mark.parametrize(
    "details",
    [
        {"at": object()},
        {"share": float("nan")},
        {"share": float("inf")},
        {1: "one"},
        {"codes": {"a", "b"}},
        {"place": Path("x")},
        {"text": "\ud800"},
        {"text": "\0"},
    ],
)
def test_details_that_are_not_plain_json_are_refused(log: SimpleNamespace, details: Any) -> None:
    with pytest.raises(InputError, match="details"), log.database.transaction() as session:
        audit.record(session, who="os:clerk", action="a.b", what="c", details=details)
    assert rows(log) == []


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "nul\0"])
def test_names_that_are_not_one_line_are_refused(log: SimpleNamespace, name: str) -> None:
    with pytest.raises(InputError), log.database.transaction() as session:
        audit.record(session, who="os:clerk", action="a.b", what=name)


def test_who_is_the_login_name_of_the_effective_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert audit.who() == "os:root"


def test_who_works_without_a_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_987_654)
    assert audit.who() == "os:uid-3987654"


@pytest.fixture
def run(home: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("COMMONWEAL_DATA", str(home.settings.data))
    with home.database.transaction() as session:
        for number in range(3):
            audit.record(session, who="os:clerk", action="areas.import", what=f"set {number}", why="new borders")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_the_command_says_in_one_line_that_all_is_well(run: Callable[..., Any]) -> None:
    result = run("verify")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert re.match(r"the audit log is whole: \d+ entries, head \d+ [0-9a-f]{64}$", result.stdout)


def test_the_command_fails_and_names_the_entry(home: Any, run: Callable[..., Any]) -> None:
    tamper(SimpleNamespace(database=home.database), "UPDATE audit_entry SET why = 'no reason' WHERE sequence = 2")
    result = run("verify")
    assert isinstance(result.exception, Damaged)
    assert result.exception.exit_code != 0
    assert result.stdout.splitlines() == ["entry 2 was altered"]


def test_the_command_lists_the_newest_entries_as_the_hash_covers_them(run: Callable[..., Any]) -> None:
    listed = json.loads(run("list", "--last", "2", "--json").stdout)
    assert [entry["what"] for entry in listed] == ["set 1", "set 2"]
    digest = listed[1].pop("hash")
    assert sha256(canonical(listed[1]).encode()).hexdigest() == digest
    assert "new borders" in run("list").stdout


def test_a_copied_data_directory_put_back_is_found(home: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    home.database.close()
    shutil.copytree(home.settings.data, tmp_path / "copy")
    with home.database.transaction() as session:
        audit.record(session, who="os:clerk", action="areas.import", what="one more")
    home.database.close()
    shutil.rmtree(home.settings.data)
    shutil.copytree(tmp_path / "copy", home.settings.data)
    assert isinstance(run("verify").exception, Damaged)
