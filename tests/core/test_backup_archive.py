"""An archive holds exactly what its manifest says, and nothing in it leads out of it."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from commonweal.core.backup.archive import Manifest, Writer, read
from commonweal.core.errors import Conflict, Damaged, InputError

SAID = Manifest(kind="data", version="0", made=datetime(2026, 3, 1, tzinfo=UTC))
LONG = f"store/{'a' * 60}/2026/events/000/{'b' * 90}.parquet"


def write(path: Path, entries: dict[str, bytes], kind: Any = "data") -> Path:
    with path.open("wb") as file:
        writer = Writer(file)
        for name, content in entries.items():
            writer.add(name, content)
        writer.finish(SAID.model_copy(update={"kind": kind}))
    return path


def contents(path: Path, kind: Any = "data") -> dict[str, bytes]:
    found: dict[str, bytes] = {}

    def take(name: str, content: Iterator[bytes]) -> None:
        found[name] = b"".join(content)

    assert found.keys() <= read(path, kind, take).entries.keys()
    return found


@pytest.fixture
def forge(tmp_path: Path) -> Callable[..., Path]:
    """Write what somebody else could: any members, and a manifest that names what it likes."""

    def make(
        members: Sequence[tuple[tarfile.TarInfo, bytes]], named: dict[str, bytes] | None = None, **said: Any
    ) -> Path:
        from hashlib import sha256

        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            for member, data in members:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
            entries = {
                name: {"size": len(data), "sha256": sha256(data).hexdigest()}
                for name, data in (named or {member.name: data for member, data in members}).items()
            }
            manifest = json.dumps(json.loads(SAID.model_dump_json()) | {"entries": entries} | said).encode()
            last = tarfile.TarInfo("manifest.json")
            last.size = len(manifest)
            tar.addfile(last, io.BytesIO(manifest))
        path = tmp_path / "forged"
        path.write_bytes(zstandard.compress(content.getvalue()))
        return path

    return make


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    entries = {"empty": b"", "lake/a/1-b/table.parquet": bytes(3_000_000), LONG: b"long", "store/é/Zürich 1": b"x"}
    path = write(tmp_path / "archive", entries)
    assert contents(path) == entries
    assert read(path, "data").digest == read(path, "data").digest != read(write(tmp_path / "b", {}), "data").digest


def test_an_archive_can_be_read_with_the_usual_programs(tmp_path: Path) -> None:
    path = write(tmp_path / "archive", {"a": b"1", LONG: b"2"})
    with zstandard.open(path, "rb") as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
        assert [member.name for member in tar] == ["a", LONG, "manifest.json"]


def test_files_whose_place_others_take_while_they_are_copied_leave_nothing_in_it(tmp_path: Path) -> None:
    old, new = [tmp_path / "old 1", tmp_path / "old 2"], [tmp_path / "new"]
    for path in (*old, *new):
        path.write_bytes(path.name.encode() * 100_000)
    asked = 0

    def together() -> list[Path]:
        nonlocal asked
        asked += 1
        if asked == 1:
            old[1].unlink()  # swept after it was named, before it could be copied
            return old
        return new

    path = tmp_path / "archive"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.add("before", b"1")
        writer.copy(together, lambda path: path.name)
        writer.add("after", b"2")
        writer.finish(SAID)
    assert contents(path) == {"before": b"1", "new": b"new" * 100_000, "after": b"2"}
    with zstandard.open(path, "rb") as plain:
        assert b"old" not in plain.read()


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="gone: this file is missing"), (tmp_path / "archive").open("wb") as file:
        Writer(file).copy(lambda: [tmp_path / "gone"], lambda path: path.name)


def test_what_changes_all_the_time_is_given_up(tmp_path: Path) -> None:
    def together(paths: Iterator[Path] = (tmp_path / str(n) for n in range(1000))) -> list[Path]:
        return [next(paths)]

    with pytest.raises(Conflict, match="again and again"), (tmp_path / "archive").open("wb") as file:
        Writer(file).copy(together, lambda path: path.name)


# Damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    import random

    noise = random.Random(1)
    return write(tmp_path / "archive", {f"lake/{name}": noise.randbytes(200_000) for name in "abc"})


def test_no_flipped_bit_changes_what_is_read(archive: Path) -> None:
    whole, entries, found = archive.read_bytes(), contents(archive), 0
    for place in range(0, len(whole), len(whole) // 60):
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert contents(archive) == entries  # as where only the space between two entries is concerned
        except (Damaged, InputError):
            found += 1
    assert found > 55


def test_the_damaged_entry_is_named(archive: Path) -> None:
    whole = archive.read_bytes()
    for place, name in ((100_000, "a"), (300_000, "b"), (500_000, "c")):
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Damaged, match=f"entry lake/{name} is not what the manifest says"):
            read(archive, "data")


@pytest.mark.parametrize("left", [0.1, 0.5, 0.9, 0.999])
def test_an_archive_that_was_cut_off_is_not_whole(archive: Path, left: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * left)])
    with pytest.raises((Damaged, InputError), match=r"not whole|any further|no backup"):
        read(archive, "data")


@pytest.mark.parametrize("content", [b"", b"no archive", zstandard.compress(b"no tar" * 1000)])
def test_something_else_is_no_backup(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises((InputError, Damaged), match=r"no backup|not whole"):
        read(tmp_path / "file", "data")


def test_data_are_not_taken_for_keys_nor_keys_for_data(tmp_path: Path) -> None:
    data, keys = write(tmp_path / "data", {"a": b"1"}), write(tmp_path / "keys", {"keys/a": b"1"}, "keys")
    assert contents(keys, "keys") == {"keys/a": b"1"}
    for path, kind in ((data, "keys"), (keys, "data"), (write(tmp_path / "none", {}), "keys")):
        with pytest.raises(InputError, match=f"no backup of {kind}"):
            read(path, kind)


# Malice ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    ["../out", "lake/../../out", "/etc/passwd", "lake//out", "lake/./out", "lake/.lock", "lake\\out", "a\0b", "."],
)
def test_a_path_that_leads_out_is_refused(forge: Callable[..., Path], name: str) -> None:
    if "\0" in name:  # which tar would cut there
        member = tarfile.TarInfo("a")
        member.pax_headers = {"path": name}
    else:
        member = tarfile.TarInfo(name)
    taken: list[str] = []
    with pytest.raises(Damaged, match="no plain file below the root"):
        read(forge([(member, b"x")]), "data", lambda name, content: taken.append(name))
    assert taken == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_nothing_but_plain_files_is_taken(forge: Callable[..., Path], kind: bytes) -> None:
    member = tarfile.TarInfo("lake/a")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(Damaged, match="no plain file"):
        read(forge([(member, b"")]), "data")


def test_an_entry_twice_too_many_or_missing_is_found(forge: Callable[..., Path]) -> None:
    one, other = (tarfile.TarInfo("lake/a"), b"1"), (tarfile.TarInfo("lake/a"), b"2")
    with pytest.raises(Damaged, match="lake/a has no place there"):
        read(forge([one, other]), "data")
    with pytest.raises(Damaged, match="entry lake/b is not what"):
        read(forge([one], {"lake/a": b"1", "lake/b": b"1"}), "data")
    with pytest.raises(Damaged, match="entry lake/a is not what"):
        read(forge([one], {"lake/a": b"2"}), "data")
    with pytest.raises(Damaged, match="entry lake/a and 1 more"):
        read(forge([one, (tarfile.TarInfo("lake/c"), b"1")], entries={}), "data")


@pytest.mark.parametrize("said", [{"format": 2}, {"entries": [1]}, {"more": 1}, {"made": "yesterday"}])
def test_a_manifest_that_is_none_is_refused(forge: Callable[..., Path], said: dict[str, Any]) -> None:
    with pytest.raises(Damaged, match="the manifest cannot be read"):
        read(forge([(tarfile.TarInfo("lake/a"), b"1")], **said), "data")
