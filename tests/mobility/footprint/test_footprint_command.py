"""The command that tells where cells are heard, against the formulas cell by cell; it tells nothing of anybody."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from pyarrow import csv
from typer.testing import CliRunner

from commonweal.mobility.cells import read_register, write_register
from commonweal.mobility.cli import app
from commonweal.mobility.footprint.signal import dominance, signal_strength
from commonweal.mobility.store import project_folder

CELLS = """cell,longitude,latitude,range,site,valid_from,valid_to
a,0.98,0.5,9000,mast,,
b,0.98,0.5,9000,mast,,
c,1.05,0.5,9000,,,
d,2.5,0.5,9000,,,2026-01-07
d,3.5,0.5,9000,,2026-01-07,
e,,,,,,
"""


@pytest.fixture
def says(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give a function that runs the command on a network of five cells and gives what it writes as JSON."""
    operator = start()
    line = "2327655001,2026-01-06T10:00:00,a,call,,"
    operator.import_(operator.events("one.csv", [line]), cells=operator.write("heard.csv", CELLS))
    folder = project_folder(operator.settings.store, "operator")
    write_register(folder, read_register(folder).with_abroad())  # as where somebody was abroad
    monkeypatch.setenv("COMMONWEAL_DATA", str(operator.settings.data))

    def say(*choices: str) -> dict[str, Any]:
        asked = ["footprint", "--project", "operator", "--at", "2026-01-06", "--step", "1000", "--json", *choices]
        result = CliRunner().invoke(app, asked)
        assert result.exit_code == 0, result.output
        said: dict[str, Any] = json.loads(result.stdout)
        return said

    return say


def test_probabilities_at_a_point_are_shares_of_dominance(says: Callable[..., Any]) -> None:
    points: dict[tuple[float, float], dict[str, float]] = defaultdict(dict)
    for row in says("--points")["rows"]:
        points[row["longitude"], row["latitude"]][row["cell"]] = row["probability"]
    both = [heard for heard in points.values() if set(heard) == {"a", "b", "c"}]
    assert len(both) > 50
    for (longitude, latitude), heard in points.items():
        assert sum(heard.values()) == pytest.approx(1)
        if set(heard) == {"a", "b", "c"}:
            metres = 111_319.49  # of a degree on the equator
            s = [
                float(dominance(signal_strength((longitude - at) * metres, (latitude - 0.5) * 110_574.4)))
                for at in (0.98, 0.98, 1.05)
            ]
            assert heard == pytest.approx(dict(zip("abc", (one / sum(s) for one in s), strict=True)), abs=2e-3)


def test_shares_of_areas_add_up_cells_of_a_mast_share_a_site_and_versions_hold_on_their_days(
    says: Callable[..., Any],
) -> None:
    said = says()
    rows = said["rows"]
    assert (said["at"], said["footprint"], said["grid_step"]) == ("2026-01-06", "signal-strength", 1000)
    shares: dict[str, float] = defaultdict(float)
    for row in rows:
        shares[row["cell"]] += row["share"]
    assert shares == pytest.approx(dict.fromkeys("abcd", 1.0))  # e lies nowhere
    site = {row["cell"]: row["site"] for row in rows}
    assert site["a"] == site["b"] != site["c"]
    assert {row["area"] for row in rows if row["cell"] == "a"} == {"A", "B"}
    assert [row["area"] for row in rows if row["cell"] == "d"] == ["C"]
    moved = says("--at", "2026-01-07", "--footprint", "voronoi")["rows"]
    assert "C" not in {row["area"] for row in moved if row["cell"] == "d" and row["share"] > 0.5}


def test_all_rows_go_into_a_file(says: Callable[..., Any], tmp_path: Any) -> None:
    said = says("--points", "--out", str(tmp_path / "heard.csv"))
    assert csv.read_csv(tmp_path / "heard.csv").num_rows == len(said["rows"])
