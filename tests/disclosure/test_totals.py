"""Totals beside a suppressed table: whatever is published, or not, each hidden part may still be anything below k.

The reader of these tests knows all that a reader can know, the method included: every table that would have led to
what was published is tried.
"""

from itertools import product

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import Kind
from commonweal.core.errors import InputError
from commonweal.disclosure.totals import Total, bucket_width, parts_by, protect_total

SMALL = {
    "reported": st.integers(0, 60),
    "suppressed": st.integers(1, 3),
    "k": st.integers(2, 5),
    "rest": st.booleans(),
}
OTHERS = 30


def parts_of_at_least(k: int, reported: int) -> int:
    """A sum of published parts: each is at least k."""
    return reported if reported >= k else 0


def consistent(reported: int, suppressed: int, k: int, kind: Kind, rest: bool) -> dict[Total, list[tuple[int, ...]]]:
    """For each thing that can be published, the hidden parts that would have led to it."""
    reported = parts_of_at_least(k, reported)
    found: dict[Total, list[tuple[int, ...]]] = {}
    for parts in product(range(k), repeat=suppressed):
        whole = reported + sum(parts)
        # In a union everybody may stand in several parts; the reader knows only the sum of the reported ones.
        lowest = whole if kind is Kind.SUM else max([k if reported else 0, *parts])
        highest = whole + OTHERS if rest else whole
        for total in range(lowest, highest + 1):
            said = protect_total(total, reported, suppressed, k=k, kind=kind, rest=rest)
            # A rest may be of any size; buckets that reach beyond the sizes tried here are seen in part only.
            if not rest or said.base is None or (said.value or 0) + said.base <= reported + OTHERS:
                found.setdefault(said, []).append(parts)
    return found


@pytest.mark.parametrize("kind", [Kind.SUM, Kind.UNION])
@settings(max_examples=60, deadline=None)
@given(**SMALL)
def test_each_hidden_part_may_still_be_anything_below_k(
    kind: Kind, reported: int, suppressed: int, k: int, rest: bool
) -> None:
    for tables in consistent(reported, suppressed, k, kind, rest).values():
        for part in range(suppressed):
            assert {table[part] for table in tables} == set(range(k))


@pytest.mark.parametrize("kind", [Kind.SUM, Kind.UNION])
@settings(max_examples=60, deadline=None)
@given(**SMALL)
def test_the_hidden_parts_together_are_known_no_better_than_one_of_them(
    kind: Kind, reported: int, suppressed: int, k: int, rest: bool
) -> None:
    for tables in consistent(reported, suppressed, k, kind, rest).values():
        sums = {sum(table) for table in tables}
        assert max(sums) - min(sums) >= k - 1


@settings(deadline=None)
@given(reported=st.integers(0, 60), k=st.integers(2, 5))
def test_a_few_people_who_stand_in_no_part_are_hidden_as_well(reported: int, k: int) -> None:
    said = {}
    for others in range(40):
        total = protect_total(reported + others, reported, 0, k=k, kind=Kind.SUM, rest=True)
        said.setdefault(total, set()).add(others)
    for possible in said.values():
        assert possible >= set(range(k)) or min(possible) >= k


@settings(deadline=None)
@given(reported=st.integers(0, 10**6), suppressed=st.integers(0, 300), k=st.integers(2, 50), share=st.floats(0, 1))
def test_what_is_published_is_never_above_the_total_and_less_than_a_bucket_below(
    reported: int, suppressed: int, k: int, share: float
) -> None:
    total = reported + round(share * suppressed * (k - 1))
    said = protect_total(total, reported, suppressed, k=k, kind=Kind.SUM)
    match said.state.value:
        case "reported":
            assert (said.value, suppressed) == (total, 0)
        case "rounded":
            assert said.value is not None
            assert said.base is not None
            assert said.base >= k
            assert 0 < said.value <= total < said.value + said.base
        case state:
            assert (state, said.value) == ("withheld", None)


def test_totals_of_real_size_are_rounded_little() -> None:
    widths = [bucket_width(reported, 20, k=15, kind=Kind.SUM) for reported in range(5_000, 6_000)]
    assert all(width is not None and width <= 100 for width in widths)


def test_the_naive_total_would_have_told_everything() -> None:
    """The law above can fail: an exact total leaves a single hidden part no freedom at all."""
    tables = [parts for parts in product(range(5), repeat=1) if 40 + sum(parts) == 43]
    assert tables == [(3,)]


@pytest.mark.parametrize(
    ("total", "reported", "suppressed", "kind"),
    [
        (39, 40, 1, Kind.SUM),
        (70, 40, 1, Kind.SUM),
        (70, 40, 1, Kind.UNION),
        (-1, 0, 1, Kind.UNION),
        (5, 5, 0, Kind.RATIO),
    ],
)
def test_a_total_that_cannot_come_from_its_parts_is_refused(
    total: int, reported: int, suppressed: int, kind: Kind
) -> None:
    with pytest.raises(InputError):
        protect_total(total, reported, suppressed, k=15, kind=kind)


def test_what_a_reader_knows_of_the_parts_is_read_from_the_published_table() -> None:
    table = pa.table(
        {
            "day": [1, 1, 1, 2],
            "n": pa.array([40, 20, None, None], pa.int64()),
            "n_state": ["reported", "reported", "suppressed", "suppressed"],
        }
    )
    assert parts_by(table, "n", ["day"]).sort_by("day").to_pylist() == [
        {"day": 1, "reported": 60, "largest": 40, "suppressed": 1},
        {"day": 2, "reported": 0, "largest": 0, "suppressed": 1},
    ]
