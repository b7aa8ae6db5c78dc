"""Downloads: every format holds the same rows, says what is suppressed, and is what its standard demands."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core import catalog
from commonweal.core.areas import natural_earth
from commonweal.core.catalog import Attribute, Dataset, Dimension, Input, Kind, Measure, Privacy, Release, exports
from commonweal.core.catalog.exports import cells
from commonweal.core.console import Home
from commonweal.core.errors import InputError, NotFound

RAIN = Dataset(
    name="demo.rain",
    title="Rain",
    description="How much it rained.",
    dimensions=(
        Dimension("area", "area", "Where.", hierarchy="area"),
        Dimension("start", "timestamp", "From when.", hierarchy="period"),
    ),
    measures=(Measure("depth", "number", "How much.", "mm", Kind.SUM),),
    attributes=(Attribute("note", "string", "Said by the observer."), Attribute("dry", "boolean", "No rain at all.")),
    privacy=Privacy.OPEN,
    keywords=("rain",),
)
AREAS = natural_earth(["SL"])
HOURS = [datetime(2015, 3, 27, hour, tzinfo=UTC) for hour in range(2)]
ROWS = pa.table(
    {
        "area": [AREAS.codes[0], AREAS.codes[0], AREAS.codes[1], "nowhere"],
        "start": [HOURS[0], HOURS[1], HOURS[0], HOURS[0]],
        "depth": [0.1, None, 12.0, None],
        "depth_state": ["reported", "suppressed", "estimated", "missing"],
        "note": ['=HYPERLINK("x")', 'said "no", then\nleft', None, "dé"],
        "dry": [False, None, False, True],
    }
)

Download = Callable[[str], bytes]


@pytest.fixture
def release(home: Home) -> Release:
    return catalog.publish(
        home.settings,
        home.database,
        RAIN,
        ROWS,
        inputs=[Input("gauges.csv", "ab" * 32, "file")],
        parameters={"time_zone": "Africa/Freetown"},
        who="os:ada",
        area_set="natural-earth:SL",
    ).release


@pytest.fixture
def download(home: Home, release: Release) -> Download:
    def written(name: str) -> bytes:
        stream = io.BytesIO()
        exports.export(home.settings, home.database, release, name, stream)
        return stream.getvalue()

    return written


@pytest.fixture
def rows(home: Home, release: Release) -> list[dict[str, Any]]:
    return release.table(home.settings).to_pylist()


@pytest.mark.parametrize("name", exports.FORMATS)
def test_the_same_release_gives_the_same_bytes(download: Download, name: str) -> None:
    assert download(name) == download(name)


def test_formats_are_asked_for_by_name(home: Home, release: Release) -> None:
    assert [each.name for each in exports.formats(release)] == ["parquet", "csv", "csvw", "geojson", "xlsx", "json"]
    assert exports.address(release, "csv") == "/catalog/demo.rain/1/demo.rain-1.csv"
    with pytest.raises(NotFound, match=r"no format 'pdf' .*parquet, csv"):
        exports.export(home.settings, home.database, release, "pdf", io.BytesIO())


def test_parquet_is_the_file_that_was_published(download: Download, release: Release, home: Home) -> None:
    assert pq.read_table(io.BytesIO(download("parquet"))) == release.table(home.settings)


def test_json_holds_every_row_and_what_its_columns_mean(download: Download, rows: list[dict[str, Any]]) -> None:
    said = json.loads(download("json"))
    times = [{**row, "start": row["start"].strftime("%Y-%m-%dT%H:%M:%SZ")} for row in rows]
    assert said["rows"] == times
    assert said["columns"][2]["unit"] == "mm"
    assert said["columns"][2]["state"] == "depth_state"
    assert said["provenance"]["inputs"][0]["name"] == "gauges.csv"


# CSV and its metadata, read by what the W3C says of them


def read_by_its_metadata(content: bytes, metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an annotated table, as section 6 of the tabular data model parses cells."""

    def typed(text: str, column: dict[str, Any]) -> Any:
        if text in metadata["null"]:
            assert not column["required"], column["name"]
            return None
        datatype = column["datatype"]
        if isinstance(datatype, dict):
            assert re.fullmatch(datatype["format"], text), text
            datatype = datatype["base"]
        match datatype:
            case "string":
                return text
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text]
            case "dateTime":
                return datetime.fromisoformat(text)
        raise AssertionError(datatype)

    lines = list(csv.reader(io.StringIO(content.decode(metadata["dialect"]["encoding"]), newline="")))
    columns = metadata["tableSchema"]["columns"]
    for title, column in zip(lines[0], columns, strict=True):
        assert title in column["titles"]
    return [
        {column["name"]: typed(text, column) for text, column in zip(line, columns, strict=True)} for line in lines[1:]
    ]


def test_csv_read_by_its_metadata_is_the_table(download: Download, rows: list[dict[str, Any]]) -> None:
    found = read_by_its_metadata(download("csv"), json.loads(download("csvw")))
    for row in rows:
        if row["note"] and row["note"].startswith("="):
            row["note"] = "'" + row["note"]
    assert found == rows


def test_a_suppressed_value_is_an_empty_cell_beside_its_state(download: Download) -> None:
    line = next(line for line in download("csv").decode().splitlines() if "suppressed" in line)
    assert ',,"suppressed"' in line


# Properties and datatypes of the Metadata Vocabulary for Tabular Data, sections 5.3 to 5.11
TABLE_PROPERTIES = {
    "@id",
    "@type",
    "@context",
    "url",
    "dialect",
    "notes",
    "suppressOutput",
    "tableDirection",
    "tableSchema",
    "transformations",
}
INHERITED = {
    "aboutUrl",
    "datatype",
    "default",
    "lang",
    "null",
    "ordered",
    "propertyUrl",
    "required",
    "separator",
    "textDirection",
    "valueUrl",
}
SCHEMA_PROPERTIES = {"@id", "@type", "columns", "foreignKeys", "primaryKey", "rowTitles"} | INHERITED
COLUMN_PROPERTIES = {"@id", "@type", "name", "suppressOutput", "titles", "virtual"} | INHERITED
DIALECT_PROPERTIES = {
    "@id",
    "@type",
    "commentPrefix",
    "delimiter",
    "doubleQuote",
    "encoding",
    "header",
    "headerRowCount",
    "lineTerminators",
    "quoteChar",
    "skipBlankRows",
    "skipColumns",
    "skipInitialSpace",
    "skipRows",
    "trim",
}
DATATYPES = {"string", "integer", "number", "boolean", "date", "dateTime"}
# Prefixes of the RDFa initial context, of which common properties may be
PREFIXES = {"dc", "schema", "xsd", "dcat", "prov", "skos", "foaf"}


def test_the_metadata_keeps_to_the_vocabulary(download: Download) -> None:
    def check(properties: dict[str, Any], allowed: set[str]) -> None:
        for name in properties:
            assert name in allowed or name.partition(":")[0] in PREFIXES, name

    said = json.loads(download("csvw"))
    assert said["@context"][0] == "http://www.w3.org/ns/csvw"
    check(said, TABLE_PROPERTIES | INHERITED)
    check(said["dialect"], DIALECT_PROPERTIES)
    check(said["tableSchema"], SCHEMA_PROPERTIES)
    columns = said["tableSchema"]["columns"]
    names = [column["name"] for column in columns]
    assert len(set(names)) == len(names)
    for column in columns:
        check(column, COLUMN_PROPERTIES)
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", column["name"])  # not "_…", which is reserved
        datatype = column["datatype"]
        assert (datatype["base"] if isinstance(datatype, dict) else datatype) in DATATYPES
    assert set(said["tableSchema"]["primaryKey"]) <= set(names)
    assert said["url"] == "demo.rain-1.csv"
    assert {column["name"]: column.get("schema:unitText") for column in columns}["depth"] == "mm"


@settings(deadline=None)
@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)))
def test_no_text_can_begin_a_formula_and_no_other_text_is_touched(texts: list[str | None]) -> None:
    written = cells.harmless_text(pa.table({"text": pa.array(texts, pa.string())}))["text"].to_pylist()
    for text, harmless in zip(texts, written, strict=True):
        if text and text[0] in "=+-@\t\r\n":
            assert harmless == "'" + text
        else:
            assert harmless == text


def test_times_keep_their_fractions() -> None:
    moment = datetime(2015, 3, 27, 14, 30, 1, 250_000, tzinfo=UTC)
    table = pa.table({"start": pa.array([moment], pa.timestamp("us", tz="UTC"))})
    assert cells.iso_times(table)["start"].to_pylist() == ["2015-03-27T14:30:01.250000Z"]


# GeoJSON


def test_geojson_has_a_feature_a_row_with_the_outline_of_its_area(
    download: Download, rows: list[dict[str, Any]]
) -> None:
    collection = json.loads(download("geojson"))
    assert collection["type"] == "FeatureCollection"
    assert "crs" not in collection  # RFC 7946, section 4
    assert len(collection["features"]) == len(rows)
    for feature, row in zip(collection["features"], rows, strict=True):
        assert set(feature) == {"type", "geometry", "properties"}
        assert feature["properties"]["depth"] == row["depth"]
        assert feature["properties"]["depth_state"] == row["depth_state"]
        if row["area"] == "nowhere":
            assert feature["geometry"] is None
            continue
        position = AREAS.codes.index(row["area"])
        assert feature["properties"]["area_name"] == AREAS.names[position]
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shapely.hausdorff_distance(shape, AREAS.polygons[position]) < 1e-5
        for part in shapely.get_parts(shape):
            assert shapely.is_ccw(part.exterior)  # RFC 7946, section 3.1.6
            assert not any(shapely.is_ccw(hole) for hole in part.interiors)


def test_a_flow_is_a_line_from_inside_one_area_to_inside_the_other(home: Home) -> None:
    flows = Dataset(
        name="demo.flows",
        title="Flows",
        description="",
        dimensions=(Dimension("origin", "area", ""), Dimension("destination", "area", "")),
        measures=(),
        privacy=Privacy.OPEN,
    )
    one, other = AREAS.codes[:2]
    table = pa.table({"origin": [one, one], "destination": [one, other]})
    said = {"inputs": [], "parameters": {}, "who": "os:ada", "area_set": "natural-earth:SL"}
    release = catalog.publish(home.settings, home.database, flows, table, **said).release  # type: ignore[arg-type]
    stream = io.BytesIO()
    exports.export(home.settings, home.database, release, "geojson", stream)
    features = {
        feature["properties"]["destination"]: shapely.from_geojson(json.dumps(feature["geometry"]))
        for feature in json.loads(stream.getvalue())["features"]
    }
    assert features[one].geom_type == "Point"
    ends = [shapely.Point(end) for end in features[other].coords]
    assert [AREAS.polygons[index].contains(end) for index, end in enumerate(ends)] == [True, True]


def test_without_an_area_set_there_is_no_geojson(home: Home) -> None:
    said = {"inputs": [], "parameters": {}, "who": "os:ada"}
    release = catalog.publish(home.settings, home.database, RAIN, ROWS, **said).release  # type: ignore[arg-type]
    assert "geojson" not in [each.name for each in exports.formats(release)]
    with pytest.raises(InputError, match="needs areas of a known area set"):
        exports.export(home.settings, home.database, release, "geojson", io.BytesIO())


# XLSX


def test_the_workbook_holds_the_rows_and_says_where_they_come_from(
    download: Download, rows: list[dict[str, Any]]
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(download("xlsx")))
    assert book.sheetnames == ["Data", "About"]
    head, *lines = book["Data"].iter_rows(values_only=True)
    assert head == RAIN.columns
    expected = [tuple({**row, "start": row["start"].replace(tzinfo=None)}.values()) for row in rows]
    assert lines == expected
    about = {line[0]: line[1:] for line in book["About"].iter_rows(values_only=True) if line[0]}
    assert about["Dataset"][0] == "demo.rain"
    assert about["Made from"][:3] == ("gauges.csv", "file", "ab" * 32)
    assert about["depth"][1] == "mm"
    assert about["suppressed"][0].startswith("hidden because too few people")


def test_no_cell_of_the_workbook_is_a_formula_and_what_looks_like_one_stays_text(download: Download) -> None:
    content = download("xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells_of_data = [cell for row in book["Data"].iter_rows() for cell in row]
    marked = [cell for cell in cells_of_data if cell.value == '=HYPERLINK("x")']
    assert len(marked) == 1
    assert marked[0].quotePrefix
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_a_table_too_long_for_a_sheet_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch, release: Release) -> None:
    from commonweal.core.catalog.exports import workbook

    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    with pytest.raises(InputError, match=r"4 rows do not fit a sheet .*or CSV"):
        exports.export(home.settings, home.database, release, "xlsx", io.BytesIO())


# The file's ending


@pytest.mark.parametrize("form", exports.FORMATS.values(), ids=lambda form: form.name)
def test_the_ending_of_the_file_decides_the_format(form: exports.Format) -> None:
    assert exports.format_of(Path(f"rain{form.suffix}")) == form
    assert exports.format_of(Path(f"RAIN.V2{form.suffix.upper()}")) == form


@pytest.mark.parametrize(
    ("file", "name", "said"),
    [
        ("rain.csv", "geojson", "csv, or a name that ends in .geojson"),
        ("rain.csv-metadata.json", "json", "csvw, or a name that ends in .json"),
        ("rain.json", "csvw", "json, or a name that ends in .csv-metadata.json"),
        ("rain", None, "parquet (.parquet), csv (.csv), csvw (.csv-metadata.json), geojson (.geojson), xlsx"),
        ("rain.pdf", None, "parquet (.parquet), csv (.csv)"),
        ("csv", None, "parquet (.parquet), csv (.csv)"),
    ],
)
def test_an_ending_that_contradicts_the_format_or_says_none_is_refused(
    home: Home, release: Release, tmp_path: Path, file: str, name: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        exports.save(home.settings, home.database, release, tmp_path / file, name)
    assert not (tmp_path / file).exists()


def test_an_ending_of_no_format_contradicts_none(home: Home, release: Release, tmp_path: Path) -> None:
    exports.save(home.settings, home.database, release, tmp_path / "rain.txt", "json")
    assert json.loads((tmp_path / "rain.txt").read_text())["dataset"] == "demo.rain"


# The command line


def commonweal(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *said: str) -> str:
    from typer.testing import CliRunner

    from commonweal.core.catalog.cli import app

    monkeypatch.setenv("COMMONWEAL_DATA", str(home.settings.data))
    ran = CliRunner().invoke(app, list(said), catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_the_commands_list_show_verify_and_export(
    home: Home,
    release: Release,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(*said: str) -> str:
        return commonweal(home, capsys, monkeypatch, *said)

    assert "demo.rain" in run("list")
    assert json.loads(run("list", "--json"))[0]["digest"] == release.digest
    assert release.digest in run("show", "demo.rain")
    assert json.loads(run("show", "demo.rain", "--json")) == release.record()
    assert "prov:wasGeneratedBy" in run("show", "demo.rain", "--prov")
    assert "1 releases are what their records say" in run("verify")
    run("export", "demo.rain", "--out", str(tmp_path / "rain.csv"))
    assert (tmp_path / "rain.csv").read_bytes().startswith(b"area,start,depth,depth_state,note,dry\n")
    assert json.loads((tmp_path / "rain.csv-metadata.json").read_text())["url"] == "rain.csv"
    assert "dcat:Catalog" in run("dcat", "--base", "https://data.example.org/")
