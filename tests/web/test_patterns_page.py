"""What is usual of the week, on the site and in the terminal, beside medians of the same table made by plain Python."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from math import inf, isfinite
from statistics import median, quantiles
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from commonweal.core.areas import load
from commonweal.domains import initialise
from commonweal.mobility.cli import app
from commonweal.mobility.measures import flows

FIRST, DAYS = date(2026, 1, 5), 63
SEEN = FIRST + timedelta(DAYS - 56)
"""The first of the eight weeks that tell what is usual."""
END = FIRST + timedelta(DAYS)
PLACE, SMALL, SILENT = "SL-W", "SL-E", "SL-N"
FEASTS = {"2026-02-03", "2026-02-10"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TWO_KINDS = ("Monday to Friday",) * 5 + ("Saturday and Sunday",) * 2
ORIGIN, DESTINATION = "SL-W", "SL-S"
Values = dict[tuple[str, str], list[float]]


@pytest.fixture(scope="module")
def usual(tmp_path_factory, publish_table, publish_counts):
    """Nine weeks by hour: nights of one area are below k, one hour of another is never known, two feasts are full.

    Beside them a week of flows by day.
    """
    folder = tmp_path_factory.mktemp("patterns")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, "natural-earth:SL").codes
    chance, rows = np.random.default_rng(1), []
    for at in range(24 * DAYS):
        day, hour = divmod(at, 24)
        moment = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(hours=at)
        for place, code in enumerate(codes):
            mean = (18 if code == SMALL else 300 * (place + 1)) * (1.5 if 8 <= hour < 20 else 0.8)
            mean *= 3 if str(FIRST + timedelta(day)) in FEASTS else 1
            people = int(chance.poisson(mean))
            known = not (code == SILENT and hour == 5)
            rows.append((code, "hour", moment, people if known else None, people))
    publish_table(home, (FIRST, END), rows, "natural-earth:SL")
    week = [END - timedelta(7 - at) for at in range(7)]
    counts = [
        (one, other, datetime(day.year, day.month, day.day, tzinfo=UTC), people, people)
        for at, day in enumerate(week)
        for one in codes
        for other in codes
        if one != other
        for people in [20 + 10 * at + 100 * (one == ORIGIN) + 50 * (other == DESTINATION)]
    ]
    names = ("origin", "destination", "start", "subscribers", "people")
    publish_counts(home, flows.DATASET, (week[0], END), counts, *names)
    yield SimpleNamespace(home=home, codes=codes)
    home.database.close()


@pytest.fixture(scope="module")
def site(usual, site_for):
    return site_for(usual.home)


@pytest.fixture(scope="module")
def counted(site) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(site.get("/catalog/mobility.presence/1/mobility.presence-1.csv").text)))


def values_of(counted, code: str, kinds=WEEKDAYS, without=frozenset()) -> Values:
    """Gather an area's values by kind of day and hour; suppressed is below all others, missing is left out."""
    found: Values = defaultdict(list)
    for row in counted:
        moment = datetime.fromisoformat(row["start"])
        day = moment.date()
        if row["area"] != code or row["period"] != "hour" or day < SEEN or str(day) in without:
            continue
        if row["subscribers_state"] != "missing":
            hidden = row["subscribers_state"] == "suppressed"
            found[kinds[day.weekday()], f"{moment:%H:%M}"].append(-inf if hidden else float(row["subscribers"]))
    return found


def shown(site, name: str, asked: str) -> list[dict]:
    return site.get(f"/mobility/patterns/figures/{name}.json?{asked}").json()["rows"]


@pytest.mark.parametrize("name", ["hours", "week"])
@pytest.mark.parametrize("code", [PLACE, SMALL, SILENT])
def test_numbers_are_the_medians_and_quartiles_of_what_was_published(site, counted, code, name):
    """By Python's `statistics` (inclusive quartiles), from the release's CSV, to three decimals."""
    values, rows = (
        values_of(counted, code, without=FEASTS),
        shown(site, name, f"area={code}&holidays={','.join(FEASTS)}"),
    )
    assert [(row["days"], row["hour"]) for row in rows] == [
        (day, f"{hour:02}:00") for day in WEEKDAYS for hour in range(24)
    ]
    for row in rows:
        of = values[row["days"], row["hour"]]
        assert (
            row["known_days"]
            == len(of)
            == (0 if code == SILENT and row["hour"] == "05:00" else 6 if row["days"] == "Tuesday" else 8)
        )
        if not of:
            assert (row["usual"], row["quarter"], row["why"], row["state"]) == (
                None,
                None,
                "not enough history",
                "missing",
            )
            continue
        for found, wanted in zip(
            (row["quarter"], row["usual"], row["three_quarters"]),
            (quantiles(of, n=4, method="inclusive")[0], median(of), quantiles(of, n=4, method="inclusive")[2]),
            strict=True,
        ):
            assert found == (pytest.approx(wanted, abs=5e-4) if isfinite(wanted) else None)
        assert (row["why"], row["state"]) == ("given" if isfinite(median(of)) else "below k", "modelled")


def test_what_is_hidden_is_said_to_be_below_k_and_never_zero(site):
    rows = shown(site, "hours", f"area={SMALL}")
    hidden = [row for row in rows if row["why"] == "below k"]
    assert len(hidden) > 20
    assert 0 not in {row[part] for row in rows for part in ("usual", "quarter", "three_quarters")}
    markup = site.page(f"/mobility/patterns?area={SMALL}").text
    picture = re.search(r'<figure[^>]* id="hours".*?</svg>', markup, re.S)[0]
    squares = re.findall(r"<rect ([^>]*)><title>([^<]*)</title>", picture)
    assert len(squares) == 7 * 24
    said = dict(reversed(square) for square in squares)
    for row in rows:
        when = f"{row['days']}, {row['hour']}"
        if row["usual"] is None:
            assert 'fill="url(#suppressed)"' in said[f"{when}: fewer than 15"]
        else:
            assert 'class="class-' in next(drawn for text, drawn in said.items() if text.startswith(when))
    assert f"<strong>{len(hidden)} of 168</strong>" in markup
    assert "Withheld: usually fewer than 15" in markup
    half = re.search(r'<figure[^>]* id="week".*?</figure>', markup, re.S)[0]
    assert re.search(r"fewer than 15 … \d+", half), "a quartile below k is said as such"


def test_squares_stand_below_their_day_and_beside_their_hour_and_are_darker_the_more_there_are(site):
    picture = site.get(f"/mobility/patterns/figures/hours.svg?area={PLACE}").text
    places = {
        said.partition(": ")[0]: (float(x), float(y), int(shade))
        for shade, x, y, said in re.findall(
            r'<rect class="class-(\d)" x="([\d.]+)" y="([\d.]+)"[^>]*><title>([^<]*)</title>', picture
        )
    }
    names = dict(reversed(each) for each in re.findall(r'<text x="([\d.]+)"[^>]*>(\w{3})</text>', picture))
    rows = shown(site, "hours", f"area={PLACE}")
    found = [(row, *places[f"{row['days']}, {row['hour']}"]) for row in rows]
    for day, at in zip(WEEKDAYS, sorted({x for _row, x, _y, _shade in found}), strict=True):
        assert {x for row, x, _y, _shade in found if row["days"] == day} == {at}
        assert at < float(names[day[:3]]) < at + 60
    hours = sorted({y for _row, _x, y, _shade in found})
    assert [y for _row, _x, y, _shade in found] == hours * 7
    shades = [shade for row, _x, _y, shade in sorted(found, key=lambda each: each[0]["usual"])]
    assert shades == sorted(shades)
    assert {0, 4} <= set(shades)


def test_what_nobody_knows_is_said_to_be_so(site):
    markup = site.page(f"/mobility/patterns?area={SILENT}").text
    assert "Not enough history" in markup
    assert re.search(r'fill="url\(#missing\)"[^>]*><title>Monday, 05:00: –</title>', markup)


def test_all_is_marked_as_modelled(site):
    markup = site.page(f"/mobility/patterns?area={PLACE}").text
    assert "Nothing here was counted" in markup
    for name in ("hours", "week", "all"):
        told = site.get(f"/mobility/patterns/figures/{name}.json?area={PLACE}").json()
        assert told["state"] == "modelled"
        assert {row["state"] for row in told["rows"]} == {"modelled"}


def test_days_that_are_left_out_tell_nothing(site, counted):
    def at(asked: str) -> float:
        return next(
            r["usual"]
            for r in shown(site, "hours", f"area={PLACE}{asked}")
            if (r["days"], r["hour"]) == ("Tuesday", "12:00")
        )

    of = values_of(counted, PLACE)["Tuesday", "12:00"]
    assert max(of) > 2.5 * min(of), "a feast is full"
    assert at("") == median(of)
    assert (
        at(f"&holidays={','.join(FEASTS)}")
        == median(values_of(counted, PLACE, without=FEASTS)["Tuesday", "12:00"])
        < median(of)
    )


def test_days_are_told_apart_as_finely_as_there_are_two_of_each(site, counted):
    """Without seven of eight Mondays, weekdays are not told apart, but working days and weekends are."""
    mondays = {str(SEEN + timedelta(7 * week)) for week in range(7)}
    rows = shown(site, "hours", f"area={PLACE}&holidays={','.join(mondays)}")
    values = values_of(counted, PLACE, TWO_KINDS, mondays)
    assert {(row["days"], row["hour"]): row["usual"] for row in rows} == {
        when: median(of) for when, of in values.items()
    }
    assert len(rows) == 2 * 24
    every = {str(SEEN + timedelta(at)) for at in range(56) if at % 7 != 2}
    assert {row["days"] for row in shown(site, "week", f"area={PLACE}&holidays={','.join(every)}")} == {"every day"}


def test_the_fullest_hour_of_each_comes_from_the_same_numbers(site, counted, usual):
    rows = shown(site, "all", "")
    assert {row["area"] for row in rows} == set(usual.codes)
    assert [row["usual"] for row in rows] == sorted((row["usual"] for row in rows), reverse=True)
    for row in rows:
        medians = {when: median(of) for when, of in values_of(counted, row["area"]).items()}
        assert row["usual"] == max(medians.values()) == medians[row["days"], row["hour"]]
        assert row["below_k"] == sum(not isfinite(one) for one in medians.values())
        assert row["not_known"] == 7 * 24 - len(medians)


@pytest.mark.parametrize("code", [PLACE, SMALL])
def test_the_page_as_data_says_what_the_command_says(site, usual, tmp_path, code):
    def command(*more: str) -> str:
        environment = {"COMMONWEAL_DATA": str(usual.home.settings.data)}
        done = CliRunner().invoke(app, ["patterns", "--area", code, "--holiday", "2026-02-03", *more], env=environment)
        assert done.exit_code == 0, done.output
        return done.stdout

    told = site.get(f"/mobility/patterns.json?area={code}&holidays=2026-02-03").json()["patterns"]
    assert told == json.loads(command("--json"))
    assert told["days"] == [str(SEEN), str(END - timedelta(1))], "not all that is published, but what was looked at"
    assert told["known_days"] == 55
    assert told["choices"] == {
        "like": "weekday",
        "holidays": ["2026-02-03"],
        "history_days": 56,
        "least_days": 2,
        "usual": "median and quartiles of like days, between two values by their ranks",
        "suppressed": "below k, never zero",
    }
    out = tmp_path / "patterns.csv"
    assert f"what is usual, {SEEN} to {END - timedelta(1)}, modelled; like days: weekday" in command("--out", str(out))
    assert {row["state"] for row in csv.DictReader(out.read_text("utf-8").splitlines())} == {"modelled"}


def test_flows_by_day_have_a_week_of_days(site):
    """One week tells working days and weekends apart; the flow grows by ten a day."""
    rows = shown(site, "hours", f"table=flows&area={ORIGIN}&to={DESTINATION}")
    assert [(row["origin"], row["destination"], row["days"], row["hour"], row["usual"]) for row in rows] == [
        (ORIGIN, DESTINATION, "Monday to Friday", None, 190),
        (ORIGIN, DESTINATION, "Saturday and Sunday", None, 225),
    ]
    markup = site.page("/mobility/patterns?table=flows").text
    assert "Days of the week: Western to Southern" in markup, "where none is asked for, the largest"
    assert "The fullest day of each" in markup


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("holidays=x", 422),
        ("holidays=2026-02-30", 422),
        ("area=<b>", 422),
        ("table=flows&to=<b>", 422),
        ("table=flows&area=SL-W&to=SL-W", 422),
        ("table=homes", 422),
        ("table=flows-by-hour&release=1", 404),
        ("release=7", 404),
    ],
)
def test_what_makes_no_sense_is_a_sentence(site, asked, status):
    answer = site.page(f"/mobility/patterns?{asked}")
    assert answer.status_code == status
    assert "<b>" not in answer.text


def test_a_flow_that_is_not_there_is_not_another_one(site):
    for page in ("patterns", "forecast", "nowcast"):
        answer = site.page(f"/mobility/{page}?table=flows&area=SL-W&to=SL-W")
        assert answer.status_code == 422
        assert "there is no such flow in this release" in answer.text


def test_where_all_days_are_left_out_nothing_is_known(site):
    every = ",".join(str(FIRST + timedelta(at)) for at in range(DAYS))
    told = site.get(f"/mobility/patterns.json?area={PLACE}&holidays={every}").json()["patterns"]
    assert told["known_days"] == 0
    assert {(row["usual"], row["why"], row["state"]) for row in told["rows"]} == {
        (None, "not enough history", "missing")
    }
    assert "Not enough history" in site.page(f"/mobility/patterns?area={PLACE}&holidays={every}").text


def test_the_page_is_french_for_who_reads_french(site):
    markup = site.get("/mobility/patterns", accept="text/html", accept_language="fr").text
    assert "Rien ici n’a été compté" in markup
    assert ">lun.</text>" in markup


def test_before_anything_is_published_the_page_says_so(site, empty_site):
    assert "Nothing has been published yet" in empty_site.page("/mobility/patterns").text
    assert "--measure flows_hourly" in site.page("/mobility/patterns?table=flows-by-hour").text


@pytest.fixture(scope="module")
def address(usual, serve) -> str:
    return serve(usual.home, open_reading="true", worker="false")


@pytest.mark.parametrize("javascript", [True, False])
def test_table_area_and_days_are_chosen_on_the_page(open_page: Callable, address, javascript):
    page = open_page("/mobility/patterns", at=address, width=360, java_script_enabled=javascript)
    page.locator("select[name=area]").select_option(SMALL)
    page.get_by_label("Days to leave out").fill("2026-02-03, 2026-02-10")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**area=SL-E**")
    assert page.get_by_role("heading", name="Hours and days: Eastern").count() == 1
    assert page.get_by_label("Days to leave out").input_value() == "2026-02-03,2026-02-10"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
