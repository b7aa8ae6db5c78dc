"""A disk that fills up while it is written to: one clear line, nothing lost, and the same command goes on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUNNING = ("mobility", "run", "--project", "sample")
FULL = "the disk is full (expected: free space there, then run the same command again; nothing was lost)"
KB = 1024


class SmallDisk:
    """A file system of 24 MB with a balloon on it, which leaves as much space as is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.balloon = folder / "balloon"

    def leave(self, size: int) -> None:
        self.balloon.unlink(missing_ok=True)
        # In pages, since a file system of memory gives nothing less.
        pages = (shutil.disk_usage(self.folder).free - size) // (4 * KB)
        self.balloon.write_bytes(bytes(max(0, pages) * 4 * KB))
        assert shutil.disk_usage(self.folder).free <= size + 4 * KB


@pytest.fixture
def small_disk(small_file_system: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(small_file_system)
    yield disk
    disk.balloon.unlink(missing_ok=True)


def _say_that_it_is_full(place, disk: SmallDisk, command, spaces: list[int]) -> None:
    """With ever more space the command comes ever further, and says each time that the disk is full."""
    for free in spaces:
        disk.leave(free * KB)
        line = place.fail(*command, code=6)
        assert line.endswith(FULL), line
    disk.leave(20_000 * KB)


def test_an_import_goes_on_after_the_disk_was_full(begun, sample, undisturbed, small_disk: SmallDisk) -> None:
    place = begun.copy(small_disk.folder)
    _say_that_it_is_full(place, small_disk, sample.importing, [0, 36, 1500])
    place.run(*sample.importing)
    place.run(*RUNNING)
    undisturbed.equals(place)


def test_a_run_goes_on_after_the_disk_was_full(imported, undisturbed, small_disk: SmallDisk) -> None:
    place = imported.copy(small_disk.folder)
    _say_that_it_is_full(place, small_disk, RUNNING, [0, 400])
    place.run(*RUNNING)
    undisturbed.equals(place)


def test_what_is_published_can_be_read_on_a_disk_that_is_all_but_full(
    undisturbed, small_disk: SmallDisk, tmp_path: Path
) -> None:
    place = undisturbed.place.copy(small_disk.folder)
    small_disk.leave(0)
    # The database's readers share a small file beside it.
    assert place.fail("catalog", "list", code=6).endswith(FULL)
    small_disk.leave(64 * KB)
    assert place.table("mobility.home", tmp_path / "home.csv")


def test_an_initialisation_says_that_the_disk_is_full(begun, small_disk: SmallDisk) -> None:
    place = begun.elsewhere(small_disk.folder)
    small_disk.leave(0)
    assert place.fail("init", place.data, "--keys", place.keys, code=6).endswith(FULL)
    small_disk.leave(5000 * KB)
    place.run("init", place.data, "--keys", place.keys)
