"""Protecting tables that are published together, and beside what was published before.

Each table's small cells are suppressed; then, over all tables at once and with all that readers have already, so much
more is suppressed that no cell can be worked out; then what is left is audited. See `linear` for how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog.declaration import Dataset, Measure, State
from commonweal.core.catalog.declaration import Kind as How
from commonweal.core.catalog.digest import canonical_digest
from commonweal.core.errors import InputError, Refused
from commonweal.disclosure.attacks.differencing import differencing
from commonweal.disclosure.attacks.reconstruction import reconstruction
from commonweal.disclosure.attacks.report import Attacked, AttackReport
from commonweal.disclosure.dominance import HALF, Dominance
from commonweal.disclosure.linear.bounds import Contradiction, possible
from commonweal.disclosure.linear.keys import rows_by_key
from commonweal.disclosure.linear.relations import Kind, Relations, joined
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of
from commonweal.disclosure.linear.suppression import Cells, counts, suppress, with_differences
from commonweal.disclosure.rounding.additive import listed
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
    """

    label: str
    dataset: Dataset
    table: pa.Table


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


@dataclass(frozen=True)
class Audit:
    """What the audit of what is left found; a release that it was not satisfied with does not exist.

    Parameters
    ----------
    method
        How what is hidden was found: ``none needed``, ``exact``, ``heuristic`` or ``exact and heuristic``.
    cells, small, complementary
        How many cells are published together, how many were too small, and how many were hidden to protect them.
    differences
        How many differences that readers can form count too few people; each is a hidden cell too.
    required, narrowest
        How wide the interval of each hidden cell must be, and the narrowest there is (None if nothing is hidden). An
        interval that was found wide enough is not measured further.
    people_kept
        Of people in cells that are not too small, the share that stands in cells that are published.
    programmes, whole_programmes
        How many linear programmes the audit solved, and how many over whole numbers.
    earlier
        What was published before and considered.
    tables
        Canonical digest of each table that was audited, by the name of its dataset.
    """

    method: str
    cells: int
    small: int
    complementary: int
    differences: int
    required: int
    narrowest: int | None
    people_kept: float | None
    programmes: int
    whole_programmes: int
    earlier: tuple[str, ...]
    tables: Mapping[str, str]

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**vars(self), "earlier": list(self.earlier), "tables": dict(self.tables)}


@dataclass(frozen=True, eq=False)
class Joint:
    """Protected tables, and what was found out about all of them together.

    Parameters
    ----------
    tables
        By the name of their dataset.
    audit
        What the audit says.
    findings
        What linear reasoning and subtraction find in what is left: the first two attacks.
    """

    tables: Mapping[str, pa.Table]
    audit: Audit
    findings: tuple[Attacked, ...]

    def evidence(self) -> dict[str, Any]:
        """Give what a release of these tables must carry: the audit, and the attacks that could have refused it."""
        return {"audit": self.audit.record(), "attacks": AttackReport(self.findings).record()}


def protect_together(
    tables: Sequence[Counted],
    relate: Relate | None = None,
    *,
    earlier: Sequence[Earlier] = (),
    k: int = DEFAULT_THRESHOLD,
    dominance: Dominance = HALF,
) -> Joint:
    """Suppress what is too small, and whatever else could be used to work it out.

    Parameters
    ----------
    tables
        All that is to be published together.
    relate
        How cells hang together; by default not at all.
    earlier
        Tables about the same people that were published before. What they reported is known for ever.
    k
        Least number of distinct people behind a published value, and behind a difference that readers can form.
    dominance
        How much of a sum that counts nobody may be of one person.

    Returns
    -------
    Joint
        Each table has the columns of its dataset; what protects others is ``suppressed`` just as what is too small.

    Raises
    ------
    InputError
        As `commonweal.disclosure.threshold.suppress`; or two tables are for one dataset.
    Refused
        Together with what was published before, something could be worked out whatever is hidden now.
    """
    names = [one.dataset.name for one in tables]
    drafts, keys = _drafted(tables, earlier, k, dominance)
    cells = _together([draft.cells for draft in drafts.values()])
    unknown = np.concatenate([draft.unknown for draft in drafts.values()]) if drafts else np.zeros(0, bool)
    given = relate(keys) if relate else joined([])
    cells, given = _completed(cells, unknown, given)
    count = len(cells.value)
    own = np.concatenate([draft.own for draft in drafts.values()]) if drafts else np.zeros(0, bool)
    many = max((len(draft.before) for draft in drafts.values()), default=0)
    before = [np.concatenate([draft.said_before(number) for draft in drafts.values()]) for number in range(many)]
    _hide_what_changed_little(cells, given, before, k)
    wider, wider_given = with_differences(cells, given, k)
    found = suppress(wider, wider_given)
    hidden, small = found.hidden, wider.hidden
    width = found.bounds.width
    if (hidden & (width < wider.need)).any():
        raise Refused("the audit found an interval that is too narrow", expected="a larger threshold, or larger areas")
    methods = [name for name, many in (("exact", found.exact), ("heuristic", found.heuristic)) if many]
    shown = own & ~small[:count]
    people = cells.value[shown].sum()
    relevant = hidden & (wider.need > 0)
    protected = {}
    for name in names:
        begin = keys[name].first
        protected[name] = drafts[name].published(hidden[begin : begin + drafts[name].rows])
    audit = Audit(
        method=" and ".join(methods) or "none needed",
        cells=int(own.sum()),
        small=int((own & small[:count]).sum()),
        complementary=int((own & hidden[:count] & ~small[:count]).sum()),
        differences=len(wider.value) - count,
        required=k - 1,
        narrowest=int(width[relevant].min()) if relevant.any() else None,
        people_kept=float(cells.value[shown & ~hidden[:count]].sum() / people) if people else None,
        programmes=found.bounds.solved[0],
        whole_programmes=found.bounds.solved[1],
        earlier=tuple(sorted(one.label for one in earlier)),
        tables={one.dataset.name: canonical_digest(one.dataset, protected[one.dataset.name]) for one in tables},
    )
    shown_values = np.where(hidden[:count] | unknown, np.nan, cells.value.astype(np.float64))
    findings = (
        Attacked("", reconstruction(found.bounds.least[relevant], found.bounds.most[relevant])),
        Attacked("", differencing(shown_values, listed(given), threshold=k, earlier=before)),
    )
    if any(one.finding.dangerous for one in findings):
        raise Refused(
            "a subtraction, of what was published before too, brings too few people to light",
            expected="other areas, another period, or differential privacy",
        )
    return Joint(protected, audit, findings)


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
    drafts, keys = _drafted(tables, (), DEFAULT_THRESHOLD)
    cells = _together([draft.cells for draft in drafts.values()])
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


def _drafted(
    tables: Sequence[Counted], earlier: Sequence[Earlier], k: int, dominance: Dominance = HALF
) -> tuple[dict[str, _Draft], dict[str, Keys]]:
    """Number the cells of tables, and of what was published before."""
    names = [one.dataset.name for one in tables]
    if len(set(names)) < len(names):
        raise InputError("two tables are for one dataset", where=max(names, key=names.count), expected="one table each")
    drafts = {one.dataset.name: _Draft(one, k, dominance) for one in tables}
    for one in earlier:
        draft = drafts.setdefault(one.dataset.name, _Draft.none(one.dataset))
        draft.know(one, k)
    for one_table in tables:
        drafts[one_table.dataset.name].link(one_table.silent)
    keys: dict[str, Keys] = {}
    first = 0
    for name, draft in drafts.items():
        keys[name] = Keys(draft.keys, first)
        first += draft.keys.num_rows
    return drafts, keys


class _Draft:
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
        self.before: list[np.ndarray] = []

    def _order(self, keys: pa.Table) -> np.ndarray:
        if not self.dataset.key:
            return np.arange(keys.num_rows or self.table.num_rows)
        return rows_by_key(self.table.select(self.dataset.key), keys)

    @classmethod
    def none(cls, dataset: Dataset) -> _Draft:
        """Begin with nothing that is to be published."""
        draft = cls.__new__(cls)
        draft.dataset, draft.measure, draft.rows = dataset, counting(dataset), 0
        draft.keys, draft.cells, draft.unknown, draft.own = None, _together([]), np.zeros(0, bool), np.zeros(0, bool)
        draft.before = []
        return draft

    def know(self, earlier: Earlier, k: int) -> None:
        """Take in what was published before."""
        if self.measure is None:
            return
        value = earlier.table.column(self.measure.name)
        known = np.asarray(value.is_valid())
        values = pc.fill_null(value, 0).cast(pa.int64(), safe=False).to_numpy()
        keys = earlier.table.select(earlier.dataset.key)
        low, high = np.where(known, values, 0), np.where(known, values, UNBOUNDED)
        if ROUNDED_TO in earlier.table.column_names:
            base = pc.fill_null(earlier.table.column(ROUNDED_TO), 1).to_numpy()
            high = np.where(known, values + base - 1, high)
        if self.keys is None:
            self.keys = keys.slice(0, 0)
        row = rows_by_key(keys, self.keys)
        self._compare(row, low, high, k)
        exact, fresh = low == high, np.flatnonzero(row < 0)
        need = np.where(known, 0, k - 1)
        self._append(keys, low, low, high, need, exact, fresh)
        said = np.full(len(self.cells.value), np.nan)
        said[rows_by_key(keys, self.keys)] = np.where(exact, values, np.nan)
        self.before.append(said)

    def said_before(self, number: int) -> np.ndarray:
        """What an earlier release said of each cell, float64; NaN where it said nothing."""
        found = np.full(len(self.cells.value), np.nan)
        if number < len(self.before):
            found[: len(self.before[number])] = self.before[number]
        return found

    def link(self, silent: pa.Table | None) -> None:
        """Take in cells that nobody sees."""
        if silent is None or self.measure is None:
            return
        keys = silent.select(self.dataset.key)
        nothing = np.zeros(keys.num_rows, np.int64)
        fresh = np.flatnonzero(rows_by_key(keys, self.keys) < 0)
        self._append(keys, nothing, nothing, nothing + UNBOUNDED, nothing, nothing > 0, fresh)

    def _append(
        self,
        keys: pa.Table,
        value: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        need: np.ndarray,
        fixed: np.ndarray,
        which: np.ndarray,
    ) -> None:
        self.keys = pa.concat_tables([self.keys, keys.take(pa.array(which)).cast(self.keys.schema)])
        new = Cells(value[which], low[which], high[which], need[which], fixed[which], np.zeros(len(which)))
        self.cells = self.cells.extended(new)
        self.unknown = np.concatenate([self.unknown, ~fixed[which]])
        self.own = np.concatenate([self.own, np.zeros(len(which), bool)])

    def _compare(self, row: np.ndarray, low: np.ndarray, high: np.ndarray, k: int) -> None:
        """Compare what was published with what is to be published of the same cell."""
        cells = self.cells
        there = np.flatnonzero((row >= 0) & (low == high))
        now, before = row[there], low[there]
        current = now < self.rows  # the others are known from another release already
        now, before = now[current], before[current]
        apart = np.abs(cells.value[now] - before)
        same = now[apart == 0]
        cells.fixed[same] = True
        cells.low[same] = cells.high[same] = cells.value[same]
        # Few people make the difference between both: the new value is hidden, and known to lie near the old one.
        close = (apart > 0) & (apart < k)
        cells.low[now[close]] = np.maximum(before[close] - (k - 1), 0)
        cells.high[now[close]] = before[close] + (k - 1)

    def published(self, hidden: np.ndarray) -> pa.Table:
        """Give the table without the values of the hidden cells."""
        if self.measure is None:
            return self.table
        measure, table = self.measure, self.table
        mask = pa.array(hidden)
        value, state = table.column(measure.name), table.column(measure.state)
        missing = pc.equal(state, State.MISSING.value)
        mask = pc.and_(mask, pc.invert(missing))
        value = pc.if_else(mask, pa.scalar(None, value.type), value)
        state = pc.if_else(mask, pa.scalar(State.SUPPRESSED.value, state.type), state)
        table = table.set_column(table.column_names.index(measure.name), measure.name, value)
        return table.set_column(table.column_names.index(measure.state), measure.state, state)


def _hide_what_changed_little(cells: Cells, given: Relations, before: Sequence[np.ndarray], k: int) -> None:
    """Hide, in place, what differs by few people from a part, or a whole, as an earlier release had it.

    Records only ever grow, so whoever was in the part then is in the whole now.
    """
    of_part = given.relation_of_part
    pairs = given.kind[of_part] & (Kind.WITHIN | Kind.SUM) != 0
    whole, part = given.whole[of_part[pairs]], given.part[pairs]
    for said in before:
        changed = ~np.isnan(said) & (said != cells.value)
        for now, then, sign in ((whole, part, 1), (part, whole, -1)):
            apart = sign * (cells.value[now] - said[then])
            close = now[changed[then] & (apart > 0) & (apart < k) & ~cells.fixed[now] & ~cells.hidden[now]]
            cells.low[close], cells.high[close] = 0, UNBOUNDED


def _together(several: Sequence[Cells]) -> Cells:
    nothing = np.zeros(0, np.int64)
    whole = Cells(nothing, nothing, nothing, nothing, np.zeros(0, bool), np.zeros(0))
    for one in several:
        whole = whole.extended(one)
    return whole


def _completed(cells: Cells, unknown: np.ndarray, given: Relations) -> tuple[Cells, Relations]:
    """Think of values for what was hidden before and is not counted now; leave out what does not hold any more.

    An equation between cells of different releases holds only if both were made of the same records.
    """
    given = _holding(cells, unknown, given)
    if not unknown.any():
        return cells, given
    low, high = np.where(unknown, cells.low, cells.value), np.where(unknown, cells.high, cells.value)
    try:
        table = possible(rows_of(given), low, high)
    except Contradiction:
        part_of = np.repeat(np.arange(len(given)), np.diff(given.first))
        touched = np.bincount(part_of, unknown[given.part], len(given)).astype(bool) | unknown[given.whole]
        return cells, given.chosen(~touched)
    return Cells(np.where(unknown, table, cells.value), *list(vars(cells).values())[1:]), given


def _holding(cells: Cells, unknown: np.ndarray, given: Relations) -> Relations:
    """Leave out relations between known cells that do not hold."""
    if not len(given):
        return given
    rows = rows_of(given)
    sums = np.add.reduceat(rows.sign * cells.value[rows.cell], rows.first[:-1])
    unsure = np.add.reduceat(unknown[rows.cell].astype(np.int64), rows.first[:-1]) > 0
    broken = ((sums < rows.lower) | (sums > rows.upper)) & ~unsure
    if not broken.any():
        return given
    keep = np.ones(len(given), bool)
    keep[rows.relation[broken]] = False
    return given.chosen(keep)
