"""Intervals hold what they promise, and what a model filled in is marked as modelled."""

import numpy as np
import pytest
from scipy.stats import poisson

from commonweal.core.catalog import State
from commonweal.core.errors import InputError
from commonweal.mobility.flow_models import Gravity, Places, Radiation, gravity_flows, nowcast, predict


def country(n: int = 12) -> Places:
    chance = np.random.default_rng(4)
    at = chance.uniform(0, 10, (n, 2))
    return Places(np.hypot(*(at[:, None] - at).transpose(2, 0, 1)), chance.uniform(1, 20, n))


MEAN = gravity_flows(country(), 1.0, constant=8.0)
OFF = ~np.eye(12, dtype=bool)


@pytest.mark.parametrize("model", [Gravity(), Gravity("production"), Gravity("doubly", "power")])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_an_interval_holds_another_days_flow_as_often_as_it_says(model: Gravity, level: float) -> None:
    chance, held = np.random.default_rng(1), []
    for _ in range(12):
        found = predict(model.fit(chance.poisson(MEAN), country()), level=level, poisson=True)
        other = chance.poisson(MEAN)
        held.append(((found.low <= other) & (other <= found.high))[OFF].mean())
    assert np.mean(held) == pytest.approx(level, abs=0.03)


def test_counts_that_vary_more_than_poissons_have_wider_intervals() -> None:
    chance = np.random.default_rng(2)

    def day() -> np.ndarray:
        return chance.negative_binomial(4, 4 / (4 + MEAN)).astype(float)

    fit = Gravity().fit(day(), country())
    assert fit.dispersion > 5
    wide, narrow = predict(fit), predict(fit, poisson=True)
    assert (wide.high - wide.low)[OFF].sum() > 2 * (narrow.high - narrow.low)[OFF].sum()
    other = day()
    assert ((narrow.low <= other) & (other <= narrow.high))[OFF].mean() < 0.6
    assert ((wide.low <= other) & (other <= wide.high))[OFF].mean() > 0.85


def test_a_mean_that_is_known_well_leaves_poissons_own_interval() -> None:
    fit = Gravity().fit(MEAN * 1e6, country(), np.full((12, 12), 1e6))
    found = predict(fit, poisson=True)
    assert found.low[0, 1] == poisson.ppf(0.025, MEAN[0, 1])
    assert found.high[0, 1] == poisson.ppf(0.975, MEAN[0, 1])
    week = predict(fit, exposure=7, poisson=True)
    assert week.expected[OFF] == pytest.approx(7 * MEAN[OFF], rel=1e-6)


def test_what_was_estimated_from_few_has_a_wider_interval_than_chance_alone() -> None:
    # Somewhere 20 were seen to go to half of the places there are: the other half draws 20 as well, ± 1/√20 of them.
    places = Places([[0, 1, 1], [1, 0, 2], [1, 2, 0]], [1, 1, 1])
    fit = Radiation(finite=True).fit([[0, 20, None], [9, 0, 1], [9, 1, 0]], places)
    assert fit.log_variance[0, 2] == pytest.approx(1 / 20)
    found, mean = predict(fit, poisson=True), fit.expected[0, 2]
    assert found.low[0, 2] < poisson.ppf(0.025, mean)
    assert found.high[0, 2] > poisson.ppf(0.975, mean)
    variance = mean + mean**2 * np.expm1(1 / 20)
    assert (found.high - found.low)[0, 2] == pytest.approx(2 * 1.96 * variance**0.5, abs=1.5)


def test_what_was_suppressed_is_filled_in_and_marked_and_what_was_known_stays() -> None:
    hidden = np.where(np.less(MEAN, np.quantile(MEAN[OFF], 0.3)), np.nan, MEAN.round())
    filled = nowcast(hidden, Gravity().fit(hidden, country()), known_as=State.ROUNDED)
    gone = np.isnan(hidden) & OFF
    assert set(filled.states[gone]) == {State.MODELLED}
    assert set(filled.states[OFF & ~gone]) == {State.ROUNDED}
    assert set(filled.states[~OFF]) == {State.MISSING}
    assert filled.flows[OFF & ~gone].tolist() == hidden[OFF & ~gone].tolist()
    assert filled.flows[gone] == pytest.approx(MEAN[gone], rel=0.1)
    assert (filled.low[gone] <= filled.flows[gone]).all()
    assert (filled.flows[gone] <= filled.high[gone]).all()
    assert np.isnan(filled.low[OFF & ~gone]).all()


def test_what_the_model_cannot_know_stays_missing_and_is_never_zero() -> None:
    hidden = MEAN.copy()
    hidden[3] = np.nan
    hidden[5], hidden[5, 6] = 0.0, np.nan
    for model in (Gravity("production"), Gravity("doubly"), Radiation()):
        filled = nowcast(hidden, model.fit(hidden, country()))
        away = np.arange(12) != 3
        assert set(filled.states[3][away]) == {State.MISSING}
        assert np.isnan(filled.flows[3][away]).all()
        assert filled.states[5, 6] == State.MISSING
        assert np.isnan(filled.flows[5, 6])
        assert filled.states[5, 7] == State.REPORTED
        assert filled.flows[5, 7] == 0


def test_a_level_that_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match="is no probability"):
        predict(Gravity().fit(MEAN, country()), level=95)
