"""A published table in people on the site: a population from the catalog, a method, intervals; scripts or none."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from commonweal.core.areas import load
from commonweal.core.periods import Calendar
from commonweal.domains import initialise
from commonweal.mobility.cli import app

FIRST, DAYS = date(2026, 3, 2), 2
AREA_SET = "natural-earth:SL"
FEW = "SL-W"
"""An area of too few people to publish."""


@pytest.fixture(scope="module")
def scaled(tmp_path_factory, publish_table):
    """Presence of 400, 800, … in all areas but one, and a census of ten times as many people, and some."""
    folder = tmp_path_factory.mktemp("scale")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, AREA_SET).codes
    edges = Calendar("Africa/Freetown").edges(FIRST, FIRST + timedelta(days=DAYS), "day")[:-1].tolist()
    rows = [
        (code, "day", datetime.fromtimestamp(start, UTC), many, many)
        for start in edges
        for place, code in enumerate(codes)
        for many in [3 if code == FEW else 400 * (place + 1)]
    ]
    release = publish_table(home, (FIRST, FIRST + timedelta(days=DAYS)), rows, AREA_SET)
    census = folder / "census.csv"
    people = [f"{code},{4000 * (place + 1) + 40 * (-1) ** place}\n" for place, code in enumerate(codes)]
    census.write_text("area,population\n" + "".join(people))
    environment = {"COMMONWEAL_DATA": str(home.settings.data)}
    command = ["population", str(census), "--areas", AREA_SET, "--source", "Made up"]
    assert CliRunner().invoke(app, command, env=environment).exit_code == 0
    yield SimpleNamespace(home=home, release=release, codes=codes)
    home.database.close()


@pytest.fixture(scope="module")
def site(scaled, site_for):
    return site_for(scaled.home)


def test_each_published_number_stands_beside_people_and_an_interval_and_what_is_suppressed_does_not(site, scaled):
    told = site.get("/mobility/scale.json").json()["scaled"]
    assert (told["method"], told["population"], told["start"]) == ("ratio", "mobility.population 1", "2026-03-03")
    assert told["parameters"]["ratio"] == pytest.approx(10, rel=0.02)
    areas = {row["area"]: row for row in told["areas"]}
    assert areas.keys() == set(scaled.codes)
    few = areas.pop(FEW)
    assert (few["state"], few["people"], few["low"], few["high"]) == ("suppressed", None, None, None)
    for row in areas.values():
        assert row["low"] < row["people"] < row["high"]
        assert row["people"] == pytest.approx(10 * row["published"], rel=0.02)


def test_the_page_says_what_the_interval_is_and_whom_the_rule_counts(site):
    markup = site.page("/mobility/scale?method=power&start=2026-03-02").text
    assert "a power of the density" in markup
    assert "Deville et al. 2014" in markup
    assert "at least 15 of them stand behind" in markup
    assert "Monday 2 March 2026" in markup


def test_it_is_french_for_who_reads_french(site):
    markup = site.get("/mobility/scale", accept="text/html", accept_language="fr").text
    assert "En personnes" in markup
    assert "un seul rapport pour toutes les zones" in markup


def test_the_numbers_are_taken_along_as_csv(site, scaled):
    rows = list(csv.DictReader(StringIO(site.get("/mobility/scale/figures/people.csv?method=area-ratio").text)))
    assert len(rows) == len(scaled.codes)
    assert {"people", "low", "high"} <= rows[0].keys()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("method=guess", 422),
        ("method=stated", 422),
        ("start=2026-04-01", 422),
        ("population=mobility.presence@1&table=mobility.population", 422),
        ("population=no.such", 404),
        ("growth=900", 422),
    ],
)
def test_what_cannot_be_shown_is_said(site, asked, status):
    assert site.page(f"/mobility/scale?{asked}").status_code == status


def test_without_anything_published_or_without_a_population_it_says_so(empty_site, published, site_for):
    assert "Nothing has been published yet" in empty_site.page("/mobility/scale").text
    answer = site_for(published.home).page("/mobility/scale")
    assert answer.status_code == 200
    assert "No population is published for these areas" in answer.text


@pytest.fixture(scope="module")
def address(scaled, serve) -> str:
    return serve(scaled.home, open_reading="true", worker="false")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_chooses_a_method_in_a_narrow_window(open_page, address, javascript):
    page = open_page("/mobility/scale", at=address, width=360, java_script_enabled=javascript)
    page.get_by_label("Method").select_option("area-ratio")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**method=area-ratio**")
    assert page.locator("svg").count()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
