"""Publishing: typed, certified, versioned, idempotent, and never half done."""

import errno
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commonweal.core import audit, catalog
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, Release, lake
from commonweal.core.console import Home
from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError, Conflict, Damaged, InputError, NotFound, Refused, Unavailable
from commonweal.core.settings import Settings

SITES = Dataset(
    name="demo.sites",
    title="Sites",
    description="Where the cells stand.",
    dimensions=(Dimension("site", "string", "Its name."),),
    measures=(Measure("height", "number", "Of its mast.", "m", Kind.RATIO),),
    privacy=Privacy.OPEN,
)


def sites(*heights: float) -> pa.Table:
    names = [f"S{number}" for number in range(len(heights))]
    return catalog.with_states(SITES, pa.table({"site": names, "height": list(heights)}))


def publish(settings: Settings, database: Database, table: pa.Table, **other: object) -> Release:
    said: dict[str, object] = {"inputs": [Input("cells.csv", "ab" * 32, "file")], "parameters": {}, "who": "os:ada"}
    return catalog.publish(settings, database, SITES, table, **(said | other)).release  # type: ignore[arg-type]


def files(settings: Settings) -> set[str]:
    return {path.relative_to(settings.lake).as_posix() for path in settings.lake.rglob("*") if path.is_file()} - {
        lake.LOCK
    }


@pytest.fixture
def settings(home: Home) -> Settings:
    return home.settings


def test_a_release_is_a_file_a_record_and_a_row(settings: Settings, database: Database) -> None:
    release = publish(settings, database, sites(30, 45.5))
    assert (release.dataset, release.version, release.rows) == ("demo.sites", 1, 2)
    assert release.table(settings).to_pylist()[1] == {"site": "S1", "height": 45.5, "height_state": "reported"}
    assert release.digest == catalog.canonical_digest(SITES, sites(30, 45.5))
    assert files(settings) == {f"{release.path}/table.parquet", f"{release.path}/release.json"}
    assert catalog.latest(database, "demo.sites") == release
    assert json.loads((settings.lake / release.path / "release.json").read_text()) == release.record()
    assert pq.read_schema(release.file(settings)).field("height").metadata[b"unit"] == b"m"
    assert catalog.verify(settings, database).findings == ()


def test_the_audit_log_tells_who_published_what(settings: Settings, database: Database) -> None:
    release = publish(settings, database, sites(30))
    with database.reading() as session:
        entry = session.query(audit.AuditEntry).filter_by(action="catalog.publish").one()
    assert (entry.who, entry.what, entry.details["digest"]) == ("os:ada", "demo.sites 1", release.digest)


def test_the_provenance_tells_inputs_parameters_code_and_times(settings: Settings, database: Database) -> None:
    release = publish(settings, database, sites(30), parameters={"time_zone": "Africa/Freetown"})
    origin = catalog.get(database, "demo.sites", 1).provenance
    assert origin == release.provenance
    assert origin.inputs == (Input("cells.csv", "ab" * 32, "file"),)
    assert origin.parameters == {"time_zone": "Africa/Freetown"}
    assert origin.code.startswith("commonweal ")
    assert "sha256:" in origin.code
    assert origin.started <= origin.ended <= release.published_at


def test_publishing_the_same_again_returns_the_same_release(settings: Settings, database: Database) -> None:
    first = publish(settings, database, sites(30, 40))
    again = publish(settings, database, sites(30, 40).take([1, 0]), who="os:grace")
    assert again == first
    assert len(catalog.releases(database)) == 1


def test_publishing_tells_whether_a_release_is_new_or_was_found(settings: Settings, database: Database) -> None:
    def published(*heights: float) -> tuple[int, bool]:
        said = catalog.publish(settings, database, SITES, sites(*heights), inputs=[], parameters={}, who="os:ada")
        return said.release.version, said.new

    assert published(30) == (1, True)
    assert published(30) == (1, False)
    assert published(31) == (2, True)
    assert published(30) == (1, False)


def test_a_rerun_finds_its_release_whatever_was_published_since(settings: Settings, database: Database) -> None:
    turns = [{"project": name} for name in ("ada", "grace")]
    first = [publish(settings, database, sites(30), parameters=turn) for turn in turns]
    assert [publish(settings, database, sites(30), parameters=turn) for turn in turns] == first
    assert catalog.releases(database) == first
    assert catalog.latest(database, "demo.sites") == first[1]


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_rerun_whose_release_is_damaged_says_so(home: Home, harm: str) -> None:
    file = publish(home.settings, home.database, sites(30)).file(home.settings)
    damage(file) if harm == "changed" else file.unlink()
    with pytest.raises(Damaged) as found:
        publish(home.settings, home.database, sites(30))
    assert str(file) in str(found.value)
    assert len(catalog.releases(home.database)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"table": sites(31)},
        {"inputs": [Input("cells.csv", "cd" * 32, "file")]},
        {"parameters": {"k": 2}},
        {"code": "commonweal.demo 2"},
        {"area_set": "districts"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_anything_else_is_the_next_version(home: Home, other: dict[str, object]) -> None:
    publish(home.settings, home.database, sites(30))
    second = publish(home.settings, home.database, **({"table": sites(30)} | other))  # type: ignore[arg-type]
    assert second.version == 2
    third = publish(home.settings, home.database, sites(32))
    assert third.version == 3
    assert catalog.get(home.database, "demo.sites", 2) == second


def test_a_table_that_breaks_its_declaration_leaves_nothing_behind(settings: Settings, database: Database) -> None:
    with pytest.raises(InputError, match="row 2"):
        publish(settings, database, sites(30, float("inf")))
    assert files(settings) == set()
    assert catalog.releases(database) == []


def test_what_is_not_published_is_not_found_and_the_error_says_what_is(settings: Settings, database: Database) -> None:
    with pytest.raises(NotFound, match="something to be published first"):
        catalog.latest(database, "demo.sites")
    publish(settings, database, sites(1))
    publish(settings, database, sites(2))
    with pytest.raises(NotFound, match=r"no dataset demo\.site was published \(expected: demo\.sites\)"):
        catalog.latest(database, "demo.site")
    with pytest.raises(NotFound, match=r"no version 7 \(expected: a version from 1 to 2\)"):
        catalog.get(database, "demo.sites", 7)


def test_a_release_opens_as_an_ibis_table(home: Home) -> None:
    publish(home.settings, home.database, sites(30, 40))
    publish(home.settings, home.database, sites(50))
    opened = catalog.open(home.settings, home.database, "demo.sites", 1)
    assert opened.height.sum().execute() == 70
    assert catalog.open(home.settings, home.database, "demo.sites").count().execute() == 1


def test_what_was_about_people_cannot_be_declared_open_later(
    home: Home, release_people: Callable[..., Release]
) -> None:
    homes = Dataset(
        name="demo.homes",
        title="Homes",
        description="",
        dimensions=(Dimension("area", "area", ""),),
        measures=(Measure("nights", "integer", "", "{nights}", Kind.SUM),),
        privacy=Privacy.PEOPLE,
    )
    raw = pa.table({"area": ["A", "B"], "nights": [20, 3], "nights_largest": [1, 1], "people": [20, 3]})
    release_people(home, homes, raw)
    open_homes = Dataset(**(vars(homes) | {"privacy": Privacy.OPEN}))
    with pytest.raises(Refused, match="published as data about people before"):
        catalog.publish(
            home.settings,
            home.database,
            open_homes,
            catalog.with_states(homes, raw.select(["area", "nights"])),
            inputs=[Input("store", "cd" * 32, "store")],
            parameters={"k": 15},
            who="os:ada",
        )


# What a crash leaves


CRASHING = """
import json, os, signal, sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from sqlalchemy.orm import Session
from commonweal.core import catalog
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, lake
from commonweal.core.catalog import publishing, verifying  # once, before the processes part
from commonweal.core.database import connect
from commonweal.core.settings import load

SITES = Dataset(name="demo.sites", title="Sites", description="", privacy=Privacy.OPEN,
    dimensions=(Dimension("site", "string", ""),), measures=(Measure("height", "number", "", "m", Kind.RATIO),))

def publish(number):
    table = catalog.with_states(SITES, pa.table({"site": ["A", "B"], "height": [1.0, float(number)]}))
    settings = load()
    return catalog.publish(settings, connect(settings), SITES, table, inputs=[], parameters={}, who="os:ada",
        code="demo").release

def die_at(step):
    reached = 0
    def wrapped(function, after=False):
        def stepping(*arguments, **named):
            nonlocal reached
            reached += 1
            if reached == step and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*arguments, **named)
            if reached == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        return stepping
    os.fsync, os.replace, os.mkdir = wrapped(os.fsync), wrapped(os.replace), wrapped(os.mkdir)
    os.unlink = wrapped(os.unlink)
    pq.write_table = wrapped(wrapped(pq.write_table, after=True))
    Path.write_text = wrapped(wrapped(Path.write_text, after=True))
    Path.unlink = wrapped(Path.unlink)
    Session.flush = wrapped(wrapped(Session.flush, after=True))
    Session.commit = wrapped(wrapped(Session.commit, after=True))
    import sqlalchemy.engine.default as default
    default.DefaultDialect.do_commit = wrapped(wrapped(default.DefaultDialect.do_commit, after=True))

def in_child(function, *arguments):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            os.write(writing, json.dumps(function(*arguments)).encode())
            os._exit(0)
        except BaseException as error:
            print("failed:", repr(error), file=sys.stderr)
            os._exit(1)
    os.close(writing)
    said = b"".join(iter(lambda: os.read(reading, 65536), b""))
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return None
    assert os.WEXITSTATUS(status) == 0, status
    return json.loads(said)

def crashing(step):
    die_at(step)
    return publish(step).version

def state():
    settings = load()
    database = connect(settings)
    found = catalog.releases(database)
    for release in found:
        release.table(settings)
    report = catalog.verify(settings, database)
    left = [path.name for path in (settings.lake / lake.INCOMING).glob("*")]
    return {"versions": [release.version for release in found], "findings": report.findings,
            "unrecorded": report.unrecorded, "left": left, "swept": len(report.swept)}

def rerun(step):
    return publish(step).version

pa.table({"warm": [1.0]})  # Arrow imports pandas here: once, not in every child
published = in_child(rerun, 0)
for step in range(1, 500):
    finished = in_child(crashing, step)
    # Half of the crashes are looked at before anybody publishes again, half after.
    found = in_child(state) if step % 2 else None
    again = in_child(rerun, step)
    left = None if step % 2 else in_child(state)
    print(json.dumps({"before": published, "finished": finished, "found": found, "again": again, "left": left}))
    published = again
    if finished is not None:
        break
"""


@pytest.mark.slow
def test_killed_at_any_step_a_publisher_leaves_the_old_state_or_the_new(settings: Settings, database: Database) -> None:
    environment = os.environ | {"COMMONWEAL_DATA": str(settings.data), "COMMONWEAL_DATABASE_URL": database.url}
    ran = subprocess.run([sys.executable, "-c", CRASHING], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    crashes = [json.loads(line) for line in ran.stdout.splitlines()]
    states = set()
    for crash in crashes:
        old, new = list(range(1, crash["before"] + 1)), list(range(1, crash["before"] + 2))
        if found := crash["found"]:
            assert found["versions"] in (old, new)
            assert found["findings"] == found["unrecorded"] == found["left"] == []
            states.add(("new" if found["versions"] == new else "old", found["swept"] > 0))
        # Whether or not the crash had committed it, a rerun ends with one release of that content, and nothing else.
        assert crash["again"] == crash["before"] + 1
        if left := crash["left"]:
            assert left["versions"] == new
            assert left["findings"] == left["unrecorded"] == left["left"] == []
    assert sum(crash["finished"] is None for crash in crashes) > 20
    assert states >= {("old", False), ("old", True), ("new", False)}


def test_files_that_another_database_does_not_know_are_left_alone(home: Home, database: Database) -> None:
    known = publish(home.settings, home.database, sites(30))
    publish(home.settings, database, sites(31))
    report = catalog.verify(home.settings, home.database)
    assert known.file(home.settings).exists()
    assert report.findings == ()
    assert len(report.unrecorded) == 1


class Died(Exception):
    pass


def dies(*_: object) -> None:
    raise Died


def publish_and_die(home: Home, table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> Release:
    """Publish; the process ends after the commit, before the note that the release is on its way is removed."""
    with monkeypatch.context() as patched:
        patched.setattr(lake.Placed, "keep", dies)
        with pytest.raises(Died):
            publish(home.settings, home.database, table)
    return catalog.latest(home.database, "demo.sites")


def swept_with(home: Home, database: Database) -> None:
    publish(home.settings, database, sites(31))
    catalog.verify(home.settings, database)


def test_what_a_dead_publisher_committed_is_left_to_its_database(
    home: Home, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(home.settings, database, sites(29))
    release = publish_and_die(home, sites(30), monkeypatch)
    swept_with(home, database)
    assert release.table(home.settings).num_rows == 1
    assert catalog.verify(home.settings, home.database).findings == ()
    assert list((home.settings.lake / lake.INCOMING).iterdir()) == []


def test_what_a_dead_publisher_committed_is_left_alone_by_an_older_copy_of_its_database(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(home.settings, home.database, sites(29))
    with sqlite3.connect(home.settings.data / "commonweal.db") as now, sqlite3.connect(tmp_path / "older.db") as copy:
        now.backup(copy)
    release = publish_and_die(home, sites(30), monkeypatch)
    older = Database(f"sqlite:///{tmp_path / 'older.db'}")
    swept_with(home, older)
    older.close()
    assert release.table(home.settings).num_rows == 1
    assert catalog.verify(home.settings, home.database).findings == ()


def test_what_a_dead_publisher_placed_and_did_not_commit_is_swept_by_its_own_database_alone(
    home: Home, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("commonweal.core.catalog.publishing._record", dies)
        with pytest.raises(Died):
            publish(home.settings, home.database, sites(30))
    swept_with(home, database)
    assert len(catalog.verify(home.settings, database).unrecorded) == 1
    assert len(catalog.verify(home.settings, home.database).swept) == 1
    assert catalog.verify(home.settings, database).unrecorded == ()


def test_a_place_taken_by_files_without_a_row_is_left_to_them(home: Home, database: Database) -> None:
    one = publish(home.settings, home.database, sites(30))
    other = publish(home.settings, database, sites(30))
    assert other.version == one.version
    assert other.path != one.path
    assert other.table(home.settings) == one.table(home.settings)


# Two at once


RACING = """
import sys, time
import pyarrow as pa
from commonweal.core import catalog
from commonweal.core.catalog import Dataset, Dimension, Privacy
from commonweal.core.database import connect
from commonweal.core.settings import load

SITES = Dataset(name="demo.sites", title="", description="", privacy=Privacy.OPEN, measures=(),
    dimensions=(Dimension("site", "string", ""),))
settings = load()
database = connect(settings)
print("ready", flush=True)
sys.stdin.readline()
for number in range(8):
    table = pa.table({"site": [f"{sys.argv[1]} {number}"]})
    print(catalog.publish(settings, database, SITES, table, inputs=[], parameters={}, who="os:ada").release.version)
"""


@pytest.mark.parametrize("lakes", ["one lake", "a lake each"])
def test_two_processes_that_publish_at_once_both_succeed(
    settings: Settings, database: Database, tmp_path: Path, lakes: str
) -> None:
    racers = []
    for name in ("ada", "grace"):
        environment = os.environ | {"COMMONWEAL_DATA": str(settings.data), "COMMONWEAL_DATABASE_URL": database.url}
        if lakes == "a lake each":  # only the database's constraint stands between them
            environment["COMMONWEAL_LAKE"] = str(tmp_path / name)
        racers.append(
            subprocess.Popen(
                [sys.executable, "-c", RACING, name],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n", racer.stderr and racer.stderr.read()
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    versions: list[int] = []
    for racer in racers:
        said, complaint = racer.communicate(timeout=60)
        assert racer.returncode == 0, complaint
        versions += [int(line) for line in said.split()]
    assert sorted(versions) == list(range(1, 17))
    assert [release.version for release in catalog.releases(database)] == list(range(1, 17))
    if lakes == "one lake":
        report = catalog.verify(settings, database)
        assert (report.verified, report.findings, report.swept, report.unrecorded) == (16, (), (), ())


def test_a_publisher_that_never_ends_is_not_waited_for_forever(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake, "PATIENCE", 0.1)
    with lake.locked(home.settings.lake), pytest.raises(Conflict, match="another process has been publishing"):
        publish(home.settings, home.database, sites(30))


# When the disk will not


def test_a_full_disk_at_any_write_loses_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = publish(home.settings, home.database, sites(30))
    before = files(home.settings)
    fsync, refused = os.fsync, 0
    for step in range(1, 100):
        reached = 0

        def full(descriptor: int, step: int = step) -> None:
            nonlocal reached
            reached += 1
            if reached == step:
                raise OSError(errno.ENOSPC, "No space left on device")
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        try:
            # That the head of the audit log was not written stops nobody: then this is published.
            kept, before = publish(home.settings, home.database, sites(30 + step)), files(home.settings)
        except Unavailable as error:
            assert "the disk is full" in str(error)  # noqa: PT017
            refused += 1
        monkeypatch.setattr(os, "fsync", fsync)
        assert catalog.latest(home.database, "demo.sites") == kept
        assert files(home.settings) == before
        if reached < step:
            break
    assert refused > 5
    assert catalog.verify(home.settings, home.database).findings == ()


def test_a_really_full_disk_is_said_to_be_full_and_loses_nothing(home: Home, small_disk: Path) -> None:
    settings = home.settings.model_copy(update={"lake": small_disk / "lake"})
    kept = publish(settings, home.database, sites(30))
    large = sites(*(number * 0.37 + 1 / (number + 3) for number in range(200_000)))
    with pytest.raises(Unavailable, match="the disk is full"):
        publish(settings, home.database, large)
    assert catalog.releases(home.database) == [kept]
    assert kept.table(settings).num_rows == 1
    assert publish(settings, home.database, sites(31)).version == 2


def test_a_read_only_disk_is_said_to_be_read_only(home: Home, small_disk: Path) -> None:
    settings = home.settings.model_copy(update={"lake": small_disk / "lake"})
    kept = publish(settings, home.database, sites(30))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(Unavailable, match="read-only"):
        publish(settings, home.database, sites(31))
    assert kept.table(settings).num_rows == 1
    assert catalog.verify(settings, home.database).verified == 1


# When the disk lies


def damage(path: Path, at: int = 40) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def test_a_changed_file_is_found_when_it_is_opened_and_both_digests_are_named(home: Home) -> None:
    release = publish(home.settings, home.database, sites(30, 40))
    release.table(home.settings)
    damage(release.file(home.settings))
    for reading in (
        lambda: release.table(home.settings),
        lambda: catalog.open(home.settings, home.database, "demo.sites"),
    ):
        with pytest.raises(Damaged) as found:
            reading()
        assert str(release.file(home.settings)) in str(found.value)
        assert f"expected: SHA-256 {release.file_digest}" in str(found.value)


@pytest.mark.parametrize("harm", ["changed", "gone", "record changed", "record gone", "row changed"])
def test_verify_names_each_release_that_is_not_what_it_was(home: Home, harm: str) -> None:
    fine = publish(home.settings, home.database, sites(30))
    harmed = publish(home.settings, home.database, sites(31))
    folder = home.settings.lake / harmed.path
    match harm:
        case "changed":
            damage(folder / "table.parquet")
        case "gone":
            (folder / "table.parquet").unlink()
        case "record changed":
            record = harmed.record() | {"rows": 7}
            (folder / "release.json").write_text(json.dumps(record))
        case "record gone":
            (folder / "release.json").unlink()
        case "row changed":
            with home.database.transaction() as session:
                row = session.query(catalog.models.ReleaseRecord).filter_by(version=2).one()
                row.record = harmed.record() | {"digest": "00" * 32}
    report = catalog.verify(home.settings, home.database)
    assert (report.verified, len(report.findings)) == (1, 1)
    assert harmed.path in report.findings[0]
    assert fine.table(home.settings).num_rows == 1


def test_an_error_of_the_catalog_is_one_that_a_user_understands(home: Home) -> None:
    release = publish(home.settings, home.database, sites(30))
    release.file(home.settings).unlink()
    with pytest.raises(CommonwealError, match=r"the file of a release is gone \(expected: a backup of the lake\)"):
        release.table(home.settings)
