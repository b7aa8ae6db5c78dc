"""Importing areas: what is stored, what is refused and how the error says so."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from sqlalchemy import select

from commonweal.core.areas import changes, import_file, load
from commonweal.core.areas.geojson import feature_collection
from commonweal.core.areas.service import end, sets, stretches
from commonweal.core.audit import AuditEntry
from commonweal.core.errors import Conflict, InputError, NotFound, Unavailable

WHO = "os:tester"


def square(west: float, south: float = 0, side: float = 1) -> dict:
    return shapely.box(west, south, west + side, south + side).__geo_interface__


def feature(code: object, geometry: dict | None = None, **properties: object) -> dict:
    geometry = square(0) if geometry is None else geometry
    return {"type": "Feature", "properties": {"code": code, "name": f"Area {code}"} | properties, "geometry": geometry}


def polygon(*rings: list) -> dict:
    return {"type": "Polygon", "coordinates": rings}


@pytest.fixture
def write(tmp_path: Path):
    def written(*features: dict, name: str = "areas.geojson", **members: object) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features} | members))
        return path

    return written


@pytest.fixture
def take(database):
    def imported(path: Path, **choices):
        return import_file(
            database, path, **{"name": "test", "code_field": "code", "name_field": "name", "who": WHO} | choices
        )

    return imported


def test_what_was_imported_is_loaded_in_the_order_of_codes(database, write, take):
    done = take(write(feature("B", square(1)), feature("A", square(0))))
    assert (done.added, done.unchanged, done.warnings) == (2, 0, ())
    areas = load(database, "test")
    assert (areas.codes, areas.names, areas.level) == (("A", "B"), ("Area A", "Area B"), 1)
    assert areas.locate([0.5, 1.5], [0.5, 0.5]).tolist() == [0, 1]


def test_a_second_import_of_the_same_file_changes_nothing(database, write, take):
    path = write(feature("A"), feature("B", square(1)))
    take(path)
    before = load(database, "test").digest
    assert take(path).added == 0
    assert load(database, "test").digest == before
    with database.reading() as session:
        assert [entry.action for entry in session.scalars(select(AuditEntry))] == ["areas.import"]


def test_two_imports_at_once_store_each_area_once(database, write, take):
    take(write(feature("C", square(2)), name="before.geojson"))  # the set is there: what is locked is its record
    path = write(feature("A"), feature("B", square(1)))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(done.added for done in pool.map(take, [path] * 4)) == [0, 0, 0, 2]
    assert load(database, "test").codes == ("A", "B", "C")


def test_an_import_is_audited_with_the_digest_of_its_file(database, write, take):
    path = write(feature("A"))
    take(path, valid_from=date(2017, 1, 1))
    with database.reading() as session:
        (entry,) = session.scalars(select(AuditEntry))
    assert (entry.who, entry.what) == (WHO, "test")
    assert entry.details["areas"] == 1
    assert entry.details["valid_from"] == "2017-01-01"
    assert len(entry.details["sha256"]) == 64


def test_sierra_leone_had_14_districts_until_2017_and_has_16_since(database, write, take):
    # In 2017 Falaba was cut from Koinadugu and Karene from Bombali and Port Loko; here on squares.
    shared = [feature(f"SL{k:02d}", square(2 * k)) for k in range(12)]
    old = [feature("SL-KOI", square(30, side=2)), feature("SL-BOM", square(40, side=2))]
    new = [
        feature("SL-KOI", polygon([[30, 0], [31, 0], [31, 2], [30, 2], [30, 0]])),
        feature("SL-FAL", polygon([[31, 0], [32, 0], [32, 2], [31, 2], [31, 0]])),
        feature("SL-BOM", polygon([[40, 0], [41, 0], [41, 2], [40, 2], [40, 0]])),
        feature("SL-KAR", polygon([[41, 0], [42, 0], [42, 2], [41, 2], [41, 0]])),
    ]
    take(write(*shared, *old), valid_to=date(2017, 7, 31), level=2)
    take(write(*shared, *new), valid_from=date(2017, 7, 31), level=2)
    before, after = load(database, "test", date(2017, 7, 30)), load(database, "test", date(2017, 7, 31))
    assert (len(before), len(after)) == (14, 16)

    def district(areas, lon):
        return areas.codes[areas.locate([lon], [1.0])[0]]

    assert (district(before, 31.5), district(after, 31.5)) == ("SL-KOI", "SL-FAL")
    assert (district(before, 41.5), district(after, 41.5)) == ("SL-BOM", "SL-KAR")
    assert before.digest != after.digest
    assert len(load(database, "test")) == 16
    assert [(s.valid_from, s.valid_to, s.areas) for s in stretches(database, "test")] == [
        (None, date(2017, 7, 31), 14),
        (date(2017, 7, 31), None, 16),
    ]


def test_the_days_on_which_areas_change_are_told_for_a_level_and_a_period(database, write, take):
    split, merged = date(2017, 7, 31), date(2019, 1, 1)
    take(write(feature("P")), level=1)
    take(write(feature("P1", square(0)), feature("P2", square(1))), valid_to=split, level=2)
    take(write(feature("P1", square(0)), feature("P3", square(1))), valid_from=split, valid_to=merged, level=2)

    def told(first, last, level=2, name="test"):
        return changes(database, name, first, last, level)

    assert told(date(2017, 7, 30), date(2017, 8, 1)) == [split]
    assert told(date(2017, 1, 1), date(2020, 1, 1)) == [split, merged]
    assert told(split, merged) == [], "the first day's areas are those that count, the last day is not included"
    assert told(date(2017, 1, 1), split) == []
    assert told(date(2017, 1, 1), date(2020, 1, 1), level=1) == []
    assert told(date(2017, 1, 1), date(2020, 1, 1), name="natural-earth:SL") == []
    with pytest.raises(NotFound, match="no area set 'elsewhere'"):
        told(split, merged, name="elsewhere")


def test_a_code_cannot_be_valid_twice_at_one_time(database, write, take):
    take(write(feature("A")))
    with pytest.raises(Conflict, match=r"1 areas are already valid at that time and differ: A \(expected: dates"):
        take(write(feature("A", square(5))), valid_from=date(2017, 1, 1))
    assert load(database, "test").polygons[0].bounds == (0, 0, 1, 1)


def test_ending_areas_makes_room_for_their_successors(database, write, take):
    take(write(feature("A"), feature("B", square(1))))
    assert end(database, "test", on=date(2017, 1, 1), level=1, codes=["A"], who=WHO) == 1
    take(write(feature("A", square(5))), valid_from=date(2017, 1, 1))
    assert load(database, "test", date(2016, 12, 31)).bounds == (0, 0, 2, 1)
    assert load(database, "test", date(2017, 1, 1)).bounds == (1, 0, 6, 1)
    with pytest.raises(NotFound, match="no area Z without an end"):
        end(database, "test", on=date(2018, 1, 1), level=1, codes=["Z"], who=WHO)
    with pytest.raises(InputError, match="area A begins on 2017-01-01"):
        end(database, "test", on=date(2017, 1, 1), level=1, codes=["A"], who=WHO)


def test_levels_make_a_hierarchy_by_parent_codes(database, write, take):
    take(write(feature("P", square(0, side=2))), level=1)
    below = write(feature("P1", square(0), up="P"), feature("P2", square(1), up="P"))
    take(below, level=2, parent_field="up")
    assert load(database, "test").codes == ("P1", "P2")
    assert load(database, "test").parents == ("P", "P")
    assert load(database, "test", level=1).codes == ("P",)


def test_an_unknown_parent_is_refused(write, take):
    with pytest.raises(InputError, match=r"feature 1 \(code P1\), field 'up': the parent 'P' is not in the set"):
        take(write(feature("P1", up="P")), level=2, parent_field="up")


def test_names_in_other_languages_come_along(database, write, take):
    take(write(feature("A", name_fr="Région A", name_ar="أ"), feature("B", square(1), name_fr="Région B")))
    assert dict(load(database, "test").names_by_language) == {"ar": ("أ", None), "fr": ("Région A", "Région B")}


def test_overlaps_of_one_level_are_told_with_their_size(write, take):
    done = take(write(feature("A", square(0)), feature("B", square(0.5)), feature("C", square(1.5))))
    (warning,) = done.warnings
    assert warning.startswith("areas A and B overlap by 6,154.")
    later = take(write(feature("D", square(1.75))))
    assert [text.split(" overlap")[0] for text in later.warnings] == ["areas D and C"]


HOLE_OUTSIDE = polygon([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], [[5, 5], [6, 5], [6, 6], [5, 6], [5, 5]])
FAULTS = {
    "bow tie": (
        polygon([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]),
        r"feature 2 \(code B\), geometry: the outline crosses itself at \(0.5, 0.5\) .*neither cross nor touch",
    ),
    "unclosed": (polygon([[0, 0], [1, 0], [1, 1], [0, 1]]), "geometry: a ring is not closed"),
    "three points": (polygon([[0, 0], [1, 0], [0, 0]]), "geometry: a ring has fewer than 4 points"),
    "one point": (polygon([[0, 0]]), "geometry: a ring has fewer than 4 points"),
    "flat": (polygon([[0, 0], [1, 0], [0, 0], [0, 0]]), "geometry: a ring has fewer than 4 points, or too few that"),
    "hole outside": (HOLE_OUTSIDE, "geometry: a hole lies outside its polygon"),
    "no rings": (polygon(), "geometry: it is missing"),
    "a point": ({"type": "Point", "coordinates": [0, 0]}, "geometry: it is a Point .*expected: polygons"),
    "metres": (square(691000), r"a point at \(691001, 1\) lies outside ±180, ±90, so it is probably projected"),
    "nonsense": ({"type": "Polygon", "coordinates": "here"}, "geometry: the geometry cannot be read"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_invalid_outline_is_refused_by_feature_and_reason(database, write, take, fault):
    geometry, message = FAULTS[fault]
    with pytest.raises(InputError, match=message):
        take(write(feature("A"), feature("B", geometry)))
    assert [name for name, _ in sets(database)] == ["natural-earth"]


def test_a_missing_geometry_is_refused(write, take):
    without = feature("B") | {"geometry": None}
    with pytest.raises(InputError, match=r"feature 2 \(code B\), geometry: it is missing"):
        take(write(feature("A"), without))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([feature(None)], "feature 1, field 'code': the code is missing"),
        ([feature("  ")], "feature 1, field 'code': the code is missing"),
        ([feature("A", name="")], r"feature 1 \(code A\), field 'name': the name is missing"),
        (
            [feature("A"), feature("A", square(1))],
            r"feature 2 \(code A\), field 'code': the code 'A' is feature 1's too",
        ),
        ([feature("A"), feature("B", square(1), name="Area A")], "field 'name': the name 'Area A' is feature 1's too"),
        ([], "the file holds no features"),
    ],
)
def test_missing_and_repeated_codes_and_names_are_refused(write, take, features, message):
    with pytest.raises(InputError, match=message):
        take(write(*features))


def test_two_areas_may_share_a_name_under_different_parents(database, write, take):
    take(write(feature("P", square(0)), feature("Q", square(1))), level=1)
    below = write(feature("1", square(0), name="Centre", up="P"), feature("2", square(1), name="Centre", up="Q"))
    assert take(below, level=2, parent_field="up").added == 2


def test_many_faults_are_counted_and_the_first_told(write, take):
    with pytest.raises(InputError, match=r"feature 1, .*feature 5, field 'code': .* missing; and 7 more faults"):
        take(write(*(feature(None) for _ in range(12))), name_field=None)


def test_a_field_that_is_not_there_is_refused_with_those_that_are(write, take):
    with pytest.raises(InputError, match=r"there is no field 'pcode' \(expected: one of: code, name\)"):
        take(write(feature("A")), code_field="pcode")


def test_a_file_in_another_reference_system_is_refused(write, take, tmp_path):
    old_style = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32629"}}
    with pytest.raises(InputError, match=r"coordinates are in urn:ogc:def:crs:EPSG::32629 \(expected: WGS 84"):
        take(write(feature("A"), crs=old_style))
    path = tmp_path / "utm.gpkg"
    save(path, "areas", crs="EPSG:32629")
    with pytest.raises(InputError, match=r"utm.gpkg: the coordinates are in EPSG:32629"):
        take(path)
    shapefile = tmp_path / "none.shp"
    save(shapefile, "none", crs="EPSG:4326")
    shapefile.with_suffix(".prj").unlink()
    with pytest.raises(InputError, match="does not say its coordinate reference system"):
        take(shapefile)


def save(path: Path, layer: str, crs: str = "EPSG:4326", shapes: list | None = None) -> None:
    shapes = shapes or [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    codes = np.array([f"{layer}-{k}" for k in range(len(shapes))], dtype=object)
    pyogrio.raw.write(
        path,
        geometry=np.array(shapely.to_wkb(shapes), dtype=object),
        field_data=[codes, codes],
        fields=["code", "name"],
        layer=layer,
        geometry_type=shapes[0].geom_type,
        crs=crs,
        append=path.exists(),
    )


@pytest.mark.parametrize("name", ["areas.gpkg", "areas.shp"])
def test_geopackages_and_shapefiles_are_read_too(database, take, tmp_path, name):
    save(tmp_path / name, "areas")
    assert take(tmp_path / name).added == 2
    areas = load(database, "test")
    assert areas.codes == ("areas-0", "areas-1")
    assert areas.locate([0.5, 1.5], [0.5, 0.5]).tolist() == [0, 1]


def test_invalid_rings_in_a_geopackage_are_refused_alike(take, tmp_path):
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    save(tmp_path / "bad.gpkg", "bad", shapes=[bow_tie])
    with pytest.raises(InputError, match=r"feature 1 \(code bad-0\), geometry: the outline crosses itself"):
        take(tmp_path / "bad.gpkg")


def test_of_several_layers_one_must_be_named(take, tmp_path):
    path = tmp_path / "two.gpkg"
    save(path, "provinces")
    save(path, "districts")
    with pytest.raises(InputError, match=r"2 layers of geometry \(expected: --layer one of: provinces, districts\)"):
        take(path)
    with pytest.raises(InputError, match="no layer 'wards'"):
        take(path, layer="wards")
    assert take(path, layer="districts").added == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"code;name\nA;Area A\n", "this is not a file of areas"),
        (b"", "this is not a file of areas"),
        (b'{"type": "FeatureCollection", "features": [', "this is not JSON, line 1"),
        (b'{"type": "Topology"}', "this GeoJSON is of type 'Topology'"),
        (b'{"type": "FeatureCollection", "features": ["x"]}', "feature 1: this is not a feature"),
        (b'{"name": "K\xf6ln"}', "byte 11 is not UTF-8"),
        (b"SQLite format 3\0" + b"\0" * 100, "this cannot be read"),
        (b"\x00\x00\x27\x0a" + b"\0" * 20, "this cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused(take, tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        take(path)


def test_a_file_that_is_not_there_is_said_so(take, tmp_path):
    with pytest.raises(Unavailable, match="there is no such file"):
        take(tmp_path / "nowhere.geojson")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"name": "natural-earth"}, "natural-earth is built in"),
        ({"name": "My Set"}, "'My Set' cannot name a set"),
        ({"level": -1}, "the level is -1"),
        ({"valid_from": date(2017, 1, 1), "valid_to": date(2017, 1, 1)}, "is not after valid from"),
    ],
)
def test_choices_that_cannot_be_are_refused(write, take, choice, message):
    with pytest.raises(InputError, match=message):
        take(write(feature("A")), **choice)


def test_a_set_or_a_date_without_areas_is_not_found(database, write, take):
    with pytest.raises(NotFound, match=r"no area set 'nowhere' \(expected: one of: natural-earth\)"):
        load(database, "nowhere")
    take(write(feature("A")), valid_from=date(2017, 1, 1))
    with pytest.raises(NotFound, match="no area at 2016-12-31"):
        load(database, "test", date(2016, 12, 31))


def test_exported_areas_can_be_imported_again_as_they_were(database, write, take, tmp_path):
    take(write(feature("A", name_fr="Un"), feature("B", square(1), name_fr="Deux")))
    path = tmp_path / "exported.geojson"
    path.write_text(json.dumps(feature_collection(load(database, "test"))))
    take(path, name="again")
    assert load(database, "again").digest == load(database, "test").digest


def test_the_63_real_districts_have_the_sizes_their_publisher_gives(database, take, shared):
    # OCHA's sizes were measured on finer outlines than the file's; two coasts with islands differ most.
    path = shared / "data/geo/wa3_districts_63.geojson"
    published = {
        f["properties"]["pcode"]: f["properties"]["area_km2"] for f in json.loads(path.read_text())["features"]
    }
    assert take(path, code_field="pcode", level=2).added == 63
    areas = load(database, "test")
    given = np.array([published[code] for code in areas.codes])
    differences = np.sort(np.abs(areas.area_km2() / given - 1))
    assert differences[-1] < 0.04
    assert differences[-3] < 0.004
    assert areas.area_km2().sum() == pytest.approx(given.sum(), rel=1e-4)
