"""What these tables have in common: identifiers, codes and times in place of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.mobility.cells import read_register
from commonweal.mobility.counting import Bucket
from commonweal.mobility.measure import Scope
from commonweal.mobility.mobile_countries import COUNTRIES
from commonweal.mobility.runs import Plan


def identifiers_of(planned: Plan) -> list[str]:
    """Give the identifiers of the project's cells, by their number."""
    return read_register(planned.store.folder.parent).identifiers


def names(kind: type[IntEnum], values: np.ndarray) -> pa.Array:
    """Give members by their names, in lower case."""
    return pa.array([each.name.lower() for each in kind], pa.string()).take(pa.array(values.astype(np.int64)))


def areas(planned: Plan, index: np.ndarray) -> pa.Array:
    """Give the codes of areas, null for -1."""
    return _known(planned.areas.codes, index)


def countries(index: np.ndarray) -> pa.Array:
    """Give the codes of countries, null for -1.

    >>> countries(np.array([-1, len(COUNTRIES) - 1])).to_pylist()
    [None, 'ZZ']
    """
    return _known(COUNTRIES, index)


def times(seconds: Any, bucket: Bucket) -> pa.Array:
    """Give times of seconds from the epoch's start."""
    return Scope.times(np.asarray(seconds, np.int64) + bucket.epoch_starts)


def lists(lengths: Any, values: pa.Array) -> pa.LargeListArray:
    """Give values as lists of these lengths.

    >>> lists([2, 0, 1], pa.array(["a", "b", "c"])).to_pylist()
    [['a', 'b'], [], ['c']]
    """
    edges = np.append(0, np.cumsum(np.asarray(lengths, np.int64)))
    return pa.LargeListArray.from_arrays(pa.array(edges, pa.int64()), values)


def _known(codes: Iterable[str], index: np.ndarray) -> pa.Array:
    return pa.array([None, *codes], pa.string()).take(pa.array(np.asarray(index, np.int64) + 1))
