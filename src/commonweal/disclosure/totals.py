"""Totals beside a suppressed table: rounded so that they do not complete it, or withheld.

A reader who knows a total T and the reported parts, which add up to R, knows the suppressed parts' sum: T − R.
Instead of T its bucket of width b is published, the whole number t = b·⌊T/b⌋, and b is chosen from what the reader
knows anyway (R, the number n of suppressed parts, the threshold k), never from T. It is the smallest multiple of 5
from k on for which **every** total that the reader can think of leaves each suppressed part anything from 0 to k − 1:

    lowest bucket    b·⌊R/b⌋ + b − 1 − R           ≥ k − 1             (one part may still be k − 1)
    highest bucket   b·⌊(R + n(k−1))/b⌋            ≤ R + (n−1)(k−1)    (one part may still be 0)

Since the choice does not look at T, that a total was withheld says nothing either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog.declaration import Kind, State
from commonweal.core.errors import InputError

WIDEST = 200  # thresholds; wider buckets are not looked for


@dataclass(frozen=True)
class Total:
    """What may be published of a total.

    Parameters
    ----------
    value
        The total, or the lower edge of its bucket, or None.
    state
        ``reported``, ``rounded`` or ``withheld``.
    base
        Width of the bucket, when rounded.
    """

    value: int | None
    state: State
    base: int | None = None


def protect_total(total: int, reported: int, suppressed: int, *, k: int, kind: Kind, rest: bool = False) -> Total:
    """Say what may be published of a total whose parts stand in a suppressed table.

    Parameters
    ----------
    total
        T, people.
    reported
        R, the sum of the parts that are published, people.
    suppressed
        n, the number of parts that are suppressed: each is a whole number from 0 to *k* − 1.
    k
        The threshold of that table.
    kind
        ``SUM``: the total is the sum of the parts. ``UNION``: people stand in several parts, so the total is at most
        that sum.
    rest
        Whether the total also counts people who stand in no part (a subscriber without a home area).

    Returns
    -------
    Total
        Exact only when it is the sum of parts that are all published.

    Raises
    ------
    InputError
        If the total cannot come from such parts.

    Examples
    --------
    >>> protect_total(1203, 1196, 2, k=15, kind=Kind.SUM)
    Total(value=1190, state=<State.ROUNDED: 'rounded'>, base=35)
    >>> protect_total(40, 40, 0, k=15, kind=Kind.SUM).value
    40
    >>> protect_total(20, 16, 1, k=15, kind=Kind.SUM).state.value
    'withheld'
    """
    most = reported + suppressed * (k - 1)
    if k < 2 or min(total, reported, suppressed) < 0:
        raise InputError("a count is negative, or the threshold is below 2", expected="counts of people")
    if (not rest and total > most) or (kind is Kind.SUM and total < reported):
        raise InputError(
            "a total is not one of its parts",
            expected="parts below the threshold, and rest=True if the total counts people who stand in none",
        )
    if kind is Kind.RATIO:
        raise InputError("a ratio has no total", expected="sum or union")
    if kind is Kind.SUM and suppressed == 0 and not rest:
        return Total(total, State.REPORTED)
    base = bucket_width(reported, suppressed, k=k, kind=kind, rest=rest)
    # A bucket that begins at zero would be published as a zero that is none.
    if base is None or total < base:
        return Total(None, State.WITHHELD)
    return Total(total // base * base, State.ROUNDED, base)


def bucket_width(reported: int, suppressed: int, *, k: int, kind: Kind, rest: bool = False) -> int | None:
    """Return the width b of the buckets of a total, or None when every width would tell, or say nothing.

    Parameters are those of :func:`protect_total`; the total itself is none of them.
    """
    # A wider bucket than what is reported would say nothing.
    for base in range(-(-k // 5) * 5, min(reported, WIDEST * k) + 1, 5):
        # With a union, people who are counted twice hide how many the suppressed parts may hold.
        lowest = kind is Kind.UNION or reported // base * base + base - reported >= k
        # With a rest, or with no suppressed part, there is nothing that a large total must be made of.
        highest = (
            rest
            or suppressed == 0
            or (reported + suppressed * (k - 1)) // base * base <= reported + (suppressed - 1) * (k - 1)
        )
        if lowest and highest:
            return base
    return None


def parts_by(table: pa.Table, measure: str, by: Sequence[str]) -> pa.Table:
    """Return what a reader of a published table knows of its parts: R and n for each group.

    Parameters
    ----------
    table
        A protected table, with ``<measure>`` and ``<measure>_state``.
    measure
        Name of the measure.
    by
        Columns that name the total a part belongs to; none for one grand total.

    Returns
    -------
    pyarrow.Table
        The columns of `by`, ``reported`` (int64, sum of the published values), ``largest`` (int64, the greatest of
        them, or 0) and ``suppressed`` (int64, number of values that are not published).

    Examples
    --------
    >>> table = pa.table({"n": [40, 20, None], "n_state": ["reported", "reported", "suppressed"]})
    >>> parts_by(table, "n", []).to_pylist()
    [{'reported': 60, 'largest': 40, 'suppressed': 1}]
    """
    hidden = pc.equal(table.column(f"{measure}_state"), State.SUPPRESSED.value)
    counted = table.select(list(by)).append_column("value", pc.fill_null(table.column(measure), 0))
    counted = counted.append_column("suppressed", hidden.cast(pa.int64()))
    found = counted.group_by(list(by)).aggregate([("value", "sum"), ("value", "max"), ("suppressed", "sum")])
    columns = {"reported": "value_sum", "largest": "value_max", "suppressed": "suppressed_sum"}
    return pa.table(
        {name: found.column(name) for name in by}
        | {name: found.column(column).cast(pa.int64()) for name, column in columns.items()}
    )
