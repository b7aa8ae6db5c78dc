"""Sums that count nobody, such as durations: hidden ones cannot be worked out from those that are published."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.optimize import linprog

from commonweal.core.catalog import Dataset, Dimension, Measure, Privacy
from commonweal.core.catalog import Kind as How
from commonweal.core.errors import Refused
from commonweal.disclosure import (
    Counted,
    Earlier,
    Keys,
    Kind,
    Relations,
    grouped,
    protect_together,
    rows_by_key,
    with_columns,
)

K = 15
PARENT = {"A1": "A", "A2": "A", "A3": "A", "B1": "B", "B2": "B", "B3": "B", "A": "all", "B": "all"}
VILLAGES = ["A1", "A2", "A3", "B1", "B2", "B3"]


def dataset(*more: Measure) -> Dataset:
    people = Measure("people", "integer", "", "{people}", How.SUM, "people")
    hours = Measure("hours", "integer", "", "h", How.SUM, None)
    return Dataset(
        name="demo.stays",
        title="",
        description="",
        dimensions=(Dimension("area", "area", ""),),
        measures=more or (people, hours),
        privacy=Privacy.PEOPLE,
    )


STAYS = dataset()


def relate(keys: Mapping[str, Keys]) -> Relations:
    (cells,) = keys.values()
    above = pa.array([PARENT.get(area) for area in cells.table["area"].to_pylist()], pa.string())
    whole = rows_by_key(with_columns(cells.table, area=above), cells.table)
    return grouped(Kind.SUM, whole, np.arange(len(whole)))


def counted(villages: Mapping[str, tuple[int, int, int]], declared: Dataset = STAYS) -> Counted:
    """People, hours and the most hours of one person, by village; districts and the country are made of them."""
    rows = dict(villages)
    for above in ("A", "B", "all"):
        own = [rows[area] for area in rows if PARENT.get(area) == above]
        rows[above] = (sum(n for n, _, _ in own), sum(h for _, h, _ in own), max(most for _, _, most in own))
    raw = {
        "area": list(rows),
        "people": [people for people, _, _ in rows.values()],
        "hours": [hours for _, hours, _ in rows.values()],
        "hours_largest": [most for _, _, most in rows.values()],
    }
    table = pa.table(raw)
    return Counted(declared, table, table.select(["area"]))


def intervals(*shown: Mapping[str, int | None]) -> dict[str, float]:
    """How wide a reader's interval of each hidden sum is, by SciPy's linear programme; released before or now."""
    areas = [*VILLAGES, "A", "B", "all"]
    matrix = np.zeros((3, len(areas)))
    for row, above in enumerate(("A", "B", "all")):
        matrix[row, areas.index(above)] = -1
        for area, parent in PARENT.items():
            matrix[row, areas.index(area)] = parent == above or matrix[row, areas.index(area)]
    known = {area: hours for one in shown for area, hours in one.items() if hours is not None}
    box = [(known[area],) * 2 if area in known else (0, 10**6) for area in areas]
    found = {}
    for place, area in enumerate(areas):
        if area not in known:
            ends = [
                linprog(sign * np.eye(len(areas))[place], A_eq=matrix, b_eq=np.zeros(3), bounds=box).fun * sign
                for sign in (1, -1)
            ]
            found[area] = ends[1] - ends[0]
    return found


def hours(table: pa.Table) -> dict[str, int | None]:
    return dict(zip(table["area"].to_pylist(), table["hours"].to_pylist(), strict=True))


def villages() -> some.SearchStrategy[dict[str, tuple[int, int, int]]]:
    """Few people or many, who stay evenly, or one of whom stays nearly all of the time."""
    stay = some.tuples(some.integers(0, 60), some.integers(1, 9), some.integers(0, 400)).map(
        lambda drawn: (
            (drawn[0], drawn[0] * drawn[1] + (drawn[2] if drawn[0] else 0), drawn[1] + drawn[2])
            if drawn[0]
            else (0, 0, 0)
        )
    )
    return some.fixed_dictionaries(dict.fromkeys(VILLAGES, stay))


@given(villages())
@settings(max_examples=20, deadline=None)
def test_no_hidden_sum_is_known_more_closely_than_the_rule_says(drawn: dict[str, tuple[int, int, int]]) -> None:
    one = counted(drawn)
    table = protect_together([one], relate, k=K).tables["demo.stays"]
    true = {row["area"]: row for row in one.raw.to_pylist()}
    for area, width in intervals(hours(table)).items():
        assert width >= max(1, true[area]["hours"], 2 * (2 * true[area]["hours_largest"] - true[area]["hours"])) - 1e-6
    for row in table.to_pylist():
        unsafe = true[row["area"]]["people"] < K or 2 * true[row["area"]]["hours_largest"] > true[row["area"]]["hours"]
        assert not (unsafe and row["hours"] is not None)


EVEN = {"A1": (40, 400, 12), "A2": (50, 300, 12), "A3": (60, 500, 12)}


def test_a_person_who_dominates_is_not_found_by_subtraction() -> None:
    """B1 has people enough, one of whom stays most of the time: the threshold alone would hide nothing else."""
    one = counted({**EVEN, "B1": (20, 700, 600), "B2": (30, 240, 9), "B3": (90, 1800, 30)})
    table = protect_together([one], relate, k=K).tables["demo.stays"]
    hidden = {area for area, known in hours(table).items() if known is None}
    assert "B1" in hidden
    assert len(hidden & {"B", "B2", "B3"}) >= 1
    assert intervals(hours(table))["B1"] >= 700
    unrelated = protect_together([one], k=K).tables["demo.stays"]
    assert {area for area, known in hours(unrelated).items() if known is None} == {"B1"}


def test_what_is_hidden_for_a_sum_tells_nothing_of_people_either_and_a_later_release_keeps_it() -> None:
    one = counted({**EVEN, "B1": (20, 700, 600), "B2": (30, 240, 9), "B3": (90, 1800, 30)})
    first = protect_together([one], relate, k=K)
    for row in first.tables["demo.stays"].to_pylist():
        assert row["hours"] is not None or row["people"] is None or row["area"] == "B1"
    before = Earlier("demo.stays 1", STAYS, first.tables["demo.stays"], K, first.audit.hidden_too["demo.stays"], 1)
    again = protect_together([one], relate, earlier=[before], k=K).tables["demo.stays"]
    both = intervals(hours(first.tables["demo.stays"]), hours(again))
    assert both["B1"] >= 700


def test_a_sum_that_grew_since_it_was_published_is_not_published_again() -> None:
    drawn = {**EVEN, "B1": (20, 200, 12), "B2": (30, 240, 9), "B3": (90, 1800, 30)}
    first = protect_together([counted(drawn)], relate, k=K)
    before = Earlier("demo.stays 1", STAYS, first.tables["demo.stays"], K, (), 1)
    grown = counted({**drawn, "B1": (20, 203, 12)})
    with pytest.raises(Refused, match="as another: records came in"):
        protect_together([grown], relate, earlier=[before], k=K)


def test_sums_of_people_whom_no_column_counts_are_protected_alike() -> None:
    alone = dataset(Measure("hours", "integer", "", "h", How.SUM, None))
    one = counted({**EVEN, "B1": (3, 7, 3), "B2": (60, 300, 9), "B3": (80, 400, 9)}, alone)
    table = protect_together([one], relate, k=K).tables["demo.stays"]
    assert intervals(hours(table))["B1"] >= 7


def test_sums_with_fractions_that_would_give_a_hidden_one_away_are_refused() -> None:
    declared = dataset(Measure("hours", "number", "", "h", How.SUM, None))
    one = counted({**EVEN, "B1": (3, 7, 3), "B2": (60, 300, 9), "B3": (80, 400, 9)}, declared)
    column = one.raw.column_names.index("hours")
    raw = one.raw.set_column(column, "hours", one.raw["hours"].cast(pa.float64()))
    with pytest.raises(Refused, match="fractions"):
        protect_together([Counted(declared, raw, one.grid)], relate, k=K)
