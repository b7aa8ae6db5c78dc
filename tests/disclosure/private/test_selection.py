"""Keys that are not public are shown only where enough people stand behind them, but for a chance of δ."""

from __future__ import annotations

import pytest
from scipy import stats

from commonweal.core.errors import InputError
from commonweal.disclosure.private.bound import Bound
from commonweal.disclosure.private.noise import Noise
from commonweal.disclosure.private.selection import Selection, hit, selection

CHANCE = 1e-6
NOISES = [Noise("laplace", 1.0), Noise("gaussian", 1.5)]


@pytest.mark.parametrize("noise", NOISES, ids=str)
@pytest.mark.parametrize("threshold", [4, 6])
def test_a_key_of_one_person_is_shown_as_often_as_delta_says(noise: Noise, threshold: int) -> None:
    """As often, not more: OpenDP's own figure for the same threshold would be too small by half and more."""
    tried = 50_000
    shown = len(Selection(noise, threshold).select(dict.fromkeys(range(tried), 1)))
    exact = hit(noise, threshold, Bound(1))
    assert stats.binomtest(shown, tried, exact).pvalue > CHANCE
    assert Selection(noise, threshold).loss(Bound(1)).delta >= exact


@pytest.mark.parametrize("noise", NOISES, ids=str)
@pytest.mark.parametrize("keys", [1, 5, 100])
@pytest.mark.parametrize("delta", [1e-3, 1e-9])
def test_the_threshold_is_the_lowest_that_keeps_delta(noise: Noise, keys: int, delta: float) -> None:
    bound = Bound(keys)
    chosen = selection(noise, bound, delta)
    assert hit(noise, chosen.threshold, bound) <= chosen.loss(bound).delta <= delta
    spare = 1 if noise.family == "laplace" else 2  # OpenDP reckons a Gaussian's tail twice, on both sides
    assert hit(noise, chosen.threshold - spare, bound) > delta * 0.999


def test_the_noise_costs_what_it_costs_without_a_threshold() -> None:
    for noise in NOISES:
        plain, selected = noise.loss(Bound(4)), Selection(noise, 50).loss(Bound(4))
        assert (selected.rho, selected.pure) == (plain.rho, plain.pure)


def test_what_is_shown_reaches_the_threshold_and_no_key_is_made_up() -> None:
    chosen = selection(Noise("laplace", 2.0), Bound(2), 1e-6)
    shown = chosen.select({1: 1, 2: 5_000, 7: 10_000})
    assert set(shown) <= {1, 2, 7}
    assert {2, 7} <= set(shown)
    assert min(shown.values()) >= chosen.threshold


def test_a_key_without_anybody_is_refused_since_its_noise_could_show_it() -> None:
    with pytest.raises(InputError, match="nobody"):
        selection(Noise("laplace", 2.0), Bound(2), 1e-6).select({1: 0})


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.5])
def test_a_delta_that_is_none_is_refused(delta: float) -> None:
    with pytest.raises(InputError, match="δ is"):
        selection(Noise("laplace", 2.0), Bound(2), delta)
