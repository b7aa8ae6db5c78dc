"""Present devices: what cells served is divided among the areas in which they are heard, and only areas leave."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from commonweal import disclosure
from commonweal.core.catalog import latest
from commonweal.core.errors import InputError
from commonweal.mobility import runs, service
from commonweal.mobility.cells import read_register
from commonweal.mobility.counting import count
from commonweal.mobility.measure import measures
from commonweal.mobility.protecting import as_counted
from commonweal.mobility.store import project_folder

CELLS = [
    "cell,longitude,latitude,range,valid_from,valid_to,plmn",
    "border,0.99,0.5,8000,,,61101",
    "inside,1.2,0.5,8000,,,61101",
    "moved,2.5,0.5,8000,,2026-01-07,61101",
    "moved,3.5,0.5,8000,2026-01-07,,61101",
    "nowhere,,,,,,61101",
]


@pytest.fixture
def operator(start: Callable[..., Any]) -> Any:
    """People who stay near one mast each, for two hours of two days."""
    operator = start()
    generator, lines = random.Random(4), []
    for number in range(90):
        home = ("border", "inside", "moved")[number % 3]
        for day in (6, 7):
            for hour in (8, 9):
                seen = [home if generator.random() < 0.9 else "border" for _ in range(2)]
                lines += [
                    f"076{number:06},2026-01-{day:02}T{hour:02}:{minute:02}:00,{cell},call,,"
                    for minute, cell in zip(sorted(generator.sample(range(60), 2)), seen, strict=True)
                ]
    lines += [f"077{number:06},2026-01-06T08:00:00,nowhere,call,," for number in range(20)]
    operator.import_(
        operator.events("near.csv", lines), cells=operator.write("near-cells.csv", "\n".join(CELLS) + "\n")
    )
    operator.seen = lines
    return operator


def hours(operator: Any) -> dict[tuple[str, str], dict[str, Any]]:
    table = operator.run(measures=["present"])["present"]
    return {(f"{row['start']:%dT%H}", row["area"]): row for row in table.to_pylist()}


def last_cells(lines: list[str], hour: str) -> dict[str, str]:
    """The last cell of each number in an hour, read from the file."""
    found = {}
    for line in sorted(lines, key=lambda line: line.split(",")[1]):
        number, time, cell, *_ = line.split(",")
        if time[8:13] == hour:
            found[number] = cell
    return found


def test_devices_are_divided_as_the_definition_says_and_none_is_lost(operator: Any) -> None:
    """The reference is the definition as a dense matrix, iterated until nothing changes."""
    planned = runs.plan(operator.settings, operator.database, operator.project, names=["present"])
    covered, found = planned.scope.coverage, hours(operator)
    assert covered is not None
    codes = sorted(read_register(project_folder(operator.settings.store, operator.project.name)).identifiers)
    for hour, version in (("06T08", 0), ("06T09", 0), ("07T08", 1)):
        served = last_cells(operator.seen, hour)
        footprint = covered.footprints[version]
        chance = footprint.matrix().toarray()
        counted = np.array([sum(cell == code for cell in served.values()) for code in codes], float)
        devices = np.full(len(chance), 1.0)
        for _ in range(3000):
            expected = devices @ chance
            share = np.divide(counted, expected, out=np.zeros_like(counted), where=expected > 0)
            devices = devices * (chance @ share)
        true = np.bincount(covered.grid.area, devices, 4)
        assert true.sum() == pytest.approx(counted[[code != "nowhere" for code in codes]].sum())
        for place, area in enumerate("ABCD"):
            row = found[hour, area]
            if row["devices"] is not None:
                assert row["devices"] == pytest.approx(true[place], abs=1)
                assert row["devices_state"] == "modelled"
                assert row["low"] <= row["devices"] <= row["high"]
            else:
                assert true[place] < 2.5  # the threshold of the project is 2
        assert found[hour, "B"]["devices"] > found[hour, "A"]["devices"] > 10
    # The mast that was moved takes its devices along, from the next day on.
    assert found["06T08", "C"]["devices"] > 20
    assert found["06T08", "D"]["devices_state"] == "suppressed"
    assert found["07T08", "C"]["devices"] is None
    assert found["07T08", "D"]["devices"] > 20


def test_neither_the_order_of_the_cell_file_nor_the_days_of_a_run_change_an_estimate_or_its_interval(
    operator: Any, start: Callable[..., Any]
) -> None:
    """Three files of the same cells, and a run of one of the days alone."""
    found = hours(operator)
    for number, order in enumerate(((4, 3, 2, 1, 5), (5, 1, 3, 2, 4))):
        other = start(f"ordered-{number}")
        text = "\n".join([CELLS[0], *(CELLS[row] for row in order)]) + "\n"
        other.import_(other.events("near.csv", operator.seen), cells=other.write("ordered-cells.csv", text))
        assert hours(other) == found
    assert sum(row["low"] is not None and row["low"] < row["devices"] < row["high"] for row in found.values()) >= 8
    alone = operator.run(measures=["present"], first="2026-01-07", last="2026-01-08")["present"]
    assert [row for row in alone.to_pylist() if row["low"] is not None] == [
        row for row in found.values() if row["start"].day == 7 and row["low"] is not None
    ]


def test_nobody_is_behind_an_area_but_those_seen_in_cells_that_reach_it(operator: Any) -> None:
    days = date(2026, 1, 6), date(2026, 1, 7)
    planned = runs.plan(operator.settings, operator.database, operator.project, *days, names=["present"])
    counts = count(operator.settings, planned.buckets)["present"].to_pylist()
    behind = {row["place"]: row["people"] for row in counts if row["kind"] == 1 and row["start"] % 86400 == 8 * 3600}
    seen = {}
    for line in operator.seen:
        number, time, cell, *_ = line.split(",")
        if time[8:13] == "06T08":
            seen.setdefault(cell, set()).add(number)
    assert behind == {0: len(seen["border"]), 1: len(seen["border"] | seen["inside"]), 2: len(seen["moved"])}


def test_whoever_waits_for_estimates_is_told_how_far_they_are_and_may_end_them(operator: Any) -> None:
    days = date(2026, 1, 6), date(2026, 1, 7)
    planned = runs.plan(operator.settings, operator.database, operator.project, *days, names=["present"])
    counts = count(operator.settings, planned.buckets)["present"]
    told = []

    def watch(done: int, total: int, what: str) -> None:
        told.append((done, total, what))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), disclosure.watched(watch):
        as_counted(measures()["present"], counts, planned)
    assert told == [(done, 10, "estimating present devices") for done in range(4)]


def test_a_footprint_is_chosen_and_stamped_on_the_release(operator: Any) -> None:
    """By Voronoi every device is where the nearest mast stands: at the border's mast, in A and in B."""
    job = operator.job(
        first="2026-01-06",
        last="2026-01-07",
        measures=["present"],
        time_zone=None,
        day_starts=None,
        footprint="voronoi",
    )
    service.run_job(job)
    release = latest(operator.database, "mobility.present")
    rows = {
        row["area"]: row["devices"] for row in release.table(operator.settings).to_pylist() if row["start"].hour == 8
    }
    served = list(last_cells(operator.seen, "06T08").values())
    near = served.count("border") + served.count("inside")
    # The line between both masts lies at 1.095° E; everything west of it, A included, is the border's.
    assert rows["B"] > served.count("inside")
    assert rows["A"] + rows["B"] == pytest.approx(near, abs=12)  # some of C is nearer to the inner mast
    assert release.provenance.parameters["footprint"] == "voronoi"
    assert "path_loss" not in release.provenance.parameters
    assert release.provenance.parameters["replicates"] == 10
    with pytest.raises(InputError, match="one of: signal-strength, best-server, voronoi, voronoi-of-cells"):
        runs.plan(operator.settings, operator.database, operator.project, names=["present"], footprint="by ear")


def test_land_use_decides_where_devices_of_one_cell_are_and_is_stamped_on_the_release(operator: Any) -> None:
    """Nobody lives in A or on 2 km beside it, so what the mast of the border served is in B, and nobody is lost."""

    def run(**said: Any) -> tuple[Any, dict[str, int]]:
        days = {"first": "2026-01-06", "last": "2026-01-07", "time_zone": None, "day_starts": None}
        service.run_job(operator.job(**days, **said))
        release = latest(operator.database, "mobility.present")
        rows = release.table(operator.settings).to_pylist()
        return release, {row["area"]: row["devices"] or 0 for row in rows if row["start"].hour == 8}

    before, evenly = run(measures=["present"])
    ground = {"type": "Polygon", "coordinates": [[[1.02, 0], [3, 0], [3, 1], [1.02, 1], [1.02, 0]]]}
    feature = {"type": "Feature", "properties": {"class": "residential_builtup"}, "geometry": ground}
    path = operator.write("ground.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]}))
    release, weighed = run(measures=["present", "presence"], land_use=str(path))
    assert evenly["A"] > 10
    assert weighed["A"] == 0
    assert weighed["B"] == pytest.approx(evenly["A"] + evenly["B"], abs=1)
    assert weighed["C"] == pytest.approx(evenly["C"], abs=1)
    digest = sha256(path.read_bytes()).hexdigest()
    said = release.provenance.parameters
    assert (said["land_use"], said["land_use_sha256"], said["start"]) == (
        "ground.geojson",
        digest,
        "in proportion to land use",
    )
    assert ("land use ground.geojson", digest, "file") in {
        (one.name, one.digest, one.kind) for one in release.provenance.inputs
    }
    assert before.provenance.parameters["start"] == "evenly over the grid"
    presence = latest(operator.database, "mobility.presence").provenance
    assert not {"land_use", "start"} & set(presence.parameters)
    assert digest not in {one.digest for one in presence.inputs}
    with pytest.raises(InputError, match="no measure of this run asks where people may be"):
        run(measures=["presence"], land_use=str(path))


def test_the_power_and_height_of_an_antenna_are_read_from_the_cell_file_and_heard(start: Callable[..., Any]) -> None:
    """Two masts near one another across a border: the stronger one is heard on both sides."""
    shares = []
    for name, power in (("alike", ""), ("stronger", "400")):
        operator = start(name)
        cells = [
            "cell,longitude,latitude,range,height,power,tilt",
            f"west,0.97,0.5,9000,30,{power},",
            "east,1.03,0.5,9000,30,,",
        ]
        operator.import_(
            operator.events("calls.csv", ["23276550001,2026-01-06T08:00:00,west,call,,"]),
            cells=operator.write("antennas.csv", "\n".join(cells) + "\n"),
        )
        planned = runs.plan(operator.settings, operator.database, operator.project, names=["present"])
        covered = planned.scope.coverage
        chance = covered.footprints[0].matrix().toarray()
        west = 1  # cells are in order of their names
        shares.append(chance[covered.grid.area == 1, west].sum())
    assert shares[1] > 1.5 * shares[0]
