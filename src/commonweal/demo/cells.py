"""The operator's network: sites, sectors, technologies, and what changes in it.

A site stands where people live, one for some fifteen thousand; most carry three sectors, small rural ones a single
omnidirectional antenna. Every site has 2G; towns have 3G and 4G, some of the countryside 3G. Ranges follow the distance
between sites, so footprints overlap. A few sites are relocated or turned during the period, and sites fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.demo.geography import KM_PER_DEGREE, STEP, Geography
from commonweal.demo.operators import country_of_mcc, mcc_of

TECHNOLOGIES = ("2G", "3G", "4G")
LONGEST_RANGE_M = (25_000.0, 9_000.0, 6_000.0)
SHORTEST_RANGE_M = (700.0, 500.0, 400.0)
UNKNOWN_RANGE_M = (1_500.0, 1_000.0, 800.0)
"""Assumed where a cell file knows no range; the written file leaves it empty."""

PEOPLE_PER_SITE = 15_000.0
OUTAGES_PER_SITE_AND_DAY = 1 / 60
MOVED_SITES = 0.01


class Move(NamedTuple):
    """From the first second of `day`, a cell stands at (lon, lat) and looks to `azimuth`."""

    cell: int
    day: int
    lon: float
    lat: float
    azimuth: float


class Outage(NamedTuple):
    """A site was silent from `start` to `end`, in seconds from the start of the period."""

    site: int
    start: int
    end: int
    cause: str


@dataclass(frozen=True)
class Network:
    """Cells as arrays of one length, in the state before any move.

    Attributes
    ----------
    identifiers : text identifier of each cell, as records name it.
    site : int32, index of the site.
    lon, lat : float64, degrees.
    azimuth, beam : float64, degrees; NaN azimuth and 360 for an omnidirectional cell.
    range_m : float64, metres; `known_range` says where a source gave it.
    technology : int8, index in `TECHNOLOGIES`.
    plmn : int16, index in `plmns`.
    moves : changes of position, by day.
    """

    identifiers: tuple[str, ...]
    site: NDArray[np.int32]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    azimuth: NDArray[np.float64]
    beam: NDArray[np.float64]
    range_m: NDArray[np.float64]
    known_range: NDArray[np.bool_]
    technology: NDArray[np.int8]
    plmn: NDArray[np.int16]
    plmns: tuple[str, ...]
    moves: tuple[Move, ...] = ()

    def at(self, day: int) -> Network:
        """Give the network as it stands on a day of the period (0 is the first)."""
        lon, lat, azimuth = self.lon.copy(), self.lat.copy(), self.azimuth.copy()
        for move in self.moves:
            if move.day <= day:
                lon[move.cell], lat[move.cell], azimuth[move.cell] = move.lon, move.lat, move.azimuth
        return replace(self, lon=lon, lat=lat, azimuth=azimuth, moves=())


def place(geography: Geography, seed: int) -> Network:
    """Place the sample group's sites and cells over a geography."""
    draw = np.random.Generator(np.random.Philox(key=[seed, 2]))
    raster = geography.raster
    flat = raster.population.ravel().astype(float)
    # Villages are linked by antennas on hills: sites are a little more even than people.
    weight = np.where(flat > 0, flat**0.85, 0.0)
    count = max(int(flat.sum() / PEOPLE_PER_SITE), len(geography.countries))
    total = np.cumsum(weight)
    pixel = np.searchsorted(total, (np.arange(count) + draw.random(count)) / count * total[-1])
    row, column = np.divmod(np.minimum(pixel, len(flat) - 1), raster.area.shape[1])
    lon = raster.west + (column + draw.random(count)) * STEP
    lat = raster.south + (row + draw.random(count)) * STEP
    outside = geography.areas.locate(lon, lat) != raster.area[row, column]
    lon[outside] = raster.west + (column[outside] + 0.5) * STEP
    lat[outside] = raster.south + (row[outside] + 0.5) * STEP
    lon, lat = np.round(lon, 6), np.round(lat, 6)
    spacing_m = _spacing_m(lon, lat)
    urban = raster.population[row, column] > 600
    country = raster.country[row, column]

    rows: dict[str, list[float]] = {name: [] for name in ("site", "azimuth", "beam", "range", "technology")}
    identifiers: list[str] = []
    for site in range(count):
        code = geography.countries[country[site]].code
        omni = not urban[site] and draw.random() < 0.25
        start = draw.integers(0, 120)
        technologies = [0]
        if urban[site] or draw.random() < 0.45:
            technologies.append(1)
        if urban[site] or draw.random() < 0.12:
            technologies.append(2)
        for technology in technologies:
            reach = float(np.clip(
                1.4 * spacing_m[site] * (1.0, 0.8, 0.65)[technology],
                SHORTEST_RANGE_M[technology], LONGEST_RANGE_M[technology],
            ))  # fmt: skip
            for sector in range(1 if omni else 3):
                rows["site"].append(site)
                rows["azimuth"].append(np.nan if omni else float((start + 120 * sector) % 360))
                rows["beam"].append(360.0 if omni else 120.0 if technology == 0 else 65.0)
                rows["range"].append(round(reach * draw.uniform(0.85, 1.15)))
                rows["technology"].append(technology)
                area_code = 1000 * (technology + 1) + int(geography.areas.locate(lon[[site]], lat[[site]])[0])
                identifiers.append(f"{mcc_of(code)}-90-{area_code}-{10 * site + 3 * technology + sector + 1}")
    of_site = np.array(rows["site"], np.int32)
    return Network(
        identifiers=tuple(identifiers),
        site=of_site,
        lon=lon[of_site],
        lat=lat[of_site],
        azimuth=np.array(rows["azimuth"]),
        beam=np.array(rows["beam"]),
        range_m=np.array(rows["range"]),
        known_range=np.ones(len(of_site), bool),
        technology=np.array(rows["technology"], np.int8),
        plmn=country[of_site].astype(np.int16),
        plmns=tuple(f"{mcc_of(c.code)}90" for c in geography.countries),
    )


def moves(network: Network, geography: Geography, days: int, seed: int) -> tuple[Move, ...]:
    """Relocate or turn one site in a hundred, on a day a third or two thirds into the period."""
    draw = np.random.Generator(np.random.Philox(key=[seed, 3]))
    dates = sorted({days // 3, 2 * days // 3} - {0})
    sites = np.unique(network.site)
    if not dates or len(sites) < 2:
        return ()
    chosen = draw.choice(sites, max(1, round(MOVED_SITES * len(sites))), replace=False)
    found: list[Move] = []
    for site in np.sort(chosen):
        cells = np.flatnonzero(network.site == site)
        day = int(draw.choice(dates))
        lon, lat = float(network.lon[cells[0]]), float(network.lat[cells[0]])
        turn, angle, length = int(draw.integers(15, 105)), draw.uniform(0, 2 * np.pi), draw.uniform(0.5, 3.0)
        if draw.random() < 0.5:
            new_lon = lon + length * np.sin(angle) / KM_PER_DEGREE / np.cos(np.radians(lat))
            new_lat = lat + length * np.cos(angle) / KM_PER_DEGREE
            if geography.areas.locate(np.array([new_lon]), np.array([new_lat]))[0] >= 0:
                lon, lat, turn = round(float(new_lon), 6), round(float(new_lat), 6), 0
        for cell in cells:
            found.append(Move(int(cell), day, lon, lat, float((network.azimuth[cell] + turn) % 360)))
    return tuple(sorted(found, key=lambda move: (move.day, move.cell)))


def outages(network: Network, days: int, seed: int) -> tuple[Outage, ...]:
    """Let sites fail: once in sixty days each, for hours (log-normal, median three hours)."""
    draw = np.random.Generator(np.random.Philox(key=[seed, 4]))
    sites = np.unique(network.site)
    failing = sites[draw.random(len(sites)) < OUTAGES_PER_SITE_AND_DAY * days]
    start = draw.integers(0, days * 86400, len(failing))
    length = (3600 * np.exp(draw.normal(np.log(3.0), 0.9, len(failing)))).astype(int)
    ends = np.minimum(start + np.maximum(length, 600), days * 86400)
    return tuple(Outage(int(s), int(a), int(b), "power") for s, a, b in zip(failing, start, ends, strict=True))


def read_mls(path: Path, countries: Sequence[str]) -> Network:
    """Read cells of a Mozilla Location Service export (columns radio, mcc, net, area, cell, lon, lat, range).

    A cell is named MCC-network-area-cell; where two radios share that name, the radio is appended. A range of 0 is
    unknown. Cells at one position form a site.

    Raises
    ------
    InputError
        When a column is absent, a value is no number, or no cell belongs to a chosen country.
    """
    import csv

    radio = {"GSM": 0, "UMTS": 1, "LTE": 2}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("radio", "mcc", "net", "area", "cell", "lon", "lat", "range"):
        if rows and name not in rows[0]:
            raise InputError(f"there is no column {name!r}", where=path, expected="a Mozilla Location Service export")
    rows = [row for row in rows if row["radio"] in radio]
    names = [f"{row['mcc']}-{row['net']}-{row['area']}-{row['cell']}" for row in rows]
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    codes = [f"{int(row['mcc']):03d}{int(row['net']):02d}" for row in rows]
    plmns = tuple(sorted(set(codes)))
    if not any(country_of_mcc(code[:3]) in countries for code in plmns):
        raise InputError("no cell belongs to a chosen country", where=path, expected=f"MCC of {', '.join(countries)}")
    try:
        lon, lat, reach = (np.array([float(row[name]) for row in rows]) for name in ("lon", "lat", "range"))
    except ValueError as error:
        raise InputError(str(error), where=path, expected="numbers in lon, lat and range") from None
    technology = np.array([radio[row["radio"]] for row in rows], np.int8)
    _, site = np.unique(np.round(np.column_stack([lon, lat]), 5), axis=0, return_inverse=True)
    order = {code: index for index, code in enumerate(plmns)}
    known = reach > 0
    return Network(
        identifiers=tuple(
            f"{name}-{row['radio']}" if seen[name] > 1 else name for name, row in zip(names, rows, strict=True)
        ),
        site=site.astype(np.int32),
        lon=lon,
        lat=lat,
        azimuth=np.full(len(rows), np.nan),
        beam=np.full(len(rows), 360.0),
        range_m=np.where(known, np.clip(reach, 200, LONGEST_RANGE_M[0]), np.array(UNKNOWN_RANGE_M)[technology]),
        known_range=known,
        technology=technology,
        plmn=np.array([order[code] for code in codes], np.int16),
        plmns=plmns,
    )


def _spacing_m(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from every site to its third nearest neighbour, in metres."""
    scale = np.cos(np.radians(lat.mean()))
    points = shapely.points(lon * scale * KM_PER_DEGREE, lat * KM_PER_DEGREE)
    tree = shapely.STRtree(points)
    spacing = np.full(len(lon), np.nan)
    reach = 2.0
    while np.isnan(spacing).any() and reach < 300:
        waiting = np.flatnonzero(np.isnan(spacing))
        left, right = tree.query(points[waiting], predicate="dwithin", distance=reach)
        apart = shapely.distance(points[waiting[left]], points[right])
        order = np.lexsort((apart, left))
        left, apart = left[order], apart[order]
        first = np.searchsorted(left, np.arange(len(waiting)))
        enough = np.bincount(left, minlength=len(waiting)) > 3
        spacing[waiting[enough]] = apart[first[enough] + 3]
        reach *= 2
    return np.nan_to_num(spacing, nan=20.0) * 1000
