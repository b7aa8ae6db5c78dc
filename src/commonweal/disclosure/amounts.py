"""Sums that count nobody, such as durations: more of them is hidden, so that the hidden ones cannot be worked out.

A sum is hidden where too few people stand behind it or one of them dominates it; then whoever adds and subtracts the
others must not come closer to a hidden sum X, with the largest contribution x₁, than by an interval that is as wide as

    max(1, X, 2 (100/p · x₁ − X))

the last being twice the upper protection level of the (1, p)-dominance rule. Sums of one dataset are looked at
together, with those that were published before; they add up over whatever people are united over, unless they are seen
not to.

Source: A. Hundepool et al., *Handbook on Statistical Disclosure Control* (2010), section 4.2.2, table 4.3: for (1, p),
UPL = 100/p · x₁ − X.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog.declaration import Measure, State
from commonweal.core.errors import Refused
from commonweal.disclosure.dominance import LARGEST, Dominance, is_judged
from commonweal.disclosure.drafts import Counted, Draft, Earlier, Keys, Relate
from commonweal.disclosure.linear.contradiction import Contradiction
from commonweal.disclosure.linear.keys import rows_by_key
from commonweal.disclosure.linear.possible import possible
from commonweal.disclosure.linear.relations import Kind, Relations
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of
from commonweal.disclosure.linear.suppression import Cells, suppress
from commonweal.disclosure.threshold import on_grid


def hidden_with_amounts(
    counted: Counted,
    draft: Draft,
    hidden: np.ndarray,
    relate: Relate | None,
    earlier: Sequence[Earlier],
    dominance: Dominance,
) -> np.ndarray:
    """Give the rows of a table that must be hidden so that none of its hidden sums can be worked out.

    Parameters
    ----------
    counted, draft
        The table, and its draft.
    hidden
        The rows that are hidden already, with all that they tell.
    relate, earlier, dominance
        As in `protect_together`.

    Raises
    ------
    Refused
        A sum was published before as another; or sums with fractions hang together with hidden ones.
    """
    before = [one for one in earlier if one.name == counted.dataset.name]
    for measure in counted.dataset.measures:
        if is_judged(measure) and (relate is not None or before):
            hidden = hidden | _Sums(counted, draft, measure, before, dominance).more(hidden, relate)
    return hidden


class _Sums:
    """One measure's cells: those to be published, then those that were published before or link others."""

    def __init__(
        self, counted: Counted, draft: Draft, measure: Measure, before: Sequence[Earlier], dominance: Dominance
    ) -> None:
        self.counted, self.measure, self.rows = counted, measure, draft.rows
        self.where = f"{counted.dataset.name}, measure {measure.name}"
        key = list(counted.dataset.key)
        raw = on_grid(counted.dataset, counted.raw, counted.grid)
        if key:
            raw = raw.take(pa.array(rows_by_key(draft.table.select(key), raw.select(key))))
        self.fractions = pa.types.is_floating(raw[measure.name].type)
        value, largest = (_numbers(raw[name]) for name in (measure.name, f"{measure.name}_{LARGEST}"))
        self.unsafe = np.asarray(pc.equal(draft.table[measure.state], State.SUPPRESSED.value))
        need = np.maximum(np.maximum(1, value), np.ceil(2 * (100 / dominance.largest * largest - value)))
        self.keys = draft.table.select(key)
        self.known = np.asarray(pc.not_equal(draft.table[measure.state], State.MISSING.value))
        whole = np.where(self.known, value, 0).astype(np.int64)
        high, need = np.where(self.known, whole, UNBOUNDED), np.where(self.known, need, 0).astype(np.int64)
        self.cells = Cells(whole, whole.copy(), high, need, np.zeros(self.rows, bool), whole + 1.0)
        for one in before:
            self._know(one)
        if counted.silent is not None:
            keys = counted.silent.select(key)
            self._append(keys, np.full(keys.num_rows, np.nan), need=0)

    def _know(self, before: Earlier) -> None:
        keys = before.table.select(list(self.counted.dataset.key))
        told = _numbers(before.table[self.measure.name], missing=np.nan)
        row = rows_by_key(keys, self.keys.cast(keys.schema))
        both = (row >= 0) & np.isfinite(told)
        if (self.cells.value[row[both]] != told[both]).any() or not self.known[row[both]].all():
            raise Refused(
                f"a sum was published in {before.label} as another: records came in since",
                where=self.where,
                expected="days whose records are complete, released once",
            )
        self.cells.fixed[row[both]] = True
        self._append(keys, told, need=1)

    def _append(self, keys: pa.Table, told: np.ndarray, *, need: int) -> None:
        """Add cells that are not there yet."""
        new = rows_by_key(keys, self.keys.cast(keys.schema)) < 0
        told, known = told[new], np.isfinite(told[new])
        value = np.where(known, told, 0).astype(np.int64)
        high = np.where(known, value, UNBOUNDED)
        self.keys = pa.concat_tables([self.keys, keys.filter(pa.array(new)).cast(self.keys.schema)])
        self.known = np.concatenate([self.known, known])
        self.cells = self.cells.extended(Cells(value, value, high, np.where(known, 0, need), known, value + 1.0))

    def more(self, hidden: np.ndarray, relate: Relate | None) -> np.ndarray:
        """Give the rows that are hidden at last."""
        given = relate({self.counted.dataset.name: Keys(self.keys, 0)}) if relate else None
        open_ = hidden | self.unsafe
        if given is None or not _touched(given, open_, len(self.keys)).any():
            return hidden
        if self.fractions:
            raise Refused(
                "sums with fractions are hidden, and others that they hang together with would give them away",
                where=self.where,
                expected="whole numbers, of a smaller unit",
            )
        cells = replace(self.cells, low=self.cells.low.copy(), high=self.cells.high.copy())
        closed = np.flatnonzero(open_ & ~cells.fixed[: self.rows])
        cells.low[closed], cells.high[closed] = 0, UNBOUNDED
        cells, given = self._thought_of(cells, given)
        found = suppress(cells, given)
        if (found.hidden & (found.bounds.width < cells.need)).any():
            raise Refused("the audit found an interval of a sum that is too narrow", where=self.where)
        return hidden | (found.hidden[: self.rows] & ~open_)

    def _thought_of(self, cells: Cells, given: Relations) -> tuple[Cells, Relations]:
        """Say what adds up, and think of values for what is not known."""
        for added in self._adding_up(cells, given):
            try:
                table = possible(
                    rows_of(added),
                    np.where(self.known, cells.value, 0),
                    np.where(self.known, cells.value, UNBOUNDED),
                )
            except Contradiction:
                continue
            return replace(cells, value=np.where(self.known, cells.value, table)), added
        raise Refused("what was published before of these sums cannot be of the same records", where=self.where)

    def _adding_up(self, cells: Cells, given: Relations) -> Iterator[Relations]:
        """Give the relations by which sums add up: all that are not seen to fail, then those that are seen to hold."""
        united = (given.kind & Kind.SUM != 0) | (given.kind & Kind.UNION == Kind.UNION)
        of_part = given.relation_of_part
        sums = np.bincount(of_part, cells.value[given.part].astype(float), len(given))
        unsure = _touched(given, ~self.known, len(self.known))
        holds = united & (sums == cells.value[given.whole])
        for chosen in (holds | (united & unsure), holds & ~unsure):
            found = given.chosen(chosen)
            yield replace(found, kind=np.full(len(found), int(Kind.SUM), np.int8))


def _touched(given: Relations, cells: np.ndarray, many: int) -> np.ndarray:
    """Which relations some cells are in; those beyond the given ones are not."""
    there = np.zeros(many, bool)
    there[: len(cells)] = cells
    return np.bincount(given.relation_of_part, there[given.part], len(given)).astype(bool) | there[given.whole]


def _numbers(column: pa.ChunkedArray, missing: float = 0.0) -> np.ndarray:
    return pc.fill_null(column.cast(pa.float64(), safe=False), missing).to_numpy()
