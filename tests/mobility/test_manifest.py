"""The manifest is authenticated and never goes back: nobody without the key drops a segment or brings one back."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commonweal.core.errors import Damaged
from commonweal.mobility import keys
from commonweal.mobility.keys import EpochKey
from commonweal.mobility.manifest import Manifest, Segment, manifest_path, read_manifest
from commonweal.mobility.store import EpochStore

DIGEST = "0" * 64
SEGMENTS = tuple(
    Segment("events", bucket, 0, 86400, 10, DIGEST, f"events/{bucket:03}/a.parquet") for bucket in range(3)
)


@pytest.fixture
def key(tmp_path: Path) -> EpochKey:
    """An epoch's key, in a key directory."""
    return keys.create(tmp_path / "keys", "p", "2026")


@pytest.fixture
def store(tmp_path: Path, key: EpochKey) -> EpochStore:
    """A store whose manifest, number 1, names segments."""
    made = EpochStore.create(tmp_path / "2026", Manifest("p", "2026", 0, 10**9, 2, fingerprint="", data_key=""), key)
    made.commit(replace(made.manifest, segments=SEGMENTS, applied=("one",), cells=DIGEST))
    return made


def alter(store: EpochStore, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Change what the newest manifest says, as anyone could who may write there."""
    path = manifest_path(store.folder, store.manifest.sequence)
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))
    return path


def other_rows(said: dict[str, Any]) -> None:
    said["segments"][0]["rows"] = 11


def exchanged(said: dict[str, Any]) -> None:
    first, second = said["segments"][:2]
    first["file"], second["file"] = second["file"], first["file"]


ALTERED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a segment dropped": lambda said: said["segments"].pop(),
    "all segments dropped": lambda said: said["segments"].clear(),
    "a segment twice": lambda said: said["segments"].append(said["segments"][0]),
    "two segments exchanged": exchanged,
    "another number of rows": other_rows,
    "another end of the epoch": lambda said: said.update(ends=10**8),
    "an import not applied": lambda said: said["applied"].clear(),
    "another cell register": lambda said: said.update(cells="1" * 64),
    "another epoch": lambda said: said.update(epoch="2025"),
    "a later number": lambda said: said.update(sequence=9),
    "another HMAC": lambda said: said.update(hmac="0" * 64),
    "no HMAC that could be compared": lambda said: said.update(hmac="é"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_manifest_that_was_altered_is_damaged_and_named(what: str, store: EpochStore, key: EpochKey) -> None:
    path = alter(store, ALTERED[what])
    with pytest.raises(Damaged, match="the manifest was altered") as caught:
        EpochStore(store.folder, key)
    assert str(path) in str(caught.value)


def test_a_manifest_without_its_hmac_cannot_be_read(store: EpochStore, key: EpochKey) -> None:
    alter(store, lambda said: said.pop("hmac"))
    with pytest.raises(Damaged, match="the manifest cannot be read"):
        EpochStore(store.folder, key)


def test_how_a_manifest_is_laid_out_does_not_matter(store: EpochStore, key: EpochKey) -> None:
    alter(store, lambda said: said.update(cells=said.pop("cells")))
    assert EpochStore(store.folder, key).manifest == store.manifest


def test_the_hmac_is_that_of_the_standard_library_over_all_it_says(store: EpochStore, key: EpochKey) -> None:
    import hmac

    said = json.loads(manifest_path(store.folder, 1).read_text())
    authenticated = said.pop("hmac")
    content = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    assert authenticated == hmac.new(key.authenticating, content, "sha256").hexdigest()


def test_an_older_manifest_under_a_newer_number_is_damaged(store: EpochStore, key: EpochKey) -> None:
    older = manifest_path(store.folder, 1).read_bytes()
    store.commit(replace(store.manifest, segments=()))
    manifest_path(store.folder, 3).write_bytes(older)
    with pytest.raises(Damaged, match="is not of this place"):
        EpochStore(store.folder, key)


# Going back ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_older_store_put_back_is_damaged_and_says_what_to_do(
    store: EpochStore, key: EpochKey, tmp_path: Path
) -> None:
    shutil.copytree(store.folder, tmp_path / "copy")
    store.commit(replace(store.manifest, segments=()))
    shutil.rmtree(store.folder)
    shutil.copytree(tmp_path / "copy", store.folder)
    with pytest.raises(Damaged, match="manifest 2 was committed, and the newest one there is 1") as caught:
        EpochStore(store.folder, key)
    assert "docs/security.md" in str(caught.value)


def test_a_store_that_is_gone_is_not_begun_anew(store: EpochStore, key: EpochKey) -> None:
    shutil.rmtree(store.folder)
    with pytest.raises(Damaged, match="none is there"):
        EpochStore.create(store.folder, store.manifest, key)
    assert list(store.folder.glob("manifest-*")) == []


def test_a_backup_of_store_and_keys_together_is_opened(store: EpochStore, tmp_path: Path) -> None:
    for name in ("2026", "keys"):
        shutil.copytree(tmp_path / name, tmp_path / "backup" / name)
    store.commit(replace(store.manifest, segments=()))
    restored = keys.open_key(tmp_path / "backup" / "keys", "p", "2026")
    assert EpochStore(tmp_path / "backup" / "2026", restored).manifest.segments == SEGMENTS


def test_the_head_may_lag_behind_and_catches_up(
    store: EpochStore, key: EpochKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*said: Any) -> None:
        raise Killed

    monkeypatch.setattr(EpochKey, "commit", kill)
    with pytest.raises(Killed):
        store.commit(replace(store.manifest, segments=()))
    monkeypatch.undo()
    assert key.committed() == 1
    again = EpochStore(store.folder, key)
    assert again.manifest.sequence == 2
    again.commit(again.manifest)
    assert key.committed() == 3
    assert [path.name for path in store.folder.glob("manifest-*")] == ["manifest-3.json"]


def test_without_its_head_a_backup_is_accepted_and_the_next_commit_begins_a_new_one(
    store: EpochStore, key: EpochKey
) -> None:
    assert key.head is not None
    key.head.unlink()
    EpochStore(store.folder, key).commit(store.manifest)
    assert key.head.read_text() == "2\n"
    assert stat.S_IMODE(key.head.stat().st_mode) == 0o600


def test_a_head_that_is_none_is_damaged_and_named(store: EpochStore, key: EpochKey) -> None:
    assert key.head is not None
    key.head.write_text("second\n")
    with pytest.raises(Damaged, match=r"2026\.head"):
        EpochStore(store.folder, key)


def test_who_reads_while_another_commits_is_not_told_of_an_older_store(
    store: EpochStore, key: EpochKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = EpochKey.committed

    def committed(self: EpochKey) -> int | None:
        known = really(self)
        monkeypatch.undo()
        EpochStore(store.folder, key).commit(store.manifest)  # right after the head was read
        return known

    monkeypatch.setattr(EpochKey, "committed", committed)
    assert read_manifest(store.folder, key).sequence == 2


def test_the_head_goes_with_its_key(store: EpochStore, key: EpochKey, tmp_path: Path) -> None:
    assert keys.destroy(tmp_path / "keys", "p", "2026")
    assert [path for path in (tmp_path / "keys").rglob("*") if path.is_file()] == []
