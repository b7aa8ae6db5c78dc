"""The commands of the sample country."""

import tomllib
from pathlib import Path

from typer.testing import CliRunner

from commonweal.core.errors import InputError
from commonweal.demo.cli import app

RUN = CliRunner()


def test_generate_writes_records_truth_mapping_and_attribution(tmp_path: Path) -> None:
    out = tmp_path / "sample"
    result = RUN.invoke(
        app,
        ["generate", str(out), "--subscribers", "300", "--days", "2", "--seed", "5", "--scenario", "lockdown",
         "--start", "2026-01-31", "--countries", "SL", "--compression", "gz"],
        catch_exceptions=False,
    )  # fmt: skip
    assert result.exit_code == 0
    assert "300 subscribers over 2 days" in result.output
    assert sorted(path.name for path in (out / "events").iterdir()) == ["2026-01-31.csv.gz", "2026-02-01.csv.gz"]
    tables = {
        "areas", "crossings", "displaced", "flows", "homes", "homes_seen", "moves", "outages", "people",
        "presence", "subscribers", "trips",
    }  # fmt: skip
    assert {path.stem for path in (out / "truth").glob("*.parquet")} == tables
    mapping = tomllib.loads((out / "mapping.toml").read_text())
    assert mapping["time"] == {"column": "start_time", "format": "%Y-%m-%d %H:%M:%S", "zone": "Africa/Freetown"}
    with (out / "cells.csv").open() as file:
        assert set(mapping["cells"].values()) <= set(file.readline().strip().split(","))
    readme = (out / "README.txt").read_text()
    assert "GeoNames" in readme
    assert "CC BY 4.0" in readme


def test_an_unknown_scenario_is_an_input_error(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["generate", str(tmp_path / "x"), "--scenario", "war"])
    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "x").exists()
