"""The forecast on the site and in the terminal: numbers by hour with intervals, all of them marked as modelled."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from commonweal.core.areas import load
from commonweal.core.catalog import releases
from commonweal.core.errors import CommonwealError
from commonweal.core.periods import Calendar
from commonweal.domains import initialise
from commonweal.mobility.cli import app

FIRST, DAYS = date(2026, 3, 2), 22
AREA_SET = "natural-earth:SL"
PLACE, SMALL = "SL-W", "SL-E"
MARKETS = ("2026-03-05", "2026-03-12")
NEXT = FIRST + timedelta(DAYS)


@pytest.fixture(scope="module")
def foreseen(tmp_path_factory, publish_table):
    """Three weeks by hour; nights of one area are below k, and two Thursdays are markets in another."""
    folder = tmp_path_factory.mktemp("forecast")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, AREA_SET).codes
    edges = Calendar("Africa/Freetown").edges(FIRST, FIRST + timedelta(days=DAYS), "hour")[:-1].tolist()
    chance, rows = np.random.default_rng(1), []
    for at, start in enumerate(edges):
        day, hour = divmod(at, 24)
        moment = datetime.fromtimestamp(start, UTC)
        for place, code in enumerate(codes):
            size = 20 if code == SMALL else 300 * (place + 1)
            mean = size * (1.5 if 8 <= hour < 20 else 0.5) * (0.7 if day % 7 > 4 else 1.0)
            if code == PLACE and str(FIRST + timedelta(day)) in MARKETS:
                mean *= 2
            people = int(chance.poisson(mean))
            rows.append((code, "hour", moment, people, people))
    publish_table(home, (FIRST, NEXT), rows, AREA_SET)
    yield SimpleNamespace(home=home, codes=codes)
    home.database.close()


@pytest.fixture(scope="module")
def site(foreseen, site_for):
    return site_for(foreseen.home)


@pytest.fixture
def run(foreseen, monkeypatch):
    monkeypatch.setenv("COMMONWEAL_DATA", str(foreseen.home.settings.data))

    def invoke(*asked: str) -> str:
        done = CliRunner().invoke(app, list(asked))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return invoke


def test_the_page_says_what_is_expected_by_hour_and_that_it_is_modelled(site):
    told = site.get(f"/mobility/forecast.json?area={PLACE}&holidays={','.join(MARKETS)}").json()["forecast"]
    assert (told["day"], told["state"], told["choices"]["like"]) == (str(NEXT), "modelled", "workday")
    assert told["score"]["error"] < told["score"]["naive_error"]
    assert told["score"]["inside"] > 0.85
    rows = list(csv.DictReader(StringIO(site.get(f"/mobility/forecast/figures/hours.csv?area={PLACE}").text)))
    assert len(rows) == 24
    assert {row["state"] for row in rows} == {"modelled"}
    noon = next(row for row in rows if "T12:" in row["start"])
    assert float(noon["low"]) < float(noon["expected"]) < float(noon["high"])
    markup = site.page(f"/mobility/forecast?area={PLACE}").text
    assert "Nothing here was counted" in markup
    assert "Western, Tuesday 24 March 2026" in markup


def test_hours_with_fewer_than_k_say_so_and_have_no_number(site):
    rows = list(csv.DictReader(StringIO(site.get(f"/mobility/forecast/figures/hours.csv?area={SMALL}").text)))
    night = next(row for row in rows if "T03:" in row["start"])
    assert (night["expected"], night["why"], float(night["low"]), float(night["high"])) == ("", "below k", 0, 14)
    assert "fewer than 15" in site.page(f"/mobility/forecast?area={SMALL}").text


def test_the_chart_says_which_line_is_which_and_that_hours_are_withheld(site):
    chart = re.search(r'<figure[^>]* id="hours".*?</figure>', site.page(f"/mobility/forecast?area={SMALL}").text, re.S)[
        0
    ]
    legend = re.search(r'<div class="legend">.*?</div>', chart, re.DOTALL)[0]
    for said in (
        "Expected, modelled",
        "Observed on Tuesday 17 March 2026",
        "Interval that should hold 90% of counts",
        "Withheld: fewer than 15 are expected",
        "It is not zero",
        "03:00",
    ):
        assert said in legend
    assert 'class="band"' in chart
    assert 'class="no-value" fill="url(#suppressed)"' in chart, "and in marks"
    told = site.get(f"/mobility/forecast/figures/hours.json?area={SMALL}").json()
    night = next(row for row in told["rows"] if "T03:" in row["start"])
    assert told["chart"]["words"][night[told["chart"]["why"]]] == "fewer than 15"
    french = site.get(f"/mobility/forecast?area={SMALL}", accept="text/html", accept_language="fr").text
    assert "moins de 15" in re.search(r'id="hours"[^>]*data-said="([^"]*)"', french)[1], (
        "scripts say it as the page does"
    )
    assert {row["observed_day"] for row in told["rows"]} == {str(NEXT - timedelta(days=7))}


def test_a_day_that_is_published_is_shown_beside_what_was_expected_of_it(site):
    told = site.get(f"/mobility/forecast/figures/hours.json?area={PLACE}&day=2026-03-20").json()
    assert {row["observed_day"] for row in told["rows"]} == {"2026-03-20"}
    assert "Withheld" not in site.page(f"/mobility/forecast?area={PLACE}&day=2026-03-20").text


def test_a_market_is_expected_by_its_earlier_dates(site):
    def noon(query: str) -> float:
        address = f"/mobility/forecast/figures/hours.csv?area={PLACE}&day=2026-03-26{query}"
        return next(
            float(row["expected"]) for row in csv.DictReader(StringIO(site.get(address).text)) if "T12:" in row["start"]
        )

    ordinary, market = noon(f"&holidays={','.join(MARKETS)}"), noon(f"&event={','.join(MARKETS)}")
    assert market == pytest.approx(2 * ordinary, rel=0.1)


def test_the_page_is_french_for_who_reads_french(site):
    markup = site.get("/mobility/forecast", accept="text/html", accept_language="fr").text
    assert "Rien ici n’a été compté" in markup


@pytest.mark.parametrize(
    "asked",
    [
        "day=x",
        "day=2030-01-01",
        "day=2026-03-02",
        "area=<b>",
        "to=<b>",
        "table=homes",
        "event=x",
        "event=2020-01-01",
        "holidays=x",
    ],
)
def test_what_makes_no_sense_is_a_sentence(site, asked):
    answer = site.page(f"/mobility/forecast?{asked}")
    assert answer.status_code == 422
    assert "<b>" not in answer.text


def test_before_anything_is_published_the_page_says_so(empty_site):
    assert "Nothing has been published yet" in empty_site.page("/mobility/forecast").text


def test_commands_say_the_same_and_mark_what_is_modelled(run, foreseen, tmp_path):
    out = tmp_path / "forecast.csv"
    said = run("forecast", "--area", PLACE, "--out", str(out))
    assert f"{NEXT}, modelled; like days: weekday" in said
    assert "of the same hour of last week" in said
    assert {row["state"] for row in csv.DictReader(out.read_text("utf-8").splitlines())} == {"modelled"}
    told = json.loads(run("forecast", "--event", MARKETS[0], "--event", MARKETS[1], "--day", "2026-03-26", "--json"))
    assert len(told["rows"]) == 24 * len(foreseen.codes)
    assert told["choices"]["event"] == list(MARKETS)
    week = json.loads(run("patterns", "--area", SMALL, "--json"))
    assert len(week["rows"]) == 7 * 24
    assert {row["why"] for row in week["rows"]} == {"given", "below k"}
    assert "what is usual" in run("patterns")


def test_a_nowcast_fills_in_what_is_hidden_below_k(run, foreseen):
    told = json.loads(run("nowcast", "--json"))
    modelled = [row for row in told["rows"] if row["state"] == "modelled"]
    assert len(modelled) == told["modelled"] > 5
    assert {(row["area"], row["published"], row["low"], row["high"]) for row in modelled} == {
        (SMALL, "suppressed", 0, 14)
    }
    assert all(0 < row["subscribers"] <= 14 for row in modelled)
    assert all(row["low"] is None for row in told["rows"] if row["state"] != "modelled")


def test_the_page_marks_what_is_modelled_of_a_day_and_leaves_what_was_published(site, run):
    told = site.get(f"/mobility/nowcast.json?area={SMALL}").json()["nowcast"]
    assert told == json.loads(run("nowcast", "--json")), "as the command has it"
    figure = site.get(f"/mobility/nowcast/figures/hours.json?area={SMALL}").json()
    night = next(row for row in figure["rows"] if row["published_state"] == "suppressed")
    assert (night["published"], night["low"], night["high"], night["state"]) == (None, 0, 14, "modelled")
    assert 0 < night["modelled"] <= 14
    counted = next(row for row in figure["rows"] if row["published_state"] == "reported")
    assert counted["published"] >= 15
    assert (counted["modelled"], counted["low"], counted["state"]) == (None, None, "reported")
    markup = site.page(f"/mobility/nowcast?area={SMALL}").text
    for said in ("Modelled, not counted", "A modelled value was not counted", "Do not add modelled values up"):
        assert said in markup
    assert site.page(f"/mobility/nowcast?area={PLACE}&day=2026-03-04").status_code == 200


@pytest.mark.parametrize("asked", ["day=x", "day=2030-01-01", "area=<b>", "table=homes", "holidays=x"])
def test_a_nowcast_of_what_is_not_there_is_a_sentence(site, asked):
    answer = site.page(f"/mobility/nowcast?{asked}")
    assert answer.status_code == 422
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        ["forecast", "mobility.nothing"],
        ["forecast", "--level", "2"],
        ["patterns", "--area", "X"],
        ["nowcast", "--day", "2020-01-01"],
    ],
)
def test_commands_refuse_what_makes_no_sense(run, wrong):
    with pytest.raises(CommonwealError):
        run(*wrong)


def test_nothing_is_published_by_looking(run, foreseen):
    before = len(releases(foreseen.home.database, "mobility.presence"))
    run("forecast")
    assert len(releases(foreseen.home.database, "mobility.presence")) == before


@pytest.fixture(scope="module")
def address(foreseen, serve) -> str:
    return serve(foreseen.home, open_reading="true", worker="false")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_day_and_the_area_are_chosen_on_the_page(open_page, address, javascript):
    page = open_page("/mobility/forecast", at=address, width=360, java_script_enabled=javascript)
    page.get_by_label("Day", exact=True).fill("2026-03-26")
    page.locator("select[name=area]").select_option(PLACE)
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**area=SL-W**")
    assert page.get_by_role("heading", name="Western, Thursday 26 March 2026").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
