"""Protecting a run's tables together, attacking what is left, and having it released."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal import disclosure
from commonweal.core.catalog import Kind, code_version
from commonweal.core.database import Database
from commonweal.core.engine import Counts
from commonweal.core.errors import Refused
from commonweal.core.settings import Settings
from commonweal.disclosure import Counted, Earlier, Joint
from commonweal.mobility.attacking import attack
from commonweal.mobility.counting import count
from commonweal.mobility.hanging import relate
from commonweal.mobility.measure import Measure, Scope, measures
from commonweal.mobility.runs import Plan


@dataclass(frozen=True, eq=False)
class ProtectedRun:
    """A run's tables as they may be published.

    Parameters
    ----------
    tables
        By the name of their measure.
    evidence
        What the audit and the attacks found (JSON values).
    """

    tables: Mapping[str, pa.Table]
    evidence: dict[str, Any]


TOTALS = {"kind": Kind.SUM.value, "rest": True}
"""How totals are rounded: by what they are known to be at least, and there is a rest that stands in no part."""


def protect_and_release(
    settings: Settings,
    database: Database,
    planned: Plan,
    who: str,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> disclosure.Outcome:
    """Count, protect, and have it released: at once under a standing approval, else when a steward approves it.

    What measures of the run are judged by and was released before is counted and protected again with them, as if it
    were to be published, so that a reader is taken to know no less than they do; and is left as it was released.

    Run again on the same events, it finds the same releases, or the same proposal.

    Raises
    ------
    Refused
        Something could be worked out whatever is hidden; or a steward has rejected it.
    """
    total = len(planned.buckets)
    counts = count(settings, planned.buckets, lambda done: progress(done, total, "counting"))
    released = [name for name in judged_first(counts) if name not in planned.partners]
    asked = request(planned, released, datetime.now(UTC))

    def made() -> disclosure.Drawn:
        progress(0, 0, "protecting")
        refuse_other_rules(settings, database, asked)
        earlier = disclosure.released_before(settings, database, asked.people, planned.first, planned.last)
        with disclosure.watched(progress):
            protected = protect(planned, counts, earlier)
        progress(0, 0, "publishing")
        return disclosure.Drawn([protected.tables[name] for name in released], protected.evidence)

    return disclosure.release(settings, database, asked, made, drawn=False, who=who)


def refuse_other_rules(settings: Settings, database: Database, asked: disclosure.Request) -> None:
    """Do nothing unless days of the request were released under another rule: what one hides, the other narrows.

    Raises
    ------
    Refused
        They were. Tables with drawn noise are no hindrance.
    """
    for rule, parameters in disclosure.rules_before(settings, database, asked.people, asked.first, asked.last):
        if (rule, parameters) != (asked.rule, dict(asked.parameters)):
            said = ", ".join(f"{name} = {value}" for name, value in parameters.items())
            raise Refused(
                f"days of this period were released under {rule}, and what one rule hides another narrows",
                where=asked.people,
                expected=f"{rule} with {said} again, or other days",
            )


def request(
    planned: Plan,
    names: Sequence[str],
    started: datetime,
    *,
    rule: str = disclosure.THRESHOLD,
    parameters: Mapping[str, Any] | None = None,
) -> disclosure.Request:
    """Ask for the tables of a run, by the names of their measures; under the project's threshold unless said."""
    known = measures()
    parts = []
    for name in names:
        dataset, is_total = known[name].dataset, known[name].at_least is not None
        parts.append(
            disclosure.Part(
                dataset=dataset,
                inputs=planned.inputs_of(name),
                parameters={**planned.parameters_of(name), **(TOTALS if is_total else {})},
                area_set=planned.project.area_set if dataset.areas else None,
                code=code_version("commonweal.mobility"),
                started=started,
                rule=disclosure.ROUNDED_TOTALS if is_total else None,
            )
        )
    return disclosure.Request(
        people=f"mobility/{planned.project.name}",
        first=planned.first,
        last=planned.last,
        clock=f"{planned.calendar.time_zone} {planned.calendar.day_starts:%H:%M}",
        rule=rule,
        parameters={"k": planned.project.minimum_people} if parameters is None else parameters,
        parts=tuple(parts),
    )


def protect(planned: Plan, counts: Counts, earlier: Sequence[Earlier]) -> ProtectedRun:
    """Suppress over all tables of a run at once, round its totals, and attack what is left.

    Parameters
    ----------
    planned
        The run.
    counts
        What it counted, by measure.
    earlier
        What was published of the same people before, of days of the run.

    Raises
    ------
    Refused
        Something could be worked out whatever is hidden.
    """
    known = measures()
    counted = {name: as_counted(known[name], counts[name], planned) for name in counts}
    apart = [name for name in counts if known[name].at_least is None]
    before = [_told_apart(one, planned) for one in earlier]
    others = {one.apart: _scope_of(planned, *one.days) for one in before if one.apart and one.days}
    joint = disclosure.protect_together(
        [counted[name] for name in apart],
        partial(relate, planned.areas, planned.scope, others=others),
        earlier=before,
        k=planned.project.minimum_people,
    )
    tables = {name: joint.tables[known[name].dataset.name] for name in apart}
    for name in judged_first(counts):
        if name not in tables:
            tables[name] = _total(known[name], counted[name], planned, tables)
    disclosure.tell(0, 0, "attacking")
    return ProtectedRun(tables, _evidence(planned, counts, joint))


def judged_first(names: Sequence[str] | Counts) -> list[str]:
    """Put each total after the tables that it could complete."""
    left, order, known = list(names), list[str](), measures()
    while left:
        ready = [name for name in left if set(known[name].beside) <= set(order)]
        order += ready
        left = [name for name in left if name not in ready]
    return order


def _told_apart(earlier: Earlier, planned: Plan) -> Earlier:
    """Tell what was found over all days of another run from what is found over these: it counts almost the same people.

    Its cells begin when that run did; those of this run, with which they are compared, when this one does.
    """
    measure = next((one for one in measures().values() if one.dataset.name == earlier.dataset.name), None)
    if measure is None or not measure.of_whole_runs or earlier.days in (None, (planned.first, planned.last)):
        return earlier
    compared = earlier.table
    if measure.window == "run":
        begun = planned.scope.times(np.full(compared.num_rows, planned.scope.days[0])).cast(compared["start"].type)
        compared = compared.set_column(compared.column_names.index("start"), "start", begun)
    first, last = earlier.days
    return replace(earlier, apart=f"{first}/{last}", compared=compared)


def _scope_of(planned: Plan, first: date, last: date) -> Scope:
    """Give the days of another run of the same areas."""
    hours, days = (planned.calendar.edges(first, last, unit) for unit in ("hour", "day"))
    return replace(planned.scope, hours=hours, days=days)


def _evidence(planned: Plan, counts: Counts, joint: Joint) -> dict[str, Any]:
    return {"audit": joint.audit.record(), "attacks": attack(planned, counts, found=joint.findings).record()}


def as_counted(measure: Measure, counts: pa.Table, planned: Plan) -> Counted:
    """Give a measure's table before it is protected."""
    return Counted(measure.dataset, measure.finish(counts, planned.scope), measure.grid(counts, planned.scope))


def _total(measure: Measure, counted: Counted, planned: Plan, beside: dict[str, pa.Table]) -> pa.Table:
    assert measure.at_least is not None
    assert counted.grid is not None
    key, value = list(measure.dataset.key), measure.dataset.measures[0].name
    known = measure.at_least(beside)
    joined = counted.grid.join(counted.raw.drop_columns("people"), key).join(known, key)
    for name in (value, "reported", "suppressed"):
        joined = joined.set_column(joined.schema.get_field_index(name), name, joined[name].fill_null(0))
    return disclosure.rounded_totals(
        measure.dataset, joined, kind=Kind.SUM, rest=True, k=planned.project.minimum_people, grid=counted.grid
    )
