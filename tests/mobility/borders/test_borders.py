"""What is counted about borders: hand-worked chains, and plain Python once more on random events."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from commonweal.core.errors import InputError
from commonweal.core.periods import Calendar
from commonweal.mobility import counting, runs
from commonweal.mobility.borders import trips as trip
from commonweal.mobility.borders import visits
from commonweal.mobility.measure import measures
from commonweal.mobility.mobile_countries import COUNTRIES

HOUR = 3600
PLMN = {"SL": "619-01", "GN": "611-01", "LR": "618-01", "CI": "612-03", "FR": "208-01", "": ""}
NAMES = (
    "accidental_roaming", "border_crossings", "border_districts", "border_pairs", "inbound", "outbound",
    "presence_by_origin", "transit", "visit_nights", "visitor_nights",
)  # fmt: skip


@dataclass
class Cell:
    """Where a cell stands, of which country it is and which it is near."""

    place: tuple[float, float]
    area: str
    country: str
    near: set[str] = field(default_factory=set)


CELLS = {
    "freetown": Cell((-13.23, 8.48), "SL-W", "SL", set()),
    "kambia": Cell((-12.92, 9.12), "SL-N", "SL", {"GN"}),
    "koindu": Cell((-10.36, 8.45), "SL-E", "SL", {"GN", "LR"}),
    "bo": Cell((-11.74, 7.96), "SL-S", "SL", set()),
    "foya": Cell((-10.21, 8.36), "LR-LO", "LR", {"GN", "SL"}),
    "monrovia": Cell((-10.80, 6.31), "LR-MO", "LR", set()),
}


@dataclass(frozen=True)
class Event:
    """One row of an operator: cell "" where a foreign network served; "" for an unknown country."""

    person: int
    when: int
    cell: str
    home: str
    serving: str


class Slow:
    """Counts of all tables about borders, by name: keys to sets of people."""

    def __init__(self, events: Sequence[Event], own: set[str], zone: str, first: date, days: int) -> None:
        self.own, self.zone = own, ZoneInfo(zone)
        self.days = [self.at(first + timedelta(days=n), 0) for n in range(days + 1)]
        self.fours = [self.at(first + timedelta(days=n), 4) for n in range(days)]
        self.found: dict[str, dict[tuple[Any, ...], set[int]]] = defaultdict(lambda: defaultdict(set))
        self.around = {"SL": {"GN", "LR", "SL"}, "LR": {"GN", "LR", "SL", "CI"}}
        for person, theirs in groupby(sorted(events, key=lambda e: (e.person, e.when)), key=lambda e: e.person):
            self.person(person, list(theirs))

    def at(self, day: date, hour: int) -> int:
        return int(datetime.combine(day, time(hour), self.zone).timestamp())

    def day(self, when: int) -> int:
        local = datetime.fromtimestamp(when, UTC).astimezone(self.zone)
        return self.at(local.date(), 0)

    def hour(self, when: int) -> int:
        local = datetime.fromtimestamp(when, UTC).astimezone(self.zone)
        return when - local.minute * 60 - local.second

    def country(self, event: Event) -> str:
        return event.serving or (next(iter(self.own)) if event.cell and len(self.own) == 1 else "")

    def add(self, table: str, person: int, *key: Any) -> None:
        self.found[table][key].add(person)

    def person(self, person: int, events: list[Event]) -> None:
        home_of_day: dict[int, str] = {}
        for event in events:
            home_of_day[self.day(event.when)] = home_of_day.get(self.day(event.when)) or event.home
        for event in events:
            if event.cell:
                home, country = home_of_day[self.day(event.when)], self.country(event)
                known = home and country in self.own
                origin = ("resident" if home == country else "visitor") if known else "unknown"
                for unit, start in (("hour", self.hour(event.when)), ("day", self.day(event.when))):
                    self.add("presence_by_origin", person, origin, CELLS[event.cell].area, unit, start)
        home = next((event.home for event in events if event.home), "")
        if not home:
            return
        events = [event for event in events if self.country(event)]
        kept: list[Event] = []
        runs: list[list[Event]] = []
        for event in events:
            last = runs[-1][-1] if runs else None
            if last and self.country(last) == self.country(event) and event.when - last.when <= 12 * HOUR:
                runs[-1].append(event)
            else:
                runs.append([event])
        for place, run in enumerate(runs):
            before = runs[place - 1] if place else None
            after = runs[place + 1] if place + 1 < len(runs) else None
            accidental = self.country(run[0]) != home and self.accidental(run, before, after, home)
            if not accidental:
                kept += run
            self.daily(person, run, before, home, accidental)
        self.chain(person, kept, home)

    def accidental(self, run: list[Event], before: Any, after: Any, home: str) -> bool:
        if len(run) > 3 or run[-1].when - run[0].when > 30 * 60:
            return False
        soon = before is not None and run[0].when - before[-1].when <= 12 * HOUR
        back = after is not None and after[0].when - run[-1].when <= 12 * HOUR
        if home not in self.own:
            return not (soon or back) and any(home in CELLS[event.cell].near for event in run if event.cell)
        if not (soon and back and self.country(before[-1]) == home == self.country(after[0])):
            return False
        there = self.country(run[0])
        last = [e for e in before if e.cell and self.day(e.when) == self.day(before[-1].when)][-1:]
        first = [e for e in after if e.cell and self.day(e.when) == self.day(after[0].when)][:1]
        return any(there in CELLS[event.cell].near for event in last + first)

    def daily(self, person: int, run: list[Event], before: Any, home: str, accidental: bool) -> None:
        for event in run:
            country, area = self.country(event), CELLS[event.cell].area if event.cell else ""
            if country == home:
                continue
            if accidental:
                if country in self.own and area:
                    self.add("accidental_roaming", person, "in", area, self.day(event.when))
                if home in self.own:
                    of_day = [e for e in before if e.cell and self.day(e.when) == self.day(before[-1].when)]
                    if of_day:
                        left = CELLS[of_day[-1].cell].area
                        self.add("accidental_roaming", person, "out", left, self.day(event.when))
                continue
            if country in self.own and area:
                self.add("inbound", person, home, area, self.day(event.when))
            if home in self.own:
                self.add("outbound", person, country, self.day(event.when))

    def chain(self, person: int, events: list[Event], home: str) -> None:
        parts: list[list[Event]] = []
        for event in events:
            last = parts[-1][-1] if parts else None
            if last and self.country(last) == self.country(event) and event.when - last.when <= 72 * HOUR:
                parts[-1].append(event)
            else:
                parts.append([event])
        for place, visit in enumerate(parts):
            if self.country(visit[0]) != home:
                before, after = parts[:place][::-1], parts[place + 1 :]
                self.visit(person, home, visit, before, after)
        self.nights(person, events, home)
        before_border: Event | None = None
        crossed = False
        for one, event in zip([None, *events], events, strict=False):
            crossed = crossed or (one is not None and self.country(one) != self.country(event))
            if event.cell:
                if crossed and before_border:
                    way = "back" if self.country(before_border) == self.country(event) else "across"
                    ends = (CELLS[before_border.cell].area, CELLS[event.cell].area)
                    self.add("border_pairs", person, way, *ends, self.day(event.when))
                before_border, crossed = event, False

    def visit(
        self, person: int, home: str, visit: list[Event], before: list[list[Event]], after: list[list[Event]]
    ) -> None:
        country, start, end = self.country(visit[0]), visit[0].when, visit[-1].when
        located = [event for event in visit if event.cell]
        soon = bool(before) and start - before[0][-1].when <= 72 * HOUR
        back = bool(after) and after[0][0].when - end <= 72 * HOUR
        entered = bool(before) or start - self.days[0] > 72 * HOUR
        left = bool(after) or self.days[-1] - end > 72 * HOUR
        came = self.country(before[0][0]) if soon else ""
        went = self.country(after[0][0]) if back else ""
        spent = sum(start < four <= end for four in self.fours) if end - start >= 300 * 60 else 0
        least = max(least for least in (0, 1, 2, 4, 8, 15) if least <= spent)
        run = self.days[0]
        if entered and left:
            if country in self.own:
                self.add("visit_nights", person, "in", home, least, run)
            if home in self.own:
                self.add("visit_nights", person, "out", country, least, run)
        if country in self.own and located:
            entry, leaving = located[0], located[-1]
            areas = CELLS[entry.cell].area, CELLS[leaving.cell].area
            if entered:
                self.cross(person, came or home, "in", "visitor", areas[0], entry.when)
            if left:
                self.cross(person, went or home, "out", "visitor", areas[1], after[0][0].when if back else end)
            if entered and left and spent == 0:
                self.add("transit", person, *areas, self.day(leaving.when))
        if home in self.own and came == home:
            at_home = self.together(before, home)
            where = [event for event in at_home if event.cell]
            if where:
                self.cross(person, country, "out", "resident", CELLS[where[-1].cell].area, start)
        if home in self.own and went == home:
            where = [event for event in self.together(after, home) if event.cell]
            if where:
                self.cross(person, country, "in", "resident", CELLS[where[0].cell].area, where[0].when)

    def together(self, parts: list[list[Event]], country: str) -> list[Event]:
        """Events of all the parts that follow one another in one country."""
        same = []
        for part in parts:
            if self.country(part[0]) != country:
                break
            same += part
        return sorted(same, key=lambda event: event.when)

    def cross(self, person: int, country: str, direction: str, who: str, area: str, when: int) -> None:
        around = set().union(*(self.around[own] for own in self.own))
        named = country if country in around else "ZZ"
        self.add("border_crossings", person, named, direction, who, self.day(when))
        self.add("border_districts", person, named, direction, who, area, self.day(when))

    def nights(self, person: int, events: list[Event], home: str) -> None:
        stays: list[list[Event]] = []
        for event in events:
            last = stays[-1][-1] if stays else None
            same = (
                last
                and self.country(last) == self.country(event)
                and (CELLS[last.cell].area if last.cell else "") == (CELLS[event.cell].area if event.cell else "")
                and event.when - last.when <= 12 * HOUR
            )
            if same:
                stays[-1].append(event)
            else:
                stays.append([event])
        for stay in stays:
            first, last = stay[0], stay[-1]
            if self.country(first) in self.own - {home} and first.cell and last.when - first.when >= 300 * 60:
                for four, day in zip(self.fours, self.days, strict=False):
                    if first.when < four <= last.when:
                        self.add("visitor_nights", person, CELLS[first.cell].area, day)


class Border:
    """An operator in Sierra Leone, or in Liberia too, whose files tell home and serving networks."""

    def __init__(self, operator: Any, own: set[str]) -> None:
        self.operator, self.own = operator, own
        operator.stands_at(
            f"{name},{cell.place[0]},{cell.place[1]},{PLMN[cell.country]}"
            for name, cell in CELLS.items()
            if cell.country in own
        )

    def import_(self, events: Sequence[Event], name: str = "calls.csv") -> None:
        lines = [
            f"23276{event.person:06},{datetime.fromtimestamp(event.when, UTC):%Y-%m-%dT%H:%M:%S},{event.cell},"
            f"{PLMN[event.home]},{PLMN[event.serving]}"
            for event in events
        ]
        self.operator.import_roaming(lines, name)

    def plan(self, *names: str, **choices: Any) -> runs.Plan:
        operator = self.operator
        return runs.plan(operator.settings, operator.database, operator.project, names=names or NAMES, **choices)

    def counted(self, *names: str, **choices: Any) -> dict[str, dict[tuple[Any, ...], int]]:
        """Distinct people by table and key; times as UTC seconds."""
        planned = self.plan(*names, **choices)
        found = {}
        for name, counts in counting.count(self.operator.settings, planned.buckets).items():
            measure = measures()[name]
            table = measure.finish(counts, planned.scope)
            grid = measure.grid(counts, planned.scope)
            columns = [dimension.name for dimension in measure.dataset.dimensions]
            rows = [tuple(plain(value) for value in row.values()) for row in table.select(columns).to_pylist()]
            there = {tuple(plain(value) for value in row.values()) for row in grid.select(columns).to_pylist()}
            assert set(rows) <= there, name
            assert len(there) == grid.num_rows
            found[name] = dict(zip(rows, table["people"].to_pylist(), strict=True))
        return found

    def trips(self, **choices: Any) -> list[dict[str, Any]]:
        """The visits of everybody, in words."""
        planned = self.plan(**choices)
        found = []
        for bucket in planned.buckets:
            for row in counting.derive_bucket(bucket, trip.DERIVATION).to_pylist():
                start = planned.epoch.starts
                for name in ("home", "country", "before", "after"):
                    row[name] = COUNTRIES[row[name]] if row[name] >= 0 else None
                for name in ("entry_area", "exit_area", "before_area", "after_area"):
                    row[name] = planned.areas.codes[row[name]] if row[name] >= 0 else None
                found.append(row | {name: row[name] + start for name in ("start", "end")})
        return found


def plain(value: Any) -> Any:
    """A time as UTC seconds."""
    return int(value.timestamp()) if isinstance(value, datetime) else value


@pytest.fixture
def border(start: Callable[..., Any]) -> Callable[..., Border]:
    """Give a function that starts an operator at the border."""

    def make(own: Sequence[str] = ("SL",), **choices: Any) -> Border:
        return Border(start(area_set=f"natural-earth:{','.join(own)}", **choices), set(own))

    return make


def at(text: str, zone: str = "UTC") -> int:
    """UTC seconds of a clock's time in 2026."""
    return int(datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZoneInfo(zone)).timestamp())


def told(story: str, person: int = 1, home: str = "SL", zone: str = "UTC") -> list[Event]:
    """Events of lines such as ``01-05 10:00 bo`` or, abroad, ``01-05 10:00 GN``; ``?`` is an unknown network."""
    events = []
    for line in story.strip().splitlines():
        day, hour, where = line.split()
        cell = where if where in CELLS else ""
        serving = CELLS[cell].country if cell else where.replace("?", "")
        events.append(Event(person, at(f"{day} {hour}", zone), cell, home, serving))
    return events


# Hand-worked chains ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_journey_over_midnight_is_one_visit_with_its_nights_and_districts(border: Callable[..., Border]) -> None:
    here = border()
    here.import_(
        told("""
        01-05 09:00 bo
        01-05 15:00 kambia
        01-05 18:00 GN
        01-06 00:30 GN
        01-06 20:00 GN
        01-08 03:00 GN
        01-08 06:00 koindu
        01-08 20:00 bo
        """)
    )
    (visit,) = here.trips()
    assert (visit["home"], visit["country"], visit["trip"]) == ("SL", "GN", 0)
    assert (visit["start"], visit["end"]) == (at("01-05 18:00"), at("01-08 03:00"))
    assert (visit["before_area"], visit["after_area"], visit["entry_area"]) == ("SL-N", "SL-E", None)
    assert visit["nights"] == 2  # the third ended at three in the morning
    counted = here.counted()
    assert counted["outbound"] == {("GN", at(f"{day} 00:00")): 1 for day in ("01-05", "01-06", "01-08")}
    assert counted["border_pairs"] == {("back", "SL-N", "SL-E", at("01-08 00:00")): 1}
    assert counted["border_districts"] == {
        ("GN", "out", "resident", "SL-N", at("01-05 00:00")): 1,
        ("GN", "in", "resident", "SL-E", at("01-08 00:00")): 1,
    }
    assert counted["visit_nights"] == {("out", "GN", 2, at("01-05 00:00")): 1}
    assert counted["accidental_roaming"] == counted["inbound"] == counted["transit"] == {}


NIGHTS = {
    "across four": ("01-06 03:59", "01-06 08:59", 1),
    "one minute short of five hours": ("01-06 03:59", "01-06 08:58", 0),
    "from four on": ("01-06 04:00", "01-06 22:00", 0),
    "up to four": ("01-05 22:00", "01-06 04:00", 1),
    "gone before four": ("01-05 08:00", "01-06 03:59", 0),
    "two of them": ("01-05 22:00", "01-07 05:00", 2),
}


@pytest.mark.parametrize(("begin", "end", "nights"), NIGHTS.values(), ids=NIGHTS)
def test_a_night_is_five_hours_across_four(begin: str, end: str, nights: int, border: Callable[..., Border]) -> None:
    here = border()
    here.import_(told(f"01-05 07:00 bo\n{begin} GN\n{end} GN\n01-07 06:00 bo"))
    assert [visit["nights"] for visit in here.trips()] == [nights]


@pytest.mark.parametrize(("day", "four"), [("03-29", "02:00"), ("10-25", "03:00")])
def test_four_is_four_by_the_clock_on_days_when_it_is_moved(day: str, four: str, border: Callable[..., Border]) -> None:
    here = border(time_zone="Europe/Paris")
    until = datetime.fromisoformat(f"2026-{day}T{four}") - timedelta(minutes=1)
    eve = f"{until - timedelta(days=1):%m-%d}"
    here.import_(
        [
            *told(f"{eve} 09:00 bo\n{eve} 18:00 GN\n{until:%m-%d %H:%M} GN\n{day} 12:00 bo", person=1),
            *told(f"{eve} 09:00 bo\n{eve} 18:00 GN\n{day} {four} GN\n{day} 12:00 bo", person=2),
        ]
    )
    assert sorted(visit["nights"] for visit in here.trips()) == [0, 1]


def test_seventy_two_hours_of_silence_end_a_trip(border: Callable[..., Border]) -> None:
    here = border()
    here.import_(
        told("""
        01-02 09:00 bo
        01-02 12:00 GN
        01-05 12:00 GN
        01-08 12:01 GN
        01-08 13:00 LR
        01-08 16:00 bo
        """)
    )
    found = [(visit["country"], visit["trip"], visit["before"], visit["after"]) for visit in here.trips()]
    assert found == [("GN", 0, "SL", None), ("GN", 1, None, "LR"), ("LR", 1, "GN", "SL")]


def test_a_network_that_nobody_knows_leaves_a_chain_as_it_is(border: Callable[..., Border]) -> None:
    here = border()
    here.import_(told("01-05 09:00 bo\n01-05 12:00 GN\n01-05 13:00 ?\n01-05 14:00 GN\n01-05 19:00 bo"))
    (visit,) = here.trips()
    assert (visit["start"], visit["end"]) == (at("01-05 12:00"), at("01-05 14:00"))


def test_nobody_crosses_a_border_whose_home_is_not_known(border: Callable[..., Border]) -> None:
    here = border()
    here.import_(told("01-05 09:00 bo\n01-05 12:00 GN\n01-05 19:00 kambia", home=""))
    counted = here.counted()
    assert here.trips() == []
    assert {origin for origin, *_ in counted["presence_by_origin"]} == {"unknown"}
    assert counted["inbound"] == counted["outbound"] == {}


def test_a_visitor_in_transit_is_known_by_silence_before_and_after(border: Callable[..., Border]) -> None:
    here = border()
    residents = told("01-01 09:00 bo\n01-14 09:00 bo", person=9)
    through = told("01-06 08:00 kambia\n01-06 12:00 freetown\n01-06 19:00 koindu", person=1, home="GN")
    early = told("01-02 08:00 kambia\n01-02 19:00 koindu", person=2, home="GN")  # may have been there before
    slept = told("01-06 20:00 kambia\n01-07 07:00 kambia", person=3, home="GN")
    here.import_([*residents, *through, *early, *slept])
    counted = here.counted()
    assert counted["transit"] == {("SL-N", "SL-E", at("01-06 00:00")): 1}
    assert counted["visitor_nights"] == {("SL-N", at("01-07 00:00")): 1}
    assert counted["border_districts"] == {
        ("GN", "in", "visitor", "SL-N", at("01-06 00:00")): 2,
        ("GN", "out", "visitor", "SL-E", at("01-02 00:00")): 1,
        ("GN", "out", "visitor", "SL-E", at("01-06 00:00")): 1,
        ("GN", "out", "visitor", "SL-N", at("01-07 00:00")): 1,
    }


def test_a_network_on_both_sides_sees_people_go_across(border: Callable[..., Border]) -> None:
    here = border(own=("SL", "LR"))
    here.import_(told("01-05 09:00 bo\n01-05 12:00 koindu\n01-05 15:00 foya\n01-05 20:00 monrovia\n01-06 09:00 bo"))
    counted = here.counted()
    assert counted["border_pairs"] == {
        ("across", "SL-E", "LR-LO", at("01-05 00:00")): 1,
        ("across", "LR-MO", "SL-S", at("01-06 00:00")): 1,
    }
    assert counted["inbound"] == {("SL", area, at("01-05 00:00")): 1 for area in ("LR-LO", "LR-MO")}
    assert counted["outbound"] == {("LR", at("01-05 00:00")): 1}


ACCIDENTS = {
    "a moment at the border": ("kambia", "09:00", ["10:00"], "kambia", "11:00", True),
    "three events in half an hour": ("kambia", "09:00", ["10:00", "10:10", "10:30"], "kambia", "11:00", True),
    "four events": ("kambia", "09:00", ["10:00", "10:05", "10:10", "10:15"], "kambia", "11:00", False),
    "longer than half an hour": ("kambia", "09:00", ["10:00", "10:31"], "kambia", "11:00", False),
    "far from the border": ("bo", "09:00", ["10:00"], "bo", "11:00", False),
    "back at the border": ("bo", "09:00", ["10:00"], "kambia", "11:00", True),
    "back too late": ("kambia", "01:00", ["02:00"], "kambia", "14:01", False),
}


@pytest.mark.parametrize(("before", "left", "abroad", "after", "back", "accidental"), ACCIDENTS.values(), ids=ACCIDENTS)
def test_accidental_roaming_is_short_between_home_and_home_and_near_the_border(
    before: str, left: str, abroad: list[str], after: str, back: str, accidental: bool, border: Callable[..., Border]
) -> None:
    here = border()
    stay = "\n".join(f"01-05 {moment} GN" for moment in abroad)
    here.import_(told(f"01-05 {left} {before}\n{stay}\n01-05 {back} {after}"))
    counted = here.counted()
    area, day = CELLS[before].area, at("01-05 00:00")
    assert counted["accidental_roaming"] == ({("out", area, day): 1} if accidental else {})
    assert counted["outbound"] == ({} if accidental else {("GN", day): 1})
    assert bool(here.trips()) is not accidental


def test_a_neighbours_subscriber_is_served_by_accident_where_nothing_else_is_seen(
    border: Callable[..., Border],
) -> None:
    here = border()
    moment = told("01-05 23:50 kambia\n01-06 00:05 kambia", person=1, home="GN")
    visit = told("01-05 10:00 kambia\n01-05 21:00 kambia", person=2, home="GN")
    far = told("01-05 10:00 bo", person=3, home="GN")
    here.import_([*moment, *visit, *far])
    counted = here.counted()
    days = at("01-05 00:00"), at("01-06 00:00")
    assert counted["accidental_roaming"] == {("in", "SL-N", day): 1 for day in days}
    assert counted["inbound"] == {("GN", "SL-N", days[0]): 1, ("GN", "SL-S", days[0]): 1}
    assert counted["presence_by_origin"]["visitor", "SL-N", "day", days[0]] == 2


def test_a_days_accidents_are_the_same_whichever_days_are_counted(border: Callable[..., Border]) -> None:
    here = border()
    here.import_(told("01-05 23:00 kambia\n01-06 00:10 GN\n01-06 07:00 bo\n01-07 09:00 bo"))
    whole = here.counted("accidental_roaming", "outbound")
    alone = here.counted("accidental_roaming", "outbound", first=date(2026, 1, 6), last=date(2026, 1, 7))
    assert whole == alone
    assert whole["accidental_roaming"] == {("out", "SL-N", at("01-06 00:00")): 1}


def test_nights_are_refused_where_days_do_not_begin_at_midnight(border: Callable[..., Border]) -> None:
    here = border(day_starts=time(4))
    here.import_(told("01-05 09:00 bo\n01-06 10:00 GN\n01-07 11:00 bo"))
    with pytest.raises(InputError, match="begin at midnight"):
        here.plan("visitor_nights")
    here.plan("outbound")
    here.plan("visitor_nights", calendar=Calendar("UTC"), first=date(2026, 1, 5), last=date(2026, 1, 7))


def test_back_home_is_looked_for_within_the_days_around() -> None:
    shortest = 23 * HOUR
    assert shortest > visits.BACK_WITHIN + visits.LONGEST


# Plain Python once more ───────────────────────────────────────────────────────────────────────────────────────────


def random_events(seed: int, own: set[str], zone: str, first: str, days: int) -> list[Event]:
    """People who now and then go abroad, roam by accident, and are silent."""
    draw = random.Random(seed)
    cells = [name for name, cell in CELLS.items() if cell.country in own]
    begins = at(f"{first} 00:00", zone)
    events = []
    for person in range(24):
        home = draw.choice(["SL", "SL", "SL", "LR", "GN", "FR", ""])
        now, where, known = begins + draw.randrange(40 * HOUR), draw.choice(cells), set()
        while now < begins + (days * 24 - 1) * HOUR:
            if draw.random() < 0.4:
                places = [*cells, "kambia", "koindu"]
                abroad = sorted({"GN", "LR", "CI", "FR"} - own)
                where = draw.choice([*places, *places, *abroad] if home in own else places)
            cell = where if where in CELLS else ""
            local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone)).date()
            # Every day knows the home network by its first event; others may not.
            said = home if local not in known or draw.random() < 0.7 else ""
            serving = (CELLS[cell].country if draw.random() < 0.7 else "") if cell else where
            known.add(local)
            events.append(Event(person, now, cell, said, serving))
            now += draw.choice([1, 60, 600, 1800, 1801, HOUR, 5 * HOUR, 11 * HOUR, 12 * HOUR, 13 * HOUR, 73 * HOUR])
            now += draw.choice([0, 0, draw.randrange(600)])
    return events


WORLDS = {
    "one country": (9, ("SL",), "UTC", "01-28"),
    "two countries, when the clock skips an hour": (8, ("SL", "LR"), "Europe/Paris", "03-26"),
    "one country, when the clock shows an hour twice": (9, ("SL",), "Europe/Paris", "10-21"),
}


@pytest.mark.parametrize(("seed", "own", "zone", "first"), WORLDS.values(), ids=WORLDS)
def test_tables_are_what_plain_python_says_whatever_the_order_of_rows_and_the_number_of_buckets(
    seed: int, own: Sequence[str], zone: str, first: str, border: Callable[..., Border]
) -> None:
    from commonweal.mobility.merging import split_buckets

    here = border(own=own, time_zone=zone)
    days = 9
    events = random_events(seed, set(own), zone, first, days)
    shuffled = random.Random(1).sample(events, len(events))
    here.import_(shuffled[::2], "one.csv")
    here.import_(shuffled[1::2], "other.csv")
    begin = date.fromisoformat(f"2026-{first}")
    choices = {"first": begin, "last": begin + timedelta(days=days)}
    slow = Slow(events, set(own), zone, begin, days)
    expected = {name: {key: len(people) for key, people in slow.found[name].items()} for name in NAMES}
    for name in NAMES:
        assert expected[name], f"the world has nothing to count for {name}"
    found = here.counted(**choices)
    for name in NAMES:
        assert found[name].items() ^ expected[name].items() == set(), name
    split_buckets(here.operator.store(), 3)
    assert here.counted(**choices) == expected
