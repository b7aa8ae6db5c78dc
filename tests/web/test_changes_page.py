"""Changes on the site: a list that a person reads, a map and the days of an area; with scripts or without."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, publish
from commonweal.core.errors import CommonwealError
from commonweal.core.periods import Calendar
from commonweal.domains import initialise
from commonweal.mobility.cli import app

FIRST, DAYS = date(2026, 3, 2), 18
AREA_SET = "natural-earth:SL"
PLACE = "SL-W"
CHANGED = 14
"""From which day on half of the people of one area are elsewhere."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory, publish_table):
    """Two weeks as usual and four days in which one area has lost people; another is never published."""
    folder = tmp_path_factory.mktemp("changes")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, AREA_SET).codes
    edges = Calendar("Africa/Freetown").edges(FIRST, FIRST + timedelta(days=DAYS), "day")[:-1].tolist()
    rows = []
    for day, start in enumerate(edges):
        moment = datetime.fromtimestamp(start, UTC)
        for place, code in enumerate(codes):
            people = 400 * (place + 1) + (day * (place + 3)) % 7
            if code == PLACE and day >= CHANGED:
                people //= 2
            rows.append((code, "day", moment, people, people))
    release = publish_table(home, (FIRST, FIRST + timedelta(days=DAYS)), rows, AREA_SET)
    dataset = Dataset(
        name="health.cases",
        title="Cases",
        description="Made up.",
        dimensions=(
            Dimension("area", "area", "Where.", hierarchy="area"),
            Dimension("day", "date", "When.", hierarchy="period"),
        ),
        measures=(Measure("cases", "integer", "How many.", "{cases}", Kind.SUM),),
        privacy=Privacy.OPEN,
    )
    cases = pa.table(
        {
            "area": [code for code in codes for _ in range(2)],
            "day": [FIRST + timedelta(days=CHANGED + number) for _ in codes for number in range(2)],
            "cases": [7] * (2 * len(codes)),
        }
    )
    cases = cases.append_column("cases_state", pa.array(["reported"] * len(cases)))
    inputs = [Input("cases.csv", "ab" * 32, "file")]
    publish(
        home.settings, home.database, dataset, cases, inputs=inputs, parameters={}, who="os:tester", area_set=AREA_SET
    )
    yield SimpleNamespace(home=home, release=release, codes=codes)
    home.database.close()


@pytest.fixture(scope="module")
def site(watched, site_for):
    return site_for(watched.home)


BASELINE = f"to={FIRST + timedelta(days=CHANGED - 1)}"


def test_the_list_says_what_where_since_when_how_much_and_how_sure(site):
    told = site.get(f"/mobility/changes.json?{BASELINE}").json()["changes"]
    [found] = told["findings"]
    assert (found["area"], found["what"], found["since"]) == (PLACE, "fall", str(FIRST + timedelta(days=CHANGED)))
    assert found["relative"] == pytest.approx(-0.5, abs=0.01)
    assert found["low"] < found["relative"] < found["high"]
    assert found["certainty"] == "high"
    markup = site.page(f"/mobility/changes?{BASELINE}").text
    assert "Western: -50% since Monday 16 March 2026" in markup


def test_the_sentences_are_french_for_who_reads_french(site):
    markup = site.get(f"/mobility/changes?{BASELINE}", accept="text/html", accept_language="fr").text
    assert "Western\u00a0: -50\u202f% depuis le lundi 16 mars 2026" in markup.replace("-50\u00a0%", "-50\u202f%")


def test_the_list_is_taken_along_as_csv(site):
    [row] = csv.DictReader(StringIO(site.get(f"/mobility/changes/figures/list.csv?{BASELINE}").text))
    assert (row["area"], row["what"]) == (PLACE, "fall")
    assert row["sentence"].startswith("Western: -50%")


def test_the_command_says_the_same_and_writes_it(watched, tmp_path, monkeypatch):
    monkeypatch.setenv("COMMONWEAL_DATA", str(watched.home.settings.data))
    out, values = tmp_path / "list.csv", tmp_path / "values.csv"
    asked = ["changes", "--to", str(FIRST + timedelta(days=CHANGED - 1)), "--beside", "health.cases@1"]
    said = CliRunner().invoke(app, [*asked, "--out", str(out), "--values", str(values)])
    assert said.exit_code == 0, said.output
    assert "- Western: -50% since Monday 16 March 2026" in said.output
    assert "no cause is claimed" in said.output
    [row] = csv.DictReader(out.read_text("utf-8").splitlines())
    assert (row["area"], row["area_cases"]) == (PLACE, "14.0")
    assert len(list(csv.DictReader(values.read_text("utf-8").splitlines()))) == len(watched.codes) * DAYS
    french = CliRunner().invoke(app, [*asked, "--language", "fr", "--json"])
    assert "depuis le lundi 16 mars 2026" in json.loads(french.output)["findings"][0]["sentence"]


@pytest.mark.parametrize("wrong", [["--like", "moon"], ["--language", "xx"], ["mobility.quality"]])
def test_the_command_refuses_what_makes_no_sense(watched, monkeypatch, wrong):
    monkeypatch.setenv("COMMONWEAL_DATA", str(watched.home.settings.data))
    assert isinstance(CliRunner().invoke(app, ["changes", *wrong]).exception, CommonwealError)


def test_another_area_has_nothing_in_its_list(site, watched):
    other = next(code for code in watched.codes if code != PLACE)
    told = site.get(f"/mobility/changes.json?{BASELINE}&area={other}").json()["changes"]
    assert told["findings"] == []
    assert len(told["areas"]) == len(watched.codes)


def test_another_release_stands_beside_the_changes_and_is_no_cause(site, watched):
    told = site.get(f"/mobility/changes.json?{BASELINE}&beside=health.cases").json()["changes"]
    assert told["layer"]["values"] == dict.fromkeys(watched.codes, 14.0)
    assert told["findings"][0]["area_cases"] == 14
    markup = site.page(f"/mobility/changes?{BASELINE}&beside=health.cases").text
    assert "does not mean that one caused the other" in markup


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("from=2030-01-01", 422),
        ("to=nonsense", 422),
        ("like=moon", 422),
        ("area=<b>", 422),
        ("table=homes", 422),
        ("day=1999-01-01", 422),
        ("holidays=x", 422),
        ("beside=no.such", 404),
        ("beside=health.cases@x", 422),
    ],
)
def test_what_makes_no_sense_is_a_sentence(site, asked, status):
    answer = site.page(f"/mobility/changes?{asked}")
    assert answer.status_code == status
    assert "<b>" not in answer.text


def test_before_anything_is_published_the_page_says_so(empty_site):
    assert "Nothing has been published yet" in empty_site.page("/mobility/changes").text


@pytest.fixture(scope="module")
def address(watched, serve) -> str:
    return serve(watched.home, open_reading="true", worker="false")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_baseline_and_the_area_are_chosen_on_the_page(open_page, address, javascript):
    page = open_page("/mobility/changes", at=address, width=360, java_script_enabled=javascript)
    page.get_by_label("Baseline to").fill(str(FIRST + timedelta(days=CHANGED - 1)))
    page.locator("select[name=area]").select_option(PLACE)
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**area=SL-W**")
    assert page.get_by_role("cell", name="Western: -50%").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
