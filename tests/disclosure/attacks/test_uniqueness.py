"""Uniqueness: by hand, and as a search through everybody says."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.disclosure.attacks.uniqueness import Drawn, draw, matching, share_unique, uniqueness
from commonweal.disclosure.pairs import pairs_in_order

RECORDS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), min_size=1, max_size=60)


def test_a_hand_worked_example() -> None:
    """Ada is at 1, 2, 3; Ben at 1, 2; Cid at 3, 4.

    Of Ada's three pairs {1, 2} is Ben's as well, {1, 3} and {2, 3} are hers alone; Ben's only pair is Ada's too; Cid's
    is his alone. So drawing each possible pair once, 3 of 5 are unique.
    """
    person, point = np.array([0, 0, 0, 1, 1, 2, 2]), np.array([1, 2, 3, 1, 2, 3, 4])
    pairs = np.array([[1, 2], [1, 3], [2, 3], [1, 2], [3, 4]])
    matches = matching(person, point, Drawn(pairs))
    assert matches.tolist() == [2, 1, 1, 2, 1]
    assert share_unique(matches) == 3 / 5


@settings(max_examples=60, deadline=None)
@given(RECORDS, st.integers(1, 3))
def test_matches_are_those_of_a_search_through_everybody(records: list[tuple[int, int]], size: int) -> None:
    person, point = pairs_in_order(*(np.array([record[side] for record in records]) for side in (0, 1)))
    own = {p: {q for a, q in records if a == p} for p, _ in records}
    rows = sorted({tuple(sorted(some)) for points in own.values() for some in combinations(sorted(points), size)})
    drawn = Drawn(np.array(rows, np.int64).reshape(len(rows), size))
    expected = [sum(set(row) <= points for points in own.values()) for row in rows]
    assert matching(person, point, drawn, enough=100).tolist() == expected
    halves = [matching(person[side], point[side], drawn, enough=100) for side in (person < 4, person >= 4)]
    assert (halves[0] + halves[1]).tolist() == expected  # disjoint groups of people add up


@settings(max_examples=30, deadline=None)
@given(RECORDS, st.integers(0, 3))
def test_people_and_points_are_drawn_from_those_who_have_enough(records: list[tuple[int, int]], seed: int) -> None:
    person, point = pairs_in_order(*(np.array([record[side] for record in records]) for side in (0, 1)))
    own = [{q for a, q in records if a == p} for p in sorted({p for p, _ in records})]
    drawn = draw(person, point, 2, 100, seed)
    rich = [points for points in own if len(points) >= 2]
    assert len(drawn.points) == len(rich)
    for row, points in zip(drawn.points.tolist(), rich, strict=True):
        assert len(set(row)) == 2
        assert set(row) <= points
    assert drawn.points.tolist() == draw(person, point, 2, 100, seed).points.tolist()


def test_four_points_tell_nearly_everybody_apart_and_two_tell_fewer() -> None:
    generator = np.random.default_rng(0)
    people, events = 20_000, 40
    home = np.repeat(generator.integers(0, 60, people), events)
    area = np.where(generator.random(len(home)) < 0.8, home, generator.integers(0, 60, len(home)))
    point = generator.integers(0, 24 * 30, len(home)) * 60 + area
    found = uniqueness(np.repeat(np.arange(people), events), point, people=400)
    assert found.people == 400
    assert found.from_2 is not None
    assert found.from_4 is not None
    assert found.from_2 < found.from_4
    assert found.from_4 > 0.95
    assert "100 at four" in found.said or "9" in found.said


def test_without_enough_points_there_is_no_share() -> None:
    found = uniqueness(np.array([1, 2]), np.array([5, 5]))
    assert (found.from_2, found.from_4, found.people) == (None, None, 0)
    assert found.said.startswith("Too few")


@pytest.mark.parametrize("people", [1, 5])
def test_no_more_people_are_drawn_than_asked(people: int) -> None:
    assert uniqueness(np.repeat(np.arange(9), 4), np.arange(36), people=people).people == people
