"""Flagged events on the page of quality: what is published of them, and nothing where nothing is."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from commonweal.mobility.measures import flags

DAYS = (date(2015, 3, 27), date(2015, 3, 29))
COLUMNS = ("cell", "flag", "start", "subscribers", "events", "events_largest", "events_second", "people")


@pytest.fixture
def shown(home, site_of, publish_all, publish_counts):
    """A site with flags of three cells on two days; in the last cell one person has most of the events."""
    publish_all(home)
    rows = [
        (cell, flag, datetime(2015, 3, day, tzinfo=UTC), people, events, largest, 1, people)
        for day in (27, 28)
        for cell, flag, people, events, largest in (
            ("611-1", "machine", 20, 900, 60),
            ("611-2", "machine", 14, 500, 40),
            ("611-2", "incorrect_place", 15 + day, 40 + day, 2),
            ("611-3", "incorrect_place", 30, 100, 70),
        )
    ]
    publish_counts(home, flags.DATASET, DAYS, rows, *COLUMNS)
    return site_of(home)


def test_each_day_and_flag_is_added_up_over_what_is_published(shown):
    rows = shown.get("/mobility/quality/figures/flags.json").json()["rows"]
    assert [(row["day"], row["flag"], row["cells"], row["events"]) for row in rows] == [
        ("2015-03-27", "incorrect_place", 1, 67),
        ("2015-03-27", "machine", 1, 900),
        ("2015-03-28", "incorrect_place", 1, 68),
        ("2015-03-28", "machine", 1, 900),
    ]
    page = shown.page("/mobility/quality").text
    assert "a machine" in page
    assert "611-3" not in page, "one person has most of its events"


def test_cells_are_listed_by_their_events_without_those_of_few(shown):
    rows = shown.get("/mobility/quality/figures/flagged_cells.json").json()["rows"]
    assert [(row["cell"], row["day"][-2:], row["subscribers"], row["events"]) for row in rows] == [
        ("611-1", "27", 20, 900),
        ("611-1", "28", 20, 900),
        ("611-2", "28", 43, 68),
        ("611-2", "27", 42, 67),
    ]
    told = shown.get("/mobility/quality.json").json()["quality"]
    assert told["flags"] == "mobility.flags 1"


def test_without_a_release_nothing_is_said(site):
    assert "Flagged events" not in site.page("/mobility/quality").text
    assert site.get("/mobility/quality.json").json()["quality"]["flags"] is None
