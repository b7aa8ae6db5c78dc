"""The sample operator's records look like an operator's, in the figures that are published about them."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

COLUMNS = [
    "msisdn", "start_time", "cell_id", "kind", "direction", "counterpart", "duration", "home_plmn", "serving_plmn",
    "tac",
]  # fmt: skip


@pytest.fixture(scope="module")
def records(ordinary: Path) -> duckdb.DuckDBPyConnection:
    """Readable rows on known cells, each once."""
    con = duckdb.connect()
    con.execute(f"""
        CREATE TABLE cell AS SELECT DISTINCT cell, technology, plmn FROM
            read_csv('{ordinary}/cells.csv', all_varchar = true, header = true);
        CREATE TABLE record AS SELECT DISTINCT r.*, start_time::TIMESTAMP AS moment, technology, plmn FROM
            read_csv('{ordinary}/events/*.csv', all_varchar = true, header = true, ignore_errors = true,
                     strict_mode = true, auto_detect = false, delim = ',', quote = '"',
                     columns = {{ {", ".join(f"'{name}': 'VARCHAR'" for name in COLUMNS)} }}) AS r
            JOIN cell ON cell = cell_id
            WHERE try_cast(start_time AS TIMESTAMP) BETWEEN '2026-03-01' AND '2026-03-08'""")
    return con


def one(records: duckdb.DuckDBPyConnection, query: str) -> float:
    return float(records.execute(query).fetchall()[0][0])


def test_few_successive_events_change_the_cell(records: duckdb.DuckDBPyConnection) -> None:
    changes = one(
        records,
        """SELECT avg((cell_id <> before)::INT) FROM
           (SELECT cell_id, lag(cell_id) OVER (PARTITION BY msisdn ORDER BY moment) AS before FROM record)""",
    )
    assert 0.1 < changes <= 0.35


def test_the_day_has_a_trough_at_night_and_its_peak_in_the_evening(records: duckdb.DuckDBPyConnection) -> None:
    by_hour = dict(records.execute("SELECT hour(moment), count(*) FROM record GROUP BY 1").fetchall())
    assert max(by_hour, key=lambda hour: by_hour[hour]) in (18, 19, 20, 21)
    assert min(by_hour, key=lambda hour: by_hour[hour]) in (2, 3, 4)
    assert min(by_hour.values()) < 0.1 * max(by_hour.values())


def test_weekends_begin_later_than_working_days(records: duckdb.DuckDBPyConnection) -> None:
    early = dict(
        records.execute(
            "SELECT isodow(moment) > 5, avg((hour(moment) BETWEEN 5 AND 8)::INT) FROM record GROUP BY 1"
        ).fetchall()
    )
    assert early[True] < 0.85 * early[False]


def test_events_are_bursty(records: duckdb.DuckDBPyConnection) -> None:
    burstiness = one(
        records,
        """SELECT avg(b) FROM (
             SELECT (stddev(gap) - avg(gap)) / (stddev(gap) + avg(gap)) AS b FROM (
               SELECT msisdn, epoch(moment) - epoch(lag(moment) OVER (PARTITION BY msisdn ORDER BY moment)) AS gap
               FROM record)
             GROUP BY msisdn HAVING count(gap) > 30)""",
    )
    # Goh and Barabási 2008: B = (σ - μ) / (σ + μ), 0 for a Poisson process; 0.2 to 0.3 in records of calls.
    assert burstiness > 0.2


def test_activity_is_heavy_tailed(records: duckdb.DuckDBPyConnection) -> None:
    each = np.array([n for (n,) in records.execute("SELECT count(*) FROM record GROUP BY msisdn").fetchall()])
    assert np.quantile(each, 0.99) > 8 * np.median(each)
    assert np.sort(each)[-len(each) // 10 :].sum() > 0.3 * each.sum()


def test_networks_belong_to_the_mobile_country_codes_of_their_countries(records: duckdb.DuckDBPyConnection) -> None:
    assert records.execute("SELECT DISTINCT serving_plmn FROM record ORDER BY 1").fetchall() == [
        ("61190",), ("61890",), ("61990",),
    ]  # fmt: skip
    # The number's calling code and the home network name the same country, whoever the subscriber is.
    calling = {"611": "224", "618": "231", "619": "232", "608": "221", "610": "223", "612": "225", "632": "245"}
    for plmn, number in records.execute("SELECT DISTINCT home_plmn[:3], msisdn[:3] FROM record").fetchall():
        if plmn in calling:
            assert number == calling[plmn]
    assert one(records, "SELECT avg((serving_plmn = plmn)::INT) FROM record") == 1.0


def test_phones_use_their_home_network_but_for_roamers_and_people_at_borders(
    records: duckdb.DuckDBPyConnection,
) -> None:
    domestic = one(
        records, "SELECT avg((home_plmn = serving_plmn)::INT) FROM record WHERE home_plmn[:3] IN ('611', '618', '619')"
    )
    assert 0.95 < domestic < 0.999
    inbound = one(records, "SELECT avg((home_plmn[:3] NOT IN ('611', '618', '619'))::INT) FROM record")
    assert 0.001 < inbound < 0.03


def test_people_at_a_border_roam_without_crossing_it(ordinary: Path, records: duckdb.DuckDBPyConnection) -> None:
    accidental = one(
        records,
        f"""SELECT count(DISTINCT msisdn) FROM record JOIN '{ordinary}/truth/subscribers.parquet' s USING (msisdn)
            WHERE record.home_plmn <> serving_plmn AND record.home_plmn[:3] IN ('611', '618', '619')
              AND person NOT IN (SELECT person FROM '{ordinary}/truth/crossings.parquet')""",
    )
    assert accidental > 5


def test_a_device_uses_no_technology_it_lacks(ordinary: Path, records: duckdb.DuckDBPyConnection) -> None:
    newer = one(
        records,
        f"""SELECT count(*) FROM record
            JOIN read_csv('{ordinary}/tac.csv', all_varchar = true) AS device USING (tac)
            WHERE record.technology > device.technology""",
    )
    assert newer == 0
    assert one(records, "SELECT count(DISTINCT technology) FROM record") == 3


def test_calls_last_messages_do_not_and_data_has_no_counterpart(records: duckdb.DuckDBPyConnection) -> None:
    rows = records.execute(
        """SELECT kind, bool_and(duration IS NULL), bool_and(counterpart IS NULL), bool_and(direction IS NULL),
                  median(duration::INT) FROM record GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    assert [row[:4] for row in rows] == [
        ("data", False, True, True), ("sms", True, False, False), ("voice", False, False, False),
    ]  # fmt: skip
    assert 30 < rows[2][4] < 70


def test_numbers_look_international_and_belong_to_nobody(ordinary: Path) -> None:
    con = duckdb.connect()
    numbers = [n for (n,) in con.execute(f"SELECT msisdn FROM '{ordinary}/truth/subscribers.parquet'").fetchall()]
    assert len(set(numbers)) == len(numbers) == 3000
    # National numbers of Guinea, Liberia and Sierra Leone begin with 2 to 9.
    assert all(number[3] == "1" and len(number) == 12 for number in numbers if number[:3] in ("224", "231", "232"))
