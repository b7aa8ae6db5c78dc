"""Changes of all together, with what is hidden: a fall that hides the smallest flows is not taken for a smaller one."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from commonweal.core.areas import load
from commonweal.core.catalog import get
from commonweal.core.errors import InputError
from commonweal.disclosure import Earlier
from commonweal.domains import initialise
from commonweal.mobility.baselines import Reference, asking, hidden, with_hidden
from commonweal.mobility.baselines.hidden import hidden_to_protect
from commonweal.mobility.baselines.series import day_series
from commonweal.mobility.cli import app
from commonweal.mobility.measures import flows

FIRST, DAYS, CHANGED = date(2026, 3, 2), 15, 12
END = FIRST + timedelta(DAYS)
FALL = -0.46
AREA_SET = "natural-earth:GN,LR,SL"
LAST = FIRST + timedelta(CHANGED - 1)
ASKED = f"table=flows&to={LAST}&like=any"


@pytest.fixture(scope="module")
def watched(tmp_path_factory, publish_counts):
    """Twelve days of flows of 8 to 40 people, and three on which 46 % of them stay away."""
    folder = tmp_path_factory.mktemp("hidden")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, AREA_SET).codes[:12]
    chance, rows = np.random.default_rng(5), []
    mean = chance.uniform(8, 40, (len(codes), len(codes)))
    for day in range(DAYS):
        people = chance.poisson(mean * (1 + FALL if day >= CHANGED else 1))
        start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(day)
        rows += [
            (origin, destination, start, int(people[i, j]), int(people[i, j]))
            for i, origin in enumerate(codes)
            for j, destination in enumerate(codes)
            if i != j
        ]
    names = ("origin", "destination", "start", "subscribers", "people")
    release = publish_counts(home, flows.DATASET, (FIRST, END), rows, *names)
    yield SimpleNamespace(home=home, release=release)
    home.database.close()


@pytest.fixture(scope="module")
def site(watched, site_for):
    return site_for(watched.home)


@pytest.fixture
def command(watched, monkeypatch):
    monkeypatch.setenv("COMMONWEAL_DATA", str(watched.home.settings.data))
    return lambda *more: CliRunner().invoke(
        app, ["changes", "mobility.flows", "--to", str(LAST), "--like", "any", *more], catch_exceptions=False
    )


def test_the_interval_with_what_is_hidden_holds_the_fall_and_the_published_values_alone_do_not(site, watched):
    published, known = site.get(f"/mobility/changes.json?{ASKED}&hidden=true").json()["changes"]["together"]
    assert (published["how"], known["how"]) == ("published", "with_hidden")
    assert known["low"] < FALL < known["high"]
    assert published["low"] > FALL, "what is left fell least"
    assert (known["from"], known["to"]) == (str(FIRST + timedelta(CHANGED)), str(END - timedelta(1)))
    series = day_series(watched.release, watched.release.table(watched.home.settings))
    ever = 3 * int((~np.isnan(series.values)).any(axis=0).sum())
    assert known["published"] + known["hidden"] == ever < 3 * 12 * 11, "pairs never published say nothing"
    assert known["hidden"] > known["published"]
    after = np.array([day > LAST for day in series.dates])
    python = with_hidden(series, after, Reference(FIRST, LAST, "any"), 15)
    assert (known["change"], known["low"], known["high"]) == pytest.approx(
        (python.change, python.low, python.high), abs=1e-6
    )


def test_it_is_estimated_only_where_it_is_asked_for(site):
    assert site.get(f"/mobility/changes.json?{ASKED}").json()["changes"]["together"] == []
    page = site.page(f"/mobility/changes?{ASKED}").text
    assert 'id="together"' not in page
    assert 'name="hidden"' in page


def test_the_page_the_file_and_the_command_say_the_same(site, command):
    rows = list(csv.DictReader(StringIO(site.get(f"/mobility/changes/figures/together.csv?{ASKED}&hidden=true").text)))
    told = json.loads(command("--with-hidden", "--json").stdout)["together"]
    assert [float(row["change"]) for row in rows] == [one["change"] for one in told]
    page = site.page(f"/mobility/changes?{ASKED}&hidden=true").text
    assert "All together, with what is hidden" in page
    said = command("--with-hidden").stdout
    assert f"With what is hidden, known to be below k: {told[1]['change']:.0%}" in said
    assert re.search(r"All together on .+ March 2026, over what is published: -\d\d%", said)
    assert "With what is hidden" not in command().stdout


def test_one_area_has_the_change_of_its_own_flows(site, watched):
    area = day_series(watched.release, watched.release.table(watched.home.settings)).areas[0]
    _, known = site.get(f"/mobility/changes.json?{ASKED}&hidden=true&area={area}").json()["changes"]["together"]
    assert 0 < known["published"] + known["hidden"] <= 3 * 2 * 11
    assert known["low"] < FALL < known["high"]


def test_what_was_hidden_to_protect_others_is_known_by_the_audit(watched, monkeypatch):
    """Of two hidden rows that the audit names, one is of a day and pair of the series: it was not small."""
    release, settings = watched.release, watched.home.settings
    table = release.table(settings)
    suppressed = np.flatnonzero(np.array(table["subscribers_state"].to_pylist()) == "suppressed")[:2].tolist()
    earlier = Earlier(release.label, release.schema, table, hidden_too=tuple(suppressed), k=15)
    other = Earlier("mobility.flows 99", release.schema, table, hidden_too=(0, 1, 2), k=15)
    monkeypatch.setattr(hidden, "released_before", lambda *_: [earlier, other])
    series = day_series(release, table)
    found = hidden_to_protect(settings, watched.home.database, [release], series)
    rows = table.take(pa.array(suppressed)).to_pylist()
    keys = [series.keys.index((row["origin"], row["destination"])) for row in rows]
    days = [series.dates.index(row["start"].date()) for row in rows]
    assert sorted(zip(*np.nonzero(found), strict=True)) == sorted(zip(days, keys, strict=True))
    assert get(watched.home.database, "mobility.flows", None).label == release.label


def test_a_release_that_hides_nothing_by_a_threshold_is_refused(watched):
    release = replace(watched.release, certificate=None)
    with pytest.raises(InputError, match="nothing of it is hidden below a threshold"):
        asking.watch(
            watched.home.settings,
            watched.home.database,
            release,
            asking.Question(FIRST, LAST, "any", with_hidden=True),
            lambda *_: None,
        )


@pytest.fixture(scope="module")
def address(watched, serve) -> str:
    return serve(watched.home, open_reading="true", worker="false")


@pytest.mark.parametrize("javascript", [True, False])
def test_it_is_asked_for_on_the_page(open_page, address, javascript):
    page = open_page(f"/mobility/changes?{ASKED}", at=address, width=360, java_script_enabled=javascript)
    page.get_by_label("All together, with what is hidden").check()
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**hidden=true**")
    assert page.get_by_role("heading", name="All together, with what is hidden").count() == 1
    assert page.locator("#together tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
