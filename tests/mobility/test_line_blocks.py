"""A file is given out as blocks of whole lines, whatever it is compressed with or encoded in, in bounded memory."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import random
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from commonweal.core.errors import Damaged, InputError, Unavailable
from commonweal.mobility.blocks import Block, LineReader

TEXT = "number,time\n232760001,né à Conakry\n\n232760002,x\n"
PLAIN = TEXT.encode()
RESIDENT = """
import resource, sys
from pathlib import Path
from commonweal.mobility.blocks import LineReader
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, lines = peak(), 0
for block in LineReader(Path(sys.argv[1])).blocks():
    lines += block.lines
print(lines, peak() - before)
"""


def lines_of(path: Path, encoding: str = "utf-8", block_bytes: int = 2**20) -> list[tuple[int, bytes]]:
    """Every line with its number."""
    return [
        (block.first_line + place, line)
        for block in LineReader(path, encoding, block_bytes).blocks()
        for place, line in enumerate(block.content.split(b"\n")[:-1])
    ]


WRITTEN = {
    "plain": PLAIN,
    "no final newline": PLAIN[:-1],
    "byte order mark": codecs.BOM_UTF8 + PLAIN,
    "gzip": gzip.compress(PLAIN),
    "gzip put together": gzip.compress(PLAIN[:20]) + gzip.compress(PLAIN[20:]),
    "zstandard": zstandard.compress(PLAIN),
    "zstandard in frames": zstandard.compress(PLAIN[:20]) + zstandard.compress(PLAIN[20:]),
}


@pytest.mark.parametrize("block_bytes", [7, 16, 2**20])
@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_lines_and_their_numbers_are_the_same_however_the_file_is_written(
    written: bytes, block_bytes: int, tmp_path: Path
) -> None:
    path = tmp_path / "calls"  # what it is shows in its first bytes, not in its name
    path.write_bytes(written)
    expected = list(enumerate(PLAIN.split(b"\n")[:-1], 1))
    assert lines_of(path, block_bytes=block_bytes) == expected


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig", "cp500"])
def test_every_encoding_comes_out_as_utf_8(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert lines_of(path, encoding, block_bytes=9) == list(enumerate(PLAIN.split(b"\n")[:-1], 1))


def test_bytes_that_are_not_of_the_encoding_spoil_their_own_line_only(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes("a\nb".encode("utf-16") + b"\x00\xd8" + "\nc\n".encode("utf-16-le"))
    assert [line.decode() for _, line in lines_of(path, "utf-16")] == ["a", "b\ufffd", "c"]


def test_lines_that_end_in_carriage_return_and_newline_are_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(b"a,b\r\nc,d\r\n")
    assert [line for _, line in lines_of(path, block_bytes=4)] == [b"a,b\r", b"c,d\r"]


@pytest.mark.parametrize("written", [b"", gzip.compress(b""), zstandard.compress(b"")], ids=["plain", "gz", "zst"])
def test_an_empty_file_has_no_block_and_a_digest(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(written)
    reader = LineReader(path)
    assert list(reader.blocks()) == []
    assert reader.digest == hashlib.sha256(written).hexdigest()


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    size=st.integers(1, 40),
)
def test_no_line_is_lost_whatever_the_size_of_a_block(
    lines: list[bytes], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "law.csv"
    path.write_bytes(b"!" + b"".join(line + b"\n" for line in lines))  # ! lest a line begins like a compressed file
    given_out = lines_of(path, block_bytes=size)
    assert [number for number, _ in given_out] == list(range(1, len(given_out) + 1))
    assert b"".join(line + b"\n" for _, line in given_out) == path.read_bytes() + (b"" if lines else b"\n")


def test_the_digest_is_that_of_the_file_as_it_lies_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv.gz"
    path.write_bytes(gzip.compress(PLAIN) + b"\0" * 100)  # tapes pad with zeros
    reader = LineReader(path)
    list(reader.blocks())
    assert reader.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert reader.position == path.stat().st_size


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstandard"])
@pytest.mark.parametrize("kept", [0.5, 0.97])
def test_a_compressed_file_that_was_cut_short_is_damaged(pack: object, kept: float, tmp_path: Path) -> None:
    noise = random.Random(1)
    whole = pack(b"".join(b"%d\n" % noise.getrandbits(64) for _ in range(50_000)))  # type: ignore[operator]
    path = tmp_path / "calls"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(Damaged, match=r"compression is broken.*copy it again"):
        list(LineReader(path).blocks())


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstandard"])
def test_a_compressed_file_with_an_altered_byte_is_damaged(pack: object, tmp_path: Path) -> None:
    noise = random.Random(1)
    whole = bytearray(pack(b"".join(b"%d\n" % noise.getrandbits(64) for _ in range(5_000))))  # type: ignore[operator]
    whole[len(whole) // 2] ^= 0xFF
    path = tmp_path / "calls"
    path.write_bytes(whole)
    if pack is zstandard.compress:  # a frame without a checksum cannot tell in every byte, so its length must
        whole[6:10] = b"\xff\xff\xff\xff"
        path.write_bytes(whole)
    with pytest.raises(Damaged, match="compression is broken"):
        list(LineReader(path).blocks())


def test_a_line_without_end_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "image.csv"
    path.write_bytes(b"a\nb\n" + b"x" * 3_000_000)
    with pytest.raises(InputError, match="line 3: a line is longer than a megabyte"):
        list(LineReader(path, block_bytes=2**16).blocks())


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no such file"):
        list(LineReader(tmp_path / "calls.csv").blocks())


def test_a_block_can_be_taken_up_at_any_of_its_lines() -> None:
    block = Block(b"a\nb\nc\n", 10)
    assert [block.from_line(line).content for line in (1, 10, 11, 12, 13, 99)] == [
        b"a\nb\nc\n",
        b"a\nb\nc\n",
        b"b\nc\n",
        b"c\n",
        b"",
        b"",
    ]
    assert block.from_line(11).first_line == 11


def test_a_file_of_hundreds_of_megabytes_streams_in_the_memory_of_a_few_blocks(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv.gz"
    line = b"23276000001,2026-01-05T10:00:00,611-01-3021-40112,call,23276000002,30\n"
    part = gzip.compress(line * 150_000, 1)  # ten megabytes
    with path.open("wb") as file:
        for _ in range(30):
            file.write(part)
    result = subprocess.run([sys.executable, "-c", RESIDENT, str(path)], capture_output=True, text=True, check=True)
    lines, grown = result.stdout.split()
    assert int(lines) == 150_000 * 30
    assert float(grown) < 200, "a block is 32 MB; a few of them live at once"
