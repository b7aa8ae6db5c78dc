"""A backup is everything as of one moment, the keys apart; what is restored of it is what was backed up."""

import json
import os
import random
import shutil
import signal
import stat
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
import zstandard
from sqlalchemy import Table, inspect, select, text
from sqlalchemy.engine import make_url

from commonweal.core import audit, audit_head, catalog
from commonweal.core.areas.importing import import_file
from commonweal.core.backup import restoring, service
from commonweal.core.backup.archive import Manifest, Writer
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy
from commonweal.core.console import Home
from commonweal.core.database import Base, Database, load_models, migrate
from commonweal.core.errors import Conflict, Damaged, InputError, NotFound, Refused, Unavailable
from commonweal.core.identity import Grant, Role, people, sessions, signing_in, tokens
from commonweal.core.settings import CONFIG, PLACES, Settings, load
from commonweal.domains import ROOMS, initialise
from commonweal.mobility.projects import Project, create_project

WHO = "os:ada"
PASSWORD = "correct horse battery"
SITES = Dataset(
    name="demo.sites",
    title="Sites",
    description="Where the cells stand.",
    dimensions=(Dimension("site", "string", "Its name."),),
    measures=(Measure("height", "number", "Of its mast.", "m", Kind.RATIO),),
    privacy=Privacy.OPEN,
)
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
SETTINGS = 'publisher = "Stadt \\"Zürich\\""\nopen_reading = true\nthreads = 1\ntls_key = "/etc/ssl/private/site.pem"\n'


def publish(home: Home, *heights: float) -> None:
    table = pa.table({"site": [f"S{n}" for n in range(len(heights))], "height": list(heights)})
    catalog.publish(
        home.settings,
        home.database,
        SITES,
        catalog.with_states(SITES, table),
        inputs=[Input("cells.csv", "ab" * 32, "file")],
        parameters={},
        who=WHO,
    )


def noise() -> Iterator[float]:
    """Heights that take more than half a megabyte, however they are compressed."""
    drawn = random.Random(1)
    return (drawn.random() for _ in range(100_000))


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Give the address of a new database: empty for SQLite, which lies in the data directory."""
    made: list[str] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            return ""
        made.append(f"test_{uuid4().hex}")
        administer(f"CREATE DATABASE {made[-1]}")
        server = make_url(request.getfixturevalue("postgres"))
        return server.set(database=made[-1]).render_as_string(hide_password=False)

    def administer(command: str) -> None:
        server = Database(request.getfixturevalue("postgres"))
        with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(command))
        server.close()

    yield make
    for name in made:
        administer(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass
class Lived:
    """An installation in which something was done, and where its backups go."""

    home: Home
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "backups" / "data"

    @property
    def keys_file(self) -> Path:
        return self.folder / "safe" / "keys"

    def create(self) -> Manifest:
        return service.create(self.home.settings, self.home.database, ROOMS, self.file, self.keys_file, WHO)

    def restore(self, name: str = "restored", keys: Path | None = None, keys_file: Path | None = None) -> Home:
        keys = keys or self.folder / f"{name} keys"
        given = None if keys_file == Path() else keys_file or self.keys_file
        settings, _ = restoring.restore(self.file, given, self.folder / name, keys, ROOMS, WHO)
        return Home(settings, Database(settings.database_url, keys=settings.keys))


def live(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Lived:
    if address:
        monkeypatch.setenv("COMMONWEAL_DATABASE_URL", address)
    load_models(ROOMS)
    home = initialise(folder / "data", folder / "keys")
    with (home.settings.data / CONFIG).open("a") as file:
        file.write(SETTINGS)
    for name in ("backups", "safe"):
        (folder / name).mkdir()
    areas = folder / "areas.geojson"
    features = [{"type": "Feature", "properties": {"code": c, "name": f"Área {c}"}, "geometry": SQUARE} for c in "ab"]
    areas.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    import_file(home.database, areas, name="squares", code_field="code", name_field="name", who=WHO)
    _, offered = people.create(home.database, "ada", "Ada\nLovelace 🜨", [Grant(Role.ADMINISTRATOR)], WHO)
    signing_in.with_link(home.database, offered, PASSWORD, 12)
    for name in ("ab", "a-c"):  # which a language would put into another order
        create_project(home.database, Project(name, area_set="squares"), WHO)
    publish(home, 30, 45.5)
    publish(home, 30, 1 / 3)
    return Lived(home, folder)


@pytest.fixture
def lived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lived]:
    made = live(tmp_path, "", monkeypatch)
    yield made
    made.home.database.close()


def files(*folders: Path) -> dict[str, bytes]:
    return {
        f"{folder.name}/{path.relative_to(folder)}": path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".lock", "audit.lock")
    }


def rows(database: Database) -> dict[str, list[Any]]:
    """Every row that a backup must hold, by the models."""

    def of(table: Table) -> list[Any]:
        with database.reading() as session:
            found = session.execute(select(*table.columns)).all()
        return sorted((row._asdict() for row in found), key=repr)

    ends = {"person_session", "person_link", "sign_in_failure", "sign_in_request"}
    return {table.name: of(table) for table in Base.metadata.sorted_tables if table.name not in ends}


def whole(path: Path) -> bytes:
    with zstandard.open(path, "rb") as file:
        return file.read()


def refusals(home: Home) -> None:
    """All that can be verified is whole."""
    audit.verify(home.settings, home.database).refuse_damage()
    report = catalog.verify(home.settings, home.database)
    assert (report.findings, report.swept, report.unrecorded) == ((), (), ())
    home.database.check(ROOMS)


# A round trip ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("before", ["sqlite", "postgresql"])
@pytest.mark.parametrize("after", ["sqlite", "postgresql"])
def test_what_is_restored_is_what_was_backed_up(
    before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[str], str]
) -> None:
    lived = live(tmp_path, new_database(before), monkeypatch)
    then, lake, keys = rows(lived.home.database), files(lived.home.settings.lake), files(lived.home.settings.keys)
    manifest = lived.create()
    lived.home.database.close()
    shutil.rmtree(lived.home.settings.data)

    monkeypatch.setenv("COMMONWEAL_DATABASE_URL", new_database(after))
    home = lived.restore()
    now = rows(home.database)
    *log, last = sorted(now.pop("audit_entry"), key=lambda entry: entry["sequence"])
    assert log == sorted(then.pop("audit_entry"), key=lambda entry: entry["sequence"])
    assert (last["action"], last["details"]) == ("backup.restore", {"digest": manifest.digest})
    assert now == then
    assert all(then[table] for table in ("area", "catalog_releases", "person", "person_grant"))
    assert files(home.settings.lake) == lake
    restored_keys = files(home.settings.keys)
    assert {name.partition("/")[2]: content for name, content in restored_keys.items() if "head" not in name} == {
        name.partition("/")[2]: content for name, content in keys.items() if "head" not in name
    }
    refusals(home)
    assert load(home.settings.data) == home.settings.model_copy(
        update={"publisher": 'Stadt "Zürich"', "open_reading": True, "threads": 1}
    )
    assert people.create(home.database, "bob", "Bob", [], WHO)[0].number == 2  # numbers go on
    publish(home, 1.0)
    refusals(home)
    home.database.close()


def test_the_records_are_the_same_bytes_from_either_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[str], str]
) -> None:
    lived = live(tmp_path, "", monkeypatch)
    first = lived.create()
    monkeypatch.setenv("COMMONWEAL_DATABASE_URL", new_database("postgresql"))
    moved = Lived(lived.restore(), tmp_path / "moved")
    for folder in (moved.file.parent, moved.keys_file.parent):
        folder.mkdir(parents=True)
    second = moved.create()
    assert first.tables.keys() == second.tables.keys()
    assert [name for name, table in first.tables.items() if second.tables[name] != table] == ["audit_entry"]
    moved.home.database.close()
    lived.home.database.close()


def test_making_a_backup_leaves_an_entry_that_tells_it(lived: Lived) -> None:
    manifest = lived.create()
    (entry,) = audit.newest(lived.home.database, 1)
    assert (entry.who, entry.action, entry.what) == (WHO, "backup.create", "data")
    assert entry.details == {
        "digest": manifest.digest,
        "files": len(manifest.entries),
        "bytes": manifest.size,
        "rows": manifest.rows,
        "keys": 2,
    }
    assert service.verify(lived.file, lived.keys_file) == manifest


def test_settings_come_along_except_those_that_name_a_place(lived: Lived) -> None:
    lived.create()
    said = tomllib.loads((lived.restore().settings.data / CONFIG).read_text())
    assert said == {
        "keys": str(lived.folder / "restored keys"),
        "publisher": 'Stadt "Zürich"',
        "open_reading": True,
        "threads": 1,
    }
    for name, field in Settings.model_fields.items():
        assert (name in PLACES) == ("Path" in str(field.annotation) or name == "database_url"), name


# Keys and secrets ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_key_is_in_the_backup_of_the_data(lived: Lived) -> None:
    epoch = lived.home.settings.keys / "mobility" / "p" / "2026.key"
    epoch.parent.mkdir(parents=True)
    epoch.write_text("5a" * 32 + "\n")
    (lived.home.settings.keys / "identity-provider.secret").write_text("chosen by somebody, who knows how well")
    lived.create()
    data, keys = whole(lived.file), whole(lived.keys_file)
    signing = lived.home.settings.keys / "disclosure-signing.key"
    chosen = b"chosen by somebody, who knows how well"
    assert chosen in keys
    for said in (chosen, sha256(chosen).hexdigest().encode(), b"identity-provider"):
        assert said not in data
    for secret in (*signing.read_bytes().splitlines()[1:-1], b"5a" * 32, b"\x5a" * 32):
        assert (secret in keys) == (secret != b"\x5a" * 32)
        assert secret not in data


def test_both_backups_are_readable_by_their_owner_alone(lived: Lived) -> None:
    former = os.umask(0)
    try:
        lived.create()
    finally:
        os.umask(former)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (lived.file, lived.keys_file)} == {0o600}


def test_only_the_owner_can_read_what_is_restored(lived: Lived) -> None:
    lived.create()
    home = lived.restore()
    for folder in (home.settings.data, home.settings.keys, home.settings.lake, home.settings.store):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    private = [path for path in home.settings.keys.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_nobody_whom_the_backup_found_signed_in_is_let_in_by_a_restored_installation(lived: Lived) -> None:
    before = lived.home.database
    held = signing_in.with_password(before, "ada", PASSWORD, "here", 12)
    offered = people.offer_link(before, "ada", WHO)
    token = tokens.issue(before, 1, "night job", ["read"], 30, WHO)
    with suppress(Refused):
        signing_in.with_password(before, "ada", "wrong password", "there", 12)
    assert sessions.identify(before, held)
    lived.create()
    home = lived.restore()
    assert sessions.identify(home.database, held) is None
    with pytest.raises(NotFound, match="does not work"):
        signing_in.invited_by(home.database, offered)
    assert tokens.identify(home.database, token)
    assert signing_in.with_password(home.database, "ada", PASSWORD, "here", 12)
    for ended in (b"person_session/", b"person_link/", b"sign_in_failure/", b"sign_in_request/"):
        assert ended not in whole(lived.file)


# Where backups may lie ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["data", "lake", "store", "keys"])
def test_a_backup_never_lies_within_what_it_is_a_backup_of(lived: Lived, name: str) -> None:
    inside = getattr(lived.home.settings, name) / "backup"
    for file, keys_file in ((inside, lived.keys_file), (lived.file, inside)):
        with pytest.raises(InputError, match="which it is a backup of"):
            service.create(lived.home.settings, lived.home.database, ROOMS, file, keys_file, WHO)


def test_data_and_keys_never_lie_in_one_folder(lived: Lived) -> None:
    with pytest.raises(Refused, match="one folder"):
        service.create(lived.home.settings, lived.home.database, ROOMS, lived.file, lived.file.with_name("k"), WHO)


def test_a_backup_that_is_there_is_never_overwritten(lived: Lived) -> None:
    for path in (lived.file, lived.keys_file):
        path.write_text("the only backup")
        with pytest.raises(Conflict, match="there already"):
            lived.create()
        assert files(lived.file.parent, lived.keys_file.parent) == {
            f"{path.parent.name}/{path.name}": b"the only backup"
        }
        path.unlink()


def test_a_full_disk_leaves_no_half_a_backup(lived: Lived, small_disk: Path) -> None:
    publish(lived.home, *noise())
    with pytest.raises(Unavailable, match="the disk is full"):
        service.create(lived.home.settings, lived.home.database, ROOMS, small_disk / "data", lived.keys_file, WHO)
    assert files(small_disk, lived.keys_file.parent) == {}
    lived.create()


def test_a_release_whose_file_is_missing_is_said_to_be_missing(lived: Lived) -> None:
    gone = catalog.latest(lived.home.database, "demo.sites").file(lived.home.settings)
    gone.unlink()
    with pytest.raises(Damaged, match=rf"{gone.name}: this file is missing"):
        lived.create()
    assert files(lived.file.parent, lived.keys_file.parent) == {}


# Older than the keys ──────────────────────────────────────────────────────────────────────────────────────────────


def test_data_older_than_the_key_directory_that_was_kept_are_refused(lived: Lived) -> None:
    manifest = lived.create()
    publish(lived.home, 1.0)
    ends = audit.newest(lived.home.database, 1)[0].sequence
    kept = files(lived.home.settings.keys)
    missing = rf"entries {manifest.audit.sequence + 1} to {ends} are missing.*docs/backup\.md"
    for keys_file in (lived.keys_file, Path()):
        with pytest.raises(Refused, match=missing):
            lived.restore(keys=lived.home.settings.keys, keys_file=keys_file)
    assert files(lived.home.settings.keys) == kept
    assert not (lived.folder / "restored").exists()


def test_data_older_than_a_newer_backup_of_the_keys_are_refused(lived: Lived) -> None:
    manifest = lived.create()
    newer = lived.folder / "newer"
    newer.mkdir()
    service.create(lived.home.settings, lived.home.database, ROOMS, newer / "data", lived.folder / "newer keys", WHO)
    for attempt in (
        lambda: service.verify(lived.file, lived.folder / "newer keys"),
        lambda: lived.restore(keys_file=lived.folder / "newer keys"),
    ):
        with pytest.raises(Refused, match=rf"entry {manifest.audit.sequence + 1} is missing"):
            attempt()
    assert not (lived.folder / "restored").exists()
    assert not (lived.folder / "restored keys").exists()


def test_keys_that_were_kept_and_are_not_ahead_are_used_as_they_are(lived: Lived) -> None:
    kept = lived.folder / "kept"
    shutil.copytree(lived.home.settings.keys, kept)
    lived.create()
    before = files(kept)
    home = lived.restore(keys=kept, keys_file=Path())
    changed = {name for name, content in files(kept).items() if before.get(name) != content}
    assert changed == {"kept/audit.head"}  # it follows the entry that tells of restoring
    refusals(home)


def test_without_its_head_a_kept_key_directory_is_taken_to_be_as_old_as_the_data(lived: Lived) -> None:
    lived.create()
    kept = lived.folder / "kept"
    shutil.copytree(lived.home.settings.keys, kept)
    (kept / audit_head.FILE).unlink()
    refusals(lived.restore(keys=kept, keys_file=Path()))


def test_the_log_of_another_past_is_refused(lived: Lived) -> None:
    kept = lived.folder / "kept"
    shutil.copytree(lived.home.settings.keys, kept)
    head = audit_head.read(kept)
    manifest = lived.create()
    for sequence, said in ((head.sequence, "another audit log"), (head.sequence - 1, "not the one that the key")):
        (kept / audit_head.FILE).write_text(json.dumps({"sequence": sequence, "hash": "ab" * 32}))
        before = files(kept)
        with pytest.raises(Refused, match=said):
            lived.restore(keys=kept)
        assert files(kept) == before
        assert not list(lived.folder.glob("restored/*"))
    assert manifest.audit == head


def test_the_keys_of_another_installation_are_refused(lived: Lived) -> None:
    lived.create()
    other = initialise(lived.folder / "other", lived.folder / "other keys")
    (lived.folder / "others").mkdir()
    keys_file = lived.folder / "keys of other"
    service.create(other.settings, other.database, ROOMS, lived.folder / "others" / "data", keys_file, WHO)
    for attempt in (lambda: service.verify(lived.file, keys_file), lambda: lived.restore(keys_file=keys_file)):
        with pytest.raises(Damaged, match=r"the key disclosure-noise\.key is not that of the data"):
            attempt()
    with pytest.raises(Conflict, match="not the key directory of this backup"):
        lived.restore(keys=other.settings.keys)
    with pytest.raises(Damaged, match=r"the key disclosure-noise\.key is missing"):
        lived.restore(keys_file=Path())


def test_the_two_backups_are_not_taken_for_one_another(lived: Lived) -> None:
    lived.create()
    with pytest.raises(InputError, match="no backup of data"):
        service.verify(lived.keys_file, lived.file)
    with pytest.raises(InputError, match="no backup of keys"):
        service.verify(lived.file, lived.file)


# Where a backup is restored to ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("folder", ["restored", "restored keys"])
def test_a_folder_that_holds_something_is_left_alone(lived: Lived, folder: str) -> None:
    lived.create()
    (lived.folder / folder).mkdir()
    (lived.folder / folder / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="there already"):
        lived.restore()
    assert files(lived.folder / folder) == {f"{folder}/thesis.txt": b"years of work"}


def test_a_database_that_holds_something_is_left_alone(
    lived: Lived, new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lived.create()
    living = initialise(lived.folder / "living", lived.folder / "living keys")
    before = rows(living.database)
    monkeypatch.setenv("COMMONWEAL_DATABASE_URL", living.settings.database_url)
    with pytest.raises(Conflict, match="the database is not empty"):
        lived.restore()
    assert rows(living.database) == before
    assert files(lived.folder / "restored") == files(lived.folder / "restored keys") == {}


@pytest.mark.parametrize("name", ["LAKE", "STORE", "SPILL", "KEYS"])
def test_an_environment_that_names_other_places_is_refused(
    lived: Lived, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived.create()
    monkeypatch.setenv(f"COMMONWEAL_{name}", str(lived.folder / "elsewhere"))
    with pytest.raises(InputError, match=f"COMMONWEAL_{name} names another"):
        lived.restore()


def test_a_backup_of_a_newer_version_says_so(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "revisions", lambda connection: ("audit_0001", "mobility_0099"))
    lived.create()
    with pytest.raises(Unavailable, match="does not know the database's"):
        lived.restore()
    assert files(lived.folder / "restored") == files(lived.folder / "restored keys") == {}


def test_records_of_an_older_version_are_brought_to_the_newest(database: Database) -> None:
    with database.engine.connect() as connection:
        newest = inspect(connection).get_table_names()
    older = Database("sqlite://")
    with older.transaction() as session:
        migrate(session.connection(), ROOMS, ("audit_0001", "areas_0001"))
        assert set(inspect(session.connection()).get_table_names()) == {
            *("alembic_version", "audit_entry", "area", "area_set")
        }
        migrate(session.connection(), ROOMS)
        assert sorted(inspect(session.connection()).get_table_names()) == sorted(newest)
    older.close()


def test_a_full_disk_leaves_no_half_an_installation(lived: Lived, small_disk: Path) -> None:
    publish(lived.home, *noise())
    lived.create()
    with pytest.raises(Unavailable, match="the disk is full"):
        restoring.restore(lived.file, lived.keys_file, small_disk / "data", small_disk / "keys", ROOMS, WHO)
    assert files(small_disk) == {}
    refusals(lived.restore())


# Proven equal ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_disk_that_keeps_something_else_is_found(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    lived.create()
    write = restoring._write

    def spoil(path: Path, content: Iterator[bytes]) -> None:
        write(path, content)
        if path.name == "table.parquet":
            path.write_bytes(path.read_bytes()[:-1] + b"?")

    monkeypatch.setattr(restoring, "_write", spoil)
    with pytest.raises(Damaged, match=r"table\.parquet: what was written is not what the backup holds"):
        lived.restore()
    assert files(lived.folder / "restored") == files(lived.folder / "restored keys") == {}


def test_a_database_that_keeps_something_else_is_found(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    lived.create()
    prove = restoring._prove_records

    def spoil(loaded: Any, manifest: Manifest) -> None:
        loaded._connection.execute(text("UPDATE person SET full_name = 'Eve'"))
        prove(loaded, manifest)

    monkeypatch.setattr(restoring, "_prove_records", spoil)
    with pytest.raises(Damaged, match="the table person has 1 rows that are not the 1"):
        lived.restore()
    assert files(lived.folder / "restored") == {}


@pytest.mark.parametrize("said", [b"no settings", b"\xff", b"[a]\nb = 1\n", b"threads = -1\n", b"surprise = 1\n"])
def test_settings_that_cannot_be_read_are_refused_before_anything_is_ready(lived: Lived, said: bytes) -> None:
    manifest = lived.create()
    lived.file.unlink()
    with lived.file.open("wb") as file:
        writer = Writer(file)
        writer.add(CONFIG, said)
        writer.finish(manifest.model_copy(update={"tables": {}}))
    with pytest.raises((Damaged, InputError)):
        lived.restore()
    assert files(lived.folder / "restored") == files(lived.folder / "restored keys") == {}


@pytest.mark.parametrize("name", ["etc/passwd", "database/person", "database/alembic_version/1", "spill/x", "stray"])
def test_an_entry_without_a_place_in_an_installation_is_refused(lived: Lived, name: str) -> None:
    manifest = lived.create()
    lived.file.unlink()
    with lived.file.open("wb") as file:
        writer = Writer(file)
        writer.add(name, b"[]\n[]\n")
        writer.finish(manifest)
    with pytest.raises(Damaged):
        lived.restore()
    assert files(lived.folder / "restored") == files(lived.folder / "restored keys") == {}


# Killed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def killed(work: Callable[[], object], step: int) -> bool:
    """Do something in a process that is killed at its n-th step on the disk; say whether it came that far."""
    child = os.fork()
    if child == 0:
        taken = 0

        def dying(function: Callable[..., Any]) -> Callable[..., Any]:
            def stepping(*arguments: Any, **named: Any) -> Any:
                nonlocal taken
                taken += 1
                if taken == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments, **named)

            return stepping

        for name in ("fsync", "replace", "link", "unlink", "mkdir", "rename"):
            setattr(os, name, dying(getattr(os, name)))
        restoring.audit.record = dying(restoring.audit.record)
        with suppress(BaseException):
            work()
            os._exit(0)
        os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_anywhere_it_leaves_nothing_that_looks_ready_and_the_same_command_completes(
    kind: str, lived: Lived, new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(lived.home, 1.0)
    lived.create()
    lived.home.database.close()
    then = rows(lived.home.database)
    del then["audit_entry"]
    lived.home.database.close()
    finished = 0
    for step in range(1, 200, 5):
        monkeypatch.setenv("COMMONWEAL_DATABASE_URL", new_database(kind))
        folder = lived.folder / f"{step}"
        if not killed(lambda step=step: lived.restore(f"{step}"), step):
            break
        if (folder / CONFIG).exists():
            finished += 1
        else:
            with pytest.raises(NotFound, match="not a data directory"):
                load(folder)
        home = lived.restore(f"{step}")
        refusals(home)
        now = rows(home.database)
        assert [entry["action"] for entry in now.pop("audit_entry")].count("backup.restore") == 1
        assert now == then
        assert not list(folder.rglob(".unfinished*"))
        home.database.close()
    assert step > 40
    assert finished
