"""What is spent adds up as the papers say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from commonweal.core.errors import InputError
from commonweal.disclosure.private.accounting import Loss, compose, epsilon_of, rho_of
from commonweal.disclosure.private.bound import Bound
from commonweal.disclosure.private.noise import Noise


def by_bun_and_steinke(rho: float, delta: float) -> float:
    """ε = ρ + 2 √(ρ ln 1/δ): Bun and Steinke (2016), Proposition 1.3."""
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


def by_canonne_kamath_and_steinke(rho: float, delta: float) -> float:
    """The least over α > 1 of ρα + ln(1/(αδ))/(α−1) + ln(1−1/α): Canonne, Kamath and Steinke (2020), Proposition 12."""

    def bound(shifted: float) -> float:
        alpha = 1 + math.exp(shifted)
        return rho * alpha + math.log(1 / (alpha * delta)) / (alpha - 1) + math.log1p(-1 / alpha)

    return float(minimize_scalar(bound, bounds=(-10, 25), method="bounded", options={"xatol": 1e-10}).fun)


# ρ of the 2020 US census' redistricting data (persons, housing units, both) and its δ; then smaller ones.
WORKED = [(2.56, 1e-10), (0.07, 1e-10), (2.63, 1e-10), (0.5, 1e-6), (0.1, 1e-6), (0.005, 1e-9)]


@pytest.mark.parametrize(("rho", "delta"), WORKED)
def test_epsilon_is_what_the_tight_formula_says_and_no_more_than_the_plain_one(rho: float, delta: float) -> None:
    found = epsilon_of(rho, delta)
    assert found == pytest.approx(by_canonne_kamath_and_steinke(rho, delta), rel=1e-4)
    assert found >= by_canonne_kamath_and_steinke(rho, delta) - 1e-9
    assert found <= by_bun_and_steinke(rho, delta)


def test_the_plain_formula_worked_by_hand() -> None:
    """ρ = 0.5, δ = e⁻⁸: 0.5 + 2 √(0.5 · 8) = 4.5; ρ = 2, δ = e⁻⁸: 2 + 2 √16 = 10."""
    assert by_bun_and_steinke(0.5, math.exp(-8)) == pytest.approx(4.5)
    assert by_bun_and_steinke(2, math.exp(-8)) == pytest.approx(10)
    assert epsilon_of(0.5, math.exp(-8)) < 4.5
    assert epsilon_of(2, math.exp(-8)) < 10


def test_releases_of_pure_epsilon_compose_to_half_the_sum_of_squares() -> None:
    """k releases of ε are k ε²/2-zCDP (Bun and Steinke, Proposition 1.4 and Lemma 1.7): 200 of 0.1 are ρ = 1."""
    spent = compose([Loss.of_pure(0.1)] * 200)
    assert spent.rho == pytest.approx(1)
    assert spent.epsilon(0) == pytest.approx(20)
    assert spent.epsilon(1e-6) <= by_bun_and_steinke(1, 1e-6)  # 8.4 instead of 20


def test_gaussian_noise_of_scale_sigma_costs_half_the_square_of_sensitivity_over_sigma() -> None:
    """ρ = L2²/2σ² (Bun and Steinke, Proposition 1.6): L2 = 2, σ = 4 is ρ = 1/8; four of them are ρ = 1/2."""
    loss = Noise("gaussian", 4.0).loss(Bound(4))
    assert loss.rho == pytest.approx(1 / 8)
    assert compose([loss] * 4).rho == pytest.approx(1 / 2)


def test_a_gaussian_release_beside_a_pure_one_is_no_longer_pure() -> None:
    spent = Loss.of_pure(1.0) + Loss(0.5)
    assert (spent.rho, spent.pure) == (1.0, None)
    assert spent.epsilon(0) == math.inf
    assert spent.epsilon(1e-6) == epsilon_of(1.0, 1e-6)


def test_the_deltas_of_thresholds_add_up_and_leave_less_for_the_rest() -> None:
    spent = compose([Loss(0.1, None, 2e-7), Loss(0.1, None, 3e-7)])
    assert spent.delta == pytest.approx(5e-7)
    assert spent.epsilon(1e-6) == epsilon_of(spent.rho, 1e-6 - spent.delta)
    assert spent.epsilon(4e-7) == math.inf


def test_the_order_of_releases_does_not_matter() -> None:
    losses = [Loss.of_pure(0.5), Loss(0.2), Loss.of_pure(0.1, 1e-8)]
    one, other = compose(losses), compose(losses[::-1])
    assert (one.rho, one.delta) == pytest.approx((other.rho, other.delta), rel=1e-12)
    assert one.pure is other.pure is None


def test_nothing_spent_is_nothing() -> None:
    assert compose([]).epsilon(0) == 0


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("delta", [1e-10, 1e-5])
def test_the_rho_of_a_budget_spends_it_whole_and_no_more(epsilon: float, delta: float) -> None:
    rho = rho_of(epsilon, delta)
    assert epsilon_of(rho, delta) <= epsilon
    assert epsilon_of(rho * 1.001, delta) > epsilon


def test_more_is_never_less() -> None:
    epsilons = [epsilon_of(rho, 1e-6) for rho in np.geomspace(1e-6, 10, 20)]
    assert epsilons == sorted(epsilons)


@pytest.mark.parametrize("wrong", [{"rho": -1.0}, {"rho": 1.0, "delta": 2.0}, {"rho": float("nan")}])
def test_a_loss_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="privacy loss"):
        Loss(**wrong)
