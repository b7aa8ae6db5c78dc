"""Clock faults of some sites or of all: found on generated records, and no alarm where nothing is wrong."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from commonweal.mobility.quality.mixed_clocks import TURNS, mixed_clocks
from commonweal.mobility.quality.report import quality_of

DAYS, SITES = 21, 60
FIRST = date(2026, 3, 16)
"""A Monday; two weeks on, clocks in Europe go forward."""
WORK = np.array([9, 6, 3, 2, 2, 5, 14, 27, 41, 50, 56, 57, 56, 56, 53, 55, 58, 64, 75, 82, 83, 71, 48, 24.0])
HOME = np.array([14, 9, 5, 3, 3, 6, 20, 38, 40, 34, 32, 34, 44, 40, 34, 36, 44, 60, 84, 99, 104, 92, 66, 34.0])
FREE = np.array([14, 10, 6, 4, 3, 5, 9, 18, 31, 42, 50, 56, 59, 57, 55, 54, 58, 64, 73, 83, 88, 77, 57, 32.0])
Found = list[tuple[str, int, int, int]]


def days() -> list[date]:
    return [FIRST + timedelta(day) for day in range(DAYS)]


def records(seed: int, events: float = 300) -> np.ndarray:
    """Events by site, day and hour: offices and homes, weekends, and sites of whom some people are out of step."""
    draw = np.random.default_rng(seed)
    size = events * draw.lognormal(0, 0.5, SITES)
    offices = draw.random(SITES)
    shape = np.zeros((SITES, DAYS, 24))
    for day, when in enumerate(days()):
        usual = FREE[None] if when.weekday() > 4 else offices[:, None] * WORK + (1 - offices[:, None]) * HOME
        usual = usual * draw.lognormal(0, 0.15, (SITES, 24))  # people of one site do the same
        shape[:, day] = size[:, None] * draw.lognormal(0, 0.1) * usual / usual.sum(axis=1, keepdims=True)
    return draw.poisson(shape).astype(float)


def moved(hours: np.ndarray, day: int, shift: int, sites: np.ndarray) -> np.ndarray:
    """Move the clock of some sites on a day; what leaves it is in the day beside."""
    flat = hours.reshape(SITES, -1).copy()
    own = slice(24 * day, 24 * day + 24)
    flat[sites, own] = 0
    for hour in range(24 * day, 24 * day + 24):
        flat[sites, hour + shift] += hours.reshape(SITES, -1)[sites, hour]
    return flat.reshape(hours.shape)


def found(hours: np.ndarray) -> Found:
    findings = mixed_clocks(days(), hours.sum(0), hours.sum(2), np.einsum("cdh,kh->kcd", hours, TURNS))
    order = {day: number for number, day in enumerate(days())}
    return [
        (one.kind.value, order[one.since], order[one.until], one.numbers["shift_hours"])
        for one in findings
        if one.since and one.until
    ]


@pytest.mark.parametrize("seed", range(6))
def test_records_without_a_fault_give_no_finding(seed: int) -> None:
    assert found(records(seed, events=(60, 300, 2000)[seed % 3])) == []


@pytest.mark.parametrize("change", [-1, 1])
def test_a_day_on_which_clocks_are_moved_by_law_is_none_either(change: int) -> None:
    """People live by the clock: it leaves out the hour from two, or has it twice, on a Sunday."""
    hours = records(7)
    hours[:, 13, 2] *= 1 + change
    assert found(hours) == []


@pytest.mark.parametrize("shift", [1, 2, 5, -1, -2, -5])
def test_sites_on_another_clock_for_a_day_are_found(shift: int) -> None:
    third = np.arange(SITES) % 3 == 0
    for day in (3, 9, 16):
        [(kind, first, last, said)] = found(moved(records(day, 800), day, shift, third))
        assert (kind, first, last) == ("mixed_clocks", day, day)
        assert abs(said - shift) <= 1


@pytest.mark.parametrize("shift", [1, 2, 5, -1, -2, -5])
def test_a_day_on_another_clock_everywhere_is_no_mixture(shift: int) -> None:
    [(kind, first, last, said)] = found(moved(records(2), 9, shift, np.full(SITES, True)))
    assert (kind, first, last) == ("wrong_time_zone", 9, 9)
    assert abs(said - shift) <= 1


def test_the_day_after_is_not_named_for_the_evening_that_was_moved_into_it() -> None:
    hours = moved(moved(records(4), 9, 5, np.full(SITES, True)), 8, 5, np.full(SITES, True))
    assert [one[1:3] for one in found(hours)] == [(8, 9)]


def test_sites_that_never_kept_the_right_time_differ_from_the_others() -> None:
    hours = records(5)
    hours[:20] = np.roll(hours[:20], 5, axis=2)
    assert ("mixed_clocks", 0, DAYS - 1, 5) in found(hours)


def test_few_events_or_few_sites_say_nothing() -> None:
    hours = moved(records(1), 9, 5, np.arange(SITES) < 3)
    assert found(hours[:9]) == []
    assert found(records(1, events=5)) == []


def test_half_of_a_network_on_another_clock_is_named_in_the_report(operator: Any) -> None:
    """Twelve masts, ninety people, two weeks; on the ninth day six masts tell times that are five hours late."""
    draw = np.random.default_rng(3)
    lines = []
    for day in range(14):
        for person in range(90):
            cell = person % 12
            for hour in np.flatnonzero(draw.random(24) < WORK / 90).tolist():
                late = 5 if day == 8 and cell % 2 else 0
                moment = np.datetime64(FIRST, "s") + 3600 * (24 * day + hour + late) + int(draw.integers(0, 3600))
                lines.append(f"2327655{person:05},{moment},m{cell},call,,")
    cells = "cell,longitude,latitude\n" + "".join(f"m{n},{0.1 + 0.3 * n},0.5\n" for n in range(12))
    operator.import_(operator.events("calls.csv", lines), cells=operator.write("network.csv", cells))
    report = quality_of(operator.settings, operator.database, operator.project.name)
    [told] = [one for one in report.record()["findings"] if one["kind"] == "mixed_clocks"]
    assert (told["since"], told["share"]) == ("2026-03-24", 0.5)
    assert abs(told["shift_hours"] - 5) <= 1
    assert "50" in told["what"]
