"""Distributions of walks, from raw files to releases: what is counted, and what of it may leave."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from sqlalchemy import select

from commonweal.core.catalog import get
from commonweal.core.errors import InputError
from commonweal.disclosure import Keys
from commonweal.disclosure.linear.bounds import bounds
from commonweal.disclosure.linear.relations import Kind
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of
from commonweal.disclosure.models import ProposalRecord
from commonweal.disclosure.private import Rule, Unit
from commonweal.disclosure.releasing.standing import grant as approve
from commonweal.mobility import counting, runs, service
from commonweal.mobility.hanging import relate
from commonweal.mobility.measure import measures
from commonweal.mobility.private import private_counts
from commonweal.mobility.walks.asking import walk_jumps, walks
from commonweal.mobility.walks.hanging import DISTRIBUTIONS

NAMES = sorted(name.partition(".")[2] for name in DISTRIBUTIONS)
FIRST, LAST = "2026-01-05", "2026-01-19"
CELLS = [f"{area}{place}" for area in "abcd" for place in (1, 2)]


def lines(people: int = 60, seed: int = 1) -> list[str]:
    """Two weeks of people of whom each keeps to a few places of their own."""
    rng = random.Random(seed)
    found = []
    for person in range(people):
        own = rng.sample(CELLS, rng.choice([1, 2, 2, 3, 5]))
        for day in range(5, 19):
            for hour in sorted(rng.sample(range(24), rng.choice([1, 2, 4]))):
                found.append(f"23276{person:06},2026-01-{day:02}T{hour:02}:30:00,{rng.choice(own)},call,,")
    found.append("23276999999,2026-01-05T10:00:00,y1,call,,")  # nobody knows where
    rng.shuffle(found)
    return found


@pytest.fixture
def stocked(start: Callable[..., Any]) -> Any:
    """An operator with events of two weeks."""
    operator = start(minimum_people=3)
    operator.import_(operator.events("calls.csv", lines()))
    return operator


def counted(operator: Any, names: list[str]) -> tuple[Any, dict[str, Any]]:
    planned = runs.plan(operator.settings, operator.database, operator.project, names=names)
    counts = counting.count(operator.settings, planned.buckets)
    return planned, {name: measures()[name].finish(table, planned.scope) for name, table in counts.items()}


def test_distributions_are_declared_and_counted_only_where_they_are_asked_for(stocked: Any) -> None:
    assert {name for name, measure in measures().items() if not measure.usual} >= set(NAMES)
    planned = runs.plan(stocked.settings, stocked.database, stocked.project)
    assert not set(planned.buckets[0].measures) & set(NAMES)
    assert "logarithm" not in planned.parameters


def test_bins_hold_what_each_persons_row_says_and_add_up_to_residents(stocked: Any) -> None:
    rows = walks(stocked.settings, stocked.database, stocked.project.name).to_pylist()
    assert len(rows) == 60
    _, tables = counted(stocked, ["home", *NAMES])
    residents = {row["area"]: row["subscribers"] for row in tables["home"].to_pylist()}
    columns = {"radius_of_gyration": "radius", "radius_of_gyration_by_time": "radius_by_time"}
    columns |= {"k_radius_of_gyration": "k_radius", "jump_length": "median_jump"}
    for name in NAMES:
        table = tables[name].to_pylist()
        added: Counter[str] = Counter()
        for bin_ in table:
            added[bin_["area"]] += bin_["subscribers"]
            lower, upper = bin_["at_least"], bin_["below"]
            upper += name in ("regularity", "share_at_home") and upper == 1
            values = [row[columns.get(name, name)] or 0 for row in rows if row["home_area"] == bin_["area"]]
            assert bin_["subscribers"] == sum(lower <= value < upper for value in values), (name, bin_)
        assert added == residents, name


def test_what_is_declared_of_distributions_holds_of_what_is_counted(stocked: Any) -> None:
    planned, tables = counted(stocked, ["home", *NAMES])
    keys, values, first = {}, [], 0
    for name, table in tables.items():
        measure = measures()[name]
        grid = measure.grid(table, planned.scope)
        key = list(measure.dataset.key)
        joined = grid.join(table.select([*key, "subscribers"]), key).sort_by([(k, "ascending") for k in key])
        keys[measure.dataset.name] = Keys(joined.select(key), first)
        values.append(joined["subscribers"].fill_null(0).to_numpy())
        first += grid.num_rows
    value = np.concatenate(values)
    found = relate(planned.areas, planned.scope, keys)
    kinds = Counter(found.kind.tolist())
    assert kinds[Kind.SUM] >= 4 * 12
    assert kinds[Kind.WITHIN] == 4 * 9
    assert kinds[Kind.COVER] > 0
    for number, kind in enumerate(found.kind.tolist()):
        whole, parts = value[found.whole[number]], value[found.parts(number)]
        if kind == Kind.SUM:
            assert whole == parts.sum()
        if kind & Kind.WITHIN:
            assert whole >= parts.max()
        if kind & Kind.COVER:
            assert whole <= parts.sum()


def test_nobody_under_the_threshold_is_in_a_release_and_it_says_how_it_was_made(stocked: Any) -> None:
    from commonweal.core.catalog import latest

    tables = stocked.run(measures=["home", *NAMES])
    _, raw = counted(stocked, ["home", *NAMES])
    shown = 0
    for name in NAMES:
        people = {(r["area"], r["at_least"]): r["subscribers"] for r in raw[name].to_pylist()}
        for row in tables[name].to_pylist():
            if row["subscribers"] is not None:
                assert row["subscribers"] == people[row["area"], row["at_least"]] >= 3
                shown += 1
    assert shown > 50
    release = latest(stocked.database, "mobility.radius_of_gyration")
    said = release.provenance.parameters if hasattr(release, "provenance") else release.parameters
    assert (said["distance"], said["location"], said["logarithm"]) == (
        "geodesic on WGS 84",
        "site of the cell",
        "base 2",
    )


def test_a_run_on_the_command_line_publishes_what_is_named(stocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from commonweal.mobility.cli import app

    monkeypatch.setenv("COMMONWEAL_DATA", str(stocked.settings.data))
    approve(stocked.settings, stocked.database, "threshold", "mobility", {"k": 3}, "os:steward", "for this test")
    run = ["run", "-p", "operator", "--measure", "home", "--measure", "radius_of_gyration"]
    said = CliRunner().invoke(app, run).output
    assert "published mobility.radius_of_gyration version 1: 40 rows" in said, said
    assert "published mobility.home version 1: 4 rows" in said
    assert "mobility.presence" not in said


def test_with_noise_everybody_is_in_one_bin(stocked: Any) -> None:
    planned, raw = counted(stocked, ["home", "locations", "real_entropy"])
    rule = Rule(Unit.DAY, epsilon=1.0)
    found = private_counts(stocked.settings, planned, rule)
    for name in ("locations", "real_entropy"):
        assert found[name].rule.unit is Unit.MONTH  # what is found over all days is hidden with all of them
        assert [bound.keys for bound in found[name].rule.bounds.values()] == [1]
        assert pc.sum(found[name].counts["subscribers"]).as_py() == pc.sum(raw["home"]["subscribers"]).as_py()
        assert found[name].prepared() is not None


def test_a_distribution_is_published_only_beside_homes(stocked: Any) -> None:
    with pytest.raises(InputError, match="home"):
        stocked.run(measures=["locations"])


def read_together(operator: Any, released: dict[str, Any], k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a reader of all these tables knows of each cell at least and at most, and which cells are hidden."""
    planned, raw = counted(operator, ["home", *(name for name in released if name != "home")])
    keys, shown, true = {}, list[int | None](), list[int]()
    for name, table in released.items():
        key = list(measures()[name].dataset.key)
        people = (
            table.select(key)
            .join(raw[name].select([*key, "subscribers"]), key)
            .sort_by([(k, "ascending") for k in key])
        )
        ordered = table.sort_by([(k, "ascending") for k in key])
        keys[measures()[name].dataset.name] = Keys(ordered.select(key), len(shown))
        shown += ordered["subscribers"].to_pylist()
        true += people["subscribers"].fill_null(0).to_pylist()
    hidden, value = np.array([one is None for one in shown]), np.array(true)
    assert [one for one in shown if one is not None] == value[~hidden].tolist()
    low, high = np.where(hidden, 0, value), np.where(hidden, np.where(value < k, k - 1, UNBOUNDED), value)
    found = bounds(rows_of(relate(planned.areas, planned.scope, keys)), low, high)
    return found.low, found.high, hidden


@pytest.mark.parametrize("order", [["locations", "jump_length"], ["jump_length", "home", "locations"]])
def test_distributions_follow_homes_that_were_released_before_and_give_nothing_away(stocked: Any, order: Any) -> None:
    released = stocked.run(measures=["home"])
    for name in order:
        job = stocked.job(first=None, last=None, measures=[name], time_zone=None, day_starts=None)
        service.run_job(job)
        lines = job.take_lines()
        assert any("protected beside what was released before: home" in line for line in lines) == (name != "home")
        assert get(stocked.database, "mobility.home").version == 1  # what was released is left as it was
        released[name] = get(stocked.database, f"mobility.{name}").table(stocked.settings)
    low, high, hidden = read_together(stocked, released, 3)
    assert hidden.any()
    assert (~hidden).any()
    assert ((high - low)[hidden] >= 2).all()


def test_distributions_follow_homes_though_records_came_in_between(stocked: Any) -> None:
    stocked.run(measures=["home"])
    late = [f"23277{person:06},2026-01-06T1{person % 9}:30:00,{cell},call,," for person, cell in enumerate(CELLS * 4)]
    stocked.import_(stocked.events("late.csv", late))
    tables = stocked.run(measures=["locations"])
    assert set(tables) == {"locations"}
    with stocked.database.reading() as session:
        audits = [evidence["audit"] for evidence in session.scalars(select(ProposalRecord.evidence))]
    earlier = {name: audit["earlier"] for audit in audits for name in audit["tables"]}
    assert earlier["mobility.locations"] == ["mobility.home 1"]


def test_neither_the_order_of_rows_nor_the_number_of_buckets_matters(start: Callable[..., Any]) -> None:
    from commonweal.mobility.merging import split_buckets

    one, other = start("one"), start("other")
    one.import_(one.events("calls.csv", lines()))
    shuffled = lines()
    random.Random(9).shuffle(shuffled)
    other.import_(other.events("a.csv", shuffled[::2]))
    other.import_(other.events("b.csv", shuffled[1::2]))
    split_buckets(other.store(), 4)
    asked = ["home", *NAMES]
    before, after = (
        {name: sorted(map(str, table.to_pylist())) for name, table in counted(each, asked)[1].items()}
        for each in (one, other)
    )
    assert before == after


def test_rows_by_day_and_by_other_choices(stocked: Any) -> None:
    def ask(**how: Any) -> list[dict[str, Any]]:
        return walks(stocked.settings, stocked.database, stocked.project.name, **how).to_pylist()

    run, days = ask(), ask(by="day")
    added: Counter[int] = Counter()
    for row in days:
        added[row["subscriber"]] += row["events"]
    assert added == {row["subscriber"]: row["events"] for row in run}
    sphere, cells, areas = ask(distance="haversine"), ask(location="cell"), ask(location="area", k=99)
    for row, round_, cell, area in zip(run, sphere, cells, areas, strict=True):
        assert round_["radius"] == pytest.approx(row["radius"], rel=0.01)
        assert cell["locations"] == row["locations"] >= area["locations"]
        assert area["k_radius"] == area["radius"]
    assert {row["share_at_home"] for row in ask(home="night")} != {row["share_at_home"] for row in run}
    with pytest.raises(InputError, match="no distance"):
        ask(distance="as the crow flies")


def test_jumps_are_as_many_as_the_rows_say(stocked: Any) -> None:
    who = (stocked.settings, stocked.database, stocked.project.name)
    jumps, rows = walk_jumps(*who).to_pylist(), walks(*who).to_pylist()
    assert Counter(jump["subscriber"] for jump in jumps) == {r["subscriber"]: r["jumps"] for r in rows if r["jumps"]}
    longest = {row["subscriber"]: row["longest_jump"] for row in rows}
    for whose in {jump["subscriber"] for jump in jumps}:
        assert max(j["length"] for j in jumps if j["subscriber"] == whose) == pytest.approx(longest[whose])
    staying = walk_jumps(*who, staying=True).num_rows
    assert staying == sum(row["events"] - 1 for row in rows)
