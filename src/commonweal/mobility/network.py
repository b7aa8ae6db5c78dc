"""The network as kernels read it: where each version of each cell stands, and whose footprints overlap.

An event refers to a *span*: the time in which one version of its cell holds (`cells.Timeline`). A `Network` says of
every span where its cell stood and how, on which site, and which other spans' footprints meet its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from commonweal.core.areas import Areas
from commonweal.core.errors import InputError
from commonweal.core.kernels import kernel
from commonweal.mobility.cells import CellRegister, Timeline
from commonweal.mobility.plmn import country_code

PLACED, NO_POSITION, NO_VERSION = range(3)
EARTH = 6_371_008.8
"""Mean radius of the earth, m (IUGG)."""
EQUATOR, FLATTENING = 6_378_137.0, 1 / 298.257223563
"""WGS 84."""
USUAL_RANGE = 10_000.0
"""How far a cell is heard that does not say it, m; as for footprints."""
STEPS = (500.0, 1000.0)
"""Sides of the grid's squares, m: the next one is taken where the areas have too many squares of this one."""
FEW = 16
"""Spans that are looked through one after the other."""
NEIGHBOURS, SIGNAL = "neighbours by Voronoi", "signal strength"


@dataclass(frozen=True, eq=False)
class Network:
    """Every span of a timeline, and which of them overlap.

    Parameters
    ----------
    cell
        int32[spans]: the code of the cell.
    state
        int8[spans]: `PLACED`; `NO_POSITION`; or `NO_VERSION`, where none of the cell's versions holds.
    longitude, latitude
        float64[spans], degrees; NaN unless placed.
    azimuth, beam_width, range
        float64[spans]: degrees from north, degrees, metres; NaN where the register says nothing.
    technology
        int16[spans]: index in `technologies`, or -1.
    site
        int32[spans]: which spans stand on one site, by its name or else by position; -1 unless placed.
    place
        float64[spans, 3]: where it stands, metres from the centre of the earth; NaN unless placed.
    first, other
        The spans that overlap span s are ``other[first[s]:first[s + 1]]``, ascending, without itself. int64, int32.
    technologies
        Names.
    countries
        int32: mobile country codes of the cells, ascending; none if the register has no PLMN.
    method
        How overlaps were found.
    machines
        int32: type allocation codes of devices that are machines, ascending.
    """

    cell: np.ndarray
    state: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray
    azimuth: np.ndarray
    beam_width: np.ndarray
    range: np.ndarray
    technology: np.ndarray
    site: np.ndarray
    place: np.ndarray
    first: np.ndarray
    other: np.ndarray
    technologies: tuple[str, ...]
    countries: np.ndarray
    method: str
    machines: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))

    def __len__(self) -> int:
        """Give the number of spans."""
        return len(self.state)

    @cached_property
    def farthest_overlap(self) -> float:
        """How far apart two spans stand at most that overlap, straight on, metres, and one more."""
        return float(farthest(self.place, self.first, self.other))


def network(register: CellRegister, timeline: Timeline, areas: Areas | None = None) -> Network:
    """Describe every span, and find which footprints overlap.

    Two footprints overlap if a point of the grid hears both (`footprint.footprint_by_strength`, `footprint.overlaps`),
    whenever the two versions held. That needs to know how far cells are heard, so it is done if every placed version
    says its range and there are areas to lay the grid over. Otherwise two spans overlap if their sites are neighbours:
    their Voronoi polygons share a border, and they are no farther apart than both ranges, which are `USUAL_RANGE` where
    none is said. Either way spans of one site overlap.

    Parameters
    ----------
    register, timeline
        All versions, and which holds when.
    areas
        What the grid is laid over.

    Examples
    --------
    Three sites in a row, and a cell that nobody knows the place of:

    >>> from commonweal.mobility.cells import ALWAYS, DESCRIPTION, FOREVER, empty_register
    >>> always = dict.fromkeys(DESCRIPTION) | {"valid_from": ALWAYS, "valid_to": FOREVER}
    >>> places = [(0.0, 0.5), (0.05, 0.5), (0.1, 0.5), (None, None)]
    >>> register = empty_register().with_versions(pa.Table.from_pylist([
    ...     always | {"identifier": name, "longitude": longitude, "latitude": latitude}
    ...     for name, (longitude, latitude) in zip("abcd", places)]))
    >>> found = network(register, register.timeline())
    >>> found.state.tolist()  # of each cell: while its version holds, and when it no longer does
    [0, 2, 0, 2, 0, 2, 1, 2]
    >>> [found.other[found.first[span] : found.first[span + 1]].tolist() for span in (0, 2, 4, 6)]
    [[2], [0, 4], [2], []]
    """
    described = _described(register, timeline)
    placed = described.state == PLACED
    if areas is not None and placed.any() and not np.isnan(described.range[placed]).any():
        pairs, method = _by_signal(register, timeline, described, areas), SIGNAL
    else:
        pairs, method = _by_neighbours(described), NEIGHBOURS
    first, other = _rows(np.concatenate([pairs, _of_one_site(described)]), len(described))
    return replace(described, first=first, other=other, method=method)


def _described(register: CellRegister, timeline: Timeline) -> Network:
    row, table = timeline.row, register.table
    none = len(table)

    def numbers(name: str) -> np.ndarray:
        values = np.array(table[name].fill_null(float("nan")), np.float64)
        return np.append(values, np.nan)[np.where(row < 0, none, row)]

    longitude, latitude = numbers("longitude"), numbers("latitude")
    somewhere = ~np.isnan(longitude) & ~np.isnan(latitude)
    state = np.where(somewhere, PLACED, np.where(row >= 0, NO_POSITION, NO_VERSION)).astype(np.int8)
    names = table["technology"].to_pylist()
    technologies = tuple(sorted({name for name in names if name}))
    index = {name: number for number, name in enumerate(technologies)}
    technology = np.array([*(index.get(name, -1) for name in names), -1], np.int16)
    sites = [*table["site"].to_pylist(), None]
    numbered: dict[object, int] = {}
    site = np.full(len(row), -1, np.int32)
    for span in np.flatnonzero(somewhere).tolist():
        name = sites[row[span]]
        at = (float(longitude[span]), float(latitude[span]))
        # A site that was moved is another place, whatever its name.
        site[span] = numbered.setdefault((name, *at) if name else at, len(numbered))
    plmns = {plmn for plmn in table["plmn"].to_pylist() if plmn}
    return Network(
        cell=np.repeat(np.arange(len(timeline.first) - 1, dtype=np.int32), np.diff(timeline.first)),
        state=state,
        longitude=np.where(somewhere, longitude, np.nan),
        latitude=np.where(somewhere, latitude, np.nan),
        azimuth=numbers("azimuth"),
        beam_width=numbers("beam_width"),
        range=numbers("range"),
        technology=technology[np.where(row < 0, none, row)],
        site=site,
        place=from_centre(longitude, latitude),
        first=np.zeros(len(row) + 1, np.int64),
        other=np.zeros(0, np.int32),
        technologies=technologies,
        countries=np.array(sorted({country_code(plmn) for plmn in plmns}), np.int32),
        method=NEIGHBOURS,
    )


def from_centre(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Where points on the ellipsoid lie, metres from the centre of the earth, float64[n, 3]."""
    east, north = np.radians(longitude), np.radians(latitude)
    squared = FLATTENING * (2 - FLATTENING)
    normal = EQUATOR / np.sqrt(1 - squared * np.sin(north) ** 2)
    return np.column_stack(
        [
            normal * np.cos(north) * np.cos(east),
            normal * np.cos(north) * np.sin(east),
            normal * (1 - squared) * np.sin(north),
        ]
    )


@kernel(inline="always")
def squared(place: np.ndarray, one: int, other: int) -> float:
    """The square of how far two placed spans lie apart straight on, m²."""
    found = 0.0
    for axis in range(3):
        found += (place[one, axis] - place[other, axis]) ** 2
    return found


@kernel(inline="always")
def metres(place: np.ndarray, one: int, other: int) -> float:
    """How far two placed spans lie apart along the ground, metres: 2 R asin(c / 2 R) of the straight line c on WGS 84.

    Of 100 km it errs by centimetres, of 1,000 km by some ten metres.

    Examples
    --------
    A degree on the equator; the geodesic has 111 319.49 m:

    >>> place = from_centre(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    >>> round(metres(place, 0, 1), 2)
    111319.49
    """
    return 2 * EARTH * np.arcsin(min(1.0, np.sqrt(squared(place, one, other)) / (2 * EARTH)))


@kernel()
def farthest(place: np.ndarray, first: np.ndarray, other: np.ndarray) -> float:
    """How far apart two spans stand at most that overlap, straight on, metres, and one more."""
    most = 0.0
    for one in range(len(first) - 1):
        for two in other[first[one] : first[one + 1]]:
            most = max(most, squared(place, one, two))
    return np.sqrt(most) + 1


@kernel()
def overlapping(first: np.ndarray, other: np.ndarray, one: int, two: int) -> bool:
    """Say whether two spans overlap; a span overlaps itself.

    >>> overlapping(np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1]), 0, 2)
    False
    """
    if one == two:
        return True
    low, high = first[one], first[one + 1]
    if high - low <= FEW:
        found = False
        for i in range(low, high):  # without a branch, which would be mispredicted
            found |= other[i] == two
        return found
    while low < high:
        middle = (low + high) // 2
        if other[middle] < two:
            low = middle + 1
        else:
            high = middle
    return low < first[one + 1] and other[low] == two


def _of_one_site(described: Network) -> np.ndarray:
    """Pairs of spans of one site, int64[pairs, 2]."""
    placed = np.flatnonzero(described.site >= 0)
    members = placed[np.argsort(described.site[placed], kind="stable")]
    groups = np.split(members, np.flatnonzero(np.diff(described.site[members])) + 1)
    found = [np.column_stack([g[i] for i in np.triu_indices(len(g), 1)]) for g in groups if len(g) > 1]
    return np.concatenate(found).astype(np.int64) if found else np.zeros((0, 2), np.int64)


def _by_neighbours(described: Network) -> np.ndarray:
    """Pairs of spans whose sites' Voronoi polygons share a border, within both ranges, int64[pairs, 2]."""
    placed = np.flatnonzero(described.site >= 0)
    if not len(placed):
        return np.zeros((0, 2), np.int64)
    sites, at = np.unique(described.site[placed], return_index=True)
    reach = np.zeros(len(sites))
    said = np.where(np.isnan(described.range), USUAL_RANGE, described.range)
    np.maximum.at(reach, np.searchsorted(sites, described.site[placed]), said[placed])
    place = described.place[placed[at]]
    pairs = _neighbours(described.longitude[placed[at]], described.latitude[placed[at]])
    apart = np.linalg.norm(place[pairs[:, 0]] - place[pairs[:, 1]], axis=1)
    pairs = pairs[apart <= reach[pairs[:, 0]] + reach[pairs[:, 1]]]
    order = np.argsort(described.site[placed], kind="stable")
    begins = np.searchsorted(described.site[placed][order], sites)
    ends = np.append(begins[1:], len(placed))
    found = [
        np.stack(np.meshgrid(placed[order[begins[a] : ends[a]]], placed[order[begins[b] : ends[b]]]), -1).reshape(-1, 2)
        for a, b in pairs.tolist()
    ]
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def _neighbours(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Pairs of points whose Voronoi polygons share a border, int64[pairs, 2]."""
    from scipy.spatial import Delaunay, QhullError

    if len(longitude) < 2:
        return np.zeros((0, 2), np.int64)
    middle = np.radians(np.median(latitude))
    turned = (longitude - np.median(longitude) + 540) % 360 - 180
    points = np.column_stack([turned * np.cos(middle), latitude])
    if len(points) > 3:
        try:
            corners = Delaunay(points).simplices
        except QhullError:  # all in one line
            corners = None
        if corners is not None:
            edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])
            return np.unique(np.sort(edges, axis=1), axis=0).astype(np.int64)
    order = np.lexsort((points[:, 1], points[:, 0]))
    if len(points) == 3 and np.linalg.matrix_rank(points - points[0]) == 2:
        return np.array([[0, 1], [0, 2], [1, 2]])
    return np.column_stack([order[:-1], order[1:]]).astype(np.int64)


def _by_signal(register: CellRegister, timeline: Timeline, described: Network, areas: Areas) -> np.ndarray:
    """Pairs of spans that one point of the grid hears both, int64[pairs, 2]."""
    from commonweal.mobility.footprint import footprint_by_strength, lay_grid, overlaps, read_plan

    rows = np.unique(timeline.row[described.state == PLACED])
    versions = register.table.take(pa.array(rows)).set_column(
        register.table.column_names.index("identifier"), "identifier", pa.array([str(row) for row in rows.tolist()])
    )
    grid = None
    for step in STEPS:
        try:
            grid = lay_grid(areas, step)
            break
        except InputError:
            if step == STEPS[-1]:
                raise
    assert grid is not None
    found = overlaps(footprint_by_strength(grid, read_plan(versions, where="cell register")))
    # A row that holds in several spans gives each of them its overlaps.
    order = np.argsort(timeline.row, kind="stable")
    begins, ends = (np.searchsorted(timeline.row[order], rows, side) for side in ("left", "right"))
    pairs = [
        (one, other)
        for a, b in zip(found.first.tolist(), found.second.tolist(), strict=True)
        for one in order[begins[a] : ends[a]].tolist()
        for other in order[begins[b] : ends[b]].tolist()
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _rows(pairs: np.ndarray, spans: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn pairs into, for each span, the others in order."""
    both = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    both = both[both[:, 0] != both[:, 1]]
    first = np.concatenate([[0], np.cumsum(np.bincount(both[:, 0], minlength=spans))]).astype(np.int64)
    return first, both[:, 1].astype(np.int32)
