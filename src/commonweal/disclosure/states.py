"""The records as they were when each release was made of them, and what a reader knows of all these states together.

Records come in late: what is released today may be of more records than what was released of the same days last month.
Then a cell has a number for each state, the older at most the newer, and relations hold within each state. Releases
that fit together are taken to be of one state, and that is what is counted now unless it contradicts them.

Of a cell in an older state that nothing tells to have changed, a reader may suppose that it is what it was: it is one
cell with the newer. They cannot be sure, so that is no less than they know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from commonweal.disclosure.dominance import Dominance
from commonweal.disclosure.drafts import Counted, Draft, Earlier, Keys, Relate, by_entry, drafted, together
from commonweal.disclosure.linear.contradiction import Contradiction
from commonweal.disclosure.linear.keys import rows_by_key
from commonweal.disclosure.linear.nearest import nearest
from commonweal.disclosure.linear.possible import possible
from commonweal.disclosure.linear.relations import Kind, Relations, grouped, joined
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of
from commonweal.disclosure.linear.suppression import Cells


@dataclass(frozen=True, eq=False)
class State:
    """Cells of one state of the records.

    Parameters
    ----------
    drafts, keys
        By dataset.
    cells
        Where no value is known, one that is possible.
    given
        How they hang together.
    unknown, own
        Whose value is not known, and which are to be published now.
    fits
        Whether all that was published of it can be of one state.
    """

    drafts: Mapping[str, Draft]
    keys: Mapping[str, Keys]
    cells: Cells
    given: Relations
    unknown: np.ndarray
    own: np.ndarray
    fits: bool


@dataclass(frozen=True, eq=False)
class States:
    """All cells that a reader knows something of.

    Parameters
    ----------
    now
        The state that is counted; its cells are the first.
    cells, given
        Of all states: behind those of `now` the cells of older states that may have been others.
    many
        How many states there are.
    """

    now: State
    cells: Cells
    given: Relations
    many: int


def states(
    tables: Sequence[Counted], relate: Relate | None, earlier: Sequence[Earlier], k: int, dominance: Dominance
) -> States:
    """Tell the states of the records apart by what was published, and gather the cells of all.

    Parameters
    ----------
    tables, relate, earlier, k, dominance
        As in `protect_together`.
    """

    def now(known: Sequence[Earlier]) -> State:
        silent = [(one.name, one.dataset, one.table) for one in earlier if one not in known]
        return _state(*drafted(tables, known, k, dominance, silent=silent), relate, known)

    left = by_entry(earlier)
    whole = now(earlier)
    if whole.fits:
        return States(whole, whole.cells, whole.given, 1)
    newest, left = _newest(now, left)
    found = [newest]
    silent = [(name, draft.dataset, draft.keys) for name, draft in newest.drafts.items()]

    def older(known: Sequence[Earlier]) -> State:
        return _state(*drafted((), known, k, dominance, silent=silent), relate, known)

    while left:
        state, left = _newest(older, left, 1)
        found.append(state)
    return _together(found)


def _newest(
    state: Callable[[Sequence[Earlier]], State], entries: list[list[Earlier]], least: int = 0
) -> tuple[State, list[list[Earlier]]]:
    """Give the state of as many of the newest entries as fit together, at least so many, and the entries left."""
    many, best = least, state(_last(entries, least))
    while many < len(entries) and (wider := state(_last(entries, many + 1))).fits:
        many, best = many + 1, wider
    return best, entries[: len(entries) - many]


def _last(entries: list[list[Earlier]], many: int) -> list[Earlier]:
    return [one for entry in entries[len(entries) - many :] for one in entry]


def _state(
    drafts: dict[str, Draft],
    keys: dict[str, Keys],
    relate: Relate | None,
    known: Sequence[Earlier],
) -> State:
    """Think of values for what is not known; leave out relations that do not hold."""
    cells = together([draft.cells for draft in drafts.values()])
    nothing = [np.zeros(0, bool)]
    unknown = np.concatenate([*nothing, *(draft.unknown for draft in drafts.values())])
    own = np.concatenate([*nothing, *(draft.own for draft in drafts.values())])
    fits = all(draft.fits for draft in drafts.values())
    given = relate(keys) if relate else joined([])
    broken = _broken(cells, unknown, given)
    fits &= not given.touching(~own)[broken].any()
    given = given.chosen(~broken)
    if not unknown.any():
        return State(drafts, keys, cells, given, unknown, own, fits)
    low = np.where(unknown, cells.low, cells.value)
    bounds = [cells.high]
    if any(one.k is None for one in known):  # where not all that was hidden can have been small, some was not
        bounds.append(np.where(cells.fixed | ~unknown, cells.high, UNBOUNDED))
    for high in bounds:
        try:
            table = possible(rows_of(given), low, np.where(unknown, high, cells.value))
        except Contradiction:
            continue
        completed = replace(
            cells, value=np.where(unknown, table, cells.value), high=np.where(unknown, high, cells.high)
        )
        return State(drafts, keys, completed, given, unknown, own, fits)
    return State(drafts, keys, cells, given.chosen(~given.touching(unknown)), unknown, own, fits=False)


def _broken(cells: Cells, unknown: np.ndarray, given: Relations) -> np.ndarray:
    """Which relations between known cells do not hold."""
    broken = np.zeros(len(given), bool)
    if len(given):
        rows = rows_of(given)
        sums = np.add.reduceat(rows.sign * cells.value[rows.cell], rows.first[:-1])
        unsure = np.add.reduceat(unknown[rows.cell].astype(np.int64), rows.first[:-1]) > 0
        broken[rows.relation[((sums < rows.lower) | (sums > rows.upper)) & ~unsure]] = True
    return broken


def _places(keys: Mapping[str, Keys], among: Mapping[str, Keys]) -> np.ndarray:
    """The number that each cell has in another state."""
    return np.concatenate([among[name].first + rows_by_key(one.table, among[name].table) for name, one in keys.items()])


def _together(found: Sequence[State]) -> States:
    """Number the cells of all states, from the newest to the oldest."""
    found = _alike(found)
    newer = now = found[0]
    cells, relations = now.cells, [now.given]
    number = np.arange(len(cells.value))
    for older in found[1:]:
        place = _places(older.keys, newer.keys)
        before = number[place]
        since_hidden = ~older.unknown & newer.unknown[place] & (newer.cells.need[place] > 0)
        same = _unchanged(older, newer.cells.value[place], ~newer.unknown[place]) & ~since_hidden
        _tell(cells, before[same], older.cells.taken(same), now.own)
        number = before.copy()
        number[~same] = len(cells.value) + np.arange((~same).sum())
        cells = cells.extended(older.cells.taken(~same))
        within = older.given.chosen(older.given.touching(~same))
        relations.append(replace(within, whole=number[within.whole], part=number[within.part]))
        fell = older.cells.value > cells.value[before]
        both = ~older.unknown & ~newer.unknown[place]
        relations.append(grouped(Kind.WITHIN, np.where(~same & ~fell, before, -1), number))
        relations.append(grouped(Kind.WITHIN, np.where(~same & fell & both, number, -1), before))
        newer = older
    return States(now, cells, joined(relations), len(found))


def _alike(found: Sequence[State]) -> list[State]:
    """Think of values for what is not known such that states differ as little as they can."""
    cells = together([one.cells for one in found])
    unknown = np.concatenate([one.unknown for one in found])
    begin = np.cumsum([0, *(len(one.unknown) for one in found)])
    shifted = [
        replace(one.given, whole=one.given.whole + start, part=one.given.part + start)
        for one, start in zip(found, begin, strict=False)
    ]
    newer = np.concatenate([begin[n] + _places(two.keys, one.keys) for n, (one, two) in enumerate(pairwise(found))])
    older = np.arange(begin[1], begin[-1])
    open_ = unknown[older] | unknown[newer]
    low, high = np.where(unknown, cells.low, cells.value), np.where(unknown, cells.high, cells.value)
    value = nearest(rows_of(joined(shifted)), low, high, older[open_], newer[open_])
    return [
        replace(one, cells=replace(one.cells, value=value[start:end]))
        for one, (start, end) in zip(found, pairwise(begin), strict=True)
    ]


def _unchanged(older: State, value: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which cells of an older state nothing tells to have changed.

    Parameters
    ----------
    older
        The state.
    value, known
        What its cells are in the newer one, and of which that is known.
    """
    given, equal = older.given, older.cells.value == value
    both = known & ~older.unknown
    of_part = given.relation_of_part
    inside = given.kind[of_part] & (Kind.WITHIN | Kind.SUM) != 0
    whole, part = given.whole[of_part[inside]], given.part[inside]
    in_same, near_changed = np.zeros(len(equal), bool), np.zeros(len(equal), bool)
    in_same[part[(both & equal)[whole]]] = True
    near_changed[part[~equal[whole]]] = True
    near_changed[whole[~equal[part]]] = True
    return equal & (both | in_same | ~near_changed)


def _tell(cells: Cells, which: np.ndarray, told: Cells, own: np.ndarray) -> None:
    """Know of cells, in place, what was told of them when they were what they are."""
    to_come = np.zeros(len(cells.value), bool)
    to_come[: len(own)] = own
    now = which[to_come[which] & told.fixed]
    cells.fixed[now] = True
    cells.low[now] = cells.high[now] = cells.value[now]
    which, told = which[~to_come[which]], told.taken(~to_come[which])
    cells.low[which] = np.maximum(cells.low[which], told.low)
    cells.high[which] = np.minimum(cells.high[which], told.high)
    cells.need[which] = np.maximum(cells.need[which], told.need)
    cells.fixed[which] |= told.fixed
