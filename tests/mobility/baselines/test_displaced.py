"""Displaced people by origin and host, from flows above what is usual or homes that changed; and a layer beside."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, publish
from commonweal.core.errors import InputError
from commonweal.mobility.baselines import DaySeries, Reference, displaced, layer, net_residents

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(day) for day in range(8)]
PAIRS = [("A", "B"), ("B", "A")]
REFERENCE = Reference(last=DAYS[4], like="any")


def test_who_went_more_than_usual_less_who_came_back():
    usual = [[50, 50], [52, 48], [48, 52], [50, 50], [50, 50]]
    moves = DaySeries.of(PAIRS, DAYS, [*usual, [150, 50], [80, 40], [50, 90]])
    found = displaced(moves, DAYS[5], REFERENCE)
    assert [(one.origin, one.host, one.people) for one in found] == [("A", "B", 100), ("A", "B", 140), ("A", "B", 100)]
    assert all(one.low < one.people < one.high for one in found)
    assert found[2].high - found[2].low > found[0].high - found[0].low


def test_a_day_that_is_not_published_is_left_out_and_said():
    moves = DaySeries.of(PAIRS, DAYS, [[50, 50]] * 5 + [[150, 50], [None, 50], [60, 50]])
    last = displaced(moves, DAYS[5], REFERENCE)[-1]
    assert (last.people, last.known, last.days) == (110, 2, 3)


def test_a_table_of_homes_that_changed_needs_no_baseline():
    homes = DaySeries.of(PAIRS, DAYS[:2], [[20, 60], [20, 30]])
    assert [(one.origin, one.host, one.people) for one in displaced(homes, FIRST)] == [("B", "A", 40), ("B", "A", 50)]


def test_a_table_without_pairs_is_refused():
    with pytest.raises(InputError, match="no pairs"):
        displaced(DaySeries.of([("A",)], DAYS[:1], [[3]]), FIRST)


def test_two_releases_of_homes_give_net_numbers_only_where_both_are_published():
    found = {one.area: (one.net, one.relative) for one in net_residents({"A": 200, "B": None}, {"A": 150, "B": 70})}
    assert found == {"A": (-50, -0.25), "B": (None, None)}


@pytest.mark.parametrize(("kind", "expected"), [(Kind.SUM, {"A": 9.0, "B": None}), (Kind.RATIO, {"A": 4.5, "B": 3.0})])
def test_another_release_is_joined_by_area_and_period(home, kind, expected):
    dataset = Dataset(
        name="health.cases",
        title="Cases",
        description="Made up.",
        dimensions=(
            Dimension("area", "area", "Where.", hierarchy="area"),
            Dimension("start", "timestamp", "When.", hierarchy="period"),
        ),
        measures=(Measure("cases", "integer", "How many.", "{cases}", kind),),
        privacy=Privacy.OPEN,
    )
    rows = [("A", 1, 4), ("A", 2, 5), ("A", 9, 100), ("B", 1, 3), ("B", 2, None)]
    table = pa.table(
        {
            "area": [area for area, *_ in rows],
            "start": pa.array([datetime(2024, 1, day, tzinfo=UTC) for _, day, _ in rows], pa.timestamp("us", tz="UTC")),
            "cases": [cases for *_, cases in rows],
            "cases_state": ["reported" if cases is not None else "missing" for *_, cases in rows],
        }
    )
    inputs = [Input("cases.csv", "ab" * 32, "file")]
    release = publish(
        home.settings, home.database, dataset, table, inputs=inputs, parameters={}, who="os:tester"
    ).release
    beside = layer(release, release.table(home.settings), FIRST, FIRST + timedelta(1))
    assert dict(beside.values) == expected
    assert beside.how == ("sum" if kind is Kind.SUM else "median")


@given(
    values=st.lists(
        st.lists(st.one_of(st.none(), st.integers(1, 120)), min_size=2, max_size=2), min_size=8, max_size=8
    ),
    of_flows=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_displaced_people_are_those_of_the_sum_written_out(values: list[list[int | None]], of_flows: bool) -> None:
    """b and s of each direction from the first five days; then, day by day, what both directions add."""
    found = {
        one.day: one for one in displaced(DaySeries.of(PAIRS, DAYS, values), DAYS[5], REFERENCE if of_flows else None)
    }
    usual = []
    for way in range(2):
        past = [row[way] for row in values[:5] if row[way] is not None]
        b = statistics.median(past) if of_flows and past else 0.0
        s = max(1.4826 * statistics.median(abs(x - b) for x in past), b**0.5) if of_flows and past else 0.0
        usual.append((b, s, len(past)))
    total = vary = shared = 0.0
    known = 0
    for day, row in zip(DAYS[5:], values[5:], strict=True):
        if None not in row and (not of_flows or all(many >= REFERENCE.minimum for _, _, many in usual)):
            known += 1
            total += (row[0] - usual[0][0]) - (row[1] - usual[1][0])
            spreads = [s if of_flows else x**0.5 for x, (_, s, _) in zip(row, usual, strict=True)]
            vary += sum(s**2 for s in spreads)
            if of_flows:
                shared = sum(math.pi * s**2 / (2 * many) for s, (_, _, many) in zip(spreads, usual, strict=True))
        if not known:
            assert day not in found
            continue
        one, reach = found[day], 1.959964 * (vary + known**2 * shared) ** 0.5
        signed = one.people if one.origin == "A" else -one.people
        assert (signed, one.high - one.people, one.known) == (
            pytest.approx(total, abs=1e-9), pytest.approx(reach, rel=1e-6), known
        )  # fmt: skip
