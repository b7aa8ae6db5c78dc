"""The page of people inside a place: which areas it meets, what is published of them, and what it never says."""

import json
import re
from html import unescape
from urllib.parse import quote

import numpy as np
import pytest
import shapely

from commonweal.core.areas import load
from commonweal.core.areas.measuring import area_km2
from commonweal.web.geography import Geography, geography
from commonweal.web.picking import Picking, picking
from commonweal.web.place import Written
from commonweal.web.projection import fit

HOUR = "start=2015-03-27T14:00Z"
WEST = "polygon=-13.1,7.9 -12.2,7.9 -12.2,8.9 -13.1,8.9"
"""A place over parts of Western, Northern and Southern."""
ADDRESS = f"/mobility/inside?{HOUR}&{WEST}"
HTML = {"accept": "text/html"}


def inside(site, asked, form=".json"):
    answer = site.get(f"/mobility/inside{form}?{asked}")
    assert answer.status_code == 200, answer.text
    return answer.json()["inside"]


def text_of(markup):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())


@pytest.fixture(scope="module")
def areas(published):
    return load(published.home.database, published.presence.area_set)


@pytest.fixture(scope="module")
def hour(published):
    """What was published of each area at 14:00: (count, state)."""
    rows = published.presence.table(published.home.settings).to_pylist()
    at = [row for row in rows if row["period"] == "hour" and f"{row['start']:%d%H}" == "2714"]
    return {row["area"]: (row["subscribers"], row["subscribers_state"]) for row in at}


def test_the_areas_are_those_that_the_place_shares_a_surface_with(site, areas):
    told = {area["code"]: area["share_inside"] for area in inside(site, f"{HOUR}&{WEST}")["areas"]}
    place = shapely.box(-13.1, 7.9, -12.2, 8.9)
    shared = area_km2(shapely.intersection(areas.polygons, place)) / areas.area_km2()
    expected = {code: share for code, share in zip(areas.codes, shared, strict=True) if share > 0}
    assert told == pytest.approx(expected, abs=5e-5)
    assert {"SL-W", "SL-N", "SL-S"} == set(told)
    assert told["SL-W"] < 1


def test_counts_are_those_that_were_published_and_of_whole_areas(site, hour):
    told = inside(site, f"{HOUR}&{WEST}")
    for area in told["areas"]:
        assert (area["subscribers"], area["subscribers_state"]) == hour[area["code"]]
    counts = [hour[area["code"]][0] for area in told["areas"]]
    assert told["subscribers_at_least"] == max(counts)
    assert told["counts_together"] == sum(counts)


def test_a_suppressed_area_has_no_count_and_is_said_to_come_on_top(site, published):
    picked = f"areas={published.few}&areas={published.nobody}&areas={published.unknown}&areas=SL-W"
    told = inside(site, f"{HOUR}&{picked}")
    by_code = {area["code"]: area for area in told["areas"]}
    for code in (published.few, published.nobody):
        assert (by_code[code]["subscribers"], by_code[code]["subscribers_state"]) == (None, "suppressed")
    assert by_code[published.unknown]["subscribers_state"] == "missing"
    assert (told["suppressed_areas"], told["areas_without_data"]) == (2, 1)
    assert told["subscribers_at_least"] == told["counts_together"] == by_code["SL-W"]["subscribers"]
    said = text_of(site.page(f"/mobility/inside?{HOUR}&{picked}").text)
    assert "Suppressed areas come on top of all counts together: 2 of 4." in said
    assert "So do areas without data: 1 of 4." in said


def test_where_every_area_is_suppressed_there_is_no_figure_and_never_a_zero(site, published):
    told = inside(site, f"{HOUR}&areas={published.few},{published.nobody}")
    assert (told["subscribers_at_least"], told["counts_together"]) == (None, None)
    markup = site.page(f"/mobility/inside?{HOUR}&areas={published.few},{published.nobody}").text
    assert "subscribers in these areas at least" not in markup
    assert len(re.findall(r'fill="url\(#suppressed\)"', markup.split('class="legend"')[0])) == 2


def test_the_page_says_what_its_data_twin_says(site):
    told, markup = inside(site, f"{HOUR}&{WEST}"), site.page(ADDRESS).text
    said = text_of(markup)
    assert f"{len(told['areas'])} areas that the place meets" in said
    assert f"{told['subscribers_at_least']:,.0f} subscribers in these areas at least" in said
    assert f"{told['counts_together']:,.0f} at most, if nobody was counted in two areas" in said
    assert "a polygon with 4 corners · Friday 27 March 2015, 14:00 – 15:00 · time of Africa/Freetown" in said
    assert "Whoever was seen in several of these areas is counted in each of them." in said
    body = markup[markup.index("<caption>Distinct subscribers of each whole area") :]
    body = body[body.index("<tbody>") : body.index("</tbody>")]
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)", row) for row in body.split("</tr>")[:-1]]
    assert [(row[0], row[1]) for row in rows] == [
        (area["name"], f"{area['subscribers']:,.0f}") for area in told["areas"]
    ]
    assert [row[3] for row in rows] == [f"{area['share_inside']:.0%}" for area in told["areas"]]
    labels = re.findall(r'class="area" tabindex="0" role="img" aria-label="([^"]*)"', markup)
    assert labels == [f"{row[0]}: {row[1]} subscribers" for row in rows]


def test_no_number_is_given_for_a_part_of_an_area(site):
    told = inside(site, f"{HOUR}&centre=-12.9,8.4&radius=3")
    [area] = told["areas"]
    assert area["share_inside"] < 0.01
    said = text_of(site.page(f"/mobility/inside?{HOUR}&centre=-12.9,8.4&radius=3").text)
    assert "a part of one has none" in said
    assert "under 1%" in said
    for part in (area["share_inside"] * area["subscribers"], round(area["share_inside"] * area["subscribers"])):
        assert f" {part:,} subscribers" not in said


def test_a_place_is_all_that_is_said_together(site):
    told = inside(site, f"{HOUR}&areas=SL-E&{WEST}&centre=-8.8,7.75&radius=20")
    assert told["place"]["areas"] == ["SL-E"]
    assert told["place"]["polygon"][0] == [-13.1, 7.9]
    assert (told["place"]["centre"], told["place"]["radius_km"]) == ([-8.8, 7.75], 20)
    shares = {area["code"]: area["share_inside"] for area in told["areas"]}
    assert shares["SL-E"] == 1
    assert {"SL-W", "GN-NZ"} <= set(shares)
    drawn = shapely.from_geojson(json.dumps(told["place"]["drawn"]))
    assert len(shapely.get_parts(drawn)) == 2


def test_a_place_where_no_area_is_meets_none(site):
    told = inside(site, "centre=20,-40&radius=100")
    assert (told["areas"], told["subscribers_at_least"]) == ([], None)
    answer = site.page("/mobility/inside?centre=20,-40&radius=100")
    assert "The place meets none of the areas of this release." in text_of(answer.text)
    assert "<figure" not in answer.text


def test_without_a_place_the_form_is_shown_and_nothing_else(site):
    answer = site.page("/mobility/inside")
    assert answer.status_code == 200
    assert "Say a place" in answer.text
    assert "<figure" not in answer.text
    assert site.get("/mobility/inside.json").json() == {"inside": None}


def test_the_period_is_asked_for_as_on_the_page_of_presence(site):
    assert inside(site, f"{WEST}&start=2015-03-28")["period"]["unit"] == "day"
    assert inside(site, f"{WEST}&day=2015-03-27&at=14")["period"] == inside(site, f"{HOUR}&{WEST}")["period"]
    assert inside(site, WEST)["period"]["label"] == "Saturday 28 March 2015, 23:00 – 00:00"
    markup = site.page(ADDRESS).text
    [days] = re.findall(r'<a href="([^"]*)">Whole days</a>', markup)
    told = site.get(unescape(days).replace("/inside?", "/inside.json?")).json()["inside"]
    assert (told["period"]["unit"], len(told["areas"])) == ("day", 3)


# What is wrong ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "field", "sentence"),
    [
        ("polygon=0,0 2,2 2,0 0,2", "polygon", "The outline crosses or touches itself at 1, 1."),
        ("polygon=0,0 1,x 2,0", "polygon", "Corner 2 is not two numbers: 1,x."),
        ("centre=1,2&radius=0", "radius", "No circle has this radius."),
        ("centre=here&radius=5", "centre", "The centre cannot be read."),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_written_and_the_data_twin_is_refused(site, asked, field, sentence):
    answer = site.page(f"/mobility/inside?{asked}")
    assert answer.status_code == 422
    assert sentence in text_of(answer.text)
    assert 'role="alert"' in answer.text
    written = asked.split("=", 1)[1].split("&")[0]
    assert written in unescape(answer.text)
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', answer.text)
    for form in (".json", "/figures/inside.csv", "/figures/inside"):
        refused = site.get(f"/mobility/inside{form}?{asked}")
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
        assert refused.json()["detail"].startswith(f"{field}: ")


def test_an_area_that_is_not_there_is_refused(site):
    answer = site.page("/mobility/inside?areas=XX&areas=SL-W")
    assert answer.status_code == 422
    assert "There is no area XX." in text_of(answer.text)
    assert re.search(r'value="SL-W" checked', answer.text)


def test_what_an_address_says_is_never_markup(site):
    for field in ("areas", "polygon", "centre", "radius", "find", "start"):
        assert "<b>" not in site.page(f"/mobility/inside?{field}=<b>'\"x").text


def test_before_anything_is_published_the_page_says_so(empty_site):
    assert "Nothing has been published yet" in empty_site.page(ADDRESS).text
    assert empty_site.get("/mobility/inside.json").json() == {"inside": None}
    assert empty_site.get("/mobility/areas.geojson").status_code == 404


def test_where_the_outlines_are_not_here_areas_can_still_be_picked(home, site_of, publish_more, monkeypatch):
    publish_more(home)
    site = site_of(home)
    monkeypatch.setattr("commonweal.mobility.published.geography", lambda *_: geography(home.database, None, ("SL-W",)))
    told = inside(site, "areas=SL-W")
    assert told["areas"][0]["share_inside"] == 1
    answer = site.page("/mobility/inside?areas=SL-W")
    assert "<svg" not in answer.text.split('<figure class="card" id="inside"')[1].split("</figure>")[0]
    assert "Draw on the map" not in answer.text
    assert site.get("/mobility/inside.json?centre=-13,8&radius=5").status_code == 422


# What can be taken along ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_figure_has_an_address_that_stays_true_and_files(home, site_of, publish_more):
    publish_more(home)
    site = site_of(home)
    address = f"/mobility/inside?{HOUR}&areas=SL-E,SL-N&{WEST}&centre=-8.8,7.75&radius=20"
    [link] = re.findall(r'href="(/mobility/inside/figures/inside\?[^"]*)"', site.page(address).text)
    link = unescape(link)
    first = site.get(link.replace("/inside?", "/inside.json?")).json()
    publish_more(home, scale=2)
    assert site.get(link.replace("/inside?", "/inside.json?")).json() == first
    assert first["release"] == "mobility.presence 1"
    assert site.page(link).text.count("<figure") == 1
    rows = site.get(link.replace("/inside?", "/inside.csv?")).text.splitlines()
    assert rows[0] == "area,name,start,period,subscribers,state,share_inside"
    assert len(rows) - 1 == len(first["rows"])
    collection = site.get(link.replace("/inside?", "/inside.geojson?")).json()
    assert {feature["properties"]["area"] for feature in collection["features"]} == {
        row["area"] for row in first["rows"]
    }
    picture = site.get(link.replace("/inside?", "/inside.svg?")).text
    assert picture.count('class="outline"') == 2
    assert ">the place<" in picture


def test_the_outline_of_the_place_lies_over_the_areas(site):
    markup = site.page(ADDRESS).text
    assert markup.index('class="fills"') < markup.index('class="outline"') < markup.index('class="areas"')


# The form ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def boxes(markup):
    return re.findall(r'<li( hidden)?><label><input type="checkbox" name="areas" value="([^"]*)"( checked)?>', markup)


def test_areas_are_grouped_by_country_and_what_was_picked_stays_picked(site):
    markup = site.page(f"{ADDRESS}&areas=SL-W").text
    assert re.findall(r'<p class="muted" id="group-\d">([^<]*)', markup) == ["Guinea", "Liberia", "Sierra Leone"]
    listed = boxes(markup)
    assert len(listed) == 53
    assert [code for _, code, checked in listed if checked] == ["SL-W"]
    french = site.get("/mobility/inside", **HTML, accept_language="fr").text
    assert re.findall(r'<p class="muted" id="group-\d">([^<]*)', french) == ["Guinée", "Liberia", "Sierra Leone"]


def test_the_list_is_searched_by_name_without_case_and_accents_and_keeps_what_is_picked(site):
    markup = site.page("/mobility/inside?find=FORECA&search=areas&areas=SL-W").text
    assert [code for hidden, code, _ in boxes(markup) if not hidden] == ["GN-FO", "SL-W"]
    assert re.search(r'aria-labelledby="group-2" hidden>', markup)


def test_areas_are_grouped_by_the_names_of_the_level_above():
    square = shapely.box(0, 0, 1, 1)
    places = Geography(
        ("A", "B", "C"),
        {"A": "Ada", "B": "Bo", "C": "Cy"},
        {"A": square},
        fit([(0, 0, 1, 1)]),
        {},
        {"A": square},
        {"A": "South", "B": "North"},
    )
    made = picking(Written(("B",)), places, address="/x", outlines="/y")
    assert isinstance(made, Picking)
    found = [(group.title, [choice.name for choice in group.choices]) for group in made.groups]
    assert found == [("North", ["Bo"]), ("South", ["Ada"]), ("", ["Cy"])]
    alone = picking(Written(), places, address="/x")
    assert alone.outlines is None


def test_what_enter_presses_is_not_the_search(site):
    """It is the first button of the form that sends it."""
    form = site.page("/mobility/inside").text.split('<form class="card asking"')[1].split("</form>")[0]
    buttons = re.findall(r"<button[^>]*>", form)
    sending = [button for button in buttons if 'type="button"' not in button]
    assert "name=" not in sending[0]
    assert any('name="search"' in button for button in sending[1:])


def test_the_fields_say_the_place_as_it_was_understood(site):
    asked = quote("-13,3;8,1 -12,9;8,1 -12,9;8,6 -13,3;8,1")
    markup = site.page(f"/mobility/inside?polygon={asked}&centre={quote('1;2,5')}&radius={quote('0,50')}").text
    [corners] = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", markup, re.S)
    assert corners == "-13.3, 8.1\n-12.9, 8.1\n-12.9, 8.6"
    assert re.search(r'name="centre" value="1, 2.5"', markup)
    assert re.search(r'name="radius" value="0.5"', markup)


# The outlines for the map ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_map_is_drawn_from_the_outlines_of_the_release(site, areas):
    answer = site.get("/mobility/areas.geojson?release=1")
    assert answer.headers["content-type"] == "application/geo+json"
    told = answer.json()
    assert {feature["properties"]["code"] for feature in told["features"]} == set(areas.codes)
    assert told["bbox"] == pytest.approx(areas.bounds, abs=0.05)
    assert all(set(feature["properties"]) == {"code", "name"} for feature in told["features"])
    assert len(answer.content) < 120_000
    again = site.get("/mobility/areas.geojson?release=1", if_none_match=answer.headers["etag"])
    assert again.status_code == 304
    assert site.get("/mobility/areas.geojson?release=9").status_code == 404


def test_outlines_on_both_sides_of_180_degrees_say_so(site, home):
    from types import SimpleNamespace

    from commonweal.web.picking import outlines_of

    codes = load(home.database, "natural-earth:FJ").codes
    shown = geography(home.database, "natural-earth:FJ", codes)
    assert shown.projection.over_antimeridian
    told = json.loads(outlines_of(SimpleNamespace(headers={}), shown).body)
    west, _, east, _ = told["bbox"]
    assert west > 170
    assert east < -170


def test_the_page_is_closed_to_whoever_may_not_read(home, site_of, publish_more):
    publish_more(home)
    site = site_of(home, open_reading=False)
    for address in ("/mobility/inside.json", "/mobility/areas.geojson", "/mobility/inside/figures/inside.csv"):
        assert site.get(address).status_code == 401


def test_every_form_of_the_page_is_described_for_programs(site):
    paths = site.get("/openapi.json").json()["paths"]
    assert {"/mobility/inside.json", "/mobility/inside/figures/{figure}.{form}", "/mobility/areas.geojson"} <= set(
        paths
    )
    named = {one["name"] for one in paths["/mobility/inside.json"]["get"]["parameters"]}
    assert {"areas", "polygon", "centre", "radius", "start", "day", "at", "release"} <= named


def test_shares_of_polygons_are_exact_enough_to_be_shown(areas):
    """A half of each area by longitude, and the other half, make all of it."""
    west, east = shapely.box(-180, -90, -10.5, 90), shapely.box(-10.5, -90, 180, 90)
    halves = [area_km2(shapely.intersection(areas.polygons, half)) for half in (west, east)]
    assert np.add(*halves) == pytest.approx(areas.area_km2(), rel=1e-9)
