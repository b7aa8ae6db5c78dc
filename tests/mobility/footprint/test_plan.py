"""Of a cell register's rows, what the model needs: filled as documented, or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from commonweal.core.areas import natural_earth
from commonweal.core.errors import InputError
from commonweal.mobility.cells import ALWAYS, FOREVER, SCHEMA, empty_register
from commonweal.mobility.footprint import cells_at, lay_grid, misplaced, read_plan, require_placed

FREETOWN = (-13.23, 8.48)


def rows(**columns: list[Any]) -> dict[str, list[Any]]:
    count = len(next(iter(columns.values())))
    base = {"identifier": [f"C{k}" for k in range(count)], "longitude": [FREETOWN[0]] * count}
    return base | {"latitude": [FREETOWN[1]] * count} | columns


def test_what_is_missing_is_filled_as_in_mobloc() -> None:
    plan = read_plan(
        rows(azimuth=[None, 30, -90, 10], beam_width=[65, None, 33, 360], small=[False, False, False, True])
    )
    assert plan.azimuth == pytest.approx([np.nan, 30, 270, np.nan], nan_ok=True)
    assert plan.beam_width == pytest.approx([np.nan, 65, 33, np.nan], nan_ok=True)
    assert plan.tilt == pytest.approx([np.nan, 5, 5, np.nan], nan_ok=True)
    assert plan.vertical_beam_width == pytest.approx([np.nan, 9, 9, np.nan], nan_ok=True)
    assert plan.power.tolist() == [10, 10, 10, 5]
    assert plan.height.tolist() == [30, 30, 30, 8]
    assert plan.path_loss.tolist() == [3.75, 3.75, 3.75, 6]
    assert plan.range.tolist() == [10_000, 10_000, 10_000, 1_000]
    assert dict(plan.defaults) == {
        "beam_width": 1, "vertical_beam_width": 2, "tilt": 2, "height": 4, "power": 4, "path_loss": 4, "range": 4
    }  # fmt: skip


def test_sites_are_told_by_name_and_else_by_position() -> None:
    plan = read_plan(
        rows(longitude=[0, 0, 1, None, None], latitude=[0, 0, 0, None, None], site=["S", None, "S", None, ""])
    )
    assert plan.site.tolist() == [0, 1, 0, 2, 3]
    assert plan.somewhere.tolist() == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"latitude": [8.0, 97.2]}, r"cell C1: latitude is 97.2 \(expected: degrees from -90 to 90; .* swapped"),
        ({"longitude": [None, 1.0]}, "cell C0: only one of longitude and latitude"),
        ({"azimuth": [400, 10]}, "cell C0: azimuth is 400"),
        ({"beam_width": [65, 0]}, r"cell C1: beam_width is 0 \(expected: degrees above 0"),
        ({"power": [-1, -2]}, r"cell C0: power is -1 \(and 1 more\)"),
        ({"range": [float("inf"), 1]}, "cell C0: range is inf"),
        ({"height": ["high", 3]}, "height is no number"),
        ({"identifier": ["A", "A"]}, "row 2: the cell A is there twice"),
        ({"identifier": ["A", None]}, "row 2: the cell has no identifier"),
        ({"tilt": [1, 2, 3]}, "columns of"),
        ({"small": [True, "no"]}, "cell C1: small is neither yes nor no"),
    ],
)
def test_what_cannot_be_is_refused_with_its_cell(columns: dict[str, list[Any]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_plan(rows(latitude=[8.0, 8.0]) | columns)


def test_a_plan_without_a_needed_column_or_any_cell_is_refused() -> None:
    with pytest.raises(InputError, match="no column latitude"):
        read_plan({"identifier": ["A"], "longitude": [1]})
    with pytest.raises(InputError, match="not one cell"):
        read_plan({"identifier": [], "longitude": [], "latitude": []})


def test_swapped_coordinates_and_cells_abroad_are_named_and_may_be_left_out() -> None:
    areas = natural_earth(["SL"])
    grid = lay_grid(areas, 1000)
    lon, lat = FREETOWN
    plan = read_plan(rows(longitude=[lon, lat, -0.1, -11.05, None], latitude=[lat, lon, 51.5, 10.05, None]))
    found = misplaced(plan, grid, areas)  # the fourth is across the border, but in range
    assert [(cell.identifier, cell.swapped) for cell in found] == [("C1", True), ("C2", False)]
    with pytest.raises(InputError, match=r"2 of 5 cells .*C1 at 8.48, -13.23; with longitude and latitude swapped"):
        require_placed(plan, grid, areas)
    mended = plan.without(["C1", "C2"])
    require_placed(mended, grid, areas)
    assert mended.somewhere.tolist() == [True, False, False, True, False]
    assert mended.index(["C3", "C9"]).tolist() == [3, -1]


def test_the_version_that_holds_at_the_moment_is_taken() -> None:
    march = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
    fields = [SCHEMA.field(name) for name in SCHEMA.names if name not in ("code", "registered")]

    def version(cell: str, longitude: float, since: int, until: int) -> dict[str, Any]:
        return {"identifier": cell, "longitude": longitude, "latitude": 8.0, "valid_from": since, "valid_to": until}

    register = empty_register().with_versions(
        pa.Table.from_pylist(
            [
                version("A", 1, ALWAYS, march),
                version("A", 2, march, FOREVER),
                version("B", 3, march, march + 86400),
            ],
            schema=pa.schema(fields),
        )
    )
    at = {day: cells_at(register, datetime(2026, *day, tzinfo=UTC)) for day in ((2, 28), (3, 1), (3, 2))}
    assert [table["longitude"].to_pylist() for table in at.values()] == [[1], [2, 3], [2]]
    assert read_plan(at[3, 1]).identifier == ("A", "B")
    with pytest.raises(InputError, match="no time zone"):
        cells_at(register, datetime(2026, 3, 1))
