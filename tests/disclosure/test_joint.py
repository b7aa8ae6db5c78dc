"""Tables that are published together, and one after another: nothing hidden in any of them can be worked out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.optimize import Bounds as Box
from scipy.optimize import LinearConstraint, milp

from commonweal.core.catalog import Dataset, Dimension, Measure, Privacy
from commonweal.core.catalog import Kind as How
from commonweal.core.errors import InputError, Refused
from commonweal.disclosure import (
    Counted,
    Earlier,
    Joint,
    Keys,
    Kind,
    Relations,
    grouped,
    joined,
    protect_together,
    rows_by_key,
    with_columns,
)

K = 15
EXACTLY = {"presolve": False, "mip_rel_gap": 0.0}
"""The solver's simplification may miss the end over whole numbers."""
PARENT = {"A1": "A", "A2": "A", "B1": "B", "B2": "B", "B3": "B", "A": "all", "B": "all"}
SMALLEST, DISTRICTS = ["A1", "A2", "B1", "B2", "B3"], ["A", "B"]


def dataset(name: str, *dimensions: str, kind: How = How.SUM) -> Dataset:
    return Dataset(
        name=name,
        title=name,
        description="",
        dimensions=tuple(Dimension(one, "area" if one == "area" else "string", "") for one in dimensions),
        measures=(Measure("people", "integer", "", "{people}", kind, "people"),),
        privacy=Privacy.PEOPLE,
    )


HOME = dataset("demo.home", "area")
GROUPS = dataset("demo.groups", "area", "group")


def counted(declared: Dataset, rows: Mapping[Any, int]) -> Counted:
    keys = [key if isinstance(key, tuple) else (key,) for key in rows]
    columns = {name: [key[place] for key in keys] for place, name in enumerate(declared.key)}
    grid = pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
    people = pa.array(rows.values(), pa.int64())
    silent = pa.table({"area": [*SMALLEST, *DISTRICTS, "all"]}) if declared is HOME else None
    return Counted(declared, grid.append_column("people", people), grid, silent)


def relate(keys: Mapping[str, Keys]) -> Relations:
    """An area's residents are those of its parts, and those of its groups."""
    found = []
    for cells in keys.values():
        above = pa.array([PARENT.get(area) for area in cells.table["area"].to_pylist()], pa.string())
        whole = rows_by_key(with_columns(cells.table, area=above), cells.table)
        own = cells.first + np.arange(len(whole))
        found.append(grouped(Kind.SUM, np.where(whole < 0, -1, whole + cells.first), own))
    if {"demo.home", "demo.groups"} <= set(keys):
        home, groups = keys["demo.home"], keys["demo.groups"]
        whole = rows_by_key(groups.table.select(["area"]), home.table)
        own = groups.first + np.arange(len(whole))
        found.append(grouped(Kind.SUM, np.where(whole < 0, -1, whole + home.first), own))
    return joined(found)


def earlier(label: str, declared: Dataset, joint: Joint) -> Earlier:
    return Earlier(label, declared, joint.tables[declared.name], K, joint.audit.hidden_too[declared.name])


def published(table: pa.Table) -> dict[Any, int | None]:
    names = [name for name in table.column_names if not name.startswith("people")]
    keys = zip(*(table[name].to_pylist() for name in names), strict=True)
    return dict(
        zip((key if len(key) > 1 else key[0] for key in keys), table["people"].to_pylist(), strict=True)
    )  # fmt: skip


def readers_intervals(
    true: Sequence[Mapping[str, int]], shown: Sequence[Mapping[str, int | None]]
) -> list[dict[str, tuple[int, int]]]:
    """What somebody who read all releases of homes knows of each area, by another solver: SciPy's over whole numbers.

    They know that parents are the sum of their children, which of the areas in a release are small, and that no records
    went. Releases of one state of the records are read together.

    Parameters
    ----------
    true
        For each state of the records, from the oldest, how many live where.
    shown
        What was published of each, as far as it was asked for.
    """
    names, count = list(true[0]), len(true[0])
    low, high = np.zeros(count * len(true)), np.full(count * len(true), 10_000)
    for state, values in enumerate(shown):
        for name, value in values.items():
            place = state * count + names.index(name)
            if value is not None:
                low[place] = high[place] = value
            elif true[state][name] < K:
                high[place] = K - 1
    sums = np.array(
        [[(PARENT.get(name) == whole) - (name == whole) for name in names] for whole in (*DISTRICTS, "all")]
    )
    grown = np.kron(np.diff(np.eye(len(true)), axis=0), np.eye(count)) if len(true) > 1 else np.zeros((1, count))
    known = [LinearConstraint(np.kron(np.eye(len(true)), sums), 0, 0), LinearConstraint(grown, 0, np.inf)]
    found = []
    for state, values in enumerate(shown):
        ends = {}
        for name in values:
            cost = np.zeros(len(low))
            cost[state * count + names.index(name)] = 1
            solved = [
                milp(
                    way * cost, constraints=known, bounds=Box(low, high), integrality=np.ones(len(low)), options=EXACTLY
                )
                for way in (1, -1)
            ]
            ends[name] = (round(solved[0].fun), round(-solved[1].fun))
        found.append(ends)
    return found


def homes(villages: Mapping[str, int]) -> dict[str, int]:
    districts = {
        name: sum(people for village, people in villages.items() if PARENT[village] == name) for name in DISTRICTS
    }
    return {**villages, **districts, "all": sum(villages.values())}


def test_areas_and_their_parents_are_protected_together():
    true = homes({"A1": 3, "A2": 97, "B1": 40, "B2": 60, "B3": 20})
    joint = protect_together([counted(HOME, true)], relate, k=K)
    shown = published(joint.tables["demo.home"])
    assert shown == {"A1": None, "A2": None, "B1": 40, "B2": 60, "B3": 20, "A": 100, "B": 120, "all": 220}
    states = dict(zip(*(joint.tables["demo.home"][name].to_pylist() for name in ("area", "people_state")), strict=True))
    assert states["A1"] == states["A2"] == "suppressed"
    assert (joint.audit.method, joint.audit.cells, joint.audit.small, joint.audit.complementary) == ("exact", 8, 1, 1)
    assert (joint.audit.required, joint.audit.narrowest) == (14, 14)


def test_without_relations_each_cell_is_judged_for_itself():
    joint = protect_together([counted(HOME, {"A1": 3, "A2": 97})], k=K)
    assert published(joint.tables["demo.home"]) == {"A1": None, "A2": 97}
    assert joint.audit.method == "none needed"


def test_two_datasets_that_hang_together_are_protected_together():
    home = counted(HOME, {"A1": 60, "B1": 50})
    groups = counted(GROUPS, {("A1", "f"): 52, ("A1", "m"): 8, ("B1", "f"): 26, ("B1", "m"): 24})
    joint = protect_together([home, groups], relate, k=K)
    shown = published(joint.tables["demo.groups"]) | published(joint.tables["demo.home"])
    assert shown[("A1", "m")] is None
    assert shown[("A1", "f")] is None or shown["A1"] is None
    assert (shown[("B1", "f")], shown[("B1", "m")], shown["B1"]) == (26, 24, 50)


def test_a_later_release_does_not_complete_an_earlier_one():
    """First villages of a district with the district; then the village that protected another, alone."""
    true = {"A1": 3, "A2": 97}
    first = protect_together([counted(HOME, {**true, "A": 100})], relate, k=K)
    assert published(first.tables["demo.home"]) == {"A1": None, "A2": None, "A": 100}
    alone = counted(HOME, {"A2": 97})
    with pytest.raises(Refused):
        protect_together(
            [counted(dataset("demo.home", "area"), {"A2": 97, "A1": 3})],
            relate,
            earlier=[Earlier("demo.home 1", HOME, _all_known(first, {"A2": 97}))],
            k=K,
        )
    second = protect_together([alone], relate, earlier=[earlier("demo.home 1", HOME, first)], k=K)
    assert published(second.tables["demo.home"]) == {"A2": None}
    assert second.audit.earlier == ("demo.home 1",)


def _all_known(joint: Joint, also: Mapping[str, int]) -> pa.Table:
    """The table, had it been published without protecting what it hid."""
    table = joint.tables["demo.home"]
    values = [
        also.get(area, value)
        for area, value in zip(table["area"].to_pylist(), table["people"].to_pylist(), strict=True)
    ]
    return table.set_column(table.column_names.index("people"), "people", pa.array(values, pa.int64()))


def test_a_parent_that_comes_later_does_not_complete_its_children():
    """Villages first, one of them hidden; the district later: it would give the hidden one away."""
    first = protect_together([counted(HOME, {"A1": 3, "A2": 97})], relate, k=K)
    assert published(first.tables["demo.home"]) == {"A1": None, "A2": 97}
    second = protect_together([counted(HOME, {"A": 100})], relate, earlier=[earlier("demo.home 1", HOME, first)], k=K)
    assert published(second.tables["demo.home"]) == {"A": None}


def test_a_total_that_comes_later_does_not_tell_that_all_that_was_hidden_is_as_large_as_can_be():
    """Two villages of 14 are hidden at first, known to have at most 14; 105 in all would leave nothing else."""
    first = protect_together([counted(HOME, {"B1": 14, "B2": 14, "B3": 77})], relate, k=K)
    second = protect_together([counted(HOME, {"B": 105})], relate, earlier=[earlier("demo.home 1", HOME, first)], k=K)
    assert published(second.tables["demo.home"]) == {"B": None}


def test_few_people_more_in_a_later_release_are_not_a_number():
    first = protect_together([counted(HOME, {"A1": 40, "A2": 97, "B1": 200})], k=K)
    grown = counted(HOME, {"A1": 41, "A2": 97, "B1": 260})
    second = protect_together([grown], earlier=[earlier("demo.home 1", HOME, first)], k=K)
    assert published(second.tables["demo.home"]) == {"A1": None, "A2": 97, "B1": 260}


def test_almost_the_same_people_of_other_days_are_compared_and_nothing_else():
    """Homes of a week, and of another: few more or fewer are not a number; larger differences need not fit anything."""
    first = protect_together([counted(HOME, {"A1": 40, "A2": 97, "A": 137, "B1": 200})], relate, k=K)
    before = earlier("demo.home 1", HOME, first)
    apart = replace(before, apart="first week", compared=before.table)
    other = counted(HOME, {"A1": 42, "A2": 97, "A": 139, "B1": 150})
    second = protect_together([other], relate, earlier=[apart], k=K)
    assert published(second.tables["demo.home"]) == {"A1": None, "A2": 97, "A": None, "B1": 150}
    assert second.audit.states == 1
    assert protect_together([other], relate, earlier=[before], k=K).audit.states == 2
    # What is as it was may be supposed to be so: it protects no other.
    few = counted(HOME, {"A1": 3, "A2": 97, "A": 100})
    assert published(protect_together([few], relate, earlier=[apart], k=K).tables["demo.home"])["A2"] == 97


def test_a_refusal_names_the_tables_that_could_not_be_protected():
    """17 people of an area were published; both of its groups are below 15, so each of them is from 3 to 14."""
    first = protect_together([counted(HOME, {"B1": 17, "B2": 60})], relate, k=K)
    groups = counted(GROUPS, {("B1", "f"): 5, ("B1", "m"): 12, ("B2", "f"): 30, ("B2", "m"): 30})
    with pytest.raises(Refused, match=r"^demo\.groups: what was published before"):
        protect_together(
            [groups, counted(HOME, {"B1": 17, "B2": 60})], relate, earlier=[earlier("demo.home 1", HOME, first)], k=K
        )


def test_few_people_more_than_a_part_had_before_are_not_a_number():
    """97 of a village once; 108 in its district now: 11 live elsewhere in it, or came since."""
    first = protect_together([counted(HOME, {"A2": 97, "B1": 200})], relate, k=K)
    before = [earlier("demo.home 1", HOME, first)]
    alone = protect_together([counted(HOME, {"A": 108})], relate, earlier=before, k=K)
    assert published(alone.tables["demo.home"]) == {"A": None}
    grown = counted(HOME, {"A": 150, "A1": 38, "A2": 112, "B1": 200})
    assert published(protect_together([grown], relate, earlier=before, k=K).tables["demo.home"])["A"] == 150
    few = counted(HOME, {"A": 150, "A1": 43, "A2": 107, "B1": 200})
    assert published(protect_together([few], relate, earlier=before, k=K).tables["demo.home"])["A2"] is None
    close = counted(HOME, {"A": 110, "A1": 0, "A2": 110, "B1": 200})
    assert published(protect_together([close], relate, earlier=before, k=K).tables["demo.home"])["A"] is None


def test_what_is_left_was_attacked():
    joint = protect_together([counted(HOME, homes({"A1": 3, "A2": 97, "B1": 40, "B2": 14, "B3": 20}))], relate, k=K)
    reconstruction, differencing = (one.finding for one in joint.findings)
    assert (reconstruction.hidden, reconstruction.recovered, reconstruction.narrowest) == (4, 0, 14)
    assert (differencing.small, differencing.formed > 0) == (0, True)


def test_days_that_one_threshold_hid_are_not_narrowed_by_another():
    first = protect_together([counted(HOME, {"A1": 3, "A2": 97})], k=K)
    with pytest.raises(Refused, match="below 15"):
        protect_together([counted(HOME, {"A1": 3})], earlier=[earlier("demo.home 1", HOME, first)], k=5)


def test_a_number_that_was_shown_and_then_hidden_is_not_the_same_any_more():
    """32, then hidden since it is 33; a later release must not tell that nobody else came."""
    before, steps = [], [{"A1": 32}, {"A": 75, "A1": 33}]
    for number, rows in enumerate(steps, start=1):
        joint = protect_together([counted(HOME, rows)], relate, earlier=before, k=K)
        before.append(earlier(f"demo.home {number}", HOME, joint))
    assert published(joint.tables["demo.home"]) == {"A": 75, "A1": None}
    with pytest.raises(Refused):  # 93 − 60 = 33
        protect_together([counted(HOME, {"A": 93, "A2": 60})], relate, earlier=before, k=K)


def test_a_table_that_counts_nobody_changes_nothing_of_those_that_do():
    surface = replace(HOME, name="demo.surface", measures=(Measure("km2", "number", "", "km2", How.SUM),))
    known = Earlier("demo.surface release 1", surface, pa.table({"area": ["A1"], "km2": [3.0]}), K)
    alone = protect_together([counted(GROUPS, {("A1", "x"): 40, ("A2", "x"): 3})])
    beside = protect_together([counted(GROUPS, {("A1", "x"): 40, ("A2", "x"): 3})], earlier=[known])
    assert beside.tables == alone.tables


def test_the_same_again_is_the_same():
    true = homes({"A1": 3, "A2": 97, "B1": 40, "B2": 14, "B3": 20})
    first = protect_together([counted(HOME, true)], relate, k=K)
    again = protect_together([counted(HOME, true)], relate, earlier=[earlier("demo.home 1", HOME, first)], k=K)
    assert again.tables["demo.home"].equals(first.tables["demo.home"])


CHOSEN = some.sets(some.sampled_from([*SMALLEST, *DISTRICTS, "all"]), min_size=1)
SIZES = some.lists(some.sampled_from([0, 3, 8, 14, 15, 18, 30, 97, 400]), min_size=5, max_size=5)


@settings(max_examples=12, deadline=None)
@given(SIZES, some.lists(CHOSEN, min_size=2, max_size=4))
def test_no_sequence_of_releases_lets_a_reader_work_anything_out(sizes, choices):
    """Whatever is published when, of whichever areas and their parents, by the same records."""
    true = homes(dict(zip(SMALLEST, sizes, strict=True)))
    for shown in released([true] * len(choices), choices):
        together: dict[str, int | None] = {}
        for values in shown:
            together |= {name: value for name, value in values.items() if together.get(name) is None}
        [ranges] = readers_intervals([true], [together])
        for name, (low, high) in ranges.items():
            assert together[name] is not None or high - low >= K - 1, name


@settings(max_examples=8, deadline=None)
@given(SIZES, some.lists(some.tuples(some.lists(some.sampled_from([0, 0, 2, 20, 60]), min_size=5, max_size=5), CHOSEN)))
def test_records_that_came_in_between_let_nobody_work_out_what_was_hidden_before(sizes, later):
    """The same, while people are added: the reader knows that nobody went."""
    true, choices = [homes(dict(zip(SMALLEST, sizes, strict=True)))], [{*SMALLEST, *DISTRICTS, "all"}]
    for more, chosen in later[:3]:
        true.append(homes({name: true[-1][name] + some for name, some in zip(SMALLEST, more, strict=True)}))
        choices.append(chosen)
    for shown in released(true, choices):
        for state, ranges in enumerate(readers_intervals(true[: len(shown)], shown)):
            for name, (low, high) in ranges.items():
                # What was hidden to protect others may be shown later, when it protects nobody.
                known_later = any(values.get(name) == true[state][name] for values in shown[state:])
                assert known_later or high - low >= K - 1, (state, name)


def released(
    true: Sequence[Mapping[str, int]], choices: Sequence[Collection[str]]
) -> Iterator[list[dict[str, int | None]]]:
    """Release some areas after others, and give after each what has been published; nothing where it was refused."""
    before: list[Earlier] = []
    shown: list[dict[str, int | None]] = []
    for number, (values, chosen) in enumerate(zip(true, choices, strict=True), start=1):
        wanted = {name: values[name] for name in values if name in chosen}
        try:
            joint = protect_together([counted(HOME, wanted)], relate, earlier=before, k=K)
        except Refused:  # nothing is published: nothing is learnt
            shown.append({})
        else:
            shown.append(published(joint.tables["demo.home"]))
            before.append(earlier(f"demo.home {number}", HOME, joint))
        yield shown


def test_what_was_hidden_is_looked_at_as_it_was_then():
    """111 with 14 and 20 hidden; then more of all but the 20: shown now, it would give the 14 away."""
    first = protect_together([counted(HOME, {"B": 111, "B1": 14, "B2": 20, "B3": 77})], relate, k=K)
    assert published(first.tables["demo.home"]) == {"B": 111, "B1": None, "B2": None, "B3": 77}
    grown = counted(HOME, {"B": 227, "B1": 30, "B2": 20, "B3": 177})
    second = protect_together([grown], relate, earlier=[earlier("demo.home 1", HOME, first)], k=K)
    assert published(second.tables["demo.home"])["B2"] is None
    assert second.audit.states == 2


def test_records_that_changed_do_not_contradict_what_was_published_of_others():
    """The district of the first release and the villages of the second do not add up any more; both stand."""
    first = protect_together([counted(HOME, {"A": 100})], relate, k=K)
    second = protect_together(
        [counted(HOME, {"A1": 80, "A2": 160})], relate, earlier=[earlier("demo.home 1", HOME, first)], k=K
    )
    assert published(second.tables["demo.home"]) == {"A1": 80, "A2": 160}


def test_two_tables_for_one_dataset_are_refused():
    with pytest.raises(InputError, match="two tables"):
        protect_together([counted(HOME, {"A1": 40}), counted(HOME, {"A2": 40})])


SHARE = Measure("share", "number", "", "1", How.RATIO, None)
HOURS = Measure("hours", "integer", "", "h", How.SUM, None)


def beside(*more: Measure, **columns: list[float]) -> Counted:
    """Three villages and their district, of which one is small, with other numbers of the same people."""
    both = replace(HOME, measures=(*HOME.measures, *more))
    people = {"B1": 3, "B2": 60, "B3": 80, "B": 143}
    raw = pa.table({"area": list(people), "people": list(people.values()), **columns})
    return Counted(both, raw, raw.select(["area"]))


def test_what_is_hidden_to_protect_others_is_not_told_by_its_share():
    joint = protect_together([beside(SHARE, share=[0.003, 0.06, 0.08, 0.143])], relate, k=K)
    rows = joint.tables["demo.home"].to_pylist()
    hidden = {row["area"] for row in rows if row["people"] is None}
    assert len(hidden) == 2
    assert all((row["share"] is None) == (row["area"] in hidden) for row in rows)
    assert all((row["share_state"] == "suppressed") == (row["area"] in hidden) for row in rows)
