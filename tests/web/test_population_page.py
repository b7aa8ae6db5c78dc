"""The census on the site: an analyst types or pastes people by area, and published numbers scale by them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from commonweal.core.areas import load
from commonweal.core.identity import Grant, Role
from commonweal.core.periods import Calendar
from commonweal.domains import initialise

FIRST = date(2026, 3, 2)
AREA_SET = "natural-earth:SL"


@pytest.fixture
def without(tmp_path, publish_table, site_for):
    """Presence without a census."""
    home = initialise(tmp_path / "data", tmp_path / "keys")
    start = Calendar("Africa/Freetown").edges(FIRST, FIRST + timedelta(days=1), "day")[0]
    codes = load(home.database, AREA_SET).codes
    rows = [(code, "day", datetime.fromtimestamp(start, UTC), 400, 400) for code in codes]
    publish_table(home, (FIRST, FIRST + timedelta(days=1)), rows, AREA_SET)
    yield SimpleNamespace(home=home, codes=codes, site=site_for(home))
    home.database.close()


def test_an_analyst_says_on_the_page_how_many_people_live_where_and_numbers_scale_by_it(without, reader_of):
    analyst = reader_of(without.site, Grant(Role.ANALYST, "mobility"))
    assert 'href="/mobility/population"' in analyst.get("/mobility/scale").text
    first = without.codes[0]
    form = analyst.get("/mobility/population").text
    assert f"{first}; " in form, "a line for each area lies ready"
    lines = "area; name; population\n" + "".join(f"{code}; x; 4000\n" for code in without.codes)
    sent = {"areas": AREA_SET, "source": "Census of 2021", "people": lines}
    answer = analyst.post("/mobility/population", **sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/mobility/scale?population=mobility.population@1")
    told = without.site.get("/mobility/scale.json").json()["scaled"]
    assert (told["population"], told["parameters"]["ratio"]) == ("mobility.population 1", pytest.approx(10))
    assert f"{first}; " in analyst.get("/mobility/population").text
    assert "Census of 2021" in analyst.get("/mobility/population").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "No line has an area and a number of people"),
        ("nowhere, 4000", "Line 1: there is no area"),
        ("SL-W, many", "Line 1: population is"),
        ("SL-W, 1\nSL-W, 2", "Line 2: the area SL-W comes twice"),
        ("area; people\nSL-W; 4", "There is no column population"),
    ],
)
def test_what_cannot_be_a_census_is_said_with_its_line_and_stays_in_the_form(without, reader_of, typed, said):
    analyst = reader_of(without.site, Grant(Role.ANALYST, "mobility"))
    answer = analyst.post("/mobility/population", areas=AREA_SET, source="Census", people=typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert f"{typed}</textarea>" in answer.text
    assert without.site.get("/mobility/scale.json").json()["scaled"] is None


def test_nobody_else_publishes_a_census(without, reader_of):
    census = {"areas": AREA_SET, "source": "Census", "people": "SL-W, 4000"}
    viewer = reader_of(without.site, Grant(Role.VIEWER))
    assert viewer.post("/mobility/population", **census).status_code == 403
    elsewhere = reader_of(without.site, Grant(Role.ANALYST, "mobility", "natural-earth:GN"))
    assert elsewhere.post("/mobility/population", **census).status_code == 403
    analyst = reader_of(without.site, Grant(Role.ANALYST, "mobility"))
    assert analyst.post("/mobility/population", token="old", **census).status_code == 403
    page = viewer.get("/mobility/scale").text
    assert f"commonweal mobility population census.csv --areas {AREA_SET} --source SOURCE" in page
    assert 'href="/mobility/population"' not in page
