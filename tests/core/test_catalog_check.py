"""A table that is not what its dataset declares is refused, and the error says which row and why."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from commonweal.core.catalog import Attribute, Dataset, Dimension, Kind, Measure, Privacy, conform, with_states
from commonweal.core.errors import InputError

RAIN = Dataset(
    name="demo.rain",
    title="Rain",
    description="How much it rained.",
    dimensions=(Dimension("station", "string", "Where."), Dimension("day", "date", "When.", hierarchy="period")),
    measures=(Measure("depth", "number", "How much.", "mm", Kind.SUM),),
    attributes=(Attribute("note", "string", "Said by the observer."),),
    privacy=Privacy.OPEN,
)
GOOD = {
    "station": ["Kono", "Bo", "Bo"],
    "day": [date(2015, 3, 27), date(2015, 3, 28), date(2015, 3, 27)],
    "depth": [1.5, 0.0, None],
    "depth_state": ["reported", "reported", "missing"],
    "note": [None, "dry", None],
}


def table(**other: object) -> pa.Table:
    return pa.table(GOOD | other)


def test_a_good_table_comes_out_in_key_order_with_declared_columns() -> None:
    shuffled = table().select(["note", "depth_state", "day", "depth", "station"])
    found = conform(RAIN, shuffled)
    assert found.column_names == ["station", "day", "depth", "depth_state", "note"]
    assert found["station"].to_pylist() == ["Bo", "Bo", "Kono"]
    assert found["depth"].to_pylist() == [None, 0.0, 1.5]
    assert found.schema.field("depth").metadata[b"unit"] == b"mm"


REFUSED = [
    ("a column is missing", table().drop(["note"]), "demo.rain: column note is missing"),
    ("a column too many", table(extra=[1, 2, 3]), "demo.rain: column extra is not declared"),
    ("no states", table().drop(["depth_state"]), "demo.rain: column depth_state is missing"),
    ("a null key", table(station=["Kono", None, "Bo"]), "column station, row 2: is null in the key"),
    ("an empty key", table(station=["Kono", "Bo", ""]), "column station, row 3: '' is empty in the key"),
    ("a repeated key", table(day=[date(2015, 3, 27)] * 3), "station, day, row 3: a second row with the same key"),
    ("text for a number", table(depth=["1.5", "0", "2"]), "column depth has type string"),
    ("naive times for days", table(day=pa.array([1, 2, 3], pa.timestamp("s"))), "column day has type timestamp"),
    ("not a number", table(depth=[1.5, float("nan"), None]), "column depth, row 2: 'nan' is not a finite number"),
    ("an infinite number", table(depth=[float("inf"), 0, None]), "column depth, row 1: 'inf' is not a finite number"),
    ("an unknown state", table(depth_state=["reported", "fine", "missing"]), "row 2: 'fine' is no state"),
    ("a null state", table(depth_state=["reported", None, "missing"]), "depth_state, row 2: .*is no state"),
    ("a value that is missing", table(depth_state=["reported", "missing", "missing"]), "row 2: .*has a value but"),
    ("no value that is reported", table(depth_state=["reported", "reported", "reported"]), "row 3: .*has no value but"),
]


@pytest.mark.parametrize(("given", "problem"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_table_that_breaks_its_declaration_is_refused_with_the_row(given: pa.Table, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        conform(RAIN, given)


def test_another_unit_is_refused() -> None:
    inches = pa.field("depth", pa.float64(), metadata={"unit": "[in_i]"})
    given = table()
    given = given.set_column(given.column_names.index("depth"), inches, given["depth"])
    with pytest.raises(InputError, match=r"column depth is in '\[in_i\]'.*expected: unit 'mm'"):
        conform(RAIN, given)


def test_a_whole_number_too_large_is_refused_with_its_row() -> None:
    counts = Dataset(
        name="demo.counts",
        title="Counts",
        description="",
        dimensions=(Dimension("key", "integer", ""),),
        measures=(),
        privacy=Privacy.OPEN,
    )
    with pytest.raises(InputError, match="column key, row 3: '18446744073709551615' does not fit int64"):
        conform(counts, pa.table({"key": pa.array([1, 2, 2**64 - 1, 4], pa.uint64())}))


def test_values_about_people_are_never_quoted() -> None:
    people = Dataset(
        name="demo.people",
        title="People",
        description="",
        dimensions=(Dimension("name", "string", ""),),
        measures=(Measure("age", "number", "", "a", Kind.RATIO),),
        privacy=Privacy.PEOPLE,
    )
    named = pa.table({"name": ["Fatmata", "Fatmata"], "age": [31.0, 77.0], "age_state": ["reported", "reported"]})
    infinite = named.slice(1).set_column(1, "age", pa.array([float("inf")]))
    unknown = named.slice(1).set_column(2, "age_state", pa.array(["Fatmata"]))
    for given in (named, infinite, unknown):
        with pytest.raises(InputError) as refused:
            conform(people, given)
        assert "row " in str(refused.value)
        assert not any(secret in str(refused.value) for secret in ("Fatmata", "77", "inf"))


@pytest.mark.parametrize(
    "times",
    [
        pa.array([datetime(2015, 3, 27, 14, tzinfo=UTC)], pa.timestamp("s", tz="UTC")),
        pa.array([datetime(2015, 3, 27, 14, tzinfo=UTC)], pa.timestamp("ns", tz="Africa/Freetown")),
        pa.array([datetime(2015, 3, 27, 14, tzinfo=UTC)], pa.timestamp("ms", tz="Asia/Kathmandu")),
    ],
)
def test_aware_times_of_any_unit_and_zone_are_taken_as_the_moments_they_are(times: pa.Array) -> None:
    hours = Dataset(
        name="demo.hours",
        title="Hours",
        description="",
        dimensions=(Dimension("start", "timestamp", ""),),
        measures=(),
        privacy=Privacy.OPEN,
    )
    assert conform(hours, pa.table({"start": times}))["start"].to_pylist() == [datetime(2015, 3, 27, 14, tzinfo=UTC)]
    with pytest.raises(InputError, match="expected: timestamp, that is Arrow timestamp"):
        conform(hours, pa.table({"start": times.cast(pa.timestamp(times.type.unit))}))


def test_a_table_without_a_key_has_one_row() -> None:
    total = Dataset(
        name="demo.total",
        title="Total",
        description="",
        dimensions=(),
        measures=(Measure("n", "integer", "", "1", Kind.SUM),),
        privacy=Privacy.OPEN,
    )
    one = with_states(total, pa.table({"n": [3]}))
    assert conform(total, one).to_pylist() == [{"n": 3, "n_state": "reported"}]
    with pytest.raises(InputError, match="row 2: a second row"):
        conform(total, pa.concat_tables([one, one]))


def test_states_are_filled_in_for_tables_that_have_none() -> None:
    given = with_states(RAIN, table().drop(["depth_state"]))
    assert given["depth_state"].to_pylist() == ["reported", "reported", "missing"]
    conform(RAIN, given)
