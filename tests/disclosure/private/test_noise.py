"""Noise is what it is said to be: its distribution, its reach, and what it costs.

Every statistical test draws a sample of fixed size and fails by chance once in a million.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from commonweal.core.errors import InputError
from commonweal.disclosure.private.bound import Bound, together
from commonweal.disclosure.private.noise import Noise, gaussian_noise, laplace_noise
from commonweal.disclosure.private.quantiles import half_width, probabilities, tail

CHANCE = 1e-6
SAMPLE = 30_000
NOISES = [Noise("laplace", 0.7), Noise("laplace", 6.0), Noise("gaussian", 0.7), Noise("gaussian", 6.0)]


def drawn(noise: Noise, size: int = SAMPLE) -> np.ndarray:
    return noise.add(np.zeros(size, np.int64))


def agreement(sample: np.ndarray, noise: Noise) -> float:
    """The p-value of Pearson's chi-square against exact probabilities; bins of fewer than ten expected are joined."""
    reach = next(x for x in range(1, 10**6) if tail(noise, x + 1) * len(sample) < 10)
    inner = np.arange(-reach + 1, reach)
    expected = np.concatenate([[tail(noise, reach)], probabilities(noise, inner), [tail(noise, reach)]])
    found = [(sample <= -reach).sum(), *((sample == x).sum() for x in inner), (sample >= reach).sum()]
    assert expected.sum() == pytest.approx(1, abs=1e-9)
    return float(stats.chisquare(found, expected / expected.sum() * len(sample)).pvalue)


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_noise_has_its_exact_distribution(noise: Noise) -> None:
    assert agreement(drawn(noise), noise) > CHANCE


def test_noise_that_is_a_little_too_narrow_is_told_from_what_it_should_be() -> None:
    assert agreement(drawn(Noise("gaussian", 5.6)), Noise("gaussian", 6.0)) < CHANCE
    assert agreement(drawn(Noise("laplace", 6.0)), Noise("gaussian", 6.0 * 2**0.5)) < CHANCE


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_noise_of_neighbouring_cells_has_nothing_to_do_with_one_another(noise: Noise) -> None:
    sample = drawn(noise).astype(float)
    correlation = np.corrcoef(sample[:-1], sample[1:])[0, 1]
    assert abs(correlation) * SAMPLE**0.5 < stats.norm.isf(CHANCE / 2)


@pytest.mark.parametrize("noise", NOISES, ids=str)
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_an_interval_is_the_narrowest_that_is_sure_enough(noise: Noise, confidence: float) -> None:
    q = half_width(noise, confidence)
    inside = probabilities(noise, np.arange(-q, q + 1)).sum()
    assert inside >= confidence
    assert q == 0 or inside - 2 * probabilities(noise, np.array([q]))[0] < confidence


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_an_interval_holds_the_count_as_often_as_it_says(noise: Noise) -> None:
    q = half_width(noise, 0.95)
    exact = float(probabilities(noise, np.arange(-q, q + 1)).sum())
    held = int((np.abs(drawn(noise)) <= q).sum())
    assert stats.binomtest(held, SAMPLE, exact).pvalue > CHANCE


@pytest.mark.parametrize("keys", [1, 4, 24, 1000])
@pytest.mark.parametrize("epsilon", [0.01, 1.0, 3.0])
def test_laplace_noise_is_as_wide_as_its_formula_says_and_costs_no_more(keys: int, epsilon: float) -> None:
    bound = Bound(keys)
    noise = laplace_noise(bound, epsilon)
    assert noise.scale == pytest.approx(keys / epsilon, rel=1e-9)
    loss = noise.loss(bound)
    assert loss.pure is not None
    assert loss.pure <= epsilon
    assert loss.pure == pytest.approx(epsilon, rel=1e-9)
    assert loss.rho == pytest.approx(epsilon**2 / 2, rel=1e-9)


@pytest.mark.parametrize("keys", [1, 4, 24, 1000])
@pytest.mark.parametrize("rho", [0.0001, 0.5, 3.0])
def test_gaussian_noise_is_as_wide_as_its_formula_says_and_costs_no_more(keys: int, rho: float) -> None:
    bound = Bound(keys)
    noise = gaussian_noise(bound, rho)
    assert noise.scale == pytest.approx(math.sqrt(keys / (2 * rho)), rel=1e-9)
    assert noise.loss(bound).rho <= rho
    assert noise.loss(bound).pure is None


@pytest.mark.parametrize("neighbour", [0, 1, 2, 3, 4])
def test_laplace_noise_keeps_its_promise_for_every_outcome(neighbour: int) -> None:
    """The ratio of the probabilities of any outcome, for counts that differ by up to the bound, is at most e^ε."""
    noise = laplace_noise(Bound(4), 1.0)
    outcome = np.arange(-200, 201)
    ratio = probabilities(noise, outcome) / probabilities(noise, outcome - neighbour)
    assert np.log(ratio).max() <= 1 + 1e-9


def test_sensitivities_follow_from_the_bound() -> None:
    bound = Bound(9)
    assert (bound.l0, bound.l1, bound.l2, bound.largest) == (9, 9, 3.0, 1)
    moving = Bound(2, moves=True)
    assert (moving.l0, moving.l1, moving.l2, moving.largest) == (4, 4, 2.0, 1)
    assert together([Bound(3), Bound(6)]) == (9, 3.0)
    assert all(Bound(keys).l2 ** 2 >= keys for keys in range(1, 300))


@pytest.mark.parametrize("keys", [0, -1, 2.5, True])
def test_a_bound_that_is_none_is_refused(keys: object) -> None:
    with pytest.raises(InputError, match="cannot be bounded"):
        Bound(keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan"), float("inf")])
def test_an_epsilon_that_is_none_is_refused(epsilon: float) -> None:
    with pytest.raises(InputError, match="ε is"):
        laplace_noise(Bound(1), epsilon)


def test_noise_so_wide_that_counts_could_overflow_is_refused() -> None:
    with pytest.raises(InputError, match="says nothing"):
        laplace_noise(Bound(1), 1e-12)
