"""Long work in a real browser: importing from the inbox, and following a job, with scripts and without."""

import re
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError as TookTooLong

from commonweal.core import jobs
from commonweal.core.catalog import datasets
from commonweal.core.identity import Grant, Role, sessions
from commonweal.core.jobs import failure, lease
from commonweal.domains import initialise
from commonweal.web import event_stream

pytestmark = pytest.mark.slow

WHO = "os:clerk"
ANALYST = Grant(Role.ANALYST)
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE = 60_000
LIVE = (Path(event_stream.__file__).parent / "static" / "live.js").read_text()
SILENT = int(re.search(r"const SILENT = ([\d_]+);", LIVE)[1].replace("_", ""))
"""Milliseconds after which the page takes a stream for lost."""


def submit(home: Any, kind: str, **parameters: Any) -> int:
    return jobs.submit(home.database, kind, parameters, WHO)


def state(page: Any) -> str:
    return page.inner_text("[data-live=state]")


def wait_for_state(page: Any, said: str) -> None:
    page.locator("[data-live=state]", has_text=re.compile(f"^{said}$")).wait_for(timeout=PATIENCE)


# From the inbox to a release ───────────────────────────────────────────────────────────────────────────────────────


def test_an_analyst_imports_from_the_inbox_follows_the_job_and_runs_the_measures(
    home, hand_over, server, signed_in, open_page
):
    hand_over(home)
    served, held = server(home), signed_in(home, ANALYST)
    page = open_page("/mobility/import", at=served.address, held=held)
    page.get_by_label("The whole folder march").check()
    page.get_by_label("Cells", exact=True).select_option("cells.csv")
    page.get_by_role("button", name="Look at the first file").click()
    page.get_by_role("heading", name="What march/2026-03-01.csv seems to be").wait_for()
    assert 'subscriber = "msisdn"' in page.input_value("#text")
    assert page.get_by_label("The whole folder march").is_checked()
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/jobs/1")
    wait_for_state(page, "succeeded")
    assert re.search(r"2026-03-01.csv: [\d,]+ rows, [\d,]+ accepted", page.inner_text("[data-live=log]"))
    page.goto(f"{served.address}/mobility/runs")
    assert re.search(r"[\d,]+ rows accepted", page.inner_text("#history tbody"))
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/jobs/2")
    wait_for_state(page, "succeeded")
    page.get_by_role("link", name="mobility.presence, release 1").click()
    assert page.inner_text("h1") == "Presence"
    assert {release.dataset for release in datasets(home.database)} >= {"mobility.presence", "mobility.flows"}


def test_an_analyst_imports_by_keyboard_alone_without_scripts(home, hand_over, server, signed_in, open_page):
    hand_over(home)
    page = open_page(
        "/mobility/import",
        at=server(home).address,
        held=signed_in(home, ANALYST),
        java_script_enabled=False,
    )

    def go_to(name: str) -> None:
        """Press Tab until what has that name is reached."""
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            if not focused.count():
                continue
            found = focused.evaluate("one => (one.labels?.[0] ?? one).textContent.trim()")
            if found.startswith(name):
                return
        raise AssertionError(f"nothing called {name} was reached")

    go_to("The whole folder march")
    page.keyboard.press("Space")
    go_to("Read by the mapping")
    page.keyboard.type("mapping")
    go_to("Cells")
    page.keyboard.type("cells")
    go_to("Import")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/1")
    assert jobs.get(home.database, 1).parameters["mapping"].endswith("/mapping.toml")
    wait_for_state(page, "succeeded")


# Following ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_job_is_followed_as_it_goes_on_and_the_page_loaded_once_at_its_end(home, server, signed_in, open_page):
    served, held = server(home), signed_in(home, ANALYST)
    job = submit(home, "trial.steps", steps=16, pause=0.25)
    page = open_page(f"/jobs/{job}", at=served.address, held=held)
    loads: list[str] = []
    page.on("load", lambda _: loads.append(page.url))
    seen = []
    while page.locator("progress").count() and len(seen) < 400:
        try:
            seen.append(
                (page.locator("progress").get_attribute("value", timeout=2000), page.locator(".log li").count())
            )
        except TookTooLong:  # it has ended since it was counted
            break
        page.wait_for_timeout(100)
    values = [float(value or 0) for value, _ in seen]
    assert len(set(values)) >= 3
    assert values == sorted(values)
    assert len({lines for _, lines in seen}) >= 3
    wait_for_state(page, "succeeded")
    assert page.locator(".log li").count() == 16
    assert re.fullmatch(r"\d\d:\d\d:\d\d step 16", page.locator(".log li").last.inner_text())
    page.wait_for_timeout(3500)  # more than the time between two questions
    assert len(loads) == 1


def test_what_a_job_says_while_it_is_followed_is_said_in_the_readers_language(home, server, signed_in, open_page):
    served, held = server(home), signed_in(home, ANALYST)
    job = submit(home, "trial.steps", steps=12_000, pause=0.0)
    page = open_page(f"/jobs/{job}", at=served.address, held=held, locale="fr-FR")
    page.locator("[data-live=count]", has_text=re.compile(r"^[\d\u202f]+ sur 12\u202f000 \(\d+\s%\)$")).wait_for()
    jobs.cancel(home.database, job, WHO)
    wait_for_state(page, "annulé")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_job_is_cancelled_and_taken_up_again(home, server, signed_in, open_page, javascript):
    served, held = server(home), signed_in(home, ANALYST)
    job = submit(home, "trial.wait")
    page = open_page(f"/jobs/{job}", at=served.address, held=held, java_script_enabled=javascript)
    wait_for_state(page, "running")
    page.get_by_role("button", name="Cancel the job").click()
    wait_for_state(page, "cancelled")
    page.get_by_role("button", name="Take it up again").click()
    wait_for_state(page, "running")
    assert jobs.get(home.database, job).attempts == 2


@pytest.mark.parametrize("javascript", [True, False])
def test_a_job_that_fails_shows_why(home, server, signed_in, open_page, javascript):
    served, held = server(home), signed_in(home, ANALYST)
    job = submit(home, "trial.refuse")
    page = open_page(f"/jobs/{job}", at=served.address, held=held, java_script_enabled=javascript)
    wait_for_state(page, "failed")
    assert "row 7: fewer than 15 people stand behind it." in page.inner_text(".card > .wrong")
    assert "What would be right: a larger area." in page.inner_text(".card > .wrong")


def test_without_scripts_a_reader_looks_again_by_hand_too(home, server, signed_in, open_page):
    served, held = server(home, worker="false"), signed_in(home, ANALYST)
    job = submit(home, "trial.steps", steps=1)
    page = open_page(f"/jobs/{job}", at=served.address, held=held, java_script_enabled=False)
    assert page.get_by_role("link", name="Look again").is_visible()
    with home.database.transaction() as session:
        session.get(jobs.Job, job).doing = "walking"
    page.get_by_role("link", name="Look again").click()
    page.get_by_text("walking").wait_for(timeout=4000)


def test_the_page_asks_now_and_then_where_no_stream_is_to_be_had(home, server, signed_in, open_page):
    served, held = server(home), signed_in(home, ANALYST)
    job = submit(home, "trial.steps", steps=60, pause=0.15)
    asked: list[tuple[str, int]] = []

    def note(answer: Any) -> None:
        asked.append((answer.url.rpartition("/")[2].partition("?")[0], answer.status))

    page = open_page("/catalog", at=served.address, held=held, may_fail=True)
    page.on("response", note)
    page.route("**/events*", lambda route: route.fulfill(status=503, body=""))
    page.goto(f"{served.address}/jobs/{job}")
    wait_for_state(page, "succeeded")
    polls = [status for name, status in asked if name == f"{job}.json"]
    assert 2 <= len(polls) <= 8
    assert set(polls) <= {200, 304}


ABORTING = """AbortSignal.timeout = milliseconds => {
    const aborting = new AbortController();
    setTimeout(() => aborting.abort(new DOMException("too late", "TimeoutError")), milliseconds);
    return aborting.signal;
}"""
"""Has requests time out by the clock of the page, which a test puts forward."""


def test_a_lost_connection_is_said_with_the_time_of_what_is_shown_and_found_again(home, server, signed_in, open_page):
    served, held = server(home, worker="false"), signed_in(home, ANALYST)
    job = submit(home, "trial.wait")
    page = open_page("/catalog", at=served.address, held=held, may_fail=True)
    page.clock.install()
    page.add_init_script(ABORTING)
    with page.expect_response("**/events*"):
        page.goto(f"{served.address}/jobs/{job}")
    page.locator("[data-live=note]", has_text=re.compile("^$")).wait_for(state="attached")
    served.process.send_signal(signal.SIGSTOP)
    said = page.locator("[data-live=note]", has_text=re.compile(r"^The connection is lost. What is shown is from \d"))
    try:
        page.clock.fast_forward(SILENT - 5_000)
        assert not page.locator(".live.lost").count()
        with page.expect_request(f"**/jobs/{job}.json*"):
            page.clock.fast_forward(6_000)
        page.clock.fast_forward(31_000)
        said.wait_for(timeout=10_000)
        assert page.locator(".live.lost").count() == 1
    finally:
        served.process.send_signal(signal.SIGCONT)
    page.locator(".live:not(.lost)").wait_for(timeout=PATIENCE)
    assert page.inner_text("[data-live=note]") == ""


def test_whoever_may_no_longer_follow_is_told_so(home, server, signed_in, open_page):
    served, held = server(home, worker="false"), signed_in(home, ANALYST)
    job = submit(home, "trial.wait")
    page = open_page(f"/jobs/{job}", at=served.address, held=held, may_fail=True)
    page.wait_for_timeout(1500)
    sessions.end(home.database, held)
    page.get_by_text("This may no longer be followed. Load the page again.").wait_for(timeout=PATIENCE)


def test_a_page_that_nobody_looks_at_holds_no_stream(home, server, signed_in, open_page):
    served, held = server(home, worker="false"), signed_in(home, ANALYST)
    job = submit(home, "trial.wait")
    page = open_page(f"/jobs/{job}", at=served.address, held=held)
    asked: list[str] = []
    page.wait_for_load_state("load")
    page.wait_for_timeout(1000)
    page.on("request", lambda request: asked.append(request.url))
    look = """hidden => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(look, True)
    page.wait_for_timeout(4000)
    assert asked == []
    page.evaluate(look, False)
    page.wait_for_timeout(1000)
    assert [address.partition("?")[0] for address in asked] == [f"{served.address}/jobs/{job}/events"]


# Every page ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def at_work(hand_over, serve, tmp_path_factory):
    """A home whose one job is half done and whose other has failed, and the address at which it is served."""
    folder = tmp_path_factory.mktemp("at_work")
    home = initialise(folder / "data", folder / "keys")
    hand_over(home)
    number, failed = (submit(home, f"mobility.{kind}", project="sample") for kind in ("import", "run"))
    with home.database.transaction() as session:
        lease.append_lines(session, number, ["2026-03-01.csv: 100 rows, 99 accepted, 1 rejected (duplicate 1)"] * 30)
        job = session.get(jobs.Job, number)
        job.done, job.total, job.doing = 40, 100, "sorting"
        job = session.get(jobs.Job, failed)
        job.state, job.error = "failed", failure.describe(ValueError("x"))
    yield SimpleNamespace(home=home, address=serve(home, worker="false"), half_done=number, failed=failed)
    home.database.close()


@pytest.mark.parametrize(
    ("locale", "scheme", "width"), [("en", "light", 1280), ("fr", "dark", 360), ("ar-XB", "light", 360)]
)
def test_no_page_of_the_work_has_an_accessibility_violation(at_work, signed_in, open_page, locale, scheme, width):
    """In the states that the whole site, every page of which is read elsewhere, does not show."""
    held = signed_in(at_work.home, ANALYST)
    options = {"color_scheme": scheme, "extra_http_headers": {"accept-language": locale}}
    of_jobs = ("/jobs", f"/jobs/{at_work.half_done}", f"/jobs/{at_work.failed}")
    for address in (*of_jobs, "/mobility/runs", "/mobility/import"):
        page = open_page(address, width, at=at_work.address, held=held, **options)
        if address == "/mobility/import":
            page.locator("[name=folder]").check()
            page.locator("button[value=look]").click()
            page.locator("#looked").wait_for()
        found = Axe().run(page, options={"runOnly": LEVELS, "resultTypes": ["violations"]})
        assert found.response["violations"] == [], (address, found.generate_snapshot())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_the_stream_gives_signs_of_life_before_the_page_takes_it_for_lost():
    assert SILENT >= 2 * 1000 * event_stream.BEAT
