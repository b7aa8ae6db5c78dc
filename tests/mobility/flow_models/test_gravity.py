"""Gravity models: what maximum likelihood must give, by identities, by another optimiser, and by known truth."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models import (
    Fit,
    Gravity,
    Places,
    balance,
    gravity_flows,
    nowcast,
    poisson_log_likelihood,
)

CONSTRAINTS = ("none", "production", "attraction", "doubly")
DETERRENCES = ("power", "exponential")
OFF = ~np.eye(8, dtype=bool)


def country(seed: int = 1, n: int = 8) -> Places:
    chance = np.random.default_rng(seed)
    at = chance.uniform(0, 10, (n, 2))
    distance = np.hypot(*(at[:, None] - at).transpose(2, 0, 1))
    return Places(distance, chance.uniform(1, 20, n), chance.uniform(1, 20, n))


def counted(seed: int, places: Places, **parameters: object) -> np.ndarray:
    mean = gravity_flows(places, **parameters)  # type: ignore[arg-type]
    return np.random.default_rng(seed).poisson(mean).astype(float)


FLOWS = counted(3, country(), beta=0.8, constant=4.0, origin_exponent=0.7, destination_exponent=0.9)
HIDDEN = np.where((FLOWS < 12) & (np.arange(64).reshape(8, 8) % 3 == 0), np.nan, FLOWS)


def known(flows: np.ndarray) -> np.ndarray:
    return OFF & ~np.isnan(flows)


def log_f(deterrence: str) -> np.ndarray:
    distance = country().distance
    return -np.log(np.where(OFF, distance, 1)) if deterrence == "power" else -distance


@pytest.mark.parametrize("flows", [FLOWS, HIDDEN], ids=["whole", "some suppressed"])
@pytest.mark.parametrize("deterrence", DETERRENCES)
@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_what_is_estimated_leaves_no_residual_in_what_it_stands_for(
    constraint: str, deterrence: str, flows: np.ndarray
) -> None:
    fit = Gravity(constraint, deterrence).fit(flows, country())  # type: ignore[arg-type]
    some = known(flows)
    residual = np.where(some, flows - fit.expected, 0.0)
    total = flows[some].sum()
    assert abs((residual * log_f(deterrence)).sum()) < 1e-8 * total
    assert abs(residual.sum()) < 1e-8 * total
    if constraint in ("production", "doubly"):
        assert np.abs(residual.sum(1)).max() < 1e-8 * total
    if constraint in ("attraction", "doubly"):
        assert np.abs(residual.sum(0)).max() < 1e-8 * total
    if constraint in ("none", "production"):
        assert abs((residual * np.log(country().masses_needed()[1])).sum()) < 1e-8 * total
    if constraint in ("none", "attraction"):
        assert abs((residual * np.log(country().masses_needed()[0])[:, None]).sum()) < 1e-8 * total
    assert fit.expected.diagonal().tolist() == [0] * 8
    assert (fit.expected[OFF] > 0).all()


def hessian(function: object, at: np.ndarray, step: float = 1e-4) -> np.ndarray:
    found = np.zeros((len(at), len(at)))
    for a in range(len(at)):
        for b in range(len(at)):
            for one, two in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                moved = at.copy()
                moved[a] += one * step
                moved[b] += two * step
                found[a, b] += one * two * function(moved) / (4 * step * step)  # type: ignore[operator]
    return found


def errors(fit: Fit) -> list[float]:
    return [found.standard_error for found in fit.parameters.values()]


def values(fit: Fit) -> list[float]:
    return [found.value for found in fit.parameters.values()]


@pytest.mark.parametrize("flows", [FLOWS, HIDDEN], ids=["whole", "some suppressed"])
def test_unconstrained_another_optimiser_finds_the_same_maximum_and_curvature(flows: np.ndarray) -> None:
    places, some = country(), known(flows)
    m, n = (np.log(mass) for mass in places.masses_needed())

    def loss(p: np.ndarray) -> float:
        eta = p[0] + p[1] * m[:, None] + p[2] * n + p[3] * log_f("power")
        terms = flows * eta - np.exp(eta) - np.vectorize(math.lgamma)(np.where(some, flows, 0) + 1)
        return -float(terms[some].sum())

    best = minimize(loss, [1.0, 0.5, 0.5, 0.5], method="BFGS", options={"gtol": 1e-8})
    fit = Gravity().fit(flows, places)
    assert list(fit.parameters) == ["log_constant", "origin_exponent", "destination_exponent", "beta"]
    assert values(fit) == pytest.approx(best.x, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(-loss(np.array(values(fit))), rel=1e-9)
    assert errors(fit) == pytest.approx(np.sqrt(np.diag(np.linalg.inv(hessian(loss, np.array(values(fit)))))), rel=1e-3)


@pytest.mark.parametrize("flows", [FLOWS, HIDDEN], ids=["whole", "some suppressed"])
@pytest.mark.parametrize("constraint", ["production", "attraction"])
def test_singly_constrained_it_is_the_multinomial_of_each_area(constraint: str, flows: np.ndarray) -> None:
    places, some = country(), known(flows)
    m, n = (np.log(mass) for mass in places.masses_needed())
    axis, mass = (1, n[None, :]) if constraint == "production" else (0, m[:, None])
    counts = np.where(some, flows, 0.0)
    gamma = np.vectorize(math.lgamma)

    def loss(p: np.ndarray) -> float:
        weight = np.where(some, np.exp(p[0] * mass + p[1] * log_f("exponential")), 0.0)
        share = weight / weight.sum(axis=axis, keepdims=True)
        terms = counts * np.log(np.where(some, share, 1.0)) - gamma(counts + 1)
        return -float(terms.sum() + gamma(counts.sum(axis=axis) + 1).sum())

    best = minimize(loss, [0.5, 0.2], method="BFGS", options={"gtol": 1e-8})
    fit = Gravity(constraint, "exponential").fit(flows, places)  # type: ignore[arg-type]
    assert values(fit) == pytest.approx(best.x, rel=1e-4)
    assert fit.likelihood == "multinomial"
    assert fit.log_likelihood == pytest.approx(-loss(np.array(values(fit))), rel=1e-9)
    inverse = np.linalg.inv(hessian(loss, np.array(values(fit))))
    assert errors(fit) == pytest.approx(np.sqrt(np.diag(inverse)), rel=1e-3)


def test_doubly_constrained_beta_maximises_the_likelihood_of_balanced_tables() -> None:
    places = country()
    out, into = FLOWS.sum(1), FLOWS.sum(0)

    def height(beta: float) -> float:
        weight = np.where(OFF, np.exp(beta * log_f("power")), 0.0)
        return poisson_log_likelihood(FLOWS, balance(weight, out, into).table)

    fit = Gravity("doubly").fit(FLOWS, places)
    beta = fit.parameters["beta"]
    assert height(beta.value) == pytest.approx(fit.log_likelihood, rel=1e-9)
    assert height(beta.value) > max(height(beta.value - 0.01), height(beta.value + 0.01))
    curvature = (height(beta.value + 0.01) - 2 * height(beta.value) + height(beta.value - 0.01)) / 0.01**2
    assert beta.standard_error == pytest.approx(1 / math.sqrt(-curvature), rel=1e-2)
    again = gravity_flows(places, beta.value, constraint="doubly", outflow=out, inflow=into)
    assert fit.expected == pytest.approx(again, rel=1e-6)


@pytest.mark.parametrize("deterrence", DETERRENCES)
@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_the_parameters_that_made_the_flows_are_found_within_three_standard_errors(
    constraint: str, deterrence: str
) -> None:
    places = country(5, 14)
    truth = {"log_constant": math.log(2.0), "origin_exponent": 0.8, "destination_exponent": 0.6, "beta": 0.4}
    flows = counted(
        7, places, beta=0.4, deterrence=deterrence, constant=2.0, origin_exponent=0.8, destination_exponent=0.6
    )
    flows[np.random.default_rng(2).random(flows.shape) < 0.1] = np.nan
    fit = Gravity(constraint, deterrence).fit(flows, places)  # type: ignore[arg-type]
    for name, found in fit.parameters.items():
        assert 0 < found.standard_error < 0.5
        assert abs(found.value - truth[name]) < 3 * found.standard_error, name
    assert 0.6 < fit.dispersion < 1.5


def test_standard_errors_are_the_spread_of_estimates_over_many_samples() -> None:
    places = country(5, 6)
    mean = gravity_flows(places, 1.0, constant=3.0)
    chance = np.random.default_rng(0)
    fits = [Gravity("production").fit(chance.poisson(mean), places).parameters["beta"] for _ in range(100)]
    spread = np.std([found.value for found in fits])
    assert spread == pytest.approx(np.mean([found.standard_error for found in fits]), rel=0.2)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(8)), st.sampled_from(CONSTRAINTS), st.floats(0.1, 50))
def test_neither_the_order_of_areas_nor_the_unit_of_distance_matters(
    order: list[int], constraint: str, unit: float
) -> None:
    places = country()
    fit = Gravity(constraint).fit(HIDDEN, places)  # type: ignore[arg-type]
    mixed = np.ix_(order, order)
    origin, destination = places.masses_needed()
    other = Gravity(constraint).fit(  # type: ignore[arg-type]
        HIDDEN[mixed], Places(places.distance[mixed] * unit, origin[order], destination[order])
    )
    assert other.expected == pytest.approx(fit.expected[mixed], rel=1e-6)
    assert other.parameters["beta"].value == pytest.approx(fit.parameters["beta"].value, rel=1e-6)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_a_suppressed_flow_is_left_out_and_not_taken_for_zero(constraint: str) -> None:
    places = country()
    whole = gravity_flows(places, 0.8, constant=100.0)
    hidden = np.where(whole < np.quantile(whole[OFF], 0.2), np.nan, whole)
    fit = Gravity(constraint).fit(hidden, places)  # type: ignore[arg-type]
    assert fit.expected == pytest.approx(whole, rel=1e-6)
    zeroed = Gravity(constraint).fit(np.nan_to_num(hidden), places)  # type: ignore[arg-type]
    assert np.abs(zeroed.expected - whole).max() > 1
    assert fit.pairs == known(hidden).sum() < zeroed.pairs


def test_flows_of_more_days_count_as_so_many_and_expect_one() -> None:
    places, days = country(), np.where(np.arange(64).reshape(8, 8) % 2, 3.0, 5.0)
    whole = gravity_flows(places, 0.8, constant=100.0)
    fit = Gravity().fit(whole * days, places, days)
    assert fit.expected == pytest.approx(whole, rel=1e-8)


def test_an_area_that_nobody_was_seen_to_leave_or_of_which_nothing_is_known_is_told_apart() -> None:
    flows = FLOWS.copy()
    flows[2], flows[5] = 0.0, np.nan
    fit = Gravity("doubly").fit(flows, country())
    assert fit.expected[2].tolist() == [0] * 8
    assert np.isnan(np.delete(fit.expected[5], 5)).all()


def test_flows_within_areas_are_left_out_unless_asked_for() -> None:
    places = country()
    distance = places.distance + np.diag(np.full(8, 0.5))
    with_stays = Places(distance, *places.masses_needed())
    flows = FLOWS + np.diag(np.full(8, 5000.0))
    assert Gravity().fit(flows, with_stays).expected == pytest.approx(Gravity().fit(FLOWS, places).expected)
    stays = Gravity("production", diagonal=True).fit(flows, with_stays)
    assert stays.pairs == 64
    assert stays.expected.sum(1) == pytest.approx(flows.sum(1))


def test_exponents_that_are_fixed_stay_and_the_rest_is_most_likely_given_them() -> None:
    fit = Gravity("production", destination_exponent=1.0).fit(FLOWS, country())
    assert fit.parameters["destination_exponent"].value == 1.0
    assert fit.parameters["destination_exponent"].standard_error == 0.0
    beta = fit.parameters["beta"].value
    again = gravity_flows(country(), beta, constraint="production", outflow=FLOWS.sum(1))
    assert fit.expected == pytest.approx(again)
    free = Gravity("production").fit(FLOWS, country())
    assert free.log_likelihood > fit.log_likelihood
    all_fixed = Gravity("production", destination_exponent=1.0, beta=beta).fit(FLOWS, country())
    assert all_fixed.log_likelihood == pytest.approx(fit.log_likelihood)
    assert fit.estimated == all_fixed.estimated + 1 == free.estimated - 1


@pytest.mark.parametrize(
    ("model", "flows", "places", "what"),
    [
        (Gravity(), FLOWS, Places(country().distance), "needs masses"),
        (Gravity(), FLOWS, Places(country().distance, np.ones(8)), "origin_exponent: these pairs cannot tell it"),
        (Gravity(), FLOWS, Places(country().distance, np.arange(8)), "origin masses: that of area 0 is 0"),
        (Gravity(), FLOWS[:7, :7], country(), r"shape \(7, 7\)"),
        (Gravity(), -FLOWS - 1, country(), "is no flow"),
        (Gravity(), np.where(OFF, 0, FLOWS), country(), "nobody moved"),
        (Gravity(), np.full((8, 8), np.nan), country(), "no flow is known"),
        (Gravity("triply"), FLOWS, country(), "no constraint 'triply'"),  # type: ignore[arg-type]
        (Gravity("doubly", "linear"), FLOWS, country(), "no deterrence 'linear'"),  # type: ignore[arg-type]
        (Gravity("doubly"), FLOWS, Places(1 - np.eye(8)), "beta: these pairs cannot tell it"),
        (Gravity("doubly"), FLOWS, Places(np.zeros((8, 8))), "no value at distance 0"),
        (Gravity("doubly", diagonal=True), FLOWS, country(), "area 0 to area 0: a power deterrence has no value"),
    ],
)
def test_what_cannot_be_fitted_says_why(model: Gravity, flows: np.ndarray, places: Places, what: str) -> None:
    with pytest.raises(InputError, match=what):
        model.fit(flows, places)


def test_given_parameters_need_what_their_formula_names() -> None:
    with pytest.raises(InputError, match="the outflow of the areas is not given"):
        gravity_flows(country(), 1.0, constraint="production")
    kept = gravity_flows(country(), 1.0, constraint="attraction", inflow=np.arange(8))
    assert kept.sum(0) == pytest.approx(np.arange(8))
    with pytest.raises(InputError, match="a distance between two areas is missing"):
        Places([[0, math.nan], [1, 0]])


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_how_wrong_an_expected_flow_may_be_is_that_of_a_poisson_regression_with_all_its_columns(
    constraint: str,
) -> None:
    fit, some = Gravity(constraint).fit(HIDDEN, country()), known(HIDDEN)  # type: ignore[arg-type]
    m, n = (np.broadcast_to(np.log(mass), (8, 8)) for mass in country().masses_needed())
    origin, destination = np.eye(8)[np.indices((8, 8))[0]], np.eye(8)[np.indices((8, 8))[1]]
    columns = {
        "none": [np.ones((8, 8, 1)), m.T[..., None], n[..., None]],
        "production": [origin, n[..., None]],
        "attraction": [destination, m.T[..., None]],
        "doubly": [origin, destination[..., 1:]],
    }[constraint]
    design = np.concatenate([*columns, log_f("power")[..., None]], axis=2)
    information = design[some].T @ (fit.expected[some][:, None] * design[some])
    variance = np.einsum("ijk,kl,ijl->ij", design, np.linalg.inv(information), design)
    assert fit.log_variance[OFF] == pytest.approx(variance[OFF], rel=1e-6)
    assert fit.estimated == design.shape[2]
    pearson = ((HIDDEN - fit.expected)[some] ** 2 / fit.expected[some]).sum()
    assert fit.dispersion == pytest.approx(pearson / (some.sum() - design.shape[2]))


sparse = st.lists(st.sampled_from([0, 0, 0, 1, 2, 30, None]), min_size=25, max_size=25)


@settings(max_examples=25, deadline=None)
@given(sparse, st.sampled_from(CONSTRAINTS))
def test_of_any_few_counts_a_model_keeps_its_margins_or_says_why_it_cannot(
    counts: list[float | None], constraint: str
) -> None:
    flows, places = np.array(counts, dtype=float).reshape(5, 5), country(2, 5)
    some = ~np.eye(5, dtype=bool) & ~np.isnan(flows)
    try:
        fit = Gravity(constraint).fit(flows, places)  # type: ignore[arg-type]
    except InputError:
        return
    residual, total = np.where(some, flows - fit.expected, 0.0), flows[some].sum()
    assert abs(residual.sum()) < 1e-5 * total
    if constraint in ("production", "doubly"):
        assert np.abs(residual.sum(1)).max() < 1e-5 * total
    if constraint in ("attraction", "doubly"):
        assert np.abs(residual.sum(0)).max() < 1e-5 * total
    filled = nowcast(flows, fit)
    assert (filled.low[np.isfinite(filled.low)] <= filled.high[np.isfinite(filled.low)]).all()
