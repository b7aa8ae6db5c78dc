"""Laws that scale subscribers to people: against references, and intervals against planted truth."""

from datetime import date

import numpy as np
import pytest
from scipy.stats import linregress

from commonweal.core.errors import InputError
from commonweal.mobility.scaling import (
    Population,
    aged,
    calibrate,
    fit_area_ratios,
    fit_power_law,
    fit_ratio,
    fit_stated,
)

LEVEL = 0.9
WORLDS = 400
"""How many worlds are planted: of 400, a share of 90 % lies between 87 and 93 % by chance, 95 times in 100."""


def planted(seed: int, areas: int = 30) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    """Areas of very different size, and how many people live there."""
    chance = np.random.default_rng(seed)
    return chance, chance.lognormal(11, 1.0, areas), chance.lognormal(6, 0.8, areas)


def covered(truth: list[float], low: list[float], high: list[float]) -> float:
    return float(np.mean((np.array(low) <= truth) & (np.array(truth) <= high)))


def test_the_power_law_has_the_parameters_and_errors_of_a_regression_of_logarithms() -> None:
    chance, people, km2 = planted(1)
    subscribers = people / 5 * chance.lognormal(0, 0.3, len(people))
    law = fit_power_law(subscribers, people, km2)
    reference = linregress(np.log(subscribers / km2), np.log(people / km2))
    assert law.beta == pytest.approx(reference.slope)
    assert law.beta_error == pytest.approx(reference.stderr)
    assert np.log(law.alpha) == pytest.approx(reference.intercept)
    assert law.log_alpha_error == pytest.approx(reference.intercept_stderr)
    assert law.r_squared == pytest.approx(reference.rvalue**2)


def test_its_interval_is_that_of_least_squares_with_a_matrix() -> None:
    chance, people, km2 = planted(2)
    subscribers = people / 5 * chance.lognormal(0, 0.3, len(people))
    law = fit_power_law(subscribers, people, km2)
    z = np.log(subscribers / km2)
    design = np.column_stack([np.ones_like(z), z])
    at = np.array([1.0, np.log(250.0)])
    error = law.residual * np.sqrt(1 + at @ np.linalg.inv(design.T @ design) @ at)
    scaled = law.scale([500.0], [2.0], level=0.95)
    assert np.log(scaled.high / scaled.low)[0] == pytest.approx(2 * 2.0484 * error, rel=1e-4)  # t with 28 degrees


def test_a_planted_law_is_found_within_its_errors() -> None:
    found = []
    for seed in range(WORLDS):
        chance, _, km2 = planted(seed)
        density = chance.lognormal(3, 1.5, len(km2))
        people = 7.0 * density**0.86 * km2 * chance.lognormal(0, 0.25, len(km2))
        law = fit_power_law(density * km2, people, km2)
        found.append(((law.beta - 0.86) / law.beta_error, (np.log(law.alpha) - np.log(7)) / law.log_alpha_error))
    inside = np.mean(np.abs(found) < 1.7011, axis=0)  # the 95th percentile of t with 28 degrees of freedom
    assert inside == pytest.approx([LEVEL, LEVEL], abs=0.04)


def test_intervals_of_the_power_law_hold_planted_people_as_often_as_they_say() -> None:
    truth, low, high = list[float](), list[float](), list[float]()
    for seed in range(WORLDS):
        chance, _, km2 = planted(seed)
        density = chance.lognormal(3, 1.5, len(km2))
        people = 7.0 * density**0.86 * km2 * chance.lognormal(0, 0.25, len(km2))
        scaled = fit_power_law((density * km2)[1:], people[1:], km2[1:]).scale(density[:1] * km2[:1], km2[:1], LEVEL)
        truth.append(people[0])
        low.append(scaled.low[0])
        high.append(scaled.high[0])
    assert covered(truth, low, high) == pytest.approx(LEVEL, abs=0.035)


def test_intervals_of_one_ratio_hold_planted_people_as_often_as_they_say() -> None:
    truth, low, high = list[float](), list[float](), list[float]()
    for seed in range(WORLDS):
        chance, _, _ = planted(seed)
        subscribers = chance.lognormal(7, 0.8, 21)
        people = 4.2 * subscribers + chance.normal(0, 12, 21) * np.sqrt(subscribers)
        scaled = fit_ratio(subscribers[1:], people[1:]).scale(subscribers[:1], LEVEL)
        truth.append(people[0])
        low.append(scaled.low[0])
        high.append(scaled.high[0])
    assert covered(truth, low, high) == pytest.approx(LEVEL, abs=0.035)


def test_one_ratio_is_the_weighted_regression_through_the_origin() -> None:
    subscribers, people = np.array([120.0, 340, 95, 800]), np.array([500.0, 1400, 420, 3100])
    fit = fit_ratio(subscribers, people)
    design, weights = subscribers[:, None], 1 / subscribers
    left = np.linalg.inv(design.T @ (design * weights[:, None]))
    slope = float((left @ design.T @ (weights * people))[0])
    variance = (weights * (people - slope * subscribers) ** 2).sum() / 3
    assert fit.ratio == pytest.approx(slope)
    assert fit.standard_error == pytest.approx(np.sqrt(variance * left[0, 0]))


def test_intervals_of_stated_shares_hold_planted_people_though_the_shares_are_off() -> None:
    truth, low, high = list[float](), list[float](), list[float]()
    for seed in range(WORLDS):
        chance, people, _ = planted(seed, areas=40)
        seen = people * 0.9 * chance.lognormal(0, 0.3, 40)  # after division by a coverage that is too high
        scaled = fit_stated(seen[1:], people[1:]).scale(seen[:1], LEVEL)
        truth.append(people[0])
        low.append(scaled.low[0])
        high.append(scaled.high[0])
    assert covered(truth, low, high) == pytest.approx(LEVEL, abs=0.035)


def test_ratios_of_areas_give_the_census_back_and_hold_people_of_another_day() -> None:
    fit = fit_area_ratios([250, 900, np.nan], [1000, 3000, 500])
    assert fit.scale([250, 900], [0, 1]).people == pytest.approx([1000, 3000])
    chance = np.random.default_rng(3)
    residents, present, share = 4000, 2500, 0.3
    counted, seen = chance.binomial(residents, share, 2000), chance.binomial(present, share, 2000)
    scaled = fit_area_ratios(counted, np.full(2000, residents)).scale(seen, np.arange(2000), LEVEL)
    inside = np.mean((scaled.low <= present) & (present <= scaled.high))
    assert inside == pytest.approx(LEVEL, abs=0.02)


@pytest.mark.parametrize("method", ["ratio", "area-ratio", "power", "stated"])
def test_what_is_not_published_and_what_has_no_population_has_no_number(method: str) -> None:
    people = {code: Population(1000 * (place + 1), market_share=0.5) for place, code in enumerate("ABCD")}
    seen: dict[str, float | None] = {"A": 240, "B": 510, "C": 700, "D": None, "E": 90}
    fit = calibrate(method, seen, people, km2=dict.fromkeys("ABCDE", 10.0))
    scaled = fit.scale([240, np.nan, 90], ["A", "D", "E"])
    assert np.isfinite(scaled.people).tolist() == [True, False, False]
    assert scaled.low[0] <= scaled.people[0] <= scaled.high[0]
    assert not np.isfinite(scaled.low[1:]).any()


def test_shares_say_how_areas_differ_and_the_census_how_many_people_there_are() -> None:
    people = {
        "N": Population(8000, market_share=0.5, penetration=0.8, sims_per_person=1.5),
        "S": Population(8000, market_share=0.25, penetration=0.8, sims_per_person=1.5),
        "W": Population(4000, market_share=0.25, penetration=0.4, sims_per_person=1.5),
    }
    assert [round(one.coverage, 3) for one in people.values()] == [0.6, 0.3, 0.15]
    fit = calibrate("ratio", {"N": 2400, "S": 1200, "W": 300}, people)  # half of all subscribers were seen
    assert fit.parameters()["ratio"] == pytest.approx(2)
    assert fit.parameters()["standard_error"] == pytest.approx(0, abs=1e-9)
    assert fit.scale([120], ["S"]).people == pytest.approx([800])


def test_a_census_is_brought_to_the_day_of_the_data() -> None:
    census = Population(1000, growth=0.03, as_of=date(2014, 1, 1))
    assert aged(census, date(2024, 1, 1), growth=0.9).people == pytest.approx(1000 * 1.03**10, rel=1e-4)
    assert aged(Population(1000, as_of=date(2014, 1, 1)), date(2024, 1, 1)).people == 1000
    people = {code: Population(1000.0 * size, as_of=date(2014, 1, 1)) for code, size in (("A", 1), ("B", 2))}
    fit = calibrate("ratio", {"A": 100, "B": 200}, people, day=date(2024, 1, 1), growth=0.03)
    assert fit.parameters()["ratio"] == pytest.approx(10 * 1.03**10, rel=1e-4)


def test_areas_that_hold_others_are_not_calibrated_on() -> None:
    people = {"A": Population(1000), "B": Population(2000), "COUNTRY": Population(9999)}
    fit = calibrate("ratio", {"A": 100, "B": 200, "COUNTRY": 300}, people, leave_out=["COUNTRY"])
    assert (fit.parameters()["ratio"], int(fit.calibrated.sum())) == (10, 2)


@pytest.mark.parametrize(
    ("method", "seen", "what"),
    [
        ("ratio", {"A": 100}, "1 areas have both"),
        ("power", {"A": 100, "B": 200}, "2 areas have both"),
        ("stated", {"A": 100, "B": 200}, "nothing is stated"),
        ("guess", {"A": 100, "B": 200}, "there is no method"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(method: str, seen: dict[str, float | None], what: str) -> None:
    with pytest.raises(InputError, match=what):
        calibrate(method, seen, {"A": Population(1000), "B": Population(2000)}, km2={"A": 1.0, "B": 2.0})
