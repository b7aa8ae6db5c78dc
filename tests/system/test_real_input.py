"""The main path on places that are real: raw files in, published datasets out, nobody identifiable."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

K = 15
AREA_COLUMNS = {"mobility.presence": ["area"], "mobility.home": ["area"], "mobility.flows": ["origin", "destination"]}


@dataclass(frozen=True)
class Published:
    """What the main path came to: the rows of each dataset, the areas of the set, the scores."""

    place: Any
    country: Path
    areas: set[str]
    rows: dict[str, list[dict[str, str]]]
    scores: str

    def score(self, line: str) -> tuple[int, float, float, float, int]:
        """Of a line of scores: values reported, people covered, pipeline error, error against the truth, smallest."""
        found = re.search(rf"{line} +([\d,]+) +[\d,]+ +([\d.]+)% +([\d.]+)% +\d+ +([\d.]+)% +(\d+)", self.scores)
        assert found, self.scores
        return int(found[1].replace(",", "")), float(found[2]), float(found[3]), float(found[4]), int(found[5])

    def home_accuracy(self) -> float:
        found = re.search(r"home area right for ([\d.]+)% of", self.scores)
        assert found, self.scores
        return float(found[1])


def _main_path(place, country: Path, area_set: str, time_zone: str, folder: Path, last: str) -> Published:
    place.run("mobility", "create", "operator", "--areas", area_set, "--time-zone", time_zone)
    place.run(
        *("mobility", "import", *sorted((country / "events").iterdir()), "--project", "operator"),
        *("--mapping", country / "mapping.toml", "--cells", country / "cells.csv"),
        *("--from", "2026-03-01", "--to", last),
    )
    place.run("mobility", "run", "--project", "operator")
    exported = folder / "areas.geojson"
    place.run("areas", "export", area_set, "--out", exported, "--at", "2026-03-01")
    areas = {feature["properties"]["code"] for feature in json.loads(exported.read_text("utf-8"))["features"]}
    rows = {name: place.table(name, folder / f"{name}.csv") for name in AREA_COLUMNS}
    scores = place.run("demo", "score", country, "--project", "operator")
    place.verify()
    return Published(place, country, areas, rows, scores)


@pytest.fixture(scope="module")
def nepal(shared: Path, fresh: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Events on 16,129 real cells, over the real provinces of Nepal, by Nepal's clock (UTC+05:45)."""
    folder = tmp_path_factory.mktemp("nepal")
    place, country = fresh(), folder / "country"
    place.run(
        *("demo", "generate", country, "--countries", "NP", "--time-zone", "Asia/Kathmandu"),
        *("--cells", shared / "data" / "cells" / "MLS-subset-cells-nepal.csv"),
        *("--subscribers", 2000, "--days", 2, "--events-per-day", 20, "--seed", 1),
    )
    return _main_path(place, country, "natural-earth:NP", "Asia/Kathmandu", folder, "2026-03-02")


@pytest.fixture(scope="module")
def districts(shared: Path, fresh: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Cells and events over 63 real districts with their real populations, imported as areas."""
    folder = tmp_path_factory.mktemp("districts")
    place, country = fresh(), folder / "country"
    polygons = shared / "data" / "geo" / "wa3_districts_63.geojson"
    place.run(
        *("demo", "generate", country, "--areas", polygons, "--code-field", "pcode"),
        *("--population", shared / "data" / "geo" / "wa3_population_63.csv"),
        *("--population-field", "population_2014e"),
        *("--subscribers", 8000, "--days", 1, "--events-per-day", 20, "--seed", 1),
    )
    place.run("areas", "import", polygons, "--name", "districts", "--code-field", "pcode", "--name-field", "name")
    return _main_path(place, country, "districts", "Africa/Conakry", folder, "2026-03-01")


@pytest.fixture(params=["nepal", "districts"])
def published(request: pytest.FixtureRequest) -> Published:
    found: Published = request.getfixturevalue(request.param)
    return found


def test_the_areas_are_those_of_the_real_place(nepal: Published, districts: Published) -> None:
    with (nepal.country / "cells.csv").open(encoding="utf-8") as file:
        assert sum(1 for _ in csv.DictReader(file)) == 16_129
    assert len(nepal.areas) == 14  # Natural Earth draws Nepal's former zones
    assert len(districts.areas) == 63


@pytest.mark.parametrize("dataset", AREA_COLUMNS)
def test_every_published_row_lies_in_an_area_of_the_set(published: Published, dataset: str) -> None:
    rows = published.rows[dataset]
    assert any(row["subscribers_state"] == "reported" for row in rows)
    for column in AREA_COLUMNS[dataset]:
        assert {row[column] for row in rows} <= published.areas


def test_presence_and_homes_cover_every_area_of_the_set(published: Published) -> None:
    for dataset in ("mobility.presence", "mobility.home"):
        assert {row["area"] for row in published.rows[dataset]} == published.areas


@pytest.mark.parametrize("dataset", AREA_COLUMNS)
def test_nobody_stands_in_a_published_table_with_fewer_than_k(published: Published, dataset: str) -> None:
    for row in published.rows[dataset]:
        if row["subscribers_state"] == "reported":
            assert int(row["subscribers"]) >= K
        else:
            assert row["subscribers_state"] == "suppressed"
            assert row["subscribers"] == "", "a suppressed value is empty, never zero"


def test_what_is_published_is_what_the_records_show(published: Published) -> None:
    """Bounds stand well away from what seed 1 gives; a wrong clock or a wrong area breaks them by far."""
    for line in ("presence by hour", "presence by day", "flows by day"):
        reported, _, pipeline_error, _, smallest = published.score(line)
        assert reported > 0
        assert pipeline_error == 0
        assert smallest >= K
    _, covered, _, against_truth, _ = published.score("presence by day")
    assert covered > 75
    assert against_truth < 30
    assert published.home_accuracy() > 80
    assert f"nobody stands in a published table with fewer than {K} people" in published.scores


def test_hours_are_counted_by_the_place_s_own_clock(nepal: Published) -> None:
    starts = {row["start"] for row in nepal.rows["mobility.presence"] if row["period"] == "hour"}
    assert len(starts) == 48
    # A whole hour in Kathmandu is a quarter past the hour in UTC.
    assert {re.search(r"T\d\d:(\d\d)", start)[1] for start in starts} <= {"15"}  # type: ignore[index]
