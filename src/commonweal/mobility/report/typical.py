"""A typical day: the median over days, and only where a count is published on more than half of them.

For days d with a published value x(d) among n days::

    typical = median { x(d) }   if |{ d : x(d) published }| > n / 2, else nothing

A value that is not published is not taken for zero, nor for any number: it may be small, or hidden to protect others.
Where every count lies in an interval [low(d), high(d)], the median of the counts lies between the medians of both ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from commonweal.core.catalog import State
from commonweal.mobility.report.gathering import Layer

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Typical:
    """A typical value.

    Parameters
    ----------
    value
        The median; None where too few days are published.
    days, of
        On how many days a value is published, and of how many.
    low, high
        Where the count before noise lies, if it was published with an interval.
    state
        Of the value: reported, or why there is none.
    """

    value: float | None
    days: int
    of: int
    low: float | None = None
    high: float | None = None
    state: State = State.REPORTED


@dataclass(frozen=True, eq=False)
class Laid:
    """Values of a layer laid out by (row, column), NaN where none is published.

    Parameters
    ----------
    values, low, high
        (n, m); low and high are the values themselves where the layer has no interval.
    suppressed
        (n, m), whether it is suppressed.
    """

    values: Numbers
    low: Numbers
    high: Numbers
    suppressed: npt.NDArray[np.bool_]
    has_interval: bool

    def typical(self, rows: Sequence[int] | npt.NDArray[np.int64] | slice = slice(None)) -> list[Typical]:
        """Give the typical value of each column over some rows."""
        values, suppressed = self.values[rows], self.suppressed[rows]
        published = ~np.isnan(values)
        days, of = published.sum(axis=0), len(values)
        enough = days * 2 > of
        found = []
        for column in range(values.shape[1]):
            if enough[column]:
                here = published[:, column]
                ends = [float(np.median(end[rows][here, column])) for end in (self.low, self.high)]
                low, high = ends if self.has_interval else (None, None)
                found.append(Typical(float(np.median(values[here, column])), int(days[column]), of, low, high))
            else:
                state = State.SUPPRESSED if suppressed[:, column].any() or days[column] else State.MISSING
                found.append(Typical(None, int(days[column]), of, state=state))
        return found


def lay(layer: Layer, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], shape: tuple[int, int]) -> Laid:
    """Lay a layer out.

    Parameters
    ----------
    rows, columns
        Where each row of the layer's table belongs.
    shape
        (n, m)

    Examples
    --------
    >>> median_of_published([[10.0, float("nan")], [30.0, float("nan")], [float("nan"), 5.0]])
    [20.0, None]
    """
    measure = layer.value
    filled = [np.full(shape, np.nan) for _ in range(3)]
    names = (measure.name, "low", "high") if layer.has_interval else (measure.name,) * 3
    for values, name in zip(filled, names, strict=True):
        values[rows, columns] = layer.table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    suppressed = np.zeros(shape, bool)
    states = np.asarray(layer.table.column(measure.state).to_pylist(), dtype=object)
    suppressed[rows, columns] = states == State.SUPPRESSED.value
    values, low, high = filled
    return Laid(values, low, high, suppressed, layer.has_interval)


def median_of_published(values: Sequence[Sequence[float]]) -> list[float | None]:
    """Give the typical value of each column of values by day, where NaN stands for none."""
    numbers = np.array(values, float)
    laid = Laid(numbers, numbers, numbers, np.isnan(numbers), has_interval=False)
    return [typical.value for typical in laid.typical()]
