"""A published site to look at: two days of presence and flows over 53 real areas, protected and published for real."""

import asyncio
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from playwright.sync_api import sync_playwright

from commonweal import disclosure
from commonweal.core.areas import load
from commonweal.core.catalog import Input, Kind, Release
from commonweal.core.console import Home
from commonweal.core.identity import Grant, Role, people, signing_in
from commonweal.core.identity.secret import form_token
from commonweal.core.periods import Calendar
from commonweal.disclosure.attacks.membership import Membership
from commonweal.disclosure.attacks.report import Attacked, AttackReport
from commonweal.disclosure.releasing.proposals import Proposal
from commonweal.disclosure.releasing.publishing import approve
from commonweal.disclosure.releasing.standing import grant
from commonweal.domains import initialise
from commonweal.mobility.measures import flows, presence, quality
from commonweal.mobility.measures import home as homes
from commonweal.mobility.projects import Project, create_project
from commonweal.server import application
from commonweal.web.access import FIELD, FORM, SESSION

AREA_SET = "natural-earth:GN,LR,SL"
Days = tuple[date, date]
FIRST, END = date(2015, 3, 27), date(2015, 3, 29)
CALENDAR = Calendar("Africa/Freetown")
PARAMETERS = {
    "project": "lockdown",
    "area_set": AREA_SET,
    "time_zone": "Africa/Freetown",
    "day_starts": "00:00",
    "k": 15,
}
WHO, STEWARD = "os:analyst", "os:steward"
NOBODY, FEW, UNKNOWN = "GN-BE", "GN-BF", "GN-BK"
"""Areas with nobody, with fewer than 15 people, and with people but no value."""


def subscribers_in(place: int, hour: int) -> int:
    """Give a number of people for an area and an hour: some areas full, some with few."""
    return (place * place * 7 + 20) * (6 + min(hour, 23 - hour)) // 12


def publish_presence(home: Home, scale: int = 1, days: Days = (FIRST, END), **said: Any) -> Release:
    return _published(home, days, PARAMETERS | said, (presence.DATASET, _presence(home, scale, days)))[0]


def publish_presence_and_quality(home: Home, days: Days = (FIRST, END)) -> list[Release]:
    """Publish presence, and the daily totals beside it, rounded so that they complete no suppressed table."""
    return _published(home, days, PARAMETERS, (presence.DATASET, _presence(home, 1, days)), totals=_quality)


def _presence(home: Home, scale: int, days: Days) -> pa.Table:
    codes = load(home.database, AREA_SET).codes
    rows = []
    for unit in ("hour", "day"):
        for start in CALENDAR.edges(*days, unit)[:-1].tolist():
            moment = datetime.fromtimestamp(start, UTC)
            for place, code in enumerate(codes):
                people = scale * subscribers_in(place, moment.hour if unit == "hour" else 14)
                people = {NOBODY: 0, FEW: 14}.get(code, people)
                rows.append((code, unit, moment, None if code == UNKNOWN else people, people))
    return _table(rows, "area", "period", "start", "subscribers", "people")


def publish_flows(home: Home, days: Days = (FIRST, END)) -> Release:
    codes = load(home.database, AREA_SET).codes
    rows = []
    for start in CALENDAR.edges(*days, "day")[:-1].tolist():
        for origin in range(len(codes)):
            for destination in range(len(codes)):
                if origin != destination:
                    people = 400 // (1 + abs(origin - destination) * 4) + origin % 3
                    rows.append((codes[origin], codes[destination], datetime.fromtimestamp(start, UTC), people, people))
    raw = _table(rows, "origin", "destination", "start", "subscribers", "people")
    return _published(home, days, PARAMETERS, (flows.DATASET, raw))[0]


def publish_homes(home: Home, days: Days = (FIRST, END)) -> Release:
    codes = load(home.database, AREA_SET).codes
    first = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC)
    said = {"first_day": days[0].isoformat(), "last_day": (days[1] - timedelta(days=1)).isoformat()}
    rows = [(code, first, 20 * place + 5, 20 * place + 5) for place, code in enumerate(codes)]
    raw = _table(rows, "area", "start", "subscribers", "people")
    return _published(home, days, PARAMETERS | said, (homes.DATASET, raw))[0]


def _table(rows: list[tuple[Any, ...]], *names: str) -> pa.Table:
    none = [pa.array([], pa.int64() if name in ("subscribers", "people") else pa.string()) for name in names]
    raw = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)) if rows else none, strict=True)))
    place = names.index("start")
    return raw.set_column(place, "start", raw["start"].cast(pa.timestamp("us", tz="UTC")))


def _quality(shown: pa.Table) -> pa.Table:
    """The daily totals: as if three people stood behind each area of too few."""
    days = quality.at_least({"presence": shown}).sort_by("start")
    by_day = shown.filter(pc.equal(shown["period"], "day"))
    seen = disclosure.parts_by(by_day, "subscribers", ["start"]).sort_by("start")
    totals = pc.add(seen["reported"], pc.multiply(seen["suppressed"], 3))
    return disclosure.rounded_totals(
        quality.DATASET,
        days.append_column("subscribers", totals),
        kind=Kind.SUM,
        rest=True,
        grid=days.select(["start"]),
    )


def _published(
    home: Home,
    days: Days,
    parameters: dict[str, Any],
    counted: tuple[Any, pa.Table],
    totals: Callable[[pa.Table], pa.Table] | None = None,
    area_set: str = AREA_SET,
) -> list[Release]:
    """Protect a table beside what was released before, and release it, with its totals: a steward approves."""
    dataset, raw = counted
    people, k = f"mobility/{parameters['project']}", parameters["k"]
    earlier = disclosure.released_before(home.settings, home.database, people, *days)
    joint = _protected(disclosure.Counted(dataset, raw, raw.select(dataset.key)), tuple(earlier), k)
    tables = list(joint.tables.values())
    store = [Input(f"store {parameters['project']}/2015", "ab" * 32, "store")]
    parts = [disclosure.Part(dataset, store, parameters, area_set)]
    if totals is not None:
        rounding = parameters | {"kind": Kind.SUM.value, "rest": True}
        parts.append(disclosure.Part(quality.DATASET, store, rounding, rule=disclosure.ROUNDED_TOTALS))
        tables.append(totals(tables[0]))
    request = disclosure.Request(people, *days, disclosure.THRESHOLD, {"k": k}, tuple(parts))
    proposed = disclosure.release(
        home.settings, home.database, request, tables, evidence=joint.evidence(), who=WHO
    ).proposal
    released = approve(home.settings, home.database, proposed.id, STEWARD)
    return [one.release for one in released.publications]


_PROTECTED: dict[bytes, disclosure.Joint] = {}
"""What was protected already, by the digest of all that goes into it: many tests publish the same into a new home."""


def _protected(counted: disclosure.Counted, earlier: tuple[disclosure.Earlier, ...], k: int) -> disclosure.Joint:
    tables = [(counted.dataset, k, counted.raw)]
    tables += [(one.dataset, (one.label, one.k, one.hidden_too), one.table) for one in earlier]
    digest = hashlib.sha256()
    for dataset, said, table in tables:
        digest.update(repr((dataset.name, said, table.schema.to_string())).encode())
        for column in table.columns:
            digest.update(repr(column.to_pylist()).encode())
    if (key := digest.digest()) not in _PROTECTED:
        _PROTECTED[key] = disclosure.protect_together([counted], earlier=earlier, k=k)
    return _PROTECTED[key]


class Site:
    """A client of an application, in this process; what is published is open to everyone unless it is said."""

    def __init__(self, home: Home, open_reading: bool = True, **settings: Any) -> None:
        self.home = home
        self.app = application(home.settings.model_copy(update={"open_reading": open_reading} | settings))

    def get(
        self, address: str, method: str = "GET", form: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Ask for an address. A header's name has _ for -."""
        sent = {"host": "localhost:8400"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(self._ask(method, address, sent, form))

    def page(self, address: str) -> httpx.Response:
        """Ask as a browser does."""
        return self.get(address, accept="text/html,*/*;q=0.8")

    async def _ask(
        self, method: str, address: str, headers: dict[str, str], form: dict[str, Any] | None
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8400") as client:
            return await client.request(method, address, headers=headers, data=form)

    def close(self) -> None:
        self.app.state.database.close()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A data directory with one release of presence and one of flows, and what was put into them."""
    folder = tmp_path_factory.mktemp("published")
    home = initialise(folder / "data", folder / "keys")
    shown, totals = publish_presence_and_quality(home)
    yield SimpleNamespace(
        home=home,
        presence=shown,
        quality=totals,
        flows=publish_flows(home),
        homes=publish_homes(home),
        people=subscribers_in,
        nobody=NOBODY,
        few=FEW,
        unknown=UNKNOWN,
    )
    home.database.close()


@pytest.fixture
def publish_more() -> Callable[..., Release]:
    """Publish presence into a home: function of (home, scale, and parameters that are others than usual)."""
    return publish_presence


@pytest.fixture(scope="session")
def publish_table() -> Callable[..., Release]:
    """Publish rows of presence: function of (home, days, (area, unit, start, subscribers, people) rows, area set)."""

    def rows_of(home: Home, days: Days, rows: list[tuple[Any, ...]], area_set: str) -> Release:
        raw = _table(rows, "area", "period", "start", "subscribers", "people")
        said = PARAMETERS | {"area_set": area_set}
        return _published(home, days, said, (presence.DATASET, raw), area_set=area_set)[0]

    return rows_of


@pytest.fixture(scope="session")
def publish_counts() -> Callable[..., Release]:
    """Publish any counted table: function of (home, dataset, days, rows, names of their columns)."""

    def counts_of(home: Home, dataset: Any, days: Days, rows: list[tuple[Any, ...]], *names: str) -> Release:
        said = {"first_day": days[0].isoformat(), "last_day": (days[1] - timedelta(days=1)).isoformat()}
        return _published(home, days, PARAMETERS | said, (dataset, _table(rows, *names)))[0]

    return counts_of


@pytest.fixture
def publish_all() -> Callable[[Home], None]:
    """Publish presence, the daily totals and flows into a home."""

    def everything(home: Home) -> None:
        publish_presence_and_quality(home)
        publish_flows(home)

    return everything


@pytest.fixture(scope="session")
def hand_over(two_days: Path) -> Callable[[Home], Path]:
    """Make a project in a home and put the sample country's records into its inbox: gives the inbox."""

    def fill(home: Home) -> Path:
        create_project(home.database, Project("sample", "Africa/Freetown", area_set=AREA_SET), WHO)
        grant(home.settings, home.database, "threshold", "mobility", {"k": 15}, STEWARD, "as agreed")
        inbox = home.settings.inbox
        shutil.copytree(two_days / "events", inbox / "march")
        for name in ("mapping.toml", "cells.csv"):
            shutil.copy(two_days / name, inbox / name)
        return inbox

    return fill


@pytest.fixture(autouse=True)
def streams_end_at_once(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Cut streams off in this process, whose client waits for the end of an answer, unless a test is about them."""
    if "event_stream" not in request.node.nodeid:
        monkeypatch.setattr("commonweal.web.event_stream.LONGEST", 0.0)


@pytest.fixture(scope="session")
def publish_days() -> Callable[[Home, Days], None]:
    """Publish everything of some days: function of (home, (first day, the day after the last))."""

    def publish(home: Home, days: Days) -> None:
        publish_presence_and_quality(home, days)
        publish_flows(home, days)
        publish_homes(home, days)

    return publish


@pytest.fixture(scope="session")
def site_for() -> Iterator[Callable[[Home], Site]]:
    """Make a site of a home that lasts as long as the tests."""
    made: list[Site] = []

    def make(home: Home, **settings: Any) -> Site:
        made.append(Site(home, **settings))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site_of() -> Iterator[Callable[[Home], Site]]:
    """Make a site of a home, with other settings if they are said."""
    made: list[Site] = []

    def make(home: Home, **settings: Any) -> Site:
        made.append(Site(home, **settings))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture(scope="session")
def site(published: SimpleNamespace) -> Iterator[Site]:
    made = Site(published.home)
    yield made
    made.close()


@pytest.fixture
def empty_site(home: Home) -> Iterator[Site]:
    made = Site(home)
    yield made
    made.close()


# People who use the site ───────────────────────────────────────────────────────────────────────────────────────────

PASSWORD = "wind over still water"
OWN = "http://localhost:8400"


class Browser:
    """Keeps cookies, sends forms back as they came, and says where it is."""

    def __init__(self, site: Site) -> None:
        self.site, self.cookies = site, dict[str, str]()

    def get(self, address: str, **headers: str) -> httpx.Response:
        return self._keep(self._ask("GET", address, None, headers))

    def post(self, address: str, token: str | None = None, origin: str = OWN, **form: Any) -> httpx.Response:
        held = self.cookies.get(SESSION) or self.cookies.get(FORM) or ""
        sent = {FIELD: form_token(held) if token is None else token} | form
        return self._keep(self._ask("POST", address, sent, {"origin": origin}))

    def sign_in(self, name: str, password: str = PASSWORD, **form: str) -> httpx.Response:
        self.get("/sign-in")
        return self.post("/sign-in", name=name, password=password, **form)

    def _ask(self, method: str, address: str, form: Any, headers: dict[str, str]) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return self.site.get(address, method, form, **({"accept": "text/html", "cookie": cookie} | headers))

    def _keep(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer


@pytest.fixture
def browsing() -> type[Browser]:
    """Browse a site: function of it."""
    return Browser


@pytest.fixture
def closed(home: Home, site_of: Callable[..., Site]) -> Site:
    """A site that shows nothing to whoever did not sign in."""
    return site_of(home, open_reading=False)


@pytest.fixture
def person(home: Home) -> Callable[..., people.Person]:
    """Make a person with a password: function of (name, *grants)."""

    def make(name: str, *grants: Grant) -> people.Person:
        made, offered = people.create(home.database, name, name.title(), grants, "os:tester")
        signing_in.with_link(home.database, offered, PASSWORD, 12)
        return made

    return make


@pytest.fixture
def administrator(closed: Site, person: Callable[..., people.Person]) -> Browser:
    """The browser of somebody who administers the closed site."""
    person("grace", Grant(Role.ADMINISTRATOR))
    browser = Browser(closed)
    browser.sign_in("grace")
    return browser


COMMONWEAL = ("-c", "from commonweal.cli import main; main()")
WITH_PSEUDO_LANGUAGE = (str(Path(__file__).with_name("pseudo_language.py")),)
WITH_TRIAL_WORK = (str(Path(__file__).with_name("trial_work.py")),)


def command(home: Home, *arguments: str, start: tuple[str, ...] = COMMONWEAL) -> list[str]:
    """Write a command line of `commonweal` on a data directory."""
    return [sys.executable, *start, "--data", str(home.settings.data), *arguments]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def start_serving(
    home: Home, port: int, log: Path, settings: dict[str, str], start: tuple[str, ...] = WITH_PSEUDO_LANGUAGE
) -> subprocess.Popen[bytes]:
    """Run `commonweal serve`, with the pseudo-language among those it offers, until it answers."""
    environment = os.environ | {f"COMMONWEAL_{name.upper()}": value for name, value in settings.items()}
    # Workers find the handlers of trial work beside this file.
    environment["PYTHONPATH"] = os.pathsep.join((str(Path(__file__).parent), environment.get("PYTHONPATH", "")))
    serve = command(home, "serve", "--port", str(port), start=start)
    with log.open("wb") as written:
        process = subprocess.Popen(serve, stdout=written, stderr=subprocess.STDOUT, env=environment)
    with httpx.Client(timeout=5) as client:
        for _ in range(300):
            if process.poll() is not None:
                raise AssertionError(f"the server stopped: {log.read_text()}")
            try:
                client.get(f"http://127.0.0.1:{port}/health")
                return process
            except httpx.TransportError:
                time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the server did not answer: {log.read_text()}")


@pytest.fixture
def command_line() -> Callable[..., list[str]]:
    """Write a command line of `commonweal`: function of (home, *arguments)."""
    return command


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Really serve a home by `commonweal serve`: function of (home, and settings as text) that gives its address."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(home: Home, **settings: str) -> str:
        port = free_port()
        processes.append(start_serving(home, port, tmp_path_factory.mktemp("served") / "log", settings))
        return f"http://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., SimpleNamespace]]:
    """Really serve a home, with trial work too: function of (home, and settings as text).

    It gives the address, the process, and the file that the process writes to.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def start(home: Home, **settings: str) -> SimpleNamespace:
        port, log = free_port(), tmp_path / f"served-{len(processes)}"
        processes.append(start_serving(home, port, log, settings, WITH_TRIAL_WORK))
        return SimpleNamespace(address=f"http://127.0.0.1:{port}", process=processes[-1], log=log)

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def signed_in() -> Callable[..., str]:
    """Let somebody sign in who holds some roles: function of (home, *grants) that gives their session's secret."""

    def sign_in(home: Home, *grants: Grant) -> str:
        name = f"person{len(people.people(home.database)) + 1}"
        _, offered = people.create(home.database, name, name.title(), grants, WHO)
        return signing_in.with_link(home.database, offered, PASSWORD, 12)

    return sign_in


@pytest.fixture
def reader_of(signed_in: Callable[..., str]) -> Callable[..., Browser]:
    """Give the browser of somebody who holds some roles: function of (site, *grants)."""

    def browse(site: Site, *grants: Grant) -> Browser:
        browser = Browser(site)
        browser.cookies[SESSION] = signed_in(site.home, *grants)
        return browser

    return browse


@pytest.fixture(scope="session")
def served(published: SimpleNamespace, serve: Callable[..., str]) -> str:
    """The address of the published site, really served, where everyone may read; it works on no queue.

    Others serve the same home with other settings, and what they are asked for must not be done by these.
    """
    return serve(published.home, open_reading="true", worker="false")


# A real browser ────────────────────────────────────────────────────────────────────────────────────────────────────

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser(need: Any) -> Iterator[Any]:
    """A browser; it ends with its file, since no other event loop can run beside it."""
    program = need("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as started:
        launched = started.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Any, served: str) -> Iterator[Callable[..., Any]]:
    """Open an address; at the end there must have been no console message and no request off the host.

    A session's secret, `held`, opens it as the person whose session it is; `at` is another site's address.
    """
    contexts, findings, hosts = [], [], [served]

    def off_the_host(route: Any) -> None:
        address = route.request.url
        if address.startswith(tuple(hosts)) or urlsplit(address).scheme == "data":
            route.continue_()
        else:
            findings.append(f"request off the host: {address}")
            route.abort()

    def opened(
        address: str,
        width: int = 1280,
        height: int = 900,
        may_fail: bool = False,
        held: str = "",
        at: str = served,
        **options: Any,
    ) -> Any:
        hosts.append(at)
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        if held:
            context.add_cookies(
                [{"name": SESSION, "value": held, "url": at.replace("http:", "https:"), "secure": True}]
            )
        context.route("**/*", off_the_host)
        page = context.new_page()
        if not may_fail:
            page.on("console", lambda message: findings.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: findings.append(f"error: {error}"))
        page.goto(at + address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert findings == []


# Proposals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def propose_homes(home: Home, who: str = WHO, first: date = FIRST, **said: Any) -> Proposal:
    """Protect home areas together with what was released before, attack them, and propose them."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    people = [6 if place == 3 else 20 * place + 5 for place in range(len(load(home.database, AREA_SET).codes))]
    rows = [(code, start, many, many) for code, many in zip(load(home.database, AREA_SET).codes, people, strict=True)]
    raw = _table(rows, "area", "start", "subscribers", "people")
    days = (first, first + timedelta(days=2))

    def make() -> disclosure.Drawn:
        earlier = disclosure.released_before(home.settings, home.database, "mobility/lockdown", *days)
        counted = disclosure.Counted(homes.DATASET, raw, raw.select(homes.DATASET.key))
        joint = disclosure.protect_together([counted], earlier=earlier, k=15)
        tried = Attacked(homes.DATASET.name, Membership(0.51, 0.02, 150, 150, 987))
        report = AttackReport((*joint.findings, tried))
        [table] = joint.tables.values()
        if "loss" in said:  # as noise leaves it: nothing stands there as it was counted
            states = pc.replace_substring(table["subscribers_state"], "reported", "perturbed")
            place = table.column_names.index("subscribers_state")
            table = table.set_column(place, "subscribers_state", states)
        return disclosure.Drawn([table], joint.evidence() | {"attacks": report.record()})

    about = {"first_day": days[0].isoformat(), "last_day": (days[1] - timedelta(days=1)).isoformat()}
    made_from = [Input("store lockdown/2015", "ab" * 32, "store")]
    part = disclosure.Part(homes.DATASET, made_from, PARAMETERS | about, area_set=AREA_SET)
    asked = {
        "people": "mobility/lockdown",
        "first": days[0],
        "last": days[1],
        "rule": "threshold",
        "parameters": {"k": 15},
        "parts": (part,),
    }
    request = disclosure.Request(**(asked | said))
    return disclosure.release(home.settings, home.database, request, make, drawn=False, who=who).proposal


@pytest.fixture(scope="session")
def propose() -> Callable[..., Proposal]:
    """Propose home areas: function of (home, who, first day, and what else is asked otherwise)."""
    return propose_homes
