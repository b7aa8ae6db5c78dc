"""Forecasts and nowcasts of planted series: hours of the week, a trend, markets and feasts, counts hidden below k."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import State
from commonweal.core.errors import InputError
from commonweal.mobility.forecasts import (
    Plan,
    SlotSeries,
    conformal,
    forecast,
    held_out,
    nowcast,
    profile,
)
from commonweal.mobility.forecasts.profile import quantile_below

MONDAY = date(2024, 1, 1)
K = 15
HOUR = np.arange(24)
SHAPE = 0.3 + np.exp(-((HOUR - 8) ** 2) / 8) + 0.8 * np.exp(-((HOUR - 18) ** 2) / 10)
MARKETS = tuple(MONDAY + timedelta(day) for day in (9, 23, 37, 51))  # every other Wednesday


def planted(
    seed: int = 1,
    days: int = 56,
    areas: int = 12,
    least: int | None = K,
    growth: float = 0.0,
    market: float = 1.0,
    noise: float = 0.05,
) -> tuple[SlotSeries, np.ndarray]:
    """Counts of areas of all sizes, and what had been expected of them before anything was hidden."""
    chance = np.random.default_rng(seed)
    size = np.geomspace(15, 3000, areas)
    found = np.empty((days, 24, areas))
    for day in range(days):
        weekday = 0.7 if day % 7 > 4 else 1.0 + 0.05 * (day % 7)
        level = (1 + growth) ** (day / 7) * np.exp(chance.normal(0, noise))
        event = np.ones((24, areas))
        if MONDAY + timedelta(day) in MARKETS:
            event[6:16, ::3] = market
        found[day] = weekday * level * SHAPE[:, None] * size * event
    counts = chance.poisson(found).astype(float)
    shown = np.where(counts < least, np.nan, counts) if least else counts
    return SlotSeries.of([(f"A{n:02}",) for n in range(areas)], MONDAY, shown, least), counts


def ahead(series: SlotSeries, days: int) -> SlotSeries:
    return series.before(MONDAY + timedelta(days))


# Of the week ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hidden_count_is_below_every_other_and_no_zero() -> None:
    series = SlotSeries.of([("A",)], MONDAY, [[[n]] for n in (None, 20, 30, None, 40, 50, None)], K)
    found = profile(series, like="any")
    assert found.usual[0, 0, 0] == 20  # of seven days the fourth: three are hidden
    missing = SlotSeries.of([("A",)], MONDAY, [[[n]] for n in (None, 20, 30, None, 40, 50, None)], None)
    assert profile(missing, like="any").usual[0, 0, 0] == 35  # nothing is known of what is hidden
    mostly = SlotSeries.of([("A",)], MONDAY, [[[n]] for n in (None, 20, None)], K)
    assert profile(mostly, like="any").below[0, 0, 0]
    assert np.isnan(profile(mostly, like="any").usual[0, 0, 0])


@given(values=st.lists(st.one_of(st.integers(15, 60).map(float), st.none()), min_size=2, max_size=9))
@settings(max_examples=60, deadline=None)
def test_a_quantile_is_known_only_if_it_is_the_same_whatever_is_hidden(values: list[float | None]) -> None:
    laid = np.array([np.nan if value is None else value for value in values])[:, None]
    below = np.isnan(laid)
    for part in (0.25, 0.5, 0.75):
        found, _ = quantile_below(laid, below, part)
        least, most = (np.quantile(np.where(below, filled, laid), part) for filled in (0.0, 14.0))
        if np.isnan(found[0]):
            assert least < most
        else:
            assert least == pytest.approx(found[0])
            assert most == pytest.approx(found[0])


def test_with_little_history_days_are_told_apart_less_finely() -> None:
    series, _ = planted(days=30)
    kinds = [profile(ahead(series, days)).like for days in (30, 14, 13, 9, 5)]
    assert kinds == ["weekday", "weekday", "workday", "workday", "any"]


# Forecasts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def truth_inside(level: float, growth: float) -> tuple[float, int]:
    """Which part of what truly was, hidden or not, lay in intervals made before it."""
    inside = counts = 0
    for seed in range(6):
        series, truth = planted(seed, days=49, growth=growth)
        for day in (43, 45, 48):
            found = forecast(ahead(series, day), Plan(MONDAY + timedelta(day), level=level))
            told = ~np.isnan(found.low)
            assert told.mean() > 0.95
            inside += int(((truth[day] >= found.low) & (truth[day] <= found.high))[told].sum())
            counts += int(told.sum())
    return inside / counts, counts


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_as_many_days_lie_in_their_intervals_as_should(level: float) -> None:
    part, counts = truth_inside(level, growth=0.01)
    assert counts > 4000
    # Whole people and hidden counts make intervals a little wider than they need be.
    assert level - 0.03 < part < level + (1 - level) * 0.8


def test_a_forecast_is_nearer_than_the_same_hour_of_last_week() -> None:
    for seed in (1, 2):
        for growth in (0.0, 0.04):
            series, _ = planted(seed, growth=growth)
            score = held_out(forecast(series, Plan(MONDAY + timedelta(56))), K)
            assert len(score.days) == 14
            assert score.counts > 2500
            assert score.better > 0.1, (growth, score)
            assert score.inside > 0.87


def test_what_is_asked_of_days_far_ahead_is_tested_as_far_ahead() -> None:
    series, _ = planted(growth=0.06, noise=0.02)
    near, far = (forecast(series, Plan(MONDAY + timedelta(56 + days))) for days in (0, 20))
    assert held_out(far, K).error > held_out(near, K).error
    relative = [np.nanmean((one.high - one.low) / np.maximum(one.expected, 1)) for one in (far, near)]
    assert relative[0] > relative[1]


def test_nothing_of_the_day_itself_or_after_it_is_looked_at() -> None:
    series, _ = planted()
    day = MONDAY + timedelta(50)
    one, other = forecast(series, Plan(day)), forecast(ahead(series, 50), Plan(day))
    np.testing.assert_array_equal(one.expected, other.expected)
    np.testing.assert_array_equal(one.high, other.high)


def test_a_market_is_expected_by_its_earlier_dates() -> None:
    day = MARKETS[-1]
    wrong: dict[str, float] = {}
    inside = []
    for seed in range(4):
        series, truth = planted(seed, market=2.5)
        at = series.dates.index(day)
        plans = {
            "market": Plan(day, event=frozenset(MARKETS[:-1])),
            "ordinary": Plan(day, holidays=frozenset(MARKETS[:-1])),
            "unknown": Plan(day),
        }
        for name, plan in plans.items():
            found = forecast(series, plan)
            wrong[name] = wrong.get(name, 0.0) + float(np.nanmean(np.abs(found.expected - truth[at])))
            if name == "market":
                told = ~np.isnan(found.low)
                inside.append(((truth[at] >= found.low) & (truth[at] <= found.high))[told].mean())
    # A day's own luck, 5 %, remains.
    assert wrong["market"] < 0.65 * wrong["unknown"]
    assert wrong["market"] < 0.65 * wrong["ordinary"]
    assert np.mean(inside) > 0.87


def test_of_an_event_with_one_earlier_date_no_interval_is_given() -> None:
    series, _ = planted(market=2.0)
    found = forecast(series, Plan(MARKETS[1], event=frozenset(MARKETS[:1])))
    given = found.why == "given"
    assert given.any()
    assert not np.isnan(found.expected[given]).any()
    assert np.isnan(found.high[given]).all()


def test_where_less_than_k_are_usual_no_number_is_made_up() -> None:
    series, _ = planted()
    found = forecast(series, Plan(MONDAY + timedelta(56)))
    below = found.why == "below k"
    assert 10 < below.sum() < 100
    assert np.isnan(found.expected[below]).all()
    assert (found.low[below] == 0).all()
    assert (found.high[below] == K - 1).all()


@pytest.mark.parametrize(
    ("day", "expected"), [(MONDAY, "a day after the first one"), (MONDAY + timedelta(90), "at most 28")]
)
def test_a_day_that_cannot_be_forecast_is_refused(day: date, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        forecast(planted(days=21)[0], Plan(day))


def test_hidden_counts_never_make_an_interval_narrower() -> None:
    chance = np.random.default_rng(4)
    expected = np.full(400, 20.0)
    seen = chance.poisson(expected).astype(float)
    whole = conformal(expected, seen, np.zeros(400, bool), None, 0.9)
    hidden = seen < K
    shown = conformal(expected, np.where(hidden, np.nan, seen), hidden, K, 0.9)
    assert whole is not None
    assert shown is not None
    assert (shown.low <= whole.low).all()
    assert (shown.high >= whole.high - 1e-12).all()


# Nowcasts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def error_of(make: Callable[[SlotSeries, date], np.ndarray], series: SlotSeries, truth: np.ndarray, at: int) -> float:
    hidden = series.below[at]
    return float(np.abs(make(series, series.dates[at]) - truth[at])[hidden].mean())


def test_a_hidden_count_is_filled_in_below_k_and_nearer_than_zero_or_the_middle() -> None:
    series, truth = planted()
    found = nowcast(series, MONDAY + timedelta(30))
    hidden = series.below[30]
    assert (found.states[hidden] == State.MODELLED.value).all()
    assert (found.published[hidden] == State.SUPPRESSED.value).all()
    assert (found.states[~hidden] == State.REPORTED.value).all()
    np.testing.assert_array_equal(found.values[~hidden], series.values[30][~hidden])
    assert (found.values[hidden] <= K - 1).all()
    assert (found.low[hidden] == 0).all()
    assert np.isnan(found.low[~hidden]).all()
    filled = error_of(lambda s, day: nowcast(s, day).values, series, truth, 30)
    assert filled < error_of(lambda s, day: np.zeros(s.values.shape[1:]), series, truth, 30)


def test_a_missing_hour_is_filled_in_with_an_interval() -> None:
    series, truth = planted(seed=3)
    inside = []
    for at in (25, 33, 41):
        states, values = series.states.copy(), series.values.copy()
        states[at, 7:12], values[at, 7:12] = State.MISSING.value, np.nan
        cut = SlotSeries(series.keys, series.dates, series.hours, values, states, K)
        found = nowcast(cut, series.dates[at])
        gone = np.zeros(values.shape[1:], bool)
        gone[7:12] = ~np.isnan(series.values[at, 7:12])
        assert (found.states[gone] == State.MODELLED.value).all()
        wrong = np.abs(found.values - truth[at])[gone] / truth[at][gone]
        assert np.median(wrong) < 0.1
        inside.append(((truth[at] >= found.low) & (truth[at] <= found.high))[gone].mean())
    assert np.mean(inside) > 0.85
