"""Damage and mistakes of every kind: one line that names the place, the right exit code, and nothing lost."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUNNING = ("mobility", "run", "--project", "sample")
INPUT, NOT_FOUND, CONFLICT, UNAVAILABLE, DAMAGED = 2, 3, 4, 6, 7


@pytest.fixture(scope="module")
def published(undisturbed, tmp_path_factory: pytest.TempPathFactory):
    """A published place whose files the tests damage and mend again."""
    return undisturbed.place.copy(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def stored(imported, tmp_path_factory: pytest.TempPathFactory):
    """An imported place that was never counted, whose files the tests damage and mend again."""
    return imported.copy(tmp_path_factory.mktemp("stored"))


@contextmanager
def flipped(path: Path) -> Iterator[None]:
    """Flip one bit of a file's first column, for a while."""
    content = path.read_bytes()
    at = 200
    with containing(path, content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]):
        yield


@contextmanager
def gone(path: Path) -> Iterator[None]:
    """Move a file away, for a while."""
    elsewhere = path.with_name(f"{path.name}.elsewhere")
    path.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(path)


@contextmanager
def containing(path: Path, content: bytes) -> Iterator[None]:
    """Give a file another content, for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


# What is published ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("damage", [flipped, gone])
def test_a_damaged_release_is_named_and_the_others_can_be_read(published, tmp_path: Path, damage) -> None:
    (table,) = (published.data / "lake").glob("mobility.flows/*/table.parquet")
    with damage(table):
        verified = published.attempt("catalog", "verify")
        assert verified.code == DAMAGED
        assert "1 releases are damaged" in verified.error
        (finding,) = [line for line in verified.out.splitlines() if line.startswith("damaged: ")]
        assert str(table) in finding
        out = tmp_path / "out.csv"
        line = published.fail("catalog", "export", "mobility.flows", "--out", out, code=DAMAGED)
        assert str(table) in line
        assert list(tmp_path.iterdir()) == []
        assert published.table("mobility.home", out)
    published.verify()


def test_a_record_beside_a_release_that_was_altered_is_named(published) -> None:
    (record,) = (published.data / "lake").glob("mobility.home/*/release.json")
    said = json.loads(record.read_text())
    with containing(record, json.dumps(said | {"rows": said["rows"] + 1}).encode()):
        verified = published.attempt("catalog", "verify")
        assert verified.code == DAMAGED
        assert str(record) in verified.out
    published.verify()


# What is stored ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("damage", "what"), [(flipped, "it was altered, or damaged"), (gone, "a segment is missing")])
def test_a_damaged_segment_is_named_and_nothing_is_published(stored, damage, what: str) -> None:
    segment = sorted((stored.data / "store" / "sample" / "2026" / "events").rglob("*.parquet"))[7]
    with damage(segment):
        line = stored.fail(*RUNNING, code=DAMAGED)
        assert str(segment) in line
        assert what in line
        assert stored.digests() == {}


def test_a_damaged_cell_register_is_named(stored) -> None:
    register = stored.data / "store" / "sample" / "cells.parquet"
    with containing(register, register.read_bytes()[:1000]):
        assert str(register) in stored.fail(*RUNNING, code=DAMAGED)


def test_a_damaged_manifest_is_named(stored) -> None:
    (manifest,) = (stored.data / "store" / "sample" / "2026").glob("manifest-*.json")
    with containing(manifest, manifest.read_bytes()[:-20]):
        assert str(manifest) in stored.fail(*RUNNING, code=DAMAGED)


def test_once_mended_all_is_there(stored, undisturbed) -> None:
    stored.run(*RUNNING)
    undisturbed.equals(stored)


# Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_missing_unreadable_or_public_key_is_refused_and_named(stored) -> None:
    key = stored.keys / "mobility" / "sample" / "2026.key"
    command = (*RUNNING, "--to", "2026-03-02")
    with containing(key, b"3c" * 32 + b"\n"):
        line = stored.fail(*command, code=DAMAGED)
        assert str(key) in line
        assert "this is not the key of epoch 2026" in line
        assert "3c3c" not in line
    with containing(key, b"something else\n"):
        assert f"{key}: this is not a key file" in stored.fail(*command, code=DAMAGED)
    with gone(key):
        assert f"{key}: there is no key for epoch 2026" in stored.fail(*command, code=UNAVAILABLE)
        assert not key.exists(), "a lost key must never be replaced by a new one"
    key.chmod(0o644)
    line = stored.fail(*command, code=CONFLICT)
    assert "others than its owner can read this key" in line
    key.chmod(0o600)


def test_an_import_with_a_lost_key_never_makes_a_new_one(stored, sample, tmp_path: Path) -> None:
    key = stored.keys / "mobility" / "sample" / "2026.key"
    before = stored.manifests()
    copied = tmp_path / "again.csv"
    copied.write_bytes(sample.files[0].read_bytes() + b"\n")
    with gone(key):
        line = stored.fail(*sample.importing_into("sample", [copied]), code=UNAVAILABLE)
        assert f"{key}: there is no key for epoch 2026" in line
        assert not key.exists()
    assert stored.manifests() == before


def test_the_keys_of_another_place_open_nothing(published, fresh, create) -> None:
    other = fresh()
    create(other, "sample", "3c" * 32)
    swapped = published.with_keys(other.keys)
    assert "this is not the key of epoch 2026" in swapped.fail(*RUNNING, "--to", "2026-03-02", code=DAMAGED)
    assert "audit log" in swapped.fail("audit", "verify", code=DAMAGED)
    assert "5 releases are damaged" in swapped.fail("catalog", "verify", code=DAMAGED)
    # The other way round too, and afterwards each is whole with its own.
    assert "audit log" in other.with_keys(published.keys).fail("audit", "verify", code=DAMAGED)
    published.verify()
    other.verify()


# Records ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_older_audit_log_restored_is_found(begun, tmp_path: Path) -> None:
    place = begun.copy(tmp_path)
    records = place.data / "commonweal.db"
    older = records.read_bytes()
    place.run("mobility", "create", "another", "--areas", "natural-earth:GN", "--time-zone", "UTC")
    newer = records.read_bytes()
    records.write_bytes(older)
    line = place.fail("audit", "verify", code=DAMAGED)
    assert "the end of the log was cut off, or an older log restored" in line
    records.write_bytes(newer)
    place.verify()


def test_a_damaged_database_is_named(published) -> None:
    records = published.data / "commonweal.db"
    with containing(records, b"this is no database\n" * 400):
        line = published.fail("catalog", "list", code=DAMAGED)
        assert str(records) in line
        assert "damaged" in line
    published.verify()


def test_settings_that_cannot_be_are_named(published) -> None:
    config = published.data / "commonweal.toml"
    with containing(config, config.read_bytes() + b"port = 'eighty'\n"):
        line = published.fail("catalog", "list", code=INPUT)
        assert str(config) in line
        assert "port" in line
    with containing(config, b"keys = "):
        assert f"{config}: not readable as TOML" in published.fail("catalog", "list", code=INPUT)
    with gone(config):
        assert "this is not a data directory" in published.fail("catalog", "list", code=NOT_FOUND)


# A data directory that cannot be written to ───────────────────────────────────────────────────────────────────────


def test_a_read_only_data_directory_is_named_and_comes_to_no_harm(undisturbed, sample, small_file_system: Path) -> None:
    place = undisturbed.place.copy(small_file_system)
    _remount(small_file_system, "ro")
    for command in (sample.importing, RUNNING, ("db", "upgrade")):
        line = place.fail(*command, code=UNAVAILABLE)
        assert str(place.data) in line
        assert "cannot be written to" in line or "read-only" in line
    _remount(small_file_system, "rw")
    place.run(*sample.importing)
    place.run(*RUNNING)
    undisturbed.equals(place)


def _remount(folder: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(folder)], check=True)


# Input ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_truncated_file_is_named_and_nothing_of_it_is_stored(begun, sample, undisturbed, tmp_path: Path) -> None:
    place = begun.copy(tmp_path / "place")
    whole = gzip.compress(sample.files[0].read_bytes(), mtime=0)
    packed = tmp_path / "2026-03-01.csv.gz"
    packed.write_bytes(whole[: len(whole) // 2])
    command = sample.importing_into("sample", [packed, *sample.files[1:]])
    line = place.fail(*command, code=DAMAGED)
    assert str(packed) in line
    assert place.imports() == []
    packed.write_bytes(whole)
    place.run(*command)
    assert place.manifests() == undisturbed.manifests
    assert [report[2:] for report in place.imports()] == [report[2:] for report in undisturbed.imports]
    assert place.leftovers() == []


def test_input_that_cannot_be_taken_is_named(stored, sample, tmp_path: Path) -> None:
    absent = tmp_path / "absent.csv"
    assert f"{absent}: there is no such file" in stored.fail(*sample.importing_into("sample", [absent]), code=INPUT)
    shutil.copy(sample.files[0], tmp_path / "events.parquet")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text((sample.folder / "mapping.toml").read_text().replace('"csv"', '"parquet"'))
    command = ["mobility", "import", tmp_path / "events.parquet", "--project", "sample", "--mapping", mapping]
    line = stored.fail(*command, code=DAMAGED)
    assert str(tmp_path / "events.parquet") in line
    assert "Parquet" in line
