"""Which cells a phone can use where it is.

A phone at distance d from a cell of range r, off its azimuth by θ with beam width w, hears it with cost

    cost = (d / r) · (1 + (θ / (w / 2))² / 2) · e^s,   s uniform in ±0.35, fixed for a place and a cell (shadowing)

and is covered while d ≤ 1.3 r and cost ≤ 1.3. It prefers its own network: a cell of another counts with twice the
cost, which lets people at a border roam by accident. Per technology the two cheapest cells are candidates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from commonweal.demo.cells import Network, Outage
from commonweal.demo.geography import KM_PER_DEGREE, STEP, Raster
from commonweal.demo.randomness import mix

COVERED = 1.3
FOREIGN = 2.0
SHADOW = 0.35
CANDIDATES = 6


class Cover(NamedTuple):
    """The network of a day as kernels read it: cells, the cells that reach each pixel, and when cells are silent."""

    west: float
    south: float
    columns: int
    first: NDArray[np.int64]
    cells: NDArray[np.int32]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    azimuth: NDArray[np.float64]
    beam: NDArray[np.float64]
    range_km: NDArray[np.float64]
    technology: NDArray[np.int8]
    plmn: NDArray[np.int16]
    area: NDArray[np.int32]
    silent_first: NDArray[np.int64]
    silent_start: NDArray[np.int64]
    silent_end: NDArray[np.int64]


def cover(network: Network, area: NDArray[np.int32], raster: Raster, failures: Sequence[Outage]) -> Cover:
    """Index a network for the kernels.

    Parameters
    ----------
    network
        The cells as they stand that day.
    area
        Index of the area each cell stands in, -1 outside; int32[cells].
    raster
        The raster whose pixels are indexed.
    failures
        The outages of the period.
    """
    rows, columns = raster.area.shape
    first, cells = _reach(
        raster.west, raster.south, rows, columns, network.lon, network.lat, network.range_m / 1000 * COVERED
    )
    by_site: dict[int, list[tuple[int, int]]] = {}
    for outage in failures:
        by_site.setdefault(outage.site, []).append((outage.start, outage.end))
    spans = [by_site.get(int(site), []) for site in network.site]
    flat = [span for one in spans for span in one]
    return Cover(
        raster.west,
        raster.south,
        columns,
        first,
        cells,
        network.lon,
        network.lat,
        np.nan_to_num(network.azimuth),
        network.beam,
        network.range_m / 1000,
        network.technology,
        network.plmn,
        area,
        np.concatenate([[0], np.cumsum([len(one) for one in spans])]).astype(np.int64),
        np.array([start for start, _ in flat], np.int64),
        np.array([end for _, end in flat], np.int64),
    )


@njit(cache=True, nogil=True)
def _reach(
    west: float,
    south: float,
    rows: int,
    columns: int,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    reach_km: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """List, for every pixel, the cells whose reach touches it."""
    first = np.zeros(rows * columns + 1, np.int64)
    cells = np.zeros(0, np.int32)
    for turn in range(2):
        if turn == 1:
            for pixel in range(rows * columns):
                first[pixel + 1] += first[pixel]
            cells = np.zeros(first[-1], np.int32)
        for cell in range(len(lon)):
            km_across = KM_PER_DEGREE * math.cos(math.radians(lat[cell]))
            reach = reach_km[cell] + 0.8  # half the diagonal of a pixel
            up, across = reach / KM_PER_DEGREE, reach / km_across
            for row in range(
                max(0, int((lat[cell] - up - south) / STEP)), min(rows - 1, int((lat[cell] + up - south) / STEP)) + 1
            ):
                y = (south + (row + 0.5) * STEP - lat[cell]) * KM_PER_DEGREE
                for column in range(
                    max(0, int((lon[cell] - across - west) / STEP)),
                    min(columns - 1, int((lon[cell] + across - west) / STEP)) + 1,
                ):
                    x = (west + (column + 0.5) * STEP - lon[cell]) * km_across
                    if x * x + y * y <= reach * reach:
                        pixel = row * columns + column
                        if turn == 0:
                            first[pixel + 1] += 1
                        else:
                            cells[first[pixel]] = cell
                            first[pixel] += 1
    for pixel in range(rows * columns, 0, -1):
        first[pixel] = first[pixel - 1]
    first[0] = 0
    return first, cells


@njit(cache=True, nogil=True)
def candidates(cover: Cover, lon: float, lat: float, network: int, found: NDArray[np.int32]) -> None:
    """Write into `found` the two cheapest cells of 2G, 3G and 4G at a place, -1 where there is none.

    `network` is the index of the phone's own PLMN, -1 when it has none here.
    """
    cost0 = cost1 = cost2 = cost3 = cost4 = cost5 = 1e9
    found[:] = -1
    row, column = int((lat - cover.south) / STEP), int((lon - cover.west) / STEP)
    pixel = row * cover.columns + column
    if column < 0 or row < 0 or column >= cover.columns or pixel + 1 >= len(cover.first):
        return
    place = mix(np.uint64(int((lon + 180.0) * 2e4)) * np.uint64(8_000_003) + np.uint64(int((lat + 90.0) * 2e4)))
    km_across = KM_PER_DEGREE * math.cos(math.radians(lat))
    for position in range(cover.first[pixel], cover.first[pixel + 1]):
        cell = cover.cells[position]
        x, y = (lon - cover.lon[cell]) * km_across, (lat - cover.lat[cell]) * KM_PER_DEGREE
        cost = math.sqrt(x * x + y * y) / cover.range_km[cell]
        if cost > COVERED:
            continue
        if cover.beam[cell] < 360.0:
            off = abs(math.degrees(math.atan2(x, y)) - cover.azimuth[cell]) % 360.0
            if off > 180.0:
                off = 360.0 - off
            off /= cover.beam[cell] / 2.0
            cost *= 1.0 + off * off / 2.0
        shade = float(mix(place + np.uint64(cell)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
        cost *= math.exp((2.0 * shade - 1.0) * SHADOW)
        if cost > COVERED:
            continue
        if cover.plmn[cell] != network:
            cost *= FOREIGN
        kind = cover.technology[cell]
        if kind == 0:
            if cost < cost0:
                cost1, found[1] = cost0, found[0]
                cost0, found[0] = cost, cell
            elif cost < cost1:
                cost1, found[1] = cost, cell
        elif kind == 1:
            if cost < cost2:
                cost3, found[3] = cost2, found[2]
                cost2, found[2] = cost, cell
            elif cost < cost3:
                cost3, found[3] = cost, cell
        elif cost < cost4:
            cost5, found[5] = cost4, found[4]
            cost4, found[4] = cost, cell
        elif cost < cost5:
            cost5, found[5] = cost, cell


@njit(cache=True, nogil=True)
def silent(cover: Cover, cell: int, second: int) -> bool:
    """Whether an outage silences a cell at a second of the period."""
    for position in range(cover.silent_first[cell], cover.silent_first[cell + 1]):
        if cover.silent_start[position] <= second < cover.silent_end[position]:
            return True
    return False


@njit(cache=True, nogil=True)
def covered(cover: Cover, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether any cell reaches each place."""
    found = np.empty(CANDIDATES, np.int32)
    result = np.zeros(len(lon), np.bool_)
    for i in range(len(lon)):
        candidates(cover, lon[i], lat[i], -1, found)
        result[i] = found.max() >= 0
    return result
