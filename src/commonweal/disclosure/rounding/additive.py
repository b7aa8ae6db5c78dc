"""Relations between cells as linear conditions, for what must add up after noise or rounding.

sum     Σ parts − whole = 0
within  whole − part ≥ 0 for each part
cover   Σ parts − whole ≥ 0
union   within and cover
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from commonweal.core.errors import InputError
from commonweal.disclosure.linear.relations import NAMES, Relations

Relation = tuple[int, Sequence[int], str]
"""A whole, its parts, and ``sum``, ``union``, ``within`` or ``cover``; cells are numbered from 0."""

KINDS = tuple(NAMES)


def listed(relations: Relations) -> list[Relation]:
    """Give the relations of an audit one by one, for rounding, noise and attacks.

    >>> from commonweal.disclosure.linear.relations import Kind
    >>> from commonweal.disclosure.linear.relations import relations as gathered
    >>> listed(gathered([(0, [1, 2], Kind.UNION)]))
    [(0, (1, 2), 'union')]
    """
    names = {int(kind): name for name, kind in NAMES.items()}
    return [
        (int(whole), tuple(relations.parts(number).tolist()), names[int(relations.kind[number])])
        for number, whole in enumerate(relations.whole)
    ]


def conditions(relations: Sequence[Relation], cells: int) -> tuple[Any, np.ndarray]:
    """Give the matrix A and the upper bounds u with 0 ≤ A x ≤ u, where u is 0 or without end.

    Returns
    -------
    A
        scipy.sparse.csr_array, shape (conditions, cells).
    upper
        float64, shape (conditions,).

    Examples
    --------
    >>> matrix, upper = conditions([(0, (1, 2), "sum")], 3)
    >>> matrix.toarray(), upper
    (array([[-1.,  1.,  1.]]), array([0.]))
    """
    from scipy.sparse import csr_array

    row: list[int] = []
    column: list[int] = []
    sign: list[float] = []
    upper: list[float] = []

    def condition(entries: Sequence[tuple[int, float]], limit: float) -> None:
        for cell, value in entries:
            row.append(len(upper))
            column.append(cell)
            sign.append(value)
        upper.append(limit)

    for whole, parts, kind in relations:
        if kind not in KINDS:
            raise InputError(f"there is no kind of relation {kind!r}", expected=", ".join(KINDS))
        if not parts or not all(0 <= cell < cells for cell in (whole, *parts)):
            raise InputError("a relation has no parts, or names no cell", expected=f"cells from 0 to {cells - 1}")
        if kind in ("sum", "union", "cover"):
            limit = 0.0 if kind == "sum" else np.inf
            condition([(whole, -1.0), *((part, 1.0) for part in parts)], limit)
        if kind in ("union", "within"):
            for part in parts:
                condition([(whole, 1.0), (part, -1.0)], np.inf)
    return csr_array((sign, (row, column)), shape=(len(upper), cells)), np.array(upper)


def holds(values: np.ndarray, relations: Sequence[Relation]) -> bool:
    """Say whether values keep to all relations.

    >>> holds(np.array([5, 4, 2]), [(0, (1, 2), "union")]), holds(np.array([7, 4, 2]), [(0, (1, 2), "union")])
    (True, False)
    """
    matrix, upper = conditions(relations, len(values))
    found = matrix @ np.asarray(values, np.float64)
    return bool(np.all(found >= 0) and np.all(found <= upper))


def cheapest(
    cost: np.ndarray, most: np.ndarray, matrix: Any, lowest: np.ndarray, upper: np.ndarray
) -> np.ndarray | None:
    """Give the whole numbers x that cost the least, 0 ≤ x ≤ most and lowest ≤ A x ≤ lowest + upper; None if none do.

    Parameters
    ----------
    cost, most
        float64 and int64, shape (columns,).
    matrix
        A, a scipy.sparse array of -1, 0 and 1.
    lowest, upper
        float64, shape (conditions,); `upper` as of `conditions`.
    """
    from commonweal.disclosure.linear.programme import Infeasible, Programme
    from commonweal.disclosure.linear.rows import UNBOUNDED, Rows

    rows = matrix.tocsr()
    least = np.rint(lowest).astype(np.int64)
    conditions_ = Rows(
        rows.indptr.astype(np.int64),
        rows.indices.astype(np.int64),
        rows.data.astype(np.int8),
        least,
        np.where(np.isinf(upper), UNBOUNDED, least),
        np.arange(len(least)),
    )
    programme = Programme(conditions_, np.zeros(len(cost), np.int64), most.astype(np.int64), seconds=np.inf)
    try:
        found = programme.extreme(-cost, whole=True)
    except Infeasible:
        return None
    return None if found is None else np.rint(found).astype(np.int64)
