"""Rules are compared before a release, on what was counted: what each keeps, and what it lets readers work out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from commonweal.core.errors import InputError
from commonweal.disclosure.linear.relations import Kind, Relations, relations
from commonweal.disclosure.planning.basis import Basis, Noised
from commonweal.disclosure.planning.choosing import Compared, Rules, compared
from commonweal.disclosure.planning.comparing import Choice

FIRST, AFTER = date(2026, 3, 1), date(2026, 3, 2)


def country(seed: int, regions: int = 15, districts: int = 6) -> tuple[np.ndarray, Relations]:
    """Residents of a country, its regions and their districts, many of them in few districts."""
    generator = np.random.default_rng(seed)
    residents = np.floor(60 * generator.pareto(1.2, (regions, districts))).astype(np.int64)
    value = np.concatenate([[residents.sum()], residents.sum(1), residents.ravel()])
    links = [(0, list(range(1, regions + 1)), Kind.SUM)]
    for region in range(regions):
        begin = 1 + regions + region * districts
        links.append((1 + region, list(range(begin, begin + districts)), Kind.SUM))
    return value, relations(links)


def basis(seed: int) -> Basis:
    return Basis(FIRST, AFTER, *country(seed))


def by_rule(found: Compared, **parameters: float) -> dict[str, Choice]:
    return {choice.rule: choice for choice in found.choices if choice.parameters == parameters}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_naive_suppression_gives_cells_away_and_joint_suppression_none_for_few_people_more(seed: int) -> None:
    found = by_rule(compared(basis(seed), Rules((15,), (5,))), k=15)
    naive, joint = found["naive"], found["threshold"]
    assert naive.recovered > 0
    assert naive.narrowest == 0
    assert joint.recovered == 0
    assert joint.narrowest == 14
    assert joint.people >= 0.95 * naive.people
    assert joint.cells < naive.cells
    assert (naive.error, joint.error) == (0, 0)
    assert not naive.safe
    assert joint.safe


def test_rounding_and_cell_keys_show_every_cell_with_an_error() -> None:
    keys = np.random.default_rng(4).integers(0, 2**64, len(basis(1).value), np.uint64)
    found = {choice.rule: choice for choice in compared(replace(basis(1), keys=keys), Rules((15,), (5,))).choices}
    assert list(found) == ["naive", "threshold", "controlled-rounding", "cell-key"]
    for rule in ("controlled-rounding", "cell-key"):
        assert found[rule].cells == 1
        assert found[rule].worst > 0


def test_what_would_tell_of_fewer_people_than_is_allowed_may_not_be_chosen() -> None:
    few = Basis(FIRST, AFTER, *country(1, regions=5, districts=3), least=15)
    keys = np.random.default_rng(4).integers(0, 2**64, len(few.value), np.uint64)
    found = compared(replace(few, keys=keys), Rules((5, 15), (5, 15))).choices
    safe = {(choice.rule, *choice.parameters.values()): choice.safe for choice in found if choice.rule != "naive"}
    assert safe.pop(("cell-key", 30, 80.0, 14))
    assert safe == {
        ("threshold", 5): False,
        ("threshold", 15): True,
        ("controlled-rounding", 5): False,
        ("controlled-rounding", 15): True,
    }


def test_noise_is_less_for_a_larger_epsilon_and_says_what_it_spends() -> None:
    asked, given = list[float](), basis(1)

    def noised(epsilon: float) -> Noised:
        asked.append(epsilon)
        value = given.value.astype(float)
        return Noised(value * (1 + 0.1 / epsilon), np.full(len(value), 2 / epsilon**2), "person-day", epsilon**2 / 2)

    found = compared(replace(given, noised=noised), Rules((15,), (5,), (0.5, 2.0)))
    assert asked == [0.5, 2.0]  # each is drawn once
    private = [choice for choice in found.choices if choice.rule == "private"]
    assert [choice.spent for choice in private] == [
        {"unit": "person-day", "rho": 0.125},
        {"unit": "person-day", "rho": 2.0},
    ]
    assert [point["error"] for point in found.curve] == pytest.approx([0.2, 0.05])
    assert {point["cells"] for point in found.curve} == {int((given.value >= 15).sum())}


def test_each_rule_is_attacked_by_what_it_would_publish() -> None:
    hidden = dict[float, int]()

    def membership(published: np.ndarray, variance: float | np.ndarray) -> float:
        hidden[float(np.max(variance))] = int(np.isnan(published).sum())
        return 0.5 + float(np.isnan(published).mean()) / 10

    found = compared(replace(basis(1), membership=membership), Rules((15,), (5,)))
    assert all(choice.membership is not None for choice in found.choices)
    naive, joint, rounded = found.choices
    assert joint.membership > naive.membership > rounded.membership == 0.5  # type: ignore[operator]
    assert set(hidden) == {0.0, 2.0}


@pytest.mark.parametrize("wrong", [{"thresholds": (1,)}, {"bases": (0,)}, {"epsilons": (0.0,)}])
def test_a_choice_that_is_none_is_refused(wrong: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(InputError, match="is no choice"):
        Rules(**wrong)  # type: ignore[arg-type]
