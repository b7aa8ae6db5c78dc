"""A lasting shift is found on its day, with how sure; and it is said when the level is back."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from datetime import date, timedelta
from functools import lru_cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from commonweal.mobility.baselines import (
    DaySeries,
    Reference,
    What,
    changes,
    notice,
    pettitt,
    recovery,
    shift_between,
    steps_of,
)

FIRST = date(2024, 1, 1)


def test_pettitt_is_twice_the_rank_sums_less_what_is_expected():
    # Ranks 4 5 3 | 1 2 of n = 5: U = 2·(4, 9, 12, 13) − 6·(1, 2, 3, 4) = (2, 6, 6, 2).
    place, statistic, _ = pettitt([7, 9, 5, 1, 2])
    assert (place, statistic) == (2, 6)


def test_its_p_value_is_the_share_of_all_orders_that_show_as_much():
    series = [9, 8, 7, 1, 2, 3]
    _, statistic, p = pettitt(series)
    exact = np.mean([pettitt_k(order) >= statistic for order in permutations(series)])
    assert p == pytest.approx(exact, abs=0.015)


def pettitt_k(series):
    n = len(series)
    signs = np.sign(np.subtract.outer(series, series))
    return max(abs(signs[:t, t:].sum()) for t in range(1, n))


def test_a_series_without_a_step_shows_one_as_rarely_as_said():
    draw = np.random.default_rng(3)
    found = sum(pettitt(draw.normal(size=30))[2] <= 0.05 for _ in range(400))
    assert 8 <= found <= 34  # 20 expected


def test_the_shift_is_the_median_of_all_differences():
    before, after = [10, 11, 13], [4, 6]
    assert shift_between(before, after)[0] == np.median([a - b for a in after for b in before])


@pytest.mark.parametrize(("m", "n"), [(5, 5), (8, 5), (10, 10), (20, 20)])
def test_its_interval_lies_between_the_differences_that_hold_the_shift_often_enough(m, n):
    """In all orders of m and n values without a shift: how many of the pairs are in order (Mann and Whitney)."""

    @lru_cache(None)
    def orders(m, n):
        if not m or not n:
            return Counter([0])
        found = Counter(orders(m, n - 1))
        for pairs, many in orders(m - 1, n).items():
            found[pairs + n] += many
        return found

    before, after = np.arange(m) * 100.0, np.arange(n) + 0.5
    differences = np.sort(np.subtract.outer(after, before).ravel())
    _, low, high = shift_between(before, after)
    rank = np.searchsorted(differences, low) + 1
    assert high == differences[m * n - rank]

    def holds(rank):
        every = orders(m, n)
        return 1 - 2 * sum(many for pairs, many in every.items() if pairs < rank) / sum(every.values())

    assert holds(rank) >= 0.95
    assert holds(rank + 2) < 0.95


def test_two_steps_are_found_on_their_days():
    draw = np.random.default_rng(1)
    level = np.repeat([0.0, -0.4, 0.1], [20, 12, 18])
    found = steps_of(level + draw.normal(0, 0.03, 50))
    assert [step.place for step in found] == [20, 32]
    assert found[0].shift == pytest.approx(-0.4, abs=0.05)
    assert found[0].low < -0.4 < found[0].high


def watched(values, **more):
    days = [FIRST + timedelta(day) for day in range(len(values))]
    series = DaySeries.of([("A",)], days, [[value] for value in values])
    return changes(series, Reference(last=FIRST + timedelta(13), like="any")), more


USUAL = [1000, 1012, 988, 1005, 995, 1010, 990] * 2


def test_a_displacement_is_a_step_with_its_day_and_how_sure():
    changed, _ = watched([*USUAL, *(700 + number for number in (3, -4, 6, 0, 2, -5, 1, 4, -2, 5))])
    [found] = notice(changed)
    assert (found.what, found.since, found.lasting, found.until) == (What.FALL, FIRST + timedelta(14), True, None)
    assert found.relative == pytest.approx(-0.3, abs=0.01)
    assert found.p_value < 0.01
    assert found.low < found.relative < found.high
    assert found.people == pytest.approx(-300, abs=8)


def test_three_days_of_lockdown_are_an_episode_that_ends():
    changed, _ = watched([*USUAL, 540, 535, 545, 1003, 996, 1001, 1004])
    [found] = notice(changed)
    assert (found.since, found.until, found.days) == (FIRST + timedelta(14), FIRST + timedelta(16), 3)
    assert found.recovered_on == FIRST + timedelta(17)
    assert found.share_recovered == pytest.approx(1, abs=0.02)


def test_without_a_change_the_list_is_empty():
    changed, _ = watched([*USUAL, *USUAL])
    assert notice(changed) == []


def test_recovery_needs_several_days_on_end():
    changed, _ = watched([*USUAL, 500, 1000, 500, 1000, 999, 1001])
    assert recovery(changed, 0, 14).day == 17


def test_half_recovered_is_said_as_half():
    changed, _ = watched([*USUAL, 400, 400, 400, 500, 600, 700, 700, 700])
    found = recovery(changed, 0, 14)
    assert found.day is None
    assert found.share == pytest.approx(0.5, abs=0.01)


def test_what_concerns_most_people_comes_first():
    days = [FIRST + timedelta(day) for day in range(18)]
    small, large = [*(value / 10 for value in USUAL), *[10] * 4], [*USUAL, *[800] * 4]
    series = DaySeries.of([("A",), ("B",)], days, np.array([small, large]).T)
    found = notice(changes(series, Reference(last=days[13], like="any")))
    assert [one.key for one in found] == [("B",), ("A",)]


def test_a_value_that_is_no_longer_published_is_listed_without_a_number():
    changed, _ = watched([*USUAL, None, None, 1000])
    [found] = notice(changed, least=15)
    assert (found.what, found.seen, found.relative, found.certainty) == (What.HIDDEN, None, None, "low")
    assert found.expected == pytest.approx(1000, abs=3)


@given(
    values=st.lists(st.one_of(st.none(), st.integers(20, 120)), min_size=24, max_size=36),
    like=st.sampled_from(["weekday", "workday", "any"]),
)
@settings(max_examples=60, deadline=None)
def test_recovery_is_what_its_definition_says_day_by_day(values, like):
    start = 14
    reference = Reference(last=FIRST + timedelta(start - 1), like=like, minimum=2)
    days = [FIRST + timedelta(day) for day in range(len(values))]
    changed = changes(DaySeries.of([("A",)], days, [[value] for value in values]), reference)
    changes_of, near = {}, {}
    for day in range(start, len(values)):
        kind = reference.kind(days[day])
        past = [x for x, at in zip(values[:start], days, strict=False) if x is not None and reference.kind(at) == kind]
        if len(past) < 2 or values[day] is None:
            continue
        b = statistics.median(past)
        s = 1.4826 * statistics.median(abs(x - b) for x in past) or b**0.5
        changes_of[day] = values[day] / b - 1
        reach = stdtrit(len(past) - 1, 0.975) * max(s, b**0.5) * (1 + math.pi / (2 * len(past))) ** 0.5
        unusual = abs(values[day] - b) >= 3.5 * s and abs(values[day] - b) > reach
        near[day] = abs(values[day] - b) <= 3.5 * max(s, b**0.5) and not unusual
    known = list(near)
    back = next((at for place, at in enumerate(known[:-2]) if all(near[day] for day in known[place : place + 3])), None)
    found = recovery(changed, 0, start)
    assert found.day == back
    begun, now = ([changes_of[day] for day in part] for part in (known[:3], known[-3:]))
    if len(known) > 3 and statistics.median(begun):
        assert found.share == pytest.approx(1 - statistics.median(now) / statistics.median(begun))
    else:
        assert found.share is None
