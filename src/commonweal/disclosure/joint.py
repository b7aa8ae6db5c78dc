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

from commonweal.core.catalog.check import conform
from commonweal.core.catalog.digest import digest_of_conformed
from commonweal.core.errors import Refused
from commonweal.disclosure.amounts import hidden_with_amounts
from commonweal.disclosure.attacks.differencing import differencing
from commonweal.disclosure.attacks.reconstruction import reconstruction
from commonweal.disclosure.attacks.report import Attacked, AttackReport
from commonweal.disclosure.dominance import HALF, Dominance
from commonweal.disclosure.drafts import Counted, Draft, Earlier, Relate, said_before
from commonweal.disclosure.linear.keys import rows_by_key
from commonweal.disclosure.linear.relations import Kind, Relations
from commonweal.disclosure.linear.rows import UNBOUNDED
from commonweal.disclosure.linear.suppression import Cells, Suppression, Unprotectable, suppress, with_differences
from commonweal.disclosure.rounding.additive import listed
from commonweal.disclosure.states import State, States, states
from commonweal.disclosure.threshold import DEFAULT_THRESHOLD


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
    states
        Of how many states of the records it was: more than one if records came in between two releases.
    tables
        Canonical digest of each table that was audited, by the name of its dataset.
    hidden_too
        Rows of each table, from 0, that were hidden to protect others: never for readers, but later releases are
        protected by it, since of the others readers know that they are small.
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
    states: int
    tables: Mapping[str, str]
    hidden_too: Mapping[str, Sequence[int]]

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()}
        return {**plain, "earlier": list(self.earlier)}


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
        Together with what was published before, something could be worked out whatever is hidden now; that had another
        threshold; or a sum that counts nobody was published before as another.
    """
    for before in earlier:
        if before.k not in (None, k):
            raise Refused(
                f"it hid counts below {before.k}, and what one threshold hides another narrows",
                where=before.label,
                expected=f"k = {before.k} again, or other days",
            )
    found = states(tables, relate, earlier, k, dominance)
    now, cells = found.now, found.cells
    count = len(now.cells.value)
    said = said_before([one for one in earlier if not one.apart], now.keys, count)
    of_others = said_before([one for one in earlier if one.apart], now.keys, count)
    _hide_what_changed_little(cells, now.given, [*said, *of_others], k)
    _compare_almost_the_same(cells, of_others, k)

    def with_amounts(counted: Counted, draft: Draft, hidden: np.ndarray) -> np.ndarray:
        return hidden_with_amounts(counted, draft, hidden, relate, earlier, dominance)

    wider, suppressed, rows = _hidden(tables, found, with_amounts, k)
    hidden, small = suppressed.hidden, now.cells.value < k
    width = suppressed.bounds.width
    if (hidden & (width < wider.need)).any():
        raise Refused("the audit found an interval that is too narrow", expected="a larger threshold, or larger areas")
    ways = (("exact", suppressed.exact), ("heuristic", suppressed.heuristic))
    shown = now.own & ~small
    people = now.cells.value[shown].sum()
    # What another release hid keeps the range that its own rule asks for.
    new = np.ones(len(hidden), bool)
    new[: len(cells.value)] = False
    new[:count] = now.own
    relevant = hidden & (wider.need > 0) & new
    protected, hidden_too = dict[str, pa.Table](), dict[str, list[int]]()
    for one in tables:
        name, draft = one.dataset.name, now.drafts[one.dataset.name]
        begin = now.keys[name].first
        its_own = rows[name]
        protected[name] = conform(one.dataset, draft.published(its_own))
        row = rows_by_key(protected[name].select(one.dataset.key), draft.keys) if one.dataset.key else np.zeros(1, int)
        hidden_too[name] = np.flatnonzero((its_own & ~small[begin : begin + draft.rows])[row]).tolist()
    audit = Audit(
        method=" and ".join(name for name, many in ways if many) or "none needed",
        cells=int(now.own.sum()),
        small=int((now.own & small).sum()),
        complementary=int((now.own & hidden[:count] & ~small).sum()),
        differences=len(wider.value) - len(cells.value),
        required=k - 1,
        narrowest=int(min(width[relevant].min(), wider.value.max() + k)) if relevant.any() else None,
        people_kept=float(now.cells.value[shown & ~hidden[:count]].sum() / people) if people else None,
        programmes=suppressed.bounds.solved[0],
        whole_programmes=suppressed.bounds.solved[1],
        earlier=tuple(sorted(one.label for one in earlier)),
        states=found.many,
        tables={one.dataset.name: digest_of_conformed(one.dataset, protected[one.dataset.name]) for one in tables},
        hidden_too=hidden_too,
    )
    shown_values = np.where(hidden[:count] | now.unknown, np.nan, now.cells.value.astype(np.float64))
    findings = (
        Attacked("", reconstruction(suppressed.bounds.least[relevant], suppressed.bounds.most[relevant])),
        Attacked("", differencing(shown_values, listed(now.given), threshold=k, earlier=said)),
    )
    almost_the_same = differencing(shown_values, [], threshold=k, earlier=of_others)
    if any(one.finding.dangerous for one in findings) or almost_the_same.dangerous:
        raise Refused(
            "a subtraction, of what was published before too, brings too few people to light",
            expected="other areas, another period, or differential privacy",
        )
    return Joint(protected, audit, findings)


def _hidden(
    tables: Sequence[Counted], found: States, with_amounts: Callable[[Counted, Draft, np.ndarray], np.ndarray], k: int
) -> tuple[Cells, Suppression, dict[str, np.ndarray]]:
    """Hide people and sums in turn until neither needs more: who is hidden for a sum is hidden as a count, too.

    Returns
    -------
    cells, suppression
        All cells, with the differences that readers can form, and what is hidden of them.
    rows
        By dataset, which rows of its table are hidden.
    """
    now, cells = found.now, found.cells
    rows = {one.dataset.name: np.zeros(now.drafts[one.dataset.name].rows, bool) for one in tables}
    while True:
        wider, wider_given = with_differences(cells, found.given, k)
        try:
            suppressed = suppress(wider, wider_given)
        except Unprotectable as error:
            raise _named(error, now, len(wider.value), wider_given) from error
        hidden, further = suppressed.hidden[: len(cells.value)], np.zeros(len(cells.value), bool)
        for one in tables:
            name, draft = one.dataset.name, now.drafts[one.dataset.name]
            own = slice(now.keys[name].first, now.keys[name].first + draft.rows)
            at_first = rows[name] | (hidden[own] if draft.measure else False)
            rows[name] = with_amounts(one, draft, at_first)
            if draft.measure:
                further[own] = rows[name] & ~at_first
        if not further.any():
            return wider, suppressed, rows
        stays = further | (hidden & ~cells.hidden)
        cells.low[stays], cells.high[stays] = 0, UNBOUNDED


def _named(error: Unprotectable, now: State, count: int, given: Relations) -> Refused:
    """Name the tables, of those to be published, whose cells or differences cannot be protected."""
    touched = np.zeros(count, bool)
    touched[error.cells] = True
    differences = touched & (np.arange(count) >= len(now.own))
    near = given.chosen(given.touching(differences))
    touched[near.whole] = touched[near.part] = True
    touched = touched[: len(now.own)] & now.own & ~now.cells.fixed
    names = [name for name, keys in now.keys.items() if touched[keys.first : keys.first + keys.table.num_rows].any()]
    if not names:
        return error
    return Refused(error.what, where=", ".join(names), expected=f"a release without these; {error.expected}")


def _hide_what_changed_little(cells: Cells, given: Relations, before: Sequence[np.ndarray], k: int) -> None:
    """Hide, in place, what differs by few people from a part, or a whole, as an earlier release had it.

    Whoever was in the part then is in the whole now, but for records that were taken out.
    """
    of_part = given.relation_of_part
    pairs = given.kind[of_part] & (Kind.WITHIN | Kind.SUM) != 0
    whole, part = given.whole[of_part[pairs]], given.part[pairs]
    for said in before:
        changed = ~np.isnan(said) & (said != cells.value[: len(said)])
        for now, then, sign in ((whole, part, 1), (part, whole, -1)):
            apart = sign * (cells.value[now] - said[then])
            close = now[changed[then] & (apart > 0) & (apart < k) & ~cells.fixed[now] & ~cells.hidden[now]]
            cells.low[close], cells.high[close] = 0, UNBOUNDED


def _compare_almost_the_same(cells: Cells, before: Sequence[np.ndarray], k: int) -> None:
    """Hide, in place, what differs by few people from what almost the same people were counted as.

    What does not differ cannot be hidden: a reader may suppose that it is what it was.
    """
    for said in before:
        apart = np.abs(cells.value[: len(said)] - said)
        open_ = ~cells.fixed[: len(said)] & ~cells.hidden[: len(said)]
        close = np.flatnonzero((apart > 0) & (apart < k) & open_)
        cells.low[close], cells.high[close] = 0, UNBOUNDED
        cells.fixed[np.flatnonzero((apart == 0) & open_)] = True
