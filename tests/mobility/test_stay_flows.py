"""Flows from stay to stay and flows by hour: by hand, by a slow reference of what stands inside, through a release."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from commonweal.core.catalog import latest
from commonweal.core.errors import InputError
from commonweal.mobility import counting, inside, runs
from commonweal.mobility.baselines.series import day_series
from commonweal.mobility.flow_models.released import released_flows
from commonweal.mobility.forecasts import slot_series
from commonweal.mobility.measure import measures

FIRST = datetime(2026, 1, 20, tzinfo=UTC)
DAY = timedelta(days=1)
Flow = tuple[datetime, str, str]


def line(moment: datetime, cell: str, number: int = 1) -> str:
    return f"232765532{number:02},{moment:%Y-%m-%dT%H:%M:%S},{cell},call,,"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-{text}+00:00")


def sojourns(*stays: tuple[str, str, str], number: int = 1) -> list[str]:
    """A call when each sojourn begins, one when it ends, and some between, not as a machine calls."""
    found = []
    for begins, ends, cell in stays:
        moment = at(begins)
        while moment < at(ends):
            found.append(line(moment, cell, number))
            moment += timedelta(minutes=10 + len(found) * 17 % 31)
        found.append(line(at(ends), cell, number))
    return found


def counted(operator: Any, name: str, **days: Any) -> Counter[Flow]:
    """People by start, origin and destination, before anything is hidden."""
    planned = runs.plan(operator.settings, operator.database, operator.project, names=[name], **days)
    found = measures()[name].finish(counting.count(operator.settings, planned.buckets)[name], planned.scope)
    return Counter({(r["start"], r["origin"], r["destination"]): r["people"] for r in found.to_pylist()})


def imported(start: Callable[..., Any], lines: list[str], **choices: Any) -> Any:
    operator = start(**choices)
    operator.import_(operator.events("calls.csv", lines))
    return operator


def test_a_flow_is_of_the_day_of_arrival_and_a_night_in_one_place_is_no_flow(start: Callable[..., Any]) -> None:
    lines = sojourns(
        ("20T08:00:00", "20T09:00:00", "a1"),
        ("20T12:00:00", "20T12:00:00", "b1"),  # too short for a stay
        ("20T18:00:00", "21T07:00:00", "c1"),  # over midnight
        ("21T09:00:00", "21T17:00:00", "a1"),
        ("21T19:00:00", "21T20:00:00", "y1"),  # nobody knows where
        ("21T21:00:00", "21T22:00:00", "a2"),  # another place in A
    )
    found = counted(imported(start, lines), "flows_stays")
    assert found == {(FIRST, "A", "C"): 1, (FIRST + DAY, "C", "A"): 1, (FIRST + DAY, "A", "A"): 1}


def test_after_more_than_a_day_a_stay_follows_none(start: Callable[..., Any]) -> None:
    def two(gap: timedelta, number: int) -> list[str]:
        # Where nothing is known between two stays, the one is five minutes longer and the other begins five earlier.
        begins = at("20T10:00:00") + gap + timedelta(minutes=10)
        earlier = sojourns(("20T09:00:00", "20T10:00:00", "a1"), number=number)
        return [*earlier, *(line(begins + call * call * timedelta(minutes=7), "b1", number) for call in range(4))]

    found = counted(imported(start, [*two(DAY, 1), *two(DAY + timedelta(seconds=1), 2)]), "flows_stays")
    assert found == {(FIRST + DAY, "A", "B"): 1}


def random_lines(seed: int = 1, people: int = 20, days: int = 5) -> list[str]:
    """People who are somewhere for up to some hours, then somewhere else, for days."""
    chance, found = np.random.default_rng(seed), []
    for number in range(people):
        moment = FIRST + timedelta(minutes=int(chance.integers(0, 900)))
        while moment < FIRST + days * DAY:
            cell = str(chance.choice(["a1", "a2", "b1", "c1", "d2", "y1"]))
            for _ in range(int(chance.integers(1, 9))):
                found.append(line(moment, cell, number))
                moment += timedelta(minutes=int(chance.integers(5, 90)))
            moment += timedelta(minutes=int(chance.choice([150, 240, 1500])))
    return sorted(
        {text for text in found if datetime.fromisoformat(text.split(",")[1] + "+00:00") < FIRST + days * DAY}
    )


def reference(stays: list[dict[str, Any]]) -> Counter[Flow]:
    """The definition, of stays as they stand inside."""
    of: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in stays:
        of[row["subscriber"]].append(row)
    members = set()
    for who, rows in of.items():
        before, last = None, None
        for row in rows:
            goes_on = last is not None and last["state"] == row["state"] == "stay"
            last = row
            areas = [cell[0].upper() for cell in row["cells"] if cell[0] in "abcd"]
            if row["state"] != "stay" or not areas:
                continue
            if before and not goes_on and row["start"] - before[0] <= DAY:
                day = row["start"].replace(hour=0, minute=0, second=0)
                members.add((who, day, before[1], areas[0]))
            before = (row["end"], areas[0])
    return Counter(member[1:] for member in members)


def test_flows_from_stay_to_stay_are_what_a_slow_reference_says_whichever_days_are_run(
    start: Callable[..., Any],
) -> None:
    operator = imported(start, random_lines())
    planned = runs.plan(operator.settings, operator.database, operator.project)
    expected = reference(inside.stays(planned).to_pylist())
    assert sum(expected.values()) > 40
    assert counted(operator, "flows_stays") == expected
    part = counted(operator, "flows_stays", first=date(2026, 1, 22), last=date(2026, 1, 24))
    assert part == {key: people for key, people in expected.items() if key[0].day in (22, 23)}


def test_flows_by_hour_are_what_a_slow_reference_says(start: Callable[..., Any]) -> None:
    lines = random_lines(2)
    operator = imported(start, lines)
    seen: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for text in lines:
        number, moment, cell, *_ = text.split(",")
        if cell[0] in "abcd":
            seen[number, moment[:10]].append((moment, cell[0].upper()))
    members = {
        (number, datetime.fromisoformat(f"{moment[:13]}:00:00+00:00"), one, other)
        for (number, _), rows in seen.items()
        for (_, one), (moment, other) in pairwise(sorted(rows))
        if one != other
    }
    assert counted(operator, "flows_hourly") == Counter(member[1:] for member in members)


def test_flows_by_hour_are_not_taken_for_flows_by_day(start: Callable[..., Any]) -> None:
    operator = imported(start, random_lines(2))
    operator.run(measures=["flows_hourly"])
    release = latest(operator.database, "mobility.flows_hourly")
    table = release.table(operator.settings)
    for lay_out in (day_series, released_flows):
        with pytest.raises(InputError, match="hour"):
            lay_out(release, table)
    series = slot_series(release, table)
    assert series.values.shape == (len(series.dates), 24, 12)
    rows = {(r["start"], r["origin"], r["destination"]): r["subscribers"] for r in table.to_pylist()}
    for day, when in enumerate(series.dates[:2]):
        for hour in series.hours:
            for place, (one, other) in enumerate(series.keys):
                moment = datetime(when.year, when.month, when.day, hour, tzinfo=UTC)
                shown = series.values[day, hour, place]
                assert rows[moment, one, other] == (None if np.isnan(shown) else shown)


def test_hours_do_not_tell_what_the_day_hides(start: Callable[..., Any]) -> None:
    operator = imported(start, random_lines(3, people=150, days=2), minimum_people=5)
    tables = operator.run(measures=["presence", "flows", "flows_hourly", "flows_stays"])
    assert tables["flows_hourly"].num_rows == 12 * 48
    assert tables["flows_stays"].num_rows == 16 * 2
    for table in tables.values():
        assert all(row["subscribers"] is None or row["subscribers"] >= 5 for row in table.to_pylist())
    assert any(row["subscribers"] for row in tables["flows_stays"].to_pylist())
    hours = counted(operator, "flows_hourly")
    for row in tables["flows"].to_pylist():
        key = (row["start"].date(), row["origin"], row["destination"])
        of_day = [people for (when, *pair), people in hours.items() if (when.date(), *pair) == key]
        shown = [
            r["subscribers"]
            for r in tables["flows_hourly"].to_pylist()
            if (r["start"].date(), r["origin"], r["destination"]) == key and r["subscribers"] is not None
        ]
        # One hidden hour beside a shown day could be worked out if nobody moved twice.
        assert not (len(of_day) - len(shown) == 1 and row["subscribers"] == sum(of_day))
    said = latest(operator.database, "mobility.flows_stays").provenance.parameters
    assert (said["day"], said["lag_seconds"], said["staying"]) == ("on which the later stay begins", 86_400, True)
