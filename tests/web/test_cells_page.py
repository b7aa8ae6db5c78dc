"""Where cells are heard, on the site: as the command says it, and only for those who may follow the work."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from commonweal.core.identity import Grant, Role
from commonweal.mobility.cell_files import read_cells
from commonweal.mobility.cells import empty_register, write_register
from commonweal.mobility.cli import app
from commonweal.mobility.layout import read_layout
from commonweal.mobility.projects import Project, create_project
from commonweal.mobility.store import project_folder

CELLS = """cell,longitude,latitude,range,azimuth,valid_from,valid_to
freetown,-13.23,8.48,5000,90,,
freetown2,-13.23,8.48,5000,270,,
bo,-11.74,7.96,9000,,,2026-03-02
bo,-11.19,7.88,9000,,2026-03-02,
nowhere,,,,,,
"""
LAYOUT = '[time]\ncolumn = "time"\nformat = "iso"\nzone = "UTC"\n[columns]\nsubscriber = "number"\ncell = "cell"\n'


@pytest.fixture
def network(home, tmp_path):
    """Three cells on two sites of Sierra Leone, one of which moves; a fourth stands nowhere."""
    project = create_project(home.database, Project("salone", area_set="natural-earth:GN,LR,SL"), "os:tester")
    cells, layout = tmp_path / "network.csv", tmp_path / "layout.toml"
    cells.write_text(CELLS)
    layout.write_text(LAYOUT)
    folder = project_folder(home.settings.store, project.name)
    folder.mkdir(parents=True)
    write_register(folder, empty_register().with_versions(read_cells(cells, read_layout(layout))))
    return home


@pytest.fixture
def site(network, site_of):
    return site_of(network, open_reading=False)


@pytest.fixture
def ada(site, reader_of):
    return reader_of(site, Grant(Role.ANALYST))


def told(reader, name, asked="project=salone&at=2026-03-01"):
    return reader.get(f"/mobility/cells/figures/{name}.json?{asked}").json()["rows"]


@pytest.mark.parametrize(("method", "day"), [("signal-strength", "2026-03-01"), ("voronoi", "2026-03-02")])
def test_the_page_says_what_the_command_says(ada, network, monkeypatch, method, day):
    monkeypatch.setenv("COMMONWEAL_DATA", str(network.settings.data))
    asked = ["footprint", "--project", "salone", "--at", day, "--step", "1000", "--footprint", method, "--json"]
    said = json.loads(CliRunner().invoke(app, asked).stdout)["rows"]
    shown = told(ada, "cells", f"project=salone&at={day}&footprint={method}")
    assert said
    assert [row | {"share": pytest.approx(row["share"])} for row in said] == shown
    areas = {row["area"]: row for row in told(ada, "areas", f"project=salone&at={day}&footprint={method}")}
    for code, row in areas.items():
        heard = [one for one in said if one["area"] == code]
        assert (row["cells"], row["sites"]) == (len(heard), len({one["site"] for one in heard}))
        assert bool(heard) == (row["covered"] > 0)


def test_a_cell_stands_where_it_did_on_the_day(ada):
    before, after = (
        {row["area"] for row in told(ada, "cells", f"project=salone&at={day}") if row["cell"] == "bo"}
        for day in ("2026-03-01", "2026-03-02")
    )
    assert before
    assert before != after


def test_it_is_private_and_tells_how_many_stand_nowhere(ada):
    page = ada.get("/mobility/cells?project=salone&at=2026-03-01")
    assert page.headers["cache-control"] == "no-store"
    assert "cells without a position" in page.text


def test_a_changed_network_is_worked_out_anew(ada, network, tmp_path):
    told(ada, "cells")
    folder = project_folder(network.settings.store, "salone")
    (tmp_path / "more.csv").write_text("cell,longitude,latitude,range\nkenema,-11.19,7.88,9000\n")
    layout = read_layout(tmp_path / "layout.toml")
    write_register(folder, empty_register().with_versions(read_cells(tmp_path / "more.csv", layout)))
    assert {row["cell"] for row in told(ada, "cells")} == {"kenema"}


def test_a_network_without_a_cell_says_so(ada, network):
    create_project(network.database, Project("empty", area_set="natural-earth:GN,LR,SL"), "os:tester")
    page = ada.get("/mobility/cells?project=empty&at=2026-03-01")
    assert page.status_code == 200
    assert "No cell of empty has a position" in page.text
    assert told(ada, "areas", "project=empty&at=2026-03-01") == []


@pytest.mark.parametrize(
    ("asked", "status", "where"),
    [
        ("project=salone&footprint=circles", 422, "footprint"),
        ("project=salone&at=yesterday", 422, "at"),
        ("project=elsewhere", 404, "project"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(ada, asked, status, where):
    answer = ada.get(f"/mobility/cells.json?{asked}")
    assert answer.status_code == status
    assert where in answer.text


def test_whoever_only_reads_what_is_published_does_not_see_the_network(site, reader_of):
    assert reader_of(site, Grant(Role.VIEWER)).get("/mobility/cells").status_code == 403
    assert site.get("/mobility/cells.json").status_code == 401
