"""Server-sent events of a job, over real HTTP: what changes arrives, and a stream ends when it should."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from commonweal.core import jobs
from commonweal.core.identity import Grant, Role, people, sessions, tokens
from commonweal.web import event_stream
from commonweal.web.access import SESSION

WHO = "os:clerk"
ANALYST = Grant(Role.ANALYST)
PATIENCE = 30.0


def submit(home: Any, kind: str = "trial.wait", **parameters: Any) -> int:
    return jobs.submit(home.database, kind, parameters, WHO)


def cookie(held: str) -> dict[str, str]:
    return {"cookie": f"{SESSION}={held}"}


def events(lines: Iterator[str]) -> Iterator[tuple[str, str | None, Any]]:
    """Read a stream as a browser does: (event, id, data) of each."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "event" in fields:
                yield fields["event"], fields.get("id"), json.loads(fields["data"])
            fields = {}


@pytest.mark.slow
def test_every_change_arrives_each_line_once_and_then_the_end(home, server, signed_in):
    address, held = server(home).address, signed_in(home, ANALYST)
    job = submit(home, "trial.steps", steps=12, pause=0.25)
    asked = cookie(held) | {"accept-encoding": "gzip"}
    with httpx.stream("GET", f"{address}/jobs/{job}/events", headers=asked, timeout=PATIENCE) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in stream.headers, "compressed, it would be held back"
        assert stream.headers["cache-control"] == "no-store"
        lines = stream.iter_lines()
        assert next(lines) == "retry: 3000"
        found = [(*event, time.monotonic()) for event in events(lines)]
    progress = [data for name, _, data, _ in found if name == "progress"]
    assert [name for name, *_ in found] == ["progress"] * len(progress) + ["end"]
    assert len(progress) >= 3
    assert found[-1][-1] - found[0][-1] > 2, "they came as they happened"
    assert (progress[-1]["state"], progress[-1]["done"], progress[-1]["result"]) == ("succeeded", 11, {"steps": 12})
    done = [each["done"] for each in progress]
    assert done == sorted(done)
    said = [line["text"] for each in progress for line in each["lines"]]
    assert said == [f"step {number}" for number in range(1, 13)]
    assert found[-2][1] == "12", "the number of the newest line"
    twin = httpx.get(f"{address}/jobs/{job}.json", headers=cookie(held)).json()
    assert progress[-1] | {"lines": twin["lines"]} == twin


@pytest.mark.slow
def test_who_leaves_makes_room_and_who_finds_none_is_told_so(home, server, signed_in):
    address, headers = server(home, worker="false").address, cookie(signed_in(home, ANALYST))
    job = submit(home)
    following = f"{address}/jobs/{job}/events"

    async def crowd() -> tuple[list[int], int, str, int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=PATIENCE) as client:
            streams = [await client.send(client.build_request("GET", following), stream=True) for _ in range(50)]
            refused = await client.get(following)
            beside = await client.get(f"{address}/jobs/{job}.json")
            await streams[0].aclose()
            for _ in range(50):
                again = await client.send(client.build_request("GET", following), stream=True)
                if again.status_code == 200:
                    break
                await again.aclose()
                await asyncio.sleep(0.1)
            for stream in [*streams, again]:
                await stream.aclose()
        states = [stream.status_code for stream in streams]
        return states, refused.status_code, refused.json()["detail"], beside.status_code, again.status_code

    states, refused, told, beside, again = asyncio.run(crowd())
    assert (states, refused, beside, again) == ([200] * 50, 503, 200, 200)
    assert "too many readers follow something" in told


@pytest.mark.slow
@pytest.mark.parametrize("how", ["signed out", "token revoked", "role taken away", "disabled"])
def test_a_stream_ends_when_its_reader_may_no_longer_follow(home, server, signed_in, how):
    address, held = server(home, worker="false").address, signed_in(home, ANALYST)
    headers, job = cookie(held), submit(home)
    if how == "token revoked":
        headers = {"authorization": f"Bearer {tokens.issue(home.database, 1, 'script', ['follow'], 1, WHO)}"}
    with httpx.stream("GET", f"{address}/jobs/{job}/events", headers=headers, timeout=PATIENCE) as stream:
        found = events(stream.iter_lines())
        assert next(found)[0] == "progress"
        match how:
            case "signed out":
                sessions.end(home.database, held)
            case "token revoked":
                tokens.revoke(home.database, 1, 1, WHO)
            case "role taken away":
                people.take(home.database, "person1", ANALYST, WHO)
            case _:
                people.disable(home.database, "person1", WHO)
        assert list(found) == []
    asked = httpx.get(f"{address}/jobs/{job}/events", headers=headers)
    assert asked.status_code == (403 if how == "role taken away" else 401)


def ended_job(home: Any) -> int:
    """A job that has ended, with three lines of log."""
    from commonweal.core.jobs import lease

    number = submit(home)
    with home.database.transaction() as session:
        lease.append_lines(session, number, ["one", "two", "three"])
        found = session.get(jobs.Job, number)
        found.state, found.finished = "succeeded", datetime.now(UTC)
    return number


def test_of_what_has_ended_there_is_one_event_and_the_end(home, site_of, reader_of):
    ada = reader_of(site_of(home), ANALYST)
    found = list(events(iter(ada.get(f"/jobs/{ended_job(home)}/events").text.split("\n"))))
    assert [event[:2] for event in found] == [("progress", "3"), ("end", None)]
    assert [line["text"] for line in found[0][2]["lines"]] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("asked", "headers", "lines"),
    [
        ("?after=1", {}, ["two", "three"]),
        ("?after=1", {"last_event_id": "2"}, ["three"]),
        ("", {"last_event_id": "3"}, []),
        ("", {"last_event_id": "x"}, ["one", "two", "three"]),
    ],
)
def test_a_reader_that_was_cut_off_goes_on_where_it_was(home, site_of, reader_of, asked, headers, lines):
    ada = reader_of(site_of(home), ANALYST)
    text = ada.get(f"/jobs/{ended_job(home)}/events{asked}", **headers).text
    assert [line["text"] for line in next(events(iter(text.split("\n"))))[2]["lines"]] == lines


def test_a_stream_says_that_it_lives_and_ends_after_a_while(home, site_of, reader_of, monkeypatch):
    for name, seconds in (("LOOK", 0.01), ("BEAT", 0.05), ("LONGEST", 0.4)):
        monkeypatch.setattr(event_stream, name, seconds)
    site = site_of(home)
    names = [
        name for name, *_ in events(iter(reader_of(site, ANALYST).get(f"/jobs/{submit(home)}/events").text.split("\n")))
    ]
    assert names[0] == "progress"
    assert set(names[1:]) == {"beat"}
    assert len(names) > 3
    assert len(site.app.state.streams) == 0


def test_the_head_of_a_stream_is_not_waited_for(home, site_of, reader_of):
    site, job = site_of(home), submit(home)
    held = reader_of(site, ANALYST).cookies[SESSION]
    begun = time.monotonic()
    answer = site.get(f"/jobs/{job}/events", "HEAD", cookie=f"{SESSION}={held}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert time.monotonic() - begun < 5
    assert len(site.app.state.streams) == 0


@pytest.mark.parametrize(
    ("grants", "status"), [((Grant(Role.VIEWER),), 403), ((Grant(Role.ANALYST, "mobility"),), 403)]
)
def test_whoever_may_not_follow_a_job_gets_no_stream_of_it(home, site_of, reader_of, grants, status):
    site, job = site_of(home), submit(home)
    assert reader_of(site, *grants).get(f"/jobs/{job}/events", accept="*/*").status_code == status
    assert site.get(f"/jobs/{job}/events").status_code == 401


def test_there_is_no_stream_of_what_is_not_there(home, site_of, reader_of):
    ada = reader_of(site_of(home), ANALYST)
    assert ada.get("/jobs/7/events", accept="*/*").status_code == 404
    assert ada.get("/jobs/99999999999999999999/events", accept="*/*").status_code == 422
