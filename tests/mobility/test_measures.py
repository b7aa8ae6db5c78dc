"""Every measure, from raw files to keyed counts, says what plain SQL says of the same events."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest

from commonweal.core.areas.service import end
from commonweal.core.engine import keyed_counts
from commonweal.core.errors import InputError, NotFound
from commonweal.core.grouping import groups
from commonweal.core.kernels import kernel
from commonweal.core.periods import Calendar
from commonweal.mobility import counting, runs, service
from commonweal.mobility.behind import Behind
from commonweal.mobility.bounding import Members
from commonweal.mobility.cells import CellRegister
from commonweal.mobility.keeping import code_files
from commonweal.mobility.measure import Window, measures
from commonweal.mobility.network import metres
from commonweal.mobility.plmn import country_code
from commonweal.mobility.sequences import place

# Where each cell stands: a moving one from a moment on, one at sea, one nobody knows.
PLACES = {f"{area.lower()}{place}": area for area in "ABCD" for place in (1, 2)} | {"x1": None, "y1": None}

PRESENCE = """
    SELECT area, unit, start, count(DISTINCT subscriber) AS people FROM (
        SELECT area, subscriber, 'hour' AS unit, hour AS start FROM events WHERE area IS NOT NULL
        UNION ALL SELECT area, subscriber, 'day', day FROM events WHERE area IS NOT NULL)
    GROUP BY ALL ORDER BY ALL"""
LAST = """
    SELECT subscriber, day, area FROM events WHERE area IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY subscriber, day ORDER BY moment DESC, cell DESC) = 1"""
HOME = f"""
    SELECT area, count(*) AS people FROM (
        SELECT subscriber, area FROM ({LAST}) GROUP BY subscriber, area
        QUALIFY row_number() OVER (PARTITION BY subscriber ORDER BY count(*) DESC, max(day) DESC) = 1)
    GROUP BY ALL ORDER BY ALL"""
FLOWS = """
    SELECT area AS origin, destination, day AS start, count(DISTINCT subscriber) AS people FROM (
        SELECT *, lead(area) OVER (PARTITION BY subscriber, day ORDER BY moment, cell) AS destination
        FROM events WHERE area IS NOT NULL)
    WHERE destination <> area GROUP BY ALL ORDER BY ALL"""
ACTIVITY = """
    SELECT day AS start, count(*) AS events, count(DISTINCT subscriber) AS people
    FROM events GROUP BY ALL ORDER BY ALL"""
QUALITY = "SELECT day AS start, count(DISTINCT subscriber) AS people FROM events GROUP BY ALL ORDER BY ALL"
SQL = {"presence": PRESENCE, "home": HOME, "flows": FLOWS, "activity": ACTIVITY, "quality": QUALITY}
COLUMNS = {
    "presence": ("area", "period", "start", "people"),
    "home": ("area", "people"),
    "flows": ("origin", "destination", "start", "people"),
    "activity": ("start", "events", "people"),
    "quality": ("start", "people"),
}


class World:
    """Random events, and what stands in them by the clock of a place."""

    def __init__(
        self, seed: int, first: str, days: int, zone: str = "UTC", day_starts: int = 0, count: int = 400
    ) -> None:
        self.zone, self.day_starts = ZoneInfo(zone), day_starts
        generator = random.Random(seed)
        self.first = date.fromisoformat(first)
        self.last = self.first + timedelta(days=days)
        begins, ends = self.day_start(self.first), self.day_start(self.last)
        self.moves = generator.randrange(begins, ends) // 60 * 60  # when the moving cell moves, within a day
        some = [generator.randrange(begins, ends) for _ in range(30)]  # few moments, so that there are ties
        hours = [begins + 3600 * hour for hour in range((ends - begins) // 3600)]  # events exactly on edges
        self.events = {
            (
                f"2327655{generator.randrange(100, 114):04}",
                generator.choice(
                    [
                        generator.choice(some),
                        generator.choice(hours),
                        generator.choice(hours) - 1 if generator.random() < 0.5 else generator.choice(hours),
                        generator.randrange(begins, ends),
                    ]
                ),
                generator.choice([*PLACES, "m", "m"]),
                generator.choice(["call", "sms"]),
            )
            for _ in range(count)
        }
        self.events = {event for event in self.events if begins <= event[1] < ends}

    def day_start(self, day: date) -> int:
        """UTC second at which a day begins."""
        return int(datetime.combine(day, time(self.day_starts), self.zone).timestamp())

    def area(self, cell: str, moment: int) -> str | None:
        """Where a cell stands at a moment."""
        return ("A" if moment < self.moves else "C") if cell == "m" else PLACES[cell]

    def row(self, event: tuple[str, int, str, str]) -> tuple[Any, ...]:
        """An event with its area, hour and day."""
        subscriber, moment, cell, kind = event
        shown = datetime.fromtimestamp(moment, self.zone)
        hour = moment - shown.minute * 60 - shown.second
        day = (shown.replace(tzinfo=None) - timedelta(hours=self.day_starts)).date()
        return subscriber, moment, cell, self.area(cell, moment), hour, self.day_start(day), kind

    def by_sql(self) -> dict[str, list[tuple[Any, ...]]]:
        """What plain SQL says of each measure."""
        rows = [self.row(event) for event in self.events]
        names = ("subscriber", "moment", "cell", "area", "hour", "day", "kind")
        with duckdb.connect() as engine:
            engine.register(
                "events",
                pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}),
            )
            return {name: engine.execute(query).fetchall() for name, query in SQL.items()}

    def lines(self, seed: int = 0) -> list[str]:
        """The events as an operator would hand them over, in any order."""
        written = [
            f"{subscriber},{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S},{cell},{kind},,"
            for subscriber, moment, cell, kind in sorted(self.events)
        ]
        random.Random(seed).shuffle(written)
        return written

    def cells(self, operator: Any) -> Any:
        """The operator's cells, and one that moves."""
        moves = datetime.fromtimestamp(self.moves, UTC).isoformat()
        plain = [f"{line},," for line in operator.cells.read_text().splitlines()[1:]]
        header = "cell,longitude,latitude,valid_from,valid_to"
        return operator.write(
            "moving.csv", "\n".join([header, *plain, f"m,0.5,0.5,,{moves}", f"m,2.5,0.5,{moves},"]) + "\n"
        )


def counted(operator: Any, world: World | None = None, **choices: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What the kernels say, in the words of the SQL."""
    if world is not None:
        choices = {"first": world.first, "last": world.last} | choices
    planned = runs.plan(operator.settings, operator.database, operator.project, **choices)
    counts = counting.count(operator.settings, planned.buckets)
    found = {}
    for name, table in counts.items():
        finished = measures()[name].finish(table, planned.scope)
        rows = finished.select(COLUMNS[name]).to_pylist()
        found[name] = sorted(
            tuple(int(value.timestamp()) if isinstance(value, datetime) else value for value in row.values())
            for row in rows
            if row["people"]
        )
    return found


WORLDS = {
    "UTC, a month and days": {"first": "2026-01-20", "days": 16},
    "Nepal, whose hours begin at a quarter past": {"first": "2026-01-28", "days": 6, "zone": "Asia/Kathmandu"},
    "Paris, when the clock skips an hour": {"first": "2026-03-27", "days": 6, "zone": "Europe/Paris"},
    "Paris, when the clock shows an hour twice": {"first": "2025-10-24", "days": 10, "zone": "Europe/Paris"},
    "Freetown, where days begin at four": {
        "first": "2026-01-29",
        "days": 6,
        "zone": "Africa/Freetown",
        "day_starts": 4,
    },
    "Lord Howe, whose clock moves half an hour": {
        "first": "2026-04-03",
        "days": 5,
        "zone": "Australia/Lord_Howe",
        "day_starts": 4,
    },
}


def begin(start: Callable[..., Any], world: World, **choices: Any) -> Any:
    """A project by a world's clock."""
    return start(time_zone=str(world.zone), day_starts=time(world.day_starts), **choices)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("place", WORLDS.values(), ids=WORLDS)
def test_measures_are_what_plain_sql_says(place: dict[str, Any], seed: int, start: Callable[..., Any]) -> None:
    world = World(seed, **place)
    operator = begin(start, world)
    lines = world.lines(seed)
    operator.import_(operator.events("one.csv", lines[::2]), cells=world.cells(operator))
    operator.import_(operator.events("other.csv", lines[1::2]))
    expected = world.by_sql()
    if "Lord_Howe" in str(world.zone):  # its hours are cut where the clock moved; days are days
        expected["presence"] = [row for row in expected["presence"] if row[1] == "day"]
    found = counted(operator, world)
    if "Lord_Howe" in str(world.zone):
        found["presence"] = [row for row in found["presence"] if row[1] == "day"]
    assert found == expected


def test_a_measure_has_its_plain_sql_here() -> None:
    assert set(SQL) == {name for name, measure in measures().items() if measure.usual}


def test_a_part_of_the_period_is_what_sql_says_of_that_part_whatever_was_counted_before(
    start: Callable[..., Any],
) -> None:
    world = World(5, "2026-01-20", 16)
    operator = begin(start, world)
    operator.import_(operator.events("calls.csv", world.lines()), cells=world.cells(operator))

    def expected(first: date, last: date) -> dict[str, Any]:
        part = World(5, "2026-01-20", 16)
        part.events = {event for event in world.events if world.day_start(first) <= event[1] < world.day_start(last)}
        return part.by_sql()

    january, whole = (date(2026, 1, 23), date(2026, 1, 27)), (world.first, world.last)
    overlapping = (date(2026, 1, 25), date(2026, 2, 3))
    for first, last in (january, whole, overlapping, january, whole):
        assert counted(operator, first=first, last=last) == expected(first, last)


def test_days_counted_before_their_month_closed_are_not_counted_again_after(start: Callable[..., Any]) -> None:
    world = World(6, "2026-01-20", 16)
    operator = begin(start, world)
    cells = world.cells(operator)
    january = [line for line in world.lines() if "2026-01" in line]
    operator.import_(operator.events("january.csv", january), cells=cells)
    counted(operator)
    operator.import_(operator.events("calls.csv", world.lines()))
    assert counted(operator, world) == world.by_sql()


def test_another_clock_is_counted_anew_and_the_projects_own_still_stands(start: Callable[..., Any]) -> None:
    world = World(7, "2026-01-20", 8)
    operator = begin(start, world)
    operator.import_(operator.events("calls.csv", world.lines()), cells=world.cells(operator))
    before = counted(operator, world)
    nepal = World(7, "2026-01-20", 8)
    nepal.zone, nepal.day_starts = ZoneInfo("Asia/Kathmandu"), 4
    first, last = date(2026, 1, 21), date(2026, 1, 27)
    within = {event for event in world.events if nepal.day_start(first) <= event[1] < nepal.day_start(last)}
    nepal.events = within
    assert counted(operator, first=first, last=last, calendar=Calendar("Asia/Kathmandu", time(4))) == nepal.by_sql()
    assert counted(operator, world) == before == world.by_sql()


def test_compacted_months_count_the_same(start: Callable[..., Any]) -> None:
    from commonweal.mobility.service import compact_store

    world = World(8, "2025-02-10", 14)
    operator = begin(start, world)
    operator.import_(operator.events("calls.csv", world.lines()), cells=world.cells(operator))
    before = counted(operator, world)
    assert compact_store(operator.settings, operator.database, operator.project) > 0
    assert counted(operator, world) == before == world.by_sql()


# Nothing is counted twice ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def windows_read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The windows of which something was read to be counted: a bucket in which nobody lives has nothing to read.

    Attacks read all that they attack, and keep nothing.
    """
    read: list[tuple[int, int]] = []
    really = counting.read_events

    def reading(store: Any, bucket: Any, segments: Any, start: int, end: int) -> Any:
        if segments and bucket.keep:
            read.append((start, end))
        return really(store, bucket, segments, start, end)

    monkeypatch.setattr(counting, "read_events", reading)
    return read


def test_a_second_run_counts_nothing_anew(operator: Any, windows_read: list[Any]) -> None:
    world = World(3, "2026-01-20", 4)
    operator.import_(operator.events("calls.csv", world.lines()), cells=world.cells(operator))
    first = operator.run()
    assert windows_read
    windows_read.clear()
    again = operator.run()
    assert windows_read == []
    assert {name: table.to_pylist() for name, table in again.items()} == {
        name: table.to_pylist() for name, table in first.items()
    }


def test_a_day_that_is_appended_is_counted_alone(operator: Any, windows_read: list[Any], at: Any) -> None:
    operator.import_(
        operator.events("calls.csv", World(3, "2026-01-20", 4).lines()), cells=World(3, "2026-01-20", 4).cells(operator)
    )
    operator.run()
    windows_read.clear()
    operator.import_(operator.events("more.csv", ["23276553201,2026-01-24T10:00:00,a1,call,,"]))
    operator.run()
    assert set(windows_read) == {(at("2026-01-24"), at("2026-01-25"))}


def test_a_run_that_is_killed_within_a_bucket_does_not_count_its_days_again(
    operator: Any, windows_read: list[Any], at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "KEPT_EVERY", -1.0)
    lines = [f"23276553201,2026-01-{day}T10:00:00,a1,call,," for day in range(20, 26)]
    operator.import_(operator.events("calls.csv", lines))
    really = counting.read_events

    def dying(store: Any, bucket: Any, segments: Any, start: int, end: int) -> Any:
        if start >= at("2026-01-24") and segments:
            raise RuntimeError("killed")
        return really(store, bucket, segments, start, end)

    with monkeypatch.context() as patched:
        patched.setattr(counting, "read_events", dying)
        with pytest.raises(RuntimeError, match="killed"):
            operator.run()
    assert (at("2026-01-23"), at("2026-01-24")) in windows_read
    windows_read.clear()
    days = [row[-1] for row in counted(operator)["quality"]]
    assert set(windows_read) == {(at(f"2026-01-{day}"), at(f"2026-01-{day + 1}")) for day in (24, 25)}
    assert days == [1] * 6


def test_counts_are_made_anew_after_any_code_they_are_made_by_has_changed() -> None:
    used = (
        counting.read_events, Window, Members, Behind, keyed_counts, groups, kernel, place, metres, country_code,
        CellRegister,
    )  # fmt: skip
    assert {sys.modules[one.__module__].__file__ for one in used} <= {str(file) for file in code_files()}


def test_a_late_event_is_counted_with_its_day_alone(operator: Any, windows_read: list[Any]) -> None:
    world = World(3, "2026-01-20", 4)
    lines = world.lines()
    operator.import_(operator.events("calls.csv", lines[1:]), cells=world.cells(operator))
    counted(operator, world)
    windows_read.clear()
    operator.import_(operator.events("late.csv", lines[:1]))
    assert counted(operator, world) == world.by_sql()
    assert len(windows_read) == 1


def test_a_changed_cell_register_is_counted_anew(operator: Any, windows_read: list[Any]) -> None:
    file = operator.events("calls.csv", [f"2327655320{n},2026-01-05T10:00:00,a1,call,," for n in range(4)])
    operator.import_(file)
    operator.run()
    windows_read.clear()
    moved = operator.write("moved.csv", operator.cells.read_text().replace("a1,0.25", "a1,3.25"))
    operator.import_(file, cells=moved)
    homes = {row["area"]: row["subscribers"] for row in operator.run()["home"].to_pylist()}
    assert windows_read
    assert homes["D"] == 4


def test_counts_that_were_kept_and_damaged_are_made_again(operator: Any) -> None:
    world = World(3, "2026-01-20", 4)
    operator.import_(operator.events("calls.csv", world.lines()), cells=world.cells(operator))
    operator.run()
    for path in operator.store().folder.glob("derived/**/*.parquet"):
        path.write_bytes(path.read_bytes()[:-9] + b"damaged!!")
    assert counted(operator, world) == world.by_sql()


# What is published ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_under_the_threshold_is_in_any_published_table(seed: int, start: Callable[..., Any]) -> None:
    k = 5
    world = World(seed, "2026-01-20", 4, count=600)
    operator = start(minimum_people=k)
    operator.import_(operator.events("calls.csv", world.lines()), cells=world.cells(operator))
    raw = counted(operator, world)
    tables = operator.run()
    assert set(tables) == {name for name, measure in measures().items() if measure.usual}
    keys = {"presence": 3, "home": 1, "flows": 3}
    for name, table in tables.items():
        value = "events" if name == "activity" else "subscribers"
        for row in table.to_pylist():
            assert (row[value] is None) == (row[f"{value}_state"] in ("suppressed", "withheld")), row
            if row[value] is not None and value == "subscribers":
                assert row[value] >= k
        if name in keys:
            published = {
                tuple(
                    int(row[column].timestamp()) if column == "start" else row[column]
                    for column in COLUMNS[name][: keys[name]]
                ): row["subscribers"]
                for row in table.to_pylist()
            }
            people = {row[: keys[name]]: row[-1] for row in raw[name]}
            assert people.keys() <= published.keys()
            enough = {key for key in published if people.get(key, 0) >= k}
            for key, shown in published.items():
                assert shown is None or (key in enough and shown == people[key]), (name, key)
            # Some are hidden too, since they would give others away; not many.
            assert sum(published[key] is not None for key in enough) >= 0.4 * len(enough), name


def test_a_rows_presence_says_nothing(start: Callable[..., Any]) -> None:
    operator = start(minimum_people=5)
    operator.import_(operator.events("calls.csv", [f"2327655320{n},2026-01-05T10:00:00,a1,call,," for n in range(6)]))
    tables = operator.run()
    assert tables["presence"].num_rows == 4 * (24 + 1)
    assert tables["flows"].num_rows == 4 * 3
    assert tables["home"].num_rows == 4
    assert sum(row["subscribers"] is not None for row in tables["presence"].to_pylist()) == 2


def published_sum(table: pa.Table, **chosen: str) -> int:
    rows = [row for row in table.to_pylist() if all(row[name] == value for name, value in chosen.items())]
    return sum(row["subscribers"] or 0 for row in rows)


@pytest.mark.parametrize("many", [40, 44, 45])
@pytest.mark.parametrize("few", [0, 3, 14])
def test_the_totals_of_a_day_leave_every_hidden_area_free_to_have_anybody(
    start: Callable[..., Any], many: int, few: int
) -> None:
    """One event a subscriber on one day: every total is then at least a sum of parts, and an exact one completes it."""
    k = 15
    operator = start(minimum_people=k)
    lines = [
        f"23276{cell}{n:04},2026-01-05T10:00:00,{area}1,call,,"
        for cell, (area, count) in enumerate({"a": many, "b": 30, "c": few}.items())
        for n in range(count)
    ]
    operator.import_(operator.events("calls.csv", lines))
    tables = operator.run()
    known = {
        ("activity", "events"): published_sum(tables["presence"], period="hour"),
        ("quality", "subscribers"): published_sum(tables["home"]),
    }
    for (name, value), parts in known.items():
        [total] = tables[name].to_pylist()
        assert parts == many + 30
        assert total[f"{value}_state"] == "rounded"
        assert total[value] <= many + 30 + few < total[value] + total["rounded_to"]
        at_most = total[value] + total["rounded_to"] - 1 - parts  # of all hidden areas together
        assert at_most >= k - 1, (name, "no hidden area could have as many as the threshold allows")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_days_events_bound_neither_its_hours_nor_its_flows(seed: int, start: Callable[..., Any]) -> None:
    k = 3
    world = World(seed, "2026-01-20", 3, count=500)
    operator = start(minimum_people=k)
    operator.import_(operator.events("calls.csv", world.lines()), cells=world.cells(operator))
    tables = operator.run()
    for row in tables["activity"].to_pylist():
        if row["events"] is None:
            continue
        highest = row["events"] + row["rounded_to"] - 1
        ends = row["start"] + timedelta(days=1)
        hours = [
            hour["subscribers"] or 0
            for hour in tables["presence"].to_pylist()
            if hour["period"] == "hour" and row["start"] <= hour["start"] < ends
        ]
        flows = [flow["subscribers"] or 0 for flow in tables["flows"].to_pylist() if flow["start"] == row["start"]]
        assert highest - sum(hours) >= k - 1
        assert highest - sum(flows) - max(flows) >= k - 1


def test_a_total_is_published_only_beside_what_it_is_judged_by(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", World(3, "2026-01-20", 1).lines()))
    with pytest.raises(InputError, match="could complete what is published of home"):
        operator.run(measures=["presence", "quality"])
    assert set(operator.run(measures=["presence", "home", "quality"])) == {"presence", "home", "quality"}


def test_a_run_over_a_split_of_areas_says_that_it_counts_by_those_of_its_first_day(operator: Any) -> None:
    split = date(2026, 1, 22)
    end(operator.database, "squares", on=split, level=1, codes=["D"], who="os:tester")
    operator.import_(
        operator.events("calls.csv", World(3, "2026-01-20", 4).lines()), cells=World(3, "2026-01-20", 4).cells(operator)
    )

    def said(first: str, last: str) -> list[str]:
        asked = {"measures": ["home"], "time_zone": None, "day_starts": None}
        job, lines = operator.job(first=first, last=last, **asked), []
        job.log = lines.append
        service.run_job(job)
        return lines

    assert said("2026-01-20", "2026-01-24") == [
        "the areas change on 2026-01-22; all days are counted by those of the first day, 2026-01-20"
    ]
    assert said("2026-01-20", "2026-01-22") == said("2026-01-22", "2026-01-24") == []


def test_a_release_tells_what_it_depends_on(operator: Any) -> None:
    from commonweal.core.catalog import latest

    operator.import_(
        operator.events("calls.csv", World(3, "2026-01-20", 4).lines()), cells=World(3, "2026-01-20", 4).cells(operator)
    )
    operator.run(first="2026-01-20", last="2026-01-24")
    release = latest(operator.database, "mobility.presence")
    said = release.provenance.parameters if hasattr(release, "provenance") else release.parameters
    assert said["time_zone"] == "UTC"
    assert (said["day_starts"], said["k"]) == ("00:00", 2)
    assert (said["first_day"], said["last_day"]) == ("2026-01-20", "2026-01-23")


def test_a_period_without_events_is_told_the_days_of_the_first_and_the_last_event(start: Callable[..., Any]) -> None:
    """By the clock of the place, and not of the closed month that holds them."""
    operator = start(time_zone="Asia/Kathmandu")
    days = ("05T19:00", "07T18:00")  # after midnight there, and before it
    operator.import_(operator.events("calls.csv", [f"23276550011,2026-01-{day}:00,a1,call,," for day in days]))
    with pytest.raises(NotFound) as none:
        operator.run(first="2026-05-01", last="2026-05-02")
    assert none.value.expected == "days within 2026-01-06 to 2026-01-07 (epoch 2026)"


def test_homes_over_almost_the_same_days_differ_by_nobody_or_by_many(start: Callable[..., Any]) -> None:
    """30 people in A on Monday; on Tuesday these and one more: found over both days and over Tuesday, one apart."""
    operator = start(minimum_people=5)
    lines = [f"232765500{n:02},2026-01-0{day}T10:00:00,a1,call,," for day in (5, 6) for n in range(30)]
    operator.import_(operator.events("calls.csv", [*lines[:-1], "23276559999,2026-01-06T10:00:00,a1,call,,"]))
    first = operator.run(first="2026-01-05", last="2026-01-06")["home"]
    both = operator.run(first="2026-01-05", last="2026-01-07")["home"]
    shown = [{row["area"]: row["subscribers"] for row in table.to_pylist()}["A"] for table in (first, both)]
    assert shown == [30, None]
