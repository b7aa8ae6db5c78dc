"""What attackers try: a test by the name of each attack, against the site as it is really put together or served.

That the identity provider's answer leads to no other site and is believed only when signed is in `single_sign_on`.
"""

from __future__ import annotations

import re
import socket
from datetime import UTC, date, datetime
from types import SimpleNamespace
from urllib.parse import quote, urlencode, urlsplit

import pytest

from commonweal.core import audit
from commonweal.core.identity import Grant, Role, agreements, attempts, looks, people, sessions, signing_in, tokens
from commonweal.core.identity.agreements import Terms
from commonweal.core.identity.secret import form_token
from commonweal.core.jobs import service as jobs
from commonweal.mobility.projects import Project, create_project
from commonweal.web.access import FORM, SESSION, UNSAFE

PASSWORD = "wind over still water"
WHO = "os:tester"
FOR_STEWARDS = ("/administration/agreements", "/administration/looks")
"""The part of the administration that stewards may see; `test_agreements` and `test_looks` say who may not."""
WITHOUT_A_FORM_TOKEN = ("/language",)
"""What changes nothing but the browser it was sent with; it must say that it comes from a page of this site."""


@pytest.fixture
def browser(closed, browsing):
    return browsing(closed)


@pytest.fixture
def log(home):
    """The audit log's last number: whatever changes something raises it."""

    def last() -> int:
        with home.database.reading() as session:
            return audit.end(session).sequence

    return last


def addresses_that_change(site) -> list[str]:
    """Give every address that takes a form, with 1 in place of its parameters."""
    changing = [route for route in site.app.router.routes if set(route.methods or ()) & set(UNSAFE)]
    return [re.sub(r"{\w+(:\w+)?}", "1", route.path) for route in changing]


# Session fixation ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_session_fixation_by_a_made_up_secret(browser, person, home):
    person("ada", Grant(Role.VIEWER))
    browser.cookies[SESSION] = "planted"
    browser.post("/sign-in", name="ada", password=PASSWORD)
    assert browser.cookies[SESSION] != "planted"
    assert sessions.identify(home.database, "planted") is None


def test_session_fixation_by_a_session_of_the_attackers_own(browser, person, home, browsing):
    person("mallory", Grant(Role.VIEWER))
    person("grace", Grant(Role.ADMINISTRATOR))
    attacker = browsing(browser.site)
    attacker.sign_in("mallory")
    browser.cookies[SESSION] = attacker.cookies[SESSION]
    browser.post("/sign-in", name="grace", password=PASSWORD)
    assert browser.get("/administration").status_code == 200
    assert attacker.get("/administration").status_code == 403
    assert sessions.identify(home.database, attacker.cookies[SESSION]).name == "Mallory"


def test_session_fixation_by_the_cookie_of_the_form(browser, person):
    person("grace", Grant(Role.ADMINISTRATOR))
    browser.cookies[FORM] = "planted"
    browser.sign_in("grace")
    assert FORM not in browser.cookies
    assert browser.post("/administration/people", form_token("planted"), name="mallory").status_code == 403


def test_session_fixation_across_a_new_password(browser, person, browsing):
    person("ada", Grant(Role.VIEWER))
    thief = browsing(browser.site)
    browser.sign_in("ada")
    thief.cookies = dict(browser.cookies)
    browser.post("/account/password", old=PASSWORD, password="rain over a tin roof", again="rain over a tin roof")
    assert browser.get("/catalog").status_code == 200
    assert thief.get("/catalog").status_code == 303


# Cross-site request forgery ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("token", "origin"),
    [
        ("", None),
        ("0" * 64, None),
        (form_token("guess"), None),
        (None, "https://evil.example"),
        (None, "null"),
        (None, "http://localhost:8401"),
        (None, "http://localhost:8400.evil.example"),
    ],
)
def test_cross_site_request_forgery_at_every_form(closed, reader_of, log, token, origin):
    victim = reader_of(closed, *(Grant(role) for role in Role))
    before = log()
    for address in addresses_that_change(closed):
        if origin is None and address in WITHOUT_A_FORM_TOKEN:
            continue
        said = {"origin": origin} if origin else {}
        answer = victim.post(address, token, name="mallory", role="administrator", **said)
        assert answer.status_code == 403, address
    assert log() == before


def test_cross_site_request_forgery_by_a_browser_that_says_only_what_site_asks(closed, reader_of, log):
    victim = reader_of(closed, *(Grant(role) for role in Role))
    before, form = log(), {"form_token": form_token(victim.cookies[SESSION]), "name": "mallory"}
    cookie = f"{SESSION}={victim.cookies[SESSION]}"
    for site in ("cross-site", "same-site"):
        for address in addresses_that_change(closed):
            assert closed.get(address, "POST", form, cookie=cookie, sec_fetch_site=site).status_code == 403, address
    assert log() == before


def test_cross_site_request_forgery_with_the_attackers_own_form(browser, person, browsing, home):
    person("mallory", Grant(Role.VIEWER))
    person("grace", Grant(Role.ADMINISTRATOR))
    attacker = browsing(browser.site)
    attacker.sign_in("mallory")
    browser.sign_in("grace")
    own = form_token(attacker.cookies[SESSION])
    assert browser.post("/administration/people", own, name="mallory2").status_code == 403
    assert {each.name for each in people.people(home.database)} == {"mallory", "grace"}


# Privilege escalation ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_privilege_escalation_to_administration(closed, reader_of, log, role):
    somebody = reader_of(closed, Grant(role))
    before = log()
    for route in closed.app.router.routes:
        if role is Role.STEWARD and route.path.startswith(FOR_STEWARDS):
            continue
        if route.path.startswith("/administration") or route.path == "/metrics":
            address = re.sub(r"{\w+(:\w+)?}", "1", route.path)
            ask = somebody.post if set(route.methods) & set(UNSAFE) else somebody.get
            assert ask(address).status_code == 403, address
    assert log() == before


def test_privilege_escalation_by_giving_oneself_a_role(browser, person, home):
    person("mallory", Grant(Role.VIEWER))
    browser.sign_in("mallory")
    more = {"role": "administrator", "domain": "", "area": "", "grants": "administrator", "person": "1"}
    browser.post("/administration/people/mallory/grant", **more)
    browser.post(
        "/account/password", old=PASSWORD, password="a sentence of her own", again="a sentence of her own", **more
    )
    browser.post("/account/tokens", name="mine", permission="read", days="1", **more)
    assert people.get(home.database, "mallory").grants == (Grant(Role.VIEWER),)


def test_privilege_escalation_by_a_token_that_asks_for_more_than_its_person_may(closed, home, person):
    viewer = person("mallory", Grant(Role.VIEWER))
    token = tokens.issue(home.database, viewer.number, "greedy", ["read", "administer", "run", "keep"], 1, WHO)
    for address in ("/administration.json", "/administration/audit.json", "/metrics", "/jobs.json"):
        assert closed.get(address, authorization=f"Bearer {token}").status_code == 403, address


def test_privilege_escalation_with_the_token_of_an_administrator_that_is_for_reading(closed, home, person, log):
    grace = person("grace", Grant(Role.ADMINISTRATOR))
    token = tokens.issue(home.database, grace.number, "reads", ["read"], 1, WHO)
    before = log()
    assert closed.get("/catalog.json", authorization=f"Bearer {token}").status_code == 200
    assert closed.get("/administration.json", authorization=f"Bearer {token}").status_code == 403
    for address in addresses_that_change(closed):
        assert closed.get(address, "POST", {"name": "x"}, authorization=f"Bearer {token}").status_code == 403, address
    assert log() == before


def test_privilege_escalation_by_anothers_token_number(browser, person, home, closed):
    grace = person("grace", Grant(Role.ADMINISTRATOR))
    person("mallory", Grant(Role.VIEWER))
    token = tokens.issue(home.database, grace.number, "script", ["administer"], 1, WHO)
    (held,) = tokens.tokens_of(home.database, grace.number)
    browser.sign_in("mallory")
    assert browser.post(f"/account/tokens/{held.number}/revoke").status_code == 404
    assert closed.get("/administration.json", authorization=f"Bearer {token}").status_code == 200


def test_a_role_that_was_taken_away_is_gone_from_sessions_and_tokens_at_once(browser, person, home, closed):
    analyst = person("ada", Grant(Role.ANALYST))
    token = tokens.issue(home.database, analyst.number, "script", ["follow"], 1, WHO)
    browser.sign_in("ada")
    assert browser.get("/jobs").status_code == 200
    people.take(home.database, "ada", Grant(Role.ANALYST), WHO)
    assert browser.get("/jobs").status_code == 403
    assert closed.get("/jobs.json", authorization=f"Bearer {token}").status_code == 403


# Area escalation ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "held",
    ["natural-earth:SL", "natural-earth:GN,SL/SL-W", "districts", "natural-earth:GN,SLX", "natural-earth:gn,sl"],
)
def test_area_escalation(closed, home, reader_of, log, held):
    """A role for some areas starts, shows and stops no work on others."""
    create_project(home.database, Project("both", area_set="natural-earth:GN,SL"), WHO)
    job = jobs.submit(home.database, "mobility.run", {"project": "both"}, WHO)
    somebody = reader_of(closed, Grant(Role.ANALYST, "mobility", held))
    before = log()
    assert somebody.post("/mobility/runs", project="both").status_code == 403
    assert somebody.post("/mobility/import", project="both", do="import", file="x.csv", mapping="m").status_code == 403
    assert somebody.get("/mobility/runs.json?project=both").status_code == 403
    for way in ("", ".json", "/events"):
        assert somebody.get(f"/jobs/{job}{way}").status_code == 403, way
    for change in ("cancel", "resume"):
        assert somebody.post(f"/jobs/{job}/{change}").status_code == 403, change
    assert somebody.get("/jobs.json").json()["jobs"] == []
    assert somebody.get("/mobility/runs.json").json()["runs"] == []
    assert jobs.get(home.database, job).state == "queued"
    assert log() == before


@pytest.mark.parametrize("held", ["natural-earth:GN,SL", "natural-earth:GN,LR,SL", "natural-earth", ""])
def test_a_role_for_just_these_areas_or_more_is_enough(closed, home, reader_of, held):
    """Or else the test before would say nothing."""
    create_project(home.database, Project("both", area_set="natural-earth:GN,SL"), WHO)
    somebody = reader_of(closed, Grant(Role.ANALYST, "mobility", held))
    answer = somebody.post("/mobility/runs", project="both")
    assert answer.status_code == 303
    assert somebody.get(answer.headers["location"]).status_code == 200


# Agreements stretched ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def agreed(closed, home, person, browsing, publish_all, publish_more):
    """Somebody who may read presence of two days, and a program of theirs."""
    publish_all(home)
    publish_more(home, first_day="2015-03-27", last_day="2015-03-28")
    mallory = person("mallory")
    days = {"first_day": date(2015, 3, 27), "last_day": date(2015, 3, 28)}
    terms = Terms(("mobility.presence",), "Bus lines", datetime.now(UTC).date(), **days)
    agreements.give(home.database, "mallory", terms, WHO)
    browser = browsing(closed)
    browser.sign_in("mallory")
    return SimpleNamespace(browser=browser, person=mallory)


def test_an_agreement_is_not_stretched_by_asking_in_another_way(agreed):
    assert agreed.browser.get("/catalog/mobility.presence/2.json").status_code == 200, "or else this would say nothing"
    for address in (
        "/catalog/mobility.presence/1.json",
        "/catalog/mobility.presence/1/mobility.presence-1.csv",
        "/catalog/mobility.presence/2/mobility.presence-1.csv",
        "/catalog/mobility.presence/02/../1.json",
        "/catalog/mobility.flows/1.json",
        "/catalog/mobility.flows/1/mobility.flows-1.parquet",
        "/catalog/mobility.quality/1.json",
        "/mobility/presence.json?release=1",
        "/mobility/presence/figures/map.csv?release=1&release=1",
        "/mobility/inside.json?release=1&areas=SL-W",
        "/mobility/flows.json?release=1",
        "/mobility/quality.json?release=1",
        "/mobility/areas.geojson?release=1",
    ):
        assert agreed.browser.get(address).status_code in (403, 404), address
    shown = str([agreed.browser.get(f"/mobility/presence{form}").text for form in ("", ".json", "?layer=flows")])
    for other in ("mobility.presence 1", "mobility.flows", "mobility.quality"):
        assert other not in shown


def test_an_agreement_is_for_reading_alone(agreed, log, closed, home):
    before = log()
    for address in ("/jobs", "/mobility/runs", "/mobility/import", "/administration", *FOR_STEWARDS, "/metrics"):
        assert agreed.browser.get(address).status_code == 403, address
    assert agreed.browser.post("/administration/agreements/1/withdraw").status_code == 403
    terms = {"name": "mallory", "purpose": "More", "datasets": "mobility.flows", "until": "2100-01-01"}
    assert agreed.browser.post("/administration/agreements", **terms).status_code == 403
    assert log() == before
    token = tokens.issue(home.database, agreed.person.number, "greedy", ["follow", "oversee"], 1, WHO)
    assert closed.get("/catalog/mobility.presence/2.json", authorization=f"Bearer {token}").status_code == 403


def test_a_look_is_recorded_whatever_is_said_of_who_asks(agreed, home):
    headers = {"x_forwarded_for": "10.0.0.1", "x_person": "1", "if_none_match": "*", "range": "bytes=0-0", "dnt": "1"}
    for form in (".json", ".pdf", "/figures/map.svg", "/figures/map"):
        agreed.browser.get(f"/mobility/presence{form}", **headers)
    agreed.browser.get("/catalog/mobility.presence/2/mobility.presence-2.csv", **headers)
    found = looks.looks(home.database, looks.Wanted(), 100)
    assert [look.form for look in found] == ["csv", "figure", "figure, svg", "brief", "json"]
    assert {(look.name, look.purpose, look.version) for look in found} == {("mallory", "Bus lines", 2)}


# Differencing by the API ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def cells(published):
    """Every value that is published of presence: (unit, start, area) and its value, None where there is none."""
    rows = published.presence.table(published.home.settings).to_pylist()
    return {(row["period"], f"{row['start']:%Y-%m-%dT%H:%M:%SZ}", row["area"]): row["subscribers"] for row in rows}


def inside(site, **asked: str) -> dict:
    return site.get(f"/mobility/inside.json?{urlencode(asked)}").json()["inside"]


def test_differencing_by_two_places_that_differ_by_one_area(site, published, cells):
    """What two answers differ by is the value that is published of that area, or nothing."""
    codes = sorted({area for _, _, area in cells})
    hidden = {published.few, published.nobody, published.unknown}
    assert hidden < set(codes)
    for start in ("2015-03-27T08:00", "2015-03-28"):
        for code in [*hidden, *codes[5:25:5]]:
            others = [each for each in codes[:20] if each != code]
            less, more = (
                inside(site, areas=",".join(others), start=start),
                inside(site, areas=",".join([*others, code]), start=start),
            )
            value = cells[more["period"]["unit"], more["period"]["start"], code]
            assert more["counts_together"] - less["counts_together"] == (value or 0), code
            assert more["subscribers_at_least"] == max(less["subscribers_at_least"], value or 0), code
            assert [each for each in more["areas"] if each not in less["areas"]] == [
                next(each for each in more["areas"] if each["code"] == code)
            ]
            assert next(each["subscribers"] for each in more["areas"] if each["code"] == code) == value


@pytest.mark.parametrize("where", ["-13.15,8.4", "-12.2,8.9", "-9.5,7.0", "-13.7,9.5"])
def test_differencing_by_places_drawn_ever_larger(site, cells, where):
    """A part of an area has no count of its own, so a place that grows within one learns nothing."""
    told: dict[str, set] = {}
    for radius in ("0.01", "0.5", "2", "5", "20", "60"):
        answer = inside(site, centre=where, radius=radius, start="2015-03-27T08:00")
        for each in answer["areas"]:
            told.setdefault(each["code"], set()).add(each["subscribers"])
            assert each["subscribers"] == cells["hour", answer["period"]["start"], each["code"]]
        counted = [each["subscribers"] for each in answer["areas"] if each["subscribers"] is not None]
        assert (answer["counts_together"], answer["subscribers_at_least"]) == (
            (sum(counted), max(counted)) if counted else (None, None)
        )
    assert all(len(values) == 1 for values in told.values())


def test_differencing_by_two_periods_that_overlap(site, cells):
    """There is no way to ask for a period of one's own: each answer is of one published period, or refused."""
    starts = ("2015-03-27T08:00", "2015-03-27T08:01", "2015-03-27T08:30", "2015-03-27T09:30%2B01:00", "2015-03-27")
    own = ("&end=2015-03-27T08:30", "&last=2015-03-28", "&hours=30", "&start=2015-03-28", "&period=week", "&day=&at=3")
    for start in starts:
        for more in ("", *own):
            for page in ("presence", "inside"):
                answer = site.get(f"/mobility/{page}.json?areas=GN-BF,SL-W&start={start}{more}")
                assert answer.status_code in (200, 404, 422), (start, more)
                if answer.status_code != 200:
                    continue
                shown = answer.json()[page]
                begins = datetime.fromisoformat(shown["period"]["start"]).astimezone(UTC)
                key = (shown["period"]["unit"], f"{begins:%Y-%m-%dT%H:%M:%SZ}")
                assert all(each["subscribers"] == cells[*key, each["code"]] for each in shown["areas"]), (start, more)


def test_differencing_by_figures_and_files(site, published, cells):
    """What a figure or a download gives of an area and a period is what the release gives, hidden where it hides."""
    for start in ("2015-03-27T08:00", "2015-03-28"):
        for page, figure in (("presence", "map"), ("inside", "inside")):
            query = f"start={start}&areas={published.few},SL-W"
            for row in site.get(f"/mobility/{page}/figures/{figure}.json?{query}").json()["rows"]:
                begins = datetime.fromisoformat(row["start"]).astimezone(UTC)
                unit = row.get("period") or ("hour" if "T" in start else "day")
                assert row["subscribers"] == cells[unit, f"{begins:%Y-%m-%dT%H:%M:%SZ}", row["area"]]
    over_time = site.get(f"/mobility/presence/figures/series.json?area={published.few}").json()["rows"]
    assert over_time
    assert {row["subscribers"] for row in over_time} == {None}
    for release in (published.presence, published.flows, published.homes, published.quality):
        lines = site.get(f"/catalog/{release.dataset}/1/{release.dataset}-1.csv").text.splitlines()
        assert lines[0].split(",") == list(release.schema.columns), "and no column of people"
        assert len(lines) == release.rows + 1


COUNTS = re.compile(r"subscribers(_at_least)?|counts_together|people|population|residents|persons|devices|events")


def counts_in(value, name: str = "") -> set[float]:
    """Every number of an answer that stands under a name of a count of people, unless it says it is modelled."""
    if isinstance(value, dict):
        if value.get("state") == "modelled":
            return set()
        return {found for key, each in value.items() for found in counts_in(each, key)}
    if isinstance(value, list):
        return {found for each in value for found in counts_in(each, name)}
    return {value} if COUNTS.fullmatch(name) and isinstance(value, int | float) else set()


def test_differencing_by_whatever_else_there_is(site, published, reader_of):
    """No address of the API gives a count of people that is not in a release: walked by the description itself."""
    releases = (published.presence, published.flows, published.homes, published.quality)
    known: set[float] = set()
    for release in releases:
        table = release.table(published.home.settings)
        for measure in release.schema.measures:
            known |= set(table.column(measure.name).to_pylist())
    analyst = reader_of(site, Grant(Role.ANALYST), Grant(Role.STEWARD))
    found = 0
    for path in site.get("/openapi.json").json()["paths"]:
        if path.endswith(".json") and "{" not in path.replace("{dataset}", "").replace("{version}", ""):
            for release in releases:
                address = path.replace("{dataset}", release.dataset).replace("{version}", "1")
                if "{" not in path and release is not releases[0]:
                    continue  # asked already
                for query in ("", "?area=SL-W", "?start=2015-03-27", "?day=2015-03-27"):
                    answer = analyst.get(address + query)
                    if answer.status_code == 200:
                        counted = counts_in(answer.json())
                        assert counted <= known, (address + query, sorted(counted - known)[:5])
                        found += len(counted)
    assert found > 100, "or else this would say nothing"


# Tokens used again ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_token_reuse_after_revocation(closed, home, person):
    ada = person("ada", Grant(Role.VIEWER))
    token = tokens.issue(home.database, ada.number, "script", ["read"], 1, WHO)
    assert closed.get("/catalog.json", authorization=f"Bearer {token}").status_code == 200
    tokens.revoke(home.database, ada.number, 1, WHO)
    assert closed.get("/catalog.json", authorization=f"Bearer {token}").status_code == 401


def test_token_and_session_reuse_after_the_person_was_disabled(closed, browser, home, person):
    person("grace", Grant(Role.ADMINISTRATOR))
    ada = person("ada", Grant(Role.VIEWER))
    token = tokens.issue(home.database, ada.number, "script", ["read"], 1, WHO)
    browser.sign_in("ada")
    people.disable(home.database, "ada", WHO)
    assert closed.get("/catalog.json", authorization=f"Bearer {token}").status_code == 401
    assert browser.get("/catalog").status_code == 303
    assert browser.sign_in("ada").status_code == 401
    people.enable(home.database, "ada", WHO)
    assert browser.get("/catalog").status_code == 303, "the session came back"


def test_session_reuse_after_signing_out(browser, person):
    person("ada", Grant(Role.VIEWER))
    browser.sign_in("ada")
    held = browser.cookies[SESSION]
    browser.post("/sign-out")
    browser.cookies[SESSION] = held
    assert browser.get("/catalog").status_code == 303


def test_link_reuse(browser, home, person):
    _, offered = people.create(home.database, "ada", "Ada", [Grant(Role.VIEWER)], WHO)
    browser.get(f"/welcome/{offered}")
    assert browser.post(f"/welcome/{offered}", password=PASSWORD, again=PASSWORD).status_code == 303
    assert browser.post(f"/welcome/{offered}", password="mallory was here", again="mallory was here").status_code == 404
    assert signing_in.with_password(home.database, "ada", PASSWORD, "here", 1)


# Brute force ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_brute_force_of_one_name(browser, person):
    person("ada", Grant(Role.VIEWER))
    codes = [browser.sign_in(name, "guess").status_code for name in ("ada", "Ada", " ADA ", "ada", "aDa")]
    assert codes == [401] * 5
    assert browser.sign_in("ada").status_code == 429, "the right password must wait too"


def test_brute_force_of_many_names_from_one_place(browser, person, monkeypatch):
    monkeypatch.setattr(attempts, "FROM_A_PLACE", 3)
    person("ada", Grant(Role.VIEWER))
    assert [browser.sign_in(f"name{number}", "guess").status_code for number in range(3)] == [401] * 3
    assert browser.sign_in("ada").status_code == 429


def test_brute_force_of_the_old_password(browser, person):
    person("ada", Grant(Role.VIEWER))
    browser.sign_in("ada")
    new = {"password": "a sentence of her own", "again": "a sentence of her own"}
    codes = [browser.post("/account/password", old="guess", **new).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


def test_brute_force_from_places_that_are_only_said(served):
    """No header of whoever asks says where they are, unless a proxy is set."""
    cookie, token = "f" * 43, form_token("f" * 43)
    codes = []
    for number in range(6):
        body = f"form_token={token}&name=nobody-of-this-name&password=guess"
        headers = [
            f"cookie: {FORM}={cookie}",
            f"origin: {served}",
            f"x-forwarded-for: 10.0.0.{number}",
            f"forwarded: for=10.0.0.{number}",
            "content-type: application/x-www-form-urlencoded",
        ]
        codes.append(raw(served, "POST", "/sign-in", headers, body)[0])
    assert codes == [401] * 5 + [429]


# Open redirects ────────────────────────────────────────────────────────────────────────────────────────────────────

ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "\x00/",
    "evil",
    "http:evil.example",
    "@evil.example",
    "/x\r\nset-cookie: evil=1",
    "",
]


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_open_redirect_by_signing_in(browser, person, wanted):
    person("ada", Grant(Role.VIEWER))
    assert browser.sign_in("ada", next=wanted).headers["location"] == "/"
    shown = browser.get(f"/sign-in?next={quote(wanted)}").text
    offered = re.findall(r'(?:name="next" value|<a href|action)="([^"]*)"', shown)
    assert "/" in offered
    assert not [address for address in offered if not re.match(r"/(?![/\\])|#", address)]


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_open_redirect_by_choosing_a_language(browser, wanted):
    answer = browser.post("/language", language="fr", next=wanted)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/..;/", "/%5cevil.example", "/\\evil.example"])
def test_open_redirect_by_the_path_of_a_page_that_needs_a_sign_in(served, path):
    for before in ("", "/administration", "/mobility"):
        status, headers, _ = raw(served, "GET", before + path, ["accept: text/html"])
        location = dict(headers).get("location", "/")
        assert status in (303, 404), (before, path)
        assert re.fullmatch(r"/(?![/\\]).*", location), location


# Header injection ──────────────────────────────────────────────────────────────────────────────────────────────────

BREAKS = [
    "%0d%0aset-cookie:%20evil=1",
    "%0aset-cookie:%20evil=1",
    "%0d",
    "%00",
    "%e5%98%8a%e5%98%8dset-cookie:%20evil=1",
]


@pytest.mark.parametrize("put", BREAKS)
def test_header_injection_by_an_address(served, put):
    addresses = [
        f"/sign-in?next=/x{put}",
        f"/account{put}",
        f"/account?x={put}",
        f"/administration/people/{put}",
        f"/mobility/presence/figures/map{put}.csv",
        f"/mobility/presence/figures/map.csv{put}",
        f"/mobility/presence/figures/map.csv?area=SL-W{put}",
        f"/mobility/presence.pdf?area={put}",
        f"/catalog/mobility.presence/1/mobility.presence-1.csv{put}",
        f"/catalog/{put}.json",
        f"/catalog/mobility.presence.json?page=1&x={put}",
        f"/static/site.css{put}",
    ]
    for address in addresses:
        status, headers, _ = raw(served, "GET", address, ["accept: text/html"])
        assert 200 <= status < 500, (address, status)
        for name, value in headers:
            assert name != "set-cookie" or "evil" not in value, address
            assert not re.search(r"[\r\n\x00]", value), address


@pytest.mark.parametrize("put", ["\r\nset-cookie: evil=1", "\nset-cookie: evil=1", "\x00", "é\r\n"])
def test_header_injection_by_a_form(browser, person, put):
    person("ada", Grant(Role.VIEWER))
    browser.get("/sign-in")
    answers = [
        browser.post("/language", language="fr" + put, next="/"),
        browser.post("/language", language="fr", next="/" + put),
        browser.post("/sign-in", name="ada" + put, password="guess", next="/" + put),
        browser.post("/sign-in", name="ada", password=PASSWORD, next="/" + put),
    ]
    for answer in answers:
        assert not any(re.search(r"[\r\n\x00]|evil", value) for value in answer.headers.values())


@pytest.mark.parametrize(
    "header", ["x-forwarded-host: evil.example", "x-forwarded-proto: https", "x-original-url: /administration"]
)
def test_header_injection_by_headers_of_a_proxy_that_is_none(served, header):
    plain, spoofed = (raw(served, "GET", "/catalog.jsonld", more) for more in ([], [header]))
    assert spoofed[0] == plain[0] == 200
    assert spoofed[2] == plain[2]


# Path traversal ────────────────────────────────────────────────────────────────────────────────────────────────────

UP = ["..", "%2e%2e", "%2e.", "%252e%252e", "..%00", "..;", "...."]
BETWEEN = ["/", "%2f", "%5c", "\\", "%252f", "//", "/./"]
INSIDE = [
    "/static",
    "/static/vendor",
    "/catalog/mobility.presence/1",
    "/catalog",
    "/mobility/presence/figures",
    "/figures",
    "/administration/backup",
]
WANTED = ["commonweal.toml", "etc/passwd", "keys/disclosure-signing.key"]


@pytest.mark.parametrize("inside", INSIDE)
def test_path_traversal(served, inside):
    """Tried over a connection, as a browser or a client that tidies addresses up would not."""
    for up in UP:
        for between in BETWEEN:
            for wanted in WANTED:
                path = f"{inside}/{between.join([up] * 3)}{between}{wanted}"
                status, headers, body = raw(served, "GET", path)
                assert status in (401, 404, 422), (path, status)
                assert "content-disposition" not in dict(headers), path
                assert b"root:" not in body, path


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "//etc/passwd", "/static//etc/passwd", "/static/%2fetc%2fpasswd", "file:///etc/passwd"]
)
def test_path_traversal_by_an_absolute_path(served, path):
    status, _, body = raw(served, "GET", path)
    assert status in (400, 404), path
    assert b"root:" not in body


@pytest.mark.parametrize(
    "name", ["../commonweal.toml", "/etc/passwd", "..\\x", "a/../../x", "x\x00.csv", "march/../../x"]
)
def test_path_traversal_out_of_the_inbox(closed, home, reader_of, name):
    create_project(home.database, Project("sample", area_set="natural-earth:SL"), WHO)
    home.settings.inbox.mkdir(exist_ok=True)
    somebody = reader_of(closed, Grant(Role.ANALYST))
    for said in (
        {"file": name},
        {"folder": name},
        {"file": "x.csv", "mapping": name},
        {"file": "x.csv", "cells": name},
    ):
        for do in ("look", "import"):
            answer = somebody.post("/mobility/import", project="sample", do=do, text="x = 1", **said)
            assert answer.status_code in (404, 422), (said, do)
            assert "root:" not in answer.text
    assert jobs.newest(home.database, 1) == []


# Over a connection ─────────────────────────────────────────────────────────────────────────────────────────────────


def raw(served: str, method: str, path: str, headers=(), body: str = "") -> tuple[int, list[tuple[str, str]], bytes]:
    """Send a request just as it is written; give status, headers (their names in small letters) and body."""
    host = urlsplit(served).netloc
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", "connection: close", *headers]
    lines.append(f"content-length: {len(body)}")
    request = "\r\n".join([*lines, "", body]).encode("latin-1")
    with socket.create_connection((urlsplit(served).hostname, urlsplit(served).port), timeout=30) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in rest]
    return int(first.split()[1]), [(name.lower(), value.strip()) for name, _, value in pairs], content
