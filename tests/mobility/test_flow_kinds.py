"""Each kind of flow counts what its definition says: by hand, by a slow reference, and through a release."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from commonweal.core.catalog import latest
from commonweal.mobility import counting, runs
from commonweal.mobility.cli import app
from commonweal.mobility.measure import Derivation, Window, measures
from commonweal.mobility.net_flows import net_flows
from commonweal.mobility.sequences import Events

DAY, WEEK = 86_400, 7 * 86_400
AREAS, DAYS = 4, 12
HOURS = np.arange(DAYS * 24 + 1) * 3600
WINDOW = Window(0, HOURS, np.arange(DAYS + 1) * DAY, AREAS, wall=HOURS)
KINDS = ("flows", "flows_all_pairs", "flows_consecutive", "flows_lagged")
Event = tuple[int, int, int]  # subscriber, second, area

# Few moments, so that there are ties.
event = st.tuples(
    st.integers(1, 3), st.integers(0, DAYS * 24 - 1).map(lambda hour: hour * 3600), st.integers(-1, AREAS - 1)
)
worlds = st.lists(event, max_size=40, unique=True)


def events_of(rows: list[Event]) -> Events:
    """What a bucket holds of some events, sorted."""
    subscriber, time, area = np.array(sorted(rows), np.int64).reshape(-1, 3).T
    hour, day = (time // 3600).astype(np.int32), (time // DAY).astype(np.int32)

    def numbered(period: np.ndarray) -> np.ndarray:
        new = (np.diff(subscriber, prepend=subscriber[:1]) != 0) | (np.diff(period, prepend=period[:1]) != 0)
        return np.cumsum(new).astype(np.int32)

    time, area, span = time.astype(np.int32), area.astype(np.int32), np.zeros(len(time), np.int32)
    return Events(subscriber, time, hour, day, area, numbered(hour), numbered(day), span)


def made(of: Derivation | None, events: Events) -> Any:
    """What a measure counts: events, or what is made of them."""
    return events if of is None else of.derive(made(of.of, events), WINDOW)


def counted(name: str, rows: list[Event]) -> Counter[tuple[int, ...]]:
    """What the kernels say: people by part, day, origin and destination."""
    measure = measures()[name]
    found = measure.count(made(measure.of, events_of(rows)), WINDOW).to_pylist()
    return Counter(
        {(row.get("part", 0), row["start"] // DAY, row["origin"], row["destination"]): row["people"] for row in found}
    )


def reference(name: str, rows: list[Event]) -> Counter[tuple[int, ...]]:
    """The same in plain words."""
    days: dict[int, dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for subscriber, time, area in sorted(rows):
        if area >= 0:
            days[subscriber][time // DAY].append((time, area))
    members = set()
    for subscriber, by_day in days.items():
        for day, seen in by_day.items():
            follow = [(one, other) for (_, one), (_, other) in pairwise(seen)]
            later = [
                (one, other)
                for one in range(AREAS)
                for other in range(AREAS)
                if any(t < u for t, a in seen if a == one for u, b in seen if b == other)
            ]
            earlier = [by_day[other][-1] for other in sorted(by_day) if other < day][-1:]
            before = [(area, seen[0][1]) for time, area in earlier if area != seen[0][1] and seen[0][0] - time <= WEEK]
            moved = [(one, other) for one, other in later if one != other]
            found = {
                "flows": {0: [(one, other) for one, other in follow if one != other]},
                "flows_consecutive": {0: follow},
                "flows_all_pairs": {0: later},
                "flows_lagged": {0: moved, 1: before, 2: moved + before},
            }[name]
            members |= {(subscriber, part, day, *pair) for part, pairs in found.items() for pair in pairs}
    return Counter(member[1:] for member in members)


@pytest.mark.parametrize("name", KINDS)
@given(rows=worlds)
@settings(max_examples=40, deadline=None)
def test_a_kernel_says_what_a_slow_reference_says(name: str, rows: list[Event]) -> None:
    assert counted(name, rows) == reference(name, rows)


def test_all_pairs_by_hand() -> None:
    """In A at 1 and 3, in B at 2, in C at 3: A→B, B→A, A→C, B→C and A→A; C comes with A, before nothing."""
    rows = [(1, 3600, 0), (1, 3 * 3600, 0), (1, 2 * 3600, 1), (1, 3 * 3600, 2)]
    pairs = {key[2:] for key in counted("flows_all_pairs", rows)}
    assert pairs == {(0, 0), (0, 1), (1, 0), (0, 2), (1, 2)}


def test_seen_in_two_areas_in_one_second_is_no_pair_but_is_consecutive() -> None:
    rows = [(1, 3600, 0), (1, 3600, 1)]
    assert not counted("flows_all_pairs", rows)
    assert counted("flows_consecutive", rows) == {(0, 0, 0, 1): 1}


@pytest.mark.parametrize(("gap", "came"), [(WEEK, True), (WEEK + 3600, False)])
def test_a_week_between_days_counts_and_more_does_not(gap: int, came: bool) -> None:
    rows = [(1, 2 * 3600, 0), (1, 2 * 3600 + gap, 1)]
    assert (counted("flows_lagged", rows) == {(1, 7, 0, 1): 1, (2, 7, 0, 1): 1}) is came


def test_who_comes_over_night_and_again_by_day_is_one_person() -> None:
    """In A in the evening; next morning in B, then A, then B: A→B is inter-day and within-day, either counts one."""
    rows = [(1, 20 * 3600, 0), *((1, DAY + hour * 3600, area) for hour, area in ((6, 1), (8, 0), (10, 1)))]
    found = counted("flows_lagged", rows)
    assert [found[part, 1, 0, 1] for part in range(3)] == [1, 1, 1]
    assert [found[part, 1, 1, 0] for part in range(3)] == [1, 0, 1]


@given(rows=worlds)
@settings(max_examples=30, deadline=None)
def test_kinds_of_flows_agree_with_one_another_and_with_who_was_there(rows: list[Event]) -> None:
    pairs, consecutive, lagged = (counted(name, rows) for name in KINDS[1:])
    assert {key: n for key, n in consecutive.items() if key[2] != key[3]} == counted("flows", rows)
    assert {key: n for key, n in lagged.items() if key[0] == 0} == {
        key: n for key, n in pairs.items() if key[2] != key[3]
    }
    present = Counter((day, area) for _, day, area in {(s, t // DAY, a) for s, t, a in rows if a >= 0})
    for kind in (pairs, consecutive):
        for (_, day, origin, destination), people in kind.items():
            assert people <= min(present[day, origin], present[day, destination])
    for _, day, origin, destination in lagged:
        within, between, either = (lagged[part, day, origin, destination] for part in range(3))
        assert max(within, between) <= either <= within + between
    for (day, area), people in present.items():
        # Everybody comes from one place between days at most.
        assert sum(lagged[1, day, origin, area] for origin in range(AREAS)) <= people


# From raw files to a release ──────────────────────────────────────────────────────────────────────────────────────


def lines_of(rows: list[Event]) -> list[str]:
    """Events as an operator hands them over, from 20 January 2026 on, in any order."""
    begins = int(datetime(2026, 1, 20, tzinfo=UTC).timestamp())
    cells = {-1: "x1", 0: "a1", 1: "b1", 2: "c1", 3: "d1"}
    lines = [
        f"2327655{subscriber:05},{datetime.fromtimestamp(begins + time, UTC):%Y-%m-%dT%H:%M:%S},{cells[area]},call,,"
        for subscriber, time, area in rows
    ]
    np.random.default_rng(len(rows)).shuffle(lines)
    return lines


def by_days(operator: Any, **choices: Any) -> dict[str, Counter[tuple[int, ...]]]:
    """What a run counts, in the words of the reference."""
    planned = runs.plan(operator.settings, operator.database, operator.project, names=KINDS, **choices)
    begins = int(datetime(2026, 1, 20, tzinfo=UTC).timestamp())
    return {
        name: Counter(
            {
                (row.get("part", 0), (row["start"] - begins) // DAY, row["origin"], row["destination"]): row["people"]
                for row in table.to_pylist()
            }
        )
        for name, table in counting.count(operator.settings, planned.buckets).items()
    }


def random_rows(seed: int = 1, many: int = 500) -> list[Event]:
    """People who stay rather than move, over the turn of a month."""
    rng = np.random.default_rng(seed)
    found = rng.integers((100, 0, -1), (130, DAYS * 24, AREAS), (many, 3))
    return list({(int(s), int(h) * 3600 + int(s) % 60, int(a)) for s, h, a in found})


def test_a_run_counts_what_the_reference_says(start: Callable[..., Any]) -> None:
    from datetime import date

    rows = random_rows()
    operator = start()
    operator.import_(operator.events("calls.csv", lines_of(rows)))
    expected = {name: reference(name, rows) for name in KINDS}
    assert by_days(operator) == expected
    # A part of the days: what lies before is looked at all the same.
    part = by_days(operator, first=date(2026, 1, 25), last=date(2026, 1, 28))
    assert part == {
        name: Counter({key: n for key, n in kind.items() if 5 <= key[1] < 8}) for name, kind in expected.items()
    }


def test_a_release_hides_whom_it_must_and_says_what_it_counted(start: Callable[..., Any]) -> None:
    operator = start(minimum_people=4)
    rows = random_rows(2, 900)
    operator.import_(operator.events("calls.csv", lines_of(rows)))
    tables = operator.run(measures=["presence", *KINDS], first="2026-01-21", last="2026-01-23")
    assert set(tables) == {"presence", *KINDS}
    shown = 0
    for name in KINDS:
        raw = reference(name, rows)
        for row in tables[name].to_pylist():
            day = (row["start"] - datetime(2026, 1, 20, tzinfo=UTC)).days
            part = ("within-day", "inter-day", "either").index(row["part"]) if "part" in row else 0
            people = raw[part, day, "ABCD".index(row["origin"]), "ABCD".index(row["destination"])]
            assert row["subscribers"] in (None, people)
            assert row["subscribers"] is None or people >= 4
            shown += row["subscribers"] is not None
        assert tables[name].num_rows == {"flows": 12, "flows_lagged": 36}.get(name, 16) * 2
    assert shown > 10
    said = latest(operator.database, "mobility.flows_lagged").provenance.parameters
    assert (said["lag_seconds"], said["staying"], said["no_area"]) == (
        WEEK,
        False,
        "left out before events follow one another",
    )
    assert latest(operator.database, "mobility.flows_consecutive").provenance.parameters["staying"] is True


def test_what_one_kind_hides_another_does_not_tell(start: Callable[..., Any]) -> None:
    """Pairs of two areas are the same in flows and in flows with staying, so they are hidden in both or in neither."""
    operator = start(minimum_people=4)
    operator.import_(operator.events("calls.csv", lines_of(random_rows(3, 700))))
    tables = operator.run(measures=["flows", "flows_consecutive"], first="2026-01-21", last="2026-01-22")

    def states(table: pa.Table) -> dict[tuple[str, str], int | None]:
        return {(r["origin"], r["destination"]): r["subscribers"] for r in table.to_pylist()}

    flows, staying = states(tables["flows"]), states(tables["flows_consecutive"])
    assert {pair: staying[pair] for pair in flows} == flows
    assert None in flows.values()


# In and out ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_goes_out_comes_in() -> None:
    rng = np.random.default_rng(4)
    pairs = [(o, t) for o in "ABCD" for t in "ABCD"]
    table = pa.table(
        {
            "origin": [o for o, _ in pairs],
            "destination": [t for _, t in pairs],
            "subscribers": rng.integers(0, 99, len(pairs)),
        }
    )
    found = net_flows(table)
    assert sum(found["inflow"].to_pylist()) == sum(found["outflow"].to_pylist())
    assert sum(found["net"].to_pylist()) == 0
    stayed = sum(row["subscribers"] for row in table.to_pylist() if row["origin"] == row["destination"])
    assert sum(found["inflow"].to_pylist()) == sum(table["subscribers"].to_pylist()) - stayed


def test_a_sum_with_a_hidden_flow_is_hidden_and_never_smaller(start: Callable[..., Any]) -> None:
    operator = start(minimum_people=4)
    operator.import_(operator.events("calls.csv", lines_of(random_rows(3, 700))))
    flows = operator.run(measures=["flows"], first="2026-01-21", last="2026-01-22")["flows"].to_pylist()
    done = CliRunner().invoke(app, ["net", "--json"], env={"COMMONWEAL_DATA": str(operator.settings.data)})
    assert done.exit_code == 0, done.output
    rows = {row["area"]: row for row in json.loads(done.stdout)}
    assert set(rows) == set("ABCD")
    hidden = 0
    for area, row in rows.items():
        for end, column in (("inflow", "destination"), ("outflow", "origin")):
            parts = [flow["subscribers"] for flow in flows if flow[column] == area]
            assert row[f"{end}_hidden"] == parts.count(None)
            assert row[f"{end}_at_least"] == sum(part or 0 for part in parts)
            assert row[end] == (None if None in parts else sum(parts))
            hidden += None in parts
        assert (row["net"] is None) == (None in (row["inflow"], row["outflow"]))
    assert hidden


def test_each_release_is_stamped_with_its_own_choices_whatever_is_counted_beside_it(
    start: Callable[..., Any],
) -> None:
    operator = start()
    operator.import_(operator.events("calls.csv", lines_of(random_rows(3, 100))))

    def stamped(measures: list[str]) -> dict[str, dict[str, Any]]:
        operator.run(measures=measures)
        return {name: dict(latest(operator.database, f"mobility.{name}").provenance.parameters) for name in measures}

    kinds = ["flows", "flows_all_pairs", "home", "internal_migration", "presence"]
    alone = {name: stamped([name])[name] for name in kinds}
    together = stamped([*kinds, "radius_of_gyration"])
    assert {name: together[name] for name in kinds} == alone
    assert together["flows"]["flows"].startswith("consecutive locations")
    assert "flows" not in together["flows_all_pairs"]  # whose pairs are not consecutive
    assert together["home"]["home"] == together["radius_of_gyration"]["home"]
    assert "home" not in together["internal_migration"]  # whose homes are those of permanence
    assert not {"home", "flows", "location"} & set(together["presence"])


def test_what_has_no_ends_is_no_table_of_flows(start: Callable[..., Any]) -> None:
    operator = start()
    operator.import_(operator.events("calls.csv", lines_of(random_rows(3, 100))))
    operator.run(measures=["home"])
    done = CliRunner().invoke(app, ["net", "mobility.home"], env={"COMMONWEAL_DATA": str(operator.settings.data)})
    assert "an origin and a destination" in str(done.exception)
