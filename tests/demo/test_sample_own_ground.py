"""The generator takes real cells, real areas and real populations in place of its own."""

import csv
from datetime import UTC, time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from commonweal.core.errors import Conflict, InputError
from commonweal.demo.cells import read_mls
from commonweal.demo.generate import Choices, generate
from commonweal.demo.landscape import Ground


def test_records_on_the_real_cells_of_nepal(shared: Path, tmp_path: Path) -> None:
    cells = shared / "data" / "cells" / "MLS-subset-cells-nepal.csv"
    choices = Choices(subscribers=1500, days=2, ground=Ground(("NP",)), cells=cells, time_zone="Asia/Kathmandu")
    summary = generate(tmp_path / "np", choices)
    assert summary.rows > 20_000
    with (tmp_path / "np" / "cells.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert len(written) == 16_129
    assert len({row["cell"] for row in written}) == 16_129
    assert written[0]["cell"] == "208-15-831-1112442"
    assert written[0]["range_m"] == ""  # the source says 0, which is unknown
    used = duckdb.execute(
        f"""SELECT count(DISTINCT cell_id), avg((cell_id IN (SELECT cell FROM read_csv('{tmp_path}/np/cells.csv',
                all_varchar = true)))::INT), avg((serving_plmn[:3] = '429')::INT)
            FROM read_csv('{tmp_path}/np/events/*.csv', all_varchar = true, header = true, ignore_errors = true)"""
    ).fetchall()[0]
    assert used[0] > 500
    assert used[1] > 0.99
    assert used[2] > 0.95
    # Local midnight in Nepal is 18:15 the day before in UTC.
    starts = pq.read_table(tmp_path / "np" / "truth" / "flows.parquet")["start"].to_pylist()
    assert {start.astimezone(UTC).time() for start in starts} == {time(18, 15)}
    assert 'zone = "Asia/Kathmandu"' in (tmp_path / "np" / "mapping.toml").read_text()


def test_cells_and_people_over_63_real_districts(shared: Path, tmp_path: Path) -> None:
    geo = shared / "data" / "geo"
    ground = Ground(
        areas=geo / "wa3_districts_63.geojson",
        code_field="pcode",
        population=geo / "wa3_population_63.csv",
        population_field="population_2014e",
    )
    generate(tmp_path / "wa", Choices(subscribers=6300, days=1, ground=ground, events_per_day=2.0))
    truth = pq.read_table(tmp_path / "wa" / "truth" / "areas.parquet").to_pandas().set_index("area")
    with (geo / "wa3_population_63.csv").open(encoding="utf-8") as file:
        census = {row["pcode"]: float(row["population_2014e"]) for row in csv.DictReader(file)}
    assert truth["population"].to_dict() == census
    # People are drawn by population, coverage and market share: close, not equal.
    assert np.corrcoef(truth["people"], truth["population"])[0, 1] > 0.93
    assert (truth["people"] > 0).all()


def refused(tmp_path: Path, **choices: object) -> str:
    with pytest.raises(InputError) as error:
        generate(tmp_path / "out", Choices(**choices))  # type: ignore[arg-type]
    return str(error.value)


def test_choices_that_make_no_sense_are_refused_by_name(tmp_path: Path) -> None:
    assert refused(tmp_path, days=0).startswith("--days: 0 days")
    assert refused(tmp_path, subscribers=3).startswith("--subscribers:")
    assert refused(tmp_path, events_per_day=-1.0).startswith("--events-per-day:")
    assert refused(tmp_path, compression="rar") == (
        "--compression: no compression 'rar' (expected: none, gz or zst)"
    )  # fmt: skip
    assert "no country 'XX'" in refused(tmp_path, ground=Ground(("XX",)))


def test_a_period_in_which_clocks_change_is_refused(tmp_path: Path) -> None:
    assert "clocks change in Europe/Paris" in refused(tmp_path, days=30, time_zone="Europe/Paris")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        generate(tmp_path, Choices())
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_a_cell_file_without_a_needed_column_says_which(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("radio,mcc,net,area,cell,lon,lat\nGSM,429,1,1,1,85.3,27.7\n")
    with pytest.raises(InputError, match="there is no column 'range'"):
        read_mls(tmp_path / "cells.csv", ["NP"])


def test_a_cell_that_two_radios_share_keeps_both_apart(tmp_path: Path) -> None:
    head = "radio,mcc,net,area,cell,lon,lat,range\n"
    rows = "GSM,429,1,5,9,85.3,27.7,500\nUMTS,429,1,5,9,85.4,27.7,0\nLTE,429,1,5,10,85.4,27.7,800\n"
    (tmp_path / "cells.csv").write_text(head + rows)
    network = read_mls(tmp_path / "cells.csv", ["NP"])
    assert network.identifiers == ("429-1-5-9-GSM", "429-1-5-9-UMTS", "429-1-5-10")
    assert network.known_range.tolist() == [True, False, True]
    assert network.site[1] == network.site[2] != network.site[0]


def test_a_missing_population_is_named(shared: Path, tmp_path: Path) -> None:
    geo = shared / "data" / "geo"
    (tmp_path / "people.csv").write_text("pcode,people\nGN008001,5\n")
    ground = Ground(
        areas=geo / "wa3_districts_63.geojson", code_field="pcode", population=tmp_path / "people.csv",
        population_field="people",
    )  # fmt: skip
    assert "no population for" in refused(tmp_path, ground=ground)
    assert "feature 1: there is no property 'nothing'" in refused(
        tmp_path, ground=Ground(areas=geo / "wa3_districts_63.geojson", code_field="nothing")
    )
