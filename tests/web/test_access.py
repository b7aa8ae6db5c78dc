"""Who gets in where: every route says what it needs, and nobody gets past it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.routing import Route

from commonweal.core.identity import Grant, Role, people, signing_in, tokens
from commonweal.core.identity.roles import ALLOWED
from commonweal.web.access import SESSION, UNSAFE, Access, access_of, posted, posted_without_token

PASSWORD = "wind over still water"
WHO = "os:tester"


@pytest.fixture
def browser(closed, browsing):
    return browsing(closed)


def routes_of(site) -> Iterator[Route]:
    for route in site.app.router.routes:
        assert isinstance(route, Route), f"{route} is of a kind that no gate stands before"
        yield route


# Every route ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_route_says_what_it_needs(closed):
    assert [route.path for route in routes_of(closed) if access_of(route) is None] == []


def test_every_route_that_changes_something_checks_its_form(closed):
    for route in routes_of(closed):
        if set(route.methods or ()) & set(UNSAFE):
            asked = {dependency.call for dependency in route.dependant.dependencies}
            assert posted_without_token in asked if route.path == "/language" else posted in asked, route.path


def test_a_route_that_says_nothing_is_closed_to_everyone(home, site_of, person, browsing):
    from commonweal.web import access

    site = site_of(home)
    site.app.router.routes.append(access.guarded(Route("/forgotten", lambda request: None), ""))
    person("grace", Grant(Role.ADMINISTRATOR))
    browser = browsing(site)
    browser.sign_in("grace")
    assert browser.get("/forgotten").status_code == 403


def addresses(site) -> list[tuple[str, str, Access]]:
    found = []
    for route in routes_of(site):
        access = access_of(route)
        assert access
        address = re.sub(r"{(\w+)(:\w+)?}", "1", route.path)
        found += [(method, address, access) for method in sorted((route.methods or {"GET"}) - {"HEAD"})]
    return found


GRANTS = {
    "stranger": (),
    "viewer": (Grant(Role.VIEWER),),
    "analyst": (Grant(Role.ANALYST, "mobility", "natural-earth:SL"),),
    "steward": (Grant(Role.STEWARD),),
    "administrator": (Grant(Role.ADMINISTRATOR),),
}


@pytest.mark.parametrize("name", GRANTS)
def test_nobody_gets_past_what_a_route_needs(closed, person, name, browsing):
    person(name, *GRANTS[name])
    browser = browsing(closed)
    browser.sign_in(name)
    for method, address, access in addresses(closed):
        if address == "/sign-out" or address.startswith("/catalog/1"):
            continue
        answer = browser.get(address) if method == "GET" else browser.post(address)
        domains = ("", address.split("/")[1])
        counted = [grant for grant in GRANTS[name] if access.in_any_domain or grant.domain in domains]
        opens = {access.permission, access.otherwise}
        if access.permission and not any(opens & ALLOWED[grant.role] for grant in counted):
            assert answer.status_code == 403, (method, address)
        else:
            assert answer.status_code != 403, (method, address, answer.text)


def test_whoever_did_not_sign_in_sees_nothing_of_a_closed_site(closed):
    for method, address, access in addresses(closed):
        if access.permission is None and not access.signed_in:
            continue
        answer = closed.get(address, method)
        assert (answer.status_code, answer.json()["title"]) == (401, "Sign in first"), (method, address)


def test_where_reading_is_open_only_what_is_published_is(home, site_of):
    site = site_of(home)
    assert site.get("/catalog.json").status_code == 200
    for address in ("/administration", "/administration/audit.json", "/account"):
        assert site.get(address).status_code == 401, address


def test_somebody_with_a_role_in_one_domain_sees_that_domain_alone(published, site_of, browsing):
    """Privilege escalation, from one domain to another."""
    site, database = site_of(published.home, open_reading=False), published.home.database
    for name, domain, sees in (("in.mobility", "mobility", True), ("in.alerting", "alerting", False)):
        _, offered = people.create(database, name, name, [Grant(Role.VIEWER, domain)], WHO)
        signing_in.with_link(database, offered, PASSWORD, 12)
        browser = browsing(site)
        browser.sign_in(name)
        assert ("mobility.presence" in browser.get("/catalog.json").text) is sees
        assert (browser.get("/.json").json() != {}) is sees
        for address in (
            "/catalog/mobility.presence",
            "/catalog/mobility.presence/1",
            "/catalog/mobility.presence.json",
        ):
            assert browser.get(address).status_code == (200 if sees else 403), address
        file = "/catalog/mobility.presence/1/mobility.presence-1.csv"
        assert browser.get(file).status_code == (200 if sees else 403)
        assert ("mobility.presence" in browser.get("/catalog.jsonld").text) is sees


# Signing in ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_needs_a_sign_in_leads_there_and_back(browser, person):
    person("ada", Grant(Role.VIEWER))
    answer = browser.get("/catalog?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/catalog%3Fx%3D1")
    form = browser.get(answer.headers["location"])
    assert 'name="next" value="/catalog?x=1"' in form.text
    answer = browser.post("/sign-in", name="ada", password=PASSWORD, next="/catalog?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/catalog?x=1")
    assert "Ada" in browser.get("/catalog").text


def test_cookies_are_for_this_site_alone(browser, person):
    person("ada", Grant(Role.VIEWER))
    answer = browser.sign_in("ada")
    (line,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{SESSION}=")]
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(line.split("; "))
    assert "domain" not in line.lower()
    assert answer.headers["cache-control"] == "no-store"


def test_the_first_administrator_comes_by_the_link(browser, home):
    offered = signing_in.offer_first_link(home.database)
    assert "Become the administrator" in browser.get(f"/welcome/{offered}").text
    wrong = browser.post(f"/welcome/{offered}", name="grace", password=PASSWORD, again="another")
    assert (wrong.status_code, "differ" in wrong.text) == (422, True)
    answer = browser.post(f"/welcome/{offered}", name="grace", password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 303
    assert "Who can sign in" in browser.get("/administration").text
    assert browser.get(f"/welcome/{offered}").status_code == 404


# Tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_that_does_not_work_is_told_so_even_where_reading_is_open(home, site_of):
    assert site_of(home).get("/catalog.json", authorization="Bearer cw_wrong").status_code == 401


def test_a_token_is_shown_once_and_revoked_by_its_person(browser, person, home):
    ada = person("ada", Grant(Role.VIEWER))
    browser.sign_in("ada")
    shown = browser.post("/account/tokens", name="night job", permission="read", days="30")
    (token,) = re.findall(r"cw_[\w-]+", shown.text)
    assert token not in browser.get("/account").text
    assert browser.site.get("/catalog.json", authorization=f"Bearer {token}").status_code == 200
    browser.post(f"/account/tokens/{tokens.tokens_of(home.database, ada.number)[0].number}/revoke")
    assert browser.site.get("/catalog.json", authorization=f"Bearer {token}").status_code == 401


def test_a_role_for_one_area_set_opens_what_is_about_it_and_nothing_else(published, site_of, browsing):
    home = published.home
    others = signed_in_for(home, "lena", "natural-earth:NP")
    theirs = signed_in_for(home, "lars", published.presence.area_set)
    site = site_of(home, open_reading=False)
    for name, held, status in (("lena", others, 403), ("lars", theirs, 200)):
        browser = browsing(site)
        browser.cookies[SESSION] = held
        for address in (
            "/mobility/presence.json?release=1",
            "/mobility/flows.json?release=1",
            "/mobility/homes.json?release=1",
            "/mobility/quality.json?release=1",
            "/mobility/areas.geojson?release=1",
            "/catalog/mobility.presence.json",
            "/catalog/mobility.presence/1.json",
            "/catalog/mobility.presence/1/mobility.presence-1.csv",
            "/catalog/mobility.quality/1/mobility.quality-1.csv",
        ):
            assert browser.get(address).status_code == status, (name, address)
        listed = browser.get("/catalog.json").json()["datasets"]
        described = browser.get("/catalog.jsonld").json()["@graph"]
        assert bool(listed) is bool(len(described[0]["dcat:dataset"])) is (status == 200)
        assert (browser.get("/mobility/presence.json").json()["presence"] is None) is (status != 200)
        assert (browser.get("/.json").json()["mobility"]["presence"] is None) is (status != 200)


def signed_in_for(home, name, area):
    """Make a viewer in mobility for an area set; give the secret of a session."""
    _, offered = people.create(home.database, name, name.title(), [Grant(Role.VIEWER, "mobility", area)], "os:tester")
    return signing_in.with_link(home.database, offered, "wind over still water", 12)
