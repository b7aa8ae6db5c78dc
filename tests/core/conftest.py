"""What the tests of the ground floor share."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True)
    if not made or made.returncode != 0:
        pytest.skip("a small file system cannot be mounted by this user")
    yield folder
    subprocess.run(["umount", folder], check=False)
