"""Permanence scores and the labels made of them: by hand, by a slow reference, and through a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import latest
from commonweal.mobility import counting, runs
from commonweal.mobility.measure import measures
from commonweal.mobility.measures import permanence
from commonweal.mobility.measures.internal_migration import long_term_homes
from commonweal.mobility.measures.usual_environment import LABELS, labelled, scores
from commonweal.mobility.network import farthest

DAY = 86_400
DAYS = 4
HOURS = np.arange(DAYS * 24 + 1) * 3600
# Cells 0 and 1 are 111 km apart, 0 and 2 overlap, of 3 nobody knows the place.
PLACE = np.array([[6_378_000.0, 0, 0], [6_378_000.0, 111_000, 0], [6_378_000.0, 500, 0], [np.nan] * 3])
FIRST, OTHER = np.array([0, 1, 1, 2, 2]), np.array([2, 0], np.int32)
METRES = {frozenset((0, 1)): 111_000.0, frozenset((1, 2)): 110_500.0, frozenset((0, 2)): 0.0}
AREA = (0, 1, -1, 1)
Event = tuple[int, int, int]  # subscriber, second, cell

event = st.tuples(
    st.integers(1, 2), st.integers(0, DAYS * 48 - 1).map(lambda n: n * 1800 + n % 7 * 100), st.integers(0, 3)
)
worlds = st.lists(event, min_size=1, max_size=40, unique_by=lambda one: one[:2])


def scored(rows: list[Event]) -> set[tuple[int, int, int, int]]:
    """Subscriber, day, area and hour of each score, as the kernel finds them."""
    subscriber, time, cell = np.array(sorted(rows), np.int64).reshape(-1, 3).T
    day, area = (time // DAY).astype(np.int32), np.array(AREA, np.int32)[cell]
    days = np.arange(DAYS + 1) * DAY
    found = permanence.permanence(
        subscriber, time.astype(np.int32), day, area, cell.astype(np.int32), days, days, HOURS, HOURS // 3600 % 24,
        0, DAYS, 2, PLACE, FIRST, OTHER, farthest(PLACE, FIRST, OTHER),
    )  # fmt: skip
    rows_of = zip(*(column.tolist() for column in found), strict=True)
    return {(who, when, where, hour) for who, when, where, bits in rows_of for hour in range(24) if bits >> hour & 1}


def reference(rows: list[Event]) -> set[tuple[int, int, int, int]]:
    """The same in plain words, day by day."""
    people = defaultdict(list)
    for subscriber, time, cell in sorted(rows):
        people[subscriber].append((time, cell))
    found = set()
    for subscriber, events in people.items():
        for day in range(DAYS):
            before = [e for e in events if e[0] // DAY == day - 1][-1:]
            after = [e for e in events if e[0] // DAY == day + 1][:1]
            today = before + [e for e in events if e[0] // DAY == day] + after
            if len(today) == len(before) + len(after):
                continue
            seconds: dict[tuple[int, int], float] = defaultdict(float)
            for i, (time, cell) in enumerate(today):
                if moves(today, i):
                    continue
                begins, ends = time - 450.0, time + 450.0
                if i and time - today[i - 1][0] <= limit(today[i - 1], today[i], day):
                    begins = (time + today[i - 1][0]) // 2
                if i + 1 < len(today) and today[i + 1][0] - time <= limit(today[i], today[i + 1], day):
                    ends = (time + today[i + 1][0]) // 2
                for hour in range(24):
                    opens = day * DAY + hour * 3600
                    seconds[AREA[cell], hour] += max(0.0, min(ends, opens + 3600) - max(begins, opens))
            found |= {
                (subscriber, day, area, hour) for (area, hour), held in seconds.items() if area >= 0 and held >= 1800
            }
    return found


def limit(one: tuple[int, int], other: tuple[int, int], day: int) -> int:
    if one[1] != other[1]:
        return 900
    return 28_800 if one[0] >= day * DAY - 3600 and other[0] <= day * DAY + 9 * 3600 else 7_200


def moves(events: list[tuple[int, int]], i: int) -> bool:
    if not 0 < i < len(events) - 1:
        return False

    def apart(one: int, two: int) -> float:
        return METRES.get(frozenset((one, two)), 0.0)

    before, here, after = (events[j][1] for j in (i - 1, i, i + 1))
    longest = max(apart(before, here) + apart(here, after), apart(before, after))
    return longest / (events[i + 1][0] - events[i - 1][0]) > 50 / 3.6


@given(rows=worlds)
@settings(max_examples=100, deadline=None)
def test_daily_scores_are_what_a_slow_reference_says(rows: list[Event]) -> None:
    assert scored(rows) == reference(rows)


def test_a_night_in_one_cell_is_held_and_a_day_is_not() -> None:
    """Seen at 23:30 and at 06:30, then at 18:00 in the same cell."""
    rows = [(1, 23 * 3600 + 1800, 0), (1, DAY + 6 * 3600 + 1800, 0), (1, DAY + 18 * 3600, 0)]
    hours = {hour for _, day, _, hour in scored(rows) if day == 1}
    assert hours == {0, 1, 2, 3, 4, 5, 6}  # to 06:37:30; from 17:52:30 for a quarter of an hour


def test_half_an_hour_is_enough() -> None:
    """From 10:00 to 11:00 in two cells, half and half, then a minute less in the other."""
    half = [(1, 9 * 3600, 0), (1, 10 * 3600 + 1500, 0), (1, 10 * 3600 + 2100, 3), (1, 11 * 3600, 3)]
    assert {(area, hour) for _, _, area, hour in scored(half) if hour == 10} == {(0, 10), (1, 10)}
    less = [(1, 9 * 3600, 0), (1, 10 * 3600 + 1620, 0), (1, 10 * 3600 + 2220, 3), (1, 11 * 3600, 3)]
    assert {(area, hour) for _, _, area, hour in scored(less) if hour == 10} == {(0, 10)}


def days_of(table: dict[int, tuple[int, int]]) -> pa.Table:
    """Rows of one subscriber: by date, an area and its hours as bits."""
    return pa.table(
        {
            "subscriber": np.full(len(table), 7),
            "date": np.array(list(table), np.int32),
            "begins": np.zeros(len(table), np.int8),
            "area": np.array([area for area, _ in table.values()], np.int32),
            "hours": np.array([hours for _, hours in table.values()], np.int32),
        }
    )


EVERY_HOUR = 2**24 - 1


def test_months_add_up_to_a_longer_time() -> None:
    rows = days_of({day: (day % 3, EVERY_HOUR >> day % 5) for day in range(4, 60)})
    whole, parts = scores(rows, 4, 60), [scores(rows, 4, 31), scores(rows, 31, 60)]
    assert (whole.score == sum(part.score for part in parts)).all()
    assert (whole.days == sum(part.days for part in parts)).all()


def test_who_is_seldom_seen_has_no_label_and_who_moves_has_two_homes() -> None:
    rows = days_of({day: (2 if day < 14 else 5, EVERY_HOUR) for day in range(4, 24)})
    for begins, ends, home in ((4, 14, 2), (14, 24, 5)):
        subscriber, area = long_term_homes(rows, begins, ends)
        assert (subscriber.tolist(), area.tolist()) == ([7], [home])
    few = days_of(dict.fromkeys(range(4, 14), (2, 1 << 12)))
    of = scores(few, 4, 14)
    assert not labelled(of.first, of.score, of.days, of.whole, of.seen, 10).any()


NIGHT = sum(1 << hour for hour in (*range(8), *range(18, 24)))


def labels_of(nights: dict[int, int], days: int = 42) -> set[tuple[str, int]]:
    """Labels of somebody who is in area 0 all day and night, but for some nights from their evening to the next one's.

    Dates count from Monday, 5 January 1970.
    """
    begins = 4
    away = {begins + night: area for night, area in nights.items()}
    rows: list[tuple[int, int, int]] = []  # date, area, hours of the clock
    for day in range(begins, begins + days):
        by_area: dict[int, int] = {}
        for hour in range(24):
            area = away.get(day if hour >= 18 else day - 1, 0) if NIGHT >> hour & 1 else 0
            by_area[area] = by_area.get(area, 0) | 1 << hour
        rows += [(day, area, hours) for area, hours in by_area.items()]
    date_, area_, hours_ = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    table = pa.table(
        {
            "subscriber": np.full(len(rows), 7),
            "date": date_,
            "begins": np.zeros(len(rows), np.int8),
            "area": area_,
            "hours": hours_,
        }
    )
    of = scores(table, begins, begins + days)
    label, row = np.nonzero(labelled(of.first, of.score, of.days, of.whole, of.seen, days))
    return {(LABELS[one], int(of.area[at])) for one, at in zip(label, row, strict=True)}


def test_a_second_home_is_where_free_nights_are_spent_again_and_again() -> None:
    friday, saturday = 4, 5
    home = {("usual environment", 0), ("home", 0), ("work", 0)}
    weekends = {week * 7 + night: 3 for week in (1, 4) for night in (friday, saturday)}
    assert labels_of(weekends) == home | {("second home", 3)}
    # One night less: two nights of two weekends are below three, as are those of one weekend.
    assert labels_of(dict(list(weekends.items())[:2])) == home
    # As many nights, in the middle of the week.
    assert labels_of({night - 3: 3 for night in weekends}) == home
    # The other place has more nights.
    more = weekends | {week * 7 + night: 2 for week in (0, 2, 3) for night in (friday, saturday)}
    assert {one for one in labels_of(more, 84) if one[0] == "second home"} == {("second home", 2)}
    # Of 24 free nights a fifth is five.
    assert not any(label == "second home" for label, _ in labels_of(weekends, 84))


def lines(many: int) -> list[str]:
    """People at home in A or B from evening to morning, at work in C; some move to D in the second week.

    They are heard in every hour but one of the night, at no even pace: they are no machines.
    """
    found = []
    for person in range(many):
        for day in range(5, 19):
            home = "d1" if day >= 12 and person % 3 == 0 else ("a1" if person % 2 else "b1")
            for hour in (hour for hour in range(24) if hour != 3):
                cell = "c1" if 9 <= hour < 17 and date(2026, 1, day).weekday() < 5 else home
                minute = (7 * hour + 11 * day + 5 * person) % 30
                found.append(f"2327655{person:05},2026-01-{day:02}T{hour:02}:{minute:02}:00,{cell},call,,")
    return found


def test_a_run_labels_homes_and_work_and_finds_who_moved(start: Callable[..., Any]) -> None:
    operator = start(minimum_people=3)
    operator.import_(operator.events("calls.csv", lines(24)))
    names = ["usual_environment", "internal_migration"]
    planned = runs.plan(operator.settings, operator.database, operator.project, names=names)
    counts = counting.count(operator.settings, planned.buckets)
    found = {
        (row["area"], row["label"]): row["subscribers"]
        for row in measures()["usual_environment"].finish(counts["usual_environment"], planned.scope).to_pylist()
    }
    assert found["C", "work"] == 24
    # Who moved has no home over both weeks: neither has 80 %.
    assert {key: people for key, people in found.items() if key[1] == "home"} == {("A", "home"): 8, ("B", "home"): 8}
    moved = measures()["internal_migration"].finish(counts["internal_migration"], planned.scope).to_pylist()
    assert {(row["origin"], row["destination"]): row["subscribers"] for row in moved} == {
        ("A", "A"): 8,
        ("B", "B"): 8,
        ("A", "D"): 4,
        ("B", "D"): 4,
    }
    tables = operator.run(measures=names)
    shown = {
        row["area"]: row["subscribers"] for row in tables["usual_environment"].to_pylist() if row["label"] == "work"
    }
    assert shown == {"A": None, "B": None, "C": 24, "D": None}
    said = latest(operator.database, "mobility.usual_environment").provenance.parameters
    assert (said["share"]["home"], said["cleaning"]["speed"]) == ("80 %", 55)


def test_what_is_flagged_makes_no_usual_environment(start: Callable[..., Any]) -> None:
    """As in multimno, which takes events without any error alone."""
    operator = start(minimum_people=3)
    meters = [
        f"2327600{meter:05},2026-01-{day:02}T{hour:02}:20:00,d1,call,,"
        for meter in range(5)
        for day in range(5, 19)
        for hour in range(24)
    ]
    operator.import_(operator.events("calls.csv", sorted([*lines(9), *meters], key=lambda line: line.split(",")[1])))
    planned = runs.plan(operator.settings, operator.database, operator.project, names=["usual_environment"])
    counts = counting.count(operator.settings, planned.buckets)["usual_environment"]
    found = measures()["usual_environment"].finish(counts, planned.scope).to_pylist()
    homes = {row["area"]: row["subscribers"] for row in found if row["label"] == "home"}
    assert homes == {"A": 3, "B": 3}
