"""Which version of each cell holds at a moment, as rows of a cell plan."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa

from commonweal.core.errors import InputError
from commonweal.mobility.cells import CellRegister, seconds


def cells_at(register: CellRegister, moment: datetime) -> pa.Table:
    """Give the row of each cell that holds at a moment, in order of the cells' codes; cells without one are left out.

    Parameters
    ----------
    register
        All versions of all cells; of those that cover the moment the newest registration holds.
    moment
        A time with its zone.

    Raises
    ------
    InputError
        The moment has no zone.

    Examples
    --------
    >>> from datetime import UTC
    >>> from commonweal.mobility.cells import empty_register
    >>> cells_at(empty_register(), datetime(2026, 3, 1, tzinfo=UTC)).num_rows
    0
    """
    if moment.tzinfo is None:
        raise InputError("the moment has no time zone", expected="such as 2026-03-01T00:00+00:00")
    timeline, at = register.timeline(), seconds(moment)
    rows = []
    for code in range(len(timeline.first) - 1):
        spans = slice(timeline.first[code], timeline.first[code + 1])
        span = int(np.searchsorted(timeline.starts[spans], at, side="right")) - 1
        if span >= 0 and (row := int(timeline.row[spans][span])) >= 0:
            rows.append(row)
    return register.table.take(pa.array(rows, pa.int64()))
