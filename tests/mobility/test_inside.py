"""What a private store tells whoever holds its key of single people: by hand, and beside what is counted of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from itertools import product
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from commonweal.core.errors import InputError
from commonweal.mobility import counting, inside, runs
from commonweal.mobility.measure import measures
from commonweal.mobility.measures.home_rules import RULES
from commonweal.mobility.measures.usual_environment import LABELS

PLMN = {"SL": "619-01", "GN": "611-01", "LR": "618-01"}
PLACES = {"bo": (-11.74, 7.96), "kambia": (-12.92, 9.12), "koindu": (-10.36, 8.45)}
STORY = {
    "resident": (
        "SL",
        """
        01-05 09:00 bo
        01-05 15:00 kambia
        01-05 18:00 GN
        01-06 20:00 GN
        01-06 21:00 LR
        01-08 03:00 LR
        01-08 06:00 koindu
        01-09 09:00 kambia
        01-09 10:00 GN
        01-09 11:00 kambia
        01-12 12:00 GN
        01-12 19:00 GN
        01-12 21:00 bo
        """,
    ),
    "visitor": (
        "GN",
        """
        01-07 20:00 kambia
        01-08 07:00 kambia
        01-08 09:00 bo
        """,
    ),
    "neighbour": ("GN", "01-07 23:50 kambia\n01-08 00:05 kambia"),
    "at home": ("SL", "01-05 09:00 bo\n01-15 09:00 bo"),
}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def lines_of(number: int, home: str, story: str) -> list[str]:
    found = []
    for line in story.strip().splitlines():
        day, hour, where = line.split()
        cell, serving = (where, PLMN["SL"]) if where in PLACES else ("", PLMN[where])
        found.append(f"2327655{number:05},2026-{day}T{hour}:00,{cell},{PLMN[home]},{serving}")
    return found


@pytest.fixture
def border(start: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that imports the stories at the border of Sierra Leone."""

    def make(**choices: Any) -> Any:
        operator = start(area_set="natural-earth:SL", **choices)
        operator.stands_at(f"{name},{x},{y},{PLMN['SL']}" for name, (x, y) in PLACES.items())
        operator.import_roaming(
            line for number, (home, story) in enumerate(STORY.values()) for line in lines_of(number, home, story)
        )
        return operator

    return make


def plan(operator: Any, *names: str) -> runs.Plan:
    return runs.plan(operator.settings, operator.database, operator.project, names=names)


def counted(operator: Any, name: str, *beside: str) -> dict[tuple[Any, ...], int]:
    """People by key, as a run counts them before anything is hidden."""
    planned, measure = plan(operator, name, *beside), measures()[name]
    table = measure.finish(counting.count(operator.settings, planned.buckets)[name], planned.scope)
    keys = table.select([dimension.name for dimension in measure.dataset.dimensions]).to_pylist()
    return dict(zip((tuple(key.values()) for key in keys), table["people"].to_pylist(), strict=True))


def told(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    """Rows in order of what they say, since pseudonyms are drawn at random."""
    return sorted((tuple(row.values()) for row in table.select(names).to_pylist()), key=str)


def people(rows: list[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], int]:
    """Distinct subscribers by these columns."""
    found = {(*(row[name] for name in names), row["subscriber"]) for row in rows}
    return {key: sum(one[:-1] == key for one in found) for key in {one[:-1] for one in found}}


def begins(when: datetime) -> datetime:
    return when.replace(hour=0, minute=0)


def test_visits_trips_and_nights_of_each_person(border: Callable[..., Any]) -> None:
    planned = plan(border())
    visits = inside.visits(planned)
    assert told(visits.filter(visits["accidental"]), "home", "country", "start", "end", "trip", "entered") == [
        ("GN", "SL", moment("01-07 23:50"), moment("01-08 00:05"), None, None),
        ("SL", "GN", moment("01-09 10:00"), moment("01-09 10:00"), None, None),
    ]
    areas = ("entry_area", "exit_area", "before", "before_area", "after", "after_area")
    assert told(visits.filter(visits["accidental"]), "home", *areas) == [
        ("GN", "SL-N", "SL-N", None, None, None, None),
        ("SL", None, None, "SL", "SL-N", "SL", None),
    ]
    true = visits.filter(pc.invert(visits["accidental"]))
    assert told(true, "home", "country", "trip", "start", "end", "nights", "entered", "left") == [
        ("GN", "SL", 1, moment("01-07 20:00"), moment("01-08 09:00"), 1, False, True),
        ("SL", "GN", 1, moment("01-05 18:00"), moment("01-06 20:00"), 1, True, True),
        ("SL", "GN", 2, moment("01-12 12:00"), moment("01-12 19:00"), 0, True, True),
        ("SL", "LR", 1, moment("01-06 21:00"), moment("01-08 03:00"), 1, True, True),
    ]
    assert told(true, "country", "trip", *areas) == [
        ("GN", 1, None, None, "SL", "SL-N", "LR", None),
        ("GN", 2, None, None, None, None, "SL", "SL-S"),
        ("LR", 1, None, None, "GN", None, "SL", "SL-E"),
        ("SL", 1, "SL-N", "SL-S", None, None, None, None),
    ]
    assert told(inside.trips(planned), "home", "trip", "start", "end", "countries", "nights", "entered", "left") == [
        ("GN", 1, moment("01-07 20:00"), moment("01-08 09:00"), ["SL"], 1, False, True),
        ("SL", 1, moment("01-05 18:00"), moment("01-08 03:00"), ["GN", "LR"], 2, True, True),
        ("SL", 2, moment("01-12 12:00"), moment("01-12 19:00"), ["GN"], 0, True, True),
    ]
    assert told(inside.nights(planned), "day", "home", "country", "area") == [
        (moment("01-06 00:00"), "SL", "GN", None),
        (moment("01-07 00:00"), "SL", "LR", None),
        (moment("01-08 00:00"), "GN", "SL", "SL-N"),
    ]


def test_single_people_are_those_that_measures_about_borders_count(border: Callable[..., Any]) -> None:
    operator = border()
    planned = plan(operator)
    visits, trips, nights = (of(planned).to_pylist() for of in (inside.visits, inside.trips, inside.nights))
    true = [row for row in visits if not row["accidental"]]
    by_nights = [
        row
        | {
            "direction": "in" if row["country"] == "SL" else "out",
            "other": row["home"] if row["country"] == "SL" else row["country"],
            "class": max(least for least in (0, 1, 2, 4, 8, 15) if least <= row["nights"]),
            "run": moment("01-05 00:00"),
        }
        for row in true
        if row["entered"] and row["left"]
    ]
    assert people(by_nights, "direction", "other", "class", "run") == counted(operator, "visit_nights")
    nights_in_areas = [row for row in nights if row["area"]]
    assert people(nights_in_areas, "area", "day") == counted(operator, "visitor_nights")
    assert len(nights) == sum(row["nights"] for row in trips) == sum(row["nights"] for row in true)
    residents = {(row["country"], row["subscriber"]) for row in true if row["home"] == "SL"}
    abroad = {country for country, _ in counted(operator, "outbound")}
    assert {country for country, _ in residents} == abroad == {"GN", "LR"}
    assert len({row["subscriber"] for row in trips if row["home"] == "SL"}) == max(
        counted(operator, "outbound").values()
    )
    moments = [
        row
        | {
            "direction": "in" if row["country"] == "SL" else "out",
            "area": row["entry_area"] or row["before_area"],
            "start": begins(when),
        }
        for row in visits
        if row["accidental"]
        for when in {row["start"], row["end"]}
    ]
    assert people(moments, "direction", "area", "start") == counted(operator, "accidental_roaming")


def test_visits_trips_and_nights_are_refused_where_days_do_not_begin_at_midnight(border: Callable[..., Any]) -> None:
    planned = plan(border(day_starts=time(4)), "outbound")
    for of in (inside.visits, inside.trips, inside.nights):
        with pytest.raises(InputError, match="begin at midnight"):
            of(planned)


def two_weeks(many: int = 2) -> list[str]:
    """Two weeks from Monday, 5 January 2026: every other at home in A and at work in B, the others always in D.

    Events are 70 and 50 minutes apart by turns, so each holds its own hour, or most of it where one cell follows the
    other two hours later. Nobody is heard in every hour of a day: they are no machines.
    """
    found = []
    for day, person in product(range(14), range(many)):
        for hour in range(24):
            event = moment("01-05 00:00") + timedelta(day, hours=hour, minutes=25 + hour % 2 * 10)
            when = f"{event:%Y-%m-%dT%H:%M}"
            works = day % 7 < 5
            if person % 2:
                cell = "" if hour == 3 else "d1"
            elif works and 8 <= hour < 18:
                cell = "" if hour in (8, 17) else "b1"
            else:
                cell = "" if hour == 3 and not works else "a1"
            if cell:
                found.append(f"2327655{person:05},{when}:00,{cell},call,,")
    return found


def test_permanence_usual_environment_and_homes_of_each_person(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", two_weeks()))
    planned = plan(operator)
    daily = inside.permanence(planned)
    tuesday = daily.filter(pc.equal(daily["day"], pa.scalar(moment("01-06 00:00"), daily["day"].type)))
    assert told(tuesday, "area", "hours", "score") == [
        ("A", [*range(8), *range(18, 24)], 14),
        ("B", [*range(9, 17)], 8),
        ("D", [*range(24)], 24),
    ]
    # Days begin at 04:00, so four hours of the first day, and eight of its night, are of a day that is not looked at.
    found = inside.usual_environment(planned)
    assert told(found, "area", "score", "night_score", "working_score", "free_night_score") == [
        ("A", 10 * 14 + 4 * 24 - 4, 14 * 14 - 8, 0, 4 * 14),
        ("B", 10 * 8, 0, 10 * 8, 0),
        ("D", 14 * 24 - 4, 14 * 14 - 8, 10 * 9, 4 * 14),
    ]
    assert told(found, "area", "days", "nights", "working_days", "free_nights") == [
        ("A", 14, 14, 0, 4),
        ("B", 10, 0, 10, 0),
        ("D", 14, 14, 10, 4),
    ]
    assert told(found, "area", "usual_environment", "home", "work", "second_home") == [
        ("A", True, True, False, False),
        ("B", False, False, True, False),
        ("D", True, True, True, False),
    ]
    homes = inside.homes(planned)
    assert told(homes, "rule", "area") == sorted((rule, area) for rule in RULES for area in "AD")


def test_the_scores_of_months_add_up_to_those_of_the_run(operator: Any) -> None:
    """Two weeks from 26 January: the night of the 31st, and what it has before 04:00, are January's."""
    lines = []
    for line in two_weeks():
        number, moment_, rest = line.split(",", 2)
        lines.append(f"{number},{(datetime.fromisoformat(moment_) + timedelta(days=21)).isoformat()},{rest}")
    operator.import_(operator.events("calls.csv", lines))
    planned = plan(operator)
    monthly, whole = inside.monthly_permanence(planned), inside.usual_environment(planned)
    assert sorted(set(monthly["month"].to_pylist())) == ["2026-01", "2026-02"]
    measured = whole.column_names[2:10]
    added = monthly.group_by(["subscriber", "area"]).aggregate([(name, "sum") for name in measured])
    expected = {(row["subscriber"], row["area"]): [row[name] for name in measured] for row in whole.to_pylist()}
    assert {
        (row["subscriber"], row["area"]): [row[f"{name}_sum"] for name in measured] for row in added.to_pylist()
    } == expected
    january = monthly.filter(pc.equal(monthly["month"], "2026-01"))
    # Six days, the first without the four hours before 04:00, and four hours of 1 February.
    assert told(january.filter(pc.equal(january["area"], "D")), "score", "nights") == [(6 * 24, 6)]


def test_single_people_are_those_that_measures_of_homes_count(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", two_weeks(12)))
    planned, run = plan(operator), {"start": moment("01-05 00:00")}
    scores, living = inside.usual_environment(planned), inside.homes(planned)
    assert set(told(scores, "subscriber", "area")) == set(told(inside.permanence(planned), "subscriber", "area"))
    assert set(told(living, "subscriber", "area")) == set(told(scores.filter(scores["home"]), "subscriber", "area"))
    environment, homes = scores.to_pylist(), living.to_pylist()
    labelled = [row | run | {"label": label} for row in environment for label in LABELS if row[label.replace(" ", "_")]]
    assert people(labelled, "area", "label", "start") == counted(operator, "usual_environment")
    assert people([row | run for row in homes if row["area"]], "area", "rule", "start") == counted(
        operator, "homes", "home_agreement"
    )


def test_a_store_without_visits_gives_empty_tables(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", two_weeks()[:1]))
    planned = plan(operator)
    assert [of(planned).num_rows for of in (inside.visits, inside.trips, inside.nights)] == [0, 0, 0]
