"""From the store to tables with noise: bounded, costed before they are drawn, consistent."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from commonweal.core.errors import InputError
from commonweal.disclosure.private import Bound, Rule, Unit, compose
from commonweal.mobility import counting, runs, service
from commonweal.mobility.custody import forget
from commonweal.mobility.measure import measures
from commonweal.mobility.private import private_counts, private_runs, unprotected

WIDE = {"presence hour": Bound(10**6), "presence day": Bound(10**6), "flows": Bound(10**6), "quality": Bound(10**6)}


def operating(start: Callable[..., Any], first: str = "2026-01-20", days: int = 4) -> Any:
    """An operator with 400 events of 14 people, who are in several areas a day."""
    generator = random.Random(11)
    begins = datetime.combine(date.fromisoformat(first), datetime.min.time(), UTC)
    lines = {
        f"2327655{generator.randrange(100, 114):04},"
        f"{begins + timedelta(seconds=generator.randrange(days * 86400)):%Y-%m-%dT%H:%M:%S},"
        f"{generator.choice('abcdxy')}1,call,,"
        for _ in range(400)
    }
    operator = start()
    operator.import_(operator.events("calls.csv", sorted(lines)))
    return operator


def planned(operator: Any, **choices: Any) -> runs.Plan:
    return runs.plan(operator.settings, operator.database, operator.project, **choices)


def plain(table: Any, value: str = "subscribers") -> dict[tuple[Any, ...], int]:
    rows = table.to_pylist()
    return {tuple(v for k, v in row.items() if k != value): row[value] for row in rows if row[value]}


@pytest.mark.parametrize("unit", Unit)
def test_bounds_that_nobody_reaches_change_nothing(unit: Unit, start: Callable[..., Any]) -> None:
    operator = operating(start)
    plan = planned(operator)
    counts = counting.count(operator.settings, plan.buckets)
    found = private_counts(operator.settings, plan, Rule(unit, 1.0, bounds=WIDE))
    assert set(found) == set(counts) - {"activity"}
    for name, one in found.items():
        raw = measures()[name].finish(counts[name], plan.scope).drop_columns("people")
        assert plain(one.counts) == plain(raw), name


def test_a_run_over_closed_months_keeps_the_same_as_one_over_days(start: Callable[..., Any]) -> None:
    operator = operating(start, "2026-01-25", 9)
    rule = Rule(Unit.DAY, 1.0, bounds={"presence hour": Bound(2), "presence day": Bound(1), "flows": Bound(1)})
    days = {name: plain(one.counts) for name, one in private_counts(operator.settings, planned(operator), rule).items()}
    assert service.compact_store(operator.settings, operator.database, operator.project) > 0
    whole = {
        name: plain(one.counts) for name, one in private_counts(operator.settings, planned(operator), rule).items()
    }
    assert whole == days


def test_whoever_is_erased_changes_no_unit_by_more_than_the_bound(start: Callable[..., Any]) -> None:
    operator = operating(start)
    rule = Rule(Unit.DAY, 1.0, bounds={"presence hour": Bound(2), "presence day": Bound(1), "flows": Bound(1)})
    plan = planned(operator)
    before = private_counts(operator.settings, plan, rule)
    forget(operator.settings, operator.database, operator.project, io.StringIO("23276550103\n"), "os:tester")
    after = private_counts(operator.settings, planned(operator, first=plan.first, last=plan.last), rule)
    moved = 0
    for name, one in before.items():
        old, new = plain(one.counts), plain(after[name].counts)
        lost: dict[Any, int] = {}
        for key in old.keys() | new.keys():
            change = old.get(key, 0) - new.get(key, 0)
            assert change in (0, 1)
            day = next(part for part in key if isinstance(part, datetime)).date()
            level = "hour" if "hour" in key else "day" if "day" in key else ""
            lost[level, day] = lost.get((level, day), 0) + change
        for (level, _), total in lost.items():
            assert total <= one.rule.bounds[level].keys
        moved += sum(lost.values())
    assert moved > 0


def test_a_home_is_hidden_by_a_unit_that_holds_the_run(start: Callable[..., Any]) -> None:
    operator = operating(start, "2026-01-26", 14)  # from Monday to Sunday a week on, over the end of a month

    def home(first: str, last: str, asked: Unit = Unit.DAY) -> Rule:
        plan = planned(operator, first=date.fromisoformat(first), last=date.fromisoformat(last), names=["home"])
        return private_counts(operator.settings, plan, Rule(asked, 1.0))["home"].rule

    assert (home("2026-01-27", "2026-01-28").unit, home("2026-01-27", "2026-01-29").unit) == (Unit.DAY, Unit.WEEK)
    assert home("2026-01-27", "2026-01-28", Unit.WEEK).unit is Unit.WEEK
    assert home("2026-02-01", "2026-02-04").unit is Unit.MONTH
    assert home("2026-01-27", "2026-01-28").bounds[""] == Bound(1)
    # Without one of several days a person may live elsewhere; so they may without one of two months.
    assert home("2026-02-01", "2026-02-04").bounds[""] == Bound(1, moves=True)
    over = home("2026-01-27", "2026-02-09")
    assert (over.unit, over.bounds[""]) == (Unit.MONTH, Bound(1, moves=True))


@pytest.mark.parametrize("choice", [{}, {"delta": 1e-6, "family": "gaussian"}])
def test_a_run_costs_what_was_asked_for_and_says_so_before_it_is_drawn(
    choice: dict[str, Any], start: Callable[..., Any]
) -> None:
    operator = operating(start)
    found = private_runs(operator.settings, planned(operator), Rule(Unit.DAY, 1.0, **choice))
    assert [one.dataset.name.removeprefix("mobility.") for one in found] == [
        "flows_private",
        "home_private",
        "presence_private",
        "quality_private",
    ]
    total = compose(one.prepared.spent.loss for one in found).epsilon(choice.get("delta", 0))
    assert 0.999 < total <= 1 + 1e-9
    for one in found:
        drawn = one.draw()
        assert drawn.spent == one.prepared.spent
        assert one.parameters["spent"] == drawn.spent.record()
        assert "k" not in one.parameters
        assert set(drawn.table["subscribers_state"].to_pylist()) == {"perturbed"}
        assert all(0 <= row["low"] <= row["subscribers"] <= row["high"] for row in drawn.table.to_pylist())


def test_the_days_of_presence_agree_with_their_hours(start: Callable[..., Any]) -> None:
    operator = operating(start)
    (run,) = private_runs(operator.settings, planned(operator, names=["presence"]), Rule(Unit.DAY, 0.5))
    table = run.draw().table
    assert table.num_rows == 4 * 4 * 25
    days: dict[tuple[Any, ...], list[int]] = {}
    whole = {}
    for row in table.to_pylist():
        key = (row["area"], row["start"].date())
        if row["period"] == "hour":
            days.setdefault(key, []).append(row["subscribers"])
        else:
            whole[key] = row["subscribers"]
    assert len(whole) == 16
    assert all(max(days[key]) <= total <= sum(days[key]) for key, total in whole.items())


def test_flows_between_pairs_that_are_not_public_are_shown_above_a_threshold_only(start: Callable[..., Any]) -> None:
    operator = operating(start)
    rule = Rule(Unit.DAY, 5.0, 1e-6, selects=True)
    (run,) = private_runs(operator.settings, planned(operator, names=["flows"]), rule)
    drawn = run.draw()
    shown = [row["subscribers"] for row in drawn.table.to_pylist() if row["subscribers_state"] == "perturbed"]
    threshold = run.prepared.rule.selections()[""].threshold
    assert all(value >= threshold for value in shown)
    assert drawn.spent.epsilon <= 5
    assert 0 < drawn.spent.loss.delta <= 1e-6


def test_what_cannot_be_bounded_is_left_out_and_says_why(start: Callable[..., Any]) -> None:
    operator = operating(start)
    assert unprotected(measures()["presence"]) is None
    assert "any number of events" in (unprotected(measures()["activity"]) or "")
    names = ["presence", "flows", "home", "quality", "activity"]
    assert "activity" not in private_counts(operator.settings, planned(operator, names=names), Rule(Unit.DAY, 1.0))


def test_a_bound_for_what_is_not_counted_is_refused(start: Callable[..., Any]) -> None:
    operator = operating(start)
    for name in ("trips", "home", "presence"):
        with pytest.raises(InputError, match="nothing to bound"):
            private_counts(operator.settings, planned(operator), Rule(Unit.DAY, 1.0, bounds={name: Bound(1)}))
