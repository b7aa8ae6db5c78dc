"""The same measures with other tools, for `scripts/bench mobility --others`: pandas, Spark SQL, and tools of the field.

pandas and Spark SQL read the plain file that SQL on DuckDB reads: sorted, typed and located already. Tools of the field
compute the radius of gyration of the first subscribers, person by person, from tables in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

THREADS = 2
SUBSCRIBERS = 500
"""Whose radius of gyration the tools of the field compute: they take milliseconds for each."""


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


def _walks(folder: Path) -> Any:
    """Give the events of the first subscribers, each at a point of its area."""
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.ParquetFile(folder / "plain.parquet").read_row_group(0)
    whose = table["subscriber"].to_numpy()
    table = table.slice(0, int(np.searchsorted(whose, np.unique(whose)[SUBSCRIBERS])))
    points = np.random.default_rng(0).uniform((4.0, -15.0), (12.0, -8.0), (200, 2))
    return table.to_pandas(), points


def walks_by_scikit_mobility(folder: Path) -> float:
    """Events a second of ``skmob.measures.individual.radius_of_gyration``."""
    import numpy as np
    import pandas as pd
    from skmob.measures.individual import radius_of_gyration  # type: ignore[import-not-found]

    events, points = _walks(folder)
    at = points[np.maximum(events["area"].to_numpy(), 0)]
    when = pd.to_datetime(events["time"], unit="s")
    walk = pd.DataFrame({"uid": events["subscriber"], "datetime": when, "lat": at[:, 0], "lng": at[:, 1]})
    begun = perf_counter()
    radius_of_gyration(walk, show_progress=False)
    return len(walk) / (perf_counter() - begun)


def walks_by_bandicoot(folder: Path) -> float:
    """Events a second of ``bandicoot.spatial.radius_of_gyration``."""
    from datetime import datetime, timedelta

    import bandicoot  # type: ignore[import-not-found]
    from bandicoot.core import Position, Record, User  # type: ignore[import-not-found]

    events, points = _walks(folder)
    first, users = datetime(2026, 4, 1), []
    for _, rows in events.groupby("subscriber"):
        user = User()
        user.records = [
            Record("call", "out", "", first + timedelta(seconds=int(time)), 60, Position(str(area)))
            for time, area in zip(rows["time"], rows["area"], strict=True)
        ]
        user.antennas = {str(area): tuple(points[area]) for area in set(rows["area"]) if area >= 0}
        users.append(user)
    begun = perf_counter()
    for user in users:
        bandicoot.spatial.radius_of_gyration(user, groupby=None)
    return len(events) / (perf_counter() - begun)


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


def of_the_field() -> dict[str, Callable[[Path], float]]:
    """Give the tools of the field that are installed beside and can be imported: some are older than this Python."""
    known = {"skmob": walks_by_scikit_mobility, "bandicoot": walks_by_bandicoot}
    found: dict[str, Callable[[Path], float]] = {}
    for name, step in known.items():
        try:
            import_module(name)
        except (ImportError, AttributeError):
            continue
        found[name] = step
    return found
