"""Who is answered, what a browser is told to forbid, and how errors look."""

import re

import pytest

from commonweal.core.errors import Refused
from commonweal.web.assets import FOLDER, asset
from commonweal.web.guard import LOOPBACK, is_named, refuse_in_the_clear

ANSWERS = ["/", "/.json", "/health", "/catalog", "/nothing", "/?start=nonsense", asset("site.css"), "/openapi.json"]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_request_addressed_to_another_name_is_turned_away(site, host):
    answer = site.get("/.json", host=host)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "mobility" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8400", "127.0.0.1:1", "[::1]", "[::1]:8400", "LOCALHOST"])
def test_this_machine_may_be_called_by_each_of_its_names(site, host):
    assert site.get("/health", host=host).status_code == 200


@pytest.mark.parametrize("host", ["localhost:", "localhost:x", "local host", "user@localhost", "[localhost", "::1"])
def test_a_host_header_that_is_none_names_nothing(host):
    assert not is_named(host, LOOPBACK)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "", "localhost.example.org"])
def test_an_address_that_others_could_reach_is_refused_in_the_clear(home, host):
    with pytest.raises(Refused, match="read every password"):
        refuse_in_the_clear(home.settings.served(host))


def test_what_is_published_is_open_until_others_are_served_or_it_is_said(home):
    settings, certificate = home.settings, home.settings.data / "certificate.pem"
    assert settings.open_reading
    assert settings.served("localhost", 8500).open_reading
    assert not settings.served("0.0.0.0", certificate=certificate).open_reading
    said = settings.model_copy(update={"open_reading": True})
    assert said.served("0.0.0.0", certificate=certificate).open_reading
    assert not settings.model_copy(update={"open_reading": False}).served("127.0.0.1").open_reading


def test_over_tls_it_is_served_by_the_name_people_type(home, tmp_path):
    certificate = tmp_path / "certificate.pem"
    refuse_in_the_clear(home.settings.served("0.0.0.0", certificate=certificate))
    proxied = home.settings.served("10.0.0.2").model_copy(update={"proxy": "10.0.0.1"})
    with pytest.raises(Refused, match="by https"):
        refuse_in_the_clear(proxied)
    refuse_in_the_clear(proxied.model_copy(update={"address": "https://commonweal.example"}))


def test_the_site_is_heard_by_the_name_that_its_address_says(home, site_of):
    site = site_of(home, address="https://commonweal.example")
    answer = site.get("/health", host="commonweal.example")
    assert (answer.status_code, "max-age" in answer.headers["strict-transport-security"]) == (200, True)
    assert site.get("/health", host="evil.example").status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "LocalHost"])
def test_an_address_of_this_machine_alone_is_not(home, host):
    refuse_in_the_clear(home.settings.served(host))


@pytest.mark.parametrize("address", ANSWERS)
def test_every_answer_forbids_what_the_site_does_not_need(site, address):
    headers = site.page(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "set-cookie" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("address", ["/", "/catalog.json", "/health"])
def test_nothing_can_be_changed(site, method, address):
    answer = site.get(address, method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("address", ["/", "/catalog.json", "/health", asset("site.css"), "/nothing"])
def test_head_is_get_without_the_body(site, address):
    get, head = site.get(address), site.get(address, "HEAD")
    assert head.status_code == get.status_code
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.content == b""


def test_a_person_reads_a_sentence_and_a_program_a_problem(site):
    person, program = site.page("/nothing"), site.get("/nothing", accept="application/json")
    assert person.headers["content-type"] == "text/html; charset=utf-8"
    assert "there is no such page or file" in person.text
    assert program.json() | {"detail": ""} == {
        "type": "urn:commonweal:problem:NotFound",
        "title": "Not found",
        "status": 404,
        "detail": "",
        "instance": "/nothing",
    }


def test_an_unexpected_error_says_nothing_of_its_inside_and_keeps_the_headers(site, site_of):
    def broken():
        raise RuntimeError("a line with the number +232 76 123456")

    broken_site = site_of(site.home)
    broken_site.app.add_api_route("/broken", broken)
    answer = broken_site.get("/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "123456" not in answer.text
    assert "content-security-policy" in answer.headers


def test_nothing_on_any_page_or_in_any_asset_names_another_host(site):
    for address in ("/", "/catalog", "/catalog/mobility.presence", "/nothing"):
        markup = site.page(address).text
        assert not re.search(r'(?:src|href|action)="(?:[a-z]+:)?//', markup)
    for file in FOLDER.rglob("*.css"):
        assert not re.search(r"url\(|@import", file.read_text())


def test_the_server_lives_and_is_ready(site):
    assert site.get("/health").json() == {"status": "alive"}
    ready = site.get("/health/ready")
    assert ready.json() == {"status": "ready", "checks": {"database": "ready", "lake": "ready", "keys": "ready"}}


def test_not_ready_says_which_part_is_missing(home, empty_site):
    (home.settings.keys / "disclosure-signing.pub").rename(home.settings.keys / "elsewhere")
    answer = empty_site.get("/health/ready")
    assert answer.status_code == 503
    assert "disclosure public key is missing" in answer.json()["checks"]["keys"]
    assert answer.json()["checks"]["lake"] == "ready"


def test_a_lake_that_is_gone_is_noticed(home, empty_site):
    home.settings.lake.rename(home.settings.data / "elsewhere")
    assert "cannot be read" in empty_site.get("/health/ready").json()["checks"]["lake"]


def test_the_api_describes_itself(site):
    described = site.get("/openapi.json").json()
    assert {"/health", "/health/ready", "/.json", "/catalog.json", "/catalog/{dataset}.json"} <= set(described["paths"])
    assert "/" not in described["paths"]
    assert site.get("/redoc").status_code == 404
