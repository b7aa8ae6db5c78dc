"""Two operators' views of a border on the site: a release here beside a file that the other one has exported."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from io import StringIO

import pyarrow.parquet as pq
import pytest

from commonweal.core.identity import Grant, Role
from commonweal.domains import initialise
from commonweal.mobility.borders.joining import View, joined
from commonweal.mobility.measures import border_crossings

DAYS = (date(2026, 3, 2), date(2026, 3, 3))
START = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = ("country", "direction", "who", "start", "subscribers", "people")
GUINEA = {("out", "resident"): 400, ("in", "resident"): 380, ("in", "visitor"): 90, ("out", "visitor"): 3}
SIERRA_LEONE = {("in", "visitor"): 100, ("out", "visitor"): 95, ("out", "resident"): 300, ("in", "resident"): 40}
SHARES = "one_residents=40&one_visitors=30&other_residents=50&other_visitors=10"
ASKED = "one=1&other=inbox:theirs.parquet&one_country=GN&other_country=SL"


def rows(country, counts):
    return [(country, direction, who, START, many, many) for (direction, who), many in counts.items()]


@pytest.fixture
def tables(home, tmp_path, publish_counts):
    """What Guinea's operator has published here, and Sierra Leone's elsewhere, which lies in the inbox."""
    ours = publish_counts(home, border_crossings.DATASET, DAYS, rows("SL", GUINEA), *NAMES).table(home.settings)
    abroad = initialise(tmp_path / "abroad", tmp_path / "keys abroad")
    theirs = publish_counts(abroad, border_crossings.DATASET, DAYS, rows("GN", SIERRA_LEONE), *NAMES)
    home.settings.inbox.mkdir(exist_ok=True)
    pq.write_table(theirs.table(abroad.settings), home.settings.inbox / "theirs.parquet")
    (home.settings.inbox / "broken.parquet").write_text("country,direction\n")
    abroad.database.close()
    return ours, pq.read_table(home.settings.inbox / "theirs.parquet")


@pytest.fixture
def ada(home, tables, site_of, reader_of):
    return reader_of(site_of(home, open_reading=False), Grant(Role.ANALYST))


def test_both_counts_stand_side_by_side_with_what_the_command_says_of_them(ada, tables):
    ours, theirs = tables
    page = ada.get(f"/mobility/border-views?{ASKED}&{SHARES}")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    said = ada.get(f"/mobility/border-views.json?{ASKED}&{SHARES}").json()["border_views"]
    expected = joined(View("GN", ours, 0.4, 0.3), View("SL", theirs, 0.5, 0.1)).to_pylist()
    assert [row | {"start": row["start"].isoformat()} for row in expected] == said
    [guineans] = [row for row in said if (row["people_of"], row["to"]) == ("GN", "SL")]
    assert (guineans["one"], guineans["other"], guineans["at_least"], guineans["agree"]) == (400, 100, 400, True)
    table = csv.DictReader(StringIO(ada.get(f"/mobility/border-views/figures/views.csv?{ASKED}&{SHARES}").text))
    least = [row["at_least"] for row in said]
    assert [row["at_least"] for row in table] == ["" if one is None else str(one) for one in least]


def test_what_one_has_hidden_is_taken_from_the_other_and_is_no_zero(ada):
    said = ada.get(f"/mobility/border-views.json?{ASKED}").json()["border_views"]
    [leaving] = [row for row in said if (row["people_of"], row["to"]) == ("SL", "SL")]
    assert (leaving["one"], leaving["one_state"], leaving["other"], leaving["at_least"]) == (None, "suppressed", 40, 40)
    assert leaving["estimate"] is None


def test_without_two_views_the_page_asks_for_them_and_lists_what_there_is(ada):
    page = ada.get("/mobility/border-views").text
    assert 'value="1" selected' in page
    assert 'value="inbox:theirs.parquet"' in page
    assert ada.get("/mobility/border-views.json").json()["border_views"] is None


def test_files_of_the_inbox_are_only_for_those_who_may_run(home, tables, site_of, reader_of):
    reader = reader_of(site_of(home, open_reading=False), Grant(Role.VIEWER))
    assert reader.get("/mobility/border-views").status_code == 200
    assert "theirs.parquet" not in reader.get("/mobility/border-views").text
    assert reader.get(f"/mobility/border-views?{ASKED}").status_code == 403


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (ASKED.replace("GN", "XX"), "one_country"),
        (ASKED.replace("theirs", "missing"), "inbox"),
        (ASKED.replace("theirs", "broken"), "broken.parquet"),
        (ASKED.replace("inbox:theirs.parquet", "newest"), "other"),
        (ASKED + "&one_residents=140", "one_residents"),
        (ASKED + "&other_visitors=many", "other_visitors"),
        (ASKED.replace("SL", "GN"), "GN"),
        (ASKED.replace("SL", "FR"), "FR"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(ada, asked, where):
    answer = ada.get(f"/mobility/border-views.json?{asked}")
    assert answer.status_code == 422
    assert where in answer.text


def test_where_nothing_is_published_the_page_says_how_it_comes_about(empty_site):
    assert empty_site.page("/mobility/border-views").status_code == 200
    assert empty_site.get("/mobility/border-views.json").json()["border_views"] is None
