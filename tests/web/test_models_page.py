"""Models of flow on the site: fitted to what is published, scored, compared, and one shown against the observed."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from commonweal.core import catalog
from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy
from commonweal.core.errors import InputError, Unavailable
from commonweal.domains import initialise
from commonweal.mobility import one_at_a_time
from commonweal.mobility.cli import app
from commonweal.mobility.flow_models import Places, gravity_flows, published
from commonweal.mobility.flow_models.distances import geodesic_distances
from commonweal.mobility.flow_models.masses import Masses
from commonweal.mobility.measures import flows

CENSUS = Dataset(
    name="census.people",
    title="People",
    description="Made up.",
    dimensions=(Dimension("area", "area", "Where.", hierarchy="area"),),
    measures=(Measure("people", "integer", "How many.", "{people}", Kind.SUM),),
    privacy=Privacy.OPEN,
)
FIRST, DAYS = date(2026, 3, 2), 3
END = FIRST + timedelta(DAYS)
AREA_SET = "natural-earth:GN,LR,SL"
BETA = 1.5
PEOPLE = "population=census.people"


@pytest.fixture(scope="module")
def modelled(tmp_path_factory, publish_counts):
    """Three days of flows by an unconstrained gravity law between people by area, which are published too."""
    folder = tmp_path_factory.mktemp("models")
    home = initialise(folder / "data", folder / "keys")
    areas = load(home.database, AREA_SET)
    people = [20_000 * (2 + place % 7) for place in range(len(areas))]
    mean = gravity_flows(Places(geodesic_distances(areas.centroids()), people), BETA, constant=2e-5)
    chance, rows = np.random.default_rng(1), []
    for day in range(DAYS):
        counts = chance.poisson(mean)
        start = datetime(FIRST.year, FIRST.month, FIRST.day + day, tzinfo=UTC)
        rows += [
            (origin, destination, start, int(counts[i, j]), int(counts[i, j]))
            for i, origin in enumerate(areas.codes)
            for j, destination in enumerate(areas.codes)
            if i != j
        ]
    names = ("start", "subscribers", "people")
    publish_counts(home, flows.DATASET, (FIRST, END), rows, "origin", "destination", *names)
    table = pa.table({"area": areas.codes, "people": people, "people_state": ["reported"] * len(people)})
    catalog.publish(
        home.settings,
        home.database,
        CENSUS,
        table,
        inputs=[Input("census.csv", "ab" * 32, "file")],
        parameters={},
        who="os:tester",
        area_set=AREA_SET,
    )
    yield SimpleNamespace(home=home, codes=areas.codes, people=people, folder=folder)
    home.database.close()


@pytest.fixture(scope="module")
def site(modelled, site_for):
    return site_for(modelled.home)


def figure(site, name: str, asked: str = PEOPLE) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(site.get(f"/mobility/models/figures/{name}.csv?{asked}").text)))


def test_models_are_fitted_compared_and_scored_as_by_the_command(site, modelled):
    """All eleven, in all that the command prints as JSON; its population comes from a file of the same people."""
    path = modelled.folder / "people.csv"
    lines = [f"{code},{number}\n" for code, number in zip(modelled.codes, modelled.people, strict=True)]
    path.write_text("".join(["area,population\n", *lines]))
    environment = {"COMMONWEAL_DATA": str(modelled.home.settings.data)}
    done = CliRunner().invoke(app, ["model", "--population", str(path), "--json"], env=environment)
    command = json.loads(done.stdout)
    told = site.get(f"/mobility/models.json?{PEOPLE}").json()["flow_models"]
    assert (told["choices"].pop("population"), command["choices"].pop("population")) == ("census.people 1", str(path))
    assert told == command
    assert len(told["models"]) == 11
    assert told["not_published"] > 100, "flows below k are left out"


def test_the_law_that_made_the_flows_is_found_within_three_standard_errors(site):
    rows = {(row["model"], row["parameter"]): row for row in figure(site, "parameters")}
    found = rows["gravity-production-power", "beta"]
    assert float(found["value"]) == pytest.approx(BETA, abs=3 * float(found["standard_error"]) + 0.05)
    assert float(found["low"]) == pytest.approx(float(found["value"]) - 1.96 * float(found["standard_error"]), rel=1e-4)
    scores = {row["model"]: row for row in figure(site, "models")}
    best = max(scores, key=lambda name: float(scores[name]["pairs_cpc"] or 0))
    assert best.endswith("-power")
    assert all(row["days_cpc"] for row in scores.values())


def test_one_model_is_shown_against_what_was_observed(site):
    rows = figure(site, "observed", f"{PEOPLE}&model=radiation")
    differences = [abs(float(row["difference"])) for row in rows]
    assert differences == sorted(differences, reverse=True)
    assert all(
        float(row["difference"]) == pytest.approx(float(row["observed"]) - float(row["modelled"]), abs=0.002)
        for row in rows
    )
    assert all(float(row["observed"]) >= 15 for row in rows), "only what is published"
    drawing = site.get(f"/mobility/models/figures/observed.svg?{PEOPLE}&model=radiation").text
    assert drawing.count("<circle") > 50
    page = site.page(f"/mobility/models?{PEOPLE}&model=radiation").text
    assert "Observed against modelled: Radiation" in page
    assert "It is not taken for zero" in page


def test_without_people_only_models_that_need_none_are_fitted_and_one_day_is_one_day(site):
    told = site.get("/mobility/models.json?day=2026-03-03").json()["flow_models"]
    assert [model["name"] for model in told["models"]] == ["gravity-doubly-power", "gravity-doubly-exponential"]
    assert told["days"] == ["2026-03-03"]
    assert all(model["held_out_days"] is None for model in told["models"])
    assert "Without people by area" in site.page("/mobility/models?day=2026-03-03").text


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("table=homes", 422),
        ("model=gravitation", 422),
        ("model=radiation", 422),
        ("day=x", 422),
        ("day=2020-01-01", 404),
        ("population=mobility.flows", 422),
        ("population=census.nothing", 404),
        ("release=7", 404),
    ],
)
def test_what_makes_no_sense_is_a_sentence(site, asked, status):
    answer = site.page(f"/mobility/models?{asked}")
    assert answer.status_code == status


def test_before_anything_is_published_the_page_says_so(empty_site):
    assert "Nothing has been published yet" in empty_site.page("/mobility/models").text


def test_the_page_is_french_for_who_reads_french(site):
    markup = site.get(f"/mobility/models?{PEOPLE}", accept="text/html", accept_language="fr").text
    for said in ("Modèles comparés", "Gravité, contrainte à l’origine, puissance", "Radiation, taille finie"):
        assert said in markup


def test_when_no_model_can_be_fitted_the_page_says_why_in_the_readers_language(home, publish_counts, site_for):
    """Two pairs, and an effect of each end: nothing is left to tell how distance deters."""
    rows = [
        (origin, destination, datetime(2026, 3, 2, tzinfo=UTC), people, people)
        for origin, destination, people in (("GN-C", "SL-W", 70), ("SL-W", "GN-C", 90))
    ]
    days = (FIRST, FIRST + timedelta(1))
    publish_counts(home, flows.DATASET, days, rows, "origin", "destination", "start", "subscribers", "people")
    site = site_for(home)
    told = site.get("/mobility/models.json").json()["flow_models"]["models"]
    why = "beta: these pairs cannot tell it from the other parameters (expected: pairs that differ in it, fewer"
    assert all(model["not_fitted"].startswith(why) for model in told)
    page = site.page("/mobility/models").text
    assert f"None of these models could be fitted: {why}" in page
    assert "has a parameter to estimate" not in page
    french = site.get("/mobility/models", accept="text/html", accept_language="fr").text
    assert "Aucun de ces modèles n’a pu être ajusté\u00a0: beta\u00a0: ces paires ne permettent pas de" in french
    assert not re.search("cannot tell|expected|fewer", french)


def test_a_reader_without_the_right_sees_no_models(modelled, site_of):
    closed = site_of(modelled.home, open_reading=False)
    assert closed.get("/mobility/models.json").status_code == 401


def test_the_same_is_fitted_once_and_who_would_wait_long_is_told_so(modelled, monkeypatch):
    asked = (modelled.home.settings, modelled.home.database, "mobility.flows", 1, FIRST, None)
    fits = []
    original = published.compare
    monkeypatch.setattr(published, "compare", lambda *given, **how: fits.append(1) or original(*given, **how))
    threads = [Thread(target=published.fitted, args=asked) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fits) == 1
    monkeypatch.setattr(one_at_a_time, "LONGEST_WAIT", 0.01)
    with one_at_a_time._work:
        assert published.fitted(*asked).released.dates == (FIRST,), "what is there needs no wait"
        with pytest.raises(Unavailable, match="other things are being worked out now"):
            published.fitted(*asked[:4], FIRST + timedelta(2), None)


def test_more_areas_than_somebody_waits_for_are_left_to_the_command(modelled, monkeypatch):
    monkeypatch.setattr(published, "MOST_AREAS", 20)
    with pytest.raises(InputError, match="areas take too long while somebody waits"):
        published.fitted(
            modelled.home.settings, modelled.home.database, "mobility.flows", 1, FIRST + timedelta(2), None
        )
    monkeypatch.setattr(published, "MOST_AREAS", 200)
    monkeypatch.setattr(published, "MOST_DAYS", 2)
    masses = Masses("people", tuple(zip(modelled.codes, [1.0] * len(modelled.codes), strict=True)))
    found = published.fitted(modelled.home.settings, modelled.home.database, "mobility.flows", 1, None, masses)
    assert found.record()["choices"]["days_held_out"] is False
    assert all(each.days is None for each in found.compared)


@pytest.fixture(scope="module")
def address(modelled, serve) -> str:
    return serve(modelled.home, open_reading="true", worker="false")


@pytest.mark.parametrize("javascript", [True, False])
def test_people_and_the_model_are_chosen_on_the_page(open_page, address, javascript):
    page = open_page("/mobility/models", at=address, width=360, java_script_enabled=javascript)
    page.get_by_label("People by area").select_option("census.people")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**population=census.people**")
    page.get_by_label("Shown below").select_option("opportunities")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**model=opportunities**")
    heading = "Observed against modelled: Population-weighted opportunities"
    assert page.get_by_role("heading", name=heading).count() == 1
    assert page.locator("#observed svg.chart circle").count() > 50
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
