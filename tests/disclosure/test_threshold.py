"""The threshold rule: nothing about fewer than k people leaves, and a row's presence says nothing."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import Attribute, Dataset, Dimension, Kind, Measure, Privacy
from commonweal.core.errors import InputError
from commonweal.disclosure.threshold import suppress

HOME = Dataset(
    name="demo.home",
    title="Home areas",
    description="",
    dimensions=(Dimension("area", "area", ""), Dimension("month", "integer", "")),
    measures=(Measure("subscribers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),),
    privacy=Privacy.PEOPLE,
)
TRIPS = Dataset(
    name="demo.trips",
    title="Trips",
    description="",
    dimensions=(Dimension("area", "area", ""),),
    measures=(
        Measure("movers", "number", "", "{subscribers}", Kind.SUM, "subscribers"),
        Measure("length", "number", "", "km", Kind.RATIO),
    ),
    attributes=(Attribute("label", "string", ""),),
    privacy=Privacy.PEOPLE,
)
GRID = pa.table({"area": ["A", "B", "C", "D"] * 2, "month": [1] * 4 + [2] * 4})
KEYS = [(row["area"], row["month"]) for row in GRID.to_pylist()]
PEOPLE = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 60))


def raw(people: dict[Any, int], scale: float = 1) -> pa.Table:
    return pa.table(
        {
            "area": pa.array([area for area, _ in people], pa.string()),
            "month": pa.array([month for _, month in people], pa.int64()),
            "subscribers": pa.array([round(count * scale) for count in people.values()], pa.int64()),
            "people": pa.array(people.values(), pa.int64()),
        }
    )


def published(table: pa.Table) -> dict[Any, tuple[int | None, str]]:
    return {(row["area"], row["month"]): (row["subscribers"], row["subscribers_state"]) for row in table.to_pylist()}


@settings(deadline=None)
@given(people=PEOPLE, k=st.integers(2, 50))
def test_a_count_is_published_exactly_when_k_people_stand_behind_it(people: dict[Any, int], k: int) -> None:
    for key, (value, state) in published(suppress(HOME, raw(people), GRID, k)).items():
        if people.get(key, 0) >= k:
            assert (value, state) == (people[key], "reported")
        else:
            assert (value, state) == (None, "suppressed")


@settings(deadline=None)
@given(people=PEOPLE, k=st.integers(2, 50), data=st.data())
def test_nobody_and_too_few_cannot_be_told_apart(people: dict[Any, int], k: int, data: st.DataObject) -> None:
    few = {key: count for key, count in people.items() if count < k}
    other = {key: count for key, count in people.items() if count >= k}
    for key in few:  # left out, nobody, or any number below k
        if data.draw(st.booleans()):
            other[key] = data.draw(st.integers(0, k - 1))
    assert published(suppress(HOME, raw(people), GRID, k)) == published(suppress(HOME, raw(other), GRID, k))


@settings(deadline=None)
@given(people=PEOPLE)
def test_every_key_of_the_grid_has_its_row_and_no_other(people: dict[Any, int]) -> None:
    assert sorted(published(suppress(HOME, raw(people), GRID, 15))) == sorted(KEYS)


@settings(deadline=None)
@given(people=PEOPLE, scale=st.floats(1, 1000))
def test_people_are_counted_before_scaling(people: dict[Any, int], scale: float) -> None:
    unscaled, scaled = (suppress(HOME, raw(people, factor), GRID, 15) for factor in (1, scale))
    assert unscaled["subscribers_state"] == scaled["subscribers_state"]


def trips(**columns: list[Any]) -> dict[str, dict[str, Any]]:
    given = pa.table({"area": ["A", "B"], "movers": [40.0, 30.0], "length": [3.5, 2.5], "people": [40, 30]} | columns)
    grid = pa.table({"area": ["B", "A"], "label": ["Bo", "Aberdeen"]})
    return {row["area"]: row for row in suppress(TRIPS, given, grid, 15).to_pylist()}


def test_a_measure_of_fewer_people_is_judged_by_those() -> None:
    rows = trips(length_people=[14, 15])
    assert (rows["A"]["length"], rows["A"]["length_state"]) == (None, "suppressed")
    assert (rows["B"]["length"], rows["B"]["length_state"]) == (2.5, "reported")


def test_a_count_below_k_is_suppressed_whatever_its_people() -> None:
    rows = trips(movers=[14.0, 15.0])
    assert (rows["A"]["movers"], rows["A"]["movers_state"]) == (None, "suppressed")
    assert (rows["B"]["movers"], rows["B"]["movers_state"]) == (15.0, "reported")


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_no_value_with_enough_people_is_missing_and_with_too_few_suppressed(nothing: float | None) -> None:
    rows = trips(length=[nothing, nothing], people=[40, 3])
    assert (rows["A"]["length"], rows["A"]["length_state"]) == (None, "missing")
    assert (rows["B"]["length"], rows["B"]["length_state"]) == (None, "suppressed")


def test_a_kept_value_may_be_modelled_but_a_suppressed_one_says_no_more() -> None:
    rows = trips(length_state=["modelled", "modelled"], people=[40, 3])
    assert [rows[area]["length_state"] for area in "AB"] == ["modelled", "suppressed"]


def test_attributes_come_from_the_grid() -> None:
    assert trips()["B"]["label"] == "Bo"


FINE = {"area": ["A", "B"], "month": [1, 1], "subscribers": [40, 30], "people": [40, 30]}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no people", {"people": None}, "column people is missing"),
    ("people unknown", {"people": [40, None]}, "column people, row 2: is null"),
    ("negative people", {"people": [40, -1]}, "column people, row 2: is negative"),
    ("half people", {"people": [40.0, 1.5]}, "column people is double"),
    ("a column too many", {"names": ["Ada", "Grace"]}, "column names is not known"),
    ("a null key", {"area": ["A", None]}, "row 2: is null in the key"),
    ("a repeated key", {"area": ["A", "A"]}, "two rows have the same key"),
    ("a key outside the grid", {"area": ["A", "Z"]}, "the key of row 2 is not in the grid"),
    ("an infinite value", {"subscribers": [float("inf"), 1.0]}, "column subscribers, row 1: is infinite"),
    ("text", {"subscribers": ["many", "few"]}, "measure subscribers is string"),
]


@pytest.mark.parametrize(("other", "problem"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_raw_table_that_cannot_be_judged_is_refused(other: dict[str, Any], problem: str) -> None:
    columns = {name: column for name, column in (FINE | other).items() if column is not None}
    with pytest.raises(InputError, match=problem):
        suppress(HOME, pa.table(columns), GRID, 15)


@pytest.mark.parametrize("k", [1, 0, -15, 15.0, True])
def test_a_threshold_below_two_people_is_no_threshold(k: Any) -> None:
    with pytest.raises(InputError, match="at least 2"):
        suppress(HOME, pa.table(FINE), GRID, k)


def test_a_grid_made_from_the_records_cannot_be_left_to_chance() -> None:
    with pytest.raises(InputError, match=r"there is no grid of keys .*never from the records"):
        suppress(HOME, pa.table(FINE), None, 15)
    repeated = pa.concat_tables([GRID, GRID.slice(0, 1)])
    with pytest.raises(InputError, match=r"grid of demo\.home: two rows have the same key"):
        suppress(HOME, pa.table(FINE), repeated, 15)


def test_a_table_of_one_row_needs_no_grid() -> None:
    total = Dataset(
        name="demo.total",
        title="",
        description="",
        dimensions=(),
        measures=(Measure("n", "integer", "", "{subscribers}", Kind.UNION, "subscribers"),),
        privacy=Privacy.PEOPLE,
    )
    assert suppress(total, pa.table({"n": [20], "people": [20]}), None).to_pylist() == [
        {"n": 20, "n_state": "reported"}
    ]
    nobody = pa.table({"n": pa.array([], pa.int64()), "people": pa.array([], pa.int64())})
    assert suppress(total, nobody, None).to_pylist() == [{"n": None, "n_state": "suppressed"}]
