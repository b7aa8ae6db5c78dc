"""The same measures with other tools, for `scripts/bench mobility --others`: pandas, Spark SQL, and tools of the field.

pandas and Spark SQL read the plain file that SQL on DuckDB reads: sorted, typed and located already. Tools of the field
compute the radius of gyration of the first subscribers, person by person, from tables in memory: see `field_tools`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

THREADS = 2
SUBSCRIBERS = 500
"""Whose radius of gyration the tools of the field compute: they take milliseconds for each."""
FIELD = ("scikit-mobility", "bandicoot")


class NoFigure(Exception):
    """Why there is no figure of a tool."""


def measure_by_pandas(folder: Path) -> float:
    """Presence by hour and by day, home and flows in pandas."""
    import pandas as pd  # type: ignore[import-untyped]

    begun = perf_counter()
    event = pd.read_parquet(folder / "plain.parquet")
    event = event[event["area"] >= 0]
    day = event["time"] // 86400
    for unit in (3600, 86400):
        of = event.assign(unit=event["time"] // unit)[["area", "unit", "subscriber"]].drop_duplicates()
        of.groupby(["area", "unit"]).size()
    last = event.assign(day=day).drop_duplicates(["subscriber", "day"], keep="last")
    often = last.groupby(["subscriber", "area"])["day"].agg(["size", "max"]).reset_index()
    often.sort_values(["size", "max"]).drop_duplicates("subscriber", keep="last").groupby("area").size()
    before = event.assign(day=day, origin=event["area"].shift(), who=event["subscriber"].shift(), on=day.shift())
    moved = (before["who"] == before["subscriber"]) & (before["on"] == before["day"])
    went = before[moved & (before["origin"] != before["area"])]
    went[["day", "origin", "area", "subscriber"]].drop_duplicates().groupby(["day", "origin", "area"]).size()
    return perf_counter() - begun


def measure_by_spark_sql(folder: Path) -> float:
    """Compute the same tables in SQL on Spark's local engine, its start left out."""
    from pyspark.sql import SparkSession

    from mobility import SQL

    spark = (
        SparkSession.builder.master(f"local[{THREADS}]")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.shuffle.partitions", 8)
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    spark.read.parquet(str(folder / "plain.parquet")).createOrReplaceTempView("event")
    spark.sql("SELECT count(*) FROM event").collect()
    begun = perf_counter()
    for query in SQL.values():
        said = query.replace("arg_max", "max_by").replace("//", "div")
        spark.sql(said).write.format("noop").mode("overwrite").save()
    took = perf_counter() - begun
    spark.stop()
    return took


def write_walks(folder: Path) -> None:
    """Write the events of the first subscribers, each at a point of its area, for the tools of the field."""
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.ParquetFile(folder / "plain.parquet").read_row_group(0)
    subscriber, time, area = (table[name].to_numpy() for name in ("subscriber", "time", "area"))
    chosen = np.flatnonzero((subscriber < np.unique(subscriber)[SUBSCRIBERS]) & (area >= 0))
    points = np.random.default_rng(0).uniform((-15.0, 4.0), (-8.0, 12.0), (200, 2))
    lon, lat = points[area[chosen]].T
    np.savez(
        folder / "walks.npz", subscriber=subscriber[chosen], time=time[chosen], area=area[chosen], lon=lon, lat=lat
    )


def of_the_field(folder: Path, name: str, python: Path, limit: float) -> tuple[float, int]:
    """Give the seconds that the radius of gyration of the first subscribers takes a tool, and of how many events.

    Raises
    ------
    NoFigure
        It is not installed there, cannot be imported, or took too long.
    """
    script = Path(__file__).with_name("field_tools.py")
    said = [str(python), "-W", "ignore", str(script), name, str(folder / "walks.npz")]
    try:
        run = subprocess.run(said, capture_output=True, text=True, timeout=limit, check=False)
    except OSError as error:
        raise NoFigure(str(error)) from None
    except subprocess.TimeoutExpired:
        raise NoFigure(f"stopped after {limit:g} s") from None
    if run.returncode:
        raise NoFigure(run.stderr.strip().rpartition("\n")[2])
    seconds, events = run.stdout.split()[-2:]
    return float(seconds), int(events)


def walks(folder: Path) -> float:
    """Events a second of the measure ``radius_of_gyration`` and the homes beside it, from the store to its counts."""
    from dataclasses import replace

    from commonweal.mobility.counting import count
    from mobility import _plan

    settings, planned = _plan(folder, ("home", "radius_of_gyration"))
    buckets = [replace(bucket, keep=False) for bucket in planned.buckets]
    count(settings, buckets[:1])
    begun = perf_counter()
    count(settings, buckets)
    ends = planned.buckets[0].ends
    events = sum(segment.rows for segment in planned.store.manifest.events() if segment.start < ends)
    return float(events / (perf_counter() - begun))


TABLES: dict[str, Callable[[Path], float]] = {"pandas": measure_by_pandas, "Spark SQL": measure_by_spark_sql}


def within(limit: float, step: Callable[[Path], float], folder: Path) -> float:
    """Give the seconds a step says it took, in a process of its own that is ended with all it started after a limit.

    Raises
    ------
    NoFigure
        It took longer, or failed.
    """
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    process = context.Process(target=_answer, args=(step, folder, answers))
    process.start()
    process.join(limit)
    if process.is_alive():
        os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        raise NoFigure(f"stopped after {limit:g} s, its start included")
    if process.exitcode:
        raise NoFigure("failed")
    return float(answers.get())


def _answer(step: Callable[[Path], float], folder: Path, answers: Any) -> None:
    os.setpgrp()  # so that what it starts, such as Java, ends with it
    answers.put(step(folder))


def beside(folder: Path, millions: float, limit: float, python: Path) -> list[tuple[str, float | str, str]]:
    """Measure with other tools, in turns with ours; needs what `figures` leaves in the folder.

    Parameters
    ----------
    folder
        Where.
    millions
        Events there.
    limit
        Seconds that one other tool may take.
    python
        That of the environment in which tools of the field are installed.
    """
    from mobility import best, everything, measure, timed

    rows: list[tuple[str, float | str, str]] = []
    for name, step in TABLES.items():
        ours = best(measure, folder, 2)
        try:
            theirs = within(limit, step, folder)
        except NoFigure as why:
            rows.append((f"{name} / measures (times faster)", str(why), ""))
            continue
        rows.append((f"{name} / measures (times faster)", theirs / ours, ""))
        each = f"{theirs / millions * 1e3:.0f}, {ours / millions * 1e3:.0f}"
        rows.append((f"ns an event: {name}, measures", each, ""))
    write_walks(folder)
    for name in FIELD:
        ours = timed(walks, folder)[0]
        try:
            seconds, events = of_the_field(folder, name, python, limit)
        except NoFigure as why:
            rows.append((f"radius of gyration: {name}", str(why), ""))
            continue
        theirs = seconds / events
        rows.append((f"radius of gyration: times faster than {name}", theirs * ours, ""))
        rows.append((f"ns an event: {name}, ours with homes", f"{theirs * 1e9:.0f}, {1e9 / ours:.0f}", ""))
    seconds, gigabytes = timed(everything, folder)
    rows.append(("million events/s: every measure but EM", millions / seconds, "at least 4"))
    rows.append(("peak memory of every measure, GB", gigabytes, "below 4"))
    return rows
