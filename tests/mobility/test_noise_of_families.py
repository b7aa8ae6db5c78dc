"""Every family of counts with noise: bounded whoever travels, spent as worked out by hand, as wide as it says."""

from __future__ import annotations

import io
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from commonweal.disclosure.ledger.budgets import set_budget
from commonweal.disclosure.ledger.entries import read
from commonweal.disclosure.ledger.spending import Spending, left, spending_of
from commonweal.disclosure.ledger.spending import Unit as Spent
from commonweal.disclosure.private import Bound, Rule, Unit, compose
from commonweal.disclosure.releasing.publishing import approve
from commonweal.mobility import counting, runs, service
from commonweal.mobility.custody import forget
from commonweal.mobility.measure import measures
from commonweal.mobility.private import BoundedCounts, private_counts, private_runs

FIRST, LAST = date(2026, 1, 20), date(2026, 1, 24)  # from Tuesday to before Saturday
PLMN = {"SL": "619-01", "GN": "611-01", "LR": "618-01"}
CELLS = {"kambia": (-12.92, 9.12), "koindu": (-10.36, 8.45), "bo": (-11.74, 7.96), "freetown": (-13.23, 8.48)}
ACROSS = (
    "border_crossings", "border_districts", "border_pairs", "inbound", "outbound", "presence_by_origin", "transit",
    "visit_nights", "visitor_nights", "accidental_roaming",
)  # fmt: skip
WITHIN = (
    "presence_by_week", "presence_by_home", "flows_stays", "flows_lagged", "flows_hourly", "flows_all_pairs",
    "commuting", "home_change", "internal_migration", "homes", "home_agreement", "home_confidence",
    "usual_environment",
)  # fmt: skip
NEW = (*ACROSS, *WITHIN)
TRAVELLERS = {"resident": "23276000900", "visitor": "23276000901", "at the border": "23276000902"}


def line(number: str, moment: datetime, where: str, home: str) -> str:
    cell, serving = (where, "SL") if where in CELLS else ("", where)
    return f"{number},{moment:%Y-%m-%dT%H:%M:%S},{cell},{PLMN[home]},{PLMN[serving]}"


def everybody() -> Iterator[str]:
    """Forty people who now and then go abroad or come from there."""
    draw = random.Random(5)
    for person in range(40):
        home = draw.choice(["SL", "SL", "GN"])
        where, moment = draw.choice(list(CELLS)), datetime(2026, 1, 19, draw.randrange(24), tzinfo=UTC)
        while moment < datetime(2026, 1, 25, tzinfo=UTC):
            yield line(f"23276{person:06}", moment, where, home)
            if draw.random() < 0.3:
                where = draw.choice([*CELLS, *CELLS, "LR", "GN"] if home == "SL" else [*CELLS, "LR"])
            moment += timedelta(minutes=draw.choice([7, 20, 60, 200, 700]))


def travellers() -> Iterator[str]:
    """Each crosses the border more than a thousand times within the days, all day and night.

    Abroad they have five events each time, so that it is no accident; at the border there is but one.
    """
    for minute in range(4 * 1440):
        moment = datetime(2026, 1, 20, tzinfo=UTC) + timedelta(minutes=minute)
        leg = minute // 5
        inside = list(CELLS)[leg // 2 % 4]
        yield line(TRAVELLERS["resident"], moment, inside if leg % 2 else ("GN", "LR")[leg // 2 % 2], "SL")
        yield line(TRAVELLERS["visitor"], moment, inside if leg % 2 else "LR", "GN")
        cell = ("kambia", "koindu")[minute // 2 % 2]
        yield line(TRAVELLERS["at the border"], moment, cell if minute % 2 else "GN", "SL")


@pytest.fixture
def operator(start: Callable[..., Any]) -> Any:
    operator = start(area_set="natural-earth:SL", bucket_bits=1)
    operator.stands_at(f"{name},{east},{north},{PLMN['SL']}" for name, (east, north) in CELLS.items())
    return operator


def imported(operator: Any, *lines: str) -> Any:
    operator.import_roaming(sorted(set(lines)))
    return operator


def planned(operator: Any, *names: str) -> runs.Plan:
    return runs.plan(operator.settings, operator.database, operator.project, FIRST, LAST, names)


def plain(table: Any) -> dict[tuple[Any, ...], int]:
    """People by key, its columns in order of their names; without those that have none."""
    names = columns(table)
    return {tuple(row[name] for name in names): row["subscribers"] for row in table.to_pylist() if row["subscribers"]}


def columns(table: Any) -> list[str]:
    return sorted(set(table.column_names) - {"people", "subscribers"})


def change(before: dict[Any, int], after: dict[Any, int]) -> dict[Any, int]:
    differ = {key: before.get(key, 0) - after.get(key, 0) for key in before.keys() | after.keys()}
    return {key: by for key, by in differ.items() if by}


def lost_by_unit(one: BoundedCounts, lost: dict[tuple[Any, ...], int]) -> dict[Any, int]:
    """How many counts somebody was in, by level and by what the bound is for: the run, or a day."""
    protection, by = one.measure.protection, defaultdict[Any, int](int)
    names = columns(one.counts)
    for key, many in lost.items():
        said = dict(zip(names, key, strict=True))
        level = said[protection.level] if protection.level else ""  # type: ignore[union-attr]
        whole = protection.whole_run or protection.weeks  # type: ignore[union-attr]
        by[level, None if whole else said["start"].date()] += many
    return by


def test_a_thousand_crossings_move_no_table_by_more_than_its_bound(operator: Any) -> None:
    imported(operator, *everybody(), *travellers())
    rule = Rule(Unit.DAY, 1.0)

    def counted() -> tuple[dict[str, BoundedCounts], dict[str, Any]]:
        plan = planned(operator, *NEW)
        raw = counting.count(operator.settings, plan.buckets)
        tables = {name: plain(measures()[name].finish(counts, plan.scope)) for name, counts in raw.items()}
        return private_counts(operator.settings, plan, rule), tables

    bounded, raw = counted()
    assert set(bounded) == set(NEW)
    cut = set()
    for number in TRAVELLERS.values():
        forget(operator.settings, operator.database, operator.project, io.StringIO(f"{number}\n"), "os:tester")
        fewer, fewer_raw = counted()
        for name, one in bounded.items():
            lost = change(plain(one.counts), plain(fewer[name].counts))
            assert set(lost.values()) <= {1}, name
            for (level, _), many in lost_by_unit(one, lost).items():
                assert many <= one.most[level] <= one.rule.bounds[level].keys, (name, level)
            if len(change(raw[name], fewer_raw[name])) > len(lost):
                cut.add(name)
        bounded, raw = fewer, fewer_raw
    # In these a traveller is a part of more counts than the bound leaves.
    assert cut >= {
        "border_crossings", "border_districts", "border_pairs", "inbound", "transit", "accidental_roaming",
        "flows_hourly", "flows_all_pairs",
    }  # fmt: skip


@pytest.mark.parametrize("unit", Unit)
def test_bounds_that_nobody_reaches_change_no_table(unit: Unit, operator: Any) -> None:
    imported(operator, *everybody())
    plan = planned(operator, *NEW)
    raw = counting.count(operator.settings, plan.buckets)
    wide = {}
    for name in NEW:
        for level, keys in measures()[name].protection.keys.items():  # type: ignore[union-attr]
            if set(keys.values()) != {1}:
                wide[f"{name} {level}".rstrip()] = Bound(10**6)
    nobody = {"home_change", "usual_environment", "internal_migration"}  # of so few days
    for name, one in private_counts(operator.settings, plan, Rule(unit, 1.0, bounds=wide)).items():
        expected = plain(measures()[name].finish(raw[name], plan.scope))
        assert plain(one.counts) == expected, name
        assert expected or name in nobody, name


def test_what_looks_around_is_hidden_by_as_many_units_as_one_may_change(operator: Any) -> None:
    imported(operator, *everybody())
    found = private_counts(operator.settings, planned(operator, *NEW), Rule(Unit.DAY, 1.0))
    said = {name: (one.rule.unit, one.rule.bounds) for name, one in found.items()}
    assert said["inbound"] == (Unit.DAY, {"": Bound(3 * 3, moves=True)})  # the day before, the day, the day after
    assert said["presence_by_origin"] == (Unit.DAY, {"hour": Bound(24), "day": Bound(4)})
    assert said["presence_by_week"] == (Unit.WEEK, {"": Bound(6, moves=True)})
    assert said["border_crossings"] == (Unit.WEEK, {"": Bound(4, moves=True)})  # over the run
    assert said["flows_stays"][1] == {"": Bound(4 * 9, moves=True)}  # six days back, two ahead
    days = date(2026, 1, 20), date(2026, 2, 3)
    over = runs.plan(operator.settings, operator.database, operator.project, *days, ["border_crossings"])
    one = private_counts(operator.settings, over, Rule(Unit.DAY, 1.0))["border_crossings"]
    assert (one.rule.unit, dict(one.most)) == (Unit.MONTH, {"": 2 * 8})  # of each of two months


def test_tables_of_a_run_cost_what_was_asked_for_and_stand_beside_their_intervals(operator: Any) -> None:
    imported(operator, *everybody())
    names = ("border_districts", "inbound", "presence_by_origin", "presence_by_week", "presence_by_home", "flows_stays")
    found = private_runs(operator.settings, planned(operator, *names), Rule(Unit.DAY, 2.0))
    assert compose(one.prepared.spent.loss for one in found).epsilon(0) == pytest.approx(2.0)
    for one in found:
        table = one.draw().table
        assert table.num_rows == one.prepared.rows.num_rows
        low, value, high = (table[name].to_numpy() for name in ("low", "subscribers", "high"))
        assert np.all((low >= 0) & (low <= value) & (value <= high))
        assert one.parameters["kept"]
        if one.measure == "presence_by_origin":
            days_agree_with_their_hours(table)


def test_nobody_is_within_fewer_after_noise(operator: Any) -> None:
    """Homes by the strict rule lie within those by the last of the day: so few that noise would often break it."""
    imported(operator, *everybody())
    names = ("homes", "home_agreement")
    seen = 0
    for one in private_runs(operator.settings, planned(operator, *names), Rule(Unit.DAY, 1.0)):
        within = one.prepared.agreeing.within
        for _ in range(5):
            value = one.draw().table["subscribers"].to_numpy()
            assert (value[within.parts] <= value[within.wholes[within.owner]]).all()
            seen += len(within.parts)
    assert seen >= 20


def days_agree_with_their_hours(table: Any) -> None:
    hours, days = defaultdict[Any, list[int]](list), {}
    for row in table.to_pylist():
        key = row["origin"], row["area"], row["start"].date()
        if row["period"] == "hour":
            hours[key].append(row["subscribers"])
        else:
            days[key] = row["subscribers"]
    assert days
    assert all(max(hours[key]) <= whole <= sum(hours[key]) for key, whole in days.items())


def test_noise_is_as_wide_as_it_says(operator: Any) -> None:
    """Nearly all of the thousands of cells of inbound have nobody: what is drawn is max(0, X), X discrete Laplace."""
    imported(operator, *everybody())
    (run,) = private_runs(operator.settings, planned(operator, "inbound"), Rule(Unit.DAY, 6.0))
    scale = run.prepared.rule.noises()[""].scale
    assert scale == pytest.approx(2 * 9 / 6)
    table = run.draw().table
    truth, drawn = run.prepared.rows["subscribers"].to_numpy(), table["subscribers"].to_numpy()
    nobody = drawn[truth == 0]
    p = np.exp(-1 / scale)
    for least in (1, 3, 8):
        chance = p**least / (1 + p)  # P(X ≥ least)
        spread = (chance * (1 - chance) / len(nobody)) ** 0.5
        assert abs((nobody >= least).mean() - chance) < 5 * spread
    held = (table["low"].to_numpy() <= truth) & (truth <= table["high"].to_numpy())
    assert held.mean() > 0.95 - 5 * (0.95 * 0.05 / len(truth)) ** 0.5


def test_what_is_entered_adds_up_by_hand_and_falls_on_the_days_that_are_looked_at(operator: Any) -> None:
    """ε = 1 over two tables of one level: ρ = (1/2)² / 2 = 1/8 each.

    Inbound hides days, and looks at Monday and Saturday too. Crossings of four days are hidden by the week, Monday to
    Sunday. So a quarter is spent on each day from Monday to Saturday, an eighth on Sunday, and nothing around.
    """
    imported(operator, *everybody())
    people = "mobility/operator"
    set_budget(operator.settings, operator.database, people, "person-day", 1.0, "os:ada")
    asked = {"first": "2026-01-20", "last": "2026-01-24", "time_zone": None, "day_starts": None}
    rule = Rule(Unit.DAY, 1.0).record()
    job = operator.job(**asked, measures=["inbound", "border_crossings"], private=rule)
    for proposal in service.run_job(job)["proposals"]:
        approve(operator.settings, operator.database, proposal, "os:bob", "as agreed")
    with operator.database.reading() as session:
        entries = read(session, operator.settings)
    spendings = [spent for entry in entries if (spent := spending_of(entry.said)) is not None]
    assert sorted(spendings, key=lambda spent: spent.unit) == [
        Spending(date(2026, 1, 19), date(2026, 1, 25), Spent.DAY, 0.125),
        Spending(date(2026, 1, 19), date(2026, 1, 25), Spent.WEEK, 0.125),
    ]
    from commonweal.disclosure.ledger.spending import Budget

    rest = left(Budget(people, Spent.DAY, 1.0), spendings, date(2026, 1, 18), date(2026, 1, 27))
    assert [float(each) for each in rest.values()] == [1, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.875, 1]
