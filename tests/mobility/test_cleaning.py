"""Semantic cleaning: every rule by hand, then as plain Python says of random events."""

from __future__ import annotations

import math
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.mobility import inside, runs
from commonweal.mobility.cleaning.flagging import Flag, flags
from commonweal.mobility.cleaning.parameters import DEFAULT
from commonweal.mobility.network import NO_POSITION, NO_VERSION, PLACED, from_centre

DAY = 86_400
# Cells on the equator, by their kilometres east; one without a position, one that stood there no more.
KILOMETRES = np.array([0.0, 9.9, 10.2, 30.0, 100.0, np.nan, np.nan])
STATE = np.array([PLACED] * 5 + [NO_POSITION, NO_VERSION], np.int8)
PLACE = from_centre(KILOMETRES / 111.31949, np.zeros(7))
NOWHERE, GONE = 5, 6


def flagged(
    events: list[tuple[int, int]], serving: int = 0, home: int = 0, countries: tuple[int, ...] = ()
) -> list[Flag]:
    """Flag one subscriber's events: (time, cell)."""
    time, span = (np.array([event[k] for event in events], np.int64) for k in range(2))
    day = time // DAY
    plmns = (np.full(len(time), home), np.full(len(time), serving))
    found, _ = flags(
        day,
        day,
        time // 3600,
        time,
        span,
        *plmns,
        STATE,
        PLACE,
        np.array(countries, np.int64),
        np.full(9, 24),
        astuple(DEFAULT),
    )
    return [Flag(flag) for flag in found]


OK, WRONG, DOUBT = Flag.NONE, Flag.INCORRECT_PLACE, Flag.SUSPICIOUS_PLACE


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(0, 0), (60, 4), (120, 0)], [DOUBT, WRONG, DOUBT]),
        ([(0, 0), (60, 4), (7200, 4)], [DOUBT, DOUBT, OK]),
        ([(0, 0), (1, 1), (2, 0)], [OK, OK, OK]),  # fast, but not far
        ([(0, 0), (60, 2), (120, 0)], [DOUBT, WRONG, DOUBT]),
        ([(0, 0), (1817, 4), (3634, 0)], [DOUBT, WRONG, DOUBT]),  # 100 km in 1817 s: 55.04 m/s
        ([(0, 0), (1819, 4), (3638, 0)], [OK, OK, OK]),  # in 1819 s: 54.98 m/s
        ([(0, 0), (0, 4), (9000, 4)], [DOUBT, DOUBT, OK]),  # in two places in one second
        ([(DAY - 60, 0), (DAY, 4), (DAY + 60, 4)], [OK, OK, OK]),  # days are judged one by one
        ([(0, 0), (30, NOWHERE), (60, 4), (120, 0)], [DOUBT, Flag.NO_POSITION, WRONG, DOUBT]),
        ([(0, 0), (30, GONE), (60, 0)], [OK, Flag.OUT_OF_LIFE, OK]),
    ],
)
def test_who_is_too_fast_and_too_far(events: list[tuple[int, int]], expected: list[Flag]) -> None:
    assert flagged(events) == expected


def test_ships_and_aircraft_have_a_network_of_no_country() -> None:
    assert flagged([(0, 0), (60, NOWHERE)], serving=901014) == [Flag.NETWORK_OF_NO_COUNTRY] * 2


def test_an_event_abroad_is_not_asked_for_its_cell() -> None:
    assert flagged([(0, NOWHERE)], serving=611001, home=619001) == [OK]
    assert flagged([(0, NOWHERE)], serving=611001, countries=(619,)) == [OK]
    assert flagged([(0, NOWHERE)], serving=619002, home=619001) == [Flag.NO_POSITION]


def test_a_meter_that_reports_every_hour_is_a_machine_and_a_person_is_none() -> None:
    meter = [(hour * 3600 + 7, 0) for hour in range(24)]
    assert set(flagged(meter)) == {Flag.MACHINE}
    assert set(flagged(meter[:12])) == {OK}  # too few to say so
    hurried = [(n * 29, n % 2) for n in range(2_881)]
    assert set(flagged(hurried)) == {Flag.MACHINE}
    generator = np.random.default_rng(1)
    person = [(int(time), int(generator.integers(0, 2))) for time in np.sort(generator.integers(0, DAY, 200))]
    assert set(flagged(person)) == {OK}
    at_home = [(int(t), 0) for t in np.sort(generator.integers(0, DAY, 300))]
    assert set(flagged(at_home)) == {OK}


def test_as_many_events_in_every_hour_in_one_cell_is_a_machine() -> None:
    generator = np.random.default_rng(2)
    even = sorted(
        (hour * 3600 + int(generator.integers(0, 3600)), 0) for hour in range(24) for _ in range(1 + hour % 2)
    )
    assert set(flagged(even)) == {Flag.MACHINE}
    assert set(flagged([*even[:-1], (even[-1][0], 1)])) == {OK}  # it was elsewhere once
    assert set(flagged(even[2:])) == {OK}  # an hour without events
    assert set(flagged(sorted(even + [(100 + n, 0) for n in range(5)]))) == {OK}  # one hour much busier


def by_rules(events: list[tuple[int, int]]) -> list[Flag]:
    """The rules on places, said of each event with its neighbours of the day."""
    found = []
    for n, (time, cell) in enumerate(events):
        if STATE[cell] != PLACED:
            found.append(Flag.OUT_OF_LIFE if cell == GONE else Flag.NO_POSITION)
            continue
        same = [m for m, other in enumerate(events) if other[0] // DAY == time // DAY and STATE[other[1]] == PLACED]
        before, after = [m for m in same if m < n][-1:], [m for m in same if m > n][:1]
        fast = 0
        for m in before + after:
            far = abs(KILOMETRES[events[m][1]] - KILOMETRES[cell]) * 1000
            apart = abs(events[m][0] - time)
            fast += far > 10_000 and (math.inf if not apart else far / apart) > 55
        found.append([OK, DOUBT, WRONG][fast])
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2 * DAY // 600 - 1), st.integers(0, 6)), min_size=1, max_size=12))
def test_flags_are_what_the_rules_say(events: list[tuple[int, int]]) -> None:
    timed = sorted((time * 600, cell) for time, cell in events)
    assert flagged(timed) == by_rules(timed)


# From raw files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def events(operator: Any) -> Any:
    """A day: somebody seen twice in area A, between them a minute in area D, and once at a cell without a position."""
    moments = [("10:00", "a1"), ("10:01", "d1"), ("10:02", "a2"), ("12:00", "y1"), ("14:00", "a1")]
    return operator.events("calls.csv", [f"23276553201,2026-01-20T{time}:00,{cell},call,," for time, cell in moments])


def test_incorrect_events_are_left_out_suspicious_ones_kept_and_all_are_counted(operator: Any) -> None:
    operator.import_(events(operator))
    planned = runs.plan(operator.settings, operator.database, operator.project)
    every = inside.flagged_events(planned)
    expected = ["suspicious_place", "incorrect_place", "suspicious_place", "no_position", "none"]
    assert every["flag"].to_pylist() == expected
    assert inside.cleaned_events(planned)["cell"].to_pylist() == ["a1", "a2", "a1"]
    counts = inside.flag_counts(operator.settings, planned).to_pylist()
    said = {(row["cell"], row["flag"]): (row["events"], row["people"]) for row in counts}
    assert said == {
        ("a1", "suspicious_place"): (1, 1),
        ("a2", "suspicious_place"): (1, 1),
        ("d1", "incorrect_place"): (1, 1),
        ("y1", "no_position"): (1, 1),
        (None, "suspicious_place"): (2, 1),
        (None, "incorrect_place"): (1, 1),
        (None, "no_position"): (1, 1),
    }
    assert {row["day"] for row in counts} == {datetime(2026, 1, 20, tzinfo=UTC)}


def test_flags_of_a_day_are_added_over_buckets_and_kept(operator: Any) -> None:
    lines = []
    for number in range(12):
        moment = datetime(2026, 1, 20, 10, tzinfo=UTC)
        for cell in ("a1", "d1", "a1"):
            moment += timedelta(minutes=1)
            lines.append(f"232765532{number:02},{moment:%Y-%m-%dT%H:%M:%S},{cell},call,,")
    operator.import_(operator.events("calls.csv", lines))
    planned = runs.plan(operator.settings, operator.database, operator.project)
    first = inside.flag_counts(operator.settings, planned)
    assert {(row["cell"], row["flag"], row["events"], row["people"]) for row in first.to_pylist()} == {
        ("a1", "suspicious_place", 24, 12),
        ("d1", "incorrect_place", 12, 12),
        (None, "suspicious_place", 24, 12),
        (None, "incorrect_place", 12, 12),
    }
    assert inside.flag_counts(operator.settings, planned).equals(first)


def test_other_limits_are_another_result_though_the_first_was_kept(operator: Any) -> None:
    operator.import_(events(operator))
    planned = runs.plan(operator.settings, operator.database, operator.project)
    before = inside.flag_counts(operator.settings, planned)
    patient = inside.flag_counts(operator.settings, planned, replace(DEFAULT, speed=1e9))
    assert set(patient["flag"].to_pylist()) == {"no_position"}
    assert inside.flag_counts(operator.settings, planned).equals(before)


def test_a_cell_that_stood_there_no_more_is_out_of_its_life(operator: Any) -> None:
    cells = operator.write("ended.csv", "cell,longitude,latitude,valid_to\na1,0.5,0.5,2026-01-20T12:00:00+00:00\n")
    lines = [f"23276553201,2026-01-20T{hour}:00:00,a1,call,," for hour in (11, 12)]
    operator.import_(operator.events("calls.csv", lines), cells=cells)
    planned = runs.plan(operator.settings, operator.database, operator.project)
    assert inside.flagged_events(planned)["flag"].to_pylist() == ["none", "out_of_life"]
