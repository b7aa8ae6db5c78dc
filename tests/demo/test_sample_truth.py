"""The truth beside the sample records is what an independent count of the records, and of people, finds."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commonweal.core.areas import natural_earth
from commonweal.demo.landscape import Ground, survey

FIELDS = 10


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


@pytest.fixture(scope="module")
def cells(ordinary: Path) -> dict[str, list[tuple[str, str, str]]]:
    """For each cell its versions: valid from, valid to, area."""
    with (ordinary / "cells.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    areas = natural_earth(["GN", "LR", "SL"])
    at = areas.locate(np.array([float(r["lon"]) for r in rows]), np.array([float(r["lat"]) for r in rows]))
    versions: dict[str, list[tuple[str, str, str]]] = {}
    for row, index in zip(rows, at, strict=True):
        versions.setdefault(row["cell"], []).append((row["valid_from"], row["valid_to"], areas.codes[index]))
    return versions


@pytest.fixture(scope="module")
def readable(ordinary: Path, cells: dict[str, list[tuple[str, str, str]]]) -> list[tuple[str, datetime, str]]:
    """Number, time and area of every row an importer can use, each once, by number and time."""
    kept = set()
    for path in sorted((ordinary / "events").iterdir()):
        for row in rows_of(path):
            if len(row) != FIELDS or row[2] not in cells:
                continue
            at = moment(row[1])
            if at is None or not datetime(2026, 3, 1, tzinfo=UTC) <= at < datetime(2026, 3, 8, tzinfo=UTC):
                continue
            text = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            [area] = [
                area for start, end, area in cells[row[2]] if (not start or start <= text) and (not end or text < end)
            ]
            kept.add((row[0], at, area))
    return sorted(kept)


def test_presence_seen_is_what_the_records_show(ordinary: Path, readable: list[tuple[str, datetime, str]]) -> None:
    hours = {(number, at.replace(minute=0, second=0), area) for number, at, area in readable}
    days = {(number, at.date(), area) for number, at, area in readable}
    table = pq.read_table(ordinary / "truth" / "presence.parquet")
    told = {
        (period, start.replace(tzinfo=UTC), area): seen
        for period, start, area, seen in zip(
            table["period"].to_pylist(),
            table["start"].cast(pa.timestamp("s")).to_pylist(),
            table["area"].to_pylist(),
            table["subscribers_seen"].to_pylist(),
            strict=True,
        )
        if seen
    }
    counted = Counter(("hour", hour, area) for _, hour, area in hours)
    counted += Counter(("day", datetime(d.year, d.month, d.day, tzinfo=UTC), area) for _, d, area in days)
    assert told == counted


def test_flows_seen_are_what_the_records_show(ordinary: Path, readable: list[tuple[str, datetime, str]]) -> None:
    moved = {
        (a[2], b[2], b[1].date(), b[0])
        for a, b in pairwise(readable)
        if a[0] == b[0] and a[1].date() == b[1].date() and a[2] != b[2]
    }
    counted = Counter((origin, destination, day) for origin, destination, day, _ in moved)
    table = pq.read_table(ordinary / "truth" / "flows.parquet")
    starts = [start.date() for start in table["start"].cast(pa.timestamp("s")).to_pylist()]
    keys = zip(table["origin"].to_pylist(), table["destination"].to_pylist(), starts, strict=True)
    told = {key: seen for key, seen in zip(keys, table["subscribers_seen"].to_pylist(), strict=True) if seen}
    assert told == counted


def test_the_home_seen_is_where_most_days_end(ordinary: Path, readable: list[tuple[str, datetime, str]]) -> None:
    last = {(number, at.date()): area for number, at, area in readable}
    ends: dict[str, list[str]] = {}
    for (number, _), area in sorted(last.items()):
        ends.setdefault(number, []).append(area)
    homes = {
        number: max(areas, key=lambda area: (areas.count(area), max(i for i, a in enumerate(areas) if a == area)))
        for number, areas in ends.items()
    }
    table = pq.read_table(ordinary / "truth" / "homes_seen.parquet")
    assert dict(zip(table["msisdn"].to_pylist(), table["area"].to_pylist(), strict=True)) == homes


def test_planted_faults_are_found_in_the_files_and_nothing_else(
    ordinary: Path, cells: dict[str, list[tuple[str, str, str]]]
) -> None:
    told = json.loads((ordinary / "truth" / "faults.json").read_text())["files"]
    earlier: set[tuple[str, ...]] = set()
    for path in sorted((ordinary / "events").iterdir()):
        rows = rows_of(path)
        found = dict.fromkeys(told[path.name], 0) | {"rows": len(rows)}
        today: set[tuple[str, ...]] = set()
        for row in rows:
            key = tuple(row)
            at = moment(row[1]) if len(row) > 1 else None
            if len(row) != FIELDS:
                found["malformed"] += 1
            elif at is None:
                found["bad_timestamp"] += 1
            elif not datetime(2026, 3, 1, tzinfo=UTC) <= at < datetime(2026, 3, 8, tzinfo=UTC):
                found["out_of_period"] += 1
            elif row[2] and row[2] not in cells:
                found["unknown_cell"] += 1
            else:
                found["without_cell"] += not row[2]
                if key in today:
                    found["duplicate"] += 1
                elif at.date().isoformat() != path.name[:10]:
                    found["duplicate_of_earlier_file" if key in earlier else "late"] += 1
            today.add(key)
        earlier |= today
        assert found == told[path.name]
    total = json.loads((ordinary / "truth" / "faults.json").read_text())["total"]
    assert all(count > 0 for count in total.values())


def test_fewer_are_seen_than_are_there(ordinary: Path) -> None:
    there, seen, people = duckdb.execute(
        f"""SELECT sum(subscribers), sum(subscribers_seen), sum(people) FROM '{ordinary}/truth/presence.parquet'
            WHERE period = 'hour'"""
    ).fetchall()[0]
    assert 0.1 * there < seen < 0.5 * there
    assert people < there


def test_everybody_is_somewhere_every_day(ordinary: Path) -> None:
    rows = duckdb.execute(
        f"""SELECT epoch(start), sum(population) FROM '{ordinary}/truth/presence.parquet'
            WHERE period = 'hour' AND hour(start) = 3 GROUP BY 1"""
    ).fetchall()
    [(population,)] = duckdb.execute(f"SELECT sum(population) FROM '{ordinary}/truth/areas.parquet'").fetchall()
    assert len(rows) == 7
    for _, there in rows:
        assert there == pytest.approx(population, rel=0.02)


def test_homes_lie_where_people_live(ordinary: Path) -> None:
    areas = pq.read_table(ordinary / "truth" / "areas.parquet").to_pandas().set_index("area")
    share = areas["people"] / areas["people"].sum()
    expected = areas["population"] / areas["population"].sum()
    assert np.corrcoef(share, expected)[0, 1] > 0.95


def test_a_home_lies_in_its_area(ordinary: Path) -> None:
    homes = pq.read_table(ordinary / "truth" / "homes.parquet").to_pandas()
    homes = homes[homes["kind"] == "resident"]
    areas = natural_earth(["GN", "LR", "SL"])
    located = areas.locate(homes["lon"].to_numpy(), homes["lat"].to_numpy())
    assert [areas.codes[index] for index in located] == homes["area"].tolist()


def test_the_homes_of_a_subscriber_follow_one_another_without_overlap(ordinary: Path) -> None:
    [(overlaps,)] = duckdb.execute(
        f"""SELECT count(*) FROM (SELECT valid_from, lag(valid_to) OVER (PARTITION BY msisdn ORDER BY valid_from) AS t
            FROM '{ordinary}/truth/homes.parquet') WHERE valid_from < t"""
    ).fetchall()
    assert overlaps == 0


def test_no_event_is_recorded_on_a_silent_cell(ordinary: Path) -> None:
    [(events, outages)] = duckdb.execute(
        f"""SELECT count(e.cell_id), count(*) FROM '{ordinary}/truth/outages.parquet' AS o
            LEFT JOIN read_csv('{ordinary}/events/*.csv', all_varchar = true, header = true, ignore_errors = true) AS e
              ON e.cell_id = o.cell AND epoch(try_cast(e.start_time AS TIMESTAMP)) >= epoch(o.start)
             AND epoch(try_cast(e.start_time AS TIMESTAMP)) < epoch(o.end)"""
    ).fetchall()
    assert outages > 50
    assert events == 0


def test_a_subscriber_has_no_event_before_or_after_its_time(ordinary: Path) -> None:
    [(outside, limited)] = duckdb.execute(
        f"""SELECT count(*) FILTER (epoch(t) < epoch(starts) OR epoch(t) >= epoch(ends)), count(*)
            FROM (SELECT msisdn, try_cast(start_time AS TIMESTAMP) AS t FROM
                  read_csv('{ordinary}/events/*.csv', all_varchar = true, header = true, ignore_errors = true))
            JOIN '{ordinary}/truth/subscribers.parquet' USING (msisdn)
            WHERE t BETWEEN '2026-03-01' AND '2026-03-08' AND (starts IS NOT NULL OR ends IS NOT NULL)"""
    ).fetchall()
    assert limited > 100
    assert outside == 0


def test_rural_people_are_spread_as_the_2014_populations_say(shared: Path) -> None:
    ground = Ground(areas=shared / "data" / "geo" / "wa3_districts_63.geojson", code_field="pcode")
    geography = survey(ground)
    with (shared / "data" / "geo" / "wa3_population_63.csv").open(encoding="utf-8") as file:
        census = {row["pcode"]: float(row["population_2014e"]) for row in csv.DictReader(file)}
    counted = [census[code] for code in geography.areas.codes]
    assert np.corrcoef(geography.population, counted)[0, 1] > 0.8
    assert geography.population.sum() == pytest.approx(24.88e6, rel=0.01)
