"""Presence by week, residents and visitors, device activity: by a slow reference, over buckets, and in a release."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest

from commonweal import disclosure
from commonweal.core.catalog import latest
from commonweal.disclosure import Kind, raw_cells
from commonweal.mobility import counting, runs
from commonweal.mobility.hanging import relate
from commonweal.mobility.measure import measures
from commonweal.mobility.protecting import as_counted, protect

FIRST, LAST = date(2026, 1, 7), date(2026, 1, 21)
"""From a Wednesday to a Wednesday: five days of a week, a whole one, and three."""
DAYS = (LAST - FIRST).days + 1
DEAD = date(2026, 1, 14)
"""A day on which nothing is recorded."""
NAMES = ("presence_by_week", "presence_by_home", "device_activity")
Event = tuple[int, datetime, str]


def people(many: int, events: int, seed: int = 1) -> list[Event]:
    """People who are mostly in one area, one of them much on the phone; outside every area at times."""
    rng = np.random.default_rng(seed)
    rows = []
    for who in range(many):
        usual = "AAABBCD"[who % 7]
        calls = events * 12 if who == 0 else events
        for minute in rng.choice(DAYS * 1440, calls, replace=False).tolist():
            moment = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(minutes=minute)
            area = usual if rng.random() < 0.7 else str(rng.choice(list("ABCDX")))
            if moment.date() != DEAD:
                rows.append((who, moment, area))
    return rows


def lines(rows: list[Event]) -> list[str]:
    return [f"2327655{who:05},{moment:%Y-%m-%dT%H:%M:%S},{area.lower()}1,call,," for who, moment, area in rows]


def by_week(rows: list[Event]) -> dict[tuple[str, str, int], int]:
    """People by area, ISO week, and how many days of it are counted, in plain words."""
    seen = defaultdict(set)
    for who, moment, area in rows:
        year, week, _ = moment.isocalendar()
        days = sum((FIRST + timedelta(n)).isocalendar()[:2] == (year, week) for n in range(DAYS))
        seen[area, f"{year}-W{week:02}", days].add(who)
    return {key: len(who) for key, who in seen.items() if key[0] != "X"}


def by_home(rows: list[Event]) -> dict[tuple[str, str, date], int]:
    last: dict[tuple[int, date], str] = {}
    for who, moment, area in sorted(rows):
        if area != "X":
            last[who, moment.date()] = area
    days = defaultdict(list)
    for (who, day), area in last.items():
        days[who].append((day, area))
    lives = {}
    for who, ended in days.items():
        often = Counter(area for _, area in ended)
        lives[who] = max(often, key=lambda area: (often[area], max(day for day, one in ended if one == area)))
    seen = defaultdict(set)
    for who, moment, area in rows:
        if area != "X":
            seen["here" if lives[who] == area else "elsewhere", area, moment.date()].add(who)
    return {key: len(who) for key, who in seen.items()}


def by_hour(rows: list[Event]) -> dict[tuple[str, datetime], list[int]]:
    """What everybody contributes, largest first."""
    each = Counter((who, area, moment.replace(minute=0)) for who, moment, area in rows if area != "X")
    found = defaultdict(list)
    for (_, area, hour), many in each.items():
        found[area, hour].append(many)
    return {key: sorted(many, reverse=True) for key, many in found.items()}


@pytest.fixture
def counted(start: Callable[..., Any]) -> tuple[list[Event], dict[str, list[dict[str, Any]]], Any, Any]:
    operator, rows = start(), people(40, 30)
    operator.import_(operator.events("calls.csv", lines(rows)))
    names = ("presence", "home", "flows", *NAMES)
    after = LAST + timedelta(days=1)
    planned = runs.plan(operator.settings, operator.database, operator.project, FIRST, after, names)
    counts = counting.count(operator.settings, planned.buckets)
    finished = {name: measures()[name].finish(counts[name], planned.scope).to_pylist() for name in NAMES}
    return rows, finished, planned, counts


def test_each_counts_what_a_slow_reference_says(counted: Any) -> None:
    rows, found, planned, counts = counted
    grid = measures()["presence_by_week"].grid(counts["presence_by_week"], planned.scope).to_pylist()
    named = {(row["start"], row["days"]): row["week"] for row in grid}
    weeks = {(row["area"], named[row["start"], row["days"]], row["days"]): row["people"] for row in found[NAMES[0]]}
    assert weeks == by_week(rows)
    homes = {(row["lives"], row["area"], row["start"].date()): row["people"] for row in found[NAMES[1]]}
    assert homes == by_home(rows)
    expected = by_hour(rows)
    assert len(found[NAMES[2]]) == len(expected)
    for row in found[NAMES[2]]:
        each = expected[row["area"], row["start"]]
        assert (row["events"], row["people"], row["subscribers"]) == (sum(each), len(each), len(each))
        assert (row["events_largest"], row["events_second"]) == (each[0], [*each, 0][1])
    assert max(row["events_largest"] for row in found[NAMES[2]]) > 1


def test_a_week_is_not_its_days_added_up(counted: Any) -> None:
    rows, found, _, _ = counted
    whole = {row["area"]: row["people"] for row in found["presence_by_week"] if row["days"] == 7}
    daily = Counter(
        (area, moment.date()) for _, moment, area in {(w, m.replace(hour=0, minute=0), a) for w, m, a in rows}
    )
    for area, week in whole.items():
        days = [daily[area, date(2026, 1, 12) + timedelta(n)] for n in range(7)]
        assert max(days) <= week < sum(days)


def test_a_week_that_is_not_whole_says_so_and_so_does_a_day_of_silence(counted: Any) -> None:
    _, _, planned, counts = counted
    grid = measures()["presence_by_week"].grid(counts["presence_by_week"], planned.scope)
    told = {(row["week"], row["days"], row["recorded_days"]) for row in grid.to_pylist()}
    assert told == {("2026-W02", 5, 5), ("2026-W03", 7, 6), ("2026-W04", 3, 3)}
    assert grid.num_rows == 3 * 4


def test_what_they_are_said_to_tell_of_one_another_is_so(counted: Any) -> None:
    """Every relation that readers are taken to know holds of the raw counts."""
    _, _, planned, counts = counted
    tables = [as_counted(measures()[name], counts[name], planned) for name in counts]
    raw = raw_cells(tables, partial(relate, planned.areas, planned.scope))
    told = Counter[tuple[str, str, Kind]]()

    def dataset(cell: int) -> str:
        return max((keys.first, name) for name, keys in raw.keys.items() if keys.first <= cell)[1].partition(".")[2]

    for number, (kind, whole) in enumerate(zip(raw.given.kind, raw.given.whole, strict=True)):
        parts = raw.given.parts(number)
        size, sizes = raw.value[whole], raw.value[parts]
        assert not kind & Kind.WITHIN or sizes.max() <= size
        assert not kind & Kind.COVER or size <= sizes.sum()
        assert not kind & Kind.SUM or size == sizes.sum()
        told[dataset(whole), dataset(parts[0]), Kind(int(kind))] += 1
    assert told["presence_by_week", "presence", Kind.UNION] == 3 * 4
    assert told["presence_by_week", "flows", Kind.WITHIN] == 2 * 3 * 4
    assert told["home", "presence_by_week", Kind.COVER] == 4
    assert told["presence", "presence_by_home", Kind.SUM] == DAYS * 4
    assert told["home", "presence_by_home", Kind.WITHIN] == 4
    assert told["presence", "device_activity", Kind.SUM] == DAYS * 24 * 4


def test_homes_found_over_other_days_are_no_sign_that_records_have_changed(start: Callable[..., Any]) -> None:
    operator = start(minimum_people=15)
    operator.import_(operator.events("calls.csv", lines(people(120, 12))))
    operator.run(measures=["presence", "home"])
    first = FIRST + timedelta(1)
    planned = runs.plan(
        operator.settings, operator.database, operator.project, first, first + timedelta(1), ["presence_by_week"]
    )
    earlier = disclosure.released_before(
        operator.settings, operator.database, f"mobility/{operator.project.name}", planned.first, planned.last
    )
    seen = {one.dataset.name: one.table.to_pylist() for one in earlier}
    day = datetime(first.year, first.month, first.day, tzinfo=UTC)
    there = {row["area"]: row["subscribers"] for row in seen["mobility.presence"]
             if row["period"] == "day" and row["start"] == day}  # fmt: skip
    assert any(row["subscribers"] > (there[row["area"]] or 1000) for row in seen["mobility.home"] if row["subscribers"])
    found = protect(planned, counting.count(operator.settings, planned.buckets), earlier)
    assert found.evidence["audit"]["states"] == 1


def test_a_release_hides_few_people_and_events_that_one_person_dominates(start: Callable[..., Any]) -> None:
    operator, rows = start(minimum_people=4), people(60, 60, seed=2)
    noon = datetime(2026, 1, 13, 12, tzinfo=UTC)
    # At noon ten people are in each of two areas; in one of them one person has most of the events.
    rows = [row for row in rows if row[1].replace(minute=0) != noon]
    rows += [(who, noon + timedelta(minutes=minute), "C") for who in range(10) for minute in (who, who + 20)]
    rows += [(who, noon + timedelta(minutes=30), "D") for who in range(10, 20)]
    rows += [(20, noon + timedelta(minutes=minute), "D") for minute in range(59)]
    operator.import_(operator.events("calls.csv", lines(rows)))
    tables = operator.run(
        measures=["presence", "home", "flows", "quality", "activity", *NAMES], first="2026-01-12", last="2026-01-14"
    )
    [safe], [dominated] = (
        [row for row in tables["device_activity"].to_pylist() if (row["area"], row["start"]) == (area, noon)]
        for area in "CD"
    )
    assert (safe["subscribers"], safe["events"]) == (10, 20)
    assert (dominated["events"], dominated["events_state"]) == (None, "suppressed")
    shown = Counter[str]()
    hourly = {
        (row["area"], row["start"]): row["subscribers"]
        for row in tables["presence"].to_pylist()
        if row["period"] == "hour"
    }
    contributed = by_hour(rows)
    for row in tables["device_activity"].to_pylist():
        assert row["subscribers"] == hourly[row["area"], row["start"]]  # hidden in both, or in neither
        if row["events"] is not None:
            each = contributed[row["area"], row["start"]]
            assert len(each) >= 4
            assert 2 * each[0] <= sum(each) == row["events"]
            shown["events"] += 1
    for row in tables["presence_by_week"].to_pylist():
        assert (row["days"], row["week"]) == (2, "2026-W03")
        shown["week"] += row["subscribers"] is not None
    for row in tables["presence_by_home"].to_pylist():
        assert row["subscribers"] is None or row["subscribers"] >= 4
        shown["home"] += row["subscribers"] is not None
    assert all(shown[name] for name in ("events", "week", "home")), shown
    assert latest(operator.database, "mobility.presence_by_week").provenance.parameters["week_starts"] == "Monday"


def test_homes_of_one_day_are_related_to_a_presence_that_comes_later_with_other_days(start: Callable[..., Any]) -> None:
    """40 people are in A on each day, of whom 3 are in B in the evening of the first: A has 37 homes of that day."""
    operator, first = start(minimum_people=15), date(2026, 1, 12)
    moved = {(who, 12, 19) for who in range(3)}
    rows = [
        (
            who,
            datetime(2026, 1, day, hour, who % 50, tzinfo=UTC),
            "B" if who >= 40 or (who, day, hour) in moved else "A",
        )
        for who in range(80)
        for day in (12, 13, 14)
        for hour in (9, 19)
    ]
    operator.import_(operator.events("calls.csv", lines(rows)))
    homes = operator.run(measures=["home"], first=f"{first}", last=f"{first + timedelta(1)}")["home"].to_pylist()
    assert {row["area"]: row["subscribers"] for row in homes} == {"A": 37, "B": 43, "C": None, "D": None}
    presence = operator.run(measures=["presence"], first=f"{first}", last=f"{first + timedelta(3)}")["presence"]
    days = {
        (row["area"], row["start"].day): row["subscribers"]
        for row in presence.to_pylist()
        if row["period"] == "day" and row["area"] in "AB"
    }
    assert days == {("A", 12): None, ("B", 12): 43, ("A", 13): 40, ("B", 13): 40, ("A", 14): 40, ("B", 14): 40}
