"""Dominance: a sum that one person makes up most of is not published, however many stand behind it."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from commonweal.core.catalog import Dataset, Dimension, Kind, Measure, Privacy
from commonweal.core.errors import InputError
from commonweal.disclosure import Counted, Dominance, protect_together
from commonweal.disclosure.threshold import suppress

CALLS = Dataset(
    name="demo.calls",
    title="Calls",
    description="",
    dimensions=(Dimension("area", "area", ""),),
    measures=(
        Measure("callers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),
        Measure("duration", "number", "", "min", Kind.SUM),
    ),
    privacy=Privacy.PEOPLE,
)


def table(*contributions: list[float], **other: Any) -> pa.Table:
    """One area for each list of what its people contribute."""
    ordered = [sorted(one, reverse=True) for one in contributions]
    columns = {
        "area": [f"A{number}" for number in range(len(ordered))],
        "callers": [len(one) for one in ordered],
        "duration": [float(sum(one)) for one in ordered],
        "duration_largest": [float(one[0]) for one in ordered],
        "duration_second": [float(one[1]) for one in ordered],
        "people": [len(one) for one in ordered],
    }
    return pa.table(columns | other)


def states(raw: pa.Table, dominance: Dominance = Dominance()) -> list[str]:  # noqa: B008
    made = suppress(CALLS, raw, raw.select(["area"]), 15, dominance).sort_by("area")
    assert made["callers_state"].to_pylist() == ["reported"] * raw.num_rows
    assert [value is None for value in made["duration"].to_pylist()] == [
        state in ("suppressed", "missing") for state in made["duration_state"].to_pylist()
    ]
    return made["duration_state"].to_pylist()  # type: ignore[no-any-return]


def test_more_than_half_of_one_person_is_suppressed_and_half_is_not() -> None:
    others = [1.0] * 20
    assert states(table([20.0, *others], [20.5, *others], [2.0, *others])) == ["reported", "suppressed", "reported"]


def test_the_share_is_a_parameter() -> None:
    raw = table([20.0, *[1.0] * 20])
    assert states(raw, Dominance(largest=49)) == ["suppressed"]
    assert states(raw, Dominance(largest=90)) == ["reported"]


def test_the_handbook_s_example_is_safe_by_its_largest_and_unsafe_by_its_two_largest_contributions() -> None:
    raw = table([50_000.0, 49_000.0, *[50.0] * 20])
    assert raw["duration"].to_pylist() == [100_000.0]
    assert states(raw, Dominance(largest=90)) == ["reported"]
    assert states(raw, Dominance(largest=90, two=90)) == ["suppressed"]


@settings(max_examples=40, deadline=None)
@given(some.lists(some.integers(0, 50), min_size=15, max_size=30), some.integers(5, 95), some.integers(5, 95))
def test_a_sum_is_published_exactly_when_neither_one_nor_two_dominate_it(people: list[int], p: int, q: int) -> None:
    [state] = states(table([float(one) for one in people]), Dominance(p, two=q))
    first, second = sorted(people, reverse=True)[:2]
    whole = sum(people)
    assert (state == "suppressed") == (first * 100 > p * whole or (first + second) * 100 > q * whole)


def test_a_sum_without_its_largest_contribution_is_refused() -> None:
    raw = table([1.0] * 20)
    with pytest.raises(InputError, match="duration is a sum, and column duration_largest is missing"):
        states(raw.drop_columns(["duration_largest", "duration_second"]))
    with pytest.raises(InputError, match="column duration_second is missing"):
        states(raw.drop_columns(["duration_second"]), Dominance(two=80))
    assert states(raw.drop_columns(["duration_second"])) == ["reported"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("duration_largest", 21.0),
        ("duration_largest", -1.0),
        ("duration_largest", None),
        ("duration_largest", float("nan")),
        ("duration_second", 1.5),
        ("duration", -3.0),
    ],
)
def test_what_cannot_be_contributions_is_refused_with_its_row_and_without_its_value(column: str, value: Any) -> None:
    raw = table([1.0] * 20, [1.0] * 20)
    wrong = pa.array([raw[column][0].as_py(), value], pa.float64())
    raw = raw.set_column(raw.column_names.index(column), column, wrong)
    with pytest.raises(InputError, match=r"duration_(largest|second), row 2: is no contribution") as error:
        states(raw, Dominance(two=99))
    assert str(value) not in str(error.value).replace("row 2", "").replace("from 0", "")


def test_a_value_that_is_missing_has_no_contributions() -> None:
    nothing = {name: pa.array([None], pa.float64()) for name in ("duration", "duration_largest", "duration_second")}
    assert states(table([1.0] * 20, **nothing)) == ["missing"]


@pytest.mark.parametrize("share", [0, 100, -5, float("nan")])
def test_a_share_that_says_nothing_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="says nothing"):
        Dominance(share)
    with pytest.raises(InputError, match="says nothing"):
        Dominance(two=share)


def test_tables_that_are_protected_together_keep_to_it() -> None:
    raw = table([20.5, *[1.0] * 20], [1.0] * 20)
    made = protect_together([Counted(CALLS, raw, raw.select(["area"]))]).tables["demo.calls"].sort_by("area")
    assert made["duration_state"].to_pylist() == ["suppressed", "reported"]
    assert made["callers"].to_pylist() == [21, 20]
