"""Figures as files: the rows in every format that fits them, and pictures that stand by themselves."""

import csv
import io
import json
import re
import struct
import zlib
from xml.etree import ElementTree

import openpyxl
import pytest
import shapely

from commonweal.web import figure_files
from commonweal.web.bars import Bar, bars
from commonweal.web.chart import Line, time_chart
from commonweal.web.classes import Classes
from commonweal.web.figure import Figure, Heading, Legend, Placed
from commonweal.web.flows import Flow, flow_layer
from commonweal.web.map import MapArea, choropleth
from commonweal.web.projection import fit
from commonweal.web.table import Row

SVG = "{http://www.w3.org/2000/svg}"
SHOWN = "start=2015-03-27T14:00Z"
LIGHT = {"class-0": (0xDB, 0xD6, 0xEE), "class-2": (0x8D, 0x80, 0xC5), "class-4": (0x3D, 0x1D, 0x7C)}
PAPER, TEXTURE = (255, 255, 255), (0xE9, 0xEB, 0xF1)
CLOCKWISE_WITH_HOLE = shapely.Polygon(
    [(0, 0), (0, 1), (1, 1), (1, 0)], [[(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]]
)
AREAS = {
    "A": CLOCKWISE_WITH_HOLE,
    "B": shapely.box(1, 0, 2, 1),
    "C": shapely.box(2, 0, 3, 1),
    "D": shapely.box(3, 0, 4, 1),
}
RECORDS = [
    {"area": "A", "name": "=1+1", "subscribers": 40, "share": 0.25, "state": "reported"},
    {"area": "B", "name": 'Bo, "the" \n second', "subscribers": None, "share": None, "state": "suppressed"},
    {"area": "C", "name": "Koïn", "subscribers": 0, "share": 0.0, "state": "reported"},
]


def a_map(**said):
    areas = [
        MapArea(code, f"{code} & <co>", polygon, value, state, "40 people", href=f"?area={code}")
        for (code, polygon), value, state in zip(
            AREAS.items(), (10, None, 20, 30), ("reported", "suppressed", "reported", "reported"), strict=True
        )
    ]
    over = flow_layer([Flow("A", "C", 5, "A to C")], {"A": (100, 150), "C": (600, 150)}, label="Flows")
    return choropleth(areas, Classes((15, 25)), label="People", over=over, selected="C", **said)


def a_figure(**said):
    return Figure(
        **{
            "name": "map",
            "title": "People & <areas>",
            "caption": "How many people were seen in each area.",
            "headings": (Heading("Area", key="name"), Heading("People", is_number=True, key="subscribers")),
            "rows": [Row((record["name"], str(record["subscribers"]))) for record in RECORDS],
            "records": RECORDS,
            "geometry": AREAS,
            "areas": ("area",),
            "says": {"release": "mobility.presence 1", "licence": "CC BY 4.0"},
        }
        | said
    )


def drawn(**said):
    legend = Legend(
        "People per hour",
        [("class-0", "under 15"), ("class-2", "15 – 24"), ("class-4", "25 or more")],
        [("suppressed", "suppressed: fewer than 15")],
        "as wide as many people",
        "The classes are the same for every hour.",
    )
    return a_figure(**{"picture": a_map(), "legend": legend} | said)


def written(form, figure):
    return figure_files.FORMS[form].write(figure)


# Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_csv_holds_every_row_and_column():
    rows = list(csv.DictReader(io.StringIO(written("csv", a_figure()).decode(), newline="")))
    assert [row["area"] for row in rows] == ["A", "B", "C"]
    assert rows[1] == {"area": "B", "name": RECORDS[1]["name"], "subscribers": "", "share": "", "state": "suppressed"}
    assert (rows[2]["subscribers"], rows[2]["name"]) == ("0", "Koïn"), "zero is a value"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_is_marked_as_text(text):
    figure = a_figure(records=[{"name": text}], rows=[Row((text,))])
    (row,) = csv.DictReader(io.StringIO(written("csv", figure).decode(), newline=""))
    assert row["name"] == f"'{text}"
    sheet = openpyxl.load_workbook(io.BytesIO(written("xlsx", figure)))["Data"]
    assert sheet["A2"].data_type == "s", "not a formula"
    assert sheet["A2"].quotePrefix


def test_a_table_without_rows_keeps_its_columns():
    empty = a_figure(records=[], rows=[])
    assert written("csv", empty) == b"name,subscribers\r\n"
    assert json.loads(written("json", empty))["rows"] == []
    assert json.loads(written("geojson", empty))["features"] == []


def test_the_workbook_holds_numbers_as_numbers_and_says_what_it_is():
    book = openpyxl.load_workbook(io.BytesIO(written("xlsx", a_figure())))
    heads, *rows = book["Data"].iter_rows(values_only=True)
    assert heads == ("area", "name", "subscribers", "share", "state")
    assert [row[2] for row in rows] == [40, None, 0]
    assert rows[0][3] == 0.25
    about = dict(book["About"].iter_rows(values_only=True))
    assert about == {
        "title": "People & <areas>",
        "table": "How many people were seen in each area.",
        "release": "mobility.presence 1",
        "licence": "CC BY 4.0",
    }


def test_json_tells_suppressed_from_zero():
    told = json.loads(written("json", a_figure()))
    assert told["rows"] == RECORDS
    assert (told["title"], told["release"]) == ("People & <areas>", "mobility.presence 1")


# Places ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_geojson_has_the_outline_of_each_area_by_the_right_hand_rule():
    told = json.loads(written("geojson", a_figure()))
    assert (told["type"], told["release"]) == ("FeatureCollection", "mobility.presence 1")
    assert [feature["properties"] for feature in told["features"]] == RECORDS
    for feature, polygon in zip(told["features"], AREAS.values(), strict=False):
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.is_valid
        assert shape.equals(polygon)
        assert shape.exterior.is_ccw
        assert not any(hole.is_ccw for hole in shape.interiors)
    assert len(told["features"][0]["geometry"]["coordinates"]) == 2, "the hole is there"


def test_geojson_of_the_site_has_longitude_before_latitude(site):
    told = site.get(f"/mobility/presence/figures/map.geojson?{SHOWN}").json()
    for feature in told["features"]:
        west, south, east, north = shapely.from_geojson(json.dumps(feature["geometry"])).bounds
        assert -16 < west < east < -7, "Guinea to Liberia"
        assert 4 < south < north < 13


def test_a_flow_is_a_line_from_inside_one_area_to_inside_the_other():
    records = [
        {"origin": "A", "destination": "C", "subscribers": 5},
        {"origin": "B", "destination": "B", "subscribers": 7},
        {"origin": "B", "destination": "nowhere", "subscribers": 9},
    ]
    figure = a_figure(records=records, rows=[], areas=("origin", "destination"))
    line, point, unplaced = (feature["geometry"] for feature in json.loads(written("geojson", figure))["features"])
    assert line["type"] == "LineString"
    begin, end = (shapely.Point(at) for at in line["coordinates"])
    assert AREAS["A"].contains(begin)
    assert AREAS["C"].contains(end)
    assert point["type"] == "Point"
    assert AREAS["B"].contains(shapely.Point(point["coordinates"]))
    assert unplaced is None


# Pictures ──────────────────────────────────────────────────────────────────────────────────────────────────────────

PICTURES = {
    "map": drawn(),
    "map without a legend": drawn(legend=None),
    "hours": drawn(
        picture=bars(
            [Bar("00", None, "suppressed", "none", "?a"), Bar("01", 4, "reported", "4", "?b", True)], label="By hour"
        )
    ),
    "series": drawn(picture=time_chart([0, 1, 2], ["0", "1", "2"], [Line("A", [1, None, 3])], label="Over time")),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_as_a_file_stands_by_itself(name):
    text = written("svg", PICTURES[name]).decode()
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text == "People & <areas>"
    assert root.find(f"{SVG}desc").text == "How many people were seen in each area."
    kinds = {node.tag for node in root.iter()}
    assert kinds & {f"{SVG}a", f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject"} == set()
    names = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(names) == len(set(names))
    for node in root.iter():
        for attribute, value in node.attrib.items():
            assert not attribute.startswith("on")
            assert attribute != "tabindex"
            if attribute.endswith("href"):
                assert value.removeprefix("#") in names
            for used in re.findall(r"url\(([^)]*)\)", value):
                assert used.removeprefix("#") in names, "what it refers to is in the file"
    assert "url(" not in "".join(node.text or "" for node in root.iter(f"{SVG}style"))


@pytest.mark.parametrize("name", PICTURES)
def test_its_style_is_plain_enough_for_programs_that_know_little(name):
    root = ElementTree.fromstring(written("svg", PICTURES[name]))
    (style,) = [node.text for node in root.iter(f"{SVG}style")]
    assert not re.search(r"var\(|@|--|transparent|currentColor|calc\(", style)
    for selectors in re.findall(r"([^{}]+)\{", style):
        for selector in selectors.split(","):
            assert re.fullmatch(r"[\w.\-\[\] ]+", selector), "only classes, elements and attributes"


def test_the_file_has_title_caption_and_the_whole_legend():
    root = ElementTree.fromstring(written("svg", drawn()))
    said = [" ".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    for expected in (
        "People & <areas>",
        "How many people were seen in each area.",
        "People per hour",
        "under 15",
        "25 or more",
        "suppressed: fewer than 15",
        "as wide as many people",
        "The classes are the same for every hour.",
    ):
        assert expected in said
    assert not any("40 people" in text for text in said), "what a pointer brings up is not in it"


def test_the_chosen_area_stays_marked():
    root = ElementTree.fromstring(written("svg", drawn()))
    marked = [node for node in root.iter(f"{SVG}g") if node.get("aria-current")]
    assert [node.get("class") for node in marked] == ["area"]
    assert ".area[aria-current] use{stroke: #" in "".join(root.itertext())


def test_long_texts_are_broken_into_lines_within_the_picture():
    figure = drawn(title="title " * 40, caption="caption " * 60)
    root = ElementTree.fromstring(written("svg", figure))
    lines = [node.text for node in root.iter(f"{SVG}text") if node.get("class") == "caption"]
    assert len(lines) > 3
    assert " ".join(lines) == ("caption " * 60).strip()
    tops = [float(node.get("y")) for node in root.iter(f"{SVG}text") if node.get("class") in ("title", "caption")]
    nested = root.find(f"{SVG}svg")
    assert sorted(set(tops)) == tops
    assert max(tops) < float(nested.get("y")), "the picture begins below them"


def test_a_png_is_1440_pixels_wide_and_has_the_colours_of_the_page():
    figure = drawn(picture=a_map(projection=fit([(0, 0, 4, 1)], width=1440)))
    content = written("png", figure)
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1440
    seen = colours(content)
    covered = {name: seen.get(colour, 0) / (width * height) for name, colour in LIGHT.items()}
    assert all(share > 0.01 for share in covered.values()), covered
    for colour in (PAPER, TEXTURE):
        assert seen.get(colour, 0) > 100
    orange = sum(number for (red, green, blue), number in seen.items() if red > 220 and green < 130 and blue < 60)
    assert orange > 100, "flows, which let a little through"
    assert seen.get((0, 0, 0), 0) < 50, "nothing is left without a colour"


@pytest.mark.parametrize("address", ["presence/figures/map", "flows/figures/flows", "quality/figures/subscribers"])
def test_pictures_of_the_site_are_files(site, address):
    picture = site.get(f"/mobility/{address}.png")
    assert picture.status_code == 200
    assert struct.unpack(">I", picture.content[16:20]) == (1440,)
    svg = site.get(f"/mobility/{address}.svg")
    assert svg.headers["content-type"].startswith("image/svg+xml")
    ElementTree.fromstring(svg.content)


def colours(png):
    """How many pixels of each colour an 8-bit PNG without interlacing has (ISO/IEC 15948)."""
    place, packed = 8, b""
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        body = png[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", body)
        packed += body if kind == b"IDAT" else b""
        place += length + 12
    assert (depth, interlaced) == (8, 0)
    size = {2: 3, 6: 4}[colour_type]
    raw, step = zlib.decompress(packed), width * size + 1
    above, found = bytearray(width * size), {}
    for row in range(height):
        method, line = raw[row * step], bytearray(raw[row * step + 1 : (row + 1) * step])
        for index in range(len(line) if method else 0):
            left = line[index - size] if index >= size else 0
            corner = above[index - size] if index >= size else 0
            up = above[index]
            line[index] = (line[index] + predicted(method, left, up, corner)) & 255
        for index in range(0, len(line), size):
            pixel = tuple(line[index : index + 3])
            found[pixel] = found.get(pixel, 0) + 1
        above = line
    return found


def predicted(method, left, up, corner):
    if method == 4:
        distances = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
        return (left, up, corner)[distances.index(min(distances))]
    return (0, left, up, (left + up) // 2)[method]


# Addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", figure_files.FORMS)
def test_every_form_is_sent_as_a_file_of_its_type(site, form):
    answer = site.get(f"/mobility/presence/figures/map.{form}?{SHOWN}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == figure_files.FORMS[form].media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="map.{form}"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_names_the_address_of_its_figure(site):
    link = site.get(f"/mobility/presence/figures/map.csv?{SHOWN}").headers["link"]
    address = re.fullmatch(r'<([^>]+)>; rel="canonical"', link)[1]
    assert "release=1" in address
    assert site.page(address).status_code == 200


def test_an_unknown_figure_is_not_found_and_those_there_are_named(site):
    answer = site.get("/mobility/presence/figures/nothing.csv")
    assert answer.status_code == 404
    assert "there is no figure 'nothing' on this page (expected: map, series)" in answer.json()["detail"]


def test_an_unknown_form_is_not_found_and_those_there_are_named(site):
    answer = site.get(f"/mobility/presence/figures/map.docx?{SHOWN}")
    assert answer.status_code == 404
    assert "csv, xlsx, json, geojson, svg, png" in answer.json()["detail"]


@pytest.mark.parametrize("form", ["svg", "png", "geojson"])
def test_a_table_has_no_picture_and_no_places(site, form):
    answer = site.get(f"/catalog/figures/datasets.{form}")
    assert answer.status_code == 404
    assert "csv, xlsx, json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fcommonweal.toml", "%2e%2e%2fmap.csv", "..%5cmap.csv", "map.csv%00", "map.csv%2f..", "%2fetc%2fpasswd"],
)
def test_a_name_leads_nowhere_else(site, name):
    answer = site.get(f"/mobility/presence/figures/{name}")
    assert answer.status_code == 404
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize("ending", ["%0d%0aset-cookie:%20a=b", '"; filename="x.exe', "%0a", "é", "%f0%9f%92%a9"])
def test_a_name_puts_nothing_into_a_header(site, ending):
    for address in (f"map{ending}.csv", f"map.csv{ending}", f"map.csv?area={ending}", f"map.csv?x{ending}=1"):
        answer = site.get(f"/mobility/presence/figures/{address}")
        assert answer.status_code in (200, 404, 422)
        assert "set-cookie" not in answer.headers
        assert answer.headers.get("content-disposition") in (None, 'attachment; filename="map.csv"')
        assert not any(mark in value for value in answer.headers.values() for mark in "\r\n")


@pytest.mark.parametrize("name", ['a"b', "a\r\nb", "../a", "é", ".", "", "a;b", "a/b c"])
def test_whatever_it_is_called_a_file_has_a_plain_name(name):
    said = figure_files.as_file(b"", "csv", name).headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9][\w.-]*\.csv"', said, re.ASCII)


def test_the_address_of_a_figure_is_written_in_letters_of_addresses():
    placed = Placed(a_figure(), "/catalog/é\r\nx>", {"area": "é>"})
    link = figure_files.file(placed, "csv").headers["link"]
    assert link == '</catalog/%C3%A9%0D%0Ax%3E/figures/map?area=%C3%A9%3E>; rel="canonical"'
