"""Flagged events by day and cell: counted as a slow reading says, hidden where few or one stand behind."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from commonweal.core.catalog import latest
from commonweal.disclosure import Kind, raw_cells
from commonweal.mobility import counting, inside, runs
from commonweal.mobility.hanging import relate
from commonweal.mobility.measure import measures
from commonweal.mobility.protecting import as_counted

DAY = date(2026, 1, 12)
NAMES = ("presence", "flags")


def moment(minute: int, day: int = 0) -> str:
    return f"{datetime(DAY.year, DAY.month, DAY.day) + timedelta(days=day, minutes=minute):%Y-%m-%dT%H:%M:%S}"


def lines(people: int = 12, much: int = 0) -> list[str]:
    """On each of two days everybody is in A for two hours, a minute too far away in C, in A again; some at no position.

    On the second day the first of them flies to and fro `much` times, always by C.
    """
    found = []
    for who in range(people):
        number = f"2327655{who:05}"
        for day in (0, 1):
            for minute in (480, 540, 600, 602):
                found.append(f"{number},{moment(minute + who, day)},a1,call,,")
            found.append(f"{number},{moment(601 + who, day)},c{1 + day},call,,")
            if who < 5:
                found.append(f"{number},{moment(900, day)},y1,call,,")
        if who == 0:
            for turn in range(much):
                found.append(f"{number},{moment(1000 + 4 * turn, 1)},a1,call,,")
                found.append(f"{number},{moment(1002 + 4 * turn, 1)},c2,call,,")
    return found


@pytest.fixture
def planned(start: Callable[..., Any]) -> tuple[Any, Any, Any]:
    operator = start()
    operator.import_(operator.events("calls.csv", lines()))
    found = runs.plan(operator.settings, operator.database, operator.project, names=NAMES)
    return operator, found, counting.count(operator.settings, found.buckets)


def test_counts_are_those_of_every_event_with_its_flag(planned: Any) -> None:
    _, plan, counts = planned
    events = inside.flagged_events(plan).to_pylist()
    each: dict[tuple[str, str, date], Counter[int]] = defaultdict(Counter)
    for event in events:
        if event["flag"] != "none":
            each[event["cell"], event["flag"], event["time"].date()][event["subscriber"]] += 1
    found = {}
    for row in measures()["flags"].finish(counts["flags"], plan.scope).to_pylist():
        found[row["cell"], row["flag"], row["start"].date()] = row
    assert set(each) == set(found)
    for key, people in each.items():
        row, largest = found[key], [many for _, many in people.most_common(2)]
        assert (row["events"], row["subscribers"], row["people"]) == (sum(people.values()), len(people), len(people))
        assert [row["events_largest"], row["events_second"]] == [*largest, 0][:2]
    assert {flag for _, flag, _ in found} >= {"incorrect_place", "no_position"}


def test_every_cell_has_a_row_for_every_flag_and_day(planned: Any) -> None:
    _, plan, counts = planned
    grid = measures()["flags"].grid(counts["flags"], plan.scope)
    assert grid.num_rows == len(plan.scope.standing.identifiers) * 6 * 2


def test_whoever_has_a_flagged_event_in_a_cell_was_in_its_area(planned: Any) -> None:
    """Every relation that readers are taken to know holds of the raw counts."""
    _, plan, counts = planned
    tables = [as_counted(measures()[name], counts[name], plan) for name in counts]
    raw = raw_cells(tables, partial(relate, plan.areas, plan.scope))
    flags = range(raw.keys["mobility.flags"].first, raw.keys["mobility.flags"].first + 10 * 6 * 2)
    told = 0
    for number, (kind, whole) in enumerate(zip(raw.given.kind, raw.given.whole, strict=True)):
        parts = raw.given.parts(number)
        if parts[0] in flags:
            assert kind == Kind.WITHIN
            assert raw.value[parts].max() <= raw.value[whole]
            told += len(parts)
    assert told == 8 * 3 * 2  # cells in an area, flags that have a place, days


def test_few_people_and_sums_of_one_person_are_hidden(start: Callable[..., Any]) -> None:
    operator = start(minimum_people=10)
    operator.import_(operator.events("calls.csv", lines(much=40)))
    table = operator.run(measures=["flags"])["flags"].to_pylist()
    shown = {(row["cell"], row["flag"], row["start"].date()): row for row in table}
    first = shown["c1", "incorrect_place", DAY]
    assert (first["subscribers"], first["events"]) == (12, 12)
    few = shown["y1", "no_position", DAY]
    assert (few["subscribers"], few["events"], few["events_state"]) == (None, None, "suppressed")
    dominated = shown["c2", "incorrect_place", DAY + timedelta(days=1)]
    assert (dominated["events"], dominated["events_state"]) == (None, "suppressed")
    nobody = shown["d1", "machine", DAY]
    assert (nobody["subscribers"], nobody["subscribers_state"]) == (None, "suppressed")
    told = latest(operator.database, "mobility.flags").provenance.parameters
    assert told["flags"][0] == "network_of_no_country"
    json.dumps(told)
