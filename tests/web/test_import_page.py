"""Importing from the inbox and running, on the site: rights, what is shown of a file, what is kept when it is wrong."""

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from commonweal.core import jobs
from commonweal.core.identity import Grant, Role, tokens
from commonweal.mobility.projects import Project, create_project

WHO = "os:clerk"
ANALYST = Grant(Role.ANALYST)
CHOSEN = {"project": "sample", "folder": "march", "mapping": "mapping.toml", "cells": "cells.csv"}


@pytest.fixture
def inbox(home, hand_over) -> Path:
    return hand_over(home)


@pytest.fixture
def site(home, inbox, site_of):
    return site_of(home, open_reading=False)


@pytest.fixture
def ada(site, reader_of):
    return reader_of(site, ANALYST)


def words(page: Any) -> str:
    """What a reader reads."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", page.text).split()))


def send(reader: Any, do: str = "import", **form: Any) -> Any:
    sent = CHOSEN | {"do": do} | form
    return reader.post("/mobility/import", **{name: value for name, value in sent.items() if value is not None})


# Who may ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("grant", "runs", "imports"),
    [
        (Grant(Role.VIEWER), 403, 403),
        (Grant(Role.ADMINISTRATOR), 200, 403),
        (Grant(Role.STEWARD, "mobility"), 200, 403),
        (Grant(Role.ANALYST, "alerting"), 403, 403),
        (ANALYST, 200, 200),
        (Grant(Role.ANALYST, "mobility", "natural-earth:GN,LR,SL"), 200, 200),
    ],
)
def test_only_who_may_follow_sees_runs_and_only_who_may_run_imports(home, site, reader_of, grant, runs, imports):
    reader = reader_of(site, grant)
    for address, status in (("/mobility/runs", runs), ("/mobility/import", imports)):
        for ending in ("", ".json"):
            assert reader.get(address + ending).status_code == status, address + ending
    page = reader.get("/mobility/runs").text
    assert ("Run now" in page) is (imports == 200)
    assert ('href="/mobility/import"' in page) is (imports == 200)
    assert send(reader).status_code == (303 if imports == 200 else 403)
    assert reader.post("/mobility/runs", project="sample").status_code == (303 if imports == 200 else 403)
    assert len(jobs.newest(home.database)) == (2 if imports == 200 else 0)


def test_an_analyst_of_other_areas_neither_sees_nor_uses_this_project(home, site, reader_of):
    """Area escalation."""
    create_project(home.database, Project("other", area_set="natural-earth:NP"), WHO)
    jobs.submit(home.database, "mobility.run", {"project": "sample"}, WHO)
    other = reader_of(site, Grant(Role.ANALYST, "mobility", "natural-earth:NP"))
    for address in ("/mobility/import", "/mobility/import.json", "/mobility/runs", "/mobility/runs.json"):
        assert "sample" not in other.get(address).text, address
    assert other.get("/mobility/runs?project=sample").status_code == 403
    for do in ("import", "look"):
        answer = send(other, do)
        assert answer.status_code == 403
        assert "No role of yours allows it." in words(answer)
    assert other.post("/mobility/runs", project="sample").status_code == 403
    assert len(jobs.newest(home.database)) == 1


def test_a_token_that_is_for_reading_or_following_alone_opens_no_import(home, site, ada):
    for permission in ("read", "follow"):
        token = tokens.issue(home.database, 1, permission, [permission], 1, WHO)
        assert site.get("/mobility/import.json", authorization=f"Bearer {token}").status_code == 403
        status = 200 if permission == "follow" else 403
        assert site.get("/mobility/runs.json", authorization=f"Bearer {token}").status_code == status


def test_a_form_from_elsewhere_imports_nothing(home, site, ada):
    assert send(ada, token="0" * 64).status_code == 403
    assert jobs.newest(home.database) == []


# The inbox ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_lists_what_lies_in_the_inbox(home, ada):
    page = words(ada.get("/mobility/import"))
    assert re.search(r"The whole folder march: 2 files, [\d.]+ kB", page)
    assert re.search(r"march/2026-03-01.csv \([\d.]+ kB, \d+ \w+ \d{4}, \d\d:\d\d\)", page)
    assert str(home.settings.inbox) in page
    data = ada.get("/mobility/import.json").json()
    assert [file["name"] for file in data["files"]] == ["cells.csv", "march/2026-03-01.csv", "march/2026-03-02.csv"]
    assert [file["name"] for file in data["mappings"]] == ["mapping.toml"]


def test_an_empty_inbox_and_one_that_is_not_there_say_what_to_do(home, site_of, reader_of):
    ada = reader_of(site_of(home), ANALYST)
    assert "There is no project yet" in words(ada.get("/mobility/import"))
    create_project(home.database, Project("sample", area_set="natural-earth:SL"), WHO)
    assert "The inbox is empty." in words(ada.get("/mobility/import"))
    home.settings.inbox.rmdir()
    assert "There is no inbox yet." in words(ada.get("/mobility/import"))


def test_a_long_inbox_stays_a_small_page(home, inbox, ada):
    (inbox / "hours").mkdir()
    for number in range(1000):
        (inbox / "hours" / f"{number:04}.csv").touch()
    page = ada.get("/mobility/import")
    assert len(page.content) < 250_000
    assert "703 more files are not listed." in words(page)
    assert send(ada, folder="hours").status_code == 303


@pytest.mark.parametrize("field", ["file", "folder", "mapping", "cells"])
@pytest.mark.parametrize("name", ["../commonweal.toml", "/etc/passwd", "link.csv", "march\0", "march\n", "..", "."])
def test_a_name_that_leads_out_of_the_inbox_is_refused(home, inbox, ada, field, name):
    """Path traversal."""
    (inbox / "link.csv").symlink_to(home.settings.data / "commonweal.toml")
    for do in ("import", "look") if field in ("file", "folder") else ("import",):
        answer = send(ada, do, **{field: name})
        assert answer.status_code == 422, do
        assert "in the inbox" in words(answer)
    assert jobs.newest(home.database) == []


# A look ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_look_shows_a_mapping_and_what_columns_hold_but_nothing_of_anyone(ada, inbox):
    answer = send(ada, "look", mapping="")
    assert answer.status_code == 200
    page = words(answer)
    assert "A table divided by commas, in utf-8, with names of columns." in page
    assert "msisdn subscriber long numbers, perhaps somebody’s 100%" in page
    assert 'subscriber = "msisdn"' in page
    assert 'in which time zone are the times? the mapping says "Africa/Freetown"' in page
    rows = [line.split(",") for line in (inbox / "march" / "2026-03-01.csv").read_text().splitlines()[1:]]
    for row in rows:
        assert not any(field in answer.text for field in row if len(re.sub(r"\D", "", field)) > 5), row


def test_what_was_proposed_is_read_before_anything_is_imported_and_kept_when_it_is(home, inbox, ada):
    unread = send(ada, mapping="")
    assert (unread.status_code, jobs.newest(home.database)) == (200, [])
    proposed = unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", unread.text, re.DOTALL)[1])
    answer = send(ada, mapping="", text=proposed.replace("\n", "\r\n"))
    assert answer.status_code == 303
    (job,) = jobs.newest(home.database)
    assert answer.headers["location"] == f"/jobs/{job.id}"
    assert Path(job.parameters["mapping"]).read_text() == proposed
    assert Path(job.parameters["mapping"]).parent == inbox
    assert Path(job.parameters["mapping"]).name in ada.get("/mobility/import").text


def test_a_mapping_that_somebody_works_on_is_not_proposed_anew_unless_the_file_is_another(ada):
    mine = "# mine\n"
    first, second = "march/2026-03-01.csv", "march/2026-03-02.csv"
    assert "# mine" in send(ada, "look", mapping="", folder=None, file=first, text=mine, of=first).text
    assert "# mine" not in send(ada, "look", mapping="", folder=None, file=second, text=mine, of=first).text


def test_a_mapping_of_the_inbox_is_shown_beside_what_the_file_seems_to_be(ada, inbox):
    page = send(ada, "look")
    shown = re.search(r"<pre[^>]*>(.*?)</pre>", page.text, re.DOTALL)[1]
    assert unescape(shown) == (inbox / "mapping.toml").read_text()
    assert re.search(r'<option value="mapping.toml" selected>', page.text)


def test_a_file_that_is_no_table_is_said_to_be_none(ada, inbox):
    (inbox / "empty.csv").touch()
    (inbox / "event.csv").write_text("ada77001234,3 March 2026,a1\n")
    for name, said in (("empty.csv", "The file is empty."), ("event.csv", "Its first line looks like an event")):
        answer = send(ada, "look", folder=None, file=name)
        assert answer.status_code == 422
        assert said in words(answer), words(answer)
    assert "77001234" not in answer.text


# What was typed ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_typed_is_kept_when_it_cannot_be_used(ada):
    typed = {"folder": None, "file": "march/2026-03-02.csv", "first": "2026-03-02", "last": "2026-03-01"}
    answer = send(ada, **typed)
    assert answer.status_code == 422
    assert "The last day lies before the first." in words(answer)
    for kept in (
        r'<option value="sample" selected>',
        r'value="march/2026-03-02.csv" checked>',
        r'<option value="mapping.toml" selected>',
        r'<option value="cells.csv" selected>',
        r'id="first"[^>]*value="2026-03-02"',
        r'id="last"[^>]*value="2026-03-01"',
    ):
        assert re.search(kept, answer.text), kept
    assert answer.headers["cache-control"] == "no-store"


def test_too_many_files_at_once_are_refused_and_a_folder_is_not(ada):
    assert send(ada, file=[f"march/{number}.csv" for number in range(1_100)]).status_code == 400


def test_what_is_typed_is_never_markup(ada):
    for field in ("project", "file", "folder", "mapping", "text", "cells", "first", "of"):
        answer = send(ada, **{field: "<script>alert(1)</script>"})
        assert "<script>alert" not in answer.text, field


# Imports and runs ──────────────────────────────────────────────────────────────────────────────────────────────────


def done(home: Any, number: int, **values: Any) -> None:
    with home.database.transaction() as session:
        job = session.get(jobs.Job, number)
        for name, value in ({"state": "succeeded", "finished": datetime.now(UTC)} | values).items():
            setattr(job, name, value)


def test_the_history_says_what_came_of_each(home, ada):
    ada.post("/mobility/import", **CHOSEN | {"do": "import"})
    file = {"name": "a.csv", "rows": 1000, "accepted": 990, "rejected": {"duplicate": 7, "bad time": 3}}
    done(home, 1, result={"files": [file], "known": ["b.csv"]}, started=datetime.now(UTC))
    ada.post("/mobility/runs", project="sample")
    released = {"dataset": "mobility.presence", "version": 4, "rows": 1272, "digest": "ab", "new": True}
    done(home, 2, result={"releases": [released]})
    ada.post("/mobility/runs", project="sample")
    page = ada.get("/mobility/runs")
    assert '<a href="/catalog/mobility.presence/4">presence 4</a>' in page.text
    said = words(page)
    assert "Job 1 Import sample succeeded 990 rows accepted, 1 file was known 1,000 Person1" in said
    assert "Job 2 Run sample succeeded presence 4 1,272 Person1" in said
    assert "Job 3 Run sample waiting" in said
    assert re.findall(r'data-stream="([^"]*)"', page.text) == ["/jobs/3/events"]
    runs = ada.get("/mobility/runs.json").json()["runs"]
    counted = [(run["id"], run["rows"], run["rejected"]) for run in runs]
    assert counted == [(3, None, None), (2, 1272, None), (1, 1000, 10)]
    assert runs[1]["releases"] == [{"dataset": "mobility.presence", "version": 4, "rows": 1272}]


def test_a_run_of_present_devices_is_asked_for_with_land_use_of_the_inbox(home, inbox, ada):
    assert 'name="land_use"' in ada.get("/mobility/runs").text  # a cell file is a table too
    (inbox / "ground.geojson").write_text("{}")
    page = ada.get("/mobility/runs").text
    assert "<option>ground.geojson</option>" in page
    assert "mapping.toml" not in page
    wrong = ada.post("/mobility/runs", project="sample", land_use="ground.geojson")
    assert wrong.status_code == 422
    assert "Only present devices depend on land use." in wrong.text
    assert ada.post("/mobility/runs", project="sample", measure="present", land_use="ground.geojson").status_code == 303
    job = jobs.get(home.database, 1)
    assert (job.parameters["measures"], job.parameters["land_use"]) == (["present"], str(inbox / "ground.geojson"))


def test_the_history_says_that_what_a_run_proposed_waits(home, ada):
    ada.post("/mobility/runs", project="sample")
    done(home, 1, result={"releases": [], "proposal": "3f2a91c0aa11"})
    assert "Job 1 Run sample succeeded proposal 3f2a91c0aa11 waits for a steward" in words(ada.get("/mobility/runs"))


def test_the_history_is_narrowed_to_a_project_and_paged(home, ada):
    create_project(home.database, Project("other", area_set="natural-earth:SL"), WHO)
    for number in range(70):
        jobs.submit(home.database, "mobility.run", {"project": "other", "first": str(number)}, WHO)
    jobs.submit(home.database, "mobility.run", {"project": "sample"}, WHO)
    assert [run["id"] for run in ada.get("/mobility/runs.json?project=sample").json()["runs"]] == [71]
    first = ada.get("/mobility/runs.json?project=other").json()
    assert first["next"] == "/mobility/runs.json?project=other&page=2"
    second = ada.get(first["next"]).json()
    assert [len(first["runs"]), len(second["runs"]), second["next"]] == [50, 20, None]
    assert ada.get("/mobility/runs?project=nobodys").status_code == 404


def test_a_run_that_cannot_be_asked_for_is_said_on_the_page(ada):
    answer = ada.post("/mobility/runs", project="nobodys")
    assert answer.status_code == 404
    assert "There is no project 'nobodys'." in words(answer)
