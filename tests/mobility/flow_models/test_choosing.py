"""Radiation and population-weighted opportunities, against their published formulas in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models import (
    Opportunities,
    Places,
    Radiation,
    opportunity_probabilities,
    population_within,
    radiation_probabilities,
)

TRIANGLE = [[0, 3, 5], [3, 0, 4], [5, 4, 0]]
PEOPLE = [2, 3, 7]
SQUARE = [[0, 1, 1, 2], [1, 0, 2, 1], [1, 2, 0, 1], [2, 1, 1, 0]]


def as_floats(rows: list[list[Fraction | int]]) -> np.ndarray:
    return np.array([[float(value) for value in row] for row in rows])


def radiation_by_definition(distance: list[list[float]], people: list[int], i: int, j: int) -> Fraction:
    between = sum(people[k] for k in range(len(people)) if k not in (i, j) and distance[i][k] <= distance[i][j])
    m, n = people[i], people[j]
    return Fraction(m * n, (m + between) * (m + n + between))


def test_radiation_among_three_areas_is_the_published_fraction() -> None:
    # s₁₃ = 3, since the second lies nearer to the first than the third does; s₂₃ = 2; s₃₁ = 3.
    expected = as_floats(
        [
            [0, Fraction(2 * 3, 2 * 5), Fraction(2 * 7, 5 * 12)],
            [Fraction(3 * 2, 3 * 5), 0, Fraction(3 * 7, 5 * 12)],
            [Fraction(7 * 2, 10 * 12), Fraction(7 * 3, 7 * 10), 0],
        ]
    )
    places = Places(TRIANGLE, PEOPLE)
    assert radiation_probabilities(places) == pytest.approx(expected, rel=1e-12)
    finite = expected / (1 - np.array(PEOPLE)[:, None] / 12)
    assert radiation_probabilities(places, finite=True) == pytest.approx(finite, rel=1e-12)
    assert radiation_probabilities(places, finite=True).sum(1) == pytest.approx([1, 1, 1])


points = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=3, max_size=7, unique=True)


def distances(at: list[tuple[int, int]]) -> np.ndarray:
    return np.array([[np.hypot(a[0] - b[0], a[1] - b[1]) for b in at] for a in at])


@settings(max_examples=15, deadline=None)
@given(points, st.data())
def test_radiation_is_its_definition_anywhere_ties_included(at: list[tuple[int, int]], data: st.DataObject) -> None:
    people = data.draw(st.lists(st.integers(1, 900), min_size=len(at), max_size=len(at)))
    distance = distances(at)
    found = radiation_probabilities(Places(distance, people))
    for i in range(len(at)):
        for j in range(len(at)):
            if i != j:
                exact = radiation_by_definition(distance.tolist(), people, i, j)
                assert found[i, j] == pytest.approx(float(exact), rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(1, 22)), st.lists(st.integers(1, 900), min_size=7, max_size=7), st.floats(0.01, 100))
def test_without_ties_whoever_leaves_arrives_but_for_the_finite_size_and_units_do_not_matter(
    lengths: list[int], people: list[int], unit: float
) -> None:
    distance = np.zeros((7, 7))
    distance[np.triu_indices(7, 1)] = lengths
    distance += distance.T
    places, mass = Places(distance, people), np.array(people)
    assert radiation_probabilities(places).sum(1) == pytest.approx(1 - mass / mass.sum())
    assert radiation_probabilities(places, finite=True).sum(1) == pytest.approx(np.ones(7))
    other = Places(distance * unit, mass * 7.0)
    assert radiation_probabilities(other) == pytest.approx(radiation_probabilities(places))
    assert opportunity_probabilities(other) == pytest.approx(opportunity_probabilities(places))


def test_areas_as_far_as_the_destination_lie_within_the_circle_or_beyond_it_as_chosen() -> None:
    people = np.array([1.0, 2.0, 4.0, 8.0])
    assert population_within(np.array(SQUARE, float), people)[0].tolist() == [0, 4, 2, 6]
    assert population_within(np.array(SQUARE, float), people, "beyond")[0].tolist() == [0, 0, 0, 6]
    with pytest.raises(InputError, match="no rule 'around' for ties"):
        population_within(np.array(SQUARE, float), people, "around")  # type: ignore[arg-type]


def test_opportunities_among_four_areas_are_the_published_fractions() -> None:
    # On a line at 0, 1, 3 and 7, with 1, 2, 3 and 4 people; M = 10. From the second, at 1: the circle about the first
    # that reaches it holds 3, about the third (from 1 to 5) 5, about the last (from 1 to 13) 9.
    at = np.array([0.0, 1.0, 3.0, 7.0])
    found = opportunity_probabilities(Places(abs(at[:, None] - at), [1, 2, 3, 4]))
    tenth = Fraction(1, 10)
    draws = [1 * (Fraction(1, 3) - tenth), 3 * (Fraction(1, 5) - tenth), 4 * (Fraction(1, 9) - tenth)]
    assert found[1] == pytest.approx([float(draws[0] / sum(draws)), 0, *(float(d / sum(draws)) for d in draws[1:])])
    # From the first, whom the circles of radius 3 about the third and of radius 7 about the last reach: 6 and all.
    first = [2 * (Fraction(1, 3) - tenth), 3 * (Fraction(1, 6) - tenth)]
    assert found[0] == pytest.approx([0, float(first[0] / sum(first)), float(first[1] / sum(first)), 0])


def test_the_circle_of_opportunities_is_about_the_destination_not_the_origin() -> None:
    # From the second, at 1: about the third (from 1 to 19) lies nobody else, though about the second there would.
    at = np.array([0.0, 1.0, 10.0, 30.0])
    found = opportunity_probabilities(Places(abs(at[:, None] - at), [50, 1, 1, 48]))
    draws = np.array([50 * (1 / 51 - 1 / 100), 0, 1 * (1 / 2 - 1 / 100), 48 * (1 / 50 - 1 / 100)])
    assert found[1] == pytest.approx(draws / draws.sum())


def test_what_is_suppressed_is_made_up_for_and_not_taken_for_zero() -> None:
    places = Places(TRIANGLE, PEOPLE)
    whole = radiation_probabilities(places, finite=True) * np.array([600, 500, 700])[:, None]
    hidden = whole.copy()
    hidden[0, 2] = np.nan
    assert Radiation(finite=True).fit(hidden, places).expected == pytest.approx(whole)
    zero = np.where(np.isnan(hidden), 0, hidden)
    assert Radiation(finite=True).fit(zero, places).expected[0].sum() == pytest.approx(zero[0].sum())


def test_the_published_model_keeps_the_outflow_less_what_its_finite_size_loses() -> None:
    flows = [[0, 60, 40], [10, 0, 20], [30, 30, 0]]
    fit = Radiation().fit(flows, Places(TRIANGLE, PEOPLE))
    assert fit.expected.sum(1) == pytest.approx(np.array([100, 30, 60]) * (1 - np.array(PEOPLE) / 12))
    assert (fit.likelihood, fit.pairs, fit.parameters) == ("multinomial", 6, {})


def test_an_area_of_which_nothing_is_known_has_no_expected_flows() -> None:
    flows = [[0, None, None], [10, 0, 20], [0, 0, 0]]
    for model in (Radiation(), Opportunities()):
        fit = model.fit(flows, Places(TRIANGLE, PEOPLE))
        assert np.isnan(fit.expected[0]).any()
        assert fit.expected[2].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("mass", "what"),
    [(None, "needs masses"), ([0, 1, 1], "that of area 0 is 0"), ([1, 0, 0], "nowhere to go|that of area 1 is 0")],
)
def test_masses_that_radiation_cannot_take_are_refused(mass: list[float] | None, what: str) -> None:
    with pytest.raises(InputError, match=what):
        radiation_probabilities(Places(TRIANGLE, mass), finite=True)


def test_origins_and_destinations_may_have_masses_of_their_own_in_radiation_alone() -> None:
    places = Places(TRIANGLE, PEOPLE, [5, 1, 4])
    assert radiation_probabilities(places)[0, 2] == pytest.approx(2 * 4 / ((2 + 1) * (2 + 4 + 1)))
    assert radiation_probabilities(places, finite=True).sum(1) == pytest.approx([1, 1, 1])
    with pytest.raises(InputError, match="masses of origins and destinations differ"):
        opportunity_probabilities(places)
