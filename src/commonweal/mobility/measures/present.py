"""Present devices: how many devices are in an area at the end of an hour, estimated from cells by EM.

A cell is heard beyond the borders of the area in which its mast stands, so devices that it serves may be elsewhere.
With n(c, h) the subscribers whose last event of hour h was in cell c, and P(c|i) the probability that a device at
point i of a metric grid is served by cell c (`footprint.footprint_by_strength`)::

    devices(i, h) ← Σ_c n(c, h) · devices(i, h) · P(c|i) / Σ_j devices(j, h) · P(c|j)         from a uniform start

or one that is in proportion to land use (`footprint.LandUse`), where it is given, until it hardly changes
(`footprint.present_population`), and then added up over the points of each area. It is published where both it and

    behind(a, h) = |{ s : s was seen in hour h in a cell whose footprint meets a }|

are at least *k*. Its interval is `STUDENT` standard errors to either side; the standard error is that of `REPLICATES`
Poisson bootstraps, in each of which every subscriber counts Poisson(1) times, so those of a cell Poisson(n) times. By
which chance is hashed from the cell's identifier, the hour and the replicate: neither the order in which cells were
registered nor which days a run has changes an interval.

Source: M. Tennekes and Y. A. P. M. Gootzen (2022), *Bayesian location estimation of mobile devices using a signal
strength model*, Journal of Spatial Information Science 25; M. van der Laan and E. de Jonge (2019) for the EM.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa

from commonweal import disclosure
from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy, State
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.mobility.bounding import Unprotected, mixed
from commonweal.mobility.coverage import Coverage
from commonweal.mobility.footprint.estimating import TOLERANCE
from commonweal.mobility.measure import Measure, Scope, Window, product
from commonweal.mobility.sequences import Events

REPLICATES = 10
ESTIMATING = "estimating present devices"
"""What is told to be under way."""
STUDENT = 2.262157
"""What 95 % of Student's t with `REPLICATES` − 1 degrees of freedom keep within."""
_CELL, _AREA = range(2)

DATASET = Dataset(
    name="mobility.present",
    title=Wording("Present devices, by signal strength"),
    description=Wording(
        "How many devices are in an area at the end of an hour: estimated from the cells that served them and from "
        "where each cell is heard, so those near a border are divided between its sides."
    ),
    dimensions=(
        Dimension("area", "area", Wording("Where they are."), hierarchy="area"),
        Dimension("start", "timestamp", Wording("When the hour begins."), hierarchy="period"),
    ),
    measures=(
        Value("devices", "integer", Wording("Devices, estimated and not scaled."), "{devices}", Kind.RATIO),
        Value("low", "integer", Wording("Where the interval of 95 % begins."), "{devices}", Kind.RATIO),
        Value("high", "integer", Wording("Where that interval ends."), "{devices}", Kind.RATIO),
    ),
    privacy=Privacy.PEOPLE,
    keywords=("presence", "population present", "mobile phone data", "model"),
    theme="SOCI",
)


@kernel()
def connected(subscriber_hour: np.ndarray, hour: np.ndarray, cell: np.ndarray, hours: int, cells: int) -> np.ndarray:
    """n(c, h) = |{ s : the last event of s in hour h was in cell c }|, for sorted events; int64, shape (cells, hours).

    Examples
    --------
    >>> connected(np.array([0, 0, 1]), np.array([0, 0, 0]), np.array([2, 1, 1]), 1, 3).tolist()
    [[0], [2], [0]]
    """
    counts = np.zeros((cells, hours), np.int64)
    for i in range(len(cell)):
        last = i + 1 == len(cell) or subscriber_hour[i + 1] != subscriber_hour[i]
        counts[cell[i], hour[i]] += last
    return counts


@kernel()
def behind(
    subscriber_hour: np.ndarray,
    hour: np.ndarray,
    cell: np.ndarray,
    version: np.ndarray,
    first: np.ndarray,
    area: np.ndarray,
    shape: tuple,  # type: ignore[type-arg]
) -> np.ndarray:
    """behind(a, h), for sorted events; int64, shape (areas, hours).

    Parameters
    ----------
    subscriber_hour, hour
        As in `Events`.
    cell
        Number of each event's cell.
    version
        Which version of footprints holds in each hour.
    first, area
        As in `Meeting`.
    shape
        How many cells, areas and hours there are.

    Examples
    --------
    Cell 0 meets area 0, cell 1 both; one subscriber was in both cells, another in cell 1:

    >>> behind(np.array([0, 0, 1]), np.array([0, 0, 0]), np.array([0, 1, 1]), np.array([0]),
    ...        np.array([0, 1, 3]), np.array([0, 0, 1]), (2, 2, 1)).tolist()
    [[2], [2]]
    """
    cells, areas, hours = shape
    counts = np.zeros((areas, hours), np.int64)
    counted_in = np.full(areas, -1, np.int32)
    for i in range(len(cell)):
        row = version[hour[i]] * cells + cell[i]
        for place in range(first[row], first[row + 1]):
            a = area[place]
            counts[a, hour[i]] += counted_in[a] != subscriber_hour[i]
            counted_in[a] = subscriber_hour[i]
    return counts


def count(events: Events, window: Window) -> pa.Table:
    """Count a bucket's subscribers by cell and hour, and those behind each area."""
    meeting = window.meeting
    assert meeting is not None
    cell, hours = meeting.cell_of_span[events.span], len(window.hours) - 1
    version = meeting.versions(window.hours[:-1] + window.starts)
    parts = []
    by_cell = connected(events.subscriber_hour, events.hour, cell, hours, meeting.cells)
    shape = (meeting.cells, window.areas, hours)
    by_area = behind(events.subscriber_hour, events.hour, cell, version, meeting.first, meeting.area, shape)
    for kind, counts in ((_CELL, by_cell), (_AREA, by_area)):
        place, hour = np.nonzero(counts)
        keys = {"kind": np.full(len(place), kind), "place": place, "start": window.hours[hour] + window.starts}
        parts.append(keyed_counts(keys, {"people": counts[place, hour]}))
    return pa.concat_tables(parts)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Estimate devices by area and hour, with their intervals."""
    covered = scope.coverage
    assert covered is not None
    hours, areas = len(scope.hours) - 1, len(scope.areas)
    kind, place, start, people = (counts[name].to_numpy() for name in ("kind", "place", "start", "people"))
    hour = np.searchsorted(scope.hours, start)
    by_cell, by_area = np.zeros((covered.meeting.cells, hours), np.int64), np.zeros((areas, hours), np.int64)
    for table, own in ((by_cell, kind == _CELL), (by_area, kind == _AREA)):
        table[place[own], hour[own]] = people[own]
    devices, error = estimated(covered, by_cell, scope.hours[:-1])
    low, high = np.maximum(devices - STUDENT * error, 0), devices + STUDENT * error
    known = np.isfinite(devices).ravel()
    named = product(area=pa.array(scope.areas, pa.string()), start=scope.times(scope.hours[:-1]))
    state = pa.array([State.MODELLED.value] * int(known.sum()), pa.string())
    columns = {name: named[name].filter(pa.array(known)) for name in named.column_names}
    for name, values in (("devices", np.rint(devices)), ("low", np.floor(low)), ("high", np.ceil(high))):
        columns[name] = pa.array(values.ravel()[known].astype(np.int64))
        columns[f"{name}_state"] = state
    columns["people"] = pa.array(np.minimum(np.floor(devices), by_area).ravel()[known].astype(np.int64))
    return pa.table(columns)


def estimated(covered: Coverage, by_cell: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate devices, and their standard error.

    Parameters
    ----------
    covered
        The footprints.
    by_cell
        n(c, h), shape (cells, hours).
    starts
        When each hour begins, int64 UTC seconds.

    Returns
    -------
    devices, error
        float64, shape (areas, hours); NaN for areas in which no point of the grid lies.
    """
    from commonweal.mobility.footprint import present_by_area

    version = covered.meeting.versions(starts)
    shape = (len(covered.grid.codes), by_cell.shape[1])
    devices, error = np.zeros(shape), np.zeros(shape)
    again = redrawn(by_cell, chances(covered.key, starts, REPLICATES))
    for number, footprint in enumerate(covered.footprints):
        own = np.flatnonzero((version == number) & by_cell.any(axis=0))
        estimate = partial(present_by_area, covered.grid, footprint, start=covered.starts[number])
        devices[:, own] = estimate(by_cell[:, own]).devices
        drawn = []
        for replicate, one in enumerate(again):
            disclosure.tell(number * REPLICATES + replicate, len(covered.footprints) * REPLICATES, ESTIMATING)
            drawn.append(estimate(one[:, own]).devices)
        error[:, own] = np.std(drawn, axis=0, ddof=1)
    return devices, error


@kernel()
def chances(key: np.ndarray, starts: np.ndarray, replicates: int) -> np.ndarray:
    """Evenly spread numbers in (0, 1), hashed from a cell's key, an hour and the replicate.

    Parameters
    ----------
    key
        uint64, shape (cells,)
    starts
        int64, shape (hours,)

    Returns
    -------
    float64, shape (replicates, cells, hours)

    Examples
    --------
    What is drawn by a cell and an hour is the same beside others:

    >>> alone = chances(np.array([7], np.uint64), np.array([3600]), 2)
    >>> beside = chances(np.array([5, 7], np.uint64), np.array([0, 3600]), 2)
    >>> bool((alone[:, 0, 0] == beside[:, 1, 1]).all()), bool((alone[:, 0, 0] == beside[:, 0, 1]).any())
    (True, False)
    """
    found = np.empty((replicates, len(key), len(starts)))
    for c in range(len(key)):
        for h in range(len(starts)):
            own = mixed(mixed(key[c]) ^ np.uint64(starts[h]))
            for b in range(replicates):
                found[b, c, h] = (float(mixed(own ^ np.uint64(b)) >> np.uint64(11)) + 0.5) / 9007199254740992.0
    return found


def redrawn(counts: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Give the least k with P(X ≤ k) ≥ chance for X ∼ Poisson(n), of each count n and chance; int64.

    Examples
    --------
    >>> redrawn(np.array([0, 100]), np.array([[0.5, 0.025], [0.5, 0.975]]))
    array([[  0,  81],
           [  0, 120]])
    """
    from scipy.special import pdtr, pdtrik

    found = np.zeros(chance.shape, np.int64)
    there = np.broadcast_to(counts > 0, chance.shape)
    n, asked = np.broadcast_to(counts, chance.shape)[there].astype(np.float64), chance[there]
    near = np.ceil(pdtrik(asked, n))
    less = np.maximum(near - 1, 0)
    found[there] = np.where(pdtr(less, n) >= asked, less, near)
    return found


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every area in every hour."""
    return product(area=pa.array(scope.areas, pa.string()), start=scope.times(scope.hours[:-1]))


CHOICES = {
    "no_area": Wording("as where its cell is heard; left out where that is nowhere"),
    "tolerance": TOLERANCE,
    "replicates": REPLICATES,
    "interval": Wording("95 %, Student's t of Poisson bootstraps"),
}
MEASURE = Measure(
    DATASET,
    count,
    finish,
    grid,
    Unprotected(Wording("a device counts in many areas, in parts: no whole number of it can be bounded")),
    usual=False,
    coverage=True,
    choices=CHOICES,
)
