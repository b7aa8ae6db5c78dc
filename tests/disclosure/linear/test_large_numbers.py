"""What a reader can work out of numbers above 10⁹, where a solver in floating point may lose its way.

The references are no solver's: bounds that are known in closed form, bounds that were worked out by hand, and those of
small tables, found by trying out every one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from commonweal.disclosure.linear.bounds import Bounds, bounds
from commonweal.disclosure.linear.contradiction import Contradiction
from commonweal.disclosure.linear.files import read_relations, read_tables
from commonweal.disclosure.linear.reading import suppressed_bounds
from commonweal.disclosure.linear.relations import Kind, relations
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of

large = some.integers(10**9, 10**12)
SUMS = [(11, [3, 7]), (12, [4, 8]), (8, [5, 6, 7]), (12, [9, 10, 11]), (4, [1, 2, 3]), (9, [1, 5]), (10, [2, 6])]
"""Two rows of three cells: 1, 2, 3 of 4 in all and 5, 6, 7 of 8 in all; columns 9, 10, 11; all of it 12."""


def with_margins(rows: int, columns: int) -> list[tuple[int, list[int], Kind]]:
    """Relate the cells of a table to its margins, numbered row by row with the margin last."""
    number = np.arange((rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    lines = [*number, *number.T]
    return [(int(line[-1]), line[:-1].tolist(), Kind.SUM) for line in lines]


def bounded(table: np.ndarray, hidden: np.ndarray, found: list[tuple[int, list[int], Kind]]) -> Bounds:
    low, high = np.where(hidden, 0, table), np.where(hidden, UNBOUNDED, table)
    return bounds(rows_of(relations(found)), low.ravel(), high.ravel())


def test_a_table_of_which_two_large_numbers_are_known(tmp_path: Path) -> None:
    """All follows from x₈ = x₅ + x₆ + x₇ = 7.7 · 10⁹ and x₁₀ = x₂ + x₆ = 5.3 · 10⁹, whole numbers from 0.

    x₂, x₆ ≤ x₁₀, and each end is reached with the other at 0 (x₆ = x₁₀ is possible, since x₁₀ ≤ x₈). x₅, x₇ ≤ x₈,
    reached with x₆ = 0. x₁ and x₃ stand in no equation with a known whole, so they have no end, nor have their sums x₄,
    x₉, x₁₁ and x₁₂. Least are x₁ = x₃ = 0; x₄ = 0 with x₆ = x₁₀; x₉ = 0 with x₅ = 0; x₁₁ = 0 with x₇ = 0; and
    x₁₂ = x₄ + x₈ ≥ x₈, which is reached with x₄ = 0.
    """
    numbers = dict.fromkeys(range(1, 13), "") | {8: "7700000000", 10: "5300000000"}
    (tmp_path / "h.csv").write_text("value,id\n" + "".join(f"{numbers[row]},{row}\n" for row in numbers))
    said = [{"whole": f"h:{whole}", "parts": [f"h:{one}" for one in parts], "kind": "sum"} for whole, parts in SUMS]
    (tmp_path / "h.json").write_text(json.dumps(said))
    published = read_tables([tmp_path / "h.csv"])
    found = suppressed_bounds(published, read_relations(tmp_path / "h.json", published))
    assert {one.cell: (one.low, one.high) for one in found} == {
        "h:1": (0, None),
        "h:2": (0, 5_300_000_000),
        "h:3": (0, None),
        "h:4": (0, None),
        "h:5": (0, 7_700_000_000),
        "h:6": (0, 5_300_000_000),
        "h:7": (0, 7_700_000_000),
        "h:9": (0, None),
        "h:11": (0, None),
        "h:12": (7_700_000_000, None),
    }


@settings(max_examples=15, deadline=None)
@given(some.lists(some.lists(large, min_size=3, max_size=3), min_size=2, max_size=3))
def test_cells_of_which_only_the_margins_are_known_have_the_bounds_of_frechet(inner: list[list[int]]) -> None:
    """max(0, rᵢ + cⱼ − N) ≤ xᵢⱼ ≤ min(rᵢ, cⱼ), and whole numbers reach both ends (Fréchet 1940)."""
    value = np.array(inner)
    table = completed(value)
    hidden = np.zeros(table.shape, bool)
    hidden[:-1, :-1] = True
    found = bounded(table, hidden, with_margins(*value.shape))
    rows, columns, total = table[:-1, -1:], table[-1:, :-1], table[-1, -1]
    low, high = found.low.reshape(table.shape)[:-1, :-1], found.high.reshape(table.shape)[:-1, :-1]
    assert low.tolist() == np.maximum(0, rows + columns - total).tolist()
    assert high.tolist() == np.minimum(rows, columns).tolist()


@pytest.mark.parametrize("times", [2_333_333_333, 999_999_999_989])
@settings(max_examples=15, deadline=None)
@given(some.lists(some.integers(0, 2), min_size=6, max_size=6), some.lists(some.booleans(), min_size=12, max_size=12))
def test_bounds_grow_as_the_table_does(times: int, inner: list[int], shown: list[bool]) -> None:
    """The equations of a table with two margins are totally unimodular: bounds over whole numbers are those over
    fractions, and so a table of numbers `times` as large has bounds `times` as large (Hoffman and Kruskal 1956)."""
    table = completed(np.array(inner).reshape(2, 3))
    hidden = ~np.array(shown).reshape(table.shape)
    hidden[-1, -1] = False
    tables = [completed(value) for value in of_total(int(table[-1, -1]))]
    every = np.array([other.ravel() for other in tables if (other == table)[~hidden].all()])
    found = bounded(table * times, hidden, with_margins(2, 3))
    assert found.low.tolist() == (every.min(0) * times).tolist()
    assert found.high.tolist() == (every.max(0) * times).tolist()


def completed(value: np.ndarray) -> np.ndarray:
    return np.block([[value, value.sum(1)[:, None]], [value.sum(0)[None], np.array([[value.sum()]])]])


def of_total(total: int) -> Iterator[np.ndarray]:
    """Give every table of two rows and three columns whose cells add up to a total: five bars among that many stars."""
    for bars in combinations(range(total + 5), 5):
        yield np.diff([-1, *bars, total + 5]).reshape(2, 3) - 1


@pytest.mark.parametrize(
    ("values", "found"),
    [
        # The second cell is at most the fifth, which is at most it and others: bounds double without end.
        (["", "", "1", "", ""], [(5, [2], "union"), (5, [4], "union"), (5, [4, 3, 1], "sum"), (5, [4, 2, 1], "sum")]),
        (["", *[str(2**50)] * 8, ""], [(1, list(range(2, 11)), "sum")]),
    ],
    ids=["round in circles", "a sum beyond 2^53"],
)
def test_numbers_that_grow_beyond_all_counting_are_refused(
    values: list[str], found: list[tuple[int, list[int], str]], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["value", *(value or '""' for value in values)]))
    given = [
        {"whole": f"t:{whole}", "parts": [f"t:{part}" for part in parts], "kind": kind} for whole, parts, kind in found
    ]
    (tmp_path / "relations.json").write_text(json.dumps(given))
    tables = read_tables([tmp_path / "t.csv"])
    with pytest.raises(Contradiction, match=r"beyond 2\^53"):
        suppressed_bounds(tables, read_relations(tmp_path / "relations.json", tables))
