"""A small operator: four square areas in a row, a cell file, a mapping, and whatever events a test gives it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from commonweal.core.areas.importing import import_file
from commonweal.core.console import Home
from commonweal.core.jobs import Job, Running
from commonweal.disclosure.releasing.standing import grant
from commonweal.mobility import service
from commonweal.mobility.epochs import EpochBook
from commonweal.mobility.imported import list_rejects
from commonweal.mobility.projects import Project, create_project
from commonweal.mobility.store import EpochStore

WHO = "os:tester"
AREAS = ("A", "B", "C", "D")
HEADER = "number,time,cell,kind,other,seconds"
WHO_WHERE_WHEN = """
[source]
delimiter = ","
[time]
column = "time"
format = "iso"
zone = "UTC"
[columns]
subscriber = "number"
cell = "cell"
"""
MAPPING = (
    WHO_WHERE_WHEN
    + """
kind = "kind"
counterpart = "other"
duration = "seconds"
"""
)
ROAMING_HEADER = "number,time,cell,home,serving"
ROAMING = (
    WHO_WHERE_WHEN
    + """
home_plmn = "home"
serving_plmn = "serving"
"""
)
# Two cells in each area; x stands in the sea, y has no known position.
CELLS = [
    "cell,longitude,latitude",
    *(f"{area.lower()}{place},{number + 0.25 * place},0.5" for number, area in enumerate(AREAS) for place in (1, 2)),
    "x1,50,50",
    "y1,,",
]


def squares(folder: Path) -> Path:
    """Write four areas of one degree, side by side on the equator."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": f"Area {code}"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[west, 0], [west + 1, 0], [west + 1, 1], [west, 1], [west, 0]]],
            },
        }
        for west, code in enumerate(AREAS)
    ]
    path = folder / "squares.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


class Operator:
    """A project and the files its operator hands over."""

    def __init__(self, home: Home, folder: Path, project: Project) -> None:
        self.home = home
        self.settings = home.settings
        self.database = home.database
        self.folder = folder
        self.project = create_project(home.database, project, WHO)
        grant(home.settings, home.database, "threshold", "mobility", {"k": 2}, "os:steward", "for every test")
        self.mapping = self.write("mapping.toml", MAPPING)
        self.cells = self.write("cells.csv", "\n".join(CELLS) + "\n")

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file beside the data."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def stands_at(self, cells: Iterable[str]) -> None:
        """Take another cell file, of lines "cell,longitude,latitude,plmn", and events that name networks."""
        self.mapping = self.write("plmns.toml", ROAMING)
        self.cells = self.write("networks.csv", "\n".join(["cell,longitude,latitude,plmn", *cells]) + "\n")

    def import_roaming(self, lines: Iterable[str], name: str = "calls.csv") -> list[dict[str, Any]]:
        """Import events that name the subscriber's home network and the one that served."""
        return self.import_(self.events(name, lines, header=ROAMING_HEADER))

    def events(self, name: str, lines: Iterable[str], header: str = HEADER) -> Path:
        """Write a file of events."""
        return self.write(name, "\n".join([header, *lines]) + "\n")

    def job(self, **parameters: Any) -> Running:
        """A job that runs in this process."""
        asked = {"project": self.project.name, **parameters}
        return Running(
            self.settings,
            self.database,
            Job(id=1, who=WHO, parameters=asked, saved={}, claim="here", done=0, total=0, doing=""),
        )

    def import_(self, *files: Path, cells: Path | None = None, **parameters: Any) -> list[dict[str, Any]]:
        """Import files; give a report for each."""
        return self.import_job(*files, cells=cells, **parameters)["files"]

    def import_job(
        self, *files: Path, cells: Path | None = None, without_cells: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        """Import files; give what the job gives."""
        asked = {
            "files": [str(file) for file in files],
            "mapping": str(self.mapping),
            "cells": None if without_cells else str(cells or self.cells),
            "first": None,
            "last": None,
        }
        return service.import_job(self.job(**(asked | parameters)))

    def run(self, **parameters: Any) -> dict[str, pa.Table]:
        """Count, protect and publish; give each released table by the measure's name."""
        from commonweal.core.catalog import get

        asked = {"first": None, "last": None, "measures": [], "time_zone": None, "day_starts": None}
        result = service.run_job(self.job(**(asked | parameters)))
        return {
            release["dataset"].partition(".")[2]: get(self.database, release["dataset"], release["version"]).table(
                self.settings
            )
            for release in result["releases"]
        }

    def book(self) -> EpochBook:
        """The project's epochs."""
        return EpochBook(self.settings, self.database, self.project)

    def store(self, epoch: int = -1) -> EpochStore:
        """The store of an epoch, the newest one if nothing else is said."""
        book = self.book()
        return book.store(book.epochs[epoch])

    def stored(self) -> list[dict[str, Any]]:
        """Every event of every epoch, its time in UTC seconds and its cell by identifier."""
        from commonweal.mobility.cells import read_register
        from commonweal.mobility.store import project_folder

        names = read_register(project_folder(self.settings.store, self.project.name)).identifiers
        found = []
        for number, epoch in enumerate(self.book().epochs):
            if epoch.destroyed:
                continue
            store = self.store(number)
            for segment in store.manifest.events():
                for row in store.read(segment.file).to_pylist():
                    found.append(row | {"time": row["time"] + epoch.starts, "cell": names[row["cell"]]})
        return found

    def rejects(self) -> list[dict[str, Any]]:
        """Every rejected row that is kept."""
        return list_rejects(self.settings, self.database, self.project.name, 10**6).rows

    def files(self) -> list[Path]:
        """Every file of the data directory and of the key directory."""
        return [path for root in (self.settings.data, self.settings.keys) for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def start(home: Home, tmp_path: Path) -> Callable[..., Operator]:
    """Give a function that starts an operator's project; choices are those of `Project`."""
    import_file(home.database, squares(tmp_path), name="squares", code_field="code", name_field="name", who=WHO)

    def make(name: str = "operator", **choices: Any) -> Operator:
        folder = tmp_path / name
        folder.mkdir()
        asked = {"area_set": "squares", "minimum_people": 2, "bucket_bits": 2} | choices
        return Operator(home, folder, Project(name, **asked))

    return make


@pytest.fixture
def operator(start: Callable[..., Operator]) -> Operator:
    """An operator's project: days in UTC, k = 2, epochs of a year."""
    return start()


def instant(text: str) -> int:
    """UTC seconds of an ISO time, in UTC unless it says otherwise."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


@pytest.fixture
def at() -> Callable[[str], int]:
    """Give a function from an ISO time to UTC seconds."""
    return instant
