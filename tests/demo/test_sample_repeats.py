"""Equal choices and seed give equal bytes; another seed gives other people."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from commonweal.demo.generate import Choices, generate

CHOICES = Choices(
    subscribers=5000, days=2, seed=3, events_per_day=3.0, scenarios=frozenset({"festival", "flood", "outbreak"})
)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    generate(folder, CHOICES, threads=1)
    return folder


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_threads(first: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", CHOICES, threads=3)
    assert digests(tmp_path / "again") == digests(first)
    assert len(digests(first)) > 15


def test_another_seed_gives_other_people(first: Path, tmp_path: Path) -> None:
    generate(tmp_path / "other", replace(CHOICES, seed=4))
    same = digests(first).items() & digests(tmp_path / "other").items()
    assert {name for name, _ in same} == {"mapping.toml", "tac.csv"}


def test_compressed_files_hold_the_same_rows(first: Path, tmp_path: Path) -> None:
    plain = (first / "events" / "2026-03-01.csv").read_bytes()
    generate(tmp_path / "gz", replace(CHOICES, compression="gz"))
    assert gzip.decompress((tmp_path / "gz" / "events" / "2026-03-01.csv.gz").read_bytes()) == plain
    generate(tmp_path / "zst", replace(CHOICES, compression="zst"))
    with pa.input_stream(str(tmp_path / "zst" / "events" / "2026-03-01.csv.zst"), compression="zstd") as stream:
        assert stream.read() == plain
