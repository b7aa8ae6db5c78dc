"""`commonweal areas` as a person types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonweal.core.areas.cli import app
from commonweal.core.errors import InputError


@pytest.fixture
def run(home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COMMONWEAL_DATA", str(home.settings.data))

    def typed(*words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return typed


@pytest.fixture
def provinces(run, tmp_path: Path) -> Path:
    path = tmp_path / "sl.geojson"
    run("export", "natural-earth:SL", "--out", str(path))
    return path


def test_built_in_areas_are_exported_as_geojson(provinces):
    content = json.loads(provinces.read_text())
    names = {f["properties"]["code"]: f["properties"]["name_fr"] for f in content["features"]}
    assert names["SL-N"] == "Nord"
    assert all(feature["geometry"]["type"] in ("Polygon", "MultiPolygon") for feature in content["features"])


def test_a_file_is_imported_listed_shown_and_ended(run, provinces):
    given = ["import", str(provinces), "--name", "sl", "--code-field", "code", "--name-field", "name"]
    assert "4 areas stored in sl, 0 were there already" in run(*given, "--valid-from", "2000-01-01")
    assert "0 areas stored in sl, 4 were there already" in run(*given, "--valid-from", "2000-01-01")
    listed = run("list").split()
    assert listed[listed.index("sl") + 1] == "4"
    shown = run("show", "sl", "--at", "2014-06-01")
    assert "Northern" in shown
    assert "4 areas of level 1 at 2014-06-01; digest " in shown
    assert "4 areas of sl end on 2017-07-31" in run("end", "sl", "--on", "2017-07-31")
    assert "2017-07-31" in run("show", "sl", "--at", "2014-06-01")


def test_overlaps_are_told_as_warnings(run, provinces, tmp_path):
    content = json.loads(provinces.read_text())
    twice = content["features"][0] | {"properties": {"code": "X", "name": "Copy"}}
    path = tmp_path / "twice.geojson"
    path.write_text(json.dumps(content | {"features": [*content["features"], twice]}))
    output = run("import", str(path), "--name", "sl", "--code-field", "code")
    assert "warning: areas SL-E and X overlap by 15," in output


def test_a_fault_of_the_file_reaches_the_person(run, provinces):
    with pytest.raises(InputError, match="there is no field 'pcode'"):
        run("import", str(provinces), "--name", "sl", "--code-field", "pcode")
