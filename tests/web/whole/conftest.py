"""The whole site: something on every page, somebody of each role, and every address that people can look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.routing import Match, Route

from commonweal.core.areas import load
from commonweal.core.backup import service as backing_up
from commonweal.core.catalog import latest
from commonweal.core.console import Home
from commonweal.core.identity import Grant, Permission, Role, agreements, people, signing_in, tokens
from commonweal.core.identity.agreements import Terms
from commonweal.core.identity.roles import ALLOWED
from commonweal.core.identity.visitor import Visitor
from commonweal.core.jobs import service as jobs
from commonweal.core.jobs.models import Job
from commonweal.disclosure.ledger.budgets import set_budget
from commonweal.disclosure.releasing.proposals import Proposal
from commonweal.domains import ROOMS, initialise
from commonweal.mobility.asking import Asked, import_from_inbox
from commonweal.mobility.measures import border_crossings, radius_of_gyration
from commonweal.mobility.scaling.publishing import publish_population
from commonweal.mobility.walks.distributing import DISTANCES
from commonweal.web.access import SESSION, Access, access_of

DAYS = (date(2026, 3, 1), date(2026, 3, 4))
"""What is published: the days that the examples of the API's description are of."""
SIGNED_OUT = "signed out"
ROLES = {"viewer": Role.VIEWER, "analyst": Role.ANALYST, "administrator": Role.ADMINISTRATOR}
READERS = (SIGNED_OUT, *ROLES)
ALL_RIGHTS = "all rights"

BACKUP = "2026-03-02T081502Z"

PLACES = {
    "/catalog/{dataset}": "mobility.presence",
    "/catalog/{dataset}/{version}": "1",
    "/administration/people/{name}": "ada",
    "/administration/backup/{name}": BACKUP,
    "/jobs/{job}": "1",
    "/docs/{page}": "privacy",
}
"""What stands in place of a parameter of a path. A new one needs its line here: then its pages are walked too."""
WITHOUT_A_PROVIDER = ("/sign-in/provider", "/sign-in/provider/callback")
"""What says that there is nothing, since no identity provider is set."""
ALSO = {
    "/nothing": 404,
    "/mobility/presence?start=nonsense": 422,
    "/mobility/presence?start=2026-03-02T14:00Z&layer=flows&area=SL-W": 200,
    "/mobility/presence?start=2026-03-02&sort-map=-subscribers": 200,
    "/mobility/flows?day=2026-03-02&area=SL-W": 200,
    "/mobility/changes?table=flows&to=2026-03-03&like=any&area=SL-W": 200,
    "/mobility/changes?to=2026-03-03&like=any&beside=mobility.home": 200,
    "/mobility/movement?area=SL-W": 200,
    "/mobility/borders?table=border_crossings&day=2026-03-02&country=GN": 200,
    "/mobility/presence?beside=mobility.home": 200,
    "/mobility/models?population=mobility.population&model=opportunities": 200,
    "/mobility/scale?table=mobility.home&method=area-ratio": 200,
    "/mobility/rake?destinations=mobility.population&area=SL-W": 200,
    "/administration/audit?verify=true": 200,
    "/mobility/inside?areas=SL-W&polygon=-13.3,8.1+-12.9,8.1+-12.9,8.6&centre=-8.8,7.75&radius=20": 200,
    "/jobs/2": 200,
    "/disclosure/ledger?verify=true": 200,
    "/disclosure/proposals/0000": 404,
}
"""What else is looked at, with its status: mistakes, and pages that show most when they are asked for it."""

ABOUT = ("people", "first", "last")
CHOICE = {"cells": 0.9, "people": 0.99, "error": 0.01, "worst": 0.05, "narrowest": 14, "recovered": 0, "spent": None}
COMPARED = {
    "people": "mobility/lockdown",
    "first": "2026-03-01",
    "last": "2026-03-04",
    "choices": [
        {"rule": rule, "parameters": {"k": 15}, "membership": 0.52, "safe": rule != "naive", **CHOICE}
        for rule in ("naive", "threshold")
    ],
    "curve": [{"epsilon": each, "error": 0.03 / each, "worst": 0.1 / each, "cells": 106} for each in (0.1, 1.0, 3.0)],
}
"""What a comparison of rules gave."""


@dataclass(frozen=True)
class Page:
    """An address that people look at."""

    address: str
    access: Access
    status: int = 200

    def answer_to(self, reader: str) -> int:
        """Give the status that a reader should get; 303 leads to the sign-in page."""
        if self.access.permission not in (None, Permission.READ):
            if reader == SIGNED_OUT:
                return 303
            if not {self.access.permission, self.access.otherwise} & ALLOWED[ROLES[reader]]:
                return 403
        if self.access.signed_in and reader == SIGNED_OUT:
            return 303
        return self.status


FILES = {"/mobility/report/page", "/docs/images/{name}"}
"""What is written in HTML to be taken along, or a picture, and no page of the site: it is tested where it is made."""


def publish_walks_and_borders(home: Home, publish_counts: Callable[..., Any]) -> None:
    """Publish one distribution, and crossings of three days."""
    starts = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
    codes = load(home.database, "natural-earth:GN,LR,SL").codes
    edges = zip(DISTANCES.edges[:-1], DISTANCES.edges[1:], strict=True)
    bins = [(float(low), float(high), starts[0]) for low, high in edges]
    walks = [
        (code, *each, *[max(0, 40 + 25 * (area % 7) - 9 * place)] * 2)
        for area, code in enumerate(codes)
        for place, each in enumerate(bins)
    ]
    crossings = [
        (country, direction, who, start, *[40 + 5 * start.day] * 2)
        for country in ("GN", "LR")
        for direction in ("in", "out")
        for who in ("resident", "visitor")
        for start in starts
    ]
    counted = ("start", "subscribers", "people")
    radius = radius_of_gyration.MEASURE.dataset
    publish_counts(home, radius, DAYS, walks, "area", "at_least", "below", *counted)
    publish_counts(home, border_crossings.DATASET, DAYS, crossings, "country", "direction", "who", *counted)


@pytest.fixture(scope="session")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
    publish_days: Callable[..., None],
    publish_counts: Callable[..., Any],
    hand_over: Callable[..., Any],
    propose: Callable[..., Proposal],
) -> Iterator[SimpleNamespace]:
    """An installation where everything is published that there is, and somebody of each role.

    It has `home`, of each role, and of somebody with all rights, the secret of a session (`sessions`) and a token
    (`tokens`), a link that somebody new has not followed (`offered`), and a proposal that waits (`proposal`).
    """
    folder = tmp_path_factory.mktemp("whole")
    home = initialise(folder / "data", folder / "keys")
    publish_days(home, DAYS)
    publish_walks_and_borders(home, publish_counts)
    publish_census(home, folder / "census.csv")
    set_budget(home.settings, home.database, "mobility/lockdown", "person-day", 0.5, "os:steward", "as decided")
    waiting = propose(home, first=DAYS[1])
    kept = {"backups": folder / "backups", "backup_keys": folder / "backup-keys"}
    for each in kept.values():
        each.mkdir()
    home = Home(home.settings.model_copy(update=kept), home.database)
    held, shown = {}, {}
    for name, role in (("vera", "viewer"), ("ada", "analyst"), ("grace", "administrator"), ("olga", ALL_RIGHTS)):
        grants = [Grant(each) for each in ([ROLES[role]] if role in ROLES else Role)]
        person, offered = people.create(home.database, name, name.title(), grants, "os:tester")
        held[role] = signing_in.with_link(home.database, offered, "wind over still water", 12)
        shown[role] = tokens.issue(home.database, person.number, "script", list(Permission), 1, "os:tester")
    terms = Terms(("mobility.presence",), "Bus lines", date.today() + timedelta(days=1), level=1)
    agreements.give(home.database, "vera", terms, "os:tester")
    withdrawn = agreements.give(home.database, "vera", replace(terms, first_day=DAYS[0]), "os:tester")
    agreements.withdraw(home.database, withdrawn.number, "os:tester")
    hand_over(home)
    asked = Asked("sample", folders=("march",), mapping="mapping.toml", cells="cells.csv")
    analyst = Visitor(1, grants=(Grant(Role.ANALYST),))
    jobs.cancel(home.database, import_from_inbox(home.settings, home.database, analyst, asked), "os:tester")
    import_from_inbox(home.settings, home.database, analyst, asked)  # this one waits for ever
    compared = jobs.submit(home.database, "disclosure.plan", {name: COMPARED[name] for name in ABOUT}, "os:analyst")
    with home.database.transaction() as session:
        done = session.get_one(Job, compared)
        done.state, done.result, done.finished = "succeeded", COMPARED, datetime.now(UTC)
    _, offered = people.create(home.database, "newcomer", "Newcomer", [], "os:tester")
    backing_up.create(home.settings, home.database, ROOMS, *(each / BACKUP for each in kept.values()), "os:tester")
    yield SimpleNamespace(home=home, sessions=held, tokens=shown, offered=offered, proposal=waiting.short)
    home.database.close()


def publish_census(home: Home, file: Path) -> None:
    """Publish people of the areas that presence has."""
    area_set = latest(home.database, "mobility.presence").area_set
    assert area_set is not None
    codes = load(home.database, area_set).codes
    rows = [f"{code},{1000 * (place + 2)},0.5\n" for place, code in enumerate(codes)]
    file.write_text("area,population,market_share\n" + "".join(rows))
    publish_population(home.settings, home.database, file, area_set, "Made up", "os:tester")


@pytest.fixture(scope="session")
def whole_site(whole: SimpleNamespace, site_for: Callable[..., Any]) -> Any:
    """The whole site in this process; what is published is open to everyone."""
    return site_for(whole.home)


@pytest.fixture(scope="session")
def whole_served(whole: SimpleNamespace, serve: Callable[..., str]) -> str:
    """The address of the whole site, really served; what is published is open to everyone."""
    folders = {name: str(getattr(whole.home.settings, name)) for name in ("backups", "backup_keys")}
    return serve(whole.home, open_reading="true", worker="false", **folders)


@pytest.fixture(scope="session")
def pages(whole: SimpleNamespace, whole_site: Any, whole_served: str) -> list[Page]:
    """Every page: what the routes answer with HTML, and what else is looked at."""
    known = {"/welcome/{offered}": whole.offered, "/disclosure/proposals/{proposal}": whole.proposal, **PLACES}
    found = []
    for route in routes_of_pages(whole_site.app):
        access = access_of(route)
        assert access is not None, f"{route.path} says nothing of whom it is for"
        for address in addresses_of(route.path, known, whole_served, whole.sessions[ALL_RIGHTS]):
            found.append(Page(address, access, 404 if address in WITHOUT_A_PROVIDER else 200))
    return found + [Page(address, access_to(whole_site.app, address), status) for address, status in ALSO.items()]


def access_to(app: Any, address: str) -> Access:
    """Say what the page at an address needs; nothing if there is none."""
    scope = {"type": "http", "method": "GET", "path": urlsplit(address).path, "root_path": "", "headers": []}
    matched = (route for route in routes_of_pages(app) if route.matches(scope)[0] is Match.FULL)
    return next((access for route in matched if (access := access_of(route))), Access())


def routes_of_pages(app: Any) -> list[Route]:
    """Give the routes that people look at: what is not described as part of the API, which is everything else."""
    answering = [route for route in app.router.routes if "GET" in route.methods and not route.include_in_schema]
    return [route for route in answering if route.path not in FILES]


def addresses_of(template: str, known: dict[str, str], served: str, held: str) -> list[str]:
    """Fill a route's template; a figure is the first that its own page links to, if it has any."""
    address = ""
    for part in re.split(r"(?={)", template):
        name, rest = re.fullmatch(r"(?:{(\w+)})?(.*)", part, re.DOTALL).groups()
        if name == "figure":
            whole_page = served + (address.removesuffix("/figures/") or "/")
            page = httpx.get(whole_page, headers={"accept": "text/html", "cookie": f"{SESSION}={held}"})
            assert page.status_code == 200, (address, page.status_code)
            linked = re.search(rf'"{re.escape(address)}([\w-]+)[?"]', page.text)
            if linked is None:
                return []
            address += linked[1]
        elif name:
            so_far = template[: template.index(f"{{{name}}}") + len(name) + 2]
            assert so_far in known, f"say in PLACES what stands in place of {so_far}"
            address += known[so_far]
        address += rest
    return [address]


@pytest.fixture(scope="session")
def readers() -> tuple[str, ...]:
    """Who reads: somebody who did not sign in, and people of three roles."""
    return READERS
