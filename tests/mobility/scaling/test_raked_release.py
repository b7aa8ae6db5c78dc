"""A published table of pairs raked as it comes: what is left out, and what noise made negative."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from commonweal.core import catalog
from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy
from commonweal.core.console import Home
from commonweal.domains import initialise
from commonweal.mobility.scaling.asking import Question
from commonweal.mobility.scaling.raked_release import RakedRelease, rake_named, rake_release

AREAS = "natural-earth:GN"
PAIRS = Dataset(
    name="demo.pairs",
    title="Pairs",
    description="Made up.",
    dimensions=(
        Dimension("origin", "area", "From.", hierarchy="area"),
        Dimension("destination", "area", "To.", hierarchy="area"),
        Dimension("start", "timestamp", "When the day begins.", hierarchy="period"),
    ),
    measures=(Measure("subscribers", "integer", "Made up.", "{subscribers}", Kind.UNION),),
    privacy=Privacy.OPEN,
)
FIRST, SECOND = (datetime(2025, 1, day, tzinfo=UTC) for day in (1, 2))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three areas: on one day nothing leaves or reaches the last, on the next a count is negative, and one missing."""
    folder = tmp_path_factory.mktemp("raked")
    made = initialise(folder / "data", folder / "keys")
    codes = load(made.database, AREAS).codes[:3]
    counts = {FIRST: [[30, 10, 0], [20, 20, 0], [0, 0, 0]], SECOND: [[30, 10, -4], [20, 20, 5], [8, None, 60]]}
    rows = [
        (one, other, start, counts[start][i][j])
        for start in (FIRST, SECOND)
        for i, one in enumerate(codes)
        for j, other in enumerate(codes)
    ]
    columns = [*map(list, zip(*rows, strict=True)), ["missing" if row[3] is None else "perturbed" for row in rows]]
    table = pa.table(dict(zip(PAIRS.columns, columns, strict=True)))
    table = table.set_column(2, "start", table["start"].cast(pa.timestamp("us", tz="UTC")))
    said = {"inputs": [Input("made-up.csv", "ab" * 32, "file")], "parameters": {"areas_at": "2025-01-01"}}
    catalog.publish(made.settings, made.database, PAIRS, table, area_set=AREAS, who="os:tester", **said)
    (folder / "census.csv").write_text("area,population\n" + "".join(f"{code},1000\n" for code in codes))
    return made


@pytest.fixture(scope="module")
def census(home: Home) -> str:
    return str(Path(home.settings.data).parent / "census.csv")


def people(raked: RakedRelease, day: datetime) -> list[float | None]:
    return [row["people"] and round(row["people"], 6) for row in raked.table.to_pylist() if row["start"] == day]


@pytest.mark.parametrize("both", [False, True])
def test_an_area_without_any_flow_is_left_out_and_the_others_are_not(home: Home, census: str, both: bool) -> None:
    raked = rake_named(home, "demo.pairs", None, census, Question("rake"), census if both else None)
    part = raked.parts[(FIRST,)]
    assert (len(part.origins), part.people) == (2, 2000)
    found = people(raked, FIRST)
    assert found[-3:] == [None] * 3
    if both:
        assert found[0] + found[1] == pytest.approx(1000)
        assert found[0] + found[3] == pytest.approx(1000)
        assert found[2] is None
    else:
        assert found[:6] == [750, 250, 0, 500, 500, 0]


def test_what_noise_made_negative_is_taken_for_none(home: Home, census: str) -> None:
    raked = rake_named(home, "demo.pairs", None, census, Question("rake"))
    assert people(raked, SECOND)[:3] == [750, 250, 0]


def test_what_is_missing_has_no_number(home: Home, census: str) -> None:
    raked = rake_named(home, "demo.pairs", None, census, Question("rake"))
    assert people(raked, SECOND)[6:] == [pytest.approx(1000 * 8 / 68), None, pytest.approx(1000 * 60 / 68)]


def test_only_some_rows_are_raked_as_they_are_with_all_others(home: Home, census: str) -> None:
    whole = rake_named(home, "demo.pairs", None, census, Question("rake"), census)
    table = whole.release.table(home.settings)
    said = (home.database, whole.release, table, whole.origins, whole.destinations, Question("rake"))
    alone = rake_release(*said, only={"start": SECOND})
    assert [row["start"] for row in alone.table.to_pylist()] == [SECOND] * 9
    assert people(alone, SECOND) == people(whole, SECOND)
    assert list(alone.parts) == [(SECOND,)]
