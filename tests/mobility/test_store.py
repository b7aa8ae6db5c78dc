"""The private store: what is written comes back, whatever is wrong is named, and a crash leaves the old or the new."""

from __future__ import annotations

import fcntl
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.directories import init
from commonweal.core.errors import Conflict, Damaged, InputError, NotFound, Unavailable
from commonweal.mobility import keys
from commonweal.mobility.keys import EpochKey
from commonweal.mobility.manifest import Manifest, read_manifest
from commonweal.mobility.sorting import REST, arrange
from commonweal.mobility.store import SEGMENT, EpochStore, content_digest, held

EMPTY = Manifest("p", "2026", 0, 10**9, 2, fingerprint="", data_key="")
KEY = EpochKey.from_secret(bytes(32))


def events(*rows: tuple[int, int], **columns: Any) -> pa.Table:
    """Events of (subscriber, time) pairs."""
    nothing = dict.fromkeys(("cell", "kind", "direction", "home_plmn", "serving_plmn", "flags"), 0)
    said = [nothing | {"subscriber": subscriber, "time": time} | columns for subscriber, time in rows]
    return pa.Table.from_pylist(said, schema=SEGMENT)


@pytest.fixture
def store(tmp_path: Path) -> EpochStore:
    return EpochStore.create(tmp_path / "2026", EMPTY, KEY)


BUCKET = 2  # of small pseudonyms, among four


def commit(store: EpochStore, *tables: pa.Table) -> list[Path]:
    """Commit a segment of each table; give their files."""
    segments = [store.write_segment("events", BUCKET, day, day + 1, table) for day, table in enumerate(tables)]
    store.commit(replace(store.manifest, segments=tuple(segments)))
    return [store.folder / segment.file for segment in segments]


def test_what_is_written_comes_back(store: EpochStore) -> None:
    table = events((1, 5), (1, 7), (2, 3), counterpart=9, duration=None)
    commit(store, table)
    again = EpochStore(store.folder, KEY)
    [segment] = again.manifest.events()
    assert again.read(segment.file).equals(table)
    assert again.sequences(segment)[1].tolist() == [5, 7, 3]
    assert segment.digest == content_digest(table)


def test_what_lies_on_disk_shows_nothing_without_the_key(store: EpochStore) -> None:
    commit(store, events(*((0x1122334455667788, time) for time in range(1000))))
    content = b"".join(path.read_bytes() for path in store.folder.rglob("*") if path.is_file())
    assert (0x1122334455667788).to_bytes(8, "little") not in content


@pytest.mark.parametrize("rows", [[(2, 1), (1, 1)], [(1, 2), (1, 1)]], ids=["subscribers", "times"])
def test_events_out_of_order_are_damaged(store: EpochStore, rows: list[tuple[int, int]]) -> None:
    [file] = commit(store, events(*rows))
    with pytest.raises(Damaged, match=f"{file.name}.*not in order") as caught:
        store.sequences(store.manifest.events()[0])
    assert "2 sorted rows" in str(caught.value)


def test_a_manifest_that_tells_of_more_rows_than_there_are_is_found_out(store: EpochStore) -> None:
    commit(store, events((1, 1)))
    with pytest.raises(Damaged, match="not whole"):
        store.sequences(replace(store.manifest.events()[0], rows=2))


@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_single_altered_byte_is_found_and_its_file_named(
    place: float, flip: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = EpochStore.create(tmp_path_factory.mktemp("store") / "2026", EMPTY, KEY)
    table = events(*((number, 1) for number in range(50)))
    [file] = commit(store, table)
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= flip
    file.write_bytes(content)
    found: pa.Table | str
    try:
        found = store.read(store.manifest.events()[0].file)
    except Damaged as error:
        found = str(error)
    # A byte of padding changes nothing; any other is noticed.
    assert file.name in found if isinstance(found, str) else found.equals(table)


def test_a_segment_renamed_over_another_is_damaged(store: EpochStore) -> None:
    one, other = commit(store, events((1, 1)), events((2, 1)))
    one.replace(other)
    with pytest.raises(Damaged, match=other.name):
        store.sequences(store.manifest.events()[1])


def test_a_segment_of_another_epoch_in_its_place_is_damaged(store: EpochStore, tmp_path: Path) -> None:
    elsewhere = EpochStore.create(tmp_path / "2025", replace(EMPTY, epoch="2025"), KEY)
    [file], [theirs] = commit(store, events((1, 1))), commit(elsewhere, events((1, 1)))
    theirs.replace(file)
    with pytest.raises(Damaged, match=file.name):
        store.sequences(store.manifest.events()[0])


def test_a_missing_segment_is_damaged(store: EpochStore) -> None:
    [file] = commit(store, events((1, 1)))
    file.unlink()
    with pytest.raises(Damaged, match=f"{file.name}.*missing"):
        store.sequences(store.manifest.events()[0])


def test_a_manifest_that_cannot_be_read_is_damaged(store: EpochStore) -> None:
    (store.folder / "manifest-0.json").write_text("{")
    with pytest.raises(Damaged, match=r"manifest-0\.json"):
        EpochStore(store.folder, KEY)


def test_a_folder_without_a_manifest_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no store"):
        read_manifest(tmp_path)


def test_a_crash_before_the_manifest_leaves_what_was_there_and_the_next_commit_sweeps(store: EpochStore) -> None:
    [file] = commit(store, events((1, 1)))
    orphan = store.write_segment("events", 3, 9, 10, events((2, 2)))
    torn = store.folder / "events" / f"{BUCKET:03}" / ".half.parquet.123"
    torn.write_bytes(b"half")

    again = EpochStore(store.folder, KEY)
    assert [segment.rows for segment in again.manifest.events()] == [1]
    again.commit(again.manifest)
    assert [path for path in store.folder.glob("events/**/*") if path.is_file()] == [file]
    assert not (store.folder / orphan.file).exists()
    assert [path.name for path in store.folder.glob("manifest-*.json")] == ["manifest-2.json"]


def test_of_two_writers_the_second_is_told(store: EpochStore) -> None:
    other = EpochStore(store.folder, KEY)
    commit(store, events((1, 1)))
    with pytest.raises(Conflict, match="another process has committed"):
        commit(other, events((2, 1)))
    assert EpochStore(store.folder, KEY).manifest == store.manifest


def test_a_project_is_held_by_one_at_a_time_and_let_go_at_the_end(tmp_path: Path) -> None:
    with held(tmp_path / "p"), pytest.raises(Conflict, match="at work"), held(tmp_path / "p"):
        pass
    with held(tmp_path / "p"), (tmp_path / "p" / ".lock").open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_the_digest_is_of_what_the_events_are_and_not_of_how_they_were_written(tmp_path: Path) -> None:
    table = events((1, 1), (2, 1))
    stores = [EpochStore.create(tmp_path / name, EMPTY, KEY) for name in ("one", "other")]
    commit(stores[0], table)
    commit(stores[1], events((9, 9)))
    commit(stores[1], pa.concat_tables([table.slice(0, 1), table.slice(1)]))
    assert stores[0].manifest.digest == stores[1].manifest.digest
    commit(stores[1], events((1, 1), (2, 2)))
    assert stores[0].manifest.digest != stores[1].manifest.digest


def test_nothing_and_zero_have_different_digests() -> None:
    assert content_digest(events((1, 1), duration=None)) != content_digest(events((1, 1), duration=0))


# Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = keys.create(tmp_path, "p", "2026")
    path = keys.key_path(tmp_path, "p", "2026")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.create(tmp_path, "p", "2026") == made == keys.open_key(tmp_path, "p", "2026", made.fingerprint)
    assert [file.name for file in path.parent.iterdir()] == ["2026.key"]


def test_a_key_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    keys.create(tmp_path, "p", "2026")
    keys.key_path(tmp_path, "p", "2026").chmod(0o640)
    with pytest.raises(Conflict, match="chmod 600"):
        keys.open_key(tmp_path, "p", "2026")


def test_the_wrong_key_is_damaged_and_both_fingerprints_are_said(tmp_path: Path) -> None:
    right, wrong = keys.create(tmp_path, "p", "2025"), keys.create(tmp_path, "p", "2026")
    keys.key_path(tmp_path, "p", "2026").replace(keys.key_path(tmp_path, "p", "2025"))
    with pytest.raises(Damaged) as caught:
        keys.open_key(tmp_path, "p", "2025", right.fingerprint)
    assert right.fingerprint in str(caught.value)
    assert wrong.fingerprint in str(caught.value)
    store = EpochStore.create(tmp_path / "store", EMPTY, right)
    with pytest.raises(Damaged) as caught:
        EpochStore(store.folder, wrong)
    assert right.fingerprint in str(caught.value)
    assert wrong.fingerprint in str(caught.value)


@pytest.mark.parametrize("content", ["", "secret", "0" * 63, "g" * 64])
def test_a_file_that_is_no_key_is_damaged(content: str, tmp_path: Path) -> None:
    keys.create(tmp_path, "p", "2026")
    keys.key_path(tmp_path, "p", "2026").write_text(content)
    with pytest.raises(Damaged, match="not a key file"):
        keys.open_key(tmp_path, "p", "2026")


def test_a_missing_key_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no key for epoch 2026 of project p"):
        keys.open_key(tmp_path, "p", "2026")


def test_a_destroyed_key_is_nowhere_and_says_so(tmp_path: Path) -> None:
    secret = keys.create(tmp_path, "p", "2026") and keys.key_path(tmp_path, "p", "2026").read_bytes()
    assert keys.destroy(tmp_path, "p", "2026")
    assert not keys.destroy(tmp_path, "p", "2026")
    assert not any(secret in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_key_shows_nothing_of_its_secret(tmp_path: Path) -> None:
    key = keys.create(tmp_path, "p", "2026")
    assert repr(key) == f"EpochKey({key.fingerprint})"
    assert key.pseudonym.hex() not in f"{key} {key!r}"


@pytest.mark.parametrize(("data", "key_folder"), [("d", "d/keys"), ("d", "d"), ("k/data", "k"), ("d", "d/../d/keys")])
def test_keys_inside_the_data_directory_are_refused(data: str, key_folder: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one inside the other"):
        init(tmp_path / data, tmp_path / key_folder)


def test_a_link_does_not_smuggle_the_keys_into_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "d" / "inside").mkdir(parents=True)
    (tmp_path / "keys").symlink_to(tmp_path / "d" / "inside")
    with pytest.raises(InputError, match="one inside the other"):
        init(tmp_path / "d", tmp_path / "keys")


# The one order ────────────────────────────────────────────────────────────────────────────────────────────────────

few = st.integers(0, 2)
row = st.fixed_dictionaries(
    {"subscriber": st.integers(-2, 2), "time": few, "cell": st.integers(0, 3)}
    | {name: st.sampled_from([-(2**63), 0, 5]) if name == "counterpart" else st.integers(-1, 1) for name in REST}
)


@given(rows=st.lists(row, max_size=40), rank=st.permutations(range(4)))
@settings(deadline=None)
def test_events_are_arranged_as_a_plain_sort_arranges_them_and_the_first_of_equals_stays(
    rows: list[dict[str, int]], rank: list[int]
) -> None:
    columns = {name: np.array([row[name] for row in rows], np.int64) for name in ("subscriber", *REST)}
    columns |= {name: np.array([row[name] for row in rows], np.int32) for name in ("time", "cell")}
    order, repeated = arrange(columns, np.array(rank, np.int32))

    def place(number: int) -> tuple[int, ...]:
        row = rows[number]
        return (row["subscriber"], row["time"], rank[row["cell"]], *(row[name] for name in REST))

    kept: dict[tuple[int, ...], int] = {}
    for number in range(len(rows)):
        kept.setdefault(place(number), number)
    assert order.tolist() == [number for _, number in sorted(kept.items())]
    assert sorted([*order.tolist(), *repeated.tolist()]) == list(range(len(rows)))


def test_many_events_of_one_moment_are_still_arranged(at: Callable[[str], int]) -> None:
    count = 3000
    generator = np.random.default_rng(3)
    columns = {name: generator.integers(0, 3, count) for name in ("subscriber", *REST)}
    columns |= {"time": np.zeros(count, np.int32), "cell": np.zeros(count, np.int32)}
    order, repeated = arrange(columns, np.zeros(1, np.int32))
    rows = list(zip(*(columns[name].tolist() for name in ("subscriber", *REST)), strict=True))
    assert [rows[number] for number in order] == sorted(set(rows))
    assert len(order) + len(repeated) == count
