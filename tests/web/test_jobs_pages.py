"""The pages of long work: who sees what, how it stands, and what may be done about it."""

import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from commonweal.core import audit, jobs
from commonweal.core.errors import Refused
from commonweal.core.identity import Grant, Role, tokens
from commonweal.core.jobs import failure, lease
from commonweal.core.jobs.attendance import attending
from commonweal.mobility.projects import Project, create_project

WHO = "os:clerk"
ANALYST, ADMINISTRATOR = Grant(Role.ANALYST), Grant(Role.ADMINISTRATOR)


def submit(home: Any, kind: str = "mobility.retain", **parameters: Any) -> int:
    return jobs.submit(home.database, kind, parameters, WHO)


def change(home: Any, number: int, *lines: str, **values: Any) -> None:
    with home.database.transaction() as session:
        lease.append_lines(session, number, lines)
        job = session.get(jobs.Job, number)
        for name, value in values.items():
            setattr(job, name, value)


def running(home: Any, number: int, **values: Any) -> None:
    """Let a job be held by a worker on another machine."""
    now = datetime.now(UTC)
    held = {"machine": "elsewhere", "process": 1, "process_started": 1, "lease_until": now.replace(year=now.year + 1)}
    change(home, number, **({"state": "running", "started": now, "claim": "x"} | held | values))


@pytest.fixture
def site(home, site_of):
    return site_of(home, open_reading=False)


def until(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# Who sees it ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ["/jobs", "/jobs.json", "/jobs/1", "/jobs/1.json", "/jobs/figures/jobs.csv"])
def test_a_viewer_sees_nothing_of_the_work(home, site, reader_of, address):
    submit(home)
    viewer = reader_of(site, Grant(Role.VIEWER))
    assert viewer.get(address).status_code == 403
    assert site.get(address).status_code == 401
    assert ">Work<" not in viewer.get("/catalog").text


def test_a_token_that_is_only_for_reading_opens_none_of_it(home, site, signed_in):
    submit(home)
    signed_in(home, ANALYST)
    for permission, status in (("read", 403), ("follow", 200)):
        token = tokens.issue(home.database, 1, permission, [permission], 1, WHO)
        for address in ("/jobs.json", "/jobs/1.json"):
            assert site.get(address, authorization=f"Bearer {token}").status_code == status


def test_somebody_with_a_role_for_some_areas_sees_and_changes_their_work_alone(home, site, reader_of):
    """Area escalation: another project's job is neither listed nor shown, cancelled or taken up again."""
    for name, areas in (("here", "natural-earth:GN"), ("there", "natural-earth:SL")):
        create_project(home.database, Project(name, area_set=areas), WHO)
    here, there = submit(home, project="here"), submit(home, project="there")
    ada = reader_of(site, Grant(Role.ANALYST, "mobility", "natural-earth:GN"))
    assert [job["id"] for job in ada.get("/jobs.json").json()["jobs"]] == [here]
    assert [ada.get(f"/jobs/{number}").status_code for number in (here, there)] == [200, 403]
    assert [ada.post(f"/jobs/{number}/cancel").status_code for number in (here, there)] == [303, 403]
    assert ada.post(f"/jobs/{there}/resume").status_code == 403
    assert [jobs.get(home.database, number).state for number in (here, there)] == ["cancelled", "queued"]


# The list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_is_paged_the_newest_first(home, site, reader_of):
    for number in range(120):
        submit(home, number=number)
    ada, found, address = reader_of(site, ANALYST), [], "/jobs.json"
    while address:
        answer = ada.get(address)
        assert len(answer.json()["jobs"]) <= 50
        found += [job["id"] for job in answer.json()["jobs"]]
        address = answer.json()["next"]
    assert found == list(range(120, 0, -1))
    page = ada.get("/jobs?page=2")
    assert page.headers["link"] == '</jobs?page=1>; rel="prev", </jobs?page=3>; rel="next"'
    assert re.findall(r'href="/jobs/(\d+)"', page.text)[-50:] == [str(number) for number in range(70, 20, -1)]
    assert ada.get("/jobs?page=9").status_code == 404


def test_the_list_says_who_by_their_name_and_is_kept_by_nobody(home, site, reader_of):
    ada = reader_of(site, ANALYST)
    jobs.submit(home.database, "mobility.retain", {}, "person:1")
    submit(home)
    page = ada.get("/jobs")
    assert "Person1" in page.text
    assert WHO in page.text
    assert page.headers["cache-control"] == "no-store"
    assert [job["who"] for job in ada.get("/jobs.json").json()["jobs"]] == [WHO, "person:1"]


def test_one_job_of_the_list_is_streamed_and_the_others_are_asked_for(home, site, reader_of):
    for _ in range(7):
        submit(home)
    page = reader_of(site, ANALYST).get("/jobs").text
    assert re.findall(r'data-stream="([^"]*)"', page) == ["/jobs/3/events"]
    assert re.findall(r'data-source="([^"]*)"', page) == [f"/jobs/{number}.json" for number in (7, 6, 5, 4, 3)]


# A job ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_job_that_goes_on_says_how_far_it_is(home, site, reader_of):
    number = submit(home, project="national")
    running(home, number, done=1200, total=5000, doing="sorting")
    change(home, number, "calls.csv: 12 rejected")
    page = reader_of(site, ANALYST).get(f"/jobs/{number}").text
    assert "Erasure of what is old" in page
    assert "1,200 of 5,000 (24%)" in page
    assert re.search(r'<progress aria-label="Progress of job 1" max="5000" value="1200">', page)
    assert "sorting" in page
    assert "calls.csv: 12 rejected" in page
    assert f'data-stream="/jobs/{number}/events"' in page


def test_without_scripts_a_job_that_goes_on_is_looked_at_again_and_one_that_ended_is_not(home, site, reader_of):
    number, ada = submit(home), reader_of(site, ANALYST)
    page = ada.get(f"/jobs/{number}").text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert re.search(r'<noscript><p><a href="/jobs/1">Look again</a></p></noscript>', page)
    change(home, number, state="succeeded", finished=datetime.now(UTC))
    page = ada.get(f"/jobs/{number}").text
    assert "noscript" not in page
    assert "<progress" not in page
    assert 'data-module="live"' not in page


def test_a_job_that_failed_says_why(home, site, reader_of):
    number = submit(home)
    why = failure.describe(Refused("fewer than 15 people stand behind it", where="row 7", expected="a larger area"))
    change(home, number, state="failed", error=why, finished=datetime.now(UTC))
    ada = reader_of(site, ANALYST)
    page = re.sub(r"<[^>]*>", "", ada.get(f"/jobs/{number}").text)
    assert "row 7: fewer than 15 people stand behind it." in page
    assert "What would be right: a larger area." in page
    assert ada.get(f"/jobs/{number}.json").json()["error"] == {
        "title": "Refused",
        "what": "fewer than 15 people stand behind it",
        "where": "row 7",
        "expected": "a larger area",
    }


def test_a_job_that_published_leads_to_its_releases(home, site, reader_of):
    number = submit(home)
    released = {"releases": [{"dataset": "mobility.presence", "version": 3, "rows": 9, "digest": "ab", "new": True}]}
    change(home, number, state="succeeded", result=released, finished=datetime.now(UTC))
    page = reader_of(site, ANALYST).get(f"/jobs/{number}").text
    assert '<a href="/catalog/mobility.presence/3">mobility.presence, release 3</a>' in page


def test_what_a_job_says_is_never_markup(home, site, reader_of):
    number = submit(home, project="<script>alert(1)</script>")
    change(home, number, "<img src=x>", doing="<b>bold</b>")
    page = reader_of(site, ANALYST).get(f"/jobs/{number}").text
    assert "<script>" not in page
    assert "<img" not in page
    assert "<b>" not in page


def test_the_data_of_a_job_that_did_not_change_are_not_sent_again(home, site, reader_of):
    number, ada = submit(home), reader_of(site, ANALYST)
    first = ada.get(f"/jobs/{number}.json")
    assert first.headers["cache-control"] == "no-store"
    again = ada.get(f"/jobs/{number}.json", if_none_match=first.headers["etag"])
    assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-store")
    change(home, number, "a line")
    assert ada.get(f"/jobs/{number}.json", if_none_match=first.headers["etag"]).status_code == 200


def test_only_the_newest_lines_of_a_long_log_are_sent(home, site, reader_of):
    number, ada = submit(home), reader_of(site, ANALYST)
    change(home, number, *(f"line {n} {'x' * 450}" for n in range(1, 501)))
    lines = ada.get(f"/jobs/{number}.json").json()["lines"]
    assert [line["number"] for line in lines] == list(range(401, 501))
    assert [line["number"] for line in ada.get(f"/jobs/{number}.json?after=498").json()["lines"]] == [499, 500]
    assert len(ada.get(f"/jobs/{number}").content) < 250_000


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999", "2147483648"])
def test_a_number_that_is_none_is_refused(site, reader_of, number):
    ada = reader_of(site, ANALYST)
    for address in (f"/jobs/{number}", f"/jobs/{number}.json"):
        assert ada.get(address).status_code == 422
    assert ada.post(f"/jobs/{number}/cancel").status_code == 422


# Changing it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_job_is_cancelled_and_taken_up_again_and_the_audit_log_knows_by_whom_and_why(home, site, reader_of):
    number, ada = submit(home), reader_of(site, ANALYST)
    answer = ada.post(f"/jobs/{number}/cancel", why="the wrong month")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{number}")
    assert "Take it up again" in ada.get(f"/jobs/{number}").text
    assert ada.post(f"/jobs/{number}/resume").status_code == 303
    assert jobs.get(home.database, number).state == "queued"
    newest = audit.newest(home.database, 2)
    assert [(entry.who, entry.action, entry.why) for entry in newest] == [
        ("person:1", "jobs.resume", None),
        ("person:1", "jobs.cancel", "the wrong month"),
    ]


def test_a_job_that_runs_is_asked_to_stop_once(home, site, reader_of):
    number, ada = submit(home), reader_of(site, ANALYST)
    running(home, number)
    ada.post(f"/jobs/{number}/cancel")
    page = ada.get(f"/jobs/{number}").text
    assert "asked to stop" in page
    assert "Cancel the job" not in page


def test_what_cannot_be_done_any_more_is_said_on_the_page(home, site, reader_of):
    number, ada = submit(home), reader_of(site, ANALYST)
    assert ada.post(f"/jobs/{number}/resume").status_code == 409
    change(home, number, state="succeeded", finished=datetime.now(UTC))
    answer = ada.post(f"/jobs/{number}/cancel")
    assert answer.status_code == 409
    assert "It has succeeded already." in re.sub(r"<[^>]*>", "", answer.text)
    assert ada.post(f"/jobs/{number}/forget").status_code == 404
    assert ada.post("/jobs/99/cancel").status_code == 404


def test_whoever_only_follows_gets_no_buttons_and_cannot_go_without(home, site, reader_of):
    number = submit(home)
    for grant in (ADMINISTRATOR, Grant(Role.STEWARD)):
        other = reader_of(site, grant)
        assert "<button>Cancel" not in other.get(f"/jobs/{number}").text
        assert other.post(f"/jobs/{number}/cancel").status_code == 403
    assert jobs.get(home.database, number).state == "queued"


def test_a_form_from_elsewhere_cancels_nothing(home, site, reader_of):
    number, ada = submit(home), reader_of(site, ANALYST)
    assert ada.post(f"/jobs/{number}/cancel", token="0" * 64).status_code == 403
    assert jobs.get(home.database, number).state == "queued"


def test_a_job_that_waits_for_nobody_says_so(home, site, reader_of):
    number, ada, said = submit(home), reader_of(site, ANALYST), "Nobody works on the queue now"
    assert said in ada.get(f"/jobs/{number}").text
    with attending(home.database):
        until(lambda: said not in ada.get(f"/jobs/{number}").text)


def test_the_api_describes_jobs_and_their_events(site):
    described = site.get("/openapi.json").json()["paths"]
    assert {"/jobs.json", "/jobs/{job}.json", "/jobs/{job}/events"} <= set(described)
    events = described["/jobs/{job}/events"]["get"]["responses"]
    assert "text/event-stream" in json.dumps(events["200"])
    assert "503" in events
