"""A change is told against the median of like days, with an interval, or not at all."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.errors import InputError
from commonweal.mobility.baselines import DaySeries, Reference, changes, joined, together
from commonweal.mobility.baselines.hidden import all_together

MONDAY = date(2024, 1, 1)


def days(number: int, first: date = MONDAY) -> list[date]:
    return [first + timedelta(days=day) for day in range(number)]


def one(values: list[float | None], **reference: object) -> object:
    """Changes of one area."""
    laid = [[value] for value in values]
    return changes(DaySeries.of([("A",)], days(len(values)), laid), Reference(**reference))  # type: ignore[arg-type]


def test_a_value_is_compared_with_the_median_of_the_same_weekday():
    weekly = [10, 20, 30, 40, 50, 60, 70]
    found = one([value + 10 * week for week in range(4) for value in weekly], last=MONDAY + timedelta(20))
    # The three earlier Mondays saw 10, 20, 30: median 20, deviations 10, 0, 10.
    assert found.expected[21, 0] == 20
    assert found.spread[21, 0] == pytest.approx(1.4826 * 10)
    assert found.relative[21, 0] == pytest.approx(40 / 20 - 1)
    assert found.z[21, 0] == pytest.approx((40 - 20) / 14.826)


def test_the_interval_is_that_of_the_formula():
    found = one([100, 120, 80, 100, 60], like="any", last=MONDAY + timedelta(3))
    spread = 1.4826 * 10
    quantile = 3.182446305  # Student's t with 3 degrees of freedom, 97.5 %
    reach = quantile * spread * math.sqrt(1 + math.pi / 8) / 100
    assert found.low[4, 0] == pytest.approx(-0.4 - reach)
    assert found.high[4, 0] == pytest.approx(-0.4 + reach)


def test_a_baseline_that_never_varies_has_the_spread_of_a_count():
    found = one([100, 100, 100, 130], like="any", last=MONDAY + timedelta(2))
    assert found.counted[3, 0]
    assert found.spread[3, 0] == 10
    assert found.z[3, 0] == 3
    assert not found.unusual[3, 0]


def test_with_too_little_history_there_is_no_number():
    found = one([100, None, 100, 40, None], like="any", last=MONDAY + timedelta(2))
    assert found.why[:, 0].tolist() == ["not enough history"] * 5
    assert np.isnan(found.relative).all()
    enough = one([100, None, 100, 40, None], like="any", last=MONDAY + timedelta(2), minimum=2)
    assert enough.relative[3, 0] == pytest.approx(-0.6)


def test_what_is_suppressed_has_no_change_and_is_never_zero():
    found = one([100, 100, 100, None], like="any", last=MONDAY + timedelta(2))
    assert found.why[3, 0] == "suppressed"
    assert math.isnan(found.relative[3, 0])


def test_a_suppressed_day_of_the_baseline_is_left_out_of_the_median():
    assert one([100, None, 104, 102, 50], like="any", last=MONDAY + timedelta(3)).expected[4, 0] == 102


def test_a_holiday_neither_makes_the_baseline_nor_is_compared():
    holiday = MONDAY + timedelta(1)
    found = one([100, 900, 100, 100, 100], like="any", last=MONDAY + timedelta(3), holidays=frozenset({holiday}))
    assert found.expected[4, 0] == 100
    assert found.why[1, 0] == "holiday"
    assert math.isnan(found.relative[1, 0])


def test_workdays_and_weekends_are_told_apart():
    values = [100, 100, 100, 100, 100, 40, 40] * 2 + [100]
    found = one(values, like="workday", last=MONDAY + timedelta(13))
    assert found.expected[14, 0] == 100
    assert found.expected[5, 0] == 40


def test_a_baseline_of_nobody_has_no_relative_change():
    found = one([0, 0, 0, 20], like="any", last=MONDAY + timedelta(2))
    assert found.why[3, 0] == "the baseline is zero"
    assert math.isnan(found.relative[3, 0])


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"first": MONDAY, "last": MONDAY - timedelta(1)}, "the baseline ends"),
        ({"like": "moon"}, "no kind of day"),
        ({"minimum": 1}, "no history"),
        ({"first": date(2030, 1, 1)}, "no published day"),
    ],
)
def test_a_baseline_that_makes_no_sense_is_refused(choice, said):
    with pytest.raises(InputError, match=said):
        one([100, 100], **choice)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 500), min_size=8, max_size=20),
    st.sampled_from([0.25, 2.0, 8.0]),
)
def test_a_constant_factor_changes_no_relative_change(values, factor):
    choice = {"like": "any", "last": MONDAY + timedelta(4)}
    plain, scaled = one(list(values), **choice), one([value * factor for value in values], **choice)
    np.testing.assert_allclose(scaled.relative, plain.relative)
    apart = ~plain.counted  # where the MAD is zero the spread is that of a count, which scales otherwise
    np.testing.assert_allclose(scaled.z[apart], plain.z[apart])


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_the_areas_changes_nothing(order):
    values = np.random.default_rng(5).integers(50, 90, (12, 6)).astype(float)
    keys = [(f"A{place}",) for place in range(6)]
    reference = Reference(last=MONDAY + timedelta(8), like="any")
    plain = changes(DaySeries.of(keys, days(12), values), reference)
    shuffled = changes(DaySeries.of([keys[at] for at in order], days(12), values[:, order]), reference)
    np.testing.assert_array_equal(shuffled.z, plain.z[:, order])


def test_history_may_come_from_an_earlier_release():
    earlier = DaySeries.of([("A",)], days(5), [[100], [104], [96], [100], [100]])
    later = DaySeries.of([("A",), ("B",)], days(2, MONDAY + timedelta(5)), [[50, 20], [51, 20]])
    found = changes(joined(earlier, later), Reference(last=MONDAY + timedelta(4), like="any"))
    assert found.relative[5, 0] == -0.5
    assert found.why[5, 1] == "not enough history"


def test_a_group_is_compared_over_what_is_published_of_it():
    values = [[100, 200], [102, 206], [98, 194], [100, 200], [50, 110], [52, None]]
    found = changes(DaySeries.of([("A",), ("B",)], days(6), values), Reference(last=MONDAY + timedelta(3), like="any"))
    both = together(found, np.array([False] * 4 + [True] * 2))
    assert both.change == pytest.approx((50 + 110 + 52) / (100 + 200 + 100) - 1)
    assert both.if_none == pytest.approx((50 + 110 + 52) / 600 - 1)
    assert both.low < both.change < both.high


def test_what_was_hidden_to_protect_others_is_taken_for_no_small_number() -> None:
    """Of ten pairs of 18 people one falls to 9: hidden for being small, or as large as ever beside another."""
    values = np.full((23, 10), 18.0) + np.arange(23)[:, None] % 3
    values[20:, 0] = np.nan
    series = DaySeries.of([(f"A{n}",) for n in range(10)], days(23), values)
    changed = changes(series, Reference(last=days(23)[19], like="any"))
    small, protecting = (all_together(changed, 15, np.full(values.shape, known)) for known in (False, True))
    assert small is not None
    assert protecting is not None
    assert (small.with_hidden.change or 0) < (protecting.with_hidden.change or 0) - 0.02
