"""The quality report: each fault that is planted is named, and records without a fault give no finding."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from commonweal.mobility.quality.clock import shifted_days, shifted_whole
from commonweal.mobility.quality.report import quality_of

FIRST = date(2026, 3, 2)
DAYS = 21
PEOPLE = 24
# How likely a phone is used in each hour of the clock.
HOURS = np.array([2, 1, 1, 1, 2, 5, 20, 40, 60, 70, 75, 80, 85, 80, 75, 70, 75, 90, 99, 95, 80, 50, 20, 8]) / 110
CELLS = ("a1", "a2", "b1", "b2")
HEADER = "cell,longitude,latitude,valid_from,valid_to"
PLACES = {f"{area}{n}": (number + 0.25 * n, 0.5) for number, area in enumerate("abcd") for n in (1, 2)}

Line = tuple[datetime, int, str]


def ordinary(seed: int = 1) -> list[Line]:
    """Three weeks of people who stay about one cell by day and by night: time, person, cell."""
    draw = np.random.default_rng(seed)
    lines = []
    for day in range(DAYS):
        for hour in range(24):
            for person in np.flatnonzero(draw.random(PEOPLE) < HOURS[hour]).tolist():
                moment = datetime.combine(FIRST, datetime.min.time()) + timedelta(
                    days=day, hours=hour, seconds=int(draw.integers(0, 3600))
                )
                lines.append((moment, person, CELLS[person % len(CELLS)]))
    return lines


def shifted(lines: Iterable[Line], hours: int, when: Callable[[date], bool] = lambda day: True) -> list[Line]:
    """Move the clock of some days."""
    return [
        (moment + timedelta(hours=hours), *rest) if when(moment.date()) else (moment, *rest) for moment, *rest in lines
    ]


def day(number: int) -> date:
    """The day of that number, from 0."""
    return FIRST + timedelta(days=number)


def cell_file(**changed: str) -> str:
    """A cell file; a cell that is named in `changed` has those rows instead."""
    rows = [changed.get(cell, f"{cell},{east},{north},,") for cell, (east, north) in PLACES.items()]
    return "\n".join([HEADER, *rows]) + "\n"


@pytest.fixture
def report(operator: Any) -> Callable[..., dict[str, Any]]:
    """Give a function that imports lines with a cell file, and gives the report as JSON."""

    def make(lines: Iterable[Line] | None = None, cells: str | None = None, later: str | None = None) -> dict[str, Any]:
        written = [
            f"232765532{person:02d},{moment:%Y-%m-%dT%H:%M:%S},{cell},call,,"
            for moment, person, cell in (ordinary() if lines is None else lines)
        ]
        files = operator.events("calls.csv", written)
        operator.import_(files, cells=operator.write("network.csv", cells or cell_file()))
        if later:
            one = operator.events("later.csv", ["23276553201,2026-03-22T12:00:01,a1,call,,"])
            operator.import_(one, cells=operator.write("later_cells.csv", later))
        found = quality_of(operator.settings, operator.database, operator.project.name)
        return json.loads(json.dumps(found.record()))

    return make


def said(found: dict[str, Any]) -> list[tuple[str, str, str | None, str | None]]:
    return [(one["kind"], one["where"], one["since"], one["until"]) for one in found["findings"]]


def test_records_without_a_fault_give_no_finding(report: Any) -> None:
    found = report()
    assert found["findings"] == []
    assert [one["day"] for one in found["days"]] == [day(n).isoformat() for n in range(DAYS)]
    for one in found["days"]:
        assert one["events_low"] <= one["events"] <= one["events_high"]
        assert one["subscribers"] == one["devices"] == 20  # of 24, rounded down to fives


def test_a_dead_day_is_named_and_is_no_zero(report: Any) -> None:
    found = report([line for line in ordinary() if line[0].date() != day(9)])
    assert said(found) == [("dead_day", "everywhere", day(9).isoformat(), day(9).isoformat())]
    dead = found["days"][9]
    assert (dead["events"], dead["events_state"]) == (None, "suppressed")
    assert dead["events_usual"] > 0


def test_days_in_another_zone_are_named_with_their_shift(report: Any) -> None:
    wrong = {day(11), day(12), day(13)}
    [found] = report(shifted(ordinary(), 5, wrong.__contains__))["findings"]
    assert (found["kind"], found["shift_hours"], found["how_sure"]) == ("wrong_time_zone", 5, "likely")
    assert (found["since"], found["until"]) == (day(11).isoformat(), day(13).isoformat())


def test_records_whose_nights_are_by_day_are_in_another_zone(report: Any) -> None:
    found = report(shifted(ordinary(), -7))["findings"]
    [whole] = [one for one in found if one["kind"] == "wrong_time_zone" and "quietest" in one]
    assert abs(whole["shift_hours"] + 7) <= 1


@pytest.mark.parametrize("hours", [-11, -8, -6, -4, 3, 4, 6, 8, 11])
def test_a_shift_of_one_day_is_found_whatever_it_is(hours: int) -> None:
    days = [day(n) for n in range(14)]
    draw = np.random.default_rng(abs(hours))
    flat = draw.poisson(np.tile(HOURS * 40, 14)).astype(float)
    moved = flat.copy()
    moved[24 * 6 : 24 * 7] = 0
    for hour in range(24 * 6, 24 * 7):
        moved[hour + hours] += flat[hour]
    counts = moved.reshape(14, 24)
    assert [(one.since, one.until, one.numbers["shift_hours"]) for one in shifted_days(days, counts)] == [
        (day(6), day(6), hours)
    ]
    assert shifted_whole(days, counts) == []
    assert shifted_days(days, flat.reshape(14, 24)) == []


def test_swapped_coordinates_are_named(report: Any) -> None:
    found = report(cells=cell_file(c1="c1,0.5,2.25,,"))
    assert ("swapped_coordinates", "c1", None, None) in said(found)
    assert {one["kind"] for one in found["findings"]} == {"swapped_coordinates"}


def test_a_version_with_the_coordinates_of_the_one_before_the_other_way_round_is_swapped(report: Any) -> None:
    moved = "\n".join(["b1,1.25,0.5,,2026-03-10", "b1,0.5,1.25,2026-03-10,"])
    assert said(report(cells=cell_file(b1=moved)))[0] == ("swapped_coordinates", "b1", "2026-03-10", None)


def test_a_cell_far_from_all_areas_is_named(report: Any) -> None:
    assert said(report(cells=cell_file(d2="d2,50,50,,"))) == [("cell_far_away", "d2", None, None)]


def test_a_cell_that_jumped_between_versions_is_named_and_one_that_was_corrected_a_little_is_not(report: Any) -> None:
    moved = "\n".join(["c1,2.25,0.5,,2026-03-10", "c1,2.95,0.5,2026-03-10,"])
    corrected = "\n".join(["d1,3.25,0.5,,2026-03-10", "d1,3.26,0.5,2026-03-10,"])
    [found] = report(cells=cell_file(c1=moved, d1=corrected))["findings"]
    assert (found["kind"], found["where"], found["since"]) == ("moved_cell", "c1", "2026-03-10")
    assert found["kilometres"] == pytest.approx(77.9, abs=0.2)


def test_a_later_file_that_moves_a_cell_for_all_time_is_named(report: Any) -> None:
    [found] = report(later=cell_file(c1="c1,2.95,0.5,,"))["findings"]
    assert (found["kind"], found["where"], found["corrected"]) == ("moved_cell", "c1", True)


@pytest.mark.parametrize(
    "rows",
    [
        ["c1,2.25,0.5,,", "c1,2.75,0.5,,"],
        ["c1,2.25,0.5,2026-03-01,2026-03-12", "c1,2.26,0.5,2026-03-10,2026-04-01"],
    ],
)
def test_an_identifier_that_one_file_names_twice_for_one_time_is_named(report: Any, rows: list[str]) -> None:
    [found] = [one for one in report(cells=cell_file(c1="\n".join(rows)))["findings"] if one["where"] == "c1"]
    assert (found["kind"], found["how_sure"]) == ("duplicate_cell", "certain")


def test_a_row_that_says_the_same_twice_and_versions_that_only_say_when_they_begin_are_no_fault(report: Any) -> None:
    twice = "\n".join(["c1,2.25,0.5,,"] * 2)
    begun = "\n".join(["d1,3.25,0.5,2026-01-01,", "d1,3.26,0.5,2026-03-10,"])
    assert report(cells=cell_file(c1=twice, d1=begun))["findings"] == []


def test_a_file_that_settles_what_another_said_twice_leaves_no_fault(report: Any) -> None:
    twice = cell_file(c1="c1,2.25,0.5,,\nc1,2.26,0.5,,")
    assert report(cells=twice, later=cell_file(c1="c1,2.251,0.5,,"))["findings"] == []


def test_events_outside_the_life_of_their_cells_versions_are_named_by_cell(report: Any) -> None:
    found = report(cells=cell_file(b1="b1,1.25,0.5,2026-01-01,2026-03-15"))
    [missing] = [one for one in found["findings"] if one["kind"] == "missing_version"]
    assert (missing["where"], missing["since"], missing["until"]) == ("b1", "2026-03-15", day(DAYS - 1).isoformat())
    assert missing["share"] == 1
    flags = {(one["day"], one["cell"]) for one in found["flags"] if one["flag"] == "out_of_life"}
    assert ("2026-03-16", "b1") in flags
    assert ("2026-03-16", None) in flags
    assert not any(told < "2026-03-15" for told, _ in flags)


def test_a_gap_between_versions_is_named(report: Any) -> None:
    found = report(cells=cell_file(c1="c1,2.25,0.5,,2026-03-05\nc1,2.25,0.5,2026-03-09,"))
    assert said(found) == [("version_gap", "c1", "2026-03-05", "2026-03-08")]


def test_a_silent_cell_is_told_from_one_where_nobody_is(report: Any) -> None:
    lines = [line for line in ordinary() if line[2] != "a1" or line[0].date() not in (day(9), day(10))]
    lines.append((datetime(2026, 3, 4, 12), 1, "d1"))
    found = report(lines)
    [silent] = [one for one in found["findings"] if one["kind"] == "silent_cell"]
    assert (silent["where"], silent["since"], silent["until"]) == ("a1", day(9).isoformat(), day(10).isoformat())
    assert silent["usual_events"] > 0
    assert found["days"][9]["silent_cells"] == 1
    assert found["days"][9]["empty_cells"] > 1  # those in C and D, where nobody ever is
    assert found["days"][9]["silent_areas"] == 0


def test_cells_that_no_file_knows_are_named_by_file(report: Any) -> None:
    lines = [(moment, who, "zz" if moment.date() == day(3) else cell) for moment, who, cell in ordinary()]
    found = said(report(lines))
    assert ("unknown_cells", "calls.csv", None, None) in found
    assert ("dead_day", "everywhere", day(3).isoformat(), day(3).isoformat()) in found


def test_nothing_is_said_of_fewer_people_than_the_threshold(report: Any) -> None:
    lines = [line for line in ordinary() if line[1] != 0]
    lonely = [(moment, who, "d2") for moment, who, cell in ordinary() if who == 0]
    gone = cell_file(d2="d2,3.5,0.5,,2026-03-10")
    found = report(lines + lonely, cells=gone)
    [missing] = found["findings"]
    assert (missing["kind"], missing["where"], missing["cells"]) == ("missing_version", "everywhere", 1)
    assert not [one for one in found["flags"] if one["cell"] == "d2"]
    assert all(one["events"] is None or one["events"] % 5 == 0 for one in found["days"] + found["flags"])
