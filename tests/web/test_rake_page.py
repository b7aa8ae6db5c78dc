"""Published flows in people on the site: raked to known populations, and to the same numbers by other means."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from commonweal.core import catalog
from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy
from commonweal.core.identity import Grant, Role
from commonweal.core.identity.looks import Wanted, looks
from commonweal.core.periods import Calendar
from commonweal.domains import initialise
from commonweal.mobility.cli import app
from commonweal.mobility.measures import flows, flows_lagged

FIRST, END = date(2026, 3, 2), date(2026, 3, 4)
AREA_SET = "natural-earth:GN,LR,SL"
AREAS = 12
K, MIDDLE = 15, 7.0
"""The least count that is published, and what lies in the middle of what may be hidden below it."""
JOBS = Dataset(
    name="jobs.places",
    title="Jobs",
    description="Made up.",
    dimensions=(Dimension("area", "area", "Where.", hierarchy="area"),),
    measures=(Measure("jobs", "integer", "Made up.", "{jobs}", Kind.SUM),),
    privacy=Privacy.OPEN,
)


def publish_jobs(home, codes, jobs) -> None:
    table = pa.table({"area": codes, "jobs": jobs, "jobs_state": ["reported"] * len(jobs)})
    made = {"inputs": [Input("jobs.csv", "ab" * 32, "file")], "parameters": {}, "who": "os:tester"}
    catalog.publish(home.settings, home.database, JOBS, table, area_set=AREA_SET, **made)


@pytest.fixture(scope="module")
def raking(tmp_path_factory, publish_counts):
    """Two days of flows between 12 areas, many of them small; people of 11 of these, jobs of all.

    Of jobs there are two releases: in the second nearly all are in one area, where not enough people come to.
    """
    folder = tmp_path_factory.mktemp("rake")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, AREA_SET).codes[:AREAS]
    chance = np.random.default_rng(7)
    starts = [datetime.fromtimestamp(one, UTC) for one in Calendar("Africa/Freetown").edges(FIRST, END, "day")[:-1]]
    rows = [
        (one, other, start, many, many)
        for start in starts
        for one in codes
        for other in codes
        if one != other
        for many in [int(chance.pareto(1.1) * 9)]
    ]
    lagged = [
        (one, other, part, starts[0], 40 + size, 40 + size)
        for one in codes[:4]
        for other in codes[:4]
        for size, part in enumerate(("within-day", "inter-day", "either"))
    ]
    counted = ("start", "subscribers", "people")
    publish_counts(home, flows.DATASET, (FIRST, END), rows, "origin", "destination", *counted)
    publish_counts(home, flows_lagged.DATASET, (FIRST, END), lagged, "origin", "destination", "part", *counted)
    people = {code: 30_000 + 7_000 * place for place, code in enumerate(codes[:-1])}
    jobs = {code: 9_000 + 1_000 * (place % 4) for place, code in enumerate(codes)}
    census = folder / "census.csv"
    census.write_text(
        "area,population,as_of\n" + "".join(f"{code},{many},2016-03-03\n" for code, many in people.items())
    )
    elsewhere = folder / "elsewhere.csv"
    elsewhere.write_text("area,population\nSL-W,5000\n")
    environment = {"COMMONWEAL_DATA": str(home.settings.data)}
    for file, areas in ((elsewhere, "natural-earth:SL"), (census, AREA_SET)):
        command = ["population", str(file), "--areas", areas, "--source", "Made up"]
        assert CliRunner().invoke(app, command, env=environment).exit_code == 0
    publish_jobs(home, list(jobs), list(jobs.values()))
    publish_jobs(home, list(jobs), [10_000_000, *[1] * (AREAS - 1)])
    yield SimpleNamespace(home=home, codes=codes, people=people, jobs=jobs)
    home.database.close()


@pytest.fixture(scope="module")
def site(raking, site_for):
    return site_for(raking.home)


@pytest.fixture(scope="module")
def told(site):
    """Give what the page says as data: function of its parameters."""
    return lambda asked: site.get(f"/mobility/rake.json?{asked}").json()["raked"]


@pytest.fixture(scope="module")
def counts(site, raking):
    """Give (from, to) → subscribers of a day from the release's own file, NaN where there is no number."""

    def of(day: date) -> np.ndarray:
        place = {code: at for at, code in enumerate(raking.codes)}
        found = np.zeros((AREAS, AREAS))
        for row in csv.DictReader(StringIO(site.get("/catalog/mobility.flows/1/mobility.flows-1.csv").text)):
            if row["start"].startswith(day.isoformat()):
                number = float(row["subscribers"]) if row["subscribers"] else np.nan
                found[place[row["origin"]], place[row["destination"]]] = number
        return found

    return of


def laid(pairs, codes, key="people") -> np.ndarray:
    place = {code: at for at, code in enumerate(codes)}
    found = np.full((AREAS, AREAS), np.nan)
    for pair in pairs:
        if pair[key] is not None:
            found[place[pair["origin"]], place[pair["destination"]]] = pair[key]
    return found


def fitted(table: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Iterative proportional fitting, as Deming and Stephan wrote it down."""
    for _round in range(5_000):
        table = table * (rows / table.sum(1))[:, None]
        table = table * (columns / table.sum(0))
    return table


# The numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_with_one_margin_each_number_is_its_share_of_the_people_at_its_origin(told, counts, raking):
    """To half a person, since numbers of people are whole."""
    said = told("day=2026-03-02&population=mobility.population@2")
    filled = np.where(np.isnan(seen := counts(FIRST)), MIDDLE, seen)[:-1]  # the last area has no population
    expected = filled / filled.sum(1, keepdims=True) * np.array(list(raking.people.values()))[:, None]
    people = laid(said["pairs"], raking.codes)
    published = np.isfinite(seen) & ~np.eye(AREAS, dtype=bool)
    assert published[:-1].sum() > 30
    assert (~published).sum() - AREAS > 30
    assert people[:-1][published[:-1]] == pytest.approx(expected[published[:-1]], abs=0.5 + 1e-6)
    assert np.isnan(people[~published]).all()
    assert np.isnan(people[-1]).all()
    assert said["people"] == sum(raking.people.values())


def test_with_two_margins_the_numbers_are_those_of_iterative_proportional_fitting(told, counts, raking):
    """To half a person; columns are brought to the sum of the rows."""
    said = told("day=2026-03-03&population=mobility.population@2&destinations=jobs.places@1")
    seen = counts(FIRST + timedelta(days=1))[:-1]
    rows, columns = (np.array(list(each.values()), float) for each in (raking.people, raking.jobs))
    columns *= rows.sum() / columns.sum()
    expected = fitted(np.where(np.isnan(seen), MIDDLE, seen), rows, columns)
    people = laid(said["pairs"], raking.codes)[:-1]
    number = np.isfinite(people)
    assert people[number] == pytest.approx(expected[number], abs=0.5 + 1e-6)
    assert said["largest_error_of_a_margin"] < 1e-9
    # What has no number is what is left of each margin: to half a person for each pair with a number.
    hidden = np.where(np.isnan(seen), expected, 0)
    for axis, margin in ((1, rows), (0, columns)):
        left = margin - np.nansum(people, axis)
        assert (np.abs(left - hidden.sum(axis)) <= 0.5 * number.sum(axis) + 1e-6).all()
    assert said["largest_share_of_hidden_cells"] == pytest.approx(hidden.sum() / rows.sum())


def test_an_interval_is_what_counts_that_are_drawn_anew_make_of_it(told, counts, raking):
    """Against 4,000 other draws, to 0.6 of the standard deviation: 400 draws know a quantile to 0.13 of it."""
    said = told("day=2026-03-02&population=mobility.population@2")
    seen, chance = counts(FIRST)[:-1], np.random.default_rng(99)
    hidden, people = np.isnan(seen), np.array(list(raking.people.values()))[:, None]
    drawn = np.array(
        [
            np.where(hidden, chance.integers(0, K, seen.shape), chance.poisson(np.where(hidden, 0, seen)))
            for _draw in range(4_000)
        ]
    )
    drawn = drawn / drawn.sum(2, keepdims=True) * people
    for key, part in (("low", 0.025), ("high", 0.975)):
        ends = laid(said["pairs"], raking.codes, key)[:-1]
        large = np.isfinite(ends) & (seen >= 40)
        assert large.sum() >= 10
        off = np.abs(ends - np.quantile(drawn, part, axis=0)) / drawn.std(0)
        assert off[large].max() < 0.6


def test_a_suppressed_pair_has_no_number_anywhere(site, told, raking):
    pairs = [pair for pair in told("area=" + raking.codes[0])["pairs"] if pair["state"] == "suppressed"]
    assert pairs
    for pair in pairs:
        assert [pair[key] for key in ("subscribers", "people", "low", "high")] == [None] * 4
    rows = csv.DictReader(StringIO(site.get(f"/mobility/rake/figures/flows.csv?area={raking.codes[0]}").text))
    hidden = [row for row in rows if row["state"] == "suppressed"]
    assert len(hidden) == len(pairs)
    assert {row[key] for row in hidden for key in ("subscribers", "people", "low", "high")} == {""}
    drawn = site.get(f"/mobility/rake/figures/flows.svg?area={raking.codes[0]}").text
    for pair in pairs:
        assert f"{pair['origin_name']} to {pair['destination_name']}:" not in drawn


def test_growth_brings_people_to_the_day(told, raking):
    grown = told("growth=2&population=mobility.population@2")["people"]
    assert grown == pytest.approx(sum(raking.people.values()) * 1.02**10, rel=1e-4)


def test_only_the_rows_that_are_asked_for_are_raked(told, raking):
    """Each part is a table of its own: with one margin, all of it is given to each of them."""
    of_four = sum(list(raking.people.values())[:4])
    for part in ("within-day", "either"):
        said = told(f"table=mobility.flows_lagged&part={part}")
        assert said["only"] == {"part": part}
        assert len(said["pairs"]) == 16
        assert sum(pair["people"] for pair in said["pairs"]) == pytest.approx(of_four, abs=8)


# The page ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_what_raking_assumes_and_whom_the_rule_counts(site):
    markup = site.page("/mobility/rake?day=2026-03-02").text
    assert "everybody who lives at the origin is in one of its pairs" in markup
    assert "Those who stay in their area are not in this table" in markup
    assert "at least 15 of them stand behind" in markup
    assert "1 area is left out" in markup
    assert "Monday 2 March 2026" in markup
    assert "People were counted 10 years before" in markup
    staying = site.page("/mobility/rake?table=mobility.flows_lagged").text
    assert "Those who stay in their area are not in this table" not in staying


def test_it_is_french_for_who_reads_french(site):
    markup = site.get("/mobility/rake", accept="text/html", accept_language="fr").text
    assert "Flux en personnes" in markup
    assert "Population à la destination" in markup


def test_what_is_chosen_stays_chosen(site):
    markup = site.page("/mobility/rake?population=jobs.places@1&destinations=mobility.population&growth=1").text
    assert '<option value="jobs.places@1" selected>' in markup
    assert '<option value="mobility.population" selected>' in markup
    assert 'name="growth" min="-50" max="50" step="any" value="1"' in markup


@pytest.mark.parametrize(
    ("asked", "status", "what"),
    [
        ("table=mobility.population", 422, "its keys are area"),
        ("table=no.such", 404, "no.such"),
        ("population=mobility.population@1", 422, "it has other areas than mobility.flows 1"),
        ("population=mobility.flows", 422, "its keys are"),
        ("population=no.such", 404, "no.such"),
        ("population=jobs.places@x", 422, "is no version"),
        ("destinations=jobs.places@2", 422, "No table with these zeros has these margins"),
        ("growth=900", 422, "is no growth"),
        ("growth=much", 422, "is no growth"),
        ("day=2026-04-01", 422, "there is nothing of 2026-04-01"),
        ("area=XX", 422, "there is no area"),
        ("table=mobility.flows_lagged&part=never", 422, "there is no"),
    ],
)
def test_what_cannot_be_raked_is_said(site, asked, status, what):
    answer = site.page(f"/mobility/rake?{asked}")
    assert answer.status_code == status
    assert what in answer.text


def test_without_anything_published_or_without_a_population_it_says_so(empty_site, published, site_for):
    assert "Nothing has been published yet" in empty_site.page("/mobility/rake").text
    answer = site_for(published.home).page("/mobility/rake")
    assert answer.status_code == 200
    assert "No population is published for these areas" in answer.text


# Rights ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def closed(raking, site_for):
    return site_for(raking.home, open_reading=False)


@pytest.mark.parametrize("end", ["population", "destinations"])
def test_a_population_is_given_only_to_whoever_may_read_it(closed, reader_of, end):
    asked = f"/mobility/rake?{end}=jobs.places@1"
    of_both = reader_of(closed, Grant(Role.VIEWER, "mobility"), Grant(Role.VIEWER, "jobs"))
    assert of_both.get(asked).status_code == 200  # from here on it is kept
    of_flows = reader_of(closed, Grant(Role.VIEWER, "mobility"))
    assert of_flows.get(asked).status_code == 403
    other = of_flows.get("/mobility/rake")
    assert other.status_code == 200
    assert "jobs.places" not in other.text
    of_jobs = reader_of(closed, Grant(Role.VIEWER, "jobs"))
    assert of_jobs.get(asked).status_code == 403


def test_a_look_at_what_was_raked_before_is_recorded_too(site, raking):
    before = looks(raking.home.database, Wanted(), 1000)
    for _time in range(2):
        site.get("/mobility/rake.json?day=2026-03-02")
    found = looks(raking.home.database, Wanted(), 1000)
    assert len(found) - len(before) == 2
    assert {(look.dataset, look.version) for look in found[:2]} == {("mobility.flows", 1)}


# A real browser ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def address(raking, serve) -> str:
    return serve(raking.home, open_reading="true", worker="false")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_chooses_a_population_in_a_narrow_window(open_page, address, javascript):
    page = open_page("/mobility/rake?day=2026-03-02", at=address, width=360, java_script_enabled=javascript)
    page.get_by_label("Population at the origin").select_option("jobs.places")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**population=jobs.places**")
    assert page.locator("svg path.flow").count() > 5
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
