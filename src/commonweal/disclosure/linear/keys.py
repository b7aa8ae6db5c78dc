"""Finding rows by their keys, so that a domain can say which cell is a part of which."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def rows_by_key(wanted: pa.Table, among: pa.Table) -> np.ndarray:
    """Find, for each row of a table of keys, the row of another that has the same key.

    Parameters
    ----------
    wanted, among
        The same columns; keys of `among` are unique. A null is in no key.

    Returns
    -------
    numpy.ndarray
        Row numbers, int64, -1 where there is none.

    Examples
    --------
    >>> rows_by_key(pa.table({"area": ["B", None, "C"]}), pa.table({"area": ["A", "B"]}))
    array([ 1, -1, -1])
    """
    own, other = np.zeros(among.num_rows, np.int64), np.zeros(wanted.num_rows, np.int64)
    missing = np.zeros(wanted.num_rows, bool)
    for name in among.column_names:
        known = pc.unique(among.column(name))
        own = own * len(known) + pc.index_in(among.column(name), known).to_numpy()
        found = pc.index_in(wanted.column(name), known, skip_nulls=True)
        missing |= np.asarray(found.is_null())
        other = other * len(known) + pc.fill_null(found, 0).to_numpy()
    if not len(own):
        return np.full(len(other), -1, np.int64)
    order = np.argsort(own, kind="stable")
    place = np.minimum(np.searchsorted(own[order], other), len(own) - 1)
    row = order[place]
    return np.where(missing | (own[row] != other), -1, row)


def with_columns(keys: pa.Table, **replaced: pa.Array) -> pa.Table:
    """Give keys with some of their columns replaced: an area by its parent, an hour by its day."""
    for name, column in replaced.items():
        keys = keys.set_column(keys.column_names.index(name), name, column)
    return keys
