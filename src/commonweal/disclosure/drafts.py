"""The cells of tables before they are protected: numbered, with what a reader knows of each already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog.declaration import Dataset, Measure, State
from commonweal.core.catalog.declaration import Kind as How
from commonweal.core.errors import InputError
from commonweal.disclosure.dominance import HALF, Dominance
from commonweal.disclosure.linear.keys import rows_by_key
from commonweal.disclosure.linear.relations import Relations, joined
from commonweal.disclosure.linear.rows import UNBOUNDED
from commonweal.disclosure.linear.suppression import Cells, counts
from commonweal.disclosure.threshold import DEFAULT_THRESHOLD, PEOPLE, on_grid
from commonweal.disclosure.threshold import suppress as suppress_small

ROUNDED_TO = "rounded_to"


@dataclass(frozen=True, eq=False)
class Counted:
    """A table of counts of people, not protected yet.

    Parameters
    ----------
    dataset
        What it will be published as; one of its measures at most counts people.
    raw, grid
        As in `commonweal.disclosure.threshold.suppress`.
    silent
        Keys that are not published, but through which published ones hang together: a level of areas between two.
    """

    dataset: Dataset
    raw: pa.Table
    grid: pa.Table | None
    silent: pa.Table | None = None


@dataclass(frozen=True, eq=False)
class Earlier:
    """A table about the same people that was published before.

    Parameters
    ----------
    label
        What it is called: dataset and version.
    dataset
        As what it was published.
    table
        What was published.
    k
        The threshold below which it hid; if None, the one of what is protected beside it.
    hidden_too
        Rows, from 0, that it hid to protect others; all else that it hid was below *k*, which its readers know.
    entry
        Number of the entry in the ledger: tables of one entry were counted of the same records. None: of no other.
    days
        First and last-exclusive day that it was counted over; None where that is not known.
    apart
        What its cells are told by from those that are counted now under the same name, where these are others: almost
        the same people, found over other days. Empty where they are the same cells.
    compared
        Where they are others, the keys, row by row, of the cells now that count almost the same people.
    """

    label: str
    dataset: Dataset
    table: pa.Table
    k: int | None = None
    hidden_too: Sequence[int] = ()
    entry: int | None = None
    days: tuple[date, date] | None = None
    apart: str = ""
    compared: pa.Table | None = None

    @property
    def name(self) -> str:
        """The name of its cells: its dataset's, and behind it what they are told by, if they are others than now."""
        return f"{self.dataset.name} {self.apart}".rstrip()


@dataclass(frozen=True, eq=False)
class Keys:
    """The cells of one dataset, those that are to be published now before those that only were published before.

    Parameters
    ----------
    table
        Their keys; cell ``first + i`` has the key of row i.
    first
        Number of the first cell.
    """

    table: pa.Table
    first: int


Relate = Callable[[Mapping[str, Keys]], Relations]
"""Says how cells hang together, by the name of the dataset: which is a part of which."""


@dataclass(frozen=True, eq=False)
class RawCells:
    """Cells of tables before they are protected: for choosing a rule, never to be written down.

    Parameters
    ----------
    keys
        By the name of their dataset.
    value
        Distinct people in each, int64.
    given
        How they hang together.
    """

    keys: Mapping[str, Keys]
    value: np.ndarray
    given: Relations


def raw_cells(tables: Sequence[Counted], relate: Relate | None = None) -> RawCells:
    """Gather the cells that `protect_together` would protect, as they were counted.

    Raises
    ------
    InputError
        As `protect_together`.
    """
    drafts, keys = drafted(tables, (), DEFAULT_THRESHOLD)
    cells = together([draft.cells for draft in drafts.values()])
    return RawCells(keys, cells.value, relate(keys) if relate else joined([]))


def counting(dataset: Dataset) -> Measure | None:
    """Give the measure of a dataset that counts people, if it has one.

    Raises
    ------
    InputError
        It has several: each is a dataset of its own.
    """
    found = [item for item in dataset.measures if item.counts is not None and item.kind is not How.RATIO]
    if len(found) > 1:
        raise InputError("several measures count people", where=dataset.name, expected="a dataset for each")
    return found[0] if found else None


def drafted(
    tables: Sequence[Counted],
    earlier: Sequence[Earlier],
    k: int,
    dominance: Dominance = HALF,
    *,
    silent: Sequence[tuple[str, Dataset, pa.Table]] = (),
) -> tuple[dict[str, Draft], dict[str, Keys]]:
    """Number the cells of tables, and of what was published before.

    Parameters
    ----------
    tables, earlier, k, dominance
        As in `protect_together`.
    silent
        Names and tables of further keys, of whose cells nothing is known.
    """
    names = [one.dataset.name for one in tables]
    if len(set(names)) < len(names):
        raise InputError("two tables are for one dataset", where=max(names, key=names.count), expected="one table each")
    drafts = {one.dataset.name: Draft(one, k, dominance) for one in tables}
    for one in earlier:
        if counting(one.dataset):  # nothing else tells of numbers of people
            drafts.setdefault(one.name, Draft.none(one.dataset)).know(one, k)
    linking = [(one.dataset.name, one.dataset, one.silent) for one in tables if one.silent is not None]
    for name, dataset, table in [*silent, *linking]:
        if counting(dataset):
            drafts.setdefault(name, Draft.none(dataset)).link(table)
    keys: dict[str, Keys] = {}
    first = 0
    for name, draft in drafts.items():
        keys[name] = Keys(draft.keys, first)
        first += draft.keys.num_rows
    return drafts, keys


class Draft:
    """The cells of one dataset: those of the table that is to be published, then others that were published before."""

    def __init__(self, counted: Counted, k: int, dominance: Dominance) -> None:
        self.dataset, self.measure = counted.dataset, counting(counted.dataset)
        self.table = suppress_small(counted.dataset, counted.raw, counted.grid, k, dominance)
        joined_ = on_grid(counted.dataset, counted.raw, counted.grid)
        own = f"{self.measure.name}_{PEOPLE}" if self.measure else PEOPLE
        people = pc.fill_null(joined_.column(own if own in joined_.column_names else PEOPLE), 0)
        order = self._order(joined_.select(counted.dataset.key))
        self.rows = self.table.num_rows
        self.keys = self.table.select(counted.dataset.key)
        value = people.to_numpy()[order].astype(np.int64)
        self.cells = counts(value, k)
        if self.measure:  # what is suppressed for another reason, such as a value below k, is hidden too
            also = (
                np.asarray(pc.equal(self.table.column(self.measure.state), State.SUPPRESSED.value)) & ~self.cells.hidden
            )
            self.cells.low[also], self.cells.high[also] = 0, UNBOUNDED
        self.unknown = np.zeros(self.rows, bool)
        self.own = np.full(self.rows, self.measure is not None)
        self.fits = True

    def _order(self, keys: pa.Table) -> np.ndarray:
        if not self.dataset.key:
            return np.arange(keys.num_rows or self.table.num_rows)
        return rows_by_key(self.table.select(self.dataset.key), keys)

    @classmethod
    def none(cls, dataset: Dataset) -> Draft:
        """Begin with nothing that is to be published."""
        draft = cls.__new__(cls)
        draft.dataset, draft.measure, draft.rows, draft.fits = dataset, counting(dataset), 0, True
        draft.keys, draft.cells, draft.unknown, draft.own = None, together([]), np.zeros(0, bool), np.zeros(0, bool)
        return draft

    def know(self, earlier: Earlier, k: int) -> None:
        """Take in what was published before; `fits` tells afterwards whether it can be of the same records."""
        assert self.measure
        keys = earlier.table.select(earlier.dataset.key)
        told = _told(earlier, self.measure, k)
        row = self._rows(keys)
        self._narrow(np.flatnonzero(row >= 0), row, told, surely=earlier.k is not None)
        self._append(keys.take(pa.array(np.flatnonzero(row < 0))), told.taken(row < 0))

    def link(self, silent: pa.Table) -> None:
        """Take in cells of which nothing is known."""
        keys = silent.select(self.dataset.key)
        keys = keys.take(pa.array(np.flatnonzero(self._rows(keys) < 0)))
        nothing = np.zeros(keys.num_rows, np.int64)
        self._append(keys, Cells(nothing, nothing, nothing + UNBOUNDED, nothing, nothing > 0, nothing * 0.0))

    def _rows(self, keys: pa.Table) -> np.ndarray:
        if self.keys is None:
            self.keys = keys.slice(0, 0)
        return rows_by_key(keys, self.keys)

    def _append(self, keys: pa.Table, cells: Cells) -> None:
        self.keys = pa.concat_tables([self.keys, keys.cast(self.keys.schema)])
        self.cells = self.cells.extended(cells)
        self.unknown = np.concatenate([self.unknown, ~cells.fixed])
        self.own = np.concatenate([self.own, np.zeros(len(cells.value), bool)])

    def _narrow(self, which: np.ndarray, row: np.ndarray, told: Cells, *, surely: bool) -> None:
        """Know more of cells that are there: of those that are to be published now, only that they were."""
        cells, its_own = self.cells, row[which] < self.rows
        most = np.where(told.fixed | surely, told.high, UNBOUNDED)
        here, there = row[which[its_own]], which[its_own]
        self.fits &= bool(((cells.value[here] >= told.low[there]) & (cells.value[here] <= most[there])).all())
        here = here[told.fixed[there] & (cells.value[here] == told.value[there])]
        cells.fixed[here] = True
        cells.low[here] = cells.high[here] = cells.value[here]

        here, there = row[which[~its_own]], which[~its_own]
        low, high = np.maximum(cells.low[here], told.low[there]), np.minimum(cells.high[here], most[there])
        # What was published once, and then hidden, was not the same any more: hiding it would have hidden nothing.
        self.fits &= bool((low <= high).all() and not (cells.fixed[here] & ~told.fixed[there]).any())
        cells.low[here], cells.high[here] = low, np.maximum(low, high)
        cells.need[here] = np.maximum(cells.need[here], told.need[there])
        cells.fixed[here], cells.value[here] = cells.low[here] == cells.high[here], low
        self.unknown[here] = ~cells.fixed[here]

    def published(self, hidden: np.ndarray) -> pa.Table:
        """Give the table without the values of the hidden cells, and without whatever else their rows tell."""
        table = self.table
        for measure in self.dataset.measures:
            value, state = table.column(measure.name), table.column(measure.state)
            mask = pc.and_(pa.array(hidden), pc.not_equal(state, State.MISSING.value))
            value = pc.if_else(mask, pa.scalar(None, value.type), value)
            state = pc.if_else(mask, pa.scalar(State.SUPPRESSED.value, state.type), state)
            table = table.set_column(table.column_names.index(measure.name), measure.name, value)
            table = table.set_column(table.column_names.index(measure.state), measure.state, state)
        return table


def together(several: Sequence[Cells]) -> Cells:
    nothing = np.zeros(0, np.int64)
    whole = Cells(nothing, nothing, nothing, nothing, np.zeros(0, bool), np.zeros(0))
    for one in several:
        whole = whole.extended(one)
    return whole


def _told(earlier: Earlier, measure: Measure, k: int) -> Cells:
    """What a release told of its cells: fixed are those of which it said the number."""
    value = earlier.table.column(measure.name)
    known = np.asarray(value.is_valid())
    values = pc.fill_null(value, 0).cast(pa.int64(), safe=False).to_numpy()
    k_then = earlier.k or k
    most = np.full(len(known), k_then - 1)
    most[list(earlier.hidden_too)] = UNBOUNDED
    low, high = np.where(known, values, 0), np.where(known, values, most)
    if ROUNDED_TO in earlier.table.column_names:
        base = pc.fill_null(earlier.table.column(ROUNDED_TO), 1).to_numpy()
        high = np.where(known, values + base - 1, high)
    return Cells(low, low, high, np.where(known, 0, k_then - 1), low == high, np.zeros(len(known)))


def said_before(earlier: Sequence[Earlier], keys: Mapping[str, Keys], count: int) -> list[np.ndarray]:
    """What each entry in the ledger said of each cell, or of almost the same people; float64, NaN for no number.

    Parameters
    ----------
    earlier
        As in `protect_together`.
    keys, count
        The cells, and how many they are.
    """
    found = []
    for several in by_entry(earlier):
        said = np.full(count, np.nan)
        for one in several:
            cells = keys.get(one.dataset.name)
            if (measure := counting(one.dataset)) and cells:
                told = _told(one, measure, DEFAULT_THRESHOLD)
                table = one.table if one.compared is None else one.compared
                row = rows_by_key(table.select(one.dataset.key), cells.table)
                known = told.fixed & (row >= 0)
                said[cells.first + row[known]] = told.value[known]
        found.append(said)
    return found


def by_entry(earlier: Sequence[Earlier]) -> list[list[Earlier]]:
    """Put together what one entry in the ledger released, in the order in which it was."""
    found: dict[int, list[Earlier]] = {}
    for number, one in enumerate(earlier):
        found.setdefault(-1 - number if one.entry is None else one.entry, []).append(one)
    return list(found.values())
