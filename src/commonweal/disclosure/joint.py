"""Protecting tables that are published together, and beside what was published before.

Each table's small cells are suppressed; then, over all tables at once and with all that readers have already, so much
more is suppressed that no cell can be worked out; then what is left is audited. See `linear` for how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.catalog.check import conform
from commonweal.core.catalog.digest import digest_of_conformed
from commonweal.core.errors import Refused
from commonweal.disclosure.attacks.differencing import differencing
from commonweal.disclosure.attacks.reconstruction import reconstruction
from commonweal.disclosure.attacks.report import Attacked, AttackReport
from commonweal.disclosure.dominance import HALF, Dominance
from commonweal.disclosure.drafts import Counted, Earlier, Relate, drafted, together
from commonweal.disclosure.linear.bounds import Contradiction, possible
from commonweal.disclosure.linear.keys import rows_by_key
from commonweal.disclosure.linear.relations import Kind, Relations, joined
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of
from commonweal.disclosure.linear.suppression import Cells, suppress, with_differences
from commonweal.disclosure.rounding.additive import listed
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
        Together with what was published before, something could be worked out whatever is hidden now.
    """
    drafts, keys = drafted(tables, earlier, k, dominance)
    cells = together([draft.cells for draft in drafts.values()])
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
    # What another release hid keeps the range that its own rule asks for.
    relevant = hidden & (wider.need > 0) & np.concatenate([own, np.ones(len(hidden) - count, bool)])
    protected, hidden_too = dict[str, pa.Table](), dict[str, list[int]]()
    for one in tables:
        name, draft = one.dataset.name, drafts[one.dataset.name]
        begin = keys[name].first
        its_own = hidden[begin : begin + draft.rows]
        protected[name] = conform(one.dataset, draft.published(its_own))
        row = rows_by_key(protected[name].select(one.dataset.key), draft.keys) if one.dataset.key else np.zeros(1, int)
        hidden_too[name] = np.flatnonzero((its_own & ~small[begin : begin + draft.rows])[row]).tolist()
    audit = Audit(
        method=" and ".join(methods) or "none needed",
        cells=int(own.sum()),
        small=int((own & small[:count]).sum()),
        complementary=int((own & hidden[:count] & ~small[:count]).sum()),
        differences=len(wider.value) - count,
        required=k - 1,
        narrowest=int(min(width[relevant].min(), wider.value.max() + k)) if relevant.any() else None,
        people_kept=float(cells.value[shown & ~hidden[:count]].sum() / people) if people else None,
        programmes=found.bounds.solved[0],
        whole_programmes=found.bounds.solved[1],
        earlier=tuple(sorted(one.label for one in earlier)),
        tables={one.dataset.name: digest_of_conformed(one.dataset, protected[one.dataset.name]) for one in tables},
        hidden_too=hidden_too,
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


def _completed(cells: Cells, unknown: np.ndarray, given: Relations) -> tuple[Cells, Relations]:
    """Think of values for what was hidden before and is not counted now; leave out what does not hold any more.

    An equation between cells of different releases holds only if both were made of the same records.
    """
    given = _holding(cells, unknown, given)
    if not unknown.any():
        return cells, given
    low = np.where(unknown, cells.low, cells.value)
    # Where not all that was hidden can have been small, some of it was not.
    for most in (cells.high, np.where(cells.fixed | ~unknown, cells.high, UNBOUNDED)):
        try:
            table = possible(rows_of(given), low, np.where(unknown, most, cells.value))
        except Contradiction:
            continue
        high = np.where(unknown, most, cells.high)
        value = np.where(unknown, table, cells.value)
        return Cells(value, cells.low, high, cells.need, cells.fixed, cells.weight), given
    part_of = np.repeat(np.arange(len(given)), np.diff(given.first))
    touched = np.bincount(part_of, unknown[given.part], len(given)).astype(bool) | unknown[given.whole]
    return cells, given.chosen(~touched)


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
