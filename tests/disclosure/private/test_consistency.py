"""After noise, what belongs together is made to agree: laws that hold for any numbers and any hierarchy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from commonweal.core.errors import InputError
from commonweal.disclosure.private import insides, sums, unions
from commonweal.disclosure.private.wholes import Wholes

FEW = settings(max_examples=60, deadline=None)


@st.composite
def hierarchies(draw: Any) -> tuple[np.ndarray, np.ndarray, Wholes]:
    """Noisy numbers, their variances, and a random forest over them."""
    size = draw(st.integers(2, 25))
    whole_of = np.array([-1, *(draw(st.integers(-1, place - 1)) for place in range(1, size))])
    order = np.array(draw(st.permutations(range(size))))
    shuffled = np.full(size, -1)
    shuffled[order] = np.where(whole_of >= 0, order[whole_of], -1)
    noisy = draw(st.lists(st.integers(-60, 200), min_size=size, max_size=size))
    variances = draw(st.lists(st.sampled_from([1.0, 4.0, 50.0]), min_size=size, max_size=size))
    return np.array(noisy, float), np.array(variances), Wholes.grouped(shuffled)


@FEW
@given(hierarchies())
def test_sums_add_up_are_whole_and_not_negative(tree: tuple[np.ndarray, np.ndarray, Wholes]) -> None:
    noisy, variances, wholes = tree
    found = sums.whole_numbers(sums.least_squares(noisy, variances, wholes), variances, wholes)
    assert found.dtype == np.int64
    assert found.min() >= 0
    assert (found[wholes.wholes] == wholes.summed(found)).all()


@FEW
@given(hierarchies())
def test_the_nearest_sums_add_up_and_no_others_are_nearer(tree: tuple[np.ndarray, np.ndarray, Wholes]) -> None:
    """x − y is orthogonal, by variances, to whatever adds up: so y is the projection of x."""
    noisy, variances, wholes = tree
    found = sums.least_squares(noisy, variances, wholes)
    assert found[wholes.wholes] == pytest.approx(wholes.summed(found), abs=1e-6)
    other = sums.least_squares(np.arange(len(noisy), dtype=float) ** 2, np.ones(len(noisy)), wholes)
    assert ((noisy - found) / variances) @ other == pytest.approx(0, abs=1e-5)


@FEW
@given(hierarchies())
def test_sums_that_agree_already_stay(tree: tuple[np.ndarray, np.ndarray, Wholes]) -> None:
    noisy, variances, wholes = tree
    agreed = sums.whole_numbers(sums.least_squares(noisy, variances, wholes), variances, wholes)
    again = sums.least_squares(agreed.astype(float), variances, wholes)
    assert (sums.whole_numbers(again, variances, wholes) == agreed).all()


def test_a_binary_tree_is_what_hay_and_others_work_out() -> None:
    """Hay et al. 2010, Theorem 3, for a root with two leaves of equal noise: z = (2 root + left + right) / 3."""
    noisy = np.array([13.0, 3.0, 11.0])
    root, left, right = sums.least_squares(noisy, np.ones(3), Wholes.of([(0, [1, 2])]))
    z = (2 * 13 + (3 + 11)) / 3
    assert root == pytest.approx(z)
    assert (left, right) == pytest.approx((3 + (z - 14) / 2, 11 + (z - 14) / 2))


def test_sums_of_a_table_with_margins_are_made_to_add_up_though_its_margins_say_the_same_twice() -> None:
    rng = np.random.default_rng(5)
    inner = np.arange(12).reshape(3, 4)
    rows, columns, total = 12 + np.arange(3), 15 + np.arange(4), 19
    pairs = [(int(rows[i]), inner[i].tolist()) for i in range(3)] + [
        (int(columns[j]), inner[:, j].tolist()) for j in range(4)
    ]
    wholes = Wholes.of([*pairs, (total, rows.tolist()), (total, columns.tolist())])
    found = sums.least_squares(rng.normal(100, 10, 20), rng.uniform(1, 9, 20), wholes)
    assert found[wholes.wholes] == pytest.approx(wholes.summed(found), abs=1e-6)
    with pytest.raises(InputError, match="part of two wholes"):
        sums.whole_numbers(found, np.ones(20), wholes)


def test_a_circle_is_refused() -> None:
    with pytest.raises(InputError, match="part of itself"):
        sums.whole_numbers(np.ones(3), np.ones(3), Wholes.of([(0, [1]), (1, [2]), (2, [0])]))


@st.composite
def webs(draw: Any) -> tuple[np.ndarray, np.ndarray, Wholes]:
    """Noisy numbers with unions across them: a number may be part of several wholes (of an area and of a day)."""
    size = draw(st.integers(2, 16))
    pairs = []
    for whole in range(draw(st.integers(1, size - 1))):
        for _ in range(draw(st.integers(0, 2))):
            parts = draw(st.lists(st.integers(whole + 1, size - 1), min_size=1, max_size=5, unique=True))
            pairs.append((whole, parts))
    noisy = draw(st.lists(st.integers(-60, 200), min_size=size, max_size=size))
    variances = draw(st.lists(st.sampled_from([1.0, 4.0, 50.0]), min_size=size, max_size=size))
    return np.array(noisy, float), np.array(variances), Wholes.of(pairs)


def agree(found: np.ndarray, wholes: Wholes, slack: float = 0) -> bool:
    if not len(wholes):
        return True
    largest = np.maximum.reduceat(found[wholes.parts], wholes.first[:-1])
    said = found[wholes.wholes]
    return bool((said >= largest - slack).all() and (said <= wholes.summed(found) + slack).all())


@FEW
@given(webs())
def test_a_union_lies_between_its_largest_part_and_all_together(web: tuple[np.ndarray, np.ndarray, Wholes]) -> None:
    noisy, variances, wholes = web
    found = unions.whole_numbers(unions.nearest(noisy, variances, wholes), wholes)
    assert found.dtype == np.int64
    assert found.min() >= 0
    assert agree(found, wholes)
    assert found.max() <= max(noisy.max() + 1, 0)


@FEW
@given(webs())
def test_unions_that_agree_already_stay(web: tuple[np.ndarray, np.ndarray, Wholes]) -> None:
    noisy, variances, wholes = web
    agreed = unions.whole_numbers(unions.nearest(noisy, variances, wholes), wholes)
    again = unions.whole_numbers(unions.nearest(agreed.astype(float), variances, wholes), wholes)
    assert (again == agreed).all()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(-50, 150),
    st.lists(st.integers(-50, 150), min_size=1, max_size=4),
    st.lists(st.sampled_from([1.0, 3.0, 20.0]), min_size=5, max_size=5),
)
def test_the_nearest_union_is_what_a_general_solver_finds(whole: int, parts: list[int], spread: list[float]) -> None:
    noisy = np.array([whole, *parts], float)
    variances = np.array(spread[: len(noisy)])
    found = unions.nearest(noisy, variances, Wholes.of([(0, range(1, len(noisy)))]))

    def distance(y: np.ndarray) -> float:
        return float((((y - noisy) ** 2) / variances).sum())

    rules = [{"type": "ineq", "fun": lambda y: y[0] - y[1:]}, {"type": "ineq", "fun": lambda y: y[1:].sum() - y[0]}]
    start = np.full(len(noisy), max(noisy.max(), 1.0))
    solved = minimize(distance, start, bounds=[(0, None)] * len(noisy), constraints=rules, method="SLSQP")
    assert agree(found, Wholes.of([(0, range(1, len(noisy)))]), 1e-9)
    assert distance(found) <= solved.fun + 1e-3 * max(1.0, abs(solved.fun))


def test_relations_that_are_none_are_refused() -> None:
    for pairs, why in [([(0, [])], "no parts"), ([(0, [0, 1])], "its own part"), ([(-1, [0])], "negative")]:
        with pytest.raises(InputError, match=why):
            Wholes.of(pairs)


# What lies within what ─────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def nested(draw: Any) -> tuple[np.ndarray, np.ndarray, Wholes, Wholes]:
    """Two hierarchies of the same shape, the second within the first, as homes by a strict rule and by a loose one."""
    areas = draw(st.integers(2, 5))
    split = draw(st.booleans())
    tree = [(0, list(range(1, areas + 1)))]
    size = areas + 1
    if split:
        tree.append((1, [size, size + 1]))
        size += 2
    adding = [(whole + move, [part + move for part in parts]) for move in (0, size) for whole, parts in tree]
    within = [(number, [number + size]) for number in range(size)]
    noisy = draw(st.lists(st.integers(-30, 150), min_size=2 * size, max_size=2 * size))
    variances = draw(st.lists(st.sampled_from([1.0, 4.0, 20.0]), min_size=2 * size, max_size=2 * size))
    return np.array(noisy, float), np.array(variances), Wholes.of(adding), Wholes.of(within)


def beyond(found: np.ndarray, within: Wholes) -> float:
    """By how much a number is larger than what it lies within, at most."""
    return float((found[within.parts] - found[within.wholes[within.owner]]).max(initial=0))


def nearest_by_a_general_solver(noisy: np.ndarray, variances: np.ndarray, wholes: Wholes, within: Wholes) -> np.ndarray:
    """The quadratic programme itself, by SciPy's SLSQP."""
    adding = np.zeros((len(wholes), len(noisy)))
    for number, (whole, first, last) in enumerate(zip(wholes.wholes, wholes.first[:-1], wholes.first[1:], strict=True)):
        adding[number, whole] = 1
        adding[number, wholes.parts[first:last]] -= 1
    inside = np.zeros((len(within.parts), len(noisy)))
    rows = np.arange(len(within.parts))
    inside[rows, within.wholes[within.owner]] = 1
    inside[rows, within.parts] -= 1
    rules = [{"type": "ineq", "fun": lambda y: inside @ y, "jac": lambda y: inside}]
    if len(wholes):
        rules.append({"type": "eq", "fun": lambda y: adding @ y, "jac": lambda y: adding})
    solved = minimize(
        lambda y: float((((y - noisy) ** 2) / variances).sum()),
        np.zeros(len(noisy)),
        jac=lambda y: 2 * (y - noisy) / variances,
        bounds=[(0, None)] * len(noisy),
        constraints=rules,
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert solved.status in (0, 8), solved.message  # 8: no step makes it better
    return solved.x


@settings(max_examples=40, deadline=None)
@given(nested())
def test_the_nearest_sums_within_sums_are_what_a_general_solver_finds(
    case: tuple[np.ndarray, np.ndarray, Wholes, Wholes],
) -> None:
    """Within a person, where Dykstra’s algorithm may stop."""
    noisy, variances, wholes, within = case
    found = insides.nearest(noisy, variances, wholes, within)
    assert found == pytest.approx(nearest_by_a_general_solver(noisy, variances, wholes, within), abs=1)


@FEW
@given(nested())
def test_sums_hold_exactly_and_nobody_is_within_fewer(case: tuple[np.ndarray, np.ndarray, Wholes, Wholes]) -> None:
    noisy, variances, wholes, within = case
    found = insides.whole_numbers(insides.nearest(noisy, variances, wholes, within), wholes, within)
    assert found.dtype == np.int64
    assert found.min() >= 0
    assert (found[wholes.wholes] == wholes.summed(found)).all()
    assert beyond(found, within) <= 0
    again = insides.whole_numbers(insides.nearest(found.astype(float), variances, wholes, within), wholes, within)
    assert (again == found).all(), "what agrees already stays"


@FEW
@given(webs(), st.data())
def test_unions_and_what_lies_within_hold_together(web: tuple[np.ndarray, np.ndarray, Wholes], data: Any) -> None:
    noisy, variances, wholes = web
    numbers = range(len(noisy))
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(numbers), st.sampled_from(numbers)), max_size=8))
    within = Wholes.of((min(pair), [max(pair)]) for pair in pairs if pair[0] != pair[1])
    found = unions.whole_numbers(unions.nearest(noisy, variances, wholes, within), wholes, within)
    assert found.min() >= 0
    assert agree(found, wholes)
    assert beyond(found, within) <= 0
    assert found.max() <= max(noisy.max() + 1, 0)


@settings(max_examples=40, deadline=None)
@given(webs())
def test_what_lies_within_alone_is_what_a_general_solver_finds(web: tuple[np.ndarray, np.ndarray, Wholes]) -> None:
    noisy, variances, within = web
    none = Wholes.of([])
    found = unions.nearest(noisy, variances, none, within)
    assert found == pytest.approx(nearest_by_a_general_solver(noisy, variances, none, within), abs=1)


def test_a_sum_within_another_whose_parts_need_not_be_is_refused() -> None:
    adding, within = Wholes.of([(0, [1, 2]), (3, [4, 5])]), Wholes.of([(0, [3]), (1, [4])])
    with pytest.raises(InputError, match="its parts do not lie within the parts"):
        insides.refuse_what_may_not_hold(adding, within)
    insides.refuse_what_may_not_hold(adding, Wholes.of([(0, [3]), (1, [4]), (2, [5])]))
    with pytest.raises(InputError, match="its parts do not lie within the parts"):
        insides.refuse_what_may_not_hold(adding, Wholes.of([(0, [3]), (1, [4, 5])]))
