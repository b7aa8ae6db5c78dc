"""Scores of longer times and the labels made of them, beside multimno's rules written out in plain Python."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.mobility.measures.usual_environment import LABELS, SECOND, Scores, labelled, scores

BEGINS, DAYS = 4, 14  # from Monday, 5 January 1970
ALL, NIGHT, WORKING = "all", "night", "working"
Hour = tuple[int, int, int, int]  # subscriber, date, hour of the clock, area

# What somebody does in each hour: nothing, one of three areas, or two areas half an hour each.
plans = st.lists(
    st.sampled_from([(), (0,), (0,), (0,), (1,), (1,), (2,), (0, 1), (1, 2)]), min_size=6, max_size=6
).flatmap(lambda kinds: st.lists(st.sampled_from(kinds), min_size=24 * 3, max_size=24 * 3))


def hours_of(plan: list[tuple[int, ...]], subscriber: int) -> list[Hour]:
    """Three kinds of days by turns, a weekend of its own, one day before and one after the time that is looked at."""
    found = []
    for date in range(BEGINS - 1, BEGINS + DAYS + 1):
        kind = 2 if (date + 3) % 7 >= 5 else date % 2
        for hour in range(24):
            found += [(subscriber, date, hour, area) for area in plan[24 * kind + hour]]
    return found


def rows_of(hours: list[Hour]) -> pa.Table:
    """As the daily scores give them: by subscriber, date and area."""
    bits: dict[tuple[int, int, int], int] = defaultdict(int)
    for subscriber, date, hour, area in hours:
        bits[subscriber, date, area] |= 1 << hour
    keys = sorted(bits)
    return pa.table(
        {
            "subscriber": np.array([key[0] for key in keys], np.int64),
            "date": np.array([key[1] for key in keys], np.int32),
            "begins": np.zeros(len(keys), np.int8),
            "area": np.array([key[2] for key in keys], np.int32),
            "hours": np.array([bits[key] for key in keys], np.int32),
        }
    )


def day_of(time: str, date: int, hour: int) -> int | None:
    """Which day an hour counts for, if it does: from 04:00, nights 18:00–08:00, work 08:00–17:00."""
    if time == ALL:
        return date - (hour < 4)
    if time == NIGHT:
        return date if hour >= 18 else date - 1 if hour < 8 else None
    return date if 8 <= hour < 17 and (date + 3) % 7 < 5 else None


def by_definition(hours: list[Hour]) -> set[tuple[int, str, int]]:
    """Labels of each subscriber, stage by stage."""
    found: set[tuple[int, str, int]] = set()
    for subscriber in {hour[0] for hour in hours}:
        score: dict[tuple[str, int | None], set[tuple[int, int]]] = defaultdict(set)
        for _, date, hour, area in (one for one in hours if one[0] == subscriber):
            for time in (ALL, NIGHT, WORKING):
                day = day_of(time, date, hour)
                if day is not None and BEGINS <= day < BEGINS + DAYS:
                    score[time, area].add((day, hour))
                    score[time, None].add((day, hour))  # the device itself, wherever it was

        def ps(time: str, area: int | None, of: dict = score) -> int:  # type: ignore[type-arg]
            return len(of[time, area])

        def days(time: str, area: int | None, of: dict = score) -> int:  # type: ignore[type-arg]
            return len({day for day, _ in of[time, area]})

        if ps(ALL, None) < 12.5 * DAYS or days(ALL, None) < 5 / 12 * DAYS:
            continue

        def kept(time: str, areas: set[int], gap: float) -> set[int]:
            order = sorted((area for area in areas if ps(time, area)), key=lambda area: -ps(time, area))
            for place in range(1, len(order)):
                if ps(time, order[place - 1]) - ps(time, order[place]) >= gap:
                    return set(order[:place])
            return set(order)

        def enough(of: object, time: str, area: int, share: float) -> bool:
            return of(time, None) > 0 and of(time, area) >= share * of(time, None)  # type: ignore[operator]

        areas = {0, 1, 2}
        left = kept(ALL, areas, 0.2 * max(ps(ALL, area) for area in areas))
        usual = {
            area
            for area in left
            if any(enough(ps, time, area, 0.7) for time in (ALL, NIGHT, WORKING)) or enough(days, ALL, area, 0.7)
        }
        homes: set[int] = set()
        for of, time in ((ps, ALL), (ps, NIGHT), (days, NIGHT)):
            homes = homes or {area for area in kept(ALL, usual, 1) if enough(of, time, area, 0.8)}
        works: set[int] = set()
        for of, time in ((ps, WORKING), (days, WORKING)):
            works = works or {area for area in kept(WORKING, areas, 1) if enough(of, time, area, 0.8)}
        for label, where in zip(LABELS, (usual, homes, works), strict=False):
            found |= {(subscriber, label, area) for area in where}
    return found


def by_kernel(of: Scores) -> set[tuple[int, str, int]]:
    label, row = np.nonzero(labelled(of.first, of.score, of.days, of.whole, of.seen, DAYS))
    person = np.searchsorted(of.first, row, side="right") - 1
    return {
        (int(of.subscriber[who]), LABELS[one], int(of.area[at]))
        for one, at, who in zip(label, row, person, strict=True)
        if one != SECOND
    }


@given(first=plans, second=plans)
@settings(max_examples=60, deadline=None)
def test_labels_are_those_of_the_rules_one_by_one(first: list[tuple[int, ...]], second: list[tuple[int, ...]]) -> None:
    hours = hours_of(first, 7) + hours_of(second, 9)
    if hours:
        assert by_kernel(scores(rows_of(hours), BEGINS, BEGINS + DAYS)) == by_definition(hours)


def test_each_rule_finds_what_those_before_it_do_not() -> None:
    """Seven areas of one subscriber of 200 hours on 50 days; 80 at night, 60 at work on 20 days.

    The first has the share of all hours, the second that of nights, the third that of working hours, the fourth days
    enough, the fifth nothing; the sixth would, after the gap; only the second is home and only the third is work.
    """
    score = np.array(
        [[145, 140, 130, 120, 110, 80, 1], [10, 66, 0, 0, 0, 78, 0], [5, 0, 58, 0, 0, 0, 0], [0] * 7], np.int64
    )
    score[0, 1] = 145  # shares the largest score, so the gap of home leaves both
    days = np.array([[30, 30, 30, 35, 34, 50, 1], [9, 20, 0, 0, 0, 40, 0], [3, 0, 16, 0, 0, 0, 0], [0] * 7], np.int64)
    whole, seen = np.array([[200], [80], [60], [0]]), np.array([[50], [50], [20], [0]])
    found = labelled(np.array([0, 7]), score, days, whole, seen, 16).astype(int).tolist()
    assert found == [[1, 1, 1, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0], [0] * 7]


@pytest.mark.parametrize(("nights", "home"), [(40, True), (39, False)])
@pytest.mark.parametrize(("mornings", "work"), [(16, True), (15, False)])
def test_days_decide_where_no_area_has_hours_enough(nights: int, home: bool, mornings: int, work: bool) -> None:
    """Half of the hours in one area, which is the usual environment by its days: 35 of 50."""
    score = np.array([[100, 60], [40, 35], [45, 5], [0, 0]])
    days = np.array([[35, 30], [nights, 30], [mornings, 3], [0, 0]])
    whole, seen = np.array([[200], [80], [70], [0]]), np.array([[50], [50], [20], [0]])
    found = labelled(np.array([0, 2]), score, days, whole, seen, 16).astype(int).tolist()
    assert found == [[1, 0], [int(home), 0], [int(work), 0], [0, 0]]
    days[0, 0] = 34
    found = labelled(np.array([0, 2]), score, days, whole, seen, 16).astype(int).tolist()
    assert found == [[0, 0], [0, 0], [int(work), 0], [0, 0]]  # home is looked for in the usual environment


def test_an_hour_that_was_halved_is_one_hour_of_its_subscriber() -> None:
    of = scores(rows_of([(7, 5, 12, 0), (7, 5, 12, 1), (7, 5, 13, 1)]), BEGINS, BEGINS + DAYS)
    assert (of.score[0].tolist(), of.whole[0].tolist(), of.seen[0].tolist()) == ([1, 2], [2], [1])
