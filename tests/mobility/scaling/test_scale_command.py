"""`commonweal mobility scale` and `population`: published tables in people, from a file or from the catalog."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from commonweal.core import catalog
from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy
from commonweal.core.errors import CommonwealError
from commonweal.domains import initialise
from commonweal.mobility.cli import app

AREAS = "natural-earth:GN"
START = Dimension("start", "timestamp", "When the day begins.", hierarchy="period")
SEEN = Measure("subscribers", "integer", "Made up.", "{subscribers}", Kind.UNION)
BY_AREA = Dataset(
    name="demo.seen",
    title="Seen",
    description="Made up.",
    dimensions=(Dimension("area", "area", "Where.", hierarchy="area"), START),
    measures=(SEEN,),
    privacy=Privacy.OPEN,
)
BY_PAIR = Dataset(
    name="demo.pairs",
    title="Pairs",
    description="Made up.",
    dimensions=(
        Dimension("origin", "area", "From.", hierarchy="area"),
        Dimension("destination", "area", "To.", hierarchy="area"),
        START,
    ),
    measures=(SEEN,),
    privacy=Privacy.OPEN,
)
DAYS = (1, 2, 3)
Says = Callable[..., str]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Areas of 100, 150, … subscribers, of which the last is suppressed; ten people for each, by a file."""
    folder = tmp_path_factory.mktemp("scaling")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, AREAS).codes
    moments = [datetime(2025, 1, day, tzinfo=UTC) for day in DAYS]
    rows = [
        (code, moment, None if code == codes[-1] else 100 + 50 * place + day)
        for place, code in enumerate(codes)
        for day, moment in enumerate(moments)
    ]
    pairs = [
        (one, other, moments[0], None if (i + j) % 9 == 8 else 20 + 7 * ((i * j) % 11))
        for i, one in enumerate(codes)
        for j, other in enumerate(codes)
    ]
    for dataset, given in ((BY_AREA, rows), (BY_PAIR, pairs)):
        columns = list(map(list, zip(*given, strict=True)))
        columns.append(["suppressed" if value is None else "reported" for value in columns[-1]])
        table = pa.table(dict(zip(dataset.columns, columns, strict=True)))
        at = table.column_names.index("start")
        catalog.publish(
            home.settings,
            home.database,
            dataset,
            table.set_column(at, "start", table["start"].cast(pa.timestamp("us", tz="UTC"))),
            inputs=[Input("made-up.csv", "ab" * 32, "file")],
            parameters={"time_zone": "UTC", "day_starts": "00:00", "areas_at": "2025-01-01"},
            who="os:tester",
            area_set=AREAS,
        )
    people = [f"{code},{10 * (101 + 50 * place)},0.5,2015-01-02\n" for place, code in enumerate(codes)]
    (folder / "census.csv").write_text("area,population,market_share,as_of\n" + "".join(people))
    (folder / "twice.csv").write_text("area,population\nGN-B,5\nGN-B,6\n")
    (folder / "words.csv").write_text("area,population,penetration\nGN-B,5,140\n")
    yield home.settings.data, codes
    home.database.close()


@pytest.fixture
def says(published: tuple[Path, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> Says:
    """Run a command beside the files; give what it prints, or its error."""
    data = published[0]
    monkeypatch.chdir(data.parent)

    def run(*command: str) -> str:
        done = CliRunner().invoke(app, command, env={"COMMONWEAL_DATA": str(data)})
        if done.exception is not None and not isinstance(done.exception, CommonwealError):
            raise done.exception
        return str(done.exception) if done.exception else done.stdout

    return run


def test_every_published_number_has_people_and_an_interval_and_no_other_has(says: Says, published: object) -> None:
    told = json.loads(says("scale", "demo.seen", "--population", "census.csv", "--json"))
    assert told["method"] == "ratio"
    assert told["parameters"]["ratio"] == pytest.approx(5)  # of subscribers divided by a market share of one half
    rows = told["rows"]
    shown = [row for row in rows if row["subscribers"] is not None]
    assert all(row["low"] <= row["people"] <= row["high"] for row in shown)
    assert shown[0]["people"] == pytest.approx(10 * shown[0]["subscribers"], abs=1)
    hidden = [row for row in rows if row["subscribers_state"] == "suppressed"]
    assert len(hidden) == len(DAYS)
    assert all(row["people"] is row["low"] is row["high"] is None for row in hidden)


@pytest.mark.parametrize("method", ["area-ratio", "power", "stated"])
def test_each_method_is_named_with_what_its_interval_is(says: Says, method: str) -> None:
    told = json.loads(says("scale", "demo.seen", "--population", "census.csv", "--method", method, "--json"))
    assert (told["method"], told["level"]) == (method, 0.95)
    assert told["interval"]
    assert told["calibrated_on"] == "demo.seen 1"
    assert any(row["people"] for row in told["rows"])


def test_a_census_in_the_catalog_scales_as_its_file_does(says: Says) -> None:
    assert "mobility.population 1" in says("population", "census.csv", "--areas", AREAS, "--source", "Made up")
    from_file, from_catalog = (
        json.loads(says("scale", "demo.seen", "--population", given, "--growth", "0.02", "--json"))
        for given in ("census.csv", "mobility.population@1")
    )
    assert from_catalog["rows"] == from_file["rows"]
    assert from_catalog["parameters"]["ratio"] == pytest.approx(5 * 1.02**10, rel=1e-3)


def test_the_table_is_written_and_what_was_done_is_said(says: Says, tmp_path: Path) -> None:
    out = tmp_path / "people.csv"
    said = says("scale", "demo.seen", "--population", "census.csv", "--out", str(out))
    assert "people were counted up to 10 years before" in said
    assert "suppressed counts are not scaled" in said
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0])[-4:] == ["people", "low", "high", "outside"]
    assert rows[-1]["people"] == ""


def test_pairs_of_areas_are_raked_to_the_people_who_live_at_the_origin(says: Says) -> None:
    command = ("scale", "demo.pairs", "--population", "census.csv", "--method", "rake", "--json")
    told = json.loads(says(*command))
    by_origin: dict[str, float] = {}
    for row in told["rows"]:
        assert (row["people"] is None) == (row["subscribers"] is None)
        by_origin[row["origin"]] = by_origin.get(row["origin"], 0) + (row["people"] or 0)
    first = next(iter(by_origin))
    assert by_origin[first] == pytest.approx(1010, rel=0.02)  # each number of a table is a whole one
    both = json.loads(says(*command, "--destinations", "census.csv"))
    assert both["largest_error_of_a_margin"] < 1e-9


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("scale", "demo.seen", "--population", "twice.csv"), "comes twice"),
        (("scale", "demo.seen", "--population", "words.csv"), "penetration is '140'"),
        (("scale", "demo.seen", "--population", "none.csv"), "none.csv"),
        (("scale", "demo.pairs", "--population", "census.csv"), "counts by one area"),
        (("scale", "demo.seen", "--population", "census.csv", "--method", "rake"), "origin and destination"),
        (("scale", "demo.seen", "--population", "census.csv", "--level", "2"), "no probability"),
        (("population", "words.csv", "--areas", AREAS, "--source", "x"), "penetration is"),
    ],
)
def test_what_cannot_be_scaled_is_refused_in_one_sentence(says: Says, command: tuple[str, ...], what: str) -> None:
    assert what in says(*command)
