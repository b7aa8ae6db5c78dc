"""The quality report: each fault that is planted is named, and records without a fault give no finding."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import box

from commonweal.core.areas import Areas
from commonweal.mobility import inside, runs
from commonweal.mobility.cell_files import read_cells
from commonweal.mobility.cells import empty_register
from commonweal.mobility.cleaning.semantic import FLAG_COUNTS
from commonweal.mobility.layout import parse_layout
from commonweal.mobility.machines import read_device_types, write_machines
from commonweal.mobility.measure import measures, sources
from commonweal.mobility.quality.clock import shifted_days, shifted_whole
from commonweal.mobility.quality.gathering import quality_counts
from commonweal.mobility.quality.imputing import impute
from commonweal.mobility.quality.of_releases import judge_releases
from commonweal.mobility.quality.publishing import publish_cell_faults, read_cell_faults
from commonweal.mobility.quality.register_faults import register_faults
from commonweal.mobility.quality.report import quality_of
from commonweal.mobility.stays.derivations import STAYS

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

    def make(lines: Iterable[Line] | None = None, cells: str | None = None) -> dict[str, Any]:
        written = [
            f"232765532{person:02d},{moment:%Y-%m-%dT%H:%M:%S},{cell},call,,"
            for moment, person, cell in (ordinary() if lines is None else lines)
        ]
        network = operator.write("network.csv", cells or cell_file())
        operator.import_(operator.events("calls.csv", written), cells=network)
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


def test_records_whose_nights_are_by_day_are_in_another_zone() -> None:
    days = [day(n) for n in range(7)]
    counts = np.tile(HOURS * 1000, (7, 1))
    assert shifted_whole(days, counts) == []
    [found] = shifted_whole(days, np.roll(counts, -7, axis=1))
    assert abs(found.numbers["shift_hours"] + 7) <= 1


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


# Cell files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def faults(tmp_path: Path) -> Callable[..., list[tuple[str, str, str | None]]]:
    """Give a function that reads cell files one after the other, and says what is wrong: kind, cell, since when."""
    areas = Areas(tuple("ABCD"), tuple("ABCD"), np.array([box(west, 0, west + 1, 1) for west in range(4)]))
    layout = parse_layout({"time": {"column": "t"}, "columns": {"subscriber": "s", "cell": "c"}})

    def find(*files: str) -> list[tuple[str, str, str | None]]:
        register = empty_register()
        for content in files:
            path = tmp_path / "network.csv"
            path.write_text(content)
            register = register.with_versions(read_cells(path, layout))
        found = register_faults(register, areas)
        return [(one.kind.value, one.where, one.since and one.since.isoformat()) for one in found]

    return find


def test_a_cell_file_without_a_fault_has_none(faults: Any) -> None:
    assert faults(cell_file()) == faults(cell_file(), cell_file()) == []


def test_swapped_coordinates_are_named(faults: Any) -> None:
    assert faults(cell_file(c1="c1,0.5,2.25,,")) == [("swapped_coordinates", "c1", None)]


def test_a_version_with_the_coordinates_of_the_one_before_the_other_way_round_is_swapped(faults: Any) -> None:
    moved = "\n".join(["b1,1.25,0.5,,2026-03-10", "b1,0.5,1.25,2026-03-10,"])
    assert faults(cell_file(b1=moved)) == [("swapped_coordinates", "b1", "2026-03-10")]


@pytest.mark.parametrize("row", ["d2,50,50,,", "d2,3.5,-0.95,,", "d2,-120,0.5,,"])
def test_a_cell_far_from_all_areas_is_named(faults: Any, row: str) -> None:
    assert faults(cell_file(d2=row)) == [("cell_far_away", "d2", None)]


def test_a_cell_that_jumped_between_versions_is_named_and_one_that_was_corrected_a_little_is_not(faults: Any) -> None:
    moved = "\n".join(["c1,2.25,0.5,,2026-03-10", "c1,2.95,0.5,2026-03-10,"])
    corrected = "\n".join(["d1,3.25,0.5,,2026-03-10", "d1,3.26,0.5,2026-03-10,"])
    assert faults(cell_file(c1=moved, d1=corrected)) == [("moved_cell", "c1", "2026-03-10")]


def test_a_later_file_that_moves_a_cell_for_all_time_is_named(faults: Any) -> None:
    assert faults(cell_file(), cell_file(c1="c1,2.95,0.5,,")) == [("moved_cell", "c1", None)]


@pytest.mark.parametrize(
    ("rows", "since"),
    [
        (["c1,2.25,0.5,,", "c1,2.26,0.5,,"], None),
        (["c1,2.25,0.5,2026-03-01,2026-03-12", "c1,2.26,0.5,2026-03-10,2026-04-01"], "2026-03-10"),
    ],
)
def test_an_identifier_that_one_file_names_twice_for_one_time_is_named(
    faults: Any, rows: list[str], since: str | None
) -> None:
    twice = cell_file(c1="\n".join(rows))
    assert faults(twice) == [("duplicate_cell", "c1", since)]
    assert faults(twice, twice) == [("duplicate_cell", "c1", since)]


def test_a_row_that_says_the_same_twice_and_versions_that_only_say_when_they_begin_are_no_fault(faults: Any) -> None:
    twice = "\n".join(["c1,2.25,0.5,,"] * 2)
    begun = "\n".join(["d1,3.25,0.5,2026-01-01,", "d1,3.26,0.5,2026-03-10,"])
    assert faults(cell_file(c1=twice, d1=begun)) == []


def test_a_file_that_settles_what_another_said_twice_leaves_no_fault(faults: Any) -> None:
    twice = cell_file(c1="c1,2.25,0.5,,\nc1,2.26,0.5,,")
    assert faults(twice, cell_file(c1="c1,2.251,0.5,,")) == []


def test_a_gap_between_versions_is_named(faults: Any) -> None:
    assert faults(cell_file(c1="c1,2.25,0.5,,2026-03-05\nc1,2.25,0.5,2026-03-09,")) == [
        ("version_gap", "c1", "2026-03-05")
    ]
    to_the_second = "c1,2.25,0.5,,2026-03-04T23:59:59\nc1,2.25,0.5,2026-03-05,"
    assert faults(cell_file(c1=to_the_second)) == []


# Events, from raw files ───────────────────────────────────────────────────────────────────────────────────────────────


def test_events_outside_the_life_of_their_cells_versions_are_named_by_cell(report: Any) -> None:
    found = report(cells=cell_file(b1="b1,1.25,0.5,2026-01-01,2026-03-15"))
    [missing] = [one for one in found["findings"] if one["kind"] == "missing_version"]
    assert (missing["where"], missing["since"], missing["until"]) == ("b1", "2026-03-15", day(DAYS - 1).isoformat())
    assert missing["share"] == 1
    flags = {(one["day"], one["cell"]) for one in found["flags"] if one["flag"] == "out_of_life"}
    assert ("2026-03-16", "b1") in flags
    assert ("2026-03-16", None) in flags
    assert not any(told < "2026-03-15" for told, _ in flags)


def test_a_silent_cell_is_told_from_one_where_nobody_is_and_unknown_cells_are_named(report: Any, operator: Any) -> None:
    lines = [(moment, who, "zz" if moment.date() == day(3) else cell) for moment, who, cell in ordinary()]
    lines = [line for line in lines if line[2][0] != "a" or line[0].date() not in (day(9), day(10))]
    lines.append((datetime(2026, 3, 4, 12), 1, "d1"))
    found = report(lines)
    kinds = {(one["kind"], one["where"], one["since"], one["until"]) for one in found["findings"]}
    dead, silent = day(3).isoformat(), (day(9).isoformat(), day(10).isoformat())
    assert kinds >= {
        ("unknown_cells", "calls.csv", None, None),
        ("dead_day", "everywhere", dead, dead),
        *(("silent_cell", cell, *silent) for cell in ("a1", "a2")),
        ("silent_area", "A", *silent),
    }
    assert not [one for one in kinds if one[1] in ("b1", "c1", "d1", "C", "D")]
    assert found["days"][9]["silent_cells"] == 2
    assert found["days"][9]["empty_cells"] > 1  # those in C and D, where nobody ever is
    filled = impute(quality_of(operator.settings, operator.database, operator.project.name))
    by_key = {(one.day, one.area): one for one in filled}
    assert (by_key[day(9), "A"].state.value, by_key[day(9), "A"].subscribers) == ("modelled", 10)
    assert by_key[day(3), "B"].state.value == "modelled"
    assert (by_key[day(9), "B"].state.value, by_key[day(9), "B"].subscribers) == ("rounded", 10)
    assert {one.state.value for one in filled if one.area in "CD"} == {"suppressed"}, "nobody there is no gap"


def test_nothing_is_said_of_fewer_people_than_the_threshold(report: Any) -> None:
    lines = [line for line in ordinary() if line[1] != 0]
    lonely = [(moment, who, "d2") for moment, who, cell in ordinary() if who == 0]
    gone = cell_file(d2="d2,3.5,0.5,,2026-03-10")
    found = report(lines + lonely, cells=gone)
    [missing] = found["findings"]
    assert (missing["kind"], missing["where"], missing["cells"]) == ("missing_version", "everywhere", 1)
    assert not [one for one in found["flags"] if one["cell"] == "d2"]
    assert all(one["events"] is None or one["events"] % 5 == 0 for one in found["days"] + found["flags"])


def test_a_cell_that_few_people_use_is_not_named_by_their_absence(report: Any) -> None:
    """One person under a cell of their own, who is away for two days: that is no failure that may be told."""
    lines = [line for line in ordinary() if line[1] != 0]
    away = {day(9), day(10)}
    alone = [(moment, who, "d2") for moment, who, _ in ordinary() if who == 0 and moment.date() not in away]
    assert report(lines + alone)["findings"] == []


def test_what_a_dead_day_has_left_is_not_taken_for_its_people(report: Any, operator: Any) -> None:
    """Of day 9 each thirtieth record is left: its areas are modelled like those of a day without any."""
    lines = [line for number, line in enumerate(ordinary()) if line[0].date() != day(9) or number % 30 == 0]
    assert said(report(lines)) == [("dead_day", "everywhere", day(9).isoformat(), day(9).isoformat())]
    filled = impute(quality_of(operator.settings, operator.database, operator.project.name))
    states = {(one.day, one.area): one.state.value for one in filled}
    assert {states[day(9), area] for area in "AB"} == {"modelled"}
    assert {states[day(8), area] for area in "AB"} == {"rounded"}


def test_a_run_after_the_report_takes_nothing_of_it_for_its_own(report: Any, operator: Any) -> None:
    """Of the same days, and of some of them: what is kept of either is not the other's."""
    report()
    tables = operator.run(measures=["presence", "home", "quality"], first=f"{day(1)}", last=f"{day(4)}")
    assert tables["quality"].num_rows == 3
    made = [part for item in [*measures().values(), quality_counts(), STAYS, FLAG_COUNTS] for part in sources(item)]
    assert len({part.name for part in made}) == len({id(part) for part in made}), "each has a store of its own"


def test_devices_that_are_machines_are_flagged_whatever_they_look_like(operator: Any) -> None:
    listed = operator.write("tac.csv", "tac,kind\n35000001,smartphone\n35000002,IoT module\n")
    operator.write("mapping.toml", operator.mapping.read_text() + 'tac = "tac"\n')
    lines = [
        f"232765532{who:02d},2026-03-02T{hour:02d}:00:00,a1,call,,,3500000{1 + who % 2}"
        for who in range(8)
        for hour in range(9, 15)
    ]
    operator.import_(operator.events("calls.csv", lines, "number,time,cell,kind,other,seconds,tac"))
    planned = runs.plan(operator.settings, operator.database, operator.project)
    assert set(inside.flagged_events(planned)["flag"].to_pylist()) == {"none"}
    write_machines(planned.store.folder.parent, read_device_types(listed))
    planned = runs.plan(operator.settings, operator.database, operator.project)
    flags = inside.flagged_events(planned)["flag"].to_pylist()
    assert flags.count("machine") == flags.count("none") == 24
    found = quality_of(operator.settings, operator.database, operator.project.name).record()
    assert {one["kind"] for one in found["findings"]} >= {"machines"}
    assert found["days"][0]["devices"] == 5  # eight, rounded down
    assert [one.kind for one in planned.inputs] == ["store", "cells", "areas", "machines"]


def test_what_is_wrong_with_cell_files_is_published_as_facts_of_a_network(report: Any, operator: Any) -> None:
    report(lines=ordinary()[:300], cells=cell_file(c1="c1,0.5,2.25,,"))
    planned = runs.plan(operator.settings, operator.database, operator.project)
    release = publish_cell_faults(operator.settings, operator.database, planned, "os:tester").release
    assert release.certificate is None
    [found] = read_cell_faults(release.table(operator.settings))
    assert (found.kind.value, found.where) == ("swapped_coordinates", "c1")


def test_published_tables_tell_of_a_dead_day_a_silent_area_and_another_clock() -> None:
    days = [day(n) for n in range(14)]
    draw = np.random.default_rng(3)
    hours = draw.poisson(np.tile(HOURS * 300, (14, 1))).astype(float)
    by_area = draw.poisson(200, (3, 14)).astype(float)
    totals = {"events": hours.sum(axis=1) * 2, "subscribers": by_area.sum(axis=0)}
    assert judge_releases(days, totals, hours, "ABC", by_area, 15).findings == []
    by_area[1, 5], by_area[:, 8] = np.nan, np.nan
    hours[11] = np.concatenate([np.zeros(4), hours[11, :-4]])
    totals = {name: np.where(np.arange(14) == 8, np.nan, values) for name, values in totals.items()}
    found = judge_releases(days, totals, hours, "ABC", by_area, 15).findings
    assert {(one.kind.value, one.where, one.since) for one in found} >= {
        ("wrong_time_zone", "everywhere", day(11)),
        ("dead_day", "everywhere", day(8)),
        ("silent_area", "B", day(5)),
    }
