"""What the server tells those who look after it, and what it never tells."""

import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from commonweal.core import audit_head
from commonweal.core.identity import Grant, Role, people, tokens
from commonweal.core.jobs.service import submit


@pytest.fixture
def scraped(home, site_of):
    """Ask for addresses, then for the metrics as Prometheus does: each sample by its name and labels."""
    person, _ = people.create(home.database, "prometheus", "Prometheus", [Grant(Role.ADMINISTRATOR)], "os:tester")
    token = tokens.issue(home.database, person.number, "scrape", ["administer"], 1, "os:tester")
    site = site_of(home)

    def scrape(*addresses):
        for address in addresses:
            site.get(address)
        said = site.get("/metrics", authorization=f"Bearer {token}")
        assert said.status_code == 200
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(said.text)
            for sample in family.samples
        }

    return scrape


def test_requests_are_counted_by_route_and_never_by_address(scraped):
    found = scraped("/catalog/some.dataset", "/catalog/other.dataset", "/no-such-page", "/health")
    of_datasets = ("commonweal_requests_total", ("method", "GET"), ("route", "/catalog/{dataset}"), ("status", "404"))
    assert found[of_datasets] == 2
    assert found[("commonweal_requests_total", ("method", "GET"), ("route", "none"), ("status", "404"))] == 1
    assert found[("commonweal_request_seconds_count", ("route", "/health"))] == 1
    assert "some.dataset" not in str(found)


def test_jobs_and_the_head_of_the_log_are_told(scraped, home):
    submit(home.database, "test.work", {}, "os:tester")
    found = scraped()
    assert found[("commonweal_jobs", ("state", "queued"))] == 1
    assert found[("commonweal_audit_head",)] == audit_head.read(home.settings.keys).sequence > 0


def test_metrics_are_for_administrators(home, site_of):
    assert site_of(home).get("/metrics").status_code == 401


def test_a_line_of_the_request_log_says_nothing_about_who_asked(home, site_of, caplog):
    caplog.set_level(logging.INFO, "commonweal.requests")
    site_of(home).get("/catalog/secret.dataset?x=personal", cookie="a=b", user_agent="browser of somebody")
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "commonweal.requests"]
    assert line.keys() == {"at", "method", "route", "status", "milliseconds"}
    assert (line["route"], line["status"]) == ("/catalog/{dataset}", 404)


def test_what_is_kept_for_one_reader_is_not_anothers(home, site_of):
    for encoding in ("gzip", "identity"):
        answer = site_of(home).get("/catalog", accept="text/html", accept_encoding=encoding)
        assert {"cookie", "authorization", "accept"} <= {
            part.strip().lower() for part in answer.headers["vary"].split(",")
        }
