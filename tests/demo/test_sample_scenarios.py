"""What can be chosen to happen leaves its mark in the records and in the truth."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from commonweal.core.errors import InputError
from commonweal.demo import score_changes
from commonweal.demo.scenarios import parse
from commonweal.mobility.baselines import DaySeries

FREETOWN = "SL-W"


@pytest.fixture(scope="module")
def eventful(sample: Callable[..., Path]) -> Path:
    return sample("festival", "flood", "outbreak")


def value(query: str) -> float:
    return float(duckdb.execute(query).fetchall()[0][0] or 0)


def test_a_festival_draws_people_to_its_town_for_three_days(ordinary: Path, eventful: Path) -> None:
    def goers(folder: Path) -> list[tuple[int, int]]:
        return duckdb.execute(
            f"""SELECT (epoch(depart)::BIGINT - 1772323200) // 86400 AS day, count(*)
                FROM '{folder}/truth/trips.parquet' WHERE purpose = 'festival' GROUP BY 1 ORDER BY 1"""
        ).fetchall()

    assert goers(ordinary) == []
    days = goers(eventful)
    assert [day for day, _ in days] == [1, 2, 3]
    assert all(count > 50 for _, count in days)


def test_a_flood_displaces_people_and_silences_towers(ordinary: Path, eventful: Path) -> None:
    assert value(f"SELECT count(*) FROM '{ordinary}/truth/displaced.parquet'") == 0
    moved = value(f"SELECT count(*) FROM '{eventful}/truth/displaced.parquet'")
    assert moved > 20
    drowned = f"SELECT count(DISTINCT site) FROM '{eventful}/truth/outages.parquet' WHERE cause = 'flood'"
    assert value(drowned) > 2
    # The displaced are at home elsewhere from the day of the flood on.
    assert value(
        f"""SELECT count(DISTINCT person) FROM '{eventful}/truth/homes.parquet' WHERE kind = 'displaced'
            AND epoch(valid_from) >= 1772323200 + 2 * 86400"""
    ) == pytest.approx(moved, abs=3)


def test_the_displaced_are_recorded_where_they_went(eventful: Path) -> None:
    """The night after the flood their phones are on cells nearer to the shelter than to the home they left."""
    nearer = value(
        f"""SELECT avg(((c.lon::DOUBLE - d.lon) ** 2 + (c.lat::DOUBLE - d.lat) ** 2
                        < (c.lon::DOUBLE - p.lon) ** 2 + (c.lat::DOUBLE - p.lat) ** 2)::INT)
            FROM '{eventful}/truth/displaced.parquet' AS d
            JOIN '{eventful}/truth/people.parquet' AS p USING (person)
            JOIN '{eventful}/truth/subscribers.parquet' AS s USING (person)
            JOIN read_csv('{eventful}/events/2026-03-04.csv', all_varchar = true, header = true, ignore_errors = true)
              AS e USING (msisdn)
            JOIN read_csv('{eventful}/cells.csv', all_varchar = true) AS c ON c.cell = e.cell_id
            WHERE e.start_time < '2026-03-04 06:00:00'"""
    )
    assert nearer > 0.9


def test_the_displaced_lie_within_what_flows_say(eventful: Path) -> None:
    assert score_changes.flood_day(eventful) == date(2026, 3, 3)
    rows = score_changes.read_truth(eventful, "flows").to_pylist()
    keys = sorted({(row["origin"], row["destination"]) for row in rows})
    days = [date(2026, 3, day) for day in range(1, 8)]
    seen = score_changes.true_flows(eventful, DaySeries.of(keys, days, [[0.0] * len(keys)] * 7))
    scores = score_changes.score_displaced(eventful, seen)
    assert len(scores) > 20
    assert sum(one.holds for one in scores) / len(scores) > 0.9
    assert max(one.truly for one in scores) > 0


def test_an_outbreak_spreads_from_one_area(eventful: Path) -> None:
    cases = duckdb.execute(
        f"""SELECT (epoch(infected)::BIGINT - 1772323200) // 86400 AS day, count(*), count(DISTINCT area)
            FROM '{eventful}/truth/cases.parquet' GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    assert cases[0][0] == 0
    assert cases[0][2] <= 3
    assert sum(count for day, count, _ in cases if day > 0) > 0


def test_a_lockdown_keeps_people_off_the_flows(sample: Callable[..., Path]) -> None:
    flows = "SELECT sum(people) FROM '{}/truth/flows.parquet' WHERE epoch(start) = 1772323200 + 4 * 86400"
    assert value(flows.format(sample("lockdown"))) < 0.75 * value(flows.format(sample()))


def test_an_unknown_scenario_is_named_with_those_that_exist() -> None:
    with pytest.raises(InputError, match=r"'earthquake'.*ordinary, lockdown, festival, flood, outbreak"):
        parse("lockdown,earthquake")
