"""The secret of noise: made once, readable by its owner alone, never replaced."""

from pathlib import Path

import pytest

from commonweal.core.errors import Conflict, Damaged, Unavailable
from commonweal.disclosure.rounding.secret import NOISE_SECRET, create_secret, read_secret


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    create_secret(tmp_path)
    made = read_secret(tmp_path)
    assert len(made) == 32
    assert (tmp_path / NOISE_SECRET).stat().st_mode & 0o077 == 0
    with pytest.raises(Conflict):
        create_secret(tmp_path)
    assert read_secret(tmp_path) == made


def test_a_secret_that_is_missing_open_or_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        read_secret(tmp_path)
    create_secret(tmp_path)
    (tmp_path / NOISE_SECRET).chmod(0o644)
    with pytest.raises(Conflict):
        read_secret(tmp_path)
    (tmp_path / NOISE_SECRET).chmod(0o600)
    (tmp_path / NOISE_SECRET).write_bytes(b"short")
    with pytest.raises(Damaged):
        read_secret(tmp_path)
