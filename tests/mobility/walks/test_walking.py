"""What walks are, against values worked by hand, scikit-mobility's own, and a slow reading of each definition."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.mobility.network import from_centre
from commonweal.mobility.walks.distances import gyration
from commonweal.mobility.walks.homes import home_places
from commonweal.mobility.walks.real_entropy import real_entropies
from commonweal.mobility.walks.regularity import hours_of_week, regularities
from commonweal.mobility.walks.walking import Walks, jump_lengths, walk

HOUR = 3600
LONGITUDE = np.array([-13.23, -13.05, -11.74, -10.8, -12.1, 20.0])
LATITUDE = np.array([8.48, 8.62, 7.96, 6.3, 8.88, -35.0])
GROUND = from_centre(LONGITUDE, LATITUDE)


def one(places: list[int], times: list[int] | None = None, *, ends: int = 10**6, home: int = -1, **how: Any) -> Walks:
    """A single walk."""
    n = len(places)
    time = np.array(times if times is not None else range(n), np.int32)
    chosen = {"geodesic": False, "k": 2, "longest": 12 * HOUR} | how
    table = (LONGITUDE, LATITUDE, GROUND)
    place = np.array(places, np.int32)
    return walk(
        np.zeros(n, np.int32), time, place, np.array([home], np.int32), np.array([ends]), *table, *chosen.values()
    )


def haversine(one: int, other: int) -> float:
    """As scikit-mobility writes it."""
    return between((LATITUDE[one], LONGITUDE[one]), (LATITUDE[other], LONGITUDE[other]))


def between(one: tuple[float, float], other: tuple[float, float]) -> float:
    (lat1, lon1), (lat2, lon2) = (tuple(math.radians(x) for x in point) for point in (one, other))
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 6371.0 * 2 * math.atan2(math.sqrt(a), math.sqrt(1 - a))


def slow_radius(weights: dict[int, float]) -> float:
    """√(Σ w d² / Σ w) about the mean latitude and longitude."""
    whole = sum(weights.values())
    centre = tuple(sum(w * table[p] for p, w in weights.items()) / whole for table in (LATITUDE, LONGITUDE))
    squares = (w * between((LATITUDE[p], LONGITUDE[p]), centre) ** 2 for p, w in weights.items())
    return math.sqrt(sum(squares) / whole)


def slow_entropy(sequence: list[int]) -> float:
    """n log₂ n / Σ Λ, looking for every run of places in all that lies before."""
    n = len(sequence)
    if n == 1:
        return 0.0

    def stands(run: list[int], before: list[int]) -> bool:
        return any(before[i : i + len(run)] == run for i in range(len(before) - len(run) + 1))

    total = 0
    for i in range(n):
        size = 1
        while i + size < n and stands(sequence[i : i + size], sequence[:i]):
            size += 1
        total += size + (i > 0 and i + size == n)
    return n * math.log2(n) / total


walks = st.lists(st.integers(-1, 5), min_size=1, max_size=40).filter(lambda places: max(places) >= 0)


# Values ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_walk_worked_by_hand() -> None:
    found = one([0, 0, 1, 0, 2], [0, HOUR, 3 * HOUR, 4 * HOUR, 30 * HOUR], ends=31 * HOUR, home=0)
    assert (found.events, found.locations, found.jumps) == (5, 3, 3)
    near, far = haversine(0, 1), haversine(0, 2)
    assert found.median_jump == pytest.approx(near)
    assert found.longest_jump == found.distance_from_home == pytest.approx(far)
    assert found.share_at_home == pytest.approx(3 / 5)
    assert found.radius == pytest.approx(slow_radius({0: 3, 1: 1, 2: 1}))
    # Place 0 lasts 1 h, 2 h and, of 26 h, 12 h; place 1 an hour, place 2 the hour that is left.
    assert found.radius_by_time == pytest.approx(slow_radius({0: 15, 1: 1, 2: 1}))
    assert found.k_radius == pytest.approx(slow_radius({0: 3, 1: 1}))  # of 1 and 2, once each, 1 was met first
    assert found.uncorrelated_entropy == pytest.approx(0.6 * math.log2(5 / 3) + 0.4 * math.log2(5))


def test_a_walk_is_what_scikit_mobility_says_of_it() -> None:
    """Values of scikit-mobility 1.3.1 for this walk; radius and entropy are those of bandicoot 0.6.0, too."""
    places = [0, 0, 1, 0, 2, 0, 0, 1, 3, 0, 1, 0, 0, 2, 2, 0, 1, 0, 4, 0]
    found = one(places, [5 * HOUR * i for i in range(20)], home=0)
    assert found.radius == pytest.approx(97.46500404166453)
    assert found.k_radius == pytest.approx(11.135514309753423)
    assert one(places, k=3).k_radius == pytest.approx(64.29848221765583)
    assert math.log2(found.locations[0]) == pytest.approx(2.321928094887362)
    assert found.uncorrelated_entropy == pytest.approx(1.7814963295286754)
    assert real_entropies(np.zeros(20, np.int32), np.array(places, np.int32), 6) == pytest.approx(1.8391183382499416)
    assert found.longest_jump == found.distance_from_home == pytest.approx(361.3212443264403)
    _, lengths = jump_lengths(
        np.zeros(20, np.int32), np.array(places, np.int32), LONGITUDE, LATITUDE, GROUND, False, True
    )
    assert (len(lengths), lengths.sum()) == (19, pytest.approx(1854.8336343298652))
    assert found.median_jump == pytest.approx(131.93415268800223)


def test_who_never_moved_has_no_radius_and_no_jump() -> None:
    found = one([3, 3, -1, 3])
    assert [float(value[0]) for value in (found.radius, found.k_radius, found.longest_jump)] == [0, 0, 0]
    assert (found.events, found.jumps, found.uncorrelated_entropy) == (3, 0, 0)
    assert np.isnan(found.median_jump)
    assert np.isnan(one([3]).longest_jump)


def test_a_centre_across_the_date_line_lies_between_and_not_on_the_other_side() -> None:
    longitude, latitude = np.array([179.9, -179.9]), np.array([-17.0, -17.0])
    both, weight = np.array([0, 1]), np.array([1.0, 1.0])
    found = gyration(longitude, latitude, from_centre(longitude, latitude), True, both, weight)
    assert found == pytest.approx(0.1 * 111.32 * math.cos(math.radians(17)), rel=2e-3)


@pytest.mark.parametrize(
    ("sequence", "matches"),
    [
        ([0, 1], [1, 2]),
        ([0, 0, 0, 0], [1, 2, 3, 2]),
        ([0, 1, 2, 3], [1, 1, 1, 2]),
        ([0, 1, 0, 1, 0, 2], [1, 1, 3, 4, 3, 2]),
    ],
)
def test_real_entropy_worked_by_hand(sequence: list[int], matches: list[int]) -> None:
    n = len(sequence)
    [found] = real_entropies(np.zeros(n, np.int32), np.array(sequence, np.int32), 4)
    assert found == pytest.approx(n * math.log2(n) / sum(matches))


def test_homes_tie_to_the_most_recent_and_are_the_usual_place_where_nothing_is_chosen() -> None:
    person, place = np.array([[0] * 4 + [1] * 3, [4, 2, -1, 4, 1, 1, 3]], np.int32)
    chosen = np.array([True, True, True, False, False, False, False])
    assert home_places(person, place, chosen, 6).tolist() == [2, 1]


def test_regularity_counts_hours_and_not_events() -> None:
    """Three weeks: at eight in 0, 0, 1; at nine once in 2, where a hundred messages come."""
    hour, place = np.array([[0, 1, 2, *[3] * 100], [0, 0, 1, *[2] * 100]], np.int32)
    [found] = regularities(np.zeros(103, np.int32), hour, place, np.array([8, 8, 8, 9]), 3)
    assert found == pytest.approx((2 + 1) / 4)


@given(
    events=st.lists(st.tuples(st.integers(0, 16 * 24 * 4 - 1), st.integers(-1, 3)), min_size=1, max_size=80),
)
@settings(max_examples=40, deadline=None)
def test_regularity_is_what_a_table_of_hours_of_the_week_says(events: list[tuple[int, int]]) -> None:
    """Sixteen days in quarters of hours, the last located event of each hour, and how often each place wins."""
    events.sort(key=lambda one: one[0])
    last = {quarter // 4: place for quarter, place in events if place >= 0}
    by_hour: dict[tuple[int, int], list[int]] = {}
    for hour, place in last.items():
        by_hour.setdefault((hour // 24 % 7, hour % 24), []).append(place)
    hours, days = np.arange(16 * 24 + 1) * HOUR, np.arange(17) * 24 * HOUR
    hour, place = (np.array(column, np.int32) for column in zip(*((q // 4, p) for q, p in events), strict=True))
    [found] = regularities(np.zeros(len(hour), np.int32), hour, place, hours_of_week(hours, days), 4)
    if last:
        assert found == pytest.approx(sum(max(map(seen.count, seen)) for seen in by_hour.values()) / len(last))
    else:
        assert np.isnan(found)


def test_jumps_with_and_without_staying() -> None:
    group, place = np.array([[0, 0, 0, 0, 1, 1], [0, 0, -1, 1, 2, 0]], np.int32)
    table = (LONGITUDE, LATITUDE, GROUND, False)
    rows, lengths = jump_lengths(group, place, *table, False)
    assert (rows.tolist(), lengths.tolist()) == ([3, 5], pytest.approx([haversine(0, 1), haversine(2, 0)]))
    rows, lengths = jump_lengths(group, place, *table, True)
    assert (rows.tolist(), lengths[0]) == ([1, 3, 5], 0.0)


# Laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(walks, st.integers(1, 4), st.data())
def test_walks_are_what_a_slow_reading_of_their_definitions_says(places: list[int], k: int, data: Any) -> None:
    gaps = data.draw(st.lists(st.integers(0, 20 * HOUR), min_size=len(places), max_size=len(places)))
    times = np.cumsum(gaps).tolist()
    found = one(places, times, ends=times[-1] + 5, home=2, k=k)
    there = [(p, t) for p, t in zip(places, times, strict=True) if p >= 0]
    seen = [p for p, _ in there]
    lasting: dict[int, float] = dict.fromkeys(seen, 0.0)
    for (p, t), (_, after) in zip(there, [*there[1:], (None, times[-1] + 5)], strict=True):
        lasting[p] += min(after - t, 12 * HOUR)
    often = Counter(seen)
    jumps = [haversine(a, b) for a, b in pairwise(seen) if a != b]
    assert found.radius == pytest.approx(slow_radius(often), abs=1e-6)
    assert found.radius_by_time == pytest.approx(slow_radius(lasting), abs=1e-6)
    assert found.k_radius == pytest.approx(slow_radius(dict(often.most_common(k))), abs=1e-6)
    assert (found.events, found.locations, found.jumps) == (len(seen), len(often), len(jumps))
    if jumps:
        assert found.median_jump == pytest.approx(np.median(jumps))
    if len(seen) > 1:
        assert found.longest_jump == pytest.approx(max(jumps, default=0.0))
    assert found.distance_from_home == pytest.approx(max(haversine(2, p) for p in seen))
    shares = [n / len(seen) for n in often.values()]
    assert found.uncorrelated_entropy == pytest.approx(-sum(p * math.log2(p) for p in shares))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=40), min_size=1, max_size=4))
def test_real_entropy_is_what_looking_for_every_run_of_places_says(sequences: list[list[int]]) -> None:
    group = np.repeat(np.arange(len(sequences)), [len(each) for each in sequences])
    found = real_entropies(group.astype(np.int32), np.concatenate(sequences).astype(np.int32), 4)
    assert found == pytest.approx([slow_entropy(each) for each in sequences])


@settings(max_examples=40, deadline=None)
@given(walks, st.booleans())
def test_what_holds_of_every_walk(places: list[int], geodesic: bool) -> None:
    home = next(p for p in places if p >= 0)
    found = one(places, geodesic=geodesic, home=home, k=6)
    assert found.k_radius == found.radius
    assert 0 <= found.radius <= found.distance_from_home * 1.01 + 1e-9
    assert 0 <= found.uncorrelated_entropy <= math.log2(found.locations[0])
    if found.jumps[0]:
        assert 0 < found.median_jump <= found.longest_jump
        assert found.longest_jump <= 2 * found.distance_from_home + 1e-9


def test_of_a_long_walk_without_order_the_real_entropy_nears_the_uncorrelated_and_with_order_nothing() -> None:
    rng = np.random.default_rng(3)
    chance = rng.choice(4, 20_000, p=[0.7, 0.1, 0.1, 0.1]).astype(np.int32)
    entropy = -(0.7 * math.log2(0.7) + 0.3 * math.log2(0.1))
    [found] = real_entropies(np.zeros(len(chance), np.int32), chance, 4)
    assert found == pytest.approx(entropy, rel=0.05)
    [round_and_round] = real_entropies(np.zeros(20_000, np.int32), np.arange(20_000, dtype=np.int32) % 4, 4)
    assert round_and_round < 0.01
