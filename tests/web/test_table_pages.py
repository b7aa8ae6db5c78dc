"""Pages of published tables: how people move, borders, where they live by rule; and any layer beside them."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, publish
from commonweal.domains import initialise
from commonweal.mobility.cli import app
from commonweal.mobility.measures import (
    border_crossings,
    border_pairs,
    home_agreement,
    home_change,
    home_rules,
    homes,
    presence_by_home,
    radius_of_gyration,
)
from commonweal.mobility.walks.distributing import DISTANCES

AREA_SET = "natural-earth:GN,LR,SL"
DAYS = (date(2026, 3, 2), date(2026, 3, 4))
STARTS = [datetime(2026, 3, day, tzinfo=UTC) for day in (2, 3)]
KNOWN, HIDDEN = "SL-W", "GN-BE"


@pytest.fixture(scope="module")
def tables(tmp_path_factory, publish_counts):
    """One release of each shape of table, and cases by area and day from elsewhere."""
    folder = tmp_path_factory.mktemp("tables")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, AREA_SET).codes
    people = {code: 0 if code == HIDDEN else 40 + 25 * (place % 7) for place, code in enumerate(codes)}
    edges = list(zip(DISTANCES.edges[:-1], DISTANCES.edges[1:], strict=True))
    radius = [
        (code, float(low), float(high), STARTS[0], *[max(0, people[code] - 12 * place)] * 2)
        for code in codes
        for place, (low, high) in enumerate(edges)
    ]
    lived = [
        (code, rule, STARTS[0], *[people[code] and people[code] + 3 * place] * 2)
        for code in codes
        for place, rule in enumerate(home_rules.RULES)
    ]
    agreed = [
        (home_rules.RULES[rule], home_rules.RULES[other], home_agreement.OUTCOMES[outcome], STARTS[0], n, n)
        for rule, other, outcome in home_agreement.CELLS
        for n in [300 if outcome == home_agreement.SAME else 100]
    ]
    crossed = [
        (country, direction, who, start, n, n)
        for country in ("GN", "LR", "SL")
        for direction in ("in", "out")
        for who in ("resident", "visitor")
        for start in STARTS
        for n in [{"GN": 120, "LR": 60, "SL": 0}[country] + 5 * start.day]
    ]
    pairs = [
        (way, origin, destination, start, n, n)
        for way in border_pairs.WAYS
        for origin in codes[:8]
        for destination in codes[:8]
        for start in STARTS
        for n in [20 + 9 * codes.index(origin) if origin < destination else 3]
    ]
    counted = ("subscribers", "people")
    lives = [
        (where, code, start, *[people[code] + (7 if where == "here" else 0)] * 2)
        for where in presence_by_home.LIVES
        for code in codes
        for start in STARTS
    ]

    def add(dataset, rows, *names):
        return publish_counts(home, dataset, DAYS, rows, *names, *counted)

    releases = {
        "radius": add(radius_of_gyration.MEASURE.dataset, radius, "area", "at_least", "below", "start"),
        "homes": add(homes.DATASET, lived, "area", "rule", "start"),
        "agreement": add(home_agreement.DATASET, agreed, "rule", "other", "outcome", "start"),
        "crossings": add(border_crossings.DATASET, crossed, "country", "direction", "who", "start"),
        "none": add(home_change.DATASET, [], "period", "origin", "destination", "start"),
        "here": add(presence_by_home.DATASET, lives, "lives", "area", "start"),
        "pairs": add(border_pairs.DATASET, pairs, "way", "origin", "destination", "start"),
    }
    _publish_cases(home, codes)
    yield SimpleNamespace(home=home, people=people, edges=edges, **releases)
    home.database.close()


def _publish_cases(home, codes):
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
    days = [DAYS[0] + timedelta(days=number) for number in range(2)]
    rows = [(code, day, 7 + number) for code in codes if code != HIDDEN for number, day in enumerate(days)]
    cases = pa.table(dict(zip(("area", "day", "cases"), map(list, zip(*rows, strict=True)), strict=True)))
    cases = cases.append_column("cases_state", pa.array(["reported"] * len(cases)))
    inputs = [Input("cases.csv", "ab" * 32, "file")]
    publish(
        home.settings, home.database, dataset, cases, inputs=inputs, parameters={}, who="os:tester", area_set=AREA_SET
    )


@pytest.fixture(scope="module")
def site(tables, site_for):
    return site_for(tables.home)


def test_a_distribution_is_that_of_the_area_asked_for_bin_by_bin(site, tables):
    figure = site.get(f"/mobility/movement/figures/distribution.json?area={KNOWN}").json()
    told = [(row["at_least"], row["subscribers"]) for row in figure["rows"]]
    expected = [tables.people[KNOWN] - 12 * place for place in range(len(tables.edges))]
    assert told == [
        (low, people if people >= 15 else None) for (low, _high), people in zip(tables.edges, expected, strict=True)
    ]


def test_what_is_suppressed_is_never_drawn_as_a_bar(site):
    markup = site.page(f"/mobility/movement?area={HIDDEN}").text
    picture = markup[markup.index('class="bars"') :].partition("</svg>")[0]
    assert picture.count('class="no-value" fill="url(#suppressed)"') == len(DISTANCES)
    assert 'class="value"' not in picture


def test_a_table_of_which_nothing_was_counted_says_so(site):
    answer = site.page("/mobility/homes?table=home_change")
    assert answer.status_code == 200
    assert "counted, and there was nothing to count" in answer.text
    assert "What this counts" in answer.text


def test_a_table_that_is_not_published_says_which_command_publishes_it(site):
    answer = site.page("/mobility/presence?table=present")
    assert "commonweal mobility run --project NAME --measure present" in answer.text
    assert "Nothing has been published yet" not in answer.text


def test_residents_stand_beside_who_lives_elsewhere(site, tables):
    figure = site.get("/mobility/presence/figures/map.json?table=presence_by_home").json()
    row = next(row for row in figure["rows"] if row["area"] == KNOWN)
    assert (row["here"], row["elsewhere"]) == (tables.people[KNOWN] + 7, tables.people[KNOWN])


def test_home_rules_stand_side_by_side_and_one_is_on_the_map(site, tables):
    figure = site.get("/mobility/homes/figures/map.json?table=homes&rule=majority").json()
    row = next(row for row in figure["rows"] if row["area"] == KNOWN)
    assert [row["last_of_day"], row["majority"]] == [tables.people[KNOWN], tables.people[KNOWN] + 12]
    assert "majority of days" in site.page("/mobility/homes?table=homes&rule=majority").text


def test_agreement_of_two_rules_is_the_share_with_the_same_home_of_those_with_two(site):
    rows = site.get("/mobility/homes/figures/table.json?table=home_agreement").json()["rows"]
    pair = next(row for row in rows if (row["rule"], row["other"]) == ("last-of-day", "night-22-07"))
    assert pair["agreement"] == 0.75
    alone = next(row for row in rows if (row["rule"], row["other"]) == ("last-of-day", "last-of-day"))
    assert alone["agreement"] is None


def test_crossings_name_countries_and_directions_in_the_readers_language(site):
    markup = site.page("/mobility/borders?table=border_crossings").text
    assert "Sierra Leone" in markup
    assert "Coming in" in markup
    assert site.get("/mobility/borders.json?day=2026-03-02").json()["borders"]["from"] == "2026-03-02"


def test_sums_with_a_hidden_pair_in_them_say_only_what_they_are_at_least(site):
    rows = site.get("/mobility/borders/figures/net.json?table=border_pairs").json()["rows"]
    assert rows
    for row in rows:
        assert (row["inflow"] is None) == (row["inflow_hidden"] > 0)
        assert (row["net"] is None) == (row["inflow_hidden"] + row["outflow_hidden"] > 0)


@pytest.mark.parametrize(
    ("page", "table", "figure"),
    [("homes", "homes", "map"), ("movement", "radius_of_gyration", "areas")],
)
def test_a_layer_is_joined_by_area_over_all_days_of_what_is_shown(site, page, table, figure):
    rows = site.get(f"/mobility/{page}/figures/{figure}.json?table={table}&beside=health.cases").json()["rows"]
    assert {row["area"]: row["beside"] for row in rows}[KNOWN] == 7 + 8
    assert {row["area"]: row["beside"] for row in rows}[HIDDEN] is None


def test_a_layer_is_joined_at_both_ends_of_a_pair_and_on_its_day(site):
    address = "/mobility/borders/figures/flows.json?table=border_pairs&day=2026-03-02&beside=health.cases"
    rows = site.get(address).json()["rows"]
    assert {row["beside_destination"] for row in rows} == {7}
    assert {row["beside_origin"] for row in rows} == {7, None}


def test_every_page_says_what_it_counts_and_with_which_choices(site):
    for page in ("movement", "borders?table=border_pairs", "homes?table=homes"):
        markup = site.page(f"/mobility/{page}").text
        assert "What this counts" in markup
        assert "/docs/methods#" in markup
        assert "time zone: Africa/Freetown" in markup


@pytest.mark.parametrize("asked", ["movement", "borders?table=border_pairs", "homes?table=homes"])
def test_columns_are_named_in_the_readers_language(site, asked):
    markup = site.get(f"/mobility/{asked}", accept="text/html", accept_language="fr").text
    assert "Début\u00a0: " in markup
    assert not re.search(r"\b(Start|Origin|Below|At least)( \(km\))?\u00a0?: ", markup)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("movement?area=XX", 422),
        ("movement?table=flows", 404),
        ("borders?table=border_pairs&way=up", 422),
        ("borders?day=2020-01-01", 422),
        ("borders?day=never", 422),
        ("homes?table=homes&beside=health.none", 404),
        ("homes?table=homes&beside=mobility.border_pairs", 422),
    ],
)
def test_what_is_not_there_is_a_sentence(site, asked, status):
    assert site.page(f"/mobility/{asked}").status_code == status


def test_the_country_report_shows_walks_and_borders_among_its_results(tables, tmp_path):
    result = CliRunner().invoke(
        app,
        ["report", "GN", "--language", "fr", "--format", "html", "--out", str(tmp_path)],
        env={"COMMONWEAL_DATA": str(tables.home.settings.data)},
    )
    assert result.exit_code == 0, result.output
    text = (tmp_path / "mobility-gn-fr.html").read_text()
    results = text[text.index('id="results"') : text.index('id="limitations"')]
    for dataset in ("radius_of_gyration", "border_crossings", "border_pairs"):
        assert f"mobility.{dataset}" in results
    assert "mobility.home_agreement" not in results


def test_the_command_joins_a_layer_by_area_and_by_the_days_of_each_row(tables):
    environment = {"COMMONWEAL_DATA": str(tables.home.settings.data)}

    def rows(*arguments):
        said = ["show", *arguments, "--beside", "health.cases", "--json"]
        result = CliRunner().invoke(app, said, env=environment)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["rows"]

    by_day = rows("mobility.border_pairs", "--only", "way=across", "--area", "GN-BF")
    for row in by_day:
        wanted = {"2026-03-02": 7, "2026-03-03": 8}[row["start"][:10]]
        assert row["beside_destination"] == (None if row["destination"] == HIDDEN else wanted)
    whole = rows("mobility.homes", "--area", KNOWN)
    assert [row["beside"] for row in whole] == [15] * len(home_rules.RULES)
    assert whole[0]["area_name"] != KNOWN
