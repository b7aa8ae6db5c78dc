"""Protecting a table: apply a rule, record it in the audit log, sign a certificate for exactly this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core import audit
from commonweal.core.catalog.certificate import Certificate
from commonweal.core.catalog.check import conform
from commonweal.core.catalog.declaration import Dataset, Kind, Privacy, State
from commonweal.core.catalog.digest import digest_of_conformed
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.disclosure.certificate import certify
from commonweal.disclosure.threshold import DEFAULT_THRESHOLD, on_grid, suppress
from commonweal.disclosure.totals import protect_total

ROUNDED_TO = "rounded_to"
THRESHOLD, ROUNDED_TOTALS = Wording("threshold"), Wording("rounded-totals")


@dataclass(frozen=True)
class Protected:
    """A table that may be published, and the certificate that says so.

    Parameters
    ----------
    table
        The columns of the dataset, canonical types, rows in key order.
    certificate
        Covers this table and no other.
    suppressed
        Number of values that are not published as they are: suppressed or withheld.
    """

    table: pa.Table
    certificate: Certificate
    suppressed: int


def protect(
    settings: Settings,
    database: Database,
    dataset: Dataset,
    raw: pa.Table,
    *,
    k: int = DEFAULT_THRESHOLD,
    grid: pa.Table | None,
    parameters: Mapping[str, Any],
    who: str,
) -> Protected:
    """Apply the threshold rule to a table of counts of people.

    The table that comes out depends on `raw`, `grid` and `k` alone, so a rerun gives the same digest.

    Parameters
    ----------
    settings, database
        Where the key and the audit log are.
    dataset
        What it will be published as; its privacy is ``people``.
    raw
        Keys, measures and ``people``; see `commonweal.disclosure.threshold.suppress`.
    k
        Least number of distinct people behind a published value.
    grid
        Every key that is published, made from public knowledge.
    parameters
        What else the certificate shall say of how the table was made (JSON values).
    who
        ``"os:NAME"``.

    Raises
    ------
    InputError
        If `raw` or `grid` cannot be taken, or the dataset is declared open.
    Unavailable, Conflict, Damaged
        If the signing key cannot be used, or others than its owner can read it.
    """
    table = suppressed_table(dataset, raw, k=k, grid=grid)
    return _certified(settings, database, dataset, table, THRESHOLD, {**parameters, "k": k}, who)


def suppressed_table(dataset: Dataset, raw: pa.Table, *, k: int = DEFAULT_THRESHOLD, grid: pa.Table | None) -> pa.Table:
    """Apply the threshold rule to a table of counts of people, to be released. See `protect`."""
    _refuse_open(dataset)
    return conform(dataset, suppress(dataset, raw, grid, k))


def protect_totals(
    settings: Settings,
    database: Database,
    dataset: Dataset,
    raw: pa.Table,
    *,
    kind: Kind,
    k: int = DEFAULT_THRESHOLD,
    rest: bool = False,
    grid: pa.Table | None,
    parameters: Mapping[str, Any],
    who: str,
) -> Protected:
    """Round or withhold totals that would complete a suppressed table.

    Parameters
    ----------
    settings, database, parameters, who
        As for `protect`.
    dataset
        What the totals will be published as: one measure, an integer. An attribute ``rounded_to``, if it has one,
        receives the width of each total's bucket.
    raw
        Keys, the measure (exact totals), and for each row ``reported`` and ``suppressed``, int64: the sum of the
        published parts and the number of suppressed ones, from `commonweal.disclosure.totals.parts_by`.
    kind
        How the parts relate to the total: ``SUM`` or ``UNION``.
    k
        Threshold of the table that holds the parts.
    rest
        Whether totals also count people who stand in no part.
    grid
        Every key that is published; `raw` has a row for each.

    Raises
    ------
    InputError
        If `raw` or `grid` cannot be taken, or a total cannot come from its parts.
    """
    table = rounded_totals(dataset, raw, kind=kind, k=k, rest=rest, grid=grid)
    rule = {**parameters, "k": k, "kind": kind.value, "rest": rest}
    return _certified(settings, database, dataset, table, ROUNDED_TOTALS, rule, who)


def rounded_totals(
    dataset: Dataset,
    raw: pa.Table,
    *,
    kind: Kind,
    k: int = DEFAULT_THRESHOLD,
    rest: bool = False,
    grid: pa.Table | None,
) -> pa.Table:
    """Round or withhold totals that would complete a suppressed table, to be released with it. See `protect_totals`."""
    _refuse_open(dataset)
    if len(dataset.measures) != 1 or dataset.measures[0].type != "integer":
        raise InputError("totals have one measure, an integer", where=dataset.name, expected="one dataset a total")
    measure = dataset.measures[0]
    expected = {*dataset.key, measure.name, "reported", "suppressed"}
    if set(raw.column_names) != expected:
        raise InputError(
            "other columns than expected", where=f"raw table of {dataset.name}", expected=", ".join(sorted(expected))
        )
    joined = on_grid(dataset, raw, grid, without=(ROUNDED_TO,))
    numbers = {name: joined.column(name) for name in (measure.name, "reported", "suppressed")}
    for name, column in numbers.items():
        if not pa.types.is_integer(column.type) or column.null_count:
            raise InputError(f"column {name} lacks a number", where=f"raw table of {dataset.name}", expected="int64")
    totals = [
        protect_total(total, reported, suppressed, k=k, kind=kind, rest=rest)
        for total, reported, suppressed in zip(*(column.to_pylist() for column in numbers.values()), strict=True)
    ]
    columns = {name: joined.column(name) for name in dataset.columns if name in joined.column_names}
    if ROUNDED_TO in dataset.columns:
        columns[ROUNDED_TO] = pa.array([total.base for total in totals], pa.int64())
    columns[measure.name] = pa.array([total.value for total in totals], pa.int64())
    columns[measure.state] = pa.array([total.state.value for total in totals], pa.string())
    return conform(dataset, pa.table({name: columns[name] for name in dataset.columns}))


def _refuse_open(dataset: Dataset) -> None:
    if dataset.privacy is not Privacy.PEOPLE:
        raise InputError("the dataset is declared open", where=dataset.name, expected="privacy people")


def _certified(
    settings: Settings,
    database: Database,
    dataset: Dataset,
    table: pa.Table,
    rule: str,
    parameters: Mapping[str, Any],
    who: str,
) -> Protected:
    digest = digest_of_conformed(dataset, table)
    hidden = pa.array([State.SUPPRESSED.value, State.WITHHELD.value])
    suppressed = sum(pc.sum(pc.is_in(table.column(item.state), hidden)).as_py() or 0 for item in dataset.measures)
    with database.transaction() as session:
        entry = audit.record(
            session,
            who=who,
            action="disclosure.protect",
            what=dataset.name,
            details={
                "digest": digest,
                "rule": rule,
                "parameters": dict(parameters),
                "rows": table.num_rows,
                "suppressed": suppressed,
            },
        )
        # Signed inside the transaction: without a usable key nothing is recorded.
        certificate = certify(
            settings,
            dataset=dataset.name,
            digest=digest,
            rule=rule,
            parameters=parameters,
            ledger_entry={"sequence": entry.sequence, "hash": entry.hash},
        )
    return Protected(table, certificate, suppressed)
