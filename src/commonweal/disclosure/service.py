"""Protecting one table. What comes out may be released with a certificate of `releasing` only."""

from __future__ import annotations

import pyarrow as pa

from commonweal.core.catalog.check import conform
from commonweal.core.catalog.declaration import Dataset, Kind, Privacy
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.disclosure.dominance import HALF, Dominance
from commonweal.disclosure.threshold import DEFAULT_THRESHOLD, on_grid, suppress
from commonweal.disclosure.totals import protect_total

ROUNDED_TO = "rounded_to"
THRESHOLD, ROUNDED_TOTALS = Wording("threshold"), Wording("rounded-totals")


def suppressed_table(
    dataset: Dataset,
    raw: pa.Table,
    *,
    k: int = DEFAULT_THRESHOLD,
    grid: pa.Table | None,
    dominance: Dominance = HALF,
) -> pa.Table:
    """Apply the threshold rule, and the rule of dominance, to one table by itself.

    The table that comes out depends on what is given here alone, so a rerun gives the same digest. It is not audited
    beside others: what is to be released goes through `commonweal.disclosure.protect_together`.

    Parameters
    ----------
    dataset
        What it will be published as; its privacy is ``people``.
    raw, grid, k, dominance
        As for `commonweal.disclosure.threshold.suppress`.

    Raises
    ------
    InputError
        If `raw` or `grid` cannot be taken, or the dataset is declared open.
    """
    _refuse_open(dataset)
    return conform(dataset, suppress(dataset, raw, grid, k, dominance))


def rounded_totals(
    dataset: Dataset,
    raw: pa.Table,
    *,
    kind: Kind,
    k: int = DEFAULT_THRESHOLD,
    rest: bool = False,
    grid: pa.Table | None,
) -> pa.Table:
    """Round or withhold totals that would complete a suppressed table, to be released with it.

    Parameters
    ----------
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
