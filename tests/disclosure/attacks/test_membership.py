"""Membership inference: near certainty from small raw counts, near guessing from large groups and from noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from commonweal.core.errors import InputError
from commonweal.disclosure.attacks.membership import Contributions, contributions, membership, weights
from commonweal.disclosure.attacks.telling_apart import area_under_curve


def world(people: int, cells: int, points: int, seed: int = 3) -> tuple[Contributions, Contributions, Contributions]:
    """People counted, people left out, and people of reference, 300 of each of the latter; all of one kind."""
    generator = np.random.default_rng(seed)
    everybody = people + 600
    taste = generator.dirichlet(np.ones(cells))
    cell = np.concatenate([generator.choice(cells, points, replace=False, p=taste) for _ in range(everybody)])
    known = contributions(np.repeat(np.arange(everybody), points), cell, everybody)
    number = np.arange(everybody)
    return (
        known.of(number < people),
        known.of((number >= people) & (number < people + 300)),
        known.of(number >= people + 300),
    )


def attacked(people: int, cells: int, points: int, change=lambda raw: raw, **choices):  # type: ignore[no-untyped-def]
    members, others, reference = world(people, cells, points)
    published = change(members.counts(cells).astype(float))
    known = {"reference": reference.counts(cells), "reference_people": len(reference)}
    return membership(published, people=people, members=members, others=others, **known, **choices)


def test_small_raw_counts_give_their_people_away() -> None:
    found = attacked(100, 2000, 20)
    assert found.auc > 0.99
    assert found.learned
    assert "picks the right one 100 times out of 100" in found.said


def test_large_groups_give_next_to_nothing_away() -> None:
    found = attacked(5000, 50, 5)
    assert found.auc == pytest.approx(0.5, abs=0.05)
    assert not found.learned
    assert "next to nothing" in found.said


def test_noise_of_differential_privacy_leaves_guessing() -> None:
    """ε = 1 for a person who is in 20 cells: Laplace noise of scale 20."""
    scale = 20
    noise = np.random.default_rng(0).laplace(0, scale, 2000)
    found = attacked(100, 2000, 20, lambda raw: raw + np.rint(noise), noise_variance=2.0 * scale**2)
    assert found.auc == pytest.approx(0.5, abs=2.5 * found.standard_error)


def test_hiding_small_counts_takes_most_of_it_and_what_hiding_tells_is_used() -> None:
    def hidden(raw: np.ndarray) -> np.ndarray:
        return np.where(raw < 15, np.nan, raw)

    raw = attacked(1000, 2000, 20)
    ignoring = attacked(1000, 2000, 20, hidden)
    using = attacked(1000, 2000, 20, hidden, threshold=15)
    assert 0.5 < ignoring.auc < using.auc < raw.auc


def test_the_reference_must_be_people() -> None:
    members, others, _ = world(20, 50, 5)
    with pytest.raises(InputError):
        membership(np.zeros(50), people=20, members=members, others=others, reference=np.zeros(50), reference_people=0)


def test_a_cell_speaks_for_a_person_as_the_ratio_of_the_two_explanations_says() -> None:
    """Computed once more from the distribution itself, for one cell and each count."""
    shape, ratio, k = 3.5, 1.6, 6
    without = nbinom(shape, 1 / (1 + ratio))
    for y in range(1, 20):
        expected = np.log(without.pmf(y - 1) / without.pmf(y))
        assert weights(np.array([float(y)]), np.array([shape]), ratio, 0.0, None) == pytest.approx(expected)
    hidden = weights(np.array([np.nan]), np.array([shape]), ratio, 0.0, k)
    assert hidden == pytest.approx(np.log(without.cdf(k - 2) / without.cdf(k - 1)))
    assert weights(np.array([np.nan]), np.array([shape]), ratio, 0.0, None) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=12), st.lists(st.integers(0, 6), min_size=2, max_size=12))
def test_the_area_under_the_curve_is_the_share_of_pairs_in_order(members: list[int], others: list[int]) -> None:
    pairs = [(a > b) + 0.5 * (a == b) for a in members for b in others]
    auc, _ = area_under_curve(np.array(members, float), np.array(others, float))
    assert auc == pytest.approx(float(np.mean(pairs)))


def test_its_standard_error_is_how_much_it_varies() -> None:
    generator = np.random.default_rng(5)
    found = np.array([area_under_curve(generator.normal(0.6, 1, 60), generator.normal(0, 1, 80)) for _ in range(600)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=25))
def test_contributions_are_each_persons_set_of_cells(pairs: list[tuple[int, int]]) -> None:
    person, cell = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    found = contributions(person, cell, 5)
    for number in range(5):
        own = found.cell[found.first[number] : found.first[number + 1]].tolist()
        assert own == sorted({c for p, c in pairs if p == number})
    assert found.counts(6).tolist() == [len({p for p, c in pairs if c == k}) for k in range(6)]
    assert found.sums(np.arange(6.0)).tolist() == [sum({c for p, c in pairs if p == number}) for number in range(5)]
