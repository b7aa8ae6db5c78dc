"""Identities that hold of any events: what must come out whatever the world, the files and the buckets are."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from commonweal.mobility import counting, runs
from commonweal.mobility.footprint import Footprint, present_population
from commonweal.mobility.footprint.connection import from_dominance
from commonweal.mobility.measure import Window, measures
from commonweal.mobility.merging import split_buckets
from commonweal.mobility.net_flows import net_flows
from commonweal.mobility.sequences import Events

HERE, ABROAD = "61901", "61101"
FIRST, DAYS = datetime(2026, 1, 19, tzinfo=UTC), 14  # over the turn of a month, from a Monday
PEOPLE = 33
HEADER = "number,time,cell,kind,other,seconds,home,serving"
CELLS = [
    "cell,longitude,latitude,range,plmn",
    *(f"{area}{place},{west + 0.25 * place},0.5,9000,{HERE}" for west, area in enumerate("abcd") for place in (1, 2)),
]
IN_STORE = settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],  # an example takes a second: it is told as it was found
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FRESH = count()


def lines_of(seed: int) -> list[str]:
    """People of many kinds: seen now and then or every hour, some abroad for a while, some from there."""
    chance = random.Random(seed)
    found = set()

    def seen(who: int, minutes: int, cell: str, home: str = HERE) -> None:
        moment = FIRST + timedelta(minutes=minutes)
        serving = HERE if cell else ABROAD
        found.add(f"2327655{who:04},{moment:%Y-%m-%dT%H:%M:%S},{cell},call,,,{home},{serving}")

    for who in range(24):  # moments of ten minutes, so that there are ties
        for minutes in sorted(chance.sample(range(0, DAYS * 1440, 10), 12)):
            seen(who, minutes, chance.choice(["", *(a + p for a in "aabcd" for p in "12")]))
        seen(who, minutes, "b2")
    for who in range(24, 30):  # visitors of a day or of some nights
        begins = chance.randrange(4 * 1440, 8 * 1440)  # nobody seen for three days on either side
        for minutes in range(begins, begins + (400, 2900)[who % 2], 130):
            seen(who, minutes, chance.choice(["a1", "b1", "c1"]), ABROAD)
    for who in range(30, PEOPLE):  # at work by day; one moves; at no even pace, so that they are no machines
        for hour in (hour for hour in range(DAYS * 24) if hour % 24 != 3):
            working = 9 <= hour % 24 < 17 and hour // 24 % 7 < 5
            seen(
                who,
                hour * 60 + (7 * hour + 11 * (hour // 24) + 5 * who) % 30,
                "c1" if working else "d1" if who == 30 and hour > DAYS * 12 else "a1",
            )
    return sorted(found)


@pytest.fixture
def imported(start: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that imports lines, in files cut at some places, into a project of so many buckets."""

    def make(lines: list[str], cuts: list[int], bits: int) -> Any:
        operator = start(f"p{next(FRESH)}", bucket_bits=bits)
        plmns = 'home_plmn = "home"\nserving_plmn = "serving"\n'
        operator.mapping = operator.write("plmns.toml", operator.mapping.read_text() + plmns)
        edges = [0, *sorted(cut % len(lines) for cut in cuts), len(lines)]
        files = [
            operator.events(f"{number}.csv", lines[begin:end], HEADER)
            for number, (begin, end) in enumerate(pairwise(edges))
        ]
        operator.import_(*files, cells=operator.write("heard.csv", "\n".join(CELLS) + "\n"))
        return operator

    return make


def counted(operator: Any) -> tuple[dict[str, pa.Table], runs.Plan]:
    """Every measure of the registry, added over buckets, nothing kept."""
    planned = runs.plan(operator.settings, operator.database, operator.project, names=tuple(measures()))
    buckets = [replace(bucket, keep=False) for bucket in planned.buckets]
    return counting.count(operator.settings, buckets), planned


# Files and buckets ────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    seed=st.integers(0, 99),
    order=st.integers(0, 99),
    cuts=st.lists(st.integers(0, 10**6), max_size=2),
    bits=st.sampled_from([1, 3]),
)
@IN_STORE
def test_the_order_of_rows_and_the_number_of_buckets_change_no_measure(
    seed: int, order: int, cuts: list[int], bits: int, imported: Callable[..., Any]
) -> None:
    lines = lines_of(seed)
    before, planned = counted(imported(lines, [], 2))
    random.Random(order).shuffle(lines)
    operator = imported(lines, cuts, bits)
    after, _ = counted(operator)
    assert set(before) == set(after) == set(measures())
    assert [name for name in before if not before[name].equals(after[name])] == []
    split_buckets(operator.store(), 4)
    later, _ = counted(operator)
    assert [name for name in before if not before[name].equals(later[name])] == []
    never = {name for name, table in before.items() if not table.num_rows}
    assert len(never) <= 3, f"nothing was compared of {never}"
    people_agree({name: finished(name, before, planned) for name in before if name != "present"})


def finished(name: str, counts: dict[str, pa.Table], planned: runs.Plan) -> list[dict[str, Any]]:
    """What a measure says before anything is protected."""
    return measures()[name].finish(counts[name], planned.scope).to_pylist()


# People ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def summed(rows: list[dict[str, Any]], *keys: str, **chosen: Any) -> Counter[Any]:
    """People by some keys, of rows that say what is chosen."""
    found: Counter[Any] = Counter()
    for row in rows:
        if all(row[name] == value for name, value in chosen.items()):
            found[tuple(row[key] for key in keys)] += row["people"]
    return found


def within(parts: Counter[Any], whole: Counter[Any]) -> bool:
    """Whether each part is at most the whole of the same key."""
    return bool(parts) and all(people <= whole[key] for key, people in parts.items())


def people_agree(found: dict[str, list[dict[str, Any]]]) -> None:
    """Presence is of subscribers, those who move were there, and everybody has one home by each rule."""
    subscribers = summed(found["quality"], "start")
    by_day, by_hour = (summed(found["presence"], "area", "start", period=unit) for unit in ("day", "hour"))
    hours_of_day, most = Counter[Any](), Counter[Any]()
    for (area, hour), people in by_hour.items():
        key = area, hour.replace(hour=0)
        hours_of_day[key] += people
        most[key] = max(most[key], people)
    assert within(most, by_day)
    assert within(by_day, hours_of_day)
    assert within(by_day, Counter({(area, *day): people for day, people in subscribers.items() for area in "ABCD"}))
    # Residents, visitors and the unknown are everybody.
    origins = [summed(found["presence_by_origin"], "area", "start", period=unit) for unit in ("day", "hour")]
    assert origins == [by_day, by_hour]
    for kind in ("flows", "flows_consecutive", "flows_all_pairs"):
        for row in found[kind]:
            assert row["people"] <= min(by_day[row[end], row["start"]] for end in ("origin", "destination"))
    # Whoever came over night came from one place.
    assert within(summed(found["flows_lagged"], "destination", "start", part="inter-day"), by_day)
    homes = summed(found["homes"], "area", rule="last-of-day")
    assert homes == summed(found["home"], "area")
    assert within(summed(found["commuting"], "origin"), homes)
    assert homes.total() <= PEOPLE
    assert all(people <= PEOPLE for people in summed(found["home_change"], "start").values())
    # Every distribution by home is of people who live there.
    for name in ("radius_of_gyration", "locations", "regularity"):
        assert within(summed(found[name], "area"), homes)


events = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 47).map(lambda hour: hour * 3600), st.integers(0, 3)),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row[:2],
)


@given(rows=events)
@settings(max_examples=40, deadline=None)
def test_whoever_is_in_an_area_was_there_first_or_came_and_was_there_last_or_left(
    rows: list[tuple[int, int, int]],
) -> None:
    subscriber, time, area = np.array(sorted(rows), np.int64).T
    hour, day = (time // 3600).astype(np.int32), (time // 86400).astype(np.int32)
    numbered = [np.unique(subscriber * 100 + unit, return_inverse=True)[1].astype(np.int32) for unit in (hour, day)]
    window = Window(0, np.arange(49) * 3600, np.arange(3) * 86400, 4)
    sequence = Events(
        subscriber, time.astype(np.int32), hour, day, area.astype(np.int32), *numbered, np.zeros(len(time), np.int32)
    )
    flows = measures()["flows"].count(sequence, window).to_pylist()
    came, left = Counter[Any](), Counter[Any]()
    for row in flows:
        came[row["start"] // 86400, row["destination"]] += row["people"]
        left[row["start"] // 86400, row["origin"]] += row["people"]
    days = defaultdict(list)
    for who, moment, where in sorted(rows):
        days[who, moment // 86400].append(where)
    first, last, there = Counter[Any](), Counter[Any](), Counter[Any]()
    for (_, day_of), places in days.items():
        first[day_of, places[0]] += 1
        last[day_of, places[-1]] += 1
        there.update({(day_of, place) for place in places})
    for key, people in there.items():
        assert people <= first[key] + came[key]
        assert people <= last[key] + left[key]
    if flows:
        names = pa.array("ABCD")
        table = pa.table(
            {
                "origin": names.take(pa.array([row["origin"] for row in flows])),
                "destination": names.take(pa.array([row["destination"] for row in flows])),
                "subscribers": [row["people"] for row in flows],
            }
        )
        net = net_flows(table.filter(pa.array([row["start"] == flows[0]["start"] for row in flows])))
        assert sum(net["net"].to_pylist()) == 0


# Present population ───────────────────────────────────────────────────────────────────────────────────────────────

dominances = st.lists(
    st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1)), min_size=4, max_size=4), min_size=1, max_size=9
)


def heard(rows: list[list[float]]) -> Footprint:
    """The footprint of four cells, of their dominance at each point."""
    return from_dominance(len(rows), 4, [[(c, s) for c, s in enumerate(row) if s > 0] for row in rows])


def log_likelihood(footprint: Footprint, counts: np.ndarray, devices: np.ndarray) -> float:
    """Σ n log q − Σ q, with q the devices expected in each cell."""
    expected = footprint.matrix().T @ devices
    seen = counts > 0
    return float((counts[seen] * np.log(expected[seen])).sum() - expected.sum())


@given(dominances, st.lists(st.integers(0, 1000), min_size=4, max_size=4))
@settings(max_examples=12, deadline=None)
def test_every_step_of_em_keeps_the_total_and_makes_the_counts_likelier(
    rows: list[list[float]], counts: list[int]
) -> None:
    footprint, n = heard(rows), np.array(counts, float)
    reached = np.asarray(footprint.matrix().sum(axis=0)) > 0
    before = -np.inf
    for steps in range(1, 8):
        found = present_population(footprint, n, tolerance=0, most_iterations=steps)
        assert found.unplaced[0] == n[~reached].sum()
        assert found.devices.sum() == pytest.approx(n[reached].sum())
        assert (found.devices >= 0).all()
        assert not found.devices[~footprint.covered].any()
        if not n[reached].any():
            continue
        now = log_likelihood(footprint, n * reached, found.devices[:, 0])
        assert now >= before - 1e-9 * abs(now) - 1e-9
        assert found.log_likelihood[0] <= now + 1e-9 * abs(now) + 1e-9
        before = now


@pytest.mark.parametrize("seed", range(2))
def test_em_reaches_the_likelihood_that_a_general_maximiser_does(seed: int) -> None:
    chance = np.random.default_rng(seed)
    footprint = heard(chance.uniform(0.05, 1, (6, 4)).tolist())
    counts = chance.integers(1, 500, 4).astype(float)
    found = present_population(footprint, counts, tolerance=1e-12, most_iterations=100_000)
    best = minimize(
        lambda root: -log_likelihood(footprint, counts, root**2),
        np.sqrt(np.full(6, counts.sum() / 6)),
        method="L-BFGS-B",
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10},
    )
    assert found.converged[0]
    assert log_likelihood(footprint, counts, found.devices[:, 0]) == pytest.approx(-best.fun, rel=1e-7)
