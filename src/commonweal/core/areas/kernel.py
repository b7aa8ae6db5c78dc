"""The compiled part of `locate`: a grid over the areas, and the even-odd rule where the grid alone cannot tell.

Each area's edges are filed by the grid's rows, so the even-odd test of a point reads only the edges at its height.
Signs are exact: a floating-point filter first, then Shewchuk's expansions where rounding could decide.

Source: Shewchuk (1997), Adaptive precision floating-point arithmetic and fast robust geometric predicates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from commonweal.core.kernels import kernel

OUTSIDE = -1
FILTER = 3.3306690738754716e-16
"""(3 + 16 ε) ε: beyond this share of its terms, the rounded determinant has the right sign."""
SPLITTER = 134217729.0
WIDER = 1e-6
"""Share of a cell by which an edge is widened when its cells are marked, against rounding."""


@kernel()
def _grow(parts: Any, count: int, value: float) -> int:
    """Add a number to an expansion without rounding; gives its new length."""
    carried = value
    for k in range(count):
        total = carried + parts[k]
        virtual = total - carried
        parts[k] = (carried - (total - virtual)) + (parts[k] - virtual)
        carried = total
    parts[count] = carried
    return count + 1


@kernel()
def _add_product(parts: Any, count: int, a: float, b: float) -> int:
    """Add a·b to an expansion without rounding."""
    product = a * b
    c = SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return _grow(parts, _grow(parts, count, error), product)


@kernel()
def side(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> float:
    """Give the exact sign of (a - p) × (b - p): positive where p lies left of a → b, zero on the line."""
    left = (ax - x) * (by - y)
    right = (ay - y) * (bx - x)
    determinant = left - right
    if abs(determinant) > FILTER * (abs(left) + abs(right)):
        return determinant
    parts = np.empty(12)
    count = _add_product(parts, 0, ax, by)
    count = _add_product(parts, count, -ax, y)
    count = _add_product(parts, count, -x, by)
    count = _add_product(parts, count, -ay, bx)
    count = _add_product(parts, count, ay, x)
    count = _add_product(parts, count, y, bx)
    for k in range(count - 1, -1, -1):
        if parts[k] != 0.0:
            return parts[k]
    return 0.0


@kernel()
def _covers(edges: Any, begin: int, end: int, x: float, y: float) -> bool:
    """Even-odd rule over the edges at this height; a point on an edge is inside."""
    odd = False
    for e in range(begin, end):
        ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        if ax < x and bx < x:
            continue
        if bx == x and by == y:
            return True
        if ay == y and by == y:
            if min(ax, bx) <= x <= max(ax, bx):
                return True
            continue
        if (ay > y) != (by > y):
            sign = side(ax, ay, bx, by, x, y)
            if sign == 0.0:
                return True
            if (sign > 0.0) == (by > ay):
                odd = not odd
    return odd


@kernel()
def _place(value: float, origin: float, per_degree: float, count: int) -> int:
    """Give the row or column of a coordinate inside the grid."""
    return min(int((value - origin) * per_degree), count - 1)


@kernel()
def file_edges(points: Any, rings: Any, area_of_ring: Any, areas: int, grid: Any, shape: Any) -> Any:
    """File each area's edges by grid row.

    Gives ``row_from[areas + 1]`` (an area's first row), ``slab_from[areas + 1]`` (its first slab; one slab a row),
    ``edge_from[slabs + 1]`` and ``edges[n, 4]``. An edge over several rows is filed in each.
    """
    y0, per_y, rows = grid[1], grid[3], shape[0]
    low = np.full(areas, rows, np.int64)
    high = np.full(areas, -1, np.int64)
    for ring in range(len(rings) - 1):
        area = area_of_ring[ring]
        for k in range(rings[ring], rings[ring + 1]):
            row = _place(points[k, 1], y0, per_y, rows)
            low[area] = min(low[area], row)
            high[area] = max(high[area], row)
    slab_from = np.zeros(areas + 1, np.int64)
    for area in range(areas):
        slab_from[area + 1] = slab_from[area] + max(0, high[area] - low[area] + 1)
    edge_from = np.zeros(slab_from[areas] + 1, np.int64)
    edges = np.empty((0, 4))
    # The first time round counts, the second files.
    for filing in (False, True):
        if filing:
            for slab in range(slab_from[areas]):
                edge_from[slab + 1] += edge_from[slab]
            edges = np.empty((edge_from[-1], 4))
            at = edge_from[:-1].copy()
        else:
            at = edge_from[:-1].copy()
        for ring in range(len(rings) - 1):
            area = area_of_ring[ring]
            for k in range(rings[ring], rings[ring + 1] - 1):
                ay, by = points[k, 1], points[k + 1, 1]
                first = _place(min(ay, by), y0, per_y, rows) - low[area] + slab_from[area]
                last = _place(max(ay, by), y0, per_y, rows) - low[area] + slab_from[area]
                for slab in range(first, last + 1):
                    if filing:
                        edges[at[slab], 0], edges[at[slab], 1] = points[k, 0], ay
                        edges[at[slab], 2], edges[at[slab], 3] = points[k + 1, 0], by
                        at[slab] += 1
                    else:
                        edge_from[slab + 1] += 1
    return low, slab_from, edge_from, edges


@kernel()
def _mark(touched: Any, edges: Any, begin: int, end: int, row: int, grid: Any, columns: int) -> Any:
    """Mark the row's cells that an edge may touch; gives the first and last of them."""
    x0, y0, per_x, per_y = grid[0], grid[1], grid[2], grid[3]
    bottom = y0 + (row - WIDER) / per_y
    top = y0 + (row + 1 + WIDER) / per_y
    first, last = columns, -1
    for e in range(begin, end):
        ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        from_x, to_x = ax, bx
        if ay < bottom:
            from_x = ax + (bx - ax) * min(1.0, (bottom - ay) / (by - ay))
        if by > top:
            to_x = bx + (ax - bx) * min(1.0, (by - top) / (by - ay))
        low = min(columns - 1, max(0, int((min(from_x, to_x) - x0) * per_x - WIDER)))
        high = min(columns - 1, max(0, int((max(from_x, to_x) - x0) * per_x + WIDER)))
        first, last = min(first, low), max(last, high)
        for column in range(low, high + 1):
            touched[column] = True
    return first, last


@kernel()
def lay_grid(filed: Any, grid: Any, shape: Any) -> Any:
    """Say for each cell what it lies in.

    Gives ``cells[rows, columns]``: an area's index where the whole cell lies in it and in none before it, -1 where no
    area reaches, else ``-2 - k`` for the k-th list of candidates ``lists[list_from[k]:list_from[k + 1]]``. A candidate
    is ``2·area``, plus 1 where the area covers the whole cell.
    """
    low, slab_from, edge_from, edges = filed
    rows, columns = shape[0], shape[1]
    touched = np.zeros(columns, np.bool_)
    found = np.zeros((rows, columns), np.int32)
    place = np.zeros((rows, columns), np.int64)
    lists = np.empty(0, np.int32)
    for listing in (False, True):
        covered = np.zeros((rows, columns), np.bool_)
        if listing:
            total = 0
            for row in range(rows):
                for column in range(columns):
                    place[row, column] = total
                    total += found[row, column]
            lists = np.empty(total, np.int32)
        for area in range(len(slab_from) - 1):
            for slab in range(slab_from[area], slab_from[area + 1]):
                row = low[area] + slab - slab_from[area]
                begin, end = edge_from[slab], edge_from[slab + 1]
                first, last = _mark(touched, edges, begin, end, row, grid, columns)
                y = grid[1] + (row + 0.5) / grid[3]
                inside, known = False, False
                for column in range(first, last + 1):
                    if touched[column]:
                        known = False
                    elif not known:
                        # Between two touched cells nothing changes: one test answers for the stretch.
                        inside = _covers(edges, begin, end, grid[0] + (column + 0.5) / grid[2], y)
                        known = True
                    if (touched[column] or inside) and not covered[row, column]:
                        covered[row, column] = not touched[column]
                        if listing:
                            lists[place[row, column]] = 2 * area + (not touched[column])
                            place[row, column] += 1
                        else:
                            found[row, column] += 1
                    touched[column] = False
    return _close(found, lists)


@kernel()
def _close(found: Any, lists: Any) -> Any:
    """Answer the cells that need no list, and number the lists of the others."""
    rows, columns = found.shape
    cells = np.empty((rows, columns), np.int32)
    longer = 0
    at = 0
    list_from = np.zeros(rows * columns + 1, np.int32)
    kept = np.empty(len(lists), np.int32)
    used = 0
    for row in range(rows):
        for column in range(columns):
            count = found[row, column]
            if count == 0:
                cells[row, column] = OUTSIDE
            elif lists[at] % 2 == 1:
                cells[row, column] = lists[at] // 2
            else:
                cells[row, column] = -2 - longer
                for k in range(count):
                    kept[used + k] = lists[at + k]
                used += count
                longer += 1
                list_from[longer] = used
            at += count
    return cells, list_from[: longer + 1].copy(), kept[:used].copy()


@kernel()
def locate(lon: Any, lat: Any, found: Any, laid: Any, filed: Any, grid: Any) -> None:
    """Write each point's area into `found`: the lowest index that covers it, or -1."""
    cells, list_from, lists = laid
    low, slab_from, edge_from, edges = filed
    rows, columns = cells.shape
    x0, y0, per_x, per_y, x1, y1 = grid[0], grid[1], grid[2], grid[3], grid[4], grid[5]
    for i in range(len(lon)):
        x, y = lon[i], lat[i]
        found[i] = OUTSIDE
        if not (x0 <= x <= x1 and y0 <= y <= y1):  # also where one is NaN
            continue
        row = _place(y, y0, per_y, rows)
        cell = cells[row, _place(x, x0, per_x, columns)]
        if cell >= OUTSIDE:
            found[i] = cell
            continue
        for k in range(list_from[-2 - cell], list_from[-1 - cell]):
            area = lists[k] >> 1
            slab = slab_from[area] + row - low[area]
            if lists[k] & 1 or _covers(edges, edge_from[slab], edge_from[slab + 1], x, y):
                found[i] = area
                break
