"""Homes by each named rule, and what is made of them: by hand, by a slow reference, and through a release."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import combinations_with_replacement
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import latest
from commonweal.core.periods import Calendar
from commonweal.disclosure import Kind, raw_cells
from commonweal.mobility import counting, runs
from commonweal.mobility.hanging import relate
from commonweal.mobility.measure import Window, measures
from commonweal.mobility.measures import home_agreement, home_confidence, home_rules, visits
from commonweal.mobility.measures.home_rules import RULES, homes
from commonweal.mobility.protecting import as_counted
from commonweal.mobility.sequences import Events

AREAS = "ABCD"
NAMES = ("home", "homes", "home_agreement", "home_confidence", "commuting", "home_change")
Seen = tuple[int, datetime, str]  # subscriber, what the clock shows, area

# The clock at a quarter of moments that decide: both ends of every night and of the working day.
clock = st.sampled_from([0, 3, 6.5, 7, 7.0003, 7.5, 9, 12, 16.9, 17, 19, 19.25, 19.5, 21, 22, 23.9])
seen = st.tuples(st.integers(1, 2), st.integers(0, 13), clock, st.sampled_from("ABC")).map(
    lambda drawn: (drawn[0], datetime(2026, 1, 5) + timedelta(days=drawn[1], hours=drawn[2]), drawn[3])
)
worlds = st.lists(seen, min_size=1, max_size=40, unique_by=lambda one: one[:2])


def bucket(rows: list[Seen], zone: str = "Asia/Kathmandu", day_starts: int = 0) -> tuple[Events, Window]:
    """What a bucket holds of people, by the clock of a place, over two weeks from Monday, 5 January 2026."""
    calendar = Calendar(zone, day_starts=(datetime.min + timedelta(hours=day_starts)).time())
    first, last = date(2026, 1, 4), date(2026, 1, 20)
    hours, days = (calendar.edges(first, last, unit) for unit in ("hour", "day"))
    hours = hours[(hours >= days[0]) & (hours <= days[-1])]
    starts = int(days[0])
    rows = sorted(rows, key=lambda row: row[:2])
    subscriber = np.array([row[0] for row in rows], np.int64)
    time = np.array([int(row[1].replace(tzinfo=ZoneInfo(zone)).timestamp()) - starts for row in rows], np.int32)
    area = np.array([AREAS.find(row[2]) for row in rows], np.int32)
    hour, day = (np.searchsorted(edges - starts, time, side="right").astype(np.int32) - 1 for edges in (hours, days))

    def numbered(period: np.ndarray) -> np.ndarray:
        new = (np.diff(subscriber, prepend=subscriber[:1]) != 0) | (np.diff(period, prepend=period[:1]) != 0)
        return np.cumsum(new).astype(np.int32)

    events = Events(subscriber, time, hour, day, area, numbered(hour), numbered(day), np.zeros(len(time), np.int32))
    return events, Window(starts, hours - starts, days - starts, len(AREAS), wall=calendar.from_utc(hours))


def by_rule(rows: list[Seen], day_starts: int = 0) -> dict[int, dict[str, str | None]]:
    """Each subscriber's home by each rule, and place of work, as the kernels find them."""
    found = homes(visits.derive(*bucket(rows, day_starts=day_starts)))

    def name(area: int) -> str | None:
        return AREAS[area] if area >= 0 else None

    return {
        subscriber: {rule: name(found.area[number, person]) for number, rule in enumerate(RULES)}
        | {"work": name(found.work[person])}
        for person, subscriber in enumerate(found.subscriber.tolist())
    }


def reference(rows: list[Seen], day_starts: int = 0) -> dict[int, dict[str, str | None]]:
    """The same in plain words."""
    people = defaultdict(list)
    for subscriber, shown, area in sorted(rows):
        people[subscriber].append((shown, area))
    return {subscriber: homes_of(events, day_starts) for subscriber, events in people.items()}


def homes_of(events: list[tuple[datetime, str]], day_starts: int) -> dict[str, str | None]:
    """Where somebody lives by each rule, and works."""

    def second(shown: datetime) -> int:
        return shown.hour * 3600 + shown.minute * 60 + shown.second

    def day(shown: datetime) -> date:
        return (shown - timedelta(hours=day_starts)).date()

    def asleep(shown: datetime, begins: float, ends: float) -> bool:
        return second(shown) >= begins * 3600 or second(shown) <= ends * 3600

    def seen_last(area: str, days: set[date]) -> tuple[date, datetime]:
        """The most recent of these days, and when somebody was last seen there on it."""
        most_recent = max(days)
        return most_recent, max(shown for shown, where in events if where == area and day(shown) == most_recent)

    last = {day(shown): area for shown, area in events}
    ends = Counter(last.values())
    mode = max(ends, key=lambda area: (ends[area], max(d for d, where in last.items() if where == area)))

    # bandicoot: half-hours by their first most common position, then the position met first of the most common.
    def half_hours(chosen: list[tuple[datetime, str]]) -> Counter[str]:
        halves = defaultdict(list)
        for shown, area in chosen:
            halves[shown.replace(minute=shown.minute // 30 * 30, second=0, microsecond=0)].append(area)
        return Counter(max(where, key=where.count) for where in halves.values())

    def of_halves(counts: Counter[str]) -> str | None:
        return counts.most_common()[0][0] if counts else None

    late = [(shown, area) for shown, area in events if asleep(shown, 22, 7)] or events
    often = Counter(area for _, area in late)
    nights: dict[str, set[date]] = defaultdict(set)
    days_of_nights: dict[str, set[date]] = defaultdict(set)
    for shown, area in events:
        if asleep(shown, 19.5, 7.5):
            nights[area].add((shown - timedelta(hours=12)).date())
            days_of_nights[area].add(day(shown))
    working = [(shown, area) for shown, area in events if shown.weekday() < 5 and 9 * 3600 <= second(shown) < 17 * 3600]
    work = half_hours(working)
    # A half-hour's place may have other events in it: the day that counts is one with a half-hour of its own.
    days_of_work = defaultdict(set)
    for each in {day(shown) for shown, _ in working}:
        for area in half_hours([(shown, area) for shown, area in working if day(shown) == each]):
            days_of_work[area].add(each)
    return {
        "last-of-day": mode,
        "night-19-07": of_halves(half_hours([(shown, area) for shown, area in events if asleep(shown, 19, 7)])),
        "night-22-07": max(
            often, key=lambda a: (often[a], *seen_last(a, {day(shown) for shown, area in late if area == a}))
        ),
        "night-1930-0730": max(nights, key=lambda a: (len(nights[a]), *seen_last(a, days_of_nights[a])), default=None),
        "majority": mode if 2 * ends[mode] > len(last) else None,
        "work": max(work, key=lambda a: (work[a], *seen_last(a, days_of_work[a])), default=None),
    }


@pytest.mark.parametrize("day_starts", [0, 4])
@given(rows=worlds)
@settings(max_examples=100, deadline=None)
def test_every_rule_says_what_a_slow_reference_says(day_starts: int, rows: list[Seen]) -> None:
    assert by_rule(rows, day_starts) == reference(rows, day_starts)


def at(day: int, hour: float, area: str, subscriber: int = 1) -> Seen:
    return subscriber, datetime(2026, 1, 5) + timedelta(days=day, hours=hour), area


def test_rules_differ_over_somebody_who_works_at_night() -> None:
    """Nights are spent in B, mornings end late in A; by day at most in C."""
    rows = [at(day, hour, area) for day in range(3) for hour, area in ((8, "C"), (18.5, "A"), (19.6, "B"), (21.5, "A"))]
    assert by_rule(rows)[1] == {
        "last-of-day": "A",
        "night-19-07": "B",  # a half-hour each: the first
        "night-22-07": "A",  # nothing so late: all events
        "night-1930-0730": "A",  # three nights each: last seen
        "majority": "A",
        "work": None,
    }


def test_the_ends_of_nights_belong_to_them_and_the_end_of_work_does_not() -> None:
    found = by_rule([at(0, 7, "A"), at(0, 7 + 1 / 3600, "B"), at(0, 9, "C"), at(0, 17, "D")])[1]
    assert (found["night-22-07"], found["night-19-07"], found["work"]) == ("A", "A", "C")
    assert by_rule([at(0, 7.5, "A"), at(0, 7.5 + 1 / 3600, "B")])[1]["night-1930-0730"] == "A"


def test_an_evening_and_the_next_morning_are_one_night() -> None:
    rows = [at(0, 20, "A"), at(1, 6, "A"), at(2, 23, "B"), at(3, 23, "B")]
    assert by_rule(rows)[1]["night-1930-0730"] == "B"


def test_without_a_majority_somebody_is_unlocatable() -> None:
    rows = [at(0, 12, "A"), at(1, 12, "B")]
    assert by_rule(rows)[1]["majority"] is None
    assert by_rule([*rows, at(2, 12, "B")])[1]["majority"] == "B"


def test_a_saturday_is_not_worked() -> None:
    assert by_rule([at(5, 10, "A")])[1]["work"] is None
    assert by_rule([at(4, 10, "A")])[1]["work"] == "A"


# What is counted ──────────────────────────────────────────────────────────────────────────────────────────────────


@given(rows=worlds)
@settings(max_examples=30, deadline=None)
def test_agreement_confidence_and_residents_are_of_the_same_people(rows: list[Seen]) -> None:
    events, window = bucket(rows)
    of = home_rules.derive(visits.derive(events, window), window)
    people = len({row[0] for row in rows})
    told = {
        (RULES[row["rule"]], RULES[row["other"]], home_agreement.OUTCOMES[row["outcome"]]): row["people"]
        for row in measures()["home_agreement"].count(of, window).to_pylist()
    }
    said = reference(rows)
    for rule, other in combinations_with_replacement(RULES, 2):
        pair = {outcome: told.get((rule, other, outcome), 0) for outcome in home_agreement.OUTCOMES}
        assert sum(pair.values()) == people  # nothing is left out that could be
        assert pair["same"] == sum(one[rule] == one[other] is not None for one in said.values())
    residents = Counter[str]()
    for row in measures()["homes"].count(of, window).to_pylist():
        residents[RULES[row["rule"]]] += row["people"]
    shares = Counter[str]()
    for row in measures()["home_confidence"].count(of, window).to_pylist():
        shares[RULES[row["rule"]]] += row["people"]
    for rule in RULES:
        assert residents[rule] == told[rule, rule, "same"]
        assert rule == "majority" or shares[rule] == residents[rule]


def test_a_confidence_is_the_share_of_nights_and_of_days() -> None:
    """In A on three nights of four; the days end there on two of four."""
    rows = [at(0, 23, "A"), at(1, 20, "A"), at(1, 21, "B"), at(2, 23, "A"), at(3, 12, "B")]
    events, window = bucket(rows)
    of = home_rules.derive(visits.derive(events, window), window)
    counted = measures()["home_confidence"].count(of, window).to_pylist()
    bins = {RULES[row["rule"]]: home_confidence.BINS[row["share"]] for row in counted if row["people"]}
    assert bins["night-1930-0730"] == "100 %"  # on each of three nights
    assert bins["last-of-day"] == "at most 50 %"


def test_who_moves_house_is_counted_once_a_week_and_month(start: Callable[..., Any]) -> None:
    """Weeks from Monday, 5 January: in A, A, then B; another in C all the time; one seen in the first week only."""
    lines = [f"23276550001,2026-01-{day:02}T20:00:00,{'a1' if day < 19 else 'b1'},call,," for day in range(5, 26)]
    lines += [f"23276550002,2026-01-{day:02}T20:00:00,c1,call,," for day in range(5, 26)]
    lines += ["23276550003,2026-01-06T20:00:00,d1,call,,"]
    operator = start()
    operator.import_(operator.events("calls.csv", lines))
    planned = runs.plan(
        operator.settings, operator.database, operator.project, date(2026, 1, 5), date(2026, 1, 26), ["home_change"]
    )
    measure = measures()["home_change"]
    [counts] = counting.count(operator.settings, planned.buckets).values()
    finished = measure.finish(counts, planned.scope).to_pylist()
    found = {
        (row["start"].day, row["origin"], row["destination"]): row["subscribers"]
        for row in finished
        if row["subscribers"]
    }
    assert found == {(12, "A", "A"): 1, (12, "C", "C"): 1, (19, "A", "B"): 1, (19, "C", "C"): 1}
    grid = measure.grid(counts, planned.scope)
    assert grid.num_rows == 2 * 16
    assert {row["period"] for row in grid.to_pylist()} == {"week"}


# A release ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [1, 2])
def test_a_release_of_homes_tells_of_nobody_in_few(seed: int, start: Callable[..., Any]) -> None:
    rng = np.random.default_rng(seed)
    first = datetime(2026, 1, 5, tzinfo=UTC)
    rows = [
        (person, first + timedelta(hours=int(hour)), AREAS[area if rng.random() < 0.8 else (area + 1) % 4])
        for person, area in enumerate(rng.choice(4, 150, p=(0.5, 0.3, 0.15, 0.05)).tolist())
        for hour in rng.choice(14 * 24, 16, replace=False)
    ]
    operator = start(minimum_people=5)
    lines = [f"2327655{who:05},{shown:%Y-%m-%dT%H:%M:%S},{area.lower()}1,call,," for who, shown, area in rows]
    operator.import_(operator.events("calls.csv", lines))
    tables = operator.run(measures=list(NAMES))
    said = reference([(who, shown.replace(tzinfo=None), area) for who, shown, area in rows])

    def shown_of(name: str, *keys: str) -> dict[tuple[str, ...], int]:
        found = {tuple(row[key] for key in keys): row["subscribers"] for row in tables[name].to_pylist()}
        return {key: people for key, people in found.items() if people is not None}

    homes = Counter((one[rule], rule) for one in said.values() for rule in RULES if one[rule])
    commuters = Counter((one["last-of-day"], one["work"]) for one in said.values() if one["work"])
    for name, keys, raw in (
        ("homes", ("area", "rule"), homes),
        ("commuting", ("origin", "destination"), commuters),
        ("home", ("area",), Counter((one["last-of-day"],) for one in said.values())),
    ):
        published = shown_of(name, *keys)
        assert published
        assert all(people == raw[key] >= 5 for key, people in published.items()), name
    # The home of last-of-day is the same number in two tables: hidden in both, or in neither.
    by_last = {key[:1]: people for key, people in shown_of("homes", "area", "rule").items() if key[1] == RULES[0]}
    assert by_last == shown_of("home", "area")
    assert shown_of("home_agreement", "rule", "other", "outcome")[RULES[0], RULES[0], "same"] == 150
    parameters = latest(operator.database, "mobility.homes").provenance.parameters
    assert "unlocatable" in parameters["majority"]
    assert "19:30" in parameters["night-1930-0730"]


KINDS = (
    *("flows_all_pairs", "flows_consecutive", "flows_hourly", "flows_lagged", "flows_stays"),
    *("usual_environment", "internal_migration"),
)


def test_what_tables_are_said_to_tell_of_one_another_is_so(start: Callable[..., Any]) -> None:
    """Every relation that readers are taken to know holds of the raw counts, so that nothing is hidden in vain."""
    rng = np.random.default_rng(5)
    first = datetime(2026, 1, 5, tzinfo=UTC)
    lines = [
        f"2327655{who:05},{first + timedelta(hours=int(hour)):%Y-%m-%dT%H:%M:%S},{rng.choice(list('abcd'))}1,call,,"
        for who in range(60)
        for hour in rng.choice(14 * 24, 20, replace=False)
    ]
    operator = start()
    operator.import_(operator.events("calls.csv", lines))
    names = ["presence", "flows", *NAMES, *KINDS]
    planned = runs.plan(operator.settings, operator.database, operator.project, names=names)
    counts = counting.count(operator.settings, planned.buckets)
    tables = [as_counted(measures()[name], counts[name], planned) for name in names]
    raw = raw_cells(tables, partial(relate, planned.areas, planned.scope))
    told = Counter[tuple[str, str, Kind]]()

    def dataset(cell: int) -> str:
        return max((keys.first, name) for name, keys in raw.keys.items() if keys.first <= cell)[1].partition(".")[2]

    for number, (kind, whole) in enumerate(zip(raw.given.kind, raw.given.whole, strict=True)):
        parts = raw.given.parts(number)
        people, sizes = raw.value[whole], raw.value[parts]
        if kind & Kind.WITHIN:
            assert sizes.max() <= people
        if kind & Kind.COVER:
            assert people <= sizes.sum()
        if kind & Kind.SUM:
            assert people == sizes.sum(), (dataset(whole), dataset(parts[0]))
        told[dataset(whole), dataset(parts[0]), Kind(int(kind))] += 1
    # Pairs of two areas are the same with staying and without, over 14 days; within-day as in all pairs.
    assert told["flows", "flows_consecutive", Kind.SUM] == 14 * 12
    assert told["flows_all_pairs", "flows_lagged", Kind.SUM] == 14 * 12
    assert told["flows_lagged", "flows_lagged", Kind.UNION] == 14 * 12
    assert told["flows", "flows_hourly", Kind.UNION] == 14 * 12
    assert told["presence", "flows_hourly", Kind.WITHIN] > 14 * 24
    assert told["home", "homes", Kind.SUM] == 4
    assert told["home_agreement", "homes", Kind.SUM] == len(RULES)
    assert told["home_agreement", "home_confidence", Kind.SUM] == len(RULES)
    assert told["home", "commuting", Kind.WITHIN] == 4
    # Each pair of rules twice with a home and twice without where that can be; each rule as a part of everybody.
    assert told["home_agreement", "home_agreement", Kind.SUM] > 2 * 10
