"""No raw identifier leaves the process that reads it: every byte that any process writes is searched."""

import random
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

WRITING = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg", "execve")
UNSEEN = ("sendfile", "copy_file_range", "splice", "vmsplice", "tee", "io_uring_setup", "memfd_create")
"""Calls that move bytes which a trace does not show; none may be used."""

MAPPING = """
[source]
format = "csv"
delimiter = ","
header = true

[time]
column = "start"
format = "%Y-%m-%d %H:%M:%S"
zone = "UTC"

[columns]
subscriber = "msisdn"
counterpart = "other"
cell = "cell"
kind = "kind"
duration = "duration"
tac = "imei"

[values.kind]
"voice" = "call"

[cells]
cell = "cell"
longitude = "lon"
latitude = "lat"
"""
HEADER = "msisdn,other,imei,start,cell,kind,duration"
CELLS = "cell,lon,lat\nA1,-13.2,8.5\nB2,-11.7,7.9\nC3,-12.0,8.9\n"


@dataclass(frozen=True)
class People:
    """Numbers of a few distinctive people, as an operator's file may spell them."""

    chance: random.Random

    def number(self) -> str:
        return f"2327{self.chance.randrange(10**8):08}"

    def device(self) -> str:
        return f"35{self.chance.randrange(10**13):013}"


def _lines(people: People) -> tuple[list[bytes], set[str]]:
    """Rows of every kind, good and bad, and each identifier in them."""
    rows: list[bytes] = []
    used: set[str] = set()

    def known(*identifiers: str) -> tuple[str, ...]:
        used.update(identifiers)
        return identifiers

    for _ in range(20):
        me, other, imei = known(people.number(), people.number(), people.device())
        for hour in range(6, 22):
            rows.append(
                f"{me},{other},{imei},2026-03-01 {hour:02}:10:00,{'ABC'[hour % 3]}{hour % 3 + 1},voice,60".encode()
            )
    at = "2026-03-01 12:00:00"
    for spell in (
        lambda n: f"+{n[:3]} {n[3:5]} {n[5:]}",
        lambda n: f"00{n[:3]}-{n[3:8]}-{n[8:]}",
        lambda n: f"({n[:3]}) {n[3:6]}.{n[6:9]}.{n[9:]}",
        lambda n: f'"{n}"',
        lambda n: f" {n} ",
    ):
        me, other, imei = known(people.number(), people.number(), people.device())
        used |= {spell(me).strip('" '), spell(other).strip('" ')}
        rows.append(f"{spell(me)},{spell(other)},{imei},{at},A1,voice,60".encode())
    for slipped in (
        "{me},{other},{imei},{at},{me},voice,60",  # an identifier where the cell should be
        "{me},{other},{imei},{other},A1,voice,60",  # where the time should be
        "{me},{other},{imei},{at},A1,{other},60",
        "{me},{other},{imei},{at},A1,voice,{me}",
        "{me},{other},{imei},{at},A1,voice,{imei}",
        "{imei},{me},{other},{at},A1,voice,60",
        "voice,60,{me},{other},{imei},{at},A1",
        "{me},{other},{imei},{at},cell of {me},voice,60",
        "{me},{other},{imei},{at},{spaced},voice,60",
        "{me},{other},{imei},{at},A1,voice",  # too few
        "{me},{other},{imei},{at},A1,voice,60,{me},{other}",  # too many
        "{me};{other};{imei};{at};A1;voice;60",
        "{me},{other},{imei},2026-03-01 25:61:00,A1,voice,60",
        "{me},{other},{imei},1999-03-01 12:00:00,A1,voice,60",
        "{me},{other},{imei},{at},nowhere,voice,60",
        "{me},{other},{imei},{at},A1,voice,-{other}",
        ",{other},{imei},{at},A1,voice,60",
        '"{me},{other},{imei},{at},A1,voice,60',  # a quote that is never closed
        '{me},"{other}"x,{imei},{at},A1,voice,60',
    ):
        me, other, imei = known(people.number(), people.number(), people.device())
        spaced = " ".join(me[i : i + 3] for i in range(0, 12, 3))
        used.add(spaced)
        rows.append(slipped.format(me=me, other=other, imei=imei, at=at, spaced=spaced).encode())
    me, other, imei = known(people.number(), people.number(), people.device())
    rows.append(f"{me},{other},{imei},{at},A\xff1,voice,60".encode("latin-1"))
    me, other, imei = known(people.number(), people.number(), people.device())
    rows.append(f"{me},{other}\0,{imei},{at},A1,voice,60".encode())
    return rows, used


def _spellings(identifiers: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Every way in which an identifier could lie in bytes."""
    for identifier in sorted(identifiers):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            yield f"{identifier} in {encoding}", identifier.encode(encoding)
        bare = re.sub(r"\D", "", identifier).removeprefix("00")
        for order in ("little", "big"):
            yield f"{bare} as a {order}-endian integer", int(bare).to_bytes(8, order)


def _found(identifiers: Iterable[str], content: bytes) -> list[str]:
    return [name for name, spelled in _spellings(identifiers) if spelled in content]


def _written(trace: Path) -> dict[str, bytes]:
    """What was written, by the file, pipe or socket it went to, in order."""
    streams: dict[str, bytearray] = defaultdict(bytearray)
    with trace.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            call = re.match(r"\d+ +(\w+)\((\d+<[^>]*>)?", line)
            if not call:
                continue
            assert call[1] not in UNSEEN or "-1 E" in line, f"bytes went where no trace sees them: {line[:200]}"
            assert '"...' not in line, f"the trace cut what was written: {line[:200]}"
            for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', line):
                streams[_plain(f"{call[1]} {call[2]}")] += bytes.fromhex(text.replace("\\x", ""))
    return {name: bytes(content) for name, content in streams.items()}


def _plain(hexadecimal: str) -> str:
    """Give text in which the trace wrote each byte in hexadecimal as it was."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), hexadecimal)


def _shared_maps(trace: Path) -> set[str]:
    """Files that were written to through memory."""
    text = _plain(trace.read_text(encoding="ascii", errors="replace"))
    return set(re.findall(r"mmap\(\w+, \d+, PROT_READ\|PROT_WRITE, [A-Z_|]*MAP_SHARED[A-Z_|]*, \d+<([^>]+)>", text))


def test_the_search_finds_what_is_there(tmp_path: Path, begun, need) -> None:
    """Each way to lie in bytes is found, also in what a process writes, so that finding nothing means something."""
    number = "232712345678"
    for name, spelled in _spellings({number}):
        assert name in _found({number}, b"before" + spelled + b"after")
    place = begun.elsewhere(tmp_path)
    trace = tmp_path / "trace"
    place.attempt("mobility", "inspect", tmp_path / f"no-{number}.csv", prefix=_tracing(need("strace"), trace))
    assert any(_found({number}, content) for content in _written(trace).values())


def _tracing(strace: str, trace: Path) -> tuple[str, ...]:
    calls = ",".join((*WRITING, *UNSEEN, "mmap"))
    return (
        strace,
        "-f",
        "-y",
        "-xx",
        "-qq",
        "-s",
        str(2**26),
        "-e",
        "signal=none",
        "-e",
        f"trace={calls}",
        "-o",
        str(trace),
    )


def test_no_identifier_reaches_a_file_a_pipe_a_log_or_a_message(fresh, tmp_path: Path, need) -> None:
    strace = need("strace")
    world = tmp_path / "world"
    for name in ("home", "tmp", "spill", "work"):
        (world / name).mkdir(parents=True)
    own = {"HOME": "home", "TMPDIR": "tmp", "COMMONWEAL_SPILL": "spill"}
    # So little memory that whatever may spill does.
    place = fresh(world, COMMONWEAL_MEMORY_LIMIT="32MB", **{name: str(world / folder) for name, folder in own.items()})
    place = place.working_in(world / "work")
    place.run("mobility", "create", "people", "--areas", "natural-earth:SL", "--time-zone", "UTC")

    given = tmp_path / "given"
    given.mkdir()
    rows, identifiers = _lines(People(random.Random(7)))
    (given / "calls.csv").write_bytes(b"\n".join([HEADER.encode(), *rows, b""]))
    (given / "mapping.toml").write_text(MAPPING)
    (given / "cells.csv").write_text(CELLS)
    forgotten = rows[0].split(b",")[0].decode()

    importing = (
        *("mobility", "import", given / "calls.csv", "--project", "people"),
        *("--mapping", given / "mapping.toml", "--cells", given / "cells.csv"),
        *("--from", "2026-03-01", "--to", "2026-03-02"),
    )
    said = []
    trace = tmp_path / "trace"
    for command, stdin in (
        (("mobility", "inspect", given / "calls.csv"), ""),
        (importing, ""),
        (("mobility", "imports", "--project", "people", "--json"), ""),
        (("mobility", "rejects", "--project", "people", "--json", "--limit", "1000"), ""),
        (("mobility", "run", "--project", "people"), ""),
        (("jobs", "show", "1", "--json"), ""),
        (("audit", "list", "--json"), ""),
        (("mobility", "forget", "--project", "people"), f"{forgotten}\n"),
    ):
        ended = place.attempt(*command, say=stdin, prefix=_tracing(strace, trace))
        assert ended.code == 0, ended.err
        said.append(ended.out + ended.err)
        for stream, content in _written(trace).items():
            assert _found(identifiers, content) == [], f"{' '.join(map(str, command[:2]))} wrote it to {stream}"
        others = {file for file in _shared_maps(trace) if not file.endswith("commonweal.db-shm")}
        assert others == set(), "only the database's index may be mapped"
    # The rows did come in, and the bad ones were rejected with reasons.
    imported = said[2]
    assert int(re.search(r'"accepted": (\d+)', imported)[1]) >= 325  # type: ignore[index]
    assert all(reason in imported for reason in ("malformed line", "bad timestamp", "unknown cell", "bad encoding"))
    assert "mobility.presence" in said[4]
    assert "1 numbers, 1 of them with events; 16 events erased" in said[7]
    for path in (path for folder in (place.data, place.keys, world) for path in folder.rglob("*") if path.is_file()):
        assert _found(identifiers, path.read_bytes()) == [], path
        assert _found(identifiers, str(path).encode()) == [], path
    assert all(_found(identifiers, text.encode()) == [] for text in said)
    assert [path for name in ("spill", "tmp", "work") for path in (world / name).rglob("*")] == []


def test_no_identifier_is_in_what_an_error_says(begun, sample, tmp_path: Path) -> None:
    """Errors of an engine quote the line that they choked on; ours never do."""
    place = begun.copy(tmp_path / "place")
    number = "232798765432"
    files = {
        "wide.csv": f"{HEADER}\n" + f"{number}," * 7 + "\n",
        "headless.csv": f"{number},{number},35{number}1,2026-03-01 12:00:00,A1,voice,60\n",
        "binary.csv": f"{HEADER}\n{number}\0\x01\x02\n",
        "line.csv": f"{HEADER}\n{number * 200_000}",
        "broken.parquet": f"PAR1{number}PAR1",
    }
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "cells.csv").write_text(CELLS)
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        command = ("mobility", "import", tmp_path / name, "--project", "sample", "--cells", tmp_path / "cells.csv")
        for ended in (
            place.attempt(*command, "--mapping", tmp_path / "mapping.toml"),
            place.attempt("mobility", "inspect", tmp_path / name),
        ):
            assert _found({number}, (ended.out + ended.err).encode()) == [], f"{name}: {ended.out}{ended.err}"
    shutil.rmtree(tmp_path / "place" / "keys")
    for path in (path for path in place.data.rglob("*") if path.is_file()):
        assert _found({number}, path.read_bytes()) == [], path
