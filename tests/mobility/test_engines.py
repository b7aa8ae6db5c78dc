"""Threads and Spark come to the same: every measure, every derivation, and every row of an import."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from commonweal import mobility
from commonweal.core.cluster import Cluster
from commonweal.core.engine import map_buckets
from commonweal.core.errors import CommonwealError, Conflict, Damaged, InputError, Refused
from commonweal.core.settings import Settings
from commonweal.demo.generate import Choices, generate
from commonweal.disclosure.private.rule import Rule
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility import blocks, counting, custody, importing, pieces, private, runs, spreading, transit, workers
from commonweal.mobility import measure as measuring
from commonweal.mobility.layout import read_layout
from commonweal.mobility.manifest import Segment
from commonweal.mobility.measure import Derivation, measures
from commonweal.mobility.merging import split_buckets
from commonweal.mobility.reading import Reader, Reading

pytestmark = [
    pytest.mark.slow,
    # Spark's own connections are closed when they are collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SECRET = "5a" * 32  # of every project's epoch keys here, so that pseudonyms are the same in all
EPOCHS = ("2025", "2026")


def lines(count: int = 600, seed: int = 1, first: str = "2025-12-28", days: int = 9) -> list[str]:
    """Events over some days, some repeated, some wrong; by default the days belong to two years."""
    chance, begins = random.Random(seed), datetime.fromisoformat(first)
    found = []
    for _ in range(count):
        moment = begins + timedelta(minutes=chance.randrange(days * 24 * 6) * 10)
        who, other = (f"2327655{chance.randrange(60):04}" for _ in range(2))
        cell = chance.choice(["a1", "a2", "b1", "b2", "c1", "d2", "nowhere"])
        kind, seconds = chance.choice([("call", chance.choice(["5", "70", "x"])), ("sms", ""), ("smoke", "")])
        found.append(f"{who},{moment:%Y-%m-%dT%H:%M:%S},{cell},{kind},{other},{seconds}")
    repeated = chance.sample(found, count // 12)
    return [*found, *repeated, "", "23276553201,yesterday", f"23276553201,{datetime.now(UTC):%Y},a1,call,,"]


@pytest.fixture
def on(start: Callable[..., Any], spark: str) -> Callable[..., Any]:
    """Give a function that starts a project on an engine; its keys, and so its pseudonyms, are those of all others."""

    def make(name: str, engine: str = "threads", **choices: Any) -> Any:
        operator = start(name, **choices)
        operator.settings = operator.settings.on_engine(engine)
        for epoch in EPOCHS:
            key = operator.settings.keys / "mobility" / name / f"{epoch}.key"
            key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            key.write_text(SECRET)
            key.chmod(0o600)
        return operator

    return make


# Measures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def equal(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables are the same row by row: floats to 1e-9, all else exactly."""
    if not (one.schema.equals(other.schema, check_metadata=True) and one.num_rows == other.num_rows):
        return False
    for name in one.column_names:
        if pa.types.is_floating(one.schema.field(name).type):
            numbers = [np.array(table[name].fill_null(-1e99), float) for table in (one, other)]
            if not np.allclose(*numbers, rtol=1e-9, atol=1e-9, equal_nan=True):
                return False
        elif not one[name].equals(other[name]):
            return False
    return True


def unequal(here: dict[str, pa.Table], there: dict[str, pa.Table]) -> list[str]:
    """Names of tables that are not the same."""
    return [name for name in {**here, **there} if not equal(here[name], there[name])]


def derivations() -> dict[str, Derivation]:
    """Every derivation that a module of the domain names, and what it is made of."""
    found: dict[str, Derivation] = {}
    for module in walk_packages(mobility.__path__, f"{mobility.__name__}."):
        if ".migrations" not in module.name:
            named = vars(import_module(module.name)).values()
            found |= {
                one.name: one for each in named if isinstance(each, Derivation) for one in measuring.sources(each)
            }
    return found


def without_keeping(operator: Any, names: Sequence[str]) -> tuple[Any, Settings, runs.Plan]:
    """An operator, its settings on Spark, and a run that keeps nothing, so that each engine counts by itself."""
    planned = runs.plan(operator.settings, operator.database, operator.project, names=tuple(names))
    buckets = tuple(replace(bucket, keep=False) for bucket in planned.buckets)
    return operator, operator.settings.on_engine("local[2]"), replace(planned, buckets=buckets)


@pytest.fixture
def counted(on: Callable[..., Any]) -> tuple[Any, Settings, runs.Plan]:
    """Every measure, over events of a small operator."""
    operator = on("operator")
    operator.import_(operator.events("calls.csv", lines()))
    return without_keeping(operator, list(measures()))


@pytest.fixture
def country(on: Callable[..., Any], tmp_path: Path) -> tuple[Any, Settings, runs.Plan]:
    """Measures over a sample country, with visitors and people who go abroad."""
    generate(tmp_path / "generated", Choices(subscribers=400, days=4, seed=1))
    operator = on("country", area_set="natural-earth:GN,LR,SL", time_zone="Africa/Conakry")
    files = sorted((tmp_path / "generated" / "events").iterdir())
    mapping, cells = (tmp_path / "generated" / name for name in ("mapping.toml", "cells.csv"))
    operator.import_(*files, mapping=str(mapping), cells=cells)
    return without_keeping(operator, [name for name, measure in measures().items() if not measure.coverage])


@pytest.fixture
def weeks(on: Callable[..., Any]) -> tuple[Any, Settings, runs.Plan]:
    """What compares a week with the next, over two whole weeks."""
    operator = on("weeks")
    operator.import_(operator.events("calls.csv", lines(1200, first="2026-01-04", days=16)))
    return without_keeping(operator, ["home_change"])


def test_every_measure_counts_the_same_on_both_engines(counted: Any, country: Any, weeks: Any) -> None:
    never = set(measures())
    for operator, on_spark, planned in (counted, country, weeks):
        here = counting.count(operator.settings, planned.buckets)
        there = counting.count(on_spark, planned.buckets)
        assert set(here) == set(there) == set(planned.buckets[0].measures)
        assert unequal(here, there) == []
        finished = [
            {name: measures()[name].finish(table, planned.scope) for name, table in counts.items()}
            for counts in (here, there)
        ]
        assert unequal(*finished) == []
        never -= {name for name, table in here.items() if max(table["people"].to_pylist(), default=0) > 0}
    assert never == set(), "nobody was counted, so nothing was compared"


def test_every_measure_counts_the_same_with_everybody_s_part_bounded(counted: Any) -> None:
    operator, on_spark, planned = counted
    rule = Rule(Unit.DAY, 1.0)
    here, there = (
        {name: found.counts for name, found in private.private_counts(settings, planned, rule).items()}
        for settings in (operator.settings, on_spark)
    )
    assert here
    assert unequal(here, there) == []


def test_every_derivation_gives_the_same_rows_on_both_engines(counted: Any) -> None:
    _, on_spark, planned = counted
    assert derivations()
    with Cluster(on_spark) as cluster:
        for name, derivation in derivations().items():

            def rows(bucket: counting.Bucket, of: Derivation = derivation) -> list[pa.Table]:
                if any(one.kept for one in measuring.sources(of)):  # type: ignore[union-attr]
                    return [counting.derive_bucket(bucket, of)]
                windows = (given for given, _ in counting.each_window(bucket, bucket.windows, of))
                return [each if isinstance(each, pa.Table) else _columns(each) for each in windows]

            def _columns(events: Any) -> pa.Table:
                arrays = {name: value for name, value in vars(events).items() if isinstance(value, np.ndarray)}
                return pa.Table.from_arrays([pa.array([value]) for value in arrays.values()], list(arrays))

            buckets = runs.buckets_for(planned, derivation)
            for here, there in zip(map(rows, buckets), cluster.map(rows, buckets), strict=True):
                assert len(here) == len(there) > 0, name
                assert all(map(equal, here, there)), name


def test_what_one_engine_kept_the_other_finds(counted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    operator, on_spark, _ = counted
    planned = runs.plan(operator.settings, operator.database, operator.project)
    there = counting.count(on_spark, planned.buckets)
    monkeypatch.setattr(counting, "read_events", lambda *_: pytest.fail("counted anew"))
    assert unequal(counting.count(operator.settings, planned.buckets), there) == []


def test_a_damaged_segment_is_named_as_on_one_machine(counted: Any) -> None:
    operator, on_spark, planned = counted
    file = max((operator.store().folder / "events").rglob("*.parquet"))
    file.write_bytes(b"PAR1" + bytes(100))
    said = []
    for settings in (operator.settings, on_spark):
        with pytest.raises(Damaged) as raised:
            map_buckets(settings, counting.count_bucket, planned.buckets)
        said.append(str(raised.value))
    assert said[0] == said[1]
    assert str(file) in said[0]


# Import ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def segments(operator: Any, store: str = "events") -> dict[str, list[tuple[Any, ...]]]:
    """What each epoch's manifest says of its segments, but for the files they lie in."""
    found = {}
    for number, epoch in enumerate(operator.book().epochs):
        kept: Sequence[Segment] = operator.store(number).manifest.segments
        found[epoch.name] = [(s.bucket, s.start, s.end, s.rows, s.digest) for s in kept if s.store == store]
    return found


def rejects(operator: Any) -> list[tuple[Any, ...]]:
    """Every rejected row."""
    return sorted(tuple(str(value) for value in row.values()) for row in operator.rejects())


def import_on_both(on: Callable[..., Any], *imports: Callable[[Any], Any], **choices: Any) -> tuple[Any, Any]:
    """Have both engines do the same imports, and see that they came to the same."""
    here, there = on("here", **choices), on("there", "local[2]", **choices)
    for step in imports:
        reports = [step(operator) for operator in (here, there)]
        assert reports[0] == reports[1]
    assert segments(here) == segments(there)
    assert here.stored() == there.stored()
    assert rejects(here) == rejects(there)
    return here, there


def test_every_import_comes_to_the_same_segments_rejects_and_reports(on: Callable[..., Any]) -> None:
    header = "number,time,cell,kind,other,seconds"
    some, more, late = lines(400), lines(300, seed=2), lines(60, seed=3)

    def files_of_all_kinds(operator: Any) -> Any:
        plain = operator.events("plain.csv", some)
        marked = operator.write(
            "marked.csv", ("\ufeff" + "\r\n".join([header, *more])).encode()
        )  # its last line is open
        packed = operator.write("packed.csv.zst", zstandard.compress("\n".join([header, *lines(100, seed=5)]).encode()))
        return operator.import_(plain, marked, packed)

    def after_objections_and_with_more_buckets(operator: Any) -> Any:
        custody.forget(operator.settings, operator.database, operator.project, ["23276550003", "23276550004"], "os:x")
        for number in range(2):
            split_buckets(operator.store(number), 4)
        return operator.import_(operator.events("late.csv", late), operator.events("none.csv", []))

    here, there = import_on_both(on, files_of_all_kinds, after_objections_and_with_more_buckets)
    assert {row["reason"] for row in here.rejects()} >= {
        *("duplicate", "objected", "unknown cell", "malformed line", "bad kind", "bad duration", "bad timestamp"),
    }
    assert sorted(segments(there)) == ["2025", "2026"]
    assert there.store().manifest.bucket_bits == 4
    assert there.store().manifest.cells == here.store().manifest.cells
    custody.destroy_key(there.settings, there.database, there.project, "2025", "os:x", None)
    with pytest.raises(Refused, match="the key of epoch 2025 has been destroyed"):
        there.import_(there.events("later.csv", lines(100, seed=6)))


def test_a_file_of_many_blocks_is_one_file_and_parquet_is_read_by_the_same_rules(
    on: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 4096)
    rows = [line.split(",") for line in lines(200, seed=2) if line.count(",") == 5]
    names = ("number", "time", "cell", "kind", "other", "seconds")

    def text(operator: Any) -> Any:
        return operator.import_(operator.events("calls.csv", lines(600)))

    def parquet(operator: Any) -> Any:
        mapping = operator.mapping.read_text().replace("[source]", '[source]\nformat = "parquet"')
        path = operator.folder / "calls.parquet"
        pq.write_table(pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), path)
        return operator.import_(path, mapping=str(operator.write("parquet.toml", mapping)))

    here, _ = import_on_both(on, text, parquet)
    reader = Reader(read_layout(here.mapping), {}, (0, 1), lambda times: times, lambda epoch: b"")
    assert len(pieces.survey(reader, pieces.whole(here.folder / "calls.csv", 0)).pieces) > 6


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("columns.csv", "number,when\n1,2\n", "'time' is not there"),
        ("lines.csv", "number,time,cell,kind,other,seconds\n" + "x,y,z,call,,\n" * 5, "none of its rows can be used"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_the_same_words(
    on: Callable[..., Any], name: str, content: Any, expected: str
) -> None:
    said = []
    for operator in (on("here"), on("there", "local[2]")):
        with pytest.raises(InputError, match=expected) as raised:
            operator.import_(operator.events("good.csv", lines(50)), operator.write(name, content))
        said.append(str(raised.value).replace(str(operator.folder), ""))
        assert all(not found for found in segments(operator).values())
        assert not list(operator.settings.store.rglob("staging/*"))
    assert said[0] == said[1]


# Interrupted ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Killed(BaseException):
    """What ends a process without a word."""


def test_killed_on_either_engine_it_comes_to_the_same_when_it_is_run_again(
    on: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = on("here"), on("there")
    expected = here.import_(here.events("calls.csv", lines(300)))
    file = there.events("calls.csv", lines(300))
    with monkeypatch.context() as patched:  # on threads, with everything staged
        patched.setattr(importing.Import, "_merge", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            there.import_(file)
    there.settings = there.settings.on_engine("local[2]")
    with monkeypatch.context() as patched:  # on Spark, with one of two epochs committed
        really, commits = spreading.commit, list[None]()

        def dies(*said: Any) -> None:
            if commits:
                raise Killed
            commits.append(None)
            really(*said)

        patched.setattr(spreading, "commit", dies)
        with pytest.raises(Killed):
            there.import_(file)
    assert [bool(found) for found in segments(there).values()] == [True, False]
    there.settings = there.settings.on_engine("threads")
    with pytest.raises(Conflict, match="begun on Spark"):
        there.import_(file)
    there.settings = there.settings.on_engine("local[2]")
    assert there.import_(file) == expected
    assert segments(here) == segments(there)
    assert rejects(here) == rejects(there)
    assert not list(there.settings.store.rglob("staging/*"))


def test_a_file_that_changes_while_it_is_read_is_not_taken(on: Callable[..., Any]) -> None:
    operator = on("operator")
    file = operator.events("calls.csv", lines(20))
    piece = pieces.whole(file, 0)
    operator.events("calls.csv", lines(21))
    with pytest.raises(Conflict, match="changes while it is read"):
        next(piece.turns(Reader(read_layout(operator.mapping), {}, (0, 1), abs, abs), Reading(file)))


# Secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_travels_is_sealed_and_its_key_goes_with_the_import(
    on: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = on("operator", "local[2]")
    seen: list[tuple[Any, bytes]] = []
    really = spreading.Cluster.shuffle

    def watched(cluster: Cluster, function: Any, references: Any, partitions: int) -> Any:
        seen.extend(record for reference in references for record in function(reference))
        seen.append(((), _pickled(function, references)))
        return really(cluster, function, references, partitions)

    monkeypatch.setattr(spreading.Cluster, "shuffle", watched)
    transit.begin(operator.settings.keys, operator.project.name, "of an import that was killed")
    operator.import_(operator.events("calls.csv", lines(100)))
    assert len(seen) > 10
    secrets = [bytes.fromhex(SECRET), SECRET.encode(), b"2327655"]
    secrets += [int(row["subscriber"]).to_bytes(8, "little", signed=True) for row in operator.stored()]
    for key, content in seen:
        assert not [secret for secret in secrets if secret in content], key
    assert not list(operator.settings.keys.rglob("*.transit"))


def _pickled(*things: Any) -> bytes:
    from pyspark import cloudpickle

    return bytes(cloudpickle.dumps(things))


def test_a_piece_that_was_altered_or_brought_elsewhere_is_refused(tmp_path: Path) -> None:
    transit.begin(tmp_path, "p", "i")
    sealing = transit.opened(tmp_path, "p", "i")
    assert transit.key_path(tmp_path, "p", "i").stat().st_mode & 0o077 == 0
    sealed = sealing.seal(pa.table({"n": [1]}), (1, 2))
    for content, place in [(sealed, (1, 3)), (sealed[:-1] + bytes([sealed[-1] ^ 1]), (1, 2))]:
        with pytest.raises(Damaged, match="altered on their way"):
            sealing.open(content, place)
    transit.end(tmp_path, "p")
    with pytest.raises(CommonwealError, match="the key of this import is not there"):
        transit.opened(tmp_path, "p", "i")


def test_events_of_an_epoch_that_is_not_made_are_not_hashed_but_told(on: Callable[..., Any]) -> None:
    opened = workers._Opened.__new__(workers._Opened)
    opened.work = type("Work", (), {"epochs": ()})()
    with pytest.raises(workers.EpochsMissing) as raised:
        opened.of_times(np.array([5, 86400 * 3, 86400 * 3 + 7]))
    assert raised.value.moments == [5, 86400 * 3]
