"""Trajectory recovery: by hand, and against chance."""

import numpy as np
import pytest

from commonweal.disclosure.attacks.trajectories import trajectories

LINE = np.array([[0.0, 0], [10, 0], [20, 0], [30, 0]])
NAN = np.nan


def counted(truth: np.ndarray, areas: int) -> np.ndarray:
    """People by period and area."""
    return np.array([np.bincount(row[row >= 0], minlength=areas) for row in truth.T], float)


def town(people: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ways of a day: at home but for the middle of it; and where areas are."""
    generator = np.random.default_rng(seed)
    home, work = generator.integers(0, 25, people), generator.integers(0, 25, people)
    truth = np.repeat(home[:, None], 12, axis=1)
    truth[:, 4:8] = np.where(generator.random(people) < 0.5, home, work)[:, None]
    return truth, generator.random((25, 2)) * 100


def test_people_who_stay_apart_are_followed_all_day() -> None:
    truth = np.array([[0] * 5, [3] * 5])
    found = trajectories(counted(truth, 4), truth, LINE)
    assert found.recovered == 1
    assert (found.people, found.periods) == (2, 5)


def test_people_who_pass_one_another_are_told_apart_only_by_how_they_were_going() -> None:
    """One walks 0 → 3, one 3 → 0, and they pass between 1 and 2. Taken to stay, they turn round there."""
    truth = np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    counts = counted(truth, 4)
    assert trajectories(counts, truth, LINE).recovered == 0.5
    assert trajectories(counts, truth, LINE, still=np.zeros(4, bool)).recovered == 1


def test_a_town_is_recovered_far_better_than_by_chance_and_less_if_small_counts_are_hidden() -> None:
    truth, places = town()
    counts = counted(truth, 25)
    raw = trajectories(counts, truth, places)
    hidden = trajectories(np.where(counts < 9, NAN, counts), truth, places)
    assert raw.recovered > 0.7 > 0.4 > raw.chance
    assert hidden.recovered < raw.recovered - 0.2
    assert "puts together" in raw.said


def test_where_everything_is_hidden_nothing_is_recovered() -> None:
    truth, places = town(20)
    found = trajectories(np.full((12, 25), NAN), truth, places)
    assert found.recovered == found.chance == 0
    assert "hardly more" in found.said


def test_people_who_are_not_always_seen_are_still_linked() -> None:
    truth = np.array([[0, 0, -1, 0], [3, 3, 3, 3]])
    assert trajectories(counted(truth, 4), truth, LINE).recovered == pytest.approx(1)
