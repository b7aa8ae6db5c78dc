"""Every look at data about people is recorded before the answer leaves, in whatever form it is asked for."""

import asyncio
import csv
import io
import json
import threading

import pytest
from sqlalchemy import delete

from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, publish
from commonweal.core.errors import Unavailable
from commonweal.core.identity import Grant, Role, people, tokens
from commonweal.core.identity.looks import Looks, Wanted, looks
from commonweal.core.identity.models import LookRecord

WHO = "os:tester"
SHOWN = {("mobility.presence", 1), ("mobility.flows", 1), ("mobility.quality", 1)}
BY_ADDRESS = {
    "/": ("page", SHOWN),
    "/.json": ("json", SHOWN),
    "/.pdf": ("brief", SHOWN),
    "/mobility/presence": ("page", SHOWN),
    "/mobility/presence.json": ("json", SHOWN),
    "/mobility/presence/figures/map": ("figure", SHOWN),
    "/mobility/presence/figures/map.csv": ("figure, csv", SHOWN),
    "/mobility/presence/figures/map.svg": ("figure, svg", SHOWN),
    "/mobility/inside.json?areas=SL-W": ("json", SHOWN),
    "/mobility/flows.pdf": ("brief", {("mobility.flows", 1)}),
    "/mobility/homes": ("page", {("mobility.home", 1)}),
    "/mobility/quality/figures/states.xlsx": ("figure, xlsx", {("mobility.presence", 1), ("mobility.quality", 1)}),
    "/mobility/areas.geojson": ("geojson", {("mobility.presence", 1)}),
    "/catalog/mobility.flows/1": ("page", {("mobility.flows", 1)}),
    "/catalog/mobility.flows/1.json": ("json", {("mobility.flows", 1)}),
    "/catalog/mobility.flows/1/mobility.flows-1.parquet": ("parquet", {("mobility.flows", 1)}),
    "/catalog/mobility.home/1/mobility.home-1.csv": ("csv", {("mobility.home", 1)}),
}
NO_VALUES = (
    "/catalog",
    "/catalog.json",
    "/catalog.jsonld",
    "/catalog/mobility.flows",
    "/events",
    "/health",
    "/sign-in",
)


@pytest.fixture
def looked(published):
    """What was recorded since the test began."""
    with published.home.database.transaction() as session:
        session.execute(delete(LookRecord))
    return lambda **wanted: looks(published.home.database, Wanted(**wanted), 1000)


@pytest.mark.parametrize("address", BY_ADDRESS)
def test_every_form_of_what_is_published_is_a_look(site, looked, address):
    assert site.page(address).status_code == 200
    form, shown = BY_ADDRESS[address]
    assert {(look.dataset, look.version) for look in looked()} == shown
    assert {look.form for look in looked()} == {form}
    assert {look.name for look in looked()} == {None}, "anyone, since reading is open"


def test_what_is_read_from_a_release_is_what_was_recorded(site, looked, published):
    """Whatever label of a release stands in an answer beside values, the look at it is there."""
    for address in ("/.json", "/mobility/presence.json", "/mobility/inside.json?areas=SL-W", "/mobility/flows.json"):
        said = str(site.get(address).json())
        labels = {f"{look.dataset} {look.version}" for look in looked()}
        for release in (published.presence, published.flows, published.quality, published.homes):
            assert (f"'{release.label}'" not in said) or release.label in labels, address


@pytest.mark.parametrize("address", NO_VALUES)
def test_lists_without_values_are_no_looks(site, looked, address):
    assert site.page(address).status_code == 200
    assert looked() == []


def test_a_look_that_finds_nothing_new_is_a_look_and_one_that_is_refused_is_none(site, looked):
    known = site.get("/mobility/homes.json").headers["etag"]
    assert site.get("/mobility/homes.json", if_none_match=known).status_code == 304
    assert len(looked()) == 2
    for address in ("/mobility/presence.json?start=nonsense", "/catalog/mobility.home/99.json", "/mobility/nothing"):
        assert site.get(address).status_code >= 400
    assert len(looked()) == 2


def test_asking_for_the_head_alone_is_a_look(site, looked):
    assert site.get("/mobility/homes.json", "HEAD").status_code == 200
    assert len(looked()) == 1


def test_open_data_are_looked_at_without_a_record(home, site_of):
    rain = Dataset(
        name="mobility.rain",
        title="Rain",
        description="",
        dimensions=(Dimension("area", "string", ""),),
        measures=(Measure("depth", "integer", "", "mm", Kind.SUM),),
        privacy=Privacy.OPEN,
    )
    table = {"area": ["A"], "depth": [3], "depth_state": ["reported"]}
    import pyarrow as pa

    publish(
        home.settings, home.database, rain, pa.table(table), inputs=[Input("gauge", "ab" * 32, "file")],
        parameters={}, who=WHO,
    )  # fmt: skip
    assert site_of(home).get("/catalog/mobility.rain/1/mobility.rain-1.csv").status_code == 200
    assert looks(home.database, Wanted(), 10) == []


# Who ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_and_the_token_of_their_program_are_told_apart(closed, home, person, browsing, publish_more):
    publish_more(home)
    ada = person("ada", Grant(Role.VIEWER))
    token = tokens.issue(home.database, ada.number, "night job", ["read"], 1, WHO)
    browser = browsing(closed)
    browser.sign_in("ada")
    browser.get("/mobility/presence")
    closed.get("/mobility/presence.json", authorization=f"Bearer {token}")
    by_token, by_browser = looks(home.database, Wanted(), 10)
    assert (by_browser.name, by_browser.token, by_browser.form) == ("ada", None, "page")
    assert (by_token.name, by_token.token, by_token.form) == ("ada", "night job", "json")


def test_nothing_is_kept_of_where_a_reader_is():
    assert {column.name for column in LookRecord.__table__.columns} == {
        *("id", "at", "person_id", "token_id", "dataset", "version", "form", "agreement_id")
    }


async def parts_sent(app, path: str) -> list[dict]:
    """Ask as a server does; give whatever the application sends."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(b"host", b"localhost:8400")],
        "server": ("localhost", 8400),
        "client": ("127.0.0.1", 1),
    }
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


# Before the answer leaves ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_cannot_be_recorded_is_not_shown(site, published, monkeypatch):
    def refuse(*_):
        raise Unavailable("the disk is full")

    monkeypatch.setattr(Looks, "write", refuse)
    sent = asyncio.run(parts_sent(site.app, "/mobility/presence.json"))
    assert [part["type"] for part in sent] == ["http.response.start", "http.response.body"]
    assert json.loads(sent[1]["body"])["detail"].startswith("the disk is full")
    for address in ("/mobility/presence", "/catalog/mobility.home/1/mobility.home-1.csv", "/.json"):
        answer = site.get(address)
        assert answer.status_code == 503, address
        assert answer.json()["detail"].startswith("the disk is full")
    assert site.get("/catalog.json").status_code == 200, "what shows no values needs no record"


def test_a_look_is_on_disk_when_the_first_byte_arrives(served, published, looked):
    import httpx

    with httpx.stream("GET", f"{served}/catalog/mobility.presence/1/mobility.presence-1.csv") as answer:
        assert answer.status_code == 200
        [look] = looked()
    assert (look.dataset, look.form) == ("mobility.presence", "csv")


def test_many_readers_at_once_are_all_recorded(site, looked):
    def read() -> None:
        assert site.get("/mobility/homes.json").status_code == 200

    readers = [threading.Thread(target=read) for _ in range(12)]
    for each in readers:
        each.start()
    for each in readers:
        each.join()
    assert len(looked()) == 12


# Where they are shown ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def read_by_two(closed, home, reader_of, publish_all):
    """Somebody read presence, and somebody else flows."""
    publish_all(home)
    readers = [reader_of(closed, Grant(Role.VIEWER)) for _ in range(2)]
    readers[0].get("/catalog/mobility.presence/1.json")
    readers[1].get("/catalog/mobility.flows/1.json")
    return readers


@pytest.mark.parametrize("role", [Role.STEWARD, Role.ADMINISTRATOR])
def test_stewards_and_administrators_see_who_looked(closed, reader_of, read_by_two, home, role):
    overseer = reader_of(closed, Grant(role))
    shown = overseer.get("/administration/looks.json").json()
    assert [(look["who"], look["dataset"]) for look in shown["looks"]] == [
        ("person2", "mobility.flows"),
        ("person1", "mobility.presence"),
    ]
    assert "Kept for 400 days" in overseer.get("/administration/looks").text
    by_person = overseer.get("/administration/looks.json?person=person1").json()["looks"]
    assert [look["dataset"] for look in by_person] == ["mobility.presence"]
    by_dataset = overseer.get("/administration/looks.json?dataset=mobility.flows").json()["looks"]
    assert [look["who"] for look in by_dataset] == ["person2"]
    assert overseer.get("/administration/looks.json?person=nobody").json()["looks"] == []
    rows = list(csv.DictReader(io.StringIO(overseer.get("/administration/looks/figures/looks.csv").text)))
    assert len(rows) == 2
    assert len(looks(home.database, Wanted(), 10)) == 2, "looking at looks is none"


def test_long_lists_of_looks_come_in_pages_that_stay(closed, home, reader_of):
    from commonweal.core.identity.looks import Seen
    from commonweal.core.identity.visitor import READER

    writer = Looks(home.database, 400)
    writer.write(READER, [Seen("mobility.presence", n, "page") for n in range(1, 151)])
    overseer = reader_of(closed, Grant(Role.STEWARD))
    first = overseer.get("/administration/looks.json").json()
    writer.write(READER, [Seen("mobility.presence", 151, "page")])
    second = overseer.get(first["next"]).json()
    assert [look["version"] for look in first["looks"] + second["looks"]] == list(range(150, 0, -1))
    assert second["next"] is None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.AUTHOR, Role.APPROVER])
def test_nobody_else_sees_the_looks_of_others(closed, reader_of, read_by_two, role):
    somebody = reader_of(closed, Grant(role))
    for form in ("", ".json", ".pdf", "/figures/looks.csv"):
        assert somebody.get(f"/administration/looks{form}").status_code == 403


def test_everybody_sees_their_own(closed, read_by_two, home):
    first, second = read_by_two
    assert [look["dataset"] for look in first.get("/account.json").json()["looks"]] == ["mobility.presence"]
    assert "mobility.flows" in second.get("/account").text
    assert "mobility.presence" not in second.get("/account").text
    assert people.get(home.database, "person1").number == 1
