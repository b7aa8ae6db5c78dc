"""Before anything is counted, everybody's part in the counts is bounded: no one person can move a result by more.

Here events are made by hand, so that one person's can be taken away and nothing else; `test_private_runs` goes through
the store.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.disclosure.private import Bound, Unit
from commonweal.mobility.bounding import Protection, Unprotected, bounded, kept
from commonweal.mobility.cells import ALWAYS, DESCRIPTION, FOREVER, empty_register
from commonweal.mobility.datasets import DATASETS
from commonweal.mobility.measure import Derivation, Measure, Window, measures
from commonweal.mobility.network import network
from commonweal.mobility.reach import reach
from commonweal.mobility.sequences import Events

AREAS, DAYS = 5, 14
ALWAYS_THERE = dict.fromkeys(DESCRIPTION) | {"valid_from": ALWAYS, "valid_to": FOREVER}
REGISTER = empty_register().with_versions(
    pa.Table.from_pylist(
        [
            ALWAYS_THERE | {"identifier": f"{n}", "longitude": n + 0.5, "latitude": 0.5}
            if n < AREAS
            else ALWAYS_THERE | {"identifier": "nowhere"}
            for n in range(AREAS + 1)
        ]
    )
)
NETWORK = network(REGISTER, REGISTER.timeline())  # a cell in each area, and one of which nobody knows where it is
HOURS = np.arange(DAYS * 24 + 1) * 3600
WINDOW = Window(0, HOURS, np.arange(DAYS + 1) * 86400, AREAS, NETWORK, wall=HOURS)
UNITS = {Unit.DAY: np.arange(DAYS), Unit.WEEK: np.arange(DAYS) // 7, Unit.MONTH: np.zeros(DAYS, int)}
# Distributions of walks are declared by one function: one of each derivation stands for all.
ASKED = (
    "radius_of_gyration", "real_entropy", "flows_all_pairs", "flows_consecutive", "commuting", "flows_lagged",
    "flows_stays", "presence_by_week", "presence_by_home", "home_change", "homes", "home_agreement",
)  # fmt: skip
TRIED = [name for name, each in measures().items() if each.usual or name in ASKED]
PROTECTED = {name: each for name in TRIED if isinstance(each := measures()[name].protection, Protection)}
Event = tuple[int, int, int]  # subscriber, time, area

event = st.tuples(st.integers(-2, 3), st.integers(0, DAYS * 86400 - 1), st.integers(-1, AREAS - 1))
worlds = st.lists(event, min_size=1, max_size=120)


def events_of(rows: list[Event]) -> Events:
    """What a bucket holds of some events."""
    subscriber, time, area = np.array(sorted(rows), np.int64).reshape(-1, 3).T
    hour, day = (time // 3600).astype(np.int32), (time // 86400).astype(np.int32)

    def visits(period: np.ndarray) -> np.ndarray:
        new = (np.diff(subscriber, prepend=subscriber[:1]) != 0) | (np.diff(period, prepend=period[:1]) != 0)
        return np.cumsum(new).astype(np.int32)

    span = np.where(area < 0, 2 * AREAS, 2 * area).astype(
        np.int32
    )  # each cell's version, and then that it holds no more
    area, time = area.astype(np.int32), time.astype(np.int32)
    nothing = {name: np.zeros(len(time), np.int32) for name in ("home_plmn", "serving_plmn", "tac")}
    return Events(subscriber, time, hour, day, area, visits(hour), visits(day), span, nothing)


def made(of: Derivation | None, events: Events) -> Any:
    """What a measure counts: events, or what is made of them."""
    return events if of is None else of.derive(made(of.of, events), WINDOW)


def allowed(name: str, unit: Unit, most: int) -> Bound:
    """How much the counts may change by one unit, or one day in it, of a person."""
    if PROTECTED[name].whole_run:
        return Bound(most, moves=True)
    units = reach(measures()[name]).units(unit)
    return Bound(most * units, moves=unit is not Unit.DAY or units > 1)


def counts(name: str, rows: list[Event], unit: Unit, most: int, seed: int = 1) -> dict[str, Counter[int]]:
    """For each level, how many people are counted by key."""
    if not rows:
        return {level: Counter() for level in PROTECTED[name].keys}
    events = events_of(rows)
    of = made(measures()[name].of, events)
    return {
        level: Counter(bounded(members, UNITS[unit], most, seed).tolist())
        for level, members in PROTECTED[name].members(of, WINDOW).items()
    }


def changes(one: Counter[int], other: Counter[int]) -> list[int]:
    return [one[key] - other[key] for key in one.keys() | other.keys() if one[key] != other[key]]


# The floor ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", measures())
def test_every_measure_declares_how_people_are_protected_or_why_they_cannot_be(name: str) -> None:
    protection = measures()[name].protection
    assert isinstance(protection, Protection | Unprotected)
    if isinstance(protection, Unprotected):
        assert len(protection.reason.split()) >= 5
        assert measures()[name].private is None
        return
    for units in protection.keys.values():
        assert set(units) == set(Unit)
        assert all(Bound(keys) for keys in units.values())
    assert measures()[name].private in DATASETS


def test_a_measure_that_declares_nothing_cannot_be_made() -> None:
    known = measures()["presence"]
    with pytest.raises(TypeError, match="protection"):
        Measure(known.dataset, known.count, known.finish, known.grid)  # type: ignore[call-arg]


# Laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2), st.integers(0, 40)), unique=True, max_size=80),
    st.integers(1, 6),
    st.integers(0, 2**64 - 1),
)
def test_of_each_person_and_unit_as_many_are_kept_as_the_bound_allows(
    rows: list[tuple[int, int, int]], most: int, seed: int
) -> None:
    table = np.array(sorted(rows), np.int64).reshape(-1, 3)
    found = kept(table[:, 0], table[:, 1], table[:, 2], most, np.uint64(seed))
    had = Counter((person, unit) for person, unit, _ in rows)
    have = Counter((person, unit) for person, unit in table[found, :2].tolist())
    assert have == {owner: min(number, most) for owner, number in had.items()}


def test_what_is_kept_does_not_depend_on_the_order_of_a_persons_records() -> None:
    keys = np.random.default_rng(2).permutation(1000)
    same = np.zeros(1000, np.int64)
    one = set(keys[kept(same, same, keys, 7, np.uint64(3))].tolist())
    other = set(keys[::-1][kept(same, same, keys[::-1].copy(), 7, np.uint64(3))].tolist())
    assert one == other
    assert one != set(keys[kept(same, same, keys, 7, np.uint64(4))].tolist())


def test_every_key_is_kept_about_as_often_as_any_other() -> None:
    """Over 20,000 people with 10 keys each, 3 kept: 6,000 of each key, within five standard deviations."""
    people, keys = 20_000, 10
    subscriber, key = np.repeat(np.arange(people), keys), np.tile(np.arange(keys), people)
    found = np.bincount(key[kept(subscriber, np.zeros_like(key), key, 3, np.uint64(9))])
    assert np.abs(found - 6000).max() < 5 * (people * 0.3 * 0.7) ** 0.5


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("name", PROTECTED)
@settings(max_examples=25, deadline=None)
@given(rows=worlds, most=st.integers(1, 5))
def test_without_one_persons_unit_counts_change_by_no_more_than_the_sensitivity(
    name: str, unit: Unit, rows: list[Event], most: int
) -> None:
    units = UNITS[unit]
    gone = (rows[0][0], units[rows[0][1] // 86400])
    left = [row for row in rows if (row[0], units[row[1] // 86400]) != gone]
    bound = allowed(name, unit, most)
    if unit is Unit.WEEK and not PROTECTED[name].whole_run and bound.keys == most:
        bound = Bound(most)  # of a whole week that nothing looks into from outside, nobody moves
    before, after = counts(name, rows, unit, most), counts(name, left, unit, most)
    for level in before:
        changed = changes(before[level], after[level])
        assert len(changed) <= bound.l0
        assert sum(map(abs, changed)) <= bound.l1
        assert sum(change**2 for change in changed) <= bound.l2**2 + 1e-9
        assert max(map(abs, changed), default=0) <= bound.largest
        if not bound.moves:
            assert all(change > 0 for change in changed)


@pytest.mark.parametrize("unit", [Unit.WEEK, Unit.MONTH])
@pytest.mark.parametrize("name", PROTECTED)
@settings(max_examples=25, deadline=None)
@given(rows=worlds, most=st.integers(1, 5))
def test_a_longer_unit_hides_a_single_day_as_well(name: str, unit: Unit, rows: list[Event], most: int) -> None:
    gone = (rows[0][0], rows[0][1] // 86400)
    left = [row for row in rows if (row[0], row[1] // 86400) != gone]
    bound = allowed(name, unit, most)
    before, after = counts(name, rows, unit, most), counts(name, left, unit, most)
    for level in before:
        changed = changes(before[level], after[level])
        assert sum(map(abs, changed)) <= bound.l1
        assert max(map(abs, changed), default=0) <= bound.largest


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("name", PROTECTED)
def test_a_person_making_a_thousand_trips_moves_the_result_no_more_than_the_bound(name: str, unit: Unit) -> None:
    rng = np.random.default_rng(4)
    others = [(int(who), int(when), int(where)) for who, when, where in rng.integers(0, (50, 86400, AREAS), (400, 3))]
    staying = 25 if name == "flows_stays" else 1  # long enough to be a stay, and not as regular as a machine
    traveller = [(77, 86 * trip + trip**2 % 60, trip // staying % AREAS) for trip in range(1000)]
    most = 3
    without, having = counts(name, others, unit, most), counts(name, others + traveller, unit, most)
    unbounded = counts(name, traveller, unit, 10**6)
    for level in without:
        changed = changes(having[level], without[level])
        assert set(changed) <= {1}
        assert len(changed) == min(most, len(unbounded[level]))
    beyond = max(map(len, unbounded.values())) > most
    assert beyond or PROTECTED[name].whole_run or name == "quality"


@pytest.mark.parametrize("name", PROTECTED)
def test_where_nobody_reaches_the_bound_counts_are_those_of_the_measure(name: str) -> None:
    rng = np.random.default_rng(6)
    rows = [tuple(row) for row in rng.integers((0, 0, -1), (40, DAYS * 86400, AREAS), (3000, 3)).tolist()]
    measure = measures()[name]
    events = events_of(rows)
    of = made(measure.of, events)
    keys = {
        level: bounded(members, UNITS[Unit.DAY], 10**6, 1)
        for level, members in PROTECTED[name].members(of, WINDOW).items()
    }

    def people(counts: pa.Table) -> Counter[tuple[int, ...]]:
        names = sorted(set(counts.column_names) - {"people"})
        return Counter({tuple(row[n] for n in names): row["people"] for row in counts.to_pylist() if row["people"]})

    said, whole = people(PROTECTED[name].counted(keys, WINDOW)), people(measure.count(of, WINDOW))
    if name == "presence_by_week":  # which counts visits by day too
        whole = Counter({key: many for key, many in whole.items() if key[0] >= 0})
    assert said == whole


@pytest.mark.parametrize("name", PROTECTED)
def test_counts_stand_in_order_of_levels_and_keys(name: str) -> None:
    """By that, rows of a table are found again among what is known of people."""
    rng = np.random.default_rng(6)
    rows = [tuple(row) for row in rng.integers((0, 0, -1), (40, DAYS * 86400, AREAS), (1500, 3)).tolist()]
    of = made(measures()[name].of, events_of(rows))
    keys = {level: members.key for level, members in PROTECTED[name].members(of, WINDOW).items()}
    people = PROTECTED[name].counted(keys, WINDOW)["people"].to_numpy()
    expected = np.concatenate([np.unique(keys[level], return_counts=True)[1] for level in PROTECTED[name].keys])
    assert people[people > 0].tolist() == expected.tolist()
