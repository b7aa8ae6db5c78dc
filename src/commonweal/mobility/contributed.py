"""Sums of what single people contribute, with the largest contributions, by which a sum is judged.

A largest contribution cannot be added up over buckets; how many people contribute how much can. So keyed counts have
the contribution as a key, and this adds them up at last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def added_up(counts: pa.Table, keys: Sequence[str], amount: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Add up contributions by key.

    Parameters
    ----------
    counts
        Keyed counts: the columns `keys`, the contribution `amount`, and how many ``people`` contributed that.
    keys
        By what they are added up.
    amount
        What is added up.

    Returns
    -------
    The keys, ascending; and for each ``people``, the sum by its name, and its ``largest`` and ``second`` contribution.

    Examples
    --------
    Three people with one event each, one with five:

    >>> from commonweal.core.engine import keyed_counts
    >>> counts = keyed_counts({"area": [7, 7], "events": [1, 5]}, {"people": [3, 1]})
    >>> keys, sums = added_up(counts, ["area"], "events")
    >>> keys, [sums[name].tolist() for name in ("people", "events", "events_largest", "events_second")]
    ({'area': array([7])}, [[4], [8], [5], [1]])
    """
    columns = {name: counts[name].to_numpy() for name in (*keys, amount, "people")}
    order = np.lexsort([columns[name] for name in (amount, *reversed(keys))])
    columns = {name: values[order] for name, values in columns.items()}
    each, people = columns[amount], columns["people"]
    new = np.arange(len(each)) == 0
    for name in keys:
        new[1:] |= np.diff(columns[name]) != 0
    at = np.flatnonzero(new)
    last = np.append(at[1:], len(each)) - 1 if len(at) else at
    before = np.where(last > at, each[np.maximum(last - 1, 0)], 0)
    total, everybody = (np.add.reduceat(values, at) if len(at) else values for values in (each * people, people))
    sums = {
        "people": everybody,
        amount: total,
        f"{amount}_largest": each[last],
        f"{amount}_second": np.where(people[last] == 1, before, each[last]),
    }
    return {name: columns[name][at] for name in keys}, sums
