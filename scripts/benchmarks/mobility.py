"""Import and measures on generated events, as ratios to DuckDB and to a bare scan in the same run.

Every step runs in a process of its own, so that its memory is its own, and the steps that are compared take turns.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

DAYS = 30
CELLS = 3_000
EVENTS_EACH = 50
FIRST = datetime(2026, 4, 1, tzinfo=UTC)
SECONDS = DAYS * 86400 + 3600  # the first hour of the next month closes the month
THREADS = 2
MEASURES = ("presence", "home", "flows")


class Took(NamedTuple):
    """How long something took: by the clock, and of the processor in all threads, seconds."""

    clock: float
    processor: float


def clocked(work: Callable[[], object]) -> Took:
    """Do some work and say how long it took."""
    begun, worked = perf_counter(), process_time()
    work()
    return Took(perf_counter() - begun, process_time() - worked)


LAYOUT = """
[time]
column = "start_time"
format = "iso"
[columns]
subscriber = "msisdn"
cell = "cell_id"
kind = "kind"
direction = "direction"
counterpart = "counterpart"
duration = "duration"
home_plmn = "home_plmn"
serving_plmn = "serving_plmn"
tac = "tac"
"""

# A subscriber has a home cell, is at one of three others a third of the time, and calls those who are often called.
EVENTS = """
COPY (
    WITH event AS (
        SELECT i, hash(i * 7 + 1) % {subscribers} AS who, hash(i * 11 + 3) % {subscribers} AS other,
               hash(i * 3) % 10 AS what, i * {seconds} // {events} AS second,
               CASE WHEN hash(i // 3 * 13) % 3 = 0 THEN 1 + hash(i * 17) % 3 ELSE 0 END AS place
        FROM range({events}) AS t(i))
    SELECT '232' || (76000000 + who) AS msisdn,
           strftime(TIMESTAMP '2026-04-01' + to_seconds(second), '%Y-%m-%d %H:%M:%S') AS start_time,
           'C' || ((hash(who) + place * 7) % {cells}) AS cell_id,
           CASE what WHEN 0 THEN 'sms' WHEN 1 THEN 'call' WHEN 2 THEN 'call' ELSE 'data' END AS kind,
           CASE WHEN hash(i * 5) % 2 = 0 THEN 'out' ELSE 'in' END AS direction,
           CASE WHEN what < 3 THEN '232' || (76000000 + other) END AS counterpart,
           CASE WHEN what IN (1, 2) THEN hash(i) % 600 END AS duration,
           '61901' AS home_plmn, '61901' AS serving_plmn, 35000000 + who % 500 AS tac
    FROM event ORDER BY i
) TO '{path}' (HEADER)
"""

# The four tables in SQL, over events that are sorted, typed and already joined to their areas.
SQL = {
    "presence by hour": """SELECT area, time // 3600, count(DISTINCT subscriber) FROM event GROUP BY ALL""",
    "presence by day": """SELECT area, time // 86400, count(DISTINCT subscriber) FROM event GROUP BY ALL""",
    "home": """
        WITH last AS (SELECT subscriber, time // 86400 AS day, arg_max(area, time) AS area FROM event GROUP BY ALL),
             often AS (SELECT subscriber, area, count(*) AS days, max(day) AS latest FROM last GROUP BY ALL),
             home AS (SELECT subscriber, arg_max(area, days * 1000 + latest) AS area FROM often GROUP BY ALL)
        SELECT area, count(*) FROM home GROUP BY ALL""",
    "flows": """
        WITH step AS (SELECT subscriber, time // 86400 AS day, area,
                             lag(area) OVER (PARTITION BY subscriber, time // 86400 ORDER BY time) AS origin FROM event)
        SELECT day, origin, area, count(DISTINCT subscriber) FROM step WHERE origin <> area GROUP BY ALL""",
}


def generate(folder: Path, millions: float, each: int = EVENTS_EACH) -> None:
    """Write the events, so many of each subscriber, and the cells that a step works on."""
    import duckdb
    import numpy as np

    from commonweal.core.areas import natural_earth

    events = int(millions * 1e6)
    areas = natural_earth(("GN", "LR", "SL"))
    rng = np.random.default_rng(0)
    west, south, east, north = areas.bounds
    points = rng.uniform((west, south), (east, north), (20 * CELLS, 2))
    points = points[areas.locate(points[:, 0], points[:, 1]) >= 0][:CELLS]
    rows = [f"C{number},{lon:.5f},{lat:.5f}" for number, (lon, lat) in enumerate(points)]
    (folder / "cells.csv").write_text("\n".join(["cell,lon,lat", *rows]) + "\n")
    (folder / "mapping.toml").write_text(LAYOUT)
    duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(folder / "spill")}).execute(
        EVENTS.format(
            subscribers=events // each, seconds=SECONDS, events=events, cells=CELLS, path=folder / "events.csv"
        )
    )


def import_by_duckdb(folder: Path) -> None:
    """Read the same CSV and write it sorted: typed, without pseudonyms, rejects or encryption."""
    import duckdb

    duckdb.connect(config={"threads": THREADS, "memory_limit": "8GB", "temp_directory": str(folder / "spill")}).execute(
        f"COPY (FROM read_csv('{folder / 'events.csv'}') ORDER BY msisdn, start_time)"
        f" TO '{folder / 'sorted.parquet'}' (COMPRESSION lz4)"
    )


def import_by_us(folder: Path, engine: str = "threads") -> None:
    """Import into a new project."""
    from commonweal.core import audit
    from commonweal.domains import initialise
    from commonweal.mobility.cell_files import read_cells
    from commonweal.mobility.cells import empty_register, write_register
    from commonweal.mobility.epochs import EpochBook
    from commonweal.mobility.importing import Import, Request
    from commonweal.mobility.layout import read_layout
    from commonweal.mobility.projects import Project, create_project
    from commonweal.mobility.spreading import SpreadImport
    from commonweal.mobility.store import project_folder

    for name in ("data", "keys"):
        shutil.rmtree(folder / name, ignore_errors=True)
    home = initialise(folder / "data", folder / "keys")
    settings = home.settings.model_copy(update={"threads": THREADS}).on_engine(engine)
    project = create_project(home.database, Project("bench", area_set="natural-earth:GN,LR,SL"), audit.who())
    layout = read_layout(folder / "mapping.toml")
    register = empty_register().with_versions(read_cells(folder / "cells.csv", layout))
    where = project_folder(settings.store, "bench")
    where.mkdir(parents=True)
    write_register(where, register)
    first = int(FIRST.timestamp())
    request = Request([folder / "events.csv"], layout, register, (first, first + SECONDS))
    way = Import if engine == "threads" else SpreadImport
    _, remove_staged = way(EpochBook(settings, home.database, project), request).run()
    remove_staged()


def _plan(folder: Path, names: Sequence[str] = MEASURES) -> Any:
    from commonweal.core.database import connect
    from commonweal.core.settings import load
    from commonweal.mobility import runs
    from commonweal.mobility.projects import get_project

    settings = load(folder / "data").model_copy(update={"threads": THREADS})
    database = connect(settings)
    last = (FIRST + timedelta(days=DAYS)).date()
    project = get_project(database, "bench")
    return settings, runs.plan(settings, database, project, FIRST.date(), last, names=names)


def scan(folder: Path) -> Took:
    """Read subscriber, time and cell of every event, and do nothing with them."""
    _, planned = _plan(folder)
    segments = [s for s in planned.store.manifest.events() if s.start < planned.buckets[0].ends]

    def read(segment: Any) -> int:
        return len(planned.store.read(segment.file, ("subscriber", "time", "cell")))

    def read_all() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            assert sum(pool.map(read, segments)) > 0

    return clocked(read_all)


def measure(folder: Path) -> Took:
    """Count presence, home and flows, keeping nothing."""
    from dataclasses import replace

    from commonweal.mobility.counting import count

    settings, planned = _plan(folder)
    buckets = [replace(bucket, keep=False) for bucket in planned.buckets]
    count(settings, buckets[:1])  # loads what was compiled
    return clocked(lambda: count(settings, buckets))


def stays(folder: Path) -> Took:
    """Clean events, settle ping-pong and cut stays, keeping nothing."""
    from dataclasses import replace

    from commonweal.core.engine import keyed_counts, map_buckets
    from commonweal.mobility.counting import Bucket, derive_bucket
    from commonweal.mobility.runs import buckets_for
    from commonweal.mobility.stays.derivations import STAYS

    settings, planned = _plan(folder)
    buckets = [replace(bucket, keep=False) for bucket in buckets_for(planned, STAYS)]

    def count(bucket: Bucket) -> dict[str, Any]:
        return {"stays": keyed_counts({}, {"segments": [derive_bucket(bucket, STAYS).num_rows]})}

    map_buckets(settings, count, buckets[:1])  # loads what was compiled
    return clocked(lambda: map_buckets(settings, count, buckets))


def everything(folder: Path) -> Took:
    """Count every measure but the one that estimates by EM in one run, keeping nothing."""
    from dataclasses import replace

    from commonweal.mobility.counting import count
    from commonweal.mobility.measure import measures

    settings, planned = _plan(folder, [name for name, one in measures().items() if not one.coverage])
    buckets = [replace(bucket, keep=False) for bucket in planned.buckets]
    count(settings, buckets[:1])  # loads what was compiled
    return clocked(lambda: count(settings, buckets))


def compile_anew(folder: Path) -> Took:
    """Count every measure over one bucket for the first time, where no kernel was compiled before."""
    with tempfile.TemporaryDirectory(dir=folder) as empty:
        os.environ["NUMBA_CACHE_DIR"] = empty
        from commonweal.mobility.counting import count_bucket
        from commonweal.mobility.measure import measures

        _, planned = _plan(folder, [name for name, one in measures().items() if not one.coverage])
        return clocked(lambda: count_bucket(planned.buckets[0]))


def measure_on_spark(folder: Path) -> float:
    """Count the same on Spark's local engine, its start left out: that takes seconds, whatever is counted."""
    from dataclasses import replace

    from commonweal.core.cluster import Cluster
    from commonweal.mobility.counting import count

    settings, planned = _plan(folder)
    settings = settings.on_engine(f"local[{THREADS}]")
    buckets = [replace(bucket, keep=False) for bucket in planned.buckets]
    with Cluster(settings):
        count(settings, buckets[:THREADS])
        begun = perf_counter()
        count(settings, buckets)
        return perf_counter() - begun


def import_on_spark(folder: Path) -> None:
    """Import into a new project on Spark's local engine, its start included."""
    import_by_us(folder, f"local[{THREADS}]")


def measure_by_sql(folder: Path) -> float:
    """Compute the same tables in SQL."""
    import duckdb

    engine = duckdb.connect(config={"threads": THREADS, "memory_limit": "8GB", "temp_directory": str(folder / "spill")})
    engine.execute(f"CREATE VIEW event AS FROM '{folder / 'plain.parquet'}'")
    begun = perf_counter()
    for query in SQL.values():
        engine.execute(f"CREATE OR REPLACE TEMP TABLE result AS {query}")
    return perf_counter() - begun


def prepare_sql(folder: Path) -> None:
    """Give SQL the events it needs: sorted, with their areas, in one plain file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from commonweal.mobility.counting import read_events

    _, planned = _plan(folder)
    with pq.ParquetWriter(
        folder / "plain.parquet",
        pa.schema([("subscriber", pa.int64()), ("time", pa.int32()), ("area", pa.int32())]),
        compression="lz4",
    ) as writer:
        for bucket in planned.buckets:
            segments = planned.store.manifest.events(bucket.number)
            events = read_events(planned.store, bucket, segments, bucket.starts, bucket.ends)
            writer.write_table(pa.table({name: getattr(events, name) for name in ("subscriber", "time", "area")}))


def _child(step: Callable[[Path], Took | float | None], folder: Path, answers: Any) -> None:
    whole: list[Took | float | None] = []
    around = clocked(lambda: whole.append(step(folder)))
    took = whole[0]
    if not isinstance(took, Took):
        took = around if took is None else Took(took, math.nan)
    answers.put((*took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6))


def watched(step: Callable[[Path], Took | float | None], folder: Path) -> tuple[Took, float]:
    """Give what a step says it took (else the whole), and the gigabytes its process held at most."""
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    process = context.Process(target=_child, args=(step, folder, answers))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{step.__name__} failed")
    clock, processor, gigabytes = answers.get()
    return Took(clock, processor), gigabytes


def timed(step: Callable[[Path], Took | float | None], folder: Path) -> tuple[float, float]:
    """Give the seconds that a step took by the clock, and the gigabytes its process held at most."""
    took, gigabytes = watched(step, folder)
    return took.clock, gigabytes


def best(step: Callable[[Path], Took | float | None], folder: Path, rounds: int) -> float:
    """Give the least seconds of several rounds: other work on the machine only ever adds."""
    return min(timed(step, folder)[0] for _ in range(rounds))


def figures(folder: Path, millions: float, rounds: int, spark: bool) -> dict[str, float]:
    """Measure everything at one size."""
    timed(Generation(millions), folder)
    theirs, ours, memory = [], [], 0.0
    for _ in range(max(1, rounds - 1)):
        theirs.append(timed(import_by_duckdb, folder)[0])
        seconds, gigabytes = timed(import_by_us, folder)
        ours.append(seconds)
        memory = max(memory, gigabytes)
    timed(prepare_sql, folder)
    timed(measure, folder)  # compiles, and warms the page cache for all
    timed(stays, folder)
    scans, measures, cut, held, held_by_stays = [], [], [], 0.0, 0.0
    for _ in range(rounds):
        scans.append(timed(scan, folder)[0])
        seconds, gigabytes = timed(measure, folder)
        measures.append(seconds)
        held = max(held, gigabytes)
        seconds, gigabytes = timed(stays, folder)
        cut.append(seconds)
        held_by_stays = max(held_by_stays, gigabytes)
    sql = best(measure_by_sql, folder, 1)
    on_spark = best(measure_on_spark, folder, 1) if spark else math.nan
    stored = sum(path.stat().st_size for path in (folder / "data" / "store").rglob("*.parquet"))
    imported_on_spark = timed(import_on_spark, folder)[0] if spark else math.nan
    return {
        "measures on Spark": on_spark,
        "import on Spark": imported_on_spark,
        "bytes stored": stored,
        "import": min(ours),
        "import by DuckDB": min(theirs),
        "memory of import": memory,
        "scan": min(scans),
        "measures": min(measures),
        "memory of measures": held,
        "stays": min(cut),
        "memory of stays": held_by_stays,
        "measures by SQL": sql,
    }


def every(folder: Path, millions: float, each: int, rounds: int) -> None:
    """Print how fast every measure but the one by EM is in one run, and cleaning with stays alone."""
    timed(Generation(millions, each), folder)
    timed(import_by_us, folder)
    timed(everything, folder)  # compiles, and warms the page cache for all
    timed(stays, folder)
    steps: dict[str, Callable[[Path], Took]] = {
        "bare scan": scan,
        "cleaning, ping-pong, stays": stays,
        "every measure": everything,
    }
    found = {name: [watched(step, folder) for _ in range(rounds)] for name, step in steps.items()}
    compiled = watched(compile_anew, folder)[0]
    print(f"{millions:g} million events, {each} of each subscriber, {DAYS} days, {CELLS:,} cells, {THREADS} threads")
    print(f"{'':<28}{'million events/s':>18}{'by the processor':>18}{'of the scan':>13}{'GB':>7}")
    scanned = min(took.processor for took, _ in found["bare scan"])
    for name, rows in found.items():
        clock, processor = (min(getattr(took, field) for took, _ in rows) for field in Took._fields)
        by_processor = THREADS * millions / processor
        held = max(gigabytes for _, gigabytes in rows)
        print(f"{name:<28}{millions / clock:>18.2f}{by_processor:>18.2f}{scanned / processor:>13.3f}{held:>7.2f}")
    print(f"the first bucket of all, kernels compiled anew: {compiled.processor:.0f} s of a processor")


class Generation:
    """`generate` at a size, as a step that can be sent to another process."""

    def __init__(self, millions: float, each: int = EVENTS_EACH) -> None:
        self.millions, self.each = millions, each
        self.__name__ = "generate"

    def __call__(self, folder: Path) -> None:
        """Generate."""
        generate(folder, self.millions, self.each)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=50, help="events, in millions")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each comparison")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder otherwise")
    parser.add_argument("--spark", action="store_true", help="do the same on Spark's local engine; needs Java")
    parser.add_argument("--others", action="store_true", help="every measure, and other tools that are installed")
    parser.add_argument("--limit", type=float, default=300, help="seconds that one other tool may take")
    parser.add_argument("--beside", type=Path, default=Path("python3"), help="the Python that has tools of the field")
    parser.add_argument("--every", action="store_true", help="only every measure in one run, beside a bare scan")
    parser.add_argument("--each", type=int, default=EVENTS_EACH, help="with --every: events of each subscriber")
    chosen = parser.parse_args(arguments)
    import other_tools

    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        if chosen.every:
            every(Path(folder), chosen.millions, chosen.each, chosen.rounds)
            return
        small = figures(Path(folder), chosen.millions / 10, chosen.rounds, chosen.spark)
        large = figures(Path(folder), chosen.millions, chosen.rounds, chosen.spark)
        others = other_tools.beside(Path(folder), chosen.millions, chosen.limit, chosen.beside) if chosen.others else []
    growth = {name: math.log10(large[name] / small[name]) for name in ("import", "measures", "stays")}
    print(f"{chosen.millions:g} million events, {DAYS} days, {CELLS:,} cells, {THREADS} threads")
    rows: list[tuple[str, float | str, str]] = [
        ("import / DuckDB reading and sorting", large["import"] / large["import by DuckDB"], "at most 2.5"),
        ("scan / measures (speed against a bare scan)", large["scan"] / large["measures"], "at least 0.2"),
        ("SQL / measures (times faster than SQL)", large["measures by SQL"] / large["measures"], "at least 8"),
        ("growth exponent of import", growth["import"], ""),
        ("growth exponent of measures", growth["measures"], "at most 1.05"),
        ("scan / cleaning, ping-pong and stays", large["scan"] / large["stays"], ""),
        ("growth exponent of stays", growth["stays"], "at most 1.05"),
        ("peak memory of stays, GB", large["memory of stays"], ""),
        ("million events/s: cleaning, ping-pong, stays", chosen.millions / large["stays"], "at least 8"),
        ("peak memory of measures, GB", large["memory of measures"], "below 1"),
        ("peak memory of import, GB", large["memory of import"], ""),
        ("million events/s: measures", chosen.millions / large["measures"], ""),
        ("million events/s: import", chosen.millions / large["import"], ""),
    ]
    rows += [
        ("bytes stored an event", large["bytes stored"] / chosen.millions / 1e6, ""),
        ("seconds of import, a tenth", small["import"], ""),
        ("seconds of import", large["import"], ""),
        ("seconds of measures, a tenth", small["measures"], ""),
        ("seconds of measures", large["measures"], ""),
    ]
    if chosen.spark:
        rows += [
            ("measures on Spark / on threads", large["measures on Spark"] / large["measures"], ""),
            ("import on Spark / on threads", large["import on Spark"] / large["import"], ""),
            ("seconds of import on Spark, a tenth", small["import on Spark"], ""),
            ("seconds of import on Spark", large["import on Spark"], ""),
        ]
    rows += others
    for name, value, aim in rows:
        print(f"{name:<46}{value if isinstance(value, str) else format(value, '.2f'):>9}   {aim}")


if __name__ == "__main__":
    main()
