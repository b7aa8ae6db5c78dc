"""Scores of flow models: by hand, by their bounds, and on what was held out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models import (
    Gravity,
    Opportunities,
    Places,
    Radiation,
    common_part_of_commuters,
    gravity_flows,
    held_out_days,
    held_out_pairs,
    multinomial_log_likelihood,
    poisson_log_likelihood,
)

flows = st.lists(st.floats(0, 1000), min_size=9, max_size=9).map(lambda values: np.array(values).reshape(3, 3))


def country(n: int = 10) -> Places:
    chance = np.random.default_rng(4)
    at = chance.uniform(0, 10, (n, 2))
    return Places(np.hypot(*(at[:, None] - at).transpose(2, 0, 1)), chance.uniform(1, 20, n))


def test_cpc_by_hand_leaves_the_diagonal_and_what_is_not_known_out() -> None:
    observed = [[100, 4, None], [6, 100, 2], [0, 8, 100]]
    expected = [[0, 6, 9], [6, 0, 0], [1, 5, 0]]
    # min: 4 + 6 + 0 + 0 + 5 = 15; sums 20 and 18, without the pair that is not known
    assert common_part_of_commuters(observed, expected) == pytest.approx(2 * 15 / (20 + 18))
    assert common_part_of_commuters(observed, expected, diagonal=True) == pytest.approx(2 * 15 / (320 + 18))


@settings(max_examples=20, deadline=None)
@given(flows, flows, st.floats(0.01, 100))
def test_cpc_is_between_none_and_all_symmetric_and_one_only_for_the_same(
    one: np.ndarray, other: np.ndarray, unit: float
) -> None:
    off = ~np.eye(3, dtype=bool)
    if one[off].sum() < 1 or other[off].sum() < 1:
        return
    found = common_part_of_commuters(one, other)
    assert 0 <= found <= 1 + 1e-12
    assert found == pytest.approx(common_part_of_commuters(other, one))
    assert found == pytest.approx(common_part_of_commuters(one * unit, other * unit))
    assert common_part_of_commuters(one, one) == pytest.approx(1)


def test_nothing_in_common_is_none_and_nothing_at_all_has_no_score() -> None:
    assert common_part_of_commuters([[0, 5], [0, 0]], [[0, 0], [5, 0]]) == 0
    assert math.isnan(common_part_of_commuters([[0, 0], [0, 0]], [[0, 0], [0, 0]]))
    assert math.isnan(common_part_of_commuters([[0, None], [None, 0]], [[0, 3], [3, 0]]))


def test_poissons_likelihood_is_the_product_of_its_probabilities() -> None:
    mean, count = [[0, 2.5], [0.5, 0]], [[0, 3], [0, 0]]
    by_hand = math.exp(-2.5) * 2.5**3 / math.factorial(3) * math.exp(-0.5)
    assert poisson_log_likelihood(count, mean) == pytest.approx(math.log(by_hand))
    assert poisson_log_likelihood([[0, 1], [0, 0]], [[0, 0], [0, 0]]) == -math.inf
    assert poisson_log_likelihood([[0, 0], [None, 0]], [[0, 0], [3, 0]]) == 0


def test_the_multinomial_likelihood_is_of_where_people_went_and_not_of_how_many() -> None:
    count, mean = [[0, 2, 1, 1], [0, 0, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0]], np.full((4, 4), 7.0)
    by_hand = math.factorial(4) / 2 / 3**4 * (1 / 3) ** 3
    assert multinomial_log_likelihood(count, mean) == pytest.approx(math.log(by_hand))
    scaled = mean * np.array([1, 2, 3, 4])[:, None]
    assert multinomial_log_likelihood(count, scaled) == pytest.approx(math.log(by_hand))
    assert multinomial_log_likelihood(count, np.zeros((4, 4))) == -math.inf


def test_poissons_likelihood_is_the_multinomial_one_times_that_of_the_outflows() -> None:
    chance = np.random.default_rng(1)
    count, mean = chance.poisson(20, (5, 5)), chance.uniform(10, 30, (5, 5))
    off = ~np.eye(5, dtype=bool)
    out, expected = (count * off).sum(1), (mean * off).sum(1)
    of_outflows = sum(t * math.log(m) - m - math.lgamma(t + 1) for t, m in zip(out, expected, strict=True))
    assert poisson_log_likelihood(count, mean) == pytest.approx(multinomial_log_likelihood(count, mean) + of_outflows)


@pytest.mark.parametrize("model", [Gravity(), Gravity("production"), Gravity("doubly"), Radiation(), Opportunities()])
def test_each_known_pair_is_held_out_once_and_none_that_is_not_known(model: Gravity) -> None:
    places = country()
    counts = np.random.default_rng(0).poisson(gravity_flows(places, 1.0, constant=5.0)).astype(float)
    counts[0, 1] = counts[3, 7] = np.nan
    held = held_out_pairs(model, counts, places, folds=4, seed=9)
    assert held.flows + held.not_foretold == 88
    assert len(held.parts) == 4
    assert np.isnan(held.foretold[0, 1])
    again = held_out_pairs(model, counts, places, folds=4, seed=9)
    assert again.foretold.tobytes() == held.foretold.tobytes()


def test_held_out_pairs_are_foretold_by_a_regression_without_them() -> None:
    """The folds of the seed, a Poisson regression of logarithms for each, and CPC and likelihood written out."""
    towns, chance = country(7), np.random.default_rng(3)
    distance, mass = np.asarray(towns.distance), np.asarray(towns.origin_mass)
    with np.errstate(divide="ignore", invalid="ignore"):
        flows = chance.poisson(np.nan_to_num(9 * np.outer(mass, mass) / distance**1.2, posinf=0)).astype(float)
    flows[2, 4] = np.nan
    known = [(i, j) for i in range(7) for j in range(7) if i != j and not np.isnan(flows[i, j])]
    table = {(i, j): np.log([math.e, mass[i], mass[j], distance[i, j]]) for i, j in known}
    order = np.random.default_rng(11).permutation(len(known))
    foretold = {}
    for fold in range(4):
        held = [known[place] for place in order[fold::4]]
        others = [pair for pair in known if pair not in held]
        x, y = np.array([table[pair] for pair in others]), np.array([flows[pair] for pair in others])
        slopes = np.array([np.log(y.mean()), 0, 0, 0])
        for _ in range(50):  # Newton
            mean = np.exp(x @ slopes)
            slopes = slopes + np.linalg.solve(x.T @ (x * mean[:, None]), x.T @ (y - mean))
        foretold |= {pair: math.exp(table[pair] @ slopes) for pair in held}
    found = held_out_pairs(Gravity(), flows, towns, folds=4, seed=11)
    both = [(flows[pair], foretold[pair]) for pair in known]
    assert found.flows == len(known)
    assert found.cpc == pytest.approx(2 * sum(map(min, both)) / sum(map(sum, both)))
    assert found.log_likelihood == pytest.approx(sum(t * math.log(e) - e - math.lgamma(t + 1) for t, e in both))


def test_a_pair_that_is_held_out_has_no_part_in_what_is_foretold_of_it() -> None:
    places = country()
    counts = np.random.default_rng(0).poisson(gravity_flows(places, 1.0, constant=5.0)).astype(float)
    before = held_out_pairs(Gravity("doubly"), counts, places).foretold
    changed = counts.copy()
    changed[2, 5] *= 50
    after = held_out_pairs(Gravity("doubly"), changed, places).foretold
    assert after[2, 5] == pytest.approx(before[2, 5])
    assert np.nanmax(np.abs(after - before)) > 1


def test_the_law_that_made_the_flows_foretells_them_best() -> None:
    places = country()
    counts = np.random.default_rng(0).poisson(gravity_flows(places, 1.5, constant=5.0)).astype(float)
    by_power = held_out_pairs(Gravity(), counts, places)
    by_exponential = held_out_pairs(Gravity(deterrence="exponential"), counts, places)
    by_radiation = held_out_pairs(Radiation(finite=True), counts, places)
    assert by_power.cpc > by_exponential.cpc
    assert by_power.cpc > by_radiation.cpc
    assert by_power.log_likelihood > by_exponential.log_likelihood > by_radiation.log_likelihood


def test_days_are_foretold_from_the_others_and_a_suppressed_day_is_no_day_of_nobody() -> None:
    places = country(5)
    mean = gravity_flows(places, 1.0, constant=50.0)
    days = [mean.copy() for _ in range(4)]
    days[1][0, 2] = days[2][0, 2] = np.nan
    held = held_out_days(Gravity(), days, places)
    assert held.cpc == pytest.approx(1)
    assert held.flows == 4 * 20 - 2
    assert held.foretold[0] == pytest.approx(np.where(np.eye(5, dtype=bool), np.nan, mean), nan_ok=True)
    days[3] = mean * 3
    other = held_out_days(Gravity(), days, places)
    assert other.foretold[3][0, 1] == pytest.approx(mean[0, 1])
    assert min(other.parts) == other.parts[3] == pytest.approx(2 / (1 + 3))


def test_what_cannot_be_divided_is_refused() -> None:
    places = country(5)
    mean = gravity_flows(places, 1.0)
    with pytest.raises(InputError, match="20 known pairs cannot be divided into 21 folds"):
        held_out_pairs(Gravity(), mean, places, folds=21)
    with pytest.raises(InputError, match="there are flows of 1 days"):
        held_out_days(Gravity(), [mean], places)
    with pytest.raises(InputError, match="expected flows have shape"):
        common_part_of_commuters(mean, mean[:2])
